"""Every statement that can be sent, parsed by somebody else's grammar of Snowflake."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime

import pytest
from sqlfluff.core import FluffConfig, Linter

from marketplace_sdk_snowflake import masks, protecting, queries, rights, statements
from marketplace_sdk_snowflake.kinds import KEYWORDS
from marketplace_sdk_snowflake.naming import Grantee, Marker, quote_name
from marketplace_sdk_snowflake.sessions import _WHO

NAME = ('SA"LES', "CO.RE", "ORD'ERS")
COLUMN = (*NAME, "E MAIL")
ROLE = Grantee("MKT_A_R_X")
INSIDE = Grantee("MKT_A_R_X", 'SA"LES')
MARKER = Marker("inst1234", "product:it's \"\\ one")
UNTIL = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
TABLE = ("GOV", "MKT", "ENTITLEMENT")
CONDITIONS = (
    masks.role_condition(ROLE),
    masks.role_condition(INSIDE),
    masks.entitlement_condition(TABLE, "inst1234/column:A.B.C|it's"),
)


def made():
    """One or more texts of every builder, by its name."""
    s, q, r = statements, queries, rights
    both = (ROLE, INSIDE)
    yield "identity", [_WHO]
    yield "create_role", [s.create_role(each, MARKER) for each in both]
    yield "drop_role", [s.drop_role(each) for each in both]
    for add in (True, False):
        yield "grant_usage", [s.grant_usage("S", each, add=add) for each in both]
        yield "grant_schema_usage", [s.grant_schema_usage(NAME[:2], e, add=add) for e in both]
        yield (
            "grant_select",
            [
                s.grant_select(word, NAME, each, add=add)
                for each in both
                for word in KEYWORDS.values()
            ],
        )
        yield (
            "grant_member",
            [
                s.grant_member(each, kind, 'it\'s "me"', add=add)
                for each in both
                for kind in ("USER", "ROLE")
            ],
        )
    yield "grant_ownership", [s.grant_ownership(each, "MKT_SVC") for each in both]
    yield "show_users", [s.show_users("it's_%\\"), s.show_users(), s.show_users(after="x")]
    yield (
        "show_roles",
        [s.show_roles("it's_"), s.show_roles(prefix="MKT_", after="x"), s.show_roles()],
    )
    yield "show_database_roles", [s.show_database_roles("S")]
    yield "show_databases", [s.show_databases(), s.show_databases("S_")]
    yield "show_schemas", [s.show_schemas("S")]
    yield "show_objects", [s.show_objects(NAME[:2], "x_"), s.show_objects(NAME[:2], after="x")]
    yield "show_views", [s.show_views(NAME[:2], "x_")]
    yield "show_dynamic_tables", [s.show_dynamic_tables(NAME[:2], "x_")]
    yield "show_columns", [s.show_columns(NAME[:2]), s.show_columns(NAME[:2], "T", "VIEW")]
    yield "show_privileges", [s.show_privileges(each) for each in both]
    yield "show_members", [s.show_members(each) for each in both]
    yield "show_grants_on", [s.show_grants_on(word, NAME) for word in ("TABLE", "VIEW")]
    yield "describe_table", [s.describe_table(NAME)]
    yield "describe_policy", [s.describe_policy(NAME)]
    yield (
        "create_policy",
        [
            masks.create_policy(NAME, type, condition, MARKER, style, agents=agents)
            for type in ("VARCHAR(20)", "NUMBER(12,2)", "TIMESTAMP_TZ(9)")
            for condition in CONDITIONS
            for style in ("fixed", "null")
            for agents in (True, False)
        ],
    )
    yield "set_policy", [masks.set_policy(word, COLUMN, NAME) for word in ("TABLE", "VIEW")]
    yield "unset_policy", [masks.unset_policy(word, COLUMN) for word in ("TABLE", "VIEW")]
    yield "drop_policy", [masks.drop_policy(NAME)]
    yield "show_policies", [masks.show_policies(NAME[:2])]
    yield "create_entitlements", [q.create_entitlements(TABLE)]
    yield "select_entitlements", [q.select_entitlements(TABLE, "it's")]
    yield (
        "merge_entitlement",
        [q.merge_entitlement(TABLE, "c", "it's", "id", u) for u in (UNTIL, None)],
    )
    yield "delete_entitlement", [q.delete_entitlement(TABLE, "it's", "id")]
    yield "policies_of_object", [q.policies_of_object(NAME)]
    yield "uses_of_policy", [q.uses_of_policy(NAME)]
    yield "references_of_view", [q.references_of_view(NAME)]
    yield "tags_of_object", [q.tags_of_object(NAME)]
    yield "create_roles", [r.create_roles("MKT_SVC")]
    yield "create_database_roles", [r.create_database_roles("S", "MKT_SVC")]
    yield "hand_on_database", [r.hand_on_database("S", "MKT_SVC")]
    yield "hand_on_schema", [r.hand_on_schema(NAME[:2], "MKT_SVC")]
    yield "hand_on_object", [r.hand_on_object(word, NAME, "MKT_SVC") for word in KEYWORDS.values()]
    yield "use_entitlements", [r.use_entitlements(TABLE, "MKT_SVC")]
    yield "manage_schema", [r.manage_schema(NAME[:2], "MKT_SVC")]
    yield "manage_database", [r.manage_database("S", "MKT_SVC")]


GAPS = {
    "DROP DATABASE ROLE": "no DROP DATABASE ROLE",
    "GRANT SELECT ON EVENT TABLE": "no EVENT TABLE in GRANT",
    "GRANT SELECT ON ICEBERG TABLE": "no ICEBERG TABLE in GRANT",
    "REVOKE SELECT ON EVENT TABLE": "no EVENT TABLE in REVOKE",
    "REVOKE SELECT ON ICEBERG TABLE": "no ICEBERG TABLE in REVOKE",
    "SHOW GRANTS TO DATABASE ROLE": "no DATABASE ROLE in SHOW GRANTS",
    "SHOW GRANTS OF DATABASE ROLE": "no DATABASE ROLE in SHOW GRANTS",
    "SHOW DATABASE ROLES": "no SHOW DATABASE ROLES",
    "SHOW DYNAMIC TABLES": "no SHOW DYNAMIC TABLES",
    "DROP MASKING POLICY": "no DROP MASKING POLICY",
}
"""Beginnings of statements that this version of the checker does not know, and what it lacks."""


@pytest.fixture(scope="module")
def linter():
    return Linter(config=FluffConfig(overrides={"dialect": "snowflake"}))


def parsed(linter, text):
    found = linter.parse_string(text)
    tree = found.tree
    return not found.violations and tree is not None and "unparsable" not in tree.type_set()


ALL = [(name, text) for name, texts in made() for text in texts]


def gap(text):
    return next((begin for begin in GAPS if text.startswith(begin)), None)


@pytest.mark.parametrize("name", sorted({name for name, _ in ALL}))
def test_a_statement_is_one_of_snowflakes(linter, name):
    for each, text in ALL:
        if each == name and gap(text) is None:
            assert parsed(linter, text), text
            assert ";" not in text.replace('"it\'s ""me"""', "")


@pytest.mark.parametrize("begin", sorted(GAPS))
def test_a_gap_of_the_checker_is_still_there(linter, begin):
    """An entry that is not needed any more is taken out of the list."""
    texts = [text for _, text in ALL if gap(text) == begin]

    assert texts
    assert not any(parsed(linter, text) for text in texts)


def test_the_checker_refuses_what_is_wrong(linter):
    for text in (
        'GRANT ROEL "A" TO USER "B"',
        'GRANT ROLE "A" USER "B"',
        'GRANT SELECT ON TABLE "A"."B" FROM ROLE "C"',
        "CREATE ROLE \"A\" COMMENT 'x' FROM",
    ):
        assert not parsed(linter, text), text


def test_every_builder_is_here():
    """A new statement cannot be forgotten."""
    named = {name for name, _ in ALL}
    for module in (statements, queries, rights, masks):
        for name in module.__all__:
            one = getattr(module, name)
            text = inspect.isfunction(one) and inspect.signature(one).return_annotation == "str"
            if text and name not in (
                "permission",  # picks one of the others
                "asks",
                "fingerprint",
                "condition_of",
                "hook_line",
                "role_condition",
                "entitlement_condition",
                "target_key",
            ):
                assert name in named, f"{module.__name__}.{name}"


def test_nothing_can_force_open_the_future_or_take_another_role():
    for _, text in ALL:
        bare = text.upper()
        for word in (" FORCE", "FUTURE", "CASCADE", "ACCOUNTADMIN", "OR REPLACE", "USE ROLE"):
            assert word not in bare, text


def test_names_stay_inside_their_quotes():
    assert quote_name(*NAME) in statements.describe_table(NAME)
    assert protecting.__doc__
