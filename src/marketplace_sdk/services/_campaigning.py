"""What a worker does for a campaign, step by step: open its items, ask, warn, close them.

Every step is a bounded piece of work that looks at where the campaign stands, does the next piece
and sets the timer of the step after it. Doing one twice is doing it once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from attrs import evolve

from marketplace_sdk.domain.campaigns import Campaign, CampaignItem
from marketplace_sdk.domain.certifying import WARNINGS, happened, left_silent, news, next_telling
from marketplace_sdk.domain.events import Effects, Event, Notice, Timer
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import SYSTEM, Facts
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.selectors import StewardSelector, user
from marketplace_sdk.errors import MarketplaceError
from marketplace_sdk.services._certifiers import waiting
from marketplace_sdk.services._context import Context, Service, SystemActor
from marketplace_sdk.services._widening import managers_of
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.certifying import (
    close_item,
    count,
    item_id,
    progress_of,
    without,
)
from marketplace_sdk.work.endings import end_grant

if TYPE_CHECKING:
    from datetime import datetime

    from marketplace_sdk.work.unit import Unit

__all__ = ["CAMPAIGN", "CAMPAIGN_TELL", "CampaignWork", "canceled_notice", "step_timer"]

CAMPAIGN = "campaign"
"""Kind of the timers that open and close items."""
CAMPAIGN_TELL = "campaign_tell"
"""Kind of the timers that tell reviewers what waits for them."""

PAGE = 100
"""Items of one step."""
AGAIN = timedelta(minutes=5)
"""After which items are tried again that could not be closed."""

_log = logging.getLogger("marketplace_sdk.campaigns")

Place = tuple[str, str]


def step_timer(campaign: Campaign, due: datetime) -> Timer:
    """Have the next piece of work done at ``due``."""
    return Timer(kind=CAMPAIGN, about=campaign.aggregate, due=due)


class CampaignWork(Service):
    """The steps of all campaigns, as the marketplace itself."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, SystemActor(SYSTEM, via="campaigns"))

    def step(self, timer: Timer) -> None:
        """Do the next piece of work of a campaign, if there is some at this moment."""
        campaign = self._campaign(timer)
        if campaign is None:
            return
        now = self._context.clock()
        if campaign.state == "opening":
            if campaign.over(now):
                self._give_up(campaign, timer)
            else:
                self._open(campaign, timer)
        elif campaign.over(now) and campaign.state != "closed":
            self._close(campaign, timer)

    def tell(self, timer: Timer) -> None:
        """Tell everybody for whom items wait: when all are open, every morning, near the end.

        Told twice is told once.

        Raises:
            DirectoryError: the directory cannot be read; it is tried again.
        """
        campaign = self._campaign(timer)
        if campaign is None or campaign.state != "open" or campaign.over(self._context.clock()):
            return
        counts = waiting(self._context, campaign)

        def work(unit: Unit, facts: Facts) -> None:  # noqa: ARG001 - as all work
            fresh = unit.need(Campaign, campaign.id, "tell of")
            if fresh.state != "open" or fresh.over(unit.now):
                return
            what, told = news(fresh, unit.now)
            if what:
                saved = unit.save(told)
                unit.keep(Effects(notices=tuple(_asks(saved, what, counts))))
            due = next_telling(fresh, unit.now)
            if due is not None:
                _tell_at(unit, fresh, due)

        self._deciding(None, work)

    # -- opening --------------------------------------------------------------------------

    def _open(self, campaign: Campaign, timer: Timer) -> None:
        """Open a page of items, and have the next one opened; with the last one people are told."""
        ids, place = self._next_grants(campaign, timer)

        def work(unit: Unit, facts: Facts) -> None:  # noqa: ARG001 - as all work
            fresh = unit.need(Campaign, campaign.id, "open")
            if fresh.state != "opening":
                return
            unit.ahead(*((Grant, id) for id in ids))
            opened = [item for id in ids if (item := _open_item(unit, fresh, id)) is not None]
            count(unit, fresh.id, [(item.id, "", item.state) for item in opened])
            if place is not None:
                _go_on(unit, timer, place)
                return
            saved = unit.save(fresh.step("open", opened_at=unit.now))
            items = progress_of(unit, saved).total
            event = Event(
                type="campaign.opened",
                aggregate=saved.aggregate,
                data={"campaign": saved.said, "items": items},
            )
            unit.keep(Effects(events=(event,), timers=(step_timer(saved, saved.deadline),)))
            _tell_at(unit, saved, unit.now)

        self._deciding(None, work)

    def _next_grants(
        self, campaign: Campaign, timer: Timer
    ) -> tuple[list[str], dict[str, Any] | None]:
        """Ids of the grants of one step, and where the next one goes on; None: nowhere."""
        number = int(timer.data.get("product", 0))
        after: Place | None = _place(timer)
        ids: list[str] = []
        with self._context.unit(SYSTEM, write=False) as unit:
            while number < len(campaign.products):
                room = PAGE - len(ids)
                product = campaign.products[number]
                found = unit.find(Grant, ("open_product", [product]), after=after, limit=room)
                ids += [grant.id for grant in found]
                if len(found) == room:
                    last = found[-1]
                    return ids, {"product": number, "after": [text_of(last.created_at), last.id]}
                number, after = number + 1, None
        return ids, None

    def _give_up(self, campaign: Campaign, timer: Timer) -> None:
        """The deadline came before everybody could be asked: silence would mean nothing."""

        def work(unit: Unit, facts: Facts) -> None:  # noqa: ARG001 - as all work
            fresh = unit.need(Campaign, campaign.id, "cancel")
            if fresh.state != "opening":
                return
            why = "its items were not all open before the deadline"
            saved = unit.save(fresh.step("cancel", ended_at=unit.now, reason=why))
            event = Event(
                type="campaign.canceled",
                aggregate=saved.aggregate,
                data={"campaign": saved.said, "cause": "not_opened"},
            )
            told = canceled_notice(saved, why, ())
            unit.keep(Effects(events=(event,), notices=(told,)))
            _go_on(unit, timer, {})  # to the items that are open

        self._deciding(None, work)

    # -- closing --------------------------------------------------------------------------

    def _close(self, campaign: Campaign, timer: Timer) -> None:
        """Close a page of open items, each by itself; with the last one the campaign is closed."""
        with self._context.unit(SYSTEM, write=False) as unit:
            records = unit.rows.find(
                "campaign_item",
                [("open_campaign", [campaign.id])],
                after=_place(timer),
                limit=PAGE,
            )
        failed = int(timer.data.get("failed", 0))
        failed += sum(not self._closed(record.id) for record in records)

        def work(unit: Unit, facts: Facts) -> None:  # noqa: ARG001 - as all work
            if len(records) == PAGE:
                last = records[-1]
                _go_on(unit, timer, {"after": [last.order, last.id], "failed": failed})
                return
            fresh = unit.need(Campaign, campaign.id, "close")
            if failed:
                unit.keep(Effects(timers=(step_timer(fresh, unit.now + AGAIN),)))
            elif fresh.state == "open":
                _end(unit, fresh)

        self._deciding(None, work)

    def _closed(self, id: str) -> bool:
        """Close one item; whether that went well: one that fails holds up nobody."""
        try:
            self._deciding(None, lambda unit, _: _close_silent(unit, id))
        except Exception as error:  # noqa: BLE001  # one item that fails holds up no other
            why = error.code if isinstance(error, MarketplaceError) else type(error).__name__
            _log.warning("item %s could not be closed: %s", id, why)
            return False
        return True

    def _campaign(self, timer: Timer) -> Campaign | None:
        with self._context.unit(SYSTEM, write=False) as unit:
            return unit.get(Campaign, timer.about.removeprefix("campaign:"))


def canceled_notice(campaign: Campaign, why: str, exclude: tuple[str, ...]) -> Notice:
    """Whoever answers for the campaign hears that it was canceled."""
    data = {"campaign": campaign.name, "campaign_id": campaign.id, "why": why}
    return Notice(
        kind="campaign_canceled",
        about=campaign.aggregate,
        audience=_owners(campaign),
        exclude=exclude,
        data=data,
    )


def _open_item(unit: Unit, campaign: Campaign, id: str) -> CampaignItem | None:
    """The new item of a grant; None if it has one, ended meanwhile, or came later."""
    grant = unit.get(Grant, id)
    if grant is None or grant.over(unit.now) or grant.created_at > campaign.created_at:
        return None
    new = item_id(campaign.id, id)
    if unit.get(CampaignItem, new) is not None:
        return None
    product = unit.need(DataProduct, grant.product, "open item of")
    asked = [unit.need(AccessRequest, each, "open item of") for each in grant.requests]
    item = CampaignItem(
        id=new,
        campaign=campaign.id,
        grant=id,
        kind=grant.kind,
        product=product.id,
        product_name=product.name,
        domain=product.domain,
        beneficiary=grant.beneficiary,
        owner=asked[0].owner,
        requesters=tuple(dict.fromkeys(each.requester for each in asked)),
        columns=grant.columns,
        opened_at=unit.now,
    )
    unit.save(evolve(grant, certifying=(*grant.certifying, new)))
    return unit.save(item)


def _close_silent(unit: Unit, id: str) -> None:
    """Close an item that nobody has answered, as its campaign says."""
    item = unit.need(CampaignItem, id, "close")
    campaign = unit.need(Campaign, item.campaign, "close")
    if not item.open or not campaign.over(unit.now):
        return
    grant = unit.get(Grant, item.grant)
    closed = close_item(unit, left_silent(campaign, item, grant, unit.now))
    if grant is None:
        return
    left = without(grant, item)
    if closed.state == "revoked_by_silence":
        reason = f"nobody certified it in {campaign.name}"
        end_grant(unit, left, "certification_lapsed", reason=reason, campaign=campaign)
        return
    if left != grant:
        unit.save(left)
    if closed.state == "kept_by_silence":
        event = happened("grant.kept_by_silence", campaign, closed)
        unit.keep(Effects(events=(event,)))


def _end(unit: Unit, campaign: Campaign) -> None:
    saved = unit.save(campaign.step("close", ended_at=unit.now))
    progress = progress_of(unit, saved)
    counts = {
        name: getattr(progress, name)
        for name in ("certified", "refused", "ended", "kept_by_silence", "revoked_by_silence")
    }
    event = Event(
        type="campaign.closed",
        aggregate=saved.aggregate,
        data={"campaign": saved.said, "silence": saved.silence, "items": counts},
    )
    data = {"campaign": saved.name, "campaign_id": saved.id, "counts": str(progress)}
    told = Notice(kind="campaign_closed", about=saved.aggregate, audience=_owners(saved), data=data)
    unit.keep(Effects(events=(event,), notices=(told,)))


def _owners(campaign: Campaign) -> tuple[StewardSelector, ...]:
    """Whoever started it, and the managers of its products."""
    managers = [one for domain in campaign.domains for one in managers_of(domain)]
    starter = [] if campaign.created_by == SYSTEM else [user(campaign.created_by)]
    return (*starter, *managers)


def _asks(campaign: Campaign, what: str, counts: Mapping[str, int]) -> Iterable[Notice]:
    """One notice for everybody for whom items wait."""
    ending = what in dict(WARNINGS)
    for person, number in sorted(counts.items()):
        yield Notice(
            kind="certification_ending" if ending else "certification_asked",
            about=campaign.aggregate,
            audience=(user(person),),
            data={
                "campaign": campaign.name,
                "campaign_id": campaign.id,
                "count": number,
                "deadline": f"{campaign.deadline:%Y-%m-%d %H:%M} UTC",
                "silence": "kept" if campaign.silence == "keep" else "revoked",
            },
        )


def _tell_at(unit: Unit, campaign: Campaign, due: datetime) -> None:
    timer = Timer(kind=CAMPAIGN_TELL, about=campaign.aggregate, due=due)
    unit.keep(Effects(timers=(timer,)))


def _go_on(unit: Unit, timer: Timer, place: dict[str, Any]) -> None:
    """Have the next step done at once, by whoever is free."""
    unit.keep(Effects(timers=(evolve(timer, step=timer.step + 1, data=place),)))


def _place(timer: Timer) -> Place | None:
    """Behind which record a step goes on."""
    after = timer.data.get("after")
    return None if after is None else (str(after[0]), str(after[1]))
