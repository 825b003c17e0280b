"""How a store begins, keeps and ends a unit of work."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from marketplace_sdk.errors import InvalidInput, StaleRevision, StorageError
from marketplace_sdk.testing.conformance._storage_examples import (
    MINUTE,
    NOON,
    add,
    claim,
    exact,
    ids,
    job,
    keep,
    link,
    make,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from marketplace_sdk.ports.storage import Storage, Transaction, Work

__all__ = ["UnitChecks"]

WRITES: dict[str, Callable[[Transaction, Work], object]] = {
    "put": lambda transaction, _: transaction.put(make("a"), None),
    "remove": lambda transaction, _: transaction.remove("thing", "old", 1),
    "append": lambda transaction, _: transaction.append([link("a", 1)]),
    "enqueue": lambda transaction, _: transaction.enqueue([job("new")]),
    "claim": lambda transaction, _: transaction.claim(
        "q", now=NOON, until=NOON + MINUTE, owner="w", limit=1, in_order=False
    ),
    "settle": lambda transaction, held: transaction.settle(held),
    "replay": lambda transaction, _: transaction.replay("dead", NOON),
}
READS: dict[str, Callable[[Transaction, Work], object]] = {
    "get": lambda transaction, _: transaction.get("thing", "old"),
    "find": lambda transaction, _: transaction.find("thing"),
    "find nothing": lambda transaction, _: transaction.find("thing", [("a", [])]),
    "head": lambda transaction, _: transaction.head("a"),
    "events": lambda transaction, _: transaction.events(),
    "work": lambda transaction, _: transaction.work("q"),
}
NAIVE = NOON.replace(tzinfo=None)
TIMED: dict[str, Callable[[Transaction, Work], object]] = {
    "append": lambda transaction, _: transaction.append([link("z", 1, at=NAIVE)]),
    "enqueue": lambda transaction, _: transaction.enqueue([job("z", due=NAIVE)]),
    "settle": lambda transaction, held: transaction.settle(held, retry_at=NAIVE),
    "replay": lambda transaction, _: transaction.replay("dead", NAIVE),
    "claim now": lambda transaction, _: transaction.claim(
        "q", now=NAIVE, until=NOON, owner="w", limit=1, in_order=False
    ),
    "claim until": lambda transaction, _: transaction.claim(
        "q", now=NOON, until=NAIVE, owner="w", limit=1, in_order=False
    ),
}


class Halt(BaseException):
    """What stops a program in the middle, like an interrupt."""


def everything(transaction: Transaction) -> str:
    """All that the checks of this module keep, as text."""
    return exact(
        [
            [(one.id, one.revision, dict(one.document)) for one in transaction.find("thing")],
            [ids(transaction.find("thing", [("s", [value])])) for value in ("x", "y", "z")],
            [(row.id, row.position) for row in transaction.events()],
            [
                [(row.id, row.attempts, row.owner, row.dead, row.due.isoformat()) for row in rows]
                for rows in (transaction.work(queue) for queue in ("q", "timer"))
            ],
        ]
    )


def prepare(storage: Storage) -> Work:
    """Keep a little of everything; returns work that is held."""
    keep(storage, make("old", index=[("s", "x")]), make("gone", index=[("s", "x")]))
    add(storage, job("held", "1"), job("dead", "2"), job("free", "3"))
    add(storage, job("later", "4", due=NOON + 9 * MINUTE, queue="timer"))
    held, dead = claim(storage, limit=2)
    with storage.begin() as transaction:
        transaction.append([link("a", 1)])
        transaction.settle(dead, dead=True)
    return held


def change(transaction: Transaction, held: Work) -> None:
    """Change a little of everything that ``prepare`` kept."""
    transaction.put(make("old", revision=2, index=[("s", "y")]), 1)
    transaction.put(make("new", index=[("s", "z")]), None)
    transaction.remove("thing", "gone", 1)
    transaction.append([link("a", 2), link("b", 1)])
    transaction.enqueue([job("added", "9"), job("t", "9", due=NOON + MINUTE, queue="timer")])
    transaction.settle(held, retry_at=NOON + 2 * MINUTE, error="503")
    transaction.replay("dead", NOON + MINUTE)
    taken = transaction.claim(
        "q", now=NOON, until=NOON + MINUTE, owner="w2", limit=1, in_order=False
    )
    assert ids(taken) == ["free"]


class UnitChecks:
    """Units of work: whole or not at all, of one moment, and over when their block ends."""

    def test_a_unit_is_kept_whole(self, storage: Storage) -> None:
        """Records, index, events, work and timers of one block are there together."""
        held = prepare(storage)

        with storage.begin() as transaction:
            change(transaction, held)
            seen = everything(transaction)

        with storage.begin(write=False) as transaction:
            assert everything(transaction) == seen
            assert ids(transaction.events()) == ["a/1", "a/2", "b/1"]
            assert ids(transaction.work("timer")) == ["t", "later"]
            rows = {row.id: (row.owner, row.error, row.dead) for row in transaction.work("q")}
        assert rows == {
            "held": ("", "503", False),
            "dead": ("", "", False),
            "free": ("w2", "", False),
            "added": ("", "", False),
        }

    @pytest.mark.parametrize(
        "reason",
        [LookupError("x"), StaleRevision("thing", "a"), Halt("x")],
        ids=lambda one: type(one).__name__,
    )
    def test_a_unit_that_raises_leaves_nothing(
        self, storage: Storage, reason: BaseException
    ) -> None:
        """Nothing of records, index, events, work and timers stays; the very error comes out."""
        held = prepare(storage)
        with storage.begin(write=False) as transaction:
            before = everything(transaction)

        with pytest.raises(type(reason)) as raised, storage.begin() as transaction:  # noqa: PT012  # the block is the rule
            change(transaction, held)
            assert everything(transaction) != before
            raise reason

        assert raised.value is reason
        with storage.begin(write=False) as transaction:
            assert everything(transaction) == before
        with storage.begin() as transaction:
            change(transaction, held)

    def test_what_the_store_refuses_takes_the_whole_unit_back(self, storage: Storage) -> None:
        """A stale revision at the end undoes what was done before it."""
        held = prepare(storage)
        with storage.begin(write=False) as transaction:
            before = everything(transaction)

        with pytest.raises(StaleRevision), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
            change(transaction, held)
            transaction.put(make("old", revision=2), 1)

        with storage.begin(write=False) as transaction:
            assert everything(transaction) == before

    def test_an_exception_undoes_the_whole_block(self, storage: Storage) -> None:
        """Nothing of a block that raises is kept."""
        keep(storage, make("old", index=[("a", "1")]), make("gone"))

        with pytest.raises(LookupError), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
            transaction.put(make("old", revision=2, index=[("a", "2")]), 1)
            transaction.put(make("new", index=[("a", "1")]), None)
            transaction.remove("thing", "gone", 1)
            raise LookupError

        with storage.begin(write=False) as transaction:
            assert [(one.id, one.revision) for one in transaction.find("thing")] == [
                ("gone", 1),
                ("old", 1),
            ]
            assert [one.id for one in transaction.find("thing", [("a", ["1"])])] == ["old"]
            assert transaction.find("thing", [("a", ["2"])]) == []

    def test_a_block_sees_its_own_writes(self, storage: Storage) -> None:
        """What was put, changed or removed shows in get and find at once."""
        keep(storage, make("a", index=[("s", "x")]), make("b", index=[("s", "x")]))

        with storage.begin() as transaction:
            transaction.put(make("a", revision=2, index=[("s", "y")]), 1)
            transaction.remove("thing", "b", 1)
            transaction.put(make("c", index=[("s", "x")]), None)

            changed = transaction.get("thing", "a")
            assert changed is not None
            assert changed.revision == 2
            assert transaction.get("thing", "b") is None
            assert [one.id for one in transaction.find("thing")] == ["a", "c"]
            assert [one.id for one in transaction.find("thing", [("s", ["x"])])] == ["c"]
            assert [one.id for one in transaction.find("thing", [("s", ["y"])])] == ["a"]

    def test_a_record_may_be_written_many_times_in_a_block(self, storage: Storage) -> None:
        """The last state is what is found, whatever it was in between."""
        with storage.begin() as transaction:
            transaction.put(make("a", index=[("s", "1"), ("k", "k")]), None)
            transaction.put(make("a", revision=2, index=[("s", "2"), ("k", "k")]), 1)
            transaction.put(make("a", revision=3, index=[("s", "1")], order="z"), 2)
            transaction.remove("thing", "a", 3)
            transaction.put(make("a", index=[("s", "3")]), None)

        with storage.begin(write=False) as transaction:
            assert [one.id for one in transaction.find("thing", [("s", ["3"])])] == ["a"]
            assert transaction.find("thing", [("s", ["1", "2"])]) == []
            assert transaction.find("thing", [("k", ["k"])]) == []

    def test_a_reader_sees_one_moment(self, storage: Storage) -> None:
        """What is committed while a reader is open shows in its next block, never in this one."""
        keep(storage, make("a", index=[("s", "x")]), make("b", index=[("s", "x")]))

        with storage.begin(write=False) as reader:
            before = [reader.get("thing", "a"), *reader.find("thing", [("s", ["x"])])]
            with storage.begin() as writer:
                writer.put(make("a", revision=2, index=[("s", "y")]), 1)
                writer.remove("thing", "b", 1)
                writer.put(make("c", index=[("s", "x")]), None)
            after = [reader.get("thing", "a"), *reader.find("thing", [("s", ["x"])])]

        assert after == before
        with storage.begin(write=False) as reader:
            assert [one.id for one in reader.find("thing")] == ["a", "c"]

    @pytest.mark.parametrize("method", WRITES)
    def test_a_reader_cannot_write(self, storage: Storage, method: str) -> None:
        """A block begun for reading refuses every method that writes."""
        held = prepare(storage)
        with storage.begin(write=False) as reader:
            before = everything(reader)
            with pytest.raises(StorageError):
                WRITES[method](reader, held)

        with storage.begin(write=False) as reader:
            assert everything(reader) == before

    @pytest.mark.parametrize("method", [*READS, *WRITES])
    @pytest.mark.parametrize("write", [True, False], ids=["writer", "reader"])
    def test_a_block_is_over_when_it_ends(
        self, storage: Storage, method: str, *, write: bool
    ) -> None:
        """A transaction that escapes its block can neither read nor write."""
        held = prepare(storage)
        with storage.begin(write=write) as transaction:
            before = everything(transaction)

        with pytest.raises(StorageError):
            {**READS, **WRITES}[method](transaction, held)

        with storage.begin(write=False) as reader:
            assert everything(reader) == before

    def test_a_writer_inside_a_writer_is_refused(self, storage: Storage) -> None:
        """It would wait for itself for ever; the outer block is not harmed."""
        with storage.begin() as outer:
            outer.put(make("a"), None)
            with pytest.raises(StorageError), storage.begin():
                pass

        with storage.begin(write=False) as reader:
            assert reader.get("thing", "a") is not None

    def test_a_reader_inside_a_writer_sees_what_is_committed(self, storage: Storage) -> None:
        """Readers wait for nobody, not even for their own thread."""
        keep(storage, make("a"))

        with storage.begin() as outer:
            outer.put(make("a", revision=2), 1)
            outer.put(make("b"), None)
            with storage.begin(write=False) as reader:
                assert ids(reader.find("thing")) == ["a"]
                found = reader.get("thing", "a")
                assert found is not None
                assert found.revision == 1

        with storage.begin(write=False) as reader:
            assert ids(reader.find("thing")) == ["a", "b"]

    def test_a_reader_that_raises_harms_nobody(self, storage: Storage) -> None:
        """The next block begins as if nothing had been."""
        keep(storage, make("a"))

        with pytest.raises(LookupError), storage.begin(write=False) as reader:  # noqa: PT012  # the block is the rule
            reader.get("thing", "a")
            raise LookupError

        keep(storage, make("b"))
        with storage.begin(write=False) as reader:
            assert ids(reader.find("thing")) == ["a", "b"]

    @pytest.mark.parametrize("method", TIMED)
    def test_a_time_without_a_zone_is_refused(self, storage: Storage, method: str) -> None:
        """It names no instant; nothing is written."""
        held = prepare(storage)
        with storage.begin(write=False) as reader:
            before = everything(reader)

        with pytest.raises(InvalidInput), storage.begin() as transaction:
            TIMED[method](transaction, held)

        with storage.begin(write=False) as reader:
            assert everything(reader) == before

    def test_setting_up_again_changes_nothing(self, storage: Storage) -> None:
        """Whoever starts sets up, and need not know whether somebody did."""
        prepare(storage)
        with storage.begin(write=False) as reader:
            before = everything(reader)

        storage.setup()

        with storage.begin(write=False) as reader:
            assert everything(reader) == before

    @pytest.mark.parametrize("write", [True, False], ids=["writer", "reader"])
    def test_a_store_that_was_not_set_up_works_or_says_so(
        self, open_storage: Callable[[], Storage], *, write: bool
    ) -> None:
        """With an error of the SDK, not with one of its driver."""
        storage = open_storage()

        with suppress(StorageError), storage.begin(write=write) as transaction:
            assert transaction.find("thing") == []

        storage.close()

    def test_closing_twice_is_harmless(self, storage: Storage) -> None:
        """Whoever closes need not know whether somebody did."""
        keep(storage, make("a"))

        storage.close()
        storage.close()

    def test_a_store_may_be_closed_before_it_is_used(
        self, open_storage: Callable[[], Storage]
    ) -> None:
        """A program that fails while it starts closes what it has."""
        storage = open_storage()
        storage.close()
        storage.close()

    @pytest.mark.parametrize("write", [True, False], ids=["writer", "reader"])
    def test_a_closed_store_refuses_to_begin(self, storage: Storage, *, write: bool) -> None:
        """It says so with an error of the SDK, and does not open again by itself."""
        keep(storage, make("a"))
        storage.close()

        with pytest.raises(StorageError), storage.begin(write=write):
            pass
