"""Submitting, determining, canceling and ending requests: the worked examples and the rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from marketplace_sdk.domain.admission import check_agreements, route
from marketplace_sdk.domain.announcing import notice
from marketplace_sdk.domain.catalog import DomainPolicy
from marketplace_sdk.domain.conditions import Is, Situation
from marketplace_sdk.domain.determinations import Match
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.forms import DataUseAgreement
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.requests import Limit
from marketplace_sdk.domain.review import DEFAULT_REVIEW, FlowEvent, ReviewFlow, Rule, Seat, Stage
from marketplace_sdk.domain.selectors import domain_permission, group, user
from marketplace_sdk.domain.workflow import (
    cancel,
    determine,
    earliest,
    finish,
    submit,
)
from marketplace_sdk.errors import (
    AlreadyDetermined,
    Conflict,
    InvalidInput,
    NotAllowed,
    StaleRevision,
    TransitionNotAllowed,
)
from tests.domain.building import (
    ANA,
    BO,
    CY,
    DAN,
    DAYS_7,
    DAYS_30,
    DAYS_90,
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
    U,
    act,
    approvals,
    form,
    person,
    problems_of,
    product,
    request,
)

NAMES = {"place": "sales desk"}


def refused(kind, asked, who, verdict="approve", **more):
    """The error with which an act is refused."""
    with pytest.raises(kind) as caught:
        act(asked, who, verdict, **more)
    assert type(caught.value) is kind
    return caught.value


def said(asked, by, group, verdict="approve"):
    """What the log says of the newest act."""
    return {
        "id": asked.determinations[-1].id,
        "by": by,
        "verdict": verdict,
        "stage": 0,
        "matched": (f"group {group}",),
        "as_of": None,
        "self_review": False,
    }


def data_of(asked, **more):
    """What systems are told of a request."""
    return {
        "product": {"id": "p1", "name": "Orders", "domain": "sales"},
        "request": {
            "id": "r1",
            "kind": asked.kind,
            "state": asked.state,
            "requester": asked.requester,
            "beneficiary": asked.beneficiary.token,
            "columns": asked.columns,
            "until": None if asked.until is None else asked.until.isoformat(),
            "form_version": "f-1",
            "extends": asked.extends,
        },
        **more,
    }


def told(decision):
    """Notices as (kind, audience in words, excluded)."""
    return [
        (one.kind, [str(who) for who in one.audience], one.exclude)
        for one in decision.effects.notices
    ]


def types(decision):
    return [event.type for event in decision.effects.events]


# W1 - W24 of docs/design: each row is flow, acts, outcome


def test_w1_one_member_of_the_group_decides():
    """any{L}: Ana approves, approved."""
    decision = act(request(Stage.any_of(L)), ANA)

    assert decision.approved
    assert decision.request.state == "approved"
    assert decision.request.decided_at == NOW
    assert decision.request.until is None


def test_w2_any_of_two_groups_needs_one():
    """any{L,P}: Cy approves; Bo and Ana are not needed."""
    decided = act(request(Stage.any_of(L, P)), CY).request

    assert decided.state == "approved"
    assert refused(AlreadyDetermined, decided, BO).state == "approved"


def test_w3_any_of_two_groups_denied_by_one():
    """any{L,P}: Ana denies; Cy can no longer act."""
    decision = act(request(Stage.any_of(L, P)), ANA, "deny")

    assert not decision.approved
    assert decision.request.state == "denied"
    error = refused(AlreadyDetermined, decision.request, CY)
    assert error.state == "denied"
    assert error.message == "cannot approve request r1: it is denied"


def test_w4_all_of_two_groups_waits_for_the_second():
    """all{L,P}: Ana approves, Privacy is outstanding."""
    decision = act(request(Stage.all_of(L, P)), ANA)

    assert decision.changed
    assert not decision.approved
    assert decision.request.state == "pending"
    assert decision.request.decided_at is None
    assert [str(seat) for seat in decision.request.tally.open] == ["group Privacy"]


def test_w5_all_of_two_groups_is_approved_by_both():
    """all{L,P}: Ana and Cy approve."""
    assert approvals(request(Stage.all_of(L, P)), ANA, CY).state == "approved"


def test_w6_a_denial_after_an_approval_denies():
    """all{L,P}: Ana approves, Cy denies."""
    asked = approvals(request(Stage.all_of(L, P)), ANA)

    assert act(asked, CY, "deny").request.state == "denied"


def test_w7_a_first_denial_denies_at_once():
    """all{L,P}: Ana denies; nobody is asked any more."""
    denied = act(request(Stage.all_of(L, P)), ANA, "deny").request

    assert denied.state == "denied"
    assert denied.tally.open == ()


def test_w8_a_second_member_of_a_filled_group_is_refused():
    """all{L,P}: after Ana, Dan of Legal cannot; Bo, who is in Privacy too, can."""
    asked = approvals(request(Stage.all_of(L, P)), ANA)

    error = refused(AlreadyDetermined, asked, DAN)

    assert error.state == "pending"
    assert error.message == "cannot approve request r1: every seat that dan matches is filled"
    assert approvals(asked, BO).state == "approved"


def test_w8_a_second_member_of_a_filled_group_may_still_deny():
    """A denial counts from anyone who matches a seat of the open stage."""
    asked = approvals(request(Stage.all_of(L, P)), ANA)

    assert act(asked, DAN, "deny").request.state == "denied"


def test_w9_one_steward_of_both_groups_fills_both():
    """all{L,P}: Bo approves, approved."""
    decided = approvals(request(Stage.all_of(L, P)), BO)

    assert decided.state == "approved"
    assert decided.determinations[0].matched == (
        Match(0, 0, "group Legal"),
        Match(1, 0, "group Privacy"),
    )


def test_w9_distinct_stewards_want_somebody_else_for_the_other():
    """With distinct_stewards Bo fills one seat; Ana then moves him to Privacy."""
    asked = approvals(request(Stage.all_of(L, P, distinct_stewards=True)), BO)

    assert asked.state == "pending"
    assert approvals(asked, ANA).state == "approved"
    assert approvals(asked, CY).state == "approved"


def test_w10_all_over_one_group_is_one_determination():
    """all{L}: Ana alone is enough; not every member is asked."""
    assert approvals(request(Stage.all_of(L)), ANA).state == "approved"


def test_w11_the_temporary_approval_sets_the_end():
    """all{U,G}: Uma approves, Gil for 30 days: 30 days after his act."""
    asked = approvals(request(Stage.all_of(U, G)), UMA)
    later = NOW + timedelta(days=3)

    decided = act(asked, GIL, until=DAYS_30, now=later).request

    assert decided.until == later + timedelta(days=30)


def test_w12_the_shortest_approval_counts_from_the_final_one():
    """all{L,P}: 90 and 30 days give 30 days from the final act, whoever was first."""
    later = NOW + timedelta(days=3)
    long_first = act(
        approvals(request(Stage.all_of(L, P)), ANA, until=DAYS_90), CY, until=DAYS_30, now=later
    )
    short_first = act(
        approvals(request(Stage.all_of(L, P)), ANA, until=DAYS_30), CY, until=DAYS_90, now=later
    )

    assert long_first.request.until == later + timedelta(days=30)
    assert short_first.request.until == later + timedelta(days=30)


def test_w13_governance_counts_where_it_is_named():
    """any{G,D}, the default: Gil approves; so could Dee, who manages the domain."""
    asked = request(*DEFAULT_REVIEW.default.stages)

    assert approvals(asked, GIL).state == "approved"
    assert approvals(asked, DEE).state == "approved"
    refused(NotAllowed, asked, person("dora", manages=["finance"]))


def test_w14_governance_alone_is_not_enough():
    """any{L}: Gil is not in Legal."""
    error = refused(NotAllowed, request(Stage.any_of(L)), GIL)

    assert (error.actor, error.action, error.needs) == ("gil", "request.decide", "group Legal")
    assert error.message == "cannot approve request r1: gil is not a steward of it"
    assert error.hint == "needs group Legal"


def test_w15_an_empty_group_never_approves():
    """all{L,P} with nobody in Privacy: waits, however many of Legal come."""
    asked = approvals(request(Stage.all_of(L, P)), ANA)

    assert asked.state == "pending"
    refused(AlreadyDetermined, asked, DAN)


def test_w16_a_vote_stands_when_its_author_leaves():
    """Ana leaves Legal after approving; Cy completes; the proof of Ana's membership is kept."""
    asked = approvals(request(Stage.all_of(L, P)), ANA)

    decided = approvals(asked, CY)

    assert decided.state == "approved"
    assert decided.determinations[0].matched == (Match(0, 0, "group Legal"),)
    refused(NotAllowed, request(Stage.any_of(L)), person("ana"))


def test_w17_membership_is_looked_at_when_the_person_acts():
    """any{L}: Dan joined after submission and may."""
    asked = request(Stage.any_of(L))

    refused(NotAllowed, asked, person("dan"))
    assert approvals(asked, person("dan", groups=["Legal"])).state == "approved"


def test_w18_the_pinned_flow_decides_after_an_edit_of_the_form():
    """any{L} at submission, any{P} in the form now: Cy is no steward."""
    asked = request(Stage.any_of(L), form=form(ReviewFlow.review(Stage.any_of(P))))

    refused(NotAllowed, asked, CY)


def test_w19_a_later_stage_waits_for_the_earlier():
    """[all{L}], [any{G}]: Gil has to wait for Ana."""
    asked = request(Stage.all_of(L), Stage.any_of(G))

    error = refused(NotAllowed, asked, GIL)

    assert error.hint == "an earlier stage has to be complete first"
    assert (
        error.message == "cannot approve request r1: gil is not a steward of the stage that is open"
    )
    assert error.needs == "group Legal"
    refused(NotAllowed, asked, GIL, "deny")
    assert approvals(asked, ANA, GIL).state == "approved"


def test_a_refusal_names_every_seat_of_the_open_stage():
    """So that people know whom to ask."""
    error = refused(NotAllowed, request(Stage.all_of(P, L)), GIL)

    assert error.needs == "group Legal or group Privacy"


def test_only_a_later_stage_is_worth_waiting_for():
    """Cy's stage comes next, Gil's after that; Dan's is over."""
    asked = request(Stage.any_of(L), Stage.any_of(P), Stage.any_of(G))

    assert "stage that is open" in refused(NotAllowed, asked, CY).message
    assert "stage that is open" in refused(NotAllowed, asked, GIL).message
    over = refused(NotAllowed, approvals(asked, ANA), DAN)
    assert over.message == "cannot approve request r1: dan is not a steward of it"
    assert over.hint == "needs group Privacy"


def test_w20_the_requester_may_not_decide():
    """any{L}: Ana asked for herself; Bo may."""
    asked = request(Stage.any_of(L), requester="ana", beneficiary=Beneficiary("person", "ana"))

    error = refused(NotAllowed, asked, ANA)

    assert error.code == "self_review"
    assert (error.actor, error.action, error.needs) == ("ana", "request.decide", "another steward")
    assert error.message == "cannot approve request r1: nobody decides for themselves"
    assert refused(NotAllowed, asked, ANA, "deny").code == "self_review"
    assert approvals(asked, BO).state == "approved"


def test_w21_a_requester_who_is_the_only_steward_is_refused():
    """any{U} and Uma is the requester: refused, the request waits."""
    asked = request(Stage.any_of(U), requester="uma", beneficiary=Beneficiary("person", "uma"))

    assert refused(NotAllowed, asked, UMA).code == "self_review"


def test_w22_a_group_named_twice_is_one_seat():
    """all{L,L}: duplicates collapse."""
    stage = Stage.all_of(L, group("Legal"), Seat(L))

    assert stage == Stage.all_of(L)
    assert approvals(request(stage), ANA).state == "approved"


def test_w23_an_automatic_approval_takes_the_shorter_of_flow_and_wish():
    """approve, 30 days; answer 7 days: approved, ends in 7 days; and the other way round."""
    short = submitted(ReviewFlow.approve(justification="open", duration=DAYS_30), wish=DAYS_7)
    other = submitted(ReviewFlow.approve(justification="open", duration=DAYS_7), wish=DAYS_30)

    assert short.approved
    assert short.request.state == "approved"
    assert short.request.until == NOW + timedelta(days=7)
    assert other.request.until == NOW + timedelta(days=7)


def test_w24_suspending_the_product_does_not_stop_the_decision():
    """all{T,D}: Fay and Dee approve; whether the product is suspended is the grant's matter."""
    assert approvals(request(Stage.all_of(T, D)), FAY, DEE).state == "approved"


# Who may decide


def test_a_form_may_allow_self_review_and_it_is_recorded():
    """allow_self_review lets a steward decide on their own request, and says so."""
    own = Beneficiary("person", "ana")
    asked = request(Stage.any_of(L), requester="ana", beneficiary=own, allow_self_review=True)

    decided = approvals(asked, ANA)
    by_other = approvals(asked, BO)

    assert decided.determinations[0].self_review
    assert not by_other.determinations[0].self_review


def test_neither_beneficiary_nor_members_nor_owner_decide():
    """A request for somebody, a group or a service account."""
    for_ana = request(Stage.any_of(L), beneficiary=Beneficiary("person", "ana"))
    for_group = request(Stage.any_of(L), beneficiary=Beneficiary("group", "Privacy"))
    for_robot = request(Stage.any_of(L), beneficiary=Beneficiary("person", "robot"), owner="ana")

    assert refused(NotAllowed, for_ana, ANA).code == "self_review"
    assert refused(NotAllowed, for_group, BO).code == "self_review"
    assert refused(NotAllowed, for_robot, ANA).code == "self_review"
    assert approvals(for_group, ANA).state == "approved"
    assert approvals(for_robot, BO).state == "approved"


def test_a_group_is_not_a_person_of_the_same_name():
    """A steward called like the beneficiary group is not on the receiving side."""
    asked = request(Stage.any_of(L), beneficiary=Beneficiary("group", "ana"))

    assert approvals(asked, ANA).state == "approved"


def test_everybody_decides_once_in_a_stage():
    """Ana has approved; she can neither approve nor deny again, but may in the next stage."""
    asked = approvals(request(Stage.all_of(L, P), Stage.any_of(L)), ANA)

    for verdict in ("approve", "deny"):
        error = refused(
            AlreadyDetermined, asked, person("ana", groups=["Legal", "Privacy"]), verdict, id="new"
        )
        assert error.hint == "a determination is never edited"
        assert error.state == "pending"
        assert error.message == f"cannot {verdict} request r1: ana has determined on this stage"
    assert approvals(asked, CY, ANA).state == "approved"


def test_a_vacant_seat_is_filled_by_the_fallback_and_by_nobody_else():
    """The form names Gil for seats that nobody can fill."""
    asked = approvals(request(Stage.all_of(L, P)), ANA)

    decided = act(asked, GIL, vacant={(1, 0)}, fallback=G).request

    assert decided.state == "approved"
    assert decided.determinations[-1].matched == (Match(1, 0, "fallback"),)
    refused(NotAllowed, asked, GIL, vacant={(1, 0)})
    refused(NotAllowed, asked, REX_FRIEND, vacant={(1, 0)}, fallback=G)
    refused(NotAllowed, asked, GIL, vacant=(), fallback=G)


REX_FRIEND = person("roy")


# The act itself


def test_the_determination_records_who_when_why_and_on_which_evidence():
    """A determination is never edited, so all of it is there."""
    known_at = NOW - timedelta(seconds=5)

    decision = determine(
        request(Stage.any_of(L), stuck=("group Legal",)),
        ANA.at(known_at),
        verdict="approve",
        reason="needed for the forecast",
        until=DAYS_7,
        now=NOW,
        id="d-1",
        names=NAMES,
    )

    made = decision.request.determinations[0]
    assert (made.id, made.by, made.verdict, made.reason) == (
        "d-1",
        "ana",
        "approve",
        "needed for the forecast",
    )
    assert (made.until, made.at, made.stage, made.as_of) == (DAYS_7, NOW, 0, known_at)
    assert made.matched == (Match(0, 0, "group Legal"),)
    assert decision.request.stuck == ()


def test_the_stage_of_a_determination_is_the_open_one():
    """The second stage is number 1."""
    decided = approvals(request(Stage.any_of(L), Stage.any_of(P)), ANA, CY)

    assert [one.stage for one in decided.determinations] == [0, 1]


def test_the_same_determination_again_is_a_no_op():
    """Same id, same content: nothing changes, also when the request is over."""
    pending = act(request(Stage.all_of(L, P)), ANA, id="d-1", until=DAYS_7).request
    decided = act(pending, CY, id="d-2").request

    for asked in (pending, decided):
        again = act(asked, ANA, id="d-1", until=DAYS_7)
        assert again.changed is False
        assert not again.approved
        assert again.request == asked
        assert again.effects == Effects()


@pytest.mark.parametrize(
    ("who", "verdict", "more"),
    [(BO, "approve", {}), (ANA, "deny", {}), (ANA, "approve", {"until": DAYS_7})],
)
def test_the_same_id_with_other_content_is_a_conflict(who, verdict, more):
    """An id stands for one determination."""
    asked = act(request(Stage.all_of(L, P)), ANA, id="d-1").request

    error = refused(Conflict, asked, who, verdict, id="d-1", **more)

    assert error.message == f"cannot {verdict} request r1: the determination id is taken"


def test_the_same_id_with_another_reason_is_a_conflict():
    """The reason is content too."""
    asked = act(request(Stage.all_of(L, P)), ANA, id="d-1").request

    with pytest.raises(Conflict, match="the determination id is taken"):
        determine(
            asked, ANA, verdict="approve", reason="other", until=None, now=NOW, id="d-1", names={}
        )


@pytest.mark.parametrize("verdict", ["approved", "APPROVE", "", "temporarily approve", None])
def test_a_verdict_is_approve_or_deny(verdict):
    """Nothing else is taken for one of them."""
    assert problems_of(act, request(Stage.any_of(L)), ANA, verdict) == {
        "verdict": "must be approve or deny"
    }


def test_an_unknown_verdict_names_the_request():
    """The message says on what."""
    with pytest.raises(InvalidInput, match=r"^cannot determine on request r1: "):
        act(request(Stage.any_of(L)), ANA, "perhaps")


@pytest.mark.parametrize("state", ["approved", "denied", "canceled", "revoked", "expired"])
@pytest.mark.parametrize("verdict", ["approve", "deny"])
def test_a_decided_request_is_not_decided_again(state, verdict):
    """Nothing is ever reopened; an approval is revoked instead."""
    error = refused(AlreadyDetermined, request(Stage.any_of(L), state=state), ANA, verdict)

    assert error.state == state
    assert error.message == f"cannot {verdict} request r1: it is {state}"
    assert error.hint == (
        "revoke it instead" if state == "approved" else AlreadyDetermined.default_hint
    )


def test_a_determination_may_carry_the_revision_that_was_seen():
    """Another revision refuses; the same one, or none, does not."""
    asked = request(Stage.any_of(L), revision=3)

    error = refused(StaleRevision, asked, ANA, revision=2)

    assert (error.kind, error.id, error.expected, error.found) == ("request", "r1", 2, 3)
    assert act(asked, ANA, revision=3).approved
    assert act(asked, ANA).approved


def test_a_window_that_is_past_is_refused():
    """An end at or before now grants nothing."""
    asked = request(Stage.all_of(L, P))

    for end in (NOW, NOW - timedelta(days=1)):
        error = refused(InvalidInput, asked, ANA, until=end)
        assert error.problems == (("until", "the end is already past"),)
        assert error.message == "cannot approve request r1: until: the end is already past"
        assert error.hint == "give a later end, or deny the request"
    assert act(asked, ANA, until=NOW + timedelta(seconds=1)).request.state == "pending"


def test_a_window_that_has_passed_at_the_final_approval_is_refused():
    """Ana's absolute end came before Cy acted: approval is refused, denial is not."""
    asked = approvals(request(Stage.all_of(L, P)), ANA, until=NOW + timedelta(days=1))
    later = NOW + timedelta(days=1)

    error = refused(InvalidInput, asked, CY, now=later)

    assert error.hint == "an earlier steward set it; deny the request, so that it is asked anew"
    assert act(asked, CY, "deny", now=later).request.state == "denied"
    assert act(asked, CY, now=later - timedelta(seconds=1)).request.until == later


def test_a_denial_does_not_look_at_its_window():
    """A denial has no end."""
    assert act(request(Stage.any_of(L)), ANA, "deny", until=NOW).request.state == "denied"


# How long


def test_the_earliest_of_all_ends_counts():
    """Windows of approvers and limits of product, domain, flow and wish."""
    limits = (Limit(by="product", duration=DAYS_30), Limit(by="domain", duration=DAYS_90))

    assert earliest((), (), NOW) is None
    assert earliest((DAYS_7,), (), NOW) == NOW + timedelta(days=7)
    assert earliest((), limits, NOW) == NOW + timedelta(days=30)
    assert earliest((DAYS_7, NOW + timedelta(days=5)), limits, NOW) == NOW + timedelta(days=5)
    assert earliest((DAYS_90,), limits, NOW) == NOW + timedelta(days=30)


def test_limits_of_the_request_bound_every_approval():
    """The product's maximum holds though the steward gave more, or no end."""
    asked = request(Stage.any_of(L), limits=(Limit(by="product", duration=DAYS_30),))

    assert act(asked, ANA).request.until == NOW + timedelta(days=30)
    assert act(asked, ANA, until=DAYS_90).request.until == NOW + timedelta(days=30)
    assert act(asked, ANA, until=DAYS_7).request.until == NOW + timedelta(days=7)


def test_months_of_an_approval_are_clamped():
    """One month from 31 January is 28 February."""
    decided = act(request(Stage.any_of(L)), ANA, until=Duration(1, "months")).request

    assert decided.until == NOW.replace(month=2, day=28)


# What is told


def test_the_final_determination_is_one_event_and_tells_the_others():
    """Requester, beneficiary and all stewards but the one who acted."""
    asked = approvals(request(Stage.all_of(L, P)), ANA)

    decision = act(asked, CY)

    assert decision.effects.events == (
        Event(
            type="request.approved",
            aggregate="request:r1",
            data=data_of(decision.request, determination=said(decision.request, "cy", "Privacy")),
        ),
    )
    assert told(decision) == [
        ("determination_made", ["user rex", "group Legal", "group Privacy"], ("cy",))
    ]


def test_a_denial_is_one_event_too():
    """Also when it is the first act."""
    decision = act(request(Stage.all_of(L, P)), ANA, "deny")

    assert decision.effects.events == (
        Event(
            type="request.denied",
            aggregate="request:r1",
            data=data_of(
                decision.request, determination=said(decision.request, "ana", "Legal", "deny")
            ),
        ),
    )
    assert told(decision) == [
        ("determination_made", ["user rex", "group Legal", "group Privacy"], ("ana",))
    ]
    assert decision.request.decided_at == NOW


def test_an_approval_that_is_not_final_tells_nobody():
    """Only the final determination notifies; the log knows which and on which stage."""
    decision = act(request(Stage.all_of(L, P)), ANA, id="d-1")

    assert decision.effects.events == (
        Event(
            type="request.determined",
            aggregate="request:r1",
            data=data_of(decision.request, determination=said(decision.request, "ana", "Legal")),
        ),
    )
    assert decision.effects.notices == ()


def test_a_stage_that_opens_tells_its_stewards():
    """They learn that it is their turn; whoever opened it knows already."""
    decision = act(request(Stage.any_of(L), Stage.all_of(P, G)), ANA)

    assert types(decision) == ["request.determined"]
    assert told(decision) == [
        ("stage_opened", ["group Privacy", "permission GOVERNANCE"], ("ana",))
    ]


def test_events_and_notices_hold_neither_answers_nor_reasons():
    """Privacy: these stay in the request."""
    asked = request(Stage.any_of(L), answers={"why": "a secret plan"})

    decision = determine(
        asked, ANA, verdict="deny", reason="a secret doubt", until=None, now=NOW, id="d", names={}
    )

    assert "secret" not in repr(decision.effects)
    assert "secret" not in repr(decision.request)


def test_effects_can_be_hashed():
    """Events and notices are values all the way down."""
    decision = act(request(Stage.any_of(L), columns=("orders.email",)), ANA)

    assert isinstance(hash(decision.effects), int)


def test_a_notice_has_the_words_that_its_text_needs():
    """Names given by the caller come on top."""
    asked = request(
        Stage.any_of(L), kind="masking_exception", beneficiary=Beneficiary("group", "Sales")
    )

    made = notice("access_stuck", asked, {**NAMES, "product": "Other"}, (user("x"),), ("y",))

    assert made == Notice(
        kind="access_stuck",
        about="request:r1",
        audience=(user("x"),),
        exclude=("y",),
        data={
            "requester": "rex",
            "beneficiary": "group Sales",
            "product": "Other",
            "product_id": "p1",
            "request_id": "r1",
            "what": "a masking exception on",
            "state": "pending",
            "place": "sales desk",
        },
    )
    assert notice("x", request(Stage.any_of(L)), {}, (), ()).data["what"] == "access to"


@pytest.mark.parametrize("verdict", ["approve", "deny"])
def test_names_of_the_caller_reach_every_notice_of_an_act(verdict):
    """Words such as the domain's display name."""
    decision = determine(
        request(Stage.any_of(L)),
        ANA,
        verdict=verdict,
        reason="",
        until=None,
        now=NOW,
        id="d",
        names=NAMES,
    )

    assert [one.data["place"] for one in decision.effects.notices] == ["sales desk"]


def test_names_of_the_caller_reach_the_notice_of_the_next_stage():
    """The same words when the next stage opens."""
    decision = determine(
        request(Stage.any_of(L), Stage.any_of(P)),
        ANA,
        verdict="approve",
        reason="",
        until=None,
        now=NOW,
        id="d",
        names=NAMES,
    )

    assert [one.data["place"] for one in decision.effects.notices] == ["sales desk"]


# Submitting


def submitted(flow, *, extra=(), limits=(), **more):
    event = flow if isinstance(flow, FlowEvent) else flow.default.bound("sales")
    return submit(request(**more), event, extra=extra, limits=limits, now=NOW, names=NAMES)


def test_a_reviewed_request_waits_and_asks_the_first_stage():
    """Stages are pinned; the stewards of the first are told, with the words of the caller."""
    decision = submitted(ReviewFlow.review(Stage.all_of(P, L), Stage.any_of(G)))

    asked = decision.request
    assert (asked.state, asked.automatic, asked.decided_at) == ("pending", False, None)
    assert asked.stages == (Stage.all_of(P, L), Stage.any_of(G))
    assert not decision.approved
    assert decision.effects.events == (
        Event(type="request.submitted", aggregate="request:r1", data=data_of(asked)),
    )
    assert told(decision) == [("access_requested", ["group Legal", "group Privacy"], ())]
    assert decision.effects.notices[0].data["place"] == "sales desk"


def test_a_request_for_another_tells_both():
    """Requester and beneficiary are two. Who of the stewards may decide is asked when it is told."""
    for_cy = submitted(ReviewFlow.review(Stage.any_of(L)), beneficiary=Beneficiary("person", "cy"))
    for_robot = submitted(
        ReviewFlow.review(Stage.any_of(L)), beneficiary=Beneficiary("person", "bot"), owner="own"
    )
    for_group = submitted(
        ReviewFlow.review(Stage.any_of(L)), beneficiary=Beneficiary("group", "Sales")
    )

    assert told(for_cy) == [
        ("requested_on_behalf", ["user rex", "user cy"], ()),
        ("access_requested", ["group Legal"], ()),
    ]
    assert types(for_cy) == ["request.submitted"]
    assert told(for_robot)[0] == ("requested_on_behalf", ["user rex", "user bot", "user own"], ())
    assert told(for_group)[0] == ("requested_on_behalf", ["user rex", "group Sales"], ())
    assert [one.data["place"] for one in for_cy.effects.notices] == ["sales desk"] * 2


def test_an_automatic_approval_asks_nobody_and_tells_the_sides():
    """approve: approved at once, with the justification; no steward is told."""
    decision = submitted(ReviewFlow.approve(justification="open data"))

    asked = decision.request
    assert decision.approved
    assert (asked.state, asked.automatic, asked.reason) == ("approved", True, "open data")
    assert (asked.decided_at, asked.until, asked.stages) == (NOW, None, ())
    assert types(decision) == ["request.submitted", "request.approved"]
    assert [event.data["request"]["state"] for event in decision.effects.events] == [
        "pending",
        "approved",
    ]
    assert told(decision) == [("determination_made", ["user rex"], ())]
    assert decision.effects.notices[0].data["place"] == "sales desk"


def test_an_automatic_denial_says_why_and_asks_nobody():
    """deny: denied at once, even where the domain has stages of its own."""
    decision = submitted(ReviewFlow.deny(reason="not for sale"), extra=(Stage.any_of(G),))

    asked = decision.request
    assert not decision.approved
    assert (asked.state, asked.automatic, asked.reason) == ("denied", True, "not for sale")
    assert (asked.decided_at, asked.stages) == (NOW, ())
    assert types(decision) == ["request.submitted", "request.denied"]
    assert told(decision) == [("determination_made", ["user rex"], ())]
    assert decision.effects.notices[0].data["place"] == "sales desk"


def test_extra_stages_come_after_all_others_with_the_domain_filled_in():
    """Stages of the domain's policy are appended to every review."""
    decision = submitted(ReviewFlow.review(Stage.any_of(L)), extra=(Stage.any_of(D),))

    assert decision.request.stages == (Stage.any_of(L), Stage.any_of(D).bound("sales"))
    assert approvals(decision.request, ANA, DEE).state == "approved"


def test_extra_stages_hold_up_an_automatic_approval():
    """Then the flow's duration still binds, and the wish is only a wish."""
    decision = submitted(
        ReviewFlow.approve(justification="open", duration=DAYS_30),
        extra=(Stage.any_of(G),),
        limits=(Limit(by="domain", duration=DAYS_90),),
        wish=DAYS_7,
    )

    asked = decision.request
    assert (asked.state, asked.automatic) == ("pending", False)
    assert asked.limits == (
        Limit(by="domain", duration=DAYS_90),
        Limit(by="flow", duration=DAYS_30),
    )
    assert approvals(asked, GIL).until == NOW + timedelta(days=30)


def test_a_wish_binds_an_automatic_approval_only():
    """Reviewed, it is shown to stewards and does not limit them."""
    reviewed = submitted(ReviewFlow.review(Stage.any_of(L)), wish=DAYS_7)
    automatic = submitted(ReviewFlow.approve(justification="open"), wish=DAYS_7)

    assert reviewed.request.limits == ()
    assert approvals(reviewed.request, ANA).until is None
    assert automatic.request.limits == (Limit(by="wish", duration=DAYS_7),)
    assert automatic.request.until == NOW + timedelta(days=7)


def test_limits_bind_an_automatic_approval():
    """The product's maximum holds without any other end."""
    decision = submitted(
        ReviewFlow.approve(justification="open"), limits=(Limit(by="product", duration=DAYS_7),)
    )

    assert decision.request.until == NOW + timedelta(days=7)


def test_a_flow_that_nobody_followed_approves_nothing():
    """A delegation that ``route`` has not resolved becomes the default review."""
    decision = submitted(ReviewFlow.delegate(allow_automatic=True))

    assert decision.request.state == "pending"
    assert decision.request.stages == DEFAULT_REVIEW.default.bound("sales").stages


# Where a request goes


def routed(form_flow, product_flow=None, *, policy=None, managing=False, kind="access", **more):
    situation = Situation(
        kind=kind,
        domain="sales",
        product="p1",
        tags=frozenset(),
        requester=REX,
        beneficiary=Beneficiary("person", "rex"),
        beneficiary_facts=REX,
        answers={},
        wish=None,
        now=NOW,
    )
    return route(
        form(form_flow),
        product(review=product_flow, **more),
        policy or DomainPolicy(),
        situation,
        managing=managing,
    )


APPROVE = ReviewFlow.approve(justification="open")
DENY = ReviewFlow.deny(reason="closed")
LEGAL = ReviewFlow.review(Stage.any_of(L))
DEFAULT = DEFAULT_REVIEW.default.bound("sales")


def test_the_form_decides_and_the_products_flow_is_inactive():
    """A form that names stewards is not overruled by the product."""
    assert routed(LEGAL, APPROVE) == LEGAL.default
    assert routed(APPROVE, LEGAL) == APPROVE.default
    assert routed(DENY, LEGAL) == DENY.default


def test_the_first_rule_that_matches_decides():
    """Rules of the form are tried in order."""
    flow = ReviewFlow.with_rules(
        Rule(Is("kind", "masking_exception"), DENY),
        Rule(Is("domain", "sales"), APPROVE),
        default=LEGAL,
    )

    assert routed(flow) == APPROVE.default
    assert routed(flow, kind="masking_exception") == DENY.default


def test_a_delegating_form_follows_the_product():
    """Stewards chosen by the product's owner; its own rules hold too."""
    rules = ReviewFlow.with_rules(Rule(Is("domain", "sales"), DENY), default=LEGAL)

    assert routed(ReviewFlow.delegate(), LEGAL) == LEGAL.default
    assert routed(ReviewFlow.delegate(), rules) == DENY.default


def test_a_delegating_form_without_a_flow_of_the_product_is_reviewed_by_default():
    """Default: any of GOVERNANCE and the domain's managers, in the product's domain."""
    assert routed(ReviewFlow.delegate()) == DEFAULT
    assert str(next(iter(DEFAULT.stages[0].sets[0])).selectors[1]).endswith("in sales")


def test_a_product_cannot_delegate_further():
    """A rule of the product that delegates ends at the default review."""
    rules = ReviewFlow.with_rules(
        Rule(Is("domain", "sales"), ReviewFlow.delegate(allow_automatic=True)), default=LEGAL
    )

    assert routed(ReviewFlow.delegate(allow_automatic=True), rules) == DEFAULT


def test_masking_exceptions_follow_the_products_masking_flow():
    """Its own flow, else the shared one."""
    delegate = ReviewFlow.delegate()

    assert routed(delegate, LEGAL, kind="masking_exception") == LEGAL.default
    assert routed(delegate, LEGAL, kind="masking_exception", masking_review=DENY) == DENY.default
    assert routed(delegate, LEGAL, masking_review=DENY) == LEGAL.default


@pytest.mark.parametrize(
    ("allow_automatic", "auto_approve", "managing", "approved"),
    [
        (True, True, False, True),
        (False, True, False, False),
        (True, False, False, False),
        (True, True, True, False),
    ],
)
def test_a_product_approves_by_itself_only_where_form_policy_and_person_allow(
    allow_automatic, auto_approve, managing, approved
):
    """Delegation says whether it may; so does the domain; never for those who manage it."""
    event = routed(
        ReviewFlow.delegate(allow_automatic=allow_automatic),
        APPROVE,
        policy=DomainPolicy(auto_approve=auto_approve),
        managing=managing,
    )

    assert event == (APPROVE.default if approved else DEFAULT)


@pytest.mark.parametrize(
    ("auto_approve", "managing", "approved"),
    [(True, False, True), (False, False, False), (True, True, False), (False, True, False)],
)
def test_a_form_approves_by_itself_only_where_policy_and_person_allow(
    auto_approve, managing, approved
):
    """Withheld, it becomes the default review."""
    event = routed(APPROVE, policy=DomainPolicy(auto_approve=auto_approve), managing=managing)

    assert event == (APPROVE.default if approved else DEFAULT)


def test_withholding_approvals_touches_nothing_else():
    """Reviews and denials are the same for managers."""
    strict = DomainPolicy(auto_approve=False)

    assert routed(LEGAL, policy=strict, managing=True) == LEGAL.default
    assert routed(DENY, policy=strict, managing=True) == DENY.default


def test_domain_permissions_are_those_of_the_products_domain():
    """The domain is filled in when the request is submitted."""
    event = routed(ReviewFlow.review(Stage.any_of(domain_permission("MANAGE_POLICIES"))))

    (seat,) = event.stages[0].sets[0]
    assert seat.selectors[0].domain == "sales"


# Canceling and ending


@pytest.mark.parametrize("cause", ["requester", "beneficiary"])
def test_canceling_tells_the_stewards(cause):
    """Called off by one of the sides: the stewards need not decide any more."""
    asked = request(Stage.all_of(L, P), stuck=("group Legal",))

    decision = cancel(asked, cause, reason="not needed", now=NOW, names=NAMES)

    done = decision.request
    assert (done.state, done.cause, done.reason) == ("canceled", cause, "not needed")
    assert (done.ended_at, done.stuck) == (NOW, ())
    assert decision.effects.events == (
        Event(type="request.canceled", aggregate="request:r1", data=data_of(done, cause=cause)),
    )
    assert told(decision) == [("request_canceled", ["group Legal", "group Privacy"], ())]
    assert decision.effects.notices[0].data["place"] == "sales desk"
    assert not decision.approved


def test_a_deletion_calls_off_without_a_word_to_the_sides():
    """They are told that the product was deleted, and once is enough."""
    decision = cancel(request(Stage.any_of(L)), "product_deleted", reason="", now=NOW, names=NAMES)

    assert told(decision) == [("request_canceled", ["group Legal"], ())]


@pytest.mark.parametrize("cause", ["governance", "timed_out", "beneficiary_left", "grant_ended"])
def test_canceling_by_others_tells_requester_and_beneficiary_too(cause):
    """They did not do it, so they are told."""
    asked = request(Stage.any_of(L), beneficiary=Beneficiary("person", "cy"))

    decision = cancel(asked, cause, reason="", now=NOW, names=NAMES)

    assert decision.request.cause == cause
    kind = "request_timed_out" if cause == "timed_out" else "request_canceled"
    assert told(decision) == [(kind, ["group Legal", "user rex", "user cy"], ())]
    assert decision.effects.notices[0].data["place"] == "sales desk"


def test_an_approved_request_cannot_be_canceled():
    """Enough of it is revoked or relinquished."""
    with pytest.raises(TransitionNotAllowed, match="it is approved") as caught:
        cancel(request(state="approved"), "requester", reason="", now=NOW, names={})

    assert caught.value.hint == "revoke it, or relinquish what you have"


@pytest.mark.parametrize(
    ("event", "state", "type_", "kind"),
    [
        ("revoke", "revoked", "request.revoked", "access_revoked"),
        ("expire", "expired", "request.expired", "access_expired"),
    ],
)
def test_ending_tells_those_who_lose_it(event, state, type_, kind):
    """Requester and beneficiary, except who did it."""
    asked = request(state="approved", until=NOW, reason="approved because")

    decision = finish(asked, event, "why", reason="no more", now=NOW, names=NAMES, actor="gil")

    ended = decision.request
    assert (ended.state, ended.cause, ended.reason, ended.ended_at) == (
        state,
        "why",
        "no more",
        NOW,
    )
    assert decision.effects.events == (
        Event(type=type_, aggregate="request:r1", data=data_of(ended, cause="why")),
    )
    assert told(decision) == [(kind, ["user rex"], ("gil",))]
    assert decision.effects.notices[0].data["place"] == "sales desk"


def test_ending_without_a_reason_keeps_the_old_one_and_excludes_nobody():
    """The clock gives no reason and is nobody."""
    asked = request(state="approved", until=NOW, reason="approved because")

    decision = finish(asked, "expire", "expired", reason="", now=NOW, names={})

    assert decision.request.reason == "approved because"
    assert told(decision) == [("access_expired", ["user rex"], ())]


@pytest.mark.parametrize("event", ["revoke", "expire"])
@pytest.mark.parametrize("state", ["pending", "denied", "canceled", "revoked", "expired"])
def test_only_an_approval_is_ended(event, state):
    """What was never approved, or has ended, is not ended."""
    with pytest.raises(TransitionNotAllowed, match=f"cannot {event} request r1: it is {state}"):
        finish(request(state=state), event, "x", reason="", now=NOW, names={})


# Agreements

SAFE = DataUseAgreement("Safe use", "be careful", id="a1")
FAIR = DataUseAgreement("Fair use", "be fair", id="a2")


@pytest.mark.parametrize(
    "acknowledged", [("a1", "a2"), ("Safe use", "a2"), ("Fair use", "Safe use")]
)
def test_agreements_are_acknowledged_by_id_or_name(acknowledged):
    """Each of the form's agreements must be."""
    assert check_agreements(form(agreements=(SAFE, FAIR)), acknowledged) is None


def test_an_agreement_that_is_missing_is_named():
    """So that a portal can point at it."""
    version = form(agreements=(SAFE, FAIR))

    assert problems_of(check_agreements, version, ["a1"]) == {
        "acknowledge": "agreement 'Fair use' must be acknowledged"
    }
    with pytest.raises(InvalidInput, match=r"^cannot submit request: ") as caught:
        check_agreements(version, ())
    assert [problem.message for problem in caught.value.problems] == [
        "agreement 'Safe use' must be acknowledged",
        "agreement 'Fair use' must be acknowledged",
    ]


def test_an_agreement_that_the_form_does_not_have_is_refused():
    """Acknowledging something else means another text was shown."""
    assert problems_of(check_agreements, form(), ["a1"]) == {
        "acknowledge": "names an agreement that the form does not have"
    }


def test_a_form_without_agreements_asks_for_none():
    """Nothing to say yes to."""
    assert check_agreements(form(), ()) is None


def test_the_tests_of_states_cover_what_is_pending():
    """A pending request with an approval can still be canceled."""
    asked = approvals(request(Stage.all_of(L, P)), ANA)

    assert cancel(evolve(asked, stuck=("x",)), "requester", reason="", now=NOW, names={}).changed
