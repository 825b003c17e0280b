"""Real mail servers on loopback, and notifiers that write to them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from marketplace_sdk.plugin import Call, Message, Recipient
from marketplace_sdk_email.config import read
from marketplace_sdk_email.notifier import EmailNotifier

HOST = "mail.example.test"
PASSWORD = "correct horse battery staple"


class Mailbox:
    """Keeps what it is given; answers a recipient or a mail as it is told."""

    def __init__(self):
        self.mails, self.envelopes = [], []
        self.recipient, self.data = "250 OK", "250 OK"
        self.speaking = threading.Event()
        self.speaking.set()

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - names that the server calls
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - names that the server calls
        await asyncio.to_thread(self.speaking.wait, 30)
        if self.data.startswith("250"):
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos, session.authenticated))
            self.mails.append(message_from_bytes(envelope.original_content, policy=default))
        return self.data


class _Encrypted(Controller):
    def __init__(self, *args, tls, **kwargs):
        self._tls = tls
        super().__init__(*args, **kwargs)

    def _create_server(self):
        return self.loop.create_server(
            self._factory_invoker, host=self.hostname, port=self.port, ssl=self._tls
        )

    def _trigger_server(self):
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((self.hostname, self.port)) as plain:
            anybody.wrap_socket(plain).close()


class _Plain(Controller):
    def factory(self):
        return SMTP(self.handler, **self.SMTP_kwargs)


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def bundle(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def serve(authority):
    """Start a server: ``serve(security, names=..., sign_in=...)`` gives its mailbox and port."""
    running = []

    def start(security="starttls", names=("127.0.0.1",), *, sign_in=False, port=0):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        mailbox = Mailbox()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = port or free.getsockname()[1]  # the server cannot be asked for any free port
        settings = {"hostname": "127.0.0.1", "port": port, "enable_SMTPUTF8": True}
        if sign_in:
            settings |= {
                "auth_required": True,
                "auth_require_tls": security != "tls",
                "authenticator": lambda *given: AuthResult(
                    success=given[-1].password == PASSWORD.encode(), handled=False
                ),
            }
        if security == "tls":
            controller = _Encrypted(mailbox, tls=context, **settings)
        else:
            encrypted = {"tls_context": context} if security == "starttls" else {}
            controller = _Plain(mailbox, **encrypted, **settings)
        controller.start()
        running.append(controller)

        def stop():
            running.remove(controller)
            controller.stop()

        mailbox.stop = stop
        return mailbox, port

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def speak():
    """Start a server that says anything to its first guest: ``speak(script)`` gives its port."""
    ends = []

    def start(script):
        listener = socket.create_server(("127.0.0.1", 0))
        over = threading.Event()

        def run():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            # The sender hangs up before the script ends; that is what some tests ask.
            with connection, contextlib.suppress(OSError):
                script(connection, over)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        ends.append((listener, over, thread))
        return listener.getsockname()[1]

    yield start
    for listener, over, thread in ends:
        over.set()
        listener.close()
        thread.join(5)


@pytest.fixture
def notifier(bundle):
    """Build a notifier: ``notifier(port, **settings)``."""

    def build(port, **settings):
        given = {
            "host": "127.0.0.1",
            "port": port,
            "sender": "marketplace@example.com",
            "sender_name": "Data marketplace",
            "ca_file": bundle,
            **settings,
        }
        secrets = {"env:MAIL_PASSWORD": PASSWORD, "env:OTHER": "wrong password"}
        return EmailNotifier(read(given, secrets.__getitem__))

    return build


@pytest.fixture
def password():
    """What signs in."""
    return PASSWORD


@pytest.fixture
def notice():
    """Make a notice: ``notice(**changes)``; ``to=`` changes the recipient."""

    def make(*, to=None, **changes):
        person = {"id": "ana", "name": "Ana Prado", "email": "ana@example.com", **(to or {})}
        return Message(
            **{
                "id": "0123456789abcdef0123456789abcdef",
                "sort": "notice",
                "type": "access_requested",
                "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                "about": "request:r1",
                "data": {"requester": "bo", "what": "access to", "product": "Orders"},
                "recipient": Recipient(**person),
                "subject": "bo asks for access to Orders; please decide.",
                "body": "bo asks for access to Orders; please decide.",
                "link": "https://portal.example/requests/r1",
                **changes,
            }
        )

    return make


@pytest.fixture
def call():
    """The limits of a call: ``call(seconds)``."""
    return lambda seconds=10.0: Call(seconds_left=lambda: seconds, correlation_id="c1")
