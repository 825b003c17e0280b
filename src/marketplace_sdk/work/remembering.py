"""Values that were made of documents before, so that what seldom changes is not read twice.

Every decision asks for a product, its sources, its form and the people concerned, most of which are
as they were at the last one. Their documents are read from the store each time; a value is only
taken for a document that is equal to the one it was made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Remembered"]

MOST = 2048
"""Values that are kept; with more, all are forgotten."""


class Remembered:
    """Frozen values by kind and id, with the documents they were made of; for several threads."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], tuple[Mapping[str, Any], Any]] = {}

    def get(self, key: tuple[str, str], document: Mapping[str, Any]) -> Any:
        """The value of an equal document, or None."""
        known = self._values.get(key)
        return known[1] if known is not None and known[0] == document else None

    def put(self, key: tuple[str, str], document: Mapping[str, Any], value: Any) -> None:
        """Keep a value, instead of the one of before."""
        if len(self._values) >= MOST:
            self._values.clear()
        self._values[key] = (document, value)
