"""Slack and Teams keep the rules of the notifier port, over real sockets."""

from __future__ import annotations

import pytest

from marketplace_sdk.testing.conformance import NotifierConformance


class TestSlack(NotifierConformance):
    lacks = {"events": "direct messages are for people"}

    @pytest.fixture
    def notifier_world(self, slack):
        return slack


class TestTeams(NotifierConformance):
    lacks = {"events": "cards are for people"}

    @pytest.fixture
    def notifier_world(self, workflow):
        return workflow
