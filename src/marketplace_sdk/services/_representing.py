"""Acting and reading for somebody else, as far as a deputyship goes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from marketplace_sdk.domain.deciding import may_decide
from marketplace_sdk.domain.deputies import Deputyship, Represented, refusal
from marketplace_sdk.domain.people import SYSTEM, Facts, Person
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.errors import NotAllowed, NotFound
from marketplace_sdk.services._context import By, Context, Service
from marketplace_sdk.services._stewards import visible_request
from marketplace_sdk.services._stuck import deciders, pending
from marketplace_sdk.work.deputising import live, represented_by
from marketplace_sdk.work.unit import Unit

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = [
    "Representing",
    "acting_for",
    "chosen",
    "deciders_of",
    "represented",
    "request_for",
    "with_deputies",
]

T = TypeVar("T")
Find = Callable[[Unit], Person | None]


class Representing(Service):
    """A service whose reads a deputy has, too, of what they may decide for another."""

    def _seeing(self, by: By, work: Callable[[Unit, Facts, tuple[Represented, ...]], T]) -> T:
        """Read as oneself; and what is refused then, for those whom one represents as well.

        ``work`` gets them; it may run twice.
        """
        try:
            with self._reading(by) as (unit, facts):
                return work(unit, facts, ())
        except (NotFound, NotAllowed):
            who = self._who(by)
            for_ = represented(self._context, who) if isinstance(who, str) else ()
            if not for_:
                raise
        with self._reading(by) as (unit, facts):
            return work(unit, facts, for_)

    @contextmanager
    def _reading_alone(self, by: By) -> Iterator[tuple[Unit, Facts, tuple[Represented, ...]]]:
        """The same as ``_reading``, for reading as oneself only."""
        with self._reading(by) as (unit, facts):
            yield unit, facts, ()

    @contextmanager
    def _reading_for_others(self, by: By) -> Iterator[tuple[Unit, Facts, tuple[Represented, ...]]]:
        """A unit for reading, the facts of who reads, and everybody whom they represent now."""
        person = self._person(by)
        with self._context.unit(person.id, write=False) as unit:
            if not live(unit, deputy=person.id):
                yield unit, unit.facts(person), ()
                return
        for_ = represented(self._context, person.id)
        with self._context.unit(person.id, write=False) as unit:
            yield unit, unit.facts(person), for_


def represented(context: Context, deputy: str) -> tuple[Represented, ...]:
    """Everybody whom somebody represents now, freshly from the directory.

    Raises:
        DirectoryError: the directory cannot be read.
    """
    return represented_by(_reads(context), context.person, deputy)


def acting_for(
    unit: Unit, facts: Facts, person: str, find: Find, verb: str, action: str
) -> tuple[Represented, ...]:
    """Whom a deputy represents, once for each deputyship of the two that is live.

    Args:
        unit: in which they act.
        facts: of the deputy.
        person: id of who is to be represented.
        find: finds them in the unit, or knows what the company's directory said.
        verb: what they want to do, for errors.
        action: the same as the table of rights calls it.

    Raises:
        NotAllowed: they are not their deputy at this moment, or nobody acts for who has left.
    """
    ships = live(unit, deputy=facts.id, people=[person])
    if not ships:
        raise refusal(
            person,
            facts.id,
            own=unit.find(Deputyship, ("deputy", [facts.id]), ("person", [person])),
            chained=_between(unit, person, facts.id),
            verb=verb,
            action=action,
            now=unit.now,
        )
    found = find(unit)
    if found is None or not found.active:
        raise NotAllowed(
            f"cannot {verb} for {person}: they are unknown or inactive",
            actor=facts.id,
            action=action,
            needs="another steward",
            code="represented_left",
        )
    who = unit.facts(evolve(found, as_of=found.as_of or unit.now))
    return tuple(Represented(ship, who) for ship in ships)


def request_for(
    unit: Unit, facts: Facts, id: str, verb: str, for_: Sequence[Represented]
) -> AccessRequest:
    """A request as whoever acts may see it, for themselves or for whom they represent.

    Raises:
        NotFound: there is none, or they may not see it; a deputy is told how far they may.
    """
    try:
        return visible_request(unit, facts, id, verb, for_)
    except NotFound:
        if not for_:
            raise
        scopes = " and ".join(dict.fromkeys(each.deputyship.scope for each in for_))
        hint = f"you represent {for_[0].facts.id} for {scopes}, where they are a steward"
        raise NotFound(verb, "request", id, hint=hint) from None


def chosen(request: AccessRequest, for_: Sequence[Represented]) -> Represented | None:
    """The deputyship to act under, if there is any: one that covers the request, if any does."""
    covering = [each for each in for_ if each.deputyship.covers(request)]
    return next(iter((*covering, *for_)), None)


def with_deputies(
    context: Context,
    request: AccessRequest,
    ids: Collection[str],
    ships: Collection[Deputyship] | None = None,
) -> Mapping[str, str]:
    """Who may decide, and for whom: people for themselves (empty), deputies for one of them.

    Args:
        context: of the marketplace.
        request: pending.
        ids: who may decide for themselves.
        ships: every deputyship that is live, if that is known; by default the store is asked.
    """
    found, own = dict.fromkeys(ids, ""), frozenset(ids)
    if ships is None and found:
        with context.unit(SYSTEM, write=False) as unit:
            ships = live(unit, people=found)
    for ship in ships or ():
        fits = ship.person in own and ship.deputy not in found and ship.covers(request)
        if fits and _may(context, request, ship):
            found[ship.deputy] = ship.person
    return found


def deciders_of(context: Context, id: str, stage: int | None = None) -> Mapping[str, str]:
    """The same of a request by its id; nobody decides on one that is not pending any more.

    Args:
        context: of the marketplace.
        id: of the request.
        stage: number of a stage; nobody decides on one that is not open. None: whichever is.
    """
    request = pending(context, id)
    if request is None or stage not in (None, request.tally.stage):
        return {}
    return with_deputies(context, request, deciders(context, request))


def _may(context: Context, request: AccessRequest, ship: Deputyship) -> bool:
    """Whether a deputy may decide for whom they represent, both as the directory knows them."""
    if request.owner:
        account = context.person(request.beneficiary.id)
        request = request if account is None else evolve(request, owner=account.owner)
    deputy, person = context.person(ship.deputy), context.person(ship.person)
    if person is None or deputy is None or not deputy.active or deputy.kind != "person":
        return False
    with context.unit(SYSTEM, write=False) as unit:
        for_ = Represented(ship, unit.facts(person))
        return may_decide(request, unit.facts(deputy), unit.now, for_)


def _between(unit: Unit, person: str, deputy: str) -> str:
    """A deputy of ``person`` whom ``deputy`` represents; empty: there is none."""
    theirs = {each.deputy for each in live(unit, people=[person])}
    return min(
        (each.person for each in live(unit, deputy=deputy) if each.person in theirs), default=""
    )


def _reads(context: Context) -> Callable[[], AbstractContextManager[Unit]]:
    return partial(context.unit, SYSTEM, write=False)
