"""The pages about webhooks and the kit of notifiers say what is true."""

from __future__ import annotations

import re
from pathlib import Path

from marketplace_sdk import Marketplace
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.testing.conformance import NotifierConformance, NotifierWorld
from marketplace_sdk.testing.conformance._kit import Conformance
from tests.receiver import Receiver

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = (DOCS / "how-to" / "webhooks.md").read_text(encoding="utf-8")
KIT = (DOCS / "reference" / "notifier-kit.md").read_text(encoding="utf-8")


def run(page, monkeypatch):
    """Names that the Python blocks of a page define, run one after the other."""
    names = {}
    monkeypatch.delenv("MARKETPLACE_WEBHOOK_PORTAL", raising=False)
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(compile(block, "page", "exec"), names)  # noqa: S102  # our own page
    return names


def test_the_how_to_runs_and_its_receiver_takes_a_signed_delivery_once(monkeypatch, capsys):
    """A body that was signed for a real socket; altered, it is refused."""
    names = run(HOW_TO, monkeypatch)
    monkeypatch.setenv("MARKETPLACE_WEBHOOK_PORTAL", names["SECRET"])
    with Receiver(names["SECRET"]) as receiver:
        market = Marketplace(
            "memory",
            notifiers=[
                {
                    "plugin": "webhook",
                    "url": receiver.url,
                    "secret": "env:MARKETPLACE_WEBHOOK_PORTAL",
                    "allow_networks": ["127.0.0.0/8"],
                    "include": ["answers"],
                }
            ],
        )
        market.people.add("uma", permissions=["USER_ADMIN", "APPLICATION_ADMIN"])
        assert market.destinations.test("webhook", by="uma").delivered
        market.close()
        (headers, body) = receiver.raw[0]

    assert capsys.readouterr().out == "disabled\n"
    receive = names["receive"]
    assert receive(headers, body) == receive(headers, body) == 204
    assert len(names["seen"]) == 1
    assert receive(headers, body.replace(b"test", b"tset")) == 401


def test_every_call_of_the_how_to_exists(small):
    for name in re.findall(r"`destinations\.(\w+)\(", HOW_TO):
        assert callable(getattr(small.market.destinations, name))


def test_the_times_of_the_pages_are_those_of_the_settings():
    """Eleven times, three days: said on several pages."""
    assert (Settings().attempts, Settings().suspend_after) == (11, 3 * 86400)


def test_every_capability_of_the_kit_is_explained():
    rows = re.findall(r"^\| `(\w+)` \|", KIT, flags=re.MULTILINE)

    assert rows == sorted(NotifierConformance.capabilities)


def test_every_class_of_checks_is_on_the_page():
    shown = set(re.findall(r"autoclass:: \S+\.(\w+Checks)$", KIT, flags=re.MULTILINE))
    mixed_in = {one.__name__ for one in NotifierConformance.__mro__}

    assert shown == mixed_in - {"NotifierConformance", Conformance.__name__, "object"}


def test_the_code_of_the_kit_runs(monkeypatch):
    names = run(KIT, monkeypatch)

    assert issubclass(names["TestPager"], NotifierConformance)
    assert issubclass(names["PagerWorld"], NotifierWorld)
