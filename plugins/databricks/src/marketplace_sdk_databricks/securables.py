"""Catalogs, schemas and tables as they are now, by name and, where that fails, by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from databricks.sdk import errors
from databricks.sdk.service.catalog import Privilege

from marketplace_sdk_databricks.naming import as_path
from marketplace_sdk_databricks.paging import settled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.catalog import CatalogInfo, TableInfo

    from marketplace_sdk_databricks.keys import Place, Securable

__all__ = [
    "KINDS",
    "assignments",
    "catalog_id",
    "current_name",
    "effective",
    "get_table",
    "is_view",
    "kind_of",
    "path",
]

KINDS = {
    "EXTERNAL": "table",
    "EXTERNAL_SHALLOW_CLONE": "table",
    "FOREIGN": "foreign table",
    "MANAGED": "table",
    "MANAGED_SHALLOW_CLONE": "table",
    "MATERIALIZED_VIEW": "materialized view",
    "METRIC_VIEW": "metric view",
    "STREAMING_TABLE": "streaming table",
    "VIEW": "view",
}
"""Words for ``table_type``; to the API all of them are ``table``."""


def path(dotted: str) -> str:
    """A dotted name of Unity Catalog as the SDK has to be given it."""
    return as_path(dotted)


def kind_of(table: TableInfo) -> str:
    """What it is, in our words."""
    return KINDS.get(getattr(table.table_type, "value", ""), "table")


def is_view(table: TableInfo) -> bool:
    """Whether it is a query that runs when it is read, and so has no masks of its own."""
    return getattr(table.table_type, "value", "") in ("VIEW", "METRIC_VIEW")


def catalog_id(catalog: CatalogInfo) -> str:
    """The identity of a catalog: the API shows no id, but when it was made."""
    return f"{catalog.name}@{catalog.created_at}"


def get_table(client: WorkspaceClient, name: str) -> TableInfo | None:
    """The table or view of that dotted name, or None.

    Raises:
        OSError: it cannot be said.
    """
    try:
        found = client.tables.get(path(name))
    except errors.NotFound:
        return None
    # A name that was understood differently must not be granted on.
    same = (found.full_name or "").lower() == name.lower() and bool(found.table_id)
    return found if same else None


def current_name(client: WorkspaceClient, place: Place) -> str | None:
    """The name that the object of this id has now, or None: it was dropped.

    Privileges move along when an object is renamed, so a name that means nothing is no proof.

    Raises:
        OSError: it cannot be said.
    """
    if place.kind == "table":
        table = get_table(client, place.name)
        if table is not None and table.table_id == place.id:
            return place.name
        return _table_with(client, place)
    if place.kind == "schema":
        return _schema_with(client, place)
    return _catalog_with(client, place)


def _table_with(client: WorkspaceClient, place: Place) -> str | None:
    catalog = place.name.split(".")[0]
    for each in _catalogs(client, catalog):
        for schema in client.schemas.list(each):
            tables = client.tables.list(
                each, schema.name or "", omit_columns=True, omit_properties=True
            )
            for table in tables:
                if table.table_id == place.id:
                    return (table.full_name or "").lower()
    return None


def _schema_with(client: WorkspaceClient, place: Place) -> str | None:
    try:
        if client.schemas.get(path(place.name)).schema_id == place.id:
            return place.name
    except errors.NotFound:
        pass
    for each in _catalogs(client, place.name.split(".")[0]):
        for schema in client.schemas.list(each):
            if schema.schema_id == place.id:
                return (schema.full_name or "").lower()
    return None


def _catalog_with(client: WorkspaceClient, place: Place) -> str | None:
    try:
        found = client.catalogs.get(path(place.name))
    except errors.NotFound:
        return None
    return place.name if catalog_id(found) == place.id else None


def _catalogs(client: WorkspaceClient, name: str) -> list[str]:
    """The catalog, or every one if it is not there any more, as it may have been renamed."""
    try:
        client.catalogs.get(path(name))
    except errors.NotFound:
        return [each.name or "" for each in client.catalogs.list()]
    return [name]


def assignments(
    client: WorkspaceClient, securable: Securable, name: str, principal: str = ""
) -> Mapping[str, frozenset[str]]:
    """Who holds which of our three privileges directly on an object, by name of the grantee.

    What the SDK does not know is dropped while it reads, and a principal that was deleted has no
    name; neither matters, as nothing is ever concluded from the rest of a list.

    Args:
        client: of the workspace.
        securable: what it is to the API.
        name: dotted.
        principal: only this one's.

    Raises:
        OSError: it cannot be listed.
    """
    return settled(lambda: _read(client.grants.get, securable, name, principal))


def effective(
    client: WorkspaceClient, securable: Securable, name: str
) -> Mapping[str, frozenset[str]]:
    """Who holds which of our three privileges on an object, inherited ones too.

    Raises:
        OSError: it cannot be listed.
    """
    return settled(lambda: _read(client.grants.get_effective, securable, name, ""))


def _read(
    getting: Any, securable: str, name: str, principal: str
) -> tuple[Mapping[str, frozenset[str]], int]:
    """The list and the number of its pages; the first may be empty although there are more."""
    found: dict[str, frozenset[str]] = {}
    pages, query = 0, {"principal": principal} if principal else {}
    while True:
        page = getting(securable, path(name), max_results=0, **query)
        pages += 1
        for each in page.privilege_assignments or ():
            if each.principal:
                found[each.principal] = found.get(each.principal, frozenset()) | _ours(each)
        if not page.next_page_token:
            return found, pages
        query["page_token"] = page.next_page_token


_OURS = {Privilege.USE_CATALOG, Privilege.USE_SCHEMA, Privilege.SELECT}


def _ours(assignment: Any) -> frozenset[str]:
    held = (getattr(each, "privilege", each) for each in assignment.privileges or ())
    return frozenset(each.value for each in held if each in _OURS)
