"""The bytes that are sent, the same for the same message whatever order its data are kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Message
    from marketplace_sdk_webhook.config import Format

__all__ = ["body_of"]


def body_of(message: Message, format: Format, source: str) -> tuple[str, bytes]:
    """Media type and body of a message.

    Args:
        message: an event.
        format: ``standard``: type, timestamp and data, as Standard Webhooks has them;
            ``cloudevents``: CloudEvents 1.0 in structured mode.
        source: of a CloudEvent.

    Raises:
        TypeError: the data hold something that JSON has no form for.
        ValueError: the data hold a number that JSON has no form for, or contain themselves.
    """
    at = message.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if format == "standard":
        return "application/json", _object(
            {"type": message.type, "timestamp": at, "data": message.data}
        )
    return "application/cloudevents+json; charset=utf-8", _object(
        {
            "specversion": "1.0",
            "id": message.id,
            "source": source,
            "type": message.type,
            "time": at,
            "datacontenttype": "application/json",
            "data": message.data,
        }
    )


def _object(parts: Mapping[str, object]) -> bytes:
    texts = (f'"{name}":{_compact(value)}' for name, value in parts.items())
    return ("{" + ",".join(texts) + "}").encode()


def _compact(value: object) -> str:
    # Stores may give the keys back in another order, but retries must be the same bytes. ASCII
    # only, so that no gateway on the way can re-encode what is signed.
    return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False, default=_plain)


def _plain(value: object) -> dict[object, object]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError
