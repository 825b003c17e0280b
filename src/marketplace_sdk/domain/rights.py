"""Who may do what: one table, from which the checks, the tests and the documentation are made.

Deciding requests is the exception to every rank: only stewards named by the pinned review decide.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from marketplace_sdk.errors import NotAllowed

if TYPE_CHECKING:
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.requests import AccessRequest

__all__ = ["RIGHTS", "ROLES", "allowed", "managed_domains", "require", "roles_in", "roles_on"]

ROLES = (
    "governance",
    "manager",
    "steward",
    "user_admin",
    "application_admin",
    "audit",
    "requester",
    "beneficiary",
    "member",
    "self",
    "anyone",
)
"""manager: holds MANAGE_DATA_PRODUCTS in the domain concerned; steward: named by the flow;
member: of a group that is the beneficiary; beneficiary: also the owner of a service account."""

_GOV = frozenset({"governance"})
_MANAGE = frozenset({"governance", "manager"})
_READ = frozenset(
    {"governance", "manager", "steward", "audit", "requester", "beneficiary", "member"}
)

RIGHTS: Mapping[str, frozenset[str]] = {
    "person.add": frozenset({"user_admin"}),
    "person.update": frozenset({"user_admin"}),
    "person.link": frozenset({"user_admin"}),
    "person.deactivate": frozenset({"user_admin"}),
    "person.reactivate": frozenset({"user_admin"}),
    "person.read": frozenset({"self", "user_admin", "governance", "audit"}),
    "deputy.name": frozenset({"anyone"}),
    "deputy.end": frozenset({"self", "user_admin", "governance"}),
    "deputy.read": frozenset({"self", "user_admin", "governance", "audit"}),
    "domain.create": _GOV,
    "domain.update": _GOV,
    "domain.assign": _GOV,
    "domain.delete": _GOV,
    "domain.set_policy": _GOV,
    "domain.grant": frozenset({"user_admin"}),
    "source.register": _GOV,
    "source.tag": _GOV,
    "source.accept": _GOV,
    "product.publish": _MANAGE,
    "product.manage": _MANAGE,
    "product.confirm": _MANAGE | {"steward"},
    "form.create": _MANAGE,
    "form.edit": _MANAGE | {"steward"},
    "form.edit_review": _MANAGE,
    "form.delete": _MANAGE,
    "form.attach": _MANAGE,
    "agreement.create": _MANAGE,
    "request.create": frozenset({"anyone"}),
    "request.decide": frozenset({"steward"}),
    "request.ask": frozenset({"governance", "steward"}),
    "request.answer": frozenset({"requester", "beneficiary"}),
    "request.cancel": frozenset({"requester", "beneficiary", "governance"}),
    "request.revoke": frozenset({"governance", "manager", "steward"}),
    "request.relinquish": frozenset({"beneficiary"}),
    "request.extend": frozenset({"requester", "beneficiary"}),
    "request.break_glass": frozenset({"anyone"}),
    # GOVERNANCE only once it is overdue.
    "request.review_emergency": frozenset({"governance", "steward"}),
    "request.settle_emergency": _GOV,
    "request.read": _READ,
    "request.candidates": frozenset({"governance", "manager", "steward"}),
    "grant.drift": _GOV,
    "product.drift": _MANAGE,
    "grant.repair": _GOV,
    "grant.adopt": _GOV,
    "grant.preview": frozenset({"governance", "manager", "steward"}),
    "campaign.start": _MANAGE,
    "campaign.manage": _MANAGE,
    "campaign.certify": frozenset({"steward"}),
    "campaign.read": frozenset({"governance", "manager", "audit"}),
    "product.search": frozenset({"anyone"}),
    "inbox.read": frozenset({"self"}),
    "preference.choose": frozenset({"self"}),
    "preference.set_default": frozenset({"application_admin"}),
    "delivery.manage": frozenset({"application_admin"}),
    "destination.manage": frozenset({"application_admin"}),
    "audit.read": frozenset({"audit", "governance"}),
    # Whoever checks the log does not thin it out.
    "audit.erase": _GOV,
    "audit.retain": _GOV,
}
"""Action -> roles. Ranks are spelled out: nothing is inherited."""

_NEEDS = {
    "governance": "permission GOVERNANCE",
    "manager": "domain permission MANAGE_DATA_PRODUCTS",
    "steward": "to be a steward named by the review flow",
    "user_admin": "permission USER_ADMIN",
    "application_admin": "permission APPLICATION_ADMIN",
    "audit": "permission AUDIT",
    "requester": "to be the requester",
    "beneficiary": "to be the beneficiary",
    "member": "to be in the group that is the beneficiary",
    "self": "to be that person",
    "anyone": "to be known to the directory",
}


def roles_in(facts: Facts, domain: str | None = None, *, steward: bool = False) -> frozenset[str]:
    """The roles of a person with regard to a domain; None means what belongs to everybody."""
    roles = {"anyone"}
    for role, permission in (
        ("governance", "GOVERNANCE"),
        ("user_admin", "USER_ADMIN"),
        ("application_admin", "APPLICATION_ADMIN"),
        ("audit", "AUDIT"),
    ):
        if facts.has(permission):
            roles.add(role)
    if domain is not None and facts.holds_in(domain, "MANAGE_DATA_PRODUCTS"):
        roles.add("manager")
    if steward:
        roles.add("steward")
    return frozenset(roles)


def managed_domains(facts: Facts) -> list[str]:
    """Domains in which a person holds MANAGE_DATA_PRODUCTS; GOVERNANCE manages all others too."""
    return sorted(
        domain for domain, held in facts.domain_permissions if held == "MANAGE_DATA_PRODUCTS"
    )


def roles_on(facts: Facts, request: AccessRequest) -> frozenset[str]:
    """The roles of a person with regard to a request."""
    steward = any(one.matches(facts) for one in request.stewards)
    roles = set(roles_in(facts, request.domain, steward=steward))
    if facts.id == request.requester:
        roles.add("requester")
    if request.beneficiary.kind == "group":
        if request.beneficiary.token in facts.tokens:
            roles.add("member")
    elif facts.id in (request.beneficiary.id, request.owner):
        roles.add("beneficiary")
    return frozenset(roles)


def allowed(action: str, roles: Collection[str]) -> bool:
    """Whether one of the roles may do it."""
    return not RIGHTS[action].isdisjoint(roles)


def require(action: str, roles: frozenset[str], facts: Facts, what: str) -> None:
    """Refuse unless one of the roles may do it.

    Raises:
        NotAllowed: saying what would be needed.
    """
    if not allowed(action, roles):
        needs = " or ".join(_NEEDS[role] for role in ROLES if role in RIGHTS[action])
        verb = action.split(".", 1)[1].replace("_", " ")
        raise NotAllowed(
            f"cannot {verb} {what}: {facts.id} may not", actor=facts.id, action=action, needs=needs
        )
