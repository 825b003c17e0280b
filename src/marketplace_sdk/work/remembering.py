"""Values that were made of documents before, so that what seldom changes is not read twice.

Every decision asks for a product, its sources, its form and the people concerned, most of which are
as they were at the last one. Their documents are read from the store each time; a value is only
taken for a document that is equal to the one it was made of.
"""

from __future__ import annotations

from typing import Any

from marketplace_sdk.ports.storage import Record

__all__ = ["Remembered"]

MOST = 1024
"""Values that are kept; with more, all are forgotten."""


class Remembered:
    """Frozen values by kind and id, with the documents they were made of; for several threads."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], tuple[Record, Any]] = {}

    def get(self, key: tuple[str, str], record: Record) -> Any:
        """The value of a record of the same revision with an equal document, or None."""
        known = self._values.get(key)
        if known is None or known[0].revision != record.revision:
            return None
        return known[1] if known[0].document == record.document else None

    def last(self, key: tuple[str, str]) -> Any:
        """The value that was made last, of whatever document, or None."""
        known = self._values.get(key)
        return None if known is None else known[1]

    def put(self, key: tuple[str, str], record: Record, value: Any) -> None:
        """Keep a value, instead of the one of before."""
        if len(self._values) >= MOST:
            self._values.clear()
        self._values[key] = (record, value)
