"""The views of ``information_schema`` that discovery reads, of one catalog or of ``system``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from marketplace_sdk_databricks.testing._rights import sees
from marketplace_sdk_databricks.testing._tokens import SqlError
from marketplace_sdk_databricks.testing._values import Column, Principal, Securable
from marketplace_sdk_databricks.testing._world import World


def _schemata(one: Securable) -> Iterator[dict[str, Any]]:
    catalog, schema = one.parts
    yield {
        "catalog_name": catalog,
        "schema_name": schema,
        "comment": one.comment,
    }


def _place(one: Securable, *, prefix: str = "table_") -> dict[str, Any]:
    catalog, schema, name = one.parts
    return {f"{prefix}catalog": catalog, f"{prefix}schema": schema, "table_name": name}


def _named(one: Securable) -> dict[str, Any]:
    catalog, schema, name = one.parts
    return {"catalog_name": catalog, "schema_name": schema, "table_name": name}


def _tables(one: Securable) -> Iterator[dict[str, Any]]:
    yield {
        **_place(one),
        "table_type": one.kind,
        "comment": one.comment,
    }


def _columns(one: Securable) -> Iterator[dict[str, Any]]:
    for position, column in enumerate(one.columns.values()):
        yield {
            **_place(one),
            "column_name": column.name,
            "ordinal_position": position,
            "is_nullable": "YES" if column.nullable else "NO",
            "full_data_type": column.type.lower(),
            "data_type": column.type.split("(")[0].upper(),
            "comment": column.comment,
        }


def _column_masks(one: Securable) -> Iterator[dict[str, Any]]:
    for column in one.columns.values():
        if column.mask:
            catalog, schema, name = column.mask.function.split(".")
            yield {
                **_named(one),
                "column_name": column.name,
                "mask_catalog": catalog,
                "mask_schema": schema,
                "mask_name": name,
                "mask_col_usage": ",".join(column.mask.using) or None,
            }


def _table_tags(one: Securable) -> Iterator[dict[str, Any]]:
    for key, value in one.tags.items():
        yield {**_named(one), "tag_name": key, "tag_value": value}


def _column_tags(one: Securable) -> Iterator[dict[str, Any]]:
    for column in one.columns.values():
        yield from _tags_of(one, column)


def _tags_of(one: Securable, column: Column) -> Iterator[dict[str, Any]]:
    for key, value in column.tags.items():
        yield {**_named(one), "column_name": column.name, "tag_name": key, "tag_value": value}


# The type of the objects, the rows of one, and the column that names its owner.
_VIEWS: dict[str, tuple[str, Callable[[Securable], Iterator[dict[str, Any]]], str | None]] = {
    "schemata": ("schema", _schemata, "schema_owner"),
    "tables": ("table", _tables, "table_owner"),
    "columns": ("table", _columns, None),
    "column_masks": ("table", _column_masks, None),
    "table_tags": ("table", _table_tags, None),
    "column_tags": ("table", _column_tags, None),
}


def rows(world: World, caller: Principal, name: str) -> list[Mapping[str, Any]]:
    """The rows of a view, of the objects that the caller may see.

    Args:
        name: ``catalog.information_schema.view``; the catalog ``system`` shows all of them.

    Raises:
        SqlError: there is no such view, or the fake does not have it.
    """
    catalog, _, view = name.lower().split(".")
    if view not in _VIEWS:
        raise SqlError("TABLE_OR_VIEW_NOT_FOUND", f"The view {name} cannot be found.")
    type, read, owner = _VIEWS[view]
    found: list[Mapping[str, Any]] = []
    for one in world.securables.values():
        here = one.type == type and catalog in {"system", one.parts[0]}
        if here and not sees(world, caller, one, browse=True):
            also = {owner: world.named(one.owner)} if owner else {}
            found += [{**row, **also} for row in read(one)]
    return world.shuffled(found)
