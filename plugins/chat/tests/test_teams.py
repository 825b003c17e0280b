"""Teams: what the workflow is given, and what its answers mean."""

from __future__ import annotations

import pytest

from marketplace_sdk.plugin import NotificationError


def test_a_notice_is_a_card_with_the_address_of_whom_it_is_for(workflow, notice, call):
    """The workflow sends it on; the id lets it drop repetitions."""
    workflow.connect().deliver(notice(), call())

    [said] = workflow.posted
    assert (said["recipient"], said["id"]) == ("ana@example.com", notice().id)


@pytest.mark.parametrize(
    ("status", "headers", "code", "retryable", "after"),
    [
        (429, {"Retry-After": "7"}, "not_accepted", True, 7.0),
        (401, {}, "not_accepted", True, None),
        (302, {"Location": "http://127.0.0.1:1/"}, "not_accepted", True, None),
        (410, {}, "gone", False, None),
        (500, {}, "not_accepted", True, None),
    ],
)
def test_a_refusal_says_what_to_do(workflow, notice, call, status, headers, code, retryable, after):
    """And nothing of the message or the URL."""
    notifier = workflow.connect()
    with workflow.refusing(status, **headers), pytest.raises(NotificationError) as caught:
        notifier.deliver(notice(), call())

    error = caught.value
    assert (error.code, error.retryable, error.retry_after) == (code, retryable, after)
    assert workflow.secrets[0] not in str(error) + repr(notifier)
    assert "Orders" not in str(error)


def test_events_are_nothing_for_people(workflow, notice, call):
    """Nothing is sent, and it is said."""
    with pytest.raises(NotificationError) as caught:
        workflow.connect().deliver(notice(sort="event", recipient=None), call())

    assert (caught.value.code, caught.value.retryable) == ("not_sendable", False)
    assert workflow.posted == []
