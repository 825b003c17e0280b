"""Webhooks that are set up by an administrator: what they get, how they stop, what is sent again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import (
    Conflict,
    DuplicateName,
    InvalidInput,
    NotFound,
    PluginError,
)
from marketplace_sdk.delivery.settings import Settings
from tests.services.helpers import nothing_written, small_world, types_of
from tests.sites import SECRETS
from tests.world import LEGAL, any_of

URL = "https://portal.example/hooks/T0KEN"
ONE, TWO = SECRETS["env:HOOK_ONE"], SECRETS["env:HOOK_TWO"]
CREATED = "data_product.access_requests.created"
DECIDED = "data_product.access_requests.consumer.updated"


def hook(world, **more):
    """Destination ``portal``."""
    arguments = {"secret": "env:HOOK_ONE", "id": "portal", "by": "ada", **more}
    return world.market.destinations.create(arguments.pop("url", URL), **arguments)


def got(world, url=URL):
    return [message.type for message in world.sites.received[url]]


def test_a_webhook_gets_what_happens_after_it_was_set_up(small):
    small.publish(any_of(LEGAL))
    small.deliver()
    hook(small)

    small.ask(small.publish(any_of(LEGAL)))
    small.deliver()

    assert got(small) == ["data_product.state.created", CREATED]
    assert got(small) == [event.type for event in small.hook.events[-2:]]


def test_a_webhook_gets_the_types_that_it_chose(small):
    hook(small, types=[DECIDED])

    small.approve(small.ask(small.publish(any_of(LEGAL))), "ana")
    small.deliver()

    assert got(small) == [DECIDED]


@pytest.mark.parametrize("include", [(), ("answers",), ("reasons",), ("answers", "reasons")])
def test_answers_and_reasons_leave_only_where_they_were_asked_for(small, include):
    """Each by itself, per destination; the other destinations of the same event have neither."""
    hook(small, include=include, types=[CREATED, DECIDED])
    request = small.ask(small.publish(any_of(LEGAL)), answers={"why": "ANSWER"})
    small.deliver()
    small.approve(request, "ana", reason="REASON")
    small.deliver()

    (asked, decided) = small.sites.received[URL]
    assert asked.data.get("answers") == ({"why": "ANSWER"} if "answers" in include else None)
    reasons = [{"by": "ana", "verdict": "approve", "reason": "REASON"}]
    assert decided.data.get("reasons") == (reasons if "reasons" in include else None)
    assert ("REASON" in repr(decided.data)) == ("reasons" in include)
    others = repr([message.data for message in small.hook.messages])
    assert "ANSWER" not in others
    assert "REASON" not in others


def test_the_portals_pages_stand_in_events():
    world = small_world(links={"request": "https://portal.example/r/{id}"})
    hook(world, types=[CREATED])
    request = world.ask(world.publish(any_of(LEGAL)))
    world.deliver()

    (message,) = world.sites.received[URL]
    assert message.data["links"] == {"request": f"https://portal.example/r/{request.id}"}
    world.close()


def test_a_secret_is_never_shown_and_an_address_only_to_administrators(small):
    """Only references are kept; no log, repr or event holds the address, which may hold a token."""
    view = hook(small)
    small.sites.fail(URL)
    small.ask(small.publish(any_of(LEGAL)))
    small.deliver()

    assert view.url == URL
    told = [
        repr(view),
        repr(small.market.destinations.history("portal", by="ada").items),
        *small.market.audit.export(by="aud"),
    ]
    for secret in (ONE, "T0KEN"):
        assert not any(secret in text for text in told)


def test_a_secret_is_exchanged_without_a_missed_message(small):
    """Both sign until the overlap is over, the new one first; then the new one alone."""
    hook(small)
    view = small.market.destinations.rotate_secret(
        "portal", secret="env:HOOK_TWO", overlap=timedelta(hours=2), by="ada"
    )
    assert view.both_until == small.clock() + timedelta(hours=2)
    for _ in range(2):
        small.publish(any_of(LEGAL))
        small.deliver()
        small.clock.advance(hours=2)

    assert small.sites.signed[URL] == [(TWO, ONE), (TWO,)]
    assert small.market.destinations.get("portal", by="ada").both_until is None


def test_a_webhook_may_not_name_any_secret_of_the_machine(small):
    """Who may set up webhooks may not have messages signed with, say, a database's password."""
    for reference in ("env:LAKE_DSN", "file:/etc/passwd", "env:HOOK_/../HOME", "whsec_aGVsbG8="):
        with nothing_written(small), pytest.raises(InvalidInput) as caught:
            hook(small, secret=reference)
        assert "hello" not in str(caught.value)


def test_the_same_webhook_again_is_a_no_op(small):
    hook(small)
    with nothing_written(small):
        assert hook(small).id == "portal"
    for other in (
        {"url": "https://other.example/"},
        {"types": [CREATED]},
        {"format": "cloudevents"},
    ):
        with nothing_written(small), pytest.raises(DuplicateName):
            hook(small, **other)


def test_what_is_changed_counts_for_what_still_waits(small):
    hook(small)
    small.sites.fail(URL)
    small.publish(any_of(LEGAL))
    small.deliver()
    moved = "https://moved.example/"

    small.market.destinations.update("portal", url=moved, by="ada")
    small.clock.advance(minutes=1)
    small.deliver()

    assert got(small, moved) == ["data_product.state.created"]


def test_a_disabled_webhook_keeps_what_waits_and_gets_nothing_new(small):
    """Enabled again it gets first what waited; what it missed it gets when somebody asks for it."""
    destinations = small.market.destinations
    hook(small)
    small.publish(any_of(LEGAL), name="Waits")
    small.sites.fail(URL)
    small.deliver()
    view = destinations.disable("portal", reason="it moves", by="ada")
    assert (view.state, view.reason) == ("disabled", "it moves")
    small.sites.fails.clear()
    missed_from = small.clock()
    small.clock.advance(minutes=1)
    small.publish(any_of(LEGAL), name="Missed")
    small.deliver()
    assert got(small) == []
    with nothing_written(small), pytest.raises(Conflict):
        destinations.redeliver("portal", since=missed_from, by="ada")

    destinations.enable("portal", by="ada")
    small.deliver()
    assert [m.data["product"]["name"] for m in small.sites.received[URL]] == ["Waits"]
    count = destinations.redeliver("portal", since=missed_from + timedelta(seconds=30), by="ada")
    small.deliver()

    assert count == 1
    assert [m.data["product"]["name"] for m in small.sites.received[URL]] == ["Waits", "Missed"]


def test_a_deleted_webhook_is_gone_with_what_waits_for_it(small):
    """Its id is never used again, so that nobody mistakes one for the other."""
    hook(small)
    small.sites.fail(URL)
    small.publish(any_of(LEGAL))
    small.deliver()
    small.sites.fails.clear()

    small.market.destinations.delete("portal", by="ada")
    small.clock.advance(days=1)
    small.deliver()

    assert got(small) == []
    with small.market._storage.begin(write=False) as rows:
        assert not rows.work("outbox|portal")
        assert URL not in repr(rows.find("destination")[0].document)
    with pytest.raises(NotFound):
        small.market.destinations.get("portal", by="ada")
    with pytest.raises(DuplicateName):
        hook(small)


def test_history_says_what_became_of_each_message(small):
    """One line for each message, however often it was tried; never anything of the message."""
    hook(small)
    small.sites.fail(URL)
    request = small.ask(small.publish(any_of(LEGAL)), answers={"why": "ANSWER"})
    small.deliver()
    small.sites.fails.clear()
    small.clock.advance(minutes=1)
    small.deliver()
    small.sites.fail(URL, retryable=False, code="not_sendable")
    small.market.requests.cancel(request.id, by="con")
    small.deliver()

    history = small.market.destinations.history
    lines = history("portal", by="ada").items
    assert [(each.type.rpartition(".")[2], each.state, each.attempts) for each in lines] == [
        ("canceled", "failed", 1),
        ("created", "delivered", 2),
        ("created", "delivered", 2),
    ]
    assert lines[0].error
    assert lines[1].error == ""
    assert lines[1].about == request.aggregate
    assert [each.state for each in history("portal", state="failed", by="ada")] == ["failed"]
    first = history("portal", limit=1, by="ada")
    rest = history("portal", after=first.next, by="ada")
    assert [*first, *rest] == list(lines)


def test_old_history_is_forgotten():
    world = small_world(delivery=Settings(history=3600))
    hook(world)
    world.publish(any_of(LEGAL))
    world.deliver()
    assert world.market.destinations.history("portal", by="ada").items

    world.clock.advance(days=2)
    world.deliver()

    assert world.market.destinations.history("portal", by="ada").items == ()
    world.close()


def test_a_message_is_sent_again_under_its_id(small):
    """One that was delivered, and one that was given up; the receiver tells them by the id."""
    hook(small)
    request = small.ask(small.publish(any_of(LEGAL)))
    small.sites.fail(URL, retryable=False, code="not_sendable")
    small.deliver()
    small.sites.fails.clear()
    (parked,) = small.market.destinations.history("portal", state="failed", by="ada").items[:1]
    again = small.market.destinations.redeliver

    for _ in range(2):
        assert again("portal", message=parked.message, by="ada") == 1
        small.deliver()

    one, two = small.sites.received[URL]
    assert one.id == two.id == parked.message
    assert one == two
    assert parked.about == request.aggregate
    assert small.market.deliveries.dead(by="ada").items[0].payload["id"] != parked.message
    with pytest.raises(NotFound):
        again("portal", message="nothing like it", by="ada")


def test_all_of_a_time_is_sent_again(small):
    """What lies outside of it is not; what still waits is not sent twice."""
    hook(small)
    marks = []
    for number in range(6):
        marks.append(small.clock())
        small.publish(any_of(LEGAL), name=f"P{number}")
        small.clock.advance(hours=1)
    small.deliver()
    before = list(small.sites.received[URL])
    small.sites.received[URL].clear()

    count = small.market.destinations.redeliver("portal", since=marks[2], until=marks[4], by="ada")
    again = small.market.destinations.redeliver("portal", since=marks[3], by="ada")
    small.deliver()

    names = [message.data["product"]["name"] for message in small.sites.received[URL]]
    assert (count, again) == (2, 3)
    assert names == ["P2", "P3", "P4", "P5"]
    assert {m.id for m in small.sites.received[URL]} <= {m.id for m in before}
    assert types_of(small, "destination:portal") == [
        "destination.created",
        "destination.redelivered",
        "destination.redelivered",
    ]


def test_an_erased_event_is_not_sent_again(small):
    """Erased is erased, also for those who had it."""
    hook(small)
    request = small.ask(small.publish(any_of(LEGAL)), by="pat")
    small.deliver()
    small.market.requests.cancel(request.id, by="pat")
    small.deliver()
    small.sites.received[URL].clear()
    small.market.audit.erase("pat", reason="asked for it", by="gil")

    count = small.market.destinations.redeliver(
        "portal", since=small.clock() - timedelta(days=1), by="ada"
    )
    small.deliver()

    assert count == 1
    assert got(small) == ["data_product.state.created"]


def test_a_call_tries_whether_it_is_reached(small):
    """Also when nothing is sent there; it is on record that somebody tried, and with what luck."""
    destinations = small.market.destinations
    hook(small)
    destinations.disable("portal", reason="new", by="ada")

    good = destinations.test("portal", by="ada")
    small.sites.fail(URL)
    bad = destinations.test("portal", by="ada")

    assert good.delivered
    assert (bad.delivered, "500" in bad.error) == (False, True)
    (message,) = small.sites.received[URL]
    assert (message.type, message.data) == ("test", {"version": 1, "destination": "portal"})
    assert types_of(small, "destination:portal")[-2:] == ["destination.tested"] * 2
    assert destinations.history("portal", by="ada").items == ()


def test_those_of_the_configuration_are_shown_and_stopped_but_not_changed(small):
    destinations = small.market.destinations
    configured = "MemoryNotifier-1"
    (view,) = destinations.find(by="ada").items
    assert (view.id, view.origin, view.url) == (configured, "configuration", "")
    assert destinations.test(configured, by="ada").delivered
    small.hook.clear()

    for change in (
        lambda: destinations.update(configured, description="x", by="ada"),
        lambda: destinations.rotate_secret(configured, secret="env:HOOK_TWO", by="ada"),
        lambda: destinations.delete(configured, by="ada"),
    ):
        with nothing_written(small), pytest.raises(Conflict):
            change()
    destinations.disable(configured, reason="it moves", by="ada")
    small.publish(any_of(LEGAL))
    small.deliver()
    assert small.hook.messages == ()
    assert [each.subject for each in small.market.inbox.of("dee", by="dee")], "inboxes are not"

    destinations.enable(configured, by="ada")
    assert destinations.redeliver(configured, since=small.clock(), by="ada") == 1
    small.deliver()
    assert [each.type for each in small.hook.messages] == ["data_product.state.created"]


def test_without_a_plugin_that_sends_webhooks_none_is_set_up():
    world = small_world(destinations={"plugin": "webhook", "secrets": ["env:HOOK_*"]})
    with nothing_written(world), pytest.raises(PluginError):
        hook(world)
    world.close()


def test_a_webhook_whose_secret_is_gone_waits(small):
    """A worker that cannot read it tries again later, and says why."""
    hook(small)
    SECRETS.pop("env:HOOK_ONE")
    try:
        small.publish(any_of(LEGAL))
        small.deliver()
    finally:
        SECRETS["env:HOOK_ONE"] = ONE
    (line,) = small.market.destinations.history("portal", by="ada").items
    assert (line.state, "invalid_input" in line.error) == ("retrying", True)

    small.clock.advance(minutes=1)
    small.deliver()

    assert got(small) == ["data_product.state.created"]


def test_many_webhooks_are_built_once_and_closed(small):
    """Each is kept until it is changed; closing the marketplace closes all."""
    hook(small)
    for _ in range(3):
        small.publish(any_of(LEGAL))
        small.deliver()
    checks = 1
    assert small.sites.built == checks + 1
    small.market.destinations.update("portal", description="x", by="ada")
    small.publish(any_of(LEGAL))
    small.deliver()

    small.market.close()

    assert small.sites.built == checks + 3
    assert small.sites.closed == small.sites.built
