"""Delivering what waits for one destination, in order for each thing that messages are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from marketplace_sdk.delivery.attempting import Attempts, Failure
from marketplace_sdk.delivery.noting import Notes
from marketplace_sdk.delivery.resting import Rests
from marketplace_sdk.domain.destinations import DeliveryState, Destination
from marketplace_sdk.ports.storage import Work
from marketplace_sdk.work.outgoing import lane_of

if TYPE_CHECKING:
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.delivery.listeners import Listeners
    from marketplace_sdk.delivery.settings import Settings
    from marketplace_sdk.ports.directory import Directory

__all__ = ["Courier"]

TOGETHER, SOON = 16, 0.1
"""Deliveries, or seconds, after which it is written down what was delivered."""

KEYS = 32
"""Keys that are claimed at once: few, because what is not tried has to be given back."""


@frozen(kw_only=True)
class Courier:
    """Delivers for one destination at a time; several threads may use it for several.

    Attributes:
        desk: where it is kept.
        monotonic: seconds that never run backwards.
        settings: how patient to be.
        owner: who this worker is.
        listeners: everybody who may be told.
        directory: where people are reached.
    """

    desk: Desk
    monotonic: Callable[[], float] = field(repr=False)
    settings: Settings
    owner: str
    listeners: Listeners = field(repr=False)
    directory: Directory = field(repr=False)
    _attempts: Attempts = field(init=False, repr=False)
    _notes: Notes = field(init=False, repr=False)
    _rests: Rests = field(init=False, repr=False)

    @_attempts.default
    def _make_attempts(self) -> Attempts:
        return Attempts(
            desk=self.desk,
            monotonic=self.monotonic,
            settings=self.settings,
            listeners=self.listeners,
            directory=self.directory,
        )

    @_notes.default
    def _make_notes(self) -> Notes:
        return Notes(self.desk, self.settings)

    @_rests.default
    def _make_rests(self) -> Rests:
        return Rests(self.desk.clock, self.settings)

    def run(self, name: str, limit: int | None = None) -> Counter[str]:
        """Deliver what is due for one destination until it is done, or failing.

        Args:
            name: of the destination.
            limit: most keys; None means all.

        Returns:
            How much was done, ``keys`` among it.
        """
        counts: Counter[str] = Counter()
        while limit is None or counts["keys"] < limit:
            room = KEYS if limit is None else min(KEYS, limit - counts["keys"])
            end = self.monotonic() + self.settings.lease
            lines = groupby(self._claim(name, room), key=lambda work: work.key)
            taken = 0
            done = _Done(since=self.monotonic())
            for _, messages in lines:
                taken += 1
                self._line(name, list(messages), end, done, counts)
            self._write_down(name, done)
            counts["keys"] += taken
            if not taken or self.resting(name) or end <= self.monotonic():
                break
        return counts

    def resting(self, name: str) -> bool:
        """Whether a destination that keeps failing is left alone for now."""
        return self._rests.resting(name)

    def give_up(self, name: str) -> None:
        """Park what waits for somebody who is not configured any more."""
        failure = Failure(f"no notifier {name} is configured", retryable=False)
        while waiting := self._claim(name, KEYS):
            for work in waiting:
                self._notes.failed(name, work, failure)

    def throw_away(self, name: str) -> None:
        """Forget what waits for a destination that was deleted."""
        while waiting := self._claim(name, KEYS):
            self._notes.forgotten(waiting)
        with self.desk.write() as unit:
            gone = unit.get(Destination, name)
            if gone is not None and not unit.rows.work(lane_of(name), dead=False, limit=1):
                unit.save(evolve(gone, drained=True))

    def _claim(self, name: str, limit: int) -> list[Work]:
        now = self.desk.clock()
        with self.desk.storage.begin() as rows:
            return list(
                rows.claim(
                    lane_of(name),
                    now=now,
                    until=now + timedelta(seconds=self.settings.lease),
                    owner=self.owner,
                    limit=limit,
                    in_order=True,
                )
            )

    def _line(
        self, name: str, messages: list[Work], end: float, done: _Done, counts: Counter[str]
    ) -> None:
        """The messages of one key, in order, up to the first that has to be tried again."""
        for place, work in enumerate(messages):
            if self.resting(name) or end <= self.monotonic():
                self._notes.untried(messages[place:])
                return
            failure = self._attempts.attempt(name, work, end)
            if failure is None or failure.drops:
                done.works.append((work, "delivered" if failure is None else "dropped"))
                counts["messages"] += failure is None
                if done.full(self.monotonic()):
                    self._write_down(name, done)
                continue
            # What was delivered before this one is on record before a pause begins.
            self._write_down(name, done)
            if failure.until is not None:
                self._notes.held(messages[place:], failure.until)
                return
            again = self._notes.failed(name, work, failure)
            counts["failed" if again else "dead"] += 1
            self._rests.failed(name, failure)
            if again:
                self._notes.untried(messages[place + 1 :])
                return

    def _write_down(self, name: str, done: _Done) -> None:
        """What was delivered since the last time.

        Whoever dies before it has some messages sent again, under the same ids.
        """
        works, done.works, done.since = done.works, [], self.monotonic()
        if works:
            self._rests.succeeded(name)
            self._notes.ended(name, works)


@define
class _Done:
    """What was delivered and is not yet written down.

    Attributes:
        since: when the last was written down, in monotonic seconds.
        works: rows, and what became of them.
    """

    since: float
    works: list[tuple[Work, DeliveryState]] = field(factory=list)

    def full(self, now: float) -> bool:
        """Whether it is time to write down: a commit costs as much as a fast receiver."""
        return len(self.works) >= TOGETHER or now - self.since >= SOON
