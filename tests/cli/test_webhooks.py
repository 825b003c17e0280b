"""``marketplace webhooks``, against a receiver on a real socket; and webhooks in declarations."""

from __future__ import annotations

import pytest

from tests.cli.running import Shop
from tests.receiver import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver():
    with Receiver(SECRET) as found:
        yield found


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """ada is APPLICATION_ADMIN; a webhook may name one secret."""
    monkeypatch.setenv("MARKETPLACE_WEBHOOK_ONE", SECRET)
    monkeypatch.setenv("MARKETPLACE_WEBHOOK_TWO", SECRET[:-1] + "x")
    made = Shop(tmp_path)
    with made.file.open("a", encoding="utf-8") as file:
        file.write('[destinations]\nplugin = "webhook"\nallow_networks = ["127.0.0.0/8"]\n')
    made.run("people", "add", "ada", "--permission", "APPLICATION_ADMIN")
    return made


def test_a_webhook_from_set_up_to_forgotten(shop, receiver):
    def ada(*words, **more):
        return shop.run("webhooks", *words, by="ada", **more)

    made = ada("create", receiver.url, "--secret", "env:MARKETPLACE_WEBHOOK_ONE", "--id", "portal")
    assert receiver.url in made
    assert SECRET not in made
    assert ada("test", "portal") == "delivered\n"
    shop.asked()
    shop.run("worker", "--once")
    history = shop.data("webhooks", "history", "portal", "--state", "delivered", by="ada")["items"]
    (sent,) = [each for each in history if each["type"] == "data_product.access_requests.created"]
    assert sent["message"] in receiver.ids

    assert ada("redeliver", "portal", "--message", sent["message"]).endswith("sent: 1\n")
    assert shop.data("webhooks", "redeliver", "portal", "--since", "2026-01-01", by="ada")
    shop.run("worker", "--once")
    assert receiver.ids.count(sent["message"]) == 2
    assert "portal" in ada("list")
    assert "disabled" in ada("disable", "portal", "--reason", "moved")
    assert "it is disabled" in ada("redeliver", "portal", "--since", "2026-01-01", code=5)
    assert "active" in ada("enable", "portal")
    assert "both secrets until" in ada(
        "rotate-secret", "portal", "--secret", "env:MARKETPLACE_WEBHOOK_TWO"
    )
    assert receiver.url in ada("delete", "portal", answer="n\n", code=1)
    assert ada("delete", "portal", "--yes") == "portal: deleted\n"
    ada("show", "portal", code=3)


def test_a_call_that_is_not_taken_ends_with_1(shop, receiver):
    shop.run(
        "webhooks",
        "create",
        receiver.url,
        "--secret",
        "env:MARKETPLACE_WEBHOOK_TWO",
        "--id",
        "x",
        by="ada",
    )

    assert "not delivered" in shop.run("webhooks", "test", "x", by="ada", code=1)
    assert shop.data("webhooks", "test", "x", by="ada", code=1)["delivered"] is False


def test_who_may_not_is_told(shop):
    assert "APPLICATION_ADMIN" in shop.run("webhooks", "list", by="uma", code=4)
    assert "like 2030" in shop.run(
        "webhooks", "redeliver", "x", "--since", "7 days", by="ada", code=2
    )


def test_webhooks_may_be_declared_by_whoever_may_set_them_up(shop, receiver, tmp_path):
    file = tmp_path / "hooks.yaml"
    file.write_text(
        f"destinations:\n  portal:\n    url: {receiver.url}\n"
        "    secret: env:MARKETPLACE_WEBHOOK_ONE\n    types: [data_product.access_requests.created]\n",
        encoding="utf-8",
    )
    assert "failed" in shop.run("apply", str(file), "--yes", by="uma", code=1)

    assert shop.run("apply", str(file), "--yes", by="ada").endswith("+ destination portal\n")
    assert shop.run("plan", str(file), "--prune", by="ada") == "nothing to change\n"
    assert "secret" not in shop.run("export", by="ada")
    assert "destinations" not in shop.run("export", by="uma")
    file.write_text("destinations: {portal: {types: []}}", encoding="utf-8")
    assert "types: - data_product" in shop.run("apply", str(file), "--yes", by="ada")
    file.write_text("destinations: {other: {}}", encoding="utf-8")
    said = shop.run("plan", str(file), "--prune", by="ada", code=1)
    assert said.splitlines() == [
        "- destination portal",
        f"cannot: {file}:1: destination other: needs url",
        f"cannot: {file}:1: destination other: needs secret",
    ]
