"""Signatures of the Standard Webhooks specification, for senders and receivers.

The signed content is ``{id}.{timestamp}.{body}``; see https://www.standardwebhooks.com. A header
may hold several signatures, so that a secret can be exchanged without a missed message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from marketplace_sdk_webhook.keys import verifying_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marketplace_sdk_webhook.keys import Signing

__all__ = ["TOLERANCE", "BadSignature", "sign", "verify"]

TOLERANCE = 300.0
"""Seconds by which the sender's and the receiver's clock may differ."""

_MOST_SIGNATURES = 16
_ID = re.compile(r"[!-~]{1,256}")
_SECONDS = re.compile(r"[0-9]{1,12}")


class BadSignature(ValueError):
    """What arrived was not signed with this secret, was changed, or is too old or too new."""


def sign(id: str, timestamp: int, body: bytes, *, keys: Sequence[Signing]) -> str:
    """The value of the ``webhook-signature`` header: a signature by each key.

    Args:
        id: the message's id, as in the ``webhook-id`` header.
        timestamp: time of this attempt, in whole seconds since 1970 (UTC).
        body: the exact bytes that are sent.
        keys: the newest first.

    Raises:
        ValueError: the id cannot stand in a header (1 to 256 printable ASCII characters can).
    """
    if not _ID.fullmatch(id):
        raise ValueError("the id cannot stand in a header")
    content = _content(id, timestamp, body)
    return " ".join(key.sign(content) for key in keys)


def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    secret: str | Sequence[str],
    now: float,
    tolerance: float = TOLERANCE,
) -> None:
    """Return when one of the signatures is right and recent; raise otherwise.

    Takes the same time for every wrong signature. Does not notice repetitions: receivers drop a
    ``webhook-id`` that they have seen.

    Args:
        headers: of the request; upper and lower case do not matter.
        body: the exact bytes that were received, before any parsing.
        secret: as agreed with the sender, ``whsec_…`` or the sender's public key ``whpk_…``; the
            old and the new one while they are exchanged.
        now: seconds since 1970 (UTC), usually ``time.time()``.
        tolerance: greatest difference between ``now`` and the header, in seconds.

    Raises:
        BadSignature: a header is missing, the time is off or no signature fits.
        ValueError: a secret itself is unusable.
    """
    keys = [verifying_key(each) for each in ([secret] if isinstance(secret, str) else secret)]
    found = {name.lower(): value for name, value in headers.items()}
    id = found.get("webhook-id", "")
    seconds = found.get("webhook-timestamp", "")
    if not _ID.fullmatch(id) or not _SECONDS.fullmatch(seconds):
        raise BadSignature("webhook-id or webhook-timestamp is missing or malformed")
    timestamp = int(seconds)
    # The text itself is signed, so a second spelling of the same number must not pass.
    if str(timestamp) != seconds or abs(now - timestamp) > tolerance:
        raise BadSignature("webhook-timestamp is too old or too new")
    content = _content(id, timestamp, body)
    # A bounded number, because verifying Ed25519 costs something.
    offered = found.get("webhook-signature", "").split(" ")[:_MOST_SIGNATURES]
    fits = [key.fits(content, signature) for key in keys for signature in offered]
    if not any(fits):
        raise BadSignature("no signature fits")


def _content(id: str, timestamp: int, body: bytes) -> bytes:
    return f"{id}.{timestamp}.".encode() + body
