"""Events on their way out: what is said of them, and the row that one destination's copy is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from marketplace_sdk.domain.event_types import CATALOGUE
from marketplace_sdk.domain.links import link_to
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.ports.storage import Work
from marketplace_sdk.wire.codec import plain, text_of
from marketplace_sdk.work.following import OUTBOX

if TYPE_CHECKING:
    from marketplace_sdk.domain.destinations import Subscription
    from marketplace_sdk.domain.links import Links
    from marketplace_sdk.ports.storage import EventRow, Transaction
    from marketplace_sdk.work.unit import Unit

__all__ = [
    "VERSION",
    "Outgoing",
    "about_of",
    "copy_for",
    "lane_of",
    "lane_owner",
    "logged",
    "parked_in",
]

VERSION = 1
"""Of what events say; raised when something that receivers may rely on changes."""


@frozen(kw_only=True)
class Outgoing:
    """An event or a seal that leaves.

    Attributes:
        id: of the message, the same for all destinations.
        type: as it is called outside.
        at: when it happened, as the codec writes it.
        about: ``kind:id``; messages about one thing keep their order.
        data: plain data.
    """

    id: str
    type: str
    at: str
    about: str
    data: Mapping[str, Any] = field(repr=False)


def lane_of(name: str) -> str:
    """The queue of what waits for one destination: none of it is in another one's way."""
    return f"{OUTBOX}|{name}"


def lane_owner(queue: str) -> str | None:
    """Whose queue it is, or None when it is not one of a destination."""
    head, bar, name = queue.partition("|")
    return name if bar and head == OUTBOX else None


def about_of(work: Work) -> str:
    """``kind:id`` of what a row of the outbox or of a destination is about."""
    said = work.payload
    return str(said.get("about", "")) or _part(said, "notice", "about")


def parked_in(rows: Transaction) -> list[str]:
    """The outbox, and the queues of destinations, as far as messages are parked in them."""
    names = rows.queues(dead=True)
    return [name for name in names if name == OUTBOX or lane_owner(name) is not None]


def logged(row: EventRow) -> Outgoing | None:
    """An event of the log as it left; None when it did not leave."""
    known = CATALOGUE.get(row.type)
    if known is None or not known.outgoing:
        return None
    return Outgoing(
        id=row.id,
        type=known.outgoing,
        at=text_of(row.at),
        about=row.aggregate,
        data=row.payload,
    )


def copy_for(unit: Unit, to: Subscription, event: Outgoing, links: Links) -> Work:
    """The row of one destination's copy, settled now, so that every attempt is the same bytes.

    What people wrote is looked up only for a destination that asked for it.
    """
    data: dict[str, Any] = {"version": VERSION, **event.data}
    asked = _part(event.data, "request")
    if to.include and asked:
        request = unit.get(AccessRequest, asked)
        if request is not None:
            data |= _said(request, to.include)
    pages = _pages(links, event.data)
    if pages:
        data["links"] = pages
    return Work(
        id=f"{event.id}:{to.name}",
        queue=lane_of(to.name),
        key=event.about,
        due=unit.now,
        payload={
            "to": to.name,
            "id": event.id,
            "type": event.type,
            "at": event.at,
            "about": event.about,
            "data": data,
        },
    )


def _part(data: Mapping[str, Any], name: str, key: str = "id") -> str:
    """A text within a part of plain data; empty when there is none."""
    part = data.get(name)
    return str(part.get(key, "")) if isinstance(part, Mapping) else ""


def _said(request: AccessRequest, include: Iterable[str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if "answers" in include:
        said["answers"] = plain(request.answers)
    if "reasons" in include:
        said["reasons"] = [
            {
                "by": each.by,
                **({"deputy_for": each.deputy_for} if each.deputy_for else {}),
                "verdict": each.verdict,
                "reason": each.reason,
            }
            for each in request.determinations
        ]
        if request.reason:
            said["reasons"].append({"by": "", "verdict": request.state, "reason": request.reason})
        said["reasons"] += _of_emergency(request)
    if "inquiries" in include:
        said["inquiries"] = [
            {
                "id": each.id,
                "asked_by": each.asked_by,
                **({"deputy_for": each.deputy_for} if each.deputy_for else {}),
                "question": each.question,
                "answered_by": each.answered_by,
                "answer": each.answer,
            }
            for each in request.inquiries
        ]
    return said


def _of_emergency(request: AccessRequest) -> Iterator[dict[str, Any]]:
    """Why the glass was broken, and what was said of it afterwards."""
    kept = request.emergency
    if kept is None:
        return
    yield {"by": request.requester, "verdict": "emergency", "reason": kept.reason}
    if kept.review is not None:
        yield {"by": kept.review.by, "verdict": kept.standing, "reason": kept.review.reason}
    if kept.settled is not None:
        yield {"by": kept.settled.by, "verdict": "settled", "reason": kept.settled.reason}


def _pages(links: Links, data: Mapping[str, Any]) -> dict[str, str]:
    pages = {
        kind: link_to(links, f"{kind}:{id}")
        for kind in ("product", "request")
        if (id := _part(data, kind))
    }
    return {kind: link for kind, link in pages.items() if link}
