"""Reminders of questions that wait for an answer: few, without their words, over when it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketplace_sdk import QuietHours
from tests.services.helpers import small_world
from tests.world import LEGAL, any_of

HOOK = "MemoryNotifier-1"
KIND = "answers_pending"
WORDS = "SECRETWORDS"


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    """A marketplace on each store that is always there; it is nine in the morning."""
    url = "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/m.db"
    made = small_world(url)
    made.clock.set(datetime(2026, 3, 1, 9, tzinfo=UTC))
    made.deliver()
    yield made
    made.close()


@pytest.fixture
def asked(world):
    """con asks for pat; ana wants to know something first."""
    request = world.ask(world.publish(any_of(LEGAL), name="Heads"), on_behalf_of="pat")
    ask(world, request)
    world.deliver()
    return request


def ask(world, request, *, inquiry="i-1", by="ana"):
    world.market.requests.ask(request.id, f"{WORDS}?", inquiry=inquiry, by=by)


def reminders(world, who):
    """What somebody was reminded of in their inbox, the oldest first."""
    found = world.market.inbox.of(who, limit=1000, by=who)
    return [each for each in reversed(found.items) if each.kind == KIND]


def sent(world, who, kind=None):
    """The same of the notifier, of all kinds or one."""
    mine = [each for each in world.hook.notices if each.recipient.id == who]
    return [each for each in mine if kind in (None, each.type)]


def days(world, count):
    """So many days on which a worker runs every hour or so."""
    for _ in range(count):
        for _ in range(4):
            world.clock.advance(hours=6)
            world.deliver()


def test_both_who_may_answer_are_reminded_on_three_days_and_then_no_more(world, asked):
    """After 3, 7 and 14 days, one message each; stewards and whoever asked are not."""
    days(world, 2)
    assert reminders(world, "con") == []
    days(world, 1)
    (told,) = reminders(world, "con")
    assert told.subject == "Waiting for your answer: 1, the oldest for 3 days."
    assert told.about == "inbox:con"
    assert [dict(each) for each in told.data["requests"]] == [{"id": asked.id, "product": "Heads"}]

    days(world, 30)

    for who in ("con", "pat"):
        assert [each.data["days"] for each in reminders(world, who)] == [3, 7, 14]
        assert [each.data["days"] for each in sent(world, who, KIND)] == [3, 7, 14]
    assert [reminders(world, who) for who in ("ana", "bo", "gil")] == [[], [], []]


def test_no_word_of_a_question_is_in_a_reminder(world, asked):
    days(world, 4)

    assert reminders(world, "con")
    assert WORDS not in repr([*reminders(world, "con"), *world.hook.messages])
    assert not any(WORDS in line for line in world.market.audit.export(by="aud"))


@pytest.mark.parametrize("end", ["answer", "approve", "cancel"])
def test_nobody_is_reminded_of_what_nobody_waits_for_any_more(world, asked, end):
    """It was answered, decided or canceled."""
    requests = world.market.requests
    if end == "answer":
        requests.answer(asked.id, "i-1", "The third.", by="pat")
    elif end == "approve":
        requests.approve(asked.id, reason="known anyway", by="bo")
    else:
        requests.cancel(asked.id, by="con")
    days(world, 15)

    assert reminders(world, "con") == reminders(world, "pat") == []


def test_several_questions_are_one_message(world, asked):
    """One more that was asked meanwhile is counted, too, and has its own days later."""
    other = world.ask(world.publish(any_of(LEGAL), name="Days"))
    days(world, 2)
    ask(world, other, inquiry="i-2")
    days(world, 1)

    (told,) = reminders(world, "con")
    assert (told.data["count"], told.data["days"]) == (2, 3)
    days(world, 2)
    assert [each.data["days"] for each in reminders(world, "con")] == [3, 5]


def test_after_a_standstill_there_is_one_reminder(world, asked):
    world.clock.advance(days=20)
    for _ in range(3):
        world.deliver()

    (told,) = reminders(world, "con")
    assert told.data["days"] == 20
    days(world, 20)
    assert len(reminders(world, "con")) == 1


def test_a_digest_names_a_question_once_and_reminds_of_it_later(world, asked):
    """What is new one by one; the reminder counts the others, in the digest of its day."""
    channels = {HOOK: {"question_asked": "digest", KIND: "digest", "*": "off"}}
    world.market.preferences.set("con", channels=channels, digest_at="10:00", by="con")
    days(world, 2)
    other = world.ask(world.publish(any_of(LEGAL), name="Days"))
    ask(world, other, inquiry="i-2")
    days(world, 2)

    digests = sent(world, "con", "digest")
    assert [[each["about"] for each in one.data["items"]] for one in digests] == [
        [other.aggregate, "inbox:con"]
    ]
    assert digests[0].data["items"][1]["subject"] == (
        "Waiting for your answer: 1, the oldest for 3 days."
    )


def test_nobody_is_reminded_in_the_morning_of_what_was_answered_at_night(world, asked):
    """A reminder that waited for the end of quiet hours is dropped."""
    quiet = QuietHours("22:00", "07:30")
    world.market.preferences.set("con", quiet_hours=quiet, by="con")
    world.clock.set(datetime(2026, 3, 4, 6, tzinfo=UTC))
    world.deliver()
    assert len(reminders(world, "con")) == 1
    world.market.requests.answer(asked.id, "i-1", "The third.", by="pat")
    world.clock.set(datetime(2026, 3, 4, 8, tzinfo=UTC))
    world.deliver()

    assert sent(world, "con", KIND) == []
    dropped = world.market.destinations.history(HOOK, state="dropped", by="ada")
    assert KIND in {each.type for each in dropped}


def test_whoever_asked_sees_how_long_it_has_been_waiting(world, asked):
    """So does everybody who sees the question; a day is one of the calendar."""
    explain = world.market.requests.explain
    said = {}
    for passed in range(3):
        said[passed] = [
            line for line in str(explain(asked.id, by="ana")).splitlines() if "not answered" in line
        ]
        world.clock.advance(days=1)

    assert said == {
        0: [f"asked by ana, not answered: {WORDS}?"],
        1: [f"asked by ana, not answered for 1 day: {WORDS}?"],
        2: [f"asked by ana, not answered for 2 days: {WORDS}?"],
    }
