"""What is on the server: names, and everything about our roles. Nothing here changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import CannotLook, Presence, Seen
from marketplace_sdk_postgres.guarding import answers_to
from marketplace_sdk_postgres.items import Key, grantee
from marketplace_sdk_postgres.naming import Marker, role_name
from marketplace_sdk_postgres.statements import taken_from

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import psycopg

    from marketplace_sdk.plugin import Guard, Scope
    from marketplace_sdk_postgres.connections import Login

__all__ = ["is_ours", "look"]

# pg_shdepend is the server's own index of what a role holds, so this does not read every table.
_ROLES = """
WITH ours AS (
    SELECT oid, rolname::text AS name, shobj_description(oid, 'pg_authid') AS marker
    FROM pg_roles WHERE rolname = ANY(%(roles)s::name[])
), held AS MATERIALIZED (
    SELECT o.name, o.oid AS role, s.classid, s.objid, s.objsubid,
           CASE WHEN s.deptype = 'a' THEN s.classid::regclass::text ELSE 'owner' END AS kind
    FROM ours o JOIN pg_shdepend s
      ON s.refclassid = 'pg_authid'::regclass AND s.refobjid = o.oid
    WHERE s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND s.classid <> 'pg_auth_members'::regclass
), seen (name, kind, id, number, word, grantor, native) AS (
    SELECT name, 'role', oid, 0, '', 0::oid, oid::text FROM ours
  UNION ALL
    SELECT h.name, h.kind, n.oid, 0, x.privilege_type, x.grantor, n.oid::text
    FROM held h JOIN pg_namespace n ON h.kind = 'pg_namespace' AND n.oid = h.objid,
         aclexplode(n.nspacl) x WHERE x.grantee = h.role
  UNION ALL
    SELECT h.name, h.kind, c.oid, 0, x.privilege_type, x.grantor, c.oid::text
    FROM held h JOIN pg_class c ON h.kind = 'pg_class' AND h.objsubid = 0 AND c.oid = h.objid,
         aclexplode(c.relacl) x WHERE x.grantee = h.role
  UNION ALL
    SELECT h.name, h.kind, a.attrelid, a.attnum, x.privilege_type, x.grantor,
           a.attrelid || ':' || a.attnum
    FROM held h JOIN pg_attribute a
      ON h.kind = 'pg_class' AND a.attrelid = h.objid AND a.attnum = h.objsubid AND a.attnum > 0,
         aclexplode(a.attacl) x WHERE x.grantee = h.role
  UNION ALL
    SELECT o.name, 'member', m.member, 0,
           CASE WHEN (to_jsonb(m) ->> 'inherit_option')::bool IS FALSE THEN 'dormant'
           ELSE '' END,
           m.grantor, coalesce(to_jsonb(m) ->> 'oid', m.roleid || ':' || m.member)
    FROM ours o JOIN pg_auth_members m ON m.roleid = o.oid WHERE m.member <> %(me)s::oid
  UNION ALL
    SELECT o.name, 'member of', m.roleid, 0, '', m.grantor, m.roleid::text
    FROM ours o JOIN pg_auth_members m ON m.member = o.oid
  UNION ALL
    SELECT name, kind, objid, objsubid, '', 0::oid, objid::text
    FROM held WHERE kind NOT IN ('pg_namespace', 'pg_class')
)
SELECT s.name, s.kind, s.id::int8, s.number::int4, s.word, s.grantor::int8, s.native, o.marker,
       s.grantor <> 0 AND pg_has_role(s.grantor, 'USAGE'),
       CASE WHEN s.grantor <> 0 AND s.grantor <> %(me)s::oid THEN pg_get_userbyid(s.grantor)::text
       END,
       CASE WHEN s.grantor = 0 OR s.grantor = %(me)s::oid THEN NULL
            WHEN s.kind = 'pg_namespace' THEN
              (SELECT ARRAY[nspname::text] FROM pg_namespace WHERE oid = s.id)
            WHEN s.kind = 'pg_class' THEN
              (SELECT array_remove(ARRAY[n.nspname::text, c.relname::text, a.attname::text], NULL)
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.number
                    AND a.attnum > 0
               WHERE c.oid = s.id)
            WHEN s.kind = 'member' THEN ARRAY[pg_get_userbyid(s.id)::text]
       END
FROM seen s JOIN ours o ON o.name = s.name
"""


def look(
    connection: psycopg.Connection[Any],
    login: Login,
    installation: str,
    scopes: Collection[Scope],
    guards: Collection[Guard],
) -> Mapping[Scope, Seen | CannotLook]:
    """Everything that our roles hold and everybody who is a member of them.

    Our own login is never listed: the server makes it a member of what it creates.
    """
    answers: dict[Scope, Seen | CannotLook] = {}
    roles: dict[str, Scope] = {}
    for scope in scopes:
        if scope.platform != login.platform:
            answers[scope] = CannotLook(
                reason=f"the connection leads to {login.platform} now", retryable=False
            )
            continue
        try:
            roles[grantee(scope)] = scope
        except ValueError as error:
            answers[scope] = CannotLook(reason=str(error), retryable=False)
    items: dict[str, dict[str, Presence]] = {role: {} for role in roles}
    if roles:
        parameters = {"roles": list(roles), "me": login.oid}
        marked: dict[str, bool] = {}  # by role, whose rows all carry the same marker
        for row in connection.execute(_ROLES, parameters):
            role = row[0]
            if role not in marked:
                marked[role] = is_ours(row[7], role, installation, login.platform)
            _enter(items[role], row, login, marked=marked[role])
    told = answers_to(connection, installation, guards, roles) if roles and guards else {}
    evidence = f"catalog of database {login.database}, read as {login.name}"
    for role, scope in roles.items():
        answers[scope] = Seen(items=items[role], guards=told, evidence=evidence)
        told = {}
    return answers


def is_ours(marker: str | None, role: str, installation: str, platform: str) -> bool:
    """Whether a role carries our marker, and the marker belongs to this very role."""
    read = Marker.read(marker)
    if read is None or read.installation != installation:
        return False
    return role_name(installation, read.target, platform) == role


def _enter(items: dict[str, Presence], row: Sequence[Any], login: Login, *, marked: bool) -> None:
    role, kind, id, number, word, grantor, native, _, acted, giver, names = row
    read: Key | None = None
    if kind == "role":
        read, given = Key("role", role), True
    elif kind == "pg_namespace" and word == "USAGE":
        read, given = Key("usage", role, id), acted
    elif kind == "pg_class" and word == "SELECT":
        read, given = Key("column" if number else "select", role, id, number), acted
    elif kind == "member" and not word:
        read, given = Key("member", role, id), grantor in login.grantors
    else:
        given = False
    # Whatever else somebody did to our role: listed, so that it shows up, never touched.
    key = f"other|{role}|{kind}|{id}|{number}|{word}" if read is None else str(read)
    remedies = [] if read is None or given or not names else [taken_from(read, names, giver, login)]
    ours = given and marked
    # The same thing may have been given twice, by us and by somebody else.
    before = items.get(key)
    mine = ours or (before is not None and before.ours)
    theirs = not ours or (before is not None and (before.by_hand or not before.ours))
    if before is not None and before.remedy:
        remedies.append(before.remedy)
    items[key] = Presence(
        native_id=native, ours=mine, by_hand=mine and theirs, remedy="; ".join(sorted(remedies))
    )
