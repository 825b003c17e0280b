"""The inbox: what people have been told."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.links import link_of
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.rights import allowed, roles_in
from marketplace_sdk.domain.values import aware, check_flag
from marketplace_sdk.errors import NotFound
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.unit import Unit

__all__ = ["Inbox"]

BATCH = 200
"""Messages of one transaction."""


class Inbox(Service):
    """One's own messages; nobody reads another's."""

    def of(
        self,
        person: str,
        *,
        unread: bool = False,
        after: str | None = None,
        limit: int = 50,
        by: By = None,
    ) -> Page[InboxMessage]:
        """Messages of a person, newest first; only one's own.

        Raises:
            NotFound: it is somebody else's.
        """
        check_flag(unread, "unread")
        with self._reading(by) as (unit, facts):
            if not allowed("inbox.read", {"self"} if facts.id == person else roles_in(facts)):
                raise NotFound("read", "inbox", person)
            key = "unread" if unread else "person"
            page = unit.page(
                InboxMessage, (key, [person]), after=after, limit=limit, descending=True
            )
            return Page((self._linked(each) for each in page), page.next)

    def mark_read(self, id: str, *, by: By = None) -> InboxMessage:
        """Mark one message as read; reading it again changes nothing."""

        def work(unit: Unit, facts: Facts) -> InboxMessage:
            message = unit.get(InboxMessage, id)
            if message is None or message.person != facts.id:
                raise NotFound("read", "message", id)
            if message.read_at is not None:
                return message
            return unit.save(evolve(message, read_at=unit.now))

        return self._linked(self._deciding(by, work))

    def mark_unread(self, id: str, *, by: By = None) -> InboxMessage:
        """Mark one message as unread, to come back to it; doing it again changes nothing."""

        def work(unit: Unit, facts: Facts) -> InboxMessage:
            message = unit.get(InboxMessage, id)
            if message is None or message.person != facts.id:
                raise NotFound("mark", "message", id)
            return message if message.read_at is None else unit.save(evolve(message, read_at=None))

        return self._linked(self._deciding(by, work))

    def mark_all_read(self, *, until: datetime | None = None, by: By = None) -> int:
        """Mark one's own messages as read, in batches; how many there were.

        Args:
            until: only what happened up to then, such as what the person has seen; None: all.
            by: whose.
        """
        end = None if until is None else aware(until, "until")

        def work(unit: Unit, facts: Facts) -> tuple[int, bool]:
            found = unit.find(InboxMessage, ("unread", [facts.id]), limit=BATCH)
            seen = [each for each in found if end is None or each.at <= end]
            for message in seen:
                unit.save(evolve(message, read_at=unit.now))
            # They are in the order of time: whoever is later is not seen, nor is what follows.
            return len(seen), len(seen) == BATCH

        done, more = 0, True
        while more:
            count, more = self._deciding(by, work)
            done += count
        return done

    def _linked(self, message: InboxMessage) -> InboxMessage:
        """With the portal's page of today: pages move, and messages stay."""
        return evolve(message, link=link_of(self._context.links, message))
