"""Campaigns over the access that people hold, from the start to the report."""

from __future__ import annotations

import csv
import json
from datetime import timedelta

import pytest

from marketplace_sdk import (
    AlreadyDetermined,
    Conflict,
    DuplicateName,
    Duration,
    InvalidInput,
    NotAllowed,
    NotFound,
    ReviewFlow,
    StaleRevision,
    TransitionNotAllowed,
    group,
    user,
)
from marketplace_sdk.domain.campaigns import CampaignItem
from tests.services.helpers import small_world, types_of
from tests.world import LEGAL, PRIVACY, UNA, any_of

DEADLINE = timedelta(days=20)


@pytest.fixture(params=["memory", "sqlite"])
def storage_url(storage_url):
    return storage_url


@pytest.fixture
def world(storage_url):
    """con and pat have access to a product whose stewards are Legal; others could get it."""
    made = small_world(storage_url)
    for who in ("fay", "sal", "cy", "una"):
        link(made, who)
    made.product = made.publish(any_of(LEGAL), name="Heads")
    for who in ("con", "pat"):
        made.approve(made.ask(made.product, by=who), "ana")
    made.deliver()
    yield made
    made.close()


def link(world, who):
    """Somebody whom the platform knows."""
    name = who if isinstance(who, str) else who.value
    world.market.people.link(who, "lake", world.platform.principal(name), by="uma")


def start(world, silence="revoke", **more):
    """A campaign with all its items open."""
    more = {"domain": "HR", "deadline": DEADLINE, "by": "dee"} | more
    campaign = world.market.campaigns.start("Review", silence=silence, **more)
    world.deliver()
    return campaign.id


def items(world, campaign, by="gil", **more):
    """Items by their beneficiary."""
    found = world.market.campaigns.items(campaign, by=by, limit=1000, **more)
    return {each.beneficiary.id: each for each in found}


def states(world, campaign):
    return {who: each.state for who, each in items(world, campaign).items()}


def progress(world, campaign):
    return world.market.campaigns.progress(campaign, by="gil")


# -- from start to end --------------------------------------------------------------------


def test_what_is_certified_stays_and_what_nobody_answers_is_revoked(world):
    """Silence means what the owner chose; those who lose it are told why."""
    campaign = start(world)
    con = items(world, campaign, by="ana", awaiting_me=True)["con"]

    answered = world.market.campaigns.certify(con.id, reason="still in the team", by="ana")
    world.clock.advance(days=20)
    world.deliver()

    assert (answered.state, answered.decided_by, answered.matched) == (
        "certified",
        "ana",
        ("group Legal",),
    )
    assert states(world, campaign) == {"con": "certified", "pat": "revoked_by_silence"}
    assert (world.reads("con"), world.reads("pat")) == ("clear", "none")
    assert "access_not_certified" in world.told("pat")
    assert "access_not_certified" not in world.told("con")
    (subject,) = (
        each.subject
        for each in world.market.inbox.of("pat", by="pat")
        if each.kind == "access_not_certified"
    )
    assert subject == "revoked for pat: access to Heads; nobody certified it in time in Review."
    (revoked,) = world.sent("data_product.access_requests.revoked")
    assert revoked.data["cause"] == "certification_lapsed"
    assert revoked.data["campaign"] == {"id": campaign, "name": "Review"}
    found = progress(world, campaign)
    assert (found.open, found.certified, found.revoked_by_silence, found.total) == (0, 1, 1, 2)
    assert types_of(world, f"campaign:{campaign}") == [
        "campaign.started",
        "campaign.opened",
        "campaign.closed",
    ]
    assert "campaign_closed" in world.told("dee")


def test_silence_may_keep_which_is_recorded(world):
    campaign = start(world, silence="keep")
    grant = items(world, campaign)["con"].grant

    world.clock.advance(days=20)
    world.deliver()

    assert set(states(world, campaign).values()) == {"kept_by_silence"}
    assert world.reads("con") == "clear"
    assert types_of(world, f"grant:{grant}")[-1] == "grant.kept_by_silence"


def test_a_refusal_revokes_at_once_by_the_ordinary_way(world):
    """With a cause of its own that names the campaign, and the reason kept in the request."""
    campaign = start(world)
    pat = items(world, campaign)["pat"]

    world.market.campaigns.refuse(pat.id, reason="has moved on", by="bo")
    world.deliver()

    grant = world.market.grants.get(pat.grant, by="gil")
    assert (grant.state, grant.cause) == ("ended", "certification_refused")
    request = world.market.requests.get(grant.requests[0], by="pat")
    assert (request.state, request.reason) == ("revoked", "has moved on")
    assert world.reads("pat") == "none"
    assert "access_not_certified" in world.told("pat")
    types = types_of(world, f"grant:{pat.grant}")
    assert types[-3:] == ["grant.certification_refused", "grant.ending", "grant.ended"]


def test_nothing_is_revoked_before_the_deadline_and_nobody_answers_from_it_on(world):
    """The deadline is an instant, honoured whether a worker has run or not."""
    campaign = start(world)
    con, pat = items(world, campaign)["con"], items(world, campaign)["pat"]
    world.clock.advance(days=19, hours=23, minutes=59)
    world.deliver()
    world.market.campaigns.certify(con.id, reason="needed", by="ana")
    assert world.reads("pat") == "clear"
    world.clock.advance(minutes=1)

    for act in (world.market.campaigns.certify, world.market.campaigns.refuse):
        with pytest.raises(AlreadyDetermined) as caught:
            act(pat.id, reason="too late", by="ana")
        assert caught.value.state == "revoked_by_silence"

    assert states(world, campaign) == {"con": "certified", "pat": "revoked_by_silence"}
    assert items(world, campaign, state="open") == {}
    assert set(items(world, campaign, state="revoked_by_silence")) == {"pat"}
    assert items(world, campaign, by="ana", awaiting_me=True) == {}
    found = progress(world, campaign)
    assert (found.open, found.revoked_by_silence) == (0, 1)
    assert world.market.campaigns.get(campaign, by="dee").state == "closed"
    assert [each.id for each in world.market.campaigns.find(state="closed", by="dee")] == [campaign]
    assert not world.market.campaigns.find(state=["opening", "open"], by="dee").items


def test_a_sweep_that_comes_late_catches_up(world):
    """Nothing ran for a month; then it is as if it had."""
    campaign = start(world)
    world.clock.advance(days=50)

    world.deliver()
    world.deliver()

    assert set(states(world, campaign).values()) == {"revoked_by_silence"}
    assert world.reads("con") == "none"
    assert types_of(world, f"campaign:{campaign}").count("campaign.closed") == 1


def test_access_that_ends_meanwhile_closes_its_item_by_itself(world):
    """Revoked, given up, or at its own end: nobody has to certify it any more."""
    world.approve(world.ask(world.product, by="cy"), "ana", until=Duration(3, "days"))
    campaign = start(world)
    held = items(world, campaign)
    assert set(held) == {"con", "pat", "cy"}
    request = world.market.grants.get(held["con"].grant, by="gil").requests[0]

    world.market.requests.revoke(request, reason="left", by="dee")
    world.market.requests.relinquish(
        world.market.grants.get(held["pat"].grant, by="gil").requests[0], by="pat"
    )
    assert states(world, campaign) == {"con": "ended", "pat": "ended", "cy": "open"}
    world.clock.advance(days=3)
    with pytest.raises(TransitionNotAllowed) as caught:
        world.market.campaigns.certify(held["cy"].id, reason="needed", by="ana")
    assert caught.value.state == "ended"
    world.deliver()

    assert set(states(world, campaign).values()) == {"ended"}
    assert progress(world, campaign).ended == 3
    with pytest.raises(TransitionNotAllowed):
        world.market.campaigns.certify(held["con"].id, reason="needed", by="ana")


def test_a_masking_exception_has_an_item_of_its_own_and_ends_with_its_access(world):
    world.approve(world.ask_unmasked(world.product), "ana")
    campaign = start(world)
    access, exception = world.market.campaigns.items(campaign, by="gil", state="open").items[:2]
    assert {access.kind, exception.kind} == {"access", "masking_exception"}
    if access.kind != "access":
        access, exception = exception, access
    assert exception.columns == ("people.salary",)

    world.market.campaigns.refuse(access.id, reason="not needed", by="ana")

    found = {each.id: each.state for each in world.market.campaigns.items(campaign, by="gil")}
    assert found[exception.id] == "ended"


def test_what_is_granted_after_the_start_is_not_asked_about(world):
    campaign = world.market.campaigns.start(
        "Review", domain="HR", deadline=DEADLINE, silence="keep", by="dee"
    ).id
    world.clock.advance(seconds=1)
    world.approve(world.ask(world.product, by="fay"), "ana")
    world.deliver()

    assert set(items(world, campaign)) == {"con", "pat"}


def test_two_campaigns_ask_about_the_same_access_each_for_itself(world):
    first, second = start(world), start(world, products=[world.product.id], domain=None)
    grant = items(world, first)["con"].grant

    with pytest.raises(Conflict, match="several campaigns"):
        world.market.campaigns.certify(grant, reason="needed", by="ana")
    world.market.campaigns.certify(items(world, first)["con"].id, reason="needed", by="ana")
    answered = world.market.campaigns.refuse(grant, reason="on second thought", by="bo")

    assert answered.campaign == second
    assert states(world, first)["con"] == "certified"
    assert states(world, second)["con"] == "refused"


# -- who is asked -------------------------------------------------------------------------


def test_stewards_are_those_whom_the_form_names_today(world):
    """Not those of when it was approved: the form has another version since."""
    campaign = start(world)
    con = items(world, campaign)["con"]
    world.market.forms.edit(world.product.form, review=any_of(PRIVACY), by="dee")

    with pytest.raises(NotFound):
        world.market.campaigns.certify(con.id, reason="needed", by="ana")
    assert set(items(world, campaign, by="cy", awaiting_me=True)) == {"con", "pat"}

    assert world.market.campaigns.certify(con.id, reason="needed", by="cy").state == "certified"


def test_where_the_form_delegates_the_product_names_them(world):
    form = world.form(ReviewFlow.delegate())
    product = world.publish(any_of(UNA), form=form)
    world.approve(world.ask(product, by="fay"), "una")
    campaign = start(world, products=[product.id], domain=None)

    assert set(items(world, campaign, by="una", awaiting_me=True)) == {"fay"}
    with pytest.raises(NotFound):
        world.market.campaigns.get(campaign, by="ana")


def test_where_nobody_is_named_managers_and_governance_are_asked(world):
    form = world.form(ReviewFlow.approve(justification="harmless"))
    product = world.publish(form=form)
    world.ask(product, by="fay")
    campaign = start(world, products=[product.id], domain=None)

    assert set(items(world, campaign, by="dee", awaiting_me=True)) == {"fay"}
    assert "certification_asked" in world.told("gil")
    world.market.campaigns.certify(items(world, campaign)["fay"].id, reason="needed", by="dee")

    assert states(world, campaign) == {"fay": "certified"}


def test_where_the_only_steward_is_the_one_who_has_it_managers_are_asked(world):
    """Nobody certifies themselves, and no item is left to nobody."""
    product = world.publish(any_of(user("fay"), group("Nobody")))
    request = world.ask(product, by="fay", on_behalf_of="cy")
    world.market.forms.edit(product.form, review=any_of(user("cy")), by="dee")
    again = world.approve(world.ask(product, by="con", on_behalf_of="pat"), "cy")
    assert again.state == "approved"
    assert request.state == "pending"
    campaign = start(world, products=[product.id], domain=None)
    pat = items(world, campaign)["pat"]
    with pytest.raises(NotAllowed):
        world.market.campaigns.certify(pat.id, reason="needed", by="dee")
    world.market.forms.edit(product.form, review=any_of(user("con")), by="dee")

    with pytest.raises(NotAllowed, match="nobody certifies themselves"):
        world.market.campaigns.certify(pat.id, reason="needed", by="con")
    answered = world.market.campaigns.certify(pat.id, reason="needed", by="dee")

    assert answered.matched == ("domain permission MANAGE_DATA_PRODUCTS in HR",)


def test_neither_a_member_nor_the_owner_of_an_account_certifies(world):
    """Whoever owns the account today: not the owner of when it was asked for."""
    market = world.market
    market.people.add("robot", kind="service_account", owner="bo", by="uma")
    link(world, "robot")
    link(world, group("Privacy"))
    world.approve(world.ask(world.product, by="con", on_behalf_of="robot"), "ana")
    world.approve(world.ask(world.product, by="sal", on_behalf_of=group("Privacy")), "ana")
    campaign = start(world)
    held = items(world, campaign)

    for who, barred in (("robot", "bo"), ("Privacy", "bo")):
        assert who not in items(world, campaign, by=barred, awaiting_me=True)
        with pytest.raises(NotAllowed, match="nobody certifies themselves"):
            market.campaigns.certify(held[who].id, reason="needed", by=barred)
    market.people.update("robot", owner="ana", by="uma")
    with pytest.raises(NotAllowed, match="nobody certifies themselves"):
        market.campaigns.certify(held["robot"].id, reason="needed", by="ana")
    assert "robot" not in items(world, campaign, by="ana", awaiting_me=True)

    assert market.campaigns.certify(held["robot"].id, reason="yes", by="bo").state == "certified"


def test_who_asked_for_more_time_meanwhile_does_not_certify_it_either(world):
    """The owner of the account then, who is not its owner any more."""
    market = world.market
    market.people.add("robot", kind="service_account", owner="bo", by="uma")
    link(world, "robot")
    days = Duration(30, "days")
    request = world.ask(world.product, by="con", on_behalf_of="robot")
    world.approve(request, "ana", until=days)
    campaign = start(world)
    robot = items(world, campaign)["robot"]
    more = market.requests.extend(request.id, answers={"why": "more"}, by="bo")
    market.people.update("robot", owner="sal", by="uma")
    assert "robot" in items(world, campaign, by="bo", awaiting_me=True)
    world.approve(more, "ana", until=days)

    assert "robot" not in items(world, campaign, by="bo", awaiting_me=True)
    with pytest.raises(NotAllowed, match="nobody certifies themselves"):
        market.campaigns.certify(robot.id, reason="needed", by="bo")


def test_an_account_and_a_job_answer_nothing(world):
    market = world.market
    market.people.add("robot", kind="service_account", owner="bo", groups=["Legal"], by="uma")
    con = items(world, start(world))["con"]

    with pytest.raises(NotAllowed, match="only people"):
        market.campaigns.certify(con.id, reason="needed", by="robot")
    with pytest.raises(NotAllowed, match="only people"):
        market.as_system("nightly").campaigns.certify(con.id, reason="needed")


def test_an_answer_is_one_and_carries_what_was_seen(world):
    campaign = start(world)
    con = items(world, campaign)["con"]
    with pytest.raises(StaleRevision):
        world.market.campaigns.certify(con.id, reason="needed", revision=con.revision + 1, by="ana")

    first = world.market.campaigns.certify(con.id, reason="needed", revision=con.revision, by="ana")
    again = world.market.campaigns.certify(con.id, reason="needed", by="ana")

    assert again == first
    with pytest.raises(AlreadyDetermined) as caught:
        world.market.campaigns.refuse(con.id, reason="no", by="bo")
    assert caught.value.state == "certified"
    assert types_of(world, f"grant:{con.grant}").count("grant.certified") == 1


# -- telling ------------------------------------------------------------------------------


def told(world, who, kind):
    world.deliver()
    found = world.market.inbox.of(who, limit=1000, by=who)
    return [each.subject for each in found if each.kind == kind]


def test_reviewers_are_told_at_once_each_morning_and_before_the_deadline(world):
    """One message each, however many items; to nobody who has nothing left to answer."""
    campaign = start(world, deadline=timedelta(days=9))
    assert told(world, "ana", "certification_asked") == [
        "Review, until 2026-01-10 12:00 UTC: grants that wait for your word: 2."
    ]
    world.deliver()
    assert len(told(world, "ana", "certification_asked")) == 1
    assert told(world, "con", "certification_asked") == []

    world.clock.advance(days=1)
    assert len(told(world, "ana", "certification_asked")) == 2
    world.clock.advance(days=1)
    world.market.campaigns.certify(items(world, campaign)["con"].id, reason="needed", by="ana")
    (subject,) = told(world, "bo", "certification_ending")
    assert subject.startswith("Review ends at 2026-01-10 12:00 UTC;")
    assert subject.endswith("are revoked without it: 1.")
    world.market.campaigns.certify(items(world, campaign)["pat"].id, reason="needed", by="ana")
    world.clock.advance(days=6)
    assert len(told(world, "bo", "certification_ending")) == 1


def test_what_waits_stands_in_the_daily_digest_until_it_does_not(world):
    """Whoever gathers notices finds the campaign in the digest, unless it is over."""
    market = world.market
    market.preferences.set("ana", channels={"MemoryNotifier-1": "digest"}, by="ana")
    campaign = start(world)
    world.clock.advance(hours=19)
    world.deliver()
    world.clock.advance(hours=5)
    world.deliver()
    digests = [each for each in world.hook.notices if each.type == "digest"]
    (digest,) = digests
    asked = [each for each in digest.data["items"] if each["about"] == f"campaign:{campaign}"]
    assert [(each["kind"], each["data"]["count"]) for each in asked] == [("certification_asked", 2)]

    market.campaigns.cancel(campaign, reason="wrong product", by="dee")
    world.clock.advance(days=1)
    world.deliver()

    assert [each for each in world.hook.notices if each.type == "digest"] == digests


# -- ending it early ----------------------------------------------------------------------


def test_canceling_changes_no_access(world):
    campaign = start(world)
    held = items(world, campaign)
    world.market.campaigns.certify(held["con"].id, reason="needed", by="ana")

    canceled = world.market.campaigns.cancel(campaign, reason="wrong product", by="dee")
    assert states(world, campaign) == {"con": "certified", "pat": "canceled"}
    world.deliver()
    world.clock.advance(days=30)
    world.deliver()

    assert (canceled.state, canceled.reason) == ("canceled", "wrong product")
    assert states(world, campaign) == {"con": "certified", "pat": "canceled"}
    assert (world.reads("con"), world.reads("pat")) == ("clear", "clear")
    assert progress(world, campaign).canceled == 1
    with pytest.raises(TransitionNotAllowed):
        world.market.campaigns.certify(held["pat"].id, reason="needed", by="ana")
    for act in (world.market.campaigns.cancel, world.market.campaigns.close):
        with pytest.raises(TransitionNotAllowed):
            act(campaign, reason="again", by="dee")


def test_a_campaign_is_canceled_before_its_items_are_open(world):
    campaign = world.market.campaigns.start(
        "Review", domain="HR", deadline=DEADLINE, silence="revoke", by="dee"
    )
    with pytest.raises(TransitionNotAllowed):
        world.market.campaigns.close(campaign.id, reason="done", by="dee")

    world.market.campaigns.cancel(campaign.id, reason="too early", by="dee")
    world.deliver()

    assert items(world, campaign.id) == {}


def test_closing_early_keeps_but_never_revokes_what_is_open(world):
    """People were told that they have time until the deadline."""
    keeping, revoking = start(world, silence="keep"), start(world)

    closed = world.market.campaigns.close(keeping, reason="enough", by="dee")
    assert closed.state == "closed"
    with pytest.raises(Conflict) as caught:
        world.market.campaigns.close(revoking, reason="enough", by="dee")
    assert caught.value.code == "items_open"
    for each in items(world, revoking).values():
        world.market.campaigns.certify(each.id, reason="needed", by="ana")
    world.market.campaigns.close(revoking, reason="all answered", by="dee")
    world.deliver()

    assert set(states(world, keeping).values()) == {"kept_by_silence"}
    assert set(states(world, revoking).values()) == {"certified"}
    assert world.reads("pat") == "clear"


def test_nothing_is_revoked_when_nobody_was_asked_in_time(world):
    """No worker ran between the start and the deadline."""
    campaign = world.market.campaigns.start(
        "Review", domain="HR", deadline=DEADLINE, silence="revoke", by="dee"
    )
    world.clock.advance(days=21)
    assert world.market.campaigns.get(campaign.id, by="dee").state == "canceled"

    world.deliver()

    assert world.market.campaigns.get(campaign.id, by="dee").state == "canceled"
    assert items(world, campaign.id) == {}
    assert world.reads("con") == "clear"
    assert "campaign_canceled" in world.told("dee")


# -- starting -----------------------------------------------------------------------------


def test_the_same_start_again_is_a_no_op(world):
    more = {"domain": "HR", "deadline": DEADLINE, "silence": "keep", "id": "q1", "by": "dee"}
    first = world.market.campaigns.start("Review", **more)
    world.clock.advance(days=1)

    assert world.market.campaigns.start("Review", **more).created_at == first.created_at
    with pytest.raises(DuplicateName):
        world.market.campaigns.start("Review", **{**more, "silence": "revoke"})
    assert types_of(world, "campaign:q1") == ["campaign.started"]


def test_a_campaign_needs_products_that_are_there_and_one_way_to_name_them(world):
    market = world.market
    gone = world.publish()
    market.products.delete(gone.id, by="dee")
    more = {"deadline": DEADLINE, "silence": "keep", "by": "gil"}
    market.domains.create("EMPTY", by="gil")

    for which in (
        {},
        {"domain": "HR", "products": [world.product.id]},
        {"products": []},
        {"products": [gone.id]},
        {"domain": "EMPTY"},
    ):
        with pytest.raises(InvalidInput):
            market.campaigns.start("Review", **which, **more)
    with pytest.raises(InvalidInput):
        market.campaigns.start("Review", domain="HR", **{**more, "deadline": world.clock()})
    with pytest.raises(NotFound):
        market.campaigns.start("Review", domain="NOWHERE", **more)


def test_a_manager_starts_one_only_over_what_they_manage(world):
    market = world.market
    ledger = market.products.publish("Ledger", domain="FIN", sources=["ledger"], by="dan")

    with pytest.raises(NotAllowed):
        start(world, products=[world.product.id, ledger.id], domain=None)
    campaign = start(world, products=[world.product.id, ledger.id], domain=None, by="gil")

    assert market.campaigns.get(campaign, by="dan").domains == ("FIN", "HR")
    assert not market.campaigns.items(campaign, by="dan").items
    assert len(market.campaigns.items(campaign, by="dee")) == 2
    for who in ("dan", "dee"):
        with pytest.raises(NotAllowed):
            market.campaigns.progress(campaign, by=who)
        with pytest.raises(NotAllowed):
            market.campaigns.cancel(campaign, reason="mine", by=who)


# -- the report ---------------------------------------------------------------------------


def test_the_report_says_who_certified_what_when_as_whom_and_why(world):
    campaign = start(world)
    held = items(world, campaign)
    world.market.campaigns.certify(held["con"].id, reason="=1+1, says HR", by="ana")
    world.clock.advance(days=20)
    world.deliver()

    lines = [json.loads(line) for line in world.market.campaigns.report(campaign, by="aud")]
    head, *rows = csv.reader(world.market.campaigns.report(campaign, format="csv", by="gil"))

    con = next(each for each in lines if each["beneficiary"] == "user:con")
    assert (con["state"], con["decided_by"], con["matched"]) == (
        "certified",
        "ana",
        ["group Legal"],
    )
    assert (con["reason"], con["closed_at"][:10]) == ("=1+1, says HR", "2026-01-01")
    assert head == list(con)
    table = [dict(zip(head, row, strict=True)) for row in rows]
    assert {each["state"] for each in table} == {"certified", "revoked_by_silence"}
    assert "'=1+1, says HR" in {each["reason"] for each in table}, "no formula for a spreadsheet"


def test_a_reviewer_reads_their_items_and_what_they_answered_others_nothing(world):
    """Who has the access does not read who said what about it."""
    other = world.publish(any_of(PRIVACY, user("con")))
    world.approve(world.ask(other, by="fay"), "cy")
    world.approve(world.ask(other, by="con"), "cy")
    campaign = start(world)

    assert set(items(world, campaign, by="cy")) == {"fay", "con"}
    assert set(items(world, campaign, by="con")) == {"fay"}, "their own access is not theirs to see"
    answered = next(each for each in items(world, campaign, by="cy").values())
    world.market.campaigns.certify(answered.id, reason="needed", by="cy")
    world.market.people.update("cy", groups=[], by="uma")
    assert [each.id for each in items(world, campaign, by="cy").values()] == [answered.id]
    assert len(list(world.market.campaigns.report(campaign, by="cy"))) == 1
    for read in (
        world.market.campaigns.get,
        world.market.campaigns.items,
        world.market.campaigns.report,
        world.market.campaigns.progress,
    ):
        with pytest.raises(NotFound):
            read(campaign, by="fay")


def test_items_come_in_pages_that_lose_none(world):
    for who in ("fay", "sal", "cy", "una"):
        world.approve(world.ask(world.product, by=who), "ana")
    campaign = start(world)
    seen, after = [], None

    while True:
        page = world.market.campaigns.items(campaign, after=after, limit=2, by="ana")
        seen += [each.beneficiary.id for each in page]
        after = page.next
        if after is None:
            break

    assert sorted(seen) == ["con", "cy", "fay", "pat", "sal", "una"]


def test_erasing_a_person_takes_the_reasons_and_leaves_that_they_answered(world):
    campaign = start(world)
    held = items(world, campaign)
    world.market.campaigns.certify(held["con"].id, reason="is on leave", by="ana")
    world.market.campaigns.refuse(held["pat"].id, reason="was dismissed", by="bo")
    world.clock.advance(days=20)
    world.deliver()
    for who, count in (("pat", 1), ("ana", 1)):
        world.market.people.deactivate(who, by="uma")
        world.deliver()
        assert world.market.audit.erase(who, reason="asked", by="gil").items == count

    with world.market._context.unit("system", write=False) as unit:
        kept = unit.find(CampaignItem)
    assert {(each.decided_by, each.reason) for each in kept} == {("ana", ""), ("bo", "")}
    assert world.market.audit.verify().ok
