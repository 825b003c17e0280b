"""Delivering what waits for one destination, in order for each thing that messages are about."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from marketplace_sdk.delivery.calls import call_until
from marketplace_sdk.delivery.listeners import failure_of
from marketplace_sdk.delivery.notices import message_of, recipient_of
from marketplace_sdk.delivery.zones import zone_of
from marketplace_sdk.domain.destinations import (
    Delivery,
    DeliveryState,
    Destination,
    Standing,
    pause_after,
)
from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.preferences import PersonPreferences
from marketplace_sdk.domain.selectors import permission
from marketplace_sdk.errors import AdapterError, NotificationError, StaleRevision
from marketplace_sdk.ports.storage import Work
from marketplace_sdk.wire.codec import instant
from marketplace_sdk.work.outgoing import lane_of

if TYPE_CHECKING:
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.delivery.listeners import Listeners
    from marketplace_sdk.delivery.settings import Settings
    from marketplace_sdk.domain.people import Person
    from marketplace_sdk.ports.directory import Directory
    from marketplace_sdk.ports.notifier import Message
    from marketplace_sdk.work.unit import Unit

__all__ = ["Courier"]

TOGETHER, SOON = 16, 0.1
"""Deliveries, or seconds, after which it is written down what was delivered."""

KEYS = 32
"""Keys that are claimed at once: few, because what is not tried has to be given back."""

_log = logging.getLogger("marketplace_sdk.delivery")


@frozen
class _Failure:
    """Why one attempt failed.

    Attributes:
        message: without anything of the payload.
        code: of the error.
        retryable: whether to try again.
        after: seconds that the other side asked us to wait.
        until: nothing was tried, because the person is sent nothing until then.
    """

    message: str
    code: str = ""
    retryable: bool = True
    after: float | None = None
    until: datetime | None = None


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
        rests: until when a destination is left alone, and after how many failures in a row.
    """

    desk: Desk
    monotonic: Callable[[], float] = field(repr=False)
    settings: Settings
    owner: str
    listeners: Listeners = field(repr=False)
    directory: Directory = field(repr=False)
    rests: dict[str, tuple[datetime, int]] = field(factory=dict, repr=False)

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
        until, _ = self.rests.get(name, (None, 0))
        return until is not None and self.desk.clock() < until

    def give_up(self, name: str) -> None:
        """Park what waits for somebody who is not configured any more."""
        failure = _Failure(f"no notifier {name} is configured", retryable=False)
        while waiting := self._claim(name, KEYS):
            for work in waiting:
                self._failed(name, work, failure, Counter())

    def throw_away(self, name: str) -> None:
        """Forget what waits for a destination that was deleted."""
        while waiting := self._claim(name, KEYS):
            for work in waiting:
                self._settled(work, partial(_gone, work))
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
                self._give_back(messages[place:])
                return
            failure = self._attempt(name, work, end)
            if failure is None or failure.code == "no_address":
                done.works.append((work, "delivered" if failure is None else "dropped"))
                counts["messages"] += failure is None
                if done.full(self.monotonic()):
                    self._write_down(name, done)
                continue
            # What was delivered before this one is on record before a pause begins.
            self._write_down(name, done)
            if failure.until is not None:
                self._settled(work, partial(_hold, messages[place:], failure.until))
                return
            again = self._failed(name, work, failure, counts)
            self._rest(name, failure)
            if again:
                self._give_back(messages[place + 1 :])
                return

    def _give_back(self, messages: list[Work]) -> None:
        """What was not tried stays as it was."""
        for work in messages:
            self._settled(work, partial(_untried, work))

    def _attempt(self, name: str, work: Work, end: float) -> _Failure | None:
        """One attempt; why it failed, or None."""
        try:
            notifier = self.listeners.notifier(name)
            if notifier is None:
                return _Failure(f"no notifier {name} is configured", retryable=False)
            message = self._message(work)
            if isinstance(message, _Failure):
                return message
            until = min(end, self.monotonic() + self.settings.call_timeout)
            call = call_until(until, self.monotonic, correlation_id=work.id)
            notifier.deliver(message, call)
        except NotificationError as error:
            return _Failure(str(error), error.code, error.retryable, error.retry_after)
        except AdapterError as error:
            return _Failure(failure_of(name, error), error.code, after=error.retry_after)
        except Exception as error:  # noqa: BLE001  # a plugin may raise anything
            return _Failure(failure_of(name, error))
        return None

    def _message(self, work: Work) -> Message | _Failure:
        """What a row says, or why its person is not told it, or not now."""
        person = str(work.payload.get("person", ""))
        if not person:
            return message_of(work, None)
        known = self.directory.person(person)
        if known is None or known.id != person or not known.active:
            return _Failure("the person is not told things any more", "no_address")
        until = self._quiet_until(known)
        if until is not None:
            return _Failure("the person is sent nothing at this time", until=until)
        return message_of(work, recipient_of(known))

    def _quiet_until(self, person: Person) -> datetime | None:
        """Until when somebody is sent nothing; asked at every attempt, late ones included."""
        with self.desk.read() as unit:
            chosen = unit.get(PersonPreferences, person.id)
            if chosen is None or chosen.quiet_hours is None:
                return None
            return chosen.quiet_hours.until(unit.now, zone_of(person.time_zone))

    def _write_down(self, name: str, done: _Done) -> None:
        """What was delivered since the last time, in one unit.

        Whoever dies before it has some messages sent again, under the same ids.
        """
        works, done.works, done.since = done.works, [], self.monotonic()
        if not works:
            return
        self.rests.pop(name, None)

        def write() -> None:
            with self.desk.write() as unit:
                for work, state in works:
                    _keep(name, work, state, unit)

        try:
            self.desk.retried(write)
        except StaleRevision:
            # One of them is somebody else's by now; the others are not to be sent again.
            for work, state in works:
                self._settled(work, partial(_keep, name, work, state))

    def _failed(self, name: str, work: Work, failure: _Failure, counts: Counter[str]) -> bool:
        """Note a failure; whether the message will be tried again."""
        again = False

        def settle(unit: Unit) -> None:
            nonlocal again
            history = _history(unit, name, work)
            failures = history.failures + 1
            again = failure.retryable and failures < self.settings.attempts
            if again:
                due = unit.now + self._pause(failures, work, failure)
                unit.save(history.again(unit.now, due, failure.message))
                unit.rows.settle(work, retry_at=due, error=failure.message)
            else:
                unit.save(history.ended("failed", unit.now, failure.message))
                unit.rows.settle(work, dead=True, error=failure.message)
            self._judge(unit, name, failure)

        self._settled(work, settle)
        counts["failed" if again else "dead"] += 1
        _log.warning("message %s was not delivered: %s", work.id, failure.message)
        return again

    def _pause(self, failures: int, work: Work, failure: _Failure) -> timedelta:
        settings = self.settings
        wait = pause_after(failures, [work.id], base=settings.base, cap=settings.longest_pause)
        asked = failure.after
        # Not-a-number fails the comparison.
        if asked is not None and asked > wait.total_seconds():
            wait = timedelta(seconds=min(asked, settings.longest_pause))
        return wait

    def _judge(self, unit: Unit, name: str, failure: _Failure) -> None:
        """What a failure means for the destination itself."""
        before = unit.get(Standing, name) or Standing(name=name)
        patience = timedelta(seconds=self.settings.suspend_after)
        after = before
        if failure.code == "gone":
            after = before.stopped("disabled", "it says that it wants no more", unit.now)
        elif failure.retryable:
            after = before.failed(unit.now, patience)
        if after is before:
            return
        unit.save(after)
        if before.active and not after.active:
            unit.keep(_told(after))

    def _rest(self, name: str, failure: _Failure) -> None:
        """Leave a destination alone that fails again and again, or keeps others waiting."""
        settings = self.settings
        _, streak = self.rests.get(name, (None, 0))
        streak = max(streak + 1, settings.rest_after if failure.code == "timeout" else 0)
        wait = timedelta(0)
        if streak >= settings.rest_after:
            seconds = settings.base * 2.0 ** min(streak - settings.rest_after, 64)
            wait = timedelta(seconds=min(seconds, settings.cap))
        if failure.after is not None and failure.after > wait.total_seconds():
            wait = timedelta(seconds=min(failure.after, settings.longest_pause))
        self.rests[name] = (self.desk.clock() + wait, streak)

    def _settled(self, work: Work, settle: Callable[[Unit], None]) -> None:
        """Settle in a unit; if the lease ran out and another worker has it, it is his."""

        def write() -> None:
            with self.desk.write() as unit:
                settle(unit)

        try:
            self.desk.retried(write)
        except StaleRevision:
            _log.info("message %s is held by another worker by now", work.id)


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


def _keep(name: str, work: Work, state: DeliveryState, unit: Unit) -> None:
    unit.save(_history(unit, name, work).ended(state, unit.now))
    standing = unit.get(Standing, name)
    if standing is not None and standing.succeeded() is not standing:
        unit.save(standing.succeeded())
    unit.rows.settle(work)


def _gone(work: Work, unit: Unit) -> None:
    unit.rows.settle(work)


def _untried(work: Work, unit: Unit) -> None:
    unit.rows.settle(work, retry_at=unit.now, error=work.error)


def _hold(messages: list[Work], until: datetime, unit: Unit) -> None:
    """Leave messages to one person for the end of their quiet hours, and so what follows."""
    for work in messages:
        unit.rows.settle(work, retry_at=until, error=work.error)
    chosen = unit.get(PersonPreferences, str(messages[0].payload["person"]))
    if chosen is not None and chosen.held_until != until:
        unit.save(evolve(chosen, held_until=until))


def _history(unit: Unit, name: str, work: Work) -> Delivery:
    """What became of a message so far."""
    return unit.get(Delivery, work.id) or Delivery(
        id=work.id,
        destination=name,
        message=str(work.payload["id"]),
        type=str(work.payload["type"]),
        about=str(work.payload.get("about", "")),
        at=instant(str(work.payload["at"])),
    )


def _told(standing: Standing) -> Effects:
    """The log and the administrators hear of a destination that nothing is sent to any more."""
    about = f"destination:{standing.name}"
    data = {"destination": standing.name, "why": standing.reason}
    event = Event(type=f"destination.{standing.state}", aggregate=about, data=data)
    told = Notice(
        kind="destination_stopped",
        about=about,
        audience=(permission("APPLICATION_ADMIN"),),
        data=data,
    )
    return Effects(events=(event,), notices=(told,))
