"""Two people at once: exactly one outcome, and the other is told which."""

from __future__ import annotations

import threading

import pytest

from marketplace_sdk import (
    AlreadyDetermined,
    AlreadyRequested,
    Conflict,
    DuplicateName,
    Duration,
    Emergency,
    MarketplaceError,
    ReviewFlow,
    Seat,
    Stage,
    user,
)
from tests.services.helpers import kept, small_world, types_of
from tests.world import LEGAL, PRIVACY, all_of, any_of

ROUNDS = 8


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def storage_url(storage_url):
    """On PostgreSQL as well, where writers do not take turns."""
    return storage_url


@pytest.fixture
def shared(storage_url):
    """A marketplace on each storage."""
    made = small_world(storage_url)
    yield made
    made.close()


def race(*acts):
    """Every act in a thread of its own, begun at once; what each returned or raised."""
    barrier = threading.Barrier(len(acts))
    results = [None] * len(acts)

    def run(place, act):
        barrier.wait()
        try:
            results[place] = act()
        except Exception as error:  # noqa: BLE001  # an answer too
            results[place] = error

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def split(results):
    won = [each for each in results if not isinstance(each, Exception)]
    lost = [each for each in results if isinstance(each, Exception)]
    assert all(isinstance(each, MarketplaceError) for each in lost), lost
    return won, lost


def test_two_stewards_who_act_at_once_have_one_outcome(shared):
    """E26, E27: the first commit wins; the loser gets a typed conflict with the final state."""
    for number in range(ROUNDS):
        request = shared.ask(shared.publish(any_of(LEGAL)))
        first, second = ("ana", "bo") if number % 2 else ("bo", "ana")

        won, lost = split(
            race(
                lambda request=request, first=first: shared.approve(request, first),
                lambda request=request, second=second: shared.deny(request, second),
            )
        )

        assert (len(won), len(lost)) == (1, 1)
        assert isinstance(lost[0], AlreadyDetermined)
        assert lost[0].state == won[0].state == shared.state(request)
        shared.deliver()
        assert shared.reads("con") == ("clear" if won[0].state == "approved" else "none")
        finals = [
            t
            for t in types_of(shared, f"request:{request.id}")
            if t in {"request.approved", "request.denied"}
        ]
        assert len(finals) == 1
        if won[0].state == "approved":
            shared.market.requests.revoke(request.id, reason="next round", by="dee")
            shared.deliver()


def test_of_a_steward_and_their_deputy_at_once_one_voice_counts(shared):
    """ADR 0007: whoever comes second is told that the steward has determined."""
    shared.market.deputies.name("sal", until=Duration(1, "weeks"), by="ana")
    flow = ReviewFlow.review(Stage.any_of(Seat(LEGAL, approvals=2)))
    for number in range(ROUNDS):
        request = shared.ask(shared.publish(flow))
        acts = [
            lambda request=request: shared.approve(request, "ana"),
            lambda request=request: shared.approve(request, "sal", deputy_for="ana"),
        ]

        won, lost = split(race(*(acts if number % 2 else reversed(acts))))

        assert (len(won), len(lost)) == (1, 1)
        assert isinstance(lost[0], AlreadyDetermined)
        found = shared.market.requests.get(request.id, by="gil")
        assert (found.state, len(found.determinations)) == ("pending", 1)
        assert types_of(shared, f"request:{request.id}").count("request.determined") == 1


def test_two_approvals_of_an_all_at_once_both_count(shared):
    """Neither is lost, and the grant is made once."""
    for _ in range(ROUNDS):
        request = shared.ask(shared.publish(all_of(LEGAL, PRIVACY)))

        won, lost = split(
            race(
                lambda request=request: shared.approve(request, "ana"),
                lambda request=request: shared.approve(request, "cy"),
            )
        )

        assert (len(won), lost) == (2, [])
        assert shared.state(request) == "approved"
        assert sorted(each.state for each in won) == ["approved", "pending"]
        assert len(shared.market.requests.get(request.id, by="gil").determinations) == 2


def test_the_same_wish_at_once_is_filed_once(shared):
    """AlreadyRequested carries the id of the one that was first."""
    product = shared.publish(any_of(LEGAL))

    won, lost = split(race(*[lambda: shared.ask(product)] * 4))

    assert (len(won), len(lost)) == (1, 3)
    assert {type(each) for each in lost} == {AlreadyRequested}
    assert {each.existing for each in lost} == {won[0].id}


def test_the_glass_is_broken_once_at_a_time(shared):
    """One grant, one alarm; the others are told whose it is."""
    rule = Emergency(
        duration=Duration(1, "hours"), review_within=Duration(1, "days"), who=[user("con")]
    )
    product = shared.publish(any_of(LEGAL), emergency=rule)
    requests = shared.market.requests

    won, lost = split(race(*[lambda: requests.break_glass(product.id, reason="now", by="con")] * 4))

    assert (len(won), {type(each) for each in lost}) == (1, {AlreadyRequested})
    assert {each.existing for each in lost} == {won[0].id}
    assert len(shared.market.grants.of("con", by="con").items) == 1
    assert shared.told("ana").count("emergency_opened") == 1


def test_two_reviews_of_one_emergency_have_one_finding(shared):
    """And the access is what the finding that counts says."""
    rule = Emergency(
        duration=Duration(1, "hours"), review_within=Duration(1, "days"), who=[user("con")]
    )
    product = shared.publish(any_of(LEGAL), emergency=rule)
    requests = shared.market.requests
    for number in range(ROUNDS):
        request = requests.break_glass(product.id, reason="now", by="con")

        won, lost = split(
            race(
                *[
                    lambda id=request.id, by=by, said=said: requests.review_emergency(
                        id, justified=said, reason="so", by=by
                    )
                    for by, said in (("ana", number % 2 == 0), ("bo", number % 2 == 1))
                ]
            )
        )

        assert (len(won), [type(each) for each in lost]) == (1, [AlreadyDetermined])
        found = requests.get(request.id, by="gil")
        assert found.emergency == won[0].emergency
        assert found.state == ("approved" if found.emergency.review.justified else "revoked")
        if found.state == "approved":
            requests.revoke(request.id, reason="next round", by="dee")
        else:
            requests.settle_emergency(request.id, reason="next round", by="gil")


def test_the_same_determination_sent_twice_counts_once(shared):
    """A client that repeats itself."""
    request = shared.ask(shared.publish(any_of(LEGAL)))

    won, lost = split(race(*[lambda: shared.approve(request, "ana", determination="d")] * 3))

    assert (len(won), lost) == (3, [])
    assert len(shared.market.requests.get(request.id, by="gil").determinations) == 1


def test_a_name_is_taken_once(shared):
    """Two products of one name at once."""
    form = shared.form(any_of(LEGAL))

    won, lost = split(race(*[lambda: shared.publish(form=form, name="Sales")] * 3))

    assert (len(won), {type(each) for each in lost}) == (1, {DuplicateName})
    assert len(shared.market.products.search("sales", by="con")) == 1


def test_a_cancellation_and_an_approval_at_once(shared):
    """Exactly one of them; the effect follows it."""
    for _ in range(ROUNDS):
        request = shared.ask(shared.publish(any_of(LEGAL)))

        won, lost = split(
            race(
                lambda request=request: shared.approve(request, "ana"),
                lambda request=request: shared.market.requests.cancel(request.id, by="con"),
            )
        )

        assert (len(won), len(lost)) == (1, 1)
        shared.deliver()
        assert shared.state(request) == won[0].state
        assert shared.reads("con") == ("clear" if won[0].state == "approved" else "none")
        if won[0].state == "approved":
            shared.market.requests.revoke(request.id, reason="next round", by="dee")
            shared.deliver()


def test_a_deletion_and_an_approval_at_once_leave_nothing_behind(shared):
    """Whichever is first, nobody has access to a deleted product."""
    for _ in range(ROUNDS):
        product = shared.publish(any_of(LEGAL))
        request = shared.ask(product)

        results = race(
            lambda request=request: shared.approve(request, "ana"),
            lambda product=product: shared.market.products.delete(
                product.id, cascade=True, by="dee"
            ),
        )

        split(results)
        shared.deliver()
        assert shared.market.products.get(product.id, by="dee").state == "deleted"
        assert shared.state(request) in {"canceled", "revoked"}
        assert shared.reads("con") == "none"


def test_a_lost_race_writes_nothing(shared):
    """The loser's unit of work is undone as a whole."""
    request = shared.ask(shared.publish(any_of(LEGAL)))
    shared.deny(request, "ana")
    before = kept(shared)

    with pytest.raises(Conflict):
        shared.approve(request, "bo")

    assert kept(shared) == before


def test_the_first_person_is_added_once(storage_url):
    """Two bootstraps at once."""
    from marketplace_sdk import Marketplace

    with Marketplace(storage_url) as market:
        won, lost = split(
            race(
                *[
                    lambda name=name: market.people.add(name, permissions=["USER_ADMIN"])
                    for name in ("a", "b", "c")
                ]
            )
        )
        assert (len(won), len(lost)) == (1, 2)
        assert len(market.people.find(by=won[0].id)) == 1
