"""Work that waits in queues, on a SQL database."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import InvalidInput, StaleRevision
from marketplace_sdk_sql.finding import limited
from marketplace_sdk_sql.rows import backlog_from, check_keys, time_to, work_from, work_to
from marketplace_sdk_sql.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marketplace_sdk.plugin import Backlog, Work

__all__ = ["WorkTransaction"]


class WorkTransaction(Session):
    """The part of a unit of work that adds work, claims it and takes it back."""

    def enqueue(self, rows: Sequence[Work]) -> None:
        """See the port. Rows are kept as they are given, with attempts, lease and error."""
        self._check(write=True)
        self._many(self._sql.insert_work, [work_to(row) for row in rows])

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
        at, end = time_to(now), time_to(until)
        taken: list[Work] = []
        held: list[tuple[Any, ...]] = []
        for key in self._free_keys(queue, at, limit, in_order=in_order):
            line = (queue, key, at) * (3 if in_order else 2)
            for number, *rest in self._rows(self._sql.takeable[in_order], line):
                rest[5:8] = rest[5] + 1, owner, end
                taken.append(work_from((number, *rest)))
                held.append((owner, end, number))
        self._many(self._sql.hold_work, held)
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
        check_keys("work", error)
        mine = (work.id, work.owner, work.attempts)
        if not work.owner:
            changed = 0
        elif dead:
            changed = self._change(self._sql.park_work, (error, *mine))
        elif retry_at is not None:
            changed = self._change(self._sql.retry_work, (time_to(retry_at), error, *mine))
        else:
            changed = self._change(self._sql.delete_work, mine)
        if changed != 1:
            raise StaleRevision("work", work.id)

    def work(
        self,
        queue: str,
        *,
        dead: bool | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int | None = None,
    ) -> Sequence[Work]:
        """See the port."""
        some = limited(limit)
        choices = (False, True) if dead is None else (dead,)
        place = ("", "") if after is None else (time_to(after[0]), after[1])
        binds = (queue, *place, some)
        rows = [row for one in choices for row in self._rows(self._sql.work[one], binds)]
        rows.sort(key=_due_and_id)
        return [work_from(row) for row in rows[:some]]

    def replay(self, id: str, due: datetime) -> bool:
        """See the port. The last error is forgotten with the attempts."""
        self._check(write=True)
        return self._change(self._sql.replay_work, (time_to(due), id)) == 1

    def discard(self, id: str) -> bool:
        """See the port."""
        self._check(write=True)
        return self._change(self._sql.discard_work, (id,)) == 1

    def queues(self, *, dead: bool) -> Sequence[str]:
        """See the port."""
        return [name for (name,) in self._rows(self._sql.queues[dead], ())]

    def backlog(self, now: datetime) -> Sequence[Backlog]:
        """See the port."""
        at = time_to(now)
        return [backlog_from(row) for row in self._rows(self._sql.backlog, (at,) * 6)]

    def _free_keys(self, queue: str, now: str, limit: int, *, in_order: bool) -> list[str]:
        """Keys of which nobody but this block can take work before it ends."""
        binds = (queue, *(now,) * (3 if in_order else 2), limited(limit))
        return [key for _, key in self._rows(self._sql.free_keys[in_order], binds)]


_due_and_id = itemgetter(4, 1)
