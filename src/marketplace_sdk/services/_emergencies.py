"""Breaking the glass, and what follows: the review, and settling what was no emergency."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from marketplace_sdk.domain import breaking_glass as glass
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import SYSTEM, Facts
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.rights import require, roles_on
from marketplace_sdk.domain.values import check_flag, check_text
from marketplace_sdk.errors import NotAllowed
from marketplace_sdk.services._context import By
from marketplace_sdk.services._each import EachRequest
from marketplace_sdk.services._granting import settle
from marketplace_sdk.services._stewards import visible_request
from marketplace_sdk.services._wanted import Wanted, check_names
from marketplace_sdk.work.deputising import live
from marketplace_sdk.work.endings import end_grant
from marketplace_sdk.work.unit import Unit

if TYPE_CHECKING:
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = ["Emergencies"]


class Emergencies(EachRequest):
    """Access in an emergency: taken at once, and accounted for afterwards."""

    if TYPE_CHECKING:  # whoever asks in the ordinary way has this
        _submit: Callable[[Wanted, str | StewardSelector | None, By], AccessRequest]

    def break_glass(
        self,
        product: str,
        *,
        reason: str,
        acknowledge: Collection[str] = (),
        id: str | None = None,
        by: By = None,
    ) -> AccessRequest:
        """Have access to a product at once in an emergency, for oneself and a short time.

        Only where the product allows it (``Emergency``), and to whom. Stewards, managers,
        GOVERNANCE and whoever does it are told at once; a steward reviews it afterwards. Masked
        columns stay masked.

        Args:
            product: its id.
            reason: why nobody can be waited for; required.
            acknowledge: ids or names of the form's agreements; its questions are not asked.
            id: chosen by the caller; the same again is a no-op.
            by: who needs the access.

        Returns:
            The request: approved until its end, with ``emergency``.

        Raises:
            NotAllowed: the product, its domain or a check allows none, or not to this person;
                or an earlier emergency of theirs in the domain is not accounted for
                (``emergency_barred``).
            AlreadyRequested: they have access, or an emergency of theirs is running.
            InvalidInput, NotFound, TransitionNotAllowed, Conflict.
        """
        wanted = Wanted(
            kind="access",
            product=product,
            answers={},
            acknowledge=check_names(acknowledge),
            emergency=check_text(reason, "reason", required=True),
            id=self._id(id),
        )
        return self._submit(wanted, None, by)

    def review_emergency(
        self, id: str, *, justified: bool, reason: str, by: By = None
    ) -> AccessRequest:
        """Say afterwards whether it was an emergency; if not, the access is revoked at once.

        For stewards who could have decided an ordinary request, never for whoever broke the glass;
        once it is overdue for GOVERNANCE, too.

        Args:
            id: of the request.
            justified: what was found.
            reason: why; required.
            by: who reviews.

        Raises:
            NotAllowed: no steward of it, or their own.
            AlreadyDetermined: it was reviewed.
            TransitionNotAllowed: it is no emergency access.
            InvalidInput, NotFound.
        """
        check_flag(justified, "justified")
        why = check_text(reason, "reason", required=True)

        def work(unit: Unit, facts: Facts) -> AccessRequest:
            request = self._emergency(unit, facts, id, "review", "request.review_emergency")
            decision = glass.review(request, facts, justified=justified, reason=why, now=unit.now)
            saved = settle(unit, decision)
            grant = unit.get(Grant, saved.grant)
            if decision.changed and not justified and grant is not None:
                end_grant(unit, grant, "revoked", reason=why, actor=facts.id)
            return unit.need(AccessRequest, id, "review").seen_at(unit.now)

        return self._deciding(by, work, (AccessRequest, id))

    def settle_emergency(self, id: str, *, reason: str, by: By = None) -> AccessRequest:
        """Let somebody break the glass again who did so without an emergency (GOVERNANCE).

        Args:
            id: of the request whose review found none.
            reason: why; required.
            by: somebody else than whoever broke the glass.

        Raises:
            Conflict: there is nothing to settle.
            NotAllowed, TransitionNotAllowed, InvalidInput, NotFound.
        """
        why = check_text(reason, "reason", required=True)

        def work(unit: Unit, facts: Facts) -> AccessRequest:
            request = self._emergency(unit, facts, id, "settle", "request.settle_emergency")
            require("request.settle_emergency", roles_on(facts, request), facts, f"request {id}")
            saved = settle(unit, glass.settle(request, facts, reason=why, now=unit.now))
            return saved.seen_at(unit.now)

        return self._deciding(by, work, (AccessRequest, id))

    # -- inside ---------------------------------------------------------------------------

    def _emergency(
        self, unit: Unit, facts: Facts, id: str, verb: str, action: str
    ) -> AccessRequest:
        """The request as it is stored, for a person who may see it."""
        if facts.id == SYSTEM or facts.person.kind != "person":
            raise NotAllowed(
                f"cannot {verb} request {id}: only people do",
                actor=facts.id,
                action=action,
                hint="a person acts under their own id",
            )
        visible_request(unit, facts, id, verb)
        # Not as it is read: past its end it is still to be ended, which is not done here.
        request = unit.need(AccessRequest, id, verb)
        if request.emergency is not None and live(
            unit, deputy=facts.id, people=[request.requester]
        ):
            raise NotAllowed(
                f"cannot {verb} request {id}: {facts.id} is a deputy of {request.requester}",
                actor=facts.id,
                action=action,
                needs="somebody else",
                code="self_review",
                hint="nobody accounts for whom they represent",
            )
        return request
