"""Requests: ask, decide, cancel, extend, revoke, and read where they stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from marketplace_sdk.domain.durations import Duration, window
from marketplace_sdk.domain.events import Effects, Timer
from marketplace_sdk.domain.forms import STANDARD_FORM, RequestForm
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import SYSTEM, Facts, Person
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.rights import require, roles_on
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import check_text
from marketplace_sdk.domain.workflow import Decision, determine
from marketplace_sdk.errors import NotAllowed, TransitionNotAllowed
from marketplace_sdk.plugin import AddStage, Refuse, Shorten
from marketplace_sdk.services._checking import check_whole
from marketplace_sdk.services._context import By, SystemActor
from marketplace_sdk.services._emergencies import Emergencies
from marketplace_sdk.services._granting import settle
from marketplace_sdk.services._stewards import roles_for, visible_request
from marketplace_sdk.services._stuck import check_stuck
from marketplace_sdk.services._submission import ahead_of_draft, draft, extended, place
from marketplace_sdk.services._wanted import (
    Receiver,
    Wanted,
    check_columns,
    check_names,
    receiver,
)
from marketplace_sdk.work.endings import call_off, end_grant
from marketplace_sdk.work.unit import Unit

__all__ = ["Requests"]

Until = Duration | timedelta | datetime | None


class Requests(Emergencies):
    """Access requests and masking exception requests."""

    def request_access(
        self,
        product: str,
        *,
        answers: Mapping[str, Any] | None = None,
        acknowledge: Collection[str] = (),
        on_behalf_of: str | StewardSelector | None = None,
        form_version: str | None = None,
        id: str | None = None,
        by: By = None,
    ) -> AccessRequest:
        """Ask to read a product, for oneself or somebody else.

        Args:
            product: its id.
            answers: by question key of the product's form.
            acknowledge: ids or names of the form's agreements.
            on_behalf_of: a person's id or ``group(name)``; None means oneself.
            form_version: the version that was shown; an older one is refused.
            id: chosen by the caller; the same request again is a no-op.
            by: who asks.

        Returns:
            The request: pending, or decided at once by the flow.

        Raises:
            InvalidInput: naming each question or column (``no_principal``: the platform does not
                know the beneficiary).
            AlreadyRequested: the same wish is pending or granted.
            NotFound, NotAllowed, TransitionNotAllowed, Conflict.
        """
        wanted = Wanted(
            kind="access",
            product=product,
            answers={} if answers is None else answers,
            acknowledge=check_names(acknowledge),
            form_version=form_version,
            id=self._id(id),
        )
        return self._submit(wanted, on_behalf_of, by)

    def request_masking_exception(
        self,
        product: str,
        *,
        columns: Collection[str],
        answers: Mapping[str, Any] | None = None,
        acknowledge: Collection[str] = (),
        on_behalf_of: str | StewardSelector | None = None,
        form_version: str | None = None,
        id: str | None = None,
        by: By = None,
    ) -> AccessRequest:
        """Ask to see masked columns of a product; needs no access yet.

        Args:
            product: its id.
            columns: 1 to 500 names ``source.column``, all of them masked.
            answers, acknowledge, on_behalf_of, form_version, id, by: as for ``request_access``.

        Raises:
            As for ``request_access``.
        """
        wanted = Wanted(
            kind="masking_exception",
            product=product,
            columns=check_columns(columns),
            answers={} if answers is None else answers,
            acknowledge=check_names(acknowledge),
            form_version=form_version,
            id=self._id(id),
        )
        return self._submit(wanted, on_behalf_of, by)

    def extend(
        self,
        id: str,
        *,
        answers: Mapping[str, Any] | None = None,
        acknowledge: Collection[str] = (),
        form_version: str | None = None,
        new_id: str | None = None,
        by: By = None,
    ) -> AccessRequest:
        """Ask for a later end of what request ``id`` gave (requester, beneficiary).

        It is a request of its own; the grant stays as it is until it is decided.
        """
        new = self._id(new_id)

        def work(unit: Unit, facts: Facts) -> AccessRequest:
            request = visible_request(unit, facts, id, "extend")
            require("request.extend", roles_on(facts, request), facts, f"request {id}")
            if unit.get(AccessRequest, new) is None:
                extended(unit, request)
            return request

        before = self._read(by, work)
        wanted = Wanted(
            kind=before.kind,
            product=before.product,
            columns=before.columns,
            answers={} if answers is None else answers,
            acknowledge=check_names(acknowledge),
            form_version=form_version,
            extends=before.grant,
            id=new,
        )
        who: str | StewardSelector = before.beneficiary.id
        if before.beneficiary.kind == "group":
            who = StewardSelector("group", before.beneficiary.id)
        return self._submit(wanted, who, by)

    def approve(
        self,
        id: str,
        *,
        reason: str,
        until: Until = None,
        determination: str | None = None,
        revision: int | None = None,
        deputy_for: str | None = None,
        by: By = None,
    ) -> AccessRequest:
        """Approve as a steward; with ``until`` it is a temporary approval.

        Args:
            id: of the request.
            reason: why; required.
            until: a Duration or timedelta counted from the final determination, or an aware
                datetime.
            determination: id of this act, chosen by the caller; the same again is a no-op.
            revision: of the request as the steward saw it; an older one is refused.
            deputy_for: id of the steward who has named ``by`` as a deputy; their seats count then,
                and the determination names both.
            by: the steward, or their deputy.

        Raises:
            NotAllowed: not a steward of the open stage, or on the receiving side
                (``self_review``); as a deputy also ``no_deputyship``, ``deputyship_ahead``,
                ``deputyship_over``, ``deputy_chain``, ``out_of_scope`` and ``represented_left``.
            AlreadyDetermined: decided, or every seat of this steward is filled.
            StaleRevision, InvalidInput, NotFound.
        """
        return self._determine(
            id, "approve", reason, until, determination, revision, deputy_for, by
        )

    def deny(
        self,
        id: str,
        *,
        reason: str,
        determination: str | None = None,
        revision: int | None = None,
        deputy_for: str | None = None,
        by: By = None,
    ) -> AccessRequest:
        """Deny as a steward; one denial ends the request. Raises as ``approve`` does."""
        return self._determine(id, "deny", reason, None, determination, revision, deputy_for, by)

    def cancel(self, id: str, *, reason: str = "", by: By = None) -> AccessRequest:
        """Call off a pending request (requester, beneficiary, GOVERNANCE)."""
        why = check_text(reason, "reason")

        def work(unit: Unit, facts: Facts) -> AccessRequest:
            request = visible_request(unit, facts, id, "cancel")
            roles = roles_on(facts, request)
            require("request.cancel", roles, facts, f"request {id}")
            cause = next(
                each for each in ("requester", "beneficiary", "governance") if each in roles
            )
            return call_off(unit, request, cause, reason=why).request

        return self._deciding(by, work, (AccessRequest, id))

    def revoke(self, id: str, *, reason: str, by: By = None) -> AccessRequest:
        """Take back what request ``id`` gave (its stewards, managers, GOVERNANCE)."""
        return self._end(id, "revoke", "revoked", check_text(reason, "reason", required=True), by)

    def relinquish(self, id: str, *, reason: str = "", by: By = None) -> AccessRequest:
        """Give up what one has oneself (beneficiary); always possible."""
        return self._end(id, "relinquish", "relinquished", check_text(reason, "reason"), by)

    # -- inside ---------------------------------------------------------------------------

    def _submit(self, wanted: Wanted, who: str | StewardSelector | None, by: By) -> AccessRequest:
        asker = self._decider(by)
        if isinstance(by or self._bound, SystemActor):
            raise _only_people(SYSTEM)
        to: Receiver | None = None  # whoever asks, as the unit of work reads them
        answers: Sequence[Refuse | AddStage | Shorten] = ()
        if who is not None or isinstance(asker, Person) or self._context.plugins.checks_requests:
            asker = _asking(asker if isinstance(asker, Person) else self._person(by))
            to = receiver(self._context, asker, who)
            answers = self._checked(asker, to, wanted)
        token = f"user:{asker}" if to is None else to.beneficiary.token
        saved = self._as(
            asker,
            lambda unit, facts: self._place(unit, facts, to, wanted, answers),
            guess=partial(ahead_of_draft, wanted=wanted, token=token),
        )
        if saved.open:
            check_stuck(self._context, saved)
        return saved

    def _checked(
        self, person: Person, to: Receiver, wanted: Wanted
    ) -> Sequence[Refuse | AddStage | Shorten]:
        """What plugins say to a draft, outside any unit of work; it is drafted again inside."""
        if not self._context.plugins.checks_requests:
            return ()
        with self._context.unit(person.id, write=False) as unit:
            request, known = draft(self._context, unit, unit.facts(person), to, wanted)
            product = unit.need(DataProduct, wanted.product, "request")
            form = unit.get(RequestForm, request.form.form) or STANDARD_FORM
        if known is not None:
            return ()
        return self._context.plugins.check_request(request, product, form, person)

    def _place(
        self,
        unit: Unit,
        facts: Facts,
        to: Receiver | None,
        wanted: Wanted,
        answers: Sequence[Refuse | AddStage | Shorten],
    ) -> AccessRequest:
        if to is None:
            to = receiver(self._context, _asking(facts.person), None)
        request, known = draft(self._context, unit, facts, to, wanted)
        if known is not None:
            return known.request.seen_at(unit.now)
        saved = settle(unit, place(unit, facts, to, request, answers))
        if saved.open:
            due = unit.now + timedelta(days=1)
            timer = Timer(kind="stuck", about=saved.aggregate, due=due)
            unit.keep(Effects(timers=(timer,)))
        return saved

    def _determine(
        self,
        id: str,
        verdict: str,
        reason: str,
        until: Until,
        determination: str | None,
        revision: int | None,
        deputy_for: str | None,
        by: By,
    ) -> AccessRequest:
        why = check_text(reason, "reason", required=True)
        end = window(until)
        act = self._id(determination)
        if revision is not None:
            check_whole(revision, "revision")

        def decide(request: AccessRequest, facts: Facts, now: datetime, **seats: Any) -> Decision:
            return determine(
                request,
                facts,
                verdict=verdict,
                reason=why,
                until=end,
                now=now,
                id=act,
                names={},
                revision=revision,
                **seats,
            )

        saved = self._reviewing(by, id, verdict, "request.decide", decide, deputy_for)
        if saved.open:
            check_stuck(self._context, saved)
        return saved

    def _end(self, id: str, verb: str, cause: str, reason: str, by: By) -> AccessRequest:
        def work(unit: Unit, facts: Facts) -> AccessRequest:
            request = visible_request(unit, facts, id, verb)
            roles = roles_for(unit, facts, request, verb)
            require(f"request.{verb}", roles, facts, f"request {id}")
            grant = unit.get(Grant, request.grant) if request.grant else None
            state = request.seen_at(unit.now).state
            if grant is None or state != "approved":
                hint = "cancel it" if state == "pending" else ""
                raise TransitionNotAllowed("request", id, state=state, event=verb, hint=hint)
            end_grant(unit, grant, cause, reason=reason, actor=facts.id)
            return unit.need(AccessRequest, id, "read")

        return self._deciding(by, work, (AccessRequest, id))


def _asking(person: Person) -> Person:
    """Whoever asks, if that is a person; accounts would ask for themselves without an owner."""
    if person.kind != "person":
        raise _only_people(person.id)
    return person


def _only_people(actor: str) -> NotAllowed:
    return NotAllowed(
        "cannot request: only people ask",
        actor=actor,
        action="request.create",
        hint="a person asks with on_behalf_of=<the service account>",
    )
