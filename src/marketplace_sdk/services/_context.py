"""What every service shares: who acts, units of work, retries after a lost race."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from attrs import evolve, frozen

from marketplace_sdk._plugins import PluginHost
from marketplace_sdk.domain.people import SYSTEM, Actor, Facts, Person
from marketplace_sdk.domain.selectors import RESERVED_PERMISSIONS
from marketplace_sdk.domain.values import check_id
from marketplace_sdk.errors import DirectoryError, MarketplaceError, NotAllowed, StaleRevision
from marketplace_sdk.ports.directory import Directory
from marketplace_sdk.ports.storage import Storage
from marketplace_sdk.work.unit import Unit, unit_of_work

__all__ = ["By", "Context", "Service", "SystemActor"]

T = TypeVar("T")

OLDEST_FACTS = timedelta(seconds=60)
MOST_TRIES = 8


@frozen
class SystemActor(Actor):
    """A job of the marketplace itself; ``via`` says which. Never made from a text."""


By = str | Actor | None


@frozen(kw_only=True)
class Context:
    """What a marketplace is made of, as far as services need it.

    Attributes:
        storage: where everything is kept.
        directory: who people are.
        clock: returns the time, aware.
        ids: makes new ids.
        plugins: for check hooks and question types.
        connections: label of each configured connection's platform, by name.
        listeners: names of the notifiers that receive events.
        own_people: people are kept here, not in a directory elsewhere.
        hide_products: products exist only for those who have to do with them.
    """

    storage: Storage
    directory: Directory
    clock: Callable[[], datetime]
    ids: Callable[[], str]
    plugins: PluginHost
    connections: Mapping[str, str]
    listeners: tuple[str, ...] = ()
    own_people: bool = True
    hide_products: bool = False

    def unit(self, actor: str, *, write: bool = True) -> AbstractContextManager[Unit]:
        """One unit of work."""
        return unit_of_work(
            self.storage,
            now=self.clock(),
            ids=self.ids,
            actor=actor,
            listeners=self.listeners,
            write=write,
        )

    def person(self, id: str) -> Person | None:
        """A person, freshly from the directory.

        Raises:
            DirectoryError: the directory cannot be read, or what it says is too old.
        """
        try:
            found = self.directory.person(id)
        except MarketplaceError:
            raise
        except Exception as error:
            # Whatever the directory's code raises: without an answer nobody acts.
            raise DirectoryError(
                f"cannot read the directory: {type(error).__name__}",
                retryable=True,
                hint="make the directory answer, and try again",
            ) from error
        if found is None:
            return None
        now = self.clock()
        as_of = found.as_of or now
        if now - as_of > OLDEST_FACTS:
            raise DirectoryError(
                f"cannot act: the directory's facts are older than {OLDEST_FACTS}",
                retryable=True,
                hint="make the directory answer afresh",
            )
        return found if found.as_of else evolve(found, as_of=now)


class Service:
    """Base of all services: binds an actor and runs units of work."""

    def __init__(self, context: Context, actor: Actor | None = None) -> None:
        self._context = context
        self._bound = actor

    def acting(self, actor: Actor) -> Service:
        """The same service bound to an actor, so that ``by=`` may be left out."""
        return type(self)(self._context, actor)

    def _person(self, by: By) -> Person:
        """Who acts.

        Raises:
            NotAllowed: nobody, a reserved id, somebody unknown or inactive.
        """
        actor = by if by is not None else self._bound
        if actor is None:
            raise NotAllowed(
                "cannot act without an actor",
                code="no_actor",
                hint="pass by=<id of the person>, or use market.acting(actor)",
            )
        if isinstance(actor, SystemActor):
            return Person(
                id=SYSTEM,
                permissions=frozenset(RESERVED_PERMISSIONS),
                as_of=self._context.clock(),
            )
        id = actor.person if isinstance(actor, Actor) else actor
        check_id(id, "by")
        person = None if id == SYSTEM else self._context.person(id)
        if person is None or not person.active:
            raise NotAllowed(
                "cannot act: the actor is unknown or inactive",
                actor=id,
                code="unknown_actor",
                hint="people act under the id that the directory knows",
            )
        return person

    @contextmanager
    def _reading(self, by: By) -> Iterator[tuple[Unit, Facts]]:
        """A unit for reading, and the facts of who reads."""
        person = self._person(by)
        with self._context.unit(person.id, write=False) as unit:
            yield unit, unit.facts(person)

    def _deciding(self, by: By, work: Callable[[Unit, Facts], T]) -> T:
        """Run ``work`` in one unit of work; decide again when a race was lost.

        ``work`` must not have effects outside its unit: it may run several times.

        Raises:
            StaleRevision: the race was lost every time.
        """
        person = self._person(by)
        return self._as(person, work)

    def _as(self, person: Person, work: Callable[[Unit, Facts], T]) -> T:
        for attempt in range(MOST_TRIES):
            try:
                with self._context.unit(person.id) as unit:
                    return work(unit, unit.facts(person))
            except StaleRevision:
                if attempt == MOST_TRIES - 1:
                    raise
        raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises
