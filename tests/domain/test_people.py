"""People, service accounts and groups."""

from __future__ import annotations

import pytest

from marketplace_sdk.domain.people import SYSTEM, Actor, Beneficiary, GroupFacts, Person
from marketplace_sdk.domain.selectors import group, user
from tests.domain.building import NOW, person, problems_of


def test_the_facts_of_a_person_are_all_their_tokens():
    """A selector matches exactly when its token is among them."""
    facts = person(
        "ana",
        groups=["Legal"],
        attributes=[("team", "fin")],
        permissions=["AUDIT"],
        manages=["sales"],
    )

    assert facts.id == "ana"
    assert facts.tokens == {
        "user:ana",
        "group:Legal",
        "attribute:4:team=fin",
        "permission:AUDIT",
        "domain:MANAGE_DATA_PRODUCTS:sales",
    }


def test_a_person_holds_any_of_the_permissions_asked_for():
    """One is enough; none of none."""
    facts = person("x", permissions=["AUDIT"])

    assert facts.has("GOVERNANCE", "AUDIT")
    assert not facts.has("GOVERNANCE")
    assert not facts.has()


def test_managing_is_of_a_domain_and_governance_manages_all():
    """GOVERNANCE anywhere, MANAGE_DATA_PRODUCTS in that domain."""
    dee, gil = person("dee", manages=["sales"]), person("gil", permissions=["GOVERNANCE"])

    assert dee.manages("sales")
    assert not dee.manages("finance")
    assert gil.manages("finance")
    assert dee.holds_in("sales", "MANAGE_DATA_PRODUCTS")
    assert not dee.holds_in("sales", "MANAGE_POLICIES")
    assert not gil.holds_in("sales", "MANAGE_DATA_PRODUCTS")


@pytest.mark.parametrize(
    ("who", "owner", "side"),
    [
        (Beneficiary("person", "ana"), "", True),
        (Beneficiary("person", "bo"), "", False),
        (Beneficiary("person", "robot"), "ana", True),
        (Beneficiary("person", "robot"), "bo", False),
        (Beneficiary("group", "Legal"), "", True),
        (Beneficiary("group", "Privacy"), "", False),
        (Beneficiary("group", "ana"), "", False),
        (Beneficiary("person", "Legal"), "", False),
    ],
)
def test_a_decision_for_oneself_is_one_for_ones_group_or_robot_too(who, owner, side):
    """No member of that group, and not the account's owner, may determine."""
    assert person("ana", groups=["Legal"]).is_side(who, owner) == side


def test_a_beneficiary_has_the_token_of_its_selector():
    """So that notices and rules find the same people."""
    assert Beneficiary("person", "ana").token == user("ana").token
    assert Beneficiary("group", "Legal").token == group("Legal").token
    assert str(Beneficiary("person", "ana")) == "ana"
    assert str(Beneficiary("group", "Legal")) == "group Legal"


def test_facts_are_stamped_without_losing_any():
    """When the directory vouched for them."""
    facts = person("dee", groups=["Legal"], manages=["sales"])

    stamped = facts.at(NOW)

    assert stamped.person.as_of == NOW
    assert stamped.tokens == facts.tokens
    assert facts.person.as_of is None


@pytest.mark.parametrize("field", ["groups", "permissions"])
def test_one_text_is_no_set_of_names(field):
    """A lone text would be taken apart letter by letter."""
    assert problems_of(Person, id="x", **{field: "GOVERNANCE"}) == {
        "": "must be a list, not one value"
    }


def test_platform_names_are_not_shown():
    """They are nobody's business in a log."""
    shown = [
        repr(Person(id="x", principals={"lake": "secret"})),
        repr(GroupFacts(name="g", principals={"lake": "secret"})),
    ]

    assert not any("secret" in text for text in shown)
    assert Person(id="x", principals={"lake": "n"}).principals["lake"] == "n"


def test_the_portal_says_who_acts():
    """An actor is a person's id and how they came; jobs have a reserved one."""
    assert Actor("ana") == Actor("ana", None, "")
    assert SYSTEM == "system"
