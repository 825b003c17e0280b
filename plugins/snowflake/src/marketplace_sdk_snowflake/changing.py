"""Making the changes of one scope, one statement each, and saying what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from marketplace_sdk.plugin import CannotLook, Outcome, Seen
from marketplace_sdk_snowflake import statements
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.items import Key, privileges_scope, role_scope
from marketplace_sdk_snowflake.listing import pages
from marketplace_sdk_snowflake.masking import Masks, refusal
from marketplace_sdk_snowflake.masks import Subject
from marketplace_sdk_snowflake.naming import Grantee, role_prefix
from marketplace_sdk_snowflake.rights import permission
from marketplace_sdk_snowflake.sessions import problem
from marketplace_sdk_snowflake.stating import statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marketplace_sdk.plugin import Call, Change, Presence, Scope
    from marketplace_sdk_snowflake.looking import Looking
    from marketplace_sdk_snowflake.passing import Pass
    from marketplace_sdk_snowflake.sessions import Talk
    from marketplace_sdk_snowflake.settings import Settings

__all__ = ["Changing"]


class Impossible(Exception):
    """A change that must not be sent; its text says why."""


class Changing:
    """Carries out the changes of one scope.

    Args:
        talk: with Snowflake.
        settings: of the connection.
        installation: whose roles may be touched.
        known: what this pass has found out already.
        looking: lists scopes.
    """

    def __init__(
        self, talk: Talk, settings: Settings, installation: str, known: Pass, looking: Looking
    ) -> None:
        self._talk = talk
        self._settings = settings
        self._installation = installation
        self._known = known
        self._looking = looking

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """The changes one by one, as the outcomes are asked for.

        Raises:
            Failure: the scope cannot be listed; nothing was changed.
        """
        foreign = next(
            (c for c in batch if c.item.scope.platform != self._talk.acting.platform), None
        )
        seen = {} if foreign is not None else self._seen({c.item.scope for c in batch})
        refused = stopped = False
        for change in batch:
            if stopped or call.over:
                stopped = True
                why = "an earlier change has no answer, or no time is left"
                yield Outcome(
                    key=change.item.key, result="not_attempted", error=why, retryable=True
                )
            elif refused and change.action != "remove":
                why = "an earlier change did not succeed"
                yield Outcome(
                    key=change.item.key, result="not_attempted", error=why, retryable=True
                )
            else:
                outcome = self._one(change, seen)
                refused = refused or outcome.result not in ("done", "already")
                stopped = outcome.result == "unknown"
                yield outcome

    def _seen(self, scopes: set[Scope]) -> dict[str, Presence]:
        """What is there, as this pass saw it last; used once, because it is about to change."""
        missing = [scope for scope in scopes if scope not in self._known.seen]
        views: Mapping[Scope, Seen | CannotLook] = (
            self._looking.look(missing, ()) if missing else {}
        )
        found: dict[str, Presence] = {}
        for scope in scopes:
            view = self._known.seen.pop(scope, None) or views.get(scope)
            if isinstance(view, CannotLook):
                raise Failure(kind="unknown", number=0, text=view.reason)
            if view is not None:
                found.update(view.items)
        return found

    def _one(self, change: Change, seen: dict[str, Presence]) -> Outcome:
        item, add = change.item, change.action == "add"
        self._known.seen.pop(item.scope, None)
        try:
            key = self._allowed(change)
        except Impossible as error:
            return Outcome(key=item.key, result="refused", error=f"cannot change it: {error}")
        if change.action != "set_until" and (item.key in seen) == add:
            return Outcome(key=item.key, result="already", evidence="read with SHOW")
        text = statement(item, self._settings, add=change.action != "remove", until=change.until)
        try:
            why = self._objection(change, key)
            if why:
                return Outcome(key=item.key, result="refused", error=why)
            if key.kind == "role" and not add and self._release(Grantee.read(key.place)):
                seen.pop(item.key, None)
                return Outcome(key=item.key, result="done", evidence="left to its administrator")
            answer = self._talk.change(text)
        except Failure as failure:
            return self._failed(failure, change, key, text)
        self._note(change, key, seen)
        return Outcome(key=item.key, result="done", evidence=f"{text} -- query {answer.query}")

    def _allowed(self, change: Change) -> Key:
        """The item's key, if the change is one of ours on this account."""
        item, acting = change.item, self._talk.acting
        if item.scope.platform != acting.platform:
            raise Impossible(f"the connection leads to {acting.platform} now")
        try:
            key = Key.read(item.key)
        except ValueError as error:
            raise Impossible(str(error)) from None
        if key.kind == "entitlement":
            if self._settings.entitlements is None:
                raise Impossible("the connection has no table of entitlements any more")
            return key
        if change.action == "set_until":
            raise Impossible("a membership of Snowflake has no end of its own")
        grantee = Grantee.read(key.place)
        if not grantee.name.startswith(role_prefix(self._installation, self._settings.prefix)):
            raise Impossible(f"role {grantee} is not one of this marketplace")
        if self._known.roles.get(grantee) is False:
            raise Impossible(
                f"NameCollision: role {grantee} exists, and it is not ours: it lacks our marker, or"
                f" {acting.role} does not own it"
            )
        return key

    def _objection(self, change: Change, key: Key) -> str:
        """What speaks against a change that Snowflake would make; raises Failure."""
        if key.kind != "role":
            return ""
        grantee = Grantee.read(key.place)
        if change.action == "remove":
            return self._held(grantee)
        subject = change.item.data.get("subject")
        why = ""
        if subject:
            why = refusal(
                Masks(self._talk, self._settings, self._installation), Subject.read(str(subject))
            )
        return why or self._too_many(grantee)

    def _held(self, grantee: Grantee) -> str:
        """What keeps a role from being dropped: with it, rights of somebody else would go."""
        platform = self._talk.acting.platform
        scopes = [role_scope(platform, grantee), privileges_scope(platform, grantee)]
        views = self._looking.look(scopes, ())
        left: set[str] = set()
        for view in views.values():
            if isinstance(view, CannotLook):
                return view.reason
            left |= view.items.keys()
        left.discard(str(Key("role", "", str(grantee))))
        for scope in scopes:
            self._known.seen.pop(scope, None)
        if not left or self._known.kept.get(grantee):
            return ""
        return (
            f"role {grantee} has members, or holds something, that nobody has approved"
            f" ({len(left)}); an administrator must take that away first"
        )

    def _release(self, grantee: Grantee) -> bool:
        """Whether a role stays because an administrator made it; it counts as gone then."""
        if self._known.kept.get(grantee):
            self._known.released.add(grantee)
            return True
        return False

    def _too_many(self, grantee: Grantee) -> str:
        """Why no further role is made, if there are so many that something must be wrong."""
        prefix = role_prefix(self._installation, self._settings.prefix)
        if grantee.database is None:
            rows = pages(self._talk, lambda a: statements.show_roles(prefix=prefix, after=a))
        else:
            rows = self._talk.read(statements.show_database_roles(grantee.database))
        count = sum(row["name"].startswith(prefix) for row in rows)
        most = self._settings.max_roles
        return "" if count < most else f"there are {count} roles already; max_roles is {most}"

    def _note(self, change: Change, key: Key, seen: dict[str, Presence]) -> None:
        if key.kind == "role":
            # Whose it is now is read again, and not concluded.
            grantee = Grantee.read(key.place)
            self._known.roles.pop(grantee, None)
            self._known.released.discard(grantee)
        if change.action == "remove":
            seen.pop(change.item.key, None)

    def _failed(self, failure: Failure, change: Change, key: Key, text: str) -> Outcome:
        """What an error means for one change, told by its number."""
        item, row = change.item, failure.row
        if failure.uncertain:
            why = f"there was no answer to it: {failure.said}"
            return Outcome(key=item.key, result="unknown", evidence=text, error=why, retryable=True)
        if failure.kind in ("interrupted", "expired", "login_again"):
            return Outcome(key=item.key, result="not_attempted", error=failure.said, retryable=True)
        if failure.kind == "exists" and key.kind == "role":
            return self._there_already(failure, change, key)
        if failure.kind == "absent" and change.action == "remove":
            return self._gone_already(failure, change)
        role = self._talk.acting.role
        said = f"{problem(failure)}; role {role} ran: {text}"
        if failure.kind == "denied":
            rights = permission(item, role, self._settings.entitlements)
            said = f"MissingPrivilege: {said}; an administrator must run: {rights}"
        elif failure.kind == "partial":
            said = f"Partial: {said}"
        elif failure.kind == "absent":
            said = f"{_absent(key, role)}: {said}"
        retryable = row.passing or failure.kind == "absent"
        return Outcome(
            key=item.key, result="refused", evidence=text, error=said, retryable=retryable
        )

    def _there_already(self, failure: Failure, change: Change, key: Key) -> Outcome:
        """A role of that name: ours, if somebody made it at the same time; else not touched."""
        grantee = Grantee.read(key.place)
        self._known.roles.pop(grantee, None)
        try:
            view = self._looking.look([change.item.scope], ())[change.item.scope]
        except Failure as later:
            return Outcome(
                key=change.item.key, result="not_attempted", error=later.said, retryable=True
            )
        present = view.items.get(change.item.key) if isinstance(view, Seen) else None
        if present is not None and present.ours:
            return Outcome(key=change.item.key, result="already", evidence="read with SHOW")
        return Outcome(
            key=change.item.key,
            result="refused",
            error=f"NameCollision: role {grantee} exists, and it is not ours ({failure.said})",
        )

    def _gone_already(self, failure: Failure, change: Change) -> Outcome:
        """What was to be taken away is not there: believed after it was looked for."""
        try:
            view = self._looking.look([change.item.scope], ())[change.item.scope]
        except Failure as later:
            return Outcome(
                key=change.item.key, result="not_attempted", error=later.said, retryable=True
            )
        if isinstance(view, Seen) and change.item.key not in view.items:
            return Outcome(key=change.item.key, result="already", evidence="read with SHOW")
        return Outcome(
            key=change.item.key, result="refused", error=problem(failure), retryable=True
        )


def _absent(key: Key, role: str) -> str:
    if key.kind == "member":
        return (
            f"SubjectNotFound: there is no such user or role, or it is not visible to role {role}"
            " (GRANT takes a user's NAME, not the LOGIN_NAME)"
        )
    return f"TargetNotFound: it does not exist, or it is not visible to role {role}"
