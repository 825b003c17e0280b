"""Digests: what was gathered for somebody, as one notice for each channel, once a day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from marketplace_sdk.delivery.notices import outgoing, subject_of
from marketplace_sdk.delivery.zones import zone_of
from marketplace_sdk.domain.events import Notice
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.links import Links, link_of
from marketplace_sdk.domain.notice_kinds import CERTIFY, REMINDS
from marketplace_sdk.domain.preferences import (
    Channel,
    Digest,
    PersonPreferences,
    mode_of,
    next_time,
    time_of,
)
from marketplace_sdk.domain.reminding import days_waiting
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.wire.codec import digest, plain, text_of
from marketplace_sdk.work.deciding import still_asks, still_waits
from marketplace_sdk.work.deputising import represented_by
from marketplace_sdk.work.gathering import DIGEST, look_at_digest

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.delivery.listeners import Listeners
    from marketplace_sdk.domain.deputies import Represented
    from marketplace_sdk.domain.events import Timer
    from marketplace_sdk.domain.people import Facts, Person
    from marketplace_sdk.ports.directory import Directory
    from marketplace_sdk.ports.storage import Work
    from marketplace_sdk.work.unit import Unit

__all__ = ["Digester"]


@frozen(kw_only=True)
class Digester:
    """Sends what was gathered when it is due.

    Attributes:
        desk: where it is kept.
        directory: in which time zone people are.
        listeners: everybody who may be told.
        links: templates of the portal's pages.
    """

    desk: Desk
    directory: Directory = field(repr=False)
    listeners: Listeners = field(repr=False)
    links: Links

    def run(self, timer: Timer) -> None:
        """Send one person's digests if they are due, else look again when they are.

        However long nothing ran, it is one digest for each channel: what was gathered meanwhile is
        in it.

        Raises:
            DirectoryError: the directory cannot be read.
        """
        person = timer.about.split(":", 1)[1]
        known = self.directory.person(person)
        told = known if known is not None and known.id == person and known.active else None
        zone = zone_of(known.time_zone if known is not None else "")
        for_ = represented_by(self.desk.read, self.directory.person, person)
        self.desk.retried(lambda: self._look(person, zone, told, for_))

    def _look(
        self, person: str, zone: tzinfo, told: Person | None, for_: Sequence[Represented]
    ) -> None:
        with self.desk.write() as unit:
            gathered = unit.get(Digest, person)
            if gathered is None:
                return
            chosen = unit.get(PersonPreferences, person) or PersonPreferences(person=person)
            due = next_time(gathered.since, time_of(chosen.digest_at), zone)
            if due > unit.now:
                look_at_digest(unit, person, due)
                return
            unit.delete(gathered)
            rows = list(self._made(unit, gathered, chosen, unit.facts(told), for_)) if told else []
            if rows:
                unit.rows.enqueue(rows)

    def _made(
        self,
        unit: Unit,
        gathered: Digest,
        chosen: PersonPreferences,
        facts: Facts,
        for_: Sequence[Represented],
    ) -> Iterator[Work]:
        # One that was taken out or stopped since is not kept waiting for.
        active = {each.name for each in self.listeners.active(unit) if "notice" in each.receives}
        for name, ids in gathered.messages.items():
            channel = unit.get(Channel, name)
            found = [
                message
                for id in ids
                if (message := unit.get(InboxMessage, id)) is not None
                and mode_of(channel, chosen, name, message.kind) != "off"
                and message.read_at is None
                and still_asks(unit, facts, message, for_)
            ]
            items = [self._item(each) for each in _newest(_once(unit, facts, found, for_))]
            if items and name in active:
                yield self._digest(unit, gathered, name, items, chosen.due(unit.now))

    def _item(self, message: InboxMessage) -> dict[str, Any]:
        return {
            "kind": message.kind,
            "about": message.about,
            "at": text_of(message.at),
            "subject": message.subject,
            "link": link_of(self.links, message),
            "data": plain(message.data),
        }

    def _digest(
        self,
        unit: Unit,
        gathered: Digest,
        name: str,
        items: list[dict[str, Any]],
        due: datetime,
    ) -> Work:
        more = gathered.more.get(name, 0)
        about = f"inbox:{gathered.person}"
        data = {"count": len(items) + more, "more": more, "items": items}
        subject = subject_of(Notice(kind=DIGEST, about=about, audience=(), data=data))
        message = InboxMessage(
            id=digest([gathered.person, name, text_of(gathered.since)])[:32],
            person=gathered.person,
            kind=DIGEST,
            about=about,
            subject=subject,
            at=unit.now,
            data=data,
        )
        return outgoing(message, name, due, link_of(self.links, message), _body(items, more))


def _once(
    unit: Unit, facts: Facts, messages: list[InboxMessage], for_: Sequence[Represented]
) -> list[InboxMessage]:
    """With each request once: the newest reminder counts only what no other message names."""
    found = [each for each in messages if each.kind not in REMINDS]
    rests = []
    for kind, asks in REMINDS.items():
        told = {each.about for each in found if each.kind in asks}
        reminders = [each for each in messages if each.kind == kind]
        rests += [_rest(unit, facts, each, told, for_) for each in reminders[-1:]]
    return [*found, *(each for each in rests if each is not None)]


def _newest(messages: list[InboxMessage]) -> list[InboxMessage]:
    """With each campaign once: its newest message counts what still waits."""
    last = {each.about: each.id for each in messages if each.kind in CERTIFY}
    return [each for each in messages if each.kind not in CERTIFY or last[each.about] == each.id]


def _rest(
    unit: Unit,
    facts: Facts,
    reminder: InboxMessage,
    told: Collection[str],
    for_: Sequence[Represented],
) -> InboxMessage | None:
    """A reminder of what still waits for them and is not told; None when that is nothing."""
    named = reminder.data["requests"]
    requests = [unit.get(AccessRequest, each["id"]) for each in named]
    left = [
        each
        for each in requests
        if each is not None
        and each.aggregate not in told
        and still_waits(unit, facts, reminder.kind, each, for_)
    ]
    count = reminder.data["count"] - len(named) + len(left)
    if not count:
        return None
    waiting = [days_waiting(reminder.kind, each, unit.now) for each in left]
    data = {**reminder.data, "count": count, "days": max(waiting, default=reminder.data["days"])}
    notice = Notice(kind=reminder.kind, about=reminder.about, audience=(), data=data)
    return evolve(reminder, subject=subject_of(notice))


def _body(items: list[dict[str, Any]], more: int) -> str:
    lines = [
        f"- {each['subject']}" + (f"\n  {each['link']}" if each["link"] else "") for each in items
    ]
    if more:
        lines.append(f"- and {more} more in your inbox")
    return "\n".join(lines)
