"""A data platform in memory, which enforces what it was told and can be made to fail.

It grants directly: SELECT per object and principal, UNMASK per column and principal. Its own
books stand in ``memory.privileges``; this module is the provisioner and the switches for tests.
"""

# `object` is what the port and everybody who calls this says

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from marketplace_sdk.errors import ProvisioningError
from marketplace_sdk.memory.administration import Administration
from marketplace_sdk.memory.faults import Crash, Failures
from marketplace_sdk.memory.items import PROTECTED, Part, describe, make_item, privilege_of
from marketplace_sdk.memory.privileges import Privilege, Privileges
from marketplace_sdk.ports.discovery import Discovered, DiscoveredColumn
from marketplace_sdk.ports.provisioner import (
    CannotLook,
    Outcome,
    Presence,
    Resolved,
    Seen,
    Unresolved,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marketplace_sdk.ports.provisioner import (
        Call,
        Change,
        Guard,
        Item,
        Known,
        Ref,
        Scope,
        Target,
    )

__all__ = ["MemoryPlatform"]

Point = Literal["before_apply", "after_apply", "observe"]


class MemoryPlatform(Administration):
    """A data platform and its provisioner in one object. Safe to use from several threads.

    With neither objects nor principals given it is an open world: whatever is named exists, and a
    column counts as protected from the moment the marketplace mentions it as masked. What is
    given is closed: nothing else of that sort exists, and with ``objects`` only the columns in
    ``protected`` are.

    Args:
        objects: names of the columns by name of the object.
        principals: names of users and groups.
        protected: columns, as ``(object, column)`` or ``"object.column"``.
        name: the platform's identity is ``memory:<name>``.
        clock: returns an aware datetime; given, grants can have an end of their own, which holds
            whether anybody works or not.

    Attributes:
        capabilities: what a connection to it can do, in the words of a ProvisionerSpec.
        unreachable: while true, every call raises a retryable ProvisioningError.
        writes: how many changes ``apply`` has made.
        calls: (method, how many things it was asked about), in order.
    """

    capabilities: frozenset[str] = frozenset({"discover", "open_world", "unmask"})

    def __init__(
        self,
        objects: Mapping[str, Sequence[str]] | None = None,
        principals: Iterable[str] | None = None,
        protected: Iterable[tuple[str, str] | str] | None = None,
        name: str = "memory",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.identity: str = f"memory:{name}"
        if clock is not None:
            self.capabilities = self.capabilities | {"set_until"}
        self.unreachable: bool = False
        self.writes: int = 0
        self.calls: list[tuple[str, int]] = []
        self._expires = clock is not None
        super().__init__(Privileges(objects, principals, protected, clock))
        self._failures = Failures()
        self._crashes: dict[str, int] = {}
        self._refused: set[str] = set()
        self._silent = 0

    # Switches for what can go wrong.

    def fail(self, calls: int = 1, error: Exception | None = None) -> None:
        """Let the next calls raise ``error``; by default a retryable ProvisioningError."""
        planned = error or ProvisioningError(
            f"cannot use {self.identity}: it was told to fail", retryable=True
        )
        self._failures.plan(calls, planned)

    def crash_at(self, point: Point, nth: int = 1) -> None:
        """Raise Crash once, the nth time that this point is reached.

        ``before_apply``: a change is about to be made. ``after_apply``: it was made, and nobody
        was told. ``observe``: the scopes are about to be listed.
        """
        with self._lock:
            self._crashes[point] = nth

    def lose_answers(self, changes: int = 1) -> None:
        """Make the next changes, but answer ``unknown``."""
        with self._lock:
            self._silent = changes

    def refuse(self, object: str) -> None:
        """Refuse every change on an object, until ``permit``."""
        with self._lock:
            self._refused.add(object)

    def permit(self, object: str) -> None:
        """End ``refuse``."""
        with self._lock:
            self._refused.discard(object)

    # The provisioner.

    def resolve(self, refs: Collection[Ref], call: Call) -> Mapping[Ref, Resolved | Unresolved]:
        """What each name means now."""
        with self._lock:
            self._enter("resolve", len(refs), call)
            return {ref: self._resolve(ref) for ref in refs}

    def base(self, target: Target, known: Known) -> Sequence[Item]:  # noqa: ARG002  # the port's
        """Nothing: every privilege is one beneficiary's own."""
        return ()

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """SELECT on each object, or UNMASK on the column of the target."""
        found = [(each, known.object(each.name)) for each in target.objects]
        return [
            make_item(
                target.column,
                who,
                table,
                sorted(each.masked),
                masks=known.masks,
                expires=self._expires,
            )
            for each, table in found
            if table is not None
        ]

    def observe(
        self, scopes: Collection[Scope], guards: Collection[Guard], call: Call
    ) -> Mapping[Scope, Seen | CannotLook]:
        """Every grant in these scopes, whoever gave it."""
        with self._lock:
            self._enter("observe", len(scopes), call)
            self._reach("observe")
            answers = {
                guard: answer
                for guard in guards
                if guard.kind == PROTECTED
                and (answer := self._books.answer(guard.subject)) is not None
            }
            return {scope: self._look(scope, answers) for scope in scopes}

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """Make the changes one by one; a refused one does not stop those after it.

        Raises:
            ProvisioningError: the platform cannot be reached, or the batch spans several scopes.
        """
        if len({change.item.scope for change in batch}) > 1:
            raise ProvisioningError(f"cannot change {self.identity}: the batch has several scopes")
        with self._lock:
            self._enter("apply", len(batch), None)
        for change in batch:
            if call.over:
                why = "no time is left"
                yield Outcome(
                    key=change.item.key, result="not_attempted", error=why, retryable=True
                )
                continue
            with self._lock:
                outcome = self._change(change)
            yield outcome

    def discover(self, pattern: str, call: Call) -> Iterator[Discovered]:
        """Every object that was made or named so far."""
        with self._lock:
            self._enter("discover", 1, call)
            found = [
                (each, [self._books.masked(each.name, name) for name in each.columns or ()])
                for each in self._books.everything()
                if fnmatchcase(each.name, pattern)
            ]
        for each, masks in found:
            columns = (
                DiscoveredColumn(name=name, protected=mask)
                for name, mask in zip(each.columns or (), masks, strict=True)
            )
            yield Discovered(
                name=each.name,
                kind="view" if each.shows else "table",
                columns=columns,
                comment=each.comment,
                tags=each.tags,
                owner=each.owner,
            )

    def describe(self, change: Change) -> str:
        """The change as a statement, with the names at the time of planning."""
        return describe(change)

    def _enter(self, method: str, things: int, call: Call | None) -> None:
        self.calls.append((method, things))
        if self.unreachable:
            raise ProvisioningError(f"cannot reach {self.identity}", retryable=True)
        self._failures.check()
        if call is not None and call.over:
            why = f"cannot {method} on {self.identity}: no time is left"
            raise ProvisioningError(why, retryable=True)

    def _reach(self, point: Point) -> None:
        left = self._crashes.pop(point, 0)
        if left == 1:
            raise Crash(point)
        if left:
            self._crashes[point] = left - 1

    def _resolve(self, ref: Ref) -> Resolved | Unresolved:
        if ref.kind == "principal":
            id = self._books.principal(ref.name)
            if id is not None:
                return Resolved(
                    ref=ref, platform=self.identity, native_id=id, name=ref.name, kind="user"
                )
            what = "principal"
        else:
            found = self._books.object(ref.name)
            if found is not None:
                return Resolved(
                    ref=ref,
                    platform=self.identity,
                    native_id=found.id,
                    name=ref.name,
                    kind="view" if found.shows else "table",
                    owner=found.owner,
                    columns=found.columns or (),
                    shows=found.shows,
                )
            what = "object"
        message = f"there is no {what} {ref.name} on {self.identity}; create it or correct the name"
        return Unresolved(ref=ref, reason="not_found", message=message)

    def _look(self, scope: Scope, answers: Mapping[Guard, bool]) -> Seen | CannotLook:
        part = Part.read(scope.key)
        if scope.platform != self.identity or part is None:
            return CannotLook(reason=f"not a scope of {self.identity}", retryable=False)
        held = (
            Privilege(part.table, part.column, each)
            for each in self._books.holders(part.table, part.column)
        )
        # A dropped object took its grants along and its id is never used again: an empty list is
        # the truth about it.
        gone = "" if self._books.named(part.table) else ", which was dropped"
        return Seen(
            items={
                part.item_key(each.principal): Presence(
                    by_hand=self._books.by_hand(each), until=self._books.until(each)
                )
                for each in held
            },
            guards=answers,
            evidence=f"list of grants {scope.key}{gone}",
        )

    def _change(self, change: Change) -> Outcome:
        item = change.item
        privilege = privilege_of(item)
        if privilege is None or item.scope.platform != self.identity:
            return _refused(item, f"it is not an item of {self.identity}")
        if change.action == "add":
            for column in (privilege.column, *item.data.get("masked", ())):
                self._books.learn(privilege.table, column)
        if self._is_so(change, privilege):
            return Outcome(key=item.key, result="already", evidence="list of grants")
        problem = self._problem(change, privilege)
        if problem:
            return _refused(item, problem)
        self._reach("before_apply")
        self._books.make(change.action, privilege, change.until)
        self.writes += 1
        self._reach("after_apply")
        if self._silent:
            self._silent -= 1
            return Outcome(key=item.key, result="unknown", error="no answer came", retryable=True)
        evidence = f"{self.describe(change)} -- statement {self.writes}"
        return Outcome(key=item.key, result="done", evidence=evidence)

    def _is_so(self, change: Change, privilege: Privilege) -> bool:
        if change.action == "set_until":
            there = self._books.has(privilege)
            return there and self._books.until(privilege) == change.until
        return self._books.has(privilege) == (change.action == "add")

    def _problem(self, change: Change, privilege: Privilege) -> str:
        """Why the platform refuses a change, or empty text."""
        table = self._books.named(privilege.table)
        ends = change.until is not None or change.action == "set_until"
        if ends and not self._expires:
            return "grants have no end of their own here"
        if table in self._refused:
            return f"no right to manage grants on {table}"
        if change.action != "add":
            there = change.action == "remove" or self._books.has(privilege)
            return "" if there else "it is not there"
        return self._hindrance(table, privilege)

    def _hindrance(self, table: str | None, privilege: Privilege) -> str:
        """Why a privilege cannot be given, or empty text."""
        if table is None:
            return "the object was dropped"
        if not self._books.principal_exists(privilege.principal):
            return "the principal was dropped"
        if privilege.column is not None and not self._books.has_column(table, privilege.column):
            return f"there is no column {table}.{privilege.column}"
        return ""


def _refused(item: Item, why: str) -> Outcome:
    return Outcome(key=item.key, result="refused", error=f"cannot change {item.key}: {why}")
