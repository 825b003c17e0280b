"""What every service shares: who acts, units of work, retries after a lost race."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from attrs import evolve, frozen

from marketplace_sdk._plugins import PluginHost
from marketplace_sdk.domain.links import NO_LINKS, Links
from marketplace_sdk.domain.people import SYSTEM, Actor, Facts, GroupFacts, Person
from marketplace_sdk.domain.selectors import RESERVED_PERMISSIONS, StewardSelector
from marketplace_sdk.domain.values import aware, check_id
from marketplace_sdk.errors import DirectoryError, MarketplaceError, NotAllowed, StaleRevision
from marketplace_sdk.ports.directory import Directory
from marketplace_sdk.ports.storage import Storage
from marketplace_sdk.services._platforms import Platforms
from marketplace_sdk.services._sender import Sender
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
        platforms: the data platforms behind them.
        sender: destinations, and what reaches them.
        own_people: people are kept here, not in a directory elsewhere.
        hide_products: products exist only for those who have to do with them.
        links: templates of the portal's pages.
    """

    storage: Storage
    directory: Directory
    clock: Callable[[], datetime]
    ids: Callable[[], str]
    plugins: PluginHost
    connections: Mapping[str, str]
    platforms: Platforms
    sender: Sender
    own_people: bool = True
    hide_products: bool = False
    links: Links = NO_LINKS

    def unit(self, actor: str, *, write: bool = True) -> AbstractContextManager[Unit]:
        """One unit of work."""
        return unit_of_work(
            self.storage,
            now=self.clock(),
            ids=self.ids,
            actor=actor,
            write=write,
        )

    def person(self, id: str) -> Person | None:
        """A person, freshly from the directory.

        A directory that answers with somebody of another id, for example in other case, does not
        know this one: two ids for one person would let them decide for themselves.

        Raises:
            DirectoryError: the directory cannot be read, or what it says is too old.
        """
        found = self._asked(lambda: self.directory.person(id), Person)
        if found is None or found.id != id:
            return None
        now = self.clock()
        try:
            as_of = now if found.as_of is None else aware(found.as_of, "as_of")
        except MarketplaceError as error:
            raise _unreadable("what it says is of no certain time") from error
        if now - as_of > OLDEST_FACTS:
            raise DirectoryError(
                f"cannot act: the directory's facts are older than {OLDEST_FACTS}",
                retryable=True,
                hint="make the directory answer afresh",
            )
        return evolve(found, as_of=as_of)

    def group(self, name: str) -> GroupFacts | None:
        """A group, freshly from the directory; one of another name is not it.

        Raises:
            DirectoryError: the directory cannot be read.
        """
        found = self._asked(lambda: self.directory.group(name), GroupFacts)
        return found if found is not None and found.name == name else None

    def members(self, selector: StewardSelector, limit: int) -> list[str]:
        """Ids of people whom a selector names, at most ``limit``.

        Raises:
            DirectoryError: the directory cannot be read.
        """
        found = self._asked(lambda: list(self.directory.members(selector, limit)), list)
        return [id for id in found or () if isinstance(id, str)][:limit]

    @staticmethod
    def _asked(ask: Callable[[], object], kind: type[T]) -> T | None:
        """What the directory answers; whatever its code raises, without an answer nobody acts."""
        try:
            found = ask()
        except MarketplaceError:
            raise
        except Exception as error:
            raise _unreadable(type(error).__name__) from error
        if found is None or isinstance(found, kind):
            return found
        raise _unreadable(f"it answered with {type(found).__name__}")


def _unreadable(why: str) -> DirectoryError:
    return DirectoryError(
        f"cannot read the directory: {why}",
        retryable=True,
        hint="make the directory answer, and try again",
    )


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
        who = self._who(by)
        if isinstance(who, Person):
            return who
        return _active(None if who == SYSTEM else self._context.person(who), who)

    def _who(self, by: By) -> Person | str:
        """Who acts, as far as nobody has to be asked: a job, or somebody's id.

        Raises:
            NotAllowed: nobody.
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
        return check_id(actor.person if isinstance(actor, Actor) else actor, "by")

    def _decider(self, by: By) -> Person | str:
        """Whoever acts, or their id if they are kept here: then their unit of work reads them.

        Raises:
            NotAllowed: as ``_person``, for what is known before the unit of work.
        """
        return self._who(by) if self._context.own_people else self._person(by)

    @contextmanager
    def _reading(self, by: By) -> Iterator[tuple[Unit, Facts]]:
        """A unit for reading, and the facts of who reads."""
        person = self._person(by)
        with self._context.unit(person.id, write=False) as unit:
            yield unit, unit.facts(person)

    def _deciding(
        self, by: By, work: Callable[[Unit, Facts], T], *ahead: tuple[type[Any], str]
    ) -> T:
        """Run ``work`` in one unit of work; decide again when a race was lost.

        ``work`` must not have effects outside its unit: it may run several times. ``ahead`` are
        kinds and ids of what it will ask for.

        Raises:
            StaleRevision: the race was lost every time.
        """
        return self._as(self._decider(by), work, *ahead)

    def _as(
        self,
        who: Person | str,
        work: Callable[[Unit, Facts], T],
        *ahead: tuple[type[Any], str],
        guess: Callable[[Unit], None] | None = None,
    ) -> T:
        """The same for whoever ``_decider`` found; ``guess`` says more of what is likely asked."""
        id = who.id if isinstance(who, Person) else who
        for attempt in range(MOST_TRIES):
            try:
                with self._context.unit(id) as unit:
                    unit.ahead(*ahead)
                    if guess is not None:
                        guess(unit)
                    if not isinstance(who, Person):
                        unit.ahead_of_facts(id)
                    person = who if isinstance(who, Person) else _stored(unit, id)
                    return work(unit, unit.facts(person))
            except StaleRevision:
                if attempt == MOST_TRIES - 1:
                    raise
        raise AssertionError("unreachable")  # pragma: no cover - the loop returns or raises


def _stored(unit: Unit, id: str) -> Person:
    """Who acts, read in the unit they act in: if they change meanwhile, it does not count."""
    person = None if id == SYSTEM else unit.get(Person, id)
    return evolve(_active(person, id), as_of=unit.now)


def _active(person: Person | None, id: str) -> Person:
    if person is None or not person.active:
        raise NotAllowed(
            f"cannot act as {id}: unknown or inactive",
            actor=id,
            code="unknown_actor",
            hint="people act under the id that the directory knows",
        )
    return person
