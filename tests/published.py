"""What is wrong with an event that leaves, measured by the schema that receivers are given."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from marketplace_sdk.memory.notifier import MemoryNotifier
from marketplace_sdk.wire.codec import plain, text_of
from marketplace_sdk.wire.published import EVENT_TYPES, event_schema


class Hook(MemoryNotifier):
    """Remembers messages, and what is wrong with each of the events."""

    def __init__(self) -> None:
        super().__init__()
        self.flaws: list[str] = []

    def deliver(self, message: Any, call: Any) -> None:
        super().deliver(message, call)
        if message.sort == "event":
            self.flaws += flaws_of(message)


def flaws_of(message: Any) -> list[str]:
    """Empty when the body of a message is what its schema says, and holds nothing beyond."""
    if message.type not in EVENT_TYPES:
        return [f"{message.type} is not published"]
    body = {"type": message.type, "timestamp": text_of(message.at), "data": plain(message.data)}
    return [
        f"{message.type}: {each.message}" for each in _validator(message.type).iter_errors(body)
    ]


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(closed(event_schema(name)))


def closed(schema: Any) -> Any:
    """The schema with nothing but what it names: receivers may meet more, we may not send more."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        shut.setdefault("additionalProperties", False)
    return shut
