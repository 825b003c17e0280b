"""Which statement adds or removes an item. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk_snowflake import queries, statements
from marketplace_sdk_snowflake.items import Key
from marketplace_sdk_snowflake.kinds import KEYWORDS
from marketplace_sdk_snowflake.naming import Grantee, Marker

if TYPE_CHECKING:
    from datetime import datetime

    from marketplace_sdk.plugin import Change, Item
    from marketplace_sdk_snowflake.settings import Settings

__all__ = ["describe", "statement"]


def describe(change: Change, settings: Settings) -> str:
    """The statement of a change."""
    return statement(change.item, settings, add=change.action != "remove", until=change.until)


def statement(item: Item, settings: Settings, *, add: bool, until: datetime | None = None) -> str:
    """The SQL that adds or removes an item; ValueError if it is none of ours."""
    key, data = Key.read(item.key), item.data
    if key.kind == "entitlement":
        return _entitlement(item, settings, add=add, until=until)
    grantee = Grantee.read(key.place)
    if key.kind == "role":
        marker = Marker(data["installation"], data["target"])
        return statements.create_role(grantee, marker) if add else statements.drop_role(grantee)
    if key.kind == "usage":
        return statements.grant_usage(data["database"], grantee, add=add)
    if key.kind == "schema":
        schema = (data["database"], data["schema"])
        return statements.grant_schema_usage(schema, grantee, add=add)
    if key.kind == "select":
        keyword = KEYWORDS[data["kind"]]
        return statements.grant_select(keyword, data["name"], grantee, add=add)
    return statements.grant_member(grantee, data["member_kind"], data["member"], add=add)


def _entitlement(item: Item, settings: Settings, *, add: bool, until: datetime | None) -> str:
    table = settings.entitlements
    if table is None:
        raise ValueError("the connection has no table of entitlements any more")
    column = str(item.data["column"])
    if not add:
        return queries.delete_entitlement(table, column, item.key)
    return queries.merge_entitlement(table, column, str(item.data["member"]), item.key, until)
