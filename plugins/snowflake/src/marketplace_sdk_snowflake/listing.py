"""Reading lists that SHOW gives: exact names, page by page, and native ids. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from marketplace_sdk.plugin import dotted_name
from marketplace_sdk_snowflake import statements
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.kinds import kind_of, table_or_view
from marketplace_sdk_snowflake.naming import Grantee, Marker, role_name

if TYPE_CHECKING:
    from marketplace_sdk_snowflake.lines import Row
    from marketplace_sdk_snowflake.sessions import Talk
    from marketplace_sdk_snowflake.settings import UserIdentity

__all__ = [
    "Found",
    "OurRole",
    "columns_of",
    "is_ours",
    "objects_of",
    "our_roles",
    "pages",
    "roles",
    "users",
]

_FEW = 3
"""Up to so many names are looked up one by one; more are picked out of the whole list."""


@frozen(kw_only=True)
class Found:
    """An object as SHOW OBJECTS has it.

    Attributes:
        name: database, schema and name.
        kind: see ``kinds``; empty text if it is nothing to read.
        created: when it was made, which tells it from another one of that name.
        owner: the role that owns it.
        comment: for people.
    """

    name: tuple[str, str, str]
    kind: str
    created: str
    owner: str
    comment: str = ""

    @property
    def native_id(self) -> str:
        """Another one when the object was dropped and made again."""
        return f"{self.created}|{dotted_name(*self.name)}"


@frozen(kw_only=True)
class OurRole:
    """A role as SHOW ROLES has it."""

    grantee: Grantee
    marker: Marker | None
    owner: str


def pages(talk: Talk, make: Callable[[str | None], str]) -> Sequence[Row]:
    """All rows of a list that is given page by page, by name.

    The name after which a page begins may be given again by it, so each is kept once.
    """
    rows: list[Row] = []
    after: str | None = None
    while True:
        some = talk.read(make(after))
        known = {row["name"] for row in rows[-statements.PAGE :]} if rows else set()
        rows += [row for row in some if row["name"] not in known]
        if len(some) < statements.PAGE or some[-1]["name"] == after:
            return rows
        after = some[-1]["name"]


def users(talk: Talk, names: Collection[str], identity: UserIdentity) -> Mapping[str, str]:
    """Native ids of users by name, with those whose names differ in case.

    An id is empty text where it is hidden from us.
    """
    rows = _named(talk, names, statements.show_users, lambda a: statements.show_users(after=a))
    if identity == "name":
        return {row["name"]: row["name"] for row in rows}
    return {
        row["name"]: f"{row['created_on']}|{row['name']}" if row.get("created_on") else ""
        for row in rows
    }


def roles(talk: Talk, names: Collection[str]) -> Mapping[str, str]:
    """Native ids of account roles by name, with those whose names differ in case."""
    rows = _named(talk, names, statements.show_roles, lambda a: statements.show_roles(after=a))
    return {row["name"]: f"{row.get('created_on', '')}|{row['name']}" for row in rows}


def our_roles(talk: Talk, grantees: Collection[Grantee]) -> Mapping[Grantee, OurRole]:
    """Those of these roles that are there, whosever they are."""
    found: dict[Grantee, OurRole] = {}
    accounts = [each.name for each in grantees if each.database is None]
    rows: list[tuple[str | None, Row]] = []
    if accounts:
        some = _named(
            talk,
            accounts,
            statements.show_roles,
            lambda a: statements.show_roles(prefix=_common(accounts), after=a),
        )
        rows += [(None, row) for row in some]
    for database in sorted({each.database for each in grantees if each.database is not None}):
        try:
            rows += [(database, r) for r in talk.read(statements.show_database_roles(database))]
        except Failure as failure:
            if failure.kind != "absent":
                raise
    for place, row in rows:
        grantee = Grantee(row["name"], place)
        if grantee in grantees:
            marker = Marker.read(row.get("comment"))
            owner = row.get("owner", "")
            found[grantee] = OurRole(grantee=grantee, marker=marker, owner=owner)
    return found


def is_ours(role: OurRole, installation: str, prefix: str, acting: str) -> bool:
    """Whether a role carries our marker, the marker belongs to this very name, and we own it."""
    marker = role.marker
    if marker is None or marker.installation != installation or role.owner != acting:
        return False
    kind = "U" if marker.key.startswith("column:") else "R"
    return role_name(installation, kind, marker.key, prefix) == role.grantee.name  # type: ignore[arg-type]  # one of two letters


def objects_of(
    talk: Talk, schema: tuple[str, str], names: Collection[str] | None = None
) -> Mapping[str, Found]:
    """Tables and views of a schema by name: all, or these and those that differ in case.

    Raises:
        Failure: the schema cannot be seen.
    """
    rows = _named(
        talk,
        names,
        lambda name: statements.show_objects(schema, name),
        lambda after: statements.show_objects(schema, after=after),
    )
    return {
        row["name"]: Found(
            name=(*schema, row["name"]),
            kind=kind_of(row),
            created=row.get("created_on", ""),
            owner=row.get("owner", ""),
            comment=row.get("comment", ""),
        )
        for row in rows
    }


def columns_of(
    talk: Talk, schema: tuple[str, str], objects: Mapping[str, Found]
) -> Mapping[str, tuple[str, ...]]:
    """Names of the columns of these objects of a schema, in order.

    Raises:
        Failure: one of them cannot be described.
    """
    rows: Sequence[Row] = []
    if len(objects) > 1:
        rows = talk.read(statements.show_columns(schema))
    if len(objects) <= 1 or len(rows) >= statements.PAGE:
        # The list of a whole schema is cut off where it is too long, and has no pages.
        rows = [
            row
            for name, each in sorted(objects.items())
            for row in talk.read(statements.show_columns(schema, name, table_or_view(each.kind)))
        ]
    found: dict[str, list[str]] = {name: [] for name in objects}
    for row in rows:
        if row["table_name"] in found:
            found[row["table_name"]].append(row["column_name"])
    return {name: tuple(columns) for name, columns in found.items()}


def _named(
    talk: Talk,
    names: Collection[str] | None,
    one: Callable[[str], str],
    page: Callable[[str | None], str],
) -> Sequence[Row]:
    """Rows of these names, in whatever case; or all rows."""
    if names is not None and len(set(names)) <= _FEW:
        return [row for name in sorted(set(names)) for row in talk.read(one(name))]
    return pages(talk, page)


def _common(names: Sequence[str]) -> str:
    """What all of these names begin with."""
    first, last = min(names), max(names)
    length = next(
        (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first)
    )
    return first[:length]
