"""What the memory store has committed, with the sorted lists that make it quick to search.

Nothing here knows of transactions or locks: ``memory.storage`` does.
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections import defaultdict
from datetime import UTC
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from marketplace_sdk.errors import InvalidInput, StorageError
from marketplace_sdk.ports.storage import EventRow, Record, Work

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = [
    "Books",
    "Job",
    "Kept",
    "Key",
    "Link",
    "Place",
    "freeze_document",
    "freeze_event",
    "freeze_job",
    "freeze_record",
    "to_utc",
]

Key = tuple[str, str]
"""Kind and id of a record."""
Place = tuple[str, str]
"""Order and id of a record: where it stands in a list of its kind."""

# Kept as JSON text: a copy that nobody can change, and what does not survive it would not survive
# a durable store either. Reading it back costs a fifth of ``copy.deepcopy``.
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_raw_decode = json.JSONDecoder().raw_decode


def _decode(text: str) -> Any:
    return _raw_decode(text)[0]  # what we wrote has no blanks around it to look for


@frozen(slots=True)
class Kept:
    """A record as it is stored."""

    kind: str
    id: str
    revision: int
    text: str = field(repr=False)
    index: frozenset[tuple[str, str]] = field(repr=False)
    order: str = ""
    texts: tuple[str, ...] = field(default=(), repr=False)

    @property
    def place(self) -> Place:
        """Where it stands in a list of its kind."""
        return (self.order, self.id)

    def thaw(self) -> Record:
        """A copy for a caller, who may do with it what he likes."""
        return Record(
            kind=self.kind,
            id=self.id,
            revision=self.revision,
            document=_decode(self.text),
            index=self.index,
            order=self.order,
        )


@frozen(slots=True)
class Link:
    """An event as it is stored; the row's own payload is empty."""

    row: EventRow
    text: str = field(repr=False)

    def thaw(self) -> EventRow:
        """A copy for a caller."""
        return evolve(self.row, payload=_decode(self.text))


@frozen(slots=True)
class Job:
    """Work as it is stored; the row's own payload is empty.

    Attributes:
        number: 1, 2, 3 ... in the order of enqueueing.
        row: the work.
        text: its payload.
    """

    number: int
    row: Work
    text: str = field(repr=False)

    @property
    def queue_key(self) -> tuple[str, str]:
        """What at most one worker holds at once."""
        return (self.row.queue, self.row.key)

    def held(self, now: datetime) -> bool:
        """Whether a worker holds it at this instant."""
        return (
            not self.row.dead and self.row.leased_until is not None and self.row.leased_until > now
        )

    def thaw(self) -> Work:
        """A copy for a caller."""
        return evolve(self.row, payload=_decode(self.text))


def freeze_record(record: Record) -> Kept:
    """Copy a record for keeping. Raises InvalidInput when it is not plain data."""
    check_text("record", record.kind, record.id, record.order, *record.texts)
    for entry in record.index:
        check_text("record", *entry)
    text = freeze_document(record.document, record.kind)
    return Kept(
        record.kind,
        record.id,
        record.revision,
        text,
        frozenset(record.index),
        record.order,
        record.texts,
    )


def freeze_event(row: EventRow, position: int) -> Link:
    """Copy an event for keeping. Raises InvalidInput when it is not plain data."""
    check_text("event", row.aggregate, row.id, row.type, row.actor)
    check_text("event", row.payload_hash, row.previous, row.hash)
    text = freeze_document(row.payload, "event")
    return Link(evolve(row, payload={}, at=to_utc(row.at), position=position), text)


def freeze_job(row: Work, number: int) -> Job:
    """Copy work for keeping. Raises InvalidInput when it is not plain data."""
    check_text("work", row.id, row.queue, row.key, row.owner, row.error)
    leased_until = None if row.leased_until is None else to_utc(row.leased_until)
    text = freeze_document(row.payload, "work")
    kept = evolve(row, payload={}, due=to_utc(row.due), leased_until=leased_until)
    return Job(number, kept, text)


def freeze_document(document: Mapping[str, Any], what: str) -> str:
    """Plain data as text. Raises InvalidInput, without the data, when it is anything else."""
    try:
        text = _encode(document if type(document) is dict else dict(document))
        if "\\ud" in text:
            # Half a surrogate pair is no text; only documents with escapes are worth the look.
            json.dumps(_decode(text), ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput(f"cannot keep {what}: its document is not plain data") from None
    return text


def to_utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises InvalidInput for a time without a zone."""
    if at.tzinfo is None:
        raise InvalidInput("cannot keep a time: it has no time zone")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def check_text(what: str, *texts: str) -> None:
    """Raise InvalidInput for what durable stores cannot keep: NUL, and half a surrogate pair."""
    try:
        valid = not any(
            "\0" in text or (not text.isascii() and not text.encode()) for text in texts
        )
    except (TypeError, AttributeError, UnicodeEncodeError):
        valid = False
    if not valid:
        raise InvalidInput(f"cannot keep {what}: a key is not valid text")


class Books:
    """The committed state. Its lists are always sorted.

    Attributes:
        records: by kind and id.
        places: per kind, and per (kind, key, value) of the index, where the records stand.
        log: events by position, which counts from 1.
        chains: events by aggregate and sequence.
        event_ids: position of each event, by its id.
        jobs: work by id.
        waiting: per queue, (due, number, id) of work that is not parked.
        parked: the same of work that is.
        lines: per (queue, key), (number, id) of work that is not parked.
        leased: per (queue, key), ids of work that has a lease, over or not.
        enqueued: how much work was ever added.
    """

    def __init__(self) -> None:
        self.records: dict[Key, Kept] = {}
        self.places: defaultdict[tuple[str, ...], list[Place]] = defaultdict(list)
        self.log: list[Link] = []
        self.chains: defaultdict[str, list[Link]] = defaultdict(list)
        self.event_ids: dict[str, int] = {}
        self.jobs: dict[str, Job] = {}
        self.waiting: defaultdict[str, list[tuple[datetime, int, str]]] = defaultdict(list)
        self.parked: defaultdict[str, list[tuple[datetime, int, str]]] = defaultdict(list)
        self.lines: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        self.leased: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.enqueued = 0

    def set_record(self, key: Key, new: Kept | None) -> None:
        """Put a record in the place of the one with this key, or in nobody's."""
        old = self.records.get(key)
        before = _entries(old)
        after = _entries(new)
        if old is not None and (new is None or new.order != old.order):
            for entry in before:
                _take(self.places, entry, old.place)
            before = set()
        if new is None:
            self.records.pop(key, None)
            return
        self.records[key] = new
        for entry in before - after:
            _take(self.places, entry, new.place)
        for entry in after - before:
            insort(self.places[entry], new.place)

    def add_event(self, link: Link) -> None:
        """Put an event at the end of the log."""
        self.log.append(link)
        self.event_ids[link.row.id] = link.row.position
        insort(self.chains[link.row.aggregate], link, key=_sequence)

    def event(self, id: str) -> Link | None:
        """The event of this id."""
        position = self.event_ids.get(id)
        return None if position is None else self.log[position - 1]

    def redact(self, id: str, text: str) -> None:
        """Put a text in the place of the payload of an event that is there."""
        place = self.event_ids[id] - 1
        link = self.log[place] = evolve(self.log[place], text=text)
        chain = self.chains[link.row.aggregate]
        chain[bisect_left(chain, link.row.sequence, key=_sequence)] = link

    def set_job(self, id: str, new: Job | None) -> None:
        """Put work in the place of the one with this id, or in nobody's."""
        old = self.jobs.pop(id, None)
        if old is not None:
            times = self.parked if old.row.dead else self.waiting
            _take(times, old.row.queue, (old.row.due, old.number, id))
            if not old.row.dead:
                _take(self.lines, old.queue_key, (old.number, id))
            self._unlease(old)
        if new is None:
            return
        self.jobs[id] = new
        times = self.parked if new.row.dead else self.waiting
        insort(times[new.row.queue], (new.row.due, new.number, id))
        if not new.row.dead:
            insort(self.lines[new.queue_key], (new.number, id))
        if new.row.leased_until is not None:
            self.leased[new.queue_key].add(id)

    def _unlease(self, job: Job) -> None:
        ids = self.leased.get(job.queue_key)
        if ids is not None:
            ids.discard(job.row.id)
            if not ids:
                del self.leased[job.queue_key]


_sequence = attrgetter("row.sequence")


def _entries(kept: Kept | None) -> set[tuple[str, ...]]:
    """The lists in which a record stands: that of its kind and one per index entry."""
    if kept is None:
        return set()
    entries: set[tuple[str, ...]] = {(kept.kind, key, value) for key, value in kept.index}
    entries.add((kept.kind,))
    return entries


def _take(lists: Any, name: Any, item: Any) -> None:  # lists of four kinds
    """Take an item out of a sorted list; an empty list goes too, or memory would only grow."""
    items = lists[name]
    at = bisect_left(items, item)
    if at == len(items) or items[at] != item:
        raise StorageError("cannot write to memory: its lists are out of step")
    del items[at]
    if not items:
        del lists[name]
