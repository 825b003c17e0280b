"""A typed view of one storage transaction.

Whoever changes something loads values, decides, and saves values and effects in one unit. No
plugin is called in it: messages, timers and marks become rows that a worker takes up later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import attrs

from marketplace_sdk.domain.catalog import Domain
from marketplace_sdk.domain.events import Effects, Event
from marketplace_sdk.domain.people import Facts, Person
from marketplace_sdk.errors import DuplicateName, NotFound
from marketplace_sdk.ports.storage import EventRow, Record, Storage, Transaction, Work
from marketplace_sdk.wire.codec import dump, load
from marketplace_sdk.work.following import link, mark_work, notice_work, outgoing, timer_work
from marketplace_sdk.work.pages import Page, check_limit, place_of, storable, text_of_place
from marketplace_sdk.work.records import KINDS, Kind
from marketplace_sdk.work.remembering import Remembered

__all__ = ["Pairs", "Unit", "unit_of_work"]

T = TypeVar("T")
Pairs = Sequence[tuple[str, Collection[str]]]

_DECIDED = frozenset({"request", "grant"})
"""Kinds whose values are asked for to change them, and to log it."""

_SELDOM_CHANGED = frozenset({"domain", "form", "person", "product", "source"})
_REMEMBERED = Remembered()
FIELDS = {kind: frozenset(attrs.fields_dict(kind)) for kind in KINDS}


@contextmanager
def unit_of_work(
    storage: Storage,
    *,
    now: datetime,
    ids: Callable[[], str],
    actor: str,
    write: bool = True,
) -> Iterator[Unit]:
    """One transaction: everything in it is kept, or nothing.

    Args:
        storage: the store.
        now: the time of everything that happens in it.
        ids: makes new ids.
        actor: who does it, for the log.
        write: False for reading only.
    """
    with storage.begin(write=write) as transaction:
        yield Unit(transaction, now=now, ids=ids, actor=actor)


class Unit:
    """Values in and out of one transaction."""

    def __init__(
        self,
        transaction: Transaction,
        *,
        now: datetime,
        ids: Callable[[], str],
        actor: str,
    ) -> None:
        self.rows = transaction
        self.searches: bool = hasattr(transaction, "search")
        self._prefetch = getattr(transaction, "prefetch", None)
        self.now = now
        self.ids = ids
        self.actor = actor
        self._unknown: dict[tuple[str, str], dict[str, Any]] = {}
        # Values of this transaction by kind and id: rules ask for the same product many times.
        self._read: dict[tuple[str, str], Any] = {}
        self._ahead: set[tuple[str, str]] = set()
        self._links: dict[str, EventRow] = {}
        self._held: dict[tuple[str, ...], frozenset[tuple[str, str]]] = {}

    # -- values ---------------------------------------------------------------------------

    def get(self, kind: type[T], id: str) -> T | None:
        """The value of that id, or None."""
        if not id or not storable(id):
            return None
        entry = KINDS[kind]
        known: T | None = self._read.get((entry.name, id))
        if known is None:
            record = self.rows.get(entry.name, id)
            if record is not None:
                known = self._value(entry, record)
                key = (record.kind, record.id)
                if record.kind in _SELDOM_CHANGED and _REMEMBERED.last(key) is not known:
                    _REMEMBERED.put(key, record, known)
        return known

    def recall(self, kind: type[T], id: str) -> T | None:
        """The value of that id as some unit of this process read it last, or None.

        It may be another by now: only good for a guess at what will have to be read ``ahead``.
        """
        known: T | None = _REMEMBERED.last((KINDS[kind].name, id))
        return known

    def ahead(
        self,
        *wanted: tuple[type[Any], str],
        names: Collection[str] = (),
        lists: Iterable[tuple[type[Any], str, Sequence[str]]] = (),
    ) -> None:
        """Say which values, reserved names and lists by one key will be asked for, or may be.

        A store far away reads them all at once, with the newest event of each; others need not.
        """
        if self._prefetch is None:
            return
        keys = [(KINDS[kind].name, id) for kind, id in wanted if id and storable(id)]
        keys = [key for key in keys if key not in self._ahead]
        logged = [f"{name}:{id}" for name, id in keys if name in _DECIDED]
        keys += [("reservation", name) for name in names]
        self._ahead.update(keys)
        self._prefetch(keys, logged, [(KINDS[kind].name, *pair) for kind, *pair in lists])

    def need(self, kind: type[T], id: str, verb: str) -> T:
        """The value of that id; ``verb`` is what somebody wanted to do with it.

        Raises:
            NotFound: there is none.
        """
        found = self.get(kind, id)
        if found is None:
            raise NotFound(verb, KINDS[kind].name.replace("_", " "), str(id))
        return found

    def find(
        self,
        kind: type[T],
        *where: tuple[str, Collection[str]],
        unless: Pairs = (),
        after: tuple[str, str] | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> list[T]:
        """Values for which every (key, any of these values) holds, in the order of their kind.

        And no pair of ``unless``; behind the order and id of ``after``.
        """
        entry = KINDS[kind]
        records = self.rows.find(
            entry.name, where, unless=unless, after=after, limit=limit, descending=descending
        )
        return [self._value(entry, record) for record in records]

    def page(
        self,
        kind: type[T],
        *where: tuple[str, Collection[str]],
        unless: Pairs = (),
        after: str | None,
        limit: int,
        descending: bool = False,
    ) -> Page[T]:
        """One page of a list, without what has a pair of ``unless``.

        ``after`` is the ``next`` of the page before.
        """
        return self.union(kind, [(where, unless)], after=after, limit=limit, descending=descending)

    def union(
        self,
        kind: type[T],
        branches: Iterable[tuple[Pairs, Pairs]],
        *,
        after: str | None,
        limit: int,
        descending: bool = False,
        keep: Callable[[T], bool] = lambda _: True,
    ) -> Page[T]:
        """One page of everything that is in one of several lists, told by ``where`` and ``unless``.

        What is not to be kept, for a reason that changes with time, makes room for what follows.
        """
        check_limit(limit)
        entry, either = KINDS[kind], tuple(branches)
        place = place_of(after)
        items: list[T] = []
        while True:
            found = {
                record.id: record
                for where, unless in either
                for record in self.rows.find(
                    entry.name,
                    where,
                    unless=unless,
                    after=place,
                    limit=limit + 1,
                    descending=descending,
                )
            }
            records = sorted(found.values(), key=_place, reverse=descending)[: limit + 1]
            for number, record in enumerate(records[:limit], 1):
                place = _place(record)
                value = self._value(entry, record)
                if keep(value):
                    items.append(value)
                if len(items) == limit:
                    more = number < len(records)
                    return Page(items, text_of_place(place) if more else None)
            if len(records) <= limit:
                return Page(items)

    def value_of(self, kind: type[T], record: Record) -> T:
        """The value that a record of this kind holds."""
        entry: Kind[T] = KINDS[kind]
        return self._value(entry, record)

    def save(self, value: T) -> T:
        """Write a value whose ``revision`` is the one that was read (0: it is new).

        Raises:
            StaleRevision: somebody wrote it meanwhile.
        """
        entry: Kind[T] = KINDS[type(value)]
        id = entry.id(value)
        revision: int = getattr(value, "revision", 0)
        if not revision and not hasattr(value, "revision"):
            known = self.rows.get(entry.name, id)
            revision = 0 if known is None else known.revision
        unknown = self._unknown.get((entry.name, id), {})
        index = {*entry.index(value), *entry.more(value, self.get)}
        texts = entry.texts(value, self.get)
        if not self.searches:
            index.update(("word", word) for text in texts for word in text.split())
            texts = ()
        record = Record(
            kind=entry.name,
            id=id,
            revision=revision + 1,
            document={**unknown, **dump(value)},
            index=frozenset(index),
            order=entry.order(value),
            texts=texts,
        )
        self.rows.put(record, revision or None)
        if hasattr(value, "revision"):
            value = attrs.evolve(value, revision=revision + 1)  # type: ignore[misc]  # an attrs value
        self._read[entry.name, id] = value
        if entry.type is Domain:
            self._held.clear()
        return value

    def delete(self, value: object) -> None:
        """Remove a value."""
        entry = KINDS[type(value)]
        id = entry.id(value)
        record = self.rows.get(entry.name, id)
        if record is not None:
            self.rows.remove(entry.name, id, record.revision)
        self._read.pop((entry.name, id), None)
        if entry.type is Domain:
            self._held.clear()

    # -- names that only one may have -----------------------------------------------------

    def reserve(self, key: str, owner: str, message: str) -> None:
        """Take a name for ``owner``; taking it again is a no-op.

        Raises:
            DuplicateName: somebody else has it; carries whose it is.
            StaleRevision: somebody else takes it at this moment.
        """
        known = self.rows.get("reservation", key)
        if known is not None:
            if known.document["owner"] == owner:
                return
            raise DuplicateName(message, existing=str(known.document["owner"]))
        self.rows.put(
            Record(kind="reservation", id=key, revision=1, document={"owner": owner}), None
        )

    def reserved(self, key: str) -> str | None:
        """Who has a name."""
        known = self.rows.get("reservation", key)
        return None if known is None else str(known.document["owner"])

    def release(self, key: str, owner: str) -> None:
        """Give a name back, if ``owner`` has it."""
        known = self.rows.get("reservation", key)
        if known is not None and known.document["owner"] == owner:
            self.rows.remove("reservation", key, known.revision)

    # -- who may --------------------------------------------------------------------------

    def facts(self, person: Person) -> Facts:
        """A person with the domain permissions they hold at this moment."""
        tokens = _holders_of(person)
        held = self._held.get(tokens)
        if held is None:
            held = self._held[tokens] = frozenset(
                (domain.name, permission)
                for domain in self.find(Domain, ("holder", tokens))
                for permission in domain.held_by(tokens)
            )
        return Facts(person=person, domain_permissions=held)

    def ahead_of_facts(self, id: str) -> None:
        """Say that the facts of somebody will be asked for who is read in this unit, too."""
        known = self.recall(Person, id)
        lists = () if known is None else [(Domain, "holder", _holders_of(known))]
        self.ahead((Person, id), lists=lists)

    # -- what follows ---------------------------------------------------------------------

    def keep(self, effects: Effects) -> None:
        """Keep events, notices, timers and marks with the state of this unit."""
        work = [
            *(work for event in effects.events for work in self._keep_event(event)),
            *(notice_work(each, self.ids(), self.now) for each in effects.notices if each.audience),
            *(timer_work(timer) for timer in effects.timers),
            *(mark_work(mark, self.ids(), self.now) for mark in dict.fromkeys(effects.marks)),
        ]
        if work:
            self.rows.enqueue(work)

    def log(self, type: str, aggregate: str, **data: Any) -> None:
        """Keep a single event."""
        self.keep(Effects(events=(Event(type=type, aggregate=aggregate, data=data),)))

    def _keep_event(self, event: Event) -> Iterator[Work]:
        head = self._links.get(event.aggregate) or self.rows.head(event.aggregate)
        row = link(event, head, id=self.ids(), at=self.now, actor=self.actor)
        self.rows.append([row])
        self._links[event.aggregate] = row
        told = outgoing(row)
        if told is not None:
            yield told

    def _value(self, entry: Kind[T], record: Record) -> T:
        known = FIELDS[entry.type]
        document = record.document
        key = (record.kind, record.id)
        value: T | None = _REMEMBERED.get(key, record)
        if value is None:
            if "revision" in known:
                document = {**document, "revision": record.revision}
            value = load(entry.type, document)
        if not document.keys() <= known:
            self._unknown[key] = {
                name: each for name, each in document.items() if name not in known
            }
        self._read[key] = value
        return value


def _holders_of(person: Person) -> tuple[str, ...]:
    """Tokens under which a person may hold permissions in a domain, in a certain order."""
    return (f"user:{person.id}", *sorted(f"group:{name}" for name in person.groups))


def _place(record: Record) -> tuple[str, str]:
    return record.order, record.id
