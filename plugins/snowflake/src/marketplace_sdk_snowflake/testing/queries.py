"""SELECT, and the rows that queries and changes read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import evolve

from marketplace_sdk_snowflake.testing.authority import active_roles, readable
from marketplace_sdk_snowflake.testing.catalog import (
    ACCOUNT_FUNCTIONS,
    TABLE_FUNCTIONS,
    VIEWS,
    visible_rows,
)
from marketplace_sdk_snowflake.testing.evaluation import Scope, evaluate
from marketplace_sdk_snowflake.testing.expressions import (
    Call,
    Column,
    Select,
    Source,
)
from marketplace_sdk_snowflake.testing.masking import filler, masked
from marketplace_sdk_snowflake.testing.refusals import Refused, absent, insufficient
from marketplace_sdk_snowflake.testing.running import SELECT, Result, Run
from marketplace_sdk_snowflake.testing.sessions import Session
from marketplace_sdk_snowflake.testing.statements import Query, Target
from marketplace_sdk_snowflake.testing.world import Relation, World

__all__ = ["SHOWN", "query", "require_warehouse", "scope_of", "session_scope"]

SHOWN = {
    "locator": "FK00001",
    "organization": "FAKEORG",
    "region": "AWS_EU_CENTRAL_1",
    "version": "10.40.0",
}
"""What the account says of itself."""


def session_scope(world: World, session: Session, *, binds: tuple[Any, ...] = ()) -> Scope:
    """Where expressions of a session look."""
    roles = active_roles(world, session.user, session.role, session.secondary)
    return Scope(world, session, roles, session.database, _subquery, binds=binds, shown=SHOWN)


def scope_of(run: Run) -> Scope:
    """Where expressions of a statement look."""
    return session_scope(run.world, run.session, binds=run.binds)


def require_warehouse(run: Run) -> None:
    """000606, unless the session has a warehouse."""
    if not run.session.warehouse and not run.session.administrator:
        raise Refused(
            606,
            "57P03",
            "No active warehouse selected in the current session. Select an active warehouse with "
            "the 'use warehouse' command.",
        )


def _subquery(scope: Scope, select: Select) -> Iterator[Mapping[str, Any]]:
    """Rows of a subquery inside an expression: a policy reads with the rights of its owner."""
    if select.source is None:
        yield {}
        return
    relation = scope.world.relation(select.source.name)
    if relation is None:
        raise absent("OBJECT", select.source.name)
    for row in relation.rows:
        if (
            select.where is None
            or evaluate(select.where, scope.inside(select.source.alias, row)) is True
        ):
            yield row


def query(run: Run, statement: Query) -> Result:
    """SELECT.

    Raises:
        Refused: a name that is not there or hidden; 000606, no warehouse; 000904, no such column.
    """
    select, scope = statement.select, scope_of(run)
    if select.source is None:
        columns: tuple[str, ...] = ()
        rows: list[Mapping[str, Any]] = [{}]
    else:
        require_warehouse(run)
        columns, rows = _read(run, select.source, scope)
    alias = select.source.alias if select.source else ""
    inner = [scope.inside(alias, row) for row in rows]
    if select.where is not None:
        inner = [one for one in inner if evaluate(select.where, one) is True]
    for key, down in reversed(select.order):
        ranked = [(_sortable(evaluate(key, one)), at) for at, one in enumerate(inner)]
        ranked.sort(key=lambda pair: pair[0], reverse=down)
        inner = [inner[at] for _, at in ranked]
    headings, values = _project(select, columns, inner, scope)
    values = values[: select.limit]
    return Result(
        tuple((heading, _wire_type(values, at)) for at, heading in enumerate(headings)),
        tuple(values),
        SELECT,
    )


def _project(
    select: Select, columns: tuple[str, ...], scopes: list[Scope], outer: Scope
) -> tuple[list[str], list[tuple[Any, ...]]]:
    items = [
        item
        for expression, heading in select.items
        for item in (
            [(Column((name,)), name) for name in columns]
            if expression is None
            else [(expression, heading)]
        )
    ]
    if any(expression is None for expression, _ in select.items) and select.source is None:
        raise Refused(2079, "42601", "SQL compilation error:\nSELECT with no columns")
    headings = [heading for _, heading in items]
    counting = [isinstance(one, Call) and one.function == "COUNT" for one, _ in items]
    if any(counting):
        if not all(counting):
            raise Refused(979, "42601", "SQL compilation error:\nnot a valid group by expression")
        return headings, [tuple(_count(one, scopes) for one, _ in items)]
    if not scopes:
        blank = outer.inside("", dict.fromkeys(columns))
        if select.source is not None:
            blank = outer.inside(select.source.alias, dict.fromkeys(columns))
        for expression, _ in items:
            evaluate(expression, blank)
    return headings, [tuple(evaluate(expression, one) for expression, _ in items) for one in scopes]


def _count(call: Any, scopes: list[Scope]) -> int:
    if not call.arguments:
        return len(scopes)
    return sum(evaluate(call.arguments[0], one) is not None for one in scopes)


def _sortable(value: Any) -> tuple[bool, Any]:
    return value is None, "" if value is None else value


def _wire_type(values: list[tuple[Any, ...]], at: int) -> str:
    sample = next((row[at] for row in values if row[at] is not None), None)
    if isinstance(sample, bool):
        return "boolean"
    if isinstance(sample, datetime):
        return "timestamp_tz"
    return "fixed" if isinstance(sample, (int, Decimal)) else "text"


def _read(
    run: Run, source: Source, scope: Scope
) -> tuple[tuple[str, ...], list[Mapping[str, Any]]]:
    name = source.name
    if source.arguments is not None:
        account_wide = ACCOUNT_FUNCTIONS.get(name[0]) if len(name) == 1 else None
        if account_wide is not None:
            return account_wide(
                run, [(label, evaluate(value, scope)) for label, value in source.arguments]
            )
        if len(name) not in {2, 3} or name[-2:-1] != ("INFORMATION_SCHEMA",):
            raise absent("FUNCTION", name)
        function = TABLE_FUNCTIONS.get(name[-1])
        if function is None:
            raise absent("FUNCTION", name)
        arguments = [(label, evaluate(value, scope)) for label, value in source.arguments]
        return function(run, _database(run, name[:-2]), arguments)
    if name[-2:-1] == ("INFORMATION_SCHEMA",):
        if name[-1] not in VIEWS:
            raise absent("OBJECT", name)
        return visible_rows(run, name[-1], _database(run, name[:-2]))
    relation = run.require(Target("RELATION", name))
    if not isinstance(relation, Relation):
        raise absent("OBJECT", name)
    if not readable(run.authority, relation):
        raise insufficient(relation.kind, relation.name[-1:])
    return tuple(relation.columns), list(relation_rows(scope, relation))


def _database(run: Run, name: tuple[str, ...]) -> str:
    return run.require(Target("DATABASE", name or (run.session.database,))).name[0]


def relation_rows(scope: Scope, relation: Relation) -> Iterator[Mapping[str, Any]]:
    """The rows of a table or view as the scope's session gets to see them."""
    rows: Iterator[Mapping[str, Any]] = iter(relation.rows)
    if relation.over is not None:
        base = scope.world.relation(relation.over)
        if base is None:
            return
        reader = filler(scope, relation) if relation.kind == "DYNAMIC TABLE" else scope
        rows = (
            {name: row.get(origin) for name, origin in relation.origins.items()}
            for row in relation_rows(reader, base)
        )
    plain = evolve(scope, tables=())
    for row in rows:
        yield {
            name: masked(plain, relation, column, row) for name, column in relation.columns.items()
        }
