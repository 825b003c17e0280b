"""Which statement an administrator must run so that the marketplace may make a change. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk_snowflake.items import Key
from marketplace_sdk_snowflake.kinds import KEYWORDS
from marketplace_sdk_snowflake.naming import Grantee, quote_identifier, quote_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketplace_sdk.plugin import Item

__all__ = [
    "create_database_roles",
    "create_roles",
    "hand_on_database",
    "hand_on_object",
    "hand_on_schema",
    "manage_database",
    "manage_schema",
    "permission",
    "use_entitlements",
]


def create_roles(role: str) -> str:
    """May make account roles."""
    return f"GRANT CREATE ROLE ON ACCOUNT TO ROLE {quote_identifier(role)}"


def create_database_roles(database: str, role: str) -> str:
    """May make database roles."""
    name = quote_identifier(database)
    return f"GRANT CREATE DATABASE ROLE ON DATABASE {name} TO ROLE {quote_identifier(role)}"


def hand_on_database(database: str, role: str) -> str:
    """May hand USAGE on."""
    name = quote_identifier(database)
    return f"GRANT USAGE ON DATABASE {name} TO ROLE {quote_identifier(role)} WITH GRANT OPTION"


def hand_on_schema(schema: Sequence[str], role: str) -> str:
    """May hand USAGE on."""
    name = quote_name(*schema)
    return f"GRANT USAGE ON SCHEMA {name} TO ROLE {quote_identifier(role)} WITH GRANT OPTION"


def hand_on_object(keyword: str, name: Sequence[str], role: str) -> str:
    """May hand SELECT on; lost when the object is replaced."""
    what = f"{keyword} {quote_name(*name)}"
    return f"GRANT SELECT ON {what} TO ROLE {quote_identifier(role)} WITH GRANT OPTION"


def manage_database(database: str, role: str) -> str:
    """May grant on everything in a database."""
    name = quote_identifier(database)
    return f"GRANT MANAGE GRANTS ON DATABASE {name} TO ROLE {quote_identifier(role)}"


def manage_schema(schema: Sequence[str], role: str) -> str:
    """May grant on everything in a schema, also on what is replaced later."""
    return f"GRANT MANAGE GRANTS ON SCHEMA {quote_name(*schema)} TO ROLE {quote_identifier(role)}"


def use_entitlements(table: Sequence[str], role: str) -> str:
    """May read and change the table of entitlements."""
    what = f"SELECT, INSERT, UPDATE, DELETE ON TABLE {quote_name(*table)}"
    return f"GRANT {what} TO ROLE {quote_identifier(role)}"


def permission(item: Item, role: str, table: Sequence[str] | None) -> str:
    """What lacks for a change of an item; ``table`` is that of entitlements, if there is one."""
    key, data = Key.read(item.key), item.data
    if table is not None and key.kind == "entitlement":
        return use_entitlements(table, role)
    grantee = Grantee.read(key.place)
    if key.kind == "role":
        lacks = create_roles(role)
        if grantee.database is not None:
            lacks = create_database_roles(grantee.database, role)
    elif key.kind == "usage":
        lacks = hand_on_database(data["database"], role)
    elif key.kind == "schema":
        schema = (data["database"], data["schema"])
        lacks = f"{manage_schema(schema, role)}; or {hand_on_schema(schema, role)}"
    elif key.kind == "select":
        lent = hand_on_object(KEYWORDS[data["kind"]], data["name"], role)
        lacks = f"{manage_schema(data['name'][:2], role)}; or {lent}"
    else:
        owned = f"GRANT OWNERSHIP ON {grantee.sql} TO ROLE {quote_identifier(role)}"
        lacks = f"{owned} COPY CURRENT GRANTS"
    return lacks
