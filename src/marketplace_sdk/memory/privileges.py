"""The books of the memory platform: what exists on it, who may read it, what is masked.

Nothing here knows of provisioners or locks: ``memory.platform`` does.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from attrs import evolve, field, frozen

from marketplace_sdk.domain.values import FrozenMap
from marketplace_sdk.errors import DuplicateName, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

SHOWN_BY = " shown by "

__all__ = ["SHOWN_BY", "Privilege", "Privileges", "Table"]


@frozen
class Table:
    """An object of the platform; its columns are None where nobody said which it has.

    ``shows`` are columns of others whose values a view shows, by its own columns.
    """

    id: str
    name: str
    columns: tuple[str, ...] | None = None
    owner: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()
    shows: FrozenMap[str, tuple[tuple[str, str], ...]] = field(factory=FrozenMap)


@frozen
class Privilege:
    """A principal may read an object or, with a column, see that column unmasked (native ids)."""

    table: str
    column: str | None
    principal: str


class Privileges:
    """Objects and principals by name, privileges by native id.

    A native id is the name with a number that grows when the name is used anew, so that it is the
    same in every process and never used twice.
    """

    def __init__(
        self,
        objects: Mapping[str, Sequence[str]] | None,
        principals: Iterable[str] | None,
        protected: Iterable[tuple[str, str] | str] | None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._open_objects = objects is None
        self._open_principals = principals is None
        self._learns = objects is None and protected is None
        self._generations: defaultdict[tuple[str, str], int] = defaultdict(int)
        # None: it was there once, and not even an open world has it now.
        self._tables: dict[str, Table | None] = {}
        self._principals: dict[str, str | None] = {}
        self._table_names: dict[str, str] = {}
        self._principal_names: dict[str, str] = {}
        self._holders: defaultdict[tuple[str, str | None], set[str]] = defaultdict(set)
        self._by_hand: set[Privilege] = set()
        self._clock = clock
        self._ends: dict[Privilege, datetime] = {}
        self._masks: dict[tuple[str, str], bool] = {}
        for name, columns in (objects or {}).items():
            self.create(name, columns, "")
        for name in principals or ():
            self._make_principal(name)
        for each in protected or ():
            table, column = _split(each) if isinstance(each, str) else each
            if not self.has_column(table, column):
                raise NotFound("protect", "column", f"{table}.{column}")
            self.protect(table, column, protected=True)

    def object(self, name: str) -> Table | None:
        """The object of that name."""
        if self._open_objects and name not in self._tables:
            self.create(name, None, "")
        return self._tables.get(name)

    def everything(self) -> list[Table]:
        """All objects that exist, by name."""
        return [table for _, table in sorted(self._tables.items()) if table is not None]

    def masked(self, table: str, column: str) -> bool:
        """Whether a column has a mask."""
        return self._masks.get((table, column), False)

    def retag(self, name: str, tags: Iterable[str]) -> None:
        """Give an object other tags."""
        table = self.object(name)
        if table is None:
            raise NotFound("tag", "object", name)
        self._tables[name] = evolve(table, tags=tuple(tags))

    def hand_over(self, name: str, owner: str) -> None:
        """Give an object another owner."""
        table = self.object(name)
        if table is None:
            raise NotFound("hand over", "object", name)
        self._tables[name] = evolve(table, owner=owner)

    def principal(self, name: str) -> str | None:
        """The native id of the principal of that name."""
        if self._open_principals and name not in self._principals:
            self._make_principal(name)
        return self._principals.get(name)

    def named(self, table: str) -> str | None:
        """The name of the object with that native id, if it still exists."""
        return self._table_names.get(table)

    def principal_exists(self, id: str) -> bool:
        """Whether there is a principal with that native id."""
        return id in self._principal_names

    def has_column(self, table: str, column: str) -> bool:
        """Whether the object exists and has that column; one of unknown columns has all."""
        found = self.object(table)
        return found is not None and (found.columns is None or column in found.columns)

    def create(
        self,
        name: str,
        columns: Sequence[str] | None,
        owner: str,
        comment: str = "",
        tags: Iterable[str] = (),
        shows: Mapping[str, str] | None = None,
    ) -> None:
        """Make a table or a view in the place of any other of that name."""
        self.drop(name)
        table = Table(
            self._next("object", name),
            name,
            None if columns is None else tuple(columns),
            owner,
            comment,
            tuple(tags),
            FrozenMap({mine: (_split(behind),) for mine, behind in (shows or {}).items()}),
        )
        self._tables[name] = table
        self._table_names[table.id] = name

    def drop(self, name: str) -> None:
        """Drop an object with its privileges and masks."""
        old = self._tables.get(name)
        if old is not None:
            del self._table_names[old.id]
            for place in [place for place in self._holders if place[0] == old.id]:
                del self._holders[place]
            for mask in [mask for mask in self._masks if mask[0] == name]:
                del self._masks[mask]
        self._tables[name] = None

    def replace_principal(self, name: str) -> None:
        """Make a principal in the place of any other of that name."""
        self.drop_principal(name)
        self._make_principal(name)

    def drop_principal(self, name: str) -> None:
        """Drop a principal with all privileges."""
        old = self.principal(name)
        if old is not None:
            del self._principal_names[old]
            for holders in self._holders.values():
                holders.discard(old)
        self._principals[name] = None

    def rename_principal(self, name: str, new: str) -> None:
        """Give a principal another name that nobody has."""
        id = self.principal(name)
        if id is None:
            raise NotFound("rename", "principal", name)
        if self._principals.get(new) is not None:
            raise DuplicateName(f"cannot rename principal {name}: the name is taken", existing=new)
        self._principals[name] = None
        self._principals[new] = id
        self._principal_names[id] = new

    def add(
        self, privilege: Privilege, *, by_hand: bool = False, until: datetime | None = None
    ) -> None:
        """Give a privilege, with an end of its own or without."""
        self._holders[privilege.table, privilege.column].add(privilege.principal)
        self.set_until(privilege, until)
        if by_hand:
            self._by_hand.add(privilege)

    def make(self, action: str, privilege: Privilege, until: datetime | None) -> None:
        """Give a privilege, take it away, or give it another end."""
        if action == "add":
            self.add(privilege, until=until)
        elif action == "remove":
            self.discard(privilege)
        else:
            self.set_until(privilege, until)

    def until(self, privilege: Privilege) -> datetime | None:
        """The end that a privilege has of its own."""
        return self._ends.get(privilege)

    def set_until(self, privilege: Privilege, until: datetime | None) -> None:
        """Give a privilege another end of its own, or none."""
        self._ends.pop(privilege, None)
        if until is not None:
            self._ends[privilege] = until

    def by_hand(self, privilege: Privilege) -> bool:
        """Whether somebody gave it by hand, whoever else gave it, too."""
        return privilege in self._by_hand and self.has(privilege)

    def discard(self, privilege: Privilege) -> None:
        """Take a privilege away, if it is there."""
        place = (privilege.table, privilege.column)
        if place in self._holders:
            self._holders[place].discard(privilege.principal)
        self._by_hand.discard(privilege)
        self._ends.pop(privilege, None)

    def has(self, privilege: Privilege) -> bool:
        """Whether a privilege is there."""
        return privilege.principal in self.holders(privilege.table, privilege.column)

    def holders(self, table: str, column: str | None) -> Collection[str]:
        """Native ids of the principals who hold a privilege."""
        found = self._holders.get((table, column), ())
        if self._clock is None or not self._ends:
            return found
        now = self._clock()
        ends = ((each, self._ends.get(Privilege(table, column, each))) for each in found)
        return [each for each, end in ends if end is None or end > now]

    def holds(self, principal: str, table: str, column: str | None) -> bool:
        """Whether the principal of that name holds a privilege on the object of that name."""
        who, what = self.principal(principal), self.object(table)
        return who is not None and what is not None and self.has(Privilege(what.id, column, who))

    def reads(self, principal: str, table: str, column: str) -> Literal["none", "masked", "clear"]:
        """What somebody gets who selects a column; see ``MemoryPlatform.reads``."""
        if not self.has_column(table, column) or not self.holds(principal, table, None):
            return "none"
        masked = self._masks.get((table, column), False)
        return "masked" if masked and not self.holds(principal, table, column) else "clear"

    def snapshot(self) -> frozenset[tuple[str, str, str | None]]:
        """All privileges by name."""
        return frozenset(
            (self._principal_names[principal], self._table_names[table], column)
            for table, column in list(self._holders)
            for principal in self.holders(table, column)
        )

    def protect(self, table: str, column: str, *, protected: bool) -> None:
        """Put a mask on a column, or take it off for good."""
        self._masks[table, column] = protected

    def learn(self, id: str, column: str | None) -> None:
        """An open world protects what is mentioned as masked, unless told otherwise before."""
        name = self.named(id)
        if self._learns and name is not None and column is not None:
            self._masks.setdefault((name, column), True)

    def answer(self, subject: str) -> bool | None:
        """Whether ``object.column`` is protected; None: there is none, or it cannot be known.

        Where the text can be read as several columns, all of them have to be protected. One that
        is ``shown by`` another is protected if that one does not show it any more.
        """
        behind, shown, view = subject.partition(SHOWN_BY)
        if shown:
            table, column = _split(view)
            shower = self.object(table)
            return shower is not None and _split(behind) not in shower.shows.get(column, ())
        if self._learns:
            table, column = _split(subject)
            if self.object(table) is None:
                return None
            return self._masks.setdefault((table, column), True)
        parts = subject.split(".")
        # Where every object exists, only the last dot can be told to stand before a column.
        first = len(parts) - 1 if self._open_objects else 1
        places = [(".".join(parts[:at]), ".".join(parts[at:])) for at in range(first, len(parts))]
        found = [place for place in places if self.has_column(*place)]
        return all(self._masks.get(place, False) for place in found) if found else None

    def _make_principal(self, name: str) -> None:
        id = self._next("principal", name)
        self._principals[name] = id
        self._principal_names[id] = name

    def _next(self, kind: str, name: str) -> str:
        self._generations[kind, name] += 1
        return f"{quote(name, safe='.@')}#{self._generations[kind, name]}"


def _split(text: str) -> tuple[str, str]:
    table, _, column = text.rpartition(".")
    return table, column
