"""A steward wants to know more, the requester says it, and the request is decided: as a user's story.

On every storage, with a platform that enforces. Legal are ana and bo, Privacy bo and cy; con asks,
for pat.
"""

from __future__ import annotations

import pytest

from marketplace_sdk import AlreadyDetermined, Conflict, NotAllowed, NotFound, StaleRevision
from tests.world import LEGAL, PRIVACY, all_of, any_of


@pytest.fixture
def request_(world):
    """con asks for pat, under a form that Legal and Privacy have to approve."""
    return world.ask(world.publish(all_of(LEGAL, PRIVACY), name="Heads"), on_behalf_of="pat")


def test_ana_asks_pat_answers_and_both_stewards_approve(world, request_):
    """From the question to the access; everybody learns what concerns them."""
    market = world.market

    asked = market.requests.ask(request_.id, "Which months?", inquiry="months", by="ana")

    assert asked.state == "pending"
    assert "ana, not answered: Which months?" in str(market.requests.explain(asked.id, by="con"))
    for side in ("con", "pat"):
        assert "question_asked" in world.told(side)
        (waiting,) = market.requests.find(inquiry="awaiting_me", by=side)
        assert waiting.id == request_.id
    assert market.requests.find(review="awaiting_me", inquiry="none", by="cy").items == ()

    market.requests.answer(request_.id, "months", "January to March.", by="pat")

    assert "question_answered" in world.told("ana")
    assert "question_asked" not in world.told("cy")
    assert market.requests.find(inquiry="awaiting_me", by="con").items == ()
    (ready,) = market.requests.find(review="awaiting_me", inquiry="none", by="cy")
    assert ready.inquiries[0].answer == "January to March."

    assert world.approve(ready, "ana", "cy").state == "approved"
    world.deliver()
    assert world.reads("pat") == "clear"
    types = [row.type for row in market.requests.history(request_.id, by="con")]
    assert types == [
        "request.submitted",
        "request.question_asked",
        "request.question_answered",
        "request.determined",
        "request.approved",
    ]


def test_bo_does_not_wait_for_what_ana_asked(world, request_):
    """bo sits in both groups and knows enough; the answer comes too late."""
    world.market.requests.ask(request_.id, "Which months?", inquiry="months", by="ana")

    assert world.approve(request_, "bo").state == "approved"

    with pytest.raises(AlreadyDetermined, match="nobody waits for the answer any more"):
        world.market.requests.answer(request_.id, "months", "January.", by="con")
    world.deliver()
    assert world.reads("pat") == "clear"
    (inquiry,) = world.market.requests.get(request_.id, by="con").inquiries
    assert (inquiry.question, inquiry.answer) == ("Which months?", "")


def test_con_calls_it_off_instead_of_answering(world, request_):
    world.market.requests.ask(request_.id, "Which months?", inquiry="months", by="ana")
    world.market.requests.cancel(request_.id, by="con")

    assert world.market.requests.find(inquiry="open", by="ana").items == ()
    with pytest.raises(AlreadyDetermined, match="it is canceled"):
        world.market.requests.answer(request_.id, "months", "January.", by="con")


def test_nobody_else_asks_or_answers(world, request_):
    """The manager sees it and has no say; a stranger knows nothing of it."""
    requests = world.market.requests
    requests.ask(request_.id, "Which months?", inquiry="months", by="ana")
    for who, refusal in (("dee", NotAllowed), ("con", NotAllowed), ("fay", NotFound)):
        with pytest.raises(refusal):
            requests.ask(request_.id, "Why?", by=who)
    for who, refusal in (("dee", NotAllowed), ("ana", NotAllowed), ("fay", NotFound)):
        with pytest.raises(refusal):
            requests.answer(request_.id, "months", "All.", by=who)
    assert requests.ask(request_.id, "Is it urgent?", by="gil").open_inquiries[1].asked_by == "gil"


def test_an_answer_is_given_once(world, request_):
    """The first of con and pat counts; a page that shows what was before is told so."""
    requests = world.market.requests
    requests.ask(request_.id, "Which months?", inquiry="months", by="ana")
    seen = requests.get(request_.id, by="cy").revision
    requests.answer(request_.id, "months", "January.", by="pat")

    with pytest.raises(Conflict) as refused:
        requests.answer(request_.id, "months", "February.", by="con")
    assert refused.value.code == "already_answered"
    with pytest.raises(StaleRevision):
        requests.deny(request_.id, reason="unclear", revision=seen, by="cy")
    assert requests.answer(request_.id, "months", "January.", by="pat").state == "pending"


def test_a_masking_exception_is_asked_about_in_the_same_way(world):
    request = world.ask_unmasked(world.publish(any_of(LEGAL)))
    world.market.requests.ask(request.id, "Whose pay?", inquiry="pay", by="bo")
    world.market.requests.answer(request.id, "pay", "My team's.", by="con")

    assert world.approve(request, "bo").inquiries[0].answer == "My team's."
