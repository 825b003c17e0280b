"""Deputies: windows, scopes, who may act for whom, and that one human has one voice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import permutations

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from marketplace_sdk.domain.deciding import may_decide, on_the_side
from marketplace_sdk.domain.deputies import (
    LONGEST,
    Deputyship,
    Represented,
    check_window,
    refusal,
)
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.inquiries import ask
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.quorum import adds_approval, hopeless, tally
from marketplace_sdk.domain.review import Seat, Stage
from marketplace_sdk.domain.selectors import group
from marketplace_sdk.errors import AlreadyDetermined, Conflict, InvalidInput, NotAllowed
from tests.domain.building import (
    ANA,
    BO,
    CY,
    DAN,
    GIL,
    NOW,
    REX,
    UMA,
    G,
    L,
    P,
    act,
    form,
    numbered,
    person,
    problems_of,
    request,
    vote,
)
from tests.domain.test_deciding import BENEFICIARIES, STAGES

CAST = (ANA, BO, CY, DAN, GIL, REX, UMA)
PAIRS = st.tuples(st.sampled_from(CAST), st.sampled_from([None, *CAST])).filter(
    lambda pair: pair[0] is not pair[1]
)
"""Who acts, and for whom; None: for themselves."""
MOMENTS = st.integers(-800, 800).map(lambda days: NOW + timedelta(days=days))


def ship(person="ana", deputy="rex", **more):
    facts = {"since": NOW, "until": NOW + timedelta(days=7), "named_at": NOW, **more}
    return Deputyship(id=f"{deputy} for {person}", person=person, deputy=deputy, **facts)


def for_(steward, deputy, **more):
    """A steward, represented by somebody."""
    return Represented(ship(steward.id, deputy.id, **more), steward)


def as_deputy(asked, deputy, steward, verdict="approve", **more):
    return act(asked, deputy, verdict, for_=for_(steward, deputy), **more)


def voice(by, deputy_for, *places, stage=0):
    """An approval, by somebody for somebody (empty: for themselves)."""
    one = vote(by, *places, stage=stage)
    return evolve(one, id=f"{by}>{deputy_for}", deputy_for=deputy_for)


# Windows and scopes


@given(MOMENTS, MOMENTS, MOMENTS)
def test_a_deputyship_holds_from_its_first_instant_up_to_its_last(since, until, now):
    """And not any more once it was ended."""
    one = ship(since=since, until=until)
    ended = evolve(one, ended_at=now, ended_by="ana")

    assert one.live(now) == (since <= now < until)
    assert one.over(now) == (until <= now)
    assert not ended.live(now)
    assert ended.over(now)


@given(MOMENTS, MOMENTS)
def test_a_window_is_taken_when_it_is_ahead_and_at_most_a_year_long(since, until):
    """It has an end, which is after its beginning; nothing begins in the past."""
    fits = NOW <= since <= LONGEST.after(NOW) and since < until <= LONGEST.after(since)

    if fits:
        assert check_window(since, until, NOW) == until
    else:
        with pytest.raises(InvalidInput):
            check_window(since, until, NOW)


def test_what_was_now_when_it_was_said_is_not_in_the_past():
    """A call takes a moment to arrive."""
    since = NOW - timedelta(minutes=5)

    assert check_window(since, Duration(1, "days"), NOW) == since + timedelta(days=1)
    with pytest.raises(InvalidInput, match="since: must not be in the past"):
        check_window(since - timedelta(seconds=1), Duration(1, "days"), NOW)


def test_ending_is_for_what_is_not_over():
    """Whoever ended it first is on record."""
    ended = ship().end("ana", NOW)

    assert (ended.ended_at, ended.ended_by) == (NOW, "ana")
    assert ended.end("rex", NOW) is ended
    over = ship()
    assert over.end("ana", over.until) is over


@pytest.mark.parametrize(
    ("scope", "covered", "words"),
    [
        ({}, True, "everything"),
        ({"domain": "sales"}, True, "domain sales"),
        ({"domain": "hr"}, False, "domain hr"),
        ({"product": "p1"}, True, "product p1"),
        ({"product": "p2"}, False, "product p2"),
    ],
)
def test_a_scope_is_everything_one_domain_or_one_product(scope, covered, words):
    """By what the request has pinned."""
    assert ship(**scope).covers(request(Stage.any_of(L))) == covered
    assert ship(**scope).scope == words
    assert words in str(ship(**scope))


@pytest.mark.parametrize(
    ("own", "chained", "code", "words"),
    [
        ([], "", "no_deputyship", "rex is not their deputy"),
        ([], "bo", "deputy_chain", "rex is not their deputy, but represents bo, who is"),
        ([{"since": NOW + timedelta(days=1)}], "bo", "deputyship_ahead", "before 2026-02-01 12:00"),
        ([{"until": NOW}], "", "deputyship_over", "since 2026-01-31 12:00 UTC"),
        ([{"ended_at": NOW}, {"until": NOW - timedelta(days=1)}], "", "deputyship_over", "01-31"),
    ],
)
def test_who_is_no_deputy_is_told_why(own, chained, code, words):
    """And what to do about it."""
    error = refusal(
        "ana",
        "rex",
        own=[ship(**each) for each in own],
        chained=chained,
        verb="approve",
        action="request.decide",
        now=NOW,
    )

    assert (error.code, error.actor, error.action) == (code, "rex", "request.decide")
    assert str(error).startswith("cannot approve for ana: ")
    assert words in str(error)
    assert error.hint


def test_a_window_says_what_is_wrong_with_it():
    year, day = timedelta(days=365), timedelta(days=1)

    assert problems_of(check_window, NOW + year + day, NOW + year + 2 * day, NOW) == {
        "since": "must be at most 1 year ahead"
    }
    assert problems_of(check_window, NOW, NOW + year + day, NOW) == {
        "until": "must be at most 1 year after the beginning"
    }
    assert problems_of(check_window, NOW, NOW, NOW) == {
        "until": "must be after the beginning, and not in the past"
    }


# Acting


def test_the_seats_are_those_of_the_one_represented_and_the_name_is_the_deputys():
    pending = request(Stage.all_of(L, P))

    after = as_deputy(pending, GIL, ANA).request
    (made,) = after.determinations

    assert (made.by, made.deputy_for, made.deputyship) == ("gil", "ana", "gil for ana")
    assert (made.steward, made.who) == ("ana", "gil for ana")
    assert [match.by for match in made.matched] == ["group Legal"]
    (seat,) = after.tally.filled
    assert (seat.by, seat.deputy_for, seat.who) == (("gil",), {"gil": "ana"}, ("gil for ana",))
    assert [str(one) for one in after.tally.open] == ["group Privacy"]


def test_what_the_deputy_is_besides_does_not_count():
    """Cy, of Privacy, acts for ana, of Legal: Privacy stays open."""
    after = as_deputy(request(Stage.all_of(L, P)), CY, ANA).request

    assert [str(one) for one in after.tally.open] == ["group Privacy"]


def test_who_is_no_steward_has_nothing_to_hand_on():
    with pytest.raises(NotAllowed, match="uma is not a steward of it"):
        as_deputy(request(Stage.any_of(L)), ANA, UMA)


def test_out_of_scope_is_refused():
    with pytest.raises(NotAllowed) as refused:
        act(request(Stage.any_of(L)), GIL, for_=for_(ANA, GIL, domain="hr"))

    assert refused.value.code == "out_of_scope"


@given(
    st.sampled_from(["gil", "ana", "con"]),
    st.sampled_from([Beneficiary("person", "gil"), Beneficiary("person", "ana")])
    | st.sampled_from([Beneficiary("group", name) for name in ("Legal", "crew", "Sales")]),
    st.sampled_from(["", "gil", "ana"]),
    st.booleans(),
    st.sampled_from(["approve", "deny", "ask"]),
)
def test_no_form_lets_somebody_be_represented_about_what_is_for_one_of_the_two(
    requester, beneficiary, owner, self_review, verb
):
    """Neither of the two may be on the receiving side; whether the form allows it or not."""
    gil = person("gil", groups=["crew"])
    pending = request(
        Stage.any_of(L),
        requester=requester,
        beneficiary=beneficiary,
        owner=owner,
        allow_self_review=self_review,
    )
    barred = on_the_side(pending, gil) or on_the_side(pending, ANA)

    def do():
        if verb == "ask":
            return ask(pending, gil, question="Why?", id="i", now=NOW, for_=for_(ANA, gil))
        return as_deputy(pending, gil, ANA, verb)

    assert may_decide(pending, gil, NOW, for_(ANA, gil)) == (not barred)
    if barred:
        with pytest.raises(NotAllowed) as refused:
            do()
        assert refused.value.code == "self_review"
    else:
        assert do().changed


def test_governance_is_not_handed_on_with_a_seat():
    """Gil may ask about everything; whoever represents him, only where he is a steward."""
    pending = request(Stage.any_of(L))

    assert ask(pending, GIL, question="Why?", id="i", now=NOW).changed
    with pytest.raises(NotAllowed, match="gil is not a steward"):
        ask(pending, UMA, question="Why?", id="i", now=NOW, for_=for_(GIL, UMA))


def test_the_same_question_for_somebody_else_is_another_one():
    pending = request(Stage.any_of(L))
    asked = ask(pending, GIL, question="Why?", id="i", now=NOW, for_=for_(ANA, GIL)).request

    again = ask(asked, GIL, question="Why?", id="i", now=NOW, for_=for_(ANA, GIL))
    assert not again.changed
    assert asked.inquiries[0].who == "gil for ana"
    with pytest.raises(Conflict):
        ask(asked, GIL, question="Why?", id="i", now=NOW, for_=for_(DAN, GIL))


def test_a_fallback_is_represented_while_a_seat_is_stuck():
    """Bo has spoken for somebody already, and Gil stands in: his deputy may fill what is left."""
    pending = request(Stage.all_of(P, group("Nobody")), form=form(fallback=G))
    pending = as_deputy(pending, BO, CY).request
    stuck = evolve(pending, stuck=("group Nobody",))

    assert may_decide(stuck, BO, NOW, for_(GIL, BO))
    assert not may_decide(pending, BO, NOW, for_(GIL, BO))
    assert as_deputy(stuck, BO, GIL, vacant=[(1, 0)], fallback=G).approved


# One human, one voice


def takes(pending, actor, steward):
    """What an approval leads to, or None when it is refused."""
    try:
        if steward is None:
            return act(pending, actor).request
        return as_deputy(pending, actor, steward).request
    except (NotAllowed, AlreadyDetermined):
        return None


@given(
    st.lists(STAGES, min_size=1, max_size=2),
    BENEFICIARIES,
    st.sampled_from(["rex", "bo", "con"]),
    st.sampled_from(["", "cy"]),
    st.booleans(),
    st.lists(PAIRS, max_size=5),
    st.lists(PAIRS, min_size=1, max_size=4),
)
def test_whoever_may_decide_for_another_is_who_would_not_be_refused(
    stages, beneficiary, requester, owner, self_review, acting, looking
):
    """Whatever the review, whoever asks for whom, and whoever has acted before for whom."""
    pending = request(
        *stages,
        beneficiary=beneficiary,
        requester=requester,
        owner=owner,
        allow_self_review=self_review,
    )
    for actor, steward in acting:
        pending = takes(pending, actor, steward) or pending

    for actor, steward in looking:
        whom = None if steward is None else for_(steward, actor)
        could = may_decide(pending, actor, NOW, whom)
        assert could == (takes(pending, actor, steward) is not None)


@given(st.lists(STAGES, min_size=1, max_size=2), st.lists(PAIRS, max_size=8))
def test_one_human_has_one_voice_whoever_acts_for_whom(stages, acting):
    """On one seat nobody counts twice; with distinct stewards on a whole stage; and a steward
    determines on a stage once, themselves or by a deputy."""
    pending = request(*stages)
    for actor, steward in acting:
        before = len({(seat.stage, seat.set) for seat in pending.tally.filled})
        pending = takes(pending, actor, steward) or pending
        after = len({(seat.stage, seat.set) for seat in pending.tally.filled})
        assert before <= after, "an approval undid another"

    spoken = Counter((each.stage, each.steward) for each in pending.determinations)
    assert set(spoken.values()) <= {1}
    heard: dict[int, Counter[str]] = {}
    for seat in (*pending.tally.filled, *pending.tally.open):
        voices = Counter((*seat.by, *seat.deputy_for.values()))
        assert set(voices.values()) <= {1}
        heard.setdefault(seat.stage, Counter()).update(voices)
    for number, voices in heard.items():
        if pending.stages[number].distinct_stewards:
            assert set(voices.values()) <= {1}


NAMES = st.sampled_from("abcd")


@st.composite
def voiced(draw):
    """A small stage, and acts by few people for each other, each steward's once."""
    wanted = draw(
        st.lists(
            st.lists(st.integers(1, 2), min_size=1, max_size=2), min_size=1, max_size=2
        ).filter(lambda sets: sum(map(sum, sets)) <= 4)
    )
    places = [(at, place) for at, one in enumerate(wanted) for place in range(len(one))]
    own = st.frozensets(st.sampled_from(places), min_size=1)
    stewards = draw(st.lists(NAMES, unique=True, max_size=4))
    acts = []
    for steward in stewards:
        by = draw(NAMES)
        acts.append((by, "" if by == steward else steward, draw(own)))
    return wanted, acts


def humans(acts, place):
    """Most acts that matched a place of which no two share a human, by trying everything."""
    fit = [{by, steward or by} for by, steward, own in acts if place in own]
    best = 0
    for order in permutations(fit):
        used: set[str] = set()
        count = 0
        for voices in order:
            if used.isdisjoint(voices):
                used |= voices
                count += 1
        best = max(best, count)
    return best


@given(voiced(), st.booleans())
def test_a_seat_is_never_filled_by_fewer_humans_than_it_wants(case, distinct):
    """Even of acts that would have been refused."""
    wanted, acts = case
    votes = [voice(by, steward, *sorted(own)) for by, steward, own in acts]

    result = tally((numbered(*wanted, distinct=distinct),), votes)

    for seat in result.filled:
        assert humans(acts, (seat.set, seat.seat)) >= wanted[seat.set][seat.seat]
    if distinct:
        named = Counter(
            name
            for seat in (*result.filled, *result.open)
            for name in {*seat.by, *seat.deputy_for.values()}
        )
        assert set(named.values()) <= {1}


@given(voiced(), st.booleans())
def test_without_deputies_nothing_is_counted_differently(case, distinct):
    """Who says whose voices they are only narrows what one person alone could do."""
    wanted, acts = case
    stage = numbered(*wanted, distinct=distinct)
    alone = [voice(steward or by, "", *sorted(own)) for by, steward, own in acts]
    more = [("e", own) for _, _, own in acts[:1]]
    assume(more)
    (name, own) = more[0]
    extra = vote(name, *sorted(own))

    assert adds_approval(stage, alone, extra.matched) == adds_approval(
        stage, alone, extra.matched, (name,)
    )
    with_deputies = [voice(by, steward, *sorted(own)) for by, steward, own in acts]
    filled = {seat.set for seat in tally((stage,), with_deputies).filled}
    assert filled <= {seat.set for seat in tally((stage,), alone).filled}


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_approvals_of_a_seat_somebody_gives_one_for_themselves_or_another(first):
    """Ana and Bo are of Legal, and Bo represents Ana: one of the two, whichever comes first."""
    pending = request(Stage.any_of(Seat(L, approvals=2)))
    acts = [lambda one: takes(one, BO, None), lambda one: takes(one, BO, ANA)]
    after = acts[first](pending)

    assert acts[1 - first](after) is None
    assert takes(after, DAN, None).state == "approved"


@pytest.mark.parametrize("first", [0, 1])
def test_distinct_stewards_are_different_humans(first):
    """Cy is of Privacy and represents Ana of Legal: one of the two seats is hers."""
    pending = request(Stage.all_of(L, P, distinct_stewards=True))
    acts = [lambda one: takes(one, CY, None), lambda one: takes(one, CY, ANA)]
    after = acts[first](pending)

    assert acts[1 - first](after) is None
    assert takes(after, BO, None).state == "approved"


def test_who_has_spoken_does_not_choose_another_seat_by_speaking_for_another():
    """With distinct stewards: it would fill no second place, and move the first for nothing."""
    stage = numbered([1], [1, 1], distinct=True)
    spoken = [voice("ana", "", (1, 0))]
    more = voice("ana", "gil", (0, 0))

    assert not adds_approval(stage, spoken, more.matched, more.voices)
    assert adds_approval(stage, spoken, more.matched, ("dan", "gil"))
    assert [seat.set for seat in tally((stage,), [*spoken, more]).filled] == [0]


def test_what_the_same_voices_cannot_fill_is_hopeless():
    """Of two places of Legal one is taken by Bo for Ana: neither of the two fills the other."""
    seat = numbered([2])
    apart = numbered([1], [1], distinct=True)
    spoken = [voice("bo", "ana", (0, 0))]

    assert hopeless(seat, spoken, {(0, 0): ["bo", "ana"]}) == {(0, 0)}
    assert hopeless(seat, spoken, {(0, 0): ["bo", "dan"]}) == frozenset()
    assert hopeless(apart, spoken, {(1, 0): ["bo"]}) == {(1, 0)}
    assert hopeless(apart, spoken, {(1, 0): ["bo", "dan"]}) == frozenset()
