"""Expressions of SQL, as far as masks, conditions of policies and WHERE clauses need them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import attrs

from marketplace_sdk_databricks.testing._tokens import SqlError


class Opaque:
    """A value that the fake does not know: of the masked column itself, or derived from one."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


CLEAR = Opaque("CLEAR")
DERIVED = Opaque("DERIVED")


@attrs.frozen
class Scope:
    """What names and functions mean while an expression is evaluated.

    Attributes:
        names: by name in lower case, qualified and bare.
        functions: by name in lower case.
        rows: the rows of a table, for a query inside the expression.
    """

    names: Mapping[str, Any]
    functions: Mapping[str, Callable[..., Any]]
    rows: Callable[[str], Sequence[Mapping[str, Any]]]

    def inside(self, names: Mapping[str, Any]) -> Scope:
        """The scope of a query within the expression."""
        return attrs.evolve(self, names={**self.names, **names})


class Expression(Protocol):
    """Anything with a value."""

    def value(self, scope: Scope) -> Any:
        """The value, None for NULL and for a truth that is unknown."""


@attrs.frozen
class Literal:
    """A value that was written down."""

    written: Any

    def value(self, scope: Scope) -> Any:  # noqa: ARG002 - the same in every scope
        """As it was written."""
        return self.written


@attrs.frozen
class Name:
    """A column or parameter."""

    name: str

    def value(self, scope: Scope) -> Any:
        """What the scope knows by this name.

        Raises:
            SqlError: nothing.
        """
        if self.name.lower() not in scope.names:
            raise SqlError("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", f"No column {self.name}.")
        return scope.names[self.name.lower()]


@attrs.frozen
class Function:
    """A call; what the fake does not know derives something from its arguments."""

    name: str
    arguments: tuple[Expression, ...]

    def value(self, scope: Scope) -> Any:
        """The result, opaque when the function is unknown or an argument is."""
        arguments = [one.value(scope) for one in self.arguments]
        function = scope.functions.get(self.name.lower())
        if function is None or any(isinstance(one, Opaque) for one in arguments):
            return DERIVED
        return function(*arguments)


@attrs.frozen
class Cast:
    """A value as another type; the clear value stays clear."""

    inner: Expression
    type: str

    def value(self, scope: Scope) -> Any:
        """Text becomes a time where one is asked for."""
        return as_type(self.inner.value(scope), self.type)


def as_type(value: Any, type: str) -> Any:
    """A value as a column of this type holds it.

    Raises:
        SqlError: text that is no time.
    """
    if type.upper().startswith("TIMESTAMP") and isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            raise SqlError("CAST_INVALID_INPUT", "The value is not a TIMESTAMP.") from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return value


@attrs.frozen
class Comparison:
    """Two values compared."""

    sign: str
    left: Expression
    right: Expression

    def value(self, scope: Scope) -> Any:
        """True, False, or None when one of them is NULL.

        Raises:
            SqlError: one of them is opaque, so the fake cannot know.
        """
        left, right = self.left.value(scope), self.right.value(scope)
        if left is None or right is None:
            return None
        if isinstance(left, Opaque) or isinstance(right, Opaque):
            raise SqlError("FAKE_CANNOT_TELL", "It depends on the data whether this is true.")
        if isinstance(left, datetime) or isinstance(right, datetime):
            left, right = as_type(left, "TIMESTAMP"), as_type(right, "TIMESTAMP")
        return {
            "=": lambda: left == right,
            "<>": lambda: left != right,
            "!=": lambda: left != right,
            "<": lambda: left < right,
            ">": lambda: left > right,
            "<=": lambda: left <= right,
            ">=": lambda: left >= right,
        }[self.sign]()


@attrs.frozen
class Junction:
    """Conditions joined by AND or OR."""

    word: str
    parts: tuple[Expression, ...]

    def value(self, scope: Scope) -> Any:
        """By the logic of three values."""
        decides = self.word == "OR"
        unknown = False
        for part in self.parts:
            found = part.value(scope)
            if found is decides:
                return decides
            unknown = unknown or found is None
        return None if unknown else not decides


@attrs.frozen
class Not:
    """The opposite of a condition."""

    inner: Expression

    def value(self, scope: Scope) -> Any:
        """None stays None."""
        found = self.inner.value(scope)
        return None if found is None else not found


@attrs.frozen
class IsNull:
    """Whether a value is NULL."""

    inner: Expression

    def value(self, scope: Scope) -> Any:
        """True or False."""
        return self.inner.value(scope) is None


@attrs.frozen
class Within:
    """Whether a value is one of several."""

    inner: Expression
    choices: tuple[Expression, ...]

    def value(self, scope: Scope) -> Any:
        """By comparing with each."""
        return Junction(
            "OR", tuple(Comparison("=", self.inner, one) for one in self.choices)
        ).value(scope)


@attrs.frozen
class Case:
    """The first branch whose condition is true."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression

    def value(self, scope: Scope) -> Any:
        """Of that branch only."""
        for condition, result in self.branches:
            if condition.value(scope) is True:
                return result.value(scope)
        return self.otherwise.value(scope)


@attrs.frozen
class Query:
    """SELECT columns FROM one table WHERE condition."""

    columns: tuple[tuple[str, Expression], ...]
    table: str
    alias: str
    where: Expression
    everything: bool = False
    order: tuple[str, ...] = ()
    limit: int | None = None

    def matching(self, scope: Scope) -> list[Mapping[str, Any]]:
        """The rows for which the condition is true."""
        found = []
        for row in scope.rows(self.table):
            names = {f"{self.alias.lower()}.{key}": value for key, value in row.items()}
            if self.where.value(scope.inside({**row, **names})) is True:
                found.append(row)
        return found


@attrs.frozen
class Exists:
    """Whether a query has a row."""

    query: Query

    def value(self, scope: Scope) -> Any:
        """True or False."""
        return bool(self.query.matching(scope))


@attrs.frozen
class WithinQuery:
    """Whether a value is in the one column of a query."""

    inner: Expression
    query: Query

    def value(self, scope: Scope) -> Any:
        """By comparing with each row's value."""
        choices = []
        for row in self.query.matching(scope):
            names = {f"{self.query.alias.lower()}.{key}": value for key, value in row.items()}
            choices.append(Literal(self.query.columns[0][1].value(scope.inside({**row, **names}))))
        return Within(self.inner, tuple(choices)).value(scope)
