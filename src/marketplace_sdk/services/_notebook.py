"""What a verification has to remember while it reads a log, on disk instead of in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["Notebook"]

_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE head (aggregate PRIMARY KEY, sequence, hash) WITHOUT ROWID;
CREATE TABLE seal (number PRIMARY KEY, hash, seen DEFAULT 0) WITHOUT ROWID;
CREATE TABLE erased (event PRIMARY KEY, by, aggregate, sequence) WITHOUT ROWID;
CREATE TABLE listed (event, by, PRIMARY KEY (event, by)) WITHOUT ROWID;
"""
_EXPLAINED = "EXISTS (SELECT 1 FROM listed l WHERE l.event = e.event AND l.by = e.by)"


class Notebook:
    """Heads of chains, seals that were kept elsewhere, and erased payloads with their reasons."""

    def __init__(self) -> None:
        import sqlite3  # costs a third of importing the package, and few processes verify

        # The empty name is a file without a name, which is gone when it is closed.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLES)

    def head(self, aggregate: str) -> tuple[int, str] | None:
        """Number and hash of the newest link of a chain."""
        found: tuple[int, str] | None = self._db.execute(
            "SELECT sequence, hash FROM head WHERE aggregate = ?", (aggregate,)
        ).fetchone()
        return found

    def set_head(self, aggregate: str, sequence: int, hash: str) -> None:
        """Note the newest link of a chain."""
        self._db.execute(
            "INSERT OR REPLACE INTO head VALUES (?, ?, ?)", (aggregate, sequence, hash)
        )

    def keep(self, number: int, hash: str) -> bool:
        """Note a seal that was kept elsewhere; False if another one of that number was."""
        self._db.execute("INSERT OR IGNORE INTO seal (number, hash) VALUES (?, ?)", (number, hash))
        query = "SELECT hash FROM seal WHERE number = ?"
        return bool(self._db.execute(query, (number,)).fetchone() == (hash,))

    def kept(self, number: int) -> str | None:
        """Hash of the seal of that number that was kept elsewhere; notes that it was asked for."""
        self._db.execute("UPDATE seal SET seen = 1 WHERE number = ?", (number,))
        query = "SELECT hash FROM seal WHERE number = ?"
        found = self._db.execute(query, (number,)).fetchone()
        return str(found[0]) if found else None

    def unseen(self) -> Iterator[int]:
        """Numbers of seals that were kept elsewhere and never asked for."""
        rows = self._db.execute("SELECT number FROM seal WHERE NOT seen ORDER BY number")
        return (number for (number,) in rows)

    def erased(self, event: str, by: str, aggregate: str, sequence: int) -> None:
        """Note an event without its payload, and the event by which it is said to be gone."""
        row = (event, by, aggregate, sequence)
        self._db.execute("INSERT OR REPLACE INTO erased VALUES (?, ?, ?, ?)", row)

    def list_erased(self, by: str, events: Iterable[str]) -> None:
        """Note the events whose payloads an event says were erased."""
        rows = ((str(event), by) for event in events)
        self._db.executemany("INSERT OR IGNORE INTO listed VALUES (?, ?)", rows)

    def explained(self) -> int:
        """How many payloads are gone, with an event that says so."""
        query = f"SELECT count(*) FROM erased e WHERE {_EXPLAINED}"  # noqa: S608  # a constant
        (count,) = self._db.execute(query).fetchone()
        return int(count)

    def unexplained(self) -> Iterator[tuple[str, str, int]]:
        """Event, aggregate and sequence of payloads that are gone without such an event."""
        query = f"SELECT event, aggregate, sequence FROM erased e WHERE NOT {_EXPLAINED}"  # noqa: S608  # a constant
        return iter(self._db.execute(query))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
