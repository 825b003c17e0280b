"""Who could answer items of a campaign at this moment: asked outside units of work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.campaigns import Campaign, CampaignItem
from marketplace_sdk.domain.certifying import may_answer, stand_ins
from marketplace_sdk.domain.deciding import concerned
from marketplace_sdk.domain.people import SYSTEM, Facts, Person
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.services._stuck import MOST_STEWARDS, candidates
from marketplace_sdk.work.listing import reviewers_of

if TYPE_CHECKING:
    from marketplace_sdk.domain.selectors import StewardSelector
    from marketplace_sdk.services._context import Context
    from marketplace_sdk.work.unit import Unit

__all__ = ["Certifiers", "could_answer", "named_for", "waiting"]

PAGE = 200


def named_for(unit: Unit, item: CampaignItem) -> frozenset[StewardSelector]:
    """Whom the product of an item names today; nobody when there is no such product any more."""
    product = unit.get(DataProduct, item.product)
    if product is None or product.state == "deleted":
        return frozenset()
    return reviewers_of(unit.get, product, item.kind)


def could_answer(unit: Unit, facts: Facts, item: CampaignItem, owner: str | None = None) -> bool:
    """Whether somebody could answer an item now, by what the store knows.

    Args:
        unit: in which it was read.
        facts: of who would answer.
        item: as it is to be read now.
        owner: of the service account that it is about, if a directory elsewhere was asked.
    """
    if item.owner and owner is None:
        account = unit.get(Person, item.beneficiary.id)
        owner = None if account is None else account.owner
    whole = item if owner is None else evolve(item, owner=owner)
    return may_answer(whole, facts, named_for(unit, item))


class Certifiers:
    """People who can answer; everybody is looked up once, however many items there are."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._named = cache(self._ask_named)
        self._members = cache(self._ask_members)
        self._person = cache(context.person)

    def of(self, item: CampaignItem) -> list[str]:
        """Ids of everybody who could answer an open item."""
        named = self._free(item, self._named(item.kind, item.product, item.domain))
        return named or self._free(item, stand_ins(item.domain))

    def nobody_named(self, item: CampaignItem) -> bool:
        """Whether of those whom the product names nobody can answer it."""
        return not self._free(item, self._named(item.kind, item.product, item.domain))

    def _free(self, item: CampaignItem, who: Collection[StewardSelector]) -> list[str]:
        owner = self._owner(item)
        ids = dict.fromkeys(id for one in sorted(who, key=str) for id in self._members(one))
        return [id for id in ids if not self._own(id, item, owner)]

    def _own(self, id: str, item: CampaignItem, owner: str) -> bool:
        # Only the membership of a group has to be looked up.
        who = self._person(id) if item.beneficiary.kind == "group" else Person(id=id)
        return who is None or concerned(Facts(person=who), item.requesters, item.beneficiary, owner)

    def _owner(self, item: CampaignItem) -> str:
        """Who answers for a service account at this moment."""
        account = self._person(item.beneficiary.id) if item.owner else None
        return item.owner if account is None or not account.owner else account.owner

    def _ask_members(self, selector: StewardSelector) -> list[str]:
        return candidates(self._context, selector, MOST_STEWARDS)

    def _ask_named(self, kind: str, product: str, domain: str) -> frozenset[StewardSelector]:
        with self._context.unit(SYSTEM, write=False) as unit:
            found = unit.get(DataProduct, product)
            if found is None or found.state == "deleted":
                return frozenset()
            return frozenset(one.bound(domain) for one in reviewers_of(unit.get, found, kind))


def waiting(context: Context, campaign: Campaign) -> Mapping[str, int]:
    """How many open items of a campaign wait for each person, by id.

    Raises:
        DirectoryError: the directory cannot be read.
    """
    certifiers = Certifiers(context)
    found: dict[str, int] = defaultdict(int)
    for item in _open(context, campaign):
        for id in certifiers.of(item):
            found[id] += 1
    return found


def _open(context: Context, campaign: Campaign) -> Iterator[CampaignItem]:
    after: tuple[str, str] | None = None
    while True:
        with context.unit(SYSTEM, write=False) as unit:
            records = unit.rows.find(
                "campaign_item", [("open_campaign", [campaign.id])], after=after, limit=PAGE
            )
            yield from [unit.value_of(CampaignItem, record) for record in records]
        if len(records) < PAGE:
            return
        after = (records[-1].order, records[-1].id)
