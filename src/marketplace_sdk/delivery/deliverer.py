"""Doing what is due: timers, then platforms, then messages, until nothing is left."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from attrs import frozen

from marketplace_sdk.delivery.bench import Bench
from marketplace_sdk.delivery.calls import Connection
from marketplace_sdk.delivery.checking import CheckPlan
from marketplace_sdk.delivery.courier import Courier
from marketplace_sdk.delivery.desk import Desk
from marketplace_sdk.delivery.listeners import Listeners
from marketplace_sdk.delivery.notices import Deciders
from marketplace_sdk.delivery.outbox import Outbox
from marketplace_sdk.delivery.reconciler import Reconciler
from marketplace_sdk.delivery.sealer import Sealer
from marketplace_sdk.delivery.settings import Settings, backoff
from marketplace_sdk.delivery.timers import BUILT_IN
from marketplace_sdk.delivery.verdict import Verdict
from marketplace_sdk.domain.events import Mark, Timer
from marketplace_sdk.domain.links import NO_LINKS, Links
from marketplace_sdk.errors import MarketplaceError, StaleRevision
from marketplace_sdk.ports.directory import Directory
from marketplace_sdk.ports.storage import Storage, Transaction, Work
from marketplace_sdk.wire.codec import load

__all__ = ["Delivered", "Deliverer", "TimerHandler"]

TIMERS, MARKS = "timer", "mark"

TimerHandler = Callable[[Timer], None]
"""Does what a timer of some kind is for, in units of work of its own; must be idempotent."""

_log = logging.getLogger("marketplace_sdk.delivery")


@frozen(kw_only=True)
class Delivered:
    """What one ``deliver()`` did.

    Attributes:
        timers: that were handled.
        passes: over targets on platforms, whatever they found.
        messages: that were handed to notifiers.
        notices: that were put into inboxes.
        failed: attempts that will be made again.
        dead: messages and timers that were parked.
    """

    timers: int = 0
    passes: int = 0
    messages: int = 0
    notices: int = 0
    failed: int = 0
    dead: int = 0


class Deliverer:
    """The worker: everything that follows from decisions happens here.

    Safe to call from several threads and processes at once; they share the work.

    Args:
        storage: where the work is kept.
        clock: returns an aware datetime.
        monotonic: seconds that never run backwards; for deadlines.
        random: a number from 0 up to 1; for jitter.
        ids: makes new ids.
        installation: marks what is ours on platforms.
        owner: who this worker is, different for every process.
        connections: data platforms by name.
        listeners: everybody who may be told.
        directory: where people and principals come from.
        deciders: who may decide on a request, by its id; asked outside any unit of work.
        check_plan: guard-rails; every text that it returns holds back the additions of a pass.
        handlers: for kinds of timers beside ``expire`` and ``warn``; called outside any unit of
            work.
        settings: how patient to be.
        seal_every: how long the log is left without a new seal; None is for ever.
        links: templates of the portal's pages.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        random: Callable[[], float],
        ids: Callable[[], str],
        installation: str,
        owner: str,
        connections: Mapping[str, Connection],
        listeners: Listeners,
        directory: Directory,
        deciders: Deciders,
        check_plan: CheckPlan,
        handlers: Mapping[str, TimerHandler] | None = None,
        settings: Settings = Settings(),  # noqa: B008  # frozen
        seal_every: timedelta | None = None,
        links: Links = NO_LINKS,
    ) -> None:
        self._desk = Desk(storage=storage, clock=clock, ids=ids)
        self._random = random
        self._owner = owner
        self._settings = settings
        self._handlers = dict(handlers or {})
        self._sealer = Sealer(storage=storage, clock=clock, every=seal_every)
        bench = Bench(
            desk=self._desk,
            monotonic=monotonic,
            settings=settings,
            installation=installation,
            connections=connections,
            directory=directory,
            check_plan=check_plan,
        )
        self._reconciler = Reconciler(bench=bench, owner=owner)
        self._outbox = Outbox(
            desk=self._desk,
            random=random,
            settings=settings,
            owner=owner,
            listeners=listeners,
            courier=Courier(
                desk=self._desk,
                monotonic=monotonic,
                settings=settings,
                owner=owner,
                listeners=listeners,
                directory=directory,
            ),
            directory=directory,
            deciders=deciders,
            links=links,
        )

    def deliver(self, *, limit: int | None = None) -> Delivered:
        """Do what is due now, round after round until a round finds nothing.

        Args:
            limit: most things to take up; None means all.
        """
        counts: Counter[str] = Counter()
        self._sealer.run(counts)
        left = limit
        with self._outbox.serving(counts) as messages:
            for _ in range(self._settings.rounds):
                found = 0
                for step in (self._timers, self._marks, messages):
                    taken = step(counts, left)
                    found += taken
                    left = None if left is None else left - taken
                if not found:
                    break
        return Delivered(**counts)

    def _timers(self, counts: Counter[str], limit: int | None) -> int:
        """All timers that are due, so that one pass finds all that has expired on its target."""
        done = 0
        while due := self._claim(TIMERS, self._room(done, limit)):
            for work in due:
                self._timer(work, counts)
            done += len(due)
        return done

    def _marks(self, counts: Counter[str], limit: int | None) -> int:
        """Passes over the due targets, one at a time: a pass may take long, a lease does not."""
        done = 0
        while marks := self._claim(MARKS, min(1, self._room(done, limit))):
            done += 1
            counts["passes"] += 1
            verdict = self._pass(marks[0])
            if verdict.again != "no":
                counts["failed"] += 1
            self._settle_marks(marks, verdict)
        return done

    def _room(self, done: int, limit: int | None) -> int:
        """How many things may be claimed at once."""
        return self._settings.batch if limit is None else min(self._settings.batch, limit - done)

    def _claim(self, queue: str, limit: int) -> list[Work]:
        now = self._desk.clock()
        with self._desk.storage.begin() as rows:
            return list(
                rows.claim(
                    queue,
                    now=now,
                    until=now + timedelta(seconds=self._settings.lease),
                    owner=self._owner,
                    limit=limit,
                    in_order=False,
                )
            )

    def _timer(self, work: Work, counts: Counter[str]) -> None:
        try:
            timer = load(Timer, work.payload)
            handler = self._handlers.get(timer.kind)
            if timer.kind in BUILT_IN:
                self._desk.retried(lambda: self._built_in(work, timer))
            elif handler is not None:
                handler(timer)
                self._settle(lambda rows: rows.settle(work))
            else:
                counts["dead"] += 1
                why = f"nobody handles timers of kind {timer.kind}"
                self._settle(lambda rows: rows.settle(work, dead=True, error=why))
                return
        except Exception as error:  # noqa: BLE001  # one timer that fails holds up no other
            counts["failed"] += 1
            why = error.code if isinstance(error, MarketplaceError) else type(error).__name__
            _log.warning("timer %s failed: %s", work.id, why)
            again = self._desk.clock() + backoff(self._settings, work.attempts, self._random)
            text = f"failed with {why}"
            self._settle(lambda rows: rows.settle(work, retry_at=again, error=text))
            return
        counts["timers"] += 1

    def _built_in(self, work: Work, timer: Timer) -> None:
        with self._desk.write() as unit:
            BUILT_IN[timer.kind](unit, timer)
            unit.rows.settle(work)

    def _pass(self, work: Work) -> Verdict:
        try:
            return self._reconciler.reconcile(load(Mark, work.payload))
        except Exception as error:  # noqa: BLE001  # one target that fails holds up no other
            why = error.code if isinstance(error, MarketplaceError) else type(error).__name__
            # Without the traceback: words of a foreign error may hold secrets.
            _log.error("pass over %s failed: %s", work.key, why)
            return Verdict("backoff", f"the pass failed with {why}")

    def _settle_marks(self, marks: list[Work], verdict: Verdict) -> None:
        """Settle all marks of a target; one of them stays if it has to be looked at again."""
        settings = self._settings
        attempts = max(work.attempts for work in marks)
        wait = {
            "no": timedelta(0),
            "soon": timedelta(seconds=settings.busy * (0.5 + self._random())),
            "backoff": backoff(settings, attempts, self._random),
            "slowly": timedelta(seconds=settings.cap),
        }[verdict.again]
        again = None if verdict.again == "no" else self._desk.clock() + wait

        def settle(rows: Transaction) -> None:
            rows.settle(marks[0], retry_at=again, error=verdict.why)
            for work in marks[1:]:
                rows.settle(work)

        self._settle(settle)

    def _settle(self, action: Callable[[Transaction], None]) -> None:
        """Settle in a unit; if the lease ran out and another worker has it, it is his."""

        def settle() -> None:
            with self._desk.storage.begin() as rows:
                action(rows)

        try:
            self._desk.retried(settle)
        except StaleRevision:
            _log.info("work is held by another worker by now")
