"""INSERT, UPDATE, DELETE and MERGE, executed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marketplace_sdk_snowflake.testing.evaluation import Scope, convert, evaluate
from marketplace_sdk_snowflake.testing.expressions import Expression
from marketplace_sdk_snowflake.testing.kinds import TABLE_LIKE
from marketplace_sdk_snowflake.testing.queries import query, require_warehouse, scope_of
from marketplace_sdk_snowflake.testing.refusals import Refused, insufficient, unknown_column
from marketplace_sdk_snowflake.testing.running import (
    DELETE,
    INSERT,
    MERGE,
    UPDATE,
    Result,
    Run,
)
from marketplace_sdk_snowflake.testing.statements import (
    Delete,
    Insert,
    Merge,
    Name,
    Query,
    Target,
    Update,
)
from marketplace_sdk_snowflake.testing.world import Relation

__all__ = ["delete", "insert", "merge", "update"]


def _table(run: Run, name: Name, *privileges: str) -> Relation:
    """A table whose rows the session may change, remembered as it is for a ROLLBACK."""
    require_warehouse(run)
    relation = run.require(Target("RELATION", name))
    if not isinstance(relation, Relation) or relation.kind not in TABLE_LIKE:
        raise Refused(2203, "02000", "SQL compilation error:\nObject found is not of type 'TABLE'.")
    for privilege in privileges:
        if not run.authority.holds(privilege, ("RELATION", relation.name)):
            raise insufficient(relation.kind, relation.name[-1:])
    if run.session.undo is not None:
        run.session.undo.append((relation, [dict(row) for row in relation.rows]))
    return relation


def _counted(kind: int, **numbers: int) -> Result:
    headings = tuple((f"number of rows {word}", "fixed") for word in numbers)
    return Result(headings, (tuple(numbers.values()),), kind)


def _row(relation: Relation, columns: Iterable[str], values: Iterable[Any]) -> dict[str, Any]:
    row = dict.fromkeys(relation.columns)
    return _changed(relation, row, dict(zip(columns, values, strict=True)))


def _changed(relation: Relation, row: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A row with other values.

    Raises:
        Refused: 000904, no such column; 100072, NULL where there must be a value.
    """
    for name in changes:
        if name not in relation.columns:
            raise unknown_column(name)
    new = {
        name: convert(changes[name], relation.columns[name].type) if name in changes else value
        for name, value in row.items()
    }
    for column in relation.columns.values():
        if column.required and new[column.name] is None:
            raise Refused(100072, "22000", "NULL result in a non-nullable column")
    return new


def insert(run: Run, statement: Insert) -> Result:
    """INSERT."""
    relation = _table(run, statement.table, "INSERT")
    scope = scope_of(run)
    new = [
        _row(relation, statement.columns, [evaluate(value, scope) for value in values])
        for values in statement.rows
    ]
    relation.rows.extend(new)
    return _counted(INSERT, inserted=len(new))


def _hit(where: Expression | None, scope: Scope) -> bool:
    return where is None or evaluate(where, scope) is True


def update(run: Run, statement: Update) -> Result:
    """UPDATE."""
    relation = _table(run, statement.table, "UPDATE", "SELECT")
    scope, alias = scope_of(run), statement.table[-1]
    changed, rows = 0, []
    for row in relation.rows:
        inner = scope.inside(alias, row)
        if _hit(statement.where, inner):
            changed += 1
            new = {name: evaluate(value, inner) for name, value in statement.changes}
            rows.append(_changed(relation, row, new))
        else:
            rows.append(row)
    relation.rows[:] = rows
    return Result(
        (("number of rows updated", "fixed"), ("number of multi-joined rows updated", "fixed")),
        ((changed, 0),),
        UPDATE,
    )


def delete(run: Run, statement: Delete) -> Result:
    """DELETE."""
    relation = _table(run, statement.table, "DELETE", "SELECT")
    scope, alias = scope_of(run), statement.table[-1]
    kept = [row for row in relation.rows if not _hit(statement.where, scope.inside(alias, row))]
    gone = len(relation.rows) - len(kept)
    relation.rows[:] = kept
    return _counted(DELETE, deleted=gone)


def merge(run: Run, statement: Merge) -> Result:
    """MERGE.

    Raises:
        Refused: 100090, a row would be changed by two rows of the source.
    """
    needed = [
        *(["UPDATE"] if statement.update is not None else []),
        *(["DELETE"] if statement.delete else []),
        *(["INSERT"] if statement.insert else []),
    ]
    relation = _table(run, statement.table, "SELECT", *needed)
    source = query(run, Query(statement.source))
    headings = [heading for heading, _ in source.columns]
    rows: list[dict[str, Any] | None] = list(relation.rows)
    touched: set[int] = set()
    added: list[dict[str, Any]] = []
    for values in source.rows:
        inner = scope_of(run).inside(
            statement.source_alias, dict(zip(headings, values, strict=True))
        )
        matches = [
            at
            for at, row in enumerate(relation.rows)
            if evaluate(statement.condition, inner.inside(statement.alias, row)) is True
        ]
        if touched & set(matches):
            raise Refused(100090, "42P18", "Duplicate row detected during DML action")
        touched.update(matches)
        for at in matches:
            rows[at] = _merged(relation, statement, inner, at)
        if not matches and statement.insert:
            columns, expressions = statement.insert
            added.append(_row(relation, columns, [evaluate(one, inner) for one in expressions]))
    relation.rows[:] = [*(row for row in rows if row is not None), *added]
    numbers = {"inserted": len(added)} if statement.insert else {}
    if statement.update is not None:
        numbers["updated"] = len(touched)
    elif statement.delete:
        numbers["deleted"] = len(touched)
    return _counted(MERGE, **numbers)


def _merged(relation: Relation, statement: Merge, scope: Scope, at: int) -> dict[str, Any] | None:
    row = relation.rows[at]
    if statement.delete:
        return None
    if statement.update is None:
        return row
    inner = scope.inside(statement.alias, row)
    return _changed(
        relation, row, {name: evaluate(value, inner) for name, value in statement.update}
    )
