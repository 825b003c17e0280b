"""SHOW, DESCRIBE and USE."""

from __future__ import annotations

from marketplace_sdk_snowflake.testing.cursor import Cursor
from marketplace_sdk_snowflake.testing.kinds import TABLE_LIKE, depth
from marketplace_sdk_snowflake.testing.parsing_grants import parse_role
from marketplace_sdk_snowflake.testing.statements import (
    Describe,
    Show,
    ShowGrants,
    Statement,
    Target,
    Use,
)

__all__ = ["parse_describe", "parse_show", "parse_use"]

_THINGS = (
    "ROLES",
    "USERS",
    "DATABASE ROLES",
    "DATABASES",
    "SCHEMAS",
    "OBJECTS",
    "TABLES",
    "VIEWS",
    "DYNAMIC TABLES",
    "EXTERNAL TABLES",
    "ICEBERG TABLES",
    "EVENT TABLES",
    "MATERIALIZED VIEWS",
    "COLUMNS",
    "MASKING POLICIES",
    "TAGS",
    "PARAMETERS",
    "WAREHOUSES",
)
_WITHOUT_PLACE = frozenset({"ROLES", "USERS", "DATABASES", "WAREHOUSES"})
_DESCRIBED = ("MASKING POLICY", *TABLE_LIKE[1:], "TABLE", "MATERIALIZED VIEW", "VIEW", "USER")
_GRANTS_ON = (
    "ACCOUNT",
    "DATABASE ROLE",
    "DATABASE",
    "SCHEMA",
    "MASKING POLICY",
    *TABLE_LIKE[1:],
    "MATERIALIZED VIEW",
    "TABLE",
    "VIEW",
    "TAG",
    "WAREHOUSE",
    "ROLE",
    "USER",
)


def parse_show(cursor: Cursor) -> Statement:
    """SHOW, to its end."""
    cursor.expect("SHOW")
    if cursor.accept("GRANTS"):
        return _grants(cursor)
    terse = cursor.accept("TERSE")
    kind = cursor.one_of(*_THINGS)
    like = cursor.string() if cursor.accept("LIKE") else None
    scope = None
    if kind not in _WITHOUT_PLACE and cursor.accept("IN"):
        scope = _scope(cursor, kind)
    if kind == "DATABASE ROLES" and scope is None:
        raise cursor.fail()
    starts_with = cursor.string() if cursor.accept("STARTS", "WITH") else None
    limit = after = None
    if kind not in {"PARAMETERS", "COLUMNS"} and cursor.accept("LIMIT"):
        limit = cursor.integer()
        after = cursor.string() if cursor.accept("FROM") else None
    return Show(kind, like, scope, starts_with, limit, after, terse)


def _scope(cursor: Cursor, kind: str) -> Target:
    if kind == "PARAMETERS":
        return Target(cursor.one_of("ACCOUNT", "SESSION"))
    if kind == "DATABASE ROLES":
        return Target(cursor.one_of("DATABASE"), cursor.qualified(1))
    places = ["ACCOUNT", "DATABASE"]
    places += ["SCHEMA"] if kind != "SCHEMAS" else []
    places += ["TABLE", "VIEW"] if kind == "COLUMNS" else []
    place = cursor.one_of(*places)
    return Target(place) if place == "ACCOUNT" else Target(place, cursor.qualified(depth(place)))


def _grants(cursor: Cursor) -> ShowGrants:
    direction = cursor.choose("TO", "OF", "ON")
    target, hierarchy = None, False
    if direction == "ON":
        kind = cursor.one_of(*_GRANTS_ON)
        target = Target(kind, () if kind == "ACCOUNT" else cursor.qualified(depth(kind)))
    elif direction == "OF":
        target = parse_role(cursor, "DATABASE ROLE", "ROLE")
    elif direction == "TO":
        target = parse_role(cursor, "DATABASE ROLE", "ROLE", "USER")
        hierarchy = cursor.accept("INCLUDE", "HIERARCHY")
    limit = cursor.integer() if cursor.accept("LIMIT") else None
    return ShowGrants(direction or "TO", target, hierarchy, limit)


def parse_describe(cursor: Cursor) -> Describe:
    """DESCRIBE or DESC, to its end."""
    cursor.one_of("DESCRIBE", "DESC")
    kind = cursor.one_of(*_DESCRIBED)
    return Describe(Target(kind, cursor.qualified(depth(kind))))


def parse_use(cursor: Cursor) -> Use:
    """USE, to its end."""
    cursor.expect("USE")
    if cursor.accept("SECONDARY", "ROLES"):
        return Use("SECONDARY ROLES", (cursor.one_of("ALL", "NONE"),))
    what = cursor.one_of("ROLE", "DATABASE", "SCHEMA", "WAREHOUSE")
    return Use(what, cursor.qualified(2 if what == "SCHEMA" else 1))
