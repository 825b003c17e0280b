"""How a store is opened again, and by several at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import pytest

from marketplace_sdk.errors import StaleRevision
from marketplace_sdk.testing.conformance._kit import check
from marketplace_sdk.testing.conformance._storage_examples import (
    MINUTE,
    NOON,
    PLAIN,
    add,
    at_once,
    claim,
    exact,
    ids,
    job,
    keep,
    link,
    make,
    persist,
    stored,
    tally,
)

if TYPE_CHECKING:
    from marketplace_sdk.ports.storage import Storage

__all__ = ["DurableChecks", "SharedChecks"]

Reopen = Callable[[], "Storage"]


@check("durable")
class DurableChecks:
    """What was committed is there when the place is opened again."""

    capabilities: ClassVar[Mapping[str, str]] = {
        "durable": "what was committed is there when the place is opened again",
    }

    def test_everything_is_there_again(self, storage: Storage, reopen: Reopen) -> None:
        """Records, index, events, work and its holders outlive the object that wrote them."""
        keep(storage, make("a", index=[("s", "x")], order="o", document=PLAIN))
        add(storage, job("w"), job("v", "2"), job("d", "3"))
        (held,) = claim(storage, limit=1)
        with storage.begin() as transaction:
            transaction.append([link("a", 1), link("b", 1)])
            before = transaction.events()
        storage.close()

        again = reopen()

        with again.begin() as transaction:
            (found,) = transaction.find("thing", [("s", ["x"])])
            assert (found.revision, found.order, exact(found.document)) == (1, "o", exact(PLAIN))
            assert transaction.events() == before
            assert transaction.head("a") == before[0]
            assert ids(transaction.work("q")) == ["d", "v", "w"]
            transaction.put(make("a", revision=2), 1)
            transaction.append([link("a", 2)])
            assert transaction.events()[-1].position > before[-1].position
        assert ids(claim(again, owner="w2")) == ["v", "d"]
        with again.begin() as transaction:
            transaction.settle(held)
            assert ids(transaction.work("q")) == ["d", "v"]

    def test_what_was_not_committed_is_not_there(self, storage: Storage, reopen: Reopen) -> None:
        """A unit that was taken back left nothing in the place either."""
        keep(storage, make("a"))

        with pytest.raises(LookupError), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
            transaction.put(make("b"), None)
            transaction.append([link("a", 1)])
            transaction.enqueue([job("w")])
            raise LookupError
        storage.close()

        with reopen().begin(write=False) as transaction:
            assert ids(transaction.find("thing")) == ["a"]
            assert transaction.events() == []
            assert transaction.work("q") == []

    def test_a_late_worker_is_known_after_reopening(self, storage: Storage, reopen: Reopen) -> None:
        """Owners and attempts are kept, so that who lost work cannot settle it."""
        add(storage, job("a"))
        (lost,) = claim(storage)
        claim(storage, now=NOON + MINUTE, owner="w2")
        storage.close()

        with pytest.raises(StaleRevision), reopen().begin() as transaction:
            transaction.settle(lost)

    def test_a_place_may_be_opened_many_times_in_a_row(
        self, storage: Storage, reopen: Reopen
    ) -> None:
        """Setting up changes nothing, and every opening sees all before it."""
        keep(storage, make("n", document={"n": 0}))
        storage.close()

        for number in range(1, 4):
            again = reopen()
            with again.begin() as transaction:
                tally(transaction)
                transaction.append([link("a", number)])
            again.close()

        again = reopen()
        assert stored(again, "n").document == {"n": 3}
        with again.begin(write=False) as transaction:
            assert [row.sequence for row in transaction.events("a")] == [1, 2, 3]


@check("multi_process")
class SharedChecks:
    """Several objects have the place open at once, as several processes do."""

    capabilities: ClassVar[Mapping[str, str]] = {
        "multi_process": "several objects, in one process or in many, have the place open at once",
    }

    def test_two_objects_on_one_place_see_each_other(
        self, storage: Storage, reopen: Reopen
    ) -> None:
        """A commit of one is seen by the next block of the other."""
        other = reopen()

        keep(storage, make("a"))

        with other.begin() as transaction:
            transaction.put(make("a", revision=2), 1)
            transaction.append([link("a", 1)])
        assert stored(storage, "a").revision == 2
        with storage.begin() as transaction:
            transaction.append([link("a", 2)])
        with other.begin(write=False) as transaction:
            assert [row.sequence for row in transaction.events("a")] == [1, 2]

    def test_a_reader_of_one_object_sees_one_moment(self, storage: Storage, reopen: Reopen) -> None:
        """What the other object commits meanwhile shows in the next block."""
        keep(storage, make("a"))
        other = reopen()

        with storage.begin(write=False) as reader:
            assert ids(reader.find("thing")) == ["a"]
            keep(other, make("b"))
            assert ids(reader.find("thing")) == ["a"]

        with storage.begin(write=False) as reader:
            assert ids(reader.find("thing")) == ["a", "b"]

    def test_no_update_is_lost_between_objects(self, storage: Storage, reopen: Reopen) -> None:
        """Revisions are compared where the records are, not in an object's memory."""
        keep(storage, make("n", document={"n": 0}))
        objects = [storage, reopen(), reopen()]

        def add_one(where: Storage) -> None:
            with where.begin() as transaction:
                tally(transaction)

        def labour(where: Storage) -> None:
            for _ in range(10):
                persist(partial(add_one, where))

        at_once(*(partial(labour, where) for where in objects))

        assert stored(storage, "n").document == {"n": 30}

    def test_work_is_taken_once_between_objects(self, storage: Storage, reopen: Reopen) -> None:
        """A claim holds against every other worker."""
        names = [f"{number}" for number in range(24)]
        add(storage, *(job(name, f"k{name}") for name in names))
        objects = [storage, reopen(), reopen()]

        def labour(where: Storage) -> list[str]:
            taken: list[str] = []
            for _ in names:
                taken += ids(persist(partial(claim, where, owner=f"w{id(where)}", limit=2)))
            return taken

        shares = at_once(*(partial(labour, where) for where in objects))

        assert sorted((id for share in shares for id in share), key=int) == names

    def test_closing_one_object_leaves_the_others_open(
        self, storage: Storage, reopen: Reopen
    ) -> None:
        """Each has connections of its own."""
        other = reopen()
        keep(other, make("a"))

        other.close()

        assert stored(storage, "a").revision == 1
        keep(storage, make("b"))
