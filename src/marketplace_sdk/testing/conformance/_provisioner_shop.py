"""A small marketplace on the platform of a world, in which every request is approved at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from marketplace_sdk.domain.catalog import Column, DataSource
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.forms import Question
from marketplace_sdk.domain.review import ReviewFlow
from marketplace_sdk.marketplace import Marketplace
from marketplace_sdk.memory.faults import Crash
from marketplace_sdk.plugin import BuildContext, ProvisionerSpec, hookimpl
from marketplace_sdk.ports.provisioner import Call, Change, Outcome, Provisioner
from marketplace_sdk.testing.clock import FrozenClock
from marketplace_sdk.testing.conformance._provisioner_world import ProvisionerWorld

if TYPE_CHECKING:
    from marketplace_sdk.services.grants import GrantView

__all__ = ["Shop"]

_PLUGIN = "conformance"
_CONNECTION = "platform"


class Shop:
    """A marketplace with one connection; time stands still until it is told to go on.

    Attributes:
        world: the platform.
        market: the marketplace.
        worker: the provisioner of the marketplace, and the way to make it vanish.
    """

    def __init__(self, world: ProvisionerWorld, may_grant: Sequence[str] = ("*",)) -> None:
        self.world = world
        self.worker = _Mortal(world)
        self._clock = FrozenClock()
        self._sources: dict[str, str] = {}
        self.market = Marketplace(
            "memory",
            connections={_CONNECTION: {"plugin": _PLUGIN, "may_grant": list(may_grant)}},
            plugins=[_Plugin(self.worker)],
            discover=False,
            clock=self._clock,
        )
        people = self.market.people
        people.add("uma", permissions=["USER_ADMIN"])
        people.add("gil", permissions=["GOVERNANCE"], by="uma")
        self.market.domains.create("shop", by="gil")

    def person(self, id: str, principal: str) -> str:
        """Somebody who is that principal on the platform; returns the id."""
        self.market.people.add(id, principals={_CONNECTION: principal}, by="uma")
        return id

    def product(
        self, name: str, *objects: str, masked: Collection[str] = (), days: int | None = None
    ) -> str:
        """Publish objects with columns ``id`` and the masked ones; returns the product's id.

        Args:
            name: of the product.
            objects: names on the platform.
            masked: columns of each.
            days: how long an access lasts; None: without end.
        """
        for each in objects:
            if each not in self._sources:
                self._sources[each] = f"source{len(self._sources)}"
                columns = [Column("id"), *(Column(column, masked=True) for column in masked)]
                source = DataSource(
                    self._sources[each], connection=_CONNECTION, object=each, columns=columns
                )
                self.market.sources.register(source, by="gil")
                self.market.domains.assign("shop", [source.name], by="gil")
        length = None if days is None else Duration(days, "days")
        review = ReviewFlow.approve(justification="a conformance check", duration=length)
        form = self.market.forms.create(
            name,
            domain="shop",
            questions=[Question.short_answer("why", "Why?", required=False)],
            review=review,
            by="gil",
        )
        sources = [self._sources[each] for each in objects]
        made = self.market.products.publish(
            name, domain="shop", sources=sources, form=form.id, by="gil"
        )
        return made.id

    def ask(self, product: str, who: str) -> str:
        """Ask for access, which is approved at once; returns the request's id."""
        return self.market.requests.request_access(product, by=who).id

    def ask_unmasked(self, product: str, who: str, object: str, column: str) -> str:
        """Ask to see a masked column, which is approved at once; returns the request's id."""
        name = f"{self._sources[object]}.{column}"
        requests = self.market.requests
        return requests.request_masking_exception(product, columns=[name], by=who).id

    def end(self, request: str, who: str) -> None:
        """Give access back."""
        self.market.requests.relinquish(request, by=who)

    def deliver(self) -> None:
        """Do what is due now."""
        self.market.deliver()

    def settle(self) -> None:
        """Let an hour pass in which leases run out and everything is tried again."""
        for _ in range(6):
            self._clock.advance(minutes=10)
            self.market.deliver()

    def pass_days(self, days: int) -> None:
        """Let days pass in which no worker runs."""
        self._clock.advance(days=days)

    def dies(self, nth: int) -> bool:
        """Deliver with a worker that vanishes after its nth change; False if it made fewer."""
        self.worker.vanish_after(nth)
        try:
            self.market.deliver()
        except Crash:
            return True
        finally:
            self.worker.start_again()
        return False

    def state(self, who: str) -> str:
        """The state of somebody's newest grant."""
        return self._grants(who)[-1].state

    def trouble(self, who: str) -> str:
        """What is wrong with somebody's newest grant, for the message of a check that fails."""
        return "; ".join(f"{one.code}: {one.message}" for one in self._grants(who)[-1].trouble)

    def _grants(self, who: str) -> Sequence[GrantView]:
        return self.market.grants.of(who, ended=True, limit=1000, by=who).items

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.market.close()


class _Plugin:
    """Gives the marketplace's own installation id to the world."""

    def __init__(self, worker: _Mortal) -> None:
        self._worker = worker

    @hookimpl
    def marketplace_provisioners(self) -> Iterator[ProvisionerSpec]:
        """The provisioner that is being tested."""

        def build(_: Any, context: BuildContext) -> Provisioner:
            self._worker.installation = context.installation
            self._worker.start_again()
            built: Provisioner = self._worker
            return built

        yield ProvisionerSpec(name=_PLUGIN, build=build)


class _Mortal:
    """The provisioner of a worker process that can vanish after a change, before it hears of it."""

    def __init__(self, world: ProvisionerWorld) -> None:
        self.installation = ""
        self._world = world
        self._left = 0
        self._inner: Provisioner

    def start_again(self) -> None:
        """Be another process, which knows nothing of the last one."""
        self._left = 0
        self._inner = self._world.connect(self.installation)

    def vanish_after(self, nth: int) -> None:
        """Raise Crash when the nth change from now was made."""
        self._left = nth

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """As the provisioner does, while it lives."""
        for outcome in self._inner.apply(batch, call):
            if self._left and outcome.result == "done":
                self._left -= 1
                if not self._left:
                    raise Crash("after_apply")
            yield outcome

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
