"""Masks: an administrator sets them up, approvals only make exceptions, strangers' stay as they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from plugins.databricks.tests.helpers import add, call_for, remove, results
from plugins.databricks.tests.shop import PEOPLE, Shop

from marketplace_sdk.plugin import InvalidInput, ProvisioningError
from marketplace_sdk.testing import FrozenClock
from marketplace_sdk_databricks import protecting, steps
from marketplace_sdk_databricks.protecting import Wanted
from marketplace_sdk_databricks.provisioner import DatabricksProvisioner
from marketplace_sdk_databricks.settings import read_settings
from marketplace_sdk_databricks.testing import FakeDatabricks

ANN, BOB = PEOPLE["ann"], PEOPLE["bob"]
TABLE = "c.s.exceptions"


@pytest.fixture
def admin(fake, lake):
    """Our service principal, for once with the rights of an administrator."""
    fake.own(fake.me, "schema", "c.s")
    fake.own(fake.me, "table", "c.s.t1")
    return lake


def settings_of(fake, how):
    settings = {"warehouse_id": fake.warehouse_id}
    return {**settings, "exception_table": TABLE} if how == "exceptions" else settings


@pytest.fixture
def shop_of(fake, admin):
    made = []

    def make(**settings):
        made.append(Shop(fake, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


def wanted(how="function", **more):
    policy = {"function": "c.s.hide", "condition": "has_tag_value('pii', 'email')"}
    return Wanted(
        table="C.S.T1", column="EMAIL", how=how, **(policy if how == "policy" else {}), **more
    )


def protect(shop, fake, how="function", **more):
    """As ``marketplace databricks protect`` does; returns what it showed."""
    if how == "policy":
        fake.tag("c.s.t1", "pii", "email", column="email")
        fake.function("c.s.hide", "'***'")
        fake.give(fake.me, "EXECUTE", "function", "c.s.hide")
    with lake_of(shop).site(call_for()) as site:
        planned = protecting.plan_protect(site, wanted(how, **more))
        steps.run(site, planned)
    return [step.shown for step in planned]


def lake_of(shop):
    settings = read_settings({**shop.fake.settings, **shop.settings}, lambda text: text)
    return DatabricksProvisioner(settings, installation=shop.installation())


@pytest.mark.parametrize("how", ["function", "policy", "exceptions"])
def test_a_mask_of_ours_from_its_set_up_to_its_end(shop_of, fake, how):
    shop = shop_of(**settings_of(fake, how))
    before = fake.snapshot()
    shown = protect(shop, fake, how)
    assert shown[-1].startswith({"policy": "CREATE POLICY"}.get(how, "ALTER TABLE"))
    product = shop.product("c.s.t1", masked=["email"])
    access = [shop.give(product, "ann"), shop.give(product, "bob")]
    assert shop.state() == "active", shop.trouble()
    assert fake.what_does(ANN, "c.s.t1", "email") == "masked"
    prints = {key: fake.snapshot()[key] for key in ("masks", "functions", "policies")}

    exception = shop.unmask(product, "ann", "c_s_t1.email")

    assert fake.what_does(ANN, "c.s.t1", "email") == "clear", shop.trouble()
    assert fake.what_does(BOB, "c.s.t1", "email") == "masked"
    shop.revoke(exception)
    assert fake.what_does(ANN, "c.s.t1", "email") == "masked"
    assert {key: fake.snapshot()[key] for key in prints} == prints
    for each in access:
        shop.revoke(each)
    provisioner = lake_of(shop)
    with provisioner.site(call_for()) as site:
        steps.run(site, protecting.plan_unprotect(site, wanted(how)))
    after = fake.snapshot()
    assert after["masks"] == before["masks"]
    assert after["policies"] == before["policies"]
    assert {n for n in after["functions"] if "mp_" in n} == set()


@pytest.mark.parametrize("change", ["text", "function", "gone", "hidden"])
def test_a_policy_of_ours_whose_function_was_changed_protects_nothing(shop_of, fake, change):
    """The function is somebody else's, and a policy is only as good as what it shows."""
    shop = shop_of(warehouse_id=fake.warehouse_id)
    protect(shop, fake, "policy")
    product = shop.product("c.s.t1", masked=["email"])
    shop.give(product, "ann")
    assert fake.what_does(ANN, "c.s.t1", "email") == "masked"

    if change == "hidden":
        refused = {"status": 403, "error_code": "PERMISSION_DENIED", "message": "no EXECUTE"}
        fake.faults.add("GET", "*/functions/c.s.hide", times=None, **refused)
    elif change == "function":
        ((key, policy),) = fake.snapshot()["policies"].items()
        fake.function("c.s.other", "v")
        fake.policy(
            key[2],
            *key[:2],
            to=policy["to_principals"],
            **{
                **{
                    k: v
                    for k, v in policy.items()
                    if k not in ("id", "updated_at", "to_principals")
                },
                "column_mask": {**policy["column_mask"], "function_name": "c.s.other"},
            },
        )
    else:
        fake.drop("function", "c.s.hide")
        if change == "text":
            fake.function("c.s.hide", "v")
            fake.give(fake.me, "EXECUTE", "function", "c.s.hide")
    shop.give(product, "bob")
    shop.settle()

    trouble = shop.trouble("bob")
    assert "unprotected_column" in trouble
    if change != "gone":
        assert fake.what_does(BOB, "c.s.t1", "email") == "none"


def test_setting_up_twice_does_nothing_the_second_time(shop_of, fake):
    shop = shop_of(warehouse_id=fake.warehouse_id)
    assert len(protect(shop, fake)) == 3
    before = fake.snapshot()

    assert protect(shop, fake) == []
    assert fake.snapshot() == before


@pytest.mark.parametrize("nth", [1, 2])
def test_a_set_up_that_was_broken_off_goes_on(shop_of, fake, nth):
    shop = shop_of(warehouse_id=fake.warehouse_id)
    fake.faults.add("POST", "*/sql/statements*", nth=nth, failed="[INTERNAL_ERROR] broke")

    with pytest.raises(ProvisioningError, match="cannot run step"):
        protect(shop, fake)
    protect(shop, fake)

    product = shop.product("c.s.t1", masked=["email"])
    shop.give(product)
    assert fake.what_does(ANN, "c.s.t1", "email") == "masked", shop.trouble()


def test_what_others_see_may_be_a_fixed_text(shop_of, fake):
    shop = shop_of(warehouse_id=fake.warehouse_id)

    shown = protect(shop, fake, style="fixed")

    assert any(r"ELSE '***' END" in each for each in shown)


def test_a_mask_of_ours_that_was_altered_protects_nothing(shop_of, fake):
    """Somebody with rights on the function may let it show everything: access waits."""
    shop = shop_of(warehouse_id=fake.warehouse_id)
    protect(shop, fake)
    (name,) = (each for each in fake.snapshot()["functions"] if "mp_" in each)
    fake.mask("c.s.t1", "email", None)
    fake.drop("function", name)
    fake.function(name, "v")
    fake.mask("c.s.t1", "email", name)

    shop.give(shop.product("c.s.t1", masked=["email"]))

    assert shop.state() == "wanted"
    assert "unprotected_column" in shop.trouble()
    assert fake.what_does(ANN, "c.s.t1", "email") == "none"
    with (
        lake_of(shop).site(call_for()) as site,
        pytest.raises(InvalidInput, match="not as we set it up"),
    ):
        protecting.plan_unprotect(site, wanted())


def test_a_mask_of_somebody_else_is_neither_replaced_nor_dropped(shop_of, fake):
    shop = shop_of(warehouse_id=fake.warehouse_id)
    fake.function("c.s.theirs", "'-'")
    fake.mask("c.s.t1", "email", "c.s.theirs")
    before = fake.snapshot()
    with lake_of(shop).site(call_for()) as site:
        with pytest.raises(InvalidInput, match=r"c\.s\.theirs already, and a second mask breaks"):
            protecting.plan_protect(site, wanted())
        with pytest.raises(InvalidInput, match=r"c\.s\.theirs, which is not as we set it up"):
            protecting.plan_unprotect(site, wanted())

    assert fake.snapshot() == before


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Wanted(table="c.s", column="email"), "must have 3 parts"),
        (Wanted(table="c.s.none", column="email"), "no such table"),
        (Wanted(table="c.s.t1", column="none"), "no column of it"),
        (Wanted(table="c.s.v", column="id"), "protect the table below it"),
        (Wanted(table="c.s.t1", column="id", style="fixed"), "STRING columns only"),
        (Wanted(table="c.s.odd", column="x"), "for which no function is made"),
        (Wanted(table="c.s.t1", column="email", schema="c"), "must have 2 parts"),
        (Wanted(table="c.s.t1", column="email", how="exceptions"), "is not configured"),
        (Wanted(table="c.s.t1", column="email", how="policy"), "must be true of the column's tags"),
        (Wanted(table="c.s.t1", column="email", how="policy", condition="has_tag('pii')"), "is true of id too"),
        (Wanted(table="c.s.t1", column="email", how="policy", condition="has_tag('mine')"), "masking function that exists"),
    ],
)  # fmt: skip
def test_what_cannot_be_masked_is_refused_and_nothing_is_changed(shop_of, fake, asked, why):
    shop = shop_of(warehouse_id=fake.warehouse_id)
    fake.table("c.s.v", {"id": "BIGINT"}, kind="VIEW")
    # Whoever makes a table names the fields, and might write the rest of our statement.
    fake.table("c.s.odd", {"x": "STRUCT<`a) RETURNS STRING RETURN v --`:INT>"})
    for column in ("id", "email"):
        fake.tag("c.s.t1", "pii", "", column=column)
    fake.tag("c.s.t1", "mine", "", column="email")
    before = fake.snapshot()

    with lake_of(shop).site(call_for()) as site, pytest.raises(InvalidInput, match=why):
        protecting.plan_protect(site, asked)

    assert fake.snapshot() == before


def test_without_a_warehouse_no_mask_function_can_be_set(shop_of):
    shop = shop_of()
    with (
        lake_of(shop).site(call_for()) as site,
        pytest.raises(InvalidInput, match="masks are set by SQL"),
    ):
        protecting.plan_protect(site, wanted())


@pytest.fixture
def clock():
    """The fake's clock and the marketplace's are one."""
    return FrozenClock()


@pytest.fixture
def timed(clock):
    with FakeDatabricks(clock=clock) as running:
        running.table("c.s.t1", {"id": "BIGINT", "email": "STRING"})
        running.manage(running.me, "catalog", "c")
        running.own(running.me, "schema", "c.s")
        running.own(running.me, "table", "c.s.t1")
        for each in (ANN, BOB):
            running.user(each)
        running.service_principal(PEOPLE["robot"])
        running.group("Finance", members=[BOB])
        yield running


def test_an_end_in_the_table_of_exceptions_holds_although_nobody_works(timed, clock):
    shop = Shop(timed, clock=clock, **settings_of(timed, "exceptions"))
    protect(shop, timed, "exceptions")
    product = shop.product("c.s.t1", masked=["email"])
    shop.give(product, "ann")
    shop.unmask(product, "ann", "c_s_t1.email", until=timedelta(days=2))
    assert timed.what_does(ANN, "c.s.t1", "email") == "clear", shop.trouble()

    clock.advance(days=1)
    assert timed.what_does(ANN, "c.s.t1", "email") == "clear"
    clock.advance(days=1, seconds=1)

    assert timed.what_does(ANN, "c.s.t1", "email") == "masked"
    shop.market.deliver()
    assert timed.snapshot()["rows"] == {}
    shop.close()


def test_a_later_end_is_written_into_the_row(timed, clock):
    shop = Shop(timed, clock=clock, **settings_of(timed, "exceptions"))
    protect(shop, timed, "exceptions")
    product = shop.product("c.s.t1", masked=["email"])
    shop.give(product, "ann")
    first = shop.unmask(product, "ann", "c_s_t1.email", until=timedelta(days=2))
    longer = shop.market.requests.extend(first, answers={"why": "more"}, by="ann")
    shop.approve(longer.id, timedelta(days=10))
    shop.market.deliver()

    clock.advance(days=5)

    assert timed.what_does(ANN, "c.s.t1", "email") == "clear"
    clock.advance(days=6)
    assert timed.what_does(ANN, "c.s.t1", "email") == "masked"
    shop.close()


def test_the_table_of_exceptions_knows_no_groups(timed, clock):
    shop = Shop(timed, clock=clock, **settings_of(timed, "exceptions"))
    protect(shop, timed, "exceptions")
    shop.market.people.add("fin", principals={"lake": "Finance"}, by="uma")
    product = shop.product("c.s.t1", masked=["email"])
    shop.give(product, "fin")

    shop.unmask(product, "fin", "c_s_t1.email")

    assert "users and service principals only" in shop.trouble("fin")
    assert timed.what_does(BOB, "c.s.t1", "email") == "masked"
    shop.close()


def test_a_service_principal_gets_its_exception_by_application_id(timed, clock):
    shop = Shop(timed, clock=clock, **settings_of(timed, "exceptions"))
    protect(shop, timed, "exceptions")
    product = shop.product("c.s.t1", masked=["email"])
    shop.give(product, "robot")

    shop.unmask(product, "robot", "c_s_t1.email")

    assert timed.what_does(PEOPLE["robot"], "c.s.t1", "email") == "clear", shop.trouble("robot")
    shop.close()


def test_an_exception_needs_the_group_that_the_mask_names(lake, fake):
    """Without the right to manage it, it is told what an administrator must do."""
    fake.group("theirs")
    fake.function("c.s.hide", "CASE WHEN is_account_group_member('theirs') THEN v ELSE NULL END")
    fake.mask("c.s.t1", "email", "c.s.hide")
    provisioner = lake.provisioner(exception_groups={"c.s.t1.email": "theirs"})
    (item,) = lake.plan(provisioner, ["c.s.t1"], ANN, column="email")

    (outcome,) = add(provisioner, [item])

    assert outcome.result == "refused"
    assert "a manager of group `theirs`" in outcome.error
    fake.drop("group", "theirs")
    (outcome,) = add(provisioner, [item])
    assert outcome.result == "refused"
    assert "there is no account group theirs" in outcome.error
    assert results(remove(provisioner, [item])) == ["already"]


@pytest.mark.parametrize(
    ("body", "hides"),
    [
        ({}, True),
        ({"match_columns": [{"alias": "c", "condition": "has_tag('other')"}]}, False),
        ({"match_columns": [{"alias": "c", "condition": "something_new()"}]}, None),
        ({"when_condition": "has_tag('x')"}, None),
        ({"to": ["Finance"]}, None),
    ],
)
def test_a_policy_counts_as_far_as_it_is_understood(lake, fake, body, hides):
    """What cannot be told leaves the guard without an answer, and the table closed."""
    fake.function("c.s.hide", "'-'")
    fake.tag("c.s.t1", "pii", "email", column="email")
    to = body.pop("to", ["account users"]) if "to" in body else ["account users"]
    made = {
        "match_columns": [{"alias": "c", "condition": "has_tag('pii')"}],
        "column_mask": {"function_name": "c.s.hide", "on_column": "c"},
    }
    fake.policy("emails", "catalog", "c", to=to, **{**made, **body})
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN, masked=["email"])
    (guard,) = items[-1].guards

    seen = provisioner.observe([items[-1].scope], [guard], call_for())

    answers = {g: a for each in seen.values() for g, a in each.guards.items()}
    assert answers.get(guard) is hides
