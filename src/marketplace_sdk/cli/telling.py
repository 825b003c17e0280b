"""How one request is told to people: what it asks for, and everything about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from marketplace_sdk.cli.showing import day, print_json, print_record

if TYPE_CHECKING:
    from marketplace_sdk.domain.requests import AccessRequest, Inquiry

__all__ = ["show_request", "what_of"]


def what_of(request: AccessRequest) -> str:
    """What somebody asks for, in a few words."""
    return "access" if request.kind == "access" else f"see {', '.join(request.columns)}"


def show_request(request: AccessRequest, *, as_json: bool) -> None:
    """Print everything about a request."""
    if as_json:
        print_json(request)
        return
    labels = {question.key: question.label for question in request.form.questions}
    print_record(
        {
            "id": request.id,
            "state": request.state,
            "what": what_of(request),
            "product": f"{request.product_name} ({request.product})",
            "for": request.beneficiary,
            "asked by": request.requester,
            "asked at": day(request.created_at),
            "decided at": day(request.decided_at),
            "until": day(request.until),
            "wish": request.wish or "",
            "cause": request.cause,
            "reason": request.reason,
            "answers": "\n".join(
                f"{labels.get(key, key)} {_words(answer)}"
                for key, answer in request.answers.items()
            ),
            "asked back": "\n".join(map(_said, request.inquiries)),
            "decided": "\n".join(
                f"{each.who}: {each.verdict}: {each.reason}" for each in request.determinations
            ),
            "emergency": _emergency(request),
            "stuck": "\n".join(request.stuck),
            "escalates": _escalates(request),
            "called off": day(request.expires_at),
            "grant": request.grant,
        }
    )


def _escalates(request: AccessRequest) -> str:
    at, added = request.escalates_at, request.escalation
    return "" if at is None or added is None else f"{day(at)} to {added.to}"


def _emergency(request: AccessRequest) -> str:
    """Why the glass was broken, and what was said of it since."""
    kept = request.emergency
    if kept is None:
        return ""
    lines = [f"{request.requester}: {kept.reason}"]
    if kept.review is None:
        lines.append(f"review due {day(kept.review_due)}")
    else:
        lines.append(f"{kept.review.by}: {kept.standing}: {kept.review.reason}")
    if kept.settled is not None:
        lines.append(f"{kept.settled.by}: settled: {kept.settled.reason}")
    return "\n".join(lines)


def _said(inquiry: Inquiry) -> str:
    asked = f"{inquiry.who}, {day(inquiry.asked_at)}"
    words = f"{asked} ({inquiry.id}): {inquiry.question}"
    if inquiry.answered_at is None:
        return words
    return f"{words}\n{inquiry.answered_by}: {inquiry.answer}"


def _words(answer: object) -> str:
    if isinstance(answer, tuple):
        return ", ".join(map(str, answer))
    if isinstance(answer, Mapping):
        return " ".join(map(str, answer.values()))
    return str(answer)
