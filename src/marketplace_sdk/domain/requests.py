"""Access requests and masking exception requests: the value and the machine of its life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from attrs import evolve, field, frozen

from marketplace_sdk.domain.determinations import Determination, OpenSeat, Tally
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.emergency import EmergencyAccess
from marketplace_sdk.domain.forms import Acknowledgement, FormVersion
from marketplace_sdk.domain.patience import Escalation
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.quorum import tally
from marketplace_sdk.domain.review import Stage
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import FrozenMap, freeze
from marketplace_sdk.errors import TransitionNotAllowed

__all__ = [
    "REQUEST_STEPS",
    "AccessRequest",
    "Explanation",
    "Inquiry",
    "Limit",
    "RequestKind",
    "RequestState",
    "wish_key",
]

RequestKind = Literal["access", "masking_exception"]
RequestState = Literal["pending", "approved", "denied", "canceled", "revoked", "expired"]

REQUEST_STEPS: Mapping[tuple[str, str], RequestState] = {
    ("pending", "approve"): "approved",
    ("pending", "deny"): "denied",
    ("pending", "cancel"): "canceled",
    ("approved", "revoke"): "revoked",
    ("approved", "expire"): "expired",
}
"""(state, event) -> state. What is not here is refused; nothing is ever reopened."""


@frozen(kw_only=True)
class Limit:
    """A longest duration and who set it: flow, wish, product, domain or check."""

    by: str
    duration: Duration


@frozen(kw_only=True)
class Inquiry:
    """A question that somebody has about a request before it is decided, and what was answered.

    It is no question of the form: answering it changes none of the form's answers.

    Attributes:
        id: unique within the request; the same id again is a no-op.
        asked_by: a steward of the open stage, their deputy, or who holds GOVERNANCE.
        deputy_for: the steward whom they represented; empty: they asked for themselves.
        asked_at: when it was asked.
        question: what they want to know; empty: it was erased.
        answer: what was said; empty: nothing was, or it was erased.
        answered_by: requester, beneficiary, or owner of a service account; empty: nobody yet.
        answered_at: when it was answered; None: it was not.
    """

    id: str
    asked_by: str
    deputy_for: str = ""
    asked_at: datetime
    question: str = field(repr=False)
    answer: str = field(default="", repr=False)
    answered_by: str = ""
    answered_at: datetime | None = None

    @property
    def who(self) -> str:
        """Who asked, for people: ``ana``, or ``dee for ana``."""
        return f"{self.asked_by} for {self.deputy_for}" if self.deputy_for else self.asked_by

    def without_words_of(self, person: str) -> Inquiry:
        """Without what one person wrote; that they did, and when, stays."""
        return evolve(
            self,
            question="" if self.asked_by == person else self.question,
            answer="" if self.answered_by == person else self.answer,
        )


@frozen(kw_only=True)
class AccessRequest:
    """Somebody's wish to read a product, or to see some of its masked columns.

    Attributes:
        id: unique.
        kind: ``access`` or ``masking_exception``.
        state: pending, approved, denied, canceled, revoked or expired.
        requester: id of who asks.
        beneficiary: who would get it.
        owner: who answers for a beneficiary that is a service account; else empty.
        product: id of what is asked for; pinned.
        product_name: its name; pinned.
        domain: of the product; pinned.
        columns: ``source.column`` names, for a masking exception.
        form: the form version it was filed under; pinned.
        answers: by question key.
        acknowledged: agreements, with the hash of the text.
        stages: who must approve; pinned, with the product's domain filled in.
        escalates: how many of the stages, from the first on, the form's escalation holds for; not
            for those that a policy or a plugin added.
        escalated: numbers of the stages at which those whom the escalation adds were told.
        automatic: the flow decided; nobody was asked.
        allow_self_review: requester and beneficiary may decide if they are stewards.
        limits: longest durations that hold besides what approvers set.
        wish: how long they would like it.
        determinations: in the order they were made.
        inquiries: questions back to whom it is for, in the order they were asked.
        extends: id of the grant that it would extend, or empty.
        emergency: that nobody decided because it was one, and its review; else None.
        grant: id of the grant that it led to, or empty.
        until: end of an approval; None means without end.
        cause: why it was canceled or revoked.
        reason: of an automatic decision, a cancellation or a revocation.
        stuck: seats of the open stage that nobody could fill when last looked.
        erased_at: when answers, reasons and inquiries were erased, or None.
        revision: of the stored record.
    """

    id: str
    kind: RequestKind
    state: RequestState = "pending"
    requester: str
    beneficiary: Beneficiary
    owner: str = ""
    product: str
    product_name: str
    domain: str
    columns: tuple[str, ...] = ()
    form: FormVersion = field(repr=False)
    answers: FrozenMap[str, Any] = field(factory=FrozenMap, converter=freeze, repr=False)
    acknowledged: tuple[Acknowledgement, ...] = field(default=(), repr=False)
    stages: tuple[Stage, ...] = field(default=(), repr=False)
    escalates: int = 0
    escalated: tuple[int, ...] = ()
    automatic: bool = False
    allow_self_review: bool = False
    limits: tuple[Limit, ...] = ()
    wish: Duration | None = None
    determinations: tuple[Determination, ...] = ()
    inquiries: tuple[Inquiry, ...] = ()
    extends: str = ""
    emergency: EmergencyAccess | None = None
    grant: str = ""
    created_at: datetime
    decided_at: datetime | None = None
    ended_at: datetime | None = None
    until: datetime | None = None
    cause: str = ""
    reason: str = field(default="", repr=False)
    stuck: tuple[str, ...] = ()
    erased_at: datetime | None = None
    revision: int = field(default=0, eq=False)

    @property
    def aggregate(self) -> str:
        """``request:<id>``."""
        return f"request:{self.id}"

    @property
    def open(self) -> bool:
        """Whether it waits for a decision."""
        return self.state == "pending"

    @cached_property
    def tally(self) -> Tally:
        """The evaluated review."""
        return tally(self.stages, self.determinations)

    @property
    def open_inquiries(self) -> tuple[Inquiry, ...]:
        """What still waits for an answer; nothing does once the request is not pending."""
        waiting = (each for each in self.inquiries if each.answered_at is None and each.question)
        return tuple(waiting) if self.open else ()

    @cached_property
    def stewards(self) -> frozenset[StewardSelector]:
        """Everybody whom the pinned review names."""
        return frozenset(one for stage in self.stages for one in stage.selectors())

    @property
    def escalation(self) -> Escalation | None:
        """Whom time adds to its stages, with the product's domain filled in; pinned."""
        found = self.form.escalation
        return None if found is None or not self.escalates else found.bound(self.domain)

    @property
    def escalates_at(self) -> datetime | None:
        """From when the escalation may fill seats of the stage that is open; None: never."""
        found = self.form.escalation
        if found is None or not self.escalates or not self.open:
            return None
        number = self.tally.stage
        if number is None or number >= self.escalates:
            return None
        # The open stage was opened by whoever completed the one before.
        before = (each.at for each in self.determinations if each.stage < number)
        at = found.after.after(max(before, default=self.created_at))
        end = self.expires_at
        return at if end is None or at < end else None

    @property
    def expires_at(self) -> datetime | None:
        """From when a pending request is called off, because nobody has decided; None: never."""
        if self.form.expire_after is None or not self.open:
            return None
        return self.form.expire_after.after(self.created_at)

    @property
    def wish_key(self) -> str:
        """Equal for two requests of which only one may be pending or granted at a time."""
        key = wish_key(self.kind, self.product, self.columns, self.beneficiary.token, self.extends)
        # Whoever has access in an emergency may ask for it in the ordinary way meanwhile.
        return key if self.emergency is None else f"emergency|{key}"

    def step(self, event: str, **changes: Any) -> AccessRequest:
        """The request after an event.

        Raises:
            TransitionNotAllowed: the state has no such step.
        """
        after = REQUEST_STEPS.get((self.state, event))
        if after is None:
            standing = (self.state, event) == ("approved", "cancel")
            hint = "revoke it, or relinquish what you have" if standing else ""
            raise TransitionNotAllowed("request", self.id, state=self.state, event=event, hint=hint)
        return evolve(self, state=after, **changes)

    def erased(self, now: datetime) -> AccessRequest:
        """Without what people wrote: who asked and who decided what, when and as whom stays."""
        spoken = tuple(evolve(each, reason="") for each in self.determinations)
        asked = tuple(evolve(each, question="", answer="") for each in self.inquiries)
        kept = None if self.emergency is None else self.emergency.erased()
        silent = evolve(
            self,
            answers={},
            reason="",
            determinations=spoken,
            inquiries=asked,
            emergency=kept,
        )
        return self if silent == self else evolve(silent, erased_at=now)

    def without_words_of(self, person: str) -> AccessRequest:
        """Without one steward's reasons, and what they asked or answered; what they did stays."""
        return evolve(
            self,
            determinations=tuple(
                evolve(each, reason="") if each.by == person else each
                for each in self.determinations
            ),
            inquiries=tuple(each.without_words_of(person) for each in self.inquiries),
            emergency=None if self.emergency is None else self.emergency.without_words_of(person),
        )

    def overdue(self, now: datetime) -> bool:
        """Whether it is pending though its time to be decided is over."""
        end = self.expires_at
        return end is not None and end <= now

    def seen_at(self, now: datetime) -> AccessRequest:
        """As it is to be read at ``now``, whether swept or not.

        Past its end it is expired; what nobody has decided in time is canceled.
        """
        if self.overdue(now):
            return self.step("cancel", cause="timed_out", ended_at=self.expires_at, stuck=())
        if self.state == "approved" and self.until is not None and self.until <= now:
            return evolve(self, state="expired", ended_at=self.until)
        return self


@frozen(kw_only=True)
class Explanation:
    """Where a request stands, for people.

    Attributes:
        request: id.
        state: of the request.
        filled_seats: what has been approved, in words, with who did.
        open_seats: what is still needed.
        stuck: open seats that nobody can fill, in words.
        open_inquiries: questions that wait for an answer; they hold up nothing.
        emergency: how the review of an emergency access stands; None: it is none.
        candidates: ids of who could fill a seat, for those who may know; by the seat's words.
        until: the end that would result, or resulted, if any is set.
        escalation: whom time adds to the open stage, in words; empty: nobody.
        escalates_at: from when they may decide; None: never, or nothing is open.
        expires_at: from when it is called off unless it is decided; None: never, or it is decided.
        text: all of it in a few lines, the words of open inquiries included.
    """

    request: str
    state: str
    filled_seats: tuple[str, ...]
    open_seats: tuple[OpenSeat, ...]
    stuck: tuple[str, ...]
    open_inquiries: tuple[Inquiry, ...] = ()
    emergency: EmergencyAccess | None = None
    candidates: FrozenMap[str, tuple[str, ...]] = field(factory=FrozenMap, converter=freeze)
    until: datetime | None = None
    escalation: str = ""
    escalates_at: datetime | None = None
    expires_at: datetime | None = None
    text: str = field(repr=False)

    def __str__(self) -> str:
        return self.text


def wish_key(
    kind: RequestKind, product: str, columns: Iterable[str], beneficiary: str, extends: str
) -> str:
    """The ``wish_key`` of a request for this, for a beneficiary (a token)."""
    if extends:
        return f"extend|{extends}"
    # Each part is told by its length, so that no name can pretend to be two.
    parts = (product, *sorted(columns), beneficiary)
    return "|".join((kind, *(f"{len(part)}:{part}" for part in parts)))
