"""Where connections go, and how long and how much a receiver can make us wait and read."""

from __future__ import annotations

import time
from ipaddress import ip_address
from threading import Event

import pytest

from marketplace_sdk.errors import NotificationError
from marketplace_sdk.ports.provisioner import Call
from marketplace_sdk_webhook._http import post, tls_context
from marketplace_sdk_webhook.outcome import Failed
from marketplace_sdk_webhook.target import target_of


def _fail(webhook, message, call):
    start = time.monotonic()
    with pytest.raises(NotificationError) as caught:
        webhook.deliver(message, call)
    return caught.value, time.monotonic() - start


def _request(connection):
    """Read one request's head, so that closing is not taken for a reset."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)


def test_a_name_is_resolved_once_and_its_checked_address_is_connected_to(
    receive, notifier, message, call
):
    """A name server that answers differently the second time changes nothing (DNS rebinding)."""
    receiver = receive("127.0.0.1")
    trap = receive("127.0.0.2", port=receiver.port)
    asked = []

    def resolve(host, port):
        asked.append((host, port))
        return [ip_address("127.0.0.1" if len(asked) == 1 else "127.0.0.2")]

    url = f"http://hooks.example.test:{receiver.port}/hook"
    notifier(url, resolve=resolve).deliver(message(), call())

    assert asked == [("hooks.example.test", receiver.port)]
    assert receiver.requests[0].headers["Host"] == f"hooks.example.test:{receiver.port}"
    assert trap.requests == []


def test_every_delivery_checks_the_address_again(receive, notifier, message, call):
    """An address that was fine yesterday is not fine for ever."""
    receiver = receive("127.0.0.1")
    trap = receive("127.0.0.2", port=receiver.port)
    answers = ["127.0.0.1", "127.0.0.2"]
    webhook = notifier(
        f"http://hooks.example.test:{receiver.port}/",
        resolve=lambda host, port: [ip_address(answers.pop(0))],
        allow_networks=["127.0.0.1/32"],
    )
    webhook.deliver(message(), call())

    error, _ = _fail(webhook, message(), call())

    assert (error.code, error.retryable) == ("address_refused", False)
    assert "127.0.0.2" not in str(error)
    assert trap.requests == []


def test_one_refused_address_refuses_the_name(receive, notifier, message, call):
    """A name with a public and a private address is not used at all."""
    receiver = receive()
    webhook = notifier(
        f"http://hooks.example.test:{receiver.port}/",
        resolve=lambda host, port: [ip_address("127.0.0.1"), ip_address("10.0.0.1")],
    )

    error, _ = _fail(webhook, message(), call())

    assert error.code == "address_refused"
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
def test_loopback_is_refused_unless_allowed(notifier, message, call, host):
    """A webhook does not reach the marketplace's own machine by accident."""
    error, _ = _fail(notifier(f"https://{host}:9/", allow_networks=[]), message(), call())

    assert (error.code, error.retryable) == ("address_refused", False)


def test_the_next_address_is_tried_when_the_first_does_not_listen(receive, notifier, message, call):
    """All checked addresses of a name are good for a connection."""
    receiver = receive("127.0.0.1")
    webhook = notifier(
        f"http://hooks.example.test:{receiver.port}/",
        resolve=lambda host, port: [ip_address("127.0.0.2"), ip_address("127.0.0.1")],
    )

    webhook.deliver(message(), call())

    assert len(receiver.requests) == 1


@pytest.mark.parametrize("found", [OSError("no such name"), UnicodeError("label too long"), []])
def test_a_name_without_an_address_is_worth_a_retry(notifier, message, call, found):
    """Name servers have bad days."""

    def resolve(host, port):
        if isinstance(found, Exception):
            raise found
        return found

    error, _ = _fail(notifier("https://hooks.example.test/", resolve=resolve), message(), call())

    assert (error.code, error.retryable) == ("unreachable", True)


def test_a_slow_name_server_is_not_waited_for(notifier, message, call):
    """Resolving counts against the deadline although it cannot be stopped."""
    done = Event()
    webhook = notifier(
        "https://hooks.example.test/", resolve=lambda host, port: done.wait(5), timeout=0.2
    )

    error, took = _fail(webhook, message(), call())
    done.set()

    assert (error.code, error.retryable) == ("timeout", True)
    assert took < 2


def test_nobody_listening_is_worth_a_retry(notifier, message, call):
    """A refused connection may be accepted later."""
    error, _ = _fail(notifier("http://127.0.0.1:9/"), message(), call())

    assert (error.code, error.retryable) == ("unreachable", True)


def test_a_call_without_time_connects_nowhere(receive, notifier, message, call):
    """After its deadline another worker may have taken over."""
    receiver = receive()

    error, _ = _fail(notifier(receiver.url), message(), call(0))

    assert (error.code, error.retryable) == ("timeout", True)
    assert receiver.requests == []


@pytest.mark.parametrize("limit", ["timeout", "call"])
def test_a_receiver_that_drips_its_head_is_cut_off(speak, notifier, message, call, limit):
    """A byte now and then does not prolong the call; the shorter of the two limits counts."""

    def script(connection, over):
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Header: x\r\n" * 1000:
            connection.sendall(bytes([byte]))
            if over.wait(0.05):
                return

    url = speak(script)
    webhook = notifier(url, timeout=0.4 if limit == "timeout" else 300)

    end = time.monotonic() + 0.4
    limits = Call(seconds_left=lambda: end - time.monotonic(), correlation_id="c1")
    error, took = _fail(webhook, message(), call() if limit == "timeout" else limits)

    assert (error.code, error.retryable) == ("timeout", True)
    assert 0.3 < took < 2


def test_a_receiver_that_accepts_and_stays_silent_is_cut_off(speak, notifier, message, call):
    """Silence ends with the timeout."""
    url = speak(lambda connection, over: over.wait(10))

    error, took = _fail(notifier(url, timeout=0.3), message(), call())

    assert (error.code, error.retryable) == ("timeout", True)
    assert took < 2


def test_a_receiver_that_does_not_read_is_cut_off(speak, notifier, message, call):
    """Sending counts against the deadline as well, whatever sips the receiver takes."""

    def script(connection, over):
        while not over.wait(0.05):
            connection.recv(4096)

    url = speak(script)
    webhook = notifier(url, timeout=0.5)

    error, took = _fail(webhook, message(data={"text": "x" * 20_000_000}), call())

    assert error.retryable
    assert took < 3


def test_a_dripped_body_costs_no_more_than_the_timeout_and_no_retry(speak, notifier, message, call):
    """The status says that the event was taken; what follows it is of no interest."""

    def script(connection, over):
        _request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not over.wait(0.05):
            connection.sendall(b"x")

    url = speak(script)
    start = time.monotonic()

    notifier(url, timeout=0.4).deliver(message(), call())

    assert time.monotonic() - start < 2


def test_a_giant_body_is_not_read(speak, notifier, message, call):
    """At most 64 KiB of a body are read, then the connection is closed."""
    sent = []

    def script(connection, over):
        _request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while not over.is_set():
            sent.append(connection.send(b"x" * 65536))

    url = speak(script)

    notifier(url, timeout=5).deliver(message(), call())

    # What the kernels' buffers took on top of what was read.
    assert sum(sent) < 20_000_000


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 ",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"not http at all",
        b"",
    ],
)
def test_a_giant_or_broken_head_is_a_failure(speak, notifier, message, call, start):
    """Status line and headers are bounded, also by many interim answers."""

    def script(connection, over):
        _request(connection)
        connection.sendall(start)
        more = start if b"103" in start else b"x" * 1000
        while start and not over.is_set():
            connection.sendall(more)

    error, took = _fail(notifier(speak(script), timeout=5), message(), call())

    assert (error.code, error.retryable) == ("unreachable", True)
    assert took < 4
    assert "xxx" not in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("steps", range(4))
def test_no_step_begins_after_the_deadline(receive, scheme, steps):
    """Connecting, the handshake, sending and receiving each look at the time first."""
    receiver = receive()
    times = iter([5.0] * steps)

    with pytest.raises(Failed) as caught:
        post(
            target_of(f"{scheme}://127.0.0.1:{receiver.port}/"),
            [ip_address("127.0.0.1")],
            {},
            b"{}",
            tls=tls_context(""),
            left=lambda: next(times, 0.0),
        )

    # A plain receiver ends the handshake before the time is up.
    assert caught.value.code == "timeout" or (scheme == "https" and steps > 1)


def test_a_receiver_that_hangs_up_while_we_send_is_worth_a_retry(speak, notifier, message, call):
    """A gateway that finds a body too large does not wait for its end."""

    def script(connection, over):
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")

    big = message(data={"text": "x" * 20_000_000})
    error, _ = _fail(notifier(speak(script), timeout=5), big, call())

    # Whether the answer or the reset is seen first is the network's to say.
    assert error.code in {"not_accepted", "unreachable"}
    assert error.retryable


@pytest.mark.parametrize("size", [30_000, 33_000])
def test_a_head_may_have_32_kib(speak, notifier, message, call, size):
    """A whole and valid head is refused as well when it is longer than that."""

    def script(connection, over):
        _request(connection)
        connection.sendall(b"HTTP/1.1 204 No Content\r\nX: " + b"x" * size + b"\r\n\r\n")
        over.wait(5)

    webhook = notifier(speak(script), timeout=5)

    if size < 32 * 1024:
        webhook.deliver(message(), call())
    else:
        assert _fail(webhook, message(), call())[0].code == "unreachable"
