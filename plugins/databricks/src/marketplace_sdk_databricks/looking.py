"""What is on the platform: who holds what, and whether guards hold. Nothing is changed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from marketplace_sdk.plugin import CannotLook, Presence, Seen
from marketplace_sdk_databricks import principals
from marketplace_sdk_databricks.guarding import Guarding
from marketplace_sdk_databricks.keys import PRIVILEGES, Key, Place
from marketplace_sdk_databricks.members import is_member, members
from marketplace_sdk_databricks.naming import canonical_principal
from marketplace_sdk_databricks.securables import assignments, current_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from marketplace_sdk.plugin import Guard, Scope
    from marketplace_sdk_databricks.keys import Securable
    from marketplace_sdk_databricks.site import Site

__all__ = ["Looker"]


@frozen
class Looker:
    """Lists scopes, one by one, and answers guards."""

    site: Site

    def look(
        self, scopes: Collection[Scope], guards: Collection[Guard]
    ) -> Mapping[Scope, Seen | CannotLook]:
        """Every scope; the guards are answered in the first one that could be seen."""
        looked = self.site.deadline.each(self._scope, scopes)
        answers: dict[Scope, Seen | CannotLook] = dict(zip(scopes, looked, strict=True))
        first = next((s for s, answer in answers.items() if isinstance(answer, Seen)), None)
        if first is not None and guards:
            seen = answers[first]
            told = Guarding(self.site).answers(guards)
            if isinstance(seen, Seen):
                answers[first] = Seen(items=seen.items, guards=told, evidence=seen.evidence)
        return answers

    def listed(self, place: Place, name: str) -> Mapping[str, Presence]:
        """Items of a scope whose object has that name now.

        Raises:
            OSError: it cannot be listed.
        """
        if place.kind == "group":
            return self._group(place.id)
        if place.kind == "exceptions":
            rows = self.site.exceptions(place.name).holders(place.id)
            return {
                str(Key("exception", place.id, who)): Presence(until=until)
                for who, until in rows.items()
            }
        kind, privilege = next(
            (kind, word) for kind, (type, word) in PRIVILEGES.items() if type == place.kind
        )
        return {
            str(Key(kind, place.id, canonical_principal(who))): Presence()  # type: ignore[arg-type]  # a key of that table
            for who, held in self._held(place.kind, name, place.grantee).items()
            if privilege in held
        }

    def _held(
        self, securable: Securable, name: str, principal: str
    ) -> Mapping[str, frozenset[str]]:
        """Who holds what; nobody, if only one is asked for and that one is gone."""
        try:
            return assignments(self.site.client, securable, name, principal)
        except OSError as error:
            if not principal or self.site.failure(error).row.name != "no_principal":
                raise
            return {}

    def presence(self, place: Place, name: str, key: Key, principal: str) -> Presence | None:
        """One item of a scope whose object has that name now, or None: it is not there.

        Args:
            place: the scope.
            name: of its object now.
            key: of the item.
            principal: whose item it is, as it was spelt.

        Raises:
            OSError: it cannot be said.
        """
        client = self.site.client
        if key.kind in PRIVILEGES:
            securable, privilege = PRIVILEGES[key.kind]
            found = self._held(securable, name, principal)
            held = {canonical_principal(who) for who, held in found.items() if privilege in held}
            return Presence() if key.who in held else None
        if key.kind == "exception":
            return self.listed(place, name).get(str(key))
        group = principals.find_group(client, key.place)
        if group is None:
            return None
        if key.kind == "group":
            return Presence(native_id=group.id)
        there = is_member(client, group.id, key.who)
        return Presence(native_id=f"{group.id}:{key.who}") if there else None

    def name_now(self, place: Place) -> str | None:
        """The name under which the scope is listed, or None: there is no such thing any more.

        Raises:
            OSError: it cannot be said.
        """
        if place.kind in ("group", "exceptions"):
            return place.name or place.id
        return current_name(self.site.client, place)

    def _scope(self, scope: Scope) -> Seen | CannotLook:
        if scope.platform != self.site.platform:
            return CannotLook(
                reason=f"the connection leads to {self.site.platform} now", retryable=False
            )
        try:
            place = Place.read(scope)
        except ValueError as error:
            return CannotLook(reason=str(error), retryable=False)
        try:
            name = self.name_now(place)
            if name is None:
                # What was dropped took its privileges along, and its id is never used again.
                return Seen(items={}, evidence=f"{place.kind} {place.name} was dropped")
            return Seen(items=self.listed(place, name), evidence=_evidence(place, name))
        except OSError as error:
            failure = self.site.failure(error)
            reason = f"cannot list {place.kind} {place.name or place.id}: {failure}"
            return CannotLook(reason=reason, retryable=failure.row.retryable)

    def _group(self, name: str) -> Mapping[str, Presence]:
        group = principals.find_group(self.site.client, name)
        if group is None:
            return {}
        found = {str(Key("group", name)): Presence(native_id=group.id)}
        for id in members(self.site.client, group.id):
            found[str(Key("member", name, id))] = Presence(native_id=f"{group.id}:{id}")
        return found


def _evidence(place: Place, name: str) -> str:
    if place.kind == "group":
        return f"direct members of account group {place.id}"
    if place.kind == "exceptions":
        return f"rows of {name} for {place.id}"
    whose = f" to {place.grantee}" if place.grantee else ""
    return f"privileges given directly on {place.kind} {name}{whose}"
