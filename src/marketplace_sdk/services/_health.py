"""Whether a marketplace is well: storage, work, clocks, log, seals and plugins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from attrs import field, frozen

from marketplace_sdk._plugins import PluginInfo
from marketplace_sdk.domain.seals import Seal
from marketplace_sdk.domain.values import FrozenMap, freeze
from marketplace_sdk.errors import StorageError
from marketplace_sdk.ports.doctoring import Shortcoming
from marketplace_sdk.ports.storage import Backlog, EventRow, Storage, StoreFacts, Transaction
from marketplace_sdk.work.chains import BEFORE_ALL, read_log
from marketplace_sdk.work.sealing import newest_seal

__all__ = ["Check", "Health", "examine"]

State = Literal["fine", "warning", "broken"]
STATES: tuple[State, ...] = ("fine", "warning", "broken")
"""From well to worst."""

LATE = timedelta(minutes=15)
"""Work that has been due for longer makes one ask whether a worker runs."""
CLOSE, APART = timedelta(seconds=5), timedelta(seconds=30)
"""Clocks may differ this much; beyond the second a lease may be taken over while it is held."""
LOOK_BACK = 1000


@frozen(kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: ``storage``, ``installation``, ``work``, ``clock``, ``log``, ``seals``,
            ``plugins`` or ``connection`` and a connection's name.
        state: fine, warning or broken.
        text: what was seen, with what to do when it is not fine.
        facts: the same as plain data.
    """

    name: str
    state: State
    text: str
    facts: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze)


@frozen(kw_only=True)
class Health:
    """All that was looked at."""

    checks: tuple[Check, ...]

    @property
    def state(self) -> State:
        """The worst of all."""
        return max((check.state for check in self.checks), key=STATES.index, default="fine")

    def __str__(self) -> str:
        return "\n".join(f"{each.name}: {each.state}: {each.text}" for each in self.checks)


def examine(
    storage: Storage,
    *,
    now: datetime,
    plugins: Iterable[PluginInfo] = (),
    seal_every: timedelta | None = None,
    platforms: Mapping[str, Sequence[Shortcoming] | str] | None = None,
) -> Health:
    """Look at everything, changing nothing.

    Args:
        storage: the store; it need not be set up.
        now: the marketplace's clock.
        plugins: as the host describes them.
        seal_every: how often the log is sealed; None: nobody expects a seal.
        platforms: by connection, what its login lacks, or why that could not be seen.
    """
    checks = [
        *_stored(storage, now, seal_every),
        _plugins(plugins),
        *(_platform(name, found) for name, found in (platforms or {}).items()),
    ]
    return Health(checks=tuple(checks))


def _stored(storage: Storage, now: datetime, every: timedelta | None) -> Iterator[Check]:
    try:
        facts = storage.describe()
        schema = _schema(facts)
        yield schema
        if schema.state == "broken":
            return
        yield _clock(facts, now)
        with storage.begin(write=False) as rows:
            yield _installation(rows)
            yield _work(rows.backlog(now), now)
            seal = newest_seal(rows)
            rest = rows.events(after=BEFORE_ALL if seal is None else seal.last, limit=1)
        yield _log(storage, seal, now)
        yield _seals(seal, rest, now, every)
    except StorageError as error:
        text = " ".join(filter(None, (error.message, error.hint and f"({error.hint})")))
        yield Check(name="storage", state="broken", text=text, facts={"code": error.code})


def _schema(facts: StoreFacts) -> Check:
    known = {"engine": facts.engine, "schema": facts.schema, "expected": facts.expected}
    text = f"{facts.engine}, schema {facts.schema}"
    state: State = "fine"
    if not facts.schema:
        state = "broken"
        text = f"{facts.engine}: there is no marketplace here yet; adding the first person makes it"
    elif facts.schema != facts.expected:
        state = "broken"
        text += f", but this release knows {facts.expected}; run: marketplace migrate, or upgrade"
    return Check(name="storage", state=state, text=text, facts=known)


def _clock(facts: StoreFacts, now: datetime) -> Check:
    if facts.now is None:
        return Check(name="clock", state="fine", text="the storage has no clock of its own")
    apart = abs(facts.now - now)
    seconds = round((now - facts.now).total_seconds(), 3)
    state: State = "fine" if apart <= CLOSE else "warning" if apart <= APART else "broken"
    text = f"{seconds:+} seconds from the storage's clock"
    if state != "fine":
        text += "; let the machines keep the time of one server"
    return Check(name="clock", state=state, text=text, facts={"ahead": seconds})


def _installation(rows: Transaction) -> Check:
    record = rows.get("installation", "self")
    id = "" if record is None else str(record.document.get("id", ""))
    if not id:
        return Check(name="installation", state="broken", text="the installation has no id")
    return Check(name="installation", state="fine", text=id, facts={"id": id})


def _work(queues: Iterable[Backlog], now: datetime) -> Check:
    found = list(queues)
    lines = []
    state: State = "fine"
    for each in found:
        age = timedelta(0) if each.oldest is None else now - each.oldest
        words = [f"{each.queue}: {each.waiting} waiting, {each.due} due, {each.held} held"]
        for count, what in (
            (each.dead, "parked: look at `deliveries.dead`"),
            (each.expired, "of workers that are late or gone"),
        ):
            if count:
                words.append(f"{count} {what}")
        if age > LATE:
            words.append(f"the oldest is due for {age}: does a worker run?")
        if len(words) > 1:
            state = "warning"
        lines.append(", ".join(words))
    facts = [
        {
            "queue": each.queue,
            "waiting": each.waiting,
            "due": each.due,
            "held": each.held,
            "expired": each.expired,
            "dead": each.dead,
            "oldest": None if each.oldest is None else each.oldest.isoformat(),
        }
        for each in found
    ]
    text = "; ".join(lines) or "nothing waits"
    return Check(name="work", state=state, text=text, facts={"queues": facts})


def _log(storage: Storage, seal: Seal | None, now: datetime) -> Check:
    """The times of what is not sealed yet, and of the last that is."""
    before: datetime | None = None
    back, ahead, count = timedelta(0), timedelta(0), 0
    for row in read_log(storage, after=BEFORE_ALL if seal is None else seal.last - LOOK_BACK):
        back = max(back, (before or row.at) - row.at)
        ahead = max(ahead, row.at - now)
        before, count = row.at, count + 1
    facts = {"events": count, "back": back.total_seconds(), "ahead": ahead.total_seconds()}
    state: State = "warning"
    if ahead > CLOSE:
        text = f"an event is {ahead} in the future: a clock was, or is, wrong"
    elif back > CLOSE:
        text = f"times went back by {back} within the last {count} events: clocks differ"
    else:
        state, text = "fine", f"the times of the last {count} events are in order"
    return Check(name="log", state=state, text=text, facts=facts)


def _seals(
    seal: Seal | None, rest: Sequence[EventRow], now: datetime, every: timedelta | None
) -> Check:
    """``rest`` holds an event that is under no seal, if there is one."""
    since = seal.at if seal is not None else rest[0].at if rest else now
    late = every is not None and bool(rest) and now - since > 2 * every
    text = "the log was never sealed"
    if seal is not None:
        text = f"seal {seal.number} of {seal.at:%Y-%m-%d %H:%M} UTC is the newest"
    facts: Mapping[str, Any] = {
        "number": 0 if seal is None else seal.number,
        "at": None if seal is None else seal.at.isoformat(),
        "hash": "" if seal is None else seal.hash,
    }
    if late:
        text += "; let a worker run, or call audit.seal()"
    return Check(name="seals", state="warning" if late else "fine", text=text, facts=facts)


def _plugins(plugins: Iterable[PluginInfo]) -> Check:
    found = {each.name: tuple(each.problems) for each in plugins if not each.blocked}
    sick = {name: problems for name, problems in found.items() if problems}
    text = "; ".join(f"{name}: {', '.join(problems)}" for name, problems in sick.items())
    return Check(
        name="plugins",
        state="warning" if sick else "fine",
        text=text or f"{len(found)} without problems",
        facts={"problems": sick},
    )


def _platform(name: str, found: Sequence[Shortcoming] | str) -> Check:
    """Each shortcoming with the statement that mends it; what is missing breaks approvals."""
    about = f"connection {name}"
    if isinstance(found, str):
        return Check(name=about, state="broken", text=found)
    told = [f"{each.severity}: {each.problem}; run: {each.statement}" for each in found]
    missing = any(each.severity == "missing" for each in found)
    return Check(
        name=about,
        state="broken" if missing else "warning" if found else "fine",
        text="\n  ".join(("", *told)) if told else "our login has what it needs",
        facts={
            "shortcomings": [
                {"severity": each.severity, "problem": each.problem, "statement": each.statement}
                for each in found
            ]
        },
    )
