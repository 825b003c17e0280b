"""Policies as text: when one asks for us, and what ours looks like."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace_sdk_snowflake.masks import (
    Subject,
    asks,
    condition_of,
    create_policy,
    entitlement_condition,
    hook_line,
    role_condition,
)
from marketplace_sdk_snowflake.naming import Grantee, Marker

ROLE = role_condition(Grantee("MKT_A_U_X"))
TABLE = entitlement_condition(("GOV", "MKT", "ENTITLEMENT"), "inst/column:A.B.C|D")
UNTIMED = settings(deadline=None)  # other tests run beside it
letters = st.characters(exclude_categories=["Cs", "Cc"])
names = st.text(letters, min_size=1, max_size=20)


@UNTIMED
@given(
    st.tuples(names, names, names, names), st.sampled_from(["", hook_line(ROLE), hook_line(TABLE)])
)
def test_a_subject_gives_back_its_parts(column, hook):
    assert Subject.read(str(Subject(column, hook))) == Subject(column, hook)


def test_a_subject_of_other_length_is_refused():
    with pytest.raises(ValueError, match="not the name of a column"):
        Subject.read("A.B.C")


@pytest.mark.parametrize("condition", [ROLE, TABLE])
def test_the_condition_is_read_back_from_its_line(condition):
    assert condition_of(hook_line(condition)) == condition


@pytest.mark.parametrize(
    "body",
    [
        "CASE WHEN IS_ROLE_IN_SESSION('MKT_A_U_X') THEN val ELSE '*' END",
        "case\n  when is_role_in_session( 'MKT_A_U_X' )\n  then v else '*' end",
        "CASE WHEN CURRENT_ROLE() = 'HR' THEN val WHEN IS_ROLE_IN_SESSION('MKT_A_U_X') THEN val END",
    ],
)
def test_a_policy_asks_however_it_is_laid_out(body):
    assert asks(body, ROLE)


@pytest.mark.parametrize(
    "body",
    [
        "'*'",
        "CASE WHEN IS_ROLE_IN_SESSION('MKT_A_U_Y') THEN val END",
        "CASE WHEN IS_ROLE_IN_SESSION('mkt_a_u_x') THEN val END",
        "CASE /* WHEN IS_ROLE_IN_SESSION('MKT_A_U_X') THEN val */ WHEN FALSE THEN val END",
        "CASE -- WHEN IS_ROLE_IN_SESSION('MKT_A_U_X') THEN val\n WHEN FALSE THEN val END",
        "CASE WHEN NOT IS_ROLE_IN_SESSION('MKT_A_U_X') THEN val END",
        "CASE WHEN IS_ROLE_IN_SESSION('MKT_A_U_X') AND FALSE THEN val END",
        "'WHEN IS_ROLE_IN_SESSION(''MKT_A_U_X'') THEN val'",
    ],
)
def test_a_policy_that_only_looks_alike_does_not_ask(body):
    assert not asks(body, ROLE)


def test_the_table_of_entitlements_is_asked_in_one_line():
    policy = f"CASE {hook_line(TABLE)} ELSE NULL END"

    assert asks(policy, TABLE)
    assert not asks(policy, entitlement_condition(("GOV", "MKT", "OTHER"), "inst/column:A.B.C|D"))
    assert "\n" not in TABLE


def test_a_database_role_is_named_without_its_database():
    """With it, Snowflake answers no."""
    assert role_condition(Grantee("X", "SALES")) == "IS_DATABASE_ROLE_IN_SESSION('X')"


@pytest.mark.parametrize(
    ("type", "full", "instead"),
    [
        ("VARCHAR(20)", "VARCHAR", "'*****'"),
        ("NUMBER(12,2)", "NUMBER(12,2)", "0"),
        ("BOOLEAN", "BOOLEAN", "FALSE"),
        ("DATE", "DATE", "NULL"),
        ("TIMESTAMP_TZ(9)", "TIMESTAMP_TZ(9)", "NULL"),
        ("BINARY(8)", "BINARY", "NULL"),
        ("VARIANT", "VARIANT", "NULL"),
    ],
)
def test_a_policy_of_ours_has_the_type_of_its_column(type, full, instead):
    made = create_policy(("G", "M", "P"), type, ROLE, Marker("inst1234", "k"))

    assert f"AS (val {full}) RETURNS {full} ->" in made
    assert f"ELSE {instead} END" in made


def test_a_policy_may_show_nothing_and_may_keep_agents_out():
    made = create_policy(
        ("G", "M", "P"), "VARCHAR", ROLE, Marker("inst1234", "k"), "null", agents=False
    )

    assert made.index("IS_AGENT_ACTIVATED") < made.index("IS_ROLE_IN_SESSION")
    assert "ELSE NULL END" in made


@pytest.mark.parametrize("type", ["VARCHAR) RETURNS VARCHAR -> val --", "", "number; DROP TABLE X"])
def test_a_type_that_is_none_is_refused(type):
    with pytest.raises(ValueError, match="cannot be masked"):
        create_policy(("G", "M", "P"), type, ROLE, Marker("inst1234", "k"))
