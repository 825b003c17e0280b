"""What an expression is worth: in a query, in a change of rows, in the body of a policy."""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from attrs import evolve, field, frozen

from marketplace_sdk_snowflake.testing.expressions import (
    Binary,
    Bind,
    Call,
    Case,
    Cast,
    Column,
    Exists,
    Expression,
    Literal,
    Member,
    Not,
    Null,
)
from marketplace_sdk_snowflake.testing.refusals import Refused, unknown_column
from marketplace_sdk_snowflake.testing.sessions import Session
from marketplace_sdk_snowflake.testing.world import Grantee, World

__all__ = ["Scope", "evaluate", "like"]

Rows = Callable[["Scope", Any], Iterator[Mapping[str, Any]]]


@frozen
class Scope:
    """Where names and functions of an expression look.

    ``tables`` maps an alias to its row; the innermost query comes last. ``database`` is where a
    policy looks for database roles; ``rows`` reads what a subquery is about.
    """

    world: World
    session: Session
    roles: frozenset[Grantee]
    database: str
    rows: Rows
    tables: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    binds: tuple[Any, ...] = ()
    shown: Mapping[str, Any] = field(factory=dict)

    def inside(self, alias: str, row: Mapping[str, Any]) -> Scope:
        """The scope of a row of a query."""
        return evolve(self, tables=(*self.tables, (alias, row)))


def evaluate(expression: Expression, scope: Scope) -> Any:
    """The value; None is NULL.

    Raises:
        Refused: 000904, an unknown column; 100038, a value that no cast can read; 002049, a value
            that is not bound.
    """
    return _RULES[type(expression)](expression, scope)


def _column(found: Column, scope: Scope) -> Any:
    *alias, name = found.parts
    for table, row in reversed(scope.tables):
        if (not alias or alias[0] == table) and name in row:
            return row[name]
    raise unknown_column(name)


def _bind(found: Bind, scope: Scope) -> Any:
    if found.number > len(scope.binds):
        raise Refused(2049, "42601", "SQL compilation error:\nBind variable ? not set.")
    return scope.binds[found.number - 1]


def _case(found: Case, scope: Scope) -> Any:
    for condition, outcome in found.branches:
        if evaluate(condition, scope) is True:
            return evaluate(outcome, scope)
    return evaluate(found.otherwise, scope)


def _not(found: Not, scope: Scope) -> bool | None:
    value = evaluate(found.operand, scope)
    return None if value is None else not value


def _member(found: Member, scope: Scope) -> bool | None:
    value = evaluate(found.operand, scope)
    equal = [_compare("=", value, evaluate(choice, scope)) for choice in found.choices]
    if True in equal:
        return True
    return None if None in equal else False


def _exists(found: Exists, scope: Scope) -> bool:
    return next(scope.rows(scope, found.query), None) is not None


def _binary(found: Binary, scope: Scope) -> Any:
    left, right = evaluate(found.left, scope), evaluate(found.right, scope)
    if found.operator in {"AND", "OR"}:
        decisive = found.operator == "OR"
        if decisive in (left, right):
            return decisive
        return None if None in (left, right) else not decisive
    return _compare(found.operator, left, right)


def _compare(sign: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if sign == "||":
        return f"{left}{right}"
    if sign in {"LIKE", "ILIKE"}:
        return like(str(right), str(left), exact=sign == "LIKE")
    try:
        return _COMPARISONS[sign](*_alike(left, right))
    except (TypeError, ArithmeticError):
        raise Refused(
            1065, "22023", f"SQL compilation error:\nCan not compare types with '{sign}'."
        ) from None


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Values of two types, as the type that Snowflake would compare them in."""
    if isinstance(left, datetime) != isinstance(right, datetime):
        return _moment(left), _moment(right)
    numbers = (int, Decimal, float)
    if isinstance(left, numbers) != isinstance(right, numbers):
        return Decimal(str(left)), Decimal(str(right))
    return left, right


def like(pattern: str, text: str, *, exact: bool = False) -> bool:
    """Whether a text fits a pattern of ``%``, ``_`` and a backslash that takes their meaning."""
    parts = re.findall(r"\\.|.", pattern, flags=re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    flags = re.DOTALL | (0 if exact else re.IGNORECASE)
    return re.fullmatch(expression, text, flags) is not None


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    text = re.sub(r" ([+-])", r"\1", str(value).strip())
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(100035, "22007", f"Timestamp '{value}' is not recognized") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _cast(found: Cast, scope: Scope) -> Any:
    return convert(evaluate(found.operand, scope), found.type)


def convert(value: Any, type_: str) -> Any:
    """A value in another type, by the type's full name."""
    family = type_.split("(", 1)[0]
    if value is None or family in {"VARIANT", "OBJECT", "ARRAY"}:
        return value
    if family.startswith("TIMESTAMP"):
        return _moment(value)
    if family == "VARCHAR":
        return str(value)
    if family == "BOOLEAN":
        return value if isinstance(value, bool) else str(value).lower() in {"true", "1", "yes", "t"}
    if family == "NUMBER":
        try:
            return int(str(value))
        except ValueError:
            raise Refused(100038, "22018", f"Numeric value '{value}' is not recognized") from None
    return value


def _call(found: Call, scope: Scope) -> Any:
    values = [evaluate(argument, scope) for argument in found.arguments]
    if found.function in _FACTS and not values:
        return _FACTS[found.function](scope)
    if found.function in _FUNCTIONS:
        takes, function = _FUNCTIONS[found.function]
        if len(values) in takes:
            return function(scope, *values)
    raise Refused(
        939, "22023", f"SQL compilation error:\nwrong number of arguments for {found.function}"
    )


def _in_session(scope: Scope, kind: str, name: str | None) -> bool | None:
    if name is None:
        return None
    where = (name,) if kind == "ROLE" else (scope.database, name)
    return Grantee(kind, where) in scope.roles


def _hashed(_: Scope, value: str | None, bits: int = 256) -> str | None:
    if value is None or bits not in {256, 512}:
        return None
    return hashlib.new(f"sha{bits}", str(value).encode()).hexdigest()


def _text(_: Scope, value: Any, pattern: str | None = None) -> str | None:
    """A moment is written as ISO 8601 when a format is given: the one format that we know."""
    if value is None or not isinstance(value, datetime):
        return None if value is None else str(value)
    if pattern is None:
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + value.strftime(" %z")
    return value.isoformat(timespec="milliseconds")


def _lift(function: Callable[[str], str]) -> Callable[..., str | None]:
    return lambda _, value: None if value is None else function(str(value))


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_FACTS: dict[str, Callable[[Scope], Any]] = {
    "CURRENT_ACCOUNT": lambda scope: scope.shown["locator"],
    "CURRENT_ACCOUNT_NAME": lambda scope: scope.world.account,
    "CURRENT_DATABASE": lambda scope: scope.session.database or None,
    "CURRENT_ORGANIZATION_NAME": lambda scope: scope.shown["organization"],
    "CURRENT_REGION": lambda scope: scope.shown["region"],
    "CURRENT_ROLE": lambda scope: scope.session.role or None,
    "CURRENT_SCHEMA": lambda scope: scope.session.schema or None,
    "CURRENT_SECONDARY_ROLES": lambda scope: (
        '{"roles":"","value":"%s"}' % ("ALL" if scope.session.secondary == "ALL" else "")
    ),
    "CURRENT_SESSION": lambda scope: str(scope.session.number),
    "CURRENT_TIMESTAMP": lambda scope: scope.world.now(),
    "CURRENT_USER": lambda scope: scope.session.user,
    "CURRENT_VERSION": lambda scope: scope.shown["version"],
    "CURRENT_WAREHOUSE": lambda scope: scope.session.warehouse or None,
}

_FUNCTIONS: dict[str, tuple[range, Callable[..., Any]]] = {
    "COALESCE": (
        range(1, 99),
        lambda _, *values: next((value for value in values if value is not None), None),
    ),
    "CONCAT": (
        range(1, 99),
        lambda _, *values: None if None in values else "".join(map(str, values)),
    ),
    "IS_DATABASE_ROLE_IN_SESSION": (
        range(1, 2),
        lambda scope, name: _in_session(scope, "DATABASE ROLE", name),
    ),
    "IS_ROLE_IN_SESSION": (range(1, 2), lambda scope, name: _in_session(scope, "ROLE", name)),
    "LEFT": (
        range(2, 3),
        lambda _, text, length: None if text is None else str(text)[: int(length)],
    ),
    "LOWER": (range(1, 2), _lift(str.lower)),
    "SHA2": (range(1, 3), _hashed),
    "SYS_CONTEXT": (range(2, 3), lambda *_: "FALSE"),
    "TO_TIMESTAMP_TZ": (
        range(1, 2),
        lambda _, value: None if value is None else _moment(value),
    ),
    "TO_VARCHAR": (range(1, 3), _text),
    "UPPER": (range(1, 2), _lift(str.upper)),
}

_RULES: dict[type, Callable[[Any, Scope], Any]] = {
    Binary: _binary,
    Bind: _bind,
    Call: _call,
    Case: _case,
    Cast: _cast,
    Column: _column,
    Exists: _exists,
    Literal: lambda found, _: found.value,
    Member: _member,
    Not: _not,
    Null: lambda found, scope: evaluate(found.operand, scope) is None,
}
