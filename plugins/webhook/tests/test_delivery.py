"""What reaches a receiver, and what its answers lead to."""

from __future__ import annotations

import json
import logging
import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Thread
from types import MappingProxyType

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook

from marketplace_sdk.errors import NotificationError
from marketplace_sdk_webhook import verify
from marketplace_sdk_webhook.body import body_of
from marketplace_sdk_webhook.outcome import wait_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_delivery_verifies_with_an_independent_library(receive, notifier, message, call):
    """The ``standardwebhooks`` package accepts headers and body as they arrive."""
    receiver = receive()

    notifier(receiver.url).deliver(message(), call())

    (request,) = receiver.requests
    received = Webhook(SECRET).verify(request.body, request.headers)
    assert received == {
        "type": "data_product.access_requests.created",
        "timestamp": "2026-01-02T03:04:05Z",
        "data": {"requestId": "r1", "domain": "Größe"},
    }
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Host"] == f"127.0.0.1:{receiver.port}"


def test_a_retry_sends_the_same_bytes_at_a_later_time(receive, notifier, message, call):
    """Body and id stay, the timestamp is the attempt's, and each signature verifies."""
    receiver = receive()
    receiver.answers = [(500, {})]
    now = [NOW]
    webhook = notifier(receiver.url, clock=lambda: now[0])
    with pytest.raises(NotificationError):
        webhook.deliver(message(data={"b": 1, "a": {"d": 2, "c": 3}}), call())

    now[0] += timedelta(hours=1)
    webhook.deliver(message(data={"a": {"c": 3, "d": 2}, "b": 1}), call())

    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert second.headers["webhook-timestamp"] == str(int(NOW.timestamp()) + 3600)
    for request in (first, second):
        at = float(request.headers["webhook-timestamp"])
        verify(request.headers, request.body, secret=SECRET, now=at)


def test_the_body_is_compact_ascii_json(message):
    """Type, timestamp and data, without blanks, whatever mapping the data are."""
    data = MappingProxyType({"b": MappingProxyType({"x": ("é", None)}), "a": True})

    at = NOW.astimezone().replace(microsecond=5)
    kind, body = body_of(message(type="t", at=at, data=data), "standard", "")

    assert kind == "application/json"
    assert body == (
        b'{"type":"t","timestamp":"2026-01-02T03:04:05.000005Z",'
        b'"data":{"a":true,"b":{"x":["\\u00e9",null]}}}'
    )
    assert json.loads(body)["data"]["b"]["x"][0] == "é"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_success(receive, notifier, message, call, status):
    """Nothing is raised."""
    receiver = receive()
    receiver.answers = [(status, {})]

    notifier(receiver.url).deliver(message(), call())


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 422, 429, 500, 503])
def test_everything_else_is_worth_a_retry(receive, notifier, message, call, status):
    """Any answer but 2xx and 410 is a failure that may pass."""
    receiver = receive()
    receiver.answers = [(status, {})]

    with pytest.raises(NotificationError) as caught:
        notifier(receiver.url).deliver(message(), call())

    error = caught.value
    assert (error.code, error.retryable, error.retry_after) == ("not_accepted", True, None)
    assert error.message == f"cannot deliver message msg_1 to 127.0.0.1: it answered {status}"


def test_410_says_that_the_receiver_is_gone(receive, notifier, message, call):
    """410 ends the attempts, even with a Retry-After."""
    receiver = receive()
    receiver.answers = [(410, {"Retry-After": "5"})]

    with pytest.raises(NotificationError) as caught:
        notifier(receiver.url).deliver(message(), call())

    assert (caught.value.code, caught.value.retryable) == ("gone", False)
    assert caught.value.retry_after is None


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_that_the_receiver_asks_for_is_passed_on(receive, notifier, message, call, status):
    """429 and 503 with Retry-After say when to come back."""
    receiver = receive()
    receiver.answers = [(status, {"Retry-After": "17"})]

    with pytest.raises(NotificationError) as caught:
        notifier(receiver.url).deliver(message(), call())

    assert (caught.value.retryable, caught.value.retry_after) == (True, 17.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        (" 12 ", 12.0),
        ("3601", 3600.0),
        ("9999999999", 3600.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), 3600.0),
        (format_datetime(NOW - timedelta(days=9), usegmt=True), 0.0),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("9" * 5000, None),
        ("١٢", None),
        ("Fri, 99 Jan 2026 03:04:35 GMT", None),
        ("Fri, 02 Jan 99999 03:04:35 GMT", None),
    ],
)
def test_retry_after_is_read_capped_or_ignored(text, seconds):
    """Seconds or an HTTP date, at most an hour; garbage is no wish."""
    assert wait_of(text, NOW) == seconds


def test_redirects_are_not_followed(receive, notifier, message, call):
    """A redirect is a failure with a hint, and its target is never asked."""
    trap, receiver = receive(), receive()
    receiver.answers = [(307, {"Location": trap.url})]

    with pytest.raises(NotificationError, match="redirects are not followed") as caught:
        notifier(receiver.url).deliver(message(), call())

    assert caught.value.retryable
    assert trap.requests == []


def test_proxies_of_the_environment_are_ignored(receive, notifier, message, call, monkeypatch):
    """A proxy would resolve and connect where the guard does not see it."""
    trap, receiver = receive(), receive()
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")

    notifier(receiver.url).deliver(message(), call())

    assert len(receiver.requests) == 1
    assert trap.requests == []


def test_nothing_secret_is_told(receive, notifier, message, call, caplog):
    """Secret, signature, body, path and query are in no repr, error or log record."""
    caplog.set_level(logging.DEBUG)
    receiver = receive()
    receiver.answers = [(500, {})]
    webhook = notifier(f"{receiver.url}/pathtoken?key=querytoken")

    with pytest.raises(NotificationError) as caught:
        webhook.deliver(message(data={"note": "bodytoken"}), call())

    (request,) = receiver.requests
    assert request.path == "/hook/pathtoken?key=querytoken"
    error = caught.value
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    told = "".join(
        [
            repr(webhook), repr(webhook._config), str(error), repr(error), repr(error.__dict__),
            repr(copied.__dict__),
            *(record.getMessage() for record in caplog.records),
        ]
    )  # fmt: skip
    signature = request.headers["webhook-signature"].removeprefix("v1,")
    for secret in (
        SECRET.removeprefix("whsec_"),
        repr(webhook._config.keys[0].key),
        signature,
        "token",
    ):
        assert secret not in told


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "a\r\nx: y"},
        {"id": "é" * 100},
        {"data": {"at": NOW}},
        {"data": {"n": float("nan")}},
        {"data": {1: "a", "b": "c"}},
    ],
)
def test_a_message_that_cannot_be_sent_is_not_retried(receive, notifier, message, call, changes):
    """What is not plain data will not become so."""
    receiver = receive()

    with pytest.raises(NotificationError) as caught:
        notifier(receiver.url).deliver(message(**changes), call())

    assert (caught.value.code, caught.value.retryable) == ("not_sendable", False)
    assert "\n" not in str(caught.value)
    assert receiver.requests == []


def test_a_cloud_event_is_what_an_independent_library_reads(receive, notifier, message, call):
    """Structured mode of CloudEvents 1.0, signed like everything else."""
    receiver = receive()

    notifier(receiver.url, format="cloudevents", source="/acme/market").deliver(message(), call())

    (request,) = receiver.requests
    Webhook(SECRET).verify(request.body, request.headers)
    event = from_structured_event(HTTPMessage(request.headers, request.body), JSONFormat())
    assert event.get_id() == request.headers["webhook-id"] == "msg_1"
    assert event.get_source() == "/acme/market"
    assert event.get_type() == "data_product.access_requests.created"
    assert event.get_time() == message().at
    assert event.get_data() == dict(message().data)


def test_both_secrets_of_an_exchange_sign_a_delivery(receive, notifier, message, call):
    receiver = receive()
    new = "whsec_bmV3IHNlY3JldCBvZiBtb3JlIHRoYW4gMjQgYnl0ZXM="

    notifier(receiver.url, secret=[new, SECRET]).deliver(message(), call())

    (request,) = receiver.requests
    Webhook(SECRET).verify(request.body, request.headers)
    Webhook(new).verify(request.body, request.headers)


def test_several_threads_share_one_notifier(receive, notifier, message, call):
    """Eight deliveries at once all arrive and verify."""
    receiver = receive()
    webhook = notifier(receiver.url)
    threads = [
        Thread(target=webhook.deliver, args=(message(id=f"msg_{n}"), call())) for n in range(8)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {r.headers["webhook-id"] for r in receiver.requests} == {f"msg_{n}" for n in range(8)}
    for request in receiver.requests:
        Webhook(SECRET).verify(request.body, request.headers)


def test_closing_twice_is_fine(notifier):
    """The port says so."""
    webhook = notifier("https://example.com/")

    webhook.close()
    webhook.close()
