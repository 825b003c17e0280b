"""What somebody sees: the outcome that everything else is asserted by."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk_databricks.testing import QueryFails

IN_GROUP = "CASE WHEN is_account_group_member('g') THEN v ELSE '***' END"
UNTIL = (
    "CASE WHEN EXISTS (SELECT 1 FROM c.s.people AS p WHERE p.mask = 'k' AND p.principal ="
    " session_user() AND (p.until IS NULL OR p.until > current_timestamp())) THEN v ELSE NULL END"
)


@pytest.fixture
def may_read(fake):
    """ann and bob may read everything in c."""
    for name in ("ann@x.org", "bob@x.org"):
        for privilege in ("USE_CATALOG", "USE_SCHEMA", "SELECT"):
            fake.give(name, privilege, "catalog", "c")


def sees(fake, name, column="email"):
    return fake.what_does(name, "c.s.t", column)


def test_it_takes_the_table_and_the_way_there(fake):
    for privilege, type, name in (
        ("SELECT", "table", "c.s.t"),
        ("USE_SCHEMA", "schema", "c.s"),
        ("USE_CATALOG", "catalog", "c"),
    ):
        assert sees(fake, "ann@x.org") == "none"
        fake.give("ann@x.org", privilege, type, name)

    assert sees(fake, "ann@x.org") == "clear"


def test_an_owner_needs_no_grant_but_the_way(fake):
    assert sees(fake, "bob@x.org") == "none"
    fake.give("bob@x.org", "USE_CATALOG", "catalog", "c")
    fake.give("bob@x.org", "USE_SCHEMA", "catalog", "c")

    assert sees(fake, "bob@x.org") == "clear"


def test_who_manages_does_not_see(fake):
    """MANAGE lets its holder grant SELECT, it is not SELECT; nor is owning the schema."""
    assert sees(fake, fake.me) == "none"
    fake.own(fake.me, "schema", "c.s")
    assert sees(fake, fake.me) == "none"


def test_groups_count_through_groups(fake):
    fake.group("outer", members=["g"])
    for privilege in ("USE_CATALOG", "USE_SCHEMA", "SELECT"):
        fake.give("outer", privilege, "catalog", "c")

    assert sees(fake, "ann@x.org") == "clear"
    fake.remove_member("g", "ann@x.org")
    assert sees(fake, "ann@x.org") == "none"


def test_everybody_is_in_account_users(fake):
    for privilege in ("USE_CATALOG", "USE_SCHEMA", "SELECT"):
        fake.give("account users", privilege, "catalog", "c")

    assert sees(fake, "ann@x.org") == "clear"


def test_all_privileges_hold_select(fake):
    fake.give("ann@x.org", "ALL_PRIVILEGES", "catalog", "c")

    assert sees(fake, "ann@x.org") == "clear"


@pytest.mark.usefixtures("may_read")
class TestMasks:
    """A function on a column decides for each person."""

    def test_a_function_asks_for_a_group(self, fake):
        fake.function("c.s.f", IN_GROUP)
        fake.mask("c.s.t", "email", "c.s.f")

        assert sees(fake, "ann@x.org") == "clear"
        assert sees(fake, "bob@x.org") == "masked"
        assert sees(fake, "bob@x.org", "id") == "clear"

    def test_a_group_of_a_group_counts(self, fake):
        fake.function("c.s.f", IN_GROUP.replace("'g'", "'outer'"))
        fake.group("outer", members=["g"])
        fake.mask("c.s.t", "email", "c.s.f")

        assert sees(fake, "ann@x.org") == "clear"

    @pytest.mark.parametrize("name", ["G", "gone", "local"])
    def test_a_group_that_there_is_not_has_no_members(self, fake, name):
        fake.local_group("local", members=["ann@x.org"])
        fake.function("c.s.f", IN_GROUP.replace("'g'", f"'{name}'"))
        fake.mask("c.s.t", "email", "c.s.f")

        assert sees(fake, "ann@x.org") == "masked"

    @pytest.mark.parametrize(
        ("definition", "expected"),
        [
            ("v", "clear"),
            ("CAST(v AS STRING)", "clear"),
            ("concat(left(v, 1), '***')", "masked"),
            ("IF(NOT is_account_group_member('g'), NULL, v)", "clear"),
            ("CASE WHEN session_user() IN ('ann@x.org') THEN v END", "clear"),
            ("CASE WHEN lower(session_user()) = 'bob@x.org' THEN v ELSE 0 END", "masked"),
        ],
    )
    def test_other_functions_are_understood(self, fake, definition, expected):
        fake.function("c.s.f", definition)
        fake.mask("c.s.t", "email", "c.s.f")

        assert sees(fake, "ann@x.org") == expected

    def test_a_function_that_nobody_can_read_shows_what_it_was_said_to(self, fake):
        fake.function("c.s.f", "python magic", shows="masked")
        fake.mask("c.s.t", "email", "c.s.f")

        assert sees(fake, "ann@x.org") == "masked"

    def test_a_function_that_looks_at_the_data_is_not_guessed(self, fake):
        fake.function("c.s.f", "CASE WHEN v = 'x' THEN v ELSE '***' END")
        fake.mask("c.s.t", "email", "c.s.f")

        with pytest.raises(Exception, match="depends on the data"):
            sees(fake, "ann@x.org")

    def test_a_further_column_can_be_a_constant(self, fake):
        fake.function(
            "c.s.f",
            "CASE WHEN is_account_group_member(grp) THEN v ELSE NULL END",
            parameters={"v": "STRING", "grp": "STRING"},
        )
        fake.mask("c.s.t", "email", "c.s.f", using=["'g'"])

        assert sees(fake, "ann@x.org") == "clear"
        fake.mask("c.s.t", "email", "c.s.f")
        with pytest.raises(QueryFails, match="WRONG_NUM_ARGS"):
            sees(fake, "ann@x.org")

    def test_a_mask_without_its_function_breaks_the_query(self, fake):
        fake.function("c.s.f", IN_GROUP)
        fake.mask("c.s.t", "email", "c.s.f")
        fake.drop("function", "c.s.f")

        with pytest.raises(QueryFails, match="ROUTINE_NOT_FOUND"):
            sees(fake, "ann@x.org")

    @pytest.mark.parametrize(
        ("definition", "words"),
        [
            (UNTIL, "TABLE_OR_VIEW_NOT_FOUND"),
            ("CASE WHEN date_format(now(), 'Q') = '1' THEN v ELSE '' END", "does not know"),
        ],
    )
    def test_what_a_function_needs_must_be_there(self, fake, definition, words):
        fake.function("c.s.f", definition)
        fake.mask("c.s.t", "email", "c.s.f")

        with pytest.raises(Exception, match=words):
            sees(fake, "ann@x.org")

    def test_a_table_of_people_ends_by_itself(self, fake, sql, clock):
        """The clock of the fake decides, whoever is down meanwhile."""
        fake.own(fake.me, "schema", "c.s")
        sql("CREATE TABLE c.s.people (mask STRING NOT NULL, principal STRING, until TIMESTAMP)")
        fake.function("c.s.f", UNTIL)
        fake.mask("c.s.t", "email", "c.s.f")
        until = (clock.now + timedelta(hours=1)).isoformat()
        sql("INSERT INTO c.s.people VALUES ('k', 'ann@x.org', :until)", until=until)
        sql("INSERT INTO c.s.people (mask, principal) VALUES ('k', 'bob@x.org')")

        assert [sees(fake, name) for name in ("ann@x.org", "bob@x.org")] == ["clear", "clear"]
        clock.now += timedelta(hours=2)
        assert [sees(fake, name) for name in ("ann@x.org", "bob@x.org")] == ["masked", "clear"]


@pytest.mark.usefixtures("may_read")
class TestPolicies:
    """A policy masks what its tags match, for whom it names."""

    @pytest.fixture
    def policy(self, fake):
        fake.function("c.s.f", "'***'")
        fake.tag("c.s.t", "pii", "email", column="email")

        def add(name="p", on=("catalog", "c"), **body):
            fake.policy(
                name,
                *on,
                **{
                    "to": ["account users"],
                    "except_principals": ["g"],
                    "match_columns": [{"alias": "m", "condition": "has_tag_value('pii','email')"}],
                    "column_mask": {"function_name": "c.s.f", "on_column": "m"},
                    **body,
                },
            )

        return add

    def test_who_is_excepted_sees_clear(self, fake, policy):
        policy()

        assert sees(fake, "ann@x.org") == "clear"
        assert sees(fake, "bob@x.org") == "masked"
        assert sees(fake, "bob@x.org", "id") == "clear"

    def test_an_exception_reaches_through_groups(self, fake, policy):
        fake.group("outer", members=["g"])
        policy(except_principals=["outer"])

        assert sees(fake, "ann@x.org") == "clear"

    def test_only_who_is_named_is_masked(self, fake, policy):
        policy(to=["bob@x.org"], except_principals=[])

        assert [sees(fake, name) for name in ("ann@x.org", "bob@x.org")] == ["clear", "masked"]

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ("has_tag('pii')", "masked"),
            ("has_tag('other')", "clear"),
            ("has_tag_value('pii','phone')", "clear"),
            ("has_tag('pii') AND NOT has_tag_value('pii', 'phone')", "masked"),
            ("hasTagValue('pii','email') OR hasTag('other')", "masked"),
        ],
    )
    def test_columns_are_matched_by_their_tags(self, fake, policy, condition, expected):
        policy(match_columns=[{"alias": "m", "condition": condition}])

        assert sees(fake, "bob@x.org") == expected

    def test_every_condition_must_meet_a_column(self, fake, policy):
        policy(
            match_columns=[
                {"alias": "m", "condition": "has_tag('pii')"},
                {"alias": "n", "condition": "has_tag('nothing')"},
            ]
        )

        assert sees(fake, "bob@x.org") == "clear"

    def test_a_condition_on_the_table_is_looked_at(self, fake, policy):
        policy(when_condition="has_tag('gold')")

        assert sees(fake, "bob@x.org") == "clear"
        fake.tag("c.s.t", "gold")
        assert sees(fake, "bob@x.org") == "masked"

    def test_two_masks_break_the_query_of_who_has_both(self, fake, policy):
        policy()
        fake.function("c.s.own", "NULL")
        fake.mask("c.s.t", "email", "c.s.own")

        with pytest.raises(QueryFails, match="MULTIPLE_MASKS"):
            sees(fake, "bob@x.org")
        assert sees(fake, "ann@x.org") == "masked"

        fake.mask("c.s.t", "email", None)
        policy("q", ("table", "c.s.t"), except_principals=[])
        with pytest.raises(QueryFails, match="MULTIPLE_MASKS"):
            sees(fake, "bob@x.org")

    def test_a_policy_that_denies_wins_over_a_grant(self, fake):
        fake.policy(
            "deny",
            "schema",
            "c.s",
            to=["g"],
            policy_type="POLICY_TYPE_DENY",
            deny={"privileges": ["SELECT"]},
        )

        assert [sees(fake, name) for name in ("ann@x.org", "bob@x.org")] == ["none", "clear"]

    def test_a_policy_elsewhere_does_not_concern_the_table(self, fake, policy):
        fake.table("d.s.t", {"id": "bigint"})
        policy(on=("catalog", "d"))

        assert sees(fake, "bob@x.org") == "clear"


def test_a_snapshot_tells_every_change(fake, sql):
    """Two snapshots are equal as long as nothing happened, and differ when anything did."""
    fake.function("c.s.f", IN_GROUP)
    seen = [fake.snapshot()]
    assert fake.snapshot() == seen[0]

    for happens in (
        lambda: fake.give("ann@x.org", "SELECT", "table", "c.s.t"),
        lambda: fake.add_member("g", "bob@x.org"),
        lambda: fake.mask("c.s.t", "email", "c.s.f"),
        lambda: fake.policy("p", "catalog", "c", to=["g"]),
        lambda: fake.own("ann@x.org", "table", "c.s.t"),
        lambda: fake.drop("function", "c.s.f"),
        lambda: fake.drop("group", "g"),
    ):
        happens()
        assert fake.snapshot() not in seen
        seen.append(fake.snapshot())
