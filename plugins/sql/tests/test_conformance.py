"""Both databases show the behaviour of every store."""

from __future__ import annotations

import pytest

from marketplace_sdk.testing.conformance import StorageConformance
from marketplace_sdk_sql.storage import SqlStorage


class TestSqlStorage(StorageConformance):
    """The rules of the port."""

    @pytest.fixture
    def open_storage(self, url):
        return lambda: SqlStorage(url)
