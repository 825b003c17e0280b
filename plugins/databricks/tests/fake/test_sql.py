"""Statements: those that masks and discovery need, and no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from databricks.sdk.errors import NotFound
from databricks.sdk.service.sql import StatementState
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk_databricks.testing._tokens import tokens

CREATE = "CREATE FUNCTION `c`.`s`.`f`(v STRING) RETURNS STRING COMMENT 'm' RETURN {}"
IN_GROUP = "CASE WHEN is_account_group_member('g') THEN v ELSE CAST(NULL AS STRING) END"
SET = "ALTER TABLE `c`.`s`.`t` ALTER COLUMN `email` SET MASK `c`.`s`.`f`"
MERGE = """
MERGE INTO `c`.`s`.`people` AS x
USING (SELECT :mask AS mask, :principal AS principal, CAST(:until AS TIMESTAMP) AS until) AS n
ON x.mask = n.mask AND x.principal = n.principal
WHEN MATCHED THEN UPDATE SET until = n.until
WHEN NOT MATCHED THEN INSERT (mask, principal, until) VALUES (n.mask, n.principal, n.until)
"""


@pytest.fixture
def owner(fake):
    """The client owns schema c.s and table c.s.t."""
    fake.own(fake.me, "schema", "c.s")
    fake.own(fake.me, "table", "c.s.t")


def test_a_statement_that_fails_is_no_error_of_http(fake, sql):
    answer = sql("DROP FUNCTION c.s.nothing")

    assert answer.status.state is StatementState.FAILED
    assert answer.status.error.message.startswith("[ROUTINE_NOT_FOUND]")
    assert (fake.calls[-1].outcome, fake.calls[-1].error_code) == (200, "FAILED")
    assert fake.statements == ["DROP FUNCTION c.s.nothing"]


def test_a_statement_needs_a_warehouse_that_there_is(client):
    with pytest.raises(NotFound):
        client.statement_execution.execute_statement("SELECT 1", "other")


def test_a_statement_can_be_looked_up_afterwards(client, sql):
    made = sql("SELECT 1 AS one")

    found = client.statement_execution.get_statement(made.statement_id)

    assert found.result.data_array == [["1"]]
    client.statement_execution.cancel_execution(made.statement_id)
    with pytest.raises(NotFound):
        client.statement_execution.get_statement("other")


@pytest.mark.usefixtures("owner")
class TestFunctionsAndMasks:
    """CREATE FUNCTION, SET MASK, DROP MASK, DROP FUNCTION."""

    def test_a_mask_is_set_up_and_taken_down(self, fake, fine):
        fine(CREATE.format(IN_GROUP))
        fine(SET)
        assert fake.snapshot()["masks"] == {("c.s.t", "email"): ("c.s.f", ())}

        fine("ALTER TABLE c.s.t ALTER COLUMN email DROP MASK")
        fine("DROP FUNCTION c.s.f")
        assert fake.snapshot()["masks"] == fake.snapshot()["functions"] == {}

    def test_a_function_is_kept_as_it_was_written(self, client, fine):
        fine(CREATE.format(IN_GROUP))

        found = client.functions.get("c.s.f")

        assert (found.routine_definition, found.comment) == (IN_GROUP, "m")

    def test_a_function_is_not_replaced_unasked(self, fine, fails):
        fine(CREATE.format("v"))

        assert fails(CREATE.format("NULL")) == "ROUTINE_ALREADY_EXISTS"
        fine(CREATE.format("NULL").replace("FUNCTION", "FUNCTION IF NOT EXISTS", 1))
        fine(CREATE.format("NULL").replace("CREATE", "CREATE OR REPLACE", 1))

    def test_a_function_that_is_replaced_has_another_id(self, fake, fine):
        fine(CREATE.format("v"))
        before = fake.snapshot()["functions"]["c.s.f"]
        fine(CREATE.format("v").replace("CREATE", "CREATE OR REPLACE", 1))

        assert fake.snapshot()["functions"]["c.s.f"] != before

    @pytest.mark.parametrize(
        ("statement", "condition"),
        [
            (SET.replace("`t`", "`v`"), "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE"),
            (SET.replace("email", "nothing"), "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"),
            (SET.replace("email", "id"), "DATATYPE_MISMATCH"),
            (SET.replace("`f`", "`nothing`"), "ROUTINE_NOT_FOUND"),
            (SET.replace("`t`", "`nothing`"), "TABLE_OR_VIEW_NOT_FOUND"),
            (SET + " USING COLUMNS (id)", "WRONG_NUM_ARGS"),
        ],
    )
    def test_a_mask_that_does_not_fit_is_refused(self, fake, fine, fails, statement, condition):
        fine(CREATE.format(IN_GROUP))

        assert fails(statement) == condition
        assert fake.snapshot()["masks"] == {}

    def test_a_mask_takes_further_columns_and_constants(self, fake, fine, fails):
        fine(
            "CREATE FUNCTION c.s.f(v STRING, i BIGINT, g STRING) RETURNS STRING RETURN"
            " CASE WHEN is_account_group_member(g) THEN v ELSE NULL END"
        )
        fine(SET + " USING COLUMNS (id, 'g')")

        assert fake.snapshot()["masks"] == {("c.s.t", "email"): ("c.s.f", ("id", "'g'"))}
        assert fails(SET + " USING COLUMNS (nothing, 'g')").startswith("UNRESOLVED_COLUMN")

    def test_a_mask_is_set_by_who_manages_the_table_and_may_call_the_function(
        self, fake, fine, fails
    ):
        fine(CREATE.format(IN_GROUP))
        fake.own("bob@x.org", "function", "c.s.f")
        fake.own("bob@x.org", "schema", "c.s")
        assert fails(SET) == "INSUFFICIENT_PERMISSIONS"

        fake.give(fake.me, "EXECUTE", "function", "c.s.f")
        fine(SET)
        fake.own("bob@x.org", "table", "c.s.t")
        fake.take(fake.me, "MANAGE", "catalog", "c")
        assert fails("ALTER TABLE c.s.t ALTER COLUMN email DROP MASK") == "INSUFFICIENT_PERMISSIONS"

    def test_a_schema_of_our_own_is_made(self, fake, fine, fails):
        assert fails("CREATE SCHEMA `c`.`ours`") == "INSUFFICIENT_PERMISSIONS"
        fake.give(fake.me, "CREATE_SCHEMA", "catalog", "c")

        fine("CREATE SCHEMA `c`.`ours` COMMENT 'made'")
        fine("CREATE SCHEMA IF NOT EXISTS `c`.`ours`")

        assert fails("CREATE SCHEMA `c`.`ours`") == "SCHEMA_ALREADY_EXISTS"


def test_what_is_made_needs_the_right_to_make_it(fails):
    assert fails(CREATE.format("v")) == "INSUFFICIENT_PERMISSIONS"
    assert fails("CREATE TABLE c.s.people (mask STRING)") == "INSUFFICIENT_PERMISSIONS"


@pytest.mark.usefixtures("owner")
class TestTables:
    """The table that a mask function looks people up in."""

    @pytest.fixture(autouse=True)
    def people(self, fine, owner):
        fine(
            "CREATE TABLE IF NOT EXISTS `c`.`s`.`people` (mask STRING NOT NULL,"
            " principal STRING NOT NULL, until TIMESTAMP) COMMENT 'who sees clear'"
        )

    def rows(self, fake):
        return fake.snapshot()["rows"].get("c.s.people", [])

    def test_a_merge_adds_once_and_changes_after(self, fake, fine, clock):
        for hours in (1, 2):
            until = clock.now + timedelta(hours=hours)
            fine(MERGE, mask="k", principal="ann@x.org", until=until.isoformat())

        assert self.rows(fake) == [{"mask": "k", "principal": "ann@x.org", "until": until}]

    def test_rows_are_read_by_their_mask(self, fine):
        fine(MERGE, mask="k", principal="ann@x.org", until="2026-03-02T00:00:00")
        fine(MERGE, mask="k", principal="bob@x.org", until=None)
        fine(MERGE, mask="other", principal="bob@x.org", until=None)

        found = fine(
            "SELECT principal, date_format(until, \"yyyy-MM-dd'T'HH:mm:ss\")"
            " FROM `c`.`s`.`people` WHERE mask = :mask ORDER BY principal",
            mask="k",
        )

        assert found == [["ann@x.org", "2026-03-02T00:00:00"], ["bob@x.org", None]]
        assert fine("SELECT unix_seconds(until) FROM c.s.people WHERE principal = 'ann@x.org'") == [
            ["1772409600"]
        ]
        assert fine("SELECT * FROM c.s.people WHERE until IS NOT NULL") == [
            ["k", "ann@x.org", "2026-03-02T00:00:00.000Z"]
        ]

    def test_rows_are_changed_and_deleted(self, fake, fine, clock):
        fine("INSERT INTO c.s.people (mask, principal) VALUES ('k', 'a'), ('k', 'b')")

        assert fine("UPDATE c.s.people SET until = current_timestamp() WHERE principal = 'a'") == [
            ["1"]
        ]
        assert fine("DELETE FROM c.s.people WHERE mask = :m AND principal = :p", m="k", p="b") == [
            ["1"]
        ]

        assert self.rows(fake) == [{"mask": "k", "principal": "a", "until": clock.now}]
        assert fine("DELETE FROM c.s.people") == [["1"]]

    @pytest.mark.parametrize(
        ("statement", "condition"),
        [
            ("INSERT INTO c.s.people (mask) VALUES ('k')", "DELTA_NOT_NULL_CONSTRAINT_VIOLATED"),
            ("INSERT INTO c.s.people (mask) VALUES ('k', 'x')", "INSERT_COLUMN_ARITY_MISMATCH"),
            (
                "INSERT INTO c.s.people (nothing) VALUES ('k')",
                "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
            ),
            ("INSERT INTO c.s.people VALUES ('k', 'x', 'soon')", "CAST_INVALID_INPUT"),
            ("INSERT INTO c.s.people VALUES ('k', :x, NULL)", "UNBOUND_SQL_PARAMETER"),
            ("CREATE TABLE c.s.people (mask STRING)", "TABLE_OR_VIEW_ALREADY_EXISTS"),
            ("SELECT nothing FROM c.s.people", "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"),
            ("SELECT 1 FROM c.s.nothing", "TABLE_OR_VIEW_NOT_FOUND"),
        ],
    )
    def test_what_does_not_fit_the_table_changes_nothing(
        self, fake, fine, fails, statement, condition
    ):
        fine("INSERT INTO c.s.people VALUES ('k', 'ann@x.org', NULL)")
        before = fake.snapshot()

        assert fails(statement) == condition
        assert fake.snapshot() == before

    def test_rows_are_for_who_may_change_them(self, fake, fails):
        fake.own("bob@x.org", "table", "c.s.people")

        assert fails("DELETE FROM c.s.people") == "INSUFFICIENT_PERMISSIONS"
        assert fails("SELECT mask FROM c.s.people") == "INSUFFICIENT_PERMISSIONS"

    def test_rows_are_chosen_by_other_tables_and_by_time(self, fine):
        fine("INSERT INTO c.s.people VALUES ('k', 'a', '2026-01-01T00:00:00Z'), ('j', 'b', NULL)")
        fine("CREATE TABLE c.s.keys (k STRING, n DECIMAL(10, 2))")
        fine("INSERT INTO c.s.keys VALUES ('k', 1.5)")
        choose = "SELECT principal FROM c.s.people x WHERE "

        assert fine(choose + "mask IN (SELECT y.k FROM c.s.keys AS y)") == [["a"]]
        assert fine(choose + "x.mask NOT IN ('k', 'l')") == [["b"]]
        assert fine(choose + "until < TIMESTAMP '2026-02-01T00:00:00'") == [["a"]]
        assert fine(choose + "until >= current_timestamp() OR until IS NULL") == [["b"]]
        assert fine(choose + "NOT mask <> 'k' ORDER BY principal, mask LIMIT 5") == [["a"]]
        assert fine("SELECT n, TRUE, NULL FROM c.s.keys") == [["1.5", "true", None]]

    def test_a_table_that_is_there_can_be_made_again_quietly(self, fine):
        fine("CREATE TABLE IF NOT EXISTS c.s.people (other STRING)")

        assert fine("SELECT mask FROM c.s.people") == []

    def test_markers_have_types(self, client, fake):
        from databricks.sdk.service.sql import StatementParameterListItem as Item

        answer = client.statement_execution.execute_statement(
            "SELECT :n, :b, unix_seconds(:t)",
            fake.warehouse_id,
            parameters=[
                Item("n", "BIGINT", "7"),
                Item("b", "BOOLEAN", "true"),
                Item("t", "TIMESTAMP", "1970-01-01T00:01:00Z"),
            ],
        )

        assert answer.result.data_array == [["7", "true", "60"]]

    def test_a_table_is_dropped(self, fine, fails):
        fine("DROP TABLE c.s.people")
        fine("DROP TABLE IF EXISTS c.s.people")

        assert fails("DROP TABLE c.s.people") == "TABLE_OR_VIEW_NOT_FOUND"


class TestNamesAndTexts:
    """What is quoted arrives; what is not ends the statement."""

    @pytest.mark.parametrize("name", ["we``ird", "sp ace", "x#y", "drop table x; --", "Ünïcode"])
    @pytest.mark.usefixtures("owner")
    def test_a_quoted_name_is_one_name(self, fake, fine, name):
        plain = name.replace("``", "`").lower()
        fine(f"CREATE FUNCTION `c`.`s`.`{name}`(v STRING) RETURNS STRING RETURN v")

        assert f"c.s.{plain}" in fake.snapshot()["functions"]

    @pytest.mark.usefixtures("owner")
    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE FUNCTION `c`.`s`.`a.b`(v STRING) RETURNS STRING RETURN v",
            "SELECT 'it''s'",
            "SELECT 1; DROP TABLE c.s.t",
            "SELECT 1 -- comment",
            "DROP TABLE `c`.`s`.`t",
            "GRANT SELECT ON TABLE c.s.t TO `ann@x.org`",
            "ALTER TABLE c.s.t DROP COLUMN id",
            "CREATE FUNCTION c.s.f(v STRING) RETURNS STRING",
            "SELECT",
            "CREATE FUNCTION c.s.f(v DECIMAL(10",
            "CREATE FUNCTION c.s.f(v DECIMAL(x)) RETURNS STRING RETURN v",
            "CREATE FUNCTION c.s.f(v STRING,) RETURNS STRING RETURN v",
            "CREATE TABLE c.s.x (a STRING b STRING)",
            "CREATE TABLE c.s.x ('a' STRING)",
            "CREATE FUNCTION c.s.f(v STRING) RETURNS STRING COMMENT x RETURN v",
            "SELECT 1 FROM c.s.t LIMIT x",
            "SELECT (1",
        ],
    )
    def test_anything_else_fails_and_changes_nothing(self, fake, fails, statement):
        before = fake.snapshot()

        assert fails(statement) in {"PARSE_SYNTAX_ERROR", "INVALID_PARAMETER_VALUE"}
        assert fake.snapshot() == before

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
    def test_whatever_is_quoted_is_one_name_or_one_text(self, written):
        """Backticks are doubled in a name; quotes and backslashes are escaped in a text."""
        name = "`" + written.replace("`", "``") + "`"
        text = "'" + written.replace("\\", "\\\\").replace("'", "\\'") + "'"

        found = tokens(f"SELECT {name} , {text}")

        assert [(one.kind, one.value) for one in found[1:4:2]] == [
            ("quoted", written),
            ("text", written),
        ]

    def test_a_quote_in_a_text_is_escaped_by_a_backslash(self, fine):
        assert fine(r"SELECT 'it\'s \\ \n'") == [["it's \\ \n"]]

    def test_people_are_who_they_say(self, fake, fine):
        assert fine("SELECT session_user(), current_user()") == [[fake.me, fake.me]]
