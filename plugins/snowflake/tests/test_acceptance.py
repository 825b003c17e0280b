"""From a form to who can read what: a whole marketplace on a fake account, and back again.

What people see is asked of the fake, which walks roles and evaluates policies by itself.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest

from marketplace_sdk_snowflake.items import unmask_condition
from marketplace_sdk_snowflake.naming import quote_name, role_prefix
from marketplace_sdk_snowflake.settings import Settings

ORDERS = ("SALES", "CORE", "ORDERS")
ITEMS = ("SALES", "CORE", "ITEMS")
TOTALS = ("SALES", "CORE", "TOTALS")
SECRET = ("SALES", "CORE", "SECRET")


def codes(shop, person):
    return {code for code, _ in shop.trouble(person)}


def words(shop, person):
    return " ".join(message for _, message in shop.trouble(person))


def changes(fake, since=0):
    """Statements that change something, as they arrived."""
    return [
        one.sql
        for one in fake.statements[since:]
        if not one.sql.startswith(("SHOW", "DESCRIBE", "SELECT"))
    ]


def role_of(fake, shop, kind="R"):
    """Our role on the account of that kind."""
    prefix = role_prefix(shop.market.installation) + f"{kind}_"
    (found,) = [row[1] for row in fake.admin("SHOW ROLES") if row[1].startswith(prefix)]
    return found


def protect(fake, shop, column, table=ORDERS, body=None):
    """Put a customer's policy on a column, which asks for our exceptions unless a body is given."""
    condition = unmask_condition(shop.market.installation, (*table, column), Settings())
    text = body or f"CASE WHEN {condition} THEN val ELSE '***' END"
    policy = ("GOV", "POLICIES", f"MASK_{column}")
    fake.policy(policy, text, on=[(table, column)])
    fake.admin("GRANT USAGE ON DATABASE GOV TO ROLE MKT_SVC")
    fake.admin("GRANT USAGE ON SCHEMA GOV.POLICIES TO ROLE MKT_SVC")
    fake.admin(f"GRANT APPLY ON MASKING POLICY {quote_name(*policy)} TO ROLE MKT_SVC")
    return policy, text


@pytest.fixture
def masked(shop, fake):
    """A product on ORDERS whose EMAIL and PHONE are masked by policies that ask for us."""
    protect(fake, shop, "EMAIL")
    protect(fake, shop, "PHONE")
    return shop.product(shop.source("orders", ORDERS, ["ID", "EMAIL", "PHONE"], ["EMAIL", "PHONE"]))


@pytest.fixture(autouse=True)
def nothing_forbidden(fake):
    """No test of this module may make the plugin send what it never sends."""
    yield
    for one in fake.statements:
        for word in (" FORCE", "UNSET", "ACCOUNTADMIN", " FUTURE ", "CASCADE", "USE ROLE"):
            assert word not in one.sql, one.sql
        if one.sql.startswith(("CREATE", "DROP")):
            assert '"MKT_' in one.sql, one.sql


def test_1_an_approval_opens_the_product_and_nothing_else(make_shop, fake):
    """Two tables and a view; a second pass changes nothing."""
    shop = make_shop(warehouse="COMPUTE_WH")
    fake.table(SECRET, ["ID"])
    product = shop.product(
        shop.source("orders", ORDERS, ["ID", "EMAIL", "PHONE"]),
        shop.source("items", ITEMS, ["ID", "SKU"]),
        shop.source("totals", TOTALS, ["ID", "SKU"]),
    )

    shop.give(product, "alice")

    assert shop.trouble("alice") == []
    assert all(fake.can_select("ALICE", each) for each in (ORDERS, ITEMS, TOTALS))
    assert not fake.can_select("ALICE", SECRET)
    assert not fake.can_select("BOB", ORDERS)
    before, mark = fake.snapshot(), len(fake.statements)
    shop.market.sources.update("orders", description="seen again", by="gil")
    shop.market.deliver()
    assert len(fake.statements) > mark
    assert changes(fake, mark) == []
    assert fake.snapshot() == before


def test_2_temporary_access_ends_by_itself_and_leaves_nothing(shop, fake):
    before = fake.snapshot()
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))
    shop.give(product, "alice", until=timedelta(days=30))
    assert fake.can_select("ALICE", ORDERS)

    shop.clock.advance(days=31)
    shop.market.deliver()

    assert not fake.can_select("ALICE", ORDERS)
    assert fake.snapshot() == before


def test_3_revoking_one_person_does_not_touch_another(shop, fake):
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))
    hers = shop.give(product, "alice")
    shop.give(product, "bob")
    show = f'SHOW GRANTS OF ROLE "{role_of(fake, shop)}"'
    his = [row for row in fake.admin(show) if "BOB" in row]
    assert his

    shop.revoke(hers)

    assert not fake.can_select("ALICE", ORDERS)
    assert fake.can_select("BOB", ORDERS)
    assert fake.admin(show) == his


def test_4_access_by_two_products_ends_with_the_last(shop, fake):
    source = shop.source("orders", ORDERS, ["ID"])
    first = shop.give(shop.product(source), "alice")
    second = shop.give(shop.product(source), "alice")

    shop.revoke(first)
    assert fake.can_select("ALICE", ORDERS)
    shop.revoke(second)
    assert not fake.can_select("ALICE", ORDERS)


def test_5_a_member_whom_nobody_approved_is_told_and_kept(shop, fake):
    fake.user("CAROL")
    shop.market.people.add("carol", principals={"warehouse": "CAROL"}, by="uma")
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))
    request = shop.give(product, "bob")
    shop.give(product, "carol")
    fake.admin(f'GRANT ROLE "{role_of(fake, shop)}" TO USER "ALICE"')

    assert "extra_member" in {kind for kind, _ in shop.drift()}
    shop.revoke(request)
    shop.settle()

    assert not fake.can_select("BOB", ORDERS)
    assert fake.can_select("CAROL", ORDERS)
    assert fake.can_select("ALICE", ORDERS), "others lose nothing when somebody is revoked"
    assert "extra_member" in {kind for kind, _ in shop.drift()}


def test_6_a_right_of_ones_own_outlives_the_access(shop, fake):
    fake.role("ANALYST")
    for right in (
        "USAGE ON DATABASE SALES",
        "USAGE ON SCHEMA SALES.CORE",
        "SELECT ON TABLE SALES.CORE.ORDERS",
    ):
        fake.admin(f"GRANT {right} TO ROLE ANALYST")
    fake.grant_role("ANALYST", ("USER", "ALICE"))
    before = fake.snapshot()
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))

    shop.revoke(shop.give(product, "alice"))

    assert fake.can_select("ALICE", ORDERS)
    assert fake.snapshot() == before


def test_7_a_grant_that_says_it_was_not_executed_is_no_grant(shop, fake):
    fake.faults.add("not executed", "GRANT ROLE")
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))

    shop.give(product, "alice")

    assert not fake.can_select("ALICE", ORDERS)
    assert "MissingPrivilege" in words(shop, "alice")
    assert shop.grants("alice")[0].state == "wanted"
    shop.settle()
    assert fake.can_select("ALICE", ORDERS)


@pytest.mark.parametrize("old", [False, True])
def test_8_a_missing_right_is_told_with_the_statement_that_gives_it(make_shop, fake, old):
    """Lent rights do not count in a schema with managed access; whatever form the refusal has."""
    fake.schema(("SALES", "HR"), managed=True)
    fake.table(("SALES", "HR", "PAY"), ["ID"])
    fake.admin("GRANT USAGE ON SCHEMA SALES.HR TO ROLE MKT_SVC WITH GRANT OPTION")
    fake.admin("GRANT SELECT ON TABLE SALES.HR.PAY TO ROLE MKT_SVC WITH GRANT OPTION")
    shop = make_shop()
    product = shop.product(shop.source("pay", ("SALES", "HR", "PAY"), ["ID"]))
    if old:
        fake.faults.add("not executed", "GRANT SELECT", times=1000)

    shop.give(product, "alice")

    assert not fake.can_select("ALICE", ("SALES", "HR", "PAY"))
    said = words(shop, "alice")
    assert "MissingPrivilege" in said
    assert 'role MKT_SVC ran: GRANT SELECT ON TABLE "SALES"."HR"."PAY" TO ROLE' in said
    assert 'GRANT MANAGE GRANTS ON SCHEMA "SALES"."HR" TO ROLE "MKT_SVC"' in said
    fake.faults.clear()
    fake.admin("GRANT MANAGE GRANTS ON SCHEMA SALES.HR TO ROLE MKT_SVC")
    shop.settle()
    assert fake.can_select("ALICE", ("SALES", "HR", "PAY"))


@pytest.mark.parametrize("twin", ["", "zoe"])
def test_9_a_user_who_is_not_there_gets_nothing_and_nobody_else_does(shop, fake, twin):
    """A user whose name differs in case is somebody else."""
    if twin:
        fake.user(twin, login_name="ZOE@EXAMPLE")
    shop.market.people.add("zoe", principals={"warehouse": "ZOE"}, by="uma")
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))

    request = shop.give(product, "zoe")

    assert "principal_not_found" in codes(shop, "zoe")
    assert "LOGIN_NAME" in words(shop, "zoe")
    assert not twin or f"there is {twin}" in words(shop, "zoe")
    assert not fake.can_select("zoe", ORDERS)
    shop.revoke(request)
    assert shop.grants("zoe") == [], "revoking it is done"


def test_10_a_role_of_that_name_that_is_not_ours_is_never_touched(shop, fake):
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))
    request = shop.give(product, "alice")
    name = role_of(fake, shop)
    shop.revoke(request)
    fake.role(name, owner="ACCOUNTADMIN", comment="mine")
    before = fake.snapshot()

    shop.give(product, "alice")
    shop.settle()

    assert "NameCollision" in words(shop, "alice")
    assert fake.snapshot() == before


def test_11_what_a_build_took_away_is_given_again_but_not_without_its_masks(masked, shop, fake):
    """CREATE OR REPLACE drops our SELECT; the members stay; a lost mask keeps the door shut."""
    shop.give(masked, "alice")
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    columns = "(ID VARCHAR, EMAIL VARCHAR, PHONE VARCHAR)"
    fake.admin(f"CREATE OR REPLACE TABLE SALES.CORE.ORDERS {columns}")
    for column in ("EMAIL", "PHONE"):
        fake.admin(
            f"ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN {column}"
            f" SET MASKING POLICY GOV.POLICIES.MASK_{column}"
        )
    mark = len(fake.statements)
    assert not fake.can_select("ALICE", ORDERS)
    assert "replaced" in {kind for kind, _ in shop.drift()}

    shop.market.sources.update("orders", description="built again", by="gil")
    shop.market.deliver()

    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    assert not [sql for sql in changes(fake, mark) if "GRANT ROLE" in sql], "members untouched"
    events = {row["type"] for row in _events(shop)}
    assert "marketplace.object.replaced" in events or "object.replaced" in events

    fake.admin(f"CREATE OR REPLACE TABLE SALES.CORE.ORDERS {columns}")
    shop.market.sources.update("orders", description="and again", by="gil")
    shop.market.deliver()
    shop.settle()

    assert not fake.can_select("ALICE", ORDERS)
    assert "unprotected_column" in codes(shop, "alice")


def test_12_an_object_of_another_owner_is_held(shop, fake):
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))
    shop.give(product, "alice")
    fake.role("ELSE")
    fake.admin("DROP TABLE SALES.CORE.ORDERS")
    fake.table(ORDERS, ["ID"], owner="ELSE")

    shop.market.sources.update("orders", description="seen again", by="gil")
    shop.market.deliver()

    assert not fake.can_select("ALICE", ORDERS)
    assert "object_replaced" in codes(shop, "alice")


def test_13_every_kind_of_table_is_opened_once(make_shop, fake):
    """SHOW speaks of some kinds in other words than GRANT; that is no reason to grant again."""
    trusted = {"SALES.CORE.MATVIEW": "a mv", "SALES.CORE.DYNAMIC_TABLE": "a dt"}
    prints = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in trusted.items()}
    shop = make_shop(warehouse="COMPUTE_WH", trusted_views=prints)
    kinds = ("EVENT TABLE", "EXTERNAL TABLE", "ICEBERG TABLE")
    names = [("SALES", "CORE", kind.replace(" ", "_")) for kind in kinds]
    for name, kind in zip(names, kinds, strict=True):
        fake.table(name, ["ID"], kind=kind)
    made = (("MATVIEW", "MATERIALIZED VIEW", "a mv"), ("DYNAMIC_TABLE", "DYNAMIC TABLE", "a dt"))
    for word, kind, text in made:
        names.append(("SALES", "CORE", word))
        fake.view(names[-1], over=ITEMS, kind=kind, text=text)
    fake.view(("SALES", "CORE", "SECURE"), over=ITEMS, secure=True)
    names.append(("SALES", "CORE", "SECURE"))
    product = shop.product(*[shop.source(n[2].lower(), n, ["ID"]) for n in names])

    shop.give(product, "alice")

    assert shop.trouble("alice") == []
    assert all(fake.can_select("ALICE", name) for name in names)
    mark = len(fake.statements)
    shop.market.sources.update("secure", description="seen again", by="gil")
    shop.market.deliver()
    assert len(fake.statements) > mark
    assert changes(fake, mark) == []
    assert shop.drift() == []


def test_14_an_object_that_leaves_the_product_is_closed(shop, fake):
    orders, items = shop.source("orders", ORDERS, ["ID"]), shop.source("items", ITEMS, ["ID"])
    product = shop.product(orders, items)
    shop.give(product, "alice")

    shop.market.products.set_sources(product.id, [items], by="gil")
    shop.market.deliver()

    assert not fake.can_select("ALICE", ORDERS)
    assert fake.can_select("ALICE", ITEMS)


def test_15_an_exception_shows_one_column_to_one_person(masked, shop, fake):
    shop.give(masked, "alice")
    shop.give(masked, "bob")

    shop.unmask(masked, "alice", "orders.EMAIL")

    assert fake.sees_clear("ALICE", ORDERS, "EMAIL")
    assert fake.access("BOB", ORDERS, "EMAIL") == "masked"
    assert fake.access("ALICE", ORDERS, "PHONE") == "masked"
    assert fake.access("BOB", ORDERS, "PHONE") == "masked"
    assert not fake.sees_clear("ALICE", ORDERS, "EMAIL", secondary="NONE"), (
        "a session without secondary roles stays masked"
    )


def test_16_a_policy_of_ours_serves_as_well_as_a_customers(shop, fake, protected):
    """Set up by ``marketplace snowflake protect``; its role stays when the exception ends."""
    protected(shop.market.installation, ORDERS, "EMAIL")
    product = shop.product(shop.source("orders", ORDERS, ["ID", "EMAIL"], ["EMAIL"]))
    before = fake.snapshot()
    access = shop.give(product, "alice")

    exception = shop.unmask(product, "alice", "orders.EMAIL")
    assert shop.trouble("alice") == []
    assert fake.sees_clear("ALICE", ORDERS, "EMAIL")
    shop.revoke(exception)
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    shop.revoke(access)
    assert fake.snapshot() == before


def test_17_a_policy_that_does_not_ask_for_us_is_left_alone(shop, fake):
    policy, body = protect(fake, shop, "EMAIL", body="'hidden'")
    product = shop.product(shop.source("orders", ORDERS, ["ID", "EMAIL"], ["EMAIL"]))
    shop.give(product, "alice")
    before = fake.snapshot()

    shop.unmask(product, "alice", "orders.EMAIL")
    shop.settle()

    assert "MaskNotCooperative" in words(shop, "alice")
    assert "WHEN IS_ROLE_IN_SESSION('MKT_" in words(shop, "alice")
    assert fake.snapshot() == before
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    (described,) = fake.admin(f"DESCRIBE MASKING POLICY {quote_name(*policy)}")
    assert body in described


def test_18_a_column_without_a_policy_is_neither_read_nor_unmasked(shop, fake):
    product = shop.product(shop.source("orders", ORDERS, ["ID", "EMAIL"], ["EMAIL"]))
    shop.give(product, "alice")
    shop.unmask(product, "alice", "orders.EMAIL")

    assert "unprotected_column" in codes(shop, "alice")
    assert not fake.can_select("ALICE", ORDERS)


def test_19_an_exception_ends_and_the_access_stays(masked, shop, fake):
    shop.give(masked, "alice")
    shop.unmask(masked, "alice", "orders.EMAIL", until=timedelta(days=2))
    assert fake.sees_clear("ALICE", ORDERS, "EMAIL")

    shop.clock.advance(days=3)
    shop.market.deliver()

    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    assert fake.can_select("ALICE", ORDERS)


def test_20_unmasking_goes_before_the_access_that_it_needs(masked, shop, fake):
    access = shop.give(masked, "alice")
    shop.unmask(masked, "alice", "orders.EMAIL")
    mark = len(fake.statements)

    shop.revoke(access)

    gone = [sql for sql in changes(fake, mark) if sql.startswith("REVOKE ROLE")]
    assert "_U_" in gone[0]
    assert "_R_" in gone[1]
    assert not fake.can_select("ALICE", ORDERS)


@pytest.mark.parametrize("kind", ["390112", "390114", "503", "lost answer", "cancelled"])
@pytest.mark.parametrize("where", ["SHOW GRANTS OF", "GRANT SELECT", "GRANT ROLE"])
def test_21_trouble_in_the_middle_of_a_pass_doubles_and_loses_nothing(shop, fake, kind, where):
    fake.faults.add(kind, where)
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))

    shop.give(product, "alice")

    assert shop.trouble("alice") == []
    assert fake.can_select("ALICE", ORDERS)
    rows = fake.admin(f'SHOW GRANTS OF ROLE "{role_of(fake, shop)}"')
    assert len(rows) == 1


def test_22_a_change_without_an_answer_is_looked_for_and_not_believed(shop, fake):
    """It took effect, the answer never came, and it is found by looking."""
    fake.faults.add("dropped after", "GRANT ROLE")
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))

    shop.give(product, "alice")
    shop.settle()

    assert fake.can_select("ALICE", ORDERS)
    assert shop.grants("alice")[0].state == "active"


def test_23_a_hook_that_was_taken_out_is_told_and_nothing_is_given_again(masked, shop, fake):
    shop.give(masked, "alice")
    shop.give(masked, "bob")
    shop.unmask(masked, "alice", "orders.EMAIL")
    fake.admin("ALTER MASKING POLICY GOV.POLICIES.MASK_EMAIL SET BODY -> '***'")

    (text,) = [text for kind, text in shop.drift() if kind == "unguarded"]
    assert "EMAIL" in text
    assert "WHEN IS_ROLE_IN_SESSION('MKT_" in text
    shop.unmask(masked, "bob", "orders.EMAIL")

    assert not fake.sees_clear("BOB", ORDERS, "EMAIL")
    assert "IS_ROLE_IN_SESSION" in words(shop, "bob")


def test_24_an_edition_without_policies_opens_nothing_that_is_marked_masked(standard_shop):
    shop = standard_shop
    product = shop.product(shop.source("orders", ORDERS, ["ID", "EMAIL"], ["EMAIL"]))

    shop.give(product, "alice")

    assert "unprotected_column" in codes(shop, "alice")
    assert not shop.fake.can_select("ALICE", ORDERS)


def test_25_without_rights_the_exact_grants_are_told_and_with_them_it_works(shop, fake):
    for right in (
        "USAGE ON DATABASE SALES",
        "MANAGE GRANTS ON SCHEMA SALES.CORE",
    ):
        fake.admin(f"REVOKE {right} FROM ROLE MKT_SVC")
    fake.admin("REVOKE CREATE ROLE ON ACCOUNT FROM ROLE MKT_SVC")
    product = shop.product(shop.source("orders", ORDERS, ["ID"]))
    shop.give(product, "alice")
    assert not fake.can_select("ALICE", ORDERS)
    assert "not visible to role MKT_SVC" in words(shop, "alice")

    for _ in range(5):
        told = shop.shortcomings()
        missing = [each["statement"] for each in told if each["severity"] == "missing"]
        if not missing:
            break
        for statement in missing:
            assert "ACCOUNTADMIN" not in statement
            fake.admin(statement)
    shop.settle()
    assert fake.can_select("ALICE", ORDERS)


def _events(shop):
    return [json.loads(line) for line in shop.market.audit.export(by="gil")]
