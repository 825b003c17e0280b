"""The outbox: what leaves is handed out to destinations and inboxes, and each is served by itself.

A row that a command wrote says only what happened. A worker turns it into one row for each
destination that wants it, or into messages in inboxes and one row for each way that a notice takes
to a person. The rows of a destination are a queue of their own, with a thread of its own while it
is served, so that one that hangs or fails delays no other.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import define, field

from marketplace_sdk.delivery.notices import Deciders, audience_of, deliver_notice, notice_of
from marketplace_sdk.delivery.settings import Settings, backoff
from marketplace_sdk.domain.destinations import Destination
from marketplace_sdk.domain.links import NO_LINKS, Links
from marketplace_sdk.errors import MarketplaceError, StaleRevision
from marketplace_sdk.ports.storage import Work
from marketplace_sdk.wire.codec import instant
from marketplace_sdk.work.following import INBOX, OUTBOX, SEALS
from marketplace_sdk.work.outgoing import Outgoing, copy_for, lane_of, lane_owner

if TYPE_CHECKING:
    from marketplace_sdk.delivery.courier import Courier
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.delivery.listeners import Listeners
    from marketplace_sdk.domain.destinations import Subscription
    from marketplace_sdk.ports.directory import Directory
    from marketplace_sdk.work.unit import Unit

__all__ = ["Outbox"]

PATIENCE = timedelta(days=2)
"""How long it is tried to find out who is to be told."""
GLANCE = 0.1
"""Seconds after which a worker looks for new work while destinations are being served."""

_log = logging.getLogger("marketplace_sdk.delivery")


@define(kw_only=True)
class Outbox:
    """Hands out what is due, and has it delivered.

    Attributes:
        desk: where it is kept.
        random: a number from 0 up to 1.
        settings: how patient to be.
        owner: who this worker is.
        listeners: everybody who may be told.
        courier: delivers for one destination.
        directory: who matches the audience of a notice.
        deciders: who may decide on a request.
        links: templates of the portal's pages.
    """

    desk: Desk
    random: Callable[[], float] = field(repr=False)
    settings: Settings
    owner: str
    listeners: Listeners = field(repr=False)
    courier: Courier = field(repr=False)
    directory: Directory = field(repr=False)
    deciders: Deciders = field(repr=False)
    links: Links = NO_LINKS
    _looked: bool = field(default=False, init=False)

    @contextmanager
    def serving(self, counts: Counter[str]) -> Iterator[Callable[[Counter[str], int | None], int]]:
        """Within the block threads serve destinations; at its end all of them are done.

        Args:
            counts: where to count what was still under way after the last round.

        Yields:
            A function that does one round: hands out what is due and has destinations served. It
            takes what to count in, and the most keys (None: all; otherwise one destination is
            served after the other). It says how many keys were served; at least 1 while any
            destination still is.
        """
        with ThreadPoolExecutor(self.settings.parallel, thread_name_prefix="deliver") as threads:
            served: dict[str, Future[Counter[str]]] = {}

            def round_(counts: Counter[str], limit: int | None) -> int:
                self.hand_out(counts, limit)
                if limit is not None:
                    return self._one_by_one(counts, limit)
                return self._at_once(counts, threads, served)

            yield round_
            for late in served.values():
                _counted(late.result(), counts)

    def hand_out(self, counts: Counter[str], limit: int | None = None) -> None:
        """Turn what commands wrote into rows for destinations, inboxes and people."""
        most = self.settings.batch if limit is None else min(limit, self.settings.batch)
        while work := self._claim(most):
            told = [each for each in work if each.payload.get("to") == INBOX]
            events = [each for each in work if each.payload.get("to") != INBOX]
            if events:
                self._copy(events)
            for each in told:
                self._tell(each, counts)
            if limit is not None:
                break

    def _claim(self, limit: int) -> list[Work]:
        now = self.desk.clock()
        with self.desk.storage.begin() as rows:
            return list(
                rows.claim(
                    OUTBOX,
                    now=now,
                    until=now + timedelta(seconds=self.settings.lease),
                    owner=self.owner,
                    limit=limit,
                    in_order=True,
                )
            )

    def _copy(self, work: list[Work]) -> None:
        """One unit for all of them: the events of a busy minute cost one commit."""

        def copy() -> None:
            with self.desk.write() as unit:
                active = self.listeners.active(unit)
                copies = [row for each in work for row in self._copies(unit, each, active)]
                if copies:
                    unit.rows.enqueue(copies)
                for each in work:
                    unit.rows.settle(each)

        try:
            self.desk.retried(copy)
        except StaleRevision:
            _log.info("%d events are held by another worker by now", len(work))

    def _copies(self, unit: Unit, work: Work, active: list[Subscription]) -> Iterator[Work]:
        said = work.payload
        event = Outgoing(
            id=str(said["id"]),
            type=str(said["type"]),
            at=str(said["at"]),
            about=str(said["about"]),
            data=said["data"],
        )
        sort = "seal" if said["to"] == SEALS else "event"
        for each in active:
            if each.wants(sort, event.type):
                yield copy_for(unit, each, event, self.links)

    def _tell(self, work: Work, counts: Counter[str]) -> None:
        """Put a notice into inboxes; without the directory it has to wait."""
        try:
            notice = notice_of(work)
            people = audience_of(
                notice, self.desk, self.directory, self.settings.audience, self.deciders
            )

            def tell() -> None:
                with self.desk.write() as unit:
                    ways = [
                        each
                        for each in self.listeners.active(unit)
                        if each.wants("notice", notice.kind)
                    ]
                    names = [each.name for each in ways]
                    deliver_notice(unit, work, notice, people, names, self.links)
                    unit.rows.settle(work)

            self.desk.retried(tell)
        except StaleRevision:
            _log.info("notice %s is held by another worker by now", work.id)
        except Exception as error:  # noqa: BLE001  # a directory may raise anything
            self._not_told(work, error, counts)
        else:
            counts["notices"] += 1

    def _not_told(self, work: Work, error: Exception, counts: Counter[str]) -> None:
        # Words of a foreign error may hold anything.
        code = error.code if isinstance(error, MarketplaceError) else type(error).__name__
        why = f"{INBOX}: {code}"
        _log.warning("notice %s was not told: %s", work.id, why)
        now = self.desk.clock()
        over = now - instant(str(work.payload["at"])) > PATIENCE
        counts["dead" if over else "failed"] += 1
        again = now + backoff(self.settings, work.attempts, self.random)

        def settle() -> None:
            with self.desk.storage.begin() as rows:
                rows.settle(work, dead=over, retry_at=None if over else again, error=why)

        try:
            self.desk.retried(settle)
        except StaleRevision:
            _log.info("notice %s is held by another worker by now", work.id)

    def _due(self) -> list[str]:
        """Names of the destinations for which something is due; what is left over is cleared."""
        now = self.desk.clock()
        with self.desk.read() as unit:
            names = [each.name for each in self.listeners.active(unit)]
            due = [
                name
                for name in names
                if any(
                    work.due <= now for work in unit.rows.work(lane_of(name), dead=False, limit=1)
                )
            ]
            gone = [each.id for each in unit.find(Destination, ("draining", ["yes"]))]
            strangers = [] if self._looked else self._strangers(unit)
        for name in gone:
            self.courier.throw_away(name)
        for name in strangers:
            self.courier.give_up(name)
        self._looked = True
        return [name for name in due if not self.courier.resting(name)]

    def _strangers(self, unit: Unit) -> list[str]:
        """Names for which something waits and that nobody has any more."""
        owners = map(lane_owner, unit.rows.queues(dead=False))
        known = self.listeners.configured
        return sorted(
            name
            for name in owners
            if name is not None and name not in known and unit.get(Destination, name) is None
        )

    def _at_once(
        self,
        counts: Counter[str],
        threads: ThreadPoolExecutor,
        served: dict[str, Future[Counter[str]]],
    ) -> int:
        """Have every destination served that is not yet, and wait a moment for the first."""
        for name in self._due():
            if name not in served:
                served[name] = threads.submit(self.courier.run, name)
        wait(served.values(), timeout=GLANCE, return_when=FIRST_COMPLETED)
        keys = 0
        for name in [name for name, each in served.items() if each.done()]:
            keys += _counted(served.pop(name).result(), counts)
        return max(keys, 1) if served else keys

    def _one_by_one(self, counts: Counter[str], limit: int) -> int:
        keys = 0
        for name in self._due():
            if keys < limit:
                keys += _counted(self.courier.run(name, limit - keys), counts)
        return keys


def _counted(done: Counter[str], counts: Counter[str]) -> int:
    keys = done.pop("keys", 0)
    counts.update(done)
    return keys
