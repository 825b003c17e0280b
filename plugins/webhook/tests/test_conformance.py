"""The webhook keeps the rules of the notifier port, over real sockets."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from marketplace_sdk.testing.conformance import Arrival, NotifierConformance, NotifierWorld
from marketplace_sdk_webhook.config import read
from marketplace_sdk_webhook.notifier import WebhookNotifier

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOKEN = "p4th-t0ken"


class Receiver(NotifierWorld):
    """A receiver on a loopback address, with a token in its path."""

    secrets = (SECRET, SECRET.removeprefix("whsec_"), TOKEN)

    def __init__(self):
        self.requests = []
        self.status = 204
        self.silent = threading.Event()
        self.over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.silent.is_set():
                    receiver.over.wait(30)
                    return
                if receiver.status == 204:
                    receiver.requests.append((self.headers["webhook-id"], body))
                self.send_response(receiver.status)
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(b"" if receiver.status == 204 else body)

            def log_message(self, *_):
                pass

        self.handler = Handler
        self.port = 0
        self.listen()

    def listen(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def hang_up(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def connect(self):
        settings = {
            "url": f"http://127.0.0.1:{self.port}/{TOKEN}",
            "secret": SECRET,
            "allow_networks": ["127.0.0.0/8"],
        }
        return WebhookNotifier(read(settings, lambda _: SECRET), clock=lambda: datetime.now(UTC))

    def arrived(self):
        return [Arrival(id, body) for id, body in self.requests]

    @contextmanager
    def refusing(self):
        self.status = 503
        yield
        self.status = 204

    @contextmanager
    def unreachable(self):
        self.hang_up()
        yield
        self.listen()

    @contextmanager
    def hanging(self):
        self.silent.set()
        yield
        self.over.set()
        self.silent.clear()

    def close(self):
        self.over.set()
        self.hang_up()


class TestWebhook(NotifierConformance):
    lacks = {"notices": "webhooks are for systems"}

    @pytest.fixture
    def notifier_world(self):
        world = Receiver()
        yield world
        world.close()
