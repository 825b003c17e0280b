"""What there is to be registered: tables and views of every kind, with columns, tags and masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import Discovered, DiscoveredColumn, dotted_name
from marketplace_sdk_snowflake import queries, statements
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.listing import objects_of

if TYPE_CHECKING:
    from marketplace_sdk_snowflake.lines import Row
    from marketplace_sdk_snowflake.listing import Found
    from marketplace_sdk_snowflake.sessions import Talk
    from marketplace_sdk_snowflake.settings import Settings

__all__ = ["databases_of", "discover", "schemas_of"]

_WILD = frozenset('*?[]"')
_ACTIVE = ("", "ACTIVE")


def discover(talk: Talk, settings: Settings, pattern: str) -> Iterator[Discovered]:
    """Every object whose dotted name matches, by name.

    Tags, and masks that come with a tag, are only seen where a warehouse is configured.

    Raises:
        Failure: the account cannot be read, or no time is left.
    """
    for database in databases_of(talk, [pattern]):
        for schema in schemas_of(talk, database):
            for _, found in sorted(objects_of(talk, (database, schema)).items()):
                if found.kind and fnmatchcase(dotted_name(*found.name), pattern):
                    yield _discovered(talk, settings, found)


def databases_of(talk: Talk, patterns: Sequence[str]) -> Sequence[str]:
    """Databases that can be seen and that one of the patterns may be about."""
    first = {pattern.partition(".")[0] for pattern in patterns}
    rows = talk.read(statements.show_databases())
    names = [row["name"] for row in rows if not row.get("origin")]
    if all(name and not _WILD & set(name) for name in first):
        names = [name for name in names if name in first]
    return sorted(names)


def schemas_of(talk: Talk, database: str) -> Mapping[str, Row]:
    """Schemas of a database that can be seen, and what SHOW says of each."""
    return {
        row["name"]: row
        for row in talk.read(statements.show_schemas(database))
        if row["name"] != "INFORMATION_SCHEMA"
    }


def _discovered(talk: Talk, settings: Settings, found: Found) -> Discovered:
    try:
        rows = talk.read(statements.describe_table(found.name))
    except Failure as failure:
        if failure.kind not in ("absent", "denied"):
            raise
        rows = []
    tags: Mapping[str, tuple[str, ...]] = {}
    masked: frozenset[str] = frozenset()
    if settings.warehouse:
        tags = _tags(talk.read(queries.tags_of_object(found.name)))
        masked = _masked(talk.read(queries.policies_of_object(found.name)))
    # attrs' converter is generic, which mypy cannot follow.
    columns: Any = tuple(
        DiscoveredColumn(
            name=row["name"],
            type=row.get("type", ""),
            comment=row.get("comment", ""),
            tags=tags.get(row["name"], ()),
            protected=bool(row.get("policy name")) or row["name"] in masked,
        )
        for row in rows
    )
    return Discovered(
        name=dotted_name(*found.name),
        kind=found.kind,
        columns=columns,
        comment=found.comment,
        tags=tags.get("", ()),
        owner=found.owner,
    )


def _tags(rows: Sequence[Row]) -> Mapping[str, tuple[str, ...]]:
    """Tags by column; under empty text those of the object, which its columns inherit."""
    found: dict[str, set[str]] = {}
    for row in rows:
        value = row.get("tag_value", "")
        tag = f"{row['tag_name']}={value}" if value else row["tag_name"]
        found.setdefault(row.get("column_name", ""), set()).add(tag)
        if row.get("level", "") not in ("", "COLUMN"):
            found.setdefault("", set()).add(tag)
    return {name: tuple(sorted(tags)) for name, tags in found.items()}


def _masked(rows: Sequence[Row]) -> frozenset[str]:
    return frozenset(
        row["ref_column_name"]
        for row in rows
        if row["policy_kind"] == "MASKING_POLICY" and row["policy_status"] in _ACTIVE
    )
