"""Two platforms pass the kit of provisioners: the memory platform, and an ``ObjectGrants``."""

from __future__ import annotations

import pytest

from marketplace_sdk.testing.conformance import ProvisionerConformance
from tests.conformance.worlds import LibraryWorld, MemoryWorld


class TestMemoryPlatform(ProvisionerConformance):
    """The platform in memory."""

    lacks = MemoryWorld.lacks

    @pytest.fixture
    def world(self):
        return MemoryWorld()


class TestObjectGrants(ProvisionerConformance):
    """A provisioner that its author wrote as three methods, and a few more."""

    lacks = LibraryWorld.lacks

    @pytest.fixture
    def world(self):
        return LibraryWorld()
