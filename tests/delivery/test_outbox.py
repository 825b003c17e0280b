"""Messages: at least once, in order for each destination, with the same id on every attempt."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from marketplace_sdk.delivery.settings import Settings, backoff
from marketplace_sdk.domain.catalog import Domain
from marketplace_sdk.domain.destinations import pause_after
from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.notice_kinds import NOTICES
from marketplace_sdk.domain.people import Person
from marketplace_sdk.domain.selectors import StewardSelector, group, user
from marketplace_sdk.errors import NotificationError
from marketplace_sdk.ports.notifier import Recipient
from tests.delivery.world import World


@pytest.fixture
def world():
    return World()


def tell(world, about="product:p", type="product.published", **data):
    with world.desk.write() as unit:
        unit.keep(Effects(events=(Event(type=type, aggregate=about, data=data),)))


def notify(world, *audience, exclude=(), kind="product_published", **data):
    data = {"product": "Orders", **data}
    with world.desk.write() as unit:
        unit.keep(
            Effects(
                notices=(
                    Notice(
                        kind=kind, about="product:p", audience=audience, exclude=exclude, data=data
                    ),
                )
            )
        )


def test_an_event_reaches_every_destination_that_receives_events(world):
    one, two = world.post("one", "event"), world.post("two", "notice")
    tell(world, name="Orders")

    done = world.deliver()

    (message,) = one.messages
    assert (message.sort, message.type, message.data) == (
        "event",
        "data_product.state.created",
        {"version": 1, "name": "Orders"},
    )
    assert two.messages == []
    assert done.messages == 1
    assert world.work("outbox") == []


def test_every_attempt_has_the_same_id_and_content(world):
    hook = world.post("hook", "event")
    tried = []

    def fail(message):
        tried.append(message)
        if len(tried) < 3:
            raise NotificationError("503", retryable=True)

    hook.fails = fail
    tell(world, name="Orders")

    for _ in range(3):
        world.deliver()
        world.clock.advance(minutes=1)

    assert len(tried) == 3
    assert tried[0] == tried[1] == tried[2]
    assert len(hook.messages) == 1


def test_order_is_kept_over_retries(world):
    hook = world.post("hook", "event")
    down = [True]

    def fail(message):
        if down[0] and message.data["n"] == 1:
            raise NotificationError("503", retryable=True)

    hook.fails = fail
    for n in range(4):
        tell(world, n=n)

    world.deliver()
    assert [m.data["n"] for m in hook.messages] == [0]

    tell(world, n=4)
    world.deliver()
    assert [m.data["n"] for m in hook.messages] == [0]

    down[0] = False
    world.clock.advance(minutes=1)
    world.deliver()
    assert [m.data["n"] for m in hook.messages] == [0, 1, 2, 3, 4]


def test_a_failing_destination_holds_up_no_other(world):
    bad, good = world.post("bad", "event"), world.post("good", "event")
    attempts = []

    def fail(message):
        attempts.append(message.id)
        raise NotificationError("timeout", retryable=True)

    bad.fails = fail
    for n in range(50):
        tell(world, about=f"product:{n}", n=n)

    done = world.deliver()

    assert len(good.messages) == 50
    assert len(attempts) == world.settings.rest_after, "it is left alone for the rest of the round"
    assert done.failed == world.settings.rest_after


def test_a_message_is_tried_again_for_about_two_days(world):
    """Longer after every failure; the pauses follow from the ids, so that they can be foretold."""
    hook = world.post("hook", "event")
    tried = []

    def fail(message):
        tried.append(world.clock())
        raise NotificationError("503", retryable=True)

    hook.fails = fail
    tell(world)
    while not world.work("outbox|hook", dead=True):
        world.deliver()
        waiting = world.work("outbox|hook", dead=False)
        if waiting:
            (work,) = waiting
            expected = pause_after(len(tried), [work.id], base=5, cap=43200)
            assert work.due - world.clock() == expected
            world.clock.now = work.due

    assert len(tried) == world.settings.attempts == 11
    assert timedelta(hours=43) < tried[-1] - tried[0] < timedelta(hours=53)


def test_a_destination_that_names_a_time_is_left_alone_until_then(world):
    hook = world.post("hook", "event")
    hook.fails = lambda message: (_ for _ in ()).throw(
        NotificationError("429", retryable=True, retry_after=600)
    )
    tell(world)

    world.deliver()

    (work,) = world.work("outbox|hook")
    assert (work.due - world.clock()).total_seconds() == 600


def test_what_cannot_work_is_parked_and_can_be_replayed(world):
    hook = world.post("hook", "event")
    hook.fails = lambda message: (_ for _ in ()).throw(
        NotificationError("410 gone", retryable=False)
    )
    tell(world, n=1)
    tell(world, n=2)

    done = world.deliver()

    assert done.dead == 2
    first, _ = world.work("outbox|hook", dead=True)
    assert "410 gone" in first.error
    hook.fails = None
    with world.storage.begin() as rows:
        assert rows.replay(first.id, world.clock())

    world.deliver()

    assert [m.id for m in hook.messages] == [first.payload["id"]]


def test_a_message_is_parked_after_its_last_attempt_and_those_behind_it_go_on(world):
    """Only real attempts count: those behind a failing message were never tried."""
    hook = world.post("hook", "event")
    tried = []

    def fail(message):
        tried.append(message.data["n"])
        if message.data["n"] == 1:
            raise NotificationError("500", retryable=True)

    hook.fails = fail
    tell(world, n=1)
    tell(world, n=2)
    for _ in range(60):
        world.deliver()
        world.clock.advance(hours=1)

    assert tried == [1] * 11 + [2]
    assert [m.data["n"] for m in hook.messages] == [2]
    assert len(world.work("outbox|hook", dead=True)) == 1


def test_a_replayed_message_has_all_its_attempts_again(world):
    world.settings = Settings(attempts=2)
    hook = world.post("hook", "event")
    hook.fails = lambda message: (_ for _ in ()).throw(NotificationError("500", retryable=True))
    tell(world)
    for _ in range(3):
        world.deliver()
        world.clock.advance(minutes=16)
    (parked,) = world.work("outbox|hook", dead=True)
    with world.storage.begin() as rows:
        rows.replay(parked.id, world.clock())

    world.deliver()

    assert world.work("outbox|hook", dead=True) == []


def test_a_foreign_error_names_the_notifier_and_never_the_payload(world):
    hook = world.post("hook", "event")

    def fail(message):
        raise ValueError(f"cannot send {message.data} with token hunter2")

    hook.fails = fail
    tell(world, name="salaries")

    world.deliver()

    (work,) = world.work("outbox|hook")
    assert "hook" in work.error
    assert "ValueError" in work.error
    assert "hunter2" not in work.error
    assert "salaries" not in work.error


def test_a_message_to_nobody_we_know_is_parked(world):
    """What waited for a notifier that was taken out of the configuration is seen, and kept."""
    hook = world.post("hook", "event")
    hook.fails = lambda message: (_ for _ in ()).throw(NotificationError("503", retryable=True))
    tell(world)
    world.deliver()
    del world.posts["hook"]
    world.clock.advance(minutes=1)

    world.deliver()

    (parked,) = world.work("outbox|hook", dead=True)
    assert "hook" in parked.error


def test_a_worker_that_vanishes_is_followed_by_one_that_delivers_again(world):
    hook = world.post("hook", "event")
    seen = []

    class Gone(BaseException):
        pass

    def fail(message):
        seen.append(message.id)
        if len(seen) == 1:
            raise Gone

    hook.fails = fail
    tell(world)
    with pytest.raises(Gone):
        world.deliver("one")
    world.deliver("two")
    assert hook.messages == []

    world.clock.advance(seconds=world.settings.lease + 1)
    world.deliver("two")

    assert seen[0] == seen[1] == hook.messages[0].id


def test_work_whose_lease_ran_out_is_not_started_any_more(world):
    hook = world.post("hook", "event")
    hook.fails = lambda message: world.clock.advance(seconds=world.settings.lease + 1)
    tell(world, n=1)
    tell(world, n=2)

    outbox = world.worker()._outbox
    outbox.hand_out(Counter())
    outbox.courier.run("hook")

    assert [m.data["n"] for m in hook.messages] == [1]


def test_a_notice_is_told_to_whoever_matches_now(world):
    world.people.matching = {"group:stewards": ["fin", "ann"]}
    notify(world, group("stewards"), user("uma"), exclude=("ann",))

    done = world.deliver()

    assert {m.person for m in world.inbox()} == {"fin", "uma"}
    assert {m.subject for m in world.inbox()} == {"Orders was published."}
    assert done.notices == 1


def test_holders_of_a_domain_permission_are_found_through_the_domain(world):
    with world.desk.write() as unit:
        unit.save(
            Domain(
                name="sales",
                permissions=frozenset(
                    {
                        ("MANAGE_DATA_PRODUCTS", "user:dee"),
                        ("MANAGE_DATA_PRODUCTS", "group:mgrs"),
                        ("AUDIT_ACTIVITY", "user:x"),
                    }
                ),
            )
        )
    world.people.matching = {"group:mgrs": ["max"]}
    notify(world, StewardSelector("domain_permission", "MANAGE_DATA_PRODUCTS", domain="sales"))

    world.deliver()

    assert {m.person for m in world.inbox()} == {"dee", "max"}


def test_a_notice_is_passed_on_once_to_each_person(world):
    """Each in a message of their own, under the id that it has in their inbox."""
    mail = world.post("mail", "notice")
    world.people.matching = {"group:stewards": ["fin", "ann"]}
    world.people.people = {
        "fin": Person(id="fin", name="Fin", email="fin@example.com", language="de"),
        "ann": Person(id="ann"),
    }
    notify(world, group("stewards"), user("fin"))

    world.deliver()

    ann, fin = sorted(mail.messages, key=lambda message: message.recipient.id)
    assert ann.recipient == Recipient(id="ann", name="ann")
    assert fin.recipient == Recipient(id="fin", name="Fin", email="fin@example.com", language="de")
    assert {each.subject for each in (ann, fin)} == {"Orders was published."}
    assert {each.id for each in (ann, fin)} == {each.id for each in world.inbox()}
    assert (fin.sort, fin.about) == ("notice", "product:p")


def test_where_somebody_is_reached_is_asked_at_each_attempt(world):
    """An address is kept nowhere; one that could end a header line is no address."""
    mail = world.post("mail", "notice")
    tried = []

    def fail(message):
        tried.append(message)
        if len(tried) == 1:
            raise NotificationError("451", retryable=True)

    mail.fails = fail
    world.people.people = {"fin": Person(id="fin", email="fin@old.example\r\nBcc: x@y.example")}
    notify(world, user("fin"))
    world.deliver()
    assert "old.example" not in repr([work.payload for work in world.work("outbox|mail")])
    world.people.people = {"fin": Person(id="fin", email="fin@new.example")}

    world.clock.advance(minutes=1)
    world.deliver()

    assert [each.recipient.email for each in tried] == ["", "fin@new.example"]
    assert tried[0].id == tried[1].id


@pytest.mark.parametrize("known", [None, Person(id="fin", active=False), Person(id="FIN")])
def test_a_leaver_is_not_told(world, known):
    """Nor somebody whom the directory no longer knows; nothing of it is left over."""
    mail = world.post("mail", "notice")
    world.people.people = {} if known is None else {"fin": known}
    notify(world, user("fin"))

    world.deliver()

    assert mail.messages == []
    assert world.work("outbox|mail") == []


def test_somebody_without_an_address_is_no_failure(world):
    """The notifier says so, and the message is dropped."""
    mail = world.post("mail", "notice")
    mail.fails = lambda message: (_ for _ in ()).throw(
        NotificationError("no address", code="no_address")
    )
    world.people.people = {"fin": Person(id="fin")}
    notify(world, user("fin"))

    done = world.deliver()

    assert (done.failed, done.dead) == (0, 0)
    assert world.work("outbox|mail") == []


def test_a_directory_that_fails_delays_a_notice_and_tells_nobody_twice(world):
    world.people.matching = {"group:stewards": ["fin"]}
    world.people.down = True
    notify(world, group("stewards"))
    world.deliver()
    assert world.inbox() == []

    world.people.down = False
    world.clock.advance(minutes=1)
    world.deliver()
    world.deliver()

    assert [m.person for m in world.inbox()] == ["fin"]


def test_words_that_are_missing_are_left_out(world):
    notify(world, user("uma"), kind="access_expiring", what="access", beneficiary="bob")

    world.deliver()

    (message,) = world.inbox()
    words = {"what": "access", "product": "Orders", "beneficiary": "bob", "due": ""}
    assert message.subject == NOTICES["access_expiring"].format(**words)


def test_waits_grow_to_a_cap_and_differ_by_chance():
    settings = Settings(base=5, cap=60)

    longest = [backoff(settings, n, lambda: 1.0).total_seconds() for n in (1, 2, 3, 4, 5, 500)]
    shortest = backoff(settings, 1, lambda: 0.0).total_seconds()

    assert longest == [5, 10, 20, 40, 60, 60]
    assert shortest == 2.5


def test_a_limit_bounds_what_is_taken_up(world):
    hook = world.post("hook", "event")
    for n in range(5):
        tell(world, about=f"product:{n}", n=n)

    world.worker().deliver(limit=2)

    assert len(hook.messages) == 2
