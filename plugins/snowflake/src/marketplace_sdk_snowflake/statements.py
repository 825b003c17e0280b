"""Every statement that the plugin can send. Pure text; names come in as they are.

None of them replaces a mask (FORCE), opens what is made later (FUTURE), or takes another role.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from marketplace_sdk_snowflake.naming import (
    Grantee,
    escape_pattern,
    quote_identifier,
    quote_literal,
    quote_name,
)

if TYPE_CHECKING:
    from marketplace_sdk_snowflake.naming import Marker

__all__ = [
    "PAGE",
    "create_role",
    "describe_policy",
    "describe_table",
    "drop_role",
    "grant_member",
    "grant_ownership",
    "grant_schema_usage",
    "grant_select",
    "grant_usage",
    "show_columns",
    "show_database_roles",
    "show_databases",
    "show_dynamic_tables",
    "show_grants_on",
    "show_members",
    "show_objects",
    "show_privileges",
    "show_roles",
    "show_schemas",
    "show_users",
    "show_views",
]

MemberKind = Literal["USER", "ROLE"]

PAGE = 10_000
"""Rows that SHOW gives at most at once."""


def create_role(grantee: Grantee, marker: Marker) -> str:
    """Fails if a role of that name is there: it may be somebody else's."""
    return f"CREATE {grantee.sql} COMMENT = {quote_literal(str(marker))}"


def drop_role(grantee: Grantee) -> str:
    """The role, and with it everything that it holds and whoever is a member."""
    return f"DROP {grantee.sql}"


def grant_usage(database: str, grantee: Grantee, *, add: bool = True) -> str:
    """USAGE on a database."""
    return _change("USAGE ON DATABASE " + quote_identifier(database), grantee.sql, add=add)


def grant_schema_usage(schema: Sequence[str], grantee: Grantee, *, add: bool = True) -> str:
    """USAGE on a schema."""
    return _change("USAGE ON SCHEMA " + quote_name(*schema), grantee.sql, add=add)


def grant_select(keyword: str, name: Sequence[str], grantee: Grantee, *, add: bool = True) -> str:
    """SELECT on one object; the keyword is that of its kind."""
    return _change(f"SELECT ON {keyword} {quote_name(*name)}", grantee.sql, add=add)


def grant_member(grantee: Grantee, kind: MemberKind, member: str, *, add: bool = True) -> str:
    """Membership of a user or a role."""
    return _change(grantee.sql, f"{kind} {quote_identifier(member)}", add=add)


def grant_ownership(grantee: Grantee, role: str) -> str:
    """Hands a role of ours to the marketplace's own."""
    return f"GRANT OWNERSHIP ON {grantee.sql} TO ROLE {quote_identifier(role)}"


def show_users(name: str | None = None, after: str | None = None) -> str:
    """One user, with those whose names differ in case; or all, a page at a time."""
    if name is not None:
        return f"SHOW USERS {_like(name)}"
    return f"SHOW USERS {_page(after)}"


def show_roles(name: str | None = None, *, prefix: str = "", after: str | None = None) -> str:
    """One role, or all whose names begin with the prefix, a page at a time."""
    if name is not None:
        return f"SHOW ROLES {_like(name)}"
    begins = f"STARTS WITH {quote_literal(prefix)} " if prefix else ""
    return f"SHOW ROLES {begins}{_page(after)}"


def show_database_roles(database: str) -> str:
    """All database roles of a database."""
    return f"SHOW DATABASE ROLES IN DATABASE {quote_identifier(database)}"


def show_databases(name: str | None = None) -> str:
    """One database, or all that can be seen."""
    return f"SHOW DATABASES {_like(name)}" if name is not None else "SHOW DATABASES"


def show_schemas(database: str) -> str:
    """The schemas of a database."""
    return f"SHOW SCHEMAS IN DATABASE {quote_identifier(database)}"


def show_objects(schema: Sequence[str], name: str | None = None, after: str | None = None) -> str:
    """Tables and views of a schema: one, or all, a page at a time."""
    where = f"IN SCHEMA {quote_name(*schema)}"
    return f"SHOW OBJECTS {_like(name)} {where}" if name is not None else _paged(where, after)


def show_views(schema: Sequence[str], name: str) -> str:
    """A view with its text, ordinary or materialized."""
    return f"SHOW VIEWS {_like(name)} IN SCHEMA {quote_name(*schema)}"


def show_dynamic_tables(schema: Sequence[str], name: str) -> str:
    """A dynamic table with its text."""
    return f"SHOW DYNAMIC TABLES {_like(name)} IN SCHEMA {quote_name(*schema)}"


def show_columns(schema: Sequence[str], table: str | None = None, keyword: str = "TABLE") -> str:
    """Columns of one table or view, or of everything in a schema."""
    if table is not None:
        return f"SHOW COLUMNS IN {keyword} {quote_name(*schema, table)}"
    return f"SHOW COLUMNS IN SCHEMA {quote_name(*schema)}"


def show_privileges(grantee: Grantee) -> str:
    """What a role holds."""
    return f"SHOW GRANTS TO {grantee.sql}"


def show_members(grantee: Grantee) -> str:
    """Who is a member of a role."""
    return f"SHOW GRANTS OF {grantee.sql}"


def show_grants_on(keyword: str, name: Sequence[str]) -> str:
    """Who holds what on an object."""
    return f"SHOW GRANTS ON {keyword} {quote_name(*name)}"


def describe_table(name: Sequence[str]) -> str:
    """Columns of a table or view, and the policy that sits on each."""
    return f"DESCRIBE TABLE {quote_name(*name)}"


def describe_policy(name: Sequence[str]) -> str:
    """Signature and body of a masking policy."""
    return f"DESCRIBE MASKING POLICY {quote_name(*name)}"


def _change(what: str, whom: str, *, add: bool) -> str:
    return f"GRANT {what} TO {whom}" if add else f"REVOKE {what} FROM {whom}"


def _like(name: str) -> str:
    return f"LIKE {quote_literal(escape_pattern(name))}"


def _paged(where: str, after: str | None) -> str:
    return f"SHOW OBJECTS {where} {_page(after)}"


def _page(after: str | None) -> str:
    return f"LIMIT {PAGE}" + (f" FROM {quote_literal(after)}" if after is not None else "")
