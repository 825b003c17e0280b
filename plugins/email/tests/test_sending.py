"""Mail over real sockets with real TLS: what arrives, and what each refusal means."""

from __future__ import annotations

import threading
import time

import pytest

from marketplace_sdk.plugin import NotificationError


def refused(notifier, message, call):
    with pytest.raises(NotificationError) as caught:
        notifier.deliver(message, call)
    return caught.value


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_a_notice_arrives_as_a_mail_of_its_own(serve, notifier, notice, call, security):
    mailbox, port = serve(security)

    notifier(port, security=security).deliver(notice(), call())

    [mail] = mailbox.mails
    assert mailbox.envelopes[0][:2] == ("marketplace@example.com", ["ana@example.com"])
    assert mail["From"] == "Data marketplace <marketplace@example.com>"
    assert mail["To"] == "Ana Prado <ana@example.com>"
    assert mail["Subject"] == "bo asks for access to Orders; please decide."
    assert mail["Date"].datetime == notice().at
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    for text in (plain, html):
        assert "bo asks for access to Orders" in text
        assert "https://portal.example/requests/r1" in text


def test_a_repetition_has_the_same_message_id_and_one_request_is_one_thread(
    serve, notifier, notice, call
):
    mailbox, port = serve()
    for message in (notice(), notice(), notice(id="another id")):
        notifier(port).deliver(message, call())

    first, again, other = mailbox.mails
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert first["References"] == other["References"]


def test_events_are_nothing_for_people(notifier, notice, call):
    """No server listens here: nothing is sent, and it is said."""
    with pytest.raises(NotificationError) as caught:
        notifier(9).deliver(notice(sort="event", recipient=None), call())

    assert (caught.value.code, caught.value.retryable) == ("not_sendable", False)


def test_a_mail_without_a_link_says_nothing_of_one(serve, notifier, notice, call):
    mailbox, port = serve()
    notifier(port).deliver(notice(link=""), call())
    assert "href" not in mailbox.mails[0].get_body(("html",)).get_content()


def test_signing_in_is_encrypted_and_a_wrong_password_is_tried_again(serve, notifier, notice, call):
    """The administrator mends a password; nothing is lost meanwhile."""
    mailbox, port = serve(sign_in=True)
    good = {"username": "marketplace", "password": "env:MAIL_PASSWORD"}
    notifier(port, **good).deliver(notice(), call())
    assert mailbox.envelopes[0][2] is True

    error = refused(notifier(port, **{**good, "password": "env:OTHER"}), notice(), call())

    assert (error.code, error.retryable) == ("not_accepted", True)
    assert "wrong password" not in str(error)
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_for_another_name_is_refused(serve, notifier, notice, call, security):
    mailbox, port = serve(security, names=("mail.example.test",))

    error = refused(notifier(port, security=security), notice(), call())

    assert (error.code, error.retryable) == ("unreachable", True)
    assert mailbox.mails == []


def test_an_unknown_authority_is_refused(serve, notifier, notice, call):
    mailbox, port = serve()
    assert refused(notifier(port, ca_file=""), notice(), call()).code == "unreachable"
    assert mailbox.mails == []


def test_a_server_without_starttls_gets_no_mail_and_no_password(serve, notifier, notice, call):
    """Somebody in between may have taken the offer out."""
    mailbox, port = serve("none")
    sign_in = {"username": "marketplace", "password": "env:MAIL_PASSWORD"}

    error = refused(notifier(port, **sign_in), notice(), call())

    assert (error.code, error.retryable) == ("not_accepted", True)
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("550 5.1.1 no such user", "no_address"),
        ("550 no such user", "no_address"),
        ("550 5.2.1 mailbox disabled", "no_address"),
        ("550 5.7.1 relaying denied", "not_accepted"),
        ("554 5.7.1 policy", "not_accepted"),
        ("552 5.2.2 mailbox full", "not_accepted"),
        ("451 4.7.1 come back later", "not_accepted"),
        ("550 5.7.1 not 5.1.1", "not_accepted"),
    ],
)
def test_only_an_address_that_does_not_exist_ends_the_attempts(
    serve, notifier, notice, call, answer, code
):
    mailbox, port = serve()
    mailbox.recipient = answer

    error = refused(notifier(port), notice(), call())

    assert (error.code, error.retryable) == (code, code != "no_address")
    assert "ana@example.com" not in str(error)


def test_a_mail_that_is_refused_is_tried_again(serve, notifier, notice, call):
    mailbox, port = serve()
    mailbox.data = "452 4.3.1 full"
    error = refused(notifier(port), notice(), call())
    assert (error.code, error.retryable) == ("not_accepted", True)


def test_a_person_without_an_address_cannot_be_reached(notifier, notice, call):
    error = refused(notifier(9), notice(to={"email": ""}), call())
    assert (error.code, error.retryable) == ("no_address", False)


def test_nobody_listens(notifier, notice, call, serve):
    error = refused(notifier(1), notice(), call())
    assert (error.code, error.retryable) == ("unreachable", True)


def _dripping(connection, over):
    connection.sendall(b"220 ")
    while not over.wait(0.05):
        connection.sendall(b"x")


def _silent(connection, over):
    over.wait(30)


def _silent_later(connection, over):
    connection.sendall(b"220 hello\r\n")
    over.wait(30)


@pytest.mark.parametrize("script", [_silent, _silent_later, _dripping])
def test_a_slow_server_is_left_in_time_and_no_thread_stays(speak, notifier, notice, call, script):
    """Each byte in time is not enough: the whole attempt has one deadline."""
    port = speak(script)
    before = set(threading.enumerate())
    began = time.monotonic()

    error = refused(notifier(port, timeout=0.4), notice(), call())

    assert (error.code, error.retryable) == ("timeout", True)
    assert time.monotonic() - began < 5
    assert not [
        each for each in set(threading.enumerate()) - before if each.name != "email-resolve"
    ]


def test_no_attempt_begins_after_the_deadline(notifier, notice, call):
    assert refused(notifier(9), notice(), call(0)).code == "timeout"


def test_a_server_that_hangs_up_after_taking_the_mail_has_it(speak, notifier, notice, call):
    """How the farewell goes is nobody's concern; an error would send the mail twice."""
    taken = []

    def script(connection, over):
        lines = connection.makefile("rb")
        connection.sendall(b"220 hello\r\n")
        for line in lines:
            if line.upper().startswith(b"DATA"):
                connection.sendall(b"354 go on\r\n")
                taken.append(b"".join(iter(lines.readline, b".\r\n")))
                connection.sendall(b"250 OK\r\n")
            elif line.upper().startswith(b"QUIT"):
                return
            else:
                connection.sendall(b"250 OK\r\n")

    notifier(speak(script), security="none").deliver(notice(), call())

    assert len(taken) == 1


def test_an_address_beyond_ascii_goes_where_the_server_takes_it(serve, notifier, notice, call):
    mailbox, port = serve()
    notifier(port).deliver(notice(to={"email": "ána@example.com"}), call())
    assert mailbox.envelopes[0][1] == ["ána@example.com"]


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "one\r\nBcc: eve@example.com"},
        {"to": {"name": "Ana\r\nBcc: eve@example.com"}},
        {"to": {"name": 'Ana" <eve@example.com>, "'}},
        {"id": "x>\r\nBcc: eve@example.com", "about": "request:\r\nBcc: eve@example.com"},
    ],
)
def test_no_text_can_add_a_header_or_a_recipient(serve, notifier, notice, call, changes):
    mailbox, port = serve()

    notifier(port).deliver(notice(**changes), call())

    [mail] = mailbox.mails
    assert mail["Bcc"] is None
    assert [each.addr_spec for each in mail["To"].addresses] == ["ana@example.com"]
    assert mailbox.envelopes[0][1] == ["ana@example.com"]


@pytest.mark.parametrize(
    "email", ["ana@example.com\r\nBcc: eve@example.com", "ana", "ana@example.com,eve@example.com"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(
    serve, notifier, notice, call, email
):
    mailbox, port = serve()

    error = refused(notifier(port), notice(to={"email": email}), call())

    assert (error.code, error.retryable) == ("no_address", False)
    assert "ana" not in str(error)
    assert mailbox.mails == []
