"""Reading campaigns: which there are, what waits for oneself, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from attrs import fields, frozen

from marketplace_sdk.domain.campaigns import (
    Campaign,
    CampaignItem,
    CampaignProgress,
    CampaignState,
    ItemState,
)
from marketplace_sdk.domain.certifying import stand_ins
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.rights import allowed, managed_domains, require, roles_in
from marketplace_sdk.domain.values import check_flag
from marketplace_sdk.errors import InvalidInput, NotFound, Problem
from marketplace_sdk.services._certifiers import could_answer
from marketplace_sdk.services._checking import check_choice, check_choices, check_filter
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.services._exporting import FORMATS, csv_row, json_row
from marketplace_sdk.wire.codec import plain
from marketplace_sdk.work.certifying import progress_of
from marketplace_sdk.work.listing import reviewers_of
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.records import KINDS
from marketplace_sdk.work.unit import Pairs, Unit

__all__ = ["REPORT", "CampaignReads", "roles_on", "visible"]

STATES = get_args(CampaignState)
ITEM_STATES = get_args(ItemState)
KIND_NAMES = ("access", "masking_exception")
AT_ONCE = 200
"""Products whose items are walked side by side."""

REPORT = (
    "campaign",
    "item",
    "grant",
    "kind",
    "product",
    "product_name",
    "domain",
    "beneficiary",
    "requesters",
    "columns",
    "state",
    "decided_by",
    "matched",
    "as_of",
    "reason",
    "opened_at",
    "closed_at",
)
"""Columns of a report in CSV and keys of each JSON line; new ones are added at the end."""


@frozen
class _Wanted:
    """What a reader wants of a campaign's items, checked."""

    campaign: str
    where: Sequence[tuple[str, Collection[str]]]
    states: tuple[str, ...] | None
    awaiting_me: bool
    after: str | None
    limit: int


class CampaignReads(Service):
    """What may be read of campaigns, by whom."""

    def get(self, id: str, *, by: By = None) -> Campaign:
        """A campaign; for whoever answers for it, AUDIT, and those who are asked in it.

        Raises:
            NotFound: there is none, or one has nothing to do with it.
        """
        with self._reading(by) as (unit, facts):
            return visible(unit, facts, id, "get").seen_at(unit.now)

    def find(
        self,
        *,
        state: str | Iterable[str] | None = None,
        domain: str | None = None,
        product: str | None = None,
        after: str | None = None,
        limit: int = 50,
        by: By = None,
    ) -> Page[Campaign]:
        """Campaigns that one may see, newest first.

        Args:
            state: opening, open, closed or canceled; or several of them.
            domain: about products of this domain.
            product: about this product (an id).
            after: ``next`` of the page before.
            limit: 1 to 1000.
            by: who reads.
        """
        states = check_choices(state, "state", STATES)
        where: list[tuple[str, Collection[str]]] = []
        for key, value in (("domain", domain), ("product", product)):
            if check_filter(value, key) is not None:
                where.append((key, [str(value)]))
        if states is not None:
            # What is past its deadline is over, whether it was swept or not.
            swept = {"opening", "open"} if {"closed", "canceled"} & {*states} else set()
            where.append(("state", sorted(swept.union(states))))
        with self._reading(by) as (unit, facts):
            page = unit.union(
                Campaign,
                [([*where, *seen], ()) for seen in _seen(unit, facts)],
                after=after,
                limit=limit,
                descending=True,
                keep=lambda found: states is None or found.seen_at(unit.now).state in states,
            )
            return Page((each.seen_at(unit.now) for each in page), page.next)

    def progress(self, id: str, *, by: By = None) -> CampaignProgress:
        """How many items of a campaign are in each state (its managers, GOVERNANCE, AUDIT).

        Raises:
            NotFound: there is no such campaign, or one has nothing to do with it.
            NotAllowed: one is asked in it, and no more than that.
        """
        with self._reading(by) as (unit, facts):
            campaign = visible(unit, facts, id, "count items of")
            require("campaign.read", roles_on(facts, campaign), facts, f"campaign {id}")
            return progress_of(unit, campaign)

    def items(
        self,
        campaign: str,
        *,
        state: str | Iterable[str] | None = None,
        awaiting_me: bool = False,
        product: str | None = None,
        after: str | None = None,
        limit: int = 50,
        by: By = None,
    ) -> Page[CampaignItem]:
        """Items of a campaign that one may see, those of one product together.

        The campaign's managers, GOVERNANCE and AUDIT see all, managers those of their domain,
        others those that they may answer or have answered.

        Args:
            campaign: its id.
            state: open, certified, refused, ended, kept_by_silence, revoked_by_silence or
                canceled; or several of them.
            awaiting_me: only those that the reader could answer now.
            product: only of this product (an id).
            after: ``next`` of the page before.
            limit: 1 to 1000.
            by: who reads.

        Raises:
            NotFound: there is no such campaign, or one has nothing to do with it.
        """
        states = check_choices(state, "state", ITEM_STATES)
        check_flag(awaiting_me, "awaiting_me")
        where: list[tuple[str, Collection[str]]] = [("campaign", [campaign])]
        if check_filter(product, "product") is not None:
            where.append(("product", [str(product)]))
        if awaiting_me:
            where.append(("open_campaign", [campaign]))
        wanted = _Wanted(campaign, where, states, awaiting_me, after, limit)
        owners: dict[str, str | None] = {}
        while True:
            page, met = self._items(wanted, owners, by)
            unknown = met.difference(owners)
            if not unknown or self._context.own_people:
                return page
            # A directory elsewhere is not asked in a unit of work: read again with what it says.
            for id in unknown:
                account = self._context.person(id)
                owners[id] = None if account is None else account.owner or None

    def report(self, id: str, *, format: str = "jsonl", by: By = None) -> Iterator[str]:
        """Who certified what: every item that one may see, as lines of text for auditors.

        They are read page by page while they are taken.

        Args:
            id: of the campaign.
            format: ``jsonl``, one JSON object a line, or ``csv`` for spreadsheets.
            by: who reads.

        Raises:
            InvalidInput, NotFound: at once, before the first line.
        """
        if check_choice(format, "format", FORMATS) is None:
            raise InvalidInput("cannot report", problems=[Problem("format", "is required")])
        first = self.items(id, limit=AT_ONCE, by=by)
        return self._lines(id, format, first, by)

    def _items(
        self, wanted: _Wanted, owners: Mapping[str, str | None], by: By
    ) -> tuple[Page[CampaignItem], set[str]]:
        """A page by these owners of service accounts, and the ids of all accounts met on it."""
        met: set[str] = set()
        with self._reading(by) as (unit, facts):
            campaign = visible(unit, facts, wanted.campaign, "list items of")
            where = [*wanted.where]
            if wanted.states is not None:
                # What is still open when its campaign is over is closed, swept or not.
                swept = {"open"} if campaign.over(unit.now) else set()
                where.append(("state", sorted(swept.union(wanted.states))))

            def keep(item: CampaignItem) -> bool:
                seen = item.seen_at(campaign, unit.now)
                if not wanted.awaiting_me:
                    return wanted.states is None or seen.state in wanted.states
                account = item.beneficiary.id if item.owner else ""
                met.update([account] if account else [])
                return could_answer(unit, facts, seen, owners.get(account))

            read = _theirs if wanted.awaiting_me else _readable
            page = unit.union(
                CampaignItem,
                [([*where, *more], unless) for more, unless in read(unit, facts, campaign)],
                after=wanted.after,
                limit=wanted.limit,
                keep=keep,
            )
            return Page((each.seen_at(campaign, unit.now) for each in page), page.next), met

    def _lines(self, id: str, format: str, page: Page[CampaignItem], by: By) -> Iterator[str]:
        if format == "csv":
            yield csv_row(REPORT)
        while True:
            for item in page:
                row = _row(item)
                if format == "csv":
                    yield csv_row(_cell(row[name]) for name in REPORT)
                else:
                    yield json_row(row)
            if page.next is None:
                return
            page = self.items(id, after=page.next, limit=AT_ONCE, by=by)


def roles_on(facts: Facts, campaign: Campaign) -> frozenset[str]:
    """The roles of a person with regard to a campaign; managers manage all domains of it."""
    roles = roles_in(facts)
    managed = all(facts.holds_in(each, "MANAGE_DATA_PRODUCTS") for each in campaign.domains)
    return roles | {"manager"} if managed else roles


def visible(unit: Unit, facts: Facts, id: str, verb: str) -> Campaign:
    """A campaign, if the person may know that it exists.

    Raises:
        NotFound: there is none, or it is nobody's business here.
    """
    campaign = unit.need(Campaign, id, verb)
    seen = (
        allowed("campaign.read", roles_on(facts, campaign))
        or any(facts.manages(each) for each in campaign.domains)
        or bool(_stewarded(unit, facts, campaign))
        or bool(unit.find(CampaignItem, *_answered(facts, id), limit=1))
    )
    if not seen:
        raise NotFound(verb, "campaign", id)
    return campaign


def _answered(facts: Facts, campaign: str) -> Pairs:
    return [("campaign", [campaign]), ("decided_by", [facts.id])]


def _seen(unit: Unit, facts: Facts) -> Iterator[Pairs]:
    """What campaigns have that one may see, in one of several ways."""
    if facts.has("GOVERNANCE") or facts.has("AUDIT"):
        yield []
        return
    yield [("domain", managed_domains(facts))]
    where = [("steward", sorted(facts.tokens)), ("kept", ["yes"])]
    ids = [record.id for record in unit.rows.find(KINDS[DataProduct].name, where)]
    for first in range(0, len(ids), AT_ONCE):
        yield [("product", ids[first : first + AT_ONCE])]


def _stewarded(unit: Unit, facts: Facts, campaign: Campaign) -> list[DataProduct]:
    """Products of a campaign whose forms, or own flows, name a person like this."""
    where = (("steward", sorted(facts.tokens)), ("id", campaign.products))
    return unit.find(DataProduct, *where)


def _readable(unit: Unit, facts: Facts, campaign: Campaign) -> Iterator[tuple[Pairs, Pairs]]:
    """What items have, and have not, that one may see, in one of several ways."""
    if allowed("campaign.read", roles_on(facts, campaign)):
        yield [], []
        return
    managed = [each for each in campaign.domains if facts.manages(each)]
    if managed:
        yield [("domain", managed)], []
    yield [("decided_by", [facts.id])], []
    yield from _asked(facts, _subjects(unit, facts, _stewarded(unit, facts, campaign)))


def _theirs(unit: Unit, facts: Facts, campaign: Campaign) -> Iterator[tuple[Pairs, Pairs]]:
    """The same of items about which one is asked."""
    if facts.person.kind != "person":
        return
    found = {each.id: each for each in _stewarded(unit, facts, campaign)}
    if any(facts.manages(each) for each in campaign.domains):
        # They stand in where nobody is named, which no index knows.
        unit.ahead(*((DataProduct, id) for id in campaign.products))
        every = (unit.get(DataProduct, id) for id in campaign.products)
        found |= {each.id: each for each in every if each is not None}
    yield from _asked(facts, _subjects(unit, facts, found.values()))


def _subjects(unit: Unit, facts: Facts, products: Iterable[DataProduct]) -> list[str]:
    """Subjects of items about which a person like this is asked."""
    found = []
    for product in products:
        for kind in KIND_NAMES:
            named = reviewers_of(unit.get, product, kind) or stand_ins(product.domain)
            if any(one.matches(facts) for one in named):
                found.append(f"{kind}|{product.id}")
    return found


def _asked(facts: Facts, subjects: list[str]) -> Iterator[tuple[Pairs, Pairs]]:
    sides = sorted(token for token in facts.tokens if token.startswith(("user:", "group:")))
    for first in range(0, len(subjects), AT_ONCE):
        yield [("subject", subjects[first : first + AT_ONCE])], [("barred", sides)]


def _row(item: CampaignItem) -> dict[str, Any]:
    said = {each.name: getattr(item, each.name) for each in fields(CampaignItem)}
    said["item"] = item.id
    said["beneficiary"] = item.beneficiary.token
    return {name: plain(said[name]) for name in REPORT}


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(str(each) for each in value)
    return "" if value is None else str(value)
