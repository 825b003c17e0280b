"""Many at once (behaviour B): each item its own transaction and its own result."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace_sdk import (
    AccessRequest,
    AlreadyDetermined,
    AlreadyRequested,
    Duration,
    InvalidInput,
    MarketplaceError,
    NotAllowed,
    NotFound,
    Question,
    StaleRevision,
)
from marketplace_sdk.services._each import MOST
from tests.services.helpers import grant_of, kept, nothing_written, small_world, types_of
from tests.world import LEGAL, PRIVACY, any_of


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    url = "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/market.db"
    made = small_world(url)
    yield made
    made.close()


def asked(world, count, review=None):
    """Pending requests of con's on as many products."""
    form = world.form(review or any_of(LEGAL))
    return [world.ask(world.publish(form=form)) for _ in range(count)]


def test_a_list_is_approved_and_each_item_has_its_own_result(world):
    """What one may not decide, what is decided and what is not there hold up nothing."""
    good, decided, last = asked(world, 3)
    world.deny(decided, "bo")
    (foreign,) = asked(world, 1, any_of(PRIVACY))
    ids = [good.id, decided.id, "nowhere", foreign.id, last.id]

    results = world.market.requests.approve_each(ids, reason="fine", by="ana")

    assert [type(each) for each in results] == [
        AccessRequest, AlreadyDetermined, NotFound, NotFound, AccessRequest,
    ]  # fmt: skip
    assert (results[0].state, results[4].state) == ("approved", "approved")
    assert results[1].state == "denied"
    world.deliver()
    assert len(world.market.grants.of("con", by="con").items) == 2


def test_a_temporary_approval_of_many_ends_each(world):
    requests = asked(world, 2)

    results = world.market.requests.approve_each(
        (each.id for each in requests), reason="fine", until=Duration(3, "days"), by="ana"
    )

    until = Duration(3, "days").after(world.clock())
    assert [each.until for each in results] == [until, until]


def test_a_deputy_decides_a_list_for_their_steward(world):
    """What the deputyship does not cover is told as that item's result."""
    (one, two), now = asked(world, 2), world.clock()
    world.market.deputies.name("fay", until=now + timedelta(days=9), product=one.product, by="ana")

    results = world.market.requests.approve_each(
        [one.id, two.id], reason="fine", deputy_for="ana", by="fay"
    )

    assert [isinstance(each, MarketplaceError) for each in results] == [False, True]
    assert results[0].determinations[0].deputy_for == "ana"


@pytest.mark.parametrize(
    ("verb", "by", "state"),
    [("deny_each", "ana", "denied"), ("cancel_each", "con", "canceled")],
)
def test_many_are_denied_or_canceled(world, verb, by, state):
    one, gone, two = asked(world, 3)
    world.deny(gone, "bo")

    results = getattr(world.market.requests, verb)(
        [one.id, gone.id, two.id], reason="no need", by=by
    )

    assert [isinstance(each, MarketplaceError) for each in results] == [False, True, False]
    assert [world.state(each) for each in (one, gone, two)] == [state, "denied", state]


def test_what_many_gave_is_taken_back(world):
    one, waiting, two = asked(world, 3)
    world.market.requests.approve_each([one.id, two.id], reason="fine", by="ana")
    world.deliver()
    assert world.reads("con") == "clear"

    results = world.market.requests.revoke_each(
        [one.id, waiting.id, two.id], reason="project ended", by="dee"
    )

    assert [getattr(each, "state", None) for each in results] == ["revoked", "pending", "revoked"]
    assert isinstance(results[1], MarketplaceError)
    world.deliver()
    assert world.reads("con") == "none"


def test_an_id_that_is_named_twice_is_acted_on_once(world):
    """And its result stands in both places, so that ids and results go side by side."""
    one, two = asked(world, 2)

    results = world.market.requests.approve_each([one.id, two.id, one.id], reason="yes", by="ana")

    assert results[0] is results[2]
    assert [each.id for each in results] == [one.id, two.id, one.id]
    assert len(world.market.requests.get(one.id, by="con").determinations) == 1


def test_nothing_is_done_for_nothing(world):
    with nothing_written(world):
        assert world.market.requests.approve_each([], reason="fine", by="ana") == ()


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"ids": "one"}, "ids"),
        ({"ids": ["x"] * (MOST + 1)}, "ids"),
        ({"ids": ["fine", " "]}, "ids"),
        ({"ids": ["fine", 5]}, "ids"),
        ({"ids": {"fine": 1}}, "ids"),
        ({"reason": " "}, "reason"),
        ({"until": 5}, "until"),
        ({"determination": ""}, "determination"),
        ({"deputy_for": " "}, "deputy_for"),
        ({"revisions": {"other": 1}}, "revisions"),
        ({"revisions": ["fine"]}, "revisions"),
        ({"revisions": {"fine": True}}, "revisions"),
    ],
)
def test_what_is_wrong_for_all_is_refused_before_the_first(world, more, path):
    given = {"ids": ["fine"], "reason": "fine", **more}
    with nothing_written(world), pytest.raises(InvalidInput) as caught:
        world.market.requests.approve_each(given.pop("ids"), by="ana", **given)

    assert [each.path for each in caught.value.problems] == [path]


def test_who_cannot_act_is_refused_before_the_first(world):
    """Jobs and service accounts decide nothing; strangers and leavers are nobody."""
    (one,) = asked(world, 1)
    market = world.market
    market.people.add("bot", kind="service_account", owner="ana", groups=["Legal"], by="uma")
    market.people.add("eve", groups=["Legal"], by="uma")
    market.people.deactivate("eve", by="uma")
    job = market.as_system("nightly")

    with nothing_written(world):
        for by in ("bot", "eve", "nobody", None):
            for verb in ("approve_each", "deny_each"):
                with pytest.raises(NotAllowed):
                    getattr(market.requests, verb)([one.id], reason="fine", by=by)
            with pytest.raises(NotAllowed):
                market.requests.request_each([one.product], by=by)
        with pytest.raises(NotAllowed, match="only people do"):
            job.requests.approve_each([one.id], reason="fine")
        with pytest.raises(NotAllowed, match="only people do"):
            job.requests.request_each([one.product])


def test_what_has_changed_since_it_was_seen_is_refused_by_itself(world):
    """Revisions are given by id, for some or all."""
    seen, changed, unseen = asked(world, 3)
    world.market.requests.ask(changed.id, "Which?", by="bo")

    results = world.market.requests.approve_each(
        [seen.id, changed.id, unseen.id],
        reason="fine",
        revisions={seen.id: seen.revision, changed.id: changed.revision},
        by="ana",
    )

    assert [type(each) for each in results] == [AccessRequest, StaleRevision, AccessRequest]


class Interrupted(BaseException):
    """Somebody pressed a key."""


def test_an_interrupted_call_leaves_whole_items_and_may_be_made_again(world, monkeypatch):
    """With the same determination id what was done is not done again."""
    requests = asked(world, 3)
    ids = [each.id for each in requests]
    real, calls = world.market.requests.approve, []

    def approve(id, **more):
        if len(calls) == 1:
            raise Interrupted
        calls.append(id)
        return real(id, **more)

    with monkeypatch.context() as patched:
        patched.setattr(world.market.requests, "approve", approve)
        with pytest.raises(Interrupted):
            world.market.requests.approve_each(ids, reason="yes", determination="d", by="ana")
    assert [world.state(each) for each in requests] == ["approved", "pending", "pending"]
    once = types_of(world, f"request:{ids[0]}")

    results = world.market.requests.approve_each(ids, reason="yes", determination="d", by="ana")

    assert [each.state for each in results] == ["approved"] * 3
    assert types_of(world, f"request:{ids[0]}") == once
    before = kept(world)
    world.market.requests.approve_each(ids, reason="yes", determination="d", by="ana")
    assert kept(world) == before


def test_several_products_are_asked_for_at_once(world):
    """Each is a request of its own; one that is granted or unknown holds up nothing."""
    form = world.form(any_of(LEGAL))
    one, two, had = (world.publish(form=form) for _ in range(3))
    other = world.publish(
        form=world.form(any_of(LEGAL), questions=[Question.short_answer("which", "Which?")])
    )
    world.ask(had)

    results = world.market.requests.request_each(
        [one.id, two.id, had.id, "nowhere", other.id],
        answers={"why": "to count"},
        on_behalf_of="pat",
        by="con",
    )

    assert [type(each) for each in results] == [
        AccessRequest, AccessRequest, AccessRequest, NotFound, InvalidInput,
    ]  # fmt: skip
    assert {each.beneficiary.id for each in results[:3]} == {"pat"}
    (again,) = world.market.requests.request_each([had.id], answers={"why": "x"}, by="con")
    assert isinstance(again, AlreadyRequested)


def test_an_error_of_an_item_holds_no_frames(world):
    """A thousand of them would hold a thousand units of work."""
    (error,) = world.market.requests.approve_each(["nowhere"], reason="fine", by="ana")

    assert error.__traceback__ is None


@settings(max_examples=30, deadline=None)
@given(picked=st.lists(st.sampled_from(["good", "done", "gone", "else"]), max_size=6))
def test_results_are_what_one_call_each_would_give(picked):
    """Whatever is in the list, in whatever order."""
    made = small_world()
    good, done = asked(made, 2)
    (foreign,) = asked(made, 1, any_of(PRIVACY))
    made.deny(done, "bo")
    ids = {"good": good.id, "done": done.id, "gone": "nowhere", "else": foreign.id}
    kinds = {"good": AccessRequest, "done": AlreadyDetermined, "gone": NotFound, "else": NotFound}

    results = made.market.requests.approve_each(
        [ids[each] for each in picked], reason="fine", by="ana"
    )

    assert [type(each) for each in results] == [kinds[each] for each in picked]
    assert made.state(good) == ("approved" if "good" in picked else "pending")
    if "good" in picked:
        assert grant_of(made).state == "wanted"
    made.close()
