"""Answers to the items of campaigns: an access is still needed, or it is not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attrs import evolve

from marketplace_sdk.domain.campaigns import Campaign, CampaignItem, Verdict
from marketplace_sdk.domain.certifying import answer, happened, stand_ins
from marketplace_sdk.domain.events import Effects
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import SYSTEM, Facts, Person
from marketplace_sdk.domain.rights import allowed
from marketplace_sdk.domain.values import check_id, check_text
from marketplace_sdk.errors import Conflict, NotAllowed, NotFound, TransitionNotAllowed
from marketplace_sdk.services._campaign_reading import CampaignReads, roles_on
from marketplace_sdk.services._certifiers import Certifiers, named_for
from marketplace_sdk.services._checking import check_whole
from marketplace_sdk.services._context import By, SystemActor
from marketplace_sdk.work.certifying import close_item, without
from marketplace_sdk.work.endings import end_grant

if TYPE_CHECKING:
    from marketplace_sdk.work.unit import Unit

__all__ = ["Answering"]


class Answering(CampaignReads):
    """What reviewers say about items while their campaign runs."""

    def certify(
        self, item: str, *, reason: str, revision: int | None = None, by: By = None
    ) -> CampaignItem:
        """Say that an access is still needed. One answer decides; it is never edited.

        Args:
            item: id of an open item, or of a grant about which exactly one campaign asks.
            reason: why; required.
            revision: of the item as it was seen; an older one is refused.
            by: one of those who are asked; never the requester, the beneficiary, a member of the
                group or the owner of the account that has it.

        Raises:
            AlreadyDetermined: somebody has answered, or the deadline has passed.
            TransitionNotAllowed: the access has ended, or the campaign was canceled.
            NotAllowed: it is one's own access, or one is not asked about it.
            Conflict: several campaigns ask about the grant.
            StaleRevision, InvalidInput, NotFound.
        """
        return self._answer(item, "certify", reason, revision, by)

    def refuse(
        self, item: str, *, reason: str, revision: int | None = None, by: By = None
    ) -> CampaignItem:
        """Say that an access is not needed any more, which revokes it. Raises as ``certify``."""
        return self._answer(item, "refuse", reason, revision, by)

    # -- inside ---------------------------------------------------------------------------

    def _answer(
        self, id: str, verdict: Verdict, reason: str, revision: int | None, by: By
    ) -> CampaignItem:
        why = check_text(reason, "reason", required=True)
        check_id(id, "item")
        if revision is not None:
            check_whole(revision, "revision")
        who = self._decider(by)
        if isinstance(by or self._bound, SystemActor):
            raise _no_person(id, verdict, SYSTEM)
        owner = "" if self._context.own_people else self._owner_elsewhere(id)
        vacancies: dict[int, bool] = {}

        def work(unit: Unit, facts: Facts) -> CampaignItem | None:
            if facts.person.kind != "person":
                # An account would answer as whoever has it, and for themselves.
                raise _no_person(id, verdict, facts.id)
            item = _item(unit, id, verdict)
            named = named_for(unit, item)
            _check_visible(unit, facts, item, named, id, verdict)
            item = evolve(item, owner=self._owner(unit, item, owner))
            campaign = unit.need(Campaign, item.campaign, verdict)
            stands_in = named and not any(one.matches(facts) for one in named)
            if stands_in and item.open and item.revision not in vacancies:
                return None  # whom the directory names is looked up outside the unit of work
            answered = answer(
                campaign,
                item,
                facts,
                verdict,
                named=named,
                reason=why,
                now=unit.now,
                revision=revision,
                vacant=vacancies.get(item.revision, False),
            )
            return item if answered is item else _settle(unit, campaign, answered)

        while (saved := self._as(who, work)) is None:
            vacancies |= self._vacant(id, verdict)
        return saved

    def _vacant(self, id: str, verb: str) -> dict[int, bool]:
        """Whether nobody whom the product names can answer, by the revision of the item."""
        with self._context.unit(SYSTEM, write=False) as unit:
            item = _item(unit, id, verb)
        return {item.revision: Certifiers(self._context).nobody_named(item)}

    def _owner(self, unit: Unit, item: CampaignItem, elsewhere: str) -> str:
        """Who answers for a service account at this moment."""
        if not item.owner or not self._context.own_people:
            return elsewhere or item.owner
        account = unit.get(Person, item.beneficiary.id)
        return item.owner if account is None else account.owner

    def _owner_elsewhere(self, id: str) -> str:
        """The same from the company's directory, which is asked outside units of work."""
        with self._context.unit(SYSTEM, write=False) as unit:
            item = _known(unit, id)
        if item is None or not item.owner:
            return ""
        account = self._context.person(item.beneficiary.id)
        return "" if account is None else account.owner


def _settle(unit: Unit, campaign: Campaign, answered: CampaignItem) -> CampaignItem:
    """Keep an answer, and what follows for the grant."""
    grant = unit.need(Grant, answered.grant, "certify")
    if grant.over(unit.now):
        raise TransitionNotAllowed(
            "item",
            answered.id,
            state="ended",
            event="certify" if answered.state == "certified" else "refuse",
            hint="the access has ended by itself",
        )
    saved = close_item(unit, answered)
    left = without(grant, saved)
    if saved.state == "certified":
        unit.save(left)
        unit.keep(Effects(events=(happened("grant.certified", campaign, saved),)))
        return saved
    unit.keep(Effects(events=(happened("grant.certification_refused", campaign, saved),)))
    end_grant(
        unit,
        left,
        "certification_refused",
        reason=saved.reason,
        actor=saved.decided_by,
        campaign=campaign,
    )
    return saved


def _known(unit: Unit, id: str) -> CampaignItem | None:
    """The item of this id, or the one that is open about the grant of this id.

    Raises:
        Conflict: several campaigns ask about the grant.
    """
    item = unit.get(CampaignItem, id)
    if item is not None:
        return item
    found = unit.find(CampaignItem, ("open_grant", [id]), limit=2)
    if len(found) > 1:
        raise Conflict(
            f"cannot answer for grant {id}: several campaigns ask about it",
            code="several_items",
            hint="name the item",
        )
    return found[0] if found else None


def _item(unit: Unit, id: str, verb: str) -> CampaignItem:
    found = _known(unit, id)
    if found is None:
        raise NotFound(verb, "item", id)
    return found


def _check_visible(
    unit: Unit, facts: Facts, item: CampaignItem, named: Iterable[Any], id: str, verb: str
) -> None:
    """Refuse as if there were no such item when it is nobody's business here."""
    asked = any(one.matches(facts) for one in (*named, *stand_ins(item.domain)))
    campaign = unit.need(Campaign, item.campaign, verb)
    reads = allowed("campaign.read", roles_on(facts, campaign))
    if not (asked or reads or item.decided_by == facts.id):
        raise NotFound(verb, "item", id)


def _no_person(id: str, verb: str, actor: str) -> NotAllowed:
    return NotAllowed(
        f"cannot {verb} item {id}: only people answer",
        actor=actor,
        action="campaign.certify",
        hint="a steward answers under their own id",
    )
