"""People, service accounts and groups, and what they are allowed to do."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from attrs import evolve, field, frozen

from marketplace_sdk.domain.values import FrozenMap, aware, check_text, freeze, name_set
from marketplace_sdk.errors import Problem

__all__ = ["SYSTEM", "Actor", "Beneficiary", "Facts", "GroupFacts", "Person", "check_contact"]

SYSTEM = "system"
"""Reserved id under which jobs act; no person may have it."""

# Not all that the standards allow, but nothing that could end a header line or begin another.
_EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}@[\w-]+(\.[\w-]+)*")
_LONGEST_EMAIL = 254
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def check_contact(*, email: str = "", language: str = "") -> list[Problem]:
    """What is wrong with an address or a language; either may be empty."""
    problems = []
    if email and (len(email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(email)):
        problems.append(Problem("email", "must read like name@example.com"))
    if language and not _LANGUAGE.fullmatch(language):
        problems.append(Problem("language", "must be a tag such as de or pt-BR"))
    return problems


def _moment(value: datetime | None) -> datetime | None:
    return None if value is None else aware(value, "actor.authenticated_at")


@frozen
class Actor:
    """Who acts, as the portal has established it.

    Attributes:
        person: the person's id.
        authenticated_at: when the portal last checked who they are.
        via: how they came, for example ``web`` or ``api``.
    """

    person: str
    authenticated_at: datetime | None = field(default=None, converter=_moment)
    via: str = ""

    def __attrs_post_init__(self) -> None:
        check_text(self.via, "actor.via")


@frozen(kw_only=True)
class Person:
    """A person or service account as the directory knows them at ``as_of``.

    Attributes:
        id: 1 to 255 printable characters, case-sensitive.
        kind: ``person`` or ``service_account``.
        owner: who answers for a service account; empty for a person.
        active: a leaver is inactive: cannot act, and loses what they had.
        groups: names of groups, which may hold spaces and slashes.
        attributes: (key, value) pairs.
        permissions: global permissions, the reserved ones and the company's own.
        principals: name on each connection, by connection.
        name: as people read it; empty: the id.
        email: where notices may be sent to; empty: nowhere. It never decides who somebody is.
        language: a tag such as ``de`` or ``pt-BR``; empty: the marketplace's.
        time_zone: a name such as ``Europe/Berlin``; empty: UTC.
        as_of: when the directory said so.
    """

    id: str
    kind: Literal["person", "service_account"] = "person"
    owner: str = ""
    active: bool = True
    groups: frozenset[str] = field(default=frozenset(), converter=name_set)
    attributes: frozenset[tuple[str, str]] = frozenset()
    permissions: frozenset[str] = field(default=frozenset(), converter=name_set)
    principals: FrozenMap[str, str] = field(factory=FrozenMap, converter=freeze, repr=False)
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    language: str = ""
    time_zone: str = ""
    as_of: datetime | None = None


@frozen(kw_only=True)
class GroupFacts:
    """A group as the directory knows it: its name on each connection."""

    name: str
    principals: FrozenMap[str, str] = field(factory=FrozenMap, converter=freeze, repr=False)


@frozen
class Beneficiary:
    """Who gets the access: a person, a service account or a whole group."""

    kind: Literal["person", "group"]
    id: str

    @property
    def token(self) -> str:
        """``user:<id>`` or ``group:<name>``; the same text as a selector's."""
        return f"{'user' if self.kind == 'person' else 'group'}:{self.id}"

    def __str__(self) -> str:
        return self.id if self.kind == "person" else f"group {self.id}"


@frozen(kw_only=True)
class Facts:
    """A person and the domain permissions they hold, at one moment: all that rules ask for.

    Attributes:
        person: who.
        domain_permissions: (domain, permission) pairs, held directly or through a group.
        tokens: every selector token that this person matches.
    """

    person: Person
    domain_permissions: frozenset[tuple[str, str]] = frozenset()
    tokens: frozenset[str] = field(init=False, repr=False)

    @tokens.default
    def _tokens(self) -> frozenset[str]:
        who = self.person
        return frozenset(
            [
                f"user:{who.id}",
                *(f"group:{name}" for name in who.groups),
                *(f"attribute:{len(key)}:{key}={value}" for key, value in who.attributes),
                *(f"permission:{name}" for name in who.permissions),
                *(f"domain:{name}:{domain}" for domain, name in self.domain_permissions),
            ]
        )

    @property
    def id(self) -> str:
        """The person's id."""
        return self.person.id

    def has(self, *permissions: str) -> bool:
        """Whether the person holds any of these global permissions."""
        return not self.person.permissions.isdisjoint(permissions)

    def manages(self, domain: str) -> bool:
        """Whether the person manages data products of this domain (GOVERNANCE does in all)."""
        return self.has("GOVERNANCE") or (domain, "MANAGE_DATA_PRODUCTS") in self.domain_permissions

    def holds_in(self, domain: str, permission: str) -> bool:
        """Whether the person holds this domain permission in this domain."""
        return (domain, permission) in self.domain_permissions

    def is_side(self, who: Beneficiary, owner: str = "") -> bool:
        """Whether a decision about this beneficiary would be a decision for oneself.

        True for the beneficiary, for a member of a beneficiary group, and for the owner of a
        service account (``owner``).
        """
        if who.kind == "group":
            return who.id in self.person.groups
        return self.id in (who.id, owner)

    def at(self, moment: datetime) -> Facts:
        """The same facts, stamped."""
        return Facts(
            person=evolve(self.person, as_of=moment), domain_permissions=self.domain_permissions
        )
