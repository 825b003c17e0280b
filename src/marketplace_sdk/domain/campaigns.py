"""Campaigns and their items: whether each access that is held is still needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from attrs import evolve, field, frozen

from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.values import FrozenMap, freeze
from marketplace_sdk.errors import TransitionNotAllowed

__all__ = [
    "CAMPAIGN_STEPS",
    "ITEM_STEPS",
    "NOT_CERTIFIED",
    "Campaign",
    "CampaignCount",
    "CampaignItem",
    "CampaignProgress",
    "CampaignState",
    "ItemState",
    "Silence",
    "Verdict",
]

Silence = Literal["keep", "revoke"]
Verdict = Literal["certify", "refuse"]
CampaignState = Literal["opening", "open", "closed", "canceled"]
ItemState = Literal[
    "open",
    "certified",
    "refused",
    "ended",
    "kept_by_silence",
    "revoked_by_silence",
    "canceled",
]

CAMPAIGN_STEPS: Mapping[tuple[str, str], CampaignState] = {
    ("opening", "open"): "open",
    ("opening", "cancel"): "canceled",
    ("open", "cancel"): "canceled",
    ("open", "close"): "closed",
}
"""(state, event) -> state. What is not here is refused."""

ITEM_STEPS: Mapping[tuple[str, str], ItemState] = {
    ("open", "certify"): "certified",
    ("open", "refuse"): "refused",
    ("open", "end"): "ended",
    ("open", "keep"): "kept_by_silence",
    ("open", "revoke"): "revoked_by_silence",
    ("open", "cancel"): "canceled",
}
"""The same of an item. Nothing leads back: what was answered is never edited."""

NOT_CERTIFIED: Mapping[str, str] = {
    "certification_refused": "it was refused",
    "certification_lapsed": "nobody certified it in time",
}
"""Causes of a revocation that come from a campaign, and how they are told."""


@frozen(kw_only=True)
class Campaign:
    """A question about every access that was held when it started.

    Attributes:
        id: unique; may be chosen by the caller.
        name: for people.
        domain: whose products it is about; empty when the products were named.
        products: ids, as they were when it started; at most 1,000.
        domains: of these products.
        silence: what an item means that nobody has answered at the deadline: ``keep`` or
            ``revoke``.
        deadline: from this instant on nobody answers any more.
        state: ``opening`` while the worker opens items, ``open``, ``closed`` or ``canceled``.
        created_at: when it started; only what was granted up to then is asked about.
        created_by: id of who started it.
        opened_at: when every item was open, or None.
        ended_at: when the last item was closed, or when it was canceled; or None.
        reason: why it was canceled or closed early.
        told: what its reviewers have been told.
        told_on: the day (UTC) on which they were told last.
        revision: of the stored record.
    """

    id: str
    name: str
    domain: str = ""
    products: tuple[str, ...] = field(repr=False)
    domains: tuple[str, ...]
    silence: Silence
    deadline: datetime
    state: CampaignState = "opening"
    created_at: datetime
    created_by: str
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = field(default="", repr=False)
    told: frozenset[str] = frozenset()
    told_on: str = ""
    revision: int = field(default=0, eq=False)

    @property
    def aggregate(self) -> str:
        """``campaign:<id>``."""
        return f"campaign:{self.id}"

    @property
    def running(self) -> bool:
        """Whether it is neither closed nor canceled."""
        return self.state in ("opening", "open")

    @property
    def said(self) -> Mapping[str, str]:
        """How events name it."""
        return {"id": self.id, "name": self.name}

    @property
    def unanswered(self) -> str:
        """What closes an item that nobody answers; a step of ``ITEM_STEPS``.

        Nobody has been told of a campaign whose items were not all open before its deadline: then
        silence means nothing.
        """
        return "cancel" if self.state in ("opening", "canceled") else self.silence

    def over(self, now: datetime) -> bool:
        """Whether nobody answers any more at ``now``."""
        return not self.running or self.deadline <= now

    def seen_at(self, now: datetime) -> Campaign:
        """As it is to be read at ``now``: past its deadline it is over, whether swept or not."""
        if not self.running or self.deadline > now:
            return self
        return evolve(self, state="closed" if self.state == "open" else "canceled")

    def step(self, event: str, **changes: Any) -> Campaign:
        """The campaign after an event.

        Raises:
            TransitionNotAllowed: the state has no such step.
        """
        after = CAMPAIGN_STEPS.get((self.state, event))
        if after is None:
            raise TransitionNotAllowed("campaign", self.id, state=self.state, event=event)
        return evolve(self, state=after, **changes)


@frozen(kw_only=True)
class CampaignItem:
    """One grant that a campaign asks about.

    Attributes:
        id: unique, and the same for the same campaign and grant.
        campaign, grant: their ids.
        kind: of the grant: ``access`` or ``masking_exception``.
        product, product_name, domain: of the grant; the name as it was when the item was opened.
        beneficiary: who has the access.
        owner: who answers for a beneficiary that is a service account; else empty.
        requesters: ids of everybody who asked for the grant or for more time.
        columns: ``source.column`` names of a masking exception.
        state: ``open``, ``certified``, ``refused``, ``ended`` (the grant ended meanwhile),
            ``kept_by_silence``, ``revoked_by_silence`` or ``canceled`` (with the campaign).
        decided_by: who certified or refused it; empty: nobody.
        matched: as what they did, in words.
        as_of: when the directory said that they are that.
        reason: why; empty: nobody said, or it was erased.
        opened_at: when it was opened.
        closed_at: when it was closed, or None.
        revision: of the stored record.
    """

    id: str
    campaign: str
    grant: str
    kind: Literal["access", "masking_exception"]
    product: str
    product_name: str
    domain: str
    beneficiary: Beneficiary
    owner: str = ""
    requesters: tuple[str, ...]
    columns: tuple[str, ...] = ()
    state: ItemState = "open"
    decided_by: str = ""
    matched: tuple[str, ...] = ()
    as_of: datetime | None = None
    reason: str = field(default="", repr=False)
    opened_at: datetime
    closed_at: datetime | None = None
    revision: int = field(default=0, eq=False)

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return self.state == "open"

    @property
    def subject(self) -> str:
        """Equal for items that the same people are asked about."""
        return f"{self.kind}|{self.product}"

    def step(self, event: str, now: datetime, **changes: Any) -> CampaignItem:
        """The item after an event.

        Raises:
            TransitionNotAllowed: it is closed.
        """
        after = ITEM_STEPS.get((self.state, event))
        if after is None:
            raise TransitionNotAllowed("campaign item", self.id, state=self.state, event=event)
        return evolve(self, state=after, closed_at=now, **changes)

    def seen_at(self, campaign: Campaign, now: datetime) -> CampaignItem:
        """As it is to be read at ``now``: with its campaign over it is closed, swept or not."""
        if not self.open or not campaign.over(now):
            return self
        return self.step(campaign.unanswered, campaign.ended_at or campaign.deadline)


@frozen(kw_only=True)
class CampaignCount:
    """A share of a campaign's counts; several, so that reviewers do not wait for each other.

    Attributes:
        campaign: its id.
        share: which of them.
        states: how many items are in each state.
        revision: of the stored record.
    """

    campaign: str
    share: int
    states: FrozenMap[str, int] = field(factory=FrozenMap, converter=freeze)
    revision: int = field(default=0, eq=False)

    @property
    def id(self) -> str:
        """Unique."""
        return f"{self.campaign}|{self.share}"

    def moved(self, steps: Iterable[tuple[str, str]]) -> CampaignCount:
        """After items went from one state to another; from nothing when they are new."""
        states = dict(self.states)
        for before, after in steps:
            if before:
                states[before] = states.get(before, 0) - 1
            states[after] = states.get(after, 0) + 1
        return evolve(self, states={state: count for state, count in states.items() if count})


@frozen(kw_only=True)
class CampaignProgress:
    """How far a campaign is: how many items are in each state.

    Attributes:
        opened: every item is there; until then the counts grow.
        open, certified, refused, ended, kept_by_silence, revoked_by_silence, canceled: the counts.
    """

    opened: bool
    open: int = 0
    certified: int = 0
    refused: int = 0
    ended: int = 0
    kept_by_silence: int = 0
    revoked_by_silence: int = 0
    canceled: int = 0

    @property
    def total(self) -> int:
        """All items."""
        return (
            self.open
            + self.certified
            + self.refused
            + self.ended
            + self.kept_by_silence
            + self.revoked_by_silence
            + self.canceled
        )

    def __str__(self) -> str:
        silent = self.kept_by_silence + self.revoked_by_silence
        return (
            f"{self.total} items: {self.open} open, {self.certified} certified, "
            f"{self.refused} refused, {silent} silent, {self.ended} ended meanwhile"
        )
