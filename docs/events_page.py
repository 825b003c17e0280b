"""Writes the page about events, and the file of each schema: ``python docs/events_page.py``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marketplace_sdk.domain.event_types import CATALOGUE
from marketplace_sdk.wire.published import EVENT_TYPES, event_schema

HERE = Path(__file__).parent / "reference"

HEAD = """\
# Events

What leaves the marketplace in webhooks and other notifiers that receive events.
This page and the schemas are written from the code by `docs/events_page.py`.

A body is `{type, timestamp, data}`: the type, when it happened, and what a schema describes
(JSON Schema, draft 2020-12).
`data.version` is the version of that description.
Within a version fields are only added; whatever could break a receiver raises it.
In Python `EVENT_TYPES` holds all of this, and `event_schema(name)` the schema of a body.

No event holds a secret.
Answers, reasons and inquiries stand only in what is sent to a destination that includes them.
What concerns one request arrives in order, perhaps more than once, under the same message id.

## All types

The reference system is the one whose names many receivers know already;
its names begin with `marketplace.`.
It has a type `data_product.access_requests.data_steward.updated`, too, which is never sent here:
one final decision is exactly one `consumer.updated`.

| type | sent when | version | name in the reference system | logged as |
|---|---|---|---|---|
"""


def pages() -> Mapping[Path, str]:
    """Every file by its path."""
    text = HEAD + "".join(map(_row, EVENT_TYPES)) + "".join(map(_part, EVENT_TYPES))
    files = {HERE / "events.md": text}
    for name in EVENT_TYPES:
        files[HERE / "schemas" / f"{name}.json"] = _json(event_schema(name)) + "\n"
    return files


def _row(name: str) -> str:
    kind = EVENT_TYPES[name]
    logged = ", ".join(f"`{each.name}`" for each in CATALOGUE.values() if each.outgoing == name)
    reference = f"`{kind.reference}`" if kind.reference else ""
    return f"| `{name}` | {kind.summary} | {kind.version} | {reference} | {logged} |\n"


def _part(name: str) -> str:
    kind = EVENT_TYPES[name]
    body = {"type": name, "timestamp": "2026-01-02T03:04:05Z", "data": dict(kind.example)}
    return (
        f"\n## {name}\n\n{kind.summary}\n"
        f"Schema: {{download}}`{name}.json <schemas/{name}.json>`.\n\n"
        f"```json\n{_json(body)}\n```\n"
    )


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
