"""How a store forgets, counts and describes itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from marketplace_sdk.ports.storage import Backlog
from marketplace_sdk.testing.conformance._storage_examples import (
    MINUTE,
    NOON,
    SECOND,
    add,
    claim,
    ids,
    job,
    link,
)

if TYPE_CHECKING:
    from marketplace_sdk.ports.storage import Storage

__all__ = ["UpkeepChecks"]


class UpkeepChecks:
    """Upkeep: payloads and parked work can go, work is counted, a place says what it is."""

    def test_a_redacted_payload_is_gone_and_its_link_stays(self, storage: Storage) -> None:
        """Only the payload is replaced; an unknown id counts as none."""
        with storage.begin() as transaction:
            transaction.append([link("a", 1), link("a", 2), link("b", 1)])
            before = transaction.events()

        with storage.begin() as transaction:
            assert transaction.redact(["a/2", "b/1", "nobody/1"], {"gone": "e"}) == 2
            assert transaction.redact([], {"gone": "e"}) == 0
            assert [row.payload for row in transaction.events("a")] == [{"n": [1]}, {"gone": "e"}]

        with storage.begin(write=False) as transaction:
            after = transaction.events()
            assert [row.payload for row in after] == [{"n": [1]}, {"gone": "e"}, {"gone": "e"}]
            assert [evolve(row, payload={}) for row in after] == [
                evolve(row, payload={}) for row in before
            ]
            assert transaction.head("a") == after[1]

    def test_an_event_is_redacted_in_the_block_that_adds_it(self, storage: Storage) -> None:
        """A block sees its own events, so it can redact them."""
        with storage.begin() as transaction:
            transaction.append([link("a", 1)])
            assert transaction.redact(["a/1"], {}) == 1

        with storage.begin(write=False) as transaction:
            head = transaction.head("a")
            assert head is not None
            assert head.payload == {}

    def test_a_failed_redaction_leaves_the_payload(self, storage: Storage) -> None:
        """Kept together or not at all; a reader goes on seeing the log of its moment."""
        with storage.begin() as transaction:
            transaction.append([link("a", 1)])
        with pytest.raises(LookupError), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
            transaction.redact(["a/1"], {})
            raise LookupError

        with storage.begin(write=False) as reader:
            (before,) = reader.events()
            assert before.payload == {"n": [1]}
            with storage.begin() as transaction:
                transaction.redact(["a/1"], {})
            assert reader.events() == [before]
            assert reader.head("a") == before

    def test_only_parked_work_is_discarded(self, storage: Storage) -> None:
        """What is still to be done is not thrown away; an unknown id is no error."""
        add(storage, job("a", "1"), job("b", "2"))
        (held, _) = claim(storage)
        with storage.begin() as transaction:
            transaction.settle(held, dead=True, error="gone")

        with storage.begin() as transaction:
            assert transaction.discard("a")
            assert not transaction.discard("a")
            assert not transaction.discard("b")
            assert not transaction.discard("nobody")

        with storage.begin(write=False) as transaction:
            assert ids(transaction.work("q")) == ["b"]

    def test_work_is_counted_by_queue(self, storage: Storage) -> None:
        """Waiting, due, held, late and parked rows, and how long the oldest has been due."""
        assert self._counts(storage) == []
        for name in ("late", "held", "dead"):
            add(storage, job(name, name))
        (late,) = claim(storage, now=NOON, limit=1)
        dead, held = sorted(claim(storage, now=NOON + SECOND), key=lambda one: one.id)
        with storage.begin() as transaction:
            transaction.settle(dead, dead=True, error="gone")
        add(storage, job("due", "1"), job("next", "2", due=NOON + 2 * MINUTE))
        add(storage, job("other", queue="r", due=NOON + 2 * MINUTE))

        q, r = self._counts(storage)

        assert (late.leased_until, held.leased_until) == (NOON + MINUTE, NOON + MINUTE + SECOND)
        assert q == Backlog(queue="q", waiting=4, due=2, held=1, expired=1, dead=1, oldest=late.due)
        assert r == Backlog(queue="r", waiting=1)

    def test_queues_are_named_by_what_is_kept_in_them(self, storage: Storage) -> None:
        """Parked work or other work; a queue that is empty by now has no name, nor has its past."""
        assert self._queues(storage) == ([], [])
        for name in ("p", "q", "r"):
            add(storage, job(name, name, queue=name), job(f"{name}2", "2", queue=name))
        for name in ("p", "r"):
            for held in claim(storage, queue=name):
                with storage.begin() as transaction:
                    transaction.settle(held, dead=name == "r" or held.id == "p", error="gone")

        assert self._queues(storage) == (["q"], ["p", "r"])
        with storage.begin() as transaction:
            transaction.replay("r", NOON)
            transaction.discard("p")
            transaction.enqueue([job("s", queue="s")])
            assert transaction.queues(dead=False) == ["q", "r", "s"]
            assert transaction.queues(dead=True) == ["r"]

    def test_a_place_says_what_it_is(self, open_storage: Callable[[], Storage]) -> None:
        """Before it is set up, too, which asking does not do; a clock of its own has a zone."""
        storage = open_storage()
        try:
            before = storage.describe()
            storage.setup()
            after = storage.describe()
        finally:
            storage.close()

        assert before.schema in ("", after.expected)
        assert (after.engine, after.schema) == (before.engine, after.expected)
        assert after.engine
        assert after.now is None or after.now.tzinfo is not None

    @staticmethod
    def _queues(storage: Storage) -> tuple[list[str], list[str]]:
        with storage.begin(write=False) as transaction:
            return list(transaction.queues(dead=False)), list(transaction.queues(dead=True))

    @staticmethod
    def _counts(storage: Storage) -> list[Backlog]:
        with storage.begin(write=False) as transaction:
            return list(transaction.backlog(NOON + MINUTE))
