"""What a unit of work on PostgreSQL says it will ask for: read together, and else without effect."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from plugins.sql.tests.helpers import NOON, link, raw, record

from marketplace_sdk import (
    DataSource,
    Marketplace,
    MarketplaceError,
    Question,
    ReviewFlow,
    Stage,
    group,
)
from marketplace_sdk.plugin import StaleRevision
from marketplace_sdk.testing import FrozenClock, MemoryPlatform
from marketplace_sdk_sql.line import Line

EVERY = ("thing", "all", ["x"])


@pytest.fixture
def url(postgres_url):
    return postgres_url


@contextmanager
def counted(monkeypatch):
    """How many round trips are made meanwhile; a commit for which nobody waits is one."""
    trips = []
    send = Line._send

    def sending(line, queue):
        trips.append([sql for sql, _, _ in queue])
        return send(line, queue)

    with monkeypatch.context() as patched:
        patched.setattr(Line, "_send", sending)
        yield trips


def add(storage, *ids):
    with storage.begin() as transaction:
        for id in ids:
            transaction.put(record(id), None)
            transaction.append([link(id, 1)])


def test_everything_that_was_foretold_comes_in_one_round_trip(storage, monkeypatch):
    """Records, the head of a chain and a list, however many calls foretold them."""
    add(storage, "a", "b")
    with storage.begin() as transaction, counted(monkeypatch) as trips:
        transaction.prefetch([("thing", "a")], ["a"])
        transaction.prefetch([("thing", "b"), ("thing", "gone")], lists=[EVERY])

        assert transaction.get("thing", "a").id == "a"
        assert transaction.get("thing", "b").id == "b"
        assert transaction.get("thing", "gone") is None
        assert transaction.head("a").sequence == 1
        assert [each.id for each in transaction.find("thing", [("all", ["x"])])] == ["a", "b"]

        assert len(trips) == 1
        assert sum("unnest" in sql for sql in trips[0]) == 1


def test_a_list_that_was_foretold_is_the_one_of_now(storage):
    """What the unit has written since belongs to it, as to every list."""
    add(storage, "a")
    with storage.begin() as transaction:
        transaction.prefetch(lists=[EVERY])
        transaction.put(record("b"), None)

        assert [each.id for each in transaction.find("thing", [("all", ["x"])])] == ["a", "b"]


def test_a_list_that_was_foretold_and_asked_for_is_looked_at_once_more(storage, reopen):
    """As if nobody had foretold it: who decided by it loses against who changed it."""
    other = reopen()
    with pytest.raises(StaleRevision), storage.begin() as slow:  # noqa: PT012  # the block is the rule
        slow.prefetch(lists=[EVERY])
        assert slow.find("thing", [("all", ["x"])]) == []
        add(other, "a")
        slow.put(record("b"), None)


def test_a_wrong_guess_costs_nobody_a_race(storage, reopen):
    """What was foretold and never asked for counts as not read."""
    other = reopen()
    add(other, "a")
    with storage.begin() as slow:
        slow.prefetch([("thing", "a"), ("thing", "c")], ["a", "c"], [EVERY])
        assert slow.get("thing", "unheard of") is None
        with other.begin() as quick:
            quick.put(record("a", 2), 1)
            quick.put(record("c"), None)
            quick.append([link("a", 2), link("c", 1)])
        slow.put(record("b"), None)

    assert sorted(raw(other, "SELECT id, revision FROM record")) == [("a", 2), ("b", 1), ("c", 1)]


def test_a_list_of_more_values_than_a_statement_has_is_not_foretold(storage):
    """It is read when it is asked for."""
    add(storage, "a")
    many = ["x", *(f"y{number}" for number in range(100))]
    with storage.begin() as transaction:
        transaction.prefetch(lists=[("thing", "all", many), ("thing", "all", [])])

        assert [each.id for each in transaction.find("thing", [("all", many)])] == ["a"]
        assert transaction.find("thing", [("all", [])]) == []


def test_what_was_foretold_before_a_claim_is_read_after_it(storage):
    """A claim begins anew, so nothing of before is on its way any more."""
    add(storage, "a")
    with storage.begin() as transaction:
        transaction.prefetch([("thing", "a")], ["a"], [EVERY])
        until = NOON + timedelta(minutes=1)
        transaction.claim("q", now=NOON, until=until, owner="w", limit=1, in_order=False)

        assert transaction.get("thing", "a").id == "a"
        assert transaction.head("a").sequence == 1
        assert [each.id for each in transaction.find("thing", [("all", ["x"])])] == ["a"]


@pytest.mark.parametrize("id", [[], ["a"], {}, 5, None, "a\0b", ""])
def test_what_is_no_id_is_refused_before_it_is_foretold(postgres_url, id):
    """As by a store that is told nothing ahead: with an error of ours."""
    made = Marketplace(postgres_url, connections={"lake": MemoryPlatform()}, plugins=())
    made.people.add("root", permissions=["USER_ADMIN", "GOVERNANCE"])
    try:
        for act in (
            lambda: made.requests.approve(id, reason="fine", by="root"),
            lambda: made.requests.cancel(id, by="root"),
            lambda: made.requests.revoke(id, reason="over", by="root"),
            lambda: made.requests.request_access(id, by="root"),
        ):
            with pytest.raises(MarketplaceError):
                act()
    finally:
        made.close()


def test_a_life_takes_few_round_trips(postgres_url, monkeypatch):
    """Asking, approving and revoking: what each reads comes at once or in two steps.

    The second step of a decision is what only the request names; two more trips look whether
    somebody is stuck.
    """
    made = Marketplace(
        postgres_url, connections={"lake": MemoryPlatform()}, clock=FrozenClock(), plugins=()
    )
    made.people.add("root", permissions=["USER_ADMIN", "GOVERNANCE"])
    made.people.add("uma", groups=["stewards"], by="root")
    made.people.add("con", principals={"lake": "con"}, by="root")
    made.domains.create("d", by="root")
    made.sources.register(DataSource("s", connection="lake", object="s.t"), by="root")
    made.domains.assign("d", ["s"], by="root")
    form = made.forms.create(
        "F",
        questions=[Question.short_answer("why", "Why?")],
        review=ReviewFlow.review(Stage.any_of(group("stewards"))),
        by="root",
    )
    product = made.products.publish("P", domain="d", sources=["s"], form=form.id, by="root").id

    def life():
        trips = {}
        with counted(monkeypatch) as made_trips:
            request = made.requests.request_access(product, answers={"why": "x"}, by="con")
            trips["ask"] = len(made_trips)
        with counted(monkeypatch) as made_trips:
            made.requests.approve(request.id, reason="fine", by="uma")
            trips["approve"] = len(made_trips)
        with counted(monkeypatch) as made_trips:
            made.requests.revoke(request.id, reason="over", by="root")
            trips["revoke"] = len(made_trips)
        return trips

    life()
    trips = life()
    made.close()

    assert trips == {"ask": 4, "approve": 3, "revoke": 3}
