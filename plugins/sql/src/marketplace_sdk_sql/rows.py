"""Between what the port speaks of and what the tables hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import Backlog, EventRow, InvalidInput, Record, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = [
    "Entry",
    "backlog_from",
    "check_keys",
    "entries_from",
    "entries_to",
    "event_from",
    "event_to",
    "kept_entries",
    "list_to",
    "plain_to",
    "record_from",
    "time_to",
    "work_from",
    "work_to",
]

Entry = tuple[str, str]
"""Key and value of one index entry."""

# ASCII only: then any text survives in any database, and the driver need not encode it.
# What refers to itself is refused in the end for its depth.
_encode = json.JSONEncoder(allow_nan=False, check_circular=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().decode

_NEVER = datetime.min.replace(tzinfo=UTC)


def plain_to(document: Mapping[str, Any], what: str) -> str:
    """Plain data as JSON text. Raises InvalidInput, without the data, for anything else."""
    try:
        text = _encode(document if type(document) is dict else dict(document))
        if "\\ud" in text:
            # Half a surrogate pair is no text; only documents with escapes are worth the look.
            json.dumps(_decode(text), ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput(f"cannot keep {what}: its document is not plain data") from None
    return text


def check_keys(what: str, *texts: str) -> None:
    """Raise InvalidInput for a text with a NUL character, which not every database can keep."""
    if "\0" in "".join(texts):
        raise InvalidInput(f"cannot keep {what}: a key is not valid text")


def list_to(values: Collection[str]) -> str:
    """Texts as a JSON list, to be bound as one value."""
    return _encode(list(values))


def entries_to(index: frozenset[Entry]) -> str:
    """Index entries as JSON text; equal sets are equal texts."""
    return _encode(sorted(index))


def entries_from(text: str) -> frozenset[Entry]:
    """The index entries of such a text."""
    return frozenset([(key, value) for key, value in _decode(text)])


kept_entries = lru_cache(maxsize=256)(entries_from)
"""The same for what is read one by one: products, forms and people are again and again."""


def record_from(
    row: tuple[Any, ...], read: Callable[[str], frozenset[Entry]] = entries_from
) -> Record:
    """A record of its row: kind, id, revision, sort, entries, document."""
    kind, id, revision, sort, entries, document = row
    return Record(
        kind=kind,
        id=id,
        revision=revision,
        document=_decode(document),
        index=read(entries),
        order=sort,
    )


def event_to(row: EventRow) -> tuple[Any, ...]:
    """The row of an event, without its position."""
    check_keys("event", row.aggregate, row.id, row.type, row.actor)
    return (
        row.aggregate,
        row.sequence,
        row.id,
        row.type,
        time_to(row.at),
        row.actor,
        plain_to(row.payload, "event"),
        row.payload_hash,
        row.previous,
        row.hash,
    )


def event_from(row: tuple[Any, ...]) -> EventRow:
    """An event of its row; of one that somebody damaged, what an audit needs to name it."""
    position, aggregate, sequence, id, type_, at, actor, payload, payload_hash, previous, hash_ = (
        row
    )
    try:
        when, document = datetime.fromisoformat(at), _decode(payload)
    except (ValueError, TypeError):
        when, document = _NEVER, {}
    return EventRow(
        aggregate=aggregate,
        sequence=sequence if isinstance(sequence, int) else 0,
        id=id,
        type=type_,
        at=when,
        actor=actor,
        payload=document,
        payload_hash=payload_hash,
        previous=previous,
        hash=hash_,
        position=position,
    )


def work_to(row: Work) -> tuple[Any, ...]:
    """The row of work, without its number."""
    check_keys("work", row.id, row.queue, row.key, row.owner, row.error)
    return (
        row.id,
        row.queue,
        row.key,
        time_to(row.due),
        plain_to(row.payload, "work"),
        row.attempts,
        row.owner,
        None if row.leased_until is None else time_to(row.leased_until),
        int(row.dead),
        row.error,
    )


def work_from(row: tuple[Any, ...]) -> Work:
    """Work of its row."""
    _, id, queue, key, due, payload, attempts, owner, leased_until, dead, error = row
    return Work(
        id=id,
        queue=queue,
        key=key,
        due=datetime.fromisoformat(due),
        payload=_decode(payload),
        attempts=attempts,
        owner=owner,
        leased_until=None if leased_until is None else datetime.fromisoformat(leased_until),
        dead=bool(dead),
        error=error,
    )


def backlog_from(row: tuple[Any, ...]) -> Backlog:
    """The counts of one queue."""
    queue, waiting, due, held, expired, dead, oldest = row
    return Backlog(
        queue=queue,
        waiting=waiting,
        due=due,
        held=held,
        expired=expired,
        dead=dead,
        oldest=None if oldest is None else datetime.fromisoformat(oldest),
    )


@lru_cache(maxsize=64)
def time_to(at: datetime) -> str:
    """An instant as text of fixed width: 2026-05-04T12:00:00.000000+00:00.

    Raises InvalidInput for a time without a zone.
    """
    if at.tzinfo is None:
        raise InvalidInput("cannot keep a time: it has no time zone")
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")
