"""How people are named without naming them: user, group, attribute, permission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from attrs import evolve, frozen

from marketplace_sdk.domain.values import check_name
from marketplace_sdk.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from marketplace_sdk.domain.people import Facts

__all__ = [
    "DOMAIN_PERMISSIONS",
    "RESERVED_PERMISSIONS",
    "StewardSelector",
    "attribute",
    "domain_permission",
    "group",
    "permission",
    "user",
]

RESERVED_PERMISSIONS = ("GOVERNANCE", "USER_ADMIN", "APPLICATION_ADMIN", "AUDIT")
DOMAIN_PERMISSIONS = (
    "MANAGE_POLICIES",
    "AUDIT_ACTIVITY",
    "MANAGE_DATA_PRODUCTS",
    "MANAGE_IDENTIFIERS",
)
SelectorKind = Literal["user", "group", "attribute", "permission", "domain_permission"]


@frozen
class StewardSelector:
    """A rule that some people match and others do not.

    Attributes:
        kind: which sort of rule.
        value: the person's id, group name, attribute value or permission.
        key: the attribute's key; empty otherwise.
        domain: for a domain permission, the domain it is held in; empty text means the domain of
            the product, filled in when a request is submitted.

    Raises:
        InvalidInput: for what is no such rule; it could never be read back.
    """

    kind: SelectorKind
    value: str
    key: str = ""
    domain: str = ""

    def __attrs_post_init__(self) -> None:
        if self.kind not in get_args(SelectorKind):
            raise _unusable("selector.kind", f"must be one of {', '.join(get_args(SelectorKind))}")
        if self.kind == "domain_permission" and self.value not in DOMAIN_PERMISSIONS:
            raise _unusable("domain_permission", f"must be one of {', '.join(DOMAIN_PERMISSIONS)}")
        check_name(self.value, "attribute.value" if self.kind == "attribute" else self.kind)
        if self.kind == "attribute":
            check_name(self.key, "attribute.key")
        elif self.key != "":
            raise _unusable("selector.key", "is for attributes only")
        if self.domain != "":
            if self.kind != "domain_permission":
                raise _unusable("selector.domain", "is for domain permissions only")
            check_name(self.domain, "selector.domain", dots=False)

    @property
    def token(self) -> str:
        """The rule as one text, equal for everybody who matches it (see Facts.tokens)."""
        if self.kind == "attribute":
            return f"attribute:{len(self.key)}:{self.key}={self.value}"
        if self.kind == "domain_permission":
            return f"domain:{self.value}:{self.domain}"
        return f"{self.kind}:{self.value}"

    def bound(self, domain: str) -> StewardSelector:
        """The same rule with the product's domain filled in."""
        if self.kind == "domain_permission" and not self.domain:
            return evolve(self, domain=domain)
        return self

    def matches(self, facts: Facts) -> bool:
        """Whether a person of these facts matches."""
        return self.token in facts.tokens

    def __str__(self) -> str:
        if self.kind == "attribute":
            return f"attribute {self.key}={self.value}"
        if self.kind == "domain_permission":
            where = f" in {self.domain}" if self.domain else " in the product's domain"
            return f"domain permission {self.value}{where}"
        return f"{self.kind} {self.value}"


def user(id: str) -> StewardSelector:
    """Exactly this person."""
    return StewardSelector("user", id)


def group(name: str) -> StewardSelector:
    """Everybody who is in this group at the moment they act."""
    return StewardSelector("group", name)


def attribute(key: str, value: str) -> StewardSelector:
    """Everybody who holds this value under this attribute key."""
    return StewardSelector("attribute", value, key=key)


def permission(name: str) -> StewardSelector:
    """Everybody who holds this permission; any name is accepted."""
    return StewardSelector("permission", name)


def domain_permission(name: str) -> StewardSelector:
    """Everybody who holds this permission in the domain of the product asked for."""
    return StewardSelector("domain_permission", name)


def _unusable(path: str, problem: str) -> InvalidInput:
    return InvalidInput("cannot name stewards so", problems=[Problem(path, problem)])
