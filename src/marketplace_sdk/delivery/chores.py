"""What is done again and again, such as forgetting old history: timers that set themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from marketplace_sdk.domain.destinations import Delivery
from marketplace_sdk.domain.events import Effects, Timer
from marketplace_sdk.wire.codec import text_of

if TYPE_CHECKING:
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.work.unit import Unit

__all__ = ["DAILY", "HISTORY", "daily", "forget_history", "keep_daily"]

HISTORY = "history"
DAILY = timedelta(days=1)
BEGINNING = datetime(2020, 1, 1, 6, tzinfo=UTC)
"""Six in the morning (UTC), so that who reads mail in the morning finds what is of the day."""
BATCH = 500


def daily(desk: Desk, kinds: Iterable[str]) -> None:
    """Have chores done when their time comes; asking twice is asking once."""
    with desk.write() as unit:
        for kind in kinds:
            keep_daily(unit, kind)


def keep_daily(unit: Unit, kind: str) -> None:
    """Set the timer of a chore for the next morning."""
    # The same time for every worker: a timer that is known already is not added again.
    due = BEGINNING + ((unit.now - BEGINNING) // DAILY + 1) * DAILY
    unit.keep(Effects(timers=(Timer(kind=kind, about=f"system:{kind}", due=due),)))


def forget_history(desk: Desk, keep: timedelta) -> None:
    """Forget what became of messages that are older than ``keep``, unless they still wait."""
    after: tuple[str, str] | None = None
    while True:
        with desk.write() as unit:
            found = unit.find(Delivery, after=after, limit=BATCH)
            old = [each for each in found if each.at < unit.now - keep]
            for each in old:
                if each.state != "retrying":
                    unit.delete(each)
            last = old[-1] if len(old) == BATCH else None
            if last is None:
                keep_daily(unit, HISTORY)
                return
        after = (text_of(last.at), last.id)
