"""What people are told: their own inbox, and nothing that is not theirs."""

from __future__ import annotations

import pytest

from marketplace_sdk import NotFound
from tests.services.helpers import nothing_written
from tests.world import LEGAL, PRIVACY, all_of, any_of


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


def test_notices_hold_no_answers_and_no_reasons(small):
    """Answers and reasons never leave in a webhook, nor in a notice."""
    request = small.ask(small.publish(any_of(LEGAL)), answers={"why": "SECRET answer"})
    small.approve(request, "ana", reason="SECRET reason")
    small.market.requests.revoke(request.id, reason="SECRET end", by="dee")
    small.deliver()

    assert small.hook.messages
    assert not any("SECRET" in repr(message) for message in small.hook.messages)
    assert not any("SECRET" in line for line in small.market.audit.export(by="aud"))


def test_one_decision_is_one_event(small):
    """One final decision is exactly one consumer.updated; stewards get none of their own."""
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    small.approve(request, "ana", "cy")

    assert [event.type for event in small.sent()] == [
        "data_product.state.created",
        "data_product.access_requests.created",
        "data_product.access_requests.consumer.updated",
    ]
