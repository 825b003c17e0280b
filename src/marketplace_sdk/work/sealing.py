"""Sealing the log: what has happened since the last seal goes under the next one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from marketplace_sdk.domain.seals import MerkleTree, Seal, next_seal
from marketplace_sdk.errors import StaleRevision
from marketplace_sdk.ports.storage import Record, Storage, Transaction, Work
from marketplace_sdk.wire.codec import dump, load, text_of
from marketplace_sdk.work.chains import BEFORE_ALL, read_log
from marketplace_sdk.work.following import OUTBOX, SEALS

__all__ = [
    "DAILY",
    "SEALED",
    "newest_seal",
    "noted_seal",
    "seal_id",
    "seal_log",
    "stored_seal",
]

SEALED = "audit.sealed"
"""Type of the message in which a seal leaves."""

DAILY = timedelta(days=1)
"""How often a log is sealed unless somebody says otherwise."""

NOTE = ("seal_note", "newest")
TRIES = 8


def newest_seal(rows: Transaction) -> Seal | None:
    """The seal with the highest number."""
    found = rows.find("seal", descending=True, limit=1)
    return load(Seal, found[0].document) if found else None


def noted_seal(rows: Transaction) -> tuple[int, str]:
    """Number and hash of the newest seal, as noted beside the seals so that its loss is seen."""
    return _noted(rows.get(*NOTE))


def stored_seal(rows: Transaction, number: int) -> Seal | None:
    """The seal of a number, or None.

    Raises:
        StorageError: what is stored there is no seal.
    """
    record = rows.get("seal", seal_id(number))
    return None if record is None else load(Seal, record.document)


def seal_id(number: int) -> str:
    """Where a seal is stored: of fixed width, so that the order of texts is that of numbers."""
    return f"{number:012}"


def seal_log(storage: Storage, *, clock: Callable[[], datetime]) -> Seal | None:
    """Seal what has happened since the last seal, and tell it to whoever receives seals.

    The events are read page by page, without holding up anybody who adds some. Of two who seal at
    once one makes the seal, and both get it.

    Returns:
        The newest seal; None when nothing has ever happened.

    Raises:
        StaleRevision: others sealed at the same moment again and again.
    """
    for attempt in range(TRIES):
        with storage.begin(write=False) as rows:
            newest = newest_seal(rows)
            note = rows.get(*NOTE)
        # A note of a later seal than there is: that seal was lost, and its number stays empty.
        before = max((newest.number, newest.hash) if newest else (0, ""), _noted(note))
        seal = _over_the_rest(storage, newest, before, clock())
        if seal is None:
            return newest
        try:
            _keep(storage, seal, note)
        except StaleRevision:
            if attempt == TRIES - 1:
                raise
        else:
            return seal
    raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises


def _over_the_rest(
    storage: Storage, newest: Seal | None, before: tuple[int, str], now: datetime
) -> Seal | None:
    tree = MerkleTree()
    first = last = 0
    for row in read_log(storage, after=BEFORE_ALL if newest is None else newest.last):
        first = first if tree.count else row.position
        last = row.position
        tree.add(row.position, row.hash)
    return next_seal(before, tree, first=first, last=last, at=now) if tree.count else None


def _keep(storage: Storage, seal: Seal, note: Record | None) -> None:
    expected = None if note is None else note.revision
    kind, id = NOTE
    new = Record(
        kind=kind,
        id=id,
        revision=(expected or 0) + 1,
        document={"number": seal.number, "hash": seal.hash},
    )
    place = seal_id(seal.number)
    kept = Record(kind="seal", id=place, revision=1, document=dump(seal), order=place)
    with storage.begin() as rows:
        rows.put(new, expected)
        rows.put(kept, None)
        rows.enqueue([_message(seal)])


def _noted(note: Record | None) -> tuple[int, str]:
    document = {} if note is None else note.document
    number = document.get("number", 0)
    # Somebody may have changed it; what it then says is found by verifying, not by failing here.
    return (number if type(number) is int else 0, str(document.get("hash", "")))


def _message(seal: Seal) -> Work:
    return Work(
        id=seal.hash,
        queue=OUTBOX,
        key=SEALS,
        due=seal.at,
        payload={
            "to": SEALS,
            "id": seal.hash,
            "type": SEALED,
            "at": text_of(seal.at),
            "about": SEALS,
            "data": dump(seal),
        },
    )
