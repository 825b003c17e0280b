"""Kinds of things, the families in which names are unique, and the privileges of each kind."""

from __future__ import annotations

__all__ = [
    "CONTAINED",
    "PLURALS",
    "PRIVILEGES",
    "TABLE_LIKE",
    "VIEW_LIKE",
    "depth",
    "family",
]

TABLE_LIKE = ("TABLE", "DYNAMIC TABLE", "EXTERNAL TABLE", "ICEBERG TABLE", "EVENT TABLE")
VIEW_LIKE = ("VIEW", "MATERIALIZED VIEW")
CONTAINED = (*TABLE_LIKE, *VIEW_LIKE, "MASKING POLICY", "TAG")
"""What lives in a schema."""

PLURALS = {
    "TABLES": "TABLE",
    "VIEWS": "VIEW",
    "DYNAMIC TABLES": "DYNAMIC TABLE",
    "EXTERNAL TABLES": "EXTERNAL TABLE",
    "ICEBERG TABLES": "ICEBERG TABLE",
    "EVENT TABLES": "EVENT TABLE",
    "MATERIALIZED VIEWS": "MATERIALIZED VIEW",
    "SCHEMAS": "SCHEMA",
}

_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "APPLYBUDGET")
_VIEW = ("SELECT", "REFERENCES", "DELETE", "INSERT", "TRUNCATE", "UPDATE")

PRIVILEGES: dict[str, tuple[str, ...]] = {
    "ACCOUNT": (
        "CREATE ROLE",
        "CREATE USER",
        "CREATE DATABASE",
        "CREATE WAREHOUSE",
        "MANAGE GRANTS",
        "APPLY MASKING POLICY",
        "APPLY TAG",
        "MONITOR USAGE",
        "IMPORT SHARE",
    ),
    "DATABASE": (
        "USAGE",
        "MONITOR",
        "MODIFY",
        "CREATE SCHEMA",
        "CREATE DATABASE ROLE",
        "MANAGE GRANTS",
        "REFERENCE_USAGE",
        "IMPORTED PRIVILEGES",
        "APPLYBUDGET",
    ),
    "SCHEMA": (
        "USAGE",
        "MONITOR",
        "MODIFY",
        "MANAGE GRANTS",
        "CREATE TABLE",
        "CREATE VIEW",
        "CREATE DYNAMIC TABLE",
        "CREATE EXTERNAL TABLE",
        "CREATE ICEBERG TABLE",
        "CREATE EVENT TABLE",
        "CREATE MATERIALIZED VIEW",
        "CREATE MASKING POLICY",
        "CREATE TAG",
    ),
    "TABLE": (*_TABLE, "EVOLVE SCHEMA"),
    "DYNAMIC TABLE": ("SELECT", "OPERATE", "MONITOR", "REFERENCES"),
    "EXTERNAL TABLE": ("SELECT", "REFERENCES"),
    "ICEBERG TABLE": _TABLE,
    "EVENT TABLE": ("SELECT", "INSERT", "DELETE", "TRUNCATE", "REFERENCES"),
    "VIEW": _VIEW,
    "MATERIALIZED VIEW": ("SELECT", "REFERENCES"),
    "MASKING POLICY": ("APPLY",),
    "TAG": ("APPLY", "READ"),
    "WAREHOUSE": ("USAGE", "OPERATE", "MONITOR", "MODIFY", "APPLYBUDGET"),
    "USER": ("MONITOR",),
}
"""Without OWNERSHIP, which every kind but the account has."""


def family(kind: str) -> str:
    """The family of a kind: all tables and views of a schema share their names."""
    return "RELATION" if kind in TABLE_LIKE or kind in VIEW_LIKE else kind


def depth(kind: str) -> int:
    """How many parts a full name of this kind has."""
    if kind == "ACCOUNT":
        return 0
    if kind in {"DATABASE ROLE", "SCHEMA"}:
        return 2
    return 3 if kind in CONTAINED or kind == "RELATION" else 1
