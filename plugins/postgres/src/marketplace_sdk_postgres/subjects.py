"""What a guard on PostgreSQL is about, as a text that people and this plugin can read. Pure.

The names in the two longer forms are all in double quotes, as no plain name is in its middle, so
that one form is never read as another.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from attrs import frozen

from marketplace_sdk.plugin import dotted_name, split_name
from marketplace_sdk_postgres.naming import quote_identifier

__all__ = ["ColumnName", "Subject"]

ColumnName: TypeAlias = tuple[str, str, str]
"""Schema, relation and column."""

_PARTS = 3
_QUOTED = r'("(?:[^"]|"")+"\."(?:[^"]|"")+"\."(?:[^"]|"")+")'
_MASKED = re.compile(_QUOTED + " behind its mask", re.DOTALL)
_SHOWN = re.compile(_QUOTED + " shown by " + _QUOTED, re.DOTALL)


@frozen
class Subject:
    """A column that must be protected, and in which way.

    Attributes:
        column: that must not be read in clear.
        masked: it is in a view that masks it, and must still be.
        shown_by: a column that is opened, and must not show it.
    """

    column: ColumnName
    masked: bool = False
    shown_by: ColumnName | None = None

    def __str__(self) -> str:
        if self.shown_by is not None:
            return f"{_quoted(self.column)} shown by {_quoted(self.shown_by)}"
        return (
            f"{_quoted(self.column)} behind its mask" if self.masked else dotted_name(*self.column)
        )

    @classmethod
    def read(cls, text: str) -> Subject:
        """The subject in parts; ValueError if it is none."""
        masked, shown = _MASKED.fullmatch(text), _SHOWN.fullmatch(text)
        if masked is not None:
            return cls(_column(masked[1]), masked=True)
        if shown is not None:
            return cls(_column(shown[1]), shown_by=_column(shown[2]))
        return cls(_column(text))


def _quoted(column: ColumnName) -> str:
    return ".".join(quote_identifier(part) for part in column)


def _column(text: str) -> ColumnName:
    parts = split_name(text)
    if len(parts) != _PARTS:
        raise ValueError("not the name of a column")
    return parts[0], parts[1], parts[2]
