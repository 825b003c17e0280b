"""attrs values as plain data and back.

Plain data is dicts with text keys, lists, text, ints, floats, bools and None: what every store and
every JSON writer takes. Sets are written sorted, instants as ISO 8601 in UTC, so that equal values
have equal data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from marketplace_sdk.domain import conditions
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.forms import FormVersion
from marketplace_sdk.domain.review import Seat
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import FrozenMap
from marketplace_sdk.errors import StorageError
from marketplace_sdk.ports.provisioner import Scope

__all__ = ["canonical", "digest", "dump", "instant", "load", "plain", "text_of"]

T = TypeVar("T")

MOST_VERSIONS = 512
"""Form versions that are kept as values and as data."""

_CONDITIONS: dict[str, type[conditions.Condition]] = {
    each.__name__: each
    for each in (
        conditions.All,
        conditions.Answer,
        conditions.Any,
        conditions.Has,
        conditions.Is,
        conditions.Not,
        conditions.Tagged,
        conditions.Wish,
    )
}


@lru_cache(maxsize=64)
def text_of(moment: datetime) -> str:
    """An instant as fixed-width text, so that sorting the text sorts the time."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def instant(text: str) -> datetime:
    """The instant that ``text_of`` wrote."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC)


def plain(value: Any) -> Any:
    """Any tree of mappings, sequences and scalars as dicts, lists and scalars."""
    kind = type(value)
    if kind is str:  # by far the most
        return value
    # Whether something is a Mapping takes long to find out, and these are.
    if kind is dict or kind is FrozenMap or isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(each) for each in value), key=canonical)
    if isinstance(value, datetime):
        return text_of(value)
    return value


def canonical(data: object) -> str:
    """Plain data as the one JSON text that stands for it."""
    return _ENCODER.encode(data)


def digest(data: object) -> str:
    """Hex SHA-256 over the canonical text."""
    return hashlib.sha256(canonical(data).encode("utf-8", "surrogatepass")).hexdigest()


def dump(value: object) -> dict[str, Any]:
    """An attrs value as plain data; fields that have their default are left out."""
    data: dict[str, Any] = _CONVERTER.unstructure(value)
    return data


def load(kind: type[T], data: Mapping[str, Any]) -> T:
    """Plain data as a value; unknown fields are passed over.

    Raises:
        StorageError: the data is not of that kind. The message names no content.
    """
    try:
        return _CONVERTER.structure(data, kind)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with it, it cannot be read
        # Not "from error": its text may repeat what was stored, and a traceback would print it.
        raise StorageError(
            f"cannot read a stored {kind.__name__}: {type(error).__name__}",
            hint="was it written by a newer version? look at `marketplace migrate`",
        ) from None


def _frozen(value: Any) -> Any:
    """Plain data as immutable data."""
    if value.__class__ is str:  # nearly always; asking for Mapping takes ten times as long
        return value
    if isinstance(value, Mapping):
        return FrozenMap({key: _frozen(each) for key, each in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(each) for each in value)
    return value


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(
        omit_if_default=True,
        detailed_validation=False,
        unstruct_collection_overrides={tuple: list},
    )
    converter.register_unstructure_hook(datetime, text_of)
    converter.register_structure_hook(datetime, lambda text, _: instant(text))
    for scalar in (str, int, bool):
        converter.register_structure_hook(scalar, _exactly)
    _maps(converter)
    _sets(converter)
    _parts(converter)
    # The rows of a pass are in few scopes, by which they are looked up many times: equal ones are
    # the same one, which a dict finds without comparing.
    converter.register_structure_hook(
        Scope, lambda data, _: _scope(_exactly(data["platform"], str), _exactly(data["key"], str))
    )
    _ends(converter)
    _trees(converter)
    _pinned(converter)
    # A revision belongs to the record, not to the document; a status to the moment of reading.
    converter.register_unstructure_hook_factory(
        lambda kind: attrs.has(kind) and "revision" in attrs.fields_dict(kind), _without_revision
    )
    return converter


def _exactly(value: T, kind: type[T]) -> T:
    """The value if it is of that type: nothing is turned into text, "no" is not true."""
    if type(value) is not kind:
        raise TypeError(f"not of type {kind.__name__}")
    return value


def _texts(values: Collection[str]) -> Collection[str]:
    """The values if each is a text; a row may name hundreds of objects."""
    if not set(map(type, values)) <= {str}:
        raise TypeError("not of type str")
    return values


@lru_cache(maxsize=4096)
def _scope(platform: str, key: str) -> Scope:
    return Scope(platform, key)


def _without_revision(kind: type, converter: cattrs.Converter) -> Any:
    omitted = {
        name: cattrs.override(omit=True)
        for name in ("revision", "status")
        if name in attrs.fields_dict(kind)
    }
    return make_dict_unstructure_fn(
        kind,
        converter,
        _cattrs_omit_if_default=True,
        **omitted,  # type: ignore[arg-type]  # overrides by name
    )


def _maps(converter: cattrs.Converter) -> None:
    def is_map(kind: Any) -> bool:
        return getattr(kind, "__origin__", kind) is FrozenMap

    def structure(kind: Any) -> Any:
        of = (get_args(kind) or (str, Any))[1]
        if of is Any:
            return lambda data, _: _frozen(data)
        read = converter.get_structure_hook(of)
        return lambda data, _: FrozenMap({key: read(each, of) for key, each in data.items()})

    def unstructure(kind: Any) -> Any:
        of = (get_args(kind) or (str, Any))[1]
        if of is Any:
            return plain
        return lambda value: {key: converter.unstructure(each) for key, each in value.items()}

    converter.register_structure_hook_factory(is_map, structure)
    converter.register_unstructure_hook_factory(is_map, unstructure)


def _sets(converter: cattrs.Converter) -> None:
    def unstructure(kind: Any) -> Any:
        of = (get_args(kind) or (Any,))[0]

        def write(value: Any) -> list[Any]:
            return sorted((converter.unstructure(each, of) for each in value), key=canonical)

        if of is str:
            return sorted
        return write

    converter.register_unstructure_hook_factory(
        lambda kind: getattr(kind, "__origin__", None) is frozenset, unstructure
    )


def _parts(converter: cattrs.Converter) -> None:
    """Lists of one type, and what may be None.

    How a part is read is found out once; cattrs asks itself for each value, which takes longer
    than reading it, and a pass reads thousands of rows.
    """

    def is_list(kind: Any) -> bool:
        origin, args = get_origin(kind), get_args(kind)
        return origin is frozenset or (origin is tuple and args[1:] == (...,))

    def read_list(kind: Any) -> Any:
        made, of = get_origin(kind), get_args(kind)[0]
        if of is str:
            return lambda data, _: made(_texts(data))
        read = converter.get_structure_hook(of)
        return lambda data, _: made([read(each, of) for each in data])

    def is_optional(kind: Any) -> bool:
        args = get_args(kind)
        return get_origin(kind) is UnionType and len(args) == 2 and args[1] is NoneType  # noqa: PLR2004 - a type and None

    def read_optional(kind: Any) -> Any:
        of = get_args(kind)[0]
        read = converter.get_structure_hook(of)
        return lambda data, _: None if data is None else read(data, of)

    converter.register_structure_hook_factory(is_list, read_list)
    converter.register_structure_hook_factory(is_optional, read_optional)


def _pinned(converter: cattrs.Converter) -> None:
    """Form versions: many requests are pinned to one, and each is read and written many times.

    What a request was filed under is written out whole: a default that changes in a later release
    must not change a form that was pinned before.
    """
    read = make_dict_structure_fn(FormVersion, converter)
    write = make_dict_unstructure_fn(FormVersion, converter, _cattrs_omit_if_default=False)
    versions: dict[str, tuple[Any, FormVersion]] = {}

    def structure(data: Any, kind: Any) -> FormVersion:
        known = versions.get(data["id"])
        if known is not None and known[0] == data:
            return known[1]
        value: FormVersion = read(data, kind)
        if len(versions) >= MOST_VERSIONS:
            versions.clear()
        versions[value.id] = (data, value)
        return value

    @lru_cache(maxsize=MOST_VERSIONS)
    def written(value: _Same) -> dict[str, Any]:
        return write(value.it)

    converter.register_structure_hook(FormVersion, structure)
    converter.register_unstructure_hook(FormVersion, lambda value: written(_Same(value)))


class _Same:
    """One very object, as the key of a cache that keeps it alive."""

    __slots__ = ("it",)

    def __init__(self, it: Any) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.it is self.it


def _ends(converter: cattrs.Converter) -> None:
    """Window: a duration (an object) or an instant (a text)."""
    either = Duration | datetime

    def structure(data: Any, _: Any) -> Duration | datetime:
        return instant(data) if isinstance(data, str) else converter.structure(data, Duration)

    def unstructure(value: Any) -> Any:
        return (
            text_of(value)
            if isinstance(value, datetime)
            else converter.unstructure(value, Duration)
        )

    def maybe(data: Any, _: Any) -> Duration | datetime | None:
        return None if data is None else structure(data, either)

    optional = either | None
    converter.register_structure_hook_func(lambda kind: kind == either, structure)
    converter.register_structure_hook_func(lambda kind: kind == optional, maybe)
    converter.register_unstructure_hook_func(lambda kind: kind == either, unstructure)
    converter.register_unstructure_hook_func(
        lambda kind: kind == optional,
        lambda value: None if value is None else unstructure(value),
    )


def _trees(converter: cattrs.Converter) -> None:
    """Seats and conditions, whose constructors take their parts one by one."""
    converter.register_structure_hook(
        Seat,
        lambda data, _: Seat(
            *(converter.structure(each, StewardSelector) for each in data["selectors"]),
            approvals=data.get("approvals", 1),
        ),
    )
    flat = {
        kind: make_dict_structure_fn(kind, converter)
        for kind in _CONDITIONS.values()
        if kind not in (conditions.All, conditions.Any, conditions.Not)
    }

    def read(data: Any, _: Any) -> conditions.Condition:
        kind = _CONDITIONS[data["condition"]]
        if kind is conditions.Not:
            return conditions.Not(read(data["of"][0], None))
        if kind in (conditions.All, conditions.Any):
            return kind(*(read(each, None) for each in data["of"]))
        return flat[kind](data, kind)

    def write(value: conditions.Condition) -> dict[str, Any]:
        name = type(value).__name__
        if isinstance(value, conditions.Not):
            return {"condition": name, "of": [write(value.condition)]}
        if isinstance(value, (conditions.All, conditions.Any)):
            return {"condition": name, "of": [write(each) for each in value.conditions]}
        fields = {
            each.name: converter.unstructure(getattr(value, each.name))
            for each in attrs.fields(type(value))  # type: ignore[arg-type]  # each condition is made by attrs
        }
        return {"condition": name, **fields}

    converter.register_structure_hook(conditions.Condition, read)
    for kind in (conditions.Condition, *_CONDITIONS.values()):
        converter.register_unstructure_hook(kind, write)


_CONVERTER = _converter()
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
