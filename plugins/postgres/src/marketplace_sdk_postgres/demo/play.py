"""What a scene has at hand: the marketplace, the platform, the receiver, and expectations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attrs import define, field

from marketplace_sdk import Conflict, NotAllowed
from marketplace_sdk_postgres.demo.report import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from marketplace_sdk import AccessRequest, DataProduct, Marketplace
    from marketplace_sdk.testing import FrozenClock
    from marketplace_sdk_postgres.demo.receiver import Receiver
    from marketplace_sdk_postgres.demo.report import Report
    from marketplace_sdk_postgres.demo.stage import Stage

__all__ = ["Play"]


@define
class Play:
    """The demo while it runs.

    Attributes:
        market: the marketplace.
        stage: PostgreSQL, and the people who log in to it.
        receiver: of webhooks.
        clock: the marketplace's; it moves only when a scene moves it.
        report: where everything is told.
        before: every privilege on the server before the marketplace did anything.
        products: by name.
        requests: by what the scenes call them.
    """

    market: Marketplace
    stage: Stage
    receiver: Receiver
    clock: FrozenClock
    report: Report
    before: frozenset[tuple[Any, ...]]
    products: dict[str, DataProduct] = field(factory=dict)
    requests: dict[str, AccessRequest] = field(factory=dict)

    def does(self, who: str, what: str) -> None:
        """Tell who does what."""
        self.report.act(who, what)

    def quote(self, *lines: str) -> None:
        """Show what the marketplace says, word for word."""
        self.report.quote(lines)

    def expect(self, what: str, got: object, wanted: object = True) -> None:  # noqa: FBT002  # reads as a sentence
        """The marketplace should say so."""
        self._step(what, str(got), ok=got == wanted)

    def reads(self, who: str, sql: str, wanted: object) -> None:
        """PostgreSQL should answer this person with this row."""
        sql = self.stage.sql(sql)
        answer = self.stage.ask(who, sql)
        self._step(str(wanted), answer.text, ok=answer.text == str(wanted), who=who, sql=sql)

    def is_refused(self, who: str, sql: str) -> None:
        """PostgreSQL should refuse this person."""
        sql = self.stage.sql(sql)
        answer = self.stage.ask(who, sql)
        self._step("permission denied", answer.text, ok=answer.refused, who=who, sql=sql)

    def may_not(self, what: str, act: Callable[[], object]) -> None:
        """The marketplace should refuse this act."""
        try:
            act()
        except (NotAllowed, Conflict) as error:
            self.quote(str(error))
            self._step(what, error.code, ok=True)
        else:
            self._step(what, "it was allowed", ok=False)

    def told(self, kind: str, about: str, *people: str, but: str) -> None:
        """These people should find such a notice in their inbox, and one other should not."""
        found = {
            person: message.subject
            for person in (*people, but)
            for message in self.market.inbox.of(person, by=person)
            if (message.kind, message.about) == (kind, about)
        }
        self.quote(*set(found.values()))
        what = f"told to {', '.join(people)}; not to {but}"
        self._step(what, f"told to {', '.join(found)}", ok=set(found) == set(people))

    def hooked(self, type: str, count: int = 1) -> None:
        """So many webhooks of this type should have come by now, all in all."""
        came = len(self.receiver.of_type(type))
        self._step(f"webhooks {type}: {count}", f"{came} came", ok=came == count)

    def decided_once(self) -> None:
        """Every decided request should have sent one decision event, and no other any."""
        sent = Counter(
            hook.data["request"]["id"]
            for hook in self.receiver.of_type("data_product.access_requests.consumer.updated")
        )
        decided = Counter(
            request.id
            for request in self.market.requests.find(limit=1000, by="gil")
            if request.decided_at is not None
        )
        what = f"each of {len(decided)} decisions sent exactly one webhook"
        self.expect(what, sent, decided)

    def unchanged(
        self, what: str, now: frozenset[tuple[Any, ...]], before: frozenset[tuple[Any, ...]]
    ) -> None:
        """Roles, memberships and privileges on the server should be the same as they were."""
        changed = [f"left behind {row}" for row in now - before]
        changed += [f"missing {row}" for row in before - now]
        same = f"{what}: the same {len(before)} roles, memberships and privileges"
        self._step(same, "; ".join(changed) or f"the same {len(now)}", ok=not changed)

    def _step(self, what: str, got: str, *, ok: bool, who: str = "", sql: str = "") -> None:
        scene = len(self.report.scenes)
        self.report.step(Step(scene=scene, expectation=what, got=got, ok=ok, who=who, sql=sql))
