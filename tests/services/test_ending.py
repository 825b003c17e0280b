"""How access ends: cancel, revoke, relinquish, expire, and people who leave."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import (
    DuplicateName,
    Duration,
    InvalidInput,
    NotAllowed,
    NotFound,
    TransitionNotAllowed,
)
from tests.services.helpers import grant_of, nothing_written, types_of
from tests.world import LEGAL, PRIVACY, all_of, any_of

FORBIDDEN = (NotAllowed, NotFound)


@pytest.mark.parametrize("who", ["con", "pat", "gil"])
def test_requester_beneficiary_and_governance_cancel(small, who):
    """E18; nobody is trapped in a request of a leaver."""
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)), on_behalf_of="pat")
    small.approve(request, "ana")

    for other in ("dee", "bo", "aud", "sal"):
        with nothing_written(small), pytest.raises(FORBIDDEN):
            small.market.requests.cancel(request.id, by=other)
    canceled = small.market.requests.cancel(request.id, by=who)

    cause = {"con": "requester", "pat": "beneficiary", "gil": "governance"}[who]
    assert (canceled.state, canceled.cause) == ("canceled", cause)
    assert len(small.sent("data_product.access_requests.canceled")) == 1
    for steward in ("ana", "bo", "cy"):
        assert "request_canceled" in small.told(steward)
    assert small.reads("pat") == "none"


@pytest.mark.parametrize("state", ["approved", "denied", "canceled", "revoked", "expired"])
def test_nothing_but_a_pending_request_is_canceled(small, state):
    """E19: an approval is relinquished or revoked; the others are over."""
    request = small.ask(small.publish(any_of(LEGAL)))
    requests = small.market.requests
    if state == "denied":
        small.deny(request, "ana")
    elif state == "canceled":
        requests.cancel(request.id, by="con")
    else:
        small.approve(request, "ana", until=timedelta(days=1))
    if state == "revoked":
        requests.revoke(request.id, reason="x", by="dee")
    elif state == "expired":
        small.clock.advance(days=1)

    with nothing_written(small), pytest.raises(TransitionNotAllowed) as caught:
        requests.cancel(request.id, by="con")
    assert caught.value.state == state
    if state == "approved":
        assert "relinquish" in str(caught.value)
        return
    for end in (requests.revoke, requests.relinquish):
        with nothing_written(small), pytest.raises(TransitionNotAllowed):
            end(request.id, reason="x", by="dee" if end == requests.revoke else "con")


@pytest.mark.parametrize("who", ["gil", "dee", "ana"])
def test_governance_managers_and_stewards_revoke(small, who):
    """R11: with a reason; both sides are told, one event, access gone."""
    request = small.ask(small.publish(any_of(LEGAL)), on_behalf_of="pat")
    small.approve(request, "bo")
    small.deliver()
    for other in ("con", "pat", "dan", "cy", "uma", "aud"):
        with nothing_written(small), pytest.raises(FORBIDDEN):
            small.market.requests.revoke(request.id, reason="x", by=other)
    with nothing_written(small), pytest.raises(InvalidInput):
        small.market.requests.revoke(request.id, reason="", by=who)

    small.market.requests.revoke(request.id, reason="left", by=who)
    small.deliver()

    assert small.reads("pat") == "none"
    assert len(small.sent("data_product.access_requests.revoked")) == 1
    for side in ("con", "pat"):
        assert small.told(side).count("access_revoked") == 1
    assert types_of(small, f"request:{request.id}")[-1] == "request.revoked"


def test_one_gives_up_what_one_has(small):
    """E20: the beneficiary, status revoked; nobody else, not even the requester for another."""
    request = small.ask(small.publish(any_of(LEGAL)), on_behalf_of="pat")
    small.approve(request, "ana")
    small.deliver()

    for other in ("con", "dee", "gil"):
        with nothing_written(small), pytest.raises(FORBIDDEN):
            small.market.requests.relinquish(request.id, by=other)
    done = small.market.requests.relinquish(request.id, by="pat")
    small.deliver()

    assert (done.state, done.cause, small.reads("pat")) == ("revoked", "relinquished", "none")


def test_an_end_is_honoured_by_every_read_without_a_worker(small):
    """Expiry is an absolute instant; the platform follows when a worker comes."""
    product = small.publish(any_of(LEGAL))
    request = small.approve(small.ask(product), "ana", until=timedelta(days=1))
    small.deliver()

    small.clock.advance(days=1)

    requests = small.market.requests
    assert requests.get(request.id, by="con").state == "expired"
    assert requests.explain(request.id, by="con").state == "expired"
    assert [each.state for each in requests.find(by="con")] == ["expired"]
    assert requests.find(state="approved", by="con").items == ()
    assert [each.id for each in requests.find(state="expired", by="con")] == [request.id]
    assert grant_of(small).state == "ending"
    assert [each.state for each in small.market.grants.find(state="ending", by="con")] == ["ending"]
    assert small.market.grants.find(state="active", by="con").items == ()
    assert small.market.products.get(product.id, by="con").status == "expired"


def test_a_day_before_the_end_the_warning_of_the_week_comes_too_late(small):
    """Catching up tells once, in the words that are right now: at the very instant of both."""
    request = small.approve(small.ask(small.publish(any_of(LEGAL))), "ana", until=timedelta(days=9))
    small.deliver()

    small.clock.advance(days=8)

    (warned,) = small.sent("data_product.access_requests.expiring")
    assert warned.data["due"] == "1 day"
    assert small.told("con").count("access_expiring") == 1
    assert small.state(request) == "approved"


def test_expiry_catches_up_after_downtime(small):
    """Late revocation is recorded with both times; once; a second sweep changes nothing."""
    request = small.approve(small.ask(small.publish(any_of(LEGAL))), "ana", until=timedelta(days=1))
    small.deliver()
    due = small.clock() + timedelta(days=1)

    small.clock.advance(days=30)
    small.deliver()

    kept = small.market.requests.get(request.id, by="con")
    assert (kept.state, kept.until, kept.ended_at) == ("expired", due, small.clock())
    assert small.reads("con") == "none"
    assert small.told("con").count("access_expiring") == 0, "E10: no warning after the fact"
    with nothing_written(small):
        small.deliver()
    assert len(small.sent("data_product.access_requests.expired")) == 1


def test_warnings_that_are_past_are_skipped(small):
    """E10: shorter than 7 days, or than 1 day."""
    product = small.publish(any_of(LEGAL))
    small.approve(small.ask(product), "ana", until=Duration(3, "days"))
    small.approve(small.ask(product, by="pat"), "ana", until=Duration(12, "hours"))

    small.clock.advance(days=2)
    small.deliver()

    assert small.told("con").count("access_expiring") == 1
    assert small.told("pat").count("access_expiring") == 0


def test_a_failing_platform_does_not_undo_a_decision(small):
    """E28: approved, not yet active; retried; people are told when it is."""
    small.platform.platform.unreachable = True
    request = small.approve(small.ask(small.publish(any_of(LEGAL))), "ana")
    small.market.deliver()
    assert (request.state, grant_of(small).state) == ("approved", "wanted")
    assert "access_active" not in small.told("con")

    small.platform.platform.unreachable = False
    small.clock.advance(hours=1)
    small.deliver()

    assert (small.reads("con"), grant_of(small).state) == ("clear", "active")
    assert "access_active" in small.told("con")


def test_a_failing_platform_does_not_undo_an_end(small):
    """E29: expired is recorded; the revocation is retried until it is shown to be gone."""
    request = small.approve(small.ask(small.publish(any_of(LEGAL))), "ana", until=timedelta(days=1))
    small.deliver()
    small.platform.platform.unreachable = True
    small.clock.advance(days=1)
    small.market.deliver()
    assert (small.state(request), grant_of(small).state) == ("expired", "ending")
    assert grant_of(small).trouble

    small.platform.platform.unreachable = False
    small.clock.advance(hours=2)
    small.deliver()

    assert small.reads("con") == "none"
    assert grant_of(small, ended=True).state == "ended"


def test_who_leaves_loses_what_they_had(small):
    """E25: pending canceled, approved revoked, cause beneficiary_left; nobody may act as them."""
    first, second = small.publish(any_of(LEGAL)), small.publish(any_of(LEGAL))
    held = small.approve(small.ask(first), "ana")
    pending = small.ask(second)
    for_pat = small.ask(second, on_behalf_of="pat")
    small.deliver()
    assert small.reads("con") == "clear"

    small.market.people.deactivate("con", by="uma")
    small.deliver()

    assert small.reads("con") == "none"
    kept = [small.market.requests.get(each.id, by="gil") for each in (held, pending, for_pat)]
    assert [(each.state, each.cause) for each in kept] == [
        ("revoked", "beneficiary_left"),
        ("canceled", "beneficiary_left"),
        ("pending", ""),
    ]
    with pytest.raises(NotAllowed):
        small.ask(first, by="con")
    with pytest.raises(InvalidInput):
        small.ask(first, by="pat", on_behalf_of="con")
    with nothing_written(small):
        small.market.people.deactivate("con", by="uma")


def test_who_comes_back_can_act_and_asks_anew(small):
    """What ended when they left stays ended: nothing is ever reopened (section B)."""
    product = small.publish(any_of(LEGAL))
    held = small.approve(small.ask(product), "ana")
    people = small.market.people
    for who in ("con", "ana", "bo"):
        people.deactivate(who, by="uma")
    waiting = small.ask(product, by="pat")
    assert small.market.requests.explain(waiting.id, by="gil").stuck == ("group Legal",)
    with pytest.raises(DuplicateName, match=r"use people\.reactivate"):
        people.add("con", by="uma")

    back = [people.reactivate(who, by="uma") for who in ("con", "ana")]
    small.deliver()

    assert [(each.active, each.groups) for each in back] == [(True, set()), (True, {"Legal"})]
    assert small.market.requests.explain(waiting.id, by="gil").stuck == ()
    assert (small.state(held), small.reads("con")) == ("revoked", "none")
    again = small.ask(product)
    assert small.approve(again, "ana").state == "approved"
    small.deliver()
    assert small.reads("con") == "clear"
    with nothing_written(small):
        people.reactivate("con", by="uma")


def test_an_account_comes_back_with_an_owner_who_is_there(small):
    """Somebody answers for a service account, or it does not come back."""
    people = small.market.people
    people.add("robot", kind="service_account", owner="pat", by="uma")
    for who in ("robot", "pat"):
        people.deactivate(who, by="uma")

    with nothing_written(small), pytest.raises(InvalidInput, match="owner"):
        people.reactivate("robot", by="uma")
    people.update("robot", owner="con", by="uma")
    assert people.reactivate("robot", by="uma").active


def test_the_power_of_who_comes_back_is_on_record(small):
    """GOVERNANCE raises an audit event however somebody comes by it (architecture 6)."""
    small.market.people.deactivate("gil", by="uma")
    small.market.people.reactivate("gil", by="uma")

    assert types_of(small, "person:gil")[-2:] == ["person.reactivated", "person.empowered"]


def test_what_was_over_when_somebody_left_has_expired(small):
    """The account tells what happened first."""
    request = small.approve(small.ask(small.publish(any_of(LEGAL))), "ana", until=timedelta(days=1))
    small.deliver()
    small.clock.advance(days=2)

    small.market.people.deactivate("con", by="uma")
    small.deliver()

    assert small.state(request) == "expired"
    assert small.reads("con") == "none"
