"""No masked column is read through a view: its policy holds behind it, or the view stays closed."""

from __future__ import annotations

import hashlib

import pytest

from marketplace_sdk_snowflake.kinds import KEYWORDS

ORDERS = ("SALES", "CORE", "ORDERS")
SEEN = ("SALES", "CORE", "SEEN")
KEPT = ("SALES", "CORE", "KEPT")
HIDDEN = "CASE WHEN IS_ROLE_IN_SESSION('OWNER') THEN val ELSE '*****' END"
FILLED = ("DYNAMIC TABLE", "MATERIALIZED VIEW")


@pytest.fixture
def seeing(make_shop, fake):
    """Views can be looked through; ORDERS is registered with its mask, in no product."""
    fake.role("OWNER", under=[])
    for right in ("USAGE ON DATABASE SALES", "USAGE ON SCHEMA SALES.CORE"):
        fake.admin(f"GRANT {right} TO ROLE OWNER")
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE OWNER")
    fake.policy(("GOV", "P", "HIDE"), HIDDEN, on=[(ORDERS, "EMAIL")])

    def make(**more):
        made = make_shop(**{"warehouse": "COMPUTE_WH", **more})
        made.source("orders", ORDERS, ["ID", "EMAIL"], masked=["EMAIL"])
        return made

    return make


def opened(shop, name=SEEN, columns=("ID", "EMAIL")):
    """A product of one object, given to alice; what holds it back."""
    shop.give(shop.product(shop.source("seen", name, list(columns))), "alice")
    return [message for _, message in shop.trouble("alice")]


def bare(fake):
    fake.world.relation(ORDERS).columns["EMAIL"].policy = None


def test_behind_an_ordinary_view_the_policy_holds_for_whoever_reads_it(seeing, fake):
    fake.view(SEEN, over=ORDERS, owner="OWNER", secure=True)

    assert opened(seeing()) == []
    assert fake.access("ALICE", SEEN, "EMAIL") == "masked"


@pytest.mark.parametrize("through", [False, True])
def test_a_view_over_a_column_that_is_masked_in_name_only_stays_closed(seeing, fake, through):
    bare(fake)
    fake.view(KEPT if through else SEEN, over=ORDERS)
    if through:
        fake.view(SEEN, over=KEPT)
    shop = seeing()

    (said,) = opened(shop)

    assert "column SALES.CORE.ORDERS.EMAIL is not protected" in said
    assert fake.access("ALICE", SEEN) == "none"
    fake.world.relation(ORDERS).columns["EMAIL"].policy = ("GOV", "P", "HIDE")
    for _ in range(2):
        shop.clock.advance(days=1)
        shop.market.deliver()
    assert fake.access("ALICE", SEEN, "EMAIL") == "masked", shop.trouble("alice")


@pytest.mark.parametrize("kind", FILLED)
@pytest.mark.parametrize("through", [False, True])
def test_what_was_filled_by_its_owner_stays_closed(seeing, fake, kind, through):
    """The owner of a dynamic table may see in clear what the policy hides from its readers."""
    fake.view(KEPT, over=ORDERS, kind=kind, owner="OWNER")
    asked = KEPT
    if through:
        asked = SEEN
        fake.view(SEEN, over=KEPT, owner="OWNER")
        fake.admin(f"GRANT SELECT ON {KEYWORDS[kind.lower()]} SALES.CORE.KEPT TO ROLE OWNER")

    (said,) = opened(seeing(), asked)

    assert f"known_sources of SALES.CORE.{asked[2]} could not be read" in said
    assert fake.access("ALICE", asked) == "none"


def test_the_fake_shows_what_a_dynamic_table_would_leak(seeing, fake):
    fake.view(KEPT, over=ORDERS, kind="DYNAMIC TABLE", owner="OWNER")
    fake.role("READER", under=[])
    for right in ("USAGE ON DATABASE SALES", "USAGE ON SCHEMA SALES.CORE"):
        fake.admin(f"GRANT {right} TO ROLE READER")
    fake.admin("GRANT SELECT ON DYNAMIC TABLE SALES.CORE.KEPT TO ROLE READER")
    fake.grant_role("READER", ("USER", "ALICE"))

    assert fake.access("ALICE", KEPT, "EMAIL") == "clear"


def test_without_a_warehouse_no_view_can_be_looked_through(seeing, fake):
    fake.view(SEEN, over=ORDERS)

    (said,) = opened(seeing(warehouse=""))

    assert "known_sources of SALES.CORE.SEEN could not be read" in said
    assert fake.access("ALICE", SEEN) == "none"


def test_a_view_over_what_our_role_may_not_see_stays_closed(seeing, fake):
    fake.table(("FAR", "AWAY", "T"), ["ID"])
    fake.view(SEEN, over=("FAR", "AWAY", "T"))

    (said,) = opened(seeing(), columns=["ID"])

    assert "known_sources" in said


@pytest.mark.parametrize("kind", ["VIEW", *FILLED])
@pytest.mark.parametrize("changed", [False, True])
def test_a_view_that_a_person_has_read_is_trusted_until_its_text_changes(
    seeing, fake, kind, changed
):
    fake.view(SEEN, over=ORDERS, columns=["ID"], kind=kind, text="SELECT ID FROM ORDERS")
    trusted = {"SALES.CORE.SEEN": hashlib.sha256(b"SELECT ID FROM ORDERS").hexdigest()}
    if changed:
        fake.world.relation(SEEN).text = "SELECT EMAIL AS ID FROM ORDERS"

    said = opened(seeing(warehouse="", trusted_views=trusted), columns=["ID"])

    assert fake.access("ALICE", SEEN) == ("none" if changed else "clear"), said
    assert bool(said) is changed
