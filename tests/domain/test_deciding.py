"""Who is asked to decide: exactly those who would not be refused."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.deciding import asked, may_decide, wanting
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.review import Seat, Stage
from marketplace_sdk.errors import AlreadyDetermined, NotAllowed
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
    U,
    act,
    escalation,
    form,
    request,
)

CAST = (ANA, BO, CY, DAN, GIL, REX, UMA)
SELECTORS = st.sampled_from([L, P, G, U])
SEATS = st.builds(Seat, SELECTORS, approvals=st.sampled_from([1, 1, 2]))
STAGES = st.builds(
    lambda sets, distinct: Stage(sets=tuple(map(tuple, sets)), distinct_stewards=distinct),
    st.lists(st.lists(SEATS, min_size=1, max_size=2, unique=True), min_size=1, max_size=3),
    st.booleans(),
)
BENEFICIARIES = st.sampled_from(
    [
        Beneficiary("person", "ana"),
        Beneficiary("person", "con"),
        Beneficiary("group", "Privacy"),
        Beneficiary("group", "Sales"),
    ]
)


def takes(asked_for, who, now=NOW):
    """What an approval by somebody leads to, or None when it is refused."""
    try:
        return act(asked_for, who, now=now).request
    except (NotAllowed, AlreadyDetermined):
        return None


@given(
    st.lists(STAGES, min_size=1, max_size=2),
    BENEFICIARIES,
    st.sampled_from(["rex", "bo", "con"]),
    st.sampled_from(["", "cy"]),
    st.booleans(),
    st.lists(st.sampled_from(CAST), max_size=4),
    st.sampled_from([None, G, L]),
    st.integers(0, 2),
    st.sampled_from([timedelta(0), timedelta(days=3), timedelta(days=10)]),
)
def test_whoever_may_decide_is_who_would_not_be_refused(
    stages, beneficiary, requester, owner, self_review, acting, added, escalates, later
):
    """Whatever the review, whoever asks for whom, whoever has acted before, and however late."""
    patience = {} if added is None else {"escalation": escalation(added)}
    pending = request(
        *stages,
        beneficiary=beneficiary,
        requester=requester,
        owner=owner,
        allow_self_review=self_review,
        form=form(expire_after=Duration(10, "days"), **patience),
        escalates=escalates,
    )
    for who in acting:
        pending = takes(pending, who) or pending

    at = NOW + later
    allowed = {who.id for who in CAST if may_decide(pending, who, at)}

    assert allowed == {who.id for who in CAST if takes(pending, who, at) is not None}


def test_a_vote_that_lets_another_one_move_is_asked_for():
    """Bo sits for Legal and could sit for Privacy: somebody else of Legal would be enough."""
    both = act(request(Stage.all_of(L, P, distinct_stewards=True)), BO).request

    assert set(asked(both, NOW)) == {L, P}
    assert may_decide(both, ANA, NOW)
    assert act(both, ANA).approved


def test_nobody_is_asked_about_what_is_decided():
    denied = act(request(Stage.any_of(L)), ANA, "deny").request

    assert asked(denied, NOW) == ()
    assert not may_decide(denied, BO, NOW)
    assert wanting(denied) == ()


def test_whoever_stands_in_is_asked_while_a_seat_is_stuck():
    """Not before anybody has seen that nobody can fill it."""
    pending = request(Stage.any_of(L), form=form(fallback=G))

    assert not may_decide(pending, GIL, NOW)
    assert may_decide(evolve(pending, stuck=("group Legal",)), GIL, NOW)
