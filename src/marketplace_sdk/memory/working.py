"""Work that waits in queues, on the memory store."""

from __future__ import annotations

from bisect import bisect_left
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.errors import InvalidInput, StaleRevision, StorageError
from marketplace_sdk.memory.books import Job, check_text, freeze_job, to_utc
from marketplace_sdk.memory.counting import backlog_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from marketplace_sdk.memory.books import Books
    from marketplace_sdk.ports.storage import Backlog, Work

__all__ = ["MemoryWork", "limited"]

_number = attrgetter("number")
_due_and_id = attrgetter("row.due", "row.id")


class MemoryWork:
    """The part of a unit of work that adds work, claims it and takes it back."""

    def __init__(self, books: Books, state: threading.Lock, *, writing: bool) -> None:
        self.jobs: dict[str, Job | None] = {}
        self.enqueued: int = books.enqueued
        self.over: bool = False
        self._books = books
        self._state = state
        self._writing = writing

    def enqueue(self, rows: Sequence[Work]) -> None:
        """See the port. Rows are kept as they are given, with attempts, lease and error."""
        self._check(write=True)
        for job in [freeze_job(row, n) for n, row in enumerate(rows, self.enqueued + 1)]:
            if self._job(job.row.id) is None:
                self.jobs[job.row.id] = job
                self.enqueued = job.number

    def claim(
        self,
        queue: str,
        *,
        now: datetime,
        until: datetime,
        owner: str,
        limit: int,
        in_order: bool,
    ) -> Sequence[Work]:
        """See the port."""
        self._check(write=True)
        if not owner:
            raise InvalidInput("cannot claim work: the owner has no name")
        now, until = to_utc(now), to_utc(until)
        chosen: list[Job] = []
        for jobs in islice(self._claimable(queue, now, in_order=in_order), max(limit, 0)):
            chosen += jobs
        taken = []
        for job in chosen:
            row = evolve(job.row, attempts=job.row.attempts + 1, owner=owner, leased_until=until)
            self.jobs[row.id] = held = Job(job.number, row, job.text)
            taken.append(held.thaw())
        return taken

    def settle(
        self,
        work: Work,
        *,
        retry_at: datetime | None = None,
        dead: bool = False,
        error: str = "",
    ) -> None:
        """See the port. ``dead`` wins over ``retry_at``."""
        self._check(write=True)
        check_text("work", error)
        job = self._job(work.id)
        if (
            job is None
            or not work.owner
            or (job.row.owner, job.row.attempts) != (work.owner, work.attempts)
        ):
            raise StaleRevision("work", work.id)
        if not dead and retry_at is None:
            self.jobs[work.id] = None
            return
        due = job.row.due if dead or retry_at is None else to_utc(retry_at)
        row = evolve(job.row, due=due, dead=dead, error=error, owner="", leased_until=None)
        self.jobs[work.id] = Job(job.number, row, job.text)

    def work(
        self,
        queue: str,
        *,
        dead: bool | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int | None = None,
    ) -> Sequence[Work]:
        """See the port."""
        self._check()
        lists = {None: ("waiting", "parked"), False: ("waiting",), True: ("parked",)}[dead]
        place = None if after is None else (to_utc(after[0]), after[1])
        most = limited(limit)
        with self._state:
            # Both at one moment: a commit hands a reader the former state of what it changes.
            kept = [
                job
                for job in self.jobs.values()
                if job is not None
                and job.row.queue == queue
                and dead in (None, job.row.dead)
                and (place is None or _due_and_id(job) > place)
            ]
            for name in lists:
                kept += self._earliest(getattr(self._books, name).get(queue, ()), place, most)
        kept.sort(key=_due_and_id)
        return [job.thaw() for job in kept[:most]]

    def replay(self, id: str, due: datetime) -> bool:
        """See the port. The last error is forgotten with the attempts."""
        self._check(write=True)
        job = self._job(id)
        if job is None or not job.row.dead:
            return False
        row = evolve(job.row, due=to_utc(due), dead=False, attempts=0, error="")
        self.jobs[id] = Job(job.number, row, job.text)
        return True

    def discard(self, id: str) -> bool:
        """See the port."""
        self._check(write=True)
        job = self._job(id)
        if job is None or not job.row.dead:
            return False
        self.jobs[id] = None
        return True

    def queues(self, *, dead: bool) -> Sequence[str]:
        """See the port. The reference: every row is looked at."""
        return sorted({row.queue for row in self._every_row() if row.dead is dead})

    def backlog(self, now: datetime) -> Sequence[Backlog]:
        """See the port."""
        return backlog_of(self._every_row(), now)

    def _every_row(self) -> list[Work]:
        """All work that this transaction sees."""
        self._check()
        with self._state:
            staged = [job for job in self.jobs.values() if job is not None]
            kept = [job for id, job in self._books.jobs.items() if id not in self.jobs]
        return [job.row for job in (*kept, *staged)]

    def _job(self, id: str) -> Job | None:
        return self.jobs[id] if id in self.jobs else self._books.jobs.get(id)

    def _earliest(
        self,
        rows: Sequence[tuple[datetime, int, str]],
        place: tuple[datetime, str] | None,
        most: int | None,
    ) -> list[Job]:
        """Committed work behind a place, as far as it can be among the first ``most``."""
        kept: list[Job] = []
        start = 0 if place is None else bisect_left(rows, (place[0],))
        for due, _, id in islice(rows, start, None):
            if most is not None and len(kept) >= most and (not most or due > kept[-1].row.due):
                break
            if id in self.jobs:
                continue
            job = self._books.jobs[id]
            if place is None or _due_and_id(job) > place:
                kept.append(job)
        return kept

    def _claimable(self, queue: str, now: datetime, *, in_order: bool) -> Iterator[list[Job]]:
        """Per free key its work that may be taken, keys by earliest due time."""
        staged: dict[tuple[str, str], list[Job]] = {}
        for job in self.jobs.values():
            if job is not None and job.row.queue == queue and not job.row.dead:
                staged.setdefault(job.queue_key, []).append(job)
        own = sorted(
            (job.row.due, job.number, job.row.id) for jobs in staged.values() for job in jobs
        )
        committed = (one for one in self._books.waiting.get(queue, ()) if one[2] not in self.jobs)
        seen: set[tuple[str, str]] = set()
        for due, _, id in merge(committed, own):
            if due > now:
                return
            key = (self.jobs.get(id) or self._books.jobs[id]).queue_key
            if key in seen:
                continue
            seen.add(key)
            jobs = self._takeable(key, staged.get(key, []), now, in_order=in_order)
            if jobs:
                yield jobs

    def _takeable(
        self, key: tuple[str, str], staged: list[Job], now: datetime, *, in_order: bool
    ) -> list[Job]:
        jobs = self._books.jobs
        leased = (jobs[id] for id in self._books.leased.get(key, ()) if id not in self.jobs)
        if any(job.held(now) for job in leased) or any(job.held(now) for job in staged):
            return []
        line: Iterable[Job] = (
            jobs[id] for _, id in self._books.lines.get(key, ()) if id not in self.jobs
        )
        if staged:
            line = merge(line, sorted(staged, key=_number), key=_number)
        taken = []
        for job in line:
            if job.row.due <= now:
                taken.append(job)
            elif in_order:
                break
        return taken

    def _check(self, *, write: bool = False) -> None:
        if self.over:
            raise StorageError("cannot use the unit of work: its block has ended")
        if write and not self._writing:
            raise StorageError(
                "cannot write: the unit of work is for reading", hint="begin(write=True)"
            )


def limited(limit: int | None) -> int | None:
    """How many at most, as ``islice`` takes it; None for all."""
    return None if limit is None else max(limit, 0)
