"""Who may do what: active roles of a session, and the rights that they carry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from marketplace_sdk_snowflake.testing.sessions import Session
from marketplace_sdk_snowflake.testing.statements import Name
from marketplace_sdk_snowflake.testing.world import (
    Grantee,
    Key,
    Relation,
    Schema,
    World,
)

__all__ = ["ACCOUNT", "PUBLIC", "Authority", "active_roles", "below", "granted_roles", "readable"]

ACCOUNT: Key = ("ACCOUNT", ())
PUBLIC = Grantee("ROLE", ("PUBLIC",))
_ADMINISTRATORS = (Grantee("ROLE", ("ACCOUNTADMIN",)), Grantee("ROLE", ("SECURITYADMIN",)))


def granted_roles(world: World, holder: Grantee) -> list[Grantee]:
    """Roles and database roles granted directly to a role or a user."""
    return sorted(
        Grantee(*grant.on)
        for grant in world.grants.values()
        if grant.grantee == holder and grant.on[0] in {"ROLE", "DATABASE ROLE"}
    )


def below(world: World, roles: Iterable[Grantee]) -> frozenset[Grantee]:
    """These roles and every role under them."""
    children: dict[Grantee, set[Grantee]] = defaultdict(set)
    for grant in world.grants.values():
        if grant.on[0] in {"ROLE", "DATABASE ROLE"}:
            children[grant.grantee].add(Grantee(*grant.on))
    found: set[Grantee] = set()
    waiting = list(roles)
    while waiting:
        role = waiting.pop()
        if role not in found:
            found.add(role)
            waiting.extend(children[role])
    return frozenset(found)


def active_roles(world: World, user: str, primary: str, secondary: str) -> frozenset[Grantee]:
    """What counts in a session: roles with all below them, and the user's own grants.

    With secondary roles NONE neither other roles of the user nor grants to the user count.
    """
    roles = {PUBLIC} | ({Grantee("ROLE", (primary,))} if primary else set())
    if secondary == "ALL":
        person = Grantee("USER", (user,))
        roles |= {person, *granted_roles(world, person)}
    return below(world, roles)


class Authority:
    """The rights of a session. An administrator of the fake has them all."""

    def __init__(self, world: World, session: Session) -> None:
        self.world = world
        self.everything = session.administrator
        self.primary = Grantee("ROLE", (session.role or "PUBLIC",))
        self.holders = active_roles(world, session.user, session.role, session.secondary)
        self._primary = below(world, [self.primary])
        self._rights: dict[Key, set[tuple[str, bool, Grantee]]] = defaultdict(set)
        for grant in world.grants.values():
            if grant.grantee in self.holders:
                self._rights[grant.on].add((grant.privilege, grant.option, grant.grantee))

    def owns(self, key: Key) -> bool:
        """Whether a role of the session, or one below it, owns the thing."""
        thing = self.world.things.get(key)
        return self.everything or (thing is not None and thing.owner in self.holders)

    def holds(self, privilege: str, key: Key) -> bool:
        """Whether the session has the privilege: as an owner, by a grant or by inheritance."""
        return (
            self.owns(key)
            or any(held == privilege for held, _, _ in self._rights[key])
            or any(grant == privilege for grant in self._inherits(key))
        )

    def may_create(self, privilege: str, key: Key) -> bool:
        """Whether the primary role may create; secondary roles do not count for that."""
        thing = self.world.things.get(key)
        if self.everything or (thing is not None and thing.owner in self._primary):
            return True
        return any(
            held == privilege and grantee in self._primary for held, _, grantee in self._rights[key]
        )

    def manages(self, key: Key) -> bool:
        """Whether MANAGE GRANTS on the account or on a container around the thing covers it."""
        if self.everything:
            return True
        if key == ACCOUNT:
            return any(role in self.holders for role in _ADMINISTRATORS)
        return any(
            held == "MANAGE GRANTS"
            for place in self._around(key)
            for held, _, _ in self._rights[place]
        )

    def sees(self, key: Key) -> bool:
        """Whether the thing shows itself to the session at all."""
        kind, name = key
        if kind in {"ROLE", "USER", "ACCOUNT"} or self.manages(key):
            return True
        if kind == "DATABASE ROLE" and Grantee(*key) in self.holders:
            return True
        parents = [("DATABASE", name[:1]), ("SCHEMA", name[:2])][: max(0, len(name) - 1)]
        if not all(self.touches(parent) for parent in parents):
            return False
        return kind == "DATABASE ROLE" or self.touches(key)

    def touches(self, key: Key) -> bool:
        """Whether the session has any right on the thing itself."""
        policies = key[0] in {"RELATION", "MASKING POLICY"}
        return (
            self.owns(key)
            or bool(self._rights[key])
            or self.manages(key)
            or bool(self._inherits(key))
            or (policies and self.holds("APPLY MASKING POLICY", ACCOUNT))
        )

    def grantor(self, privilege: str, key: Key) -> tuple[bool, Grantee | None]:
        """Whether the session may grant the privilege, and who stands as the grantor then.

        Somebody who manages grants acts in the owner's name.
        """
        owner = getattr(self.world.things.get(key), "owner", None)
        if self.everything:
            return True, owner
        if privilege == "MANAGE GRANTS":
            return self._hands_on_management(key), owner
        schema = self._managed(key)
        if schema is not None and schema.owner in self.holders:
            return True, schema.owner
        if schema is None and owner in self.holders:
            return True, owner
        if schema is None:
            for held, option, grantee in sorted(self._rights[key]):
                if option and held == privilege:
                    return True, grantee
        return self.manages(key), owner

    def _hands_on_management(self, key: Key) -> bool:
        places = [*self._around(key), ACCOUNT]
        return any(role in self.holders for role in _ADMINISTRATORS) or any(
            held == "MANAGE GRANTS" and option
            for place in places
            for held, option, _ in self._rights[place]
        )

    def _around(self, key: Key) -> list[Key]:
        kind, name = key
        places = [ACCOUNT]
        if kind not in {"ROLE", "USER", "WAREHOUSE", "ACCOUNT"}:
            places.append(("DATABASE", name[:1]))
            if len(name) > 1 and kind != "DATABASE ROLE":
                places.append(("SCHEMA", name[:2]))
        return places

    def _managed(self, key: Key) -> Schema | None:
        kind, name = key
        if kind not in {"RELATION", "MASKING POLICY", "TAG"}:
            return None
        schema = self.world.things.get(("SCHEMA", name[:2]))
        return schema if isinstance(schema, Schema) and schema.managed else None

    def _inherits(self, key: Key) -> list[str]:
        thing = self.world.things.get(key)
        if thing is None or not self.world.inherited:
            return []
        return [
            grant.privilege
            for grant in self.world.inherited
            if grant.grantee in self.holders
            and grant.kind == thing.kind
            and _inside(key[1], grant.container)
        ]


def _inside(name: Name, container: Key) -> bool:
    return name[: len(container[1])] == container[1] and len(name) > len(container[1])


def readable(authority: Authority, relation: Relation) -> bool:
    """Whether SELECT on this table or view works, with what it needs on the way there.

    A view reads with the rights of its owner.
    """
    key = ("RELATION", relation.name)
    parents = (("DATABASE", relation.name[:1]), ("SCHEMA", relation.name[:2]))
    if not all(authority.touches(parent) for parent in parents):
        return False
    if not authority.holds("SELECT", key):
        return False
    return authority.everything or views_work(authority.world, relation)


def views_work(world: World, relation: Relation) -> bool:
    """Whether the owner of a view may read what it shows; a table always works."""
    if relation.over is None:
        return True
    base = world.relation(relation.over)
    if base is None or relation.owner is None:
        return False
    role = relation.owner.name[0] if relation.owner.kind == "ROLE" else ""
    owner = Authority(world, Session(number=0, user="", role=role, secondary="NONE"))
    return readable(owner, base)
