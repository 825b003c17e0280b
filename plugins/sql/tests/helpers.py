"""What several tests of stores use."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from datetime import UTC, datetime

from marketplace_sdk.plugin import EventRow, Record, Work

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def record(id, revision=1, **document):
    return Record(
        kind="thing",
        id=id,
        revision=revision,
        document=document,
        index=frozenset({("all", "x"), ("parity", str(revision % 2))}),
    )


def python(code, *arguments):
    """Start another process that runs ``code`` after the usual imports."""
    head = """
        import os, signal, sys
        from datetime import datetime, UTC
        from marketplace_sdk.plugin import EventRow, Record, StaleRevision, Work
        from marketplace_sdk_sql.storage import SqlStorage
        storage = SqlStorage(sys.argv[1])
        def record(id, revision=1, **document):
            index = frozenset({("all", "x"), ("parity", str(revision % 2))})
            return Record(kind="thing", id=id, revision=revision, document=document, index=index)
    """
    program = textwrap.dedent(head) + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def raw(storage, statement, binds=()):
    """Rows of a statement on the database of a store, past the store."""
    with storage._connections.lend("alter") as connection:
        cursor = connection.execute(statement, binds)
        return cursor.fetchall() if cursor.description else []


def link(aggregate, sequence):
    """An event."""
    return EventRow(
        aggregate=aggregate,
        sequence=sequence,
        id=f"{aggregate}/{sequence}",
        type="request.submitted",
        at=NOON,
        actor="ada",
        payload={},
        payload_hash="",
        previous="",
        hash="",
    )


def job(id, key="k", due=NOON):
    """Work."""
    return Work(id=id, queue="q", key=key, due=due, payload={})
