"""What every store must do; inherit, and give a ``storage`` fixture.

::

    from marketplace_sdk.testing.conformance.storage import StorageBehaviour

    class TestAcmeStorage(StorageBehaviour):
        @pytest.fixture
        def storage(self):
            storage = AcmeStorage(...)
            storage.setup()
            yield storage
            storage.close()

A store that outlives its object inherits ``DurableStorageBehaviour`` and gives ``reopen`` as well.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketplace_sdk.ports.storage import Storage
from marketplace_sdk.testing.conformance._storage_events import EventBehaviour, link
from marketplace_sdk.testing.conformance._storage_records import RecordBehaviour, keep, make
from marketplace_sdk.testing.conformance._storage_work import WorkBehaviour, add, claim, ids, job

__all__ = ["DurableStorageBehaviour", "StorageBehaviour"]


class StorageBehaviour(RecordBehaviour, EventBehaviour, WorkBehaviour):
    """The rules of the storage port, for every store."""


class DurableStorageBehaviour(StorageBehaviour):
    """The same, for a store that can be opened again."""

    @pytest.fixture
    def reopen(self) -> Callable[[], Storage]:
        """Opens what ``storage`` keeps once more, set up. Override it, and close them all."""
        raise NotImplementedError

    def test_everything_is_there_again(
        self, storage: Storage, reopen: Callable[[], Storage]
    ) -> None:
        """Records, index, events and work outlive the object that wrote them."""
        keep(storage, make("a", index=[("s", "x")]))
        add(storage, job("w"), job("v", "2"))
        (held,) = claim(storage, limit=1)
        with storage.begin() as transaction:
            transaction.append([link("a", 1)])
        storage.close()

        with reopen().begin() as transaction:
            assert [one.id for one in transaction.find("thing", [("s", ["x"])])] == ["a"]
            assert transaction.head("a") == transaction.events()[0]
            assert ids(transaction.work("q")) == ["w", "v"]
            transaction.settle(held)
            transaction.append([link("a", 2)])
            assert [row.sequence for row in transaction.events("a")] == [1, 2]

    def test_setting_up_again_changes_nothing(
        self, storage: Storage, reopen: Callable[[], Storage]
    ) -> None:
        """Every process may set up when it starts."""
        keep(storage, make("a"))

        storage.setup()
        other = reopen()

        with other.begin(write=False) as transaction:
            assert transaction.get("thing", "a") == make("a")

    def test_two_objects_on_one_place_see_each_other(
        self, storage: Storage, reopen: Callable[[], Storage]
    ) -> None:
        """A commit of one is seen by the next block of the other."""
        other = reopen()

        keep(storage, make("a"))

        with other.begin() as transaction:
            transaction.put(make("a", revision=2), 1)
        with storage.begin(write=False) as transaction:
            stored = transaction.get("thing", "a")
            assert stored is not None
            assert stored.revision == 2
