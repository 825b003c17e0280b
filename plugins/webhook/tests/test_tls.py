"""Certificates are checked against the name, not against the pinned address."""

from __future__ import annotations

import ssl
from ipaddress import ip_address

import pytest

from marketplace_sdk.errors import InvalidInput, NotificationError


@pytest.fixture
def bundle(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def send(notifier, message, call):
    """Deliver one event: ``send(url, **settings)``."""
    return lambda url, **settings: notifier(url, **settings).deliver(message(), call())


@pytest.fixture
def secure(authority, receive):
    """Start a TLS receiver with a certificate for these names; remembers the names asked for."""

    def start(*names):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        asked = []
        context.sni_callback = lambda socket, name, context: asked.append(name)
        receiver = receive(tls=context)
        return receiver, asked

    return start


def _pinned(host, port):
    return [ip_address("127.0.0.1")]


def test_the_name_is_verified_although_the_address_is_pinned(secure, bundle, send):
    """SNI, certificate check and Host header keep the name; a resolver gave the address."""
    receiver, asked = secure("hooks.example.test")
    url = f"https://hooks.example.test:{receiver.port}/hook"

    send(url, resolve=_pinned, ca_file=bundle)

    assert asked == ["hooks.example.test"]
    assert receiver.requests[0].headers["Host"] == f"hooks.example.test:{receiver.port}"


@pytest.mark.parametrize("name", ["other.example.test", "127.0.0.1"])
def test_a_certificate_for_another_name_is_refused(secure, bundle, send, name):
    """Not even one for the very address that is connected to will do."""
    receiver, _ = secure(name)
    url = f"https://hooks.example.test:{receiver.port}/hook"

    with pytest.raises(NotificationError, match="certificate is not valid") as caught:
        send(url, resolve=_pinned, ca_file=bundle)

    assert caught.value.retryable
    assert receiver.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused(secure, send):
    """Without ca_file only the usual authorities are trusted."""
    receiver, _ = secure("hooks.example.test")
    url = f"https://hooks.example.test:{receiver.port}/hook"

    with pytest.raises(NotificationError, match="ca_file"):
        send(url, resolve=_pinned)

    assert receiver.requests == []


def test_an_authority_of_the_environment_is_not_trusted(secure, bundle, send, monkeypatch):
    """SSL_CERT_FILE does not widen what is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    receiver, _ = secure("hooks.example.test")
    url = f"https://hooks.example.test:{receiver.port}/hook"

    with pytest.raises(NotificationError, match="certificate"):
        send(url, resolve=_pinned)


def test_a_receiver_with_an_address_as_host_is_verified_too(secure, bundle, send):
    """The certificate has to name the address."""
    receiver, _ = secure("127.0.0.1")

    send(f"https://127.0.0.1:{receiver.port}/", ca_file=bundle)

    assert len(receiver.requests) == 1


def test_a_plain_receiver_behind_https_is_a_failure(receive, send):
    """No fall-back to plain text."""
    receiver = receive()

    with pytest.raises(NotificationError) as caught:
        send(f"https://127.0.0.1:{receiver.port}/")

    assert (caught.value.code, caught.value.retryable) == ("unreachable", True)
    assert receiver.requests == []


def test_a_silent_handshake_is_cut_off(speak, send):
    """The handshake counts against the deadline."""
    url = speak(lambda connection, over: over.wait(10)).replace("http:", "https:")

    with pytest.raises(NotificationError) as caught:
        send(url, timeout=0.3)

    assert (caught.value.code, caught.value.retryable) == ("timeout", True)


@pytest.mark.parametrize("content", [None, "no certificate", ""])
def test_an_unusable_ca_file_is_refused_when_building(notifier, tmp_path, content):
    """Better at start than at the first event."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(InvalidInput, match="ca_file"):
        notifier("https://hooks.example.test/", ca_file=str(path))
