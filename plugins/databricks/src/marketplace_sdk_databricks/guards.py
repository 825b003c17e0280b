"""What must hold on the platform before an object is opened. All of it is pure.

``column_protected`` is about a column of a table, or about a copy of its values: what was filled
from it with its owner's rights. Beside it, there are::

    parents_usable   somebody may use the schema and the catalog
    known_sources    it can be told what a view reads
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from marketplace_sdk.plugin import Guard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sdk.plugin import Known, Resolved, TargetObject

__all__ = ["PROTECTED", "SOURCES", "USABLE", "Subject", "column_of", "guards_of"]

PROTECTED = "column_protected"
USABLE = "parents_usable"
SOURCES = "known_sources"


@frozen
class Subject:
    """A column that must be protected.

    Attributes:
        table: dotted name.
        column: in any case.
        keeper: dotted name of what holds a copy of its values, or empty text for the table itself.
    """

    table: str
    column: str
    keeper: str = ""

    def __str__(self) -> str:
        # No name of Unity Catalog holds a blank, but for a column's, which comes last.
        where = f"(in {self.keeper}) " if self.keeper else ""
        return f"{where}{self.table}.{self.column}"

    @classmethod
    def read(cls, text: str) -> Subject:
        """The subject in parts."""
        keeper = ""
        if text.startswith("(in "):
            keeper, _, text = text.removeprefix("(in ").partition(") ")
        catalog, schema, table, column = (*text.split(".", 3), "", "", "")[:4]
        return cls(f"{catalog}.{schema}.{table}", column, keeper)


def guards_of(wanted: TargetObject, found: Resolved, known: Known) -> tuple[Guard, ...]:
    """Everything that must hold before an object is opened."""
    columns = {column_of(found, name) for name in wanted.masked}
    guards = {Guard(PROTECTED, str(Subject(found.name, name))) for name in columns}
    guards |= set(_behind(found, known))
    return tuple(sorted(guards, key=lambda guard: (guard.kind, guard.subject)))


def _behind(found: Resolved, known: Known) -> Iterator[Guard]:
    """What must hold of the tables that a view reads."""
    behind = found.facts["behind"]
    for table in behind["live"]:
        for column in known.masks.get(table, ()):
            yield Guard(PROTECTED, str(Subject(table, column.lower())))
    for table, keeper in behind["kept"]:
        for column in known.masks.get(table, ()):
            yield Guard(PROTECTED, str(Subject(table, column.lower(), keeper)))
    if behind["unknown"]:
        yield Guard(SOURCES, found.name)


def column_of(found: Resolved, name: str) -> str:
    """The column as the platform spells it: names of columns are the same in any case."""
    return next((each for each in found.columns if each.lower() == name.lower()), name)
