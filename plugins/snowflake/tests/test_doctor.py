"""What an administrator is told to run, which then is enough, and what is too open."""

from __future__ import annotations

import pytest

from marketplace_sdk_snowflake.settings import Settings

ORDERS = ("SALES", "CORE", "ORDERS")


def statements(found, severity="missing"):
    return [each.statement for each in found if each.severity == severity]


@pytest.mark.parametrize("mode", ["account_role", "database_role"])
@pytest.mark.parametrize("pattern", ["SALES.CORE.*", "SALES.*", "SALES.CORE.ORDERS"])
def test_what_it_says_is_enough(make_bench, fake, within, mode, pattern):
    """From a role with nothing at all, as an administrator would follow it, step by step."""
    bench = make_bench(Settings(mode=mode))
    for right in (
        "MANAGE GRANTS ON SCHEMA SALES.CORE",
        "USAGE ON DATABASE SALES",
        "CREATE ROLE ON ACCOUNT",
        "CREATE USER ON ACCOUNT",
    ):
        fake.admin(f"REVOKE {right} FROM ROLE MKT_SVC")
    for _ in range(5):
        missing = statements(bench.provisioner.doctor(within(10), [pattern]))
        if not missing:
            break
        for statement in missing:
            assert "ACCOUNTADMIN" not in statement
            assert "ON ACCOUNT" not in statement.replace("CREATE", "") or "CREATE" in statement
            fake.admin(statement)

    assert bench.provisioner.doctor(within(10), [pattern]) == []
    outcomes = bench.reconcile(bench.target(ORDERS), ["ALICE"])
    assert [o.error for o in outcomes if o.error] == []
    assert fake.can_select("ALICE", ORDERS)


def test_lent_rights_are_enough_without_managed_access_and_told_one_by_one(bench, fake, within):
    fake.admin("REVOKE MANAGE GRANTS ON SCHEMA SALES.CORE FROM ROLE MKT_SVC")
    fake.admin("GRANT USAGE ON SCHEMA SALES.CORE TO ROLE MKT_SVC WITH GRANT OPTION")
    for name in ("ORDERS", "ITEMS"):
        fake.admin(f"GRANT SELECT ON TABLE SALES.CORE.{name} TO ROLE MKT_SVC WITH GRANT OPTION")
    assert bench.provisioner.doctor(within(10), ["SALES.CORE.*S"]) == []

    fake.admin("REVOKE GRANT OPTION FOR SELECT ON TABLE SALES.CORE.ITEMS FROM ROLE MKT_SVC")

    assert statements(bench.provisioner.doctor(within(10), ["SALES.CORE.*S"])) == [
        'GRANT SELECT ON TABLE "SALES"."CORE"."ITEMS" TO ROLE "MKT_SVC" WITH GRANT OPTION'
    ]


def test_in_a_schema_with_managed_access_lending_does_not_help(bench, fake, within):
    fake.schema(("SALES", "HR"), managed=True)
    fake.table(("SALES", "HR", "PAY"), ["ID"])
    fake.admin("GRANT USAGE ON SCHEMA SALES.HR TO ROLE MKT_SVC WITH GRANT OPTION")
    fake.admin("GRANT SELECT ON TABLE SALES.HR.PAY TO ROLE MKT_SVC WITH GRANT OPTION")

    assert statements(bench.provisioner.doctor(within(10), ["SALES.HR.*"])) == [
        'GRANT MANAGE GRANTS ON SCHEMA "SALES"."HR" TO ROLE "MKT_SVC"'
    ]


def test_a_name_is_enough_identity_where_it_is_configured(make_bench, fake, within):
    bench = make_bench(Settings(user_identity="name"))
    fake.admin("REVOKE CREATE USER ON ACCOUNT FROM ROLE MKT_SVC")

    assert bench.provisioner.doctor(within(10), ["SALES.CORE.*"]) == []


def test_what_is_more_than_needed_is_a_risk_with_the_statement_that_takes_it(bench, fake, within):
    fake.admin("GRANT MANAGE GRANTS ON ACCOUNT TO ROLE MKT_SVC")
    fake.admin("GRANT APPLY MASKING POLICY ON ACCOUNT TO ROLE MKT_SVC")
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC")
    fake.admin("GRANT ROLE SYSADMIN TO ROLE MKT_SVC")

    risks = statements(bench.provisioner.doctor(within(10), ["SALES.CORE.*"]), "risk")

    assert set(risks) == {
        'REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE "MKT_SVC"',
        'REVOKE APPLY MASKING POLICY ON ACCOUNT FROM ROLE "MKT_SVC"',
        'REVOKE SELECT ON TABLE "SALES"."CORE"."ORDERS" FROM ROLE "MKT_SVC"',
        'REVOKE ROLE "SYSADMIN" FROM ROLE "MKT_SVC"',
    }
    for statement in risks:
        fake.admin(statement)
    assert bench.provisioner.doctor(within(10), ["SALES.CORE.*"]) == []


def test_a_role_of_ours_in_other_hands_is_told(bench, fake, within):
    target = bench.target(ORDERS)
    bench.reconcile(target, ["ALICE"])
    role = next(iter(bench.wanted(target).values())).scope.key.partition(":")[2]
    fake.admin(f'GRANT OWNERSHIP ON ROLE "{role}" TO ROLE SYSADMIN COPY CURRENT GRANTS')

    (statement,) = statements(bench.provisioner.doctor(within(10), ["SALES.CORE.*"]))
    fake.admin(statement)

    assert bench.provisioner.doctor(within(10), ["SALES.CORE.*"]) == []


def test_looking_changes_nothing(bench, fake, within):
    before = fake.snapshot()

    bench.provisioner.doctor(within(10), ["*"])

    assert fake.snapshot() == before
