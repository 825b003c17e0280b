"""Small words that statements are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, literal_column

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, ColumnClause, ColumnElement

__all__ = ["EMPTY", "ONE", "ZERO", "bound", "equals", "unindexed"]

# Written into the text, not bound: an index with a condition is used only by a statement that
# says the same, and SQLAlchemy binds an OFFSET of its own unless it is given one.
ZERO: ColumnClause[int] = literal_column("0")
ONE: ColumnClause[int] = literal_column("1")
EMPTY: ColumnClause[str] = literal_column("''")


def bound(name: str) -> BindParameter[Any]:
    """A value that is given when the statement runs."""
    return bindparam(name)


def equals(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """That a column is the value bound under the column's own name."""
    return column == bindparam(str(getattr(column, "name", "")))


def unindexed(number: ColumnElement[int]) -> ColumnElement[int]:
    """The same number, to sort a few rows by: no planner walks the whole table in its order."""
    return number + ZERO
