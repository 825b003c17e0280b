"""Sealing the log when it is time, as a part of the delivery work."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import define, field

from marketplace_sdk.errors import MarketplaceError
from marketplace_sdk.ports.storage import Storage
from marketplace_sdk.work.sealing import newest_seal, seal_log

__all__ = ["Sealer"]

_log = logging.getLogger("marketplace_sdk.delivery")


@define(kw_only=True)
class Sealer:
    """Makes a seal when the newest one, or the first event without any, is old enough.

    The time is taken from what is stored, so there is nothing to schedule, to lose or to catch up.

    Attributes:
        storage: the store.
        clock: returns an aware datetime.
        every: how old; None is never.
    """

    storage: Storage = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    every: timedelta | None
    # Until when nobody need look; two threads that both look do no harm.
    _rests_until: datetime | None = field(default=None, init=False)

    def run(self, counts: Counter[str]) -> None:
        """Seal if it is time. What fails is counted, and tried again the next time."""
        now = self.clock()
        if self.every is None or (self._rests_until is not None and now < self._rests_until):
            return
        try:
            since = self._since()
            if since is not None and now - since >= self.every:
                seal_log(self.storage, clock=self.clock)
                since = now
            if since is not None:
                self._rests_until = since + self.every
        except Exception as error:  # noqa: BLE001  # a seal that fails holds up no delivery
            counts["failed"] += 1
            why = error.code if isinstance(error, MarketplaceError) else type(error).__name__
            _log.warning("the log could not be sealed: %s", why)

    def _since(self) -> datetime | None:
        """When the newest seal was made; without one, when the first event happened."""
        with self.storage.begin(write=False) as rows:
            seal = newest_seal(rows)
            first = rows.events(limit=1) if seal is None else ()
        if seal is not None:
            return seal.at
        return first[0].at if first else None
