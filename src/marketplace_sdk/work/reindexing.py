"""Writing records anew when what they are found by has changed with a release."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from marketplace_sdk.domain.people import SYSTEM
from marketplace_sdk.errors import StaleRevision, StorageError
from marketplace_sdk.ports.storage import Record, Storage
from marketplace_sdk.work.records import INDEX_VERSION, KINDS
from marketplace_sdk.work.unit import Unit, unit_of_work

__all__ = ["check_indexed", "is_indexed", "reindex"]

STEP = 200
"""Records that are written in one unit of work."""
_MARK = ("index", "self")


def is_indexed(storage: Storage) -> bool:
    """Whether every record is found by what this release looks for.

    An empty store is, and remembers it.
    """
    with storage.begin(write=False) as rows:
        known = rows.get(*_MARK)
        if known is not None:
            return bool(known.document["version"] == INDEX_VERSION)
        if any(rows.find(kind.name, limit=1) for kind in KINDS.values()):
            return False
    with suppress(StaleRevision), storage.begin() as rows:  # another process may be quicker
        rows.put(_mark(None), None)
    return True


def check_indexed(storage: Storage) -> None:
    """Refuse a store whose lists would be wrong. Raises StorageError."""
    if not is_indexed(storage):
        raise StorageError(
            "cannot open storage: its lists are those of an older release",
            hint="run: marketplace migrate",
        )


def reindex(storage: Storage, *, now: Callable[[], datetime], ids: Callable[[], str]) -> int:
    """Write every record anew with today's index entries and texts; returns how many.

    Documents stay as they are. It may be broken off and begun again; nobody else should write
    with an older release meanwhile.
    """
    count = 0
    for type_ in KINDS:
        after: tuple[str, str] | None = None
        while True:
            try:
                with unit_of_work(storage, now=now(), ids=ids, actor=SYSTEM) as unit:
                    records = _step(unit, type_, after)
            except StaleRevision:
                # Somebody wrote one of them meanwhile; the step is taken again.
                continue
            count += len(records)
            if len(records) < STEP:
                break
            after = (records[-1].order, records[-1].id)
    with storage.begin() as rows:
        known = rows.get(*_MARK)
        rows.put(_mark(known), None if known is None else known.revision)
    return count


def _step(unit: Unit, type_: type[Any], after: tuple[str, str] | None) -> list[Record]:
    records = list(unit.rows.find(KINDS[type_].name, after=after, limit=STEP))
    for record in records:
        unit.save(unit.value_of(type_, record))
    return records


def _mark(known: Record | None) -> Record:
    kind, id = _MARK
    revision = 1 if known is None else known.revision + 1
    return Record(kind=kind, id=id, revision=revision, document={"version": INDEX_VERSION})
