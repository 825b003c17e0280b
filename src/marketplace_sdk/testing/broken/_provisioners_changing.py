"""Provisioners that change wrongly, or say something else than they did."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from attrs import evolve

from marketplace_sdk.errors import ProvisioningError
from marketplace_sdk.ports.provisioner import (
    Call,
    Change,
    Item,
    Known,
    Outcome,
    Provisioner,
    Resolved,
    Scope,
    Target,
)
from marketplace_sdk.testing.broken._provisioners_base import SoundProvisioner

__all__ = [
    "AppliesAndRaises",
    "CallsAnOutageARefusal",
    "DoesForeignWork",
    "GivesUpForGood",
    "IgnoresTheDeadline",
    "MixesThreads",
    "NeverRevokes",
    "PromisesEnds",
    "RefusesRepetition",
    "ReportsDoneAndDoesNothing",
    "RevokesEverybody",
    "StopsWithoutAWord",
    "SwallowsFailures",
]

_ENDLESS = Call(seconds_left=lambda: 60.0, correlation_id="broken")


class ReportsDoneAndDoesNothing(SoundProvisioner):
    """Says that every change was made."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_given_held_taken_and_gone",
        "test_access_follows_an_approval_and_ends_with_it",
    )

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:  # noqa: ARG002  # the port's
        """Outcomes without changes."""
        for change in batch:
            yield Outcome(key=change.item.key, result="done", evidence=self.describe(change))


class NeverRevokes(SoundProvisioner):
    """Gives, and says that it took away."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_given_held_taken_and_gone",
        "test_access_follows_an_approval_and_ends_with_it",
    )

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """Only the additions."""
        for change in batch:
            if change.action == "remove":
                yield Outcome(key=change.item.key, result="done", evidence=self.describe(change))
            else:
                yield from self.inner.apply([change], call)


class IgnoresTheDeadline(SoundProvisioner):
    """Goes on when its time is over and another worker has the scope."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_without_time_nothing_is_started",
        "test_the_deadline_is_looked_at_before_each_change",
    )

    def apply(self, batch: Sequence[Change], call: Call) -> Iterable[Outcome]:
        """Everything, however late."""
        return self.inner.apply(batch, evolve(_ENDLESS, correlation_id=call.correlation_id))


class AppliesAndRaises(SoundProvisioner):
    """Makes the changes, and then fails over something else."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_given_held_taken_and_gone",
        "test_every_change_has_an_outcome",
    )

    def apply(self, batch: Sequence[Change], call: Call) -> Iterable[Outcome]:
        """All changes, and no outcome.

        Raises:
            KeyError: always.
        """
        outcomes = list(self.inner.apply(batch, call))
        raise KeyError(outcomes[0].result)


class SwallowsFailures(SoundProvisioner):
    """Says done, whatever the platform said."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_refusal_is_told",)

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """Every outcome as if it had worked."""
        for outcome in self.inner.apply(batch, call):
            yield evolve(outcome, result="done", error="")


class RefusesRepetition(SoundProvisioner):
    """Fails over what is so already, because the platform says that it exists."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_doing_it_twice_changes_once",)

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """What is so already counts as refused."""
        for outcome in self.inner.apply(batch, call):
            if outcome.result == "already":
                yield evolve(outcome, result="refused", error="it exists already")
            else:
                yield outcome


class StopsWithoutAWord(SoundProvisioner):
    """Makes the first change of a batch, and says nothing about the others."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_every_change_has_an_outcome",)

    def apply(self, batch: Sequence[Change], call: Call) -> Iterable[Outcome]:
        """One outcome."""
        return self.inner.apply(batch[:1], call)


class RevokesEverybody(SoundProvisioner):
    """Takes a right from everybody when it was to take it from one."""

    caught_by: ClassVar[tuple[str, ...]] = (
        "test_one_loses_and_another_keeps",
        "test_two_products_on_one_object",
    )

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._planned: dict[str, Item] = {}

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items, which are remembered."""
        found = self.inner.member(target, who, known)
        self._planned.update((item.key, item) for item in found)
        return found

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """The changes, and more."""
        yield from self.inner.apply(batch, call)
        scopes = {change.item.scope for change in batch if change.action == "remove"}
        others = [item for item in self._planned.values() if item.scope in scopes]
        for item in others:
            list(self.inner.apply([Change(action="remove", item=item)], call))


class DoesForeignWork(SoundProvisioner):
    """Does what was planned for another platform, on this one."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_what_is_not_of_this_platform_is_refused",)

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._platform = ""

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The items; where they belong is remembered."""
        self._platform = who.platform
        return self.inner.member(target, who, known)

    def apply(self, batch: Sequence[Change], call: Call) -> Iterable[Outcome]:
        """The changes, wherever they were meant for."""
        here = [
            evolve(change, item=evolve(change.item, scope=Scope(self._platform, scope.key)))
            for change in batch
            for scope in [change.item.scope]
        ]
        return self.inner.apply(here, call)


class PromisesEnds(SoundProvisioner):
    """Says that an access ends by itself, on a platform where none does."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_an_end_is_kept_or_refused",)

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """An end is promised, everything else done."""
        for change in batch:
            if change.action == "set_until":
                yield Outcome(key=change.item.key, result="done", evidence="noted")
            else:
                yield from self.inner.apply([change], call)


class MixesThreads(SoundProvisioner):
    """Keeps what it is about to do where all threads write."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_several_threads_do_not_mix",)

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._batch: Sequence[Change] = ()

    def apply(self, batch: Sequence[Change], call: Call) -> Iterable[Outcome]:
        """What the last caller wanted."""
        self._batch = batch
        time.sleep(0.05)  # as long as a platform may take to answer
        return self.inner.apply(self._batch, call)


class CallsAnOutageARefusal(SoundProvisioner):
    """Says that the platform refused what never reached it, so that nobody tries again."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_an_outage_is_told",)

    def apply(self, batch: Sequence[Change], call: Call) -> Iterable[Outcome]:
        """Refusals, when the platform cannot be reached."""
        try:
            return list(self.inner.apply(batch, call))
        except ProvisioningError as error:
            return [
                Outcome(key=change.item.key, result="refused", error=error.message)
                for change in batch
            ]


class GivesUpForGood(SoundProvisioner):
    """Never tries again what was refused once."""

    caught_by: ClassVar[tuple[str, ...]] = ("test_a_partial_failure_converges",)

    def __init__(self, inner: Provisioner, secret: str = "") -> None:
        super().__init__(inner, secret)
        self._refused: dict[str, Outcome] = {}

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """The changes, but for those that were refused before."""
        for change in batch:
            if change.item.key in self._refused:
                yield self._refused[change.item.key]
                continue
            for outcome in self.inner.apply([change], call):
                if outcome.result == "refused":
                    self._refused[outcome.key] = outcome
                yield outcome
