"""How a store copes with several threads that write at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import pytest

from marketplace_sdk.errors import StaleRevision, StorageError
from marketplace_sdk.testing.conformance._kit import check
from marketplace_sdk.testing.conformance._storage_examples import (
    Meeting,
    at_once,
    ids,
    keep,
    link,
    make,
    persist,
    stored,
    tally,
)

if TYPE_CHECKING:
    from marketplace_sdk.ports.storage import Storage

__all__ = ["WriterChecks"]


class WriterChecks:
    """Writers at once end as if they had come one after the other; who lost a race is told."""

    capabilities: ClassVar[Mapping[str, str]] = {
        "ordered_log": "events become visible in the order of their positions",
    }

    def test_of_threads_that_race_exactly_one_wins(self, storage: Storage) -> None:
        """Everybody else who decided on the same revision gets a typed conflict."""
        keep(storage, make("a"))
        meeting = Meeting(6)

        def race(name: str) -> str:
            try:
                with storage.begin() as transaction:
                    transaction.get("thing", "a")
                    meeting.wait()
                    transaction.put(make("a", revision=2, document={"by": name}), 1)
            except (StaleRevision, StorageError) as error:
                return "" if getattr(error, "retryable", True) else f"refused: {error}"
            return name

        names = [str(number) for number in range(6)]
        results = at_once(*(partial(race, name) for name in names))

        (winner,) = filter(None, results)
        assert stored(storage, "a").document == {"by": winner}

    @pytest.mark.parametrize("inside", [True, False], ids=["read in the block", "read before it"])
    def test_no_update_is_lost(self, storage: Storage, *, inside: bool) -> None:
        """Numbers that threads add to one record add up."""
        keep(storage, make("n", document={"n": 0}))
        meeting = Meeting(4)

        def add_one() -> None:
            before = stored(storage, "n")
            meeting.wait()
            with storage.begin() as transaction:
                if inside:
                    tally(transaction)
                else:
                    document = {"n": before.document["n"] + 1}
                    again = make("n", revision=before.revision + 1, document=document)
                    transaction.put(again, before.revision)

        def labour() -> None:
            for _ in range(10):
                persist(add_one)

        at_once(*[labour] * 4)

        found = stored(storage, "n")
        assert (found.document, found.revision) == ({"n": 40}, 41)

    def test_who_looks_and_then_writes_is_not_overtaken(self, storage: Storage) -> None:
        """Of threads that look for the same wish, and make it when there is none, one makes it."""
        meeting = Meeting(4)

        def wish(name: str) -> str:
            with storage.begin() as transaction:
                if transaction.find("thing", [("wish", ["orders"])]):
                    return ""
                meeting.wait()
                transaction.put(make(name, index=[("wish", "orders")]), None)
            return name

        names = [str(number) for number in range(4)]
        made = at_once(*(partial(persist, partial(wish, name)) for name in names))

        with storage.begin(write=False) as transaction:
            found = ids(transaction.find("thing", [("wish", ["orders"])]))
        assert found == [name for name in made if name]
        assert len(found) == 1

    def test_threads_make_one_chain_of_events(self, storage: Storage) -> None:
        """No link is lost, doubled or out of place, and records agree with the log."""
        keep(storage, make("n", document={"n": 0}))
        meeting = Meeting(4)

        def step() -> None:
            with storage.begin() as transaction:
                head = transaction.head("a")
                meeting.wait()
                tally(transaction)
                transaction.append([link("a", head.sequence + 1 if head else 1)])

        def labour() -> None:
            for _ in range(8):
                persist(step)

        at_once(*[labour] * 4)

        with storage.begin(write=False) as transaction:
            chain = transaction.events("a")
        assert [row.sequence for row in chain] == list(range(1, 33))
        assert [row.position for row in chain] == sorted({row.position for row in chain})
        assert stored(storage, "n").document == {"n": 32}

    def test_readers_never_see_half_a_commit(self, storage: Storage) -> None:
        """Two records that always change together are equal in every reader's eyes."""
        keep(storage, make("a", document={"n": 0}), make("b", document={"n": 0}))
        done = threading.Event()

        def watch() -> list[object]:
            torn: list[object] = []
            while not done.is_set():
                with storage.begin(write=False) as reader:
                    left, right = reader.get("thing", "a"), reader.get("thing", "b")
                    listed = {one.revision for one in reader.find("thing")}
                assert left is not None
                assert right is not None
                if left.document != right.document or len(listed) != 1:
                    torn.append((left, right, listed))
            return torn

        def change() -> list[object]:
            try:
                for number in range(1, 60):
                    with storage.begin() as writer:
                        for id in ("a", "b"):
                            writer.put(
                                make(id, revision=number + 1, document={"n": number}), number
                            )
            finally:
                done.set()
            return []

        assert at_once(watch, watch, change) == [[], [], []]

    @check("ordered_log")
    def test_who_reads_on_in_the_log_misses_nothing(self, storage: Storage) -> None:
        """No event appears before a position that somebody has read."""
        names = ["w1", "w2", "w3"]
        ended: list[str] = []

        def append(name: str, number: int) -> None:
            with storage.begin() as transaction:
                transaction.append([link(name, number)])

        def labour(name: str) -> list[str]:
            try:
                for number in range(1, 16):
                    persist(partial(append, name, number))
            finally:
                ended.append(name)
            return []

        def follow() -> list[str]:
            seen: list[str] = []
            position = 0
            last = False
            while not last:
                last = len(ended) == len(names)
                with storage.begin(write=False) as reader:
                    rows = reader.events(after=position)
                seen += ids(rows)
                position = rows[-1].position if rows else position
            return seen

        *_, seen = at_once(*(partial(labour, name) for name in names), follow)

        assert sorted(seen) == sorted(f"{name}/{n}" for name in names for n in range(1, 16))
