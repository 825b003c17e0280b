"""One statement being run: the account, the session, its rights and how names are resolved."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from marketplace_sdk_snowflake.testing.authority import Authority
from marketplace_sdk_snowflake.testing.kinds import TABLE_LIKE, VIEW_LIKE, depth, family
from marketplace_sdk_snowflake.testing.refusals import Refused, absent, display, insufficient
from marketplace_sdk_snowflake.testing.sessions import Session
from marketplace_sdk_snowflake.testing.statements import Name, Target
from marketplace_sdk_snowflake.testing.world import Database, Grantee, Key, Securable, World

__all__ = [
    "DDL",
    "DELETE",
    "INSERT",
    "MERGE",
    "SELECT",
    "SESSION",
    "UPDATE",
    "Features",
    "Result",
    "Run",
]

SELECT, INSERT, UPDATE, DELETE, MERGE = 0x1000, 0x3100, 0x3200, 0x3300, 0x3400
SESSION, DDL = 0x4000, 0x6000


@frozen
class Features:
    """What an account has: by edition, by its own choice and by the server's version."""

    masking: bool = True
    inherited_grants: bool = True
    include_hierarchy: bool = True
    old_failures: bool = False


@frozen
class Result:
    """An answer: ``columns`` are (name, type on the wire); ``kind`` is a statement type."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]
    kind: int = SESSION

    @classmethod
    def status(cls, text: str, kind: int = DDL) -> Result:
        """The one cell that says how it went."""
        return cls((("status", "text"),), ((text,),), kind)


@frozen
class Run:
    """A statement with all that it is run with."""

    world: World
    session: Session
    features: Features
    binds: tuple[Any, ...] = ()
    authority: Authority = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "authority", Authority(self.world, self.session))

    def full(self, kind: str, name: Name) -> Name:
        """The full name, completed from the session's database and schema.

        Raises:
            Refused: 090105, the session has none.
        """
        missing = depth(kind) - len(name)
        if missing <= 0:
            return name
        before = (self.session.database, self.session.schema)[:missing]
        if not all(before):
            raise Refused(
                90105,
                "22000",
                "Cannot perform operation. This session does not have a current database. "
                "Call 'USE DATABASE', or use a qualified name.",
            )
        return (*before, *name)

    def key(self, target: Target) -> Key:
        """What a grant on the target would be kept under."""
        return family(target.kind), self.full(target.kind, target.name)

    def require(self, target: Target, *, looking: bool = False) -> Securable:
        """The thing itself.

        Raises:
            Refused: it is not there or hidden, 002003 or 002043; 002203, it is of another kind.
        """
        key = self.key(target)
        for kind, name in (("DATABASE", key[1][:1]), ("SCHEMA", key[1][:2])):
            inside = depth(target.kind) > len(name) and key[0] != "WAREHOUSE"
            if inside and ((kind, name) not in self.world.things):
                raise absent(kind, name, looking=looking)
        thing = self.world.things.get(key)
        if thing is None or not self.authority.sees(key):
            raise absent(target.kind, key[1], looking=looking)
        if not _same_kind(target.kind, thing.kind):
            raise Refused(
                2203,
                "02000",
                "SQL compilation error:\nObject found is of type "
                f"'{thing.kind}', not specified type '{target.kind}'.",
            )
        return thing

    def require_owner(self, target: Target, *, looking: bool = False) -> Securable:
        """The thing itself, which the session owns.

        Raises:
            Refused: as ``require``; 003001, it is another's.
        """
        thing = self.require(target, looking=looking)
        if not self.authority.owns(self.key(target)):
            raise insufficient(target.kind, thing.name[-1:])
        return thing

    def require_right(self, privilege: str, kind: str, name: Name) -> None:
        """The primary role may create such a thing there.

        Raises:
            Refused: 002003, the place is not there; 003001, no right.
        """
        target = Target(kind, name)
        if kind != "ACCOUNT":
            place = self.require(target)
            database = self.world.find("DATABASE", name[:1])
            if isinstance(database, Database) and database.imported:
                raise Refused(
                    3001,
                    "42501",
                    "SQL access control error:\nInsufficient privileges to operate on "
                    f"{place.kind.lower()} '{display(name)}'.",
                )
        if not self.authority.may_create(privilege, (kind, name)):
            raise insufficient(kind, name or (self.world.account,))

    @property
    def creator(self) -> Grantee:
        """Who owns what this statement makes."""
        return self.authority.primary


def _same_kind(said: str, found: str) -> bool:
    """TABLE stands for tables of every kind, VIEW for views, RELATION for both."""
    wide = {"TABLE": TABLE_LIKE, "VIEW": VIEW_LIKE, "RELATION": (*TABLE_LIKE, *VIEW_LIKE)}
    return said == found or found in wide.get(said, ())
