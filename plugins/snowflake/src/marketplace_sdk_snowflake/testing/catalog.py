"""INFORMATION_SCHEMA: the views and table functions that a marketplace asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from marketplace_sdk_snowflake.testing.cursor import Cursor
from marketplace_sdk_snowflake.testing.kinds import depth
from marketplace_sdk_snowflake.testing.masking import effective_policy, tags_on
from marketplace_sdk_snowflake.testing.refusals import Refused, absent
from marketplace_sdk_snowflake.testing.running import Run
from marketplace_sdk_snowflake.testing.statements import Name, Target
from marketplace_sdk_snowflake.testing.world import Field, Policy, Relation

__all__ = ["ACCOUNT_FUNCTIONS", "TABLE_FUNCTIONS", "VIEWS", "visible_rows"]

Table: TypeAlias = tuple[tuple[str, ...], list[Mapping[str, Any]]]

VIEWS: dict[str, tuple[str, ...]] = {
    "TABLES": (
        "TABLE_CATALOG",
        "TABLE_SCHEMA",
        "TABLE_NAME",
        "TABLE_OWNER",
        "TABLE_TYPE",
        "CREATED",
        "COMMENT",
        "IS_ICEBERG",
        "IS_DYNAMIC",
    ),
    "COLUMNS": (
        "TABLE_CATALOG",
        "TABLE_SCHEMA",
        "TABLE_NAME",
        "COLUMN_NAME",
        "ORDINAL_POSITION",
        "IS_NULLABLE",
        "DATA_TYPE",
        "COMMENT",
    ),
    "SCHEMATA": ("CATALOG_NAME", "SCHEMA_NAME", "SCHEMA_OWNER", "CREATED", "COMMENT"),
}
"""The columns of each view that the fake has."""

_TYPES = {
    "TABLE": "BASE TABLE",
    "DYNAMIC TABLE": "BASE TABLE",
    "ICEBERG TABLE": "BASE TABLE",
    "EXTERNAL TABLE": "EXTERNAL TABLE",
    "EVENT TABLE": "EVENT TABLE",
    "VIEW": "VIEW",
    "MATERIALIZED VIEW": "MATERIALIZED VIEW",
}
_REFERENCES = (
    "POLICY_DB",
    "POLICY_SCHEMA",
    "POLICY_NAME",
    "POLICY_KIND",
    "REF_DATABASE_NAME",
    "REF_SCHEMA_NAME",
    "REF_ENTITY_NAME",
    "REF_ENTITY_DOMAIN",
    "REF_COLUMN_NAME",
    "REF_ARG_COLUMN_NAMES",
    "TAG_DATABASE",
    "TAG_SCHEMA",
    "TAG_NAME",
    "POLICY_STATUS",
)
_TAGS = (
    "TAG_DATABASE",
    "TAG_SCHEMA",
    "TAG_NAME",
    "TAG_VALUE",
    "LEVEL",
    "OBJECT_DATABASE",
    "OBJECT_SCHEMA",
    "OBJECT_NAME",
    "DOMAIN",
    "COLUMN_NAME",
)


def relations(run: Run, *within: str) -> Iterator[Relation]:
    """The tables and views below a place that show themselves to the session."""
    for thing in run.world.of_kind("RELATION"):
        if (
            isinstance(thing, Relation)
            and thing.name[: len(within)] == within
            and run.authority.sees(("RELATION", thing.name))
        ):
            yield thing


def visible_rows(run: Run, view: str, database: str) -> Table:
    """The rows of a view of the INFORMATION_SCHEMA of a database."""
    found: list[Mapping[str, Any]] = []
    if view == "SCHEMATA":
        for thing in run.world.of_kind("SCHEMA"):
            if thing.name[0] == database and run.authority.sees(("SCHEMA", thing.name)):
                owner = thing.owner.name[-1] if thing.owner else None
                row = (*thing.name, owner, thing.created_on, thing.comment or None)
                found.append(dict(zip(VIEWS[view], row, strict=True)))
        return VIEWS[view], found
    for relation in relations(run, database):
        if view == "TABLES":
            owner = relation.owner.name[-1] if relation.owner else None
            facts: list[Any] = [
                *relation.name,
                owner,
                _TYPES[relation.kind],
                relation.created_on,
                relation.comment or None,
                "YES" if relation.kind == "ICEBERG TABLE" else "NO",
                "YES" if relation.kind == "DYNAMIC TABLE" else "NO",
            ]
            found.append(dict(zip(VIEWS[view], facts, strict=True)))
            continue
        for place, column in enumerate(relation.columns.values(), 1):
            facts = [
                *relation.name,
                column.name,
                place,
                "NO" if column.required else "YES",
                column.type.split("(", 1)[0].replace("VARCHAR", "TEXT"),
                None,
            ]
            found.append(dict(zip(VIEWS[view], facts, strict=True)))
    return VIEWS[view], found


def _parse_name(text: Any, longest: int = 3) -> Name:
    cursor = Cursor(str(text))
    name = cursor.qualified(longest)
    cursor.finish()
    return name


def _completed(database: str, name: Name) -> Name:
    """A name without a database is looked up in that of the function."""
    return name if len(name) == depth("TABLE") else (database, *name)


def _policy_references(run: Run, database: str, arguments: list[tuple[str, Any]]) -> Table:
    given = dict(arguments)
    if set(given) == {"POLICY_NAME"}:
        name = _parse_name(given["POLICY_NAME"])
        policy = run.require(Target("MASKING POLICY", name))
        everywhere = [
            thing for thing in run.world.of_kind("RELATION") if isinstance(thing, Relation)
        ]
        rows = [
            row
            for relation in everywhere
            for row in _references(run, relation)
            if (row["POLICY_DB"], row["POLICY_SCHEMA"], row["POLICY_NAME"]) == policy.name
        ]
        return _REFERENCES, rows
    if set(given) != {"REF_ENTITY_NAME", "REF_ENTITY_DOMAIN"}:
        raise Refused(939, "22023", "SQL compilation error:\ninvalid arguments of the function")
    name = _parse_name(given["REF_ENTITY_NAME"])
    name = _completed(database, name)
    found = run.require(Target("RELATION", name))
    return _REFERENCES, list(_references(run, found)) if isinstance(found, Relation) else []


def _references(run: Run, relation: Relation) -> Iterator[Mapping[str, Any]]:
    for column in relation.columns.values():
        name, tag = effective_policy(run.world, relation, column)
        if name is None:
            continue
        policy = run.world.find("MASKING POLICY", name)
        more = ",".join(f'"{given}"' for given in column.using[1:])
        facts = (
            *name,
            "MASKING_POLICY",
            *relation.name,
            relation.kind,
            column.name,
            f"[{more}]" if more else None,
            *(tag or (None, None, None)),
            "ACTIVE" if isinstance(policy, Policy) else "POLICY_NOT_FOUND",
        )
        yield dict(zip(_REFERENCES, facts, strict=True))


def _tag_references_all_columns(run: Run, database: str, arguments: list[tuple[str, Any]]) -> Table:
    values = [value for label, value in arguments if label == ""]
    if len(values) < len(arguments) or [str(one).upper() for one in values[1:]] != ["TABLE"]:
        raise Refused(939, "22023", "SQL compilation error:\ninvalid arguments of the function")
    name = _completed(database, _parse_name(values[0]))
    relation = run.require(Target("RELATION", name))
    if not isinstance(relation, Relation):
        raise absent("OBJECT", name)
    return _TAGS, [
        row for column in relation.columns.values() for row in _tag_rows(run, relation, column)
    ]


def _tag_rows(run: Run, relation: Relation, column: Field) -> Iterator[Mapping[str, Any]]:
    for tag, (value, level) in sorted(tags_on(run.world, relation, column).items()):
        facts = (*tag, value, level, *relation.name, "COLUMN", column.name)
        yield dict(zip(_TAGS, facts, strict=True))


_OBJECTS = (
    *("DATABASE_NAME", "SCHEMA_NAME", "OBJECT_NAME"),
    *("REFERENCED_DATABASE_NAME", "REFERENCED_SCHEMA_NAME", "REFERENCED_OBJECT_NAME"),
    "REFERENCED_OBJECT_TYPE",
)


def _object_references(run: Run, arguments: list[tuple[str, Any]]) -> Table:
    """What a view reads itself; materialized views are left out, as the documentation says."""
    given = dict(arguments)
    places = ("DATABASE_NAME", "SCHEMA_NAME", "OBJECT_NAME")
    if set(given) != {*places}:
        raise Refused(939, "22023", "SQL compilation error:\ninvalid arguments of the function")
    name = tuple(part for place in places for part in _parse_name(given[place], 1))
    view = run.require(Target("RELATION", name))
    if not isinstance(view, Relation) or view.kind != "VIEW":
        raise Refused(2203, "02000", "SQL compilation error:\nthe object must be a view")
    base = run.world.relation(view.over) if view.over else None
    if base is None or base.kind == "MATERIALIZED VIEW":
        return _OBJECTS, []
    kind = "VIEW" if base.kind == "VIEW" else "TABLE"
    return _OBJECTS, [dict(zip(_OBJECTS, (*name, *base.name, kind), strict=True))]


ACCOUNT_FUNCTIONS: dict[str, Callable[[Run, list[tuple[str, Any]]], Table]] = {
    "GET_OBJECT_REFERENCES": _object_references,
}
"""The table functions that belong to no database, by name."""

TABLE_FUNCTIONS: dict[str, Callable[[Run, str, list[tuple[str, Any]]], Table]] = {
    "POLICY_REFERENCES": _policy_references,
    "TAG_REFERENCES_ALL_COLUMNS": _tag_references_all_columns,
}
"""The table functions that the fake has, by name."""
