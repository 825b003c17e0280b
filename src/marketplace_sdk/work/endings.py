"""How access ends, whatever the reason: one path for revoke, expiry, deletion and leaving."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.campaigns import NOT_CERTIFIED
from marketplace_sdk.domain.catalog import DataSource
from marketplace_sdk.domain.events import Effects
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.domain.workflow import Decision, cancel, finish
from marketplace_sdk.work.certifying import end_items
from marketplace_sdk.work.deputising import end_deputyships_of
from marketplace_sdk.work.targets import (
    accessible,
    exceptions_of,
    marks_of_exceptions,
    product_targets,
    sources_of,
    targets_of,
)

if TYPE_CHECKING:
    from marketplace_sdk.domain.campaigns import Campaign
    from marketplace_sdk.domain.products import DataProduct
    from marketplace_sdk.work.unit import Unit

__all__ = [
    "LIVE",
    "call_off",
    "end_grant",
    "finish_deletion",
    "leave",
    "lose_access",
    "product_data",
]

LIVE = ("wanted", "active", "withheld")


def end_grant(
    unit: Unit,
    grant: Grant,
    cause: str,
    *,
    reason: str = "",
    actor: str = "",
    campaign: Campaign | None = None,
) -> Grant:
    """Start taking a grant away, with everything that hangs on it.

    Its approved requests take the cause at once, a pending extension is canceled, masking
    exceptions whose last access this was end too, and the targets are marked. A grant that is
    ending or ended already is returned as it is. With ``campaign``, events and people are told
    which one this came from.
    """
    if not grant.live:
        return grant
    if grant.over(unit.now):
        # It was over before anybody came to end it: the account says so.
        cause, reason, actor, campaign = "expired", "", "", None
    sources = sources_of(unit, grant)
    found: Sequence[Grant] = ()
    if grant.kind == "access":
        found = exceptions_of(unit, grant.beneficiary.token, sources)
    # A grant that carries none of its product's sources is nowhere, and somebody has to see that.
    marks = targets_of(unit, grant) or product_targets(unit, grant.product)
    said, names = _told(cause, campaign)
    ending, effects = end_items(unit, grant).end(cause, unit.now, said)
    ending = unit.save(ending)
    unit.keep(effects + Effects(marks=marks))
    told = False
    for id in reversed(grant.requests):
        request = unit.get(AccessRequest, id)
        if request is None or request.state != "approved":
            continue
        event = "expire" if cause == "expired" else "revoke"
        decision = finish(
            request,
            event,
            cause,
            reason=reason,
            now=unit.now,
            names=names,
            actor=actor,
            said=said,
        )
        unit.save(decision.request)
        # One grant that ends is one message to people, however often it was extended.
        kept = Effects(events=decision.effects.events) if told else decision.effects
        unit.keep(kept)
        unit.release(request.wish_key, request.id)
        told = True
    pending = unit.reserved(f"extend|{grant.id}")
    extension = unit.get(AccessRequest, pending) if pending else None
    if extension is not None and extension.open:
        call_off(unit, extension, "grant_ended")
    if grant.kind == "access":
        unit.keep(Effects(marks=marks_of_exceptions(unit, found, sources)))
        # A late sweep ends nothing that was approved after the end.
        before = grant.until if cause == "expired" else None
        _lose(unit, grant.beneficiary.token, sources, found, before=before)
    return ending


def _told(cause: str, campaign: Campaign | None) -> tuple[dict[str, object], dict[str, str]]:
    """What events say of the campaign that a grant ends by, and the words for people."""
    if campaign is None:
        return {}, {}
    return {"campaign": campaign.said}, {"campaign": campaign.name, "why": NOT_CERTIFIED[cause]}


def lose_access(unit: Unit, beneficiary: str, sources: Collection[str]) -> None:
    """End the masking exceptions of a beneficiary on sources to which no access is left.

    The same object under another name is the same access.
    """
    _lose(unit, beneficiary, sources, exceptions_of(unit, beneficiary, sources))


def _lose(
    unit: Unit,
    beneficiary: str,
    sources: Collection[str],
    found: Sequence[Grant],
    *,
    before: datetime | None = None,
) -> None:
    """The same of exceptions that were found.

    With ``before``, those that were approved at that time or later wait for another access instead.
    """
    exceptions = [each for each in found if before is None or each.created_at < before]
    if not any(exception.live for exception in exceptions):
        return
    reached = {
        _object(unit, name) for name in accessible(unit, beneficiary, lambda grant: grant.live)
    }
    gone = frozenset(name for name in sources if _object(unit, name) not in reached)
    for exception in exceptions:
        if not exception.live or not exception.masking_sources & gone:
            continue
        if exception.masking_sources <= gone:
            end_grant(unit, exception, "access_ended")
            continue
        smaller, effects = exception.lose(gone, unit.now)
        unit.keep(effects + Effects(marks=targets_of(unit, exception)))
        unit.save(smaller)


def _object(unit: Unit, source: str) -> tuple[str, str]:
    """Connection and object of a source."""
    found = unit.get(DataSource, source)
    return ("", source) if found is None else (found.connection, found.object)


def call_off(unit: Unit, request: AccessRequest, cause: str, *, reason: str = "") -> Decision:
    """Cancel a pending request and give its place back; what is overdue has timed out."""
    decision = cancel(request, cause, reason=reason, now=unit.now, names={})
    saved = unit.save(decision.request)
    unit.keep(decision.effects)
    unit.release(request.wish_key, request.id)
    return Decision(request=saved, effects=decision.effects)


def leave(unit: Unit, person: str) -> None:
    """Somebody has left: what they asked for is canceled, and what they have is taken away.

    Nobody represents them any more, and they represent nobody.
    """
    token = f"user:{person}"
    for request in unit.find(AccessRequest, ("beneficiary", [token]), ("state", ["pending"])):
        call_off(unit, request, "beneficiary_left")
    end_deputyships_of(unit, person, unit.actor)
    for grant in unit.find(Grant, ("open_beneficiary", [token])):
        fresh = unit.get(Grant, grant.id)
        if fresh is not None:
            end_grant(unit, fresh, "beneficiary_left")


def finish_deletion(unit: Unit, product: DataProduct) -> DataProduct:
    """The last grant of a product that is being deleted has ended: only a tombstone stays."""
    finished = unit.save(evolve(product.step("finish"), updated_at=unit.now))
    unit.log("product.deleted", f"product:{product.id}", **product_data(finished))
    unit.release(f"product|{product.name_key}", product.id)
    return finished


def product_data(product: DataProduct, **more: object) -> dict[str, object]:
    """What an event says about a product."""
    about = {"id": product.id, "name": product.name, "domain": product.domain}
    return {"product": about, **more}
