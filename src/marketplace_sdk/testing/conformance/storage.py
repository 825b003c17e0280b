"""What every store must do.

Inherit, and supply one fixture::

    import pytest
    from marketplace_sdk.testing.conformance import StorageConformance

    class TestAcmeStorage(StorageConformance):
        @pytest.fixture
        def open_storage(self, tmp_path):
            return lambda: AcmeStorage(tmp_path / "acme.db")

``open_storage`` is a function that opens one and the same place, empty at the beginning of each
check, as often as it is called. The kit sets up and closes whatever it opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from marketplace_sdk.ports.storage import Storage
from marketplace_sdk.testing.conformance._kit import Conformance
from marketplace_sdk.testing.conformance._storage_claims import ClaimChecks
from marketplace_sdk.testing.conformance._storage_events import EventChecks
from marketplace_sdk.testing.conformance._storage_finding import FindChecks
from marketplace_sdk.testing.conformance._storage_places import DurableChecks, SharedChecks
from marketplace_sdk.testing.conformance._storage_records import RecordChecks
from marketplace_sdk.testing.conformance._storage_searching import SearchChecks
from marketplace_sdk.testing.conformance._storage_settling import SettleChecks
from marketplace_sdk.testing.conformance._storage_units import UnitChecks
from marketplace_sdk.testing.conformance._storage_upkeep import UpkeepChecks
from marketplace_sdk.testing.conformance._storage_writers import WriterChecks

__all__ = ["StorageConformance"]


class StorageConformance(
    RecordChecks,
    FindChecks,
    SearchChecks,
    UnitChecks,
    WriterChecks,
    EventChecks,
    ClaimChecks,
    SettleChecks,
    UpkeepChecks,
    DurableChecks,
    SharedChecks,
    Conformance,
    kit=True,
):
    """Checks of the storage port; supply the fixture ``open_storage``."""

    checks_version = 1

    @pytest.fixture
    def reopen(self, open_storage: Callable[[], Storage]) -> Iterator[Callable[[], Storage]]:
        """Opens the place once more, set up; everything opened is closed after the check."""
        opened: list[Storage] = []

        def reopen() -> Storage:
            opened.append(open_storage())
            opened[-1].setup()
            return opened[-1]

        yield reopen
        for one in opened:
            one.close()

    @pytest.fixture
    def storage(self, reopen: Callable[[], Storage]) -> Storage:
        """The place, opened and set up."""
        return reopen()
