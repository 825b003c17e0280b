"""Pairs of Ed25519 keys; imported only where one is used, because it needs an extra."""

from __future__ import annotations

import base64
import binascii

from attrs import field, frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["PrivateKey", "PublicKey"]

_VERSION = "v1a"


@frozen
class PrivateKey:
    """The half of a pair that signs."""

    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, seed: bytes) -> PrivateKey:
        """The key of a seed of 32 bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, content: bytes) -> str:
        """The signature, with its version in front."""
        return f"{_VERSION}," + base64.b64encode(self.key.sign(content)).decode()


@frozen
class PublicKey:
    """The half of a pair that verifies."""

    key: Ed25519PublicKey

    @classmethod
    def of(cls, point: bytes) -> PublicKey:
        """The key of its 32 bytes."""
        return cls(Ed25519PublicKey.from_public_bytes(point))

    def fits(self, content: bytes, signature: str) -> bool:
        """Whether it is a signature of this content by the other half."""
        version, _, encoded = signature.partition(",")
        try:
            self.key.verify(base64.b64decode(encoded, validate=True), content)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return version == _VERSION
