"""Messages that could not be delivered: look at them, and send them again."""

from __future__ import annotations

from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.errors import NotFound
from marketplace_sdk.ports.storage import Work
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.wire.codec import text_of
from marketplace_sdk.work.outgoing import parked_in
from marketplace_sdk.work.pages import Page, check_limit, due_of, storable, text_of_place
from marketplace_sdk.work.unit import Unit

__all__ = ["Deliveries"]


class Deliveries(Service):
    """The outbox, for APPLICATION_ADMIN."""

    def dead(self, *, after: str | None = None, limit: int = 100, by: By = None) -> Page[Work]:
        """Messages that were given up, to whatever destination, oldest first."""
        check_limit(limit)
        place = due_of(after)
        with self._reading(by) as (unit, facts):
            require("delivery.manage", roles_in(facts), facts, "deliveries")
            found = [
                work
                for queue in parked_in(unit.rows)
                for work in unit.rows.work(queue, dead=True, after=place, limit=limit + 1)
            ]
        found.sort(key=lambda work: (work.due, work.id))
        items = found[:limit]
        if len(found) == len(items):
            return Page(items)
        return Page(items, text_of_place((text_of(items[-1].due), items[-1].id)))

    def replay(self, id: str, *, by: By = None) -> None:
        """Send a message that was given up again, under the same message id."""

        def work(unit: Unit, facts: Facts) -> None:
            require("delivery.manage", roles_in(facts), facts, f"delivery {id}")
            if not storable(id) or not unit.rows.replay(id, unit.now):
                raise NotFound("replay", "delivery", id)

        self._deciding(by, work)
