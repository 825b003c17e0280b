"""Data products: what is published, and the machine of its life."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from attrs import evolve, field, frozen

from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.emergency import Emergency
from marketplace_sdk.domain.review import ReviewFlow
from marketplace_sdk.domain.values import check_name, listed, name_set
from marketplace_sdk.errors import InvalidInput, Problem, TransitionNotAllowed

__all__ = [
    "PRODUCT_STEPS",
    "DataProduct",
    "ProductState",
    "check_product_name",
    "check_product_review",
]

ProductState = Literal["published", "suspended", "retired", "deleting", "deleted"]

PRODUCT_STEPS: Mapping[tuple[str, str], ProductState] = {
    ("published", "suspend"): "suspended",
    ("suspended", "resume"): "published",
    ("published", "retire"): "retired",
    ("suspended", "retire"): "retired",
    ("retired", "suspend"): "retired",
    ("retired", "resume"): "retired",
    ("published", "delete"): "deleting",
    ("suspended", "delete"): "deleting",
    ("retired", "delete"): "deleting",
    ("deleting", "finish"): "deleted",
}
"""(state, event) -> state. What is not here is refused."""

_LEADS_TO = {"suspend": "suspended", "resume": "published", "retire": "retired"}


def check_product_name(name: object) -> str:
    r"""A product's name: letters, marks, digits, blanks and ``( ) - _ / \\`` only."""
    text = check_name(name, "product.name")
    if any(unicodedata.category(c)[0] not in "LMN" and c not in "()-_/\\ " for c in text):
        raise InvalidInput(
            "cannot use this name",
            problems=[
                Problem("product.name", "may hold letters, digits, blanks and ( ) - _ / \\ only")
            ],
        )
    return text


def check_product_review(review: ReviewFlow | None, path: str) -> ReviewFlow | None:
    """A product's own flow: it may review or approve by default, and never delegate further."""
    if review is None:
        return None
    if not isinstance(review, ReviewFlow):
        problem = "must be a ReviewFlow"
    elif review.default.kind not in ("review", "approve"):
        problem = "must review or approve by default"
    else:
        return review
    raise InvalidInput("cannot use this review flow", problems=[Problem(path, problem)])


@frozen(kw_only=True)
class DataProduct:
    """A published bundle of sources of one domain.

    Attributes:
        id: unique; may be chosen by the caller.
        name: unique; see ``check_product_name``.
        domain: whose sources it is made of.
        sources: names of data sources, in order.
        description: for people.
        tags: for search and rules.
        form: id of the request form; None means the standard form.
        masking_form: id of the form for masking exceptions; None means ``form``.
        review: used when the form delegates; None means the default review.
        masking_review: the same for masking exceptions.
        max_duration: longest access; None means no limit.
        emergency: who may break the glass, and for how long; None means nobody.
        state: published, suspended, retired, deleting or deleted.
        suspended: access is withheld; a retired product can be suspended and resumed too.
        reason: why it is suspended; empty otherwise.
        asked: sources added since, with the time, which only later requests carry until the
            stewards confirm them (domain policy ``widening="ask"``).
        revision: of the stored record.
        status: of the viewer's own request: none, pending, approved ...; set on reads.
        warnings: about stewards who are named and are nobody now; set when it is saved.
    """

    id: str
    name: str = field(converter=check_product_name)
    domain: str
    sources: tuple[str, ...] = field(converter=listed)
    description: str = ""
    tags: frozenset[str] = field(default=frozenset(), converter=name_set)
    expert: str = ""
    form: str | None = None
    masking_form: str | None = None
    review: ReviewFlow | None = None
    masking_review: ReviewFlow | None = None
    max_duration: Duration | None = None
    emergency: Emergency | None = None
    state: ProductState = "published"
    suspended: bool = False
    reason: str = field(default="", repr=False)
    asked: frozenset[tuple[str, datetime]] = frozenset()
    created_at: datetime
    created_by: str
    updated_at: datetime | None = None
    revision: int = field(default=0, eq=False)
    status: str = field(default="", eq=False)
    warnings: tuple[str, ...] = field(default=(), eq=False)

    def step(self, event: str) -> DataProduct:
        """The product after an event.

        Raises:
            TransitionNotAllowed: the state has no such step.
        """
        after = PRODUCT_STEPS.get((self.state, event))
        if after is None:
            hint = "nothing has to be done" if _LEADS_TO.get(event) == self.state else ""
            raise TransitionNotAllowed("product", self.id, state=self.state, event=event, hint=hint)
        suspended = {"suspend": True, "resume": False}.get(event, self.suspended)
        return evolve(self, state=after, suspended=suspended)

    @property
    def name_key(self) -> str:
        """Equal for names that read the same, whatever their case, blanks or accents' spelling."""
        return " ".join(unicodedata.normalize("NFKC", self.name).casefold().split())

    @property
    def open(self) -> bool:
        """Whether new requests may be submitted (a suspended product keeps its queue moving)."""
        return self.state in ("published", "suspended")

    def form_for(self, kind: str) -> str | None:
        """Id of the form for this kind of request; None means the standard form."""
        return (self.masking_form or self.form) if kind == "masking_exception" else self.form

    def review_for(self, kind: str) -> ReviewFlow | None:
        """The product's own flow for this kind of request."""
        if kind == "masking_exception":
            return self.masking_review or self.review
        return self.review

    def covered(self, since: datetime) -> frozenset[str]:
        """Sources which an approval of a request of that time carries."""
        held = {name for name, added in self.asked if since < added}
        return frozenset(name for name in self.sources if name not in held)

    def with_sources(
        self, sources: Iterable[str], now: datetime, *, ask: bool
    ) -> tuple[DataProduct, frozenset[str], frozenset[str]]:
        """The product with another set of sources, what was added and what was removed."""
        wanted = tuple(dict.fromkeys(sources))
        added = frozenset(wanted) - frozenset(self.sources)
        removed = frozenset(self.sources) - frozenset(wanted)
        asked = {(name, at) for name, at in self.asked if name in wanted}
        if ask:
            asked |= {(name, now) for name in added}
        changed = evolve(self, sources=wanted, asked=frozenset(asked), updated_at=now)
        return changed, added, removed
