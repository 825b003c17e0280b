"""Data sources, tags and domains."""

from __future__ import annotations

import pytest

from marketplace_sdk.domain.catalog import (
    Column,
    DataSource,
    Domain,
    DomainPolicy,
    Tag,
    TagRule,
    covers,
)
from marketplace_sdk.domain.review import Stage
from marketplace_sdk.errors import InvalidInput
from tests.domain.building import DAYS_7, DECEPTIVE, HOSTILE, G, problems_of


def source(name="orders", **more):
    return DataSource(name, **{"connection": "lake", "object": "sales.orders", **more})


def test_a_source_has_columns_tags_and_a_place():
    """Columns and tags may be given as texts."""
    made = source(columns=["id", Column("email", masked=True)], tags=["PII", Tag("Fin", "snow")])

    assert made.columns == (Column("id"), Column("email", masked=True))
    assert made.tags == {Tag("PII", "manual"), Tag("Fin", "snow")}
    assert made.masked == {"email"}


@pytest.mark.parametrize("name", [name for name in HOSTILE if "." not in name])
def test_hostile_names_are_only_names(name):
    """Of sources, columns, objects and tags."""
    made = source(name, object=name, columns=[name], tags=[name])

    assert (made.name, made.object, made.columns[0].name) == (name, name, name)


@pytest.mark.parametrize("name", DECEPTIVE.values(), ids=DECEPTIVE.keys())
def test_names_that_deceive_are_refused(name):
    """Everywhere in a source."""
    for make in (
        lambda: source(name),
        lambda: source(connection=name),
        lambda: source(object=name),
        lambda: Column(name),
        lambda: Tag(name),
        lambda: Tag("x", name),
        lambda: TagRule(name),
    ):
        with pytest.raises(InvalidInput):
            make()


def test_the_name_of_a_source_has_no_dot():
    """So that source.column can be read in one way only; a column's may."""
    assert problems_of(source, "a.b") == {"source.name": "must not contain a dot"}
    assert Column("a.b").name == "a.b"


def test_columns_have_different_names():
    """And there are at most 5,000."""
    assert problems_of(source, columns=["id", "id"]) == {
        "source.columns": "must have different names"
    }
    assert len(source(columns=[f"c{n}" for n in range(5000)]).columns) == 5000
    assert problems_of(source, columns=[f"c{n}" for n in range(5001)]) == {
        "source.columns": "must be at most 5000"
    }


def test_one_text_is_neither_columns_nor_tags():
    """A lone text would be taken apart letter by letter."""
    assert list(problems_of(source, columns="id")) == ["columns"]
    assert list(problems_of(source, tags="PII")) == ["tags"]
    assert problems_of(TagRule, "PII", origins="manual") == {"": "must be a list, not one value"}


def test_there_is_a_limit_of_tags():
    """500 are enough."""
    assert len(source(tags=[f"t{n}" for n in range(500)]).tags) == 500
    assert problems_of(source, tags=[f"t{n}" for n in range(501)]) == {
        "tags": "must be at most 500"
    }


@pytest.mark.parametrize(
    ("tag", "origin", "admitted"),
    [
        ("Sales", "manual", True),
        ("Sales.EU", "manual", True),
        ("Sales.EU.North", "manual", True),
        ("SalesEU", "manual", False),
        ("sales", "manual", False),
        ("Other.Sales", "manual", False),
        ("Sales", "snowflake", False),
    ],
)
def test_a_tag_rule_admits_the_tag_and_its_children_from_its_origins(tag, origin, admitted):
    """Tags count only from the origins that the rule names."""
    assert TagRule("Sales").admits([Tag(tag, origin)]) == admitted
    assert TagRule("Sales", ["manual", "snowflake"]).admits([Tag("Sales", "snowflake")])


def test_a_tag_rule_needs_an_origin():
    """Otherwise it would admit nothing, or anything."""
    assert problems_of(TagRule, "Sales", origins=[]) == {"origins": "must not be empty"}


def test_a_domain_covers_by_hand_or_by_tag_and_never_both():
    """A dynamic domain ignores what was assigned by hand."""
    by_hand = Domain(name="sales", sources=frozenset({"orders"}))
    by_tag = Domain(
        name="sales", rules=(TagRule("Sales"), TagRule("Shop")), sources=frozenset({"orders"})
    )

    assert not by_hand.dynamic
    assert covers(by_hand, source())
    assert not covers(by_hand, source("returns", tags=["Sales"]))
    assert by_tag.dynamic
    assert not covers(by_tag, source())
    assert covers(by_tag, source(tags=["Shop.EU"]))


def test_tags_of_columns_admit_no_source():
    """Only table-level tags count."""
    domain = Domain(name="sales", rules=(TagRule("Sales"),))

    assert not covers(domain, source(columns=[Column("id", tags=[Tag("Sales")])]))


def test_domain_permissions_are_held_by_people_and_groups():
    """By token."""
    domain = Domain(
        name="sales",
        permissions=frozenset(
            {("MANAGE_DATA_PRODUCTS", "user:dee"), ("AUDIT_ACTIVITY", "group:Legal")}
        ),
    )

    assert domain.held_by(["user:dee", "group:Other"]) == {"MANAGE_DATA_PRODUCTS"}
    assert domain.held_by(["user:dee", "group:Legal"]) == {"MANAGE_DATA_PRODUCTS", "AUDIT_ACTIVITY"}
    assert domain.held_by(["group:dee"]) == frozenset()
    assert domain.holders("AUDIT_ACTIVITY") == {"group:Legal"}
    assert domain.holders("MANAGE_POLICIES") == frozenset()


def test_a_policy_begins_with_the_documented_values():
    """auto_approve yes, self_review as the form says, no maximum, no stages, give, keep."""
    policy = DomainPolicy()

    assert (policy.auto_approve, policy.self_review, policy.max_duration) == (True, "form", None)
    assert (policy.extra_stages, policy.widening, policy.leaving) == ((), "give", "keep")


def test_a_policy_takes_the_other_values_too():
    """Every choice that there is."""
    policy = DomainPolicy(
        self_review="never",
        widening="ask",
        leaving="remove",
        max_duration=DAYS_7,
        extra_stages=[Stage.any_of(G)],
    )

    assert policy.extra_stages == (Stage.any_of(G),)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("self_review", "always"),
        ("widening", "maybe"),
        ("leaving", "hide"),
        ("extra_stages", [G]),
        ("max_duration", 30),
    ],
)
def test_a_policy_refuses_what_it_does_not_know(field, value):
    """Each field has its own problem."""
    assert list(problems_of(DomainPolicy, **{field: value})) == [f"policy.{field}"]
