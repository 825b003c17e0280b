"""Parts of which the schemas and examples of events are put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "ASKED",
    "BRIEF",
    "CAMPAIGN",
    "DECIDED",
    "DETERMINATION",
    "EMERGENCY",
    "ESCALATION",
    "FOUND",
    "GLASS",
    "INQUIRY",
    "INSTANT",
    "NAMES",
    "ORDERS",
    "PRODUCT",
    "REVIEW",
    "SAID",
    "TEXT",
    "JsonSchema",
    "data_of",
    "emergency_example",
    "example_of",
    "inquiry",
    "of_request",
]

JsonSchema = Mapping[str, Any]

TEXT: JsonSchema = {"type": "string"}
INSTANT: JsonSchema = {"type": "string", "format": "date-time"}
NAMES: JsonSchema = {"type": "array", "items": TEXT}
PRODUCT: JsonSchema = {
    "type": "object",
    "required": ["id", "name", "domain"],
    "properties": {"id": TEXT, "name": TEXT, "domain": TEXT},
}
WHICH: JsonSchema = {"id": TEXT, "kind": {"enum": ["access", "masking_exception"]}}
BRIEF: JsonSchema = {"type": "object", "required": ["id", "kind"], "properties": WHICH}
STATES = ["pending", "approved", "denied", "canceled", "revoked", "expired"]
REQUEST: JsonSchema = {
    "type": "object",
    "required": ["id", "kind", "state", "requester", "beneficiary", "columns", "until"],
    "properties": {
        **WHICH,
        "state": {"enum": STATES},
        "requester": {"type": "string", "description": "id of the person who asked"},
        "beneficiary": {
            "type": "string",
            "pattern": "^(user|group):",
            "description": "who gets the access",
        },
        "columns": {
            "type": "array",
            "items": TEXT,
            "description": "source.column names of a masking exception",
        },
        "until": {"anyOf": [INSTANT, {"type": "null"}], "description": "end; null: without end"},
        "form_version": TEXT,
        "extends": {"type": "string", "description": "id of the grant that it would extend"},
        "emergency": {"const": True, "description": "nobody decided; only where it is so"},
    },
}
STEWARD: JsonSchema = {
    "type": "string",
    "description": "id of the steward whom a deputy represented; only of a deputy",
}
CAMPAIGN: JsonSchema = {
    "type": "object",
    "description": "the recertification campaign in which it was refused or not certified",
    "required": ["id", "name"],
    "properties": {"id": TEXT, "name": TEXT},
}
DETERMINATION: JsonSchema = {
    "type": "object",
    "required": ["id", "by", "verdict", "stage", "matched", "as_of", "self_review"],
    "properties": {
        "id": TEXT,
        "by": TEXT,
        "verdict": {"enum": ["approve", "deny"]},
        "stage": {"type": "integer", "minimum": 0},
        "matched": NAMES,
        "as_of": {"anyOf": [INSTANT, {"type": "null"}]},
        "self_review": {"type": "boolean"},
        "deputy_for": STEWARD,
        "deputyship": {"type": "string", "description": "its id; only of a deputy"},
    },
}
SAID: dict[str, JsonSchema] = {
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
                "by": TEXT,
                "deputy_for": STEWARD,
                "verdict": TEXT,
                "reason": TEXT,
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
                "id": TEXT,
                "asked_by": TEXT,
                "deputy_for": STEWARD,
                "question": TEXT,
                "answered_by": {"type": "string", "description": "empty: nobody has answered"},
                "answer": TEXT,
            },
        },
    },
}
LINKS: JsonSchema = {
    "type": "object",
    "description": "pages of the portal; only when it has named some",
    "additionalProperties": {"type": "string", "format": "uri"},
}


def data_of(required: Mapping[str, JsonSchema], **more: JsonSchema) -> JsonSchema:
    """Schema of ``data`` with these parts that are required, and more that may be there."""
    return {
        "type": "object",
        "required": ["version", *required],
        "properties": {"version": {"const": 1}, **required, **more, "links": LINKS},
    }


def of_request(required: Mapping[str, JsonSchema] | None = None, **more: JsonSchema) -> JsonSchema:
    """The same of an event about a request, with its product."""
    return data_of({"product": PRODUCT, "request": REQUEST, **(required or {})}, **{**SAID, **more})


def inquiry(*who: str) -> JsonSchema:
    """Schema of a question back, and who did what about it; never its words."""
    return {
        "type": "object",
        "required": ["id", *who],
        "properties": {"id": TEXT, **dict.fromkeys(who, TEXT), "deputy_for": STEWARD},
    }


ESCALATION: JsonSchema = {
    "type": "object",
    "required": ["stage", "to", "at"],
    "properties": {
        "stage": {"type": "integer", "minimum": 0},
        "to": {"type": "string", "description": "who may decide beside the stewards of the stage"},
        "at": {**INSTANT, "description": "from when they may"},
    },
}
EMERGENCY: JsonSchema = {
    "type": "object",
    "required": ["admitted", "as_of", "review_due"],
    "properties": {
        "admitted": {"type": "string", "description": "selector of the product, in words"},
        "as_of": {"anyOf": [INSTANT, {"type": "null"}]},
        "review_due": INSTANT,
    },
}
REVIEW: JsonSchema = {
    "type": "object",
    "required": ["by", "justified", "matched", "as_of"],
    "properties": {
        "by": TEXT,
        "justified": {"type": "boolean"},
        "matched": NAMES,
        "as_of": {"anyOf": [INSTANT, {"type": "null"}]},
    },
}
ORDERS: Mapping[str, Any] = {"id": "orders", "name": "Orders", "domain": "sales"}
ASKED: dict[str, Any] = {
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
INQUIRY = "01a20000-0000-7000-8000-000000000004"
DECIDED: Mapping[str, Any] = {
    "id": "01a20000-0000-7000-8000-000000000003",
    "by": "dpo",
    "verdict": "approve",
    "stage": 0,
    "matched": ["permission PRIVACY_REVIEW"],
    "as_of": "2026-01-02T03:04:05+00:00",
    "self_review": False,
}


GLASS: Mapping[str, Any] = {
    "admitted": "group on call",
    "as_of": "2026-01-02T03:04:05+00:00",
    "review_due": "2026-01-04T03:04:05+00:00",
}
FOUND: Mapping[str, Any] = {
    "by": "dpo",
    "justified": True,
    "matched": ["group Privacy"],
    "as_of": GLASS["as_of"],
}


def emergency_example(**more: object) -> Mapping[str, Any]:
    """An example about access in an emergency."""
    example = example_of("approved", **more)
    return {**example, "request": {**example["request"], "emergency": True}}


def example_of(state: str, **more: object) -> Mapping[str, Any]:
    """An example about a request in some state."""
    until = None if state in ("pending", "denied", "canceled") else "2026-02-01T12:00:00+00:00"
    request = {**ASKED, "state": state, "until": until}
    return {"version": 1, "product": ORDERS, "request": request, **more}
