"""How a store hands out work."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from marketplace_sdk.errors import InvalidInput, StaleRevision
from marketplace_sdk.ports.storage import Storage, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def job(id: str, key: str = "k", *, due: datetime = NOON, queue: str = "q") -> Work:
    """Work to try a store with."""
    return Work(id=id, queue=queue, key=key, due=due, payload={"n": [id]})


def add(storage: Storage, *rows: Work) -> None:
    """Enqueue work, in a block of its own."""
    with storage.begin() as transaction:
        transaction.enqueue(rows)


def claim(
    storage: Storage,
    *,
    now: datetime = NOON,
    owner: str = "w1",
    limit: int = 10,
    in_order: bool = False,
    queue: str = "q",
) -> Sequence[Work]:
    """Claim work for a minute, in a block of its own."""
    with storage.begin() as transaction:
        return transaction.claim(
            queue, now=now, until=now + MINUTE, owner=owner, limit=limit, in_order=in_order
        )


def ids(rows: Sequence[Work]) -> list[str]:
    """The ids of work, in its order."""
    return [row.id for row in rows]


class WorkBehaviour:
    """Work: held by one, given back, retried, parked, replayed; nothing is lost or taken twice."""

    def test_claimed_work_is_held_and_counted(self, storage: Storage) -> None:
        """What comes back is what is stored: one attempt more, owner and lease set."""
        add(storage, job("a"))

        (held,) = claim(storage)

        assert (held.id, held.attempts, held.owner) == ("a", 1, "w1")
        assert held.leased_until == NOON + MINUTE
        assert held.payload == {"n": ["a"]}
        with storage.begin(write=False) as transaction:
            assert transaction.work("q") == [held]

    def test_work_with_a_known_id_is_not_added_twice(self, storage: Storage) -> None:
        """The first one stays as it is, whatever the second one says."""
        add(storage, job("a"))
        with storage.begin() as transaction:
            transaction.enqueue([job("a", "other", due=NOON + MINUTE), job("b"), job("b", "x")])

        with storage.begin(write=False) as transaction:
            assert [(row.id, row.key, row.due) for row in transaction.work("q")] == [
                ("a", "k", NOON),
                ("b", "k", NOON),
            ]

    def test_an_id_is_free_again_when_its_work_is_done(self, storage: Storage) -> None:
        """Only work that is kept keeps its id."""
        add(storage, job("a"))
        (held,) = claim(storage)
        with storage.begin() as transaction:
            transaction.settle(held)

        add(storage, job("a"))

        assert ids(claim(storage)) == ["a"]

    def test_work_is_not_claimed_before_it_is_due(self, storage: Storage) -> None:
        """Due means at this instant or before."""
        add(storage, job("now", "1"), job("later", "2", due=NOON + timedelta(microseconds=1)))

        assert ids(claim(storage)) == ["now"]
        assert ids(claim(storage, now=NOON + SECOND)) == ["later"]

    def test_queues_are_apart(self, storage: Storage) -> None:
        """A key that is held in one queue is free in another."""
        add(storage, job("a", queue="q"), job("b", queue="r"))

        assert ids(claim(storage, queue="q")) == ["a"]
        assert ids(claim(storage, queue="r")) == ["b"]
        assert claim(storage, queue="s") == []

    @pytest.mark.parametrize("in_order", [False, True])
    def test_all_due_work_of_a_key_is_taken_at_once(
        self, storage: Storage, *, in_order: bool
    ) -> None:
        """In the order of enqueueing, not of due times."""
        add(storage, job("a", due=NOON), job("b", due=NOON - MINUTE), job("c", due=NOON - SECOND))

        assert ids(claim(storage, limit=1, in_order=in_order)) == ["a", "b", "c"]

    def test_a_held_key_is_passed_over(self, storage: Storage) -> None:
        """Work that arrives while a key is held waits for the holder."""
        add(storage, job("a", "1"))
        claim(storage)
        add(storage, job("b", "1"), job("c", "2"))

        assert ids(claim(storage, owner="w2")) == ["c"]

    def test_a_settled_key_is_free(self, storage: Storage) -> None:
        """The next worker takes what arrived meanwhile."""
        add(storage, job("a"))
        (held,) = claim(storage)
        add(storage, job("b"))
        with storage.begin() as transaction:
            transaction.settle(held)

        assert ids(claim(storage, owner="w2")) == ["b"]

    def test_a_lease_that_ends_makes_work_claimable(self, storage: Storage) -> None:
        """A dead worker's work is taken by another, as a further attempt."""
        add(storage, job("a"))
        claim(storage, owner="w1")

        assert claim(storage, now=NOON + MINUTE - SECOND, owner="w2") == []
        (held,) = claim(storage, now=NOON + MINUTE, owner="w2")
        assert (held.owner, held.attempts) == ("w2", 2)

    def test_keys_are_chosen_by_earliest_due_and_counted_by_the_limit(
        self, storage: Storage
    ) -> None:
        """The limit counts keys, and rows of one key stand together."""
        add(
            storage,
            job("c1", "c", due=NOON - 1 * SECOND),
            job("a1", "a", due=NOON - 2 * SECOND),
            job("b1", "b", due=NOON - 3 * SECOND),
            job("a2", "a", due=NOON - 9 * SECOND),
            job("c2", "c", due=NOON),
        )

        assert ids(claim(storage, limit=2)) == ["a1", "a2", "b1"]
        assert ids(claim(storage, limit=2)) == ["c1", "c2"]
        assert claim(storage, limit=2) == []

    def test_a_limit_of_zero_claims_nothing(self, storage: Storage) -> None:
        """No keys, no work."""
        add(storage, job("a"))

        assert claim(storage, limit=0) == []

    def test_in_order_stops_before_the_first_that_is_not_due(self, storage: Storage) -> None:
        """What was enqueued behind it waits, also when it is due itself."""
        add(storage, job("a"), job("b"), job("c", due=NOON + MINUTE), job("d"))

        assert ids(claim(storage, in_order=True)) == ["a", "b"]

    def test_in_order_waits_for_a_head_that_is_retried(self, storage: Storage) -> None:
        """Later work of the key does not overtake a failed head; other keys go on."""
        add(storage, job("a", "1"), job("b", "1"), job("c", "2"))
        first = claim(storage, limit=1, in_order=True)
        assert ids(first) == ["a", "b"]
        with storage.begin() as transaction:
            for row in first:
                transaction.settle(row, retry_at=NOON + (MINUTE if row.id == "a" else SECOND))

        assert ids(claim(storage, now=NOON + 2 * SECOND, limit=1, in_order=True)) == ["c"]
        assert claim(storage, now=NOON + 2 * SECOND, in_order=True) == []
        assert ids(claim(storage, now=NOON + MINUTE, in_order=True)) == ["a", "b"]

    def test_out_of_order_takes_what_is_due(self, storage: Storage) -> None:
        """Without an order a later head holds nothing up."""
        add(storage, job("a", due=NOON + MINUTE), job("b"))

        assert ids(claim(storage)) == ["b"]

    def test_parked_work_does_not_hold_up_the_order(self, storage: Storage) -> None:
        """A dead letter leaves the line until it is replayed."""
        add(storage, job("a"), job("b"))
        first, second = claim(storage, in_order=True)
        with storage.begin() as transaction:
            transaction.settle(first, dead=True)
            transaction.settle(second, retry_at=NOON)

        assert ids(claim(storage, in_order=True)) == ["b"]

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

    @pytest.mark.parametrize(
        "how", [{}, {"retry_at": NOON}, {"dead": True}], ids=["done", "retry", "parked"]
    )
    def test_who_lost_work_cannot_settle_it(self, storage: Storage, how: dict[str, object]) -> None:
        """A worker whose lease ended and whose work another took gets StaleRevision."""
        add(storage, job("a"))
        (lost,) = claim(storage, owner="w1")
        (held,) = claim(storage, now=NOON + MINUTE, owner="w2")

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.settle(lost, **how)  # type: ignore[arg-type]

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

    def test_an_owner_without_a_name_is_refused(self, storage: Storage) -> None:
        """Empty text means that nobody holds it."""
        with pytest.raises(InvalidInput):
            claim(storage, owner="")

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

    def test_ten_thousand_timers_cost_a_claim_nothing(self, storage: Storage) -> None:
        """Only what is due is looked at, and only as much of it as is wanted."""
        with storage.begin() as transaction:
            transaction.enqueue(
                [job(f"t{n}", f"k{n}", due=NOON + n * SECOND) for n in range(10_000)]
            )

        assert ids(claim(storage, now=NOON + 5 * SECOND)) == [f"t{n}" for n in range(6)]
        held = claim(storage, now=NOON + 20_000 * SECOND, limit=3, in_order=True)
        assert ids(held) == ["t0", "t1", "t2"]

    def test_threads_that_claim_at_once_share_the_work(self, storage: Storage) -> None:
        """Everything is taken, and nothing twice."""
        add(storage, *(job(f"{n}", f"k{n}") for n in range(40)))
        together = threading.Barrier(4)
        taken: list[str] = []

        def labour(owner: str) -> None:
            together.wait()
            while rows := claim(storage, owner=owner, limit=3):
                taken.extend(ids(rows))

        threads = [threading.Thread(target=labour, args=(f"w{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(taken, key=int) == [str(n) for n in range(40)]
