"""What an account holds: users, roles, objects, policies and grants. No rule is decided here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from attrs import define, field, frozen

from marketplace_sdk_snowflake.testing.expressions import Expression
from marketplace_sdk_snowflake.testing.kinds import family
from marketplace_sdk_snowflake.testing.statements import Name

__all__ = [
    "Database",
    "Field",
    "Grant",
    "Grantee",
    "Inherited",
    "Key",
    "Policy",
    "Relation",
    "Schema",
    "Securable",
    "Tag",
    "User",
    "World",
]

Key: TypeAlias = tuple[str, Name]
"""A family of kinds and a full name: what a grant is on."""


@frozen(order=True)
class Grantee:
    """Who holds something: ``kind`` is ROLE, DATABASE ROLE or USER."""

    kind: str
    name: Name


@frozen
class Grant:
    """One privilege on one thing, from one grantor. A role is held as USAGE on it."""

    privilege: str
    on: Key
    grantee: Grantee
    granted_by: Grantee | None
    option: bool
    created_on: datetime


@frozen
class Inherited:
    """One privilege on all objects of a kind in a container."""

    privilege: str
    kind: str
    container: Key
    grantee: Grantee
    granted_by: Grantee | None
    created_on: datetime


@define
class Securable:
    """Anything with an owner. ``number`` is another one for each thing that was ever made."""

    kind: str
    name: Name
    owner: Grantee | None
    created_on: datetime
    number: int
    comment: str = ""


@define
class User(Securable):
    """A user, with what it may log in with: secrets by authenticator, and public keys as PEM."""

    login_name: str = ""
    email: str = ""
    default_role: str = ""
    default_secondary_roles: str = "ALL"
    disabled: bool = False
    type: str = "PERSON"
    secrets: dict[str, str] = field(factory=dict, repr=False)


@define
class Database(Securable):
    """A database; an imported one comes from a share."""

    imported: bool = False


@define
class Schema(Securable):
    """A schema; with managed access only its owner decides on grants."""

    managed: bool = False


@define
class Field:
    """A column, the policy on it and the further columns that the policy is given."""

    name: str
    type: str
    required: bool = False
    policy: Name | None = None
    using: tuple[str, ...] = ()
    tags: dict[Name, str] = field(factory=dict)


@define
class Relation(Securable):
    """A table or view of any kind. A view shows columns of ``over`` under names of its own."""

    columns: dict[str, Field] = field(factory=dict)
    secure: bool = False
    text: str = ""
    over: Name | None = None
    origins: dict[str, str] = field(factory=dict)
    rows: list[dict[str, Any]] = field(factory=list, repr=False)
    tags: dict[Name, str] = field(factory=dict)


@define
class Policy(Securable):
    """A masking policy. ``arguments`` are (name, type); the first is the value."""

    arguments: tuple[tuple[str, str], ...] = ()
    returns: str = ""
    body: Expression | None = field(default=None, repr=False)
    text: str = ""


@define
class Tag(Securable):
    """A tag, with the policies that it carries to columns."""

    policies: list[Name] = field(factory=list)


class World:
    """One account."""

    def __init__(self, account: str, clock: Callable[[], datetime]) -> None:
        self.account = account
        self._clock = clock
        self._latest = datetime.min.replace(tzinfo=UTC)
        self.things: dict[Key, Securable] = {}
        self.grants: dict[tuple[str, Key, Grantee, Grantee | None], Grant] = {}
        self.inherited: list[Inherited] = []
        self.tagged: dict[Key, dict[Name, str]] = {}
        self._numbers = 0

    def now(self) -> datetime:
        """The time on the account's clock."""
        return self._clock()

    def stamp(self) -> datetime:
        """The time for something new: later than every one before, by a millisecond at least."""
        self._latest = max(self.now(), self._latest + timedelta(milliseconds=1))
        return self._latest

    def number(self) -> int:
        """A number that nothing had before."""
        self._numbers += 1
        return self._numbers

    def add(self, thing: Securable) -> None:
        """A new thing, in place of one with its name."""
        self.things[family(thing.kind), thing.name] = thing

    def find(self, kind: str, name: Name) -> Securable | None:
        """The thing of this family and this full name."""
        return self.things.get((family(kind), name))

    def of_kind(self, *families: str) -> Iterator[Securable]:
        """The things of these families, by name."""
        for key in sorted(self.things):
            if key[0] in families:
                yield self.things[key]

    def relation(self, name: Name) -> Relation | None:
        """The table or view of this full name."""
        found = self.things.get(("RELATION", name))
        return found if isinstance(found, Relation) else None

    def user(self, name: str) -> User | None:
        """The user of exactly this NAME."""
        found = self.things.get(("USER", (name,)))
        return found if isinstance(found, User) else None

    def give(
        self,
        privilege: str,
        on: Key,
        grantee: Grantee,
        *,
        by: Grantee | None = None,
        option: bool = False,
    ) -> None:
        """A grant; one that is there keeps its time and gains the option at most."""
        slot = (privilege, on, grantee, by)
        held = self.grants.get(slot)
        self.grants[slot] = Grant(
            privilege,
            on,
            grantee,
            by,
            option or (held is not None and held.option),
            held.created_on if held else self.stamp(),
        )

    def remove(self, key: Key) -> None:
        """Take a thing away, all that is inside it, and every grant on or to any of it."""
        gone = {
            other
            for other in self.things
            if other == key
            or (
                key[0] in {"DATABASE", "SCHEMA"}
                and other[0] not in {"ROLE", "USER", "WAREHOUSE", "ACCOUNT"}
                and other[1][: len(key[1])] == key[1]
                and len(other[1]) > len(key[1])
            )
        }
        for other in gone:
            del self.things[other]
            self.tagged.pop(other, None)
        holders = {Grantee(kind, name) for kind, name in gone}
        self.grants = {
            slot: grant
            for slot, grant in self.grants.items()
            if grant.on not in gone and grant.grantee not in holders
        }
        self.inherited = [
            grant
            for grant in self.inherited
            if grant.container not in gone and grant.grantee not in holders
        ]
