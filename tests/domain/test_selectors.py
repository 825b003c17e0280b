"""How people are named without naming them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.selectors import (
    DOMAIN_PERMISSIONS,
    RESERVED_PERMISSIONS,
    StewardSelector,
    attribute,
    domain_permission,
    group,
    permission,
    user,
)
from marketplace_sdk.errors import InvalidInput
from tests.domain.building import DECEPTIVE, HOSTILE, person, problems_of

NAMES = st.text(st.sampled_from("ab:=1|"), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("selector", "fits", "words"),
    [
        (user("ana"), person("ana"), "user ana"),
        (group("Legal"), person("x", groups=["Legal"]), "group Legal"),
        (attribute("team", "fin"), person("x", attributes=[("team", "fin")]), "attribute team=fin"),
        (permission("PII"), person("x", permissions=["PII"]), "permission PII"),
        (
            domain_permission("MANAGE_DATA_PRODUCTS").bound("sales"),
            person("x", manages=["sales"]),
            "domain permission MANAGE_DATA_PRODUCTS in sales",
        ),
    ],
)
def test_a_selector_fits_those_whom_it_names_and_nobody_else(selector, fits, words):
    """Exact user, group, attribute value, permission, or permission in the product's domain."""
    assert selector.matches(fits)
    assert str(selector) == words
    for stranger in (
        person("Ana"),
        person("x", groups=["legal"]),
        person("Legal", attributes=[("team", "other"), ("fin", "team")]),
        person("PII", permissions=["PI"]),
        person("sales", manages=["finance"], permissions=["MANAGE_DATA_PRODUCTS"]),
    ):
        assert not selector.matches(stranger)


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("robot", "x"), "selector.kind"),
        ((["user"], "x"), "selector.kind"),
        (("user", 5), "user"),
        (("group", {}), "group"),
        (("permission", "a\0b"), "permission"),
        (("domain_permission", "GOVERNANCE"), "domain_permission"),
        (("attribute", "x"), "attribute.key"),
        (("attribute", "x", 5), "attribute.key"),
        (("user", "x", "key"), "selector.key"),
        (("user", "x", "", "HR"), "selector.domain"),
        (("domain_permission", "MANAGE_POLICIES", "", "a.b"), "selector.domain"),
        (("domain_permission", "MANAGE_POLICIES", "", None), "selector.domain"),
    ],
)
def test_a_selector_made_by_hand_is_checked_too(parts, path):
    """Whatever would be stored with a form has to be readable again."""
    assert list(problems_of(StewardSelector, *parts)) == [path]


def test_an_unbound_domain_permission_fits_nobody_and_says_what_it_means():
    """The domain is filled in at submission, once."""
    selector = domain_permission("MANAGE_DATA_PRODUCTS")

    assert not selector.matches(person("x", manages=["sales"]))
    assert str(selector) == "domain permission MANAGE_DATA_PRODUCTS in the product's domain"
    assert selector.bound("sales").bound("finance") == selector.bound("sales")
    assert group("Legal").bound("sales") == group("Legal")


@pytest.mark.parametrize("make", [user, group, permission])
@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_look_like_code_are_only_names(make, name):
    """A selector holds them as they are and matches by equality."""
    assert make(name).value == name


@pytest.mark.parametrize(
    "make",
    [user, group, permission, lambda name: attribute(name, "v"), lambda name: attribute("k", name)],
)
@pytest.mark.parametrize("name", DECEPTIVE.values(), ids=DECEPTIVE.keys())
def test_names_that_deceive_make_no_selector(make, name):
    """What cannot be read as it is cannot name a steward."""
    with pytest.raises(InvalidInput):
        make(name)


@given(NAMES, NAMES, NAMES, NAMES)
def test_tokens_of_attributes_tell_key_from_value(key, value, other_key, other_value):
    """No attribute can be taken for another, whatever signs are in it."""
    same = (key, value) == (other_key, other_value)

    assert (attribute(key, value).token == attribute(other_key, other_value).token) == same


def test_tokens_of_different_kinds_never_meet():
    """A group cannot be called so that it is a permission."""
    tokens = {
        make("x").token for make in (user, group, permission, lambda name: attribute("k", name))
    } | {group("permission:x").token, user("group:x").token}

    assert len(tokens) == 6


@pytest.mark.parametrize("name", DOMAIN_PERMISSIONS)
def test_the_four_domain_permissions_are_known(name):
    """Exactly four."""
    assert domain_permission(name).value == name
    assert len(DOMAIN_PERMISSIONS) == 4


def test_other_domain_permissions_are_refused_and_other_permissions_are_not():
    """Any permission name is accepted; of a domain there are four."""
    assert problems_of(domain_permission, "OWNER") == {
        "domain_permission": "must be one of MANAGE_POLICIES, AUDIT_ACTIVITY, "
        "MANAGE_DATA_PRODUCTS, MANAGE_IDENTIFIERS"
    }
    assert permission("ANYTHING_ELSE").kind == "permission"
    assert RESERVED_PERMISSIONS == ("GOVERNANCE", "USER_ADMIN", "APPLICATION_ADMIN", "AUDIT")
