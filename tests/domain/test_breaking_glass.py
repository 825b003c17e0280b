"""Break-glass (behaviour B): immediate, short, with a reason, told to all, reviewed afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.breaking_glass import (
    REVIEW_TIMER,
    admit,
    break_glass,
    check_barred,
    overdue,
    review,
    settle,
)
from marketplace_sdk.domain.catalog import DomainPolicy
from marketplace_sdk.domain.deciding import may_decide
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.emergency import LONGEST, LONGEST_REVIEW, Emergency, check_emergency
from marketplace_sdk.domain.requests import Limit
from marketplace_sdk.domain.review import DEFAULT_REVIEW, ReviewFlow, Stage
from marketplace_sdk.domain.reviewing import may_review, reviewers
from marketplace_sdk.domain.selectors import group, permission
from marketplace_sdk.errors import (
    AlreadyDetermined,
    Conflict,
    NotAllowed,
    TransitionNotAllowed,
)
from tests.domain.building import (
    ANA,
    BO,
    CY,
    DEE,
    GIL,
    NOW,
    REX,
    D,
    L,
    P,
    U,
    person,
    problems_of,
    product,
    request,
)

ONCALL = group("on call")
MAX = person("max", groups=["on call"])
HOURS = Duration(4, "hours")
RULE = Emergency(duration=HOURS, review_within=Duration(2, "days"), who=[ONCALL, U])
DUE = NOW + timedelta(days=2)
SECRET = "the payroll is broken"


def admitted(who=MAX, *, policy=None, **more):
    """What a request of theirs keeps, if they may break the glass."""
    found = product(**{"emergency": RULE, **more})
    return admit(found, policy or DomainPolicy(), who, reason=SECRET, now=NOW)


def broken(*stages, event=None, rule=RULE, now=NOW, **more):
    """The decision that breaking the glass of a product with these stages leads to."""
    draft = request(requester="max", beneficiary=MAX_ITSELF, emergency=admitted())
    event = event or ReviewFlow.review(*(stages or (Stage.any_of(L),))).default
    return break_glass(draft, event, rule, now=now, **more)


MAX_ITSELF = evolve(request().beneficiary, id="max")


@pytest.fixture
def opened():
    """max has broken the glass; group Legal reviews."""
    return broken().request


def found(opened, who=ANA, *, justified=True, reason="it was", now=NOW):
    return review(opened, who, justified=justified, reason=reason, now=now)


# What a product allows


@given(
    hours=st.integers(1, 60),
    unit=st.sampled_from(["hours", "days", "weeks", "months"]),
    days=st.integers(1, 60),
)
def test_an_emergency_is_short_and_its_review_is_soon(hours, unit, days):
    """At most 24 hours and 30 days, however they are written."""
    length, within = Duration(hours, unit), Duration(days, "days")
    fits = length.after(NOW) - NOW <= LONGEST and within.after(NOW) - NOW <= LONGEST_REVIEW
    if fits:
        assert Emergency(duration=length, review_within=within, who=[L]).duration == length
    else:
        problems = problems_of(Emergency, duration=length, review_within=within, who=[L])
        assert set(problems) <= {"emergency.duration", "emergency.review_within"}


@pytest.mark.parametrize("who", [[], ["max"], [None], [L] * 51])
def test_nobody_may_by_default(who):
    """Who may is always said, in selectors."""
    assert set(problems_of(Emergency, duration=HOURS, review_within=HOURS, who=who)) == {
        "emergency.who"
    }


def test_lengths_may_be_timedeltas_and_nothing_else():
    rule = Emergency(duration=timedelta(hours=1), review_within=timedelta(days=1), who=[L])
    assert rule.duration.after(NOW) == NOW + timedelta(hours=1)
    assert set(problems_of(Emergency, duration=4, review_within=HOURS, who=[L])) == {
        "emergency.duration"
    }
    assert set(problems_of(Emergency, duration=HOURS, review_within="2 days", who=[L])) == {
        "emergency.review_within"
    }


def test_a_product_takes_a_rule_or_none():
    assert check_emergency(None) is None
    assert check_emergency(RULE) is RULE
    assert set(problems_of(check_emergency, {"duration": HOURS})) == {"emergency"}


# Who may break it


def test_who_may_is_kept_with_proof():
    kept = admitted(MAX.at(NOW))

    assert (kept.reason, kept.admitted, kept.as_of) == (SECRET, "group on call", NOW)
    assert kept.review_due == DUE


def test_the_domain_of_a_selector_is_the_products():
    """Whoever manages another domain's products does not match."""
    rule = evolve(RULE, who=[D])
    assert admitted(DEE, emergency=rule).admitted.endswith("in sales")
    with pytest.raises(NotAllowed):
        admitted(person("dan", manages=["finance"]), emergency=rule)


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("no_emergency", {"emergency": None}),
        ("emergency_forbidden", {"policy": DomainPolicy(emergency="never")}),
        ("not_admitted", {"who": GIL}),
    ],
)
def test_without_the_products_word_nobody_may(code, more):
    """Neither by rank, nor where GOVERNANCE forbids it for the domain."""
    with pytest.raises(NotAllowed, match="cannot break the glass of product Orders") as refused:
        admitted(**more)

    assert (refused.value.code, refused.value.action) == (code, "request.break_glass")
    assert refused.value.hint
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("state", ["suspended", "retired", "deleting", "deleted"])
def test_only_what_is_published_is_opened(state):
    """What is withheld from everybody is given to nobody."""
    with pytest.raises(TransitionNotAllowed):
        admitted(state=state)


def test_a_policy_says_product_or_never():
    assert set(problems_of(DomainPolicy, emergency="always")) == {"policy.emergency"}


# Breaking it


def test_access_is_there_at_once_and_ends_soon(opened):
    """Nobody decided; the reason is in no event and in no notice."""
    decision = broken()

    assert decision.approved
    assert (opened.state, opened.until) == ("approved", NOW + timedelta(hours=4))
    assert (opened.determinations, opened.automatic, opened.reason) == ((), False, "")
    assert [event.type for event in decision.effects.events] == [
        "request.submitted",
        "request.approved",
        "request.emergency_opened",
    ]
    assert all(event.data["request"]["emergency"] for event in decision.effects.events)
    assert SECRET not in repr(decision)


def test_everybody_concerned_is_told_at_once():
    """Stewards of every stage, managers of the domain, GOVERNANCE, and whoever did it."""
    (told,) = broken(Stage.any_of(L), Stage.all_of(P, U)).effects.notices

    managers = D.bound("sales")
    assert set(told.audience) == {L, P, U, managers, permission("GOVERNANCE"), MAX_SELECTOR}
    assert told.exclude == ()
    assert (told.data["until"], told.data["due"]) == (
        "2026-01-31 16:00 UTC",
        "2026-02-02 12:00 UTC",
    )


MAX_SELECTOR = evolve(U, value="max")


def test_the_deadline_of_the_review_is_an_instant_with_a_timer():
    (timer,) = broken().effects.timers

    assert (timer.kind, timer.about, timer.due) == (REVIEW_TIMER, "request:r1", DUE)


@given(
    limits=st.lists(
        st.tuples(st.sampled_from(["product", "domain", "check"]), st.integers(1, 48)), max_size=3
    ),
    length=st.integers(1, 24),
)
def test_the_earliest_end_holds(limits, length):
    """Of the product's rule, its longest access, the domain's and what a plugin shortened."""
    rule = evolve(RULE, duration=Duration(length, "hours"))
    bounds = [Limit(by=by, duration=Duration(hours, "hours")) for by, hours in limits]

    made = broken(rule=rule, limits=bounds).request

    shortest = min([length, *(hours for _, hours in limits)])
    assert made.until == NOW + timedelta(hours=shortest)


def test_the_flows_own_duration_holds_too():
    event = ReviewFlow.approve(justification="open", duration=Duration(1, "hours")).default

    assert broken(event=event).request.until == NOW + timedelta(hours=1)


def test_an_automatic_flow_leaves_the_default_review():
    """There is always somebody to review."""
    event = ReviewFlow.approve(justification="open data").default

    made = broken(event=event).request

    assert made.stages == DEFAULT_REVIEW.default.bound("sales").stages
    assert may_review(made, GIL, NOW)


def test_what_domain_and_plugins_add_to_a_review_reviews_too():
    made = broken(extra=[Stage.any_of(P)]).request

    assert made.stewards == {L, P}
    assert may_review(made, CY, NOW)


def test_a_flow_that_denies_is_not_gone_round():
    with pytest.raises(NotAllowed) as refused:
        broken(event=ReviewFlow.deny(reason="never").default)

    assert refused.value.code == "denied_by_form"


def test_it_has_a_place_beside_an_ordinary_wish(opened):
    """An ordinary request may be filed while it runs; a second emergency may not."""
    ordinary = evolve(opened, emergency=None)
    again = evolve(opened, id="r2")

    assert opened.wish_key != ordinary.wish_key
    assert opened.wish_key == again.wish_key


# Reviewing it


def test_a_steward_closes_the_review_for_good(opened):
    closed = found(opened, ANA.at(NOW)).request

    assert closed.emergency.standing == "justified"
    assert (closed.emergency.review.by, closed.emergency.review.matched) == (
        "ana",
        ("group Legal",),
    )
    assert closed.emergency.review.as_of == NOW
    assert not closed.emergency.pending
    with pytest.raises(AlreadyDetermined):
        found(closed, BO, justified=False)
    with pytest.raises(AlreadyDetermined):
        found(closed, ANA, justified=False)


def test_the_same_review_again_changes_nothing(opened):
    closed = found(opened).request

    again = found(closed)
    assert not again.changed
    assert again.request is closed


def test_any_steward_of_any_stage_reviews():
    """Their seats are not counted: it is one finding, by one who could have decided."""
    made = broken(Stage.any_of(L), Stage.all_of(P, U)).request

    for who in (ANA, CY, person("uma")):
        assert found(made, who).request.emergency.standing == "justified"


@pytest.mark.parametrize("who", [CY, DEE, GIL, person("sam")], ids=lambda who: who.id)
def test_nobody_else_reviews(opened, who):
    """Neither managers nor GOVERNANCE, until it is overdue."""
    with pytest.raises(NotAllowed) as refused:
        found(opened, who)

    assert refused.value.needs == "group Legal"


@given(justified=st.booleans(), late=st.booleans(), own=st.booleans())
def test_nobody_ever_reviews_their_own(justified, late, own):
    """Whatever they are, whatever the form allows, however late it is."""
    made = evolve(broken().request, allow_self_review=own)
    itself = person("max", groups=["Legal", "on call"], permissions=["GOVERNANCE"])
    now = DUE + timedelta(days=9) if late else NOW

    with pytest.raises(NotAllowed) as refused:
        found(made, itself, justified=justified, now=now)

    assert refused.value.code == "self_review"
    assert not may_review(made, itself, now)


def test_an_overdue_review_is_open_to_governance_too(opened):
    """So that none stays open because nobody is its steward any more."""
    before, after = DUE - timedelta(seconds=1), DUE

    assert not may_review(opened, GIL, before)
    assert may_review(opened, GIL, after)
    assert found(opened, GIL, now=after).request.emergency.review.matched == (
        "permission GOVERNANCE",
    )


def test_it_is_never_decided_as_a_request(opened):
    """Nobody awaits a determination."""
    assert not may_decide(opened, ANA, NOW)
    assert reviewers(request(), NOW) == ()


def test_an_ordinary_request_has_no_review():
    for act in (
        lambda: found(request()),
        lambda: settle(request(), GIL, reason="x", now=NOW),
    ):
        with pytest.raises(TransitionNotAllowed):
            act()
    assert not overdue(request(), NOW).changed


def test_a_review_is_told_without_its_reason(opened):
    decision = found(opened, justified=False, reason=SECRET)

    (event,), (told,) = decision.effects.events, decision.effects.notices
    assert event.data["review"] == {
        "by": "ana", "justified": False, "matched": ("group Legal",), "as_of": None,
    }  # fmt: skip
    assert MAX_SELECTOR in told.audience
    assert told.exclude == ("ana",)
    assert SECRET not in repr((event, told, decision.request))


# When it is late


def test_a_late_review_is_noticed_once(opened):
    assert not overdue(opened, DUE - timedelta(seconds=1)).changed

    late = overdue(opened, DUE)
    assert late.request.emergency.overdue_at == DUE
    assert [event.type for event in late.effects.events] == ["request.emergency_overdue"]
    (told,) = late.effects.notices
    assert set(told.audience) == {permission("GOVERNANCE"), D.bound("sales")}
    assert not overdue(late.request, DUE + timedelta(days=1)).changed
    assert not overdue(found(opened).request, DUE).changed


@given(late=st.booleans(), closed=st.sampled_from([None, True, False]), settled=st.booleans())
def test_who_has_not_accounted_for_one_breaks_no_other(late, closed, settled):
    """Overdue and open, or found unjustified and not settled by GOVERNANCE."""
    made = broken().request
    now = DUE if late else NOW
    if closed is not None:
        made = found(made, justified=closed).request
        if settled and not closed:
            made = settle(made, GIL, reason="talked", now=now).request
    barred = (closed is None and late) or (closed is False and not settled)

    assert made.emergency.bars(now) == barred
    if not barred:
        check_barred(product(), MAX, [made, request()], now)
        return
    with pytest.raises(NotAllowed) as refused:
        check_barred(product(), MAX, [request(), made], now)
    assert refused.value.code == "emergency_barred"
    assert "GOVERNANCE" in refused.value.hint or "stewards" in refused.value.hint


# Settling it


def test_governance_settles_what_was_no_emergency(opened):
    unjustified = found(opened, justified=False).request

    settled = settle(unjustified, GIL, reason=SECRET, now=NOW)

    assert settled.request.emergency.settled.by == "gil"
    assert not settled.request.emergency.pending
    assert SECRET not in repr(settled)
    assert not settle(settled.request, GIL, reason=SECRET, now=NOW).changed
    with pytest.raises(Conflict):
        settle(settled.request, GIL, reason="other", now=NOW)


def test_there_is_nothing_to_settle_before_and_for_oneself(opened):
    for each in (opened, found(opened).request):
        with pytest.raises(Conflict) as refused:
            settle(each, GIL, reason="x", now=NOW)
        assert refused.value.code == "nothing_to_settle"
    with pytest.raises(NotAllowed):
        settle(found(opened, justified=False).request, MAX, reason="x", now=NOW)


# What people wrote


def test_erasing_takes_every_word(opened):
    unjustified = found(opened, justified=False, reason="no").request
    settled = settle(unjustified, GIL, reason="talked", now=NOW).request

    bare = settled.erased(NOW).emergency
    assert (bare.reason, bare.review.reason, bare.settled.reason) == ("", "", "")
    assert (bare.review.by, bare.settled.by, bare.standing) == ("ana", "gil", "unjustified")

    less = settled.without_words_of("ana").emergency
    assert (less.reason, less.review.reason, less.settled.reason) == (SECRET, "", "talked")
    assert settled.without_words_of("gil").emergency.settled.reason == ""
    assert request().without_words_of("ana") == request()
    assert REX.id not in repr(less)
