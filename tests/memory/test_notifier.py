"""The notifier in memory remembers what it was given."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketplace_sdk.errors import NotificationError
from marketplace_sdk.memory.notifier import MemoryNotifier
from marketplace_sdk.ports.notifier import Message
from marketplace_sdk.ports.provisioner import Call

CALL = Call(seconds_left=lambda: 60.0, correlation_id="test")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def message(id, sort="event"):
    return Message(id=id, sort=sort, type="t", at=AT, data={})


def test_messages_are_kept_in_order_and_by_sort():
    notifier = MemoryNotifier()

    for each in (message("1"), message("2", "notice"), message("1")):
        notifier.deliver(each, CALL)

    assert [each.id for each in notifier.messages] == ["1", "2", "1"]
    assert [each.id for each in notifier.events] == ["1", "1"]
    assert [each.id for each in notifier.notices] == ["2"]


def test_it_fails_as_often_as_it_was_told():
    notifier = MemoryNotifier()
    notifier.fail(1)

    with pytest.raises(NotificationError) as caught:
        notifier.deliver(message("1"), CALL)
    notifier.deliver(message("1"), CALL)

    assert caught.value.retryable
    assert len(notifier.messages) == 1


def test_nothing_is_delivered_when_no_time_is_left():
    notifier = MemoryNotifier()

    with pytest.raises(NotificationError):
        notifier.deliver(message("1"), Call(seconds_left=lambda: 0.0, correlation_id=""))

    assert notifier.messages == ()


def test_messages_can_be_forgotten_and_closing_twice_is_fine():
    notifier = MemoryNotifier()
    notifier.deliver(message("1"), CALL)

    notifier.clear()
    notifier.close()
    notifier.close()

    assert notifier.messages == ()
    assert notifier.closed == 2
