"""Which items a target needs on Snowflake, and how an item reads. All of it is pure.

A product, or one masked column, has a role; people are members of it::

    rank 10   role      the role with its marker
    rank 20   usage     USAGE on a database
    rank 25   schema    USAGE on a schema
    rank 30   select    SELECT on one object
    rank 90   member    membership of one user or role, which opens everything

The role with its members is one scope, what it holds another, so that one approval looks again at
the members only. The role of a column holds nothing at all: the column's policy asks for it. With a
table of entitlements a column has no role, and a member has a row with an end there::

    rank 90   entitlement
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from marketplace_sdk.plugin import Guard, Item, ProvisioningError, Scope, TargetObject, dotted_name
from marketplace_sdk_snowflake.masks import (
    Subject,
    entitlement_condition,
    hook_line,
    role_condition,
    target_key,
)
from marketplace_sdk_snowflake.naming import Grantee, digest, role_name

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Known, Resolved, Target
    from marketplace_sdk_snowflake.masks import ColumnName
    from marketplace_sdk_snowflake.settings import Settings

__all__ = [
    "HOOK",
    "SOURCES",
    "Key",
    "Memberships",
    "base",
    "entitlement_scope",
    "privileges_scope",
    "role_scope",
    "unmask_condition",
    "unmask_grantee",
]

Kind = Literal["role", "usage", "schema", "select", "member", "entitlement"]

RANKS: Mapping[str, int] = {
    "role": 10,
    "usage": 20,
    "schema": 25,
    "select": 30,
    "member": 90,
    "entitlement": 90,
}

HOOK = "masking_policy_hook"
"""Kind of the guard that a column's policy lets the holders of its exception through."""

SOURCES = "known_sources"
"""Kind of the guard that it can be told what a view reads."""


@frozen
class Key:
    """An item's key in parts.

    Attributes:
        kind: see the module.
        id: digest of the native identity of what it is about; empty for the role itself.
        place: text of the role, or of the column for an entitlement.
    """

    kind: Kind
    id: str
    place: str

    def __str__(self) -> str:
        return f"{self.kind}|{self.id}|{self.place}"

    @classmethod
    def read(cls, text: str) -> Key:
        """The key in parts; ValueError if it is none of ours."""
        kind, _, rest = text.partition("|")
        id, bar, place = rest.partition("|")
        if kind not in RANKS or not bar or not place:
            raise ValueError("not an item of this plugin")
        return cls(kind, id, place)  # type: ignore[arg-type]  # kind is text to mypy


def role_scope(platform: str, grantee: Grantee) -> Scope:
    """The scope in which a role and its members are listed."""
    return Scope(platform, f"role:{grantee}")


def privileges_scope(platform: str, grantee: Grantee) -> Scope:
    """The scope in which everything that a role holds is listed."""
    return Scope(platform, f"privileges:{grantee}")


def entitlement_scope(platform: str, column: ColumnName) -> Scope:
    """The scope in which the entitlements on a column are listed."""
    return Scope(platform, f"entitlements:{target_key(column)}")


def unmask_grantee(installation: str, column: ColumnName, settings: Settings) -> Grantee:
    """The role whose members see a column."""
    name = role_name(installation, "U", target_key(column), settings.prefix)
    return Grantee(name, column[0] if settings.mode == "database_role" else None)


def unmask_condition(installation: str, column: ColumnName, settings: Settings) -> str:
    """What the policy of a column has to ask."""
    if settings.entitlements is not None:
        key = entitlement_key(installation, column)
        return entitlement_condition(settings.entitlements, key)
    return role_condition(unmask_grantee(installation, column, settings))


def entitlement_key(installation: str, column: ColumnName) -> str:
    """A column as it stands in the table of entitlements."""
    return f"{installation}/{target_key(column)}"


def base(target: Target, known: Known, settings: Settings) -> Sequence[Item]:
    """The role, and what it may read; nothing while no object of the target is known.

    Raises:
        ProvisioningError: the target cannot be one role.
    """
    objects = known.objects(target)
    if not objects or (target.column is not None and settings.entitlements is not None):
        return []
    make = _Maker.of(target, known, objects, settings)
    items = [make.role()]
    if target.column is not None:
        return items
    databases = sorted({found.facts["database"] for _, found in objects})
    schemas = sorted({(found.facts["database"], found.facts["schema"]) for _, found in objects})
    items += [make.item("usage", digest("database", n), data={"database": n}) for n in databases]
    items += [
        make.item("schema", digest("schema", *pair), data={"database": pair[0], "schema": pair[1]})
        for pair in schemas
    ]
    items += [make.select(wanted, found) for wanted, found in objects]
    return items


@frozen
class Memberships:
    """What members of one target need; worked out once for all of them.

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
    def of(cls, target: Target, known: Known, settings: Settings) -> Memberships:
        """For a target; ProvisioningError if it cannot be one role."""
        objects = known.objects(target)
        if not objects:
            return cls(target, known, None)
        make = _Maker.of(target, known, objects, settings)
        if target.column is not None:
            hook = Subject(make.column, hook_line(make.condition))
            guards: tuple[Guard, ...] = (Guard(HOOK, str(hook)),)
        else:
            guards = tuple(g for wanted, found in objects for g in make.guards(wanted, found))
        return cls(target, known, make, tuple(found.name for _, found in objects), guards)

    def items(self, who: Resolved) -> Sequence[Item]:
        """What one beneficiary needs; ProvisioningError if it is none who can have that."""
        if self.make is None:
            return []
        kind = who.facts["member_kind"]
        entitled = self.target.column is not None and self.make.settings.entitlements is not None
        if entitled and kind != "USER":
            raise ProvisioningError(
                f"cannot give {who.name} a masking exception: the table of entitlements knows"
                " users only, not roles",
                retryable=False,
            )
        return [
            self.make.item(
                "entitlement" if entitled else "member",
                digest("principal", kind, who.native_id),
                opens=self.opens,
                guards=self.guards,
                data={"member": who.facts["member"], "member_kind": kind},
            )
        ]


@frozen
class _Maker:
    """What all items of one target have in common."""

    target: Target
    settings: Settings
    installation: str
    platform: str
    grantee: Grantee
    key: str
    column: ColumnName
    condition: str
    masks: Mapping[str, frozenset[str]]

    @classmethod
    def of(
        cls,
        target: Target,
        known: Known,
        objects: Sequence[tuple[TargetObject, Resolved]],
        settings: Settings,
    ) -> _Maker:
        """For a target with at least one object that is known."""
        first = objects[0][1]
        column = _column(first, target.column or "-")
        condition, key = "", target.key
        if target.column is not None:
            key = target_key(column)
            grantee = unmask_grantee(known.installation, column, settings)
            condition = unmask_condition(known.installation, column, settings)
        else:
            name = role_name(known.installation, "R", key, settings.prefix)
            grantee = Grantee(name, _database(target, objects, settings))
        return cls(
            target=target,
            settings=settings,
            installation=known.installation,
            platform=first.platform,
            grantee=grantee,
            key=key,
            column=column,
            condition=condition,
            masks=known.masks,
        )

    def role(self) -> Item:
        """The role itself; that of a column knows which line the column's policy must hold."""
        data = {"installation": self.installation, "target": self.key}
        if self.condition:
            data["subject"] = str(Subject(self.column, hook_line(self.condition)))
        return self.item("role", "", data=data)

    def select(self, wanted: TargetObject, found: Resolved) -> Item:
        """SELECT on one object."""
        return self.item(
            "select",
            digest("object", found.native_id),
            opens=(found.name,),
            guards=self.guards(wanted, found),
            data={"kind": found.kind, "name": _parts(found)},
        )

    def guards(self, wanted: TargetObject, found: Resolved) -> tuple[Guard, ...]:
        """Every masked column must have a policy before its object, or a view of it, is opened."""
        subjects = {Subject(_column(found, name)) for name in wanted.masked}
        behind = found.facts.get("behind", {})
        for name in behind.get("read", ()):
            for column in self.masks.get(dotted_name(*name), ()):
                subjects.add(Subject((*name, column)))
        guards = sorted(str(each) for each in subjects)
        sources = (Guard(SOURCES, found.name),) if behind.get("unknown") else ()
        return (*(Guard("column_protected", each) for each in guards), *sources)

    def item(
        self,
        kind: Kind,
        id: str,
        *,
        opens: tuple[str, ...] = (),
        guards: tuple[Guard, ...] = (),
        data: Mapping[str, Any],
    ) -> Item:
        if kind == "entitlement":
            scope = entitlement_scope(self.platform, self.column)
            place = target_key(self.column)
            data = {**data, "column": entitlement_key(self.installation, self.column)}
        else:
            of = role_scope if kind in ("role", "member") else privileges_scope
            scope = of(self.platform, self.grantee)
            place = str(self.grantee)
        # attrs' converter is generic, which mypy cannot follow.
        plain: Any = data
        return Item(
            key=str(Key(kind, id, place)),
            scope=scope,
            kind=kind,
            rank=RANKS[kind],
            opens=opens,
            guards=guards,
            expires=kind == "entitlement",
            data=plain,
        )


def _database(
    target: Target, objects: Sequence[tuple[TargetObject, Resolved]], settings: Settings
) -> str | None:
    """The database in which the role of a product is; None: it is an account role."""
    if settings.mode == "account_role":
        return None
    names = {str(found.facts["database"]) for _, found in objects}
    if len(names) > 1:
        raise ProvisioningError(
            f"cannot make one database role for {target.key}: its objects are in databases"
            f" {', '.join(sorted(names))}",
            hint="publish a product for each, or set mode = account_role of the connection",
            retryable=False,
        )
    return names.pop()


def _parts(found: Resolved) -> tuple[str, str, str]:
    facts = found.facts
    return facts["database"], facts["schema"], facts["table"]


def _column(found: Resolved, name: str) -> ColumnName:
    return (*_parts(found), name)
