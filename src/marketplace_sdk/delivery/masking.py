"""Which columns are to be masked on a platform, under whatever name somebody registered them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from marketplace_sdk.delivery.calls import guarded
from marketplace_sdk.delivery.ledger import pins_everywhere
from marketplace_sdk.delivery.plan import Obstacle
from marketplace_sdk.delivery.verdict import Verdict
from marketplace_sdk.domain.catalog import DataSource
from marketplace_sdk.domain.events import Effects
from marketplace_sdk.errors import StaleRevision
from marketplace_sdk.ports.provisioner import Ref, Resolved, Unresolved
from marketplace_sdk.work.places import (
    AT_ONCE,
    Place,
    get_place,
    places_at,
    places_open,
    places_over,
    save_place,
)
from marketplace_sdk.work.targets import mark_of

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.ports.provisioner import Call
    from marketplace_sdk.work.unit import Unit

__all__ = ["Masks", "keep_places", "look_at_masks", "masks_of", "waiting_names"]

Answers = Mapping[Ref, Resolved | Unresolved]


@frozen(kw_only=True)
class Masks:
    """What is to be masked of some objects and of what they show.

    Attributes:
        columns: by dotted native name.
        places: that were looked up for it, to be stored.
        unknown: why it cannot be known which masks there are; then nothing may be opened.
    """

    columns: Mapping[str, frozenset[str]] = field(factory=dict)
    places: tuple[Place, ...] = ()
    unknown: Obstacle | None = None


def waiting_names(unit: Unit, connection: str, *, opening: bool) -> frozenset[str]:
    """Registered names of a connection which have masks and were not looked up yet.

    ``opening``: something may be opened for the first time, so those that meant nothing are
    looked up again: what is there now may have been made meanwhile.
    """
    places = places_open(unit.rows, absent=opening)
    return frozenset(each.object for each in places if each.connection == connection)


def masks_of(
    bench: Bench,
    connection: Connection,
    answers: Answers,
    wanted: Collection[str],
    *,
    opening: bool,
    call: Callable[[], Call],
) -> Masks:
    """The masks of what these registered names mean, and of what is behind it.

    Args:
        bench: storage and platforms.
        connection: of the target.
        answers: what names mean, those of ``waiting_names`` included.
        wanted: registered names of the target's objects.
        opening: as in ``waiting_names``.
        call: makes a call to a platform.
    """
    objects = [each for name in wanted if (each := _resolved(answers, name)) is not None]
    if not objects:
        return Masks()
    platform = objects[0].platform
    with bench.desk.read() as unit:
        waiting = places_open(unit.rows, absent=opening)
        others = _others(unit, bench, connection, platform, waiting)
    here = [each for each in waiting if each.connection == connection.name]
    looked: list[Place] = []
    unknown: Obstacle | None = None
    for found in (
        _placed(here, answers),
        *(_ask(bench.connections[name], some, call()) for name, some in sorted(others.items())),
    ):
        if isinstance(found, Obstacle):
            unknown = found
        else:
            looked += found
    names = _names(objects)
    with bench.desk.read() as unit:
        native_ids = {each.native_id for each in objects}
        stored = places_at(unit.rows, platform, native_ids=native_ids, names=names)
        known = {each.id: each for each in [*stored, *looked] if each.platform == platform}
        columns = _columns(unit, known.values(), objects, names)
    return Masks(columns=columns, places=tuple(looked), unknown=unknown)


def keep_places(desk: Desk, places: Iterable[Place]) -> None:
    """Store what was looked up; whoever was quicker has looked up the same."""
    some = sorted(places, key=lambda each: each.id)
    if not some:
        return
    with suppress(StaleRevision), desk.write() as unit:
        for place in some:
            before = get_place(unit.rows, place.connection, place.object)
            if before != place:
                save_place(unit.rows, evolve(place, revision=before.revision if before else 0))


def look_at_masks(bench: Bench, name: str, *, again: bool = False) -> Verdict:
    """Find out what the masks of a connection are about, and have all that may show them looked at.

    Args:
        bench: storage and platforms.
        name: of the connection.
        again: also look up what was known before; targets are looked at only if that changed.
    """
    connection = bench.connections.get(name)
    if connection is None:
        return Verdict()
    with bench.desk.read() as unit:
        places = _every_place(unit, name) if again else places_over(unit.rows, name)
    asked = [each for each in places if again or each.state != "known"]
    moved = not again
    for first in range(0, len(asked), AT_ONCE):
        some = asked[first : first + AT_ONCE]
        found = _ask(connection, some, bench.call())
        if isinstance(found, Obstacle):
            return Verdict("backoff" if found.retryable else "slowly", found.message)
        keep_places(bench.desk, found)
        moved = moved or {each.id: each for each in found} != {each.id: each for each in some}
    if not moved:
        return Verdict()
    with bench.desk.write() as unit:
        platforms = {each.platform for each in places_over(unit.rows, name) if each.platform}
        users = {
            user
            for pin in pins_everywhere(unit.rows)
            if pin.platform in platforms
            for user in pin.users
        }
        unit.keep(Effects(marks=tuple(mark_of(user) for user in sorted(users))))
    return Verdict()


def _every_place(unit: Unit, connection: str) -> list[Place]:
    """The places of a connection, and new ones for masks that have none."""
    places = {each.id: each for each in places_over(unit.rows, connection)}
    for source in unit.find(DataSource, ("connection", [connection])):
        new = Place(connection=connection, object=source.object)
        if source.masked and new.id not in places:
            places[new.id] = new
    return list(places.values())


def _others(
    unit: Unit, bench: Bench, connection: Connection, platform: str, waiting: Iterable[Place]
) -> Mapping[str, list[Place]]:
    """Places of other connections that may lead to the same platform, by connection."""
    found: defaultdict[str, list[Place]] = defaultdict(list)
    for each in waiting:
        if each.connection != connection.name and each.connection in bench.connections:
            found[each.connection].append(each)
    kind = type(connection.provisioner)
    for name in list(found):
        platforms = {each.platform for each in places_over(unit.rows, name) if each.platform}
        same = platform in platforms or not platforms
        if not same or not isinstance(bench.connections[name].provisioner, kind):
            del found[name]
    return found


def _ask(connection: Connection, places: Iterable[Place], call: Call) -> list[Place] | Obstacle:
    """The places as they are now, or why the platform does not say."""
    asked = list(places)
    refs = [Ref("object", each.object) for each in asked]
    answers = guarded(
        f"look up masked objects on {connection.name}",
        connection.plugin,
        lambda: dict(connection.provisioner.resolve(refs, call)),
    )
    if isinstance(answers, Obstacle):
        return answers
    return _placed(asked, answers)


def _placed(places: Collection[Place], answers: Answers) -> list[Place] | Obstacle:
    """The places with what their names mean; an obstacle if the platform does not say of one."""
    found = []
    for place in places:
        answer = answers.get(Ref("object", place.object))
        if isinstance(answer, Resolved):
            found.append(
                evolve(
                    place,
                    platform=answer.platform,
                    native_id=answer.native_id,
                    name=answer.name,
                    absent=False,
                )
            )
        elif answer is None or answer.retryable:
            why = "the platform gave no answer" if answer is None else answer.message
            return Obstacle("cannot_look", f"a mask on {place.object} cannot be looked up: {why}")
        elif not place.platform:
            # What is known of an object that is gone is kept: it may come back under its name.
            found.append(evolve(place, absent=True))
    return found


def _resolved(answers: Answers, name: str) -> Resolved | None:
    answer = answers.get(Ref("object", name))
    return answer if isinstance(answer, Resolved) else None


def _names(objects: Iterable[Resolved]) -> set[str]:
    """Dotted names of some objects and of everything that they show."""
    return {
        name
        for each in objects
        for name in (each.name, *(o for behind in each.shows.values() for o, _ in behind))
    }


def _columns(
    unit: Unit, places: Iterable[Place], objects: Iterable[Resolved], names: Collection[str]
) -> Mapping[str, frozenset[str]]:
    """Columns to be masked, by dotted name."""
    by_id = {each.native_id: each.name for each in objects}
    about: defaultdict[str, set[str]] = defaultdict(set)
    for each in places:
        about[each.id] |= {each.name} & set(names)
        if each.native_id in by_id:
            about[each.id].add(by_id[each.native_id])
    masks: defaultdict[str, set[str]] = defaultdict(set)
    keys = sorted(about)
    for first in range(0, len(keys), AT_ONCE):
        for source in unit.find(DataSource, ("object", keys[first : first + AT_ONCE])):
            for name in about[f"{source.connection}|{source.object}"]:
                masks[name] |= source.masked
    return {name: frozenset(columns) for name, columns in masks.items()}
