"""One destination never costs another one anything; one that is broken stops by itself."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.delivery.outbox import GLANCE
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.domain.destinations import Delivery, Standing, pause_after
from marketplace_sdk.domain.events import Effects, Event
from marketplace_sdk.domain.people import Person
from marketplace_sdk.errors import NotificationError
from tests.delivery.world import World

LONG = 30
"""Seconds after which a test that waits for something has failed."""


@pytest.fixture
def world():
    made = World()
    made.people.matching = {"permission:APPLICATION_ADMIN": ["ada"]}
    made.people.people = {"ada": Person(id="ada")}
    return made


def tell(world, about="product:p", **data):
    with world.desk.write() as unit:
        event = Event(type="product.published", aggregate=about, data=data)
        unit.keep(Effects(events=(event,)))


def refusing(*, code="notification_error", **more):
    def fail(message):
        raise NotificationError("cannot deliver: it answered 500", code=code, **more)

    return fail


def standing(world, name="bad"):
    with world.desk.read() as unit:
        return unit.get(Standing, name) or Standing(name=name)


def test_one_that_hangs_delays_no_other(world):
    """What is told while it hangs reaches the others at once; in the end nothing is lost."""
    hanging, others = (
        world.post("hanging", "event"),
        [world.post(f"o{n}", "event") for n in range(9)],
    )
    release, hangs = threading.Event(), threading.Event()

    def hang(message):
        hangs.set()
        assert release.wait(LONG)

    hanging.fails = hang
    tell(world, n=0)
    worker = threading.Thread(target=world.worker().deliver)
    worker.start()
    assert hangs.wait(LONG)

    tell(world, n=1)
    deadline = time.monotonic() + LONG
    while not all(len(each.messages) == 2 for each in others):
        assert time.monotonic() < deadline, "the others were kept waiting"
        time.sleep(0.01)

    assert hanging.messages == []
    release.set()
    worker.join(LONG)
    assert [message.data["n"] for message in hanging.messages] == [0, 1]


def test_what_is_under_way_after_the_last_round_is_counted_too(world):
    """Whoever delivers is told of all of it, however slow a destination was."""
    slow = world.post("slow", "event")
    slow.fails = lambda message: time.sleep(3 * GLANCE)
    tell(world)

    world.settings = Settings(rounds=1)
    done = world.worker().deliver()

    assert (done.messages, len(slow.messages)) == (1, 1)


def test_one_that_does_not_answer_in_time_is_left_alone_at_once(world):
    """Each attempt costs a thread the whole deadline: one is enough for now."""
    bad = world.post("bad", "event")
    tried = []

    def fail(message):
        tried.append(message)
        raise NotificationError("cannot deliver: it did not answer", code="timeout", retryable=True)

    bad.fails = fail
    for number in range(10):
        tell(world, about=f"product:{number}")

    world.deliver()

    assert len(tried) == 1


def test_one_that_says_when_to_come_back_is_left_alone_until_then(world):
    """Its other messages, too; whatever it says, no longer than the longest pause."""
    bad, worker = world.post("bad", "event"), None
    tried = []

    def fail(message):
        tried.append(message)
        raise NotificationError("429", retryable=True, retry_after=10**12)

    bad.fails = fail
    for number in range(3):
        tell(world, about=f"product:{number}")
    worker = world.worker()
    worker.deliver()
    world.clock.advance(seconds=world.settings.longest_pause - 1)
    worker.deliver()
    assert len(tried) == 1

    bad.fails = None
    world.clock.advance(seconds=2)
    worker.deliver()

    assert len(bad.messages) == 3


@pytest.mark.parametrize("asked", [float("nan"), -5, 0])
def test_a_time_that_is_none_changes_nothing(world, asked):
    bad = world.post("bad", "event")
    bad.fails = refusing(retryable=True, retry_after=asked)
    tell(world)

    world.deliver()

    (work,) = world.work("outbox|bad")
    assert work.due - world.clock() == pause_after(1, [work.id], base=5, cap=43200)


def test_one_that_wants_no_more_is_disabled_and_administrators_are_told(world):
    bad = world.post("bad", "event")
    bad.fails = refusing(retryable=False, code="gone")
    tell(world, n=1)
    world.deliver()
    bad.fails = None
    tell(world, n=2)
    world.deliver()

    assert standing(world).state == "disabled"
    assert bad.messages == []
    (told,) = world.inbox()
    assert (told.person, told.kind) == ("ada", "destination_stopped")
    assert told.subject.startswith("nothing is sent to bad any more: ")
    assert len(world.events("destination.disabled")) == 1


def test_one_that_keeps_failing_is_suspended_and_administrators_are_told_once(world):
    """Three days without a single success; what waits is kept."""
    bad = world.post("bad", "event")
    bad.fails = refusing(retryable=True)
    for hour in range(24 * 4):
        tell(world, about=f"product:{hour}", n=hour)
        world.deliver()
        world.clock.advance(hours=1)
        since = standing(world).failing_since
        assert (standing(world).state == "suspended") == (hour >= 72), hour

    assert since == world.events("product.published")[0].at
    assert [each.kind for each in world.inbox()] == ["destination_stopped"]
    assert len(world.events("destination.suspended")) == 1
    assert world.work("outbox|bad", dead=False)


def test_one_success_begins_the_count_anew(world):
    bad = world.post("bad", "event")
    for hour in range(24 * 4):
        bad.fails = None if hour == 48 else refusing(retryable=True)
        tell(world, about=f"product:{hour}")
        world.deliver()
        world.clock.advance(hours=1)

    assert standing(world).state == "active"
    assert len(bad.messages) >= 1


def test_messages_that_cannot_be_sent_do_not_suspend_a_destination(world):
    """That is their fault, not its."""
    bad = world.post("bad", "event")
    bad.fails = refusing(retryable=False, code="not_sendable")
    for _ in range(10):
        tell(world)
        world.deliver()
        world.clock.advance(days=1)

    assert standing(world) == Standing(name="bad")
    assert len(world.work("outbox|bad", dead=True)) == 10


def test_a_long_queue_of_one_that_fails_is_not_tried_through(world):
    """A few attempts, and then one now and then, however much waits."""
    bad = world.post("bad", "event")
    tried = []

    def fail(message):
        tried.append(message)
        raise NotificationError("500", retryable=True)

    bad.fails = fail
    for number in range(300):
        tell(world, about=f"product:{number}")
    worker = world.worker()
    for _ in range(60):
        worker.deliver()
        world.clock.advance(minutes=1)

    assert len(tried) < 30
    bad.fails = None
    world.clock.advance(hours=15)
    worker.deliver()
    assert len(bad.messages) == 300


def test_two_workers_deliver_everything_once(world):
    """Between two requests there is no order, so both may work for one destination."""
    hook = world.post("hook", "event")
    for number in range(200):
        tell(world, about=f"product:{number % 40}", n=number)
    workers = [world.worker(f"w{n}") for n in range(2)]
    threads = [threading.Thread(target=each.deliver) for each in workers]

    for each in threads:
        each.start()
    for each in threads:
        each.join(LONG)
    world.deliver()

    assert sorted(message.data["n"] for message in hook.messages) == list(range(200))
    for product in range(40):
        mine = [m.data["n"] for m in hook.messages if m.data["n"] % 40 == product]
        assert mine == sorted(mine)


def test_history_counts_attempts_and_not_what_was_given_back(world):
    bad = world.post("bad", "event")
    bad.fails = refusing(retryable=True)
    for number in range(5):
        tell(world, n=number)
    world.deliver()

    with world.desk.read() as unit:
        (line,) = unit.find(Delivery)
    assert (line.attempts, line.state) == (1, "retrying")
    (tried,) = [work for work in world.work("outbox|bad") if work.id == line.id]
    assert line.next_at == tried.due


@given(st.integers(1, 40), st.text(max_size=9), st.text(max_size=9))
def test_pauses_follow_from_the_ids(failures, message, other):
    """The same failure waits as long each time; never less than planned, nor a fifth more."""
    pause = pause_after(failures, [message], base=5, cap=43200)

    assert pause == pause_after(failures, [message], base=5, cap=43200)
    planned = min(43200, 5 * 4 ** (failures - 1))
    assert timedelta(seconds=planned) <= pause <= timedelta(seconds=planned * 1.2 + 1e-3)
    if message != other:
        assert pause != pause_after(failures, [other], base=5, cap=43200)


def test_settings_of_zero_are_refused():
    for name in ("longest_pause", "suspend_after", "parallel", "history"):
        with pytest.raises(Exception, match=name):
            Settings(**{name: 0})
