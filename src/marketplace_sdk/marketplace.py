"""The composition root: puts storage, directory, platforms and notifiers together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from marketplace_sdk import _system
from marketplace_sdk._building import Builder, storage_of, wrong
from marketplace_sdk._configuration import read_configuration
from marketplace_sdk._plugins import PluginHost, PluginInfo
from marketplace_sdk.delivery.bench import Bench
from marketplace_sdk.delivery.chores import HISTORY, daily, forget_history, keep_daily
from marketplace_sdk.delivery.deliverer import Delivered, Deliverer
from marketplace_sdk.delivery.desk import Desk
from marketplace_sdk.delivery.digesting import Digester
from marketplace_sdk.delivery.doctoring import shortcomings
from marketplace_sdk.delivery.inspecting import Inspector
from marketplace_sdk.delivery.listeners import Listeners
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.delivery.uninstalling import install, preview_uninstall, uninstall
from marketplace_sdk.delivery.watching import DRIFT, schedule, watch
from marketplace_sdk.domain.events import Effects, Event, Timer
from marketplace_sdk.domain.links import links_of
from marketplace_sdk.domain.people import SYSTEM, Actor
from marketplace_sdk.domain.values import aware, check_flag, check_text
from marketplace_sdk.services._campaigning import CAMPAIGN, CAMPAIGN_TELL, CampaignWork
from marketplace_sdk.services._checking import check_whole
from marketplace_sdk.services._context import Context, SystemActor
from marketplace_sdk.services._health import Health, examine
from marketplace_sdk.services._leavers import LEAVERS, look_for_leavers
from marketplace_sdk.services._reminding import REMIND, remind
from marketplace_sdk.services._representing import deciders_of
from marketplace_sdk.services._stuck import look_again
from marketplace_sdk.services.audit import Audit
from marketplace_sdk.services.campaigns import Campaigns
from marketplace_sdk.services.declarations import Declarations
from marketplace_sdk.services.deliveries import Deliveries
from marketplace_sdk.services.deputies import Deputies
from marketplace_sdk.services.destinations import Destinations
from marketplace_sdk.services.domains import Domains
from marketplace_sdk.services.forms import Forms
from marketplace_sdk.services.grants import Grants
from marketplace_sdk.services.inbox import Inbox
from marketplace_sdk.services.people import People
from marketplace_sdk.services.preferences import Preferences
from marketplace_sdk.services.products import Products
from marketplace_sdk.services.requests import Requests
from marketplace_sdk.services.sources import Sources
from marketplace_sdk.work.gathering import DIGEST
from marketplace_sdk.work.reindexing import is_indexed, reindex
from marketplace_sdk.work.sealing import DAILY

if TYPE_CHECKING:
    from types import TracebackType

    from marketplace_sdk.domain.provisioned import Preview
    from marketplace_sdk.ports.directory import Directory
    from marketplace_sdk.ports.notifier import Notifier
    from marketplace_sdk.ports.provisioner import Provisioner
    from marketplace_sdk.ports.storage import Backlog, Storage

__all__ = ["Engine", "Marketplace", "Services", "storage_of"]


class Engine(Protocol):
    """What runs the delivery work; the built-in one is a loop in this process."""

    def run(self, market: Marketplace, stop: threading.Event) -> None:
        """Call ``market.deliver()`` whenever something may be due, until ``stop`` is set."""


class Services:
    """The use cases, bound to an actor or taking one with every call.

    Attributes:
        people: who is known, and who they are on each platform.
        domains: which sources are governed together.
        sources: what lies on the platforms.
        forms: request forms and data use agreements.
        products: what can be found and asked for.
        requests: ask, decide, cancel, extend, revoke.
        grants: who has what.
        deputies: who decides in a steward's place.
        campaigns: whether what people have is still needed.
        inbox: what people have been told.
        preferences: which ways people are told beside their inbox, and when.
        audit: what happened.
        deliveries: messages that could not be delivered.
        declarations: what files say that there should be.
        destinations: webhooks that are set up here, and how it stands with all of them.
    """

    def __init__(self, context: Context, actor: Actor | None = None) -> None:
        self._actor = actor
        self.people: People = People(context, actor)
        self.domains: Domains = Domains(context, actor)
        self.sources: Sources = Sources(context, actor)
        self.forms: Forms = Forms(context, actor)
        self.products: Products = Products(context, actor)
        self.requests: Requests = Requests(context, actor)
        self.grants: Grants = Grants(context, actor)
        self.deputies: Deputies = Deputies(context, actor)
        self.campaigns: Campaigns = Campaigns(context, actor)
        self.inbox: Inbox = Inbox(context, actor)
        self.preferences: Preferences = Preferences(context, actor)
        self.audit: Audit = Audit(context, actor)
        self.deliveries: Deliveries = Deliveries(context, actor)
        self.declarations: Declarations = Declarations(context, actor)
        self.destinations: Destinations = Destinations(context, actor)

    @property
    def actor(self) -> Actor | None:
        """Who the services are bound to; None when every call names one."""
        return self._actor


class Marketplace(Services):
    """A data-product marketplace whose approvals change the data platform by themselves.

    Safe to use from several threads. It authenticates nobody: whoever embeds it must have made
    sure who ``by`` is.

    Args:
        storage: a URL whose scheme names the storage plugin (``"sqlite:///marketplace.db"``),
            ``"memory"``, ``"env:NAME"`` or ``"file:PATH"`` where such a URL is kept, or an object
            that satisfies the Storage port.
        connections: by name: a dict with ``plugin`` (a name or an object), the plugin's settings,
            ``may_grant`` (patterns of the objects that may be granted), ``on_replaced``
            (``same_owner``, ``hold`` or ``always``) and ``added_by_hand`` (``take`` or
            ``keep``); or an object of an open world, such as ``testing.MemoryPlatform``.
        notifiers: dicts with ``plugin`` and its settings, or objects. ``receives`` in a dict says
            what it gets, of ``event``, ``notice`` and ``seal``; without it what its plugin says,
            which is never ``seal``.
        directory: None for people kept here, a dict with ``plugin``, or an object.
        clock: returns the time, aware; None means the system's.
        hide_products: products exist only for those who have to do with them.
        plugins: modules or objects with hook implementations, beside installed ones.
        discover: False to look at no installed plugin.
        block: names of plugins to leave out.
        delivery: leases, retries and deadlines of the delivery.
        engine: what ``run`` hands the delivery work to: a dict with ``plugin``, or an object.
        seal_every: how long the log of events is left without a new seal while ``deliver`` or a
            worker runs; None: only ``audit.seal()`` makes seals.
        links: pages of the portal by kind of thing, such as
            ``{"request": "https://portal.example/requests/{id}"}``; for inbox items, mail and
            webhooks.
        destinations: what holds for every webhook that is set up with ``market.destinations``:
            settings of the plugin ``webhook`` (or of another named by ``plugin``) such as
            ``allow_networks`` and ``ca_file``, and ``secrets``, patterns of the references that
            they may use (``["env:MARKETPLACE_WEBHOOK_*"]``).

    Raises:
        InvalidInput: a setting is wrong; says which.
        PluginError: a plugin that was chosen is missing or broken.
        StorageError: the store cannot be opened.
    """

    def __init__(
        self,
        storage: str | Storage = "memory",
        *,
        connections: Mapping[str, Mapping[str, Any] | Provisioner] | None = None,
        notifiers: Sequence[Mapping[str, Any] | Notifier] = (),
        directory: Mapping[str, Any] | Directory | None = None,
        clock: Callable[[], datetime] | None = None,
        hide_products: bool = False,
        plugins: Iterable[object] = (),
        discover: bool = True,
        block: Iterable[str] = (),
        delivery: Settings | None = None,
        engine: Mapping[str, Any] | Engine | None = None,
        seal_every: timedelta | None = DAILY,
        links: Mapping[str, str] | None = None,
        destinations: Mapping[str, Any] | None = None,
    ) -> None:
        pages = links_of(links or {})
        if seal_every is not None and seal_every <= timedelta(0):
            raise wrong("seal_every", "must be more than 0, or None")
        self._clock = _checked(clock) if clock is not None else _system.utc_now
        self._seal_every = seal_every
        self._host = PluginHost(discover=discover, block=tuple(block), extra=tuple(plugins))
        self._parts = Builder(self._host, self._clock)
        try:
            self._storage = self._parts.storage(storage)
            people = self._parts.directory(directory)
            platforms = self._parts.connections(connections or {})
            listeners = self._parts.listeners(notifiers)
            build, secrets = self._parts.destinations(destinations)
            self._engine: Engine = self._parts.engine(engine)
        except BaseException:
            self.close()
            raise
        desk = Desk(storage=self._storage, clock=self._clock, ids=_system.new_id)
        told = Listeners(
            desk=desk,
            monotonic=_system.monotonic,
            settings=delivery or Settings(),
            configured=listeners,
            build=build,
            secrets=secrets,
        )
        self._parts.closes(told)
        bench = Bench(
            desk=desk,
            monotonic=_system.monotonic,
            settings=delivery or Settings(),
            installation=self._parts.installation,
            connections=platforms,
            directory=people,
            check_plan=self._host.check_plan,
        )
        self._context = Context(
            storage=self._storage,
            directory=people,
            clock=self._clock,
            ids=_system.new_id,
            plugins=self._host,
            connections={name: link.plugin.split(" ", 1)[0] for name, link in platforms.items()},
            platforms=Inspector(bench),
            sender=told,
            own_people=directory is None,
            hide_products=hide_products,
            links=pages,
        )
        super().__init__(self._context)
        self._deliverer = Deliverer(
            storage=self._storage,
            clock=self._clock,
            monotonic=_system.monotonic,
            random=_system.jitter,
            ids=_system.new_id,
            installation=self._parts.installation,
            owner=_system.worker_name(),
            connections=platforms,
            listeners=told,
            directory=people,
            deciders=partial(deciders_of, self._context),
            check_plan=self._host.check_plan,
            settings=delivery or Settings(),
            seal_every=seal_every,
            links=pages,
            handlers={
                "stuck": self._look_stuck,
                DRIFT: partial(watch, bench),
                HISTORY: self._forget_history,
                REMIND: self._remind,
                CAMPAIGN: lambda timer: CampaignWork(self._context).step(timer),
                CAMPAIGN_TELL: lambda timer: CampaignWork(self._context).tell(timer),
                LEAVERS: self._look_for_leavers,
                DIGEST: Digester(desk=desk, directory=people, listeners=told, links=pages).run,
            },
        )
        self._bench = bench
        self._scheduled = False

    @classmethod
    def from_config(cls, path: str | Path = "marketplace.toml") -> Self:
        """A marketplace as a configuration file says; see docs/reference/configuration.

        Raises:
            InvalidInput: the file cannot be read, or something in it is wrong; says where.
            PluginError, StorageError: as when it is made without a file.
        """
        return cls(**read_configuration(path))

    @staticmethod
    def migrate(
        storage: str,
        *,
        plugins: Iterable[object] = (),
        discover: bool = True,
        block: Iterable[str] = (),
    ) -> tuple[str, str]:
        """Bring the schema of a storage to that of this release.

        A marketplace cannot be opened on an older one. Safe to run at every start and on every
        machine: whoever comes first does it, and nothing is lost.

        Args:
            storage: its URL, or ``env:NAME`` or ``file:PATH`` for where that is kept.
            plugins: as for the marketplace itself; so are ``discover`` and ``block``.

        Returns:
            The versions before and after; empty texts for a storage that has no schema, the first
            one empty for a storage in which there was nothing.

        Raises:
            InvalidInput: the URL is wrong.
            PluginError: the plugin that the URL names is missing or broken.
            StorageError: the storage cannot be reached, or the schema is newer than this release.
        """
        host = PluginHost(discover=discover, block=tuple(block), extra=tuple(plugins))
        built = storage_of(storage, host, _system.utc_now)
        try:
            migrate: Callable[[], tuple[str, str]] | None = getattr(built, "migrate", None)
            versions = ("", "") if migrate is None else migrate()
            built.setup()
            if not is_indexed(built):
                reindex(built, now=_system.utc_now, ids=_system.new_id)
            return versions
        finally:
            built.close()

    @property
    def installation(self) -> str:
        """The short id that marks what is ours on every platform."""
        return self._parts.installation

    def acting(self, actor: Actor | str) -> Services:
        """The same services for one actor, so that ``by=`` may be left out."""
        return Services(self._context, Actor(actor) if isinstance(actor, str) else actor)

    def as_system(self, reason: str) -> Services:
        """The services for a job of the company's own, which no person does; audited.

        A job may do what GOVERNANCE, USER_ADMIN, APPLICATION_ADMIN and AUDIT may; it never
        decides a request and never asks for access.
        """
        why = check_text(reason, "reason", required=True)
        with self._context.unit(SYSTEM) as unit:
            event = Event(type="system.acting", aggregate="system", data={"reason": why})
            unit.keep(Effects(events=(event,)))
        return Services(self._context, SystemActor(SYSTEM, via=why))

    def deliver(self, *, limit: int | None = None) -> Delivered:
        """Do everything that is due now: expiries, changes on platforms, messages.

        Args:
            limit: how many keys of work are claimed at a time; None means the setting.

        Returns:
            How much was done, and how much failed and will be tried again.
        """
        if limit is not None:
            check_whole(limit, "limit", least=1)
        if not self._scheduled:
            schedule(self._bench, self._bench.connections)
            chores = (HISTORY, REMIND) if self._context.own_people else (HISTORY, REMIND, LEAVERS)
            daily(self._bench.desk, chores)
            self._scheduled = True
        return self._deliverer.deliver(limit=limit)

    def run(self, stop: threading.Event | None = None) -> None:
        """Hand the delivery work to the engine until ``stop`` is set; this is a worker's whole job.

        Args:
            stop: ask it to come to an end; None means for ever.

        Raises:
            StorageError: storage failed in a way that trying again does not mend.
        """
        self._engine.run(self, stop or threading.Event())

    def uninstall(self, connection: str, *, dry_run: bool = True) -> Preview:
        """Leave a platform as it was; an operator's call, which acts as system.

        Everything of ours is taken away, through the same passes as everything else, and nothing
        that was there before or that others gave. Approved grants stay approved and say why they
        are not active. ``install`` opens the connection again.

        Args:
            connection: its name.
            dry_run: only show what would be taken away.

        Returns:
            What is, or would be, taken away; in earnest, ``problems`` says what is still there.

        Raises:
            NotFound: there is no such connection.
        """
        check_flag(dry_run, "dry_run")
        if dry_run:
            return preview_uninstall(self._bench, connection)
        return uninstall(self._bench, connection, self.deliver)

    def install(self, connection: str) -> None:
        """Open a connection again that was uninstalled; an operator's call.

        Raises:
            NotFound: there is no such connection.
            Conflict: it is not uninstalled.
        """
        install(self._bench, connection)

    def plugins(self) -> list[PluginInfo]:
        """Every plugin: where it comes from, what it provides, what is wrong with it."""
        return self._host.describe()

    def health(self, *, platforms: bool = False) -> Health:
        """Whether it is well: storage, work that waits, clocks, log, seals and plugins.

        Args:
            platforms: ask platforms too what our logins lack, where their plugins can tell; each
                shortcoming comes with the statement that an administrator must run.
        """
        return examine(
            self._storage,
            now=self._clock(),
            plugins=self._host.describe(),
            seal_every=self._seal_every,
            platforms=shortcomings(self._bench) if platforms else None,
        )

    def backlog(self) -> tuple[Backlog, ...]:
        """How much work waits, by the name of its queue; an operator's call, which reads none.

        Raises:
            StorageError: the storage does not answer.
        """
        with self._storage.begin(write=False) as rows:
            return tuple(rows.backlog(self._clock()))

    def close(self) -> None:
        """Let go of connections and files. May be called twice."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _forget_history(self, _: Timer) -> None:
        forget_history(self._bench.desk, timedelta(seconds=self._bench.settings.history))

    def _remind(self, _: Timer) -> None:
        remind(self._context, lambda unit: keep_daily(unit, REMIND))

    def _look_for_leavers(self, _: Timer) -> None:
        if not self._context.own_people:  # it was elsewhere when the timer was set
            look_for_leavers(self._context, lambda unit: keep_daily(unit, LEAVERS))

    def _look_stuck(self, timer: Timer) -> None:
        look_again(self._context, timer.about.split(":", 1)[1])


def _checked(clock: Callable[[], datetime]) -> Callable[[], datetime]:
    aware(clock(), "clock")
    return lambda: aware(clock(), "clock")
