"""The inbox: what people have been told."""

from __future__ import annotations

from attrs import evolve

from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.links import link_to
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.rights import allowed, roles_in
from marketplace_sdk.domain.values import check_flag
from marketplace_sdk.errors import NotFound
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.unit import Unit

__all__ = ["Inbox"]


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

    def _linked(self, message: InboxMessage) -> InboxMessage:
        """With the portal's page of today: pages move, and messages stay."""
        return evolve(message, link=link_to(self._context.links, message.about))
