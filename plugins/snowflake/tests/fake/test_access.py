"""Who can read what, against cases that were worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace_sdk_snowflake.testing import FakeSnowflake

ORDERS = ("SALES", "CORE", "ORDERS")
HOOK = "CASE WHEN IS_ROLE_IN_SESSION('CLEAR') THEN val ELSE '*****' END"


def open_to(fake, role, table=ORDERS, kind="TABLE", grantee="ROLE"):
    database, schema, name = (f'"{part}"' for part in table)
    fake.admin(f"GRANT USAGE ON DATABASE {database} TO {grantee} {role}")
    fake.admin(f"GRANT USAGE ON SCHEMA {database}.{schema} TO {grantee} {role}")
    fake.admin(f"GRANT SELECT ON {kind} {database}.{schema}.{name} TO {grantee} {role}")


def member(fake, role, user="ALICE"):
    fake.grant_role(role, ("USER", user))


def test_nobody_reads_what_was_not_granted(fake):
    assert fake.access("ALICE", ORDERS) == "none"
    assert not fake.can_select("ALICE", ORDERS)
    assert not fake.can_select("NOBODY", ORDERS)
    assert not fake.can_select("ALICE", ("SALES", "CORE", "NONE"))


def test_a_member_reads_what_the_role_may_read_until_the_membership_ends(fake):
    fake.role("R")
    open_to(fake, "R")
    member(fake, "R")
    assert fake.can_select("ALICE", ORDERS, "EMAIL")
    assert not fake.can_select("ALICE", ORDERS, "NONE")
    fake.admin("REVOKE ROLE R FROM USER ALICE")
    assert not fake.can_select("ALICE", ORDERS)


@pytest.mark.parametrize(
    "missing",
    [
        "REVOKE USAGE ON DATABASE SALES FROM ROLE R",
        "REVOKE USAGE ON SCHEMA SALES.CORE FROM ROLE R",
        "REVOKE SELECT ON TABLE SALES.CORE.ORDERS FROM ROLE R",
    ],
)
def test_reading_needs_the_database_the_schema_and_the_table(fake, missing):
    fake.role("R")
    open_to(fake, "R")
    member(fake, "R")
    fake.admin(missing)
    assert not fake.can_select("ALICE", ORDERS)


def test_roles_under_a_role_count_and_roles_above_it_do_not(fake):
    for name in ("LOW", "MIDDLE", "HIGH"):
        fake.role(name)
    fake.admin("GRANT ROLE LOW TO ROLE MIDDLE")
    fake.admin("GRANT ROLE MIDDLE TO ROLE HIGH")
    fake.user("BOB", roles=["LOW"])
    member(fake, "HIGH")
    open_to(fake, "MIDDLE")
    assert fake.can_select("ALICE", ORDERS)
    assert not fake.can_select("BOB", ORDERS)


def test_without_secondary_roles_only_the_primary_role_counts(fake):
    fake.role("R")
    fake.role("OTHER")
    open_to(fake, "R")
    member(fake, "R")
    member(fake, "OTHER")
    assert fake.can_select("ALICE", ORDERS, secondary="ALL", role="OTHER")
    assert not fake.can_select("ALICE", ORDERS, secondary="NONE", role="OTHER")
    assert fake.can_select("ALICE", ORDERS, secondary="NONE", role="R")


def test_everybody_has_what_public_has(fake):
    open_to(fake, "PUBLIC")
    assert fake.can_select("ALICE", ORDERS, secondary="NONE")


def test_a_grant_to_the_user_counts_only_with_secondary_roles(fake):
    open_to(fake, "ALICE", grantee="USER")
    assert fake.can_select("ALICE", ORDERS)
    assert not fake.can_select("ALICE", ORDERS, secondary="NONE")


@pytest.mark.parametrize("holder", ["USER ALICE", "ROLE R"])
def test_a_database_role_counts_through_a_user_or_a_role(fake, holder):
    fake.role("R")
    member(fake, "R")
    fake.database_role(("SALES", "READER"))
    open_to(fake, "SALES.READER", grantee="DATABASE ROLE")
    fake.admin(f"GRANT DATABASE ROLE SALES.READER TO {holder}")
    assert fake.can_select("ALICE", ORDERS)
    fake.admin(f"REVOKE DATABASE ROLE SALES.READER FROM {holder}")
    assert not fake.can_select("ALICE", ORDERS)


def test_database_roles_can_hold_each_other(fake):
    for name in ("LOW", "HIGH"):
        fake.database_role(("SALES", name))
    open_to(fake, "SALES.LOW", grantee="DATABASE ROLE")
    fake.admin("GRANT DATABASE ROLE SALES.LOW TO DATABASE ROLE SALES.HIGH")
    fake.grant_role(("SALES", "HIGH"), ("USER", "ALICE"))
    assert fake.can_select("ALICE", ORDERS)


def test_a_disabled_user_reads_nothing(fake):
    fake.role("R")
    open_to(fake, "R")
    fake.user("GONE", roles=["R"], disabled=True)
    assert not fake.can_select("GONE", ORDERS)


def test_a_replaced_table_loses_its_grants_unless_they_are_copied(fake):
    fake.role("R")
    open_to(fake, "R")
    member(fake, "R")
    fake.admin("CREATE OR REPLACE TABLE SALES.CORE.ORDERS (ID NUMBER) COPY GRANTS")
    assert fake.can_select("ALICE", ORDERS)
    fake.admin("CREATE OR REPLACE TABLE SALES.CORE.ORDERS (ID NUMBER)")
    assert not fake.can_select("ALICE", ORDERS)


def test_what_is_dropped_and_made_again_has_no_grants(fake):
    fake.role("R")
    open_to(fake, "R")
    member(fake, "R")
    fake.admin("DROP TABLE SALES.CORE.ORDERS")
    fake.admin("CREATE TABLE SALES.CORE.ORDERS (ID NUMBER)")
    assert not fake.can_select("ALICE", ORDERS)
    fake.admin("DROP USER ALICE")
    fake.admin("CREATE USER ALICE")
    open_to(fake, "R")
    assert not fake.can_select("ALICE", ORDERS)


def test_inherited_grants_reach_tables_that_come_later_and_no_other_kind(fake):
    fake.role("R")
    member(fake, "R")
    open_to(fake, "R")
    fake.admin("GRANT INHERITED SELECT ON ALL TABLES IN SCHEMA SALES.CORE TO ROLE R")
    fake.table(("SALES", "CORE", "LATER"))
    fake.table(("SALES", "CORE", "EXTERNAL"), kind="EXTERNAL TABLE")
    fake.table(("SALES", "ELSEWHERE", "T"))
    assert fake.can_select("ALICE", ("SALES", "CORE", "LATER"))
    assert not fake.can_select("ALICE", ("SALES", "CORE", "EXTERNAL"))
    assert not fake.can_select("ALICE", ("SALES", "ELSEWHERE", "T"))
    fake.admin("REVOKE INHERITED SELECT ON ALL TABLES IN SCHEMA SALES.CORE FROM ROLE R")
    assert not fake.can_select("ALICE", ("SALES", "CORE", "LATER"))


def test_a_view_is_read_with_the_rights_of_its_owner(fake):
    view = ("MART", "OUT", "V")
    fake.role("MODELLER")
    fake.role("R")
    member(fake, "R")
    fake.view(view, over=ORDERS, owner="MODELLER")
    open_to(fake, "R", view, kind="VIEW")
    assert not fake.can_select("ALICE", view), "the owner cannot read the table"
    open_to(fake, "MODELLER")
    assert fake.can_select("ALICE", view)
    assert not fake.can_select("ALICE", ORDERS)


def test_a_bare_column_is_clear_and_a_masked_one_asks_the_session(fake):
    fake.role("R")
    fake.role("CLEAR")
    open_to(fake, "R")
    fake.user("BOB", roles=["R"])
    member(fake, "R")
    assert fake.access("ALICE", ORDERS, "EMAIL") == "clear"
    fake.policy(("GOV", "MKT", "P"), HOOK, on=[(ORDERS, "EMAIL")])
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    member(fake, "CLEAR")
    assert fake.access("ALICE", ORDERS, "EMAIL") == "clear"
    assert fake.sees_clear("ALICE", ORDERS, "EMAIL")
    assert not fake.sees_clear("BOB", ORDERS, "EMAIL")
    assert fake.access("BOB", ORDERS, "ID") == "clear"


def test_a_hook_opens_nothing_by_itself(fake):
    fake.role("CLEAR")
    member(fake, "CLEAR")
    fake.policy(("GOV", "MKT", "P"), HOOK, on=[(ORDERS, "EMAIL")])
    assert fake.access("ALICE", ORDERS, "EMAIL") == "none"


def test_without_secondary_roles_an_unmask_role_beside_the_primary_one_does_not_count(fake):
    fake.role("R")
    fake.role("CLEAR")
    open_to(fake, "R")
    member(fake, "R")
    member(fake, "CLEAR")
    fake.policy(("GOV", "MKT", "P"), HOOK, on=[(ORDERS, "EMAIL")])
    assert fake.access("ALICE", ORDERS, "EMAIL", role="R") == "clear"
    assert fake.access("ALICE", ORDERS, "EMAIL", role="R", secondary="NONE") == "masked"


def test_the_current_role_alone_is_the_classic_mistake(fake):
    fake.role("R")
    fake.role("CLEAR")
    open_to(fake, "R")
    member(fake, "R")
    member(fake, "CLEAR")
    body = "CASE WHEN CURRENT_ROLE() = 'CLEAR' THEN val ELSE '*' END"
    fake.policy(("GOV", "MKT", "P"), body, on=[(ORDERS, "EMAIL")])
    assert fake.access("ALICE", ORDERS, "EMAIL", role="R") == "masked"
    assert fake.access("ALICE", ORDERS, "EMAIL", role="CLEAR") == "clear"


def test_a_database_role_is_asked_by_its_short_name_in_the_database_of_the_table(fake):
    fake.database_role(("SALES", "CLEAR"))
    fake.database_role(("GOV", "CLEAR"))
    open_to(fake, "PUBLIC")
    body = "CASE WHEN IS_DATABASE_ROLE_IN_SESSION('{}') THEN val ELSE '*' END"
    fake.policy(("GOV", "MKT", "P"), body.format("CLEAR"), on=[(ORDERS, "EMAIL")])
    fake.grant_role(("GOV", "CLEAR"), ("USER", "ALICE"))
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    fake.grant_role(("SALES", "CLEAR"), ("USER", "ALICE"))
    assert fake.access("ALICE", ORDERS, "EMAIL") == "clear"
    fake.policy(("GOV", "MKT", "Q"), body.format("SALES.CLEAR"))
    fake.admin(
        "ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL SET MASKING POLICY GOV.MKT.Q FORCE"
    )
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"


def test_a_tag_carries_a_policy_and_a_policy_on_the_column_wins(fake):
    open_to(fake, "PUBLIC")
    fake.role("CLEAR")
    member(fake, "CLEAR")
    fake.policy(("GOV", "MKT", "HIDE"), "'*'")
    fake.policy(("GOV", "MKT", "P"), HOOK)
    fake.tag(("GOV", "MKT", "PII"), policies=[("GOV", "MKT", "HIDE")])
    fake.admin("ALTER SCHEMA SALES.CORE SET TAG GOV.MKT.PII = 'yes'")
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    assert fake.access("ALICE", ORDERS, "ID") == "clear", "the policy is for another type"
    fake.admin("ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL SET MASKING POLICY GOV.MKT.P")
    assert fake.access("ALICE", ORDERS, "EMAIL") == "clear"
    fake.admin("ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL UNSET MASKING POLICY")
    fake.admin("ALTER SCHEMA SALES.CORE UNSET TAG GOV.MKT.PII")
    assert fake.access("ALICE", ORDERS, "EMAIL") == "clear"


def test_a_replaced_table_can_keep_its_mask(fake):
    open_to(fake, "PUBLIC")
    fake.policy(("GOV", "MKT", "P"), HOOK, on=[(ORDERS, "EMAIL")])
    columns = "(ID NUMBER, EMAIL VARCHAR WITH MASKING POLICY GOV.MKT.P)"
    fake.admin(f"CREATE OR REPLACE TABLE SALES.CORE.ORDERS {columns} COPY GRANTS")
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    fake.admin("CREATE OR REPLACE TABLE SALES.CORE.ORDERS (ID NUMBER, EMAIL VARCHAR) COPY GRANTS")
    assert fake.access("ALICE", ORDERS, "EMAIL") == "clear"


def test_masks_of_the_table_and_of_the_view_both_hold(fake):
    view = ("SALES", "CORE", "V")
    fake.role("CLEAR")
    fake.view(view, over=ORDERS, columns={"MAIL": "EMAIL"})
    open_to(fake, "PUBLIC", view, kind="VIEW")
    open_to(fake, "ACCOUNTADMIN")
    assert fake.access("ALICE", view, "MAIL") == "clear"
    fake.policy(("GOV", "MKT", "P"), HOOK, on=[(ORDERS, "EMAIL")])
    assert fake.access("ALICE", view, "MAIL") == "masked"
    member(fake, "CLEAR")
    assert fake.access("ALICE", view, "MAIL") == "clear"
    fake.policy(("GOV", "MKT", "HIDE"), "'*'", on=[(view, "MAIL")])
    assert fake.access("ALICE", view, "MAIL") == "masked"


def test_a_policy_can_look_at_another_column(fake, connect):
    fake.table(
        ("SALES", "CORE", "PEOPLE"),
        ["NAME", "COUNTRY"],
        rows=[{"NAME": "Ann", "COUNTRY": "NO"}, {"NAME": "Bea", "COUNTRY": "SE"}],
    )
    open_to(fake, "PUBLIC", ("SALES", "CORE", "PEOPLE"))
    body = "CASE WHEN country = 'NO' THEN val ELSE '*' END"
    fake.policy(("GOV", "MKT", "P"), body, arguments={"val": "VARCHAR", "country": "VARCHAR"})
    fake.admin(
        "ALTER TABLE SALES.CORE.PEOPLE MODIFY COLUMN NAME SET MASKING POLICY GOV.MKT.P "
        "USING (NAME, COUNTRY)"
    )
    with connect("ALICE", warehouse="COMPUTE_WH") as alice:
        assert alice.run("SELECT NAME FROM SALES.CORE.PEOPLE ORDER BY COUNTRY") == [
            ("Ann",),
            ("*",),
        ]


def test_a_query_gives_what_the_evaluator_promises(fake, connect):
    fake.role("R")
    fake.role("CLEAR")
    open_to(fake, "R")
    member(fake, "R")
    fake.policy(("GOV", "MKT", "P"), HOOK, on=[(ORDERS, "EMAIL")])
    query = "SELECT ID, EMAIL FROM SALES.CORE.ORDERS"
    with connect("ALICE", warehouse="COMPUTE_WH") as alice:
        assert alice.run(query) == [(1, "*****")]
        member(fake, "CLEAR")
        assert alice.run(query) == [(1, "a@b")]
        fake.admin("REVOKE ROLE R FROM USER ALICE")
        assert alice.refusal(query)[0] == 2003


def test_an_entry_of_the_entitlement_table_ends_by_the_clock_of_the_account():
    moment = datetime(2026, 12, 1, tzinfo=UTC)
    with FakeSnowflake(clock=lambda: moment) as fake:
        fake.user("ALICE")
        fake.table(ORDERS, ["EMAIL"])
        open_to(fake, "PUBLIC")
        fake.schema(("GOV", "MKT"))
        fake.admin(
            'CREATE TABLE GOV.MKT.E ("SUBJECT" VARCHAR NOT NULL, "COLUMN_KEY" VARCHAR NOT NULL, '
            '"REQUEST_ID" VARCHAR NOT NULL, "EXPIRES_AT" TIMESTAMP_TZ NOT NULL)'
        )
        body = (
            'CASE WHEN EXISTS (SELECT 1 FROM "GOV"."MKT"."E" e WHERE e."COLUMN_KEY" = \'k\' '
            'AND e."SUBJECT" = CURRENT_USER() AND e."EXPIRES_AT" > CURRENT_TIMESTAMP()) '
            "THEN val ELSE '*' END"
        )
        fake.policy(("GOV", "MKT", "P"), body, on=[(ORDERS, "EMAIL")])
        assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
        fake.admin(
            "INSERT INTO GOV.MKT.E (SUBJECT, COLUMN_KEY, REQUEST_ID, EXPIRES_AT) "
            "VALUES ('ALICE', 'k', 'r1', '2026-12-01 01:00:00 +00:00')"
        )
        assert fake.access("ALICE", ORDERS, "EMAIL") == "clear"
        fake.clock = lambda: moment + timedelta(hours=1)
        assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"


def test_a_snapshot_is_equal_exactly_when_nothing_changed(fake):
    fake.role("R")
    before = fake.snapshot()
    fake.admin("GRANT ROLE R TO USER ALICE")
    assert fake.snapshot() != before
    fake.admin("REVOKE ROLE R FROM USER ALICE")
    assert fake.snapshot() == before
    for change in (
        "ALTER ROLE R SET COMMENT = 'x'",
        "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE R",
        "INSERT INTO SALES.CORE.ORDERS (ID) VALUES (2)",
        "CREATE OR REPLACE TABLE SALES.CORE.ORDERS (ID NUMBER, EMAIL VARCHAR)",
    ):
        before = fake.snapshot()
        fake.admin(change)
        assert fake.snapshot() != before
