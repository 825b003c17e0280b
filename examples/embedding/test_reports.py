"""What bob can read is asked of the platform, never of our own books."""

from __future__ import annotations

from datetime import timedelta

import pytest
from reports import ending_soon, hand_back

from marketplace_sdk import NotAllowed


def test_whoever_leaves_the_project_reads_nothing_any_more(market, lake, ask):
    market.requests.approve(ask().id, reason="agreed", by="gil")
    market.deliver()
    assert lake.reads("bob", "sales.orders", "total") == "clear"

    assert hand_back(market, "bob") == ["Orders"]
    market.deliver()

    assert lake.reads("bob", "sales.orders", "total") == "none"
    assert hand_back(market, "bob") == []


def test_the_first_page_names_what_ends_within_a_week(market, clock, ask):
    market.requests.approve(ask().id, reason="agreed", until=timedelta(days=30), by="gil")
    market.deliver()

    assert ending_soon(market, "bob", clock()) == []
    clock.advance(days=23)
    assert ending_soon(market, "bob", clock()) == ["Orders"]


def test_access_ends_when_its_time_is_over(market, lake, clock, told, ask):
    market.requests.approve(ask().id, reason="agreed", until=timedelta(days=30), by="gil")
    market.deliver()

    clock.advance(days=30)
    market.deliver()

    assert lake.reads("bob", "sales.orders", "total") == "none"
    assert "access_expired" in [each.type for each in told.notices]


def test_a_platform_that_is_down_delays_and_loses_nothing(market, lake, clock, ask):
    market.requests.approve(ask().id, reason="agreed", by="gil")
    lake.fail()
    market.deliver()
    assert lake.reads("bob", "sales.orders", "total") == "none"

    clock.advance(minutes=10)
    market.deliver()

    assert lake.reads("bob", "sales.orders", "total") == "clear"


def test_bob_cannot_decide_for_himself(market, ask):
    with pytest.raises(NotAllowed) as refused:
        market.requests.approve(ask().id, reason="why not", by="bob")

    assert refused.value.http_status == 403
