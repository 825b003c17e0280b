"""A steward who wants a digest in Slack, from the request to the message."""

from __future__ import annotations

from datetime import UTC, datetime

from marketplace_sdk import (
    Column,
    DataSource,
    Marketplace,
    Question,
    QuietHours,
    ReviewFlow,
    Stage,
    group,
)
from marketplace_sdk.testing import FrozenClock


def test_stewards_are_told_at_once_or_in_a_digest(slack, tmp_path):
    """Fin at once, ana the next morning, once; whoever Slack does not know keeps the inbox."""
    (tmp_path / "token").write_text(slack.secrets[0])
    clock = FrozenClock(datetime(2026, 7, 1, 12, tzinfo=UTC))
    by_slack = {
        "plugin": "slack",
        "token": f"file:{tmp_path / 'token'}",
        "base_url": f"http://127.0.0.1:{slack.port}/api",
        "allow_networks": ["127.0.0.0/8"],
    }
    with Marketplace(
        connections={"lake": {"plugin": "memory"}},
        notifiers=[by_slack],
        links={"request": "https://portal.example/requests/{id}"},
        clock=clock,
    ) as market:
        market.people.add("uma", permissions=["USER_ADMIN"])
        market.people.add("gil", permissions=["GOVERNANCE", "APPLICATION_ADMIN"], by="uma")
        market.people.add("bob", principals={"lake": "bob"}, by="uma")
        for name in ("ana", "fin", "flo"):
            market.people.add(
                name,
                groups=["stewards"],
                email=f"{name}@example.com",
                time_zone="Europe/Berlin",
                by="uma",
            )
        columns = [Column("id")]
        orders = DataSource("orders", connection="lake", object="s.orders", columns=columns)
        market.sources.register(orders, by="gil")
        market.domains.create("sales", by="gil")
        market.domains.assign("sales", ["orders"], by="gil")
        form = market.forms.create(
            "Standard",
            domain="sales",
            questions=[Question.short_answer("why", "Why?")],
            review=ReviewFlow.review(Stage.any_of(group("stewards"))),
            by="gil",
        )
        product = market.products.publish(
            "Orders", domain="sales", sources=["orders"], form=form.id, by="gil"
        )
        market.preferences.set(
            "ana",
            channels={"slack": {"access_requested": "digest", "*": "off"}},
            quiet_hours=QuietHours("20:00", "07:30"),
            digest_at="07:00",
            by="ana",
        )
        request = market.requests.request_access(product.id, answers={"why": "x"}, by="bob")
        market.deliver()
        assert [each["channel"] for each in slack.posted] == ["U01FIN"]

        clock.set(datetime(2026, 7, 2, 5, 0, tzinfo=UTC))
        market.deliver()
        assert "U01ANA" not in {each["channel"] for each in slack.posted}, "07:00, but quiet"
        clock.set(datetime(2026, 7, 2, 5, 30, tzinfo=UTC))
        market.deliver()
        market.deliver()

        assert market.deliveries.dead(by="gil").items == ()
        assert len(market.inbox.of("flo", by="flo").items) >= 1
    [digest] = [each for each in slack.posted if each["channel"] == "U01ANA"]
    assert digest["text"] == "Notices that wait for you: 1."
    assert f"https://portal.example/requests/{request.id}|" in str(digest["blocks"])
