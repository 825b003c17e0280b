"""Expressions and queries of the closed grammar, as values."""

from __future__ import annotations

from typing import Any, TypeAlias

from attrs import frozen

__all__ = [
    "Binary",
    "Bind",
    "Call",
    "Case",
    "Cast",
    "Column",
    "Exists",
    "Expression",
    "Literal",
    "Member",
    "Not",
    "Null",
    "Select",
    "Source",
]


@frozen
class Literal:
    """A constant."""

    value: Any


@frozen
class Bind:
    """A question mark; ``number`` counts from 1."""

    number: int


@frozen
class Column:
    """A column, perhaps with the name of its table before it."""

    parts: tuple[str, ...]


@frozen
class Call:
    """A function; COUNT(*) has no arguments."""

    function: str
    arguments: tuple[Expression, ...] = ()


@frozen
class Cast:
    """expression::type."""

    operand: Expression
    type: str


@frozen
class Not:
    """NOT."""

    operand: Expression


@frozen
class Null:
    """IS NULL."""

    operand: Expression


@frozen
class Member:
    """IN with a list."""

    operand: Expression
    choices: tuple[Expression, ...]


@frozen
class Binary:
    """A comparison, AND, OR, LIKE, ILIKE or ||."""

    operator: str
    left: Expression
    right: Expression


@frozen
class Case:
    """CASE WHEN."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression


@frozen
class Exists:
    """EXISTS."""

    query: Select


@frozen
class Source:
    """What a query reads: a table or view, or a table function with named arguments."""

    name: tuple[str, ...]
    alias: str
    arguments: tuple[tuple[str, Expression], ...] | None = None


@frozen
class Select:
    """A query. ``items`` are (expression, heading); an item of None is ``*``."""

    items: tuple[tuple[Expression | None, str], ...]
    source: Source | None = None
    where: Expression | None = None
    order: tuple[tuple[Expression, bool], ...] = ()
    limit: int | None = None


Expression: TypeAlias = (
    Literal | Bind | Column | Call | Cast | Not | Null | Member | Binary | Case | Exists
)
