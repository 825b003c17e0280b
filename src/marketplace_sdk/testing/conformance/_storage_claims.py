"""How a store hands out work."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from marketplace_sdk.errors import InvalidInput
from marketplace_sdk.testing.conformance._storage_examples import (
    HOSTILE,
    MINUTE,
    NOON,
    NOT_TEXT,
    PLAIN,
    SECOND,
    Meeting,
    add,
    at_once,
    claim,
    exact,
    ids,
    job,
    persist,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marketplace_sdk.ports.storage import Storage, Work

__all__ = ["ClaimChecks"]


class ClaimChecks:
    """Claims: due work is held by one worker, in its order, until the lease ends."""

    def test_claimed_work_is_held_and_counted(self, storage: Storage) -> None:
        """What comes back is what is stored: one attempt more, owner and lease set."""
        add(storage, job("a"))

        (held,) = claim(storage)

        assert (held.id, held.attempts, held.owner) == ("a", 1, "w1")
        assert held.leased_until == NOON + MINUTE
        assert held.payload == {"n": ["a"]}
        with storage.begin(write=False) as transaction:
            assert transaction.work("q") == [held]

    def test_the_payload_of_work_survives(self, storage: Storage) -> None:
        """Plain data of every type, and a copy on the way in and on the way out."""
        payload = deepcopy(dict(PLAIN))
        with storage.begin() as transaction:
            transaction.enqueue([evolve(job("a"), payload=payload)])
            payload["later"] = True
            for row in transaction.work("q"):
                row.payload["numbers"].clear()

        (held,) = claim(storage)

        assert exact(held.payload) == exact(PLAIN)

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_in_work_is_only_text(self, storage: Storage, text: str) -> None:
        """Ids, queues and keys are kept to the letter."""
        add(storage, job(text, text, queue="q" + text), job("other", text + " ", queue="q" + text))

        held = claim(storage, queue="q" + text, limit=1, owner="w" + text)

        assert [(row.id, row.key, row.owner) for row in held] == [(text, text, "w" + text)]

    @pytest.mark.parametrize("text", NOT_TEXT)
    @pytest.mark.parametrize("place", ["id", "queue", "key", "error"])
    def test_what_is_no_text_is_in_no_work(self, storage: Storage, place: str, text: str) -> None:
        """NUL and half a surrogate pair are refused, and nothing is written."""
        row = {
            "id": job(text),
            "queue": job("b", queue=text),
            "key": job("b", text),
            "error": evolve(job("b"), error=text),
        }[place]

        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.enqueue([job("a"), row])

        with storage.begin(write=False) as transaction:
            assert transaction.work("q") == []

    def test_work_that_is_not_plain_data_is_refused(self, storage: Storage) -> None:
        """What cannot be kept faithfully is InvalidInput, and nothing is written."""
        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.enqueue([job("a"), evolve(job("b"), payload={"x": object()})])

        with storage.begin(write=False) as transaction:
            assert transaction.work("q") == []

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

    def test_an_owner_without_a_name_is_refused(self, storage: Storage) -> None:
        """Empty text means that nobody holds it."""
        with pytest.raises(InvalidInput):
            claim(storage, owner="")

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
        names = [f"{number}" for number in range(40)]
        add(storage, *(job(name, f"k{name}") for name in names))

        def labour(owner: str) -> list[str]:
            taken: list[str] = []
            for _ in names:
                taken += ids(persist(partial(claim, storage, owner=owner, limit=3)))
            return taken

        shares = at_once(*(partial(labour, owner) for owner in ("w1", "w2", "w3", "w4")))

        assert sorted((id for share in shares for id in share), key=int) == names

    def test_of_threads_that_claim_one_key_one_gets_it(self, storage: Storage) -> None:
        """When it is new, and again when the lease of a dead worker has ended."""
        add(storage, job("a"), job("b"))
        owners = ("w1", "w2", "w3", "w4")

        for attempt in (1, 2, 3):
            now = NOON + attempt * MINUTE
            take = partial(claim, storage, now=now, in_order=True)
            shares = at_once(*(partial(persist, partial(take, owner=owner)) for owner in owners))

            (held,) = filter(None, shares)
            assert [(row.id, row.attempts) for row in held] == [("a", attempt), ("b", attempt)]

    def test_claims_of_units_that_overlap_are_apart(self, storage: Storage) -> None:
        """What a unit has taken and not yet committed is nobody else's."""
        add(storage, *(job(name, f"k{name}") for name in "abcd"))
        meeting = Meeting(2)

        def take(owner: str) -> list[str]:
            with storage.begin() as transaction:
                rows = transaction.claim(
                    "q", now=NOON, until=NOON + MINUTE, owner=owner, limit=2, in_order=False
                )
                meeting.wait()
            return ids(rows)

        shares = at_once(*(partial(persist, partial(take, owner)) for owner in ("w1", "w2")))
        shares.append(ids(claim(storage, owner="w3")))

        assert sorted(id for share in shares for id in share) == ["a", "b", "c", "d"]

    def test_threads_do_the_work_of_a_key_in_its_order(self, storage: Storage) -> None:
        """Also when the head has to be tried again, and whoever takes it next."""
        keys = ["k1", "k2"]
        add(storage, *(job(f"{key}/{n}", key) for n in range(8) for key in keys))
        done: list[str] = []

        def labour(owner: str, seconds: range) -> None:
            for second in seconds:
                now = NOON + second * SECOND
                take = partial(claim, storage, now=now, owner=owner, limit=1, in_order=True)
                done.extend(persist(partial(_do, storage, persist(take), now)))

        at_once(*(partial(labour, owner, range(20)) for owner in ("w1", "w2", "w3")))
        labour("w4", range(40, 60))

        for key in keys:
            assert [id for id in done if id.startswith(key)] == [f"{key}/{n}" for n in range(8)]


def _do(storage: Storage, rows: Sequence[Work], now: datetime) -> list[str]:
    """Do claimed work up to the first that fails: number 2 at first, later number 5."""
    done: list[str] = []
    failed = False
    with storage.begin() as transaction:
        for row in rows:
            if failed:
                transaction.settle(row, retry_at=now)
            elif row.attempts == {"2": 1, "5": 2}.get(row.id[-1]):
                failed = True
                transaction.settle(row, retry_at=now + 5 * SECOND)
            else:
                transaction.settle(row)
                done.append(row.id)
    return done
