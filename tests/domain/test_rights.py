"""Who may do what: every action, every role."""

from __future__ import annotations

from itertools import product as pairs

import pytest

from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.review import Stage
from marketplace_sdk.domain.rights import RIGHTS, ROLES, allowed, require, roles_in, roles_on
from marketplace_sdk.errors import NotAllowed
from tests.domain.building import ANA, CY, DEE, GIL, REX, L, person, request

# The matrix of the documents, written once more: action -> roles.
MATRIX = {
    "person.add": "user_admin",
    "person.update": "user_admin",
    "person.link": "user_admin",
    "person.deactivate": "user_admin",
    "person.reactivate": "user_admin",
    "person.read": "self user_admin governance audit",
    "deputy.name": "anyone",
    "deputy.end": "self user_admin governance",
    "deputy.read": "self user_admin governance audit",
    "domain.create": "governance",
    "domain.update": "governance",
    "domain.assign": "governance",
    "domain.delete": "governance",
    "domain.set_policy": "governance",
    "domain.grant": "user_admin",
    "source.register": "governance",
    "source.tag": "governance",
    "source.accept": "governance",
    "product.publish": "governance manager",
    "product.manage": "governance manager",
    "product.confirm": "governance manager steward",
    "form.create": "governance manager",
    "form.edit": "governance manager steward",
    "form.edit_review": "governance manager",
    "form.delete": "governance manager",
    "form.attach": "governance manager",
    "agreement.create": "governance manager",
    "request.create": "anyone",
    "request.decide": "steward",
    "request.ask": "governance steward",
    "request.answer": "requester beneficiary",
    "request.cancel": "requester beneficiary governance",
    "request.revoke": "governance manager steward",
    "request.relinquish": "beneficiary",
    "request.break_glass": "anyone",
    "request.review_emergency": "governance steward",
    "request.settle_emergency": "governance",
    "request.extend": "requester beneficiary",
    "request.read": "governance manager steward audit requester beneficiary member",
    "request.candidates": "governance manager steward",
    "grant.preview": "governance manager steward",
    "grant.drift": "governance",
    "product.drift": "governance manager",
    "grant.repair": "governance",
    "grant.adopt": "governance",
    "product.search": "anyone",
    "inbox.read": "self",
    "preference.choose": "self",
    "preference.set_default": "application_admin",
    "campaign.start": "governance manager",
    "campaign.manage": "governance manager",
    "campaign.certify": "steward",
    "campaign.read": "governance manager audit",
    "delivery.manage": "application_admin",
    "destination.manage": "application_admin",
    "audit.read": "audit governance",
    "audit.erase": "governance",
    "audit.retain": "governance",
}


def test_every_action_is_in_the_matrix():
    """A new right is a decision: it is written down twice."""
    assert set(RIGHTS) == set(MATRIX)
    assert set().union(*RIGHTS.values()) <= set(ROLES)


@pytest.mark.parametrize(("action", "role"), [*pairs(MATRIX, ROLES)])
def test_a_role_may_do_what_the_matrix_says(action, role):
    """Every action and every role; nothing is inherited."""
    may = role in MATRIX[action].split()

    assert allowed(action, frozenset({role})) == may
    assert not allowed(action, frozenset())
    if may:
        assert require(action, frozenset({role, "anyone"}), REX, "x") is None
    else:
        with pytest.raises(NotAllowed):
            require(action, frozenset({role}), REX, "x")


def test_a_refusal_says_who_would_be_needed():
    """In words, for people."""
    with pytest.raises(NotAllowed) as caught:
        require("domain.set_policy", frozenset({"anyone"}), REX, "domain sales")

    error = caught.value
    assert error.message == "cannot set policy domain sales: rex may not"
    assert (error.actor, error.action) == ("rex", "domain.set_policy")
    assert (error.needs, error.hint) == ("permission GOVERNANCE", "needs permission GOVERNANCE")


@pytest.mark.parametrize(
    "action", [action for action, roles in MATRIX.items() if roles != "anyone"]
)
def test_every_right_that_can_be_missing_has_words(action):
    """No refusal without a way out."""
    with pytest.raises(NotAllowed) as caught:
        require(action, frozenset(), REX, "x")

    assert len(caught.value.needs.split(" or ")) >= len(MATRIX[action].split())


@pytest.mark.parametrize(
    ("permission", "role"),
    [
        ("GOVERNANCE", "governance"),
        ("USER_ADMIN", "user_admin"),
        ("APPLICATION_ADMIN", "application_admin"),
        ("AUDIT", "audit"),
    ],
)
def test_reserved_permissions_are_roles_and_imply_no_other(permission, role):
    """GOVERNANCE is not a manager, and no steward."""
    assert roles_in(person("x", permissions=[permission]), "sales") == {"anyone", role}


def test_managing_is_of_one_domain():
    """None means what belongs to everybody."""
    assert roles_in(DEE, "sales") == {"anyone", "manager"}
    assert roles_in(DEE, "finance") == {"anyone"}
    assert roles_in(DEE) == {"anyone"}
    assert roles_in(REX, "sales", steward=True) == {"anyone", "steward"}


ROBOT = Beneficiary("person", "robot")


@pytest.mark.parametrize(
    ("who", "more", "roles"),
    [
        (ANA, {}, {"steward"}),
        (REX, {}, {"requester", "beneficiary"}),
        (REX, {"beneficiary": ROBOT}, {"requester"}),
        (CY, {"beneficiary": ROBOT, "owner": "cy"}, {"beneficiary"}),
        (CY, {"beneficiary": Beneficiary("group", "Privacy")}, {"member"}),
        (CY, {"beneficiary": Beneficiary("group", "Sales")}, set()),
        (CY, {"beneficiary": Beneficiary("group", "cy")}, set()),
        (DEE, {}, {"manager"}),
        (DEE, {"domain": "finance"}, set()),
        (GIL, {}, {"governance"}),
    ],
)
def test_roles_on_a_request_follow_from_who_one_is_to_it(who, more, roles):
    """Requester, beneficiary, member of the group, owner of the account, steward, manager."""
    assert roles_on(who, request(Stage.any_of(L), **more)) == roles | {"anyone"}
