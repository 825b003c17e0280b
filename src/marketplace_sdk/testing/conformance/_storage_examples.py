"""What the checks of stores try them with."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from marketplace_sdk.errors import InvalidInput, StaleRevision, StorageError
from marketplace_sdk.ports.storage import EventRow, Record, Storage, Transaction, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = [
    "HOSTILE",
    "MINUTE",
    "NOON",
    "NOT_TEXT",
    "PATIENCE",
    "PLAIN",
    "SECOND",
    "Meeting",
    "add",
    "at_once",
    "claim",
    "exact",
    "ids",
    "job",
    "keep",
    "link",
    "make",
    "never_found",
    "persist",
    "stored",
    "tally",
]

T = TypeVar("T")

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
PATIENCE = 60
"""Seconds after which a thread that has not ended hangs."""

HOSTILE = (
    "",
    "'; DROP TABLE record; --",
    '"quoted" \\ back%slash_',
    "\N{PILE OF POO} \N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
    "\N{RIGHT-TO-LEFT OVERRIDE}evil\N{LEFT-TO-RIGHT MARK}",
    "x" * 300,
    "line\nbreak\ttab",
    "e\N{COMBINING ACUTE ACCENT} is not \N{LATIN SMALL LETTER E WITH ACUTE}",
    "$1 %s :name ? {0} \\x00 \\u0000 NULL",
    "\x01\x1f\x7f\x80\N{BYTE ORDER MARK}\uffff",
)
"""Texts that break stores which glue statements together or fold what they compare."""

NOT_TEXT = ("\0", "before\0after", "\ud800", "after\udfff")
"""What is no text to every store: NUL, and half a surrogate pair."""

PLAIN: Mapping[str, Any] = {
    "numbers": [0, -1, 2**53 + 1, -(2**63), 10**30, 0.1, 1e308, 5e-324, 1.0],
    "flags": [True, False, None],
    "empty": [{}, [], "", {"": {"": []}}],
    "text": [*HOSTILE, "nul: \0"],
    "nested": [[[[[[[[{"deep": [{"er": [None]}]}]]]]]]]],
    "named twice": {"a": {"a": {"a": 1}}},
}
"""Every type of plain data, and its edges."""


def make(
    id: str,
    *,
    kind: str = "thing",
    revision: int = 1,
    index: Iterable[tuple[str, str]] = (),
    order: str = "",
    document: Mapping[str, Any] | None = None,
) -> Record:
    """A record."""
    return Record(
        kind=kind,
        id=id,
        revision=revision,
        document={"id": id} if document is None else document,
        index=frozenset(index),
        order=order,
    )


def link(aggregate: str, sequence: int, *, id: str = "", at: datetime = NOON) -> EventRow:
    """An event."""
    return EventRow(
        aggregate=aggregate,
        sequence=sequence,
        id=id or f"{aggregate}/{sequence}",
        type="request.submitted",
        at=at,
        actor="ada",
        payload={"n": [sequence]},
        payload_hash="f" * 64,
        previous="",
        hash="0" * 64,
    )


def job(id: str, key: str = "k", *, due: datetime = NOON, queue: str = "q") -> Work:
    """Work."""
    return Work(id=id, queue=queue, key=key, due=due, payload={"n": [id]})


def keep(storage: Storage, *records: Record) -> None:
    """Put new records, in a block of their own."""
    with storage.begin() as transaction:
        for record in records:
            transaction.put(record, None)


def add(storage: Storage, *rows: Work) -> None:
    """Enqueue work, in a block of its own."""
    with storage.begin() as transaction:
        transaction.enqueue(rows)


def claim(
    storage: Storage,
    *,
    now: datetime = NOON,
    owner: str = "w1",
    limit: int = 10,
    in_order: bool = False,
    queue: str = "q",
) -> Sequence[Work]:
    """Claim work for a minute, in a block of its own."""
    with storage.begin() as transaction:
        return transaction.claim(
            queue, now=now, until=now + MINUTE, owner=owner, limit=limit, in_order=in_order
        )


def stored(storage: Storage, id: str, kind: str = "thing") -> Record:
    """The record, which is there, read in a block of its own."""
    with storage.begin(write=False) as transaction:
        found = transaction.get(kind, id)
    assert found is not None, f"{kind} {id!r} is not stored"
    return found


def never_found(look: Callable[[], object]) -> None:
    """A look for what cannot be stored finds nothing or is refused; it does not fail."""
    with suppress(InvalidInput):
        assert not look()


def ids(rows: Iterable[Record | Work | EventRow]) -> list[str]:
    """The ids of rows, in their order."""
    return [row.id for row in rows]


def exact(document: object) -> str:
    """Plain data as text that tells 1 from 1.0 and from True."""
    return json.dumps(document, sort_keys=True)


def at_once(*tasks: Callable[[], T]) -> list[T]:
    """Run each task in a thread of its own, all from one moment on; returns what they return.

    What a task raises is raised here.
    """
    gate = threading.Barrier(len(tasks))
    futures: list[Future[T]] = [Future() for _ in tasks]

    def run(task: Callable[[], T], future: Future[T]) -> None:
        gate.wait(PATIENCE)
        try:
            future.set_result(task())
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is asked for
            future.set_exception(error)

    for task, future in zip(tasks, futures, strict=True):
        # A store that hangs fails a check; it does not keep the interpreter from ending.
        threading.Thread(target=run, args=(task, future), daemon=True).start()
    try:
        return [future.result(PATIENCE) for future in futures]
    except TimeoutError:
        pytest.fail(f"threads still hang after {PATIENCE} seconds")


class Meeting:
    """Where units that overlap wait for each other.

    A store that lets one in at a time lets nobody meet; the first gives up soon, for all.
    """

    def __init__(self, parties: int) -> None:
        self._barrier = threading.Barrier(parties, timeout=0.5)

    def wait(self) -> None:
        """Go on when all are here, or one has waited in vain."""
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait()


def persist(step: Callable[[], T]) -> T:
    """Do a step again as long as its race is lost, as services do."""
    for _ in range(500):
        try:
            return step()
        except StaleRevision:
            continue
        except StorageError as error:
            if not error.retryable:
                raise
    pytest.fail("the race was lost 500 times in a row")


def tally(transaction: Transaction, id: str = "n") -> None:
    """Add one to a number that is kept in a record."""
    found = transaction.get("thing", id)
    assert found is not None
    document = {"n": found.document["n"] + 1}
    transaction.put(make(id, revision=found.revision + 1, document=document), found.revision)
