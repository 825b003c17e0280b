"""Rows of an entitlement table: changed, taken back, and never without the right."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

TABLE = '"GOV"."MKT"."ENTITLEMENT"'
CREATE = (
    f'CREATE TABLE IF NOT EXISTS {TABLE} ("SUBJECT" VARCHAR NOT NULL, "COLUMN_KEY" VARCHAR NOT '
    'NULL, "REQUEST_ID" VARCHAR NOT NULL, "EXPIRES_AT" TIMESTAMP_TZ NOT NULL)'
)
MERGE = (
    f"MERGE INTO {TABLE} t USING (SELECT {{}} AS s, {{}} AS c, {{}} AS r, {{}} AS x) n "
    'ON t."SUBJECT" = n.s AND t."COLUMN_KEY" = n.c AND t."REQUEST_ID" = n.r '
    'WHEN MATCHED THEN UPDATE SET "EXPIRES_AT" = n.x '
    'WHEN NOT MATCHED THEN INSERT ("SUBJECT","COLUMN_KEY","REQUEST_ID","EXPIRES_AT") '
    "VALUES (n.s, n.c, n.r, n.x)"
)
ROWS = f'SELECT "SUBJECT", "REQUEST_ID", "EXPIRES_AT" FROM {TABLE} ORDER BY "REQUEST_ID"'
DECEMBER, JANUARY = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def writer(fake, connect):
    fake.schema(("GOV", "MKT"), owner="MKT_SVC")
    fake.admin("GRANT USAGE ON DATABASE GOV TO ROLE MKT_SVC")
    with connect(warehouse="COMPUTE_WH", paramstyle="qmark") as client:
        client.run(CREATE)
        yield client


def put(client, request, moment, subject="ALICE"):
    return client.run(MERGE.format("?", "?", "?", "?"), subject, "key", request, str(moment))


def test_a_merge_adds_a_row_and_then_moves_its_end(writer):
    assert put(writer, "r1", DECEMBER) == [(1, 0)]
    assert put(writer, "r1", JANUARY) == [(0, 1)]
    assert put(writer, "r2", DECEMBER) == [(1, 0)]
    assert writer.run(ROWS) == [("ALICE", "r1", JANUARY), ("ALICE", "r2", DECEMBER)]


def test_literals_do_what_bound_values_do(writer):
    text = MERGE.format("'ALICE'", "'key'", "'r1'", "'2026-12-01 00:00:00 +00:00'::TIMESTAMP_TZ")
    writer.run(text)
    assert writer.run(ROWS) == [("ALICE", "r1", DECEMBER)]


def test_the_rows_of_one_request_go_and_no_others(writer):
    put(writer, "r1", DECEMBER)
    put(writer, "r2", DECEMBER)
    put(writer, "r1", DECEMBER, "BOB")
    assert writer.run(f'DELETE FROM {TABLE} WHERE "REQUEST_ID" = ?', "r1") == [(2,)]
    assert [row[1] for row in writer.run(ROWS)] == ["r2"]


def test_an_update_changes_what_it_finds(writer):
    put(writer, "r1", DECEMBER)
    sql = f"UPDATE {TABLE} SET \"SUBJECT\" = 'BOB' WHERE \"REQUEST_ID\" = 'r1'"
    assert writer.run(sql) == [(1, 0)]
    assert writer.run(ROWS) == [("BOB", "r1", DECEMBER)]


def test_a_rollback_takes_changes_back_and_a_commit_keeps_them(writer):
    put(writer, "r1", DECEMBER)
    writer.run("BEGIN")
    put(writer, "r2", DECEMBER)
    writer.run(f"DELETE FROM {TABLE} WHERE \"REQUEST_ID\" = 'r1'")
    writer.run("ROLLBACK")
    assert [row[1] for row in writer.run(ROWS)] == ["r1"]
    writer.run("BEGIN TRANSACTION")
    put(writer, "r2", DECEMBER)
    writer.run("COMMIT")
    writer.run("ROLLBACK")
    assert [row[1] for row in writer.run(ROWS)] == ["r1", "r2"]


def test_a_grant_inside_a_transaction_commits_it(writer):
    writer.run("BEGIN")
    put(writer, "r1", DECEMBER)
    writer.run("CREATE ROLE R")
    writer.run("ROLLBACK")
    assert [row[1] for row in writer.run(ROWS)] == ["r1"]


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (f"INSERT INTO {TABLE} (SUBJECT) VALUES ('A')", (100072, "22000")),
        (f"INSERT INTO {TABLE} (NONE) VALUES ('A')", (904, "42000")),
        (f"DELETE FROM {TABLE} WHERE NONE = 1", (904, "42000")),
        (f"DELETE FROM {TABLE} WHERE EXPIRES_AT > 'soon'", (100035, "22007")),
        (f"DELETE FROM {TABLE} WHERE SUBJECT > TRUE", (1065, "22023")),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(fake, writer, sql, wanted):
    put(writer, "r1", DECEMBER)
    before = fake.snapshot()
    assert writer.refusal(sql) == wanted
    assert fake.snapshot() == before


@pytest.mark.parametrize(
    ("held", "sql"),
    [
        ("SELECT", "INSERT INTO SALES.CORE.ORDERS (ID) VALUES (1)"),
        ("SELECT", "DELETE FROM SALES.CORE.ORDERS"),
        ("SELECT", "UPDATE SALES.CORE.ORDERS SET ID = 2"),
        ("INSERT", "SELECT * FROM SALES.CORE.ORDERS"),
        ("INSERT", "DELETE FROM SALES.CORE.ORDERS"),
    ],
)
def test_each_change_needs_its_own_privilege(fake, client, held, sql):
    fake.admin(f"GRANT {held} ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC")
    assert client.refusal(sql) == (3001, "42501")


def test_rows_of_a_view_cannot_be_changed(fake, client):
    fake.view(("SALES", "CORE", "V"), over=("SALES", "CORE", "ORDERS"))
    assert client.refusal("DELETE FROM SALES.CORE.V") == (2203, "02000")


def test_a_source_that_hits_a_row_twice_is_refused(fake, client):
    fake.admin("GRANT ALL ON TABLE SALES.CORE.ORDERS TO ROLE MKT_SVC")
    fake.table(("SALES", "CORE", "N"), {"ID": "NUMBER"}, rows=[{"ID": 1}, {"ID": 1}])
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.N TO ROLE MKT_SVC")
    sql = (
        "MERGE INTO SALES.CORE.ORDERS o USING (SELECT ID FROM SALES.CORE.N) n ON o.ID = n.ID "
        "WHEN MATCHED THEN DELETE"
    )
    assert client.refusal(sql) == (100090, "42P18")


def test_expressions_know_null(client):
    assert client.run(
        "SELECT NULL = 1, NULL AND FALSE, NULL OR TRUE, NOT NULL, 1 IN (2, NULL), 1 IN (1, NULL), "
        "NULL IS NULL, 1 IS NOT NULL, 'a' || NULL, COALESCE(NULL, 'x'), "
        "CASE WHEN NULL THEN 1 END"
    ) == [(None, False, True, None, None, True, True, True, None, "x", None)]


def test_functions_and_comparisons(client):
    assert client.run(
        "SELECT UPPER('a'), LOWER('B'), LEFT('abc', 2), CONCAT('a', 1), 'ab' LIKE 'A%', "
        "'ab' ILIKE 'A%', 2 > 1, 1 <> 1, 'b' >= 'a', '5'::NUMBER, 5::VARCHAR, "
        "SHA2('a'), SYS_CONTEXT('SNOWFLAKE$CURRENT', 'IS_AGENT_ACTIVATED')::BOOLEAN"
    ) == [
        (
            *("A", "b", "ab", "a1", False, True, True, False, True, 5, "5"),
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
            False,
        )
    ]


def test_a_time_can_be_written_out(client):
    text = "TO_VARCHAR('2026-12-01 00:00:00 +00:00'::TIMESTAMP_TZ, 'YYYY-MM-DD\"T\"HH24:MI:SS.FF3TZH:TZM')"
    assert client.run(f"SELECT {text}") == [("2026-12-01T00:00:00.000+00:00",)]
