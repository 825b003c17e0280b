"""The state of the fake: principals, objects, grants, policies and statements."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import attrs

from marketplace_sdk_databricks.testing._refusals import Refusal, invalid, missing
from marketplace_sdk_databricks.testing._values import (
    ACCOUNT_USERS,
    Policy,
    Principal,
    PrincipalKind,
    Securable,
)

GRANTABLE_TYPES = ("metastore", "catalog", "schema", "table", "function", "volume")


def _absent(type: str, name: str) -> Refusal:
    return missing(
        f"{type.upper()}_DOES_NOT_EXIST", f"{type.capitalize()} '{name}' does not exist."
    )


@attrs.define
class World:
    """Everything that the service remembers.

    Grants are kept by the id of an object and of a principal, so that neither an object nor a
    group inherits those of a namesake.
    """

    clock: Callable[[], datetime]
    chance: random.Random
    account_id: str
    metastore_id: str
    workspace_id: int = 4_711
    metastore_admins: set[int] = attrs.field(factory=set)
    principals: dict[int, Principal] = attrs.field(factory=dict)
    deleted_principals: set[int] = attrs.field(factory=set)
    securables: dict[tuple[str, str], Securable] = attrs.field(factory=dict)
    grants: dict[str, dict[int, list[str]]] = attrs.field(factory=dict)
    policies: dict[tuple[str, str, str], Policy] = attrs.field(factory=dict)
    statements: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    warehouses: set[str] = attrs.field(factory=set)
    next_principal: int = 1_001

    def now(self) -> int:
        """The time in milliseconds, as the service writes it."""
        return int(self.clock().timestamp() * 1000)

    def new_id(self) -> str:
        """An id that nothing else has."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def add_principal(self, kind: PrincipalKind, name: str, display: str, **rest: Any) -> Principal:
        """Register a principal; a namesake of the same kind is returned as it is."""
        name = name.lower() if kind == "user" else name
        for known in self.principals.values():
            if known.kind == kind and known.name == name:
                return known
        found = Principal(self.next_principal, kind, name, display, **rest)
        self.next_principal += 1
        self.principals[found.id] = found
        return found

    def remove_principal(self, principal: Principal) -> None:
        """Delete a principal; what it was granted stays behind with an empty name."""
        del self.principals[principal.id]
        self.deleted_principals.add(principal.id)
        for other in self.principals.values():
            other.members.discard(principal.id)
            other.managers.discard(principal.id)
        for securable in self.securables.values():
            if securable.owner == principal.id:
                securable.owner = None

    def find_principal(self, name: str, kind: PrincipalKind | None = None) -> Principal | None:
        """The principal of this name, local groups too: e-mails in any case, groups in theirs."""
        for known in self.principals.values():
            wanted = name.lower() if known.kind == "user" else name
            if known.name == wanted and kind in {None, known.kind}:
                return known
        return None

    def grantee(self, name: str) -> Principal:
        """The principal of this name, of those who can hold privileges.

        Raises:
            Refusal: unknown, or a group of one workspace only.
        """
        found = self.find_principal(name) if name else None
        if found is None or found.local:
            raise missing("PRINCIPAL_DOES_NOT_EXIST", f"Could not find principal with name {name}.")
        return found

    def named(self, principal_id: int | None) -> str:
        """The name of a principal; empty when it was deleted."""
        found = self.principals.get(principal_id) if principal_id is not None else None
        return found.name if found else ""

    def identities(self, principal_id: int) -> set[int]:
        """A principal with every group that it is in, directly or not."""
        found = {principal_id}
        grown = True
        while grown:
            grown = False
            for group in self.principals.values():
                if group.id not in found and group.members & found:
                    found.add(group.id)
                    grown = True
        everyone = self.find_principal(ACCOUNT_USERS, "group")
        if everyone is not None and self.principals[principal_id].kind != "group":
            found.add(everyone.id)
        return found

    def add(self, securable: Securable) -> Securable:
        """Register an object under its type and name."""
        self.securables[securable.type, securable.name] = securable
        return securable

    def remove(self, securable: Securable) -> None:
        """Delete an object with what is in it, its grants and its policies."""
        inside = f"{securable.name}."
        for key, other in list(self.securables.items()):
            if other is securable or (other.type != "metastore" and key[1].startswith(inside)):
                del self.securables[key]
                self.grants.pop(other.id, None)
                for policy in [p for p in self.policies if p[:2] == key]:
                    del self.policies[policy]

    def find(self, type: str, name: str) -> Securable | None:
        """The object of this type and name, in any case."""
        if type == "metastore":
            name = self.metastore_id
        return self.securables.get((type, name.lower()))

    def get(self, type: str, name: str) -> Securable:
        """The object of this type and name.

        Raises:
            Refusal: 400 for a name that has not as many parts as it takes, 404 by the first part
                of the name that does not exist.
        """
        parts = name.lower().split(".")
        levels = {"catalog": 1, "schema": 2, "metastore": 1}.get(type, 3)
        if type != "metastore":
            if len(parts) != levels or not all(parts):
                raise invalid(f"'{name}' is not the name of a {type}: it takes {levels} parts.")
            for level, above in enumerate(("catalog", "schema")[: levels - 1], 1):
                if self.find(above, ".".join(parts[:level])) is None:
                    raise _absent(above, ".".join(parts[:level]))
        found = self.find(type, name)
        if found is None:
            raise _absent(type, name)
        return found

    def parents(self, securable: Securable) -> list[Securable]:
        """The schema and the catalog of an object, nearest first."""
        if securable.type in {"metastore", "catalog"}:
            return []
        catalog, *rest = securable.parts
        above = [self.securables["catalog", catalog]]
        if securable.type != "schema":
            above.insert(0, self.securables["schema", f"{catalog}.{rest[0]}"])
        return above

    def shuffled(self, items: Iterable[Any]) -> list[Any]:
        """The items in an order that nobody may rely on."""
        found = list(items)
        self.chance.shuffle(found)
        return found
