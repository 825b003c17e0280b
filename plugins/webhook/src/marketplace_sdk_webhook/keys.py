"""What to sign with and what to verify with, as the texts of Standard Webhooks write them.

``whsec_`` and base64 is a secret that sender and receiver share (HMAC-SHA256); any other text
without a known beginning is one too, used as UTF-8. ``whsk_`` and ``whpk_`` are the private and
the public half of an Ed25519 key, so that a receiver who is broken into cannot sign.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any, Protocol

from attrs import field, frozen

__all__ = ["Signing", "Verifying", "signing_key", "verifying_key"]

SHARED, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
_SHORTEST = 24
_SEED, _SEED_AND_PUBLIC = 32, 64


class Signing(Protocol):
    """A key that signs."""

    def sign(self, content: bytes) -> str:
        """The signature with its version in front, for example ``v1,`` and base64."""


class Verifying(Protocol):
    """A key that verifies."""

    def fits(self, content: bytes, signature: str) -> bool:
        """Whether it is a signature of this content; as slow for every wrong one."""


@frozen
class _Shared:
    """A secret of both sides."""

    key: bytes = field(repr=False)

    def sign(self, content: bytes) -> str:
        digest = hmac.digest(self.key, content, "sha256")
        return "v1," + base64.b64encode(digest).decode()

    def fits(self, content: bytes, signature: str) -> bool:
        return hmac.compare_digest(self.sign(content).encode(), signature.encode(errors="replace"))


def signing_key(secret: str) -> Signing:
    """The key that a sender's secret stands for.

    Raises:
        ValueError: the text is broken, stands for too few bytes, or is a public key; or Ed25519
            is wanted and the ``ed25519`` extra is not installed. The secret is not repeated.
    """
    if secret.startswith(PUBLIC):
        raise ValueError("is a public key, which cannot sign; give whsk_ or whsec_")
    if not secret.startswith(PRIVATE):
        return _Shared(_shared(secret))
    seed = _decoded(secret, PRIVATE)
    if len(seed) not in (_SEED, _SEED_AND_PUBLIC):
        raise ValueError(f"does not stand for {_SEED} bytes")
    key: Signing = _pair().PrivateKey.of(seed[:_SEED])
    return key


def verifying_key(secret: str) -> Verifying:
    """The key that a receiver's secret or public key stands for.

    Raises:
        ValueError: as above; a private key is refused, because a receiver should not have it.
    """
    if secret.startswith(PRIVATE):
        raise ValueError("is a private key, which is the sender's; give whpk_ or whsec_")
    if not secret.startswith(PUBLIC):
        return _Shared(_shared(secret))
    public = _decoded(secret, PUBLIC)
    if len(public) != _SEED:
        raise ValueError(f"does not stand for {_SEED} bytes")
    key: Verifying = _pair().PublicKey.of(public)
    return key


def _shared(secret: str) -> bytes:
    key = _decoded(secret, SHARED) if secret.startswith(SHARED) else secret.encode()
    if len(key) < _SHORTEST:
        raise ValueError(f"stands for fewer than {_SHORTEST} bytes")
    return key


def _decoded(secret: str, prefix: str) -> bytes:
    encoded = secret.removeprefix(prefix)
    try:
        # Many generators leave the padding out.
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"is not base64 after {prefix}") from None


def _pair() -> Any:
    """The module of pairs."""
    try:
        from marketplace_sdk_webhook import ed25519
    except ModuleNotFoundError:
        raise ValueError("needs the ed25519 extra of data-marketplace-sdk-webhook") from None
    return ed25519
