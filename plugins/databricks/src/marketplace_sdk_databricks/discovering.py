"""What there is to be registered: tables and views with their columns, comments, tags and masks."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from databricks.sdk import errors

from marketplace_sdk.plugin import Discovered, DiscoveredColumn
from marketplace_sdk_databricks.masking import column_tags
from marketplace_sdk_databricks.resolving import is_system
from marketplace_sdk_databricks.securables import get_table, kind_of, path
from marketplace_sdk_databricks.statements import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from databricks.sdk.service.catalog import TableInfo

    from marketplace_sdk_databricks.site import Site

__all__ = ["discover"]

Tags = dict[tuple[str, str], dict[str, str]]
"""By dotted name of the object and column, which is empty for the object itself."""

_TAGS = """
SELECT schema_name, table_name, '' AS column_name, tag_name, tag_value
FROM system.information_schema.table_tags WHERE catalog_name = :catalog
"""
_COLUMN_TAGS = """
SELECT schema_name, table_name, column_name, tag_name, tag_value
FROM system.information_schema.column_tags WHERE catalog_name = :catalog
"""


def discover(
    pattern: str, warehouse: str, site_for: Callable[[], AbstractContextManager[Site]]
) -> Iterator[Discovered]:
    """Every object whose dotted name matches, by catalog, schema and name.

    Args:
        pattern: case-sensitive; names of Unity Catalog are in lower case.
        warehouse: id of a SQL warehouse, which reads all tags of a catalog at once; without it
            they are read one object and one column at a time.
        site_for: opens the workspace for the time that is left.
    """
    with site_for() as site:
        catalogs = sorted(
            each.name or ""
            for each in site.client.catalogs.list()
            if not is_system(each.name or "")
        )
    for catalog in catalogs:
        if not _may_hold(catalog, pattern):
            continue
        with site_for() as site:
            tags = _tags(site, warehouse, catalog) if warehouse else None
            schemas = sorted(each.name or "" for each in site.client.schemas.list(catalog))
        for schema in schemas:
            if is_system(schema) or not _may_hold(f"{catalog}.{schema}", pattern):
                continue
            with site_for() as site:
                names = sorted(
                    (each.full_name or "").lower()
                    for each in site.client.tables.list(
                        catalog, schema, omit_columns=True, omit_properties=True
                    )
                )
            for name in names:
                if not fnmatchcase(name, pattern):
                    continue
                with site_for() as site:
                    table = get_table(site.client, name)
                    found = None if table is None else _discovered(site, name, table, tags)
                if found is not None:
                    yield found


def _may_hold(place: str, pattern: str) -> bool:
    """Whether something in a catalog or schema may match; only a plain beginning is looked at."""
    plain = pattern[: min((pattern.find(c) for c in "*?[" if c in pattern), default=len(pattern))]
    beginning = f"{place}."
    return beginning.startswith(plain) or plain.startswith(beginning)


def _discovered(site: Site, name: str, table: TableInfo, tags: Tags | None) -> Discovered:
    masks = site.masking.read(site.client, table, site.platform)
    # attrs' converter is generic, which mypy cannot follow.
    columns: Any = tuple(
        DiscoveredColumn(
            name=each.name or "",
            type=each.type_text or "",
            comment=each.comment or "",
            tags=_words(_column(site, name, each.name or "", tags)),
            protected=getattr(masks.get(each.name or ""), "hides", None) is True,
        )
        for each in table.columns or ()
    )
    own: Any = _words(_object(site, name, tags))
    return Discovered(
        name=name,
        kind=kind_of(table),
        columns=columns,
        comment=table.comment or "",
        tags=own,
        owner=table.owner or "",
    )


def _object(site: Site, name: str, tags: Tags | None) -> Mapping[str, str]:
    if tags is not None:
        return tags.get((name, ""), {})
    try:
        return {
            each.tag_key: each.tag_value or ""
            for each in site.client.entity_tag_assignments.list("tables", path(name))
        }
    except (errors.NotImplemented, errors.NotFound):
        return {}


def _column(site: Site, name: str, column: str, tags: Tags | None) -> Mapping[str, str]:
    if tags is not None:
        return tags.get((name, column.lower()), {})
    try:
        return column_tags(site.client, name, column)
    except (errors.NotImplemented, errors.NotFound):
        return {}


def _tags(site: Site, warehouse: str, catalog: str) -> Tags:
    found: Tags = {}
    for statement in (_TAGS, _COLUMN_TAGS):
        rows, _ = Warehouse(site.client, warehouse, site.deadline).run(
            statement, {"catalog": catalog}
        )
        for schema, table, column, key, value in rows:
            name = f"{catalog}.{schema}.{table}".lower()
            found.setdefault((name, column.lower()), {})[key] = value or ""
    return found


def _words(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Tags as texts: the key, and behind ``=`` the value if there is one."""
    return tuple(f"{key}={value}" if value else key for key, value in sorted(tags.items()))
