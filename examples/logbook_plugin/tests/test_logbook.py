"""The logbook keeps the rules of the port, and works in a marketplace."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from marketplace_logbook import plugin
from marketplace_logbook.notifier import Logbook

from marketplace_sdk import DataSource, InvalidInput, Marketplace
from marketplace_sdk.testing.conformance import Arrival, NotifierConformance, NotifierWorld


class Desk(NotifierWorld):
    """The file, and the two things that can happen to it."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "notices.jsonl"

    def connect(self):
        return Logbook(str(self.path))

    def arrived(self):
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        found = [json.loads(line) for line in lines]
        return [Arrival(each.pop("id"), json.dumps(each, sort_keys=True)) for each in found]

    @contextmanager
    def unreachable(self):
        """Its folder is away, as when a volume is not mounted."""
        away = self.folder.rename(self.folder.with_name("away"))
        yield
        away.rename(self.folder)

    @contextmanager
    def refusing(self):
        """Something else stands in its place."""
        aside = self.path.with_suffix(".aside")
        if self.path.exists():
            self.path.rename(aside)
        self.path.mkdir()
        yield
        self.path.rmdir()
        if aside.exists():
            aside.rename(self.path)


class TestLogbook(NotifierConformance):
    lacks = {
        "deadlines": "a local disk answers, or the machine has stopped",
        "events": "it is for people",
        "secrets": "it is given none",
    }

    @pytest.fixture
    def notifier_world(self, tmp_path):
        (tmp_path / "logs").mkdir()
        return Desk(tmp_path / "logs")


def test_a_steward_is_told_in_the_file(tmp_path):
    path = tmp_path / "notices.jsonl"
    with Marketplace(
        connections={"lake": {"plugin": "memory"}},
        notifiers=[{"plugin": "logbook", "path": str(path)}],
        plugins=[plugin],
        discover=False,
    ) as market:
        market.people.add("uma", permissions=["USER_ADMIN"])
        market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
        market.people.add("bob", principals={"lake": "bob"}, by="uma")
        table = DataSource("orders", connection="lake", object="sales.orders")
        market.sources.register(table, by="gil")
        market.domains.create("sales", by="gil")
        market.domains.assign("sales", ["orders"], by="gil")
        orders = market.products.publish("Orders", domain="sales", sources=["orders"], by="gil")
        asked = market.requests.request_access(orders.id, answers={"why": "secret"}, by="bob")
        market.deliver()

    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    told = [(each["kind"], each["for"], each["about"]) for each in lines]
    assert told == [("access_requested", "gil", f"request:{asked.id}")]
    assert "secret" not in path.read_text(encoding="utf-8")


def test_a_setting_that_it_does_not_know_is_refused():
    with pytest.raises(InvalidInput, match="file: unknown"):
        Marketplace(
            notifiers=[{"plugin": "logbook", "file": "x"}], plugins=[plugin], discover=False
        )
