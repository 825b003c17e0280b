"""A worker process that can be stopped at a chosen moment of its work.

Moments are a point and a number, counted from the beginning of ``deliver()``:

``before N``, ``after N``
    the N-th statement that changes the platform has not been sent yet, or the server has acted on
    it and the answer has not been processed
``inside N``, ``committed N``
    the N-th unit of work that changes the store is not committed yet, or has just been
``told N``
    the receiver of the webhook has answered the N-th message, which is not settled yet

There the process says so through its pipe and waits for a word, so that whoever reads it can kill
or stop the process at that very moment.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from attrs import field, frozen

from marketplace_sdk import Marketplace
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk_postgres.provisioner import PostgresProvisioner
from marketplace_sdk_sql.storage import SqlStorage
from marketplace_sdk_webhook.config import read
from marketplace_sdk_webhook.notifier import WebhookNotifier

__all__ = ["Clock", "Job", "Told", "work"]


class Clock:
    """A clock that several processes share: what it says stands in a file."""

    def __init__(self, path: Path, start: datetime | None = None) -> None:
        self.path = path
        if start is not None:
            self._set(start)

    def __call__(self) -> datetime:
        return datetime.fromisoformat(self.path.read_text())

    def advance(self, by: timedelta | None = None, **parts: float) -> None:
        """Move on."""
        self._set(self() + (by or timedelta(**parts)))

    def _set(self, moment: datetime) -> None:
        # Whoever reads it finds never half of it.
        fresh = self.path.with_suffix(".new")
        fresh.write_text(moment.isoformat())
        fresh.replace(self.path)


@frozen(kw_only=True)
class Job:
    """What a worker is to do.

    Attributes:
        url: of the storage.
        installation: of the marketplace.
        platform: settings of the connection ``lake``.
        clock: path of the shared clock.
        hook: settings of the webhook, or nothing.
        moment: where to stop, or empty text.
        settings: of the delivery.
        together: say ``ready`` and wait for a word before delivering.
    """

    url: str
    installation: str
    platform: Mapping[str, Any]
    clock: Path
    hook: Mapping[str, Any] = field(factory=dict)
    moment: str = ""
    settings: Settings = field(factory=Settings)
    together: bool = False


@frozen(kw_only=True)
class Told:
    """What a worker says.

    Attributes:
        word: ``ready``, ``stopped`` or ``done``.
        over: when the call is over in which it stopped, on the machine's monotonic clock.
        counts: how often each point was passed.
        failed: attempts that will be made again.
        dead: messages that were given up.
    """

    word: str
    over: float = 0.0
    counts: Mapping[str, int] = field(factory=dict)
    failed: int = 0
    dead: int = 0


class Stops:
    """Counts the points that are passed, and stops at one of them."""

    def __init__(self, pipe: Connection, moment: str) -> None:
        self.counts: Counter[str] = Counter()
        self.counting = False
        self.over = 0.0
        self._pipe = pipe
        self._moment = moment

    def passed(self, point: str) -> None:
        if not self.counting:
            return
        self.counts[point] += 1
        if f"{point} {self.counts[point]}" == self._moment:
            self._pipe.send(Told(word="stopped", over=self.over))
            self._pipe.recv()


class Platform(PostgresProvisioner):
    """Stops around the statements that change something."""

    def __init__(self, dsn: str, *, installation: str, stops: Stops) -> None:
        super().__init__(dsn, installation=installation, name="lake")
        self._stops = stops

    def apply(self, batch, call):
        self._stops.over = time.monotonic() + call.seconds_left()
        return super().apply(batch, call)

    def _send(self, connection, statement):
        self._stops.passed("before")
        evidence = super()._send(connection, statement)
        self._stops.passed("after")
        return evidence


class Store(SqlStorage):
    """Stops around the commits of units that changed something."""

    def __init__(self, url: str, stops: Stops) -> None:
        super().__init__(url)
        self._stops = stops

    @contextmanager
    def begin(self, *, write=True):
        changed = False
        with super().begin(write=write) as rows:
            before = rows._cursor.connection.total_changes
            yield rows
            if write:
                rows.flush()
                changed = rows._cursor.connection.total_changes != before
            if changed:
                self._stops.passed("inside")
        if changed:
            self._stops.passed("committed")


class Hook(WebhookNotifier):
    """Stops when a message has been received and nobody here knows yet."""

    receives = frozenset({"event"})

    def __init__(self, settings, stops: Stops, clock: Clock) -> None:
        super().__init__(read(settings, str), clock=clock)
        self._stops = stops

    def deliver(self, message, call):
        super().deliver(message, call)
        self._stops.passed("told")


def work(job: Job, pipe: Connection) -> None:
    """What the process does: one ``deliver()`` of a marketplace of its own."""
    clock, stops = Clock(job.clock), Stops(pipe, job.moment)
    platform = Platform(job.platform["dsn"], installation=job.installation, stops=stops)
    hooks = [{"plugin": Hook(job.hook, stops, clock), "name": "webhook"}] if job.hook else []
    with Marketplace(
        Store(job.url, stops),
        connections={"lake": {"plugin": platform, "may_grant": job.platform["may_grant"]}},
        notifiers=hooks,
        clock=clock,
        delivery=job.settings,
        discover=True,
    ) as market:
        if job.together:
            pipe.send(Told(word="ready"))
            pipe.recv()
        stops.counting = True
        done = market.deliver()
    platform.close()
    pipe.send(Told(word="done", counts=dict(stops.counts), failed=done.failed, dead=done.dead))
