"""Provisioners that see what is not there, or not what is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import ClassVar

from attrs import evolve

from marketplace_sdk.errors import ProvisioningError
from marketplace_sdk.ports.provisioner import (
    Call,
    CannotLook,
    Change,
    Guard,
    Item,
    Known,
    Outcome,
    Presence,
    Provisioner,
    Ref,
    Resolved,
    Scope,
    Seen,
    Target,
    Unresolved,
)
from marketplace_sdk.testing.broken._provisioners_base import SoundProvisioner

__all__ = [
    "AnswersGuardsUnread",
    "CallsUnreachableAbsent",
    "CannotSeeWhatWasDropped",
    "ClaimsWhatOthersGave",
    "ForgetsMarkers",
    "HidesStrangers",
    "LeavesOutEmptyScopes",
    "ReadsOnePage",
    "RepairsWhileLooking",
    "SeesForeignScopesEmpty",
    "SeesOnlyItsOwnWork",
    "SuspectsEverybody",
    "TrustsItsMemory",
]

_PAGE = 100

_Views = Mapping[Scope, Seen | CannotLook]


class HidesStrangers(SoundProvisioner):
    """Lists only what carries our marker, so that nobody ever learns who else can read."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_strangers_are_shown",
        "test_what_is_ours_is_told_from_what_is_not",
    )

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes with our own items."""
        return {
            scope: evolve(view, items={k: v for k, v in view.items.items() if v.ours})
            if isinstance(view, Seen)
            else view
            for scope, view in self.inner.observe(scopes, guards, call).items()
        }


class ForgetsMarkers(SoundProvisioner):
    """Never says that something is ours: with the ledger lost, nothing would be taken away."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_what_is_ours_is_told_from_what_is_not",)

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes, all of it somebody else's."""
        return _owned(self.inner.observe(scopes, guards, call), ours=False)


class ClaimsWhatOthersGave(SoundProvisioner):
    """Says that everything is ours, so that a right from before us is revoked with the grant."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_right_from_before_survives",
        "test_what_is_ours_is_told_from_what_is_not",
    )

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes, all of it ours."""
        return _owned(self.inner.observe(scopes, guards, call), ours=True)


class SuspectsEverybody(SoundProvisioner):
    """Says of everything that somebody gave it by hand, too."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_what_we_gave_alone_is_not_said_to_be_given_by_hand",
    )

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes, all of it given by hand."""
        return {
            scope: evolve(
                view, items={key: evolve(v, by_hand=True) for key, v in view.items.items()}
            )
            if isinstance(view, Seen)
            else view
            for scope, view in self.inner.observe(scopes, guards, call).items()
        }


class TrustsItsMemory(SoundProvisioner):
    """Calls its own whatever it has given once, whoever has given it since."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_what_somebody_gives_beside_ours_is_told",)

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._given: set[str] = set()

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """The changes, which are remembered."""
        self._given.update(change.item.key for change in batch)
        yield from self.inner.apply(batch, call)

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes, with our memory in place of the platform's."""
        return {
            scope: evolve(
                view,
                items={
                    key: evolve(v, ours=True, by_hand=False) if key in self._given else v
                    for key, v in view.items.items()
                },
            )
            if isinstance(view, Seen)
            else view
            for scope, view in self.inner.observe(scopes, guards, call).items()
        }


class CallsUnreachableAbsent(SoundProvisioner):
    """Takes no answer for the answer no: ends are reported that have not come."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_what_cannot_be_reached_is_not_absent",
        "test_without_time_nothing_is_concluded",
        "test_an_outage_delays_and_loses_nothing",
    )

    def resolve(self, refs: Collection[Ref], call: Call) -> Mapping[Ref, Resolved | Unresolved]:
        """What could not be asked is not found."""
        try:
            return self.inner.resolve(refs, call)
        except ProvisioningError:
            return {
                ref: Unresolved(ref=ref, reason="not_found", message=f"there is no {ref.name}")
                for ref in refs
            }

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """What could not be listed is empty."""
        try:
            views = self.inner.observe(scopes, guards, call)
        except ProvisioningError:
            return {scope: Seen(items={}) for scope in scopes}
        return {
            scope: view if isinstance(view, Seen) else Seen(items={})
            for scope, view in views.items()
        }


class SeesForeignScopesEmpty(SoundProvisioner):
    """Reports everything as gone when the connection leads to another platform."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_scope_of_another_platform_cannot_be_seen",)

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """What cannot be looked at for good is empty."""
        return {
            scope: Seen(items={}) if isinstance(view, CannotLook) and not view.retryable else view
            for scope, view in self.inner.observe(scopes, guards, call).items()
        }


class ReadsOnePage(SoundProvisioner):
    """Reads the first hundred of a list and takes them for all."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_long_list_is_read_to_its_end",)

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes, each as far as its first page goes."""
        return {
            scope: evolve(view, items=dict(list(view.items.items())[:_PAGE]))
            if isinstance(view, Seen)
            else view
            for scope, view in self.inner.observe(scopes, guards, call).items()
        }


class CannotSeeWhatWasDropped(SoundProvisioner):
    """Fails over an object that is not there any more, so that access to it never ends."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_access_to_what_was_dropped_ends",)

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._objects: dict[Scope, Resolved] = {}

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items; which object is behind a scope is remembered."""
        found = self.inner.member(target, who, known)
        objects = {one.name: one for one in known.resolved.values() if one.ref.kind == "object"}
        self._objects.update(
            (item.scope, objects[name]) for item in found for name in item.opens if name in objects
        )
        return found

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes of those objects that are the same as before."""
        refs = [self._objects[scope].ref for scope in scopes if scope in self._objects]
        now = self.inner.resolve(refs, call)
        views = dict(self.inner.observe(scopes, guards, call))
        for scope, then in self._objects.items():
            if scope in views and now[then.ref] != then:
                views[scope] = CannotLook(reason=f"there is no {then.name}", retryable=False)
        return views


class LeavesOutEmptyScopes(SoundProvisioner):
    """Gives no answer for a scope in which nothing is."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_every_scope_has_an_answer",)

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes that hold something."""
        return {
            scope: view
            for scope, view in self.inner.observe(scopes, guards, call).items()
            if not isinstance(view, Seen) or view.items
        }


class AnswersGuardsUnread(SoundProvisioner):
    """Says of every column that it is protected, without having looked."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_guards_are_answered_as_things_are",
        "test_an_unprotected_column_keeps_its_object_closed",
    )

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes, with a yes to everything."""
        return {
            scope: evolve(view, guards=dict.fromkeys(guards, True))
            if isinstance(view, Seen)
            else view
            for scope, view in self.inner.observe(scopes, guards, call).items()
        }


class SeesOnlyItsOwnWork(SoundProvisioner):
    """Lists what this process remembers to have done, instead of what is there."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_a_worker_that_vanishes_leaves_whole_changes",
        "test_a_worker_vanishes_after_each_change",
    )

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._done: set[str] = set()

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """The changes, which are remembered."""
        for outcome in self.inner.apply(batch, call):
            if outcome.result == "done":
                self._done.add(outcome.key)
            yield outcome

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes, without what somebody else did."""
        return {
            scope: evolve(view, items={k: v for k, v in view.items.items() if k in self._done})
            if isinstance(view, Seen)
            else view
            for scope, view in self.inner.observe(scopes, guards, call).items()
        }


class RepairsWhileLooking(SoundProvisioner):
    """Puts back what it finds missing, whether somebody said yes to it or not."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_looking_changes_nothing",)

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._planned: dict[str, Item] = {}

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """The items, which are remembered."""
        return self._remembered(self.inner.base(target, known))

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items, which are remembered."""
        return self._remembered(self.inner.member(target, who, known))

    def observe(self, scopes: Collection[Scope], guards: Collection[Guard], call: Call) -> _Views:
        """The scopes, repaired."""
        for item in self._planned.values():
            if item.scope in scopes:
                list(self.inner.apply([Change(action="add", item=item)], call))
        return self.inner.observe(scopes, guards, call)

    def _remembered(self, items: Sequence[Item]) -> Sequence[Item]:
        self._planned.update((item.key, item) for item in items)
        return items


def _owned(views: _Views, *, ours: bool) -> _Views:
    return {
        scope: evolve(
            view,
            items={
                key: Presence(native_id=one.native_id, ours=ours) for key, one in view.items.items()
            },
        )
        if isinstance(view, Seen)
        else view
        for scope, view in views.items()
    }
