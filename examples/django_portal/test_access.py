"""The app, called by Django's own test client as people who are signed in."""

from __future__ import annotations

import os
import secrets

import django
import pytest

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
os.environ["DJANGO_SECRET_KEY"] = secrets.token_hex(16)
django.setup()

from access.apps import market  # noqa: E402  # Django must know its settings first
from django.contrib.auth.models import User  # noqa: E402 - Django must be set up before
from django.core.management import call_command  # noqa: E402 - Django must be set up before
from django.db import connection  # noqa: E402 - Django must be set up before
from django.test import Client, override_settings  # noqa: E402 - Django must be set up before

from marketplace_sdk import Column, DataSource  # noqa: E402 - Django must be set up before


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site with a database and a marketplace of its own."""
    folder = tmp_path_factory.mktemp("site")
    connection.settings_dict["NAME"] = str(folder / "site.sqlite3")
    settings = {"storage": "memory", "connections": {"lake": {"plugin": "memory"}}}
    with override_settings(MARKETPLACE=settings):
        call_command("migrate", verbosity=0)
        publish(market())
        yield
    connection.close()


def publish(market):
    market.people.add("uma", permissions=["USER_ADMIN"])
    market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
    market.people.add("bob", principals={"lake": "bob"}, by="uma")
    table = DataSource("orders", connection="lake", object="sales.orders", columns=[Column("id")])
    market.sources.register(table, by="gil")
    market.domains.create("sales", by="gil")
    market.domains.assign("sales", ["orders"], by="gil")
    market.products.publish("Orders", id="orders", domain="sales", sources=["orders"], by="gil")
    market.products.publish("Returns", id="returns", domain="sales", sources=["orders"], by="gil")


def browser(person):
    """Somebody's browser, after they have signed in."""
    client = Client()
    client.force_login(User.objects.get_or_create(username=person)[0])
    return client


def test_from_the_search_to_the_data(site):
    bob, steward = browser("bob"), browser("gil")

    assert bob.get("/products?q=orders").json()["items"][0]["id"] == "orders"
    asked = bob.post("/products/orders/requests", {"why": "forecast"}).json()
    assert asked["state"] == "pending"
    assert "still open" in bob.get(f"/requests/{asked['id']}").json()["text"]

    assert [each["id"] for each in steward.get("/queue").json()["items"]] == [asked["id"]]
    said = {"verdict": "approve", "reason": "agreed", "days": "30"}
    assert steward.post(f"/requests/{asked['id']}/decision", said).json()["state"] == "approved"

    market().deliver()
    assert [each.state for each in market().grants.of("bob", by="bob")] == ["active"]


def test_who_is_not_signed_in_is_sent_to_sign_in(site):
    answer = Client().get("/products")

    assert (answer.status_code, answer.url) == (302, "/sign-in?next=/products")


def test_a_refusal_of_the_marketplace_is_the_answer(site):
    bob = browser("bob")

    unanswered = bob.post("/products/returns/requests", {})
    unknown = bob.get("/requests/none")

    assert unanswered.status_code == 422
    assert [each["path"] for each in unanswered.json()["problems"]] == ["answers.why"]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


def test_a_form_of_another_site_asks_for_nothing(site):
    bob = Client(enforce_csrf_checks=True)
    bob.force_login(User.objects.get_or_create(username="bob")[0])

    assert bob.post("/products/returns/requests", {"why": "forged"}).status_code == 403
