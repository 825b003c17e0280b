"""Items and scopes of the memory platform: their keys, and what they stand for; all pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from marketplace_sdk.memory.privileges import SHOWN_BY, Privilege
from marketplace_sdk.ports.provisioner import Guard, Item, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marketplace_sdk.ports.provisioner import Change, Resolved

__all__ = ["PROTECTED", "Part", "describe", "make_item", "privilege_of"]

PROTECTED = "column_protected"
READ_RANK, UNMASK_RANK = 50, 90


@frozen
class Part:
    """What a scope lists: the grants on an object, or those to unmask one of its columns.

    Native ids never hold a bar, and a column stands last, so there is one way to read a key.

    Attributes:
        table: native id of the object.
        column: None for the grants to read it.
    """

    table: str
    column: str | None = None

    @classmethod
    def read(cls, key: str) -> Part | None:
        """A scope's key in parts; None if it is none of the memory platform."""
        kind, _, rest = key.partition("|")
        if kind == "object" and rest and "|" not in rest:
            return cls(rest)
        table, bar, column = rest.partition("|")
        return cls(table, column) if kind == "column" and table and bar else None

    @property
    def key(self) -> str:
        """The scope's key."""
        return "|".join(["object" if self.column is None else "column", *self._names])

    def item_key(self, principal: str) -> str:
        """The key of the item that gives this to a principal (native id)."""
        return "|".join(["read" if self.column is None else "unmask", principal, *self._names])

    @property
    def _names(self) -> tuple[str, ...]:
        return (self.table,) if self.column is None else (self.table, self.column)


def make_item(
    column: str | None,
    who: Resolved,
    table: Resolved,
    masked: Sequence[str],
    *,
    masks: Mapping[str, frozenset[str]],
    expires: bool = False,
) -> Item:
    """The item that lets somebody read a table or, with ``column``, see that column unmasked.

    Args:
        column: to be unmasked.
        who: gets it.
        table: what is opened.
        masked: its own columns that are to be masked.
        masks: those of other objects, which it may show.
        expires: it can have an end of its own.
    """
    part = Part(table.native_id, column)
    data: Any = {
        "object_id": table.native_id,
        "principal_id": who.native_id,
        "object": table.name,
        "principal": who.name,
    }
    guards: tuple[Guard, ...] = ()
    if column is None:
        guards = tuple(Guard(PROTECTED, f"{table.name}.{each}") for each in masked)
        guards += tuple(
            Guard(PROTECTED, f"{name}.{behind}{SHOWN_BY}{table.name}.{mine}")
            for mine, columns in sorted(table.shows.items())
            for name, behind in columns
            if mine not in masked and behind in masks.get(name, ())
        )
        # An open world learns from them which columns it has to protect.
        data["masked"] = tuple(masked)
    else:
        data["column"] = column
    return Item(
        key=part.item_key(who.native_id),
        scope=Scope(table.platform, part.key),
        kind="read" if column is None else "unmask",
        rank=READ_RANK if column is None else UNMASK_RANK,
        # Unmasking opens nothing by itself; named all the same, so that `may_grant` bounds it too.
        opens=(table.name,),
        guards=guards,
        expires=expires,
        data=data,
    )


def privilege_of(item: Item) -> Privilege | None:
    """What an item stands for, or None when its parts contradict each other."""
    principal = str(item.data.get("principal_id"))
    part = Part(str(item.data.get("object_id")), item.data.get("column"))
    if part.key != item.scope.key or part.item_key(principal) != item.key:
        return None
    return Privilege(part.table, part.column, principal)


def describe(change: Change) -> str:
    """The change as a statement, with the names at the time of planning."""
    data = change.item.data
    table, principal, column = data["object"], data["principal"], data.get("column")
    give = change.action != "remove"
    end = "" if change.until is None else f" UNTIL {change.until:%Y-%m-%d %H:%M:%S}"
    if change.action == "set_until" and not end:
        end = " WITHOUT END"
    if column is None:
        verb, to = ("GRANT", "TO") if give else ("REVOKE", "FROM")
        return f"{verb} SELECT ON {table} {to} {principal}{end}"
    verb = "UNMASK" if give else "MASK"
    return f"{verb} {table}.{column} FOR {principal}{end}"
