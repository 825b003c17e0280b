"""The memory store shows the behaviour of every store."""

from __future__ import annotations

import pytest

from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.testing.conformance.storage import StorageBehaviour


class TestMemoryStorage(StorageBehaviour):
    """The reference implementation."""

    @pytest.fixture
    def storage(self):
        storage = MemoryStorage()
        storage.setup()
        yield storage
        storage.close()
