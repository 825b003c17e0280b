"""The webhook keeps the rules of the notifier port, over real sockets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketplace_sdk.testing.conformance import Arrival, NotifierConformance
from marketplace_sdk_webhook.config import read
from marketplace_sdk_webhook.notifier import WebhookNotifier
from marketplace_sdk_webhook.testing import LoopbackSite

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOKEN = "p4th-t0ken"


class Receiver(LoopbackSite):
    """A receiver on a loopback address, with a token in its path."""

    secrets = (SECRET, SECRET.removeprefix("whsec_"), TOKEN)

    def __init__(self):
        super().__init__()
        self.requests = []

    def connect(self):
        settings = {
            "url": f"http://127.0.0.1:{self.port}/{TOKEN}",
            "secret": SECRET,
            "allow_networks": ["127.0.0.0/8"],
        }
        return WebhookNotifier(read(settings, lambda _: SECRET), clock=lambda: datetime.now(UTC))

    def arrived(self):
        return [Arrival(id, body) for id, body in self.requests]

    def answer(self, path, headers, body):
        self.requests.append((headers["webhook-id"], body))
        return 204, b""


class TestWebhook(NotifierConformance):
    lacks = {"notices": "webhooks are for systems"}

    @pytest.fixture
    def notifier_world(self):
        world = Receiver()
        yield world
        world.close()
