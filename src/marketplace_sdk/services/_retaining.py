"""Forgetting what is old: payloads of sealed events, messages, deliveries that were given up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from attrs import field, frozen

from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.ports.storage import EventRow, Storage, Work
from marketplace_sdk.services._forgetting import (
    BATCH,
    Run,
    batches,
    dead_letters,
    forget,
    is_open,
    place_of,
)
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.chains import AUDIT, erased_by, read_log
from marketplace_sdk.work.outgoing import about_of
from marketplace_sdk.work.sealing import newest_seal
from marketplace_sdk.work.unit import Unit

__all__ = ["Retainer", "Retention"]

RETAINED = "audit.retained"


@frozen(kw_only=True)
class Retention:
    """What was forgotten.

    Attributes:
        before: what was older than this instant.
        events: payloads of events.
        messages: messages in inboxes.
        deliveries: messages that could not be delivered.
    """

    before: datetime
    events: int = 0
    messages: int = 0
    deliveries: int = 0


@frozen(kw_only=True)
class Retainer:
    """Forgets what is older than an age.

    Attributes:
        older_than: the age.
        storage: where it is kept.
    """

    older_than: timedelta
    storage: Storage = field(repr=False)

    def run(self, run: Run) -> Retention:
        """Do it, batch by batch."""
        before = run(self._begin)
        return Retention(
            before=before,
            events=self._events(run, before),
            messages=self._messages(run, before),
            deliveries=self._deliveries(run, before),
        )

    def _begin(self, unit: Unit, facts: Facts) -> datetime:
        _may(facts)
        return unit.now - self.older_than

    def _events(self, run: Run, before: datetime) -> int:
        def work(batch: list[EventRow], unit: Unit, facts: Facts) -> int:
            _may(facts)
            closed = [row.id for row in batch if not is_open(unit, row.aggregate)]
            if closed:
                forget(unit, RETAINED, closed, before=text_of(before))
            return len(closed)

        return sum(run(partial(work, batch)) for batch in batches(self._old(before)))

    def _old(self, before: datetime) -> Iterator[EventRow]:
        with self.storage.begin(write=False) as rows:
            seal = newest_seal(rows)
        for row in read_log(self.storage) if seal is not None else ():
            if seal is not None and row.position > seal.last:
                return
            if row.at < before and row.aggregate != AUDIT and not erased_by(row):
                yield row

    def _messages(self, run: Run, before: datetime) -> int:
        after: tuple[str, str] | None = None
        done = 0

        def work(unit: Unit, facts: Facts) -> tuple[int, tuple[str, str] | None]:
            _may(facts)
            found = unit.find(InboxMessage, after=after, limit=BATCH)
            old = [message for message in found if message.at < before]
            gone = [message for message in old if not is_open(unit, message.about)]
            for message in gone:
                unit.delete(message)
            if gone:
                forget(unit, RETAINED, before=text_of(before), messages=len(gone))
            return len(gone), place_of(old[-1]) if len(old) == BATCH else None

        while True:
            count, after = run(work)
            done += count
            if after is None:
                return done

    def _deliveries(self, run: Run, before: datetime) -> int:
        def wanted(work: Work) -> bool:
            if work.due >= before:
                return False
            with self.storage.begin(write=False) as rows:
                unit = Unit(rows, now=before, ids=str, actor="")
                return not is_open(unit, about_of(work))

        def work(batch: list[str], unit: Unit, facts: Facts) -> int:
            _may(facts)
            gone = [id for id in batch if unit.rows.discard(id)]
            if gone:
                forget(unit, RETAINED, before=text_of(before), deliveries=gone)
            return len(gone)

        return sum(run(partial(work, batch)) for batch in dead_letters(self.storage, wanted))


def _may(facts: Facts) -> None:
    require("audit.retain", roles_in(facts), facts, "old events")
