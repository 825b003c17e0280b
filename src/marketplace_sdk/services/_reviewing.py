"""Acts of stewards on a pending request, and the answers to what they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from attrs import evolve

from marketplace_sdk.domain import inquiries
from marketplace_sdk.domain.inquiries import check_words
from marketplace_sdk.domain.people import SYSTEM, Facts, Person
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.rights import require, roles_on
from marketplace_sdk.domain.values import check_id
from marketplace_sdk.errors import NotAllowed, NotFound
from marketplace_sdk.services._checking import check_whole
from marketplace_sdk.services._context import By, SystemActor
from marketplace_sdk.services._granting import settle
from marketplace_sdk.services._reading import RequestReads
from marketplace_sdk.services._representing import (
    acting_for,
    chosen,
    represented,
    request_for,
)
from marketplace_sdk.services._stewards import visible_request
from marketplace_sdk.services._stuck import vacant
from marketplace_sdk.work.deciding import could_decide

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from marketplace_sdk.domain.deputies import Represented
    from marketplace_sdk.domain.seating import Place
    from marketplace_sdk.domain.selectors import StewardSelector
    from marketplace_sdk.domain.workflow import Decision
    from marketplace_sdk.work.unit import Unit

__all__ = ["Reviewing"]


class Decide(Protocol):
    """What a steward's act leads to."""

    def __call__(
        self,
        request: AccessRequest,
        facts: Facts,
        now: datetime,
        *,
        vacant: Collection[Place],
        fallback: StewardSelector | None,
        for_: Represented | None,
    ) -> Decision:
        """Decide; ``vacant``, ``fallback`` and ``for_`` as for ``determine``."""


class Reviewing(RequestReads):
    """What goes back and forth about a request while it is pending."""

    def ask(
        self,
        id: str,
        question: str,
        *,
        inquiry: str | None = None,
        revision: int | None = None,
        deputy_for: str | None = None,
        by: By = None,
    ) -> AccessRequest:
        """Ask back about a pending request before deciding (who may decide now, GOVERNANCE).

        Requester and beneficiary are told, and may answer with ``answer``. It holds up nothing:
        the request stays pending, its stages and times stay as they are, and it may be decided
        with the question open.

        Args:
            id: of the request.
            question: at most 4,000 characters; as private as answers and reasons.
            inquiry: id of the inquiry, chosen by the caller; the same again is a no-op.
            revision: of the request as the asker saw it; an older one is refused.
            deputy_for: id of the steward who has named the asker as a deputy.
            by: who asks.

        Returns:
            The request; the new inquiry is the last of its ``inquiries``.

        Raises:
            NotAllowed: not a steward of the open stage, or on the receiving side.
            AlreadyDetermined: the request is decided, or the asker has determined.
            Conflict: the request has 50 inquiries, or the inquiry's id is taken.
            StaleRevision, InvalidInput, NotFound.
        """
        words = check_words(question, "question")
        new = self._id(inquiry, "inquiry")
        if revision is not None:
            check_whole(revision, "revision")

        def decide(request: AccessRequest, facts: Facts, now: datetime, **seats: Any) -> Decision:
            return inquiries.ask(
                request, facts, question=words, id=new, now=now, revision=revision, **seats
            )

        return self._reviewing(by, id, "ask about", "request.ask", decide, deputy_for)

    def answer(
        self,
        id: str,
        inquiry: str,
        answer: str,
        *,
        revision: int | None = None,
        by: By = None,
    ) -> AccessRequest:
        """Answer what was asked about a request (requester, beneficiary); whoever asked is told.

        The answers of the form stay as they were given.

        Args:
            id: of the request.
            inquiry: id of one of its ``open_inquiries``.
            answer: at most 4,000 characters; the same answer again is a no-op.
            revision: of the request as whoever answers saw it; an older one is refused.
            by: who answers.

        Raises:
            NotAllowed: neither requester nor beneficiary.
            AlreadyDetermined: the request is not pending any more, so nobody waits for it.
            Conflict: it has another answer already (``already_answered``).
            StaleRevision, InvalidInput, NotFound.
        """
        words = check_words(answer, "answer")
        check_id(inquiry, "inquiry")
        if revision is not None:
            check_whole(revision, "revision")

        def work(unit: Unit, facts: Facts) -> AccessRequest:
            request = visible_request(unit, facts, id, "answer")
            require("request.answer", roles_on(facts, request), facts, f"request {id}")
            decision = inquiries.answer(
                request, facts, inquiry=inquiry, text=words, now=unit.now, revision=revision
            )
            return settle(unit, decision)

        return self._deciding(by, work, (AccessRequest, id))

    # -- inside ---------------------------------------------------------------------------

    def _reviewing(
        self,
        by: By,
        id: str,
        verb: str,
        action: str,
        decide: Decide,
        deputy_for: str | None,
    ) -> AccessRequest:
        """Have a steward or their deputy act; a steward may also stand in for an empty seat."""
        who = self._decider(by)
        if isinstance(by or self._bound, SystemActor):
            raise _no_person(id, verb, action, SYSTEM)
        asked = None if deputy_for is None else self._steward(deputy_for)
        owner = "" if self._context.own_people else self._owner_elsewhere(id)
        vacancies: dict[int, frozenset[Place]] = {}

        def work(unit: Unit, facts: Facts) -> AccessRequest | None:
            if facts.person.kind != "person":
                # An account would be a second vote of whoever has it, and one for themselves.
                raise _no_person(id, verb, action, facts.id)
            for_ = () if asked is None else acting_for(unit, facts, *asked, verb, action)
            request = request_for(unit, facts, id, verb, for_)
            if request.owner:
                request = evolve(request, owner=self._owner(unit, request, owner))
            one = chosen(request, for_)
            fallback = request.form.fallback
            fallback = None if fallback is None else fallback.bound(request.domain)
            steward = facts if one is None else one.facts
            stands_in = request.open and fallback is not None and fallback.matches(steward)
            if stands_in and request.revision not in vacancies:
                return None  # whom the directory names is looked up outside the unit of work
            nobody = vacancies.get(request.revision, frozenset())
            decision = decide(request, facts, unit.now, vacant=nobody, fallback=fallback, for_=one)
            return settle(unit, decision)

        ahead = [(AccessRequest, id), *([(Person, asked[0])] if asked else [])]
        try:
            while (saved := self._as(who, work, *ahead)) is None:
                vacancies |= self._vacant(id)
        except (NotFound, NotAllowed) as refused:
            if asked is None and refused.code in ("not_found", "not_allowed"):
                self._point_out(who, id, verb, action)
            raise
        return saved

    def _steward(self, id: str) -> tuple[str, Callable[[Unit], Person | None]]:
        """Whose deputy acts, and how they are found; a directory elsewhere is asked at once."""
        check_id(id, "deputy_for")
        if self._context.own_people:
            return id, lambda unit: unit.get(Person, id)
        known = self._context.person(id)
        return id, lambda _: known

    def _point_out(self, who: Person | str, id: str, verb: str, action: str) -> None:
        """Refuse in better words somebody who could act for another, and did not say so.

        Raises:
            NotAllowed: they could; says for whom.
        """
        actor = who if isinstance(who, Person) else self._context.person(who)
        for_ = () if actor is None else represented(self._context, actor.id)
        if actor is None or not for_:
            return
        with self._context.unit(SYSTEM, write=False) as unit:
            facts, request = unit.facts(actor), unit.get(AccessRequest, id)
            could = [each.facts.id for each in for_ if could_decide(unit, facts, request, (each,))]
        if could:
            raise NotAllowed(
                f"cannot {verb} request {id}: {actor.id} is not a steward of it",
                actor=actor.id,
                action=action,
                needs="to be a steward",
                hint=f"{could[0]} has named you as a deputy: say deputy_for={could[0]!r}",
            ) from None

    def _owner(self, unit: Unit, request: AccessRequest, elsewhere: str) -> str:
        """Who answers for a service account at this moment; they do not decide for it either."""
        if not self._context.own_people:
            return elsewhere or request.owner
        account = unit.get(Person, request.beneficiary.id)
        return request.owner if account is None else account.owner

    def _owner_elsewhere(self, id: str) -> str:
        """The same from the company's directory, which is asked outside units of work."""
        with self._context.unit(SYSTEM, write=False) as unit:
            request = unit.get(AccessRequest, id)
        if request is None or not request.owner:
            return ""
        account = self._context.person(request.beneficiary.id)
        return "" if account is None else account.owner

    def _vacant(self, id: str) -> dict[int, frozenset[Place]]:
        """Seats that nobody can fill, by the revision of the request at which that was so."""
        with self._context.unit(SYSTEM, write=False) as unit:
            request = unit.need(AccessRequest, id, "read")
        return {request.revision: vacant(self._context, request)}

    def _id(self, given: str | None, path: str = "id") -> str:
        return self._context.ids() if given is None else check_id(given, path)


def _no_person(id: str, verb: str, action: str, actor: str) -> NotAllowed:
    does = action.removeprefix("request.")
    return NotAllowed(
        f"cannot {verb} request {id}: only people {does}",
        actor=actor,
        action=action,
        hint=f"a steward {does}s under their own id",
    )
