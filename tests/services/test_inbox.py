"""What people are told: their own inbox, and nothing that is not theirs."""

from __future__ import annotations

import pytest

from marketplace_sdk import Duration, NotFound, ReviewFlow, Seat, Stage
from tests.services.helpers import nothing_written
from tests.world import LEGAL, PRIVACY, MemoryLake, World, all_of, any_of


@pytest.fixture
def request_for_pat(small):
    """con asks for pat; ana or bo decide."""
    return small.ask(small.publish(any_of(LEGAL)), on_behalf_of="pat")


def test_an_inbox_is_ones_own(small, request_for_pat):
    """Not even GOVERNANCE reads another's; marking twice changes nothing."""
    small.deliver()
    inbox = small.market.inbox
    (message,) = [each for each in inbox.of("ana", by="ana") if each.kind == "access_requested"]

    for other in ("gil", "bo", "aud"):
        with pytest.raises(NotFound):
            inbox.of("ana", by=other)
        with nothing_written(small), pytest.raises(NotFound):
            inbox.mark_read(message.id, by=other)
    assert [each.id for each in inbox.of("ana", unread=True, by="ana")] == [message.id]
    inbox.mark_read(message.id, by="ana")
    with nothing_written(small):
        inbox.mark_read(message.id, by="ana")
    assert inbox.of("ana", unread=True, by="ana").items == ()


def test_an_inbox_links_to_the_portal_of_today():
    """Made when it is read, so that a portal that moves leaves no dead links behind."""
    links = {"request": "https://portal.example/requests/{id}"}
    small = World("memory", MemoryLake(), links=links)
    request = small.ask(small.publish(any_of(LEGAL)))
    small.deliver()

    asked, published = (
        next(iter(small.market.inbox.of(who, limit=1, by=who))) for who in ("ana", "dee")
    )

    page = f"https://portal.example/requests/{request.id}"
    assert asked.link == page
    assert small.market.inbox.mark_read(asked.id, by="ana").link == page
    assert published.link == "", "the portal has named no page for products"
    notice = next(each for each in small.hook.notices if each.type == "access_requested")
    assert notice.link == page
    small.close()


def test_notices_hold_no_answers_and_no_reasons(small):
    """Answers and reasons never leave in a webhook, nor in a notice."""
    request = small.ask(small.publish(any_of(LEGAL)), answers={"why": "SECRET answer"})
    small.approve(request, "ana", reason="SECRET reason")
    small.market.requests.revoke(request.id, reason="SECRET end", by="dee")
    small.deliver()

    assert small.hook.messages
    assert not any("SECRET" in repr(message) for message in small.hook.messages)
    assert not any("SECRET" in line for line in small.market.audit.export(by="aud"))


def test_an_approval_is_told_as_not_yet_active(small):
    """Decision and access are two: people are told both, each when it is so."""
    product = small.publish(any_of(LEGAL), name="Heads")
    request = small.ask(product)
    small.approve(request, "ana", until=Duration(3, "days"))
    small.told("con")
    longer = small.market.requests.extend(request.id, answers={"why": "to count"}, by="con")
    small.deny(longer, "ana")
    longer = small.market.requests.extend(request.id, answers={"why": "to count"}, by="con")
    small.approve(longer, "ana", until=Duration(9, "days"))
    small.told("con")

    told = [each.subject for each in small.market.inbox.of("con", by="con")]
    assert sorted(subject.split(" for con")[0] for subject in told) == [
        "active now",
        "approved",
        "approved, not yet active",
        "denied",
    ]


def test_one_decision_is_one_event(small):
    """One final decision is exactly one consumer.updated; stewards get none of their own."""
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    small.approve(request, "ana", "cy")

    assert [event.type for event in small.sent()] == [
        "data_product.state.created",
        "data_product.access_requests.created",
        "data_product.access_requests.consumer.updated",
    ]


def pending(world, who):
    """What ``who`` is reminded of, oldest first."""
    found = world.market.inbox.of(who, limit=1000, by=who)
    return [each for each in reversed(found.items) if each.kind == "requests_pending"]


def test_stewards_are_reminded_once_a_day_of_what_waits_for_them(small):
    """One message however much waits; nobody who has decided, or may not."""
    product = small.publish(all_of(LEGAL, PRIVACY), name="Heads")
    first = small.ask(product)
    small.deliver()
    small.clock.advance(days=2)
    small.ask(product, by="pat")
    small.ask(small.publish(any_of(LEGAL), name="Days"), on_behalf_of="pat", by="bo")
    small.approve(first, "ana")
    for _ in range(3):
        small.deliver()

    (told,) = pending(small, "cy")
    assert told.subject == "Waiting for your decision: 2, the oldest for 2 days."
    assert [each["product"] for each in told.data["requests"]] == ["Heads", "Heads"]
    assert [each.data["count"] for each in pending(small, "ana")] == [2], "one she decided on"
    assert [each.data["count"] for each in pending(small, "bo")] == [2], "one is his own"
    assert pending(small, "gil") == []

    small.clock.advance(days=1)
    small.deliver()
    assert [each.data["days"] for each in pending(small, "cy")] == [2, 3]


def test_who_has_decided_is_reminded_only_when_it_is_their_turn_again(small):
    """A seat that needs two different people waits for the other one; a later stage for both."""
    legal = Seat(LEGAL, approvals=2)
    flow = ReviewFlow.review(Stage.all_of(legal), Stage.all_of(legal))
    request = small.approve(small.ask(small.publish(flow)), "ana")
    small.deliver()
    small.clock.advance(days=1)
    small.deliver()
    assert [len(pending(small, who)) for who in ("ana", "bo")] == [0, 1]

    small.approve(request, "bo")
    small.clock.advance(days=1)
    small.deliver()

    assert [len(pending(small, who)) for who in ("ana", "bo")] == [1, 2]


def test_nobody_is_reminded_of_nothing(small):
    small.approve(small.ask(small.publish(any_of(LEGAL))), "ana")
    small.deliver()
    small.clock.advance(days=2)
    small.deliver()

    assert pending(small, "ana") == []


def test_messages_are_marked_one_by_one_and_all_at_once(small, monkeypatch):
    """Up to what the person has seen, in batches; nobody else's."""
    monkeypatch.setattr("marketplace_sdk.services.inbox.BATCH", 2)
    product = small.publish(any_of(LEGAL))
    inbox = small.market.inbox
    for who in ("con", "pat"):
        small.ask(product, by=who)
        small.deliver()
        small.clock.advance(minutes=1)
    seen = small.clock()
    small.clock.advance(minutes=1)
    for number in range(3):
        small.ask(small.publish(any_of(LEGAL), name=f"P{number}"))
    small.deliver()

    assert inbox.mark_all_read(until=seen, by="ana") == 2
    assert len(inbox.of("ana", unread=True, by="ana")) == 3
    assert inbox.mark_all_read(by="ana") == 3
    assert inbox.mark_all_read(by="ana") == 0
    newest = next(iter(inbox.of("ana", by="ana")))
    assert inbox.mark_unread(newest.id, by="ana").read_at is None
    with nothing_written(small):
        inbox.mark_unread(newest.id, by="ana")
    assert [each.id for each in inbox.of("ana", unread=True, by="ana")] == [newest.id]
    assert len(inbox.of("bo", unread=True, by="bo")) == 5
