"""The memory store passes the kit."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime

import pytest
from attrs import evolve

from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.ports.storage import Work
from marketplace_sdk.testing.conformance import StorageConformance


class TestMemoryStorage(StorageConformance):
    """The reference implementation."""

    lacks = {
        "durable": "it keeps everything in the object",
        "multi_process": "each object is a place of its own",
    }

    @pytest.fixture
    def open_storage(self):
        return MemoryStorage


@pytest.fixture
def restless():
    """Threads that are changed at every opportunity."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_a_reader_lists_work_while_others_commit(restless):
    """What it sees is that of its own beginning, however many rows come meanwhile."""
    store = MemoryStorage()
    row = Work(id="", queue="q", key="k", due=datetime(2026, 1, 1, tzinfo=UTC), payload={})
    with store.begin() as rows:
        rows.enqueue([evolve(row, id=f"a{n}") for n in range(20)])
    over = threading.Event()

    def come():
        for batch in range(200):
            with store.begin() as rows:
                rows.enqueue([evolve(row, id=f"b{batch}.{n}") for n in range(20)])
        over.set()

    with store.begin(write=False) as reader:
        writer = threading.Thread(target=come)
        writer.start()
        while not over.is_set():
            assert len(reader.work("q", limit=100)) == 20
        writer.join()
