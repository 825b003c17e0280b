"""What leaves the marketplace: every type of event, with its JSON Schema and an example.

Receivers may rely on what a schema requires. Fields are only added within a version; a change that
could break a receiver raises the version, which stands in each message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

__all__ = ["EVENT_TYPES", "EventSchema", "event_schema"]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = "marketplace."
"""What the reference system writes in front of its names."""

JsonSchema = Mapping[str, Any]


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


_TEXT = {"type": "string"}
_INSTANT = {"type": "string", "format": "date-time"}
_NAMES = {"type": "array", "items": _TEXT}
_PRODUCT = {
    "type": "object",
    "required": ["id", "name", "domain"],
    "properties": {"id": _TEXT, "name": _TEXT, "domain": _TEXT},
}
_WHICH = {"id": _TEXT, "kind": {"enum": ["access", "masking_exception"]}}
_BRIEF = {"type": "object", "required": ["id", "kind"], "properties": _WHICH}
_STATES = ["pending", "approved", "denied", "canceled", "revoked", "expired"]
_REQUEST = {
    "type": "object",
    "required": ["id", "kind", "state", "requester", "beneficiary", "columns", "until"],
    "properties": {
        **_WHICH,
        "state": {"enum": _STATES},
        "requester": {"type": "string", "description": "id of the person who asked"},
        "beneficiary": {
            "type": "string",
            "pattern": "^(user|group):",
            "description": "who gets the access",
        },
        "columns": {
            "type": "array",
            "items": _TEXT,
            "description": "source.column names of a masking exception",
        },
        "until": {"anyOf": [_INSTANT, {"type": "null"}], "description": "end; null: without end"},
        "form_version": _TEXT,
        "extends": {"type": "string", "description": "id of the grant that it would extend"},
        "emergency": {"const": True, "description": "nobody decided; only where it is so"},
    },
}
_STEWARD = {
    "type": "string",
    "description": "id of the steward whom a deputy represented; only of a deputy",
}
_CAMPAIGN = {
    "type": "object",
    "description": "the recertification campaign in which it was refused or not certified",
    "required": ["id", "name"],
    "properties": {"id": _TEXT, "name": _TEXT},
}
_DETERMINATION = {
    "type": "object",
    "required": ["id", "by", "verdict", "stage", "matched", "as_of", "self_review"],
    "properties": {
        "id": _TEXT,
        "by": _TEXT,
        "verdict": {"enum": ["approve", "deny"]},
        "stage": {"type": "integer", "minimum": 0},
        "matched": _NAMES,
        "as_of": {"anyOf": [_INSTANT, {"type": "null"}]},
        "self_review": {"type": "boolean"},
        "deputy_for": _STEWARD,
        "deputyship": {"type": "string", "description": "its id; only of a deputy"},
    },
}
_SAID: dict[str, JsonSchema] = {
    "answers": {
        "type": "object",
        "description": "by question key; only for a destination that includes answers",
    },
    "reasons": {
        "type": "array",
        "description": "only for a destination that includes reasons",
        "items": {
            "type": "object",
            "required": ["by", "verdict", "reason"],
            "properties": {
                "by": _TEXT,
                "deputy_for": _STEWARD,
                "verdict": _TEXT,
                "reason": _TEXT,
            },
        },
    },
    "inquiries": {
        "type": "array",
        "description": "only for a destination that includes inquiries",
        "items": {
            "type": "object",
            "required": ["id", "asked_by", "question", "answered_by", "answer"],
            "properties": {
                "id": _TEXT,
                "asked_by": _TEXT,
                "deputy_for": _STEWARD,
                "question": _TEXT,
                "answered_by": {"type": "string", "description": "empty: nobody has answered"},
                "answer": _TEXT,
            },
        },
    },
}
_LINKS = {
    "type": "object",
    "description": "pages of the portal; only when it has named some",
    "additionalProperties": {"type": "string", "format": "uri"},
}


def _data(required: Mapping[str, JsonSchema], **more: JsonSchema) -> JsonSchema:
    return {
        "type": "object",
        "required": ["version", *required],
        "properties": {"version": {"const": 1}, **required, **more, "links": _LINKS},
    }


def _of_request(required: Mapping[str, JsonSchema] | None = None, **more: JsonSchema) -> JsonSchema:
    return _data(
        {"product": _PRODUCT, "request": _REQUEST, **(required or {})}, **{**_SAID, **more}
    )


def _inquiry(*who: str) -> JsonSchema:
    return {
        "type": "object",
        "required": ["id", *who],
        "properties": {"id": _TEXT, **dict.fromkeys(who, _TEXT), "deputy_for": _STEWARD},
    }


_ESCALATION = {
    "type": "object",
    "required": ["stage", "to", "at"],
    "properties": {
        "stage": {"type": "integer", "minimum": 0},
        "to": {"type": "string", "description": "who may decide beside the stewards of the stage"},
        "at": {**_INSTANT, "description": "from when they may"},
    },
}
_EMERGENCY = {
    "type": "object",
    "required": ["admitted", "as_of", "review_due"],
    "properties": {
        "admitted": {"type": "string", "description": "selector of the product, in words"},
        "as_of": {"anyOf": [_INSTANT, {"type": "null"}]},
        "review_due": _INSTANT,
    },
}
_REVIEW = {
    "type": "object",
    "required": ["by", "justified", "matched", "as_of"],
    "properties": {
        "by": _TEXT,
        "justified": {"type": "boolean"},
        "matched": _NAMES,
        "as_of": {"anyOf": [_INSTANT, {"type": "null"}]},
    },
}
_ORDERS = {"id": "orders", "name": "Orders", "domain": "sales"}
_ASKED: dict[str, Any] = {
    "id": "01a20000-0000-7000-8000-000000000001",
    "kind": "access",
    "state": "pending",
    "requester": "bob",
    "beneficiary": "user:bob",
    "columns": [],
    "until": None,
    "form_version": "01a20000-0000-7000-8000-000000000002",
    "extends": "",
}
_INQUIRY = "01a20000-0000-7000-8000-000000000004"
_DECIDED = {
    "id": "01a20000-0000-7000-8000-000000000003",
    "by": "dpo",
    "verdict": "approve",
    "stage": 0,
    "matched": ["permission PRIVACY_REVIEW"],
    "as_of": "2026-01-02T03:04:05+00:00",
    "self_review": False,
}


_GLASS = {
    "admitted": "group on call",
    "as_of": "2026-01-02T03:04:05+00:00",
    "review_due": "2026-01-04T03:04:05+00:00",
}
_FOUND = {"by": "dpo", "justified": True, "matched": ["group Privacy"], "as_of": _GLASS["as_of"]}


def _emergency(**more: object) -> Mapping[str, Any]:
    example = _example("approved", **more)
    return {**example, "request": {**example["request"], "emergency": True}}


def _example(state: str, **more: object) -> Mapping[str, Any]:
    until = None if state in ("pending", "denied", "canceled") else "2026-02-01T12:00:00+00:00"
    request = {**_ASKED, "state": state, "until": until}
    return {"version": 1, "product": _ORDERS, "request": request, **more}


_PREFIX = "data_product."
_REQUESTS = f"{_PREFIX}access_requests."

EVENT_TYPES: Mapping[str, EventSchema] = {
    each.name: each
    for each in (
        EventSchema(
            name=f"{_PREFIX}state.created",
            summary="A data product was published.",
            schema=_data({"product": _PRODUCT, "by": _TEXT, "sources": _NAMES}),
            example={"version": 1, "product": _ORDERS, "by": "dee", "sources": ["orders"]},
            reference=f"{REFERENCE}{_PREFIX}state.created",
        ),
        EventSchema(
            name=f"{_PREFIX}state.deleted",
            summary="A data product is gone; all access through it has ended.",
            schema=_data({"product": _PRODUCT}),
            example={"version": 1, "product": _ORDERS},
            reference=f"{REFERENCE}{_PREFIX}state.deleted",
        ),
        EventSchema(
            name=f"{_PREFIX}data_sources.updated",
            summary="The data sources of a product changed.",
            schema=_data({"product": _PRODUCT, "added": _NAMES, "removed": _NAMES}),
            example={"version": 1, "product": _ORDERS, "added": ["returns"], "removed": []},
            reference=f"{REFERENCE}{_PREFIX}data_sources.updated",
        ),
        EventSchema(
            name=f"{_REQUESTS}created",
            summary="Somebody asks for access or a masking exception.",
            schema=_of_request(),
            example=_example("pending"),
            reference=f"{REFERENCE}{_REQUESTS}created",
        ),
        EventSchema(
            name=f"{_REQUESTS}question_asked",
            summary="Somebody who may decide wants to know more first; the request stays pending.",
            schema=_of_request({"inquiry": _inquiry("asked_by")}),
            example=_example("pending", inquiry={"id": _INQUIRY, "asked_by": "dpo"}),
        ),
        EventSchema(
            name=f"{_REQUESTS}question_answered",
            summary="Such a question was answered; the request stays pending.",
            schema=_of_request({"inquiry": _inquiry("asked_by", "answered_by")}),
            example=_example(
                "pending", inquiry={"id": _INQUIRY, "asked_by": "dpo", "answered_by": "bob"}
            ),
        ),
        EventSchema(
            name=f"{_REQUESTS}escalated",
            summary="Nobody has decided for so long that others may, too; it stays pending.",
            schema=_of_request({"escalation": _ESCALATION}),
            example=_example(
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
            schema=_of_request(determination=_DETERMINATION),
            example=_example("approved", determination=_DECIDED),
            reference=f"{REFERENCE}{_REQUESTS}consumer.updated",
        ),
        EventSchema(
            name=f"{_REQUESTS}emergency_opened",
            summary="Somebody broke the glass: access that nobody decided; to be reviewed.",
            schema=_of_request({"emergency": _EMERGENCY}),
            example=_emergency(emergency=_GLASS),
        ),
        EventSchema(
            name=f"{_REQUESTS}emergency_overdue",
            summary="The review of an emergency access is late.",
            schema=_of_request({"emergency": _EMERGENCY}),
            example=_emergency(emergency=_GLASS),
        ),
        EventSchema(
            name=f"{_REQUESTS}emergency_reviewed",
            summary="A steward found whether it was an emergency; if not, access is revoked.",
            schema=_of_request({"review": _REVIEW}),
            example=_emergency(review=_FOUND),
        ),
        EventSchema(
            name=f"{_REQUESTS}canceled",
            summary="A pending request was called off.",
            schema=_of_request({"cause": _TEXT}),
            example=_example("canceled", cause="requester"),
            reference=f"{REFERENCE}{_REQUESTS}canceled",
        ),
        EventSchema(
            name=f"{_REQUESTS}revoked",
            summary="An approval was taken back.",
            schema=_of_request({"cause": _TEXT}, campaign=_CAMPAIGN),
            example=_example("revoked", cause="revoked"),
            reference=f"{REFERENCE}{_REQUESTS}revoked",
        ),
        EventSchema(
            name=f"{_REQUESTS}expiring",
            summary="Access ends in 7 days, or in 1 day.",
            schema=_of_request({"due": {"enum": ["7 days", "1 day"]}}),
            example=_example("approved", due="7 days"),
            reference=f"{REFERENCE}{_REQUESTS}expiring",
        ),
        EventSchema(
            name=f"{_REQUESTS}expired",
            summary="A temporary approval has ended.",
            schema=_of_request({"cause": _TEXT}),
            example=_example("expired", cause="expired"),
            reference=f"{REFERENCE}{_REQUESTS}expired",
        ),
        EventSchema(
            name=f"{_REQUESTS}deleted",
            summary="The product behind a pending or approved request is being deleted.",
            schema=_data({"product": _PRODUCT, "request": _BRIEF}, **_SAID),
            example={
                "version": 1,
                "product": _ORDERS,
                "request": {"id": _ASKED["id"], "kind": "access"},
            },
            reference=f"{REFERENCE}{_REQUESTS}deleted",
        ),
        EventSchema(
            name="audit.sealed",
            summary="The log of events was sealed; only for destinations that receive seals.",
            schema=_data(
                {
                    "number": {"type": "integer", "minimum": 1},
                    "at": _INSTANT,
                    "first": {"type": "integer"},
                    "last": {"type": "integer"},
                    "count": {"type": "integer", "minimum": 1},
                    "root": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                },
                previous=_TEXT,
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
            schema=_data({"destination": _TEXT}),
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
        "properties": {"type": {"const": name}, "timestamp": _INSTANT, "data": dict(kind.schema)},
    }
