"""The few containers and checks that every value of the domain shares."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from marketplace_sdk.errors import InvalidInput, Problem

__all__ = [
    "FrozenMap",
    "aware",
    "check_flag",
    "check_id",
    "check_name",
    "check_text",
    "freeze",
    "listed",
    "name_set",
    "plain_flaw",
]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_ID = 255
MAX_NAME = 255
MAX_TEXT = 20_000
MOST_NESTED = 10
MOST_VALUES = 1000
MOST_CHARACTERS = 100_000
MOST_NUMBER = 2**63 - 1

# Marks that reorder or hide text: a name with one of them reads differently from what it is.
_DECEPTIVE = frozenset({"Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


class FrozenMap(Mapping[K, V], Generic[K, V]):
    """An immutable mapping which may be hashed, compared and pickled."""

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[K, V] | None = None) -> None:
        self._data: dict[K, V] = dict(data or {})

    def __getitem__(self, key: K) -> V:
        return self._data[key]

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[K]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __hash__(self) -> int:
        return hash(frozenset(self._data.items()))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenMap):
            return self._data == other._data
        return isinstance(other, Mapping) and self._data == dict(other)

    def __repr__(self) -> str:
        return f"FrozenMap({self._data!r})"

    def __reduce__(self) -> tuple[type[FrozenMap[K, V]], tuple[dict[K, V]]]:
        return (FrozenMap, (self._data,))

    def set(self, key: K, value: V) -> FrozenMap[K, V]:
        """A copy in which ``key`` is ``value``."""
        return FrozenMap({**self._data, key: value})


def freeze(data: Mapping[Any, Any] | None) -> FrozenMap[Any, Any]:
    """Any mapping as a FrozenMap, what it holds included; used as an attrs converter."""
    if type(data) is FrozenMap:
        return data
    return FrozenMap({key: _frozen(value) for key, value in (data or {}).items()})


def _frozen(value: object) -> object:
    kind = type(value)
    if kind is str:  # nearly always; asking for Mapping takes ten times as long
        return value
    if kind is FrozenMap:
        return value
    if kind is dict or isinstance(value, Mapping):
        return freeze(value)  # type: ignore[arg-type]  # a mapping
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(each) for each in value)
    if isinstance(value, (set, frozenset)):
        return frozenset(_frozen(each) for each in value)
    return value


def listed(values: Iterable[Any]) -> tuple[Any, ...]:
    """Texts as a tuple; a lone text is refused, which would be taken apart letter by letter."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidInput(
            "cannot use this list", problems=[Problem("", "must be a list, not one value")]
        )
    return tuple(values)


def name_set(values: Iterable[str]) -> frozenset[str]:
    """Texts as a set; a lone text is refused."""
    if values.__class__ is frozenset:  # nearly always; asking for Iterable takes ten times as long
        return values
    return frozenset(listed(values))


def aware(value: datetime, path: str) -> datetime:
    """The instant in UTC; a naive datetime is refused because it names no instant."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidInput(
            "cannot use this time",
            problems=[Problem(path, "must be a datetime with a time zone")],
            hint="for example datetime.now(UTC)",
        )
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(
            "cannot use this time", problems=[Problem(path, "is outside the calendar")]
        ) from None


def check_flag(value: object, path: str) -> bool:
    """True or False; a text such as "no" would count as true."""
    if not isinstance(value, bool):
        raise InvalidInput(
            "cannot use this value", problems=[Problem(path, "must be True or False")]
        )
    return value


def check_id(value: object, path: str) -> str:
    """A person's or thing's id: 1 to 255 printable characters without blank edges."""
    return _check(value, path, MAX_ID)


def check_name(value: object, path: str, *, dots: bool = True) -> str:
    """A display name: 1 to 255 printable characters without blank edges.

    Names that are also ids (domains, sources) are given ``dots=False``, so that
    ``source.column`` can be read in one way only.
    """
    text = _check(value, path, MAX_NAME)
    if not dots and "." in text:
        raise InvalidInput(
            "cannot use this name", problems=[Problem(path, "must not contain a dot")]
        )
    return text


def check_text(value: object, path: str, *, required: bool = False) -> str:
    """Free text of at most 20,000 characters; new lines are fine, NUL is not."""
    if not isinstance(value, str):
        problem = "must be text"
    elif required and not value.strip():
        problem = "must not be empty"
    elif len(value) > MAX_TEXT:
        problem = f"must have at most {MAX_TEXT} characters"
    elif "\0" in value or (
        not value.isascii() and any(unicodedata.category(c) == "Cs" for c in value)
    ):
        problem = "must not contain NUL or broken characters"
    else:
        return value
    raise InvalidInput("cannot use this text", problems=[Problem(path, problem)])


def plain_flaw(value: object) -> str:
    """What is wrong with data that is to be kept as JSON and read back equal; empty: nothing.

    It may be text, whole and finite numbers, True, False, None, and lists and mappings of these
    by text, at most 10 deep, with at most 1,000 values and 100,000 characters in all.
    """
    left, values, length = [(value, 0)], 0, 0
    while left:
        each, depth = left.pop()
        values += 1
        if isinstance(each, str):
            length += len(each)
            try:
                check_text(each, "")
            except InvalidInput as error:
                return error.problems[0].message
        elif isinstance(each, Mapping):
            left += ((inner, depth + 1) for pair in each.items() for inner in pair)
            if not all(isinstance(key, str) for key in each):
                return "must have text as keys"
        elif isinstance(each, (list, tuple)):
            left += ((inner, depth + 1) for inner in each)
        elif not _is_plain(each):
            return "must be text, numbers, True, False, None, or lists and mappings of these"
        if depth > MOST_NESTED or values + len(left) > MOST_VALUES or length > MOST_CHARACTERS:
            return "is too large"
    return ""


def _is_plain(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and abs(value) <= MOST_NUMBER


def _check(value: object, path: str, longest: int) -> str:
    if not isinstance(value, str):
        problem = "must be text"
    elif not value.strip():
        problem = "must not be empty"
    elif value != value.strip():
        problem = "must not begin or end with a blank"
    elif len(value) > longest:
        problem = f"must have at most {longest} characters"
    elif not (value.isascii() and value.isprintable()) and any(
        unicodedata.category(c) in _DECEPTIVE for c in value
    ):
        problem = "must not contain control, direction or unassigned characters"
    else:
        return value
    raise InvalidInput("cannot use this name", problems=[Problem(path, problem)])
