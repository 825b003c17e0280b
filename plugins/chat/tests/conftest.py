"""A Slack and a workflow of Teams that take nothing but what their documentation allows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from marketplace_sdk.plugin import Call, Message, Recipient
from marketplace_sdk.testing.conformance import Arrival
from marketplace_sdk_chat.config import read_slack, read_teams
from marketplace_sdk_chat.slack import SlackNotifier
from marketplace_sdk_chat.teams import TeamsNotifier
from marketplace_sdk_webhook.testing import LoopbackSite

TOKEN = "xoxb-1234567890-t0ken"
SIGNATURE = "s1gnature-of-the-w0rkflow"


def clock():
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class FakeSlack(LoopbackSite):
    """Two methods of the Web API, as documented; ``error`` makes a method answer with one."""

    secrets = (TOKEN,)

    def __init__(self):
        super().__init__()
        self.users = {"ana@example.com": "U01ANA", "fin@example.com": "U01FIN"}
        self.error = {}
        self.raw = None
        self.calls, self.posted = [], []

    def connect(self, token=TOKEN, **settings):
        given = {
            "token": "env:SLACK_TOKEN",
            "base_url": f"http://127.0.0.1:{self.port}/api",
            "allow_networks": ["127.0.0.0/8"],
            **settings,
        }
        return SlackNotifier(read_slack(given, lambda _: f"{token}\n"), clock=clock)

    def arrived(self):
        return [
            Arrival(each["metadata"]["event_payload"]["id"], json.dumps(each))
            for each in self.posted
        ]

    def answer(self, path, headers, body):
        method = path.removeprefix("/api/")
        self.calls.append(method)
        if self.raw is not None:
            return 200, self.raw
        return 200, json.dumps(self.ask(method, headers, body)).encode()

    def ask(self, method, headers, body):
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        if method in self.error:
            return {"ok": False, "error": self.error[method]}
        if method == "users.lookupByEmail":
            return self.lookup(headers, body)
        if method == "chat.postMessage":
            return self.post(headers, body)
        return {"ok": False, "error": "unknown_method"}

    def lookup(self, headers, body):
        # Methods that read take no JSON.
        if headers["Content-Type"] != "application/x-www-form-urlencoded":
            return {"ok": False, "error": "invalid_arguments"}
        [email] = parse_qs(body.decode(), strict_parsing=True)["email"]
        if email not in self.users:
            return {"ok": False, "error": "users_not_found"}
        return {"ok": True, "user": {"id": self.users[email], "deleted": False}}

    def post(self, headers, body):
        if headers["Content-Type"] != "application/json; charset=utf-8":
            return {"ok": False, "error": "invalid_arguments"}
        said = json.loads(body)
        if said["channel"] not in self.users.values():
            return {"ok": False, "error": "channel_not_found"}
        if not said["text"]:
            return {"ok": False, "error": "no_text"}
        if not 1 <= len(said["blocks"]) <= 50 or not all(map(drawable, said["blocks"])):
            return {"ok": False, "error": "invalid_blocks"}
        self.posted.append(said)
        return {"ok": True, "ts": "1700000000.000100", "channel": "D01"}


def drawable(block):
    """Whether Slack draws a block; this knows what the plugin uses."""
    return (
        set(block) == {"type", "text"}
        and block["type"] == "section"
        and set(block["text"]) == {"type", "text", "verbatim"}
        and block["text"]["type"] == "mrkdwn"
        and 1 <= len(block["text"]["text"]) <= 3000
    )


class FakeWorkflow(LoopbackSite):
    """A workflow that begins with a Teams webhook, and sends the card to ``recipient``."""

    secrets = (SIGNATURE,)
    path = f"/workflows/1/triggers/manual/paths/invoke?api-version=1&sig={SIGNATURE}"

    def __init__(self):
        super().__init__()
        self.posted = []

    def connect(self):
        url = f"http://127.0.0.1:{self.port}{self.path}"
        settings = {"url": "env:TEAMS_URL", "allow_networks": ["127.0.0.0/8"]}
        return TeamsNotifier(read_teams(settings, lambda _: f"{url}\n"), clock=clock)

    def arrived(self):
        return [Arrival(each["id"], json.dumps(each)) for each in self.posted]

    def answer(self, path, headers, body):
        if path != self.path:
            return 401, b""
        said = json.loads(body)
        [attachment] = said["attachments"]
        good = (
            said["type"] == "message"
            and attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
            and attachment["content"]["type"] == "AdaptiveCard"
            and "@" in said["recipient"]
        )
        if not good or len(body) > 28_000:
            return 400, body
        self.posted.append(said)
        return 202, b""


def served(site):
    yield site
    site.close()


@pytest.fixture
def slack():
    yield from served(FakeSlack())


@pytest.fixture
def workflow():
    yield from served(FakeWorkflow())


@pytest.fixture
def call():
    """The limits of a call: ``call(seconds)``."""
    return lambda seconds=10.0: Call(seconds_left=lambda: seconds, correlation_id="c1")


@pytest.fixture
def notice():
    """Make a notice: ``notice(**changes)``; ``to=`` changes the recipient."""

    def make(*, to=None, **changes):
        person = {"id": "ana", "name": "Ana Prado", "email": "ana@example.com", **(to or {})}
        subject = changes.get("subject", "bo asks for access to Orders; please decide.")
        return Message(
            **{
                "id": "0123456789abcdef0123456789abcdef",
                "sort": "notice",
                "type": "access_requested",
                "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                "about": "request:r1",
                "data": {"requester": "bo", "what": "access to", "product": "Orders"},
                "recipient": Recipient(**person),
                "subject": subject,
                "body": subject,
                "link": "https://portal.example/requests/r1",
                **changes,
            }
        )

    return make


@pytest.fixture
def digest(notice):
    """Make a digest of so many notices."""

    def make(
        count=3, *, more=0, to=None, subject="bo asks for access to <Orders & Co>; please decide."
    ):
        items = [
            {
                "kind": "access_requested",
                "about": f"request:r{number}",
                "at": "2026-01-02T03:04:05.000000Z",
                "subject": subject,
                "link": f"https://portal.example/requests/r{number}?a=1&b=2" if number else "",
                "data": {"requester": "bo", "what": "access to", "product": "Orders"},
            }
            for number in range(count)
        ]
        return notice(
            to=to,
            type="digest",
            subject=f"Notices that wait for you: {count + more}.",
            about="inbox:ana",
            data={"count": count + more, "more": more, "items": items},
            body="\n".join(each["subject"] for each in items),
            link="https://portal.example/inbox/ana",
        )

    return make
