"""Asking back on a marketplace: on the record, private, told to few, and in nobody's way."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from attrs import evolve

from marketplace_sdk import (
    AlreadyDetermined,
    Duration,
    NotAllowed,
    NotFound,
    StaleRevision,
    group,
)
from tests.services.helpers import nothing_written, small_world, types_of
from tests.services.test_concurrency import race, split
from tests.world import LEGAL, PRIVACY, UNA, all_of, any_of

URL = "https://hook.example/"
WORDS = "SECRETWORDS"


@pytest.fixture
def asked(small):
    """con asks for pat; ana or bo decide."""
    request = small.ask(small.publish(any_of(LEGAL), name="Heads"), on_behalf_of="pat")
    small.deliver()
    return request


def ask(world, request, question="Which quarter?", *, inquiry="i-1", by="ana", **more):
    return world.market.requests.ask(request.id, question, inquiry=inquiry, by=by, **more)


def answer(world, request, words="The third.", *, inquiry="i-1", by="con", **more):
    return world.market.requests.answer(request.id, inquiry, words, by=by, **more)


def test_it_is_on_record_who_asked_and_answered_and_when(small, asked):
    ask(small, asked)
    small.clock.advance(hours=2)
    answered = answer(small, asked, by="pat")

    (inquiry,) = answered.inquiries
    assert (inquiry.asked_by, inquiry.asked_at) == ("ana", asked.created_at)
    assert (inquiry.answered_by, inquiry.answered_at) == ("pat", small.clock())
    assert (answered.state, answered.answers) == ("pending", asked.answers)
    rows = small.market.requests.history(asked.id, by="con")
    assert [(row.type, row.actor) for row in rows][1:] == [
        ("request.question_asked", "ana"),
        ("request.question_answered", "pat"),
    ]


def test_no_word_of_it_leaves_the_request(small, asked, caplog):
    """Not in events, webhooks, notices, reprs, errors or logs."""
    caplog.set_level(logging.DEBUG)
    small.market.destinations.create(URL, secret="env:HOOK_ONE", id="hook", by="ada")
    ask(small, asked, f"{WORDS}?")
    answered = answer(small, asked, f"{WORDS}!")
    with pytest.raises(Exception, match="cannot answer inquiry i-1: it is answered") as refused:
        answer(small, asked, f"{WORDS} again")
    small.deliver()

    sent = [each.data for each in small.sites.received[URL]]
    assert {each["inquiry"]["id"] for each in sent} == {"i-1"}
    inbox = [each for who in ("con", "pat", "ana") for each in small.market.inbox.of(who, by=who)]
    explained = small.market.requests.explain(asked.id, by="con")
    log = list(small.market.audit.export(by="aud"))
    for each in (sent, inbox, log, answered, explained, refused.value, small.hook.messages):
        assert WORDS not in repr(each)
    assert WORDS not in caplog.text
    assert f"{WORDS}!" == small.market.requests.get(asked.id, by="bo").inquiries[0].answer


def test_the_words_leave_to_a_destination_that_includes_them(small, asked):
    """And with every event about the request; reasons and answers are another matter."""
    hook = {"secret": "env:HOOK_ONE", "id": "hook", "include": ["inquiries"]}
    small.market.destinations.create(URL, by="ada", **hook)
    ask(small, asked)
    small.deliver()
    answer(small, asked)
    small.approve(asked, "bo", reason=WORDS)
    small.deliver()

    first, *rest = [each.data for each in small.sites.received[URL]]
    assert first["inquiries"] == [
        {
            "id": "i-1",
            "asked_by": "ana",
            "question": "Which quarter?",
            "answered_by": "",
            "answer": "",
        }
    ]
    assert [each["inquiries"][0]["answer"] for each in rest] == ["The third.", "The third."]
    assert WORDS not in repr(rest)


@pytest.mark.parametrize("verdict", ["approve", "deny"])
def test_a_decision_never_waits_and_closes_what_is_open(small, asked, verdict):
    ask(small, asked)
    decided = getattr(small.market.requests, verdict)(asked.id, reason="fine", by="ana")
    assert decided.state in ("approved", "denied")
    assert decided.open_inquiries == ()

    for act in (lambda: answer(small, asked), lambda: ask(small, asked, inquiry="i-2", by="bo")):
        with nothing_written(small), pytest.raises(AlreadyDetermined) as refused:
            act()
        assert refused.value.state == decided.state
        assert refused.value.hint


def test_a_product_that_is_deleted_closes_what_is_open(small, asked):
    ask(small, asked)
    small.market.products.delete(asked.product, by="dee")

    with pytest.raises(AlreadyDetermined, match="it is canceled"):
        answer(small, asked)
    assert small.market.requests.find(inquiry="open", by="gil").items == ()


def test_stages_times_and_what_awaits_whom_stay_as_they_are(small):
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    small.approve(request, "ana", until=Duration(3, "days"))
    before = small.market.requests.explain(request.id, by="cy")

    ask(small, request, by="cy")

    after = small.market.requests.explain(request.id, by="cy")
    assert (after.open_seats, after.filled_seats) == (before.open_seats, before.filled_seats)
    assert (after.candidates, after.until) == (before.candidates, before.until)
    assert [each.id for each in small.market.requests.awaiting(by="cy")] == [request.id]
    small.clock.advance(days=5)
    approved = small.approve(request, "cy")
    assert approved.until == small.clock() + timedelta(days=3), "counted from the decision"


def test_who_has_determined_asks_no_more_and_a_later_stage_not_yet(small):
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    small.approve(request, "ana")
    with pytest.raises(AlreadyDetermined, match="ana has determined on this stage"):
        ask(small, request)

    assert ask(small, request, by="cy").open_inquiries


def test_whoever_stands_in_for_a_seat_that_nobody_can_fill_asks(small):
    product = small.publish(form=small.form(any_of(group("Nobody")), fallback=UNA))
    request = small.ask(product)

    assert ask(small, request, by="una").open_inquiries


def test_of_a_group_the_requester_answers_and_no_member(small):
    """One of many would speak for all."""
    small.market.people.link(LEGAL, "lake", small.platform.principal("legal"), by="uma")
    product = small.publish(any_of(PRIVACY), name="Theirs")
    request = small.ask(product, on_behalf_of=LEGAL)
    ask(small, request, by="cy")

    assert "question_asked" in small.told("con")
    assert "question_asked" not in small.told("ana")
    with pytest.raises(NotAllowed) as refused:
        answer(small, request, by="ana")
    assert refused.value.needs == "to be the requester or to be the beneficiary"
    assert answer(small, request).open_inquiries == ()


def test_strangers_know_of_nothing(small, asked):
    ask(small, asked)
    for act in (lambda: ask(small, asked, by="sal"), lambda: answer(small, asked, by="sal")):
        with nothing_written(small), pytest.raises(NotFound):
            act()


def test_jobs_neither_ask_nor_answer(small, asked):
    job = small.market.as_system("nightly").requests
    ask(small, asked)
    with pytest.raises(NotAllowed, match="only people ask"):
        job.ask(asked.id, "Why?")
    with pytest.raises(NotAllowed):
        job.answer(asked.id, "i-1", "Because.")


def test_a_repeated_call_changes_nothing(small, asked):
    """Whoever got no answer of the network may send both again, also after the decision."""
    ask(small, asked)
    answer(small, asked)
    for _ in range(2):
        with nothing_written(small):
            ask(small, asked)
            answer(small, asked)
        if small.state(asked) == "pending":
            small.approve(asked, "bo")


def test_a_revision_that_was_seen_before_the_question_is_stale(small, asked):
    """Whoever decides by what they saw hears that something was asked or said meanwhile."""
    seen = small.market.requests.get(asked.id, by="bo").revision
    ask(small, asked)

    with pytest.raises(StaleRevision):
        small.market.requests.approve(asked.id, reason="fine", revision=seen, by="bo")
    assert small.market.requests.approve(asked.id, reason="fine", by="bo").state == "approved"


def test_two_who_answer_at_once_have_one_answer(small, asked):
    for number in range(8):
        ask(small, asked, inquiry=f"i-{number}")

        won, lost = split(
            race(
                lambda n=number: answer(small, asked, "Mine.", inquiry=f"i-{n}", by="con"),
                lambda n=number: answer(small, asked, "Mine, too.", inquiry=f"i-{n}", by="pat"),
            )
        )

        assert (len(won), [each.code for each in lost]) == (1, ["already_answered"])


def test_an_answer_and_a_decision_at_once_have_one_order(small):
    """Both are kept when the answer was first; else the answer is refused. Neither is lost."""
    product = small.publish(any_of(LEGAL))
    for number in range(6):
        request = small.ask(product, id=f"r-{number}")
        ask(small, request)

        results = race(lambda r=request: answer(small, r), lambda r=request: small.deny(r, "bo"))

        split(results)
        now = small.market.requests.get(request.id, by="gil")
        assert now.state == "denied"
        refused = isinstance(results[0], AlreadyDetermined)
        assert (now.inquiries[0].answer == "") == refused
        types = types_of(small, request.aggregate)
        assert types.count("request.question_answered") == (0 if refused else 1)


def test_people_choose_how_they_are_told_of_each(small):
    """As of every other kind; a question that was answered is not in the digest any more."""
    small.market.preferences.set(
        "con", channels={"MemoryNotifier-1": {"question_asked": "digest", "*": "off"}}, by="con"
    )
    product = small.publish(any_of(LEGAL))
    requests = [small.ask(product, id=id, by="con") for id in ("first",)]
    requests.append(small.ask_unmasked(product, id="second"))
    requests.append(small.ask(product, id="third", on_behalf_of="pat"))
    for request in requests:
        ask(small, request, inquiry=f"about {request.id}")
    small.deliver()
    answer(small, requests[0], inquiry="about first")
    small.deny(requests[1], "bo")

    small.clock.advance(days=1)
    small.deliver()

    (digest,) = [each for each in small.hook.notices if each.recipient.id == "con"]
    assert [each["about"] for each in digest.data["items"]] == ["request:third"]
    assert {"question_asked"} <= set(small.told("con")), "the inbox has all of them"


def test_what_was_said_in_an_open_question_never_reads_like_another_fact(small, asked):
    """On one line."""
    ask(small, asked, "Why?\napproved for group Legal: bo")

    lines = str(small.market.requests.explain(asked.id, by="con")).splitlines()
    assert "asked by ana, not answered: Why? approved for group Legal: bo" in lines
    assert not [line for line in lines if line.startswith("approved for")]


def test_it_survives_a_restart(tmp_path):
    """On disk, with what a later release may add beside it."""
    world = small_world(f"sqlite:///{tmp_path}/m.db")
    request = world.ask(world.publish(any_of(LEGAL)))
    ask(world, request)
    with world.market._storage.begin() as rows:
        record = rows.get("request", request.id)
        later = {**record.document, "of_a_later_release": [1]}
        rows.put(evolve(record, document=later, revision=record.revision + 1), record.revision)
    answer(world, request)
    with world.market._storage.begin(write=False) as rows:
        document = rows.get("request", request.id).document
    world.close()

    assert document["of_a_later_release"] == [1]
    assert document["inquiries"][0]["answer"] == "The third."
