"""Asking back about a pending request, and answering. Pure; the outcome is data.

Neither holds up a decision: the state, the stages and every time of the request stay as they are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.announcing import answerers, happened, notice
from marketplace_sdk.domain.deciding import check_represented, check_seen, on_the_side, seated
from marketplace_sdk.domain.events import Effects
from marketplace_sdk.domain.notice_kinds import QUESTION_ASKED
from marketplace_sdk.domain.requests import AccessRequest, Inquiry
from marketplace_sdk.domain.seating import Place
from marketplace_sdk.domain.selectors import user
from marketplace_sdk.domain.values import check_text
from marketplace_sdk.domain.workflow import Decision
from marketplace_sdk.errors import (
    AlreadyDetermined,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    Problem,
)

if TYPE_CHECKING:
    from marketplace_sdk.domain.deputies import Represented
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = ["LONGEST", "MOST_INQUIRIES", "answer", "ask", "check_words", "may_answer"]

MOST_INQUIRIES = 50
"""Questions about one request, answered or not: it is read whole by everybody who decides."""
LONGEST = 4_000
"""Characters of a question or an answer."""


def check_words(value: object, path: str) -> str:
    """A question or an answer: not blank, at most 4,000 characters, no control but new lines."""
    text = check_text(value, path, required=True)
    if len(text) > LONGEST:
        problem = f"must have at most {LONGEST} characters"
    elif any(c not in "\n\r\t" and unicodedata.category(c) == "Cc" for c in text):
        problem = "must not contain control characters"
    else:
        return text
    raise InvalidInput("cannot use this text", problems=[Problem(path, problem)])


def ask(
    request: AccessRequest,
    facts: Facts,
    *,
    question: str,
    id: str,
    now: datetime,
    revision: int | None = None,
    vacant: Collection[Place] = (),
    fallback: StewardSelector | None = None,
    for_: Represented | None = None,
) -> Decision:
    """A question back, by somebody who may decide now, or who holds GOVERNANCE.

    Args:
        request: as it stands.
        facts: of who asks, read at this moment.
        question: already checked.
        id: of the inquiry; the same id with the same question again is a no-op.
        now: the moment of the act.
        revision: the revision that they saw, if they say so.
        vacant, fallback, for_: as for ``workflow.determine``.

    Raises:
        AlreadyDetermined, NotAllowed, StaleRevision, Conflict: nothing changes.
    """
    cannot = f"cannot ask about request {request.id}"
    known = _known(request, id)
    steward = "" if for_ is None else for_.facts.id
    if known is not None:
        same = (facts.id, steward, question)
        if (known.asked_by, known.deputy_for, known.question) == same:
            return Decision(request=request, changed=False)
        raise Conflict(f"{cannot}: the inquiry id is taken", hint="choose another id")
    _pending(request.seen_at(now), cannot, "only what is pending is asked about")
    check_seen(request, revision)
    if for_ is not None:
        check_represented(request, facts, for_, "ask about", action="request.ask")
    if on_the_side(request, facts) and not request.allow_self_review:
        raise NotAllowed(
            f"{cannot}: whoever it is for answers questions, and has none",
            actor=facts.id,
            action="request.ask",
            needs="another steward",
            code="self_review",
        )
    # A deputyship hands on the seats of a steward, not what GOVERNANCE may besides.
    if for_ is not None or not facts.has("GOVERNANCE"):
        seated(
            request,
            facts,
            "ask about",
            now=now,
            action="request.ask",
            also=("permission GOVERNANCE",),
            vacant=vacant,
            fallback=fallback,
            for_=for_,
        )
    if len(request.inquiries) >= MOST_INQUIRIES:
        raise Conflict(
            f"{cannot}: it has {MOST_INQUIRIES} inquiries already",
            code="too_many_inquiries",
            hint="decide with what is known, or talk to each other",
        )
    inquiry = Inquiry(id=id, asked_by=facts.id, deputy_for=steward, asked_at=now, question=question)
    changed = evolve(request, inquiries=(*request.inquiries, inquiry))
    return _told(changed, QUESTION_ASKED, inquiry, answerers(request), facts.id)


def answer(
    request: AccessRequest,
    facts: Facts,
    *,
    inquiry: str,
    text: str,
    now: datetime,
    revision: int | None = None,
) -> Decision:
    """The answer to an inquiry, by somebody on the receiving side, whose right was checked.

    Args:
        request: as it stands.
        facts: of who answers.
        inquiry: its id; the same answer by the same person again is a no-op.
        text: already checked.
        now: the moment of the act.
        revision: the revision that they saw, if they say so.

    Raises:
        NotFound: the request has no such inquiry.
        AlreadyDetermined: nobody waits for the answer any more.
        Conflict: it is answered, or its question was erased.
        StaleRevision: the request has changed since.
    """
    cannot = f"cannot answer inquiry {inquiry}"
    known = _known(request, inquiry)
    if known is None:
        raise NotFound("answer", "inquiry", inquiry, hint="request.inquiries has those there are")
    if known.answered_at is not None:
        if (known.answered_by, known.answer) == (facts.id, text):
            return Decision(request=request, changed=False)
        raise Conflict(
            f"{cannot}: it is answered",
            code="already_answered",
            hint="an answer is never edited; say more in the answer to another question",
        )
    _pending(request.seen_at(now), cannot, "nobody waits for the answer any more")
    check_seen(request, revision)
    if not known.question:
        raise Conflict(f"{cannot}: its question was erased", code="erased", hint="nothing is due")
    answered = evolve(known, answer=text, answered_by=facts.id, answered_at=now)
    changed = evolve(
        request,
        inquiries=tuple(answered if each is known else each for each in request.inquiries),
    )
    return _told(changed, "question_answered", answered, (user(known.asked_by),), facts.id)


def may_answer(request: AccessRequest, person: str) -> bool:
    """Whether a question about a request waits for this person, who may be one of several."""
    return bool(request.open_inquiries) and user(person) in answerers(request)


def _known(request: AccessRequest, id: str) -> Inquiry | None:
    return next((each for each in request.inquiries if each.id == id), None)


def _pending(request: AccessRequest, cannot: str, hint: str) -> None:
    if not request.open:
        raise AlreadyDetermined(f"{cannot}: it is {request.state}", state=request.state, hint=hint)


def _told(
    request: AccessRequest,
    what: str,
    inquiry: Inquiry,
    audience: tuple[StewardSelector, ...],
    actor: str,
) -> Decision:
    """One event and one notice; both say who, and neither holds a word of what was written."""
    who = {"asked_by": inquiry.asked_by}
    if inquiry.deputy_for:
        who["deputy_for"] = inquiry.deputy_for
    if inquiry.answered_by:
        who["answered_by"] = inquiry.answered_by
    said: Mapping[str, object] = {"inquiry": {"id": inquiry.id, **who}}
    names = {**who, "asked_by": inquiry.who, "inquiry_id": inquiry.id}
    effects = Effects(
        events=(happened(f"request.{what}", request, said),),
        notices=(notice(what, request, names, audience, (actor,)),),
    )
    return Decision(request=request, effects=effects)
