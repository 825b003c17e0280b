"""The cases by which the Databricks plugin is accepted; each is judged by what the platform shows."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest
from plugins.databricks.tests.helpers import ROBOT, add, remove, results
from plugins.databricks.tests.shop import PEOPLE, Shop

ANN = PEOPLE["ann"]
BOTH = pytest.mark.parametrize("strategy", ["direct", "group"])


@pytest.fixture
def shop_of(fake, lake):
    """Makes marketplaces and closes them."""
    made = []

    def make(**settings):
        made.append(Shop(fake, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def shop(shop_of):
    return shop_of()


def held(fake, principal):
    """What somebody holds directly."""
    return {
        (type, name, word)
        for (type, name), grantees in fake.snapshot()["grants"].items()
        for who, words in grantees.items()
        if who == principal
        for word in words
    }


ATOMS = {("catalog", "c", "USE_CATALOG"), ("schema", "c.s", "USE_SCHEMA"), ("table", "c.s.t1", "SELECT")}  # fmt: skip


@pytest.mark.parametrize("who", ["ann", "robot"])
def test_01_an_approval_gives_exactly_three_privileges_to_exactly_one(shop, fake, who):
    before = fake.snapshot()
    product = shop.product("c.s.t1")

    request = shop.give(product, who)

    assert shop.state(who) == "active", shop.trouble(who)
    assert held(fake, PEOPLE[who]) == ATOMS
    after = {**fake.snapshot()["grants"]}
    others = {
        key: {w: p for w, p in each.items() if w != PEOPLE[who]} for key, each in after.items()
    }
    assert {key: each for key, each in others.items() if each} == before["grants"]
    shop.revoke(request)
    assert fake.snapshot() == before


def test_02_a_group_is_granted_like_a_person_and_its_members_read(shop, fake):
    shop.market.people.add("fin", principals={"lake": "Finance"}, by="uma")

    request = shop.give(shop.product("c.s.t1"), "fin")

    assert shop.state("fin") == "active", shop.trouble("fin")
    assert held(fake, "Finance") == ATOMS
    assert fake.what_does("bob@x.org", "c.s.t1", "id") == "clear"
    assert fake.what_does(ANN, "c.s.t1", "id") == "none"
    shop.revoke(request)
    assert fake.what_does("bob@x.org", "c.s.t1", "id") == "none"


def test_03_delivering_twice_and_twenty_times_at_once_writes_once(shop, fake):
    shop.approve(shop.ask(shop.product("c.s.t1")))
    threads = [threading.Thread(target=shop.market.deliver) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    shop.settle()

    assert shop.state() == "active", shop.trouble()
    assert held(fake, ANN) == ATOMS
    writes = [each.path for each in fake.calls if each.method != "GET"]
    assert len(writes) == len(set(writes)) == 3


@pytest.mark.parametrize("before", [
    {("schema", "c.s", "USE_SCHEMA")},
    {("catalog", "c", "USE_CATALOG"), ("schema", "c.s", "USE_SCHEMA")},
    {("table", "c.s.t1", "SELECT")},
    ATOMS,
])  # fmt: skip
def test_04_and_05_what_somebody_had_before_survives(shop, fake, before):
    for type, name, word in before:
        fake.give(ANN, word, type, name)
    snapshot = fake.snapshot()

    request = shop.give(shop.product("c.s.t1"))
    assert shop.state() == "active", shop.trouble()
    assert fake.what_does(ANN, "c.s.t1", "id") == "clear"
    shop.revoke(request)

    assert shop.state() == "ended"
    assert fake.snapshot() == snapshot


@BOTH
def test_06_what_two_products_share_stays_until_the_last_has_ended(shop_of, fake, strategy):
    shop = shop_of(strategy=strategy)
    before = fake.snapshot()
    first, second = shop.product("c.s.t1"), shop.product("c.s.t1", "c.s.t2")
    one, two = shop.give(first), shop.give(second)
    assert fake.what_does(ANN, "c.s.t2", "id") == "clear"

    shop.revoke(one)
    assert fake.what_does(ANN, "c.s.t1", "id") == "clear"
    shop.revoke(two)

    assert fake.what_does(ANN, "c.s.t1", "id") == "none"
    assert fake.snapshot() == before


@BOTH
def test_07_taking_away_twice_changes_once(lake, fake, strategy):
    provisioner = lake.provisioner(strategy=strategy)
    before = fake.snapshot()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    add(provisioner, items)

    first, second = remove(provisioner, items), remove(provisioner, items)

    assert set(results(first)) == {"done"}
    assert set(results(second)) == {"already"}
    assert fake.snapshot() == before


@BOTH
@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("fault", [{"drop": True, "after": True}, {"drop": True}])
def test_08_and_09_a_lost_answer_loses_nothing(shop_of, fake, strategy, nth, fault):
    """Done or not, the next pass finds out; and the end takes everything, whoever wrote it."""
    shop = shop_of(strategy=strategy)
    before = fake.snapshot()
    product = shop.product("c.s.t1")
    for method in ("PATCH", "POST"):
        fake.faults.add(method, "*/api/2.*", nth=nth, times=2, **fault)

    request = shop.give(product)
    shop.settle()
    assert shop.state() == "active", shop.trouble()
    assert fake.what_does(ANN, "c.s.t1", "id") == "clear"
    fake.faults.add("PATCH", "*", nth=nth, **fault)
    fake.faults.add("DELETE", "*", **fault)
    shop.revoke(request)
    shop.settle()

    assert shop.state() == "ended", shop.trouble()
    assert fake.what_does(ANN, "c.s.t1", "id") == "none"
    assert fake.snapshot() == before


def test_10_a_missing_right_on_the_schema_opens_nothing_and_names_itself(shop, fake):
    product = shop.product("c.s.t1")
    fake.faults.add(
        "PATCH", "*/permissions/schema/c.s", times=None, status=403, error_code="PERMISSION_DENIED",
        message="User does not have MANAGE on Schema 'c.s'",
    )  # fmt: skip

    shop.give(product)

    assert shop.state() == "wanted"
    assert "GRANT MANAGE ON SCHEMA `c`.`s` TO" in shop.trouble()
    assert fake.what_does("bob@x.org", "c.s.t1", "id") == "none"
    assert ("table", "c.s.t1", "SELECT") not in held(fake, ANN)
    fake.faults.clear()
    shop.settle()
    assert shop.state() == "active", shop.trouble()


def test_11_a_throttled_write_waits_and_succeeds_and_says_so(shop, fake):
    product = shop.product("c.s.t1")
    fake.faults.add("PATCH", "*", status=429, error_code="RESOURCE_EXHAUSTED", retry_after=2)

    shop.give(product)

    assert shop.state() == "active", shop.trouble()


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 504}, {"html": "<html>login</html>", "status": 502}])  # fmt: skip
def test_12_an_outage_is_over_some_time(shop, fake, fault):
    product = shop.product("c.s.t1")
    fake.faults.add("*", "*", times=6, **fault)

    shop.give(product)
    shop.settle()

    assert shop.state() == "active", shop.trouble()
    assert held(fake, ANN) == ATOMS


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_13_a_failure_after_the_effect_is_neither_doubled_nor_called_failed(shop, fake, nth):
    product = shop.product("c.s.t1")
    fake.faults.add("PATCH", "*", nth=nth, after=True, status=500)

    shop.give(product)
    shop.settle()

    assert shop.state() == "active", shop.trouble()
    assert held(fake, ANN) == ATOMS
    written = [each.path for each in fake.calls if each.method == "PATCH"]
    assert len(written) == len(set(written)) == 3


def test_14_what_is_also_given_by_hand_meanwhile_ends_with_us(shop, fake):
    """A second grant of the same privilege leaves no trace, so the least privilege wins."""
    request = shop.give(shop.product("c.s.t1"))
    fake.give(ANN, "SELECT", "table", "c.s.t1")
    fake.give(ANN, "MODIFY", "table", "c.s.t1")

    shop.revoke(request)

    assert held(fake, ANN) == {("table", "c.s.t1", "MODIFY")}


def test_15_what_was_taken_by_hand_is_drift_of_that_privilege_only(shop, fake):
    before = fake.snapshot()
    request = shop.give(shop.product("c.s.t1"))
    fake.take(ANN, "SELECT", "table", "c.s.t1")

    drift = shop.market.grants.drift(by="gil")
    shop.market.grants.repair(by="gil")
    shop.settle()

    assert [each.kind for each in drift.findings] == ["missing"]
    assert "SELECT" in str(drift)
    assert fake.what_does(ANN, "c.s.t1", "id") == "clear"
    shop.revoke(request)
    assert fake.snapshot() == before


@pytest.mark.parametrize("same_owner", [True, False])
def test_16_a_table_that_was_made_again_is_another_one(shop, fake, same_owner):
    shop.give(shop.product("c.s.t1"))
    fake.drop("table", "c.s.t1")
    fake.table("c.s.t1", {"id": "BIGINT", "email": "STRING"})
    if not same_owner:
        fake.own(ROBOT, "table", "c.s.t1")
    assert fake.what_does(ANN, "c.s.t1", "id") == "none"

    shop.market.grants.repair(by="gil")
    shop.settle()

    assert (fake.what_does(ANN, "c.s.t1", "id") == "clear") == same_owner
    assert ("object_replaced" in shop.trouble()) == (not same_owner)


def test_17_a_group_that_was_made_again_gets_nothing(shop, fake):
    shop.market.people.add("fin", principals={"lake": "Finance"}, by="uma")
    shop.give(shop.product("c.s.t1"), "fin")
    fake.drop("group", "Finance")
    fake.group("Finance", members=[ANN])

    shop.market.grants.repair(by="gil")
    shop.settle()

    assert held(fake, "Finance") == set()
    assert "principal_replaced" in shop.trouble("fin")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("etl robot", f"register its application id, {ROBOT}"),
        ("finance", "case-sensitive"),
        ("users", "account group"),
        ("account users", "everybody"),
        ("somebody@x.org", "no user somebody@x.org"),
        ("local ones", "workspace only"),
        ("22222222-2222-4333-8444-555555555555", "no service principal"),
    ],
)
def test_18_who_cannot_be_granted_to_is_told_why_before_any_write(shop, fake, name, why):
    fake.local_group("local ones")
    shop.market.people.add("odd", principals={"lake": name}, by="uma")

    shop.give(shop.product("c.s.t1"), "odd")

    assert shop.state("odd") == "wanted"
    assert why in shop.trouble("odd")
    assert [each for each in fake.calls if each.method != "GET"] == []


@BOTH
def test_19_foreign_entries_survive_byte_for_byte(shop_of, fake, strategy):
    fake.group("gone")
    fake.give("gone", "SELECT", "table", "c.s.t1")
    fake.give("bob@x.org", "BRAND_NEW", "table", "c.s.t1")
    fake.give("bob@x.org", "SELECT", "table", "c.s.t1")
    fake.drop("group", "gone")
    fake.pages(size=1, empty=1)
    before = fake.snapshot()
    shop = shop_of(strategy=strategy)

    request = shop.give(shop.product("c.s.t1"))
    assert shop.state() == "active", shop.trouble()
    shop.revoke(request)

    assert shop.state() == "ended", shop.trouble()
    assert fake.snapshot() == before


@pytest.mark.parametrize("through", ["nothing", "herself", "a group of hers", "a group above", "everybody"])  # fmt: skip
def test_20_parents_that_are_required_are_looked_at_and_never_granted(shop_of, fake, through):
    fake.group("inner", members=[ANN])
    fake.group("outer", members=["inner"])
    holder = {"herself": ANN, "a group of hers": "inner", "a group above": "outer", "everybody": "account users"}  # fmt: skip
    if through != "nothing":
        fake.give(holder[through], "USE_CATALOG", "catalog", "c")
        fake.give(holder[through], "USE_SCHEMA", "catalog", "c")
    shop = shop_of(parents="require")

    shop.give(shop.product("c.s.t1"))

    if through == "nothing":
        assert shop.state() == "wanted"
        assert "parents_usable of c.s for ann@x.org does not hold" in shop.trouble()
        assert held(fake, ANN) == set()
    else:
        assert shop.state() == "active", shop.trouble()
        assert fake.what_does(ANN, "c.s.t1", "id") == "clear"
    assert not [
        each for each in fake.calls if each.method == "PATCH" and "/table/" not in each.path
    ]


def masked_by_hand(fake, group="clear ones"):
    """A mask of the customer's own, which lets a group through."""
    fake.group(group, managers=[fake.me])
    fake.function("c.s.hide", f"CASE WHEN is_account_group_member('{group}') THEN v ELSE '***' END")
    fake.mask("c.s.t1", "email", "c.s.hide")
    return group


@BOTH
def test_21_and_22_an_exception_shows_one_column_to_one_person(shop_of, fake, strategy):
    group = masked_by_hand(fake)
    shop = shop_of(strategy=strategy, exception_groups={"c.s.t1.email": group})
    product = shop.product("c.s.t1", masked=["email"])
    before = fake.snapshot()
    access = [shop.give(product, "ann"), shop.give(product, "bob")]
    assert fake.what_does(ANN, "c.s.t1", "email") == "masked"

    exception = shop.unmask(product, "ann", "c_s_t1.email")

    assert fake.what_does(ANN, "c.s.t1", "email") == "clear", shop.trouble()
    assert fake.what_does("bob@x.org", "c.s.t1", "email") == "masked"
    shop.revoke(exception)
    assert fake.what_does(ANN, "c.s.t1", "email") == "masked"
    for each in access:
        shop.revoke(each)
    assert fake.snapshot() == before


@pytest.mark.parametrize("kind", ["function", "policy", "two masks"])
def test_23_a_mask_of_somebody_else_is_refused_and_stays(shop, fake, kind):
    masked_by_hand(fake)
    if kind != "function":
        fake.function("c.s.blank", "'-'")
        fake.tag("c.s.t1", "pii", "email", column="email")
        fake.policy(
            "emails", "schema", "c.s", to=["account users"],
            match_columns=[{"alias": "c", "condition": "has_tag('pii')"}],
            column_mask={"function_name": "c.s.blank", "on_column": "c"},
        )  # fmt: skip
    if kind == "policy":
        fake.mask("c.s.t1", "email", None)
    product = shop.product("c.s.t1", masked=["email"])
    shop.give(product)
    assert shop.state() == "active", shop.trouble()
    before, calls = fake.snapshot(), len(fake.calls)

    shop.unmask(product, "ann", "c_s_t1.email")

    assert "none of ours" in shop.trouble()
    assert {"function": "c.s.hide", "policy": "policy emails", "two masks": " and "}[
        kind
    ] in shop.trouble()
    assert fake.snapshot() == before
    assert [each for each in fake.calls[calls:] if each.method != "GET"] == []


def test_24_a_column_that_is_bare_blocks_access_instead_of_leaking(shop, fake):
    shop.give(shop.product("c.s.t1", masked=["email"]))

    assert shop.state() == "wanted"
    assert "unprotected_column" in shop.trouble()
    assert fake.what_does(ANN, "c.s.t1", "id") == "none"
    masked_by_hand(fake)
    shop.settle()
    assert shop.state() == "active", shop.trouble()
    assert fake.what_does(ANN, "c.s.t1", "email") == "masked"


@BOTH
def test_25_after_a_day_off_the_mask_comes_back_before_access_ends(shop_of, fake, caplog, strategy):
    group = masked_by_hand(fake)
    shop = shop_of(strategy=strategy, exception_groups={"c.s.t1.email": group})
    before = fake.snapshot()
    product = shop.product("c.s.t1", masked=["email"])
    with caplog.at_level(logging.DEBUG):
        shop.give(product, until=timedelta(days=2))
        shop.unmask(product, "ann", "c_s_t1.email", until=timedelta(days=2))
        assert fake.what_does(ANN, "c.s.t1", "email") == "clear", shop.trouble()
        calls = len(fake.calls)
        shop.clock.advance(days=3)
        shop.market.deliver()

    taken = [f"{each.method} {each.path}" for each in fake.calls[calls:] if each.method != "GET"]
    assert taken[0].startswith("DELETE"), taken
    assert "direct-members" in taken[0]
    assert {each.state for each in shop.grants()} == {"ended"}
    assert fake.snapshot() == before
    assert fake.token not in caplog.text


def test_26_whoever_is_added_to_our_group_by_hand_is_told_and_stays(shop_of, fake):
    shop = shop_of(strategy="group")
    request = shop.give(shop.product("c.s.t1"))
    (group,) = (name for name in fake.snapshot()["members"] if name.startswith("mp_"))
    fake.add_member(group, "bob@x.org")

    drift = shop.market.grants.drift(by="gil")
    shop.market.grants.repair(by="gil")
    shop.settle()

    assert [each.kind for each in drift.findings] == ["extra_member"], drift
    assert group in drift.findings[0].what
    assert fake.what_does("bob@x.org", "c.s.t1", "id") == "clear"
    shop.revoke(request)
    shop.settle()
    assert fake.what_does(ANN, "c.s.t1", "id") == "none"
    assert group in fake.snapshot()["members"], "a group with a stranger in it is not deleted"


@BOTH
def test_27_an_exception_for_a_group_is_one_for_its_members(shop_of, fake, strategy):
    group = masked_by_hand(fake)
    shop = shop_of(strategy=strategy, exception_groups={"c.s.t1.email": group})
    shop.market.people.add("fin", principals={"lake": "Finance"}, by="uma")
    product = shop.product("c.s.t1", masked=["email"])
    shop.give(product, "fin")
    assert fake.what_does("bob@x.org", "c.s.t1", "email") == "masked"

    exception = shop.unmask(product, "fin", "c_s_t1.email")

    assert fake.what_does("bob@x.org", "c.s.t1", "email") == "clear", shop.trouble("fin")
    shop.revoke(exception)
    assert fake.what_does("bob@x.org", "c.s.t1", "email") == "masked"
