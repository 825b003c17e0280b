"""Expressions and queries: bodies of policies, queries and changes of rows share them."""

from __future__ import annotations

from decimal import Decimal

from marketplace_sdk_snowflake.testing.cursor import RESERVED, Cursor
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
    Select,
    Source,
)

__all__ = ["parse_expression", "parse_select", "parse_type"]

FUNCTIONS = frozenset(
    {
        "COALESCE",
        "CONCAT",
        "COUNT",
        "CURRENT_ACCOUNT",
        "CURRENT_ACCOUNT_NAME",
        "CURRENT_DATABASE",
        "CURRENT_ORGANIZATION_NAME",
        "CURRENT_REGION",
        "CURRENT_ROLE",
        "CURRENT_SCHEMA",
        "CURRENT_SECONDARY_ROLES",
        "CURRENT_SESSION",
        "CURRENT_TIMESTAMP",
        "CURRENT_USER",
        "CURRENT_VERSION",
        "CURRENT_WAREHOUSE",
        "IS_DATABASE_ROLE_IN_SESSION",
        "IS_ROLE_IN_SESSION",
        "LEFT",
        "LOWER",
        "SHA2",
        "SYS_CONTEXT",
        "TO_TIMESTAMP_TZ",
        "TO_VARCHAR",
        "UPPER",
    }
)
"""What may be called; anything else is no sentence of the grammar."""

TYPES = {
    "VARCHAR": "VARCHAR",
    "STRING": "VARCHAR",
    "TEXT": "VARCHAR",
    "CHAR": "VARCHAR",
    "NUMBER": "NUMBER",
    "NUMERIC": "NUMBER",
    "DECIMAL": "NUMBER",
    "INT": "NUMBER",
    "INTEGER": "NUMBER",
    "BIGINT": "NUMBER",
    "FLOAT": "FLOAT",
    "DOUBLE": "FLOAT",
    "REAL": "FLOAT",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    "DATETIME": "TIMESTAMP_NTZ",
    "TIMESTAMP_NTZ": "TIMESTAMP_NTZ",
    "TIMESTAMP_LTZ": "TIMESTAMP_LTZ",
    "TIMESTAMP_TZ": "TIMESTAMP_TZ",
    "VARIANT": "VARIANT",
    "OBJECT": "OBJECT",
    "ARRAY": "ARRAY",
    "BINARY": "BINARY",
    "GEOGRAPHY": "GEOGRAPHY",
}
"""Types by every name they have, to the name of their family."""

_RESERVED = RESERVED | {
    *("CASE", "CROSS", "END", "FALSE", "JOIN", "LEFT", "LIMIT", "MATCHED", "TRUE", "USING", "WHEN")
}


def parse_type(cursor: Cursor) -> str:
    """A type, as Snowflake writes it: ``VARCHAR(16777216)``, ``NUMBER(38,0)``."""
    if cursor.token.kind != "word" or cursor.token.value not in TYPES:
        raise cursor.fail()
    family = TYPES[cursor.advance().value]
    sizes: list[int] = []
    if cursor.accept("("):
        sizes.append(cursor.integer())
        if cursor.accept(","):
            sizes.append(cursor.integer())
        cursor.expect(")")
    if family == "VARCHAR":
        return f"VARCHAR({sizes[0] if sizes else 16777216})"
    if family == "NUMBER":
        return "NUMBER({},{})".format(*(*sizes, *(38, 0)[len(sizes) :]))
    if family.startswith("TIME"):
        return f"{family}({sizes[0] if sizes else 9})"
    return family


def parse_expression(cursor: Cursor) -> Expression:
    """An expression, to its end."""
    left = _conjunction(cursor)
    while cursor.accept("OR"):
        left = Binary("OR", left, _conjunction(cursor))
    return left


def _conjunction(cursor: Cursor) -> Expression:
    left = _negation(cursor)
    while cursor.accept("AND"):
        left = Binary("AND", left, _negation(cursor))
    return left


def _negation(cursor: Cursor) -> Expression:
    if cursor.accept("NOT"):
        return Not(_negation(cursor))
    return _comparison(cursor)


def _comparison(cursor: Cursor) -> Expression:
    left = _joined(cursor)
    if cursor.accept("IS"):
        negated = cursor.accept("NOT")
        cursor.expect("NULL")
        return Not(Null(left)) if negated else Null(left)
    negated = cursor.accept("NOT")
    if cursor.accept("IN"):
        cursor.expect("(")
        found: Expression = Member(left, _listed(cursor))
    elif operator := cursor.choose("LIKE", "ILIKE"):
        found = Binary(operator, left, _joined(cursor))
    elif negated:
        raise cursor.fail()
    elif operator := cursor.choose("=", "<>", "!=", "<=", ">=", "<", ">"):
        found = Binary("<>" if operator == "!=" else operator, left, _joined(cursor))
    else:
        return left
    return Not(found) if negated else found


def _joined(cursor: Cursor) -> Expression:
    left = _cast(cursor)
    while cursor.accept("||"):
        left = Binary("||", left, _cast(cursor))
    return left


def _cast(cursor: Cursor) -> Expression:
    operand = _primary(cursor)
    while cursor.accept("::"):
        operand = Cast(operand, parse_type(cursor))
    return operand


def _listed(cursor: Cursor) -> tuple[Expression, ...]:
    found = [parse_expression(cursor)]
    while cursor.accept(","):
        found.append(parse_expression(cursor))
    cursor.expect(")")
    return tuple(found)


def _primary(cursor: Cursor) -> Expression:  # noqa: PLR0911 -- one line for each form
    token = cursor.token
    if token.kind == "string":
        return Literal(cursor.advance().value)
    if token.kind == "number":
        text = cursor.advance().value
        return Literal(Decimal(text) if "." in text else int(text))
    if cursor.accept("?"):
        cursor.binds += 1
        return Bind(cursor.binds)
    if cursor.accept("("):
        inner = parse_expression(cursor)
        cursor.expect(")")
        return inner
    if cursor.accept("CASE"):
        return _case(cursor)
    if cursor.accept("EXISTS", "("):
        query = parse_select(cursor)
        cursor.expect(")")
        return Exists(query)
    if word := cursor.choose("NULL", "TRUE", "FALSE"):
        return Literal({"NULL": None, "TRUE": True, "FALSE": False}[word])
    return _named(cursor)


def _named(cursor: Cursor) -> Expression:
    word = cursor.token
    if word.kind == "word" and word.value in FUNCTIONS:
        cursor.advance()
        cursor.expect("(")
        if cursor.accept(")") or (word.value == "COUNT" and cursor.accept("*", ")")):
            return Call(word.value)
        return Call(word.value, _listed(cursor))
    if word.kind == "word" and word.value in _RESERVED:
        raise cursor.fail()
    return Column(cursor.qualified(2))


def _case(cursor: Cursor) -> Case:
    branches: list[tuple[Expression, Expression]] = []
    while cursor.accept("WHEN"):
        condition = parse_expression(cursor)
        cursor.expect("THEN")
        branches.append((condition, parse_expression(cursor)))
    if not branches:
        raise cursor.fail()
    otherwise = parse_expression(cursor) if cursor.accept("ELSE") else Literal(None)
    cursor.expect("END")
    return Case(tuple(branches), otherwise)


def parse_select(cursor: Cursor) -> Select:
    """A query, to its end."""
    cursor.expect("SELECT")
    items = [_item(cursor)]
    while cursor.accept(","):
        items.append(_item(cursor))
    source = _source(cursor) if cursor.accept("FROM") else None
    where = parse_expression(cursor) if cursor.accept("WHERE") else None
    order: list[tuple[Expression, bool]] = []
    if cursor.accept("ORDER", "BY"):
        while not order or cursor.accept(","):
            key = parse_expression(cursor)
            order.append((key, cursor.choose("ASC", "DESC") == "DESC"))
    limit = cursor.integer() if cursor.accept("LIMIT") else None
    return Select(tuple(items), source, where, tuple(order), limit)


def _item(cursor: Cursor) -> tuple[Expression | None, str]:
    if cursor.accept("*"):
        return None, "*"
    start = cursor.token.start
    found = parse_expression(cursor)
    heading = cursor.text[start : cursor.token.start].strip().rstrip(",").strip().upper()
    if isinstance(found, Column):
        heading = found.parts[-1]
    alias = _alias(cursor)
    return found, alias or heading


def _alias(cursor: Cursor) -> str | None:
    if cursor.accept("AS"):
        return cursor.name()
    plain = cursor.token.kind == "word" and cursor.token.value not in _RESERVED
    return cursor.name() if plain or cursor.token.kind == "name" else None


def _argument(cursor: Cursor) -> tuple[str, Expression]:
    """A named argument, or one by its place, which has an empty name."""
    if cursor.token.kind == "string":
        return "", parse_expression(cursor)
    label = cursor.name()
    cursor.expect("=>")
    return label, parse_expression(cursor)


def _source(cursor: Cursor) -> Source:
    if cursor.accept("TABLE", "("):
        name = cursor.qualified()
        cursor.expect("(")
        arguments: list[tuple[str, Expression]] = []
        while not arguments or cursor.accept(","):
            arguments.append(_argument(cursor))
        cursor.expect(")", ")")
        return Source(name, _alias(cursor) or name[-1], tuple(arguments))
    name = cursor.qualified()
    return Source(name, _alias(cursor) or name[-1])
