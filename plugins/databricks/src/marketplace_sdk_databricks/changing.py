"""Making the changes of one scope, one request each, and saying what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen
from databricks.sdk import errors
from databricks.sdk.service.catalog import PermissionsChange, Privilege

from marketplace_sdk.plugin import Outcome
from marketplace_sdk_databricks import members, principals
from marketplace_sdk_databricks.items import describe
from marketplace_sdk_databricks.keys import PRIVILEGES, Key, Place
from marketplace_sdk_databricks.looking import Looker
from marketplace_sdk_databricks.naming import as_path, quote_identifier, quote_name
from marketplace_sdk_databricks.securables import assignments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from marketplace_sdk.plugin import Call, Change
    from marketplace_sdk_databricks.failures import Failure
    from marketplace_sdk_databricks.site import Site

__all__ = ["apply"]


@frozen(kw_only=True)
class _Situation:
    """What is known when the changes begin.

    Attributes:
        place: the scope.
        name: under which it is found now, or None: it was dropped.
    """

    place: Place
    name: str | None


class _Impossible(Exception):
    """A change that must not even be sent; its text says why."""

    def __init__(self, why: str, *, retryable: bool = False) -> None:
        super().__init__(why)
        self.retryable = retryable


def apply(
    batch: Sequence[Change], call: Call, site_for: Callable[[], AbstractContextManager[Site]]
) -> Iterator[Outcome]:
    """Outcomes in the order of the batch.

    After a refusal nothing is added any more, but what can be taken away still is. After an
    unknown outcome, or when no time is left, nothing at all is attempted.

    Args:
        batch: changes of one scope.
        call: the deadline.
        site_for: opens the workspace for the time that is left; held for one change only, because
            whoever asks for the outcomes may do other things in between.
    """
    situation: _Situation | None = None
    stopped = refused = False
    for change in batch:
        if stopped or call.over:
            stopped = True
            why = "an earlier change has no answer, or no time is left"
            yield Outcome(key=change.item.key, result="not_attempted", error=why, retryable=True)
            continue
        if refused and change.action != "remove":
            why = "an earlier change did not succeed"
            yield Outcome(key=change.item.key, result="not_attempted", error=why, retryable=True)
            continue
        with site_for() as site:
            try:
                situation = situation or _prepare(site, change)
            except OSError as error:
                outcome = _unseen(change, site.failure(error))
            else:
                outcome = _Changing(site, situation, change).outcome()
        refused = refused or outcome.result not in ("done", "already")
        stopped = outcome.result in ("unknown", "not_attempted")
        yield outcome


def _prepare(site: Site, change: Change) -> _Situation:
    """Find the scope first; raises OSError when that cannot be said."""
    scope = change.item.scope
    try:
        place = Place.read(scope)
    except ValueError:
        return _Situation(place=Place("group", ""), name=None)
    if scope.platform != site.platform:
        return _Situation(place=place, name=None)
    return _Situation(place=place, name=Looker(site).name_now(place))


def _unseen(change: Change, failure: Failure) -> Outcome:
    """What becomes of a change when it cannot be read what is there: nothing was sent."""
    refused = failure.row.result == "refused"
    return Outcome(
        key=change.item.key,
        result="refused" if refused else "not_attempted",
        error=f"what is there could not be read: {failure}{_permission(change, failure)}",
        retryable=failure.row.retryable,
    )


def _permission(change: Change, failure: Failure) -> str:
    """What an administrator must do so that a change is not denied any more."""
    if failure.row.name not in ("denied", "statement_denied"):
        return ""
    key, data = Key.read(change.item.key), change.item.data
    if key.kind in ("group", "member"):
        return (
            f"; an administrator must make the marketplace's service principal a manager of group"
            f" {quote_identifier(key.place)}, which has to be there"
        )
    securable = PRIVILEGES[key.kind][0].upper() if key.kind in PRIVILEGES else "TABLE"
    right = "MANAGE" if key.kind in PRIVILEGES else "MODIFY"
    name = quote_name(str(data.get("name", "")) or key.place)
    return (
        f"; an administrator must run: GRANT {right} ON {securable} {name} TO the marketplace's"
        " service principal"
    )


class _Changing:
    """One change."""

    def __init__(self, site: Site, situation: _Situation, change: Change) -> None:
        self._site = site
        self._situation = situation
        self._change = change
        self._item = change.item

    def outcome(self) -> Outcome:
        key, shown = self._item.key, ""
        try:
            self._check()
            if self._is_so():
                return Outcome(key=key, result="already", evidence="read from the platform")
            shown = describe(self._change)
            self._check_grantee()
            evidence = self._make()
        except _Impossible as error:
            why = f"cannot change it: {error}"
            return Outcome(key=key, result="refused", error=why, retryable=error.retryable)
        except OSError as error:
            failure = self._site.failure(error)
            return self._failed(failure, shown) if shown else _unseen(self._change, failure)
        waited = self._site.deadline.waited
        told = f"; the platform made it wait {waited:.0f} s" if waited else ""
        return Outcome(key=key, result="done", evidence=f"{shown}{evidence}{told}")

    def _check(self) -> None:
        """Raise _Impossible unless the change is one of ours on this platform."""
        item, situation = self._item, self._situation
        if item.scope.platform != self._site.platform:
            raise _Impossible(f"the connection leads to {self._site.platform} now")
        try:
            key, place = Key.read(item.key), Place.read(item.scope)
        except ValueError as error:
            raise _Impossible(str(error)) from None
        if place != situation.place:
            raise _Impossible("the batch has several scopes")
        belongs = {"member": "group", "exception": "exceptions"}.get(key.kind, key.kind)
        wanted = PRIVILEGES[key.kind][0] if key.kind in PRIVILEGES else belongs
        if (wanted, key.place) != (place.kind, place.id):
            raise _Impossible("its key and its scope are not about the same thing")
        if place.grantee not in ("", key.who):
            raise _Impossible("its key and its scope are not about the same grantee")
        if self._change.action == "set_until" and key.kind != "exception":
            raise _Impossible("it has no end of its own on Databricks")
        if self._change.until is not None and key.kind != "exception":
            raise _Impossible("it has no end of its own on Databricks")
        if situation.name is None and self._change.action != "remove":
            raise _Impossible(
                "it was dropped meanwhile; the next pass sees what is there", retryable=True
            )

    def _is_so(self) -> bool:
        key, situation = Key.read(self._item.key), self._situation
        there = None
        if situation.name is not None:
            who = str(self._item.data.get("principal", "")) or key.who
            there = Looker(self._site).presence(situation.place, situation.name, key, who)
        if self._change.action == "remove":
            return there is None
        if there is None:
            return False
        return key.kind != "exception" or there.until == self._change.until

    def _check_grantee(self) -> None:
        """Raise _Impossible unless whoever gets something has the numeric id that was approved."""
        data = self._item.data
        id, name = str(data.get("principal_id", "")), str(data.get("principal", ""))
        if self._change.action == "remove" or not id:
            return
        try:
            same = principals.still_there(self._site.client, id, name)
        except OSError as error:
            failure = self._site.failure(error)
            raise _Impossible(f"{name} could not be looked up: {failure}", retryable=True) from None
        if not same:
            raise _Impossible(f"{name} is not who was approved any more")

    def _make(self) -> str:
        key, add = Key.read(self._item.key), self._change.action != "remove"
        client = self._site.client
        if key.kind in PRIVILEGES:
            return self._grant(key, add=add)
        if key.kind == "exception":
            return self._exception(key, add=add)
        if key.kind == "group" and add:
            members.create_group(client, key.place)
            return ""
        group = principals.find_group(client, key.place)
        if group is None:
            if not add:
                return "; the group was gone"
            raise _Impossible(
                f"there is no account group {key.place}; an administrator creates it, and makes the"
                " marketplace's service principal its group manager",
                retryable=True,
            )
        if key.kind == "group":
            if members.members(client, group.id):
                raise _Impossible(f"group {key.place} has members that somebody else added")
            self._check_empty(key.place)
            members.delete_group(client, group.id)
        elif add:
            members.add_member(client, group.id, key.who)
        else:
            members.remove_member(client, group.id, key.who)
        return ""

    def _check_empty(self, group: str) -> None:
        """Raise _Impossible if our group still holds something: that would outlive it, nameless."""
        for each in self._item.data.get("holds", ()):
            securable, _, name = str(each).partition(" ")
            try:
                held = assignments(self._site.client, securable, name, group)  # type: ignore[arg-type]  # a word of ours
            except errors.NotFound:
                continue
            if any(held.values()):
                raise _Impossible(
                    f"group {group} still holds something on {name}, which goes first",
                    retryable=True,
                )

    def _grant(self, key: Key, *, add: bool) -> str:
        securable, word = PRIVILEGES[key.kind]
        who = str(self._item.data.get("principal", "")) or key.who
        # Exactly one privilege of exactly one grantee, and never both lists.
        privileges = [Privilege(word)]
        change = (
            PermissionsChange(principal=who, add=privileges)
            if add
            else PermissionsChange(principal=who, remove=privileges)
        )
        self._site.client.grants.update(
            securable, as_path(self._situation.name or ""), changes=[change]
        )
        return ""

    def _exception(self, key: Key, *, add: bool) -> str:
        table = self._site.exceptions(self._situation.place.name)
        if add:
            id = table.put(key.place, key.who, self._change.until)
        else:
            id = table.drop(key.place, key.who)
        return f" -- statement {id}"

    def _failed(self, failure: Failure, shown: str) -> Outcome:
        row, action = failure.row, self._change.action
        # What is gone cannot be taken away; the next look proves it.
        gone = action == "remove" and row.name in ("no_object", "no_principal")
        said = f"{failure}{_permission(self._change, failure)}"
        return Outcome(
            key=self._item.key,
            result=row.result,
            evidence=shown if row.result == "unknown" else "",
            error=f"{shown}: {said}" if shown else said,
            retryable=row.retryable or gone,
        )
