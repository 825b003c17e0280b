"""Writing down what became of messages: each one's history, and how a destination stands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from marketplace_sdk.domain.destinations import Delivery, DeliveryState, Standing, pause_after
from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.preferences import PersonPreferences
from marketplace_sdk.domain.selectors import permission
from marketplace_sdk.errors import StaleRevision
from marketplace_sdk.wire.codec import instant

if TYPE_CHECKING:
    from marketplace_sdk.delivery.attempting import Failure
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.delivery.settings import Settings
    from marketplace_sdk.ports.storage import Work
    from marketplace_sdk.work.unit import Unit

__all__ = ["Notes"]

_log = logging.getLogger("marketplace_sdk.delivery")


@frozen
class Notes:
    """Keeps what became of messages, each row only while this worker holds it.

    Attributes:
        desk: where it is kept.
        settings: how patient to be.
    """

    desk: Desk
    settings: Settings

    def ended(self, name: str, works: Sequence[tuple[Work, DeliveryState]]) -> None:
        """Note in one unit what was delivered or dropped at a destination."""

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

    def failed(self, name: str, work: Work, failure: Failure) -> bool:
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
        _log.warning("message %s was not delivered: %s", work.id, failure.message)
        return again

    def untried(self, works: Iterable[Work]) -> None:
        """What was not tried stays as it was."""
        for work in works:
            self._settled(work, partial(_untried, work))

    def held(self, works: Sequence[Work], until: datetime) -> None:
        """Leave messages to one person for the end of their quiet hours, and so what follows."""
        self._settled(works[0], partial(_hold, works, until))

    def forgotten(self, works: Iterable[Work]) -> None:
        """Nobody is there to send it to, and nobody will ask."""
        for work in works:
            self._settled(work, partial(_gone, work))

    def _pause(self, failures: int, work: Work, failure: Failure) -> timedelta:
        settings = self.settings
        wait = pause_after(failures, [work.id], base=settings.base, cap=settings.longest_pause)
        asked = failure.after
        # Not-a-number fails the comparison.
        if asked is not None and asked > wait.total_seconds():
            wait = timedelta(seconds=min(asked, settings.longest_pause))
        return wait

    def _judge(self, unit: Unit, name: str, failure: Failure) -> None:
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

    def _settled(self, work: Work, settle: Callable[[Unit], None]) -> None:
        """Settle in a unit; if the lease ran out and another worker has it, it is his."""

        def write() -> None:
            with self.desk.write() as unit:
                settle(unit)

        try:
            self.desk.retried(write)
        except StaleRevision:
            _log.info("message %s is held by another worker by now", work.id)


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


def _hold(messages: Sequence[Work], until: datetime, unit: Unit) -> None:
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
