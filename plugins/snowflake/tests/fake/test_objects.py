"""Objects, their owners and their policies, as an administrator changes them."""

from __future__ import annotations

import pytest

from marketplace_sdk_snowflake.testing import FakeSnowflake, Refused

ORDERS = ("SALES", "CORE", "ORDERS")
BODY = "CASE WHEN CURRENT_USER() = 'ALICE' THEN v ELSE '*' END"


def refused(fake, sql):
    before = fake.snapshot()
    with pytest.raises(Refused) as caught:
        fake.admin(sql)
    assert fake.snapshot() == before
    return caught.value.errno, caught.value.sqlstate


def status(fake, sql):
    return fake.admin(sql)[0][0]


@pytest.mark.parametrize(
    ("sql", "made"),
    [
        ("CREATE ROLE {}R", "Role R successfully created."),
        ("CREATE DATABASE ROLE {}SALES.R", "Database role R successfully created."),
        ("CREATE DATABASE {}R", "Database R successfully created."),
        ("CREATE SCHEMA {}SALES.R", "Schema R successfully created."),
        ("CREATE USER {}R", "User R successfully created."),
        ("CREATE TAG {}SALES.CORE.R", "Tag R successfully created."),
        ("CREATE TABLE {}SALES.CORE.R (A INT)", "Table R successfully created."),
        (
            "CREATE VIEW {}SALES.CORE.R AS SELECT * FROM SALES.CORE.ORDERS",
            "View R successfully created.",
        ),
        (
            "CREATE MASKING POLICY {}SALES.CORE.R AS (v VARCHAR) RETURNS VARCHAR -> v",
            "Masking policy R successfully created.",
        ),
    ],
)
def test_a_name_is_taken_once_and_that_can_be_taken_into_account(fake, sql, made):
    assert status(fake, sql.format("IF NOT EXISTS ")) == made
    before = fake.snapshot()
    assert status(fake, sql.format("IF NOT EXISTS ")) == "R already exists, statement succeeded."
    assert fake.snapshot() == before
    assert refused(fake, sql.format("")) == (2002, "42710")


@pytest.mark.parametrize(
    "target",
    [
        "ROLE R",
        "DATABASE ROLE SALES.R",
        "DATABASE R",
        "SCHEMA SALES.R",
        "USER R",
        "TABLE SALES.CORE.R",
        "VIEW SALES.CORE.R",
        "TAG SALES.CORE.R",
        "MASKING POLICY SALES.CORE.R",
    ],
)
def test_what_is_gone_cannot_be_dropped_unless_that_is_taken_into_account(fake, target):
    assert refused(fake, f"DROP {target}") == (2003, "02000")
    before = fake.snapshot()
    kind, name = target.rsplit(" ", 1)
    assert "already dropped" in status(fake, f"DROP {kind} IF EXISTS {name}")
    assert fake.snapshot() == before


def test_a_replaced_role_loses_its_members_and_its_grants(fake):
    fake.admin("CREATE ROLE R")
    before = fake.snapshot()
    fake.admin("GRANT ROLE R TO USER ALICE")
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE R")
    fake.admin("CREATE OR REPLACE ROLE R")
    assert fake.admin("SHOW GRANTS OF ROLE R") == fake.admin("SHOW GRANTS TO ROLE R") == []
    assert fake.snapshot() != before, "it is another role"


def test_a_dropped_container_takes_along_what_is_in_it(fake):
    fake.database_role(("SALES", "READER"))
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO DATABASE ROLE SALES.READER")
    fake.admin("GRANT DATABASE ROLE SALES.READER TO USER ALICE")
    fake.admin("DROP SCHEMA SALES.CORE")
    assert fake.admin("SHOW GRANTS TO DATABASE ROLE SALES.READER") == []
    assert fake.admin("SHOW OBJECTS IN ACCOUNT") == []
    fake.admin("DROP DATABASE SALES")
    assert fake.admin("SHOW GRANTS TO USER ALICE") == []


def test_what_a_dropped_role_owned_goes_to_who_dropped_it(fake):
    fake.role("OWNER")
    fake.table(("SALES", "CORE", "T"), owner="OWNER")
    fake.admin("DROP ROLE OWNER")
    owners = {row[1]: row[9] for row in fake.admin("SHOW TABLES IN SCHEMA SALES.CORE")}
    assert owners["T"] == "ACCOUNTADMIN"


def test_ownership_moves_only_with_a_word_on_the_grants_that_are_there(fake):
    fake.role("NEW")
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE PUBLIC")
    give = "GRANT OWNERSHIP ON TABLE SALES.CORE.ORDERS TO ROLE NEW"
    assert refused(fake, give) == (3036, "23001")
    fake.admin(f"{give} COPY CURRENT GRANTS")
    kept = {(row[1], row[5]) for row in fake.admin("SHOW GRANTS ON TABLE SALES.CORE.ORDERS")}
    assert kept == {("OWNERSHIP", "NEW"), ("SELECT", "PUBLIC")}
    fake.admin("GRANT OWNERSHIP ON TABLE SALES.CORE.ORDERS TO ROLE SYSADMIN REVOKE CURRENT GRANTS")
    kept = {(row[1], row[5]) for row in fake.admin("SHOW GRANTS ON TABLE SALES.CORE.ORDERS")}
    assert kept == {("OWNERSHIP", "SYSADMIN")}


def test_another_s_object_cannot_be_given_away(fake, client):
    fake.role("R")
    assert client.refusal("GRANT OWNERSHIP ON ROLE R TO ROLE MKT_SVC") == (3001, "42501")


def test_the_grant_option_can_be_taken_back_alone(fake):
    fake.role("R")
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE R WITH GRANT OPTION")
    fake.admin("REVOKE GRANT OPTION FOR SELECT ON TABLE SALES.CORE.ORDERS FROM ROLE R")
    assert [row[6] for row in fake.admin("SHOW GRANTS TO ROLE R")] == ["false"]


def test_imported_privileges_are_the_way_into_an_imported_database_and_no_other(fake):
    fake.database("SHARED", imported=True)
    fake.admin("GRANT IMPORTED PRIVILEGES ON DATABASE SHARED TO ROLE PUBLIC")
    assert refused(fake, "GRANT IMPORTED PRIVILEGES ON DATABASE SALES TO ROLE PUBLIC")[0] == 3056


def test_a_policy_in_use_is_neither_dropped_nor_replaced(fake):
    fake.policy(("GOV", "MKT", "P"), "'*'", on=[(ORDERS, "EMAIL")])
    again = "CREATE OR REPLACE MASKING POLICY GOV.MKT.P AS (v VARCHAR) RETURNS VARCHAR -> v"
    for sql in ("DROP MASKING POLICY GOV.MKT.P", again):
        assert refused(fake, sql) == (3734, "42601")
    fake.admin("ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL UNSET MASKING POLICY")
    fake.admin(again)
    fake.admin("DROP MASKING POLICY GOV.MKT.P")


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("CREATE MASKING POLICY GOV.MKT.Q AS (v VARCHAR) RETURNS NUMBER -> 1", 3540),
        ("ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL UNSET MASKING POLICY", 3533),
        (
            "ALTER TABLE SALES.CORE.ORDERS ALTER EMAIL SET MASKING POLICY GOV.MKT.P USING (EMAIL, ID)",
            3547,
        ),
        ("CREATE TABLE SALES.CORE.T (A INT, A INT)", 2025),
        ("CREATE TABLE SALES.CORE.T (A INT MASKING POLICY GOV.MKT.P)", 3540),
        ("CREATE VIEW SALES.CORE.V AS SELECT NONE FROM SALES.CORE.ORDERS", 904),
        ("CREATE VIEW SALES.CORE.V AS SELECT 1", 1003),
        ("CREATE OR REPLACE VIEW SALES.CORE.ORDERS AS SELECT * FROM SALES.CORE.ORDERS", 2002),
        ("ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN NONE SET TAG GOV.MKT.T = 'x'", 904),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(fake, sql, number):
    fake.policy(("GOV", "MKT", "P"), "'*'")
    fake.tag(("GOV", "MKT", "T"))
    assert refused(fake, sql)[0] == number


def test_force_replaces_a_policy_in_one_step(fake):
    fake.policy(("GOV", "MKT", "P"), "'*'", on=[(ORDERS, "EMAIL")])
    fake.policy(("GOV", "MKT", "Q"), "'-'")
    set_q = "ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL SET MASKING POLICY GOV.MKT.Q"
    assert refused(fake, set_q)[0] == 3529
    fake.admin(f"{set_q} FORCE")
    fake.admin(set_q)
    assert fake.admin("SELECT EMAIL FROM SALES.CORE.ORDERS") == [("-",)]


def test_a_tag_carries_one_policy_for_a_type(fake):
    fake.tag(("GOV", "MKT", "T"))
    for name, type_ in (("P", "VARCHAR"), ("Q", "VARCHAR"), ("N", "NUMBER")):
        fake.policy(("GOV", "MKT", name), "NULL", type=type_)
    fake.admin("ALTER TAG GOV.MKT.T SET MASKING POLICY GOV.MKT.P")
    fake.admin("ALTER TAG GOV.MKT.T SET MASKING POLICY GOV.MKT.N")
    assert refused(fake, "ALTER TAG GOV.MKT.T SET MASKING POLICY GOV.MKT.Q")[0] == 3552
    fake.admin("ALTER TAG GOV.MKT.T SET MASKING POLICY GOV.MKT.Q FORCE")
    assert refused(fake, "DROP TAG GOV.MKT.T")[0] == 3734
    fake.admin("DROP MASKING POLICY GOV.MKT.P")
    fake.admin("ALTER TAG GOV.MKT.T UNSET MASKING POLICY GOV.MKT.Q")
    fake.admin("ALTER TAG GOV.MKT.T UNSET MASKING POLICY GOV.MKT.N")
    fake.admin("DROP TAG GOV.MKT.T")


def test_a_view_can_be_made_by_sql_and_shows_what_its_table_has(fake):
    fake.admin("CREATE VIEW SALES.CORE.V AS SELECT EMAIL AS MAIL FROM SALES.CORE.ORDERS")
    assert fake.admin("SELECT * FROM SALES.CORE.V WHERE MAIL LIKE 'a%'") == [("a@b",)]
    fake.policy(("GOV", "MKT", "P"), "'*'", on=[(ORDERS, "EMAIL")])
    assert fake.admin("SELECT MAIL FROM SALES.CORE.V") == [("*",)]


def test_rows_are_counted_and_ordered(fake):
    fake.admin("INSERT INTO SALES.CORE.ORDERS (ID, EMAIL) VALUES (3, NULL), (2, 'c@d')")
    assert fake.admin("SELECT COUNT(*), COUNT(EMAIL) FROM SALES.CORE.ORDERS") == [(3, 2)]
    assert fake.admin("SELECT ID FROM SALES.CORE.ORDERS ORDER BY ID DESC LIMIT 2") == [(3,), (2,)]
    assert refused(fake, "SELECT COUNT(*), ID FROM SALES.CORE.ORDERS")[0] == 979


def test_a_comment_belongs_to_the_owner_and_what_is_gone_can_be_passed_over(fake, client):
    client.run("CREATE ROLE R")
    client.run("COMMENT ON ROLE R IS 'mine'")
    assert fake.admin("SHOW ROLES LIKE 'R'")[0][9] == "mine"
    client.run("ALTER ROLE IF EXISTS NONE SET COMMENT = 'x'")
    assert client.refusal("ALTER ROLE NONE SET COMMENT = 'x'") == (2003, "02000")


@pytest.mark.parametrize(
    "build",
    [
        lambda fake: fake.role("MKT_SVC"),
        lambda fake: fake.table(ORDERS),
        lambda fake: fake.table(("SALES", "T")),
        lambda fake: fake.view(("SALES", "CORE", "V"), over=("SALES", "CORE", "NONE")),
        lambda fake: fake.grant_role("NONE", ("USER", "ALICE")),
        lambda fake: fake.policy(("GOV", "MKT", "P"), "'*'", on=[(ORDERS, "NONE")]),
        lambda fake: fake.connection_for("NOBODY"),
    ],
)
def test_a_helper_that_cannot_do_what_it_is_told_says_so(fake, build):
    with pytest.raises(ValueError, match=r"there is|has 3 parts"):
        build(fake)


def test_an_account_can_be_looked_at_before_it_serves_and_served_again(connect):
    fake = FakeSnowflake()
    fake.user("ALICE")
    assert fake.access("ALICE", ORDERS) == "none"
    with pytest.raises(ValueError, match="inside its with block"):
        _ = fake.address
    for name in ("FIRST", "SECOND"):
        with fake, connect.with_arguments(**fake.connection) as client:
            client.run(f"CREATE ROLE {name}")
    assert [fake.admin(f"SHOW ROLES LIKE '{name}'") != [] for name in ("FIRST", "SECOND")] == [
        *(True, True)
    ]
