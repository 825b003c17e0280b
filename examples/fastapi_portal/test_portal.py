"""The portal, called as a browser would, on a marketplace in memory."""

from __future__ import annotations

from pathlib import Path

import portal
import pytest
from fastapi.testclient import TestClient

from marketplace_sdk import Column, DataSource, Marketplace, Question, ReviewFlow, Stage, group

STEWARD = "fin"
WHY = {"answers": {"why": "quarter-end forecast"}}


@pytest.fixture
def market():
    with Marketplace(connections={"lake": {"plugin": "memory"}}, discover=False) as market:
        market.people.add("uma", permissions=["USER_ADMIN"])
        market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
        market.people.add("bob", principals={"lake": "bob"}, by="uma")
        market.people.add(STEWARD, groups=["finance-stewards"], by="uma")
        table = DataSource(
            "orders", connection="lake", object="sales.orders", columns=[Column("id")]
        )
        market.sources.register(table, by="gil")
        market.domains.create("sales", by="gil")
        market.domains.assign("sales", ["orders"], by="gil")
        market.forms.create(
            "Access",
            id="access",
            questions=[Question.short_answer("why", "Why do you need it?")],
            review=ReviewFlow.review(Stage.any_of(group("finance-stewards"))),
            by="gil",
        )
        for number in range(3):
            market.products.publish(
                f"Orders {number}",
                id=f"orders-{number}",
                domain="sales",
                sources=["orders"],
                form="access",
                by="gil",
            )
        yield market


@pytest.fixture
def browser(market):
    """A way to call the portal as somebody: ``browser("bob").get("/products")``."""

    def sign_in(person):
        headers = {"X-Remote-User": person} if person else {}
        return TestClient(portal.portal(market), headers=headers)

    return sign_in


def test_from_the_search_to_the_data(browser, market):
    bob, steward = browser("bob"), browser(STEWARD)

    (found, *_) = bob.get("/products", params={"q": "orders"}).json()["items"]
    form = bob.get(f"/products/{found['id']}/form").json()
    assert form["schema"]["required"] == ["why"]
    wish = {**WHY, "form_version": form["version"]}
    asked = bob.post(f"/products/{found['id']}/requests", json=wish)
    assert (asked.status_code, asked.json()["state"]) == (201, "pending")
    assert "finance-stewards" in bob.get(f"/requests/{asked.json()['id']}").json()["text"]

    (waiting,) = steward.get("/queue").json()["items"]
    assert waiting["id"] == asked.json()["id"]
    said = {"verdict": "approve", "reason": "agreed", "days": 30, "revision": waiting["revision"]}
    decided = steward.post(f"/requests/{waiting['id']}/decision", json=said).json()
    assert decided["state"] == "approved"
    assert decided["until"] is not None

    market.deliver()
    assert [each.state for each in market.grants.of("bob", by="bob")] == ["active"]


def test_a_list_goes_on_where_its_page_ended(browser):
    bob = browser("bob")

    first = bob.get("/products", params={"limit": 2}).json()
    second = bob.get("/products", params={"limit": 2, "after": first["next"]}).json()

    names = [each["name"] for each in first["items"] + second["items"]]
    assert names == ["Orders 0", "Orders 1", "Orders 2"]
    assert second["next"] is None


def test_nobody_gets_in_without_signing_in(browser):
    assert browser("").get("/products").status_code == 401
    assert browser("stranger").get("/products").status_code == 403


def test_a_refusal_says_why_and_with_which_status(browser):
    bob = browser("bob")
    asked = bob.post("/products/orders-0/requests", json=WHY).json()

    unanswered = bob.post("/products/orders-1/requests", json={})
    again = bob.post("/products/orders-0/requests", json=WHY)
    own = bob.post(f"/requests/{asked['id']}/decision", json={"verdict": "approve", "reason": "me"})

    assert unanswered.status_code == 422
    assert [each["path"] for each in unanswered.json()["problems"]] == ["answers.why"]
    assert (again.status_code, again.json()["code"]) == (409, "already_requested")
    assert (own.status_code, own.json()["code"]) == (403, "self_review")
    assert bob.get("/requests/none").status_code == 404


def test_somebody_who_looked_at_an_older_state_decides_nothing(browser):
    asked = browser("bob").post("/products/orders-0/requests", json=WHY).json()
    said = {"verdict": "deny", "reason": "no", "revision": asked["revision"] + 1}

    answer = browser(STEWARD).post(f"/requests/{asked['id']}/decision", json=said)

    assert (answer.status_code, answer.json()["code"]) == (409, "stale_revision")


def test_it_is_served_for_the_marketplace_of_a_file(tmp_path, monkeypatch):
    (tmp_path / "marketplace.toml").write_text('storage = "memory"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert TestClient(portal.main()).get("/openapi.json").status_code == 200


def test_it_fits_a_few_screens():
    assert len(Path(portal.__file__).read_text(encoding="utf-8").splitlines()) < 150
