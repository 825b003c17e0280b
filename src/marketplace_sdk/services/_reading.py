"""Reading requests: where they stand, which ones await oneself, and what happened to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar, get_args

from attrs import evolve

from marketplace_sdk.domain.deciding import escalated
from marketplace_sdk.domain.deputies import Represented
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.requests import AccessRequest, Explanation, RequestKind, RequestState
from marketplace_sdk.domain.rights import allowed, managed_domains, roles_on
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import check_flag
from marketplace_sdk.ports.storage import EventRow
from marketplace_sdk.services._checking import (
    check_choice,
    check_choices,
    check_filter,
    check_holder,
)
from marketplace_sdk.services._context import By
from marketplace_sdk.services._explaining import explain
from marketplace_sdk.services._representing import Representing
from marketplace_sdk.services._stewards import steward_for, visible_request
from marketplace_sdk.services._stuck import eligible, still_stuck
from marketplace_sdk.work.deciding import could_decide, could_review
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.unit import Unit

__all__ = ["RequestReads"]

T = TypeVar("T")
Pair = tuple[str, list[str]]
Could = Callable[[AccessRequest], bool]
PageOf = Callable[[Unit, Facts, tuple[Represented, ...], Could], Page[AccessRequest]]

STATES = get_args(RequestState)
UNSWEPT = {"expired": "approved", "canceled": "pending"}
"""State that time leads to -> the one that is stored until a worker comes by."""
KINDS = get_args(RequestKind)
ROLES = ("requester", "steward", "manager")
REVIEWS = ("none", "by_me", "awaiting_me")
INQUIRIES = ("open", "none", "by_me", "awaiting_me")
EMERGENCIES = ("any", "open", "overdue", "justified", "unjustified", "awaiting_me")


class RequestReads(Representing):
    """What may be read of requests, by whom."""

    def get(self, id: str, *, by: By = None) -> AccessRequest:
        """A request, for those who may see its answers; a deputy sees what their steward does."""
        return self._seeing(
            by, lambda unit, facts, for_: visible_request(unit, facts, id, "get", for_)
        )

    def find(
        self,
        *,
        state: str | Iterable[str] | None = None,
        kind: str | None = None,
        product: str | None = None,
        domain: str | None = None,
        requester: str | None = None,
        beneficiary: str | StewardSelector | None = None,
        role: str | Iterable[str] | None = None,
        review: str | None = None,
        inquiry: str | None = None,
        emergency: str | None = None,
        ends: bool | None = None,
        after: str | None = None,
        limit: int = 50,
        by: By = None,
    ) -> Page[AccessRequest]:
        """Requests that one may see, newest first.

        Args:
            state: pending, approved, denied, canceled, revoked or expired; or several of them.
            kind: ``access`` or ``masking_exception``.
            product, domain: of the request.
            requester: id of who asked.
            beneficiary: a person's id or ``group(name)``.
            role: of the reader: ``requester``, ``steward`` (named by the review) or ``manager``;
                or several of them.
            review: ``none`` (nobody has determined), ``by_me`` (or by a deputy, for the reader), or
                ``awaiting_me``: pending, with an open seat that the reader could fill, for
                themselves or for somebody who has named them as a deputy.
            inquiry: ``open``: a question about it waits for its answer; ``none``: no question does;
                ``by_me``: the reader has asked; or ``awaiting_me``: the reader could answer one.
            emergency: ``any`` access that nobody decided; or whose review is ``open``,
                ``overdue``, ``justified``, ``unjustified``, or ``awaiting_me``: the reader could
                close it.
            ends: was approved with an end (True), or without (False).
            after: ``next`` of the page before.
            limit: 1 to 1000.
            by: who reads.

        Raises:
            InvalidInput.
        """
        states = check_choices(state, "state", STATES)
        as_roles = check_choices(role, "role", ROLES)
        check_choice(review, "review", REVIEWS)
        check_choice(inquiry, "inquiry", INQUIRIES)
        check_choice(emergency, "emergency", EMERGENCIES)
        given = {
            "kind": check_choice(kind, "kind", KINDS),
            "product": check_filter(product, "product"),
            "domain": check_filter(domain, "domain"),
            "requester": check_filter(requester, "requester"),
        }
        where = [(key, [value]) for key, value in given.items() if value is not None]
        if beneficiary is not None:
            where.append(("beneficiary", [check_holder(beneficiary, "beneficiary").token]))
        if states is not None:
            # What is past its end is expired or canceled, whether it was swept or not.
            swept = {UNSWEPT[each] for each in states if each in UNSWEPT}
            where.append(("state", sorted(swept.union(states))))
        if ends is not None:
            where.append(("ends", ["yes" if check_flag(ends, "ends") else "no"]))

        def page_of(
            unit: Unit, facts: Facts, for_: tuple[Represented, ...], could: Could
        ) -> Page[AccessRequest]:
            asked, unasked = _inquired(inquiry, facts)
            asked += _emergency(emergency, facts)
            branches = []
            for reader, scope in _readers(facts, for_):
                more, unless = _reviewed(review, reader)
                every = [("audience", sorted(reader.tokens)), *where, *more, *asked, *scope]
                branches += [
                    ([*every, *_as_role(each, reader)], [*unless, *unasked])
                    for each in as_roles or (None,)
                ]
            page = unit.union(
                AccessRequest,
                branches,
                after=after,
                limit=limit,
                descending=True,
                keep=lambda found: (
                    (states is None or found.seen_at(unit.now).state in states)
                    and (review != "awaiting_me" or could(found))
                    and (inquiry not in ("open", "awaiting_me") or not found.overdue(unit.now))
                    and (emergency != "awaiting_me" or could_review(unit, facts, found))
                    and (emergency != "overdue" or _late(found, unit.now))
                ),
            )
            return Page((each.seen_at(unit.now) for each in page), page.next)

        return self._page(by, page_of, as_deputy=review == "awaiting_me")

    def awaiting(
        self, *, after: str | None = None, limit: int = 50, by: By = None
    ) -> Page[AccessRequest]:
        """Pending requests that one could decide on now, also as a deputy, newest first."""

        def page_of(
            unit: Unit, facts: Facts, for_: tuple[Represented, ...], could: Could
        ) -> Page[AccessRequest]:
            branches = []
            for reader, scope in _readers(facts, for_):
                where, unless = _reviewed("awaiting_me", reader)
                branches.append(([*where, *scope], unless))
            return unit.union(
                AccessRequest,
                branches,
                after=after,
                limit=limit,
                descending=True,
                keep=could,
            )

        return self._page(by, page_of)

    def explain(self, id: str, *, by: By = None) -> Explanation:
        """Where a request stands: who approved, which seats and questions are open and how long.

        Names of people who could fill a seat are shown to its stewards, managers and GOVERNANCE.
        """

        def work(
            unit: Unit, facts: Facts, for_: tuple[Represented, ...]
        ) -> tuple[AccessRequest, bool, datetime]:
            request = visible_request(unit, facts, id, "explain", for_)
            added = escalated(request, unit.now)
            may_know = (
                allowed("request.candidates", roles_on(facts, request))
                or (added is not None and added.matches(facts))
                or steward_for(request, for_)
            )
            return request, may_know, unit.now

        request, may_know, now = self._seeing(by, work)
        names: Mapping[Any, tuple[str, ...]] = eligible(self._context, request) if may_know else {}
        late = request.stuck and escalated(request, now) is not None
        stuck = still_stuck(self._context, request) if late else request.stuck
        return explain(evolve(request, stuck=stuck), names, now)

    def history(self, id: str, *, by: By = None) -> tuple[EventRow, ...]:
        """Everything that happened to a request, oldest first; for those who may see it."""

        def work(unit: Unit, facts: Facts, for_: tuple[Represented, ...]) -> tuple[EventRow, ...]:
            request = visible_request(unit, facts, id, "read history of", for_)
            return tuple(unit.rows.events(request.aggregate))

        return self._seeing(by, work)

    # -- inside ---------------------------------------------------------------------------

    def _page(self, by: By, page_of: PageOf, *, as_deputy: bool = True) -> Page[AccessRequest]:
        """A page for which it may matter who answers for service accounts at this moment.

        A directory elsewhere is not asked in a unit of work, so the page is read again with what
        it says of the accounts that were met. Few pages meet any.
        """
        owners: dict[str, str | None] = {}
        while True:
            page, met = self._page_with(owners, by, page_of, as_deputy=as_deputy)
            unknown = met.difference(owners)
            if not unknown or self._context.own_people:
                return page
            for id in unknown:
                account = self._context.person(id)
                owners[id] = None if account is None else account.owner or None

    def _page_with(
        self,
        owners: Mapping[str, str | None],
        by: By,
        page_of: PageOf,
        *,
        as_deputy: bool,
    ) -> tuple[Page[AccessRequest], set[str]]:
        """A page by these owners, and the ids of all service accounts that were met on it."""
        met: set[str] = set()
        reading = self._reading_for_others if as_deputy else self._reading_alone
        with reading(by) as (unit, facts, for_):

            def could(found: AccessRequest) -> bool:
                account = found.beneficiary.id if found.owner else ""
                met.update([account] if account else [])
                return could_decide(unit, facts, found, for_, owners.get(account))

            return page_of(unit, facts, for_, could), met

    def _read(self, by: By, work: Callable[[Unit, Facts], T]) -> T:
        with self._reading(by) as (unit, facts):
            return work(unit, facts)


def _readers(facts: Facts, for_: Iterable[Represented]) -> Iterator[tuple[Facts, list[Pair]]]:
    """Whoever reads, and everybody whom they represent, with what limits that."""
    yield facts, []
    for each in for_:
        limits = {"domain": each.deputyship.domain, "product": each.deputyship.product}
        yield each.facts, [(key, [value]) for key, value in limits.items() if value]


def _as_role(role: str | None, facts: Facts) -> list[Pair]:
    """What makes somebody requester, steward or manager of a request."""
    if role == "requester":
        return [("requester", [facts.id])]
    if role == "steward":
        return [("steward", sorted(facts.tokens))]
    if role == "manager" and not facts.has("GOVERNANCE"):
        return [("domain", managed_domains(facts))]
    return []


def _reviewed(review: str | None, facts: Facts) -> tuple[list[Pair], list[Pair]]:
    """What a request has, and what it has not, whose review stands like this for the reader."""
    if review == "none":
        return [("determined_by", [""])], []
    if review == "by_me":
        return [("determined_by", [facts.id])], []
    if review == "awaiting_me":
        sides = [token for token in facts.tokens if token.startswith(("user:", "group:"))]
        seats = sorted(facts.tokens) if facts.person.kind == "person" else []
        return [("open_seat", seats)], [("barred", sorted(sides))]
    return [], []


def _emergency(emergency: str | None, facts: Facts) -> list[Pair]:
    """What a request has whose emergency access, if it gave any, stands like this."""
    if emergency is None:
        return []
    if emergency == "awaiting_me":
        return [("open_review", sorted(facts.tokens))]
    return [("emergency", ["open" if emergency == "overdue" else emergency])]


def _late(request: AccessRequest, now: datetime) -> bool:
    return request.emergency is not None and request.emergency.overdue(now)


def _inquired(inquiry: str | None, facts: Facts) -> tuple[list[Pair], list[Pair]]:
    """What a request has, and what it has not, about which something is or was asked."""
    if inquiry == "open":
        return [("inquiry", ["open"])], []
    if inquiry == "none":
        return [], [("inquiry", ["open"])]
    if inquiry == "by_me":
        return [("asked_by", [facts.id])], []
    if inquiry == "awaiting_me":
        return [("answerable_by", [f"user:{facts.id}"])], []
    return [], []
