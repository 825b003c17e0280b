"""Which version of our tables a database holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import StorageError
from marketplace_sdk_sql.tables import HEAD, VERSION_TABLE

if TYPE_CHECKING:
    from marketplace_sdk_sql.driver import Driver

__all__ = ["found_version", "is_ready", "version_of"]

_BEFORE_ALEMBIC = {"1": "0001"}
"""What the table ``meta`` of the first release said, and which version that is."""


def is_ready(driver: Driver, connection: Any) -> bool:
    """Whether the tables are there; raises StorageError when they are not those of this release."""
    found = found_version(driver, connection)
    if found and int(found) < int(HEAD):
        raise StorageError(
            f"cannot open storage: its schema is version {found}, this needs {HEAD}",
            hint="run: marketplace migrate",
        )
    return bool(found)


def found_version(driver: Driver, connection: Any) -> str:
    """The version of our tables, or empty text when there are no tables at all.

    Raises StorageError when they are somebody else's, or of a newer release.
    """
    found = version_of(driver, connection)
    if found and int(found) > int(HEAD):
        raise StorageError(
            f"cannot open storage: its schema is version {found}, this knows {HEAD}",
            hint="a newer release wrote it; upgrade data-marketplace-sdk-sql",
        )
    return found


def version_of(driver: Driver, connection: Any) -> str:
    """The version of our tables, of a newer release too; raises StorageError for others'."""
    try:
        found = _read(driver.tables(connection), connection)
    except driver.errors as error:
        raise driver.error(error, "open") from None
    if found is None:
        raise StorageError(
            "cannot open storage: the database holds something else",
            hint="give the marketplace a database, or on PostgreSQL a ?schema=, of its own",
        )
    return found


def _read(tables: set[str], connection: Any) -> str | None:
    if not tables:
        return ""
    if VERSION_TABLE in tables:
        rows = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()  # noqa: S608  # our own name
        found = rows[0][0] if len(rows) == 1 else ""
        return found if found.isdecimal() else None
    if {"meta", "record", "event", "work"} <= tables:
        rows = connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchall()
        return _BEFORE_ALEMBIC.get(rows[0][0]) if rows else None
    return None
