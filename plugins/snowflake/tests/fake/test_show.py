"""SHOW, DESCRIBE and the catalogue: columns by their documented names, rows by what may be seen."""

from __future__ import annotations

import json

import pytest

from marketplace_sdk_snowflake.testing import FakeSnowflake

ORDERS = ("SALES", "CORE", "ORDERS")
HOSTILE = ('a"b', "c.d", "Ünï''; DROP")


def names(rows, column="name"):
    return [row[column] for row in rows]


def test_grants_to_a_role_have_the_documented_columns(fake, client):
    client.run("CREATE ROLE R")
    client.run("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE R WITH GRANT OPTION")
    (row,) = client.table("SHOW GRANTS TO ROLE R")
    assert list(row)[:8] == [
        *("created_on", "privilege", "granted_on", "name"),
        *("granted_to", "grantee_name", "grant_option", "granted_by"),
    ]
    assert (row["privilege"], row["granted_on"], row["name"]) == (
        "SELECT",
        "TABLE",
        "SALES.CORE.ORDERS",
    )
    assert (row["granted_to"], row["grantee_name"], row["grant_option"]) == ("ROLE", "R", "true")
    assert row["granted_by"] == "ACCOUNTADMIN", "who manages grants acts in the owner's name"


def test_grants_of_a_role_name_its_members(fake, client):
    client.run("CREATE ROLE R")
    fake.role("TOP")
    client.run("GRANT ROLE R TO USER ALICE")
    client.run("GRANT ROLE R TO ROLE TOP")
    rows = client.table("SHOW GRANTS OF ROLE R")
    assert list(rows[0]) == ["created_on", "role", "granted_to", "grantee_name", "granted_by"]
    assert sorted((row["granted_to"], row["grantee_name"]) for row in rows) == [
        ("ROLE", "TOP"),
        ("USER", "ALICE"),
    ]


def test_a_repeated_grant_leaves_one_row_with_its_first_time(client):
    client.run("CREATE ROLE R")
    client.run("GRANT ROLE R TO USER ALICE")
    first = client.table("SHOW GRANTS OF ROLE R")
    client.run("GRANT ROLE R TO USER ALICE")
    assert client.table("SHOW GRANTS OF ROLE R") == first
    client.run("REVOKE ROLE R FROM USER ALICE")
    client.run("REVOKE ROLE R FROM USER ALICE")
    assert client.table("SHOW GRANTS OF ROLE R") == []


def test_grants_to_a_user_have_nine_columns_and_the_roles(fake, root):
    fake.role("R")
    fake.grant_role("R", ("USER", "ALICE"))
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO USER ALICE")
    rows = root.table("SHOW GRANTS TO USER ALICE")
    assert list(rows[0])[:9] == [
        *("created_on", "privilege", "granted_on", "name", "role"),
        *("granted_to", "grantee_name", "grant_option", "granted_by"),
    ]
    assert [(row["granted_on"], row["role"]) for row in rows] == [("ROLE", "R"), ("TABLE", "")]


def test_the_grants_of_others_are_hidden_and_ones_own_are_not(fake, connect):
    fake.role("R")
    with connect("ALICE") as alice:
        assert alice.run("SHOW GRANTS") == []
        assert alice.refusal("SHOW GRANTS TO ROLE R") == (2003, "02000")
        assert alice.refusal("SHOW GRANTS TO USER MARKETPLACE") == (2003, "02000")
        fake.grant_role("R", ("USER", "ALICE"))
        assert names(alice.table("SHOW GRANTS"), "role") == ["R"]
        assert alice.run("SHOW GRANTS TO ROLE R LIMIT 5") == []


def test_a_hierarchy_shows_the_grants_of_every_role_below(fake, root):
    for role in ("LOW", "HIGH"):
        fake.role(role)
    fake.admin("GRANT ROLE LOW TO ROLE HIGH")
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE LOW")
    fake.grant_role("HIGH", ("USER", "ALICE"))
    flat = root.table("SHOW GRANTS TO USER ALICE")
    deep = root.table("SHOW GRANTS TO USER ALICE INCLUDE HIERARCHY")
    assert "LOW" not in names(flat, "grantee_name")
    assert {"LOW", "HIGH", "PUBLIC", "ALICE"} == set(names(deep, "grantee_name"))


def test_an_older_server_does_not_know_hierarchies(connect):
    with (
        FakeSnowflake(include_hierarchy=False) as fake,
        connect.with_arguments(**fake.connection) as client,
    ):
        assert client.refusal("SHOW GRANTS TO ROLE MKT_SVC INCLUDE HIERARCHY") == (1003, "42000")


def test_inherited_grants_have_an_empty_name_and_say_so(fake, client):
    client.run("CREATE ROLE R")
    fake.admin("GRANT INHERITED SELECT ON ALL TABLES IN SCHEMA SALES.CORE TO ROLE R")
    (row,) = client.table("SHOW GRANTS TO ROLE R")
    assert (row["name"], row["is_inherited"]) == ("", "true")
    assert (row["inherited_from"], row["inherited_from_domain"]) == ("SALES.CORE", "SCHEMA")


def test_an_account_without_inherited_grants_has_no_such_columns(connect):
    with (
        FakeSnowflake(inherited_grants=False) as fake,
        connect.with_arguments(**fake.connection) as client,
    ):
        assert "is_inherited" not in client.table("SHOW GRANTS TO ROLE MKT_SVC")[0]


@pytest.mark.parametrize(
    "kind", ["DYNAMIC TABLE", "EXTERNAL TABLE", "ICEBERG TABLE", "EVENT TABLE", "TABLE"]
)
def test_the_real_kind_is_shown_whatever_the_grant_called_it(fake, client, kind):
    fake.table(("SALES", "CORE", "T"), kind=kind)
    client.run("CREATE ROLE R")
    client.run("GRANT SELECT ON TABLE SALES.CORE.T TO ROLE R")
    (row,) = client.table("SHOW GRANTS TO ROLE R")
    assert row["granted_on"] == kind.replace(" ", "_")
    client.run(f"REVOKE SELECT ON {kind} SALES.CORE.T FROM ROLE R")
    assert client.table("SHOW GRANTS TO ROLE R") == []


def test_names_are_quoted_only_where_they_must_be(fake, root):
    fake.table(("SALES", "CORE", "a.b"))
    fake.admin('GRANT SELECT ON TABLE SALES.CORE."a.b" TO ROLE PUBLIC')
    assert names(root.table('SHOW GRANTS ON TABLE SALES.CORE."a.b"'))[-1] == 'SALES.CORE."a.b"'


def test_hostile_names_come_back_as_they_are(fake, root):
    fake.table(HOSTILE)
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in HOSTILE)
    assert names(root.table(f"DESCRIBE TABLE {quoted}")) == ["ID"]
    assert HOSTILE[2] in names(root.table("SHOW OBJECTS IN ACCOUNT"))
    root.run(f"GRANT SELECT ON TABLE {quoted} TO ROLE PUBLIC")
    shown = [
        row["name"]
        for row in root.table("SHOW GRANTS TO ROLE PUBLIC")
        if row["granted_on"] == "TABLE"
    ]
    assert shown == ['"a""b"."c.d"."Ünï\'\'; DROP"']


def test_names_have_their_exact_case(fake, root):
    fake.role("mixed")
    assert root.refusal("GRANT ROLE mixed TO USER ALICE") == (2003, "02000")
    root.run('GRANT ROLE "mixed" TO USER alice')


def test_a_pattern_has_no_case_and_its_signs_can_be_escaped(fake, client):
    for name in ("A_B", "AXB", "a_b"):
        fake.role(name)
    assert names(client.table("SHOW ROLES LIKE 'a_b'")) == ["AXB", "A_B", "a_b"]
    assert names(client.table("SHOW ROLES LIKE 'A\\\\_B'")) == ["A_B", "a_b"]
    assert names(client.table("SHOW ROLES STARTS WITH 'a'")) == ["a_b"]


def test_long_lists_come_in_pages(fake, client):
    for number in range(5):
        fake.user(f"U{number}")
    seen, after = [], ""
    while True:
        tail = f" FROM '{after}'" if after else ""
        page = names(client.table(f"SHOW USERS LIKE 'U%' LIMIT 2{tail}"))
        seen += page
        if len(page) < 2:
            break
        after = page[-1]
    assert seen == [f"U{number}" for number in range(5)]


def test_a_page_follows_the_first_name_that_begins_so(fake, root):
    """By database, schema and name: a name that is there twice leads back to its first place."""
    for schema in ("A", "B"):
        for name in ("T1", "T2"):
            fake.table(("D", schema, name))
    page = root.table("SHOW OBJECTS IN DATABASE D LIMIT 3")
    assert [(row["schema_name"], row["name"]) for row in page] == [
        ("A", "T1"),
        ("A", "T2"),
        ("B", "T1"),
    ]
    page = root.table("SHOW OBJECTS IN DATABASE D LIMIT 3 FROM 'T1'")
    assert (page[0]["schema_name"], page[0]["name"]) == ("A", "T2")
    assert root.table("SHOW OBJECTS IN DATABASE D LIMIT 3 FROM 'X'") == []


def test_a_session_with_a_database_looks_there_unless_it_is_told_where(fake, root):
    fake.table(("D", "S", "T"))
    root.run("USE DATABASE D")
    assert names(root.table("SHOW TABLES")) == ["T"]
    assert names(root.table("SHOW TABLES IN ACCOUNT")) == ["T", "ORDERS"]
    root.run("USE SCHEMA SALES.CORE")
    assert names(root.table("SHOW TABLES")) == ["ORDERS"]
    assert root.run("SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()") == [("SALES", "CORE")]
    assert names(root.table("DESCRIBE VIEW ORDERS")) == ["ID", "EMAIL"]
    root.run("USE DATABASE D")
    assert root.refusal("DESCRIBE TABLE ORDERS") == (90105, "22000")


def test_everybody_sees_names_of_users_and_few_see_more(fake, client, root):
    fake.user("CARL", login_name="CARL@CORP", email="carl@corp")
    (row,) = client.table("SHOW USERS LIKE 'CARL'")
    assert (row["name"], row["login_name"], row["email"], row["created_on"]) == (
        "CARL",
        *(None, None, None),
    )
    assert client.refusal("DESCRIBE USER CARL") == (3001, "42501")
    fake.admin("GRANT CREATE USER ON ACCOUNT TO ROLE MKT_SVC")
    (row,) = client.table("SHOW USERS LIKE 'CARL'")
    assert (row["login_name"], row["email"]) == ("CARL@CORP", "carl@corp")
    facts = {row["property"]: row["value"] for row in client.table("DESCRIBE USER CARL")}
    assert facts["DEFAULT_SECONDARY_ROLES"] == '["ALL"]'


def test_roles_tell_their_owner_their_comment_and_how_many_have_them(fake, client):
    client.run("CREATE ROLE R COMMENT = '{\"mkt\":1}'")
    client.run("GRANT ROLE R TO USER ALICE")
    (row,) = client.table("SHOW ROLES LIKE 'R'")
    assert (row["owner"], row["comment"], row["assigned_to_users"], row["granted_to_roles"]) == (
        *("MKT_SVC", '{"mkt":1}'),
        *("1", "0"),
    )


def test_database_roles_are_shown_in_their_database(fake, client):
    fake.database_role(("SALES", "READER"), comment="x")
    fake.database_role(("OTHER", "READER"))
    (row,) = client.table("SHOW DATABASE ROLES IN DATABASE SALES")
    assert (row["name"], row["comment"]) == ("READER", "x")
    assert client.refusal("SHOW DATABASE ROLES IN DATABASE OTHER") == (2043, "02000")


def test_a_session_sees_only_what_it_has_a_right_to(fake, client, root):
    fake.table(("SALES", "HIDDEN", "T"))
    fake.table(("OTHER", "CORE", "T"))
    assert names(client.table("SHOW OBJECTS IN ACCOUNT")) == ["ORDERS"]
    assert names(client.table("SHOW SCHEMAS IN DATABASE SALES")) == ["CORE"]
    assert names(client.table("SHOW DATABASES")) == ["SALES"]
    assert names(root.table("SHOW DATABASES")) == ["OTHER", "SALES"]
    assert set(names(root.table("SHOW SCHEMAS"))) == {"CORE", "HIDDEN"}


def test_kinds_of_objects_are_told(fake, root):
    for kind in ("DYNAMIC TABLE", "ICEBERG TABLE", "EXTERNAL TABLE", "EVENT TABLE"):
        fake.table(("SALES", "KINDS", kind), kind=kind)
    fake.view(("SALES", "KINDS", "VIEW"), over=ORDERS, secure=True)
    fake.view(("SALES", "KINDS", "MATERIALIZED"), over=ORDERS, kind="MATERIALIZED VIEW")
    shown = {row["name"]: row for row in root.table("SHOW OBJECTS IN SCHEMA SALES.KINDS")}
    assert shown["DYNAMIC TABLE"]["is_dynamic"] == shown["ICEBERG TABLE"]["is_iceberg"] == "Y"
    assert {name: row["kind"] for name, row in shown.items()} == {
        "DYNAMIC TABLE": "TABLE",
        "ICEBERG TABLE": "TABLE",
        "EXTERNAL TABLE": "EXTERNAL_TABLE",
        "EVENT TABLE": "TABLE",
        "VIEW": "VIEW",
        "MATERIALIZED": "MATERIALIZED_VIEW",
    }
    assert names(root.table("SHOW DYNAMIC TABLES IN DATABASE SALES")) == ["DYNAMIC TABLE"]
    views = root.table("SHOW VIEWS IN SCHEMA SALES.KINDS")
    assert [(row["name"], row["is_secure"]) for row in views] == [
        ("MATERIALIZED", "false"),
        ("VIEW", "true"),
    ]
    assert "VIEW" not in names(root.table("SHOW TABLES IN SCHEMA SALES.KINDS"))


def test_imported_databases_and_managed_schemas_can_be_told(fake, root):
    fake.database("SHARED", imported=True)
    fake.schema(("SALES", "KEPT"), managed=True)
    kinds = {row["name"]: row["kind"] for row in root.table("SHOW DATABASES")}
    assert kinds == {"SALES": "STANDARD", "SHARED": "IMPORTED DATABASE"}
    options = {row["name"]: row["options"] for row in root.table("SHOW SCHEMAS IN DATABASE SALES")}
    assert options == {"CORE": "", "KEPT": "MANAGED ACCESS"}


def test_columns_are_described_with_their_policies(fake, client):
    fake.policy(("GOV", "MKT", "P"), "'*'", on=[(ORDERS, "EMAIL")])
    rows = client.table("DESCRIBE TABLE SALES.CORE.ORDERS")
    assert [(row["name"], row["type"], row["policy name"]) for row in rows] == [
        ("ID", "NUMBER(38,0)", None),
        ("EMAIL", "VARCHAR(16777216)", "GOV.MKT.P"),
    ]
    types = [
        json.loads(row["data_type"])["type"]
        for row in client.table("SHOW COLUMNS IN TABLE SALES.CORE.ORDERS")
    ]
    assert types == ["FIXED", "TEXT"]
    assert len(client.table("SHOW COLUMNS LIKE 'em%' IN SCHEMA SALES.CORE")) == 1


def test_a_policy_is_described_with_its_body_as_it_was_written(root, fake):
    fake.schema(("GOV", "MKT"))
    body = "CASE WHEN IS_ROLE_IN_SESSION('U') THEN val\n  ELSE '*****' END"
    root.run(
        f"CREATE MASKING POLICY GOV.MKT.P AS (val VARCHAR) RETURNS VARCHAR -> {body} COMMENT = 'x'"
    )
    (row,) = root.table("DESCRIBE MASKING POLICY GOV.MKT.P")
    assert row == {
        "name": "P",
        "signature": "(VAL VARCHAR(16777216))",
        "return_type": "VARCHAR(16777216)",
        "body": body,
    }
    (shown,) = root.table("SHOW MASKING POLICIES IN SCHEMA GOV.MKT")
    assert (shown["kind"], shown["comment"]) == ("MASKING_POLICY", "x")
    root.run("ALTER MASKING POLICY GOV.MKT.P SET BODY -> val")
    assert root.table("DESCRIBE MASKING POLICY GOV.MKT.P")[0]["body"] == "val"


def test_references_of_policies_are_found_by_table_and_by_policy(fake, root):
    fake.policy(("GOV", "MKT", "P"), "'*'", on=[(ORDERS, "EMAIL")])
    fake.policy(("GOV", "MKT", "N"), "NULL", type="NUMBER")
    fake.tag(("GOV", "MKT", "PII"), policies=[("GOV", "MKT", "N")])
    fake.admin("ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN ID SET TAG GOV.MKT.PII = 'yes'")
    by_table = root.table(
        "SELECT POLICY_NAME, REF_COLUMN_NAME, TAG_NAME, POLICY_STATUS FROM TABLE("
        "SALES.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => "
        '\'"SALES"."CORE"."ORDERS"\', REF_ENTITY_DOMAIN => \'TABLE\'))'
    )
    assert [tuple(row.values()) for row in by_table] == [
        ("N", "ID", "PII", "ACTIVE"),
        ("P", "EMAIL", None, "ACTIVE"),
    ]
    by_policy = root.table(
        "SELECT REF_DATABASE_NAME, REF_SCHEMA_NAME, REF_ENTITY_NAME, REF_COLUMN_NAME FROM TABLE("
        "GOV.INFORMATION_SCHEMA.POLICY_REFERENCES(POLICY_NAME => 'GOV.MKT.P'))"
    )
    assert [tuple(row.values()) for row in by_policy] == [(*ORDERS, "EMAIL")]


def test_tags_of_columns_are_found_with_the_level_they_are_set_at(fake, root):
    fake.tag(("GOV", "MKT", "PII"))
    fake.admin("ALTER SCHEMA SALES.CORE SET TAG GOV.MKT.PII = 'maybe'")
    fake.admin("ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL SET TAG GOV.MKT.PII = 'yes'")
    rows = root.run(
        "SELECT TAG_NAME, TAG_VALUE, LEVEL, COLUMN_NAME FROM TABLE("
        "SALES.INFORMATION_SCHEMA.TAG_REFERENCES_ALL_COLUMNS('SALES.CORE.ORDERS', 'TABLE'))"
    )
    assert rows == [("PII", "maybe", "SCHEMA", "ID"), ("PII", "yes", "COLUMN", "EMAIL")]
    assert names(root.table("SHOW TAGS IN ACCOUNT")) == ["PII"]


def test_the_information_schema_lists_what_may_be_seen(fake, client):
    fake.table(("SALES", "HIDDEN", "T"))
    tables = client.run(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM SALES.INFORMATION_SCHEMA.TABLES "
        "WHERE TABLE_SCHEMA <> 'INFORMATION_SCHEMA' ORDER BY TABLE_NAME LIMIT 10"
    )
    assert tables == [("CORE", "ORDERS", "BASE TABLE")]
    columns = client.run(
        "SELECT COLUMN_NAME, DATA_TYPE, ORDINAL_POSITION FROM SALES.INFORMATION_SCHEMA.COLUMNS "
        "ORDER BY ORDINAL_POSITION DESC"
    )
    assert columns == [("EMAIL", "TEXT", 2), ("ID", "NUMBER", 1)]
    assert client.run("SELECT COUNT(*) FROM SALES.INFORMATION_SCHEMA.SCHEMATA") == [(1,)]
    assert client.refusal("SELECT * FROM SALES.INFORMATION_SCHEMA.NONE") == (2003, "02000")
