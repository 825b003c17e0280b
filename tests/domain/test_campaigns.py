"""Recertification: who may answer, what silence means, and when people are told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk import (
    AlreadyDetermined,
    NotAllowed,
    StaleRevision,
    TransitionNotAllowed,
)
from marketplace_sdk.domain.campaigns import (
    CAMPAIGN_STEPS,
    ITEM_STEPS,
    Campaign,
    CampaignCount,
    CampaignItem,
)
from marketplace_sdk.domain.certifying import (
    DAY,
    OPENED,
    WARNINGS,
    answer,
    certifiers,
    left_silent,
    may_answer,
    news,
    next_telling,
    stand_ins,
)
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import Beneficiary
from tests.domain.building import ANA, BO, CY, DEE, GIL, NOW, REX, L, P, person

DAYS = timedelta(days=1)


def campaign(**more):
    more = {"silence": "revoke", "deadline": NOW + 10 * DAYS, "state": "open"} | more
    return Campaign(
        id="c",
        name="Review",
        products=("p",),
        domains=("sales",),
        created_at=NOW,
        created_by="dee",
        **more,
    )


def item(**more):
    more = {"beneficiary": Beneficiary("person", "rex"), "requesters": ("rex",)} | more
    return CampaignItem(
        id="i",
        campaign="c",
        grant="g",
        kind="access",
        product="p",
        product_name="Orders",
        domain="sales",
        opened_at=NOW,
        **more,
    )


def grant(**more):
    return Grant(
        id="g",
        kind="access",
        product="p",
        beneficiary=Beneficiary("person", "rex"),
        requests=("r",),
        since=NOW,
        created_at=NOW,
        **more,
    )


def say(verdict="certify", who=ANA, of=None, within=None, *, named=(L,), now=NOW, **more):
    more = {"reason": "needed"} | more
    return answer(within or campaign(), of or item(), who, verdict, named=named, now=now, **more)


# -- who answers --------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "state"), [("certify", "certified"), ("refuse", "refused")])
def test_one_answer_of_a_named_steward_decides_and_says_as_what_it_was_given(verdict, state):
    """Who, when, by which membership, with the reason."""
    who = person("ana", groups=["Legal"], as_of=NOW - DAYS)

    closed = say(verdict, who)

    assert (closed.state, closed.decided_by, closed.reason) == (state, "ana", "needed")
    assert (closed.matched, closed.closed_at) == (("group Legal",), NOW)
    assert closed.as_of == NOW - DAYS


@pytest.mark.parametrize("who", [CY, GIL, DEE, REX])
def test_who_is_not_named_does_not_answer_whatever_their_rank(who):
    """GOVERNANCE and managers stand in only where nobody named can answer."""
    of = item(beneficiary=Beneficiary("person", "pat"), requesters=("con",))

    with pytest.raises(NotAllowed) as caught:
        say(who=who, of=of)

    assert caught.value.needs == "group Legal"


@pytest.mark.parametrize("named", [(), (L,)])
@pytest.mark.parametrize("who", [GIL, DEE])
def test_managers_and_governance_stand_in_where_nobody_named_can_answer(named, who):
    """It fails towards somebody: nobody is named, or nobody whom they name is there."""
    closed = say(who=who, named=named, vacant=bool(named))

    assert closed.state == "certified"
    assert certifiers(item(), ()) == stand_ins("sales")


OWN = {
    "requester": {"requesters": ("ana",)},
    "one of several requesters": {"requesters": ("con", "ana")},
    "beneficiary": {"beneficiary": Beneficiary("person", "ana")},
    "member of the group": {"beneficiary": Beneficiary("group", "Legal")},
    "owner of the account": {"beneficiary": Beneficiary("person", "robot"), "owner": "ana"},
}


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
@pytest.mark.parametrize("verdict", ["certify", "refuse"])
def test_nobody_certifies_themselves(own, verdict):
    of = item(**({"requesters": ("con",)} | own))

    with pytest.raises(NotAllowed, match="nobody certifies themselves"):
        say(verdict, of=of)
    assert not may_answer(of, ANA, [L])


PEOPLE = [ANA, BO, CY, DEE, GIL, REX]
SELECTORS = st.lists(st.sampled_from([L, P, *stand_ins("sales")]), max_size=3)


@given(
    st.sampled_from(PEOPLE),
    SELECTORS,
    st.booleans(),
    st.lists(st.sampled_from([each.id for each in PEOPLE]), max_size=2).map(tuple),
    st.sampled_from(
        [
            Beneficiary("person", "rex"),
            Beneficiary("person", "ana"),
            Beneficiary("group", "Privacy"),
        ]
    ),
)
def test_who_may_answer_does_and_is_on_no_side(who, named, vacant, requesters, beneficiary):
    """What lists and reminders say is what the act does."""
    of = item(requesters=requesters, beneficiary=beneficiary)

    if may_answer(of, who, named, vacant=vacant):
        closed = say(who=who, of=of, named=named, vacant=vacant)
        assert closed.matched
        assert closed.decided_by not in (*requesters, beneficiary.id)
        assert beneficiary.token not in who.tokens
    else:
        with pytest.raises(NotAllowed):
            say(who=who, of=of, named=named, vacant=vacant)


def test_the_same_answer_again_changes_nothing_and_another_is_too_late():
    """Of two reviewers one decides; the other is told the state."""
    closed = say()

    assert say(of=closed) is closed
    for who, verdict in ((BO, "certify"), (BO, "refuse"), (ANA, "refuse")):
        with pytest.raises(AlreadyDetermined) as caught:
            say(verdict, who, of=closed)
        assert caught.value.state == "certified"


def test_an_answer_to_what_was_seen_before_it_changed_is_refused():
    with pytest.raises(StaleRevision):
        say(of=item(revision=3), revision=2)
    assert say(of=item(revision=3), revision=3).state == "certified"


# -- silence ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("silence", "state"), [("keep", "kept_by_silence"), ("revoke", "revoked_by_silence")]
)
def test_from_the_deadline_on_silence_means_what_was_chosen(silence, state):
    """The instant itself is too late, whether a worker has come or not."""
    over = campaign(silence=silence)
    before = over.deadline - timedelta(microseconds=1)

    assert say(within=over, now=before).state == "certified"
    assert item().seen_at(over, before).open
    assert item().seen_at(over, over.deadline).state == state
    assert left_silent(over, item(), grant(), over.deadline + DAYS).state == state
    assert over.seen_at(over.deadline).state == "closed"
    with pytest.raises(AlreadyDetermined) as caught:
        say(within=over, now=over.deadline)
    assert caught.value.state == state


@pytest.mark.parametrize(
    "state", ["canceled", "opening"], ids=["canceled", "not all items were open in time"]
)
def test_silence_means_nothing_where_nobody_could_be_asked(state):
    over = campaign(state=state)

    assert left_silent(over, item(), grant(), over.deadline).state == "canceled"
    assert item().seen_at(over, over.deadline).state == "canceled"
    assert over.seen_at(over.deadline).state == "canceled"


def test_a_grant_that_ended_before_the_deadline_was_not_revoked_by_it():
    over = campaign()

    for ended in (grant(until=over.deadline), grant(state="ended"), None):
        assert left_silent(over, item(), ended, over.deadline).state == "ended"
    later = grant(until=over.deadline + DAYS)
    assert left_silent(over, item(), later, over.deadline).state == "revoked_by_silence"


@pytest.mark.parametrize("state", ["ended", "canceled"])
def test_what_has_ended_is_not_answered(state):
    with pytest.raises(TransitionNotAllowed) as caught:
        say(of=item(state=state))
    assert caught.value.state == state


def test_what_is_closed_is_never_opened_again():
    """No step of either table leads back."""
    assert {before for before, _ in ITEM_STEPS} == {"open"}
    assert "open" not in ITEM_STEPS.values()
    assert {before for before, _ in CAMPAIGN_STEPS} == {"opening", "open"}
    for state in ("closed", "canceled"):
        for event in ("open", "close", "cancel"):
            with pytest.raises(TransitionNotAllowed):
                campaign(state=state).step(event)
    for state in set(ITEM_STEPS.values()):
        for _, event in ITEM_STEPS:
            with pytest.raises(TransitionNotAllowed):
                item(state=state).step(event, NOW)


# -- counts -------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(list(ITEM_STEPS.values()))))
def test_counts_are_those_of_the_items(ends):
    count = CampaignCount(campaign="c", share=0).moved([("", "open")] * (len(ends) + 1))

    for state in ends:
        count = count.moved([("open", state)])

    wanted = {state: ends.count(state) for state in set(ends)}
    assert dict(count.states) == wanted | {"open": 1}


# -- telling ------------------------------------------------------------------------------


@given(st.integers(1, 40 * 24), st.integers(0, 23))
def test_people_are_told_at_once_then_every_morning_and_warned(hours, hour):
    """Every telling names the next time; the last one comes before the deadline."""
    now = NOW.replace(hour=hour)
    running = campaign(deadline=now + timedelta(hours=hours))
    told = []

    at = now
    while at is not None:
        assert at < running.deadline
        what, running = news(running, at)
        told.append((what, at))
        assert news(running, at)[0] == "", "told twice is told once"
        following = next_telling(running, at)
        assert following is None or following > at
        at = following

    said = [what for what, _ in told if what]
    assert said[0] == OPENED
    assert said.count(OPENED) == 1
    for name, before in WARNINGS:
        assert said.count(name) == (running.deadline - before > now)
    mornings = {at.date() for what, at in told if what}
    days = {(now + each * DAYS).date() for each in range(1, hours // 24)}
    assert days <= mornings
    assert all(at.hour == 6 for what, at in told if what == DAY)


def test_of_warnings_that_come_late_the_last_one_is_told():
    """After a long downtime nobody gets two."""
    running = campaign(told=frozenset({OPENED}), told_on="2026-01-31")
    late = running.deadline - timedelta(hours=3)

    what, after = news(running, late)

    assert what == "1 day"
    assert after.told == {OPENED, "7 days", "1 day"}
    assert news(evolve(after, told_on=""), late)[0] == DAY
