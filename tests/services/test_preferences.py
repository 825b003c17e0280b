"""People are told the way they want, when they want, and their inbox gets everything."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from marketplace_sdk import (
    Column,
    DataSource,
    InvalidInput,
    Marketplace,
    NotFound,
    Question,
    QuietHours,
)
from marketplace_sdk.testing import FrozenClock, MemoryNotifier
from tests.services.helpers import nothing_written
from tests.world import GOV, LEGAL, MemoryLake, World, all_of, any_of

HOOK = "MemoryNotifier-1"
LINKS = {
    "request": "https://portal.example/requests/{id}",
    "inbox": "https://portal.example/inbox/{id}",
}


@pytest.fixture
def world():
    """A marketplace with a portal; ana and bo are stewards, ana lives in Berlin."""
    made = World("memory", MemoryLake(), discover=False, links=LINKS)
    made.market.people.update("ana", time_zone="Europe/Berlin", by="uma")
    made.product = made.publish(any_of(LEGAL))
    made.deliver()
    yield made
    made.close()


def told(world, who, kind=None):
    """What the notifier was given for one person, the oldest first."""
    return [
        each
        for each in world.hook.notices
        if each.recipient.id == who and kind in (None, each.type)
    ]


def wants(world, who, *, channels=None, **more):
    return world.market.preferences.set(who, channels=channels, by=who, **more)


def test_without_a_choice_everything_is_told_at_once(world):
    """The inbox and the notifier."""
    world.ask(world.product)
    world.deliver()

    assert [each.type for each in told(world, "ana")] == ["access_requested"]


def test_what_is_off_stays_in_the_inbox_only(world):
    """For this person only, and for this kind only."""
    wants(world, "ana", channels={HOOK: {"access_requested": "off"}})
    request = world.ask(world.product)
    world.deliver()
    world.market.requests.cancel(request.id, by="con")
    world.deliver()

    assert [each.type for each in told(world, "ana")] == ["request_canceled"]
    assert [each.type for each in told(world, "bo")] == ["access_requested", "request_canceled"]
    inbox = [each.kind for each in world.market.inbox.of("ana", by="ana")]
    assert sorted(inbox) == ["access_requested", "request_canceled"]


def test_an_administrator_switches_a_channel_off_for_all(world):
    """Whatever they chose; and on again."""
    wants(world, "bo", channels={HOOK: "immediate"})
    world.market.preferences.set_default(HOOK, on=False, by="ada")
    world.ask(world.product)
    world.deliver()
    assert told(world, "bo") == []

    world.market.preferences.set_default(HOOK, on=True, by="ada")
    world.ask(world.product, by="pat")
    world.deliver()
    assert len(told(world, "bo")) == 1


def test_an_administrators_default_holds_for_who_chose_nothing(world):
    """And each default is logged."""
    wants(world, "bo", channels={HOOK: {"access_requested": "immediate"}})
    world.market.preferences.set_default(HOOK, modes={"access_requested": "off"}, by="ada")
    world.ask(world.product)
    world.deliver()

    assert told(world, "ana") == []
    assert len(told(world, "bo")) == 1
    [default] = world.market.preferences.defaults(by="con")
    assert (default.name, default.on, default.modes) == (HOOK, True, {"access_requested": "off"})
    view = world.market.preferences.get("bo", by="bo").channels[0]
    assert view.modes["access_requested"] == "immediate"
    assert view.modes["stage_opened"] == "immediate"
    assert view.chosen == {"access_requested": "immediate"}
    logged = [each.type for each in world.market.audit.events(by="aud", limit=1000)]
    assert logged.count("channel.updated") == 1


def test_a_digest_is_one_notice_at_the_persons_morning(world):
    """08:00 in Berlin is 07:00 UTC in January; it names what waits, with links."""
    wants(world, "ana", channels={HOOK: "digest"})
    requests = [world.ask(world.product, by=who) for who in ("con", "pat")]
    world.deliver()
    world.clock.set(datetime(2026, 1, 2, 6, 59, tzinfo=UTC))
    world.deliver()
    assert told(world, "ana", "digest") == told(world, "ana", "access_requested") == []

    world.clock.advance(minutes=1)
    world.deliver()

    [digest] = told(world, "ana")
    assert digest.type == "digest"
    items = digest.data["items"]
    pages = {f"https://portal.example/requests/{each.id}" for each in requests}
    assert {each["link"] for each in items if each["kind"] == "access_requested"} == pages
    assert digest.data["count"] == len(items)
    assert digest.subject == f"Notices that wait for you: {len(items)}."
    assert all(each["subject"] in digest.body and each["link"] in digest.body for each in items)
    assert digest.link == "https://portal.example/inbox/ana"
    assert len(told(world, "bo", "access_requested")) == 2


def test_after_days_of_standstill_there_is_one_digest(world):
    """What was gathered meanwhile is in it, and a second delivery sends nothing more."""
    wants(world, "ana", channels={HOOK: {"access_requested": "digest", "*": "off"}})
    world.ask(world.product)
    world.deliver()
    world.ask(world.product, by="pat")

    world.clock.advance(days=5)
    world.deliver()
    world.deliver()

    [digest] = told(world, "ana")
    first = digest.data["count"]
    world.clock.advance(days=1)
    world.deliver()
    rest = [each.data["count"] for each in told(world, "ana")][1:]
    assert first + sum(rest) == 2


def test_a_digest_is_made_of_what_still_waits(world):
    """What was read, decided or canceled is left out; when nothing is left, nothing is sent."""
    wants(world, "ana", channels={HOOK: {"access_requested": "digest", "*": "off"}})
    request = world.ask(world.product)
    world.ask(world.product, by="pat")
    world.deliver()
    world.market.requests.cancel(request.id, by="con")
    read = next(
        each
        for each in world.market.inbox.of("ana", by="ana")
        if each.kind == "access_requested" and each.about != f"request:{request.id}"
    )
    world.market.inbox.mark_read(read.id, by="ana")

    world.clock.advance(days=1)
    world.deliver()

    assert told(world, "ana") == []


def test_a_digest_asks_nobody_whose_seat_somebody_else_has_filled(world):
    """The request is still open; it is not hers to decide any more."""
    wants(world, "ana", channels={HOOK: "digest"})
    product = world.publish(all_of(LEGAL, GOV))
    request = world.ask(product)
    other = world.ask(world.product)
    world.deliver()
    assert world.approve(request, "bo").state == "pending"
    world.clock.advance(days=1)
    world.deliver()

    [digest] = told(world, "ana", "digest")
    asked = {each["about"] for each in digest.data["items"] if each["kind"] == "access_requested"}
    assert asked == {other.aggregate}


def test_a_digest_names_each_request_once(world):
    """New ones one by one; the morning's reminder counts the others that still wait."""
    wants(world, "ana", channels={HOOK: "digest"})
    old = [world.ask(world.product, by=who) for who in ("con", "pat")]
    old.append(world.ask_unmasked(world.product, by="pat"))
    world.deliver()
    world.clock.set(datetime(2026, 1, 2, 7, tzinfo=UTC))
    world.deliver()
    world.market.requests.cancel(old[0].id, by="con")
    world.clock.set(datetime(2026, 1, 3, 5, tzinfo=UTC))
    new = world.ask(world.product, by="con")
    world.deliver()
    world.clock.set(datetime(2026, 1, 3, 6, 30, tzinfo=UTC))
    world.deliver()
    world.market.requests.cancel(old[1].id, by="pat")
    world.clock.set(datetime(2026, 1, 3, 7, tzinfo=UTC))
    world.deliver()

    first, second = ([(i["kind"], i["about"]) for i in d.data["items"]] for d in told(world, "ana"))
    assert first == [("access_requested", f"request:{each.id}") for each in old]
    assert ("access_requested", f"request:{new.id}") in second
    assert second.count(("requests_pending", "inbox:ana")) == 1
    said = [each["subject"] for each in told(world, "ana")[1].data["items"]]
    assert said[-1] == "Waiting for your decision: 1, the oldest for 1 days."
    inbox = [each.kind for each in world.market.inbox.of("ana", by="ana")]
    assert inbox.count("requests_pending") == 2, "the inbox gets everything"


def test_a_digest_of_reminders_only_counts_what_waits(world):
    """Nothing else names it."""
    wants(
        world, "ana", channels={HOOK: {"requests_pending": "digest", "*": "off"}}, digest_at="20:00"
    )
    world.ask(world.product)
    for day in (2, 3):
        world.clock.set(datetime(2026, 1, day, 7, tzinfo=UTC))
        world.deliver()
    world.clock.set(datetime(2026, 1, 3, 19, tzinfo=UTC))
    world.deliver()

    said = [[each["subject"] for each in one.data["items"]] for one in told(world, "ana")]
    assert said[-1] == ["Waiting for your decision: 1, the oldest for 2 days."]


def test_whoever_wants_digests_at_another_time_need_not_wait_for_the_old_one(world):
    """Moved forward and back; the digest comes once."""
    wants(world, "ana", channels={HOOK: "digest"}, digest_at="20:00")
    world.ask(world.product)
    world.deliver()
    wants(world, "ana", channels={HOOK: "digest"}, digest_at="14:00")
    world.deliver()

    world.clock.set(datetime(2026, 1, 1, 13, 0, tzinfo=UTC))
    world.deliver()
    assert [each.type for each in told(world, "ana")] == ["digest"]
    world.clock.set(datetime(2026, 1, 1, 23, 0, tzinfo=UTC))
    world.deliver()
    assert len(told(world, "ana")) == 1


def test_whoever_has_left_gets_no_digest(world):
    """Nor does one go to a channel that was switched off since."""
    wants(world, "ana", channels={HOOK: "digest"})
    wants(world, "bo", channels={HOOK: "digest"})
    world.ask(world.product)
    world.deliver()
    world.market.people.deactivate("ana", by="uma")
    world.market.preferences.set_default(HOOK, on=False, by="ada")

    world.clock.advance(days=1)
    world.deliver()

    assert told(world, "ana") + told(world, "bo") == []


def test_quiet_hours_hold_notices_back_and_keep_their_order(world):
    """22:30 in Berlin: both wait until seven, the earlier one first; others are told at once."""
    wants(world, "ana", quiet_hours=QuietHours("22:00", "07:00"))
    world.clock.set(datetime(2026, 1, 1, 21, 30, tzinfo=UTC))
    first = world.ask(world.product)
    world.deliver()
    world.clock.advance(minutes=10)
    second = world.ask(world.product, by="pat")
    world.deliver()
    assert told(world, "ana") == []
    assert [each.about for each in told(world, "bo")] == [first.aggregate, second.aggregate]
    assert world.market.deliveries.dead(by="ada").items == ()
    world.clock.advance(hours=3)
    waiting = next(each for each in world.market.backlog() if each.queue == f"outbox|{HOOK}")
    assert (waiting.waiting, waiting.due) == (2, 0), "what has to wait is not late"

    world.clock.set(datetime(2026, 1, 2, 5, 59, tzinfo=UTC))
    world.deliver()
    assert told(world, "ana") == []
    world.clock.advance(minutes=1)
    world.deliver()

    assert [each.about for each in told(world, "ana")][:2] == [first.aggregate, second.aggregate]


def test_nobody_is_asked_in_the_morning_what_was_decided_at_night(world):
    """The cancellation is told; that she was to decide, and the reminder of it, are not."""
    wants(world, "ana", quiet_hours=QuietHours("22:00", "07:30"))
    world.clock.set(datetime(2026, 1, 1, 21, 30, tzinfo=UTC))
    request = world.ask(world.product)
    world.clock.set(datetime(2026, 1, 2, 6, 0, tzinfo=UTC))
    world.deliver()
    world.market.requests.cancel(request.id, by="con")
    world.deliver()
    assert told(world, "ana") == []

    world.clock.set(datetime(2026, 1, 2, 6, 30, tzinfo=UTC))
    world.deliver()

    assert [each.type for each in told(world, "ana")] == ["request_canceled"]
    dropped = world.market.destinations.history(HOOK, state="dropped", by="ada")
    assert {each.type for each in dropped} == {"access_requested", "requests_pending"}


def test_a_second_attempt_is_held_by_quiet_hours_too(world):
    """A notifier that fails at five to ten in the evening is not tried again at night."""
    wants(world, "ana", quiet_hours=QuietHours("22:00", "07:00"))
    world.clock.set(datetime(2026, 1, 1, 20, 59, 59, tzinfo=UTC))
    world.ask(world.product)
    world.hook.fail(calls=100)
    world.deliver()
    world.hook.fail(calls=0)
    world.clock.set(datetime(2026, 1, 1, 21, 30, tzinfo=UTC))
    world.deliver()
    assert told(world, "ana") == []
    assert [each.type for each in told(world, "bo")] == ["access_requested"]

    world.clock.set(datetime(2026, 1, 2, 6, 30, tzinfo=UTC))
    world.deliver()
    assert [each.type for each in told(world, "ana")][:1] == ["access_requested"]


def test_preferences_are_ones_own(world):
    """Not even GOVERNANCE reads or changes another's."""
    for other in ("gil", "ada", "bo"):
        with nothing_written(world), pytest.raises(NotFound):
            world.market.preferences.set("ana", by=other)
        with pytest.raises(NotFound):
            world.market.preferences.get("ana", by=other)


def test_what_is_set_replaces_what_was_and_the_same_again_writes_nothing(world):
    """Nothing said is everything taken back."""
    quiet = QuietHours("22:00", "07:00")
    first = wants(world, "ana", channels={HOOK: "off"}, quiet_hours=quiet, digest_at="07:30")
    with nothing_written(world):
        assert wants(
            world, "ana", channels={HOOK: "off"}, quiet_hours=quiet, digest_at="07:30"
        ) == (first)

    assert (first.quiet_hours, first.digest_at) == (quiet, "07:30")
    after = wants(world, "ana")
    assert (after.quiet_hours, after.digest_at, after.channels[0].chosen) == (None, "08:00", {})


def test_every_problem_is_named_and_nothing_is_written(world):
    """Channel, kind, mode and time."""
    with nothing_written(world), pytest.raises(InvalidInput) as caught:
        wants(
            world,
            "ana",
            channels={"pigeon": "off", HOOK: {"nonsense": "off", "stage_opened": "sometimes"}},
            quiet_hours=QuietHours("22:00", "22:00"),
            digest_at="late",
        )

    assert [each.path for each in caught.value.problems] == [
        "channels",
        f"channels.{HOOK}",
        f"channels.{HOOK}",
        "quiet_hours",
        "digest_at",
    ]
    with nothing_written(world), pytest.raises(NotFound):
        world.market.preferences.set_default("pigeon", on=False, by="ada")


def test_preferences_go_with_the_person(world):
    """Erased, with what was being gathered."""
    wants(world, "ana", channels={HOOK: "digest"}, quiet_hours=QuietHours("22:00", "07:00"))
    request = world.ask(world.product)
    world.deliver()
    world.market.requests.cancel(request.id, by="con")
    world.market.audit.erase("ana", reason="asked for it", by="gil")

    view = world.market.preferences.get("ana", by="ana")
    assert view.quiet_hours is None
    assert view.channels[0].chosen == {}


def test_channels_are_told_apart():
    """Mail in the morning, chat at once; what receives events only is no channel."""
    clock, mail, chat = FrozenClock(), MemoryNotifier(), MemoryNotifier()
    notifiers = [
        {"plugin": mail, "name": "mail"},
        {"plugin": chat, "name": "chat"},
        {"plugin": MemoryNotifier(), "name": "events", "receives": ["event"]},
    ]
    lake = {"lake": {"plugin": "memory"}}
    with Marketplace(connections=lake, clock=clock, discover=False, notifiers=notifiers) as market:
        market.people.add("uma", permissions=["USER_ADMIN", "GOVERNANCE"])
        columns = [Column("id")]
        orders = DataSource("orders", connection="lake", object="s.orders", columns=columns)
        market.sources.register(orders, by="uma")
        market.domains.create("sales", by="uma")
        market.domains.assign("sales", ["orders"], by="uma")
        why = Question.short_answer("why", "Why?")
        form = market.forms.create("Free", domain="sales", questions=[why], by="uma")
        market.domains.grant("sales", permission="MANAGE_DATA_PRODUCTS", to="uma", by="uma")
        view = market.preferences.set("uma", channels={"mail": "digest"}, by="uma")
        assert [each.name for each in view.channels] == ["chat", "mail"]

        product = market.products.publish(
            "Orders", domain="sales", sources=["orders"], form=form.id, by="uma"
        )
        market.deliver()
        assert [each.about for each in chat.notices] == [f"product:{product.id}"]
        assert mail.notices == ()

        clock.advance(days=1)
        market.deliver()
        [digest] = mail.notices
        assert [each["kind"] for each in digest.data["items"]] == ["product_published"]
        assert len(chat.notices) == 1


def test_several_workers_gather_into_one_digest(tmp_path):
    """Each notice is in it once, whoever put it there."""
    world = World(f"sqlite:///{tmp_path / 'market.db'}", MemoryLake())
    product = world.publish(any_of(LEGAL))
    world.deliver()
    wants(world, "ana", channels={HOOK: {"request_canceled": "digest", "*": "off"}})
    for _ in range(6):
        request = world.ask(product)
        world.market.requests.cancel(request.id, by="con")
    workers = [threading.Thread(target=world.market.deliver) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    world.clock.advance(days=1)
    world.deliver()

    [digest] = told(world, "ana", "digest")
    assert len({each["about"] for each in digest.data["items"]}) == digest.data["count"] == 6
    world.close()
