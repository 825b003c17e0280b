"""How an item and a scope are written as texts, and read again. All of it is pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args

from attrs import frozen

from marketplace_sdk.plugin import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PRIVILEGES", "Key", "Kind", "Place", "Securable"]

Kind = Literal["group", "use_catalog", "use_schema", "select", "member", "exception"]
Securable = Literal["catalog", "schema", "table"]

PRIVILEGES: Mapping[str, tuple[Securable, str]] = {
    "use_catalog": ("catalog", "USE_CATALOG"),
    "use_schema": ("schema", "USE_SCHEMA"),
    "select": ("table", "SELECT"),
}
"""The only three privileges that are ever named to the platform, and on what."""

_KINDS = get_args(Kind)
_PLACE = re.compile(r"(table|schema|catalog|group|exceptions)\|([0-9]+)\|([0-9]+)\|(.*)", re.DOTALL)


@frozen
class Key:
    """An item's key in parts.

    Attributes:
        kind: see the module ``items``.
        place: id of the object; name of the group; mask of the column in the table of exceptions.
        who: canonical name of a grantee; numeric id of a member; empty for the group itself.
    """

    kind: Kind
    place: str
    who: str = ""

    def __str__(self) -> str:
        # The length makes it readable in one way only, whatever a group is called.
        return f"{self.kind}|{len(self.place)}|{self.place}|{self.who}"

    @classmethod
    def read(cls, text: str) -> Key:
        """The key in parts; ValueError if it is none of ours."""
        kind, length, rest = (*text.split("|", 2), "", "", "")[:3]
        if kind not in _KINDS or not length.isdecimal():
            raise ValueError("not an item of this plugin")
        size = int(length)
        if size == 0 or rest[size : size + 1] != "|":
            raise ValueError("not an item of this plugin")
        return cls(kind, rest[:size], rest[size + 1 :])  # type: ignore[arg-type]  # kind is text to mypy


@frozen
class Place:
    """A scope in parts: something that can be listed.

    Attributes:
        kind: ``table`` (or view), ``schema``, ``catalog``, ``group`` or ``exceptions``.
        id: of the object; name of the group; mask in the table of exceptions.
        name: dotted name of the object when it was planned; of the table of exceptions.
        grantee: the group of ours whose privileges on the object these are; empty: everybody's.
            What our groups hold is looked at by itself, as nobody else's business is.
    """

    kind: Literal["table", "schema", "catalog", "group", "exceptions"]
    id: str
    name: str = ""
    grantee: str = ""

    def scope(self, platform: str) -> Scope:
        """As the marketplace has it."""
        lengths = f"{len(self.id)}|{len(self.name)}"
        return Scope(platform, f"{self.kind}|{lengths}|{self.id}|{self.name}|{self.grantee}")

    @classmethod
    def read(cls, scope: Scope) -> Place:
        """The parts of a scope; ValueError if it is none of ours."""
        match = _PLACE.fullmatch(scope.key)
        if match is None:
            raise ValueError("not a scope of this plugin")
        kind, rest = match[1], match[4]
        first, second = int(match[2]), int(match[2]) + 1 + int(match[3])
        if rest[first : first + 1] != "|" or rest[second : second + 1] != "|":
            raise ValueError("not a scope of this plugin")
        return cls(kind, rest[:first], rest[first + 1 : second], rest[second + 1 :])  # type: ignore[arg-type]  # the same
