"""Notices: who is told is looked up when it is told, and each person is told once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.delivery.routing import routes
from marketplace_sdk.domain.catalog import Domain
from marketplace_sdk.domain.events import Notice
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.links import Links, link_of
from marketplace_sdk.domain.notice_kinds import ASKS, NOTICES, TIMING_OUT
from marketplace_sdk.domain.people import Person, check_contact
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.ports.notifier import Message, Recipient
from marketplace_sdk.ports.storage import Work
from marketplace_sdk.wire.codec import digest, instant, load, plain, text_of
from marketplace_sdk.work.outgoing import lane_of

if TYPE_CHECKING:
    from datetime import datetime

    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.ports.directory import Directory
    from marketplace_sdk.work.unit import Unit

__all__ = [
    "Deciders",
    "audience_of",
    "deliver_notice",
    "message_of",
    "notice_of",
    "outgoing",
    "recipient_of",
    "subject_of",
]

Deciders = Callable[[str, int | None], Mapping[str, str]]
"""Ids of everybody who may decide on a request of this id, and on this stage, at the moment, and
for whom they do: for themselves (empty), or as a deputy."""


def notice_of(work: Work) -> Notice:
    """The notice that a row of the outbox holds."""
    return load(Notice, work.payload["notice"])


def subject_of(notice: Notice) -> str:
    """How it reads; a word that is missing is left out."""
    words: dict[str, str] = defaultdict(str, {k: str(v) for k, v in notice.data.items()})
    if words["deputy_for"]:
        words["on_behalf"] = f" for {words['deputy_for']}"
    return NOTICES.get(notice.kind, notice.kind).format_map(words)


def message_of(work: Work, recipient: Recipient | None) -> Message:
    """What a row of the outbox says to a notifier."""
    said = work.payload
    subject = str(said.get("subject", ""))
    return Message(
        id=str(said["id"]),
        sort="event" if recipient is None else "notice",
        type=str(said["type"]),
        at=instant(str(said["at"])),
        data=said["data"],
        about=str(said.get("about", "")),
        recipient=recipient,
        subject=subject,
        body=str(said.get("body", subject)),
        link=str(said.get("link", "")),
    )


def recipient_of(person: Person) -> Recipient:
    """Where somebody is reached; what a directory says that is no address is left out."""
    wrong = {each.path for each in check_contact(email=person.email, language=person.language)}
    return Recipient(
        id=person.id,
        name=person.name or person.id,
        email="" if "email" in wrong else person.email,
        language="" if "language" in wrong else person.language,
        time_zone=person.time_zone,
    )


def audience_of(
    notice: Notice, desk: Desk, directory: Directory, limit: int, deciders: Deciders
) -> Mapping[str, str]:
    """Ids of everybody who is to be told, each once, in a fixed order, and in whose place.

    Whoever represents somebody who is asked to decide is asked, too, if they are not themselves.

    Args:
        notice: what they are told.
        desk: knows who holds domain permissions.
        directory: knows who matches a selector.
        limit: most people of one selector.
        deciders: who may decide now; nobody else is asked to.

    Raises:
        DirectoryError: the directory cannot be read.
    """
    people: set[str] = set()
    for selector in _bound(notice.audience, desk):
        if selector.kind == "user":
            people.add(selector.value)
        else:
            people.update(directory.members(selector, limit))
    told = dict.fromkeys(people, "")
    if people and notice.kind in ASKS:
        may = deciders(notice.about.removeprefix("request:"), notice.data.get("stage"))
        told = {id: whom for id, whom in may.items() if (whom or id) in people}
    return {id: told[id] for id in sorted(told.keys() - set(notice.exclude))}


def deliver_notice(
    unit: Unit,
    work: Work,
    notice: Notice,
    people: Mapping[str, str],
    listeners: Sequence[str],
    links: Links,
) -> None:
    """Put a notice into inboxes, and into the outbox for each way that it takes to each person."""
    at = instant(str(work.payload["at"]))
    stage = notice.data.get("stage") if notice.kind in ASKS else None
    # Whoever has two reasons to decide on a stage is asked once, and once more when time runs out.
    told = [work.id] if stage is None else [notice.about, str(stage)]
    if notice.kind == TIMING_OUT:
        told.append(notice.kind)
    rows: list[Work] = []
    for person, whom in people.items():
        own = _in_place_of(notice, whom) if whom else notice
        message = InboxMessage(
            id=digest([*told, person])[:32],
            person=person,
            kind=notice.kind,
            about=notice.about,
            subject=subject_of(own),
            at=at,
            data=own.data,
        )
        if unit.get(InboxMessage, message.id) is not None:
            continue
        unit.save(message)
        rows += [
            outgoing(message, route.notifier, route.due, link_of(links, message))
            for route in routes(unit, message, listeners)
        ]
    if rows:
        unit.rows.enqueue(rows)


def _in_place_of(notice: Notice, person: str) -> Notice:
    """The notice as a deputy of somebody reads it."""
    return evolve(notice, data={**notice.data, "deputy_for": person})


def _bound(audience: Collection[StewardSelector], desk: Desk) -> list[StewardSelector]:
    """The selectors, with those who hold a domain permission in place of the permission."""
    selectors: dict[StewardSelector, None] = {}
    if all(selector.kind != "domain_permission" for selector in audience):
        return list(audience)
    with desk.read() as unit:
        for selector in audience:
            if selector.kind != "domain_permission":
                selectors[selector] = None
                continue
            domain = unit.get(Domain, selector.domain)
            for token in sorted(domain.holders(selector.value)) if domain is not None else ():
                kind, _, value = token.partition(":")
                selectors[StewardSelector("group" if kind == "group" else "user", value)] = None
    return list(selectors)


def outgoing(
    message: InboxMessage, notifier: str, due: datetime, link: str, body: str = ""
) -> Work:
    """The row of the outbox that takes a message to its person by way of a notifier.

    Args:
        message: what they are told.
        notifier: its name.
        due: not before this instant.
        link: page of the portal.
        body: text for people; empty: the subject.
    """
    more = {"body": body} if body else {}
    return Work(
        id=f"{message.id}:{notifier}",
        queue=lane_of(notifier),
        key=f"user:{message.person}",
        due=due,
        payload={
            "to": notifier,
            "id": message.id,
            "sort": "notice",
            "type": message.kind,
            "at": text_of(message.at),
            "about": message.about,
            "data": plain(message.data),
            # Only who; where they are reached is asked when it is sent.
            "person": message.person,
            "subject": message.subject,
            "link": link,
            **more,
        },
    )
