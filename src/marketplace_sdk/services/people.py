"""People: who is known, what they hold, and who they are on each platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import evolve

from marketplace_sdk.domain.people import SYSTEM, Facts, Person
from marketplace_sdk.domain.rights import allowed, require, roles_in
from marketplace_sdk.domain.selectors import StewardSelector, user
from marketplace_sdk.domain.values import FrozenMap, check_id, freeze
from marketplace_sdk.errors import DuplicateName, InvalidInput, NotAllowed, NotFound, Problem
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.services._linking import (
    link_group,
    link_person,
    reserve_principal,
)
from marketplace_sdk.services._personal import (
    Attributes,
    attributes_of,
    check_owner,
    contact_of,
    mapped,
    names_of,
    owner_id,
)
from marketplace_sdk.services._stuck import recheck
from marketplace_sdk.work.endings import leave
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.unit import Unit

__all__ = ["People"]


class People(Service):
    """The built-in directory: people, service accounts, groups, and their platform names.

    With a directory of the company's own only ``get`` works here: platform names come from it too.
    """

    def add(
        self,
        id: str,
        *,
        kind: Literal["person", "service_account"] = "person",
        owner: str = "",
        groups: Iterable[str] = (),
        attributes: Attributes | None = None,
        permissions: Iterable[str] = (),
        principals: Mapping[str, str] | None = None,
        name: str = "",
        email: str = "",
        language: str = "",
        time_zone: str = "",
        by: By = None,
    ) -> Person:
        """Add a person or service account (USER_ADMIN).

        Without an actor it works once: the first person of an empty directory, who must hold
        USER_ADMIN. Adding the same person with the same facts again is a no-op.

        Args:
            id: 1 to 255 printable characters, case-sensitive.
            kind: ``person`` or ``service_account``.
            owner: who answers for a service account.
            groups: names of groups.
            attributes: one value or several, by key.
            permissions: GOVERNANCE, USER_ADMIN, APPLICATION_ADMIN, AUDIT, or the company's own.
            principals: name on each connection, by connection.
            name: as people read it.
            email: where notices are sent to.
            language: a tag such as ``de`` or ``pt-BR``.
            time_zone: a name such as ``Europe/Berlin``.
            by: who adds.

        Raises:
            InvalidInput, NotAllowed, DuplicateName.
        """
        person = self._checked(
            Person(
                id=check_id(id, "person.id"),
                kind=kind,
                owner=owner_id(owner),
                groups=names_of(groups, "groups"),
                attributes=attributes_of(attributes),
                permissions=names_of(permissions, "permissions"),
                principals=self._principals(principals),
                **contact_of(name=name, email=email, language=language, time_zone=time_zone),
            )
        )
        if by is None and self._bound is None:
            return self._bootstrap(person)

        def work(unit: Unit, facts: Facts) -> Person:
            require("person.add", roles_in(facts), facts, f"person {person.id}")
            return self._add(unit, person)

        added = self._deciding(by, work)
        self._look_again(Person(id=person.id), added)
        return added

    def update(
        self,
        id: str,
        *,
        owner: str | None = None,
        groups: Iterable[str] | None = None,
        attributes: Attributes | None = None,
        permissions: Iterable[str] | None = None,
        name: str | None = None,
        email: str | None = None,
        language: str | None = None,
        time_zone: str | None = None,
        by: By = None,
    ) -> Person:
        """Replace some facts of a person (USER_ADMIN); what is None stays as it is."""
        changes: dict[str, Any] = contact_of(
            name=name, email=email, language=language, time_zone=time_zone
        )
        if owner is not None:
            changes["owner"] = owner_id(owner)
        if groups is not None:
            changes["groups"] = names_of(groups, "groups")
        if attributes is not None:
            changes["attributes"] = attributes_of(attributes)
        if permissions is not None:
            changes["permissions"] = names_of(permissions, "permissions")

        def work(unit: Unit, facts: Facts) -> tuple[Person, Person]:
            require("person.update", roles_in(facts), facts, f"person {id}")
            before = unit.need(Person, id, "update")
            after = self._checked(evolve(before, **changes))
            if after != before:
                if after.owner != before.owner:
                    check_owner(unit, after, "update")
                unit.save(after)
                unit.log("person.updated", f"person:{id}", changed=sorted(changes))
                self._tell_power(unit, before, after)
            return before, after

        self._own("update")
        before, after = self._deciding(by, work)
        self._look_again(before, after)
        return after

    def link(
        self, who: str | StewardSelector, connection: str, name: str, *, by: By = None
    ) -> None:
        """Say who somebody is on a platform (USER_ADMIN); never said by the person themselves.

        Args:
            who: a person's id, or ``group(name)``.
            connection: name of a configured connection.
            name: the user, role or group there; nobody else may have it.
            by: who says so.
        """
        check_id(connection, "connection")
        principal = self._principals({connection: name})

        def work(unit: Unit, facts: Facts) -> None:
            require("person.link", roles_in(facts), facts, str(who))
            if who in (facts.id, user(facts.id)):
                raise NotAllowed(
                    f"cannot link {facts.id}: nobody says who they are themselves",
                    actor=facts.id,
                    action="person.link",
                    needs="another USER_ADMIN",
                )
            if isinstance(who, StewardSelector):
                link_group(unit, who, principal)
            else:
                link_person(unit, who, principal)

        self._own("link")
        self._deciding(by, work)

    def deactivate(self, id: str, *, by: By = None) -> Person:
        """Say that somebody left (USER_ADMIN): they cannot act, and lose what they had.

        Their pending requests are canceled, their grants revoked; what they decided stands.
        """

        def work(unit: Unit, facts: Facts) -> tuple[Person, Person]:
            require("person.deactivate", roles_in(facts), facts, f"person {id}")
            before = unit.need(Person, id, "deactivate")
            if not before.active:
                return before, before
            after = evolve(before, active=False)
            unit.save(after)
            unit.log("person.deactivated", f"person:{id}")
            leave(unit, id)
            return before, after

        self._own("deactivate")
        before, after = self._deciding(by, work)
        self._look_again(before, after)
        return after

    def reactivate(self, id: str, *, by: By = None) -> Person:
        """Say that somebody who left is back (USER_ADMIN): they can act, and ask anew.

        They are what they were in groups, attributes and permissions; what they had does not come
        back.
        """

        def work(unit: Unit, facts: Facts) -> tuple[Person, Person]:
            require("person.reactivate", roles_in(facts), facts, f"person {id}")
            before = unit.need(Person, id, "reactivate")
            if before.active:
                return before, before
            after = evolve(before, active=True)
            check_owner(unit, after, "reactivate")
            unit.save(after)
            unit.log("person.reactivated", f"person:{id}")
            self._tell_power(unit, Person(id=id), after)
            return before, after

        self._own("reactivate")
        before, after = self._deciding(by, work)
        self._look_again(before, after)
        return after

    def get(self, id: str, *, by: By = None) -> Person:
        """A person as the directory knows them; oneself, USER_ADMIN, GOVERNANCE and AUDIT."""
        with self._reading(by) as (_, facts):
            roles = roles_in(facts) | ({"self"} if facts.id == id else frozenset())
            known = self._context.person(id) if allowed("person.read", roles) else None
        if known is None:
            raise NotFound("get", "person", id)
        return known

    def find(self, *, after: str | None = None, limit: int = 100, by: By = None) -> Page[Person]:
        """People who are kept here, by id; USER_ADMIN, GOVERNANCE and AUDIT."""
        with self._reading(by) as (unit, facts):
            require("person.read", roles_in(facts), facts, "people")
            return unit.page(Person, after=after, limit=limit)

    # -- inside ---------------------------------------------------------------------------

    def _bootstrap(self, person: Person) -> Person:
        if "USER_ADMIN" not in person.permissions or person.kind != "person":
            raise NotAllowed(
                f"cannot add person {person.id} without an actor",
                code="bootstrap",
                hint="name a USER_ADMIN as the actor (by=, --by); the first person of an empty "
                "directory must hold USER_ADMIN, or nobody could add anybody",
            )

        def work(unit: Unit, _: Facts) -> Person:
            if unit.find(Person, limit=1):
                known = unit.get(Person, person.id)
                if (
                    known is not None
                    and evolve(known, as_of=None) == person
                    and (unit.reserved("bootstrap") == person.id)
                ):
                    return known
                raise NotAllowed(
                    f"cannot add person {person.id} without an actor: there are people already",
                    code="bootstrap",
                    hint="name a USER_ADMIN as the actor (by=, --by)",
                )
            unit.reserve("bootstrap", person.id, "the first person is being added")
            return self._add(unit, person)

        return self._as(Person(id=SYSTEM), work)

    def _add(self, unit: Unit, person: Person) -> Person:
        self._own("add")
        known = unit.get(Person, person.id)
        if known is not None:
            if known == person:
                return known
            raise DuplicateName(
                f"cannot add person {person.id}: the id is taken",
                existing=person.id,
                hint="use people.update" if known.active else "use people.reactivate",
            )
        check_owner(unit, person, "add")
        for connection, name in person.principals.items():
            reserve_principal(unit, connection, name, f"user:{person.id}")
        unit.save(person)
        unit.log("person.added", f"person:{person.id}", kind=person.kind)
        self._tell_power(unit, Person(id=person.id), person)
        return person

    def _checked(self, person: Person) -> Person:
        problems = []
        if person.id == SYSTEM:
            problems.append(Problem("person.id", "is reserved"))
        if person.kind not in ("person", "service_account"):
            problems.append(Problem("kind", "must be person or service_account"))
        if person.kind == "service_account" and not person.owner:
            problems.append(Problem("owner", "is required for a service account"))
        if person.kind == "person" and person.owner:
            problems.append(Problem("owner", "is for service accounts only"))
        if problems:
            raise InvalidInput("cannot keep this person", problems=problems)
        return person

    def _principals(self, principals: Mapping[str, str] | None) -> FrozenMap[str, str]:
        for connection, name in mapped(principals, "principals").items():
            if not isinstance(connection, str) or connection not in self._context.connections:
                known = ", ".join(sorted(self._context.connections)) or "none is configured"
                raise InvalidInput(
                    "cannot link a platform name",
                    problems=[Problem("principals", "names a connection that is not configured")],
                    hint=f"connections: {known}",
                )
            check_id(name, f"principals.{connection}")
        return freeze(principals)

    def _own(self, verb: str) -> None:
        if not self._context.own_people:
            raise NotAllowed(
                f"cannot {verb} people here: they come from the configured directory",
                code="external_directory",
                hint="change them in that directory",
            )

    def _look_again(self, before: Person, after: Person) -> None:
        if before != after:
            with self._context.unit(SYSTEM, write=False) as unit:
                tokens = unit.facts(before).tokens | unit.facts(after).tokens
            recheck(self._context, tokens)

    @staticmethod
    def _tell_power(unit: Unit, before: Person, after: Person) -> None:
        if "GOVERNANCE" in after.permissions - before.permissions:
            unit.log("person.empowered", f"person:{after.id}", permission="GOVERNANCE")
