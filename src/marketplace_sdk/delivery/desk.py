"""Units of work as the delivery work opens them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TypeVar

from attrs import field, frozen

from marketplace_sdk.domain.people import SYSTEM
from marketplace_sdk.errors import StaleRevision
from marketplace_sdk.ports.storage import Storage, Transaction
from marketplace_sdk.work.unit import Unit, unit_of_work

__all__ = ["Desk"]

T = TypeVar("T")

TRIES = 8


@frozen(kw_only=True)
class Desk:
    """Where values are read and written; everything done here is done by the system.

    Attributes:
        storage: the store.
        clock: returns an aware datetime.
        ids: makes new ids.
    """

    storage: Storage = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    ids: Callable[[], str] = field(repr=False)

    def read(self) -> AbstractContextManager[Unit]:
        """A unit for reading only."""
        return self._unit(write=False)

    def write(self) -> AbstractContextManager[Unit]:
        """A unit for reading and writing."""
        return self._unit(write=True)

    def over(self, rows: Transaction) -> Unit:
        """A unit over a transaction that is open already."""
        return Unit(rows, now=self.clock(), ids=self.ids, actor=SYSTEM)

    def retried(self, action: Callable[[], T]) -> T:
        """The result of ``action``, which is done again while somebody else was quicker.

        Raises:
            StaleRevision: somebody else was quicker too often.
        """
        for _ in range(TRIES - 1):
            try:
                return action()
            except StaleRevision:
                continue
        return action()

    def _unit(self, *, write: bool) -> AbstractContextManager[Unit]:
        return unit_of_work(
            self.storage,
            now=self.clock(),
            ids=self.ids,
            actor=SYSTEM,
            write=write,
        )
