"""Review flows as data: seats, stages, events, rules."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk.domain.conditions import Is
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.review import DEFAULT_REVIEW, FlowEvent, ReviewFlow, Rule, Seat, Stage
from marketplace_sdk.domain.selectors import group
from tests.domain.building import DAYS_30, D, G, L, P, U, problems_of
from tests.domain.test_conditions import situation

SALES = Is("domain", "sales")


def test_a_seat_is_a_union_of_selectors_each_once():
    """Naming the same twice says nothing more."""
    seat = Seat(L, P, L)

    assert seat.selectors == (L, P)
    assert seat.approvals == 1
    assert seat == Seat(L, P)
    assert str(seat) == "group Legal or group Privacy"
    assert str(Seat(L, approvals=2)) == "2 of group Legal"


@pytest.mark.parametrize("approvals", [0, -1, 1.0, True, "2", None])
def test_a_seat_needs_a_whole_number_of_approvals(approvals):
    """At least one; truth values are no numbers."""
    assert problems_of(Seat, L, approvals=approvals) == {
        "seat.approvals": "must be a whole number of at least 1"
    }


def test_a_seat_names_somebody():
    """An empty seat would be filled by nobody, or by everybody."""
    assert problems_of(Seat) == {"seat": "needs at least one steward selector"}
    assert problems_of(Seat, "Legal") == {
        "seat": "takes user(), group(), attribute(), permission() ..."
    }


def test_any_of_selectors_is_one_seat_and_of_seats_one_set():
    """Plain selectors share a seat; each Seat is an alternative."""
    two = Seat(P, approvals=2)

    assert Stage.any_of(L, P).sets == ((Seat(L, P),),)
    assert Stage.any_of(two, L, G, two).sets == ((Seat(L, G), two),)
    assert Stage.any_of(two).sets == ((two,),)


def test_all_of_is_one_set_for_each_and_asks_the_same_once():
    """Duplicate sources collapse to one."""
    assert Stage.all_of(L, P, L).sets == ((Seat(L),), (Seat(P),))
    assert Stage.all_of(L, Seat(L)).sets == ((Seat(L),),)
    assert Stage.all_of(L, Seat(L, approvals=2)).sets == ((Seat(L),), (Seat(L, approvals=2),))
    assert not Stage.all_of(L).distinct_stewards
    assert Stage.all_of(L, distinct_stewards=True).distinct_stewards


@pytest.mark.parametrize("make", [Stage.any_of, Stage.all_of])
def test_empty_stages_are_refused(make):
    """An empty any or all would be approved by nobody."""
    assert problems_of(make)
    assert problems_of(make, "Legal")


@pytest.mark.parametrize(
    ("sets", "path"),
    [
        ((), "stage"),
        (((),), "stage"),
        (((Seat(L),), ()), "stage"),
        (5, "stage.sets"),
        ((Seat(L),), "stage.sets"),
        ("ab", "stage.sets"),
        (((L,),), "stage.sets"),
    ],
)
def test_a_stage_is_made_of_sets_of_seats(sets, path):
    """Each set has at least one seat."""
    assert list(problems_of(Stage, sets)) == [path]


def test_a_stage_has_a_limit():
    """64 seats and 256 approvals are enough."""
    seats = [Seat(group(f"g{n}")) for n in range(65)]
    demanding = [Seat(group(f"g{n}"), approvals=4) for n in range(64)]

    assert len(Stage.all_of(*seats[:64]).sets) == 64
    assert problems_of(Stage.all_of, *seats) == {"stage": "has more than 64 seats"}
    assert len(Stage.all_of(*demanding).sets) == 64
    assert problems_of(Stage.all_of, *demanding[1:], Seat(L, approvals=5)) == {
        "stage": "has more than 64 seats"
    }


def test_alternatives_of_distinct_stewards_have_a_limit():
    """64 ways to choose one seat from every set can be compared, more cannot."""
    pair = (Seat(L), Seat(P))

    assert Stage([pair] * 6, distinct_stewards=True).distinct_stewards
    assert Stage([pair] * 7).sets == (pair,) * 7
    assert problems_of(Stage, [pair] * 7, distinct_stewards=True) == {
        "stage": "has too many alternatives for distinct stewards"
    }


def test_a_stage_fills_in_the_domain_and_keeps_the_rest():
    """Domain permissions are those of the product's domain."""
    stage = Stage(sets=((Seat(D, L, approvals=2), Seat(G)), (Seat(P),)), distinct_stewards=True)

    bound = stage.bound("sales")

    assert bound.sets == (
        (Seat(D.bound("sales"), L, approvals=2), Seat(G)),
        (Seat(P),),
    )
    assert bound.distinct_stewards
    assert bound.bound("finance") == bound


def test_a_stage_lists_its_seats_and_whom_they_name():
    """With the numbers of the set and of the place in it."""
    stage = Stage(sets=((Seat(L), Seat(G)), (Seat(P, U),)))

    assert list(stage.seats()) == [(0, 0, Seat(L)), (0, 1, Seat(G)), (1, 0, Seat(P, U))]
    assert stage.selectors() == {L, G, P, U}


@pytest.mark.parametrize(
    ("kind", "stages"),
    [("review", ()), ("approve", (Stage.any_of(L),)), ("deny", (Stage.any_of(L),)),
     ("delegate", (Stage.any_of(L),))],
)  # fmt: skip
def test_a_review_has_stages_and_nothing_else_has(kind, stages):
    """A review without stages would be approved by nobody."""
    assert problems_of(FlowEvent, kind=kind, stages=stages) == {
        "event": "must have stages for a review, and only then"
    }


@pytest.mark.parametrize("kind", ["", "APPROVE", "maybe", None])
def test_a_flow_leads_to_one_of_four(kind):
    """approve, deny, review, delegate."""
    assert problems_of(FlowEvent, kind=kind) == {
        "event": "must be approve, deny, review or delegate"
    }


def test_a_flow_reviews_in_stages():
    """One to 32 of them."""
    stage = Stage.any_of(L)

    assert ReviewFlow.review(stage, Stage.any_of(P)).default == FlowEvent(
        kind="review", stages=(stage, Stage.any_of(P))
    )
    assert len(ReviewFlow.review(*[stage] * 32).default.stages) == 32
    assert problems_of(ReviewFlow.review) == {"review": "needs 1 to 32 stages"}
    assert problems_of(ReviewFlow.review, *[stage] * 33) == {"review": "needs 1 to 32 stages"}
    assert problems_of(ReviewFlow.review, L) == {"review": "takes Stage.any_of() or Stage.all_of()"}


def test_a_flow_approves_with_a_justification_and_for_how_long():
    """A written justification is needed; without a duration it has no end."""
    assert ReviewFlow.approve(justification="open").default == FlowEvent(
        kind="approve", reason="open"
    )
    assert ReviewFlow.approve(justification="x", duration=DAYS_30).default.duration == DAYS_30
    assert ReviewFlow.approve(
        justification="x", duration=timedelta(hours=1)
    ).default.duration == Duration(3600, "seconds")
    assert problems_of(ReviewFlow.approve, justification=" ") == {
        "justification": "must not be empty"
    }
    assert problems_of(ReviewFlow.approve, justification="x", duration=30) == {
        "duration": "must be a Duration or a timedelta"
    }


def test_a_flow_denies_with_a_reason():
    """Nobody is told no without one."""
    assert ReviewFlow.deny(reason="closed").default == FlowEvent(kind="deny", reason="closed")
    assert problems_of(ReviewFlow.deny, reason="") == {"reason": "must not be empty"}


def test_a_flow_delegates_without_allowing_automatic_approval():
    """Unless it says so."""
    assert not ReviewFlow.delegate().default.allow_automatic
    assert ReviewFlow.delegate(allow_automatic=True).default.allow_automatic


def test_rules_take_flows_and_events():
    """Where a rule leads is written like a flow."""
    flow = ReviewFlow.with_rules(
        Rule(SALES, ReviewFlow.deny(reason="x")),
        Rule(SALES, ReviewFlow.review(Stage.any_of(P)).default),
        default=ReviewFlow.review(Stage.any_of(L)),
    )

    assert flow.event_for(situation()).kind == "deny"
    assert flow.event_for(situation(domain="finance")).kind == "review"
    assert [event.kind for event in flow.events()] == ["deny", "review", "review"]
    assert flow.selectors() == {P, L}


def test_a_rule_needs_a_condition_and_an_event():
    """Text is neither; rules do not nest in rules."""
    nested = ReviewFlow.with_rules(
        Rule(SALES, ReviewFlow.deny(reason="x")), default=ReviewFlow.deny(reason="y")
    )
    expected = {"event": "must be ReviewFlow.review(), .approve(), .deny() or .delegate()"}

    assert list(problems_of(Rule, "domain == 'sales'", ReviewFlow.deny(reason="x"))) == [
        "rule.when"
    ]
    assert problems_of(Rule, SALES, "deny") == expected
    assert problems_of(Rule, SALES, nested) == expected


def test_a_flow_has_a_limit_of_rules_and_takes_only_rules():
    """200 rules are enough."""
    deny = ReviewFlow.deny(reason="x")
    expected = {"rules": "must be at most 200 Rule objects"}

    assert len(ReviewFlow.with_rules(*[Rule(SALES, deny)] * 200, default=deny).rules) == 200
    assert problems_of(ReviewFlow.with_rules, *[Rule(SALES, deny)] * 201, default=deny) == expected
    assert problems_of(ReviewFlow.with_rules, "rule", default=deny) == expected


def test_the_default_review_asks_governance_or_the_managers():
    """One stage, any of the two."""
    assert ReviewFlow.review(Stage.any_of(G, D)) == DEFAULT_REVIEW
