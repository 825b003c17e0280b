"""Deputies: who decides in a steward's place while they are away."""

from __future__ import annotations

from datetime import datetime, timedelta

from marketplace_sdk.domain.catalog import Domain
from marketplace_sdk.domain.deputies import MOST_DEPUTYSHIPS, Deputyship, check_window
from marketplace_sdk.domain.durations import Duration, Window, end_of, window
from marketplace_sdk.domain.events import Effects, Notice
from marketplace_sdk.domain.people import SYSTEM, Facts, Person
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.rights import allowed, require, roles_in
from marketplace_sdk.domain.selectors import user
from marketplace_sdk.domain.values import aware, check_flag, check_id
from marketplace_sdk.errors import (
    Conflict,
    DuplicateName,
    InvalidInput,
    NotAllowed,
    NotFound,
    Problem,
)
from marketplace_sdk.services._checking import check_filter
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.services._finding import exists_for
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.deputising import announced, end_deputyship
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.unit import Unit

__all__ = ["Deputies"]


class Deputies(Service):
    """Deputyships: for a time, and about everything, one domain or one product.

    A deputy approves, denies and asks back with ``deputy_for=``, with the seats that the one
    represented matches at that moment. Nothing else is handed on: no other right, and no
    deputyship.
    """

    def name(
        self,
        deputy: str,
        *,
        until: Duration | timedelta | datetime,
        since: datetime | None = None,
        domain: str | None = None,
        product: str | None = None,
        id: str | None = None,
        by: By = None,
    ) -> Deputyship:
        """Name somebody who may decide in one's place; they are told.

        Args:
            deputy: id of an active person, not oneself.
            until: when it ends: an aware datetime, or a Duration or timedelta counted from
                ``since``; at most a year after it.
            since: when it begins, aware, at most a year ahead; None: now.
            domain: only about requests of products of this domain.
            product: only about requests of this product (an id).
            id: chosen by the caller; naming the same again is a no-op.
            by: the one represented.

        Returns:
            The deputyship.

        Raises:
            InvalidInput: saying what is wrong with the deputy, the time or the scope.
            NotFound: there is no such domain or product.
            NotAllowed: only people have deputies.
            Conflict: the id is taken, or they have 50 deputyships that are not over.
        """
        check_id(deputy, "deputy")
        start = None if since is None else aware(since, "since")
        end = window(until)
        if end is None:
            raise _wrong("until", "is required")
        if domain is not None and product is not None:
            raise _wrong("domain", "must be left out when a product is given")
        scope = (check_filter(domain, "domain") or "", check_filter(product, "product") or "")
        new = self._context.ids() if id is None else check_id(id, "id")
        # A directory elsewhere is asked outside the unit of work.
        elsewhere = None if self._context.own_people else self._somebody(deputy)

        def work(unit: Unit, facts: Facts) -> Deputyship:
            require("deputy.name", roles_in(facts), facts, deputy)
            if facts.person.kind != "person" or facts.id == SYSTEM:
                raise NotAllowed(
                    "cannot name a deputy: only people have deputies",
                    actor=facts.id,
                    action="deputy.name",
                    hint="a steward names a deputy under their own id",
                )
            known = unit.get(Deputyship, new)
            if known is not None:
                return _same(known, facts.id, deputy, start, end, scope)
            begins = start or unit.now
            until = check_window(begins, end, unit.now)
            who = unit.get(Person, deputy) if self._context.own_people else elsewhere
            _check_deputy(facts, deputy, who)
            self._check_scope(unit, facts, *scope)
            _check_room(unit, facts.id)
            ship = Deputyship(
                id=new,
                person=facts.id,
                deputy=deputy,
                since=begins,
                until=until,
                domain=scope[0],
                product=scope[1],
                named_at=unit.now,
            )
            saved = unit.save(ship)
            unit.log("deputyship.named", saved.aggregate, **announced(saved))
            unit.keep(Effects(notices=(_told(saved),)))
            return saved

        return self._deciding(by, work, (Deputyship, new))

    def end(self, id: str, *, by: By = None) -> Deputyship:
        """End a deputyship before its time (either of the two, USER_ADMIN, GOVERNANCE).

        Both are told but whoever did it. What is over already stays as it is.

        Raises:
            NotFound: there is none, or one may not see it.
            NotAllowed.
        """

        def work(unit: Unit, facts: Facts) -> Deputyship:
            ship = _visible(unit, facts, id, "end")
            require("deputy.end", _roles(facts, ship), facts, f"deputyship {id}")
            return end_deputyship(unit, ship, facts.id)

        return self._deciding(by, work, (Deputyship, id))

    def get(self, id: str, *, by: By = None) -> Deputyship:
        """A deputyship, for either of the two, USER_ADMIN, GOVERNANCE and AUDIT.

        Raises:
            NotFound: there is none, or one may not see it.
        """
        with self._reading(by) as (unit, facts):
            return _visible(unit, facts, id, "get")

    def find(
        self,
        *,
        of: str | None = None,
        deputy: str | None = None,
        live: bool | None = None,
        after: str | None = None,
        limit: int = 50,
        by: By = None,
    ) -> Page[Deputyship]:
        """Deputyships that one may see, the one that ends last first.

        Args:
            of: id of who is represented.
            deputy: id of who may act for them.
            live: under which somebody may act now (True), or nobody may (False).
            after: ``next`` of the page before.
            limit: 1 to 1000.
            by: who reads.

        Raises:
            InvalidInput.
        """
        given = {"person": check_filter(of, "of"), "deputy": check_filter(deputy, "deputy")}
        if live is not None:
            check_flag(live, "live")
        with self._reading(by) as (unit, facts):
            where = [("audience", sorted(facts.tokens))]
            where += [(key, [value]) for key, value in given.items() if value is not None]
            return unit.union(
                Deputyship,
                [(where, ())],
                after=after,
                limit=limit,
                descending=True,
                keep=lambda found: live is None or found.live(unit.now) == live,
            )

    # -- inside ---------------------------------------------------------------------------

    def _somebody(self, id: str) -> Person | None:
        return None if id == SYSTEM else self._context.person(id)

    def _check_scope(self, unit: Unit, facts: Facts, domain: str, product: str) -> None:
        if domain:
            unit.need(Domain, domain, "name a deputy for")
        if product:
            known = unit.need(DataProduct, product, "name a deputy for")
            if not exists_for(self._context, unit, facts, known):
                raise NotFound("name a deputy for", "product", product)


def _same(
    known: Deputyship,
    person: str,
    deputy: str,
    since: datetime | None,
    end: Window,
    scope: tuple[str, str],
) -> Deputyship:
    """What was named under this id, if it is the same."""
    told = (person, deputy, since or known.since, end_of(end, known.since), *scope)
    kept = (known.person, known.deputy, known.since, known.until, known.domain, known.product)
    if told != kept:
        raise DuplicateName(
            f"cannot name a deputy: the id {known.id} is taken",
            existing=known.id,
            hint="choose another id; a deputyship is ended and named anew, not changed",
        )
    return known


def _check_deputy(facts: Facts, id: str, found: Person | None) -> None:
    if id == facts.id:
        raise _wrong("deputy", "must be somebody else")
    if found is None or id == SYSTEM or not found.active or found.kind != "person":
        raise _wrong("deputy", "is not a known, active person")


def _check_room(unit: Unit, person: str) -> None:
    behind = (text_of(unit.now), "")
    standing = ("standing", ["yes"])
    found = unit.find(
        Deputyship, standing, ("person", [person]), after=behind, limit=MOST_DEPUTYSHIPS
    )
    if len(found) >= MOST_DEPUTYSHIPS:
        raise Conflict(
            f"cannot name a deputy: {person} has {MOST_DEPUTYSHIPS} deputyships already",
            code="too_many_deputyships",
            hint="end one that is not needed any more",
        )


def _roles(facts: Facts, ship: Deputyship) -> frozenset[str]:
    own = {"self"} if facts.id in (ship.person, ship.deputy) else set()
    return roles_in(facts) | own


def _visible(unit: Unit, facts: Facts, id: str, verb: str) -> Deputyship:
    ship = unit.need(Deputyship, id, verb)
    if not allowed("deputy.read", _roles(facts, ship)):
        raise NotFound(verb, "deputyship", id)
    return ship


def _told(ship: Deputyship) -> Notice:
    return Notice(
        kind="deputy_named",
        about=ship.aggregate,
        audience=(user(ship.deputy),),
        data={
            "person": ship.person,
            "deputy": ship.deputy,
            "scope": ship.scope,
            "since": f"{ship.since:%Y-%m-%d %H:%M} UTC",
            "until": f"{ship.until:%Y-%m-%d %H:%M} UTC",
        },
    )


def _wrong(path: str, problem: str) -> InvalidInput:
    return InvalidInput("cannot name a deputy", problems=[Problem(path, problem)])
