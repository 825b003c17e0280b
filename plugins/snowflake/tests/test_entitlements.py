"""Exceptions that end by themselves: a row with an end, which the policy looks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace_sdk import ProvisioningError
from marketplace_sdk.plugin import Change
from marketplace_sdk_snowflake.settings import Settings

ORDERS = ("SALES", "CORE", "ORDERS")
TABLE = ("GOV", "MKT", "ENTITLEMENT")
SETTINGS = Settings(warehouse=True, entitlements=TABLE)
NAME = ".".join(TABLE)


@pytest.fixture
def clock(fake):
    """The time of the account, which a test may move."""

    class Clock:
        now = datetime(2026, 12, 1, tzinfo=UTC)

        def __call__(self):
            return self.now

    fake.clock = Clock()
    return fake.clock


@pytest.fixture
def entitled(make_bench, protected, clock):
    made = make_bench(SETTINGS)
    protected(made.installation, ORDERS, "EMAIL", settings=SETTINGS)
    made.reconcile(made.target((ORDERS, ["EMAIL"])), ["ALICE", "BOB"])
    return made


def member(entitled, person="ALICE"):
    (item,) = entitled.wanted(entitled.exception(ORDERS, "EMAIL"), [person]).values()
    return item


def apply(entitled, within, action, item, until=None):
    (outcome,) = entitled.provisioner.apply(
        [Change(action=action, item=item, until=until)], within(10)
    )
    return outcome


def test_an_exception_ends_although_nobody_takes_it_away(entitled, fake, clock, within):
    item = member(entitled)
    assert item.expires
    assert "set_until" in entitled.provisioner.capabilities

    outcome = apply(entitled, within, "add", item, clock.now + timedelta(hours=1))

    assert outcome.result == "done", outcome.error
    assert fake.sees_clear("ALICE", ORDERS, "EMAIL")
    assert fake.access("BOB", ORDERS, "EMAIL") == "masked"
    clock.now += timedelta(hours=2)
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"


def test_an_end_is_seen_and_can_be_moved(entitled, fake, clock, within):
    item, end = member(entitled), clock.now + timedelta(hours=1)
    apply(entitled, within, "add", item, end)

    (seen,) = entitled.see(item.scope).values()
    assert seen.items[item.key].until == end
    assert seen.items[item.key].ours

    later = end + timedelta(days=1)
    assert apply(entitled, within, "set_until", item, later).result == "done"
    (seen,) = entitled.see(item.scope).values()
    assert seen.items[item.key].until == later
    clock.now = end + timedelta(hours=1)
    assert fake.sees_clear("ALICE", ORDERS, "EMAIL")


def test_without_an_end_it_has_none(entitled, fake, clock, within):
    item = member(entitled)
    apply(entitled, within, "add", item)

    (seen,) = entitled.see(item.scope).values()

    assert seen.items[item.key].until is None
    clock.now += timedelta(days=365 * 50)
    assert fake.sees_clear("ALICE", ORDERS, "EMAIL")


def test_exactly_one_row_is_taken_away(entitled, fake, within):
    hers, his = member(entitled), member(entitled, "BOB")
    apply(entitled, within, "add", hers)
    apply(entitled, within, "add", his)

    assert apply(entitled, within, "add", hers).result == "already"
    assert apply(entitled, within, "remove", hers).result == "done"
    assert apply(entitled, within, "remove", hers).result == "already"

    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    assert fake.sees_clear("BOB", ORDERS, "EMAIL")


def test_a_row_of_somebody_else_is_listed_and_left(entitled, fake, within):
    item = member(entitled)
    apply(entitled, within, "add", item)
    key = item.data["column"]
    fake.admin(
        f"INSERT INTO {NAME} (SUBJECT, COLUMN_KEY, REQUEST_ID, EXPIRES_AT) VALUES"
        f" ('BOB', '{key}', 'by hand', '2027-01-01 00:00:00 +00:00')"
    )

    (seen,) = entitled.see(item.scope).values()

    assert sum(presence.ours for presence in seen.items.values()) == 1
    assert len(seen.items) == 2
    apply(entitled, within, "remove", item)
    assert fake.sees_clear("BOB", ORDERS, "EMAIL")


def test_a_role_has_no_row(entitled, fake):
    fake.role("ANALYST")

    with pytest.raises(ProvisioningError, match="users only"):
        entitled.wanted(entitled.exception(ORDERS, "EMAIL"), ["role:ANALYST"])


def test_without_a_warehouse_the_reason_is_told(entitled, within):
    item = member(entitled)
    bare = entitled.make(Settings(entitlements=TABLE))

    with pytest.raises(ProvisioningError, match="warehouse"):
        list(bare.apply([Change(action="add", item=item)], within(10)))


def test_a_whole_marketplace_gives_the_end_to_the_platform(fake, protected, make_shop):
    """The worker is away when the time comes, and the column is masked all the same."""
    shop = make_shop(warehouse="COMPUTE_WH", entitlements=NAME)
    protected(shop.market.installation, ORDERS, "EMAIL", settings=SETTINGS)
    product = shop.product(shop.source("orders", ORDERS, ["ID", "EMAIL"], ["EMAIL"]))
    shop.give(product, "alice")
    shop.unmask(product, "alice", "orders.EMAIL", until=timedelta(days=2))
    assert shop.trouble("alice") == []
    assert fake.sees_clear("ALICE", ORDERS, "EMAIL")

    shop.clock.advance(days=3)

    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked", "nobody has delivered anything yet"
    assert fake.can_select("ALICE", ORDERS)
    shop.market.deliver()
    assert fake.admin(f"SELECT COUNT(*) FROM {NAME}") == [(0,)]
