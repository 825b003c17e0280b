"""Acceptance cases 9 to 28: asking and deciding."""

from datetime import timedelta

import pytest

from marketplace_sdk import (
    AlreadyDetermined,
    DataUseAgreement,
    Duration,
    InvalidInput,
    MarketplaceError,
    NotAllowed,
    NotFound,
    Question,
    domain_permission,
)
from tests.world import GOV, LEGAL, PRIVACY, TEAM, UNA, all_of, any_of

FORBIDDEN = (NotAllowed, NotFound)


def test_09_a_request_waits_and_its_stewards_are_told(world):
    """Given any{L}, when con submits, then PENDING, `created` fires, ana and bo notified."""
    product = world.publish(any_of(LEGAL))

    request = world.ask(product)

    assert request.state == "pending"
    assert len(world.sent("data_product.access_requests.created")) == 1
    assert world.told("ana") == ["access_requested"]
    assert world.told("bo") == ["access_requested"]
    assert world.told("cy") == []
    assert world.reads("con") == "none"


def test_10_a_required_question_must_be_answered(world):
    """Given a required question is unanswered, when submitted, then refused naming it."""
    product = world.publish(any_of(LEGAL))

    with pytest.raises(InvalidInput, match=r"answers\.why: must be answered"):
        world.ask(product, answers={})

    assert not world.market.requests.find(by="gil").items


def test_11_an_agreement_must_be_acknowledged(world):
    """Given a data use agreement not acknowledged, when submitted, then refused."""
    terms = DataUseAgreement("Terms", "Do not copy.")
    product = world.publish(form=world.form(any_of(LEGAL), agreements=[terms]))

    with pytest.raises(InvalidInput, match="'Terms' must be acknowledged"):
        world.ask(product)

    assert not world.market.requests.find(by="gil").items
    kept = world.ask(product, acknowledge=["Terms"])
    assert kept.acknowledged[0].body_hash == terms.body_hash


@pytest.mark.parametrize("answer", ["green", ["red", "blue"], ["red"]])
def test_12_a_dropdown_takes_exactly_one_of_its_options(world, answer):
    """Given a dropdown answer outside the options or two options, when submitted, then refused."""
    question = Question.dropdown("colour", "Which?", options=["red", "blue"])
    product = world.publish(form=world.form(any_of(LEGAL), questions=[question]))

    with pytest.raises(InvalidInput, match=r"answers\.colour"):
        world.ask(product, answers={"colour": answer})

    assert not world.market.requests.find(by="gil").items
    assert world.ask(product, answers={"colour": "red"}).state == "pending"


def test_13_any_steward_approves_and_access_is_there(world):
    """Given any{L}, when bo approves, then APPROVED without expiration and provisioned."""
    request = world.ask(world.publish(any_of(LEGAL)))
    assert world.reads("con") == "none"

    approved = world.approve(request, "bo")
    world.deliver()

    assert (approved.state, approved.until) == ("approved", None)
    assert world.reads("con") == "clear"
    assert world.reads("con", column="salary") == "masked"
    assert world.reads("pat") == "none"


def test_14_a_denial_gives_nothing(world):
    """Given any{L}, when ana denies, then DENIED and nothing is provisioned."""
    request = world.ask(world.publish(any_of(LEGAL)))

    denied = world.deny(request, "ana")
    world.deliver()

    assert denied.state == "denied"
    assert world.reads("con") == "none"


def test_15_who_comes_late_finds_it_closed(world):
    """Given any{L} decided by ana, when bo acts afterwards, then refused as closed."""
    request = world.ask(world.publish(any_of(LEGAL)))
    world.deny(request, "ana")

    with pytest.raises(AlreadyDetermined) as caught:
        world.approve(request, "bo")

    world.deliver()
    assert caught.value.state == "denied"
    assert world.reads("con") == "none"


def test_16_one_of_two_is_not_enough(world):
    """Given all{L,P}, when ana approves, then still PENDING and nothing provisioned."""
    request = world.ask(world.publish(all_of(LEGAL, PRIVACY)))

    after = world.approve(request, "ana")
    world.deliver()

    assert after.state == "pending"
    assert world.reads("con") == "none"


def test_17_one_of_each_is_enough(world):
    """Given all{L,P}, when ana and then cy approve, then APPROVED."""
    request = world.ask(world.publish(all_of(LEGAL, PRIVACY)))

    after = world.approve(request, "ana", "cy")
    world.deliver()

    assert after.state == "approved"
    assert world.reads("con") == "clear"


def test_18_one_denial_after_an_approval_denies(world):
    """Given all{L,P} with ana's approval, when cy denies, then DENIED."""
    request = world.ask(world.publish(all_of(LEGAL, PRIVACY)))
    world.approve(request, "ana")

    after = world.deny(request, "cy")
    world.deliver()

    assert after.state == "denied"
    assert world.reads("con") == "none"


def test_19_members_of_one_group_are_interchangeable(world):
    """Given all{L} with two members, when one approves, then APPROVED."""
    request = world.ask(world.publish(all_of(LEGAL)))

    assert world.approve(request, "ana").state == "approved"
    world.deliver()
    assert world.reads("con") == "clear"


def test_20_governance_alone_does_not_decide(world):
    """Given flow any{L}, when gil (GOVERNANCE, not in L) approves, then Forbidden."""
    request = world.ask(world.publish(any_of(LEGAL)))

    with pytest.raises(NotAllowed, match="group Legal"):
        world.approve(request, "gil")

    world.deliver()
    assert world.state(request) == "pending"
    assert world.reads("con") == "none"


def test_21_the_default_flow_asks_governance_or_the_managers(world):
    """Given the default flow any{GOVERNANCE, Manage Data Products}, dee approves: APPROVED."""
    request = world.ask(world.publish(None))

    assert world.approve(request, "dee").state == "approved"
    world.deliver()
    assert world.reads("con") == "clear"


def test_22_an_attribute_counts_with_its_value(world):
    """Given any{T}, when fay (team=finance) approves, APPROVED; team=sales is Forbidden."""
    request = world.ask(world.publish(any_of(TEAM)))

    with pytest.raises(FORBIDDEN):
        world.approve(request, "sal")
    world.deliver()
    assert world.reads("con") == "none"

    assert world.approve(request, "fay").state == "approved"
    world.deliver()
    assert world.reads("con") == "clear"


def test_23_a_named_user_is_exactly_that_user(world):
    """Given any{U}, when someone other than una acts, then Forbidden."""
    request = world.ask(world.publish(any_of(UNA)))

    for other in ("ana", "gil", "dee", "fay"):
        with pytest.raises(FORBIDDEN):
            world.approve(request, other)

    world.deliver()
    assert world.reads("con") == "none"
    assert world.approve(request, "una").state == "approved"
    world.deliver()
    assert world.reads("con") == "clear"


def test_24_a_domain_permission_counts_in_its_domain_only(world):
    """Given a domain-permission source, a holder of it in another domain is Forbidden."""
    request = world.ask(world.publish(any_of(domain_permission("MANAGE_DATA_PRODUCTS"))))

    with pytest.raises(FORBIDDEN):
        world.approve(request, "dan")

    world.deliver()
    assert world.reads("con") == "none"
    assert world.approve(request, "dee").state == "approved"
    world.deliver()
    assert world.reads("con") == "clear"


def test_25_the_decision_is_told_to_the_requester_and_the_other_stewards(world):
    """Given a final approval by ana in any{L}, then con and bo are notified and ana is not."""
    request = world.ask(world.publish(any_of(LEGAL)))

    world.approve(request, "ana")

    assert "determination_made" in world.told("con")
    assert "determination_made" in world.told("bo")
    assert "determination_made" not in world.told("ana")
    assert world.reads("con") == "clear"


def test_26_only_the_final_determination_is_told(world):
    """Given all{L,P}, when the first of two lands, no decision notice or webhook goes out."""
    request = world.ask(world.publish(all_of(LEGAL, PRIVACY)))

    world.approve(request, "ana")

    assert "determination_made" not in world.told("con")
    assert world.sent("data_product.access_requests.consumer.updated") == []
    assert world.reads("con") == "none"
    world.approve(request, "cy")
    assert len(world.sent("data_product.access_requests.consumer.updated")) == 1
    assert world.sent("data_product.access_requests.data_steward.updated") == []
    assert world.reads("con") == "clear"


def test_27_a_temporary_approval_has_an_end(world):
    """Given temporary approval of 3 days, then APPROVED, expiring three days after the act."""
    request = world.ask(world.publish(any_of(LEGAL)))
    world.clock.advance(timedelta(hours=5))

    approved = world.approve(request, "ana", until=Duration(3, "days"))
    world.deliver()

    assert approved.until == world.clock() + timedelta(days=3)
    assert world.reads("con") == "clear"
    world.clock.advance(timedelta(days=3, seconds=-1))
    world.deliver()
    assert world.reads("con") == "clear"
    world.clock.advance(timedelta(seconds=1))
    world.deliver()
    assert world.reads("con") == "none"


@pytest.mark.parametrize("amount", [0, -1, 1.5])
def test_28_a_duration_is_whole_and_positive(world, amount):
    """Given duration 0, -1 or 1.5, when approving temporarily, then refused."""
    request = world.ask(world.publish(any_of(LEGAL)))

    with pytest.raises(InvalidInput):
        world.approve(request, "ana", until=Duration(amount, "days"))
    with pytest.raises(MarketplaceError):
        world.approve(request, "ana", until=timedelta(days=-1))

    world.deliver()
    assert world.state(request) == "pending"
    assert world.reads("con") == "none"


def test_default_review_also_asks_governance(world):
    """W13: gil counts because GOVERNANCE is a named source of the default flow."""
    request = world.ask(world.publish(any_of(GOV)))

    assert world.approve(request, "gil").state == "approved"
    world.deliver()
    assert world.reads("con") == "clear"
