"""Helpers for tests of a marketplace or of a plugin: a clock that stands still, and fakes.

Importing this imports no pytest; ``marketplace_sdk.testing.conformance`` does.
"""

from __future__ import annotations

from marketplace_sdk.memory.directory import MemoryDirectory
from marketplace_sdk.memory.faults import Crash
from marketplace_sdk.memory.notifier import MemoryNotifier
from marketplace_sdk.memory.platform import MemoryPlatform
from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.testing.clock import FrozenClock

__all__ = [
    "Crash",
    "FrozenClock",
    "MemoryDirectory",
    "MemoryNotifier",
    "MemoryPlatform",
    "MemoryStorage",
]
