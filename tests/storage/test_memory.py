"""The memory store passes the kit."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

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
def hasty_threads():
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
def test_a_reader_lists_the_same_work_while_another_thread_settles_it():
    """A block that reads sees one state, whatever is committed meanwhile."""
    storage = MemoryStorage()
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    ids = [f"w{number:04}" for number in range(2000)]
    with storage.begin() as unit:
        unit.enqueue([Work(id=id, queue="q", key=id, due=noon, payload={}) for id in ids])

    def settle():
        for _ in ids:
            with storage.begin() as unit:
                claim = {"now": noon, "until": noon + timedelta(minutes=1), "owner": "me"}
                [taken] = unit.claim("q", **claim, limit=1, in_order=True)
                unit.settle(taken)

    other = threading.Thread(target=settle)
    with storage.begin(write=False) as unit:
        other.start()
        while other.is_alive():
            assert not unit.work("another")
        assert [work.id for work in unit.work("q")] == ids
        assert [work.id for work in unit.work("q", limit=2)] == ids[:2]
        assert [count.waiting for count in unit.backlog(noon)] == [len(ids)]
    other.join()
    with storage.begin(write=False) as unit:
        assert not unit.work("q")
