"""The same act on many requests: each in a unit of work of its own, with a result of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from marketplace_sdk.domain.durations import Duration, window
from marketplace_sdk.domain.people import SYSTEM
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.values import check_id, check_text
from marketplace_sdk.errors import InvalidInput, MarketplaceError, NotAllowed, Problem
from marketplace_sdk.services._checking import check_list, check_whole
from marketplace_sdk.services._context import By
from marketplace_sdk.services._reviewing import Reviewing

if TYPE_CHECKING:
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = ["MOST", "EachRequest"]

MOST = 1_000
"""Items of one call: a unit of work for each, one after the other, while somebody waits."""

Results = tuple[AccessRequest | MarketplaceError, ...]


class EachRequest(Reviewing):
    """Acts on many requests at once.

    Each returns a result for every id, in the order given: the request as it is now, or the error
    that refused it. What was refused changes nothing and holds up nothing. An id that is named
    twice is acted on once, and its result stands in both places. A call that is interrupted leaves
    every item done or untouched, and may be made again.
    """

    if TYPE_CHECKING:  # whoever has the acts on one request has these, too
        approve: Callable[..., AccessRequest]
        deny: Callable[..., AccessRequest]
        cancel: Callable[..., AccessRequest]
        revoke: Callable[..., AccessRequest]
        request_access: Callable[..., AccessRequest]

    def approve_each(
        self,
        ids: Iterable[str],
        *,
        reason: str,
        until: Duration | timedelta | datetime | None = None,
        determination: str | None = None,
        revisions: Mapping[str, int] | None = None,
        deputy_for: str | None = None,
        by: By = None,
    ) -> Results:
        """Approve many requests as a steward, each by itself.

        Args:
            ids: of at most 1,000 requests.
            reason: why; the same for all, required.
            until: as for ``approve``.
            determination: id of this act in each of the requests; the same call again is a no-op
                for those that it was done for.
            revisions: of requests as the steward saw them, by id; one that has changed is refused.
            deputy_for: id of the steward who named ``by`` as a deputy; None: they act themselves.
            by: the steward.

        Returns:
            For each id the request, or what ``approve`` would have raised.

        Raises:
            InvalidInput: no list of ids, too many, or wrong for all of them; nothing was done.
            NotAllowed: who acts is unknown, inactive or no person; nothing was done.
        """
        window(until)
        return self._determine_each(
            "approve",
            self.approve,
            ids,
            reason,
            determination,
            revisions,
            deputy_for,
            by,
            until=until,
        )

    def deny_each(
        self,
        ids: Iterable[str],
        *,
        reason: str,
        determination: str | None = None,
        revisions: Mapping[str, int] | None = None,
        deputy_for: str | None = None,
        by: By = None,
    ) -> Results:
        """Deny many requests as a steward, each by itself; otherwise as ``approve_each``."""
        return self._determine_each(
            "deny", self.deny, ids, reason, determination, revisions, deputy_for, by
        )

    def cancel_each(self, ids: Iterable[str], *, reason: str = "", by: By = None) -> Results:
        """Call off many pending requests, each by itself.

        Returns:
            For each id the request, or what ``cancel`` would have raised.

        Raises:
            InvalidInput, NotAllowed: as ``approve_each``; nothing was done.
        """
        check_text(reason, "reason")
        wanted = _wanted(ids, "ids")
        self._person(by)
        return _each(wanted, lambda id: self.cancel(id, reason=reason, by=by))

    def revoke_each(self, ids: Iterable[str], *, reason: str, by: By = None) -> Results:
        """Take back what many requests gave, each by itself.

        Returns:
            For each id the request, or what ``revoke`` would have raised.

        Raises:
            InvalidInput, NotAllowed: as ``approve_each``; nothing was done.
        """
        check_text(reason, "reason", required=True)
        wanted = _wanted(ids, "ids")
        self._person(by)
        return _each(wanted, lambda id: self.revoke(id, reason=reason, by=by))

    def request_each(
        self,
        products: Iterable[str],
        *,
        answers: Mapping[str, Any] | None = None,
        acknowledge: Collection[str] = (),
        on_behalf_of: str | StewardSelector | None = None,
        by: By = None,
    ) -> Results:
        """Ask to read many products for one beneficiary, each with a request of its own.

        Args:
            products: ids of at most 1,000 products.
            answers: the same for every form; one that asks for others refuses its product.
            acknowledge: the same.
            on_behalf_of: as for ``request_access``.
            by: who asks.

        Returns:
            For each product the new request, or what ``request_access`` would have raised.

        Raises:
            InvalidInput, NotAllowed: as ``approve_each``; nothing was done.
        """
        wanted = _wanted(products, "products")
        self._only_a_person(by, "request", "request.create")
        return _each(
            wanted,
            lambda product: self.request_access(
                product,
                answers=answers,
                acknowledge=acknowledge,
                on_behalf_of=on_behalf_of,
                by=by,
            ),
        )

    # -- inside ---------------------------------------------------------------------------

    def _determine_each(
        self,
        verb: str,
        act: Callable[..., AccessRequest],
        ids: Iterable[str],
        reason: str,
        determination: str | None,
        revisions: Mapping[str, int] | None,
        deputy_for: str | None,
        by: By,
        **more: Any,
    ) -> Results:
        check_text(reason, "reason", required=True)
        if determination is not None:
            check_id(determination, "determination")
        if deputy_for is not None:
            check_id(deputy_for, "deputy_for")
        wanted = _wanted(ids, "ids")
        seen = _seen(revisions, wanted)
        self._only_a_person(by, verb, "request.decide")
        return _each(
            wanted,
            lambda id: act(
                id,
                reason=reason,
                determination=determination,
                revision=seen.get(id),
                deputy_for=deputy_for,
                by=by,
                **more,
            ),
        )

    def _only_a_person(self, by: By, verb: str, action: str) -> None:
        """Refuse jobs and service accounts before the first item; others are looked at by each."""
        who = self._person(by)
        if who.id == SYSTEM or who.kind != "person":
            raise NotAllowed(
                f"cannot {verb} requests: only people do",
                actor=who.id,
                action=action,
                hint="a person acts under their own id",
            )


def _wanted(ids: Iterable[str], path: str) -> tuple[str, ...]:
    return tuple(check_id(id, path) for id in check_list(ids, path, most=MOST))


def _seen(revisions: Mapping[str, int] | None, ids: Collection[str]) -> Mapping[str, int]:
    if revisions is None:
        return {}
    if not isinstance(revisions, Mapping) or not revisions.keys() <= set(ids):
        problem = Problem("revisions", "must be a mapping, by ids that are named")
        raise InvalidInput("cannot use these revisions", problems=[problem])
    return {id: check_whole(seen, "revisions") for id, seen in revisions.items()}


def _each(ids: Collection[str], act: Callable[[str], AccessRequest]) -> Results:
    results: dict[str, AccessRequest | MarketplaceError] = {}
    for id in ids:
        if id not in results:
            try:
                results[id] = act(id)
            except MarketplaceError as error:
                # Without the frames that it came through: they hold whole units of work.
                results[id] = error.with_traceback(None)
    return tuple(results[id] for id in ids)
