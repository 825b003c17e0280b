"""The configuration file: ``marketplace.toml`` says what ``Marketplace(...)`` takes.

The rules in words are in docs/reference/configuration. Settings of a plugin are checked by the
plugin, here only that no secret stands in the file.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import attrs

from marketplace_sdk.delivery.calls import AddedByHand, OnReplaced
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.domain.destinations import INCLUDED
from marketplace_sdk.domain.links import LINKED
from marketplace_sdk.errors import InvalidInput, Problem

__all__ = ["json_schema", "parse_configuration", "read_configuration"]

_TABLE, _TABLES = "a table", "an array of tables"

_KINDS: Mapping[str, tuple[type[Any] | tuple[type[Any], ...], str]] = {
    "storage": (str, "a text"),
    "connections": (dict, "a table of tables"),
    "notifiers": (list, _TABLES),
    "directory": (dict, _TABLE),
    "engine": (dict, _TABLE),
    "hide_products": (bool, "true or false"),
    "seal_every": ((int, float), "seconds, or false for never"),
    "block": (list, "an array of plugin names"),
    "links": (dict, _TABLE),
    "destinations": (dict, _TABLE),
    "delivery": (dict, _TABLE),
}
"""Keys of the file: each is the argument of ``Marketplace`` of the same name."""

_REFERENCE = re.compile(r"(env|file):.+")
_SECRET_NAME = re.compile(
    r"(^|_)(secret|password|passphrase|token|key|credential)s?($|_(?!(file|path|id|name)$))"
)
_PASSWORD_INSIDE = re.compile(r"://[^/?#\s]*:[^/?#\s]*@|\bpassword\s*=", re.IGNORECASE)


def read_configuration(path: str | Path) -> dict[str, Any]:
    """The arguments for ``Marketplace`` that a file holds.

    Args:
        path: of a TOML file.

    Raises:
        InvalidInput: the file cannot be read, or with a path for each thing that is wrong in it.
            No value is repeated, because it may be a secret.
    """
    where = Path(path)
    try:
        text = where.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"cannot read configuration {where.name}: {error.strerror}",
            hint="name the file with --config or MARKETPLACE_CONFIG; `marketplace init` writes one",
        ) from None
    except UnicodeDecodeError:
        raise InvalidInput(f"cannot read configuration {where.name}: not TOML") from None
    return parse_configuration(text, where.name)


def parse_configuration(text: str, name: str) -> dict[str, Any]:
    """The same from the text of a file of that name."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line \d+, column \d+", str(error))
        raise InvalidInput(
            f"cannot read configuration {name}: not TOML" + (f" at {place[0]}" if place else "")
        ) from None
    problems = [*_shape(data), *_secrets(data, ())]
    if problems:
        raise InvalidInput(f"cannot use configuration {name}", problems=problems)
    if "delivery" in data:
        data["delivery"] = Settings(**data["delivery"])
    if "seal_every" in data:
        seconds = data["seal_every"]
        data["seal_every"] = None if seconds is False else timedelta(seconds=seconds)
    return data


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the file, for editors."""
    plugin: dict[str, Any] = {
        "type": "object",
        "properties": {"plugin": {"type": "string"}},
        "required": ["plugin"],
    }
    connection = {
        **plugin,
        "properties": {
            **plugin["properties"],
            "may_grant": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "on_replaced": {"enum": list(get_args(OnReplaced))},
            "added_by_hand": {"enum": list(get_args(AddedByHand))},
        },
    }
    texts = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    notifier = {
        **plugin,
        "properties": {
            **plugin["properties"],
            "receives": {"type": "array", "items": {"enum": ["event", "notice", "seal"]}},
            "types": texts,
            "include": {**texts, "items": {"enum": sorted(INCLUDED)}},
        },
    }
    destinations = {
        "type": "object",
        "properties": {"plugin": {"type": "string"}, "secrets": texts},
    }
    numbers = {
        name: {"type": "number" if kind is float else "integer", "exclusiveMinimum": 0}
        for name, kind in _delivery().items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "marketplace.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "storage": {"type": "string"},
            "connections": {"type": "object", "additionalProperties": connection},
            "notifiers": {"type": "array", "items": notifier},
            "directory": plugin,
            "engine": plugin,
            "hide_products": {"type": "boolean"},
            "seal_every": {"anyOf": [{"const": False}, {"type": "number", "exclusiveMinimum": 0}]},
            "block": {"type": "array", "items": {"type": "string"}},
            "links": {
                "type": "object",
                "additionalProperties": False,
                "properties": {kind: {"type": "string"} for kind in LINKED},
            },
            "destinations": destinations,
            "delivery": {
                "type": "object",
                "additionalProperties": False,
                "properties": numbers,
            },
        },
    }


def _delivery() -> dict[str, type]:
    return {
        each.name: int if isinstance(each.default, int) else float
        for each in attrs.fields(Settings)
    }


def _shape(data: Mapping[str, Any]) -> Iterator[Problem]:
    for key, value in data.items():
        if key not in _KINDS:
            yield Problem(key, f"unknown{_nearest(key, _KINDS)}")
        elif not isinstance(value, _KINDS[key][0]):
            yield Problem(key, f"must be {_KINDS[key][1]}")
        elif key in ("connections", "notifiers"):
            pairs = value.items() if key == "connections" else enumerate(value)
            for name, each in pairs:
                yield from _plugin(f"{key}.{name}", each)
        elif key in ("directory", "engine"):
            yield from _plugin(key, value)
        elif key == "block" and not all(isinstance(each, str) for each in value):
            yield Problem(key, f"must be {_KINDS[key][1]}")
        elif key == "delivery":
            yield from _limits(value)
        elif key == "seal_every" and value is not False and not _seconds(value):
            yield Problem(key, f"must be {_KINDS[key][1]}")


def _plugin(path: str, value: object) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, f"must be {_TABLE}")
    elif not isinstance(value.get("plugin"), str):
        yield Problem(f"{path}.plugin", "must be the name of a plugin")


def _limits(value: Mapping[str, Any]) -> Iterator[Problem]:
    known = _delivery()
    for name, number in value.items():
        if name not in known:
            yield Problem(f"delivery.{name}", f"unknown{_nearest(name, known)}")
        elif isinstance(number, bool) or not isinstance(number, (known[name], int)):
            what = "a whole number" if known[name] is int else "a number"
            yield Problem(f"delivery.{name}", f"must be {what}")


def _seconds(value: float) -> bool:
    return value is not True and 0 < value < timedelta.max.total_seconds()


def _secrets(value: Any, path: tuple[str, ...]) -> Iterator[Problem]:
    """Texts that are a secret, or have one in them, and are no reference to one."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _secrets(each, (*path, key))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _secrets(each, (*path, str(place)))
    elif isinstance(value, str) and not _REFERENCE.fullmatch(value):
        named = next((key for key in reversed(path) if not key.isdecimal()), "")
        if _SECRET_NAME.search(named) or _PASSWORD_INSIDE.search(value):
            yield Problem(".".join(path), "is a secret: write env:NAME or file:PATH instead")


def _nearest(word: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(known))}"
