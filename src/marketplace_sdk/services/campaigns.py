"""Recertification: asking, from time to time, whether the access that people have is needed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

from attrs import evolve

from marketplace_sdk.domain.campaigns import Campaign, Silence
from marketplace_sdk.domain.catalog import Domain
from marketplace_sdk.domain.durations import Duration, end_of, window
from marketplace_sdk.domain.events import Effects, Event
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.domain.values import check_id, check_name, check_text
from marketplace_sdk.errors import (
    Conflict,
    DuplicateName,
    InvalidInput,
    NotFound,
    Problem,
    TransitionNotAllowed,
)
from marketplace_sdk.services._answering import Answering
from marketplace_sdk.services._campaign_reading import roles_on, visible
from marketplace_sdk.services._campaigning import canceled_notice, step_timer
from marketplace_sdk.services._checking import check_choice, check_list
from marketplace_sdk.services._context import By
from marketplace_sdk.work.certifying import progress_of

if TYPE_CHECKING:
    from marketplace_sdk.work.unit import Unit

__all__ = ["Campaigns"]

MOST_PRODUCTS = 1000


class Campaigns(Answering):
    """Campaigns over the access that people hold."""

    def start(
        self,
        name: str,
        *,
        domain: str | None = None,
        products: Iterable[str] | None = None,
        deadline: Duration | timedelta | datetime,
        silence: str,
        id: str | None = None,
        by: By = None,
    ) -> Campaign:
        """Start a campaign over all live access to a domain's products, or to some products.

        Each grant and masking exception that is live becomes an item; the worker opens them, and
        tells whoever is asked: the stewards whom the product's form, or its own flow, names
        today. Where they name nobody who can answer, the domain's managers and GOVERNANCE are
        asked.

        Args:
            name: for people.
            domain: all of its products; or
            products: ids of at most 1,000 products.
            deadline: a Duration or timedelta from now on, or an aware datetime.
            silence: what it means that nobody has answered by then: ``keep`` or ``revoke``.
            id: chosen by the caller; the same campaign again is a no-op.
            by: manages all these products, or holds GOVERNANCE.

        Raises:
            InvalidInput, NotAllowed, NotFound, DuplicateName.
        """
        check_name(name, "name")
        wanted = _wanted(domain, products)
        end = window(deadline, "deadline")
        if end is None or check_choice(silence, "silence", get_args(Silence)) is None:
            path = "deadline" if end is None else "silence"
            raise _cannot_start(name, Problem(path, "is required"))
        if id is not None:
            check_id(id, "id")

        def work(unit: Unit, facts: Facts) -> Campaign:
            found = self._products(unit, facts, name, domain, wanted)
            draft: dict[str, Any] = {
                "name": name,
                "domain": domain or "",
                "silence": silence,
                "products": tuple(product.id for product in found),
            }
            new = id or unit.ids()
            known = unit.get(Campaign, new)
            if known is not None:
                if all(getattr(known, key) == value for key, value in draft.items()):
                    return known
                raise DuplicateName(
                    f"cannot start campaign {name}: the id is taken", existing=known.id
                )
            campaign = Campaign(
                id=new,
                deadline=end_of(end, unit.now),
                domains=tuple(sorted({product.domain for product in found})),
                created_at=unit.now,
                created_by=facts.id,
                **draft,
            )
            if campaign.deadline <= unit.now:
                raise _cannot_start(name, Problem("deadline", "must be in the future"))
            saved = unit.save(campaign)
            data = {
                "campaign": saved.said,
                "domains": list(saved.domains),
                "products": len(saved.products),
                "silence": saved.silence,
                "deadline": saved.deadline.isoformat(),
            }
            event = Event(type="campaign.started", aggregate=saved.aggregate, data=data)
            unit.keep(Effects(events=(event,), timers=(step_timer(saved, unit.now),)))
            return saved

        return self._deciding(by, work)

    def close(self, id: str, *, reason: str, by: By = None) -> Campaign:
        """Close a campaign before its deadline (its managers, GOVERNANCE).

        Where silence revokes, it is refused as long as an item is open: people have been told
        that they have time until the deadline.

        Raises:
            Conflict: an item is open, and silence revokes.
            TransitionNotAllowed: its items are still being opened, or it is over.
        """
        why = check_text(reason, "reason", required=True)

        def work(unit: Unit, facts: Facts) -> Campaign:
            campaign = self._managed(unit, facts, id, "close")
            if campaign.state != "open" or campaign.over(unit.now):
                state = campaign.seen_at(unit.now).state
                raise TransitionNotAllowed("campaign", id, state=state, event="close")
            left = progress_of(unit, campaign).open
            if left and campaign.silence == "revoke":
                raise Conflict(
                    f"cannot close campaign {id}: {left} items are open, and silence revokes",
                    code="items_open",
                    hint="wait for the deadline, or cancel it, which changes no access",
                )
            saved = unit.save(evolve(campaign, deadline=unit.now, reason=why))
            event = Event(
                type="campaign.shortened",
                aggregate=saved.aggregate,
                data={"campaign": saved.said, "open": left},
            )
            unit.keep(Effects(events=(event,), timers=(step_timer(saved, unit.now),)))
            return saved.seen_at(unit.now)

        return self._deciding(by, work)

    def cancel(self, id: str, *, reason: str, by: By = None) -> Campaign:
        """Call a campaign off (its managers, GOVERNANCE); what is open changes no access.

        What was certified or refused stays so.

        Raises:
            TransitionNotAllowed: it is over.
        """
        why = check_text(reason, "reason", required=True)

        def work(unit: Unit, facts: Facts) -> Campaign:
            campaign = self._managed(unit, facts, id, "cancel")
            if campaign.over(unit.now):
                state = campaign.seen_at(unit.now).state
                raise TransitionNotAllowed("campaign", id, state=state, event="cancel")
            saved = unit.save(campaign.step("cancel", ended_at=unit.now, reason=why))
            event = Event(
                type="campaign.canceled",
                aggregate=saved.aggregate,
                data={"campaign": saved.said, "cause": "canceled"},
            )
            told = canceled_notice(saved, "access stays as it is", (facts.id,))
            timers = (step_timer(saved, unit.now),)
            unit.keep(Effects(events=(event,), notices=(told,), timers=timers))
            return saved

        return self._deciding(by, work)

    # -- inside ---------------------------------------------------------------------------

    def _products(
        self, unit: Unit, facts: Facts, name: str, domain: str | None, wanted: tuple[str, ...]
    ) -> list[DataProduct]:
        """The products that a campaign is about, all of which its starter manages."""
        verb = "start a campaign over"
        if domain is not None:
            unit.need(Domain, domain, verb)
            require("campaign.start", roles_in(facts, domain), facts, f"a campaign over {domain}")
            where = (("domain", [domain]), ("kept", ["yes"]))
            found = unit.find(DataProduct, *where, limit=MOST_PRODUCTS + 1)
        else:
            found = [unit.need(DataProduct, id, verb) for id in wanted]
            for product in found:
                if self._context.hide_products and not facts.manages(product.domain):
                    raise NotFound(verb, "product", product.id)
                roles = roles_in(facts, product.domain)
                require("campaign.start", roles, facts, f"a campaign over product {product.id}")
        gone = [product.name for product in found if product.state == "deleted"]
        if gone or not found or len(found) > MOST_PRODUCTS:
            problem = f"{gone[0]} is deleted" if gone else f"must be 1 to {MOST_PRODUCTS} products"
            raise _cannot_start(name, Problem("products", problem))
        return sorted(found, key=lambda product: product.id)

    @staticmethod
    def _managed(unit: Unit, facts: Facts, id: str, verb: str) -> Campaign:
        campaign = visible(unit, facts, id, verb)
        require("campaign.manage", roles_on(facts, campaign), facts, f"campaign {id}")
        return campaign


def _wanted(domain: str | None, products: Iterable[str] | None) -> tuple[str, ...]:
    """Ids of the products that were named; none when it is about a domain.

    Raises:
        InvalidInput: both or neither were given.
    """
    if (domain is None) == (products is None):
        problem = Problem("products", "give either a domain or products")
        raise InvalidInput("cannot start campaign", problems=[problem])
    if domain is not None:
        check_name(domain, "domain")
        return ()
    given = check_list(products, "products", most=MOST_PRODUCTS)
    return tuple(dict.fromkeys(check_id(each, "products") for each in given))


def _cannot_start(name: str, problem: Problem) -> InvalidInput:
    return InvalidInput(f"cannot start campaign {name}", problems=[problem])
