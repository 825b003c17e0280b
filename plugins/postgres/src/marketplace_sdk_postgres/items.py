"""Which items a target needs on PostgreSQL, and how an item reads. All of it is pure.

A product, or one masked column, has a role that cannot log in; people are members of it::

    rank 10   role      the role with its marker
    rank 20   usage     USAGE on a schema
    rank 30   select    SELECT on a whole table, if it has no masked column
    rank 30   column    SELECT on one column, for every unmasked column of any other table
    rank 90   member    membership of one person, which opens everything

In a view of ours that masks a column itself, that column is opened like any other, and its unmask
role opens nothing: the view asks who is a member.

One item per column, so that another mask or another column changes that item only. Keys hold the
server's own ids (a column's number is never used twice), so what is dropped and made again under
the same name is another item.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from marketplace_sdk.plugin import Guard, Item, Scope, TargetObject, dotted_name, split_name
from marketplace_sdk_postgres.naming import Marker, quote_identifier, quote_literal, role_name
from marketplace_sdk_postgres.subjects import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marketplace_sdk.plugin import Change, Known, Resolved, Target
    from marketplace_sdk_postgres.subjects import ColumnName

__all__ = ["Key", "Memberships", "base", "describe", "grantee", "scope_of", "statement"]

Kind = Literal["role", "usage", "select", "column", "member"]

RANKS: Mapping[str, int] = {"role": 10, "usage": 20, "select": 30, "column": 30, "member": 90}


@frozen
class Key:
    """An item's key in parts.

    Attributes:
        kind: see the module.
        role: our role's name.
        id: oid of the schema, the table or the member; 0 for the role itself.
        column: number of the column; 0 unless the kind is ``column``.
    """

    kind: Kind
    role: str
    id: int = 0
    column: int = 0

    def __str__(self) -> str:
        text = f"{self.kind}|{self.role}"
        if self.id:
            text += f"|{self.id}"
        return f"{text}|{self.column}" if self.column else text

    @classmethod
    def read(cls, text: str) -> Key:
        """The key in parts; ValueError if it is none of ours."""
        match = _KEY.fullmatch(text)
        if match is None:
            raise ValueError("not an item of this plugin")
        kind, role, *numbers = text.split("|")
        return cls(kind, role, *map(int, numbers))  # type: ignore[arg-type]  # kind is text to mypy


# Roles of ours have plain names, so that nothing in a key needs escaping.
_KEY = re.compile(r"role\|\w+|(usage|select|member)\|\w+\|[0-9]+|column\|\w+\|[0-9]+\|[0-9]+")


def scope_of(platform: str, role: str) -> Scope:
    """The scope in which everything about one role is listed."""
    return Scope(platform, f"role:{role}")


def grantee(scope: Scope) -> str:
    """The role's name in a scope; ValueError if the scope is none of ours."""
    kind, colon, role = scope.key.partition(":")
    if kind != "role" or not colon or not role:
        raise ValueError("not a scope of this plugin")
    return role


def base(target: Target, known: Known) -> Sequence[Item]:
    """The role, and what it may read; nothing while no object of the target is known."""
    objects = known.objects(target)
    if not objects:
        return []
    make = _Maker.of(target, known, objects)
    items = [make.item("role", data={"marker": make.marker})]
    # The column of a masking exception opens nothing without access, so it brings no USAGE.
    schemas = {} if target.column is not None else {o.facts["schema_oid"]: o for _, o in objects}
    items += [
        make.item("usage", oid, data={"schema": found.facts["schema"]})
        for oid, found in schemas.items()
    ]
    for wanted, found in objects:
        items += _selects(make, target, wanted, found)
    return items


@frozen
class Memberships:
    """The memberships in one target's role: each opens every object of the target.

    Attributes:
        target, known: what it was made of, the very objects.
        make: None while no object of the target is known.
        opens: native names of the objects.
        guards: what must hold before any of them is opened.
    """

    target: Target
    known: Known
    make: _Maker | None
    opens: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()

    @classmethod
    def of(cls, target: Target, known: Known) -> Memberships:
        """Worked out once for all members."""
        objects = known.objects(target)
        if not objects:
            return cls(target, known, None)
        make = _Maker.of(target, known, objects)
        return cls(
            target,
            known,
            make,
            tuple(found.name for _, found in objects),
            tuple(guard for wanted, found in objects for guard in make.guards(wanted, found)),
        )

    def items(self, who: Resolved) -> Sequence[Item]:
        """The membership of one beneficiary."""
        if self.make is None:
            return []
        return [
            self.make.item(
                "member",
                int(who.native_id),
                opens=self.opens,
                guards=self.guards,
                data={"member": who.facts["role"]},
            )
        ]


def describe(change: Change) -> str:
    """The statement of a change, from what was known when the item was planned."""
    key, data = Key.read(change.item.key), change.item.data
    names = {
        "role": (),
        "usage": ("schema",),
        "select": ("schema", "table"),
        "column": ("schema", "table", "column"),
        "member": ("member",),
    }[key.kind]
    parts = [str(data.get(name, f"oid {key.id}")) for name in names]
    add = change.action == "add"
    return statement(key, parts, add=add, marker=str(data.get("marker", "")))


def statement(key: Key, names: Sequence[str], *, add: bool, marker: str = "", how: str = "") -> str:
    """The SQL that adds or removes an item.

    Args:
        key: of the item.
        names: of what the item is about, as they are on the server now, from the schema inwards.
        add: whether to add it.
        marker: comment of a new role.
        how: options of a GRANT or REVOKE of membership, which differ between server versions.
    """
    role = quote_identifier(key.role)
    quoted = [quote_identifier(name) for name in names]
    verb, to = ("GRANT", "TO") if add else ("REVOKE", "FROM")
    if key.kind == "role":
        made = f"CREATE ROLE {role} NOLOGIN; COMMENT ON ROLE {role} IS {quote_literal(marker)}"
        return made if add else f"DROP ROLE {role}"
    if key.kind == "usage":
        return f"{verb} USAGE ON SCHEMA {quoted[0]} {to} {role}"
    if key.kind == "select":
        return f"{verb} SELECT ON TABLE {quoted[0]}.{quoted[1]} {to} {role}"
    if key.kind == "column":
        return f"{verb} SELECT ({quoted[2]}) ON TABLE {quoted[0]}.{quoted[1]} {to} {role}"
    return f"{verb} {role} {to} {quoted[0]}" + (f" {how}" if how else "")


@frozen
class _Maker:
    """What all items of one target have in common."""

    target: Target
    marker: str
    scope: Scope
    role: str
    masked: frozenset[ColumnName]

    @classmethod
    def of(
        cls, target: Target, known: Known, objects: Sequence[tuple[TargetObject, Resolved]]
    ) -> _Maker:
        """For a target with at least one object that is known."""
        platform = objects[0][1].platform
        key = target.key
        if target.column is not None:
            # A view asks for the role that it was set up with, however it was registered.
            key = objects[0][1].facts["hides"].get(target.column, key)
        masked = {one for _, found in objects for one in found.facts["behind"]}
        masked |= {
            one
            for _, found in objects
            for columns in found.shows.values()
            for one in map(_named, columns)
            if one[2] in known.masks.get(dotted_name(*one[:2]), ())
        }
        masked |= {_column(found, name) for wanted, found in objects for name in wanted.masked}
        role = role_name(known.installation, key, platform)
        marker = str(Marker(known.installation, key))
        return cls(target, marker, scope_of(platform, role), role, frozenset(masked))

    def guards(self, wanted: TargetObject, found: Resolved) -> tuple[Guard, ...]:
        """What must hold before anything of an object is opened.

        Every masked column must be there (one that was renamed would be open under its new name),
        and no column that is opened may show one that is to be masked, here or elsewhere.
        """
        if self.target.column is not None:
            return ()
        hides = found.facts["hides"]
        subjects = [
            Subject(_column(found, name), masked=name in hides) for name in sorted(wanted.masked)
        ]
        subjects += [
            Subject(behind, shown_by=_column(found, name))
            for name, columns in sorted(found.shows.items())
            if name not in wanted.masked and name not in hides
            for behind in map(_named, columns)
            if behind in self.masked
        ]
        return tuple(Guard("column_protected", str(each)) for each in subjects)

    def item(
        self,
        kind: Kind,
        id: int = 0,
        column: int = 0,
        *,
        opens: tuple[str, ...] = (),
        guards: tuple[Guard, ...] = (),
        data: Mapping[str, str],
    ) -> Item:
        # attrs' converter is generic, which mypy cannot follow.
        plain: Any = data
        return Item(
            key=str(Key(kind, self.role, id, column)),
            scope=self.scope,
            kind=kind,
            rank=RANKS[kind],
            opens=opens,
            guards=guards,
            data=plain,
        )


def _selects(make: _Maker, target: Target, wanted: TargetObject, found: Resolved) -> Iterator[Item]:
    table = {"schema": found.facts["schema"], "table": found.facts["table"]}
    common: dict[str, Any] = {"opens": (found.name,), "guards": make.guards(wanted, found)}
    oid, hides = int(found.native_id), found.facts["hides"]
    if target.column is None and wanted.masked <= hides.keys():
        yield make.item("select", oid, data=table, **common)
        return
    for name, number in zip(found.columns, found.facts["numbers"], strict=True):
        opened = name not in wanted.masked or name in hides
        if target.column is not None:
            opened = name == target.column and name not in hides
        if opened:
            yield make.item("column", oid, number, data={**table, "column": name}, **common)


def _named(column: tuple[str, str]) -> ColumnName:
    schema, relation = split_name(column[0])
    return schema, relation, column[1]


def _column(found: Resolved, name: str) -> ColumnName:
    return found.facts["schema"], found.facts["table"], name
