"""Counting: seats, sets, stages, and what a vote is worth.

The properties compare with an oracle which knows no algorithm: it tries everything.
"""

from __future__ import annotations

from itertools import permutations, product

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from marketplace_sdk.domain.determinations import Determination, FilledSeat, Match, OpenSeat, Tally
from marketplace_sdk.domain.quorum import adds_approval, hopeless, matches, tally
from marketplace_sdk.domain.review import Seat, Stage
from marketplace_sdk.domain.selectors import group
from tests.domain.building import (
    ANA,
    BO,
    DAYS_7,
    DAYS_30,
    GIL,
    NOW,
    REX,
    G,
    L,
    P,
    U,
    numbered,
    vote,
)


def matched(*places):
    return tuple(Match(at, place, "group") for at, place in places)


def seats(result):
    """Filled seats of a tally as ``{(stage, set, seat): people}``."""
    return {(one.stage, one.set, one.seat): one.by for one in result.filled}


def missing(result):
    """Open seats of a tally as ``{(set, seat): approvals that are missing}``."""
    return {(one.set, one.seat): one.missing for one in result.open}


# By example


def test_an_empty_review_is_approved():
    """Nobody was asked, so nobody has to answer."""
    assert tally((), ()) == Tally(outcome="approved", stage=None, filled=(), open=())


def test_a_review_without_votes_waits_at_its_first_stage():
    """All seats of the first stage are open; those of later stages are not listed."""
    result = tally((Stage.all_of(L, P), Stage.any_of(G)), ())

    assert result == Tally(
        outcome="pending",
        stage=0,
        filled=(),
        open=(
            OpenSeat(stage=0, set=0, seat=0, wants=Seat(L), missing=1),
            OpenSeat(stage=0, set=1, seat=0, wants=Seat(P), missing=1),
        ),
    )
    assert [str(seat) for seat in result.open] == ["group Legal", "group Privacy"]


def test_one_approval_decides_any():
    """Any: the first approval of anybody named decides."""
    result = tally((Stage.any_of(L, P),), [vote("cy", (0, 0))])

    assert result == Tally(
        outcome="approved",
        stage=None,
        filled=(FilledSeat(stage=0, set=0, seat=0, by=("cy",)),),
        open=(),
    )


def test_all_wants_one_approval_for_each():
    """All: the seat that nobody filled stays open."""
    result = tally((Stage.all_of(L, P),), [vote("ana", (0, 0))])

    assert result.outcome == "pending"
    assert seats(result) == {(0, 0, 0): ("ana",)}
    assert missing(result) == {(1, 0): 1}


def test_one_act_fills_every_seat_it_matches():
    """One steward in two groups closes both seats."""
    result = tally((Stage.all_of(L, P),), [vote("bo", (0, 0), (1, 0))])

    assert result.outcome == "approved"
    assert seats(result) == {(0, 0, 0): ("bo",), (0, 1, 0): ("bo",)}


def test_distinct_stewards_let_one_person_fill_one_seat_only():
    """With distinct stewards the same act fills the first of the two."""
    stage = Stage.all_of(L, P, distinct_stewards=True)

    result = tally((stage,), [vote("bo", (0, 0), (1, 0))])

    assert result.outcome == "pending"
    assert seats(result) == {(0, 0, 0): ("bo",)}
    assert missing(result) == {(1, 0): 1}


def test_a_later_vote_moves_an_earlier_one():
    """Bo could sit in either seat and sits in the first; Ana, who fits only there, moves him."""
    stage = Stage.all_of(L, P, distinct_stewards=True)
    bo = vote("bo", (0, 0), (1, 0))

    counts = adds_approval(stage, [bo], matched((0, 0)))
    result = tally((stage,), [bo, vote("ana", (0, 0))])

    assert counts
    assert result.outcome == "approved"
    assert seats(result) == {(0, 0, 0): ("ana",), (0, 1, 0): ("bo",)}


def test_a_vote_moves_a_chain_of_earlier_ones():
    """Three seats, each vote pushes the one before: all three are seated in the end."""
    stage = numbered([1], [1], [1], distinct=True)
    first = vote("a", (0, 0), (1, 0))
    second = vote("b", (0, 0), (2, 0))

    counts = adds_approval(stage, [first, second], matched((0, 0)))
    result = tally((stage,), [first, second, vote("c", (0, 0))])

    assert counts
    assert seats(result) == {(0, 0, 0): ("c",), (0, 1, 0): ("a",), (0, 2, 0): ("b",)}


def test_a_seat_of_two_needs_two_different_people():
    """N of M: the same person twice is one."""
    stage = numbered([2])

    once = tally((stage,), [vote("ana", (0, 0)), vote("ana", (0, 0))])
    twice = tally((stage,), [vote("ana", (0, 0)), vote("bo", (0, 0))])

    assert missing(once) == {(0, 0): 1}
    assert once.open[0].by == ("ana",)
    assert twice.outcome == "approved"
    assert seats(twice) == {(0, 0, 0): ("ana", "bo")}


def test_the_same_person_twice_is_one_of_distinct_stewards():
    """Two acts of one person are one person, who may sit where either act fits."""
    stage = numbered([1], [1], distinct=True)

    result = tally((stage,), [vote("ana", (0, 0)), vote("ana", (1, 0))])

    assert result.outcome == "pending"
    assert seats(result) == {(0, 0, 0): ("ana",)}


def test_a_full_seat_keeps_those_who_filled_it():
    """People beyond the number are not listed."""
    stage = numbered([1], [1])

    result = tally((stage,), [vote("a", (0, 0)), vote("b", (0, 0), (1, 0))])

    assert seats(result) == {(0, 0, 0): ("a",), (0, 1, 0): ("b",)}


def test_one_seat_of_a_set_is_enough():
    """The seats of one set are alternatives; a half-filled one does not matter any more."""
    stage = numbered([2, 1])

    waiting = tally((stage,), [vote("a", (0, 0))])
    done = tally((stage,), [vote("a", (0, 0)), vote("b", (0, 1))])

    assert missing(waiting) == {(0, 0): 1, (0, 1): 1}
    assert [one.by for one in waiting.open] == [("a",), ()]
    assert done.outcome == "approved"
    assert seats(done) == {(0, 0, 1): ("b",)}


def test_half_an_approval_in_each_alternative_is_none():
    """Approvals of different seats are not added up."""
    result = tally((numbered([2, 2]),), [vote("a", (0, 0)), vote("b", (0, 1))])

    assert result.outcome == "pending"
    assert missing(result) == {(0, 0): 1, (0, 1): 1}


def test_distinct_stewards_take_the_alternative_that_is_complete():
    """One filled seat fills the set, though another has more votes in all."""
    stage = numbered([3, 1], distinct=True)
    before = [vote("a", (0, 0)), vote("b", (0, 0))]

    counts = adds_approval(stage, before, matched((0, 1)))
    result = tally((stage,), [*before, vote("c", (0, 1))])

    assert counts
    assert result.outcome == "approved"
    assert seats(result) == {(0, 0, 1): ("c",)}


def test_distinct_stewards_show_the_alternative_with_most_votes():
    """While none is complete, the one that got furthest is shown."""
    stage = numbered([2, 3], distinct=True)

    result = tally((stage,), [vote("a", (0, 1)), vote("b", (0, 1))])

    assert missing(result) == {(0, 0): 2, (0, 1): 1}
    assert [one.by for one in result.open] == [(), ("a", "b")]


def test_distinct_stewards_take_the_first_of_equal_alternatives():
    """So that nothing decides but the votes."""
    result = tally((numbered([1, 1], distinct=True),), [vote("a", (0, 0), (0, 1))])

    assert seats(result) == {(0, 0, 0): ("a",)}


def test_distinct_stewards_fill_the_most_sets_first():
    """A filled set counts for more than many votes on an unfilled seat."""
    stage = numbered([3, 1], [1], distinct=True)

    result = tally((stage,), [vote("a", (0, 0)), vote("b", (0, 0)), vote("c", (0, 1))])

    assert seats(result) == {(0, 0, 1): ("c",)}
    assert missing(result) == {(1, 0): 1}


def test_a_vote_for_another_seat_of_a_filled_set_is_useless():
    """With distinct stewards too: Bo holds the second set, so its other seat needs nobody."""
    stage = numbered([1], [1, 1], distinct=True)
    bo = vote("bo", (1, 0))

    assert not adds_approval(stage, [bo], matched((1, 1)))
    assert adds_approval(stage, [bo], matched((0, 0)))


def test_a_vote_for_another_seat_of_a_filled_set_may_free_somebody():
    """If Bo could sit in the first set, a vote for the other seat lets him."""
    stage = numbered([1], [1, 1], distinct=True)
    bo = vote("bo", (0, 0), (1, 0))

    assert adds_approval(stage, [bo], matched((1, 1)))
    assert tally((stage,), [bo, vote("dee", (1, 1))]).outcome == "approved"


def test_stages_are_taken_in_order():
    """The next stage opens when the one before is complete."""
    review = (Stage.all_of(L, P), Stage.any_of(G))

    first = tally(review, [vote("ana", (0, 0))])
    second = tally(review, [vote("ana", (0, 0)), vote("cy", (1, 0))])
    done = tally(review, [vote("ana", (0, 0)), vote("cy", (1, 0)), vote("gil", (0, 0), stage=1)])

    assert (first.outcome, first.stage) == ("pending", 0)
    assert (second.outcome, second.stage) == ("pending", 1)
    assert [(one.stage, str(one)) for one in second.open] == [(1, "permission GOVERNANCE")]
    assert seats(second) == {(0, 0, 0): ("ana",), (0, 1, 0): ("cy",)}
    assert (done.outcome, done.stage) == ("approved", None)
    assert seats(done)[1, 0, 0] == ("gil",)


def test_votes_of_one_stage_do_not_count_in_another():
    """An approval fills seats of the stage it was made on."""
    review = (Stage.any_of(L), Stage.any_of(L))

    result = tally(review, [vote("ana", (0, 0))])

    assert (result.outcome, result.stage) == ("pending", 1)


def test_one_denial_denies_whatever_else_was_said():
    """A denial ends the review; what was filled until then is still told."""
    result = tally(
        (Stage.all_of(L, P), Stage.any_of(G)),
        [vote("ana", (0, 0)), vote("cy", (1, 0), verdict="deny")],
    )

    assert result == Tally(
        outcome="denied",
        stage=None,
        filled=(FilledSeat(stage=0, set=0, seat=0, by=("ana",)),),
        open=(),
        denied_by="cy",
    )


def test_a_denied_review_tells_nothing_of_stages_that_never_opened():
    """Counting stops at the stage that was open."""
    result = tally(
        (Stage.any_of(L), Stage.any_of(P), Stage.any_of(G)),
        [
            vote("ana", (0, 0)),
            vote("cy", (0, 0), stage=1, verdict="deny"),
            vote("gil", (0, 0), stage=2),
        ],
    )

    assert result.outcome == "denied"
    assert seats(result) == {(0, 0, 0): ("ana",)}


def test_a_denial_of_a_complete_review_still_denies():
    """Nothing that was approved outweighs it."""
    result = tally((Stage.any_of(L),), [vote("ana", (0, 0)), vote("bo", (0, 0), verdict="deny")])

    assert (result.outcome, result.denied_by, result.stage) == ("denied", "bo", None)


def test_what_was_filled_is_told_wherever_the_denial_stands():
    """Votes, not their order."""
    denial, approval = vote("bo", (1, 0), verdict="deny"), vote("ana", (0, 0), until=DAYS_7)
    review = (Stage.all_of(L, P),)

    assert tally(review, [denial, approval]) == tally(review, [approval, denial])
    assert seats(tally(review, [denial, approval])) == {(0, 0, 0): ("ana",)}


def test_the_first_of_several_denials_is_named():
    """Who denied is who ended it."""
    denials = [vote("bo", (0, 0), verdict="deny"), vote("ana", (0, 0), verdict="deny")]

    assert tally((Stage.any_of(L),), denials).denied_by == "bo"


def test_every_end_of_an_approver_is_kept_and_none_of_a_denier():
    """The earliest of them counts, later."""
    review = (Stage.all_of(L, P, G),)

    result = tally(
        review,
        [vote("ana", (0, 0), until=DAYS_30), vote("cy", (1, 0)), vote("gil", (2, 0), until=NOW)],
    )
    pending = tally(review, [vote("ana", (0, 0), until=DAYS_7)])
    denied = tally(review, [vote("ana", (0, 0), until=DAYS_30, verdict="deny")])

    assert result.windows == (DAYS_30, NOW)
    assert pending.windows == (DAYS_7,)
    assert denied.windows == ()


@pytest.mark.parametrize("outcome", ["pending", "approved", "denied"])
def test_a_tally_has_no_truth_value(outcome):
    """ "Is it approved" and "is it over" are different questions."""
    result = Tally(outcome=outcome, stage=None, filled=(), open=())

    with pytest.raises(TypeError, match=r"^a Tally has no truth value: compare its outcome$"):
        bool(result)


def test_a_determination_does_not_show_its_reason():
    """Reasons never leave in a log."""
    given_vote = Determination(
        id="1", by="ana", verdict="deny", reason="a secret", at=NOW, stage=0, matched=()
    )

    assert "secret" not in repr(given_vote)


# Which seats a person matches


def test_a_person_matches_every_seat_that_names_them_with_the_reason():
    """The proof is the first selector of the seat that matches."""
    stage = Stage(sets=((Seat(U, L, P), Seat(G)), (Seat(P),)))

    assert matches(stage, BO) == (Match(0, 0, "group Legal"), Match(1, 0, "group Privacy"))
    assert matches(stage, GIL) == (Match(0, 1, "permission GOVERNANCE"),)
    assert matches(stage, REX) == ()


def test_a_fallback_matches_vacant_seats_only():
    """Who falls back fills what nobody can fill, and is told so in the proof."""
    stage = Stage.all_of(L, P, G)

    assert matches(stage, REX, {(1, 0): "fallback"}) == (Match(1, 0, "fallback"),)
    assert matches(stage, ANA, dict.fromkeys([(0, 0), (1, 0)], "fallback")) == (
        Match(0, 0, "group Legal"),
        Match(1, 0, "fallback"),
    )


# What nobody can fill


def test_a_set_is_lost_when_each_of_its_alternatives_is():
    """E3: others may act; one approval that is there already counts."""
    stage = Stage(sets=((Seat(L, approvals=2), Seat(G)), (Seat(P),)))

    assert hopeless(stage, [], {}) == {(0, 0), (0, 1), (1, 0)}
    assert hopeless(stage, [], {(0, 1): ["gil"]}) == {(1, 0)}
    assert hopeless(stage, [], {(0, 0): ["ana", "ana"], (1, 0): ["cy"]}) == {(0, 0), (0, 1)}
    assert hopeless(stage, [vote("bo", (0, 0))], {(0, 0): ["ana"]}) == {(1, 0)}


def test_one_person_cannot_fill_two_seats_that_want_different_people():
    """Distinct stewards: each has somebody, both have not."""
    stage = Stage.all_of(L, P, distinct_stewards=True)

    assert hopeless(stage, [], {(0, 0): ["bo"], (1, 0): ["bo"]}) == {(1, 0)}
    assert hopeless(stage, [], {(0, 0): ["bo"], (1, 0): ["bo", "cy"]}) == frozenset()
    assert hopeless(stage, [vote("bo", (0, 0), (1, 0))], {(0, 0): ["ana"]}) == frozenset()


@given(
    st.lists(
        st.lists(st.integers(1, 2), min_size=1, max_size=2).map(tuple), min_size=1, max_size=3
    ),
    st.booleans(),
    st.lists(
        st.frozensets(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1), max_size=5
    ),
    st.integers(0, 2),
)
def test_what_is_lost_stays_open_even_when_everybody_approves(sizes, distinct, people, voted):
    """Whoever could act has acted, for all they match: what is open then is lost now."""
    stage = numbered(*sizes, distinct=distinct)
    there = {(at, place) for at, place, _ in stage.seats()}
    people = [sorted(places & there) for places in people]
    approvals = [vote(f"p{n}", *places) for n, places in enumerate(people[:voted]) if places]
    rest = [(f"p{n}", places) for n, places in enumerate(people) if n >= voted and places]
    candidates = {
        place: [name for name, places in rest if place in places] for place in sorted(there)
    }

    lost = hopeless(stage, approvals, candidates)

    everybody = tally([stage], [*approvals, *(vote(name, *places) for name, places in rest)])
    assert {at for at, _ in lost} == {seat.set for seat in everybody.open}


# What a vote adds


def test_a_vote_on_a_filled_seat_adds_nothing():
    """An approval that fills nothing is refused rather than ignored."""
    stage = Stage.all_of(L, P)
    before = [vote("ana", (0, 0))]

    assert not adds_approval(stage, before, matched((0, 0)))
    assert adds_approval(stage, before, matched((0, 0), (1, 0)))
    assert adds_approval(stage, before, matched((1, 0)))
    assert not adds_approval(stage, before, ())


def test_a_vote_on_an_alternative_of_a_filled_set_adds_nothing():
    """One filled seat fills the set."""
    stage = numbered([1, 2], [1])

    assert not adds_approval(stage, [vote("a", (0, 0))], matched((0, 1)))
    assert adds_approval(stage, [vote("a", (0, 1))], matched((0, 1)))


def test_nothing_adds_to_a_complete_stage():
    """Whether stewards must be distinct or not."""
    for distinct in (False, True):
        stage = numbered([1], distinct=distinct)

        assert not adds_approval(stage, [vote("a", (0, 0))], matched((0, 0)))


def test_a_vote_that_matches_only_taken_places_adds_nothing():
    """Distinct stewards: where nobody can be moved, there is no room."""
    stage = numbered([1], [1], distinct=True)

    assert not adds_approval(stage, [vote("a", (0, 0))], matched((0, 0)))
    assert not adds_approval(stage, [], ())
    assert adds_approval(stage, [vote("a", (0, 0))], matched((1, 0)))


# Against an oracle that tries everything


def oracle_complete(wanted, distinct, people):
    """Whether these people, each a set of places, complete a stage of these numbers."""
    for choice in product(*(range(len(one)) for one in wanted)):
        places = list(enumerate(choice))
        if not distinct:
            if all(
                sum((at, place) in own for own in people) >= wanted[at][place]
                for at, place in places
            ):
                return True
            continue
        slots = [(at, place) for at, place in places for _ in range(wanted[at][place])]
        if len(slots) <= len(people) and any(
            all(slot in own for slot, own in zip(slots, order, strict=True))
            for order in permutations(people, len(slots))
        ):
            return True
    return False


def oracle_useful(wanted, distinct, people, one_more):
    """Whether some further votes are enough with one more, and are not without."""
    places = [(at, place) for at, one in enumerate(wanted) for place in range(len(one))]
    for counts in product(*(range(wanted[at][place] + 1) for at, place in places)):
        further = [
            frozenset([place]) for place, n in zip(places, counts, strict=True) for _ in range(n)
        ]
        if oracle_complete(wanted, distinct, [*people, one_more, *further]) and not (
            oracle_complete(wanted, distinct, [*people, *further])
        ):
            return True
    return False


@st.composite
def small_stages(draw, most=5):
    """Numbers of approvals by set and seat, at most five in all."""
    wanted = draw(
        st.lists(
            st.lists(st.integers(min_value=1, max_value=3), min_size=1, max_size=3),
            min_size=1,
            max_size=3,
        )
    )
    assume(sum(map(sum, wanted)) <= most)
    return wanted


@st.composite
def voted(draw, most=5):
    """A small stage, and people with the places that each matches."""
    wanted = draw(small_stages(most))
    places = [(at, place) for at, one in enumerate(wanted) for place in range(len(one))]
    own = st.frozensets(st.sampled_from(places), min_size=1, max_size=3)
    return wanted, draw(st.lists(own, max_size=5)), draw(own)


def votes_of(people):
    return [vote(f"p{number}", *sorted(own)) for number, own in enumerate(people)]


@given(case=voted(), distinct=st.booleans())
@example(
    case=([[3, 1]], [frozenset({(0, 0)})] * 2 + [frozenset({(0, 1)})], frozenset({(0, 0)})),
    distinct=True,
)
@example(
    case=([[1], [1]], [frozenset({(0, 0), (1, 0)}), frozenset({(0, 0)})], frozenset({(0, 0)})),
    distinct=True,
)
def test_a_review_is_approved_exactly_when_brute_force_finds_a_way(case, distinct):
    """Every set has a seat with as many different approvers as it needs, or it is not approved."""
    wanted, people, _ = case

    result = tally((numbered(*wanted, distinct=distinct),), votes_of(people))

    assert (result.outcome == "approved") == oracle_complete(wanted, distinct, people)


@given(case=voted(4), distinct=st.booleans())
@example(case=([[1], [1]], [frozenset({(0, 0), (1, 0)})], frozenset({(0, 0)})), distinct=True)
@example(case=([[1], [1, 1]], [frozenset({(1, 0)})], frozenset({(1, 1)})), distinct=True)
@example(case=([[1], [1, 1]], [frozenset({(0, 0), (1, 0)})], frozenset({(1, 1)})), distinct=True)
@example(case=([[2, 1]], [], frozenset({(0, 0)})), distinct=True)
def test_a_vote_is_let_in_exactly_when_brute_force_finds_a_use(case, distinct):
    """No useless vote is let in, no useful one refused."""
    wanted, people, one_more = case
    stage = numbered(*wanted, distinct=distinct)

    counts = adds_approval(stage, votes_of(people), matched(*sorted(one_more)))

    assert counts == oracle_useful(wanted, distinct, people, one_more)


@given(voted(), st.booleans(), st.randoms())
def test_votes_and_not_their_order_decide(case, distinct, chance):
    """However determinations are ordered, outcome, filled places and open places are the same."""
    wanted, people, _ = case
    stage = numbered(*wanted, distinct=distinct)
    votes = votes_of(people)
    shuffled = list(votes)
    chance.shuffle(shuffled)

    one, other = tally((stage,), votes), tally((stage,), shuffled)

    assert one.outcome == other.outcome
    assert set(seats(one)) == set(seats(other))
    assert missing(one) == missing(other)


@given(voted(), st.booleans(), st.integers(min_value=0, max_value=5))
def test_one_denial_always_denies(case, distinct, position):
    """Wherever among the votes it stands."""
    wanted, people, own = case
    votes = votes_of(people)
    votes.insert(position, vote("nay", *sorted(own), verdict="deny"))

    result = tally((numbered(*wanted, distinct=distinct),), votes)

    assert (result.outcome, result.denied_by, result.open) == ("denied", "nay", ())


@given(voted(), st.booleans())
def test_seats_hold_people_who_matched_them(case, distinct):
    """A filled seat has as many different people as it needs, each with a match; an open one less."""
    wanted, people, _ = case
    own = {f"p{number}": places for number, places in enumerate(people)}

    result = tally((numbered(*wanted, distinct=distinct),), votes_of(people))

    for seat in result.filled:
        assert len(set(seat.by)) == len(seat.by) == wanted[seat.set][seat.seat]
        assert all((seat.set, seat.seat) in own[name] for name in seat.by)
    for seat in result.open:
        assert len(seat.by) + seat.missing == wanted[seat.set][seat.seat]
        assert seat.missing > 0
        assert all((seat.set, seat.seat) in own[name] for name in seat.by)
    assert {seat.set for seat in result.filled}.isdisjoint(seat.set for seat in result.open)
    if distinct:
        named = [name for seat in (*result.filled, *result.open) for name in seat.by]
        assert len(named) == len(set(named))


@given(voted(), st.booleans())
def test_one_more_vote_never_undoes_an_approval(case, distinct):
    """Approvals are monotone, and an approval that completes was a useful one."""
    wanted, people, one_more = case
    stage = numbered(*wanted, distinct=distinct)
    votes = votes_of(people)
    before = tally((stage,), votes)

    after = tally((stage,), [*votes, vote("more", *sorted(one_more))])

    if before.outcome == "approved":
        assert after.outcome == "approved"
        assert not adds_approval(stage, votes, matched(*sorted(one_more)))
    elif after.outcome == "approved":
        assert adds_approval(stage, votes, matched(*sorted(one_more)))


@given(voted(), st.booleans())
def test_refused_votes_change_nothing_that_matters(case, distinct):
    """Dropping every vote that adds nothing when it is made leads to the same outcome."""
    wanted, people, _ = case
    stage = numbered(*wanted, distinct=distinct)
    kept = []
    for each in votes_of(people):
        if adds_approval(stage, kept, each.matched):
            kept.append(each)

    assert tally((stage,), kept).outcome == tally((stage,), votes_of(people)).outcome


@given(st.lists(voted(), min_size=1, max_size=3), st.booleans())
def test_stages_are_complete_one_by_one(cases, distinct):
    """The open stage is the first that its own votes do not complete."""
    stages = [numbered(*wanted, distinct=distinct) for wanted, _, _ in cases]
    votes = [
        vote(f"p{number}", *sorted(own), stage=at)
        for at, (_, people, _) in enumerate(cases)
        for number, own in enumerate(people)
    ]
    expected = next(
        (
            at
            for at, (wanted, people, _) in enumerate(cases)
            if not oracle_complete(wanted, distinct, people)
        ),
        None,
    )

    assert tally(stages, votes).stage == expected


def test_many_alternatives_of_distinct_stewards_are_still_counted():
    """The largest stage that may be made is no trouble."""
    stage = Stage(
        sets=tuple((Seat(group(f"a{n}"), approvals=4), Seat(group(f"b{n}"))) for n in range(6)),
        distinct_stewards=True,
    )
    votes = [vote(f"p{n}", (n, 1)) for n in range(5)]

    assert adds_approval(stage, votes, matched((5, 0)))
    assert not adds_approval(stage, votes, matched((0, 0), (1, 0), (2, 0)))
    assert tally((stage,), [*votes, vote("last", (5, 1))]).outcome == "approved"
