"""Looking for drift again and again, and telling of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from marketplace_sdk.delivery.drifting import find_drift
from marketplace_sdk.delivery.masking import look_at_masks
from marketplace_sdk.domain.events import Effects, Event, Notice, Timer
from marketplace_sdk.domain.selectors import permission

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench
    from marketplace_sdk.domain.provisioned import Drift, DriftFinding

__all__ = ["DRIFT", "schedule", "watch"]

DRIFT = "drift"
MOST_TOLD = 100
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


def schedule(bench: Bench, connections: Iterable[str]) -> None:
    """Have these connections looked at when their time comes; asking twice is asking once."""
    period = timedelta(seconds=bench.settings.drift)
    with bench.desk.write() as unit:
        # The same times for every worker: a timer that is known already is not added again.
        due = BEGINNING + ((unit.now - BEGINNING) // period + 1) * period
        timers = tuple(
            Timer(kind=DRIFT, about=f"connection:{name}", due=due) for name in sorted(connections)
        )
        unit.keep(Effects(timers=timers))


def watch(bench: Bench, timer: Timer) -> None:
    """Look at a connection, tell of what has drifted, and look again after a while.

    Access that outlives its reason is told of for each grant, once it has had time to go.
    """
    name = timer.about.split(":", 1)[1]
    if name not in bench.connections:
        return
    look_at_masks(bench, name, again=True)
    found = find_drift(bench, connection=name)
    patience = timedelta(seconds=bench.settings.cap)
    with bench.desk.write() as unit:
        late = [
            each
            for each in found.of("outlives")
            if each.since is None or unit.now - each.since >= patience
        ]
        unit.keep(_told(name, found, late))
        # What may not be open is not left open until somebody reads of it.
        marks = {each.mark.key: each.mark for each in found.of("unprotected")}
        unit.keep(Effects(marks=tuple(marks[key] for key in sorted(marks))))
    schedule(bench, [name])


def _told(name: str, found: Drift, late: list[DriftFinding]) -> Effects:
    told = [each for each in found.findings if each.kind != "outlives" or each in late]
    if not told:
        return Effects()
    counts = Counter(each.kind for each in told)
    about = f"connection:{name}"
    some = [
        {"kind": each.kind, "product": each.product, "objects": list(each.objects)}
        for each in told[:MOST_TOLD]
    ]
    events = [
        Event(
            type="connection.drifted",
            aggregate=about,
            data={"counts": dict(sorted(counts.items())), "findings": some},
        )
    ]
    for each in late:
        data = {"connection": name, "objects": list(each.objects)}
        events += [
            Event(type="grant.outlived", aggregate=f"grant:{id}", data=data) for id in each.grants
        ]
    governance = (permission("GOVERNANCE"),)
    words = ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items()))
    notices = [
        Notice(
            kind="platform_drifted",
            about=about,
            audience=governance,
            data={"connection": name, "counts": words},
        )
    ]
    if late:
        objects = sorted({object for each in late for object in each.objects})
        data = {"connection": name, "objects": ", ".join(objects[:MOST_TOLD])}
        notices.append(Notice(kind="access_outlives", about=about, audience=governance, data=data))
    return Effects(events=tuple(events), notices=tuple(notices))
