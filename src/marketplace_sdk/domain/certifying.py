"""Certifying access: who answers, what silence means, and when people are told. Pure.

One answer decides an item; nobody answers for themselves; after the deadline silence means what
whoever started the campaign chose.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.campaigns import ITEM_STEPS, Campaign, CampaignItem, Verdict
from marketplace_sdk.domain.deciding import concerned
from marketplace_sdk.domain.events import Event
from marketplace_sdk.domain.review import DEFAULT_REVIEW
from marketplace_sdk.domain.values import freeze
from marketplace_sdk.errors import (
    AlreadyDetermined,
    NotAllowed,
    StaleRevision,
    TransitionNotAllowed,
)

if TYPE_CHECKING:
    from marketplace_sdk.domain.grants import Grant
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = [
    "DAY",
    "OPENED",
    "WARNINGS",
    "answer",
    "certifiers",
    "happened",
    "left_silent",
    "may_answer",
    "news",
    "next_telling",
    "stand_ins",
]

WARNINGS: tuple[tuple[str, timedelta], ...] = (
    ("7 days", timedelta(days=7)),
    ("1 day", timedelta(days=1)),
)
"""How long before the deadline whoever has not answered is warned."""

OPENED, DAY = "opened", "day"
"""What reviewers are told besides warnings: that it has begun, and every morning."""

_MORNING = 6


def stand_ins(domain: str) -> frozenset[StewardSelector]:
    """Whoever answers when nobody else can: the domain's managers and GOVERNANCE."""
    return frozenset(one.bound(domain) for one in DEFAULT_REVIEW.selectors())


def certifiers(
    item: CampaignItem, named: Collection[StewardSelector], *, vacant: bool = False
) -> frozenset[StewardSelector]:
    """Whoever matches one of these may answer, unless the access is their own.

    Args:
        item: in question.
        named: whom the product's form, or its own flow, names today.
        vacant: nobody whom they name can answer.
    """
    return frozenset(named) | (stand_ins(item.domain) if vacant or not named else frozenset())


def may_answer(
    item: CampaignItem,
    facts: Facts,
    named: Collection[StewardSelector],
    *,
    vacant: bool = False,
) -> bool:
    """Whether a person of these facts could answer an open item."""
    own = concerned(facts, item.requesters, item.beneficiary, item.owner)
    who = certifiers(item, named, vacant=vacant)
    return item.open and not own and any(one.matches(facts) for one in who)


def answer(
    campaign: Campaign,
    item: CampaignItem,
    facts: Facts,
    verdict: Verdict,
    *,
    named: Collection[StewardSelector],
    reason: str,
    now: datetime,
    revision: int | None = None,
    vacant: bool = False,
) -> CampaignItem:
    """Somebody certifies or refuses an item; the same again by the same person is a no-op.

    Args:
        campaign, item: as they stand.
        facts: of who answers, read at this moment.
        verdict: what they say.
        named: as for ``certifiers``; so is ``vacant``.
        reason: already checked.
        now: the moment of the act.
        revision: the revision of the item that they saw, if they say so.

    Raises:
        AlreadyDetermined: somebody answered before, or the deadline did.
        TransitionNotAllowed: the grant has ended, or the campaign was canceled.
        NotAllowed: it is their own access, or they are not asked.
        StaleRevision: the item has another revision by now.
    """
    cannot = f"cannot {verdict} item {item.id}"
    if (item.state, item.decided_by, item.reason) == (
        ITEM_STEPS["open", verdict],
        facts.id,
        reason,
    ):
        return item
    seen = item.seen_at(campaign, now)
    if seen.state in ("ended", "canceled"):
        raise TransitionNotAllowed("item", item.id, state=seen.state, event=verdict)
    if not seen.open:
        by = f"by {seen.decided_by}" if seen.decided_by else "the deadline has passed"
        raise AlreadyDetermined(f"{cannot}: it is {seen.state} ({by})", state=seen.state)
    if revision is not None and revision != item.revision:
        raise StaleRevision("item", item.id, expected=revision, found=item.revision)
    if concerned(facts, item.requesters, item.beneficiary, item.owner):
        raise NotAllowed(
            f"{cannot}: nobody certifies themselves",
            actor=facts.id,
            action="campaign.certify",
            hint="another steward has to answer",
        )
    matched = sorted(
        str(one) for one in certifiers(item, named, vacant=vacant) if one.matches(facts)
    )
    if not matched:
        needs = " or ".join(sorted(str(one) for one in certifiers(item, named)))
        raise NotAllowed(
            f"{cannot}: {facts.id} is not asked about it",
            actor=facts.id,
            action="campaign.certify",
            needs=needs,
        )
    return item.step(
        verdict,
        now,
        decided_by=facts.id,
        matched=tuple(matched),
        as_of=facts.person.as_of,
        reason=reason,
    )


def left_silent(
    campaign: Campaign, item: CampaignItem, grant: Grant | None, now: datetime
) -> CampaignItem:
    """An open item of a campaign that is over, closed as silence says.

    A grant whose own end came before the deadline was neither kept nor revoked by it.
    """
    step = campaign.unanswered
    if step != "cancel" and (grant is None or grant.over(campaign.deadline)):
        step = "end"
    return item.step(step, now)


def happened(type: str, campaign: Campaign, item: CampaignItem) -> Event:
    """What the chain of the grant says of an item that was closed; never the reason."""
    said = {
        "campaign": campaign.said,
        "item": item.id,
        "product": item.product,
        "kind": item.kind,
        "beneficiary": item.beneficiary.token,
        "by": item.decided_by,
        "matched": list(item.matched),
        "as_of": None if item.as_of is None else item.as_of.isoformat(),
    }
    return Event(type=type, aggregate=f"grant:{item.grant}", data=freeze(said))


def news(campaign: Campaign, now: datetime) -> tuple[str, Campaign]:
    """What reviewers are to be told at ``now``, and the campaign when they have been.

    It is ``OPENED``, one of ``WARNINGS``, ``DAY``, or empty text: nothing that was not told. Of
    several warnings that are due only the last is told.
    """
    due = [name for name, before in WARNINGS if campaign.deadline - before <= now]
    today = now.date().isoformat()
    if OPENED not in campaign.told:
        what = OPENED
    elif not campaign.told.issuperset(due):
        what = due[-1]
    else:
        what = DAY if campaign.told_on != today else ""
    return what, evolve(campaign, told=campaign.told.union([OPENED], due), told_on=today)


def next_telling(campaign: Campaign, now: datetime) -> datetime | None:
    """When to look again what there is to tell: next morning, or at a warning; None: no more."""
    today = now.replace(hour=_MORNING, minute=0, second=0, microsecond=0)
    times = [today if today > now else today + timedelta(days=1)]
    times += [campaign.deadline - before for _, before in WARNINGS]
    return min((each for each in times if now < each < campaign.deadline), default=None)
