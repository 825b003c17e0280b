"""Kinds of objects that can be read, and the words for them in different places. Pure."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["KEYWORDS", "kind_of", "same_family", "table_or_view"]

KEYWORDS: Mapping[str, str] = {
    "table": "TABLE",
    "view": "VIEW",
    "materialized view": "MATERIALIZED VIEW",
    "dynamic table": "DYNAMIC TABLE",
    "external table": "EXTERNAL TABLE",
    "iceberg table": "ICEBERG TABLE",
    "event table": "EVENT TABLE",
}
"""What a GRANT calls an object, by its kind."""

_FLAGS = {
    "is_dynamic": "dynamic table",
    "is_iceberg": "iceberg table",
    "is_external": "external table",
    "is_event": "event table",
    "is_materialized": "materialized view",
}
_YES = ("Y", "YES", "TRUE")


def kind_of(row: Mapping[str, str]) -> str:
    """The kind of what a row of SHOW OBJECTS is about; empty text if it is nothing to read.

    Newer servers say TABLE for every kind of table and tell them apart in other columns.
    """
    for flag, kind in _FLAGS.items():
        if row.get(flag, "").upper() in _YES:
            return kind
    word = " ".join(row.get("kind", "").replace("_", " ").lower().split())
    word = {"base table": "table", "transient": "table", "temporary": "table"}.get(word, word)
    return word if word in KEYWORDS else ""


def table_or_view(kind: str) -> str:
    """The word for an object of a kind where a statement tells tables from views only."""
    return "VIEW" if kind.endswith("view") else "TABLE"


def same_family(granted_on: str) -> bool:
    """Whether SHOW GRANTS speaks of something that can be read, by whatever of its names.

    An object may be granted on under one keyword and shown under another.
    """
    word = granted_on.replace("_", " ").lower()
    return word in KEYWORDS or word.endswith((" table", " view"))
