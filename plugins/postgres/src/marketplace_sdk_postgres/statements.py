"""One change as the text that is sent: a whole transaction that checks itself on the server.

Each text is sent at once, so a worker that was paused beyond its deadline and wakes up can only
send a text which the server refuses: the deadline in it is an instant of the server's own clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk_postgres.items import Key, statement
from marketplace_sdk_postgres.naming import Marker, quote_identifier, quote_literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketplace_sdk_postgres.connections import Login

__all__ = [
    "LATE",
    "NOT_OURS",
    "STRANGERS",
    "UNCHANGED",
    "permission",
    "shown",
    "taken_from",
    "transaction",
]

LATE = "MP001"
NOT_OURS = "MP002"
STRANGERS = "MP003"
UNCHANGED = "MP004"

_GRANTED_BY = 160000
_NOTHING_GRANTED = "42501"

# Who gave our role what an item is about, by the item's kind.
_GIVERS = {
    "usage": "SELECT x.grantor FROM pg_namespace o, aclexplode(o.nspacl) x"
    " WHERE o.oid = {id} AND x.grantee = {role} AND x.privilege_type = 'USAGE'",
    "select": "SELECT x.grantor FROM pg_class o, aclexplode(o.relacl) x"
    " WHERE o.oid = {id} AND x.grantee = {role} AND x.privilege_type = 'SELECT'",
    "column": "SELECT x.grantor FROM pg_attribute o, aclexplode(o.attacl) x WHERE o.attrelid = {id}"
    " AND o.attnum = {column} AND x.grantee = {role} AND x.privilege_type = 'SELECT'",
    "member": "SELECT x.grantor FROM pg_auth_members x WHERE x.roleid = {role}"
    " AND x.member = {id} AND (to_jsonb(x) ->> 'inherit_option')::bool IS NOT FALSE",
    "role": "SELECT x.grantor FROM pg_auth_members x WHERE x.roleid = {role} AND x.member <> {me}",
}

_WHO_GAVE = "SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(g.grantor)), ', ')"

# From 16 on whoever makes a role may hand it on; before, there is no trace of its maker.
_MAY_HAND_ON = (
    "SELECT string_agg(quote_ident(r.rolname), ', ') INTO who"
    " FROM pg_auth_members x JOIN pg_roles r ON r.oid = x.member"
    " WHERE x.roleid = {role} AND x.admin_option AND x.member <> {me} AND NOT r.rolsuper"
)

# REVOKE on a table takes the role's columns of it too, which other items may want.
_REVOKE_TABLE = """
DECLARE kept text[]; lost text;
BEGIN
  SELECT coalesce(array_agg(a.attname::text), '{{}}') INTO kept
  FROM pg_attribute a, aclexplode(a.attacl) x WHERE a.attrelid = {id} AND x.grantee = {role}
   AND x.privilege_type = 'SELECT' AND NOT a.attisdropped;
  {revoke};
  SELECT string_agg(quote_ident(a.attname), ', ') INTO lost
  FROM pg_attribute a WHERE a.attrelid = {id} AND a.attname::text = ANY(kept)
   AND NOT EXISTS (SELECT FROM aclexplode(a.attacl) x
                   WHERE x.grantee = {role} AND x.privilege_type = 'SELECT');
  IF lost IS NOT NULL THEN
    EXECUTE 'GRANT SELECT (' || lost || ') ON TABLE ' || {table} || ' TO ' || {grantee};
  END IF;
END"""


def shown(key: Key, names: Sequence[str], login: Login, *, add: bool, marker: str = "") -> str:
    """The change itself, without the checks around it: for evidence and for people."""
    return statement(key, names, add=add, marker=marker, how=_how(login, add=add))


def transaction(
    key: Key,
    names: Sequence[str],
    login: Login,
    *,
    add: bool,
    installation: str,
    marker: str,
    until: float,
    milliseconds: int,
) -> str:
    """The text of one change, with its own time limits, and the id of its transaction as answer.

    Args:
        key: of the item.
        names: of what it is about, as they are on the server now.
        login: who acts.
        add: whether to add the item.
        installation: whose roles may be touched.
        marker: comment of a new role.
        until: the server refuses at this instant of its own clock, in seconds since 1970.
        milliseconds: that one statement may take, waiting for locks included.
    """
    change = shown(key, names, login, add=add, marker=marker)
    if key.kind == "select" and not add:
        change = _do(_keeping_columns(key, names, change))
    lines = [
        "SET LOCAL search_path = pg_catalog",
        f"SET LOCAL statement_timeout = {milliseconds}",
        f"SET LOCAL lock_timeout = {milliseconds}",
        _do(_before(key, login, installation, until, add=add)),
        change,
        _do(_after(key, login, until, add=add)),
        "SELECT pg_current_xact_id()::text, clock_timestamp()::text",
    ]
    return ";\n".join(lines)


def permission(key: Key, names: Sequence[str], login: Login) -> str:
    """What an administrator must run so that we may make a change."""
    me = quote_identifier(login.name)
    if key.kind in ("role", "member"):
        creates = f"ALTER ROLE {me} CREATEROLE"
        if login.version < _GRANTED_BY:
            return creates
        return f"{creates}; GRANT {quote_identifier(key.role)} TO {me} WITH ADMIN OPTION"
    schema = f"GRANT USAGE ON SCHEMA {quote_identifier(names[0])} TO {me} WITH GRANT OPTION"
    if key.kind == "usage":
        return schema
    return f"{schema}; GRANT SELECT ON TABLE {_table(names)} TO {me} WITH GRANT OPTION"


def taken_from(key: Key, names: Sequence[str], giver: str, login: Login) -> str:
    """What an administrator must run to take away what somebody else gave.

    Args:
        key: of the item.
        names: of what it is about, from the schema inwards.
        giver: who gave it.
        login: ours, which may not do it.
    """
    by = quote_identifier(giver)
    if key.kind == "member":
        granted = f"GRANTED BY {by}" if login.version >= _GRANTED_BY else ""
        return statement(key, names, add=False, how=granted)
    # REVOKE takes away what was given by whoever runs it; a superuser counts as the owner.
    return f"SET ROLE {by}; {statement(key, names, add=False)}; RESET ROLE"


def _how(login: Login, *, add: bool) -> str:
    """Options of a membership. Before 16 it inherits if the member does, and always may SET."""
    if login.version < _GRANTED_BY:
        return ""
    if add:
        return "WITH ADMIN FALSE, INHERIT TRUE, SET FALSE"
    return "" if login.superuser else "GRANTED BY CURRENT_USER"


def _before(key: Key, login: Login, installation: str, until: float, *, add: bool) -> str:
    checks = [_on_time(until)]
    if not (add and key.kind == "role"):
        mine = quote_literal(str(Marker(installation, "")))
        checks.append(
            f"IF NOT starts_with(coalesce(shobj_description({_role(key)}, 'pg_authid'), ''),"
            f" {mine})"
            f" THEN {_raise(NOT_OURS, 'the role is not there, or is not ours')}; END IF;"
        )
    if add and key.kind != "role":
        checks.append(
            f"{_MAY_HAND_ON.format(role=_role(key), me=login.oid)};"
            f" IF who IS NOT NULL THEN {_raise(STRANGERS, 'the role may be handed on by ', 'who')};"
            " END IF;"
        )
    if not add:
        givers = _givers(key, login)
        # A role is only dropped when nobody is a member; anything else only if we gave it.
        none_of_ours = "true" if key.kind == "role" else f"NOT {_we_gave(key, login)}"
        checks.append(
            f"{_WHO_GAVE} INTO who FROM ({givers}) g;"
            f" IF who IS NOT NULL AND {none_of_ours} THEN"
            f" {_raise(STRANGERS, 'given by ', 'who')}; END IF;"
        )
    return "DECLARE who text; BEGIN " + " ".join(checks) + " END"


def _after(key: Key, login: Login, until: float, *, add: bool) -> str:
    """The change must have come about for the very oid: a name may have moved meanwhile."""
    if key.kind == "role":
        return f"BEGIN {_on_time(until)} END"
    wrong, problem = (
        f"EXISTS ({_we_gave(key, login, select=True)})",
        (UNCHANGED, "it is still there"),
    )
    if add:
        wrong = f"NOT EXISTS ({_givers(key, login)})"
        problem = (_NOTHING_GRANTED, "nothing was granted")
    return f"BEGIN IF {wrong} THEN {_raise(*problem)}; END IF; {_on_time(until)} END"


def _we_gave(key: Key, login: Login, *, select: bool = False) -> str:
    acts = "pg_has_role(g.grantor, 'USAGE')"
    if key.kind == "member":
        acts = f"g.grantor IN ({', '.join(map(str, login.grantors))})"
    query = f"SELECT FROM ({_givers(key, login)}) g WHERE {acts}"
    return query if select else f"EXISTS ({query})"


def _givers(key: Key, login: Login) -> str:
    return _GIVERS[key.kind].format(id=key.id, column=key.column, role=_role(key), me=login.oid)


def _keeping_columns(key: Key, names: Sequence[str], revoke: str) -> str:
    return _REVOKE_TABLE.format(
        id=key.id,
        role=_role(key),
        revoke=revoke,
        table=quote_literal(_table(names)),
        grantee=quote_literal(quote_identifier(key.role)),
    )


def _on_time(until: float) -> str:
    late = f"extract(epoch FROM clock_timestamp()) >= {until:.6f}"
    return f"IF {late} THEN {_raise(LATE, 'the deadline has passed')}; END IF;"


def _raise(state: str, message: str, more: str = "") -> str:
    text = quote_literal(message) + (f" || {more}" if more else "")
    return f"RAISE EXCEPTION USING ERRCODE = '{state}', MESSAGE = {text}"


def _role(key: Key) -> str:
    return f"(SELECT oid FROM pg_roles WHERE rolname = {quote_literal(key.role)})"  # noqa: S608 - a literal


def _table(names: Sequence[str]) -> str:
    return f"{quote_identifier(names[0])}.{quote_identifier(names[1])}"


def _do(body: str) -> str:
    # A quoted literal, not dollars: no name in the body can end it.
    return f"DO {quote_literal(body)}"
