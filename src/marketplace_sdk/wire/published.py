"""What leaves the marketplace: every type of event, with its JSON Schema and an example.

Receivers may rely on what a schema requires. Fields are only added within a version; a change that
could break a receiver raises the version, which stands in each message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from marketplace_sdk.wire.event_parts import (
    ASKED,
    BRIEF,
    CAMPAIGN,
    DECIDED,
    DETERMINATION,
    EMERGENCY,
    ESCALATION,
    FOUND,
    GLASS,
    INQUIRY,
    INSTANT,
    NAMES,
    ORDERS,
    PRODUCT,
    REVIEW,
    SAID,
    TEXT,
    JsonSchema,
    data_of,
    emergency_example,
    example_of,
    inquiry,
    of_request,
)

__all__ = ["EVENT_TYPES", "EventSchema", "event_schema"]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = "marketplace."
"""What the reference system writes in front of its names."""


@frozen(kw_only=True)
class EventSchema:
    """One type of event as it leaves.

    Attributes:
        name: as in ``type``.
        summary: when it is sent.
        version: of what ``data`` holds; in ``data.version`` too.
        schema: JSON Schema (draft 2020-12) of ``data``.
        example: of ``data``.
        reference: name in the reference system; empty when it has none.
    """

    name: str
    summary: str
    schema: JsonSchema = field(repr=False)
    example: Mapping[str, Any] = field(repr=False)
    version: int = 1
    reference: str = ""


_PREFIX = "data_product."
_REQUESTS = f"{_PREFIX}access_requests."

EVENT_TYPES: Mapping[str, EventSchema] = {
    each.name: each
    for each in (
        EventSchema(
            name=f"{_PREFIX}state.created",
            summary="A data product was published.",
            schema=data_of({"product": PRODUCT, "by": TEXT, "sources": NAMES}),
            example={"version": 1, "product": ORDERS, "by": "dee", "sources": ["orders"]},
            reference=f"{REFERENCE}{_PREFIX}state.created",
        ),
        EventSchema(
            name=f"{_PREFIX}state.deleted",
            summary="A data product is gone; all access through it has ended.",
            schema=data_of({"product": PRODUCT}),
            example={"version": 1, "product": ORDERS},
            reference=f"{REFERENCE}{_PREFIX}state.deleted",
        ),
        EventSchema(
            name=f"{_PREFIX}data_sources.updated",
            summary="The data sources of a product changed.",
            schema=data_of({"product": PRODUCT, "added": NAMES, "removed": NAMES}),
            example={"version": 1, "product": ORDERS, "added": ["returns"], "removed": []},
            reference=f"{REFERENCE}{_PREFIX}data_sources.updated",
        ),
        EventSchema(
            name=f"{_REQUESTS}created",
            summary="Somebody asks for access or a masking exception.",
            schema=of_request(),
            example=example_of("pending"),
            reference=f"{REFERENCE}{_REQUESTS}created",
        ),
        EventSchema(
            name=f"{_REQUESTS}question_asked",
            summary="Somebody who may decide wants to know more first; the request stays pending.",
            schema=of_request({"inquiry": inquiry("asked_by")}),
            example=example_of("pending", inquiry={"id": INQUIRY, "asked_by": "dpo"}),
        ),
        EventSchema(
            name=f"{_REQUESTS}question_answered",
            summary="Such a question was answered; the request stays pending.",
            schema=of_request({"inquiry": inquiry("asked_by", "answered_by")}),
            example=example_of(
                "pending", inquiry={"id": INQUIRY, "asked_by": "dpo", "answered_by": "bob"}
            ),
        ),
        EventSchema(
            name=f"{_REQUESTS}escalated",
            summary="Nobody has decided for so long that others may, too; it stays pending.",
            schema=of_request({"escalation": ESCALATION}),
            example=example_of(
                "pending",
                escalation={
                    "stage": 0,
                    "to": "group data-office",
                    "at": "2026-01-05T03:04:05+00:00",
                },
            ),
        ),
        EventSchema(
            name=f"{_REQUESTS}consumer.updated",
            summary="The final decision; exactly one for each request that is decided.",
            schema=of_request(determination=DETERMINATION),
            example=example_of("approved", determination=DECIDED),
            reference=f"{REFERENCE}{_REQUESTS}consumer.updated",
        ),
        EventSchema(
            name=f"{_REQUESTS}emergency_opened",
            summary="Somebody broke the glass: access that nobody decided; to be reviewed.",
            schema=of_request({"emergency": EMERGENCY}),
            example=emergency_example(emergency=GLASS),
        ),
        EventSchema(
            name=f"{_REQUESTS}emergency_overdue",
            summary="The review of an emergency access is late.",
            schema=of_request({"emergency": EMERGENCY}),
            example=emergency_example(emergency=GLASS),
        ),
        EventSchema(
            name=f"{_REQUESTS}emergency_reviewed",
            summary="A steward found whether it was an emergency; if not, access is revoked.",
            schema=of_request({"review": REVIEW}),
            example=emergency_example(review=FOUND),
        ),
        EventSchema(
            name=f"{_REQUESTS}canceled",
            summary="A pending request was called off.",
            schema=of_request({"cause": TEXT}),
            example=example_of("canceled", cause="requester"),
            reference=f"{REFERENCE}{_REQUESTS}canceled",
        ),
        EventSchema(
            name=f"{_REQUESTS}revoked",
            summary="An approval was taken back.",
            schema=of_request({"cause": TEXT}, campaign=CAMPAIGN),
            example=example_of("revoked", cause="revoked"),
            reference=f"{REFERENCE}{_REQUESTS}revoked",
        ),
        EventSchema(
            name=f"{_REQUESTS}expiring",
            summary="Access ends in 7 days, or in 1 day.",
            schema=of_request({"due": {"enum": ["7 days", "1 day"]}}),
            example=example_of("approved", due="7 days"),
            reference=f"{REFERENCE}{_REQUESTS}expiring",
        ),
        EventSchema(
            name=f"{_REQUESTS}expired",
            summary="A temporary approval has ended.",
            schema=of_request({"cause": TEXT}),
            example=example_of("expired", cause="expired"),
            reference=f"{REFERENCE}{_REQUESTS}expired",
        ),
        EventSchema(
            name=f"{_REQUESTS}deleted",
            summary="The product behind a pending or approved request is being deleted.",
            schema=data_of({"product": PRODUCT, "request": BRIEF}, **SAID),
            example={
                "version": 1,
                "product": ORDERS,
                "request": {"id": ASKED["id"], "kind": "access"},
            },
            reference=f"{REFERENCE}{_REQUESTS}deleted",
        ),
        EventSchema(
            name="audit.sealed",
            summary="The log of events was sealed; only for destinations that receive seals.",
            schema=data_of(
                {
                    "number": {"type": "integer", "minimum": 1},
                    "at": INSTANT,
                    "first": {"type": "integer"},
                    "last": {"type": "integer"},
                    "count": {"type": "integer", "minimum": 1},
                    "root": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                },
                previous=TEXT,
            ),
            example={
                "version": 1,
                "number": 1,
                "at": "2026-01-02T00:00:00.000000Z",
                "first": 1,
                "last": 12,
                "count": 12,
                "root": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "hash": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
            },
        ),
        EventSchema(
            name="test",
            summary="An administrator tries whether a destination is reached.",
            schema=data_of({"destination": TEXT}),
            example={"version": 1, "destination": "portal"},
        ),
    )
}
"""By name."""


def event_schema(name: str) -> dict[str, Any]:
    """JSON Schema of a whole body ``{type, timestamp, data}`` of one type.

    Raises:
        KeyError: there is no such type.
    """
    kind = EVENT_TYPES[name]
    return {
        "$schema": DRAFT,
        "title": name,
        "description": kind.summary,
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "additionalProperties": False,
        "properties": {"type": {"const": name}, "timestamp": INSTANT, "data": dict(kind.schema)},
    }
