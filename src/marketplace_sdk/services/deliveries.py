"""Messages that could not be delivered: look at them, and send them again."""

from __future__ import annotations

from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.errors import NotFound
from marketplace_sdk.ports.storage import Work
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.work.outgoing import queues_of
from marketplace_sdk.work.pages import check_limit, storable
from marketplace_sdk.work.unit import Unit

__all__ = ["Deliveries"]


class Deliveries(Service):
    """The outbox, for APPLICATION_ADMIN."""

    def dead(self, *, limit: int = 100, by: By = None) -> tuple[Work, ...]:
        """Messages that were given up, oldest first."""
        check_limit(limit)
        with self._reading(by) as (unit, facts):
            require("delivery.manage", roles_in(facts), facts, "deliveries")
            found = [
                work
                for queue in queues_of(unit.rows)
                for work in unit.rows.work(queue, dead=True, limit=limit)
            ]
            return tuple(sorted(found, key=lambda work: (work.due, work.id))[:limit])

    def replay(self, id: str, *, by: By = None) -> None:
        """Send a message that was given up again, under the same message id."""

        def work(unit: Unit, facts: Facts) -> None:
            require("delivery.manage", roles_in(facts), facts, f"delivery {id}")
            if not storable(id) or not unit.rows.replay(id, unit.now):
                raise NotFound("replay", "delivery", id)

        self._deciding(by, work)
