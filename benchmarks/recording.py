"""What a store is asked to write, and the same rows as a plain driver writes them.

The lower bound of a request's life is a plain driver that writes the very same rows into tables of
the very same kind, in as many transactions at the same durability: what our store was
asked to write for other lives is recorded, and replayed. The driver is told everything, so it
reads nothing and decides nothing.
"""

from __future__ import annotations

from contextlib import contextmanager

from marketplace_sdk_sql import rows as to

ORDER = ("record", "gone", "entry", "event", "work", "removed", "held", "done")
"""Kinds of rows in the order in which a transaction writes them."""

RECORD = ("kind", "id", "revision", "sort", "entries", "document")
ENTRY = ("kind", "key", "value", "sort", "id")
EVENT = (
    "aggregate", "sequence", "id", "type", "at", "actor", "payload", "payload_hash", "previous",
    "hash",
)  # fmt: skip
WORK = (
    "id", "queue", "key", "due", "payload", "attempts", "owner", "leased_until", "dead", "error",
)  # fmt: skip


def statements(mark):
    """What a plain driver says for each kind of row; ``mark`` is its place for a value."""

    def insert(table, names):
        places = ", ".join([mark] * len(names))
        return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 - our own names

    def same(names):
        return " AND ".join(f"{name} = {mark}" for name in names)

    new = ", ".join(f"{name} = excluded.{name}" for name in RECORD[2:])
    return {
        "record": f"{insert('record', RECORD)} ON CONFLICT (kind, id) DO UPDATE SET {new}",
        "gone": f"DELETE FROM record_index WHERE {same(ENTRY)}",  # noqa: S608 - our own names
        "entry": insert("record_index", ENTRY),
        "event": insert("event", EVENT),
        "work": insert("work", WORK),
        "removed": f"DELETE FROM record WHERE {same(RECORD[:2])}",  # noqa: S608 - our own names
        "held": f"UPDATE work SET owner = {mark}, leased_until = {mark} WHERE id = {mark}",  # noqa: S608 - our own names
        "done": f"DELETE FROM work WHERE id = {mark}",  # noqa: S608 - our own names
    }


class Recording:
    """A storage that remembers, per transaction, the rows that it was asked to write.

    Remembering costs time, so it can be switched off for what is timed (``on``).

    Attributes:
        units: of each transaction that wrote, the kinds of rows and what the port was given.
    """

    def __init__(self, storage):
        self.on = True
        self._storage = storage
        self.capabilities = storage.capabilities
        self.units = []

    def setup(self):
        self._storage.setup()

    def close(self):
        self._storage.close()

    def begin(self, *, write=True):
        return self._recorded() if self.on and write else self._storage.begin(write=write)

    @contextmanager
    def _recorded(self):
        rows = []
        with self._storage.begin() as transaction:
            yield _Recorder(transaction, rows)
        self.units.append(rows)

    def written(self):
        """For each transaction the tuples of each kind that it wrote, in ``ORDER``."""
        return [_tuples(rows) for rows in self.units if rows]


class _Recorder:
    def __init__(self, transaction, rows):
        self._transaction = transaction
        self._rows = rows

    def __getattr__(self, name):
        return getattr(self._transaction, name)

    def put(self, record, expected):
        before = None if expected is None else self._transaction.get(record.kind, record.id)
        self._rows.append(("record", (before, record)))
        self._transaction.put(record, expected)

    def append(self, rows):
        self._rows.extend(("event", row) for row in rows)
        self._transaction.append(rows)

    def enqueue(self, rows):
        self._rows.extend(("work", row) for row in rows)
        self._transaction.enqueue(rows)

    def remove(self, kind, id, expected):
        self._rows.append(("removed", self._transaction.get(kind, id)))
        self._transaction.remove(kind, id, expected)

    def claim(self, queue, **more):
        taken = self._transaction.claim(queue, **more)
        self._rows.extend(("held", row) for row in taken)
        return taken

    def settle(self, work, **more):
        self._rows.append(("done", work))
        self._transaction.settle(work, **more)


def _tuples(rows):
    written = {kind: [] for kind in ORDER}
    for kind, row in rows:
        if kind == "record":
            before, new = row
            document = to.plain_to(new.document, new.kind)
            told = (new.kind, new.id, new.revision, new.order, to.entries_to(new.index), document)
            written["record"].append(told)
            old = set() if before is None else _entries(before)
            written["gone"] += sorted(old - _entries(new))
            written["entry"] += sorted(_entries(new) - old)
        elif kind == "removed":
            written["gone"] += sorted(_entries(row))
            written["removed"].append((row.kind, row.id))
        elif kind == "event":
            written["event"].append(to.event_to(row))
        elif kind == "work":
            written["work"].append(to.work_to(row))
        elif kind == "held":
            written["held"].append((row.owner, to.time_to(row.leased_until), row.id))
        else:
            written["done"].append((row.id,))
    return [written[kind] for kind in ORDER]


def _entries(record):
    return {(record.kind, key, value, record.order, record.id) for key, value in record.index}
