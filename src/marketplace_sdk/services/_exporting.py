"""Events as lines of text: for spreadsheets, and for whoever checks them without the store."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from marketplace_sdk.domain.seals import Seal
from marketplace_sdk.errors import InvalidInput, Problem, StorageError
from marketplace_sdk.ports.storage import EventRow
from marketplace_sdk.services._verifying import LogCheck, Verification, by_number
from marketplace_sdk.wire.codec import instant, load, text_of

__all__ = ["COLUMNS", "FORMATS", "csv_row", "json_row", "kept_seals", "lines_of", "verify_export"]

COLUMNS = (
    "position",
    "aggregate",
    "sequence",
    "id",
    "type",
    "at",
    "actor",
    "payload",
    "payload_hash",
    "previous",
    "hash",
)
"""Columns of the CSV and keys of each JSON line; new ones are added at the end."""

FORMATS = ("jsonl", "csv")

# What makes a spreadsheet take a cell for a formula, the full-width forms included.
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n")
_LARGEST = 2**63


def lines_of(rows: Iterable[EventRow], format: str) -> Iterator[str]:
    """One line a row, without its end; CSV begins with the names of the columns."""
    if format == "csv":
        yield csv_row(COLUMNS)
        for row in rows:
            data = _plain(row)
            data["payload"] = json_row(data["payload"])
            yield csv_row(str(data[name]) for name in COLUMNS)
    else:
        for row in rows:
            yield json_row(_plain(row))


def verify_export(
    lines: Iterable[str], *, seals: Iterable[Any] = (), part: bool = False
) -> Verification:
    """Verify an export in JSON lines, without a marketplace and without its storage.

    Args:
        lines: as ``market.audit.export(format="jsonl")`` gave them.
        seals: the seals of that log, as ``market.audit.verify`` takes them; without any only the
            chains are checked.
        part: the export is a part of a log, so each chain may begin anywhere. Seals are over
            whole stretches of a log and say nothing about a part.

    Raises:
        InvalidInput: a seal is none, or there are seals for a part.
    """
    kept = tuple(kept_seals(seals))
    if part and kept:
        raise InvalidInput(
            "cannot verify a part of a log",
            problems=[Problem("seals", "are over whole stretches of a log")],
            hint="export the whole log, or leave the seals out",
        )
    check = LogCheck(by_number(kept), kept=kept, part=part)
    try:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = _row(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                check.find(f"line {number} is not an event")
            else:
                check.add(row)
        return check.end()
    finally:
        check.close()


def kept_seals(seals: Iterable[Any]) -> Iterator[Seal]:
    """Seals that were kept elsewhere, each a Seal, its plain data, or a JSON line of that.

    A line may also be the whole body in which a notifier delivered the seal.

    Raises:
        InvalidInput: one of them is no seal; says which.
    """
    if isinstance(seals, (str, bytes, Mapping)) or not isinstance(seals, Iterable):
        raise _not_seals("must be a list of seals")
    for number, given in enumerate(seals, 1):
        if isinstance(given, str) and not given.strip():
            continue
        try:
            yield given if isinstance(given, Seal) else _seal(given)
        except (ValueError, TypeError, StorageError, RecursionError):
            raise _not_seals(f"item {number} is not a seal") from None


def _seal(given: Any) -> Seal:
    data = json.loads(given) if isinstance(given, str) else given
    inner = data.get("data") if isinstance(data, Mapping) else None
    return load(Seal, inner if isinstance(inner, Mapping) else data)


def _not_seals(what: str) -> InvalidInput:
    return InvalidInput("cannot use these seals", problems=[Problem("seals", what)])


def _plain(row: EventRow) -> dict[str, Any]:
    data = {name: getattr(row, name) for name in COLUMNS}
    data["at"] = text_of(row.at)
    return data


def _row(data: Any) -> EventRow:
    """The event of a line; raises what such mistakes raise when it is none."""
    texts = {
        name: data[name]
        for name in ("aggregate", "id", "type", "actor", "payload_hash", "previous", "hash")
    }
    for text in texts.values():
        text.encode()  # raises when it is no text that can be kept
    numbers = {name: data[name] for name in ("position", "sequence")}
    if not all(type(each) is int and abs(each) < _LARGEST for each in numbers.values()):
        raise ValueError("not a number")
    if not isinstance(data["payload"], dict):
        raise TypeError("not an object")
    return EventRow(**texts, **numbers, at=instant(data["at"]), payload=data["payload"])


def json_row(data: object) -> str:
    """Plain data as one line."""
    return json.dumps(data, ensure_ascii=False)


def csv_row(cells: Iterable[str]) -> str:
    """Cells as one line of CSV, of which no spreadsheet takes one for a formula."""
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="")
    writer.writerow(_harmless(cell) for cell in cells)
    return line.getvalue()


def _harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe goes before one."""
    # Programs differ in what they skip before they look.
    starts = {text.lstrip(" \u00a0")[:1], text.lstrip()[:1]}
    return text if starts.isdisjoint(_FORMULA) else f"'{text}"
