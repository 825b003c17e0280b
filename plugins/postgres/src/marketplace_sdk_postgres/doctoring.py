"""What our login is missing on the server, as the statements that an administrator must run."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import Shortcoming, dotted_name
from marketplace_sdk_postgres.naming import quote_identifier, role_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from marketplace_sdk_postgres.connections import Login

__all__ = ["examine"]

_LOGIN = """
SELECT rolcreaterole OR rolsuper, has_language_privilege('plpgsql', 'USAGE')
FROM pg_roles WHERE rolname = current_user
"""

_OBJECTS = """
SELECT n.nspname::text, c.relname::text,
       has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION'),
       has_table_privilege(c.oid, 'SELECT WITH GRANT OPTION')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_')
ORDER BY 1, 2
"""

_ROLES = """
SELECT rolname::text FROM pg_roles
WHERE starts_with(rolname, %s) AND NOT pg_has_role(oid, 'USAGE WITH ADMIN OPTION') ORDER BY 1
"""

_MAY_HAND_ON = """
SELECT r.rolname::text, w.rolname::text, pg_get_userbyid(m.grantor)::text
FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles w ON w.oid = m.member
WHERE starts_with(r.rolname, %s) AND m.admin_option AND NOT w.rolsuper
  AND w.rolname <> current_user ORDER BY 1, 2, 3
"""

_DEFAULTS = """
SELECT pg_get_userbyid(d.defaclrole)::text, n.nspname::text,
       CASE x.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(x.grantee)::text END
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace,
     aclexplode(d.defaclacl) x
WHERE d.defaclobjtype = 'r' AND x.privilege_type = 'SELECT'
  AND (x.grantee = 0 OR starts_with(pg_get_userbyid(x.grantee), %s))
ORDER BY 1, 2, 3
"""

_ADMIN_IS_NEEDED = 160000


def examine(
    connection: psycopg.Connection[Any],
    login: Login,
    installation: str,
    patterns: Sequence[str],
) -> Sequence[Shortcoming]:
    """Everything that is missing, in the order in which it is to be run, and then the risks.

    Args:
        connection: as our login.
        login: who that is.
        installation: whose roles must be ours to hand on.
        patterns: of the objects that are to be opened, as in ``may_grant``.
    """
    me = quote_identifier(login.name)
    prefix = role_prefix(installation)
    return [
        *_missing_abilities(connection, me),
        *_missing_grants(connection, me, patterns),
        *(_missing_roles(connection, me, prefix) if login.version >= _ADMIN_IS_NEEDED else ()),
        *_risks(connection, login, me, prefix),
    ]


def _missing_abilities(connection: psycopg.Connection[Any], me: str) -> Iterator[Shortcoming]:
    for may_create, may_check in connection.execute(_LOGIN):
        if not may_create:
            yield Shortcoming(
                severity="missing",
                problem="it may not create the role of a product",
                statement=f"ALTER ROLE {me} CREATEROLE",
            )
        if not may_check:
            yield Shortcoming(
                severity="missing",
                problem="it may not check a change on the server",
                statement=f"GRANT USAGE ON LANGUAGE plpgsql TO {me}",
            )


def _missing_grants(
    connection: psycopg.Connection[Any], me: str, patterns: Sequence[str]
) -> Iterator[Shortcoming]:
    told = set()
    for schema, name, may_use, may_select in connection.execute(_OBJECTS):
        dotted = dotted_name(schema, name)
        if not any(fnmatchcase(dotted, each) for each in patterns):
            continue
        if not may_use and schema not in told:
            told.add(schema)
            yield Shortcoming(
                severity="missing",
                problem=f"it cannot hand on schema {schema}",
                statement=f"GRANT USAGE ON SCHEMA {quote_identifier(schema)} TO {me}"
                " WITH GRANT OPTION",
            )
        if not may_select:
            table = f"{quote_identifier(schema)}.{quote_identifier(name)}"
            yield Shortcoming(
                severity="missing",
                problem=f"it cannot hand on {dotted}",
                statement=f"GRANT SELECT ON TABLE {table} TO {me} WITH GRANT OPTION",
            )


def _missing_roles(
    connection: psycopg.Connection[Any], me: str, prefix: str
) -> Iterator[Shortcoming]:
    for (role,) in connection.execute(_ROLES, [prefix]):
        yield Shortcoming(
            severity="missing",
            problem=f"it cannot hand on role {role}, which another login made",
            statement=f"GRANT {quote_identifier(role)} TO {me} WITH ADMIN OPTION",
        )
    for role, other, grantor in connection.execute(_MAY_HAND_ON, [prefix]):
        yield Shortcoming(
            severity="missing",
            problem=f"{other} may hand on role {role} too, so nothing is given to it; whomever"
            " that one let in is let in again by the next pass if it is approved",
            statement=f"REVOKE ADMIN OPTION FOR {quote_identifier(role)}"
            f" FROM {quote_identifier(other)} GRANTED BY {quote_identifier(grantor)} CASCADE",
        )


def _risks(
    connection: psycopg.Connection[Any], login: Login, me: str, prefix: str
) -> Iterator[Shortcoming]:
    if login.superuser:
        yield Shortcoming(
            severity="risk",
            problem="it is a superuser, which it need not be",
            statement=f"ALTER ROLE {me} NOSUPERUSER",
        )
    for owner, schema, grantee in connection.execute(_DEFAULTS, [prefix]):
        default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quote_identifier(owner)}"
        where = f" IN SCHEMA {quote_identifier(schema)}" if schema else ""
        who = quote_identifier(grantee) if grantee else "PUBLIC"
        yield Shortcoming(
            severity="risk",
            problem=f"{grantee or 'everybody'} may read each table that {owner} creates"
            f" {f'in {schema}' if schema else 'anywhere'}",
            statement=f"{default}{where} REVOKE SELECT ON TABLES FROM {who}",  # noqa: S608 - quoted
        )
