"""CREATE, ALTER, COMMENT and DROP."""

from __future__ import annotations

from typing import Any

from marketplace_sdk_snowflake.testing.cursor import Cursor
from marketplace_sdk_snowflake.testing.expressions import Expression
from marketplace_sdk_snowflake.testing.kinds import TABLE_LIKE, VIEW_LIKE, depth
from marketplace_sdk_snowflake.testing.parsing_expressions import (
    parse_expression,
    parse_select,
    parse_type,
)
from marketplace_sdk_snowflake.testing.statements import (
    AlterSession,
    AttachPolicy,
    ColumnDefinition,
    CreateContainer,
    CreatePolicy,
    CreateRelation,
    CreateRole,
    CreateTag,
    Drop,
    ReplaceBody,
    SetComment,
    SetTag,
    SetTagPolicy,
    Statement,
    Target,
)

__all__ = ["parse_alter", "parse_comment", "parse_create", "parse_drop"]

_RELATIONS = (*TABLE_LIKE[1:], "MATERIALIZED VIEW", "TABLE", "VIEW")
_NAMED = (
    "DATABASE ROLE",
    "ROLE",
    "USER",
    "DATABASE",
    "SCHEMA",
    "MASKING POLICY",
    "TAG",
    *_RELATIONS,
)


def _target(cursor: Cursor, kind: str) -> Target:
    return Target(kind, cursor.qualified(depth(kind)))


def _comment(cursor: Cursor) -> str:
    if not cursor.accept("COMMENT"):
        return ""
    cursor.expect("=")
    return cursor.string()


def parse_create(cursor: Cursor) -> Statement:
    """CREATE, to its end."""
    cursor.expect("CREATE")
    replace = cursor.accept("OR", "REPLACE")
    secure = cursor.accept("SECURE")
    kind = cursor.one_of(*_NAMED)
    if (secure and kind not in VIEW_LIKE) or (
        replace and kind not in {"ROLE", "DATABASE ROLE", "MASKING POLICY", *_RELATIONS}
    ):
        raise cursor.fail()
    if_missing = not replace and cursor.accept("IF", "NOT", "EXISTS")
    target = _target(cursor, kind)
    if kind in {"ROLE", "DATABASE ROLE"}:
        return CreateRole(target, _comment(cursor), if_missing, replace)
    if kind in {"DATABASE", "SCHEMA", "USER"}:
        managed = kind == "SCHEMA" and cursor.accept("WITH", "MANAGED", "ACCESS")
        return CreateContainer(target, _comment(cursor), if_missing, managed)
    if kind == "TAG":
        return CreateTag(target, _comment(cursor), if_missing)
    if kind == "MASKING POLICY":
        return _policy(cursor, target, if_missing=if_missing, replace=replace)
    if kind in VIEW_LIKE:
        return _view(cursor, target, secure=secure, if_missing=if_missing, replace=replace)
    return _table(cursor, target, if_missing=if_missing, replace=replace)


def _table(cursor: Cursor, target: Target, *, if_missing: bool, replace: bool) -> CreateRelation:
    cursor.expect("(")
    columns: list[ColumnDefinition] = []
    while not columns or cursor.accept(","):
        columns.append(_definition(cursor))
    cursor.expect(")")
    copies = cursor.accept("COPY", "GRANTS")
    return CreateRelation(
        target,
        tuple(columns),
        comment=_comment(cursor),
        if_missing=if_missing,
        replace=replace,
        copy_grants=copies,
    )


def _definition(cursor: Cursor) -> ColumnDefinition:
    name, type_ = cursor.name(), parse_type(cursor)
    required = cursor.accept("NOT", "NULL")
    if not cursor.choose("WITH MASKING POLICY", "MASKING POLICY"):
        return ColumnDefinition(name, type_, required)
    return ColumnDefinition(name, type_, required, cursor.qualified(), _using(cursor))


def _using(cursor: Cursor) -> tuple[str, ...]:
    names: list[str] = []
    if cursor.accept("USING"):
        cursor.expect("(")
        while not names or cursor.accept(","):
            names.append(cursor.name())
        cursor.expect(")")
    return tuple(names)


def _view(
    cursor: Cursor, target: Target, *, secure: bool, if_missing: bool, replace: bool
) -> CreateRelation:
    copies = cursor.accept("COPY", "GRANTS")
    comment = _comment(cursor)
    cursor.expect("AS")
    start = cursor.token.start
    query = parse_select(cursor)
    return CreateRelation(
        target,
        query=query,
        query_text=cursor.text[start : cursor.token.start].strip(),
        secure=secure,
        comment=comment,
        if_missing=if_missing,
        replace=replace,
        copy_grants=copies,
    )


def _policy(cursor: Cursor, target: Target, *, if_missing: bool, replace: bool) -> CreatePolicy:
    cursor.expect("AS", "(")
    arguments: list[tuple[str, str]] = []
    while not arguments or cursor.accept(","):
        arguments.append((cursor.name(), parse_type(cursor)))
    cursor.expect(")", "RETURNS")
    returns = parse_type(cursor)
    cursor.expect("->")
    body, text = _body(cursor)
    return CreatePolicy(
        target, tuple(arguments), returns, body, text, _comment(cursor), if_missing, replace
    )


def _body(cursor: Cursor) -> tuple[Expression, str]:
    start = cursor.token.start
    body = parse_expression(cursor)
    return body, cursor.text[start : cursor.token.start].strip()


def parse_alter(cursor: Cursor) -> Statement:
    """ALTER, to its end."""
    cursor.expect("ALTER")
    kind = cursor.one_of("SESSION", *_NAMED)
    if kind == "SESSION":
        return _session(cursor)
    if_exists = kind in {"ROLE", "DATABASE ROLE"} and cursor.accept("IF", "EXISTS")
    target = _target(cursor, kind)
    if kind == "MASKING POLICY" and cursor.accept("SET", "BODY", "->"):
        return ReplaceBody(target, *_body(cursor))
    if kind == "TAG":
        attach = cursor.one_of("SET", "UNSET") == "SET"
        cursor.expect("MASKING", "POLICY")
        policy = cursor.qualified()
        return SetTagPolicy(target, policy, attach, force=attach and cursor.accept("FORCE"))
    if kind in _RELATIONS and cursor.choose("MODIFY", "ALTER"):
        cursor.accept("COLUMN")
        return _column(cursor, target)
    if cursor.accept("SET", "COMMENT", "="):
        return SetComment(target, cursor.string(), if_exists)
    if kind in {"DATABASE", "SCHEMA", *_RELATIONS}:
        return _tag(cursor, target, None)
    raise cursor.fail()


def _column(cursor: Cursor, target: Target) -> Statement:
    column = cursor.name()
    if cursor.accept("UNSET", "MASKING", "POLICY"):
        return AttachPolicy(target, column, None)
    if not cursor.accept("SET", "MASKING", "POLICY"):
        return _tag(cursor, target, column)
    policy = cursor.qualified()
    return AttachPolicy(target, column, policy, _using(cursor), cursor.accept("FORCE"))


def _tag(cursor: Cursor, target: Target, column: str | None) -> SetTag:
    attach = cursor.one_of("SET", "UNSET") == "SET"
    cursor.expect("TAG")
    tag = cursor.qualified()
    if not attach:
        return SetTag(target, column, tag, None)
    cursor.expect("=")
    return SetTag(target, column, tag, cursor.string())


def _session(cursor: Cursor) -> AlterSession:
    attach = cursor.one_of("SET", "UNSET") == "SET"
    found: list[tuple[str, Any]] = []
    while not found or cursor.accept(",") or cursor.token.kind == "word":
        name = cursor.name()
        if not attach:
            found.append((name, None))
            continue
        cursor.expect("=")
        found.append((name, _setting(cursor)))
    return AlterSession(tuple(found))


def _setting(cursor: Cursor) -> Any:
    if word := cursor.choose("TRUE", "FALSE"):
        return word == "TRUE"
    return cursor.integer() if cursor.token.kind == "number" else cursor.string()


def parse_comment(cursor: Cursor) -> SetComment:
    """COMMENT ON, to its end."""
    cursor.expect("COMMENT")
    if_exists = cursor.accept("IF", "EXISTS")
    cursor.expect("ON")
    target = _target(cursor, cursor.one_of(*_NAMED))
    cursor.expect("IS")
    return SetComment(target, cursor.string(), if_exists)


def parse_drop(cursor: Cursor) -> Drop:
    """DROP, to its end."""
    cursor.expect("DROP")
    kind = cursor.one_of(*_NAMED)
    if_exists = cursor.accept("IF", "EXISTS")
    return Drop(_target(cursor, kind), if_exists)
