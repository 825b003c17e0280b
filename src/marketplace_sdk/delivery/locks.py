"""Leases on targets and scopes: whoever holds one may write the ledger and the platform there.

A lease that ran out may be taken over. Because it outlasts the deadline of every call that was
made under it, the earlier holder's calls are over by then. Each holder has a higher fence than the
one before, and every write under a lease writes the lease too, so that a write and a take-over can
never both succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from marketplace_sdk.errors import StaleRevision
from marketplace_sdk.ports.storage import Record, Transaction
from marketplace_sdk.wire.codec import instant, text_of

if TYPE_CHECKING:
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.delivery.settings import Settings

__all__ = ["Busy", "Hold", "LeaseLost"]

LEASE = "lease"


class Busy(Exception):
    """Somebody else holds it; try again soon."""


class LeaseLost(Exception):
    """The lease ran out and somebody else took it; nothing may be written any more."""


class Hold:
    """The leases of one pass.

    Args:
        desk: where leases are kept.
        monotonic: seconds that never run backwards.
        settings: how long a lease and a call last.
        owner: unique for this pass.
    """

    def __init__(
        self, desk: Desk, *, monotonic: Callable[[], float], settings: Settings, owner: str
    ) -> None:
        self._desk = desk
        self._monotonic = monotonic
        self._settings = settings
        self._owner = owner
        self._fences: dict[str, int] = {}
        self._revisions: dict[str, int] = {}
        self._ends: dict[str, float] = {}

    def take(self, names: Iterable[str]) -> None:
        """Take these leases too, all or none.

        Raises:
            Busy: somebody holds one of them.
            LeaseLost: one that was held is lost.
        """
        wanted = sorted(set(names) - self._fences.keys())
        started = self._monotonic()
        taken: dict[str, tuple[int, int]] = {}
        try:
            with self.writing(self._fences) as rows:
                for name in wanted:
                    taken[name] = self._take_one(rows, name)
        except StaleRevision as error:
            raise Busy from error
        for name, (fence, revision) in taken.items():
            self._fences[name] = fence
            self._revisions[name] = revision
            self._ends[name] = started + self._settings.lease

    @contextmanager
    def writing(self, names: Collection[str]) -> Iterator[Transaction]:
        """A transaction that is kept only if these leases are still held; it renews them.

        Raises:
            LeaseLost: one of them was taken over.
        """
        started = self._monotonic()
        revisions: dict[str, int] = {}
        with self._desk.storage.begin() as rows:
            for name in sorted(names):
                revisions[name] = self._renew(rows, name)
            yield rows
        self._revisions.update(revisions)
        self._ends.update(dict.fromkeys(revisions, started + self._settings.lease))

    def renew(self, names: Collection[str] | None = None) -> None:
        """Make sure that a whole call fits into these leases, or into all that are held."""
        names = tuple(self._fences) if names is None else names
        if self.seconds_left(names) < self._settings.call_timeout:
            with self.writing(names):
                pass

    def seconds_left(self, names: Collection[str]) -> float:
        """How long all of these leases are held at least."""
        return min((self._ends[name] for name in names), default=0.0) - self._monotonic()

    def fence(self, names: Collection[str]) -> int:
        """The highest fence of these leases."""
        return max((self._fences[name] for name in names), default=0)

    def release(self, *, but: Collection[str] = ()) -> None:
        """Give everything back that is still held, but for these, which have to run out."""
        try:
            self._release(but)
        except StaleRevision:
            # Somebody takes one over at this moment; then the rest runs out as well.
            self._fences.clear()

    def _release(self, but: Collection[str]) -> None:
        with self._desk.storage.begin() as rows:
            for name, fence in sorted(self._fences.items()):
                if name in but:
                    continue
                record = rows.get(LEASE, name)
                if record is None or not self._mine(record, fence):
                    continue
                document = {"owner": "", "until": record.document["until"], "fence": fence}
                self._put(rows, name, record.revision, document)
        self._fences.clear()

    def _take_one(self, rows: Transaction, name: str) -> tuple[int, int]:
        record = rows.get(LEASE, name)
        fence, revision = 1, 0
        if record is not None:
            if record.document["owner"] and instant(record.document["until"]) > self._desk.clock():
                raise Busy
            fence, revision = int(record.document["fence"]) + 1, record.revision
        self._put(rows, name, revision, self._document(fence))
        return fence, revision + 1

    def _renew(self, rows: Transaction, name: str) -> int:
        record = rows.get(LEASE, name)
        if record is None or not self._mine(record, self._fences[name]):
            raise LeaseLost
        if record.revision != self._revisions[name]:
            raise LeaseLost
        try:
            self._put(rows, name, record.revision, self._document(self._fences[name]))
        except StaleRevision as error:
            raise LeaseLost from error
        return record.revision + 1

    def _document(self, fence: int) -> dict[str, object]:
        until = self._desk.clock() + timedelta(seconds=self._settings.lease)
        return {"owner": self._owner, "until": text_of(until), "fence": fence}

    def _mine(self, record: Record, fence: int) -> bool:
        return (record.document["owner"], record.document["fence"]) == (self._owner, fence)

    @staticmethod
    def _put(rows: Transaction, name: str, revision: int, document: dict[str, object]) -> None:
        record = Record(kind=LEASE, id=name, revision=revision + 1, document=document)
        rows.put(record, revision or None)
