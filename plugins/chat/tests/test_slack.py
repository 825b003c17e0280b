"""Slack: who is found, what an error means, and what happens to the token."""

from __future__ import annotations

import pytest

from marketplace_sdk.plugin import NotificationError


def refused(notifier, message, call):
    with pytest.raises(NotificationError) as caught:
        notifier.deliver(message, call)
    return caught.value


def test_a_notice_is_a_direct_message_to_who_has_the_address(slack, notice, call):
    """Looked up once, and posted with the id of the message."""
    notifier = slack.connect()
    notifier.deliver(notice(), call())
    notifier.deliver(notice(), call())

    assert slack.calls == ["users.lookupByEmail", "chat.postMessage", "chat.postMessage"]
    first, second = slack.posted
    assert first == second
    assert first["channel"] == "U01ANA"
    assert first["metadata"]["event_payload"] == {"id": notice().id}
    assert first["unfurl_links"] is first["unfurl_media"] is False


def test_an_address_that_slack_does_not_know_ends_the_attempts(slack, notice, call):
    """And nobody else gets it."""
    error = refused(slack.connect(), notice(to={"email": "zoe@example.com"}), call())

    assert (error.code, error.retryable) == ("no_address", False)
    assert slack.posted == []
    assert "zoe" not in str(error)


@pytest.mark.parametrize("method", ["users.lookupByEmail", "chat.postMessage"])
@pytest.mark.parametrize(
    ("word", "code", "retryable", "hint"),
    [
        ("users_not_found", "no_address", False, ""),
        ("invalid_auth", "not_accepted", True, "check the token"),
        ("missing_scope", "not_accepted", True, "users:read.email"),
        ("invalid_blocks", "not_sendable", False, ""),
        ("ratelimited", "not_accepted", True, ""),
        ("bo asks for access to Orders", "not_accepted", True, ""),
        (None, "unreachable", True, ""),
        (["invalid_auth"], "unreachable", True, ""),
    ],
)
def test_an_error_of_slack_is_one_of_ours(slack, notice, call, method, word, code, retryable, hint):
    """Only words that are known are repeated."""
    slack.error = {method: word}

    error = refused(slack.connect(), notice(), call())

    assert (error.code, error.retryable) == (code, retryable)
    assert hint in error.hint
    assert "bo asks" not in str(error)


def test_a_wrong_token_is_tried_again_and_said(slack, notice, call):
    """Whoever mends it loses nothing."""
    error = refused(slack.connect(token="xoxb-wrong"), notice(), call())

    assert error.retryable
    assert "check the token" in error.hint
    assert "xoxb" not in repr(error) + str(error)


def test_too_many_calls_wait_as_long_as_slack_says(slack, notice, call):
    """Status 429 with Retry-After."""
    with slack.refusing(429, **{"Retry-After": "30"}):
        error = refused(slack.connect(), notice(), call())

    assert (error.retryable, error.retry_after) == (True, 30.0)


def test_somebody_whose_address_moved_is_looked_up_again(slack, notice, call):
    """After a failure; what was known of them is forgotten."""
    notifier = slack.connect()
    notifier.deliver(notice(), call())
    slack.users = {"ana@example.com": "U02ANA"}

    assert refused(notifier, notice(), call()).retryable
    notifier.deliver(notice(), call())

    assert [each["channel"] for each in slack.posted] == ["U01ANA", "U02ANA"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>", b"[]", b'{"ok": 1}', b'{"ok": true}', b"[" * 60_000, b'{"ok": true, ' * 9000],
)
def test_what_is_no_answer_of_slack_is_no_success(slack, notice, call, raw):
    """A proxy that answers 200 to everything has not delivered it."""
    slack.raw = raw

    error = refused(slack.connect(), notice(), call())

    assert error.retryable


def test_events_are_nothing_for_people(slack, notice, call):
    """Nothing is sent, and it is said."""
    error = refused(slack.connect(), notice(sort="event", recipient=None), call())

    assert (error.code, error.retryable) == ("not_sendable", False)
    assert slack.calls == []


def test_a_template_that_fails_is_tried_again_and_tells_nothing(slack, notice, call, tmp_path):
    """So that nothing is lost while somebody mends it."""
    (tmp_path / "notice.chat.txt").write_text("{{ data.nothing_of_that_name }}")

    error = refused(slack.connect(templates=str(tmp_path)), notice(), call())

    assert (error.code, error.retryable) == ("not_rendered", True)
    assert "access_requested.chat.txt" in str(error)
    assert slack.calls == []
