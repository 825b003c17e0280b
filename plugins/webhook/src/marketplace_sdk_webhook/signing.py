"""Signatures of the Standard Webhooks specification, for senders and receivers.

The signed content is ``{id}.{timestamp}.{body}``; the signature is ``v1,`` and the base64 form of
its HMAC-SHA256. See https://www.standardwebhooks.com.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TOLERANCE", "BadSignature", "key_of", "sign", "verify"]

TOLERANCE = 300.0
"""Seconds by which the sender's and the receiver's clock may differ."""

_PREFIX = "whsec_"
_SHORTEST_KEY = 24
_ID = re.compile(r"[!-~]{1,256}")
_SECONDS = re.compile(r"[0-9]{1,12}")


class BadSignature(ValueError):
    """What arrived was not signed with this secret, was changed, or is too old or too new."""


def key_of(secret: str) -> bytes:
    """The key that a secret stands for.

    Args:
        secret: ``whsec_`` and a base64 text, or any other text, which is then used as UTF-8.

    Raises:
        ValueError: the base64 text is broken, or the key is shorter than the 24 bytes that the
            specification asks for. The secret is not repeated.
    """
    key = secret.encode()
    if secret.startswith(_PREFIX):
        encoded = secret.removeprefix(_PREFIX)
        try:
            # Many generators leave the padding out.
            key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("is not base64 after whsec_") from None
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"stands for fewer than {_SHORTEST_KEY} bytes")
    return key


def sign(id: str, timestamp: int, body: bytes, *, key: bytes) -> str:
    """The value of the ``webhook-signature`` header.

    Args:
        id: the message's id, as in the ``webhook-id`` header.
        timestamp: time of this attempt, in whole seconds since 1970 (UTC).
        body: the exact bytes that are sent.
        key: see :func:`key_of`.

    Raises:
        ValueError: the id cannot stand in a header (1 to 256 printable ASCII characters can).
    """
    if not _ID.fullmatch(id):
        raise ValueError("the id cannot stand in a header")
    digest = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(digest).decode()


def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    secret: str,
    now: float,
    tolerance: float = TOLERANCE,
) -> None:
    """Return when one of the signatures is right and recent; raise otherwise.

    Takes the same time for every wrong signature. Does not notice repetitions: receivers drop a
    ``webhook-id`` that they have seen.

    Args:
        headers: of the request; upper and lower case do not matter.
        body: the exact bytes that were received, before any parsing.
        secret: as agreed with the sender.
        now: seconds since 1970 (UTC), usually ``time.time()``.
        tolerance: greatest difference between ``now`` and the header, in seconds.

    Raises:
        BadSignature: a header is missing, the time is off or no signature fits.
        ValueError: the secret itself is unusable.
    """
    key = key_of(secret)
    found = {name.lower(): value for name, value in headers.items()}
    id = found.get("webhook-id", "")
    seconds = found.get("webhook-timestamp", "")
    if not _ID.fullmatch(id) or not _SECONDS.fullmatch(seconds):
        raise BadSignature("webhook-id or webhook-timestamp is missing or malformed")
    timestamp = int(seconds)
    # The text itself is signed, so a second spelling of the same number must not pass.
    if str(timestamp) != seconds or abs(now - timestamp) > tolerance:
        raise BadSignature("webhook-timestamp is too old or too new")
    right = sign(id, timestamp, body, key=key).encode()
    fits = [
        hmac.compare_digest(right, offered.encode(errors="replace"))
        for offered in found.get("webhook-signature", "").split(" ")
    ]
    if not any(fits):
        raise BadSignature("no signature fits")
