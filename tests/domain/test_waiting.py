"""What the passing of time does to a pending request: it adds stewards, or calls it off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.deciding import asked, asked_in_time, escalated, may_decide
from marketplace_sdk.domain.determinations import Match
from marketplace_sdk.domain.durations import LAST_INSTANT, UNITS, Duration
from marketplace_sdk.domain.inquiries import answer, ask
from marketplace_sdk.domain.patience import Escalation, check_patience
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.review import FlowEvent, ReviewFlow, Seat, Stage
from marketplace_sdk.domain.waiting import (
    ESCALATE,
    TIME_OUT,
    TIME_OUT_SOON,
    escalate,
    warn_of_time_out,
)
from marketplace_sdk.domain.workflow import cancel, submit
from marketplace_sdk.errors import (
    AlreadyDetermined,
    InvalidInput,
    MarketplaceError,
    NotAllowed,
    TransitionNotAllowed,
)
from tests.domain.building import (
    ANA,
    BO,
    CY,
    DAN,
    DEE,
    FAY,
    GIL,
    NOW,
    REX,
    UMA,
    D,
    G,
    L,
    P,
    T,
    act,
    approvals,
    escalation,
    form,
    person,
    problems_of,
    request,
)

DAY = timedelta(days=1)
ON_TIME, JUST_BEFORE = NOW + 3 * DAY, NOW + 3 * DAY - timedelta(microseconds=1)
DURATIONS = st.builds(Duration, st.integers(1, 400), st.sampled_from(UNITS))
CAST = (ANA, BO, CY, DAN, DEE, FAY, GIL, REX, UMA)


def pending(*stages, to=G, expire=None, **more):
    """A pending request whose form escalates after 3 days."""
    patience = form(
        escalation=None if to is None else escalation(to),
        expire_after=None if expire is None else Duration(expire, "days"),
    )
    more.setdefault("escalates", len(stages))
    return request(*stages, form=patience, **more)


def timers(decision):
    return sorted((each.kind, each.due - NOW) for each in decision.effects.timers)


# What may be said


def test_an_escalation_says_after_how_long_and_to_whom():
    assert Escalation(after=DAY, to=G).after == Duration(86_400, "seconds")
    assert str(escalation(D)) == (
        "domain permission MANAGE_DATA_PRODUCTS in the product's domain after 3 days"
    )
    assert escalation(D).bound("sales").to == D.bound("sales")


@pytest.mark.parametrize(
    "after", [timedelta(0), -DAY, timedelta(microseconds=1), 3, "3 days", None]
)
def test_an_escalation_takes_time(after):
    assert list(problems_of(Escalation, after=after, to=G)) == ["escalation.after"]


@pytest.mark.parametrize("to", [None, "data-office", Seat(G), (G,)])
def test_an_escalation_names_somebody(to):
    assert list(problems_of(Escalation, after=DAY, to=to)) == ["escalation.to"]


@pytest.mark.parametrize(
    ("after", "expire", "fine"),
    [
        ((3, "days"), (30, "days"), True),
        ((30, "days"), (30, "days"), False),
        ((31, "days"), (30, "days"), False),
        ((24, "hours"), (1, "days"), False),
        ((4, "weeks"), (1, "months"), False),  # all of February
        ((27, "days"), (1, "months"), True),
        ((1, "months"), (31, "days"), False),
        ((1, "months"), (32, "days"), True),
        ((11, "months"), (1, "years"), True),
        ((12, "months"), (1, "years"), False),
        ((365, "days"), (1, "years"), False),
        ((1, "years"), (366, "days"), False),
    ],
)
def test_an_escalation_comes_before_the_end_of_the_wait(after, expire, fine):
    """At or after it would be nonsense, on any calendar."""
    both = escalation(**{after[1]: after[0]}), Duration(*expire)
    if fine:
        check_patience(*both)
    else:
        assert list(problems_of(check_patience, *both)) == ["escalation.after"]


def test_either_may_be_without_the_other():
    check_patience(None, None)
    check_patience(escalation(), None)
    check_patience(None, Duration(1, "hours"))


@given(DURATIONS, DURATIONS, st.datetimes(datetime(1970, 1, 1), datetime(2400, 1, 1)))  # noqa: DTZ001  # made aware below
def test_what_is_shorter_ends_earlier_whenever_it_begins(one, other, start):
    start = start.replace(tzinfo=UTC)

    if one.shorter_than(other):
        assert one.after(start) < other.after(start)
        assert not other.shorter_than(one)
    assert not one.shorter_than(one)


# When it escalates


def test_from_its_instant_on_whom_it_names_may_fill_the_open_seats():
    """Not a microsecond before, and whether a worker ran or not."""
    one = pending(Stage.any_of(L))

    with pytest.raises(NotAllowed) as refused:
        act(one, GIL, now=JUST_BEFORE)
    assert refused.value.hint == (
        "permission GOVERNANCE may from 2026-02-03 12:00:00 UTC on, if it is open then"
    )
    assert escalated(one, JUST_BEFORE) is None
    assert escalated(one, ON_TIME) == G
    done = act(one, GIL, now=ON_TIME)
    assert done.approved
    assert done.request.determinations[0].matched == (
        Match(0, 0, "escalation to permission GOVERNANCE"),
    )


def test_those_named_may_decide_as_before():
    """In addition to those named, never instead of them."""
    one = pending(Stage.any_of(L))

    assert act(one, ANA, now=ON_TIME).request.determinations[0].matched == (
        Match(0, 0, "group Legal"),
    )
    with pytest.raises(NotAllowed):
        act(one, CY, now=ON_TIME)


def test_one_act_fills_every_open_seat():
    one = pending(Stage.all_of(L, P, T))

    assert act(approvals(one, ANA), GIL, now=ON_TIME).approved


def test_who_is_added_may_deny():
    assert act(pending(Stage.any_of(L)), GIL, "deny", now=ON_TIME).request.state == "denied"


def test_several_approvals_are_still_several_people():
    """An escalation adds people, and lowers no number."""
    one = pending(Stage.any_of(Seat(L, approvals=2)))

    once = act(one, GIL, now=ON_TIME).request
    assert once.open
    with pytest.raises(AlreadyDetermined):
        act(once, GIL, now=ON_TIME)
    assert act(once, ANA, now=ON_TIME).approved


def test_distinct_stewards_stay_distinct():
    one = pending(Stage.all_of(L, P, distinct_stewards=True))

    once = act(one, GIL, now=ON_TIME).request
    assert (once.open, len(once.tally.open)) == (True, 1)
    assert act(once, BO, now=ON_TIME).approved


@pytest.mark.parametrize(
    "side", [{"requester": "gil"}, {"beneficiary": Beneficiary("person", "gil")}, {"owner": "gil"}]
)
def test_the_receiving_side_stays_barred(side):
    with pytest.raises(NotAllowed, match="nobody decides for themselves"):
        act(pending(Stage.any_of(L), **side), GIL, now=ON_TIME)


def test_the_domain_of_the_product_is_filled_in():
    one = pending(Stage.any_of(L), to=D)

    assert act(one, DEE, now=ON_TIME).approved
    with pytest.raises(NotAllowed):
        act(one, person("dan", manages=["finance"]), now=ON_TIME)


def test_each_stage_counts_anew_from_the_moment_it_opens():
    one = pending(Stage.any_of(L), Stage.any_of(P))
    assert one.escalates_at == ON_TIME

    late = NOW + 2 * DAY
    two = act(one, ANA, now=late).request
    assert two.escalates_at == late + 3 * DAY
    with pytest.raises(NotAllowed):
        act(two, GIL, now=ON_TIME)
    assert act(two, GIL, now=late + 3 * DAY).approved


def test_a_stage_that_several_complete_opens_the_next_with_the_last_of_them():
    one = pending(Stage.all_of(L, P), Stage.any_of(T))

    half = act(one, ANA, now=NOW + DAY).request
    assert half.escalates_at == ON_TIME
    assert act(half, CY, now=NOW + 2 * DAY).request.escalates_at == NOW + 5 * DAY


def test_what_a_policy_or_a_plugin_demands_is_not_the_forms_to_give_away():
    """Its stages come behind those of the form and have no escalation."""
    draft = request(form=form(escalation=escalation()), stages=())
    event = ReviewFlow.review(Stage.any_of(L)).default

    one = submit(draft, event, extra=[Stage.any_of(P)], now=NOW, names={}).request
    assert one.escalates == 1
    two = act(one, GIL, now=ON_TIME).request
    assert (two.tally.stage, two.escalates_at) == (1, None)
    with pytest.raises(NotAllowed):
        act(two, GIL, now=NOW + 1000 * DAY)
    assert not may_decide(two, GIL, NOW + 1000 * DAY)
    assert G not in asked_in_time(two)


def test_a_stage_that_would_be_called_off_first_never_escalates():
    one = pending(Stage.any_of(L), Stage.any_of(P), expire=4)

    assert one.escalates_at == ON_TIME
    two = act(one, ANA, now=NOW + DAY).request
    assert (two.escalates_at, two.expires_at) == (None, NOW + 4 * DAY)


def test_by_whom_it_is_found_is_whoever_will_be_asked():
    """So nothing has to be written at the instant for them to find it."""
    one = pending(Stage.any_of(L))

    assert set(asked_in_time(one)) == {L, G} == set(asked(one, ON_TIME))
    assert set(asked(one, JUST_BEFORE)) == {L}
    assert asked_in_time(act(one, ANA).request) == ()


# What is told when it escalates


def test_an_escalation_is_told_once():
    """To those added, requester, beneficiary and the managers of the domain; never a reason."""
    one = pending(Stage.any_of(L), to=P, beneficiary=Beneficiary("person", "cy"))

    assert escalate(one, JUST_BEFORE, names={})[0] is one
    told, effects = escalate(one, ON_TIME + DAY, names={})

    (event,) = effects.events
    assert (event.type, event.data["escalation"]) == (
        "request.escalated",
        {"stage": 0, "to": "group Privacy", "at": ON_TIME.isoformat()},
    )
    assert [(each.kind, [str(who) for who in each.audience]) for each in effects.notices] == [
        ("decision_escalated", ["group Privacy"]),
        (
            "request_escalated",
            ["user rex", "user cy", "domain permission MANAGE_DATA_PRODUCTS in sales"],
        ),
    ]
    assert told == evolve(one, escalated=(0,))
    assert escalate(told, ON_TIME + DAY, names={}) == (told, type(effects)())


def test_nobody_is_told_of_an_escalation_that_came_to_nothing():
    """Decided, called off, or its time is over."""
    one = pending(Stage.any_of(L), expire=10)

    for over in (
        act(one, ANA).request,
        act(one, ANA, "deny").request,
        cancel(one, "requester", reason="", now=NOW, names={}).request,
    ):
        assert escalate(over, ON_TIME, names={})[0] is over
    assert escalate(one, NOW + 10 * DAY, names={})[0] is one


def test_who_was_told_that_they_may_decide_is_told_the_outcome():
    one = pending(Stage.any_of(L))
    told, _ = escalate(one, ON_TIME, names={})

    for asked_for, expected in ((one, False), (told, True)):
        (final,) = act(asked_for, ANA, now=ON_TIME).effects.notices
        assert (G in final.audience) is expected
        (off,) = cancel(asked_for, "requester", reason="", now=ON_TIME, names={}).effects.notices
        assert (G in off.audience) is expected


# When it is called off


def test_nobody_decides_once_the_time_is_over():
    """From that instant on, whether a worker ran or not."""
    one = pending(Stage.any_of(L), to=None, expire=30)
    end = NOW + 30 * DAY

    assert act(one, ANA, now=end - timedelta(microseconds=1)).approved
    for verdict in ("approve", "deny"):
        with pytest.raises(AlreadyDetermined, match="it is canceled") as refused:
            act(one, ANA, verdict, now=end)
        assert (refused.value.state, refused.value.hint) == (
            "canceled",
            "nobody decided in time; ask again",
        )
    assert asked(one, end) == ()
    with pytest.raises(AlreadyDetermined, match="it is canceled"):
        ask(one, ANA, question="Why?", id="q", now=end)
    open_one = ask(one, ANA, question="Why?", id="q", now=NOW).request
    with pytest.raises(AlreadyDetermined, match="it is canceled"):
        answer(open_one, REX, inquiry="q", text="So.", now=end)


def test_every_read_past_the_instant_shows_it_canceled():
    one = pending(Stage.any_of(L), to=None, expire=30)
    end = NOW + 30 * DAY

    assert one.seen_at(end - timedelta(microseconds=1)) is one
    seen = one.seen_at(end + DAY)
    assert (seen.state, seen.cause, seen.ended_at) == ("canceled", "timed_out", end)
    with pytest.raises(TransitionNotAllowed, match="it is canceled"):
        cancel(seen, "requester", reason="", now=end + DAY, names={})


@pytest.mark.parametrize(
    "cause", ["timed_out", "beneficiary_left", "product_deleted", "governance"]
)
def test_what_was_over_before_anybody_came_has_timed_out(cause):
    """The account says so, and is what reads said before."""
    one = pending(Stage.any_of(L), to=None, expire=30)
    late = NOW + 45 * DAY

    decision = cancel(one, cause, reason="because", now=late, names={})

    assert decision.request == one.seen_at(late)
    (event,) = decision.effects.events
    assert (event.type, event.data["cause"]) == ("request.canceled", "timed_out")
    (told,) = decision.effects.notices
    assert (told.kind, [str(who) for who in told.audience]) == (
        "request_timed_out",
        ["group Legal", "user rex"],
    )


def test_months_are_those_of_the_calendar():
    """One month from 31 January is 28 February, in UTC."""
    one = request(Stage.any_of(L), form=form(expire_after=Duration(1, "months")))

    assert one.expires_at == datetime(2026, 2, 28, 12, tzinfo=UTC)


def test_a_decided_request_has_no_instants_left():
    one = act(pending(Stage.any_of(L), expire=30), ANA).request

    assert (one.escalates_at, one.expires_at) == (None, None)
    assert one.seen_at(NOW + 300 * DAY) is one


def test_stewards_are_warned_before_it_is_called_off():
    """Whoever may decide then, those added among them; nobody when it is over."""
    one = pending(Stage.any_of(L), expire=30)

    (told,) = warn_of_time_out(one, NOW + 29 * DAY, names={}).notices
    assert (told.kind, set(told.audience)) == ("request_timing_out", {L, G})
    assert not warn_of_time_out(one, NOW + 30 * DAY, names={}).notices
    assert not warn_of_time_out(act(one, ANA).request, NOW + 29 * DAY, names={}).notices


# Timers


def submitted(event, **patience):
    return submit(request(form=form(**patience), stages=()), event, now=NOW, names={})


REVIEW = ReviewFlow.review(Stage.any_of(L), Stage.any_of(P)).default


def test_timers_come_with_the_state_that_they_are_about():
    both = {"escalation": escalation(), "expire_after": Duration(30, "days")}

    decision = submitted(REVIEW, **both)
    assert timers(decision) == [
        (ESCALATE, 3 * DAY),
        (TIME_OUT, 30 * DAY),
        (TIME_OUT_SOON, 29 * DAY),
    ]
    assert timers(act(decision.request, ANA, now=NOW + DAY)) == [(ESCALATE, 4 * DAY)]


def test_a_form_without_patience_sets_none():
    decision = submitted(REVIEW)

    assert timers(decision) == []
    assert decision.request.escalates == 0
    assert timers(act(decision.request, ANA)) == []


@pytest.mark.parametrize(
    "event",
    [
        FlowEvent(kind="approve", reason="public"),
        FlowEvent(kind="deny", reason="never"),
    ],
)
def test_what_is_decided_at_once_waits_for_nothing(event):
    decision = submitted(event, escalation=escalation(), expire_after=Duration(30, "days"))

    assert not decision.request.open
    assert timers(decision) == []


@pytest.mark.parametrize(("hours", "warned"), [(24, False), (25, True)])
def test_a_warning_that_would_be_past_already_is_not_sent(hours, warned):
    decision = submitted(REVIEW, expire_after=Duration(hours, "hours"))

    assert (TIME_OUT_SOON in dict(timers(decision))) is warned


# Never silent approval

SELECTORS = st.sampled_from([L, P, T, D])
STAGES = st.builds(
    lambda sets, distinct: Stage(sets=tuple(map(tuple, sets)), distinct_stewards=distinct),
    st.lists(
        st.lists(
            st.builds(Seat, SELECTORS, approvals=st.sampled_from([1, 1, 2])),
            min_size=1,
            max_size=2,
            unique=True,
        ),
        min_size=1,
        max_size=2,
    ),
    st.booleans(),
)
STEPS = st.one_of(
    st.integers(0, 200).map(lambda hours: timedelta(hours=hours)),
    st.sampled_from(CAST),
    st.sampled_from(["escalate", "sweep", "warn"]),
)


@given(
    st.lists(STAGES, min_size=1, max_size=3),
    st.sampled_from([None, G, L]),
    st.sampled_from([None, 5, 12]),
    st.lists(STEPS, max_size=16),
)
def test_time_never_approves_and_never_fills_a_seat(stages, to, expire, steps):
    """Whatever waits, acts and comes late: only somebody's own approval changes the count."""
    one = pending(*stages, to=to, expire=expire)
    now = NOW
    for step in steps:
        before = one.seen_at(now)
        if isinstance(step, timedelta):
            now += step
        elif step == "escalate":
            one, _ = escalate(one, now, names={})
        elif step == "warn":
            warn_of_time_out(one, now, names={})
        elif step == "sweep":
            if one.overdue(now):
                one = cancel(one, "timed_out", reason="", now=now, names={}).request
        else:
            filled = one.tally.filled
            try:
                one = act(one, step, now=now).request
            except MarketplaceError:
                assert one.tally.filled == filled
            continue
        after = one.seen_at(now)
        assert after.tally == before.tally
        assert after.determinations == before.determinations
        assert after.state in (before.state, "canceled")
    assert len(one.determinations) == len({(each.by, each.stage) for each in one.determinations})
    if one.state == "approved":
        assert one.determinations
    assert one.seen_at(LAST_INSTANT).state != "approved" or one.state == "approved"


def test_patience_is_refused_with_a_hint():
    with pytest.raises(InvalidInput) as refused:
        check_patience(escalation(days=30), Duration(30, "days"))

    assert refused.value.hint == "months have 28 to 31 days: give both in the same unit"
