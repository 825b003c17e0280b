"""Webhooks that an APPLICATION_ADMIN sets up, and how it stands with every destination."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from attrs import evolve, field, frozen

from marketplace_sdk.domain.destinations import (
    INCLUDED,
    Delivery,
    DeliveryState,
    Destination,
    Format,
    Standing,
    StandingState,
    Subscription,
    TestCall,
)
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.rights import require, roles_in
from marketplace_sdk.domain.values import aware, check_id, check_text
from marketplace_sdk.errors import Conflict, DuplicateName, NotFound
from marketplace_sdk.services._checking import check_choice
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.services._describing import (
    format_of,
    id_of,
    reference_of,
    same,
    some_of,
    url_of,
    wrong,
)
from marketplace_sdk.services._redelivering import redeliver_one, redeliver_range
from marketplace_sdk.wire.published import EVENT_TYPES
from marketplace_sdk.work.pages import Page
from marketplace_sdk.work.unit import Unit

__all__ = ["DestinationView", "Destinations"]

OVERLAP = timedelta(days=1)
LONGEST_OVERLAP = timedelta(days=90)
MOST = 1000
"""Destinations; each costs a row for every event that it wants."""


@frozen(kw_only=True)
class DestinationView:
    """A destination as an administrator reads it; never with a secret.

    Attributes:
        id: of a destination, or the name of a notifier of the configuration.
        origin: ``stored``, or ``configuration``, which is changed there only.
        url: where to; empty for one of the configuration.
        receives: some of ``event``, ``notice`` and ``seal``.
        types: types of events and kinds of notices; empty: all.
        include: some of ``answers``, ``inquiries`` and ``reasons``.
        format: ``standard`` or ``cloudevents``; empty for one of the configuration.
        description: for people.
        both_until: until when the secret before the newest one signs too, or None.
        state: active, disabled or suspended.
        reason: why it is not active.
        since: since when it is not.
        failing_since: since when nothing could be delivered, or None.
    """

    id: str
    origin: Literal["stored", "configuration"]
    url: str = field(default="", repr=False)
    receives: frozenset[str]
    types: frozenset[str]
    include: frozenset[str]
    format: str = ""
    description: str = ""
    both_until: datetime | None = None
    state: StandingState = "active"
    reason: str = ""
    since: datetime | None = None
    failing_since: datetime | None = None


class Destinations(Service):
    """Where events go (APPLICATION_ADMIN).

    Those of the configuration are shown, too, and can be tried, disabled and sent to again; what
    they are is changed in the configuration.
    """

    def create(
        self,
        url: str,
        *,
        secret: str,
        types: Iterable[str] = (),
        include: Iterable[str] = (),
        format: Format = "standard",
        description: str = "",
        id: str | None = None,
        by: By = None,
    ) -> DestinationView:
        """Set up a webhook; it gets what happens from now on.

        Args:
            url: where to.
            secret: ``env:NAME`` or ``file:PATH`` where the secret is kept, of those that the
                configuration lets destinations use; workers read it too.
            types: types of events; none means all, those of later releases included.
            include: some of ``answers``, ``inquiries`` and ``reasons``, which leave nowhere else.
            format: ``standard`` or ``cloudevents``.
            description: for people.
            id: chosen by the caller; the same destination again is a no-op.
            by: who sets it up.

        Raises:
            InvalidInput: naming each setting that is wrong.
            PluginError: no plugin sends webhooks.
            DuplicateName, NotAllowed.
        """
        new = Destination(
            id=self._context.ids() if id is None else id_of(id),
            url=url_of(url),
            secrets=(reference_of(secret),),
            types=some_of(types, "types", EVENT_TYPES),
            include=some_of(include, "include", INCLUDED),
            format=format_of(format),
            description=check_text(description, "description"),
            created_at=self._context.clock(),
            created_by=self._allowed(by),
        )
        self._context.sender.check(new)

        def work(unit: Unit, facts: Facts) -> DestinationView:
            self._may(facts)
            known = unit.get(Destination, new.id)
            if known is not None:
                if not known.deleted and same(known, new):
                    return self._view(unit, known)
                raise DuplicateName(
                    f"cannot create destination {new.id}: the id is taken", existing=new.id
                )
            if len(unit.find(Destination, ("kept", ["yes"]), limit=MOST)) == MOST:
                raise Conflict(f"cannot create destination {new.id}: there are {MOST} already")
            saved = unit.save(evolve(new, created_at=unit.now, created_by=facts.id))
            unit.log("destination.created", _about(new.id), **_told(saved))
            return self._view(unit, saved)

        return self._deciding(by, work)

    def update(
        self,
        id: str,
        *,
        url: str | None = None,
        types: Iterable[str] | None = None,
        include: Iterable[str] | None = None,
        format: Format | None = None,
        description: str | None = None,
        by: By = None,
    ) -> DestinationView:
        """Change a webhook; what is None stays. Messages that wait go to the new address."""
        changes: dict[str, Any] = {}
        if url is not None:
            changes["url"] = url_of(url)
        if types is not None:
            changes["types"] = some_of(types, "types", EVENT_TYPES)
        if include is not None:
            changes["include"] = some_of(include, "include", INCLUDED)
        if format is not None:
            changes["format"] = format_of(format)
        if description is not None:
            changes["description"] = check_text(description, "description")
        return self._change(
            id, by, "update", "destination.updated", lambda known, _: evolve(known, **changes)
        )

    def rotate_secret(
        self, id: str, *, secret: str, overlap: timedelta = OVERLAP, by: By = None
    ) -> DestinationView:
        """Sign with a new secret, and with the one before it until the overlap is over.

        Args:
            id: of the destination.
            secret: reference of the new one.
            overlap: up to 90 days; the receiver must know the new secret by then.
            by: who does it.
        """
        reference = reference_of(secret)
        if not isinstance(overlap, timedelta) or not timedelta(0) <= overlap <= LONGEST_OVERLAP:
            raise wrong("overlap", "must be a timedelta of 0 to 90 days")

        def rotate(known: Destination, now: datetime) -> Destination:
            if known.secrets[0] == reference:
                raise wrong("secret", "is the one in use already")
            return known.rotated(reference, now, overlap)

        return self._change(id, by, "rotate", "destination.secret_rotated", rotate)

    def disable(self, id: str, *, reason: str, by: By = None) -> DestinationView:
        """Send nothing there any more; what waits is kept for when it is enabled again."""
        why = check_text(reason, "reason", required=True)

        def work(unit: Unit, facts: Facts) -> DestinationView:
            known = self._known(unit, facts, id, "disable")
            before = unit.get(Standing, id) or Standing(name=id)
            if before.state != "disabled":
                unit.save(before.stopped("disabled", why, unit.now))
                unit.log("destination.disabled", _about(id), why=why)
            return self._view(unit, known)

        return self._deciding(by, work)

    def enable(self, id: str, *, by: By = None) -> DestinationView:
        """Send there again: first what waited, in order; ``redeliver`` brings what was missed."""

        def work(unit: Unit, facts: Facts) -> DestinationView:
            known = self._known(unit, facts, id, "enable")
            before = unit.get(Standing, id)
            if before is not None and not before.active:
                unit.save(before.opened())
                unit.log("destination.enabled", _about(id))
            return self._view(unit, known)

        return self._deciding(by, work)

    def delete(self, id: str, *, by: By = None) -> None:
        """Forget a webhook and what waits for it; its id is never used again."""

        def work(unit: Unit, facts: Facts) -> None:
            known = self._stored(self._known(unit, facts, id, "delete"), id)
            standing = unit.get(Standing, id)
            if standing is not None:
                unit.delete(standing)
            unit.save(evolve(known, deleted=True, url="", secrets=(), updated_at=unit.now))
            unit.log("destination.deleted", _about(id))

        self._deciding(by, work)

    def get(self, id: str, *, by: By = None) -> DestinationView:
        """One destination, stored or of the configuration."""
        with self._reading(by) as (unit, facts):
            return self._view(unit, self._known(unit, facts, id, "get"))

    def find(
        self, *, after: str | None = None, limit: int = 100, by: By = None
    ) -> Page[DestinationView]:
        """All destinations: first those of the configuration by name, then stored ones by id."""
        with self._reading(by) as (unit, facts):
            self._may(facts)
            page = unit.page(Destination, ("kept", ["yes"]), after=after, limit=limit)
            configured = self._context.sender.configured
            first = () if after is not None else sorted(configured)
            views = [self._view(unit, configured[name]) for name in first]
            return Page([*views, *(self._view(unit, each) for each in page)], page.next)

    def history(
        self,
        id: str,
        *,
        state: DeliveryState | None = None,
        after: str | None = None,
        limit: int = 100,
        by: By = None,
    ) -> Page[Delivery]:
        """What became of messages there, the latest to happen first.

        A message is listed from its first attempt on.
        """
        check_choice(state, "state", get_args(DeliveryState))
        with self._reading(by) as (unit, facts):
            self._known(unit, facts, id, "read history of")
            where = [("destination", [id])]
            if state is not None:
                where.append(("state", [state]))
            return unit.page(Delivery, *where, after=after, limit=limit, descending=True)

    def redeliver(
        self,
        id: str,
        *,
        message: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        by: By = None,
    ) -> int:
        """Send again, under the same message ids: one message, or all that happened in a time.

        What the destination gets today is sent: its types, with what it includes. Events whose
        payload was erased are not. What still waits is not sent twice.

        Args:
            id: of the destination.
            message: id of one message.
            since: from then on, instead of a message.
            until: before then; None: up to now.
            by: who does it.

        Returns:
            How many messages will be sent.

        Raises:
            Conflict: nothing is sent there now; enable it first.
            NotFound: there is no such destination, or no such message.
        """
        if (message is None) == (since is None):
            raise wrong("message", "give either a message or since")
        one = None if message is None else check_id(message, "message")
        first = None if since is None else aware(since, "since")
        last = None if until is None else aware(until, "until")

        def ready(unit: Unit, facts: Facts) -> Subscription:
            known = self._known(unit, facts, id, "redeliver to")
            standing = unit.get(Standing, id)
            if standing is not None and not standing.active:
                raise Conflict(
                    f"cannot redeliver to destination {id}: it is {standing.state}",
                    hint="enable it first",
                )
            return known.subscription if isinstance(known, Destination) else known

        def run(work: Callable[[Unit, Subscription], int]) -> int:
            return self._deciding(by, lambda unit, facts: work(unit, ready(unit, facts)))

        links = self._context.links
        if one is not None:
            return run(lambda unit, to: redeliver_one(unit, to, one, links))
        assert first is not None  # noqa: S101  # one of the two was given
        with self._reading(by) as (unit, facts):
            ready(unit, facts)
        return redeliver_range(self._context.storage, run, first, last, links)

    def test(self, id: str, *, by: By = None) -> TestCall:
        """Call it once, now, with something of type ``test``; also when it is not active.

        What gets events gets one; what only tells people, such as mail and chat, gets a notice for
        whoever tries, at the address that the directory knows. Nothing of it is kept but that it
        was tried, and whether it was delivered.
        """

        def work(unit: Unit, facts: Facts) -> Destination | None:
            known = self._known(unit, facts, id, "test")
            return known if isinstance(known, Destination) else None

        tester = self._person(by)
        destination = self._as(tester, work)
        result = self._context.sender.call(id, destination, tester)

        def note(unit: Unit, facts: Facts) -> None:
            self._may(facts)
            unit.log("destination.tested", _about(id), delivered=result.delivered)

        self._as(tester, note)
        return result

    # -- inside ---------------------------------------------------------------------------

    def _allowed(self, by: By) -> str:
        """Who acts; refused before their destination is looked at, let alone its secret."""
        with self._reading(by) as (_, facts):
            self._may(facts)
            return facts.id

    def _may(self, facts: Facts) -> None:
        require("destination.manage", roles_in(facts), facts, "destinations")

    def _known(self, unit: Unit, facts: Facts, id: str, verb: str) -> Destination | Subscription:
        self._may(facts)
        configured = self._context.sender.configured.get(id) if isinstance(id, str) else None
        if configured is not None:
            return configured
        known = unit.need(Destination, id, verb)
        if known.deleted:
            raise NotFound(verb, "destination", id)
        return known

    def _stored(self, known: Destination | Subscription, id: str) -> Destination:
        if isinstance(known, Subscription):
            raise Conflict(
                f"cannot change destination {id}: it is of the configuration",
                code="configured",
                hint="change it there, or disable it",
            )
        return known

    def _change(
        self,
        id: str,
        by: By,
        verb: str,
        event: str,
        change: Callable[[Destination, datetime], Destination],
    ) -> DestinationView:
        with self._reading(by) as (unit, facts):
            known = self._stored(self._known(unit, facts, id, verb), id)
            wanted = change(known, unit.now)
        self._context.sender.check(wanted)

        def work(unit: Unit, facts: Facts) -> DestinationView:
            known = self._stored(self._known(unit, facts, id, verb), id)
            after = change(known, unit.now)
            if after != known:
                after = unit.save(evolve(after, updated_at=unit.now))
                unit.log(event, _about(id), **_told(after))
            return self._view(unit, after)

        return self._deciding(by, work)

    def _view(self, unit: Unit, known: Destination | Subscription) -> DestinationView:
        stored = known if isinstance(known, Destination) else None
        gets = known.subscription if isinstance(known, Destination) else known
        standing = unit.get(Standing, gets.name) or Standing(name=gets.name)
        both = None if stored is None else stored.both_until
        return DestinationView(
            id=gets.name,
            origin="configuration" if stored is None else "stored",
            url="" if stored is None else stored.url,
            receives=gets.receives,
            types=gets.types,
            include=gets.include,
            format="" if stored is None else stored.format,
            description="" if stored is None else stored.description,
            both_until=both if both is not None and unit.now < both else None,
            state=standing.state,
            reason=standing.reason,
            since=standing.since,
            failing_since=standing.failing_since,
        )


def _about(id: str) -> str:
    return f"destination:{id}"


def _told(known: Destination) -> dict[str, Any]:
    """What the log says of it: an address may hold a token, so only how it is signed and chosen."""
    return {
        "types": sorted(known.types),
        "include": sorted(known.include),
        "format": known.format,
        "secrets": list(known.secrets),
    }
