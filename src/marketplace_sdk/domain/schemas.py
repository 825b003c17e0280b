"""Forms as JSON Schema, for portals that draw them, and bounds for the schemas of plugins.

What is written keeps to words that draft 7 and draft 2020-12 share, so that every renderer and
validator reads it the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from marketplace_sdk.domain.durations import LONGEST, UNITS
from marketplace_sdk.domain.values import MAX_TEXT

if TYPE_CHECKING:
    from marketplace_sdk.domain.forms import FormVersion, Question

__all__ = ["form_schema", "form_ui_schema", "schema_flaw"]

DRAFT = "http://json-schema.org/draft-07/schema#"

MOST_PARTS = 500
DEEPEST = 10
LONGEST_TEXT = 1000
LONGEST_PATTERN = 200
MOST_REPEATS = 1000
MOST_OPTIONAL = 5

_SCALARS = frozenset({"type", "title", "description", "default", "format", "pattern", "const"})
_NUMBERS = frozenset(
    {
        "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "multipleOf", "minItems", "maxItems", "minProperties", "maxProperties",
    }
)  # fmt: skip
_LISTS = frozenset({"enum", "examples", "required"})
_FLAGS = frozenset({"uniqueItems", "additionalProperties"})
_INSIDE = frozenset({"items", "not"})
_BY_NAME = frozenset({"properties"})
_SEVERAL = frozenset({"anyOf", "oneOf", "allOf"})

_REPEATED = re.compile(r"\{(\d*)(,?)(\d*)\}")


def form_schema(version: FormVersion, kinds: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """JSON Schema of the answers to a form; ``kinds`` has the schemas of plugins' questions."""
    return {
        "$schema": DRAFT,
        "title": version.name,
        "type": "object",
        "properties": {each.key: _question(each, kinds) for each in version.questions},
        "required": [each.key for each in version.questions if each.required],
        "additionalProperties": False,
    }


def form_ui_schema(version: FormVersion) -> dict[str, Any]:
    """How react-jsonschema-form is to show the same form."""
    shown = {each.key: _shown(each) for each in version.questions}
    return {**shown, "ui:order": [each.key for each in version.questions]}


def _question(question: Question, kinds: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    title = {"title": question.label}
    if question.kind == "SHORT_ANSWER":
        # Left empty, or with something to read in it; what must be answered may not be empty.
        filled = {"minLength": 1, "pattern": r"\S"} if question.required else {"pattern": r"^$|\S"}
        return {**title, "type": "string", "maxLength": MAX_TEXT, **filled}
    if question.kind == "DROPDOWN":
        return {**title, "type": "string", "enum": list(question.options)}
    if question.kind == "CHECKBOXES":
        least = {"minItems": 1} if question.required else {}
        choice = {"type": "string", "enum": list(question.options)}
        return {**title, "type": "array", "items": choice, "uniqueItems": True, **least}
    if question.kind == "ACCESS_DURATION":
        return {
            **title,
            "type": "object",
            "properties": {
                "amount": {"title": "Amount", "type": "integer", "minimum": 1, "maximum": LONGEST},
                "unit": {"title": "Unit", "type": "string", "enum": list(UNITS)},
            },
            "required": ["amount", "unit"],
            "additionalProperties": False,
        }
    return {**_copied(kinds.get(question.kind, {})), **title}


def _shown(question: Question) -> dict[str, Any]:
    widgets = {"SHORT_ANSWER": "textarea", "DROPDOWN": "select", "CHECKBOXES": "checkboxes"}
    shown: dict[str, Any] = {}
    if question.kind in widgets:
        shown["ui:widget"] = widgets[question.kind]
    if question.kind == "ACCESS_DURATION":
        shown["ui:order"] = ["amount", "unit"]
    if question.help:
        shown["ui:help"] = question.help
    return shown


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(each) for each in value]
    return value


def schema_flaw(schema: object) -> str:
    """Why a plugin's schema is not taken, or empty text.

    Only words are taken that say what one answer looks like, in a size that browsers and servers
    check at once: no references, nothing to load, and no pattern that takes its time over a text.
    """
    left = [MOST_PARTS]
    return _flaw(schema, "", 1, left)


def _flaw(schema: object, path: str, depth: int, left: list[int]) -> str:
    if not isinstance(schema, Mapping):
        return f"{path or 'it'} is no schema"
    if depth > DEEPEST:
        return f"{path} is nested too deeply"
    for key, value in schema.items():
        left[0] -= 1
        if left[0] < 0:
            return "it is too large"
        flaw = _word_flaw(key, value, f"{path}.{key}" if path else str(key), depth, left)
        if flaw:
            return flaw
    return ""


def _word_flaw(key: object, value: object, path: str, depth: int, left: list[int]) -> str:
    if key in _INSIDE:
        return _flaw(value, path, depth + 1, left)
    if key in _BY_NAME and isinstance(value, Mapping):
        return next(
            filter(None, (_flaw(v, f"{path}.{k}", depth + 1, left) for k, v in value.items())), ""
        )
    if key in _SEVERAL and isinstance(value, (list, tuple)):
        return next(filter(None, (_flaw(each, path, depth + 1, left) for each in value)), "")
    if key in _LISTS and isinstance(value, (list, tuple)):
        left[0] -= len(value)
        good = all(_is_scalar(each) for each in value)
    elif key in _NUMBERS:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
    elif key in _FLAGS:
        good = isinstance(value, bool)
    elif key == "pattern":
        good = isinstance(value, str) and _is_quick(value)
    else:
        good = key in _SCALARS and _is_scalar(value)
    return "" if good else f"{path} is not taken"


def _is_scalar(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return value is None or isinstance(value, (bool, int, float))


def _is_quick(pattern: str) -> bool:
    """Whether a pattern is decided in few passes over a text.

    No groups and no alternatives; one part at most may be of many lengths, and then the pattern
    begins at the beginning of the text; few parts may be left out.
    """
    if len(pattern) > LONGEST_PATTERN:
        return False
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    # What is escaped, or between brackets, stands for one character.
    bare = re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "x", re.sub(r"\\.", "x", pattern))
    repeated = _REPEATED.findall(bare)
    many = sum(bare.count(c) for c in "*+") + sum(
        bool(comma) and low != high for low, comma, high in repeated
    )
    if set(bare) & set("()|") or bare.count("?") > MOST_OPTIONAL or many > 1:
        return False
    if any(int(number or 0) > MOST_REPEATS for low, _, high in repeated for number in (low, high)):
        return False
    return not many or pattern.startswith("^")
