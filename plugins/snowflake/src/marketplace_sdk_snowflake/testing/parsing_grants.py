"""GRANT and REVOKE."""

from __future__ import annotations

from marketplace_sdk_snowflake.testing.cursor import Cursor
from marketplace_sdk_snowflake.testing.kinds import PLURALS, PRIVILEGES, depth
from marketplace_sdk_snowflake.testing.statements import (
    ChangeOwner,
    GrantInherited,
    GrantPrivileges,
    GrantRole,
    Statement,
    Target,
)

__all__ = ["parse_grant", "parse_revoke", "parse_role"]

_ON = (
    "ACCOUNT",
    "DATABASE ROLE",
    "DATABASE",
    "SCHEMA",
    "DYNAMIC TABLE",
    "EXTERNAL TABLE",
    "ICEBERG TABLE",
    "EVENT TABLE",
    "MATERIALIZED VIEW",
    "TABLE",
    "VIEW",
    "MASKING POLICY",
    "TAG",
    "WAREHOUSE",
    "ROLE",
    "USER",
)
_KNOWN = sorted(
    {privilege for kind in PRIVILEGES.values() for privilege in kind}
    | {"ALL PRIVILEGES", "ALL", "OWNERSHIP"},
    key=len,
    reverse=True,
)
_PER_DATABASE = frozenset(PRIVILEGES) - {"ACCOUNT", "WAREHOUSE", "USER"}


def parse_role(cursor: Cursor, *kinds: str) -> Target:
    """A role, a database role or a user, after the word that says which."""
    kind = cursor.one_of(*kinds)
    return Target(kind, cursor.qualified(2 if kind == "DATABASE ROLE" else 1))


def parse_grant(cursor: Cursor) -> Statement:
    """GRANT, to its end."""
    cursor.expect("GRANT")
    if role := _granted_role(cursor):
        cursor.expect("TO")
        grantee = parse_role(cursor, "DATABASE ROLE", "ROLE", "USER")
        _check_grantee(cursor, role, grantee)
        option = grantee.kind != "USER" and cursor.accept("WITH", "GRANT", "OPTION")
        return GrantRole(role, grantee, option=option)
    if cursor.accept("INHERITED"):
        return _inherited(cursor, revoke=False)
    privileges, on = _what(cursor)
    cursor.expect("TO")
    if privileges == ("OWNERSHIP",):
        grantee = parse_role(cursor, "DATABASE ROLE", "ROLE")
        current = cursor.choose("COPY CURRENT GRANTS", "REVOKE CURRENT GRANTS") or ""
        return ChangeOwner(on, grantee, current.split(" ")[0])
    grantee = _grantee(cursor, on)
    option = grantee.kind == "ROLE" and cursor.accept("WITH", "GRANT", "OPTION")
    return GrantPrivileges(privileges, on, grantee, option=option)


def parse_revoke(cursor: Cursor) -> Statement:
    """REVOKE, to its end."""
    cursor.expect("REVOKE")
    if cursor.accept("INHERITED"):
        return _inherited(cursor, revoke=True)
    option = cursor.accept("GRANT", "OPTION", "FOR")
    if role := _granted_role(cursor):
        cursor.expect("FROM")
        grantee = parse_role(cursor, "DATABASE ROLE", "ROLE", "USER")
        _check_grantee(cursor, role, grantee)
        if option and grantee.kind == "USER":
            raise cursor.fail()
        cascade = grantee.kind != "USER" and cursor.choose("RESTRICT", "CASCADE") == "CASCADE"
        return GrantRole(role, grantee, revoke=True, option=option, cascade=cascade)
    privileges, on = _what(cursor)
    if "OWNERSHIP" in privileges:
        raise cursor.fail()
    cursor.expect("FROM")
    grantee = _grantee(cursor, on)
    cascade = cursor.choose("RESTRICT", "CASCADE") == "CASCADE"
    return GrantPrivileges(privileges, on, grantee, revoke=True, option=option, cascade=cascade)


def _granted_role(cursor: Cursor) -> Target | None:
    kind = cursor.choose("DATABASE ROLE", "ROLE")
    return None if kind is None else Target(kind, cursor.qualified(2 if "DATA" in kind else 1))


def _check_grantee(cursor: Cursor, role: Target, grantee: Target) -> None:
    if role.kind == "ROLE" and grantee.kind == "DATABASE ROLE":
        raise cursor.fail()


def _grantee(cursor: Cursor, on: Target) -> Target:
    """Privileges on accounts, warehouses and users are not for database roles."""
    if on.kind in _PER_DATABASE and cursor.at("DATABASE", "ROLE"):
        return parse_role(cursor, "DATABASE ROLE")
    if kind := cursor.choose("ROLE", "USER"):
        return Target(kind, cursor.qualified(1))
    return Target("ROLE", (cursor.name(),))


def _what(cursor: Cursor) -> tuple[tuple[str, ...], Target]:
    privileges = [cursor.one_of(*_KNOWN)]
    while cursor.accept(","):
        privileges.append(cursor.one_of(*_KNOWN))
    cursor.expect("ON")
    kind = cursor.one_of(*_ON)
    on = Target(kind) if kind == "ACCOUNT" else Target(kind, cursor.qualified(depth(kind)))
    named = [name for name in privileges if name not in {"ALL", "ALL PRIVILEGES", "OWNERSHIP"}]
    alone = len(privileges) - len(named)
    if (
        set(named) - set(PRIVILEGES.get(kind, ()))
        or (alone and len(privileges) > 1)
        or len(set(privileges)) < len(privileges)
        or (kind == "ACCOUNT" and privileges == ["OWNERSHIP"])
        or (kind in {"ROLE", "DATABASE ROLE"} and privileges != ["OWNERSHIP"])
    ):
        raise cursor.fail()
    if privileges[0] in {"ALL", "ALL PRIVILEGES"}:
        left_out = {"MANAGE GRANTS", "IMPORTED PRIVILEGES"}
        privileges = [name for name in PRIVILEGES[kind] if name not in left_out]
    return tuple(privileges), on


def _inherited(cursor: Cursor, *, revoke: bool) -> GrantInherited:
    privileges = [cursor.one_of(*_KNOWN)]
    while cursor.accept(","):
        privileges.append(cursor.one_of(*_KNOWN))
    cursor.expect("ON", "ALL")
    kind = PLURALS[cursor.one_of(*PLURALS)]
    cursor.expect("IN")
    place = cursor.one_of("ACCOUNT", "DATABASE", "SCHEMA")
    name = () if place == "ACCOUNT" else cursor.qualified(depth(place))
    cursor.expect("FROM" if revoke else "TO")
    grantee = parse_role(cursor, "DATABASE ROLE", "ROLE")
    if set(privileges) - set(PRIVILEGES[kind]) or (kind == "SCHEMA" == place):
        raise cursor.fail()
    return GrantInherited(tuple(privileges), kind, Target(place, name), grantee, revoke)
