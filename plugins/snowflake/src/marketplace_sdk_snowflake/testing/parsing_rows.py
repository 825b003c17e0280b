"""INSERT, UPDATE, DELETE and MERGE."""

from __future__ import annotations

from marketplace_sdk_snowflake.testing.cursor import Cursor
from marketplace_sdk_snowflake.testing.expressions import Expression
from marketplace_sdk_snowflake.testing.parsing_expressions import (
    parse_expression,
    parse_select,
)
from marketplace_sdk_snowflake.testing.statements import Delete, Insert, Merge, Update

__all__ = ["parse_delete", "parse_insert", "parse_merge", "parse_update"]


def _columns(cursor: Cursor) -> tuple[str, ...]:
    cursor.expect("(")
    names: list[str] = []
    while not names or cursor.accept(","):
        names.append(cursor.name())
    cursor.expect(")")
    return tuple(names)


def _values(cursor: Cursor) -> tuple[Expression, ...]:
    cursor.expect("(")
    found: list[Expression] = []
    while not found or cursor.accept(","):
        found.append(parse_expression(cursor))
    cursor.expect(")")
    return tuple(found)


def _changes(cursor: Cursor) -> tuple[tuple[str, Expression], ...]:
    found: list[tuple[str, Expression]] = []
    while not found or cursor.accept(","):
        name = cursor.qualified(2)[-1]
        cursor.expect("=")
        found.append((name, parse_expression(cursor)))
    return tuple(found)


def parse_insert(cursor: Cursor) -> Insert:
    """INSERT, to its end."""
    cursor.expect("INSERT", "INTO")
    table = cursor.qualified()
    columns = _columns(cursor)
    cursor.expect("VALUES")
    rows: list[tuple[Expression, ...]] = []
    while not rows or cursor.accept(","):
        rows.append(_values(cursor))
        if len(rows[-1]) != len(columns):
            raise cursor.fail()
    return Insert(table, columns, tuple(rows))


def parse_update(cursor: Cursor) -> Update:
    """UPDATE, to its end."""
    cursor.expect("UPDATE")
    table = cursor.qualified()
    cursor.expect("SET")
    changes = _changes(cursor)
    where = parse_expression(cursor) if cursor.accept("WHERE") else None
    return Update(table, changes, where)


def parse_delete(cursor: Cursor) -> Delete:
    """DELETE, to its end."""
    cursor.expect("DELETE", "FROM")
    table = cursor.qualified()
    where = parse_expression(cursor) if cursor.accept("WHERE") else None
    return Delete(table, where)


def parse_merge(cursor: Cursor) -> Merge:
    """MERGE, to its end."""
    cursor.expect("MERGE", "INTO")
    table = cursor.qualified()
    cursor.accept("AS")
    alias = table[-1] if cursor.at("USING") else cursor.name()
    cursor.expect("USING", "(")
    source = parse_select(cursor)
    cursor.expect(")")
    cursor.accept("AS")
    source_alias = cursor.name()
    cursor.expect("ON")
    condition = parse_expression(cursor)
    update, delete = None, False
    if cursor.accept("WHEN", "MATCHED", "THEN"):
        delete = cursor.one_of("UPDATE", "DELETE") == "DELETE"
        if not delete:
            cursor.expect("SET")
            update = _changes(cursor)
    insert = None
    if cursor.accept("WHEN", "NOT", "MATCHED", "THEN", "INSERT"):
        columns = _columns(cursor)
        cursor.expect("VALUES")
        insert = (columns, _values(cursor))
        if len(insert[0]) != len(insert[1]):
            raise cursor.fail()
    if update is None and not delete and insert is None:
        raise cursor.fail()
    return Merge(table, alias, source, source_alias, condition, update, delete, insert)
