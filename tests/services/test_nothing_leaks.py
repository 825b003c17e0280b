"""What people wrote stays in the request: "no answer, reason or secret" in whatever else there is."""

from __future__ import annotations

import logging
import pickle
from datetime import timedelta

import pytest

from marketplace_sdk import MarketplaceError, Question
from tests.services.helpers import QUEUES, small_world
from tests.world import GOV, LEGAL, all_of

WORD = "CANARY"
ANSWERS = {"why": f"{WORD} why", "which": f"{WORD} one", "all": [f"{WORD} two"]}


def questions():
    """One of each kind that takes words."""
    return [
        Question.short_answer("why", "Why?"),
        Question.dropdown("which", "Which?", options=[f"{WORD} one", "other"]),
        Question.checkboxes("all", "All?", options=[f"{WORD} two", "other"]),
    ]


@pytest.fixture
def lived(caplog):
    """A marketplace in which everything that takes a reason or an answer was done once.

    Yields it with what was raised and returned meanwhile.
    """
    caplog.set_level(logging.DEBUG)
    world = small_world()
    requests, products = world.market.requests, world.market.products
    form = world.form(all_of(LEGAL, GOV), questions=questions())
    product = world.publish(form=form)
    said = {"answers": ANSWERS}
    raised, returned = [], []

    def refused(act, *args, **more):
        with pytest.raises(MarketplaceError) as caught:
            act(*args, **more)
        raised.append(caught.value)

    def ask(**more):
        returned.append(requests.request_access(product.id, by="con", **said, **more))
        return returned[-1]

    def decide(verdict, request, by, **more):
        act = getattr(requests, verdict)
        returned.append(act(request.id, reason=f"{WORD} {verdict}", by=by, **more))
        return returned[-1]

    decide("deny", ask(), "ana")
    canceled = ask()
    returned.append(requests.cancel(canceled.id, reason=f"{WORD} cancel", by="con"))
    held = ask(id="held")
    returned.append(requests.ask(held.id, f"{WORD} question", inquiry="q1", by="ana"))
    refused(requests.answer, held.id, "q1", f"{WORD} sal", by="sal")
    refused(requests.answer, held.id, "q2", f"{WORD} answer", by="con")
    returned.append(requests.answer(held.id, "q1", f"{WORD} answer", by="con"))
    refused(requests.answer, held.id, "q1", f"{WORD} other", by="con")
    decide("approve", held, "ana", determination="d1")
    refused(requests.approve, held.id, reason=f"{WORD} other", determination="d1", by="ana")
    refused(requests.approve, held.id, reason=f"{WORD} again", by="ana")
    refused(requests.approve, held.id, reason=f"{WORD} sal", by="sal")
    refused(requests.request_access, product.id, by="con", **said)
    for key, answer in (("why", f"{WORD}\0"), ("which", f"{WORD} three"), ("all", f"{WORD} two")):
        wrong = {**ANSWERS, key: answer}
        refused(requests.request_access, product.id, answers=wrong, by="pat")
    refused(requests.request_access, product.id, answers={WORD: WORD}, by="pat")
    decide("approve", held, "gil", until=timedelta(days=9))
    world.deliver()
    decide("deny", requests.extend(held.id, by="con", **said), "gil")
    products.suspend(product.id, reason=f"{WORD} suspend", by="dee")
    returned.append(products.resume(product.id, by="dee"))
    returned.append(requests.relinquish(held.id, reason=f"{WORD} relinquish", by="con"))
    held = decide("approve", decide("approve", ask(), "ana"), "gil")
    world.platform.platform.unreachable = True
    world.market.deliver()
    decide("revoke", held, "gil")
    world.platform.platform.unreachable = False
    world.market.products.delete(product.id, by="dee", cascade=True)
    world.deliver()
    yield world, raised, returned, caplog
    world.close()


def test_what_people_wrote_is_in_no_error_repr_or_log(lived):
    """ "No secret, token, form answer or row of data in any message, log or repr" (architecture 9)."""
    _, raised, returned, caplog = lived

    texts = [text for each in raised for text in (str(each), repr(each), repr(vars(each)))]
    texts += [repr(each) for each in returned]
    assert len(raised) >= 8
    assert [text for text in (*texts, caplog.text) if WORD in text] == []
    assert [each for each in raised if WORD.encode() in pickle.dumps(each)] == []


def test_what_people_wrote_is_in_no_event_message_or_work(lived):
    """Answers and reasons never leave in a webhook or notice, nor stand in the log (section B)."""
    world, *_ = lived
    audit = world.market.audit
    requests = world.market.requests.find(limit=100, by="gil")

    with world.market._storage.begin(write=False) as rows:
        work = [each for queue in QUEUES for dead in (0, 1) for each in rows.work(queue, dead=dead)]
    told = [
        *world.hook.messages,
        *(
            each
            for who in ("con", "ana", "dee", "gil")
            for each in world.market.inbox.of(who, by=who)
        ),
        *(row for each in requests for row in world.market.requests.history(each.id, by="con")),
        *world.market.grants.of("con", ended=True, by="con"),
        *work,
    ]
    lines = [*audit.export(by="aud"), *audit.export(by="aud", format="csv")]
    assert len(requests) >= 5
    assert world.hook.events
    assert [each for each in told if WORD in repr(each)] == []
    assert [line for line in lines if WORD in line] == []


def test_what_people_wrote_is_kept_for_those_who_may_read_it(lived):
    """The words are there, so that the two tests above look for what exists."""
    world, *_ = lived
    read = world.market.requests.find(limit=100, by="gil").items

    assert all(each.answers["why"] == ANSWERS["why"] for each in read)
    words = {each.reason for each in read} | {
        d.reason for each in read for d in each.determinations
    }
    kept = ("approve", "deny", "cancel", "relinquish", "revoke")
    assert {f"{WORD} {verb}" for verb in kept} <= words
    (inquiry,) = world.market.requests.get("held", by="gil").inquiries
    assert (inquiry.question, inquiry.answer) == (f"{WORD} question", f"{WORD} answer")
