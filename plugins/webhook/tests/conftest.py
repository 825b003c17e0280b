"""Real receivers on loopback addresses, and notifiers that may reach them."""

from __future__ import annotations

import contextlib
import socket
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import trustme
from attrs import Factory, define

from marketplace_sdk.ports.notifier import Message
from marketplace_sdk.ports.provisioner import Call
from marketplace_sdk_webhook.config import read
from marketplace_sdk_webhook.notifier import WebhookNotifier

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = ["127.0.0.0/8"]


@define
class Receiver:
    """Answers each request with the next scripted answer (else 204) and remembers requests."""

    port: int
    requests: list = Factory(list)
    answers: list = Factory(list)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"


@pytest.fixture
def receive():
    """Start a receiver: ``receive(address, tls, port)``."""
    servers = []

    def start(address="127.0.0.1", *, tls=None, port=0):
        receiver = Receiver(port=0)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append(
                    SimpleNamespace(path=self.path, headers=dict(self.headers.items()), body=body)
                )
                status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def do_GET(self):
                receiver.requests.append(self.path)  # as a redirect may be followed

            def do_CONNECT(self):
                receiver.requests.append(self.path)  # as a proxy is asked for a tunnel

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # clients that refuse the certificate hang up; that is what some tests ask

        server = Server((address, port), Handler)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return receiver

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def speak():
    """Start a receiver that does anything with its first connection: ``speak(script)``."""
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
        return f"http://127.0.0.1:{listener.getsockname()[1]}/hook"

    yield start
    for listener, over, thread in ends:
        over.set()
        listener.close()
        thread.join(5)


@pytest.fixture
def notifier():
    """Build a notifier that may reach loopback: ``notifier(url, resolve=..., **settings)``."""

    def build(url, *, clock=lambda: datetime.now(UTC), resolve=None, **settings):
        settings = {"url": url, "secret": SECRET, "allow_networks": LOOPBACK, **settings}
        more = {} if resolve is None else {"resolve": resolve}
        return WebhookNotifier(read(settings, lambda ref: ref), clock=clock, **more)

    return build


@pytest.fixture
def message():
    """Make an event: ``message(**changes)``."""

    def make(**changes):
        return Message(
            **{
                "id": "msg_1",
                "sort": "event",
                "type": "data_product.access_requests.created",
                "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                "data": {"requestId": "r1", "domain": "Größe"},
                **changes,
            }
        )

    return make


@pytest.fixture
def call():
    """Make the limits of a call: ``call(seconds)``."""

    def make(seconds=30.0):
        return Call(seconds_left=lambda: seconds, correlation_id="c1")

    return make


@pytest.fixture(scope="session")
def authority():
    """A throw-away certificate authority."""
    return trustme.CA()
