"""What Snowflake refuses, with its numbers and states; each row over HTTP."""

from __future__ import annotations

import pytest

from marketplace_sdk_snowflake.testing import FakeSnowflake, Refused

P = "GOV.MKT.P"
POLICY = "CREATE MASKING POLICY GOV.MKT.{} AS (val VARCHAR) RETURNS VARCHAR -> '*'"

# what an administrator sets up; the statement of the service role; number and state
ROWS = {
    "a role that is not there": ([], 'GRANT ROLE "R" TO USER "ALICE"', (2003, "02000")),
    "a user that is not there": (
        ["CREATE ROLE R", "GRANT OWNERSHIP ON ROLE R TO ROLE MKT_SVC"],
        'GRANT ROLE "R" TO USER "BOB"',
        (2003, "02000"),
    ),
    "a user in other letters": (
        ["CREATE ROLE R", "GRANT OWNERSHIP ON ROLE R TO ROLE MKT_SVC"],
        'GRANT ROLE "R" TO USER "alice"',
        (2003, "02000"),
    ),
    "a table that is not there": (
        [],
        'GRANT SELECT ON TABLE "SALES"."CORE"."OLD" TO ROLE "MKT_SVC"',
        (2003, "02000"),
    ),
    "a table that hides itself": (
        ["CREATE SCHEMA SALES.HIDDEN", "CREATE TABLE SALES.HIDDEN.T (A NUMBER)"],
        'GRANT SELECT ON TABLE "SALES"."HIDDEN"."T" TO ROLE "MKT_SVC"',
        (2003, "02000"),
    ),
    "a database that is not there": (
        [],
        'GRANT USAGE ON DATABASE "NONE" TO ROLE "MKT_SVC"',
        (2003, "02000"),
    ),
    "a query of a table that is not there": ([], "SELECT * FROM SALES.CORE.OLD", (2003, "42S02")),
    "a description of what is not there": ([], "DESCRIBE TABLE SALES.CORE.OLD", (2043, "02000")),
    "a look into a schema that is not there": (
        [],
        "SHOW TABLES IN SCHEMA SALES.OLD",
        (2043, "02000"),
    ),
    "a role that is there already": (["CREATE ROLE R"], 'CREATE ROLE "R"', (2002, "42710")),
    "another's role granted": (["CREATE ROLE R"], "GRANT ROLE R TO USER ALICE", (3001, "42501")),
    "another's role revoked": (
        ["CREATE ROLE R", "GRANT ROLE R TO USER ALICE"],
        "REVOKE ROLE R FROM USER ALICE",
        (3001, "42501"),
    ),
    "another's role dropped": (["CREATE ROLE R"], "DROP ROLE R", (3001, "42501")),
    "another's role commented": (
        ["CREATE ROLE R"],
        "ALTER ROLE R SET COMMENT = 'mine'",
        (3001, "42501"),
    ),
    "a role made without the right": (
        ["REVOKE CREATE ROLE ON ACCOUNT FROM ROLE MKT_SVC"],
        "CREATE ROLE R",
        (3001, "42501"),
    ),
    "a database role made without the right": (
        [],
        "CREATE DATABASE ROLE SALES.R",
        (3001, "42501"),
    ),
    "a privilege granted without the right": (
        [
            "REVOKE MANAGE GRANTS ON SCHEMA SALES.CORE FROM ROLE MKT_SVC",
            "GRANT USAGE ON SCHEMA SALES.CORE TO ROLE MKT_SVC",
            "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC",
        ],
        "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC",
        (3102, "42501"),
    ),
    "a privilege revoked without the right": (
        [
            "REVOKE MANAGE GRANTS ON SCHEMA SALES.CORE FROM ROLE MKT_SVC",
            "GRANT USAGE ON SCHEMA SALES.CORE TO ROLE MKT_SVC",
            "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC",
        ],
        "REVOKE SELECT ON TABLE SALES.CORE.ORDERS FROM ROLE MKT_SVC",
        (3103, "42501"),
    ),
    "some privileges granted, others not": (
        [
            "REVOKE MANAGE GRANTS ON SCHEMA SALES.CORE FROM ROLE MKT_SVC",
            "GRANT USAGE ON SCHEMA SALES.CORE TO ROLE MKT_SVC",
            "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC WITH GRANT OPTION",
        ],
        "GRANT SELECT, INSERT ON TABLE SALES.CORE.ORDERS TO ROLE PUBLIC",
        (3011, "42501"),
    ),
    "some privileges revoked, others not": (
        [
            "REVOKE MANAGE GRANTS ON SCHEMA SALES.CORE FROM ROLE MKT_SVC",
            "GRANT USAGE ON SCHEMA SALES.CORE TO ROLE MKT_SVC",
            "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC WITH GRANT OPTION",
        ],
        "REVOKE SELECT, INSERT ON TABLE SALES.CORE.ORDERS FROM ROLE PUBLIC",
        (3012, "42501"),
    ),
    "a grant that was handed on": (
        [
            "CREATE ROLE R",
            "GRANT ROLE R TO USER MARKETPLACE",
            "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE R WITH GRANT OPTION",
            "HAND ON",
        ],
        "REVOKE SELECT ON TABLE SALES.CORE.ORDERS FROM ROLE R",
        (3036, "23001"),
    ),
    "a second policy on a column": (
        [
            "GRANT APPLY MASKING POLICY ON ACCOUNT TO ROLE MKT_SVC",
            "ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL SET MASKING POLICY GOV.MKT.P",
            "GRANT USAGE ON DATABASE GOV TO ROLE MKT_SVC",
            "GRANT USAGE ON SCHEMA GOV.MKT TO ROLE MKT_SVC",
        ],
        "ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL SET MASKING POLICY GOV.MKT.Q",
        (3529, "42601"),
    ),
    "a policy of another type": (
        [
            "GRANT APPLY MASKING POLICY ON ACCOUNT TO ROLE MKT_SVC",
            "GRANT USAGE ON DATABASE GOV TO ROLE MKT_SVC",
            "GRANT USAGE ON SCHEMA GOV.MKT TO ROLE MKT_SVC",
        ],
        "ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN ID SET MASKING POLICY GOV.MKT.P",
        (3540, "42601"),
    ),
    "a policy on a column that is not there": (
        ["GRANT APPLY MASKING POLICY ON ACCOUNT TO ROLE MKT_SVC"],
        "ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN NONE SET MASKING POLICY GOV.MKT.P",
        (904, "42000"),
    ),
    "a policy set without the right": (
        [
            "GRANT APPLY ON MASKING POLICY GOV.MKT.P TO ROLE MKT_SVC",
            "GRANT USAGE ON DATABASE GOV TO ROLE MKT_SVC",
            "GRANT USAGE ON SCHEMA GOV.MKT TO ROLE MKT_SVC",
        ],
        "ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL SET MASKING POLICY GOV.MKT.P",
        (3001, "42501"),
    ),
    "a policy described without the right": (
        [
            "GRANT USAGE ON DATABASE GOV TO ROLE MKT_SVC",
            "GRANT MANAGE GRANTS ON SCHEMA GOV.MKT TO ROLE MKT_SVC",
        ],
        "DESCRIBE MASKING POLICY GOV.MKT.P",
        (3001, "42501"),
    ),
    "a policy dropped while in use": (
        [
            "ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL SET MASKING POLICY GOV.MKT.P",
            "GRANT OWNERSHIP ON MASKING POLICY GOV.MKT.P TO ROLE MKT_SVC",
            "GRANT USAGE ON DATABASE GOV TO ROLE MKT_SVC",
            "GRANT USAGE ON SCHEMA GOV.MKT TO ROLE MKT_SVC",
        ],
        "DROP MASKING POLICY GOV.MKT.P",
        (3734, "42601"),
    ),
    "a column that is not there": (
        ["GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC"],
        "SELECT NONE FROM SALES.CORE.ORDERS",
        (904, "42000"),
    ),
    "a view taken for a table": (
        ["CREATE VIEW SALES.CORE.V AS SELECT ID FROM SALES.CORE.ORDERS"],
        "GRANT SELECT ON TABLE SALES.CORE.V TO ROLE MKT_SVC",
        (2203, "02000"),
    ),
    "a table taken for a view": (
        [],
        "GRANT SELECT ON VIEW SALES.CORE.ORDERS TO ROLE MKT_SVC",
        (2203, "02000"),
    ),
    "a single privilege in an imported database": (
        ["IMPORT", "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE MKT_SVC"],
        "GRANT USAGE ON DATABASE SHARED TO ROLE MKT_SVC",
        (3055, "0A000"),
    ),
    "a database role across databases": (
        ["CREATE DATABASE ROLE GOV.R", "GRANT MANAGE GRANTS ON DATABASE GOV TO ROLE MKT_SVC"],
        "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO DATABASE ROLE GOV.R",
        (3044, "42601"),
    ),
    "a role granted in a circle": (
        [
            "CREATE ROLE A",
            "CREATE ROLE B",
            "GRANT ROLE A TO ROLE B",
            "GRANT OWNERSHIP ON ROLE B TO ROLE MKT_SVC",
        ],
        "GRANT ROLE B TO ROLE A",
        (3039, "42601"),
    ),
    "management of grants handed on": (
        [],
        "GRANT MANAGE GRANTS ON SCHEMA SALES.CORE TO ROLE PUBLIC",
        (3102, "42501"),
    ),
    "a statement of no grammar": ([], "GRANT EVERYTHING TO ALICE", (1003, "42000")),
    "two statements": ([], "SHOW ROLES; DROP ROLE MKT_SVC", (8, "0A000")),
    "an unfinished name": ([], 'SHOW GRANTS OF ROLE "R', (1003, "42000")),
}


@pytest.mark.parametrize("case", ROWS)
def test_what_snowflake_refuses_is_refused_and_leaves_no_trace(fake, client, case):
    prepare, statement, wanted = ROWS[case]
    fake.policy(("GOV", "MKT", "P"), "'*'")
    fake.policy(("GOV", "MKT", "Q"), "'*'")
    for sql in prepare:
        if sql == "IMPORT":
            fake.database("SHARED", imported=True)
        elif sql == "HAND ON":
            client.run("USE ROLE R")
            fake.admin("GRANT USAGE ON DATABASE SALES TO ROLE R")
            fake.admin("GRANT USAGE ON SCHEMA SALES.CORE TO ROLE R")
            client.run("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE PUBLIC")
            client.run("USE ROLE MKT_SVC")
        else:
            fake.admin(sql)
    before = fake.snapshot()
    assert client.refusal(statement) == wanted
    changed = case == "some privileges granted, others not"
    assert (fake.snapshot() != before) is changed


def test_a_grant_that_was_handed_on_goes_with_what_depends_on_it(fake, client, connect):
    fake.role("R")
    fake.grant_role("R", ("USER", "ALICE"))
    for sql in (
        "GRANT USAGE ON DATABASE SALES TO ROLE R",
        "GRANT USAGE ON SCHEMA SALES.CORE TO ROLE R",
        "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE R WITH GRANT OPTION",
    ):
        fake.admin(sql)
    with connect("ALICE") as alice:
        alice.run("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE PUBLIC")
    client.run("REVOKE SELECT ON TABLE SALES.CORE.ORDERS FROM ROLE R CASCADE")
    held = {row["grantee_name"] for row in client.table("SHOW GRANTS ON TABLE SALES.CORE.ORDERS")}
    assert held == {"ACCOUNTADMIN"}


def test_who_only_holds_the_grant_option_takes_back_its_own_grants(fake, connect):
    fake.role("R")
    for sql in (
        "GRANT USAGE ON DATABASE SALES TO ROLE MKT_SVC",
        "GRANT USAGE ON SCHEMA SALES.CORE TO ROLE MKT_SVC",
        "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC WITH GRANT OPTION",
        "GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE R",
    ):
        fake.admin(sql)
    with connect() as client:
        client.run("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE R")
        client.run("REVOKE SELECT ON TABLE SALES.CORE.ORDERS FROM ROLE R")
        rows = client.table("SHOW GRANTS ON TABLE SALES.CORE.ORDERS")
    held = [(row["grantee_name"], row["granted_by"]) for row in rows if row["grantee_name"] == "R"]
    assert held == [("R", "ACCOUNTADMIN")]


def test_a_managed_schema_leaves_grants_to_its_owner_and_to_who_manages_them(fake, connect):
    fake.role("KEEPER")
    fake.role("OWNER")
    fake.schema(("SALES", "KEPT"), owner="KEEPER", managed=True)
    fake.table(("SALES", "KEPT", "T"), owner="OWNER")
    for role in ("KEEPER", "OWNER"):
        fake.admin(f"GRANT USAGE ON DATABASE SALES TO ROLE {role}")
    fake.admin("GRANT USAGE ON SCHEMA SALES.KEPT TO ROLE OWNER")
    fake.user("TOM", roles=["OWNER"], default_role="OWNER")
    fake.user("ANN", roles=["KEEPER"], default_role="KEEPER")
    grant = "GRANT SELECT ON TABLE SALES.KEPT.T TO ROLE PUBLIC"
    with connect("TOM") as owner:
        assert owner.refusal(grant) == (3102, "42501")
    fake.admin("GRANT REFERENCES ON TABLE SALES.KEPT.T TO ROLE KEEPER")
    with connect("ANN") as keeper:
        keeper.run(grant)


def test_secondary_roles_do_not_make_anything(fake, connect):
    fake.role("MAKER")
    fake.role("PLAIN")
    fake.admin("GRANT CREATE ROLE ON ACCOUNT TO ROLE MAKER")
    fake.user("TOM", roles=["MAKER", "PLAIN"], default_role="PLAIN")
    with connect("TOM") as tom:
        assert tom.refusal("CREATE ROLE R") == (3001, "42501")
        tom.run("USE ROLE MAKER")
        tom.run("CREATE ROLE R")


def test_what_needs_a_warehouse_says_so(fake, connect):
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC")
    with connect() as client:
        for sql in (
            "SELECT * FROM SALES.CORE.ORDERS",
            "DELETE FROM SALES.CORE.ORDERS",
            "SELECT * FROM SALES.INFORMATION_SCHEMA.TABLES",
        ):
            assert client.refusal(sql) == (606, "57P03")
        client.run("USE WAREHOUSE COMPUTE_WH")
        assert client.refusal("DELETE FROM SALES.CORE.ORDERS")[0] != 606


def test_the_standard_edition_has_no_masking_policies():
    with FakeSnowflake(edition="STANDARD") as fake:
        fake.table(("SALES", "CORE", "ORDERS"), ["EMAIL"])
        with pytest.raises(Refused) as caught:
            fake.admin("CREATE MASKING POLICY SALES.CORE.P AS (v VARCHAR) RETURNS VARCHAR -> v")
    assert (caught.value.errno, caught.value.sqlstate) == (2, "0A000")


def test_an_account_without_inherited_grants_refuses_them_and_management_of_containers():
    with FakeSnowflake(inherited_grants=False) as fake:
        fake.table(("SALES", "CORE", "ORDERS"), ["EMAIL"])
        for sql in (
            "GRANT MANAGE GRANTS ON SCHEMA SALES.CORE TO ROLE MKT_SVC",
            "GRANT INHERITED SELECT ON ALL TABLES IN SCHEMA SALES.CORE TO ROLE MKT_SVC",
        ):
            with pytest.raises(Refused) as caught:
                fake.admin(sql)
            assert caught.value.errno == 2


def test_an_old_account_answers_a_refused_grant_with_a_row(connect):
    with FakeSnowflake(old_failures=True) as fake:
        fake.table(("SALES", "CORE", "ORDERS"), ["EMAIL"])
        fake.admin("GRANT USAGE ON DATABASE SALES TO ROLE MKT_SVC")
        with connect.with_arguments(**fake.connection) as client:
            before = fake.snapshot()
            (row,) = client.run("GRANT USAGE ON DATABASE SALES TO ROLE PUBLIC")
        assert row == ("Grant not executed: Insufficient privileges.",)
        assert fake.snapshot() == before
