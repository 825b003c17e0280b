"""Where a request stands, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING

from marketplace_sdk.domain.reminding import days_asked
from marketplace_sdk.domain.requests import AccessRequest, Explanation, Inquiry

if TYPE_CHECKING:
    from datetime import datetime

    from marketplace_sdk.domain.determinations import OpenSeat

__all__ = ["explain"]


def explain(
    request: AccessRequest, candidates: Mapping[OpenSeat, tuple[str, ...]], now: datetime
) -> Explanation:
    """The human form of a tally; ``candidates`` is empty for those who may not know names."""
    result, added = request.tally, request.escalation
    today = now.astimezone(UTC).date()
    open_seats = result.open if request.open else ()
    filled = tuple(
        f"{request.stages[seat.stage].sets[seat.set][seat.seat]}: {', '.join(seat.who)}"
        for seat in result.filled
    )
    lines = [f"{request.state}: {_what(request)}"]
    lines += [f"approved for {words}" for words in filled]
    lines += [f"denied by {each.who}" for each in request.determinations if each.verdict == "deny"]
    lines += [_still(seat, candidates.get(seat, ())) for seat in open_seats]
    lines += [f"stuck: nobody can fill {words}" for words in request.stuck]
    lines += [_asked(inquiry, days_asked(inquiry, today)) for inquiry in request.open_inquiries]
    if request.open and result.stage is not None and len(request.stages) > 1:
        lines.append(f"stage {result.stage + 1} of {len(request.stages)}")
    lines += _times(request, now)
    if request.state == "approved":
        lines.append(
            f"until {request.until:%Y-%m-%d %H:%M} UTC" if request.until else "without end"
        )
    lines += _emergency(request)
    return Explanation(
        request=request.id,
        state=request.state,
        filled_seats=filled,
        open_seats=tuple(open_seats),
        stuck=request.stuck,
        open_inquiries=request.open_inquiries,
        emergency=request.emergency,
        candidates={str(seat): ids for seat, ids in candidates.items()},
        until=request.until,
        escalation="" if added is None or request.escalates_at is None else str(added.to),
        escalates_at=request.escalates_at,
        expires_at=request.expires_at,
        text="\n".join(lines),
    )


def _times(request: AccessRequest, now: datetime) -> Iterator[str]:
    """What time does, or did, to a request."""
    at, added, end = request.escalates_at, request.escalation, request.expires_at
    if at is not None and added is not None:
        since = f"since {at:%Y-%m-%d %H:%M} UTC {added.to} may decide, too"
        yield since if at <= now else f"from {at:%Y-%m-%d %H:%M} UTC on {added.to} may decide, too"
    if end is not None:
        yield f"called off at {end:%Y-%m-%d %H:%M} UTC unless it is decided"
    if request.cause == "timed_out":
        yield f"called off at {request.ended_at:%Y-%m-%d %H:%M} UTC: nobody decided in time"


def _what(request: AccessRequest) -> str:
    what = "access to" if request.kind == "access" else f"{', '.join(request.columns)} of"
    if request.emergency is not None:
        return f"{request.beneficiary} broke the glass for {what} {request.product_name}"
    return f"{request.beneficiary} asks for {what} {request.product_name}"


def _emergency(request: AccessRequest) -> list[str]:
    kept = request.emergency
    if kept is None:
        return []
    lines = [f"emergency: nobody decided; {request.requester} is of {kept.admitted}"]
    if kept.review is None:
        late = ", overdue" if kept.overdue_at is not None else ""
        whose = ", ".join(sorted(map(str, request.stewards)))
        lines.append(f"review open until {kept.review_due:%Y-%m-%d %H:%M} UTC{late}: {whose}")
    else:
        found = "justified" if kept.review.justified else "not justified"
        lines.append(f"found {found} by {kept.review.by}")
    if kept.settled is not None:
        lines.append(f"settled by {kept.settled.by}")
    return lines


def _still(seat: OpenSeat, ids: tuple[str, ...]) -> str:
    count = f" ({seat.missing} more)" if seat.wants.approvals > 1 else ""
    names = f"; could be {', '.join(ids)}" if ids else ""
    return f"still open: {seat.wants}{count}{names}"


def _asked(inquiry: Inquiry, days: int) -> str:
    waits = f" for {days} day{'s' if days > 1 else ''}" if days > 0 else ""
    # On one line, so that no question reads like another fact.
    words = " ".join(inquiry.question.split())
    return f"asked by {inquiry.who}, not answered{waits}: {words}"
