"""Declarations as people write them in files, and back; the format is in docs/reference.

A table of fields for each kind, so that reading, writing, comparing and the documentation cannot
say different things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from marketplace_sdk.domain.catalog import Column, DataSource, Domain, DomainPolicy, Tag, TagRule
from marketplace_sdk.domain.declarations import DECLARED_KINDS, Declaration
from marketplace_sdk.domain.destinations import Destination
from marketplace_sdk.domain.forms import DataUseAgreement, Question, RequestForm
from marketplace_sdk.domain.patience import Escalation
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.review import DEFAULT_REVIEW
from marketplace_sdk.domain.selectors import DOMAIN_PERMISSIONS, StewardSelector, group, user
from marketplace_sdk.errors import InvalidInput, Problem
from marketplace_sdk.wire.emergencies import read_emergency, write_emergency
from marketplace_sdk.wire.flows import (
    read_flow,
    read_selector,
    read_stage,
    write_flow,
    write_selector,
    write_stage,
)
from marketplace_sdk.wire.reading import At, Path, nearest

__all__ = ["FIELDS", "SECTIONS", "data_of", "declared_of", "read_document", "written"]

HIDDEN = frozenset({"secret"})
"""Fields that are never read again, so nobody can tell whether they differ."""
SECTIONS: Mapping[str, str] = {f"{kind}s": kind for kind in DECLARED_KINDS}
"""Section of a file -> kind of what stands in it."""


@frozen
class _Field:
    """How one field is read from a file and written to one."""

    read: Callable[[At], Any]
    write: Callable[[Any], Any]
    required: bool = False
    empty: Any = None


def _same(value: Any) -> Any:
    return value


def _text(*, required: bool = False) -> _Field:
    return _Field(At.text, _same, required=required, empty="")


def _names(at: At) -> tuple[str, ...]:
    return tuple(each.text() for each in at.items())


def _sorted(at: At) -> frozenset[str]:
    return frozenset(_names(at))


def _tag(at: At) -> Tag:
    if isinstance(at.data, Mapping):
        at.only(("name", "origin"))
        name, origin = at.key("name").text(), at.key("origin").text()
        return at.made(lambda: Tag(name, origin))
    text = at.text()
    return at.made(lambda: Tag(text))


def _write_tag(tag: Tag) -> Any:
    return tag.name if tag.origin == "manual" else {"name": tag.name, "origin": tag.origin}


def _columns(at: At) -> tuple[Column, ...]:
    return tuple(_column(name, each) for name, each in at.mapping().items())


def _column(name: str, at: At) -> Column:
    if at.data is None:
        return at.made(lambda: Column(name))
    at.only(("masked", "tags", "type", "description"))
    more: dict[str, Any] = {}
    for key, read in (("masked", At.flag), ("type", At.text), ("description", At.text)):
        if (found := at.get(key)) is not None:
            more[key] = read(found)
    if (tags := at.get("tags")) is not None:
        more["tags"] = frozenset(map(_tag, tags.items()))
    return at.made(lambda: Column(name, **more))


def _write_columns(columns: Sequence[Column]) -> dict[str, Any]:
    return {
        each.name: {
            **({"type": each.type} if each.type else {}),
            **({"masked": True} if each.masked else {}),
            **({"tags": [_write_tag(tag) for tag in _in_order(each.tags)]} if each.tags else {}),
            **({"description": each.description} if each.description else {}),
        }
        for each in columns
    }


def _in_order(tags: frozenset[Tag]) -> list[Tag]:
    return sorted(tags, key=lambda tag: (tag.name, tag.origin))


def _rules(at: At) -> tuple[TagRule, ...]:
    return tuple(_rule(each) for each in at.items())


def _rule(at: At) -> TagRule:
    if isinstance(at.data, Mapping):
        at.only(("tag", "origins"))
        tag, origins = at.key("tag").text(), _sorted(at.key("origins"))
        return at.made(lambda: TagRule(tag, origins))
    text = at.text()
    return at.made(lambda: TagRule(text))


def _write_rules(rules: Sequence[TagRule]) -> list[Any]:
    return [
        each.tag
        if each.origins == {"manual"}
        else {"tag": each.tag, "origins": sorted(each.origins)}
        for each in rules
    ]


def _permissions(at: At) -> frozenset[tuple[str, str]]:
    found = set()
    at.only(DOMAIN_PERMISSIONS)
    for permission, holders in at.mapping().items():
        for each in holders.items():
            found.add((permission, _holder(each).token))
    return frozenset(found)


def _holder(at: At) -> StewardSelector:
    if isinstance(at.data, Mapping):
        at.only(("user", "group"))
        return read_selector(at)
    text = at.text()
    return at.made(lambda: user(text))


def _write_permissions(pairs: frozenset[tuple[str, str]]) -> dict[str, Any]:
    held: dict[str, list[Any]] = {}
    for permission, token in sorted(pairs):
        kind, _, name = token.partition(":")
        held.setdefault(permission, []).append(
            name if kind == "user" else write_selector(group(name))
        )
    return held


def _policy(at: At) -> DomainPolicy:
    read: Mapping[str, Callable[[At], Any]] = {
        "auto_approve": At.flag,
        "self_review": At.text,
        "max_duration": At.duration,
        "extra_stages": lambda at: tuple(map(read_stage, at.items())),
        "widening": At.text,
        "leaving": At.text,
        "emergency": At.text,
    }
    at.only(tuple(read))
    given = {key: read[key](each) for key, each in at.mapping().items() if each.data is not None}
    return at.made(lambda: DomainPolicy(**given))


def _write_policy(value: DomainPolicy) -> dict[str, Any]:
    usual = DomainPolicy()
    given: dict[str, Any] = {
        key: getattr(value, key)
        for key in ("auto_approve", "self_review", "widening", "leaving", "emergency")
        if getattr(value, key) != getattr(usual, key)
    }
    if value.max_duration is not None:
        given["max_duration"] = value.max_duration.words
    if value.extra_stages:
        given["extra_stages"] = [write_stage(stage) for stage in value.extra_stages]
    return given


def _questions(at: At) -> tuple[Question, ...]:
    return tuple(_question(key, each) for key, each in at.mapping().items())


def _question(key: str, at: At) -> Question:
    at.only(("label", "kind", "required", "options", "help"))
    kind = at.get("kind")
    chosen = "SHORT_ANSWER" if kind is None else kind.text()
    if chosen == "ACCESS_DURATION" and at.get("label") is None:
        usual = Question.access_duration(key).label
    else:
        usual = ""
    label = at.get("label")
    more: dict[str, Any] = {"label": usual if label is None else label.text()}
    for name, read in (("required", At.flag), ("options", _names), ("help", At.text)):
        if (found := at.get(name)) is not None:
            more[name] = read(found)
    return at.made(lambda: Question(key=key, kind=chosen, **more))


def _write_questions(questions: Sequence[Question]) -> dict[str, Any]:
    return {
        each.key: {
            "label": each.label,
            **({"kind": each.kind} if each.kind != "SHORT_ANSWER" else {}),
            **({"required": False} if not each.required else {}),
            **({"options": list(each.options)} if each.options else {}),
            **({"help": each.help} if each.help else {}),
        }
        for each in questions
    }


def _escalation(at: At) -> Escalation:
    at.only(("after", "to"))
    after, to = at.key("after").duration(), read_selector(at.key("to"))
    return at.made(lambda: Escalation(after=after, to=to))


def _write_escalation(value: Escalation | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"after": value.after.words, "to": write_selector(value.to)}


_FLOW = _Field(read_flow, lambda value: None if value is None else write_flow(value))
_OPTIONAL = _Field(At.text, _same)

FIELDS: Mapping[str, Mapping[str, _Field]] = {
    "source": {
        "connection": _text(required=True),
        "object": _text(required=True),
        "description": _text(),
        "tags": _Field(_sorted, sorted, empty=frozenset()),
        "columns": _Field(_columns, _write_columns, empty=()),
    },
    "domain": {
        "description": _text(),
        "tags": _Field(_rules, _write_rules, empty=()),
        "sources": _Field(_sorted, sorted, empty=frozenset()),
        "permissions": _Field(_permissions, _write_permissions, empty=frozenset()),
        "policy": _Field(_policy, _write_policy, empty=DomainPolicy()),
    },
    "agreement": {"name": _text(required=True), "body": _text(required=True)},
    "form": {
        "name": _text(required=True),
        "domain": _OPTIONAL,
        "questions": _Field(_questions, _write_questions, required=True, empty=()),
        "agreements": _Field(_names, list, empty=()),
        "review": _Field(read_flow, write_flow, empty=DEFAULT_REVIEW),
        "allow_self_review": _Field(At.flag, _same, empty=False),
        "fallback": _Field(
            read_selector, lambda value: None if value is None else write_selector(value)
        ),
        "escalation": _Field(_escalation, _write_escalation),
        "expire_after": _Field(At.duration, lambda value: None if value is None else value.words),
    },
    "product": {
        "name": _text(required=True),
        "domain": _text(required=True),
        "sources": _Field(_names, list, required=True, empty=()),
        "description": _text(),
        "tags": _Field(_sorted, sorted, empty=frozenset()),
        "expert": _text(),
        "form": _OPTIONAL,
        "masking_form": _OPTIONAL,
        "review": _FLOW,
        "masking_review": _FLOW,
        "max_duration": _Field(At.duration, lambda value: None if value is None else value.words),
        "emergency": _Field(read_emergency, write_emergency),
    },
    "destination": {
        "url": _text(required=True),
        "secret": _text(required=True),
        "types": _Field(_sorted, sorted, empty=frozenset()),
        "include": _Field(_sorted, sorted, empty=frozenset()),
        "format": _Field(At.text, _same, empty="standard"),
        "description": _text(),
    },
}
"""Kind -> name of the field -> how it is read and written. ``null`` stands for the empty value."""


def read_document(data: Any, places: Mapping[Path, str]) -> tuple[Declaration, ...]:
    """Everything that one document declares.

    Raises:
        InvalidInput: with the place of each thing that is wrong.
    """
    at = At(data, (), places)
    if data is None:
        return ()
    at.only(tuple(SECTIONS))
    found: list[Declaration] = []
    problems: list[Problem] = []
    for section, things in at.mapping().items():
        if things.data is None:
            continue
        for id, each in things.mapping().items():
            try:
                found.append(_declaration(SECTIONS[section], id, each))
            except InvalidInput as error:
                problems += error.problems
    if problems:
        raise InvalidInput("cannot read declarations", problems=problems)
    return tuple(found)


def _declaration(kind: str, id: str, at: At) -> Declaration:
    fields = FIELDS[kind]
    problems: list[Problem] = []
    given: dict[str, Any] = {}
    for name, each in ({} if at.data is None else at.mapping()).items():
        try:
            if name not in fields:
                raise each.wrong(f"unknown; {nearest(name, fields)}")
            given[name] = fields[name].empty if each.data is None else fields[name].read(each)
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput("cannot read declarations", problems=problems)
    return at.made(lambda: Declaration(kind=kind, id=id, fields=given, place=at.place))


def declared_of(value: object) -> Declaration:
    """What stands in the marketplace as a declaration with every field of its kind."""
    match value:
        case Destination():
            return _whole("destination", value.id, value)
        case DataSource():
            manual = frozenset(tag.name for tag in value.tags if tag.origin == "manual")
            return _whole("source", value.name, value, tags=manual)
        case Domain():
            return _whole("domain", value.name, value, tags=value.rules)
        case DataUseAgreement():
            return _whole("agreement", value.id, value)
        case RequestForm():
            held = tuple(each.id for each in value.current.agreements)
            return _whole("form", value.id, value.current, domain=value.domain, agreements=held)
        case DataProduct():
            return _whole("product", value.id, value)
    raise TypeError(type(value).__name__)  # pragma: no cover - there are no others


def _whole(kind: str, id: str, value: object, **other: Any) -> Declaration:
    fields = {
        name: other[name] if name in other else getattr(value, name)
        for name in FIELDS[kind]
        if name not in HIDDEN
    }
    return Declaration(kind=kind, id=id, fields=fields)


def written(kind: str, name: str, value: Any) -> Any:
    """A field as plain data."""
    field = FIELDS[kind][name]
    return None if value is None else field.write(value)


def data_of(declarations: Sequence[Declaration]) -> dict[str, Any]:
    """Declarations as one document; fields that hold nothing are left out."""
    document: dict[str, dict[str, Any]] = {}
    for section, kind in SECTIONS.items():
        things = {each.id: dict(_fields_of(each)) for each in declarations if each.kind == kind}
        if things:
            document[section] = things
    return document


def _fields_of(declaration: Declaration) -> Iterator[tuple[str, Any]]:
    for name, field in FIELDS[declaration.kind].items():
        if name in declaration.fields and declaration.fields[name] != field.empty:
            yield name, written(declaration.kind, name, declaration.fields[name])
