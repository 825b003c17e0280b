"""How a store takes work back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from marketplace_sdk.errors import InvalidInput, StaleRevision, StorageError
from marketplace_sdk.testing.conformance._storage_examples import (
    MINUTE,
    NOON,
    NOT_TEXT,
    SECOND,
    add,
    at_once,
    claim,
    ids,
    job,
)

if TYPE_CHECKING:
    from marketplace_sdk.ports.storage import Storage

__all__ = ["SettleChecks"]


class SettleChecks:
    """Settling: done, to be retried or parked, and only by who holds it in this attempt."""

    def test_a_settled_key_is_free(self, storage: Storage) -> None:
        """The next worker takes what arrived meanwhile."""
        add(storage, job("a"))
        (held,) = claim(storage)
        add(storage, job("b"))
        with storage.begin() as transaction:
            transaction.settle(held)

        assert ids(claim(storage, owner="w2")) == ["b"]

    def test_an_id_is_free_again_when_its_work_is_done(self, storage: Storage) -> None:
        """Only work that is kept keeps its id."""
        add(storage, job("a"))
        (held,) = claim(storage)
        with storage.begin() as transaction:
            transaction.settle(held)

        add(storage, job("a"))

        assert ids(claim(storage)) == ["a"]

    def test_done_work_is_gone(self, storage: Storage) -> None:
        """Settled without more, it is removed."""
        add(storage, job("a"))
        (held,) = claim(storage)

        with storage.begin() as transaction:
            transaction.settle(held)

        with storage.begin(write=False) as transaction:
            assert transaction.work("q") == []

    def test_work_to_be_retried_is_free_with_its_error(self, storage: Storage) -> None:
        """It keeps its attempts and waits for its time."""
        add(storage, job("a"))
        (held,) = claim(storage)

        with storage.begin() as transaction:
            transaction.settle(held, retry_at=NOON + MINUTE, error="503")

        with storage.begin(write=False) as transaction:
            (row,) = transaction.work("q")
        assert (row.attempts, row.owner, row.leased_until) == (1, "", None)
        assert (row.due, row.error, row.dead) == (NOON + MINUTE, "503", False)
        assert claim(storage) == []

    def test_parked_work_does_not_hold_up_the_order(self, storage: Storage) -> None:
        """A dead letter leaves the line until it is replayed."""
        add(storage, job("a"), job("b"))
        first, second = claim(storage, in_order=True)
        with storage.begin() as transaction:
            transaction.settle(first, dead=True)
            transaction.settle(second, retry_at=NOON)

        assert ids(claim(storage, in_order=True)) == ["b"]

    def test_parked_work_waits_for_a_replay(self, storage: Storage) -> None:
        """It is listed as dead, never claimed, and comes back with no attempts."""
        add(storage, job("a"), job("b", "2"))
        held = claim(storage, limit=1)[0]
        with storage.begin() as transaction:
            transaction.settle(held, dead=True, error="gone")

        assert ids(claim(storage, now=NOON + 9 * MINUTE)) == ["b"]
        with storage.begin() as transaction:
            (parked,) = transaction.work("q", dead=True)
            assert (parked.id, parked.dead, parked.error) == ("a", True, "gone")
            assert ids(transaction.work("q", dead=False)) == ["b"]
            assert transaction.replay("a", NOON + 9 * MINUTE + SECOND) is True

        (again,) = claim(storage, now=NOON + 9 * MINUTE + SECOND)
        assert (again.id, again.attempts, again.dead) == ("a", 1, False)

    def test_only_parked_work_can_be_replayed(self, storage: Storage) -> None:
        """There is nothing to bring back otherwise."""
        add(storage, job("a"))

        with storage.begin() as transaction:
            assert transaction.replay("a", NOON) is False
            assert transaction.replay("unknown", NOON) is False

    def test_work_with_the_id_of_parked_work_is_not_added(self, storage: Storage) -> None:
        """A dead letter is kept, so its id is known."""
        add(storage, job("a"))
        (held,) = claim(storage)
        with storage.begin() as transaction:
            transaction.settle(held, dead=True, error="gone")

        add(storage, job("a", due=NOON - MINUTE))

        with storage.begin(write=False) as transaction:
            assert [(row.id, row.dead, row.error) for row in transaction.work("q")] == [
                ("a", True, "gone")
            ]

    @pytest.mark.parametrize(
        "how", [{}, {"retry_at": NOON}, {"dead": True}], ids=["done", "retry", "parked"]
    )
    def test_who_lost_work_cannot_settle_it(self, storage: Storage, how: dict[str, object]) -> None:
        """A worker whose lease ended and whose work another took gets StaleRevision."""
        add(storage, job("a"))
        (lost,) = claim(storage, owner="w1")
        (held,) = claim(storage, now=NOON + MINUTE, owner="w2")

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.settle(lost, **how)  # type: ignore[arg-type]  # of several types, as the cases above

        with storage.begin(write=False) as transaction:
            assert transaction.work("q") == [held]

    def test_an_earlier_attempt_of_the_same_worker_is_lost_too(self, storage: Storage) -> None:
        """The attempt counts, not only the name."""
        add(storage, job("a"))
        (lost,) = claim(storage)
        claim(storage, now=NOON + MINUTE)

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.settle(lost)

    def test_work_cannot_be_settled_twice(self, storage: Storage) -> None:
        """Given back is given back."""
        add(storage, job("a"), job("b", "2"))
        done, retried = claim(storage)
        with storage.begin() as transaction:
            transaction.settle(done)
            transaction.settle(retried, retry_at=NOON)

        for row in (done, retried):
            with pytest.raises(StaleRevision), storage.begin() as transaction:
                transaction.settle(row)

    def test_work_that_nobody_holds_cannot_be_settled(self, storage: Storage) -> None:
        """It has to be claimed first."""
        add(storage, job("a"))
        with storage.begin() as transaction:
            (free,) = transaction.work("q")

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.settle(free)

    def test_an_ended_lease_that_nobody_took_can_be_settled(self, storage: Storage) -> None:
        """Late is no harm as long as the attempt is still the last one."""
        add(storage, job("a"))
        (held,) = claim(storage)
        assert claim(storage, now=NOON + MINUTE, queue="other") == []

        with storage.begin() as transaction:
            transaction.settle(held)

        with storage.begin(write=False) as transaction:
            assert transaction.work("q") == []

    @pytest.mark.parametrize("text", NOT_TEXT)
    def test_an_error_that_is_no_text_is_refused(self, storage: Storage, text: str) -> None:
        """NUL and half a surrogate pair are refused, and the work stays as it was claimed."""
        add(storage, job("a"))
        (held,) = claim(storage)

        for how in ({"dead": True}, {"retry_at": NOON}):
            with pytest.raises(InvalidInput), storage.begin() as transaction:
                transaction.settle(held, error=text, **how)

        with storage.begin(write=False) as transaction:
            assert transaction.work("q") == [held]

    def test_of_threads_that_settle_the_same_attempt_one_succeeds(self, storage: Storage) -> None:
        """What comes of the work is decided once."""
        add(storage, job("a"))
        (held,) = claim(storage)

        def settle(error: str) -> str:
            try:
                with storage.begin() as transaction:
                    transaction.settle(held, retry_at=NOON, error=error)
            except StaleRevision:
                return ""
            except StorageError as refusal:
                return "" if refusal.retryable else f"refused: {refusal}"
            return error

        results = at_once(*(partial(settle, error) for error in ("1", "2", "3", "4")))

        (winner,) = filter(None, results)
        with storage.begin(write=False) as transaction:
            (row,) = transaction.work("q")
        assert (row.error, row.owner, row.attempts) == (winner, "", 1)

    def test_work_is_listed_by_due_time(self, storage: Storage) -> None:
        """Oldest due first, at most so many."""
        add(
            storage,
            job("c", due=NOON + SECOND),
            job("a", due=NOON - SECOND),
            job("b"),
            job("x", queue="other"),
        )

        with storage.begin(write=False) as transaction:
            assert ids(transaction.work("q")) == ["a", "b", "c"]
            assert ids(transaction.work("q", limit=2)) == ["a", "b"]
            assert ids(transaction.work("q", dead=False, limit=1)) == ["a"]
            assert transaction.work("q", dead=True) == []
            assert transaction.work("q", limit=0) == []

    def test_pages_of_work_join_where_due_times_are_equal(self, storage: Storage) -> None:
        """Each begins behind the due time and the id of the last row, also when that has gone."""
        add(storage, *(job(id, id, due=NOON) for id in ("é", "b", "B", "a", "_")))
        add(storage, job("0", "0", due=NOON + SECOND), job("z", "z", due=NOON - SECOND))
        add(storage, job("x", "x", queue="other"))
        with storage.begin() as transaction:
            for held in transaction.claim(
                "q", now=NOON + MINUTE, until=NOON + MINUTE * 2, owner="w", limit=9, in_order=True
            ):
                transaction.settle(held, dead=held.id not in {"b", "0"}, retry_at=held.due)

        for dead, expected in (
            (None, ["z", "B", "_", "a", "b", "é", "0"]),
            (True, ["z", "B", "_", "a", "é"]),
            (False, ["b", "0"]),
        ):
            with storage.begin(write=False) as transaction:
                found = list(transaction.work("q", dead=dead, limit=2))
                while more := transaction.work(
                    "q", dead=dead, after=(found[-1].due, found[-1].id), limit=2
                ):
                    found += more
            assert ids(found) == expected

        with storage.begin() as transaction:
            assert transaction.discard("a")
            rest = transaction.work("q", dead=True, after=(NOON, "a"))
            assert ids(rest) == ["é"]

    def test_an_exception_undoes_what_was_done_to_work(self, storage: Storage) -> None:
        """Enqueueing, claiming and settling are part of the block like everything else."""
        add(storage, job("a"))

        with pytest.raises(LookupError), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
            transaction.enqueue([job("b")])
            held = transaction.claim(
                "q", now=NOON, until=NOON + MINUTE, owner="w", limit=9, in_order=True
            )
            assert ids(held) == ["a", "b"]
            transaction.settle(held[0])
            transaction.settle(held[1], dead=True)
            assert ids(transaction.work("q")) == ["b"]
            raise LookupError

        with storage.begin(write=False) as transaction:
            (row,) = transaction.work("q")
            assert (row.id, row.attempts, row.owner) == ("a", 0, "")

    def test_a_reader_sees_the_work_of_one_moment(self, storage: Storage) -> None:
        """A claim that is committed meanwhile does not show."""
        add(storage, job("a"))

        with storage.begin(write=False) as reader:
            before = reader.work("q")
            claim(storage)
            add(storage, job("b"))
            assert reader.work("q") == before
