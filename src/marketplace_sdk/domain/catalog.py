"""Data sources and the domains that govern them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import field, frozen

from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.review import Stage
from marketplace_sdk.domain.values import (
    check_flag,
    check_id,
    check_name,
    check_text,
    listed,
    name_set,
)
from marketplace_sdk.errors import InvalidInput, Problem

__all__ = ["Column", "DataSource", "Domain", "DomainPolicy", "Tag", "TagRule", "covers"]

MOST_COLUMNS = 5000
MOST_TAGS = 500


@frozen
class Tag:
    """A tag and where it comes from.

    Attributes:
        name: dotted; ``Finance.Revenue`` is a child of ``Finance``.
        origin: ``manual``, or for example ``snowflake`` or ``catalog``.
    """

    name: str
    origin: str = "manual"

    def __attrs_post_init__(self) -> None:
        check_name(self.name, "tag")
        check_name(self.origin, "tag.origin")


def _tags(tags: Iterable[Tag | str]) -> frozenset[Tag]:
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise InvalidInput("cannot use these tags", problems=[Problem("tags", "must be a list")])
    found = frozenset(tag if isinstance(tag, Tag) else Tag(tag) for tag in tags)
    if len(found) > MOST_TAGS:
        raise InvalidInput(
            "cannot use these tags", problems=[Problem("tags", f"must be at most {MOST_TAGS}")]
        )
    return found


@frozen
class Column:
    """A column of a source.

    Attributes:
        name: as on the platform.
        masked: only those with an approved masking exception see the real values.
        tags: of the column; they never admit a source to a domain.
        type: the platform's type, for people.
        description: for people.
    """

    name: str
    masked: bool = False
    tags: frozenset[Tag] = field(default=frozenset(), converter=_tags)
    type: str = ""
    description: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_name(self.name, "column.name")
        check_text(self.description, "column.description")
        check_text(self.type, "column.type")
        check_flag(self.masked, "column.masked")


def _columns(columns: Iterable[Column | str]) -> tuple[Column, ...]:
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise InvalidInput(
            "cannot use these columns", problems=[Problem("columns", "must be a list")]
        )
    return tuple(each if isinstance(each, Column) else Column(each) for each in columns)


@frozen
class DataSource:
    """One table, view or file set on a connection.

    Attributes:
        name: unique; its id; without a dot, so that ``source.column`` is plain.
        connection: name of a configured connection.
        object: name on the platform, for example ``sales.orders``.
        columns: in order.
        tags: of the source.
        description: for people.
        kind: what it is on the platform, for example ``view``; for people.
        owner: who owns it there; for people.
        revision: of the stored record.
    """

    name: str
    connection: str = field(kw_only=True)
    object: str = field(kw_only=True)
    columns: tuple[Column, ...] = field(default=(), converter=_columns, kw_only=True, repr=False)
    tags: frozenset[Tag] = field(default=frozenset(), converter=_tags, kw_only=True)
    description: str = field(default="", kw_only=True)
    kind: str = field(default="", kw_only=True)
    owner: str = field(default="", kw_only=True)
    revision: int = field(default=0, kw_only=True, eq=False)

    def __attrs_post_init__(self) -> None:
        check_name(self.name, "source.name", dots=False)
        check_name(self.connection, "source.connection")
        check_id(self.object, "source.object")
        for key in ("description", "kind", "owner"):
            check_text(getattr(self, key), f"source.{key}")
        names = [column.name for column in self.columns]
        problems = []
        if len(names) > MOST_COLUMNS:
            problems.append(Problem("source.columns", f"must be at most {MOST_COLUMNS}"))
        if len(set(names)) != len(names):
            problems.append(Problem("source.columns", "must have different names"))
        if problems:
            raise InvalidInput("cannot use this source", problems=problems)

    @property
    def masked(self) -> frozenset[str]:
        """Names of the masked columns."""
        return frozenset(column.name for column in self.columns if column.masked)


@frozen
class TagRule:
    """A tag that admits sources to a domain, set by one of these origins."""

    tag: str
    origins: frozenset[str] = field(default=frozenset({"manual"}), converter=name_set)

    def __attrs_post_init__(self) -> None:
        check_name(self.tag, "tag")
        for origin in self.origins:
            check_name(origin, "origins")
        if not self.origins:
            raise InvalidInput(
                "cannot make this tag rule", problems=[Problem("origins", "must not be empty")]
            )

    def admits(self, tags: Iterable[Tag]) -> bool:
        """Whether one of the tags is this tag, or a child of it, from a named origin."""
        return any(
            tag.origin in self.origins
            and (tag.name == self.tag or tag.name.startswith(self.tag + "."))
            for tag in tags
        )


@frozen(kw_only=True)
class DomainPolicy:
    """What GOVERNANCE rules for all products of a domain; pinned when a request is submitted.

    Attributes:
        auto_approve: whether flows may approve by themselves.
        self_review: ``form`` (as the form says) or ``never``.
        max_duration: longest access; None means no limit.
        extra_stages: appended to every review, automatic approvals included.
        widening: ``give`` (a source added to a product reaches members at once) or ``ask``
            (new requests only, until the stewards confirm).
        leaving: a source that leaves the domain while products hold it: members ``keep`` it,
            or all lose it (``remove``).
        emergency: whether the glass may be broken: as the ``product`` says, or ``never``.
    """

    auto_approve: bool = True
    self_review: Literal["form", "never"] = "form"
    max_duration: Duration | None = None
    extra_stages: tuple[Stage, ...] = field(default=(), converter=listed)
    widening: Literal["give", "ask"] = "give"
    leaving: Literal["keep", "remove"] = "keep"
    emergency: Literal["product", "never"] = "product"

    def __attrs_post_init__(self) -> None:
        check_flag(self.auto_approve, "policy.auto_approve")
        problems = []
        if self.self_review not in ("form", "never"):
            problems.append(Problem("policy.self_review", "must be form or never"))
        if self.widening not in ("give", "ask"):
            problems.append(Problem("policy.widening", "must be give or ask"))
        if self.leaving not in ("keep", "remove"):
            problems.append(Problem("policy.leaving", "must be keep or remove"))
        if self.emergency not in ("product", "never"):
            problems.append(Problem("policy.emergency", "must be product or never"))
        if not all(isinstance(stage, Stage) for stage in self.extra_stages):
            problems.append(Problem("policy.extra_stages", "must be Stage objects"))
        if self.max_duration is not None and not isinstance(self.max_duration, Duration):
            problems.append(Problem("policy.max_duration", "must be a Duration"))
        if problems:
            raise InvalidInput("cannot use this policy", problems=problems)


@frozen(kw_only=True)
class Domain:
    """A governed group of data sources.

    Attributes:
        name: unique; its id; without a dot.
        description: for people.
        rules: tags that admit sources; a domain with rules is dynamic and refuses manual edits.
        sources: assigned by hand.
        permissions: (permission, holder token) pairs; the token is ``user:id`` or ``group:name``.
        policy: what holds for all its products.
        revision: of the stored record.
    """

    name: str
    description: str = ""
    rules: tuple[TagRule, ...] = ()
    sources: frozenset[str] = field(default=frozenset(), repr=False)
    permissions: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    policy: DomainPolicy = field(factory=DomainPolicy)
    revision: int = field(default=0, eq=False)

    @property
    def dynamic(self) -> bool:
        """Whether tags decide, not people."""
        return bool(self.rules)

    def held_by(self, tokens: Iterable[str]) -> frozenset[str]:
        """The permissions that a person with these tokens holds here."""
        mine = frozenset(tokens)
        return frozenset(name for name, holder in self.permissions if holder in mine)

    def holders(self, permission: str) -> frozenset[str]:
        """Tokens of everybody who holds the permission here."""
        return frozenset(holder for name, holder in self.permissions if name == permission)


def covers(domain: Domain, source: DataSource) -> bool:
    """Whether the source is in the domain: by tag where it is dynamic, by hand where not."""
    if domain.dynamic:
        return any(rule.admits(source.tags) for rule in domain.rules)
    return source.name in domain.sources
