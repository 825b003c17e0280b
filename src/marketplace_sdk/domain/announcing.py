"""What is said of a request: events for systems, notices for people. Pure.

Neither ever carries an answer or a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.notice_kinds import ASKS
from marketplace_sdk.domain.selectors import StewardSelector, user
from marketplace_sdk.domain.selectors import group as group_selector
from marketplace_sdk.domain.values import freeze

if TYPE_CHECKING:
    from marketplace_sdk.domain.determinations import Determination
    from marketplace_sdk.domain.people import Beneficiary
    from marketplace_sdk.domain.requests import AccessRequest

__all__ = ["act", "answerers", "deputised", "final", "happened", "notice", "sides", "stewards"]


def happened(name: str, request: AccessRequest, more: Mapping[str, Any] | None = None) -> Event:
    """What systems may know of a request: never answers, never reasons."""
    data = {
        "product": {"id": request.product, "name": request.product_name, "domain": request.domain},
        "request": {
            "id": request.id,
            "kind": request.kind,
            "state": request.state,
            "requester": request.requester,
            "beneficiary": request.beneficiary.token,
            "columns": list(request.columns),
            "until": None if request.until is None else request.until.isoformat(),
            "form_version": request.form.id,
            "extends": request.extends,
            **({} if request.emergency is None else {"emergency": True}),
        },
        **(more or {}),
    }
    return Event(type=name, aggregate=request.aggregate, data=freeze(data))


def notice(
    kind: str,
    request: AccessRequest,
    names: Mapping[str, str],
    audience: tuple[StewardSelector, ...],
    exclude: tuple[str, ...],
) -> Notice:
    """A notice about a request, with the words that its text needs.

    One that asks to decide says on which stage: it is over when another one is open.
    """
    data: dict[str, Any] = {
        "requester": request.requester,
        "beneficiary": str(request.beneficiary),
        "product": request.product_name,
        "product_id": request.product,
        "request_id": request.id,
        "what": "access to" if request.kind == "access" else "a masking exception on",
        "state": request.state,
        **names,
    }
    if kind in ASKS:
        data["stage"] = request.tally.stage
    return Notice(
        kind=kind, about=request.aggregate, audience=audience, exclude=exclude, data=freeze(data)
    )


def final(
    request: AccessRequest,
    names: Mapping[str, str],
    actor: tuple[str, ...],
    said: Mapping[str, Any] | None = None,
    asked: tuple[StewardSelector, ...] = (),
) -> Effects:
    """Exactly one decision event; requester, beneficiary and all other stewards are told.

    Args:
        request: decided.
        names: words for notices.
        actor: who decided; not told.
        said: of the determination, for the event.
        asked: the stewards, if they had been asked.
    """
    # A decision is not yet access; an extension's grant is there already.
    waits = request.state == "approved" and not request.extends
    names = {**names, "outcome": "approved, not yet active" if waits else request.state}
    told = (*sides(request), *asked)
    return Effects(
        events=(happened(f"request.{request.state}", request, said),),
        notices=(notice("determination_made", request, names, told, actor),),
    )


def sides(request: AccessRequest) -> tuple[StewardSelector, ...]:
    """Requester and beneficiary; for a service account its owner too."""
    found = [user(request.requester), _selector(request.beneficiary)]
    if request.owner:
        found.append(user(request.owner))
    return tuple(dict.fromkeys(found))


def answerers(request: AccessRequest) -> tuple[StewardSelector, ...]:
    """Who may answer a question about a request: its sides, but not a whole group."""
    return tuple(side for side in sides(request) if side.kind == "user")


def stewards(request: AccessRequest) -> tuple[StewardSelector, ...]:
    """Everybody who is asked about an open request, in a fixed order.

    They are whom the pinned review names, whoever stands in for a seat that nobody can fill, and
    whoever was told that time has added them.
    """
    found = set(request.stewards)
    if request.stuck and request.form.fallback is not None:
        found.add(request.form.fallback.bound(request.domain))
    if request.escalated and request.escalation is not None:
        found.add(request.escalation.to)
    return tuple(sorted(found, key=str))


def _selector(who: Beneficiary) -> StewardSelector:
    return group_selector(who.id) if who.kind == "group" else user(who.id)


def deputised(
    request: AccessRequest, determination: Determination, names: Mapping[str, str]
) -> tuple[Notice, ...]:
    """Tell whoever was represented at once, not only when the request is decided."""
    if not determination.deputy_for:
        return ()
    did = "approved" if determination.verdict == "approve" else "denied"
    words = {**names, "deputy": determination.by, "person": determination.deputy_for, "did": did}
    told = (user(determination.deputy_for),)
    return (notice("deputy_acted", request, words, told, (determination.by,)),)


def act(determination: Determination) -> Mapping[str, Any]:
    """What the log says of an act: who, what, and on which evidence; never the reason."""
    as_of = determination.as_of
    said = {
        "id": determination.id,
        "by": determination.by,
        "verdict": determination.verdict,
        "stage": determination.stage,
        "matched": [match.by for match in determination.matched],
        "as_of": None if as_of is None else as_of.isoformat(),
        "self_review": determination.self_review,
    }
    if determination.deputy_for:
        said |= {
            "deputy_for": determination.deputy_for,
            "deputyship": determination.deputyship,
        }
    return {"determination": said}
