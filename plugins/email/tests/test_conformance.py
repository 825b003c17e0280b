"""Mail keeps the rules of the notifier port, with a real mail server."""

from __future__ import annotations

import logging
from contextlib import contextmanager

import pytest

from marketplace_sdk.testing.conformance import Arrival, NotifierConformance, NotifierWorld


class MailServer(NotifierWorld):
    """A server on a loopback address that can refuse, hang up and keep silent."""

    def __init__(self, serve, notifier, password):
        self.secrets = (password,)
        self.serve, self.notifier = serve, notifier
        self.mailbox, self.port = serve(sign_in=True)
        # The server runs in this process too, and what it logs is its own.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)

    def connect(self):
        return self.notifier(self.port, username="market", password="env:MAIL_PASSWORD")

    def arrived(self):
        return [
            Arrival(
                mail["Message-ID"],
                (
                    mail["To"],
                    mail["Subject"],
                    *(mail.get_body((kind,)).get_content() for kind in ("plain", "html")),
                ),
            )
            for mail in self.mailbox.mails
        ]

    @contextmanager
    def refusing(self):
        self.mailbox.data = "451 not now"
        yield
        self.mailbox.data = "250 OK"

    @contextmanager
    def unreachable(self):
        self.mailbox.stop()
        yield
        before, (self.mailbox, _) = self.mailbox, self.serve(sign_in=True, port=self.port)
        self.mailbox.mails = before.mails

    @contextmanager
    def hanging(self):
        self.mailbox.speaking.clear()
        yield
        self.mailbox.speaking.set()


class TestMail(NotifierConformance):
    lacks = {"events": "mail is for people", "ids": "the id is a part of the Message-ID"}

    @pytest.fixture
    def notifier_world(self, serve, notifier, password):
        return MailServer(serve, notifier, password)
