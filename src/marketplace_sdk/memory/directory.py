"""Two directories: the people whom the marketplace stores itself, and people made up for a test."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.domain.people import SYSTEM, Facts, GroupFacts, Person
from marketplace_sdk.errors import DirectoryError, StorageError
from marketplace_sdk.memory.faults import Failures
from marketplace_sdk.work.unit import Unit, unit_of_work

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from marketplace_sdk.domain.selectors import StewardSelector
    from marketplace_sdk.ports.storage import Storage

__all__ = ["MemoryDirectory", "StoredDirectory"]


class StoredDirectory:
    """The built-in directory: whoever was added with ``market.people``.

    Args:
        storage: the marketplace's own.
        clock: returns an aware datetime; what was read is as of then.
    """

    def __init__(self, storage: Storage, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._clock = clock

    def person(self, id: str) -> Person | None:
        """The stored person, active or not, as of now; None if unknown.

        Raises:
            DirectoryError: the store could not be read.
        """
        return self.find_people([id]).get(id)

    def find_people(self, ids: Collection[str]) -> Mapping[str, Person]:
        """Those of these people who are stored, active or not, as of now; in one unit.

        Raises:
            DirectoryError: the store could not be read.
        """
        now = self._clock()
        try:
            with self._reading(now) as unit:
                unit.ahead(*((Person, id) for id in ids))
                found = {id: unit.get(Person, id) for id in ids}
        except StorageError as error:
            raise _unreadable(error) from error
        return {id: evolve(each, as_of=now) for id, each in found.items() if each is not None}

    def group(self, name: str) -> GroupFacts | None:
        """The stored group, or one without principals when some active person is in it.

        Raises:
            DirectoryError: the store could not be read.
        """
        try:
            with self._reading(self._clock()) as unit:
                found = unit.get(GroupFacts, name)
                if found is None and unit.find(Person, ("token", [f"group:{name}"]), limit=1):
                    found = GroupFacts(name=name)
        except StorageError as error:
            raise _unreadable(error) from error
        return found

    def members(self, selector: StewardSelector, limit: int) -> Sequence[str]:
        """Ids of active people who match, sorted; nobody holds a domain permission here.

        Raises:
            DirectoryError: the store could not be read.
        """
        found: list[str] = []
        after: tuple[str, str] | None = None
        try:
            with self._reading(self._clock()) as unit:
                while len(found) < limit:
                    those = unit.find(Person, ("token", [selector.token]), after=after, limit=limit)
                    found += [each.id for each in those if each.kind == "person"]
                    if len(those) < limit:
                        break
                    after = ("", those[-1].id)
        except StorageError as error:
            raise _unreadable(error) from error
        return found[:limit]

    def _reading(self, now: datetime) -> AbstractContextManager[Unit]:
        # Nothing is written, so no id is ever made: ``str`` stands in for the maker.
        return unit_of_work(self._storage, now=now, ids=str, actor=SYSTEM, write=False)


class MemoryDirectory:
    """An external directory for tests: knows the people and groups it was given.

    Args:
        people: whom it knows.
        groups: which groups it knows; one that an active person is in is known anyway.
        clock: returns an aware datetime, which is put into ``as_of``; without one a person keeps
            the ``as_of`` that they were given with.
    """

    def __init__(
        self,
        people: Iterable[Person] = (),
        groups: Iterable[GroupFacts] = (),
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._clock = clock
        self._failures = Failures()
        self._lock = threading.Lock()
        self._people = {person.id: person for person in people}
        self._groups = {group.name: group for group in groups}

    def put(self, person: Person) -> None:
        """Know this person, or know them differently."""
        with self._lock:
            self._people[person.id] = person

    def put_group(self, group: GroupFacts) -> None:
        """Know this group, or know it differently."""
        with self._lock:
            self._groups[group.name] = group

    def remove(self, id: str) -> None:
        """Forget a person; forgetting an unknown one changes nothing."""
        with self._lock:
            self._people.pop(id, None)

    def fail(self, calls: int = 1, error: Exception | None = None) -> None:
        """Let the next reads raise ``error``; by default a retryable DirectoryError."""
        planned = error or DirectoryError(
            "cannot read the directory: the memory directory was told to fail", retryable=True
        )
        self._failures.plan(calls, planned)

    def person(self, id: str) -> Person | None:
        """The person, as of now; None if unknown."""
        return self.find_people([id]).get(id)

    def find_people(self, ids: Collection[str]) -> Mapping[str, Person]:
        """Those of these people who are known, as of now."""
        self._failures.check()
        with self._lock:
            found = {id: self._people[id] for id in ids if id in self._people}
        if self._clock is None:
            return found
        now = self._clock()
        return {id: evolve(each, as_of=now) for id, each in found.items()}

    def group(self, name: str) -> GroupFacts | None:
        """The group, or one without principals when some active person is in it."""
        self._failures.check()
        with self._lock:
            known = self._groups.get(name)
            if known is not None:
                return known
            used = any(each.active and name in each.groups for each in self._people.values())
        return GroupFacts(name=name) if used else None

    def members(self, selector: StewardSelector, limit: int) -> Sequence[str]:
        """Ids of active people who match, sorted."""
        self._failures.check()
        with self._lock:
            people = [self._people[id] for id in sorted(self._people)]
        matching = (
            each.id
            for each in people
            if each.active and each.kind == "person" and selector.matches(Facts(person=each))
        )
        return [id for id, _ in zip(matching, range(limit), strict=False)]


def _unreadable(error: StorageError) -> DirectoryError:
    return DirectoryError(
        f"cannot read the stored people: {error.message}",
        retryable=error.retryable,
        hint=error.hint,
    )
