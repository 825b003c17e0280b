"""Catalogs, schemas, tables, functions, tags, the metastore, and where requests for access go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from marketplace_sdk_databricks.testing._permissions import securable_of
from marketplace_sdk_databricks.testing._refusals import denied, invalid, missing
from marketplace_sdk_databricks.testing._request import Request, Route
from marketplace_sdk_databricks.testing._rights import demand_manage, sees
from marketplace_sdk_databricks.testing._values import Column, Securable
from marketplace_sdk_databricks.testing._world import World

_UC = "/api/2.1/unity-catalog"
_TYPE_NAMES = {"INT": "INT", "BIGINT": "LONG", "SMALLINT": "SHORT", "TINYINT": "BYTE"}


def _common(world: World, securable: Securable) -> dict[str, Any]:
    found = {
        "name": securable.parts[-1],
        "full_name": securable.name,
        "owner": world.named(securable.owner),
        "metastore_id": world.metastore_id,
        "created_at": securable.created_at,
        "updated_at": securable.updated_at,
    }
    if securable.comment:
        found["comment"] = securable.comment
    return found


def _column(column: Column, position: int) -> dict[str, Any]:
    base = column.type.split("(")[0].upper()
    found: dict[str, Any] = {
        "name": column.name,
        "type_text": column.type.lower(),
        "type_name": _TYPE_NAMES.get(base, base),
        "position": position,
        "nullable": column.nullable,
    }
    if column.comment:
        found["comment"] = column.comment
    if column.mask:
        found["mask"] = {"function_name": column.mask.function}
        if column.mask.using:
            found["mask"]["using_column_names"] = list(column.mask.using)
    return found


def _as_catalog(world: World, securable: Securable) -> dict[str, Any]:
    # A catalog has no id of its own in the answers that the SDK reads.
    return {
        **_common(world, securable),
        "catalog_type": "MANAGED_CATALOG",
        "securable_type": "CATALOG",
        "securable_kind": "CATALOG_STANDARD",
    }


def _as_schema(world: World, securable: Securable) -> dict[str, Any]:
    found = _common(world, securable)
    return {**found, "catalog_name": securable.parts[0], "schema_id": securable.id}


def as_table(world: World, securable: Securable, *, columns: bool = True) -> dict[str, Any]:
    """A table as its endpoint tells it."""
    catalog, schema, _ = securable.parts
    found = {
        **_common(world, securable),
        "catalog_name": catalog,
        "schema_name": schema,
        "table_type": securable.kind,
        "table_id": securable.id,
    }
    if columns:
        found["columns"] = [
            _column(column, place) for place, column in enumerate(securable.columns.values())
        ]
    if securable.definition:
        found["view_definition"] = securable.definition
    if securable.reads is not None:
        found["view_dependencies"] = _dependencies(securable.reads)
    return found


def _dependencies(reads: Sequence[str]) -> dict[str, Any]:
    return {
        "dependencies": [
            {"function": {"function_full_name": name.removesuffix("()")}}
            if name.endswith("()")
            else {"table": {"table_full_name": name}}
            for name in reads
        ]
    }


def _as_function(world: World, securable: Securable) -> dict[str, Any]:
    catalog, schema, name = securable.parts
    reads: dict[str, Any] = {"sql_data_access": "CONTAINS_SQL"}
    if securable.reads is not None:
        reads = {
            "sql_data_access": "READS_SQL_DATA",
            "routine_dependencies": _dependencies(securable.reads),
        }
    return {
        **_common(world, securable),
        **reads,
        "catalog_name": catalog,
        "schema_name": schema,
        "function_id": securable.id,
        "specific_name": name,
        "routine_body": "SQL",
        "routine_definition": securable.definition,
        "data_type": securable.returns.split("(")[0].upper(),
        "full_data_type": securable.returns,
        "input_params": {
            "parameters": [
                {"name": parameter, "type_text": type, "position": place}
                for place, (parameter, type) in enumerate(securable.parameters.items())
            ]
        },
    }


_SHOWN = {
    "catalog": _as_catalog,
    "schema": _as_schema,
    "table": as_table,
    "function": _as_function,
}


def _get(type: str) -> Any:
    def handler(request: Request) -> Any:
        securable = request.world.get(type, request.segments[-1])
        browse = request.flag("include_browse")
        hidden = sees(request.world, request.caller, securable, browse=browse)
        if hidden:
            raise denied(hidden)
        found = _SHOWN[type](request.world, securable)
        if browse and sees(request.world, request.caller, securable, browse=False):
            found["browse_only"] = True
        return found

    return handler


def _listing(type: str, key: str, *needs: str) -> Any:
    def handler(request: Request) -> Any:
        world = request.world
        above = [(request.one(need) or "").lower() for need in needs]
        if not all(above):
            raise invalid(f"{' and '.join(needs)} must be given.")
        if above:
            world.get(("catalog", "schema")[len(above) - 1], ".".join(above))
        inside = "".join(f"{part}." for part in above)
        found = [
            securable
            for securable in world.securables.values()
            if securable.type == type
            and securable.name.startswith(inside)
            and not sees(world, request.caller, securable, browse=request.flag("include_browse"))
        ]
        found.sort(key=lambda securable: securable.name)
        shown = [_SHOWN[type](world, securable) for securable in found]
        for entry in shown:
            entry.pop("view_dependencies", None)  # told by "get" only
            if request.flag("omit_columns"):
                entry.pop("columns", None)
            if request.flag("omit_username"):
                entry.pop("owner", None)
        return request.page(key, shown)

    return handler


def _exists(request: Request) -> Any:
    name = request.segments[-2]
    securable = request.world.find("table", name)
    if securable is None:
        return {"table_exists": False}
    hidden = sees(request.world, request.caller, securable, browse=False)
    if hidden:
        raise denied(hidden)
    return {"table_exists": True}


def _current_metastore(request: Request) -> Any:
    world = request.world
    return {"metastore_id": world.metastore_id, "workspace_id": world.workspace_id}


def _metastore_summary(request: Request) -> Any:
    world = request.world
    return {
        "metastore_id": world.metastore_id,
        "name": "fake",
        "owner": "System user",
        "privilege_model_version": "1.0",
    }


def _tags(request: Request) -> Any:
    type, name = request.segments[-3:-1]
    if type not in {"catalogs", "schemas", "tables", "columns", "volumes"}:
        raise invalid(f"Entity type {type} is not supported.")
    if type == "columns":
        table, _, column_name = name.rpartition(".")
        securable = request.world.get("table", table)
        column = securable.columns.get(column_name.lower())
        if column is None:
            raise missing("COLUMN_DOES_NOT_EXIST", f"Column '{name}' does not exist.")
        tags = column.tags
    else:
        securable = request.world.get(type.removesuffix("s"), name)
        tags = securable.tags
    hidden = sees(request.world, request.caller, securable, browse=False)
    if hidden:
        raise denied(hidden)
    entries = [
        {"entity_type": type, "entity_name": name, "tag_key": key, "tag_value": value}
        for key, value in sorted(tags.items())
    ]
    return request.page("tag_assignments", entries)


def _destinations(request: Request) -> Any:
    type, name = request.segments[-2:]
    securable = securable_of(request, type, name)
    world = request.world
    hidden = sees(world, request.caller, securable, browse=True)
    if hidden:
        raise denied(hidden)
    source = next(
        (one for one in (securable, *world.parents(securable)) if one.destinations), securable
    )
    return _shown_destinations(securable, source)


def _shown_destinations(securable: Securable, source: Securable) -> dict[str, Any]:
    def named(one: Securable) -> dict[str, str]:
        return {"type": one.type.upper(), "full_name": one.name}

    return {
        "securable": named(securable),
        "destination_source_securable": named(source),
        "destinations": [dict(one) for one in source.destinations],
        "are_any_destinations_hidden": False,
    }


def _set_destinations(request: Request) -> Any:
    named = request.body.get("securable") or {}
    securable = securable_of(request, str(named.get("type", "")), str(named.get("full_name", "")))
    demand_manage(request.world, request.caller, securable)
    if request.one("update_mask") not in {"destinations", "*"}:
        raise invalid("update_mask must be 'destinations'.")
    wanted = request.body.get("destinations", [])
    kinds = [one.get("destination_type") for one in wanted]
    if "URL" in kinds and len(wanted) > 1:
        raise invalid("A URL destination cannot be combined with others.")
    for one in wanted:
        if one.get("special_destination"):
            raise invalid("A special destination cannot be assigned.")
        if one.get("destination_type") == "URL" and not re.match(
            r"https://\S+$", str(one.get("destination_id"))
        ):
            raise invalid("destination_id must be a URL.")
    securable.destinations = [dict(one) for one in wanted]
    return _shown_destinations(securable, securable)


ROUTES = (
    Route("GET", f"{_UC}/current-metastore-assignment", _current_metastore),
    Route("GET", f"{_UC}/metastore_summary", _metastore_summary),
    Route("GET", f"{_UC}/catalogs", _listing("catalog", "catalogs")),
    Route("GET", f"{_UC}/catalogs/{{name}}", _get("catalog")),
    Route("GET", f"{_UC}/schemas", _listing("schema", "schemas", "catalog_name")),
    Route("GET", f"{_UC}/schemas/{{name}}", _get("schema")),
    Route("GET", f"{_UC}/tables", _listing("table", "tables", "catalog_name", "schema_name")),
    Route("GET", f"{_UC}/tables/{{name}}", _get("table")),
    Route("GET", f"{_UC}/tables/{{name}}/exists", _exists),
    Route(
        "GET", f"{_UC}/functions", _listing("function", "functions", "catalog_name", "schema_name")
    ),
    Route("GET", f"{_UC}/functions/{{name}}", _get("function")),
    Route("GET", f"{_UC}/entity-tag-assignments/{{type}}/{{name}}/tags", _tags),
    Route("GET", "/api/3.0/rfa/destinations/{type}/{name}", _destinations),
    Route("PATCH", "/api/3.0/rfa/destinations", _set_destinations, changes=True),
)
