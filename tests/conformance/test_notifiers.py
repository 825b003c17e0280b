"""The notifier in memory keeps the rules of the port, and so does the sound one of the kit."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from marketplace_sdk.testing import MemoryNotifier
from marketplace_sdk.testing.broken.notifiers import MailboxWorld
from marketplace_sdk.testing.conformance import Arrival, NotifierConformance, NotifierWorld
from marketplace_sdk.wire.codec import canonical, plain


class MemoryWorld(NotifierWorld):
    """What the notifier remembers is what arrived."""

    def __init__(self):
        self.notifier = MemoryNotifier()

    def connect(self):
        return self.notifier

    def arrived(self):
        return [
            Arrival(each.id, canonical([each.type, each.subject, each.body, plain(each.data)]))
            for each in self.notifier.messages
        ]

    @contextmanager
    def refusing(self):
        self.notifier.fail(10**6)
        yield
        self.notifier.fail(0)


class TestMemoryNotifier(NotifierConformance):
    lacks = {
        "deadlines": "it remembers at once",
        "outage": "it is in this process",
        "secrets": "it is given none",
    }

    @pytest.fixture
    def notifier_world(self):
        return MemoryWorld()


class TestSoundNotifier(NotifierConformance):
    @pytest.fixture
    def notifier_world(self):
        return MailboxWorld()
