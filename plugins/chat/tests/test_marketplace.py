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


def by_slack(slack, folder):
    """Slack as the configuration names it."""
    (folder / "token").write_text(slack.secrets[0])
    return {
        "plugin": "slack",
        "token": f"file:{folder / 'token'}",
        "base_url": f"http://127.0.0.1:{slack.port}/api",
        "allow_networks": ["127.0.0.0/8"],
    }


def test_a_test_call_is_a_message_to_whoever_tries(slack, tmp_path):
    """It reaches them, or it is said why not: no address, nobody there, a wrong token."""
    with Marketplace(notifiers=[by_slack(slack, tmp_path)]) as market:
        market.people.add("ada", permissions=["USER_ADMIN", "APPLICATION_ADMIN"])
        unreachable = market.destinations.test("slack", by="ada")
        market.people.update("ada", email="zoe@example.com", by="ada")
        unknown = market.destinations.test("slack", by="ada")
        assert slack.posted == []

        market.people.update("ada", email="fin@example.com", by="ada")
        assert market.destinations.test("slack", by="ada").delivered
        slack.error = {"chat.postMessage": "token_revoked"}
        revoked = market.destinations.test("slack", by="ada")

    [said] = slack.posted
    assert (said["channel"], said["text"]) == ("U01FIN", "This is a test of slack: it reaches you.")
    assert "the directory knows no address" in unreachable.error
    assert "nobody there has the address" in unknown.error
    assert "token_revoked" in revoked.error
    assert not any(each.delivered for each in (unreachable, unknown, revoked))


def test_stewards_are_told_at_once_or_in_a_digest(slack, tmp_path):
    """Fin at once, ana the next morning, once; whoever Slack does not know keeps the inbox."""
    clock = FrozenClock(datetime(2026, 7, 1, 12, tzinfo=UTC))
    with Marketplace(
        connections={"lake": {"plugin": "memory"}},
        notifiers=[by_slack(slack, tmp_path)],
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
