"""The memory store passes the kit."""

from __future__ import annotations

import pytest

from marketplace_sdk.memory.storage import MemoryStorage
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
