"""Access requests: the machine of their life, and reads past the end."""

from __future__ import annotations

from datetime import timedelta
from itertools import product as pairs

import pytest
from attrs import evolve

from marketplace_sdk.domain.determinations import Determination
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.requests import REQUEST_STEPS, Explanation
from marketplace_sdk.domain.review import Stage
from marketplace_sdk.errors import TransitionNotAllowed
from tests.domain.building import NOW, G, L, P, request

STATES = ("pending", "approved", "denied", "canceled", "revoked", "expired")
EVENTS = ("approve", "deny", "cancel", "revoke", "expire", "reopen", "")
ALLOWED = {
    ("pending", "approve"): "approved",
    ("pending", "deny"): "denied",
    ("pending", "cancel"): "canceled",
    ("approved", "revoke"): "revoked",
    ("approved", "expire"): "expired",
}


def test_the_table_is_the_one_of_the_documents():
    """pending to approved, denied, canceled; approved to revoked, expired; nothing else."""
    assert dict(REQUEST_STEPS) == ALLOWED


@pytest.mark.parametrize(("state", "event"), [*pairs(STATES, EVENTS)])
def test_a_request_takes_the_steps_of_the_table_and_no_other(state, event):
    """Every pair of state and event; nothing is ever reopened."""
    asked = request(state=state)

    if (state, event) in ALLOWED:
        assert asked.step(event, cause="x").state == ALLOWED[state, event]
        assert asked.step(event, cause="x").cause == "x"
    else:
        with pytest.raises(TransitionNotAllowed) as caught:
            asked.step(event)
        assert (caught.value.kind, caught.value.id) == ("request", "r1")
        assert (caught.value.state, caught.value.event) == (state, event)
        standing = (state, event) == ("approved", "cancel")
        assert ("relinquish" in caught.value.hint) == standing


@pytest.mark.parametrize("state", STATES)
def test_only_a_pending_request_is_open(state):
    """Open means: waits for a decision."""
    assert request(state=state).open == (state == "pending")


def test_a_read_past_the_end_shows_expired_even_before_the_sweep():
    """An approval ends at its instant, not when somebody notices."""
    asked = request(state="approved", until=NOW)

    assert asked.seen_at(NOW - timedelta(microseconds=1)) is asked
    assert asked.seen_at(NOW).state == "expired"
    assert asked.seen_at(NOW + timedelta(days=9)).ended_at == NOW


@pytest.mark.parametrize(
    "more",
    [{"state": "approved"}, {"state": "revoked", "until": NOW}, {"state": "pending", "until": NOW}],
)
def test_nothing_else_expires(more):
    """Without an end, or when it is over already."""
    asked = request(**more)

    assert asked.seen_at(NOW + timedelta(days=1)) is asked


def test_a_request_knows_whom_its_review_names():
    """In all stages."""
    asked = request(Stage.any_of(L, P), Stage.all_of(G))

    assert asked.stewards == {L, P, G}
    assert asked.tally.stage == 0
    assert asked.aggregate == "request:r1"


def same(one, other):
    return request(**one).wish_key == request(**other).wish_key


def test_the_same_wish_has_the_same_key():
    """Same kind, product, columns in any order, and beneficiary; whoever asks."""
    masks = {"kind": "masking_exception"}

    assert same({"requester": "ana"}, {"requester": "bo"})
    assert same({**masks, "columns": ("s.a", "s.b")}, {**masks, "columns": ("s.b", "s.a")})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"kind": "masking_exception"}),
        ({}, {"product": "p2"}),
        ({}, {"beneficiary": Beneficiary("group", "rex")}),
        ({}, {"beneficiary": Beneficiary("person", "cy")}),
        ({}, {"extends": "g1"}),
        ({"extends": "g1"}, {"extends": "g2"}),
        ({"columns": ("s.a",)}, {"columns": ("s.a", "s.b")}),
        ({"columns": ("s.a,s.b",)}, {"columns": ("s.a", "s.b")}),
        ({"columns": ("s.a|3:s.b",)}, {"columns": ("s.a", "s.b")}),
        ({"product": "p|x"}, {"product": "p", "columns": ("x",)}),
    ],
)
def test_different_wishes_have_different_keys(one, other):
    """Also where names try to look like two."""
    assert not same(one, other)


def test_extensions_of_one_grant_are_the_same_wish():
    """Whatever else they say, only one may be pending."""
    assert same({"extends": "g1"}, {"extends": "g1", "product": "p2"})


def test_an_explanation_reads_as_its_text():
    """For people."""
    explained = Explanation(
        request="r1", state="pending", filled_seats=(), open_seats=(), stuck=(), text="still open"
    )

    assert str(explained) == "still open"


def test_answers_are_not_shown():
    """Neither answers nor reasons are in a repr."""
    assert "secret" not in repr(request(answers={"why": "secret"}, reason="secret"))


def said(by, reason):
    """An approval with a reason."""
    return Determination(
        id=f"d-{by}", by=by, verdict="approve", reason=reason, at=NOW, stage=0, matched=()
    )


def test_an_erased_request_keeps_who_decided_what():
    """Answers and reasons go, whoever gave them; erasing again finds nothing more to take."""
    asked = request(
        L, answers={"why": "x"}, reason="y", determinations=(said("ana", "z"), said("cy", ""))
    )

    erased = asked.erased(NOW)

    assert (erased.answers, erased.reason, erased.erased_at) == ({}, "", NOW)
    assert erased.determinations == (said("ana", ""), said("cy", ""))
    assert (erased.requester, erased.stages) == (asked.requester, asked.stages)
    assert erased.erased(NOW + timedelta(1)) is erased
    assert evolve(erased, reason="later").erased(NOW + timedelta(1)).reason == ""


def test_the_reasons_of_one_steward_go_alone():
    """What others said stays, and so do the answers."""
    asked = request(L, answers={"why": "x"}, determinations=(said("ana", "z"), said("cy", "w")))

    changed = asked.without_words_of("ana")

    assert changed.determinations == (said("ana", ""), said("cy", "w"))
    assert changed.answers == asked.answers
    assert changed.without_words_of("ana") == changed
