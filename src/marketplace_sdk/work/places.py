"""Where objects with masked columns are on their platforms, so that a mask counts under any name.

The same table may be registered twice: spelled another way, or over another connection to the same
platform. What a name means is only known to the platform, so it is written down when it was asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.domain.events import Effects, Mark
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.ports.storage import Record, Transaction
from marketplace_sdk.wire.codec import dump, load

if TYPE_CHECKING:
    from marketplace_sdk.domain.catalog import DataSource
    from marketplace_sdk.work.unit import Unit

__all__ = [
    "Place",
    "get_place",
    "masks_changed",
    "places_at",
    "places_open",
    "places_over",
    "save_place",
]

PLACE = "place"
AT_ONCE = 200
"""Values in one search; storages limit the parameters of a statement."""


@frozen(kw_only=True)
class Place:
    """What the name of an object that has, or had, masked columns means on its platform.

    Attributes:
        connection, object: as registered.
        platform: identity of the platform; empty: it was not looked up yet, or means nothing.
        native_id: of the object.
        name: the platform's dotted name.
        absent: it was looked up and meant nothing.
        revision: of the stored row.
    """

    connection: str
    object: str
    platform: str = ""
    native_id: str = ""
    name: str = ""
    absent: bool = False
    revision: int = field(default=0, eq=False)

    @property
    def id(self) -> str:
        """Connection and registered name, as data sources are found by."""
        return f"{self.connection}|{self.object}"

    @property
    def state(self) -> str:
        """``known``, ``absent`` or ``waiting``."""
        if self.platform:
            return "known"
        return "absent" if self.absent else "waiting"


def masks_changed(unit: Unit, source: DataSource) -> None:
    """A source has other masks than before: whatever is open on its platform is looked at again.

    A mask reaches further than the objects of its own name: to the same object under another
    name, and to views that show the column. What those are is found out by a pass.
    """
    place = get_place(unit.rows, source.connection, source.object)
    if place is None:
        if not source.masked:
            return
        save_place(unit.rows, Place(connection=source.connection, object=source.object))
    # As long as nobody has anything, nothing is open.
    if unit.find(Grant, ("open", ["yes"]), limit=1):
        unit.keep(Effects(marks=(Mark(connection=source.connection),)))


def get_place(rows: Transaction, connection: str, object: str) -> Place | None:
    """The place of an object, or None."""
    record = rows.get(PLACE, f"{connection}|{object}")
    return None if record is None else _place(record)


def places_over(rows: Transaction, connection: str) -> list[Place]:
    """Every place of a connection."""
    return [_place(record) for record in rows.find(PLACE, [("connection", [connection])])]


def places_open(rows: Transaction, *, absent: bool) -> list[Place]:
    """Places that are not known; with ``absent`` also those that meant nothing when asked."""
    states = ["waiting", "absent"] if absent else ["waiting"]
    return [_place(record) for record in rows.find(PLACE, [("state", states)])]


def places_at(
    rows: Transaction, platform: str, *, native_ids: Collection[str], names: Collection[str]
) -> Iterator[Place]:
    """Places of some objects of a platform, by native id or dotted name; one may come twice."""
    for key, values in (("native", native_ids), ("name", names)):
        wanted = sorted(f"{platform}|{each}" for each in values)
        for first in range(0, len(wanted), AT_ONCE):
            for record in rows.find(PLACE, [(key, wanted[first : first + AT_ONCE])]):
                yield _place(record)


def save_place(rows: Transaction, place: Place) -> None:
    """Write a place whose ``revision`` is the one that was read.

    Raises:
        StaleRevision: somebody wrote it meanwhile.
    """
    index = {("connection", place.connection), ("state", place.state)}
    if place.platform:
        index.add(("native", f"{place.platform}|{place.native_id}"))
        index.add(("name", f"{place.platform}|{place.name}"))
    record = Record(
        kind=PLACE,
        id=place.id,
        revision=place.revision + 1,
        document=dump(place),
        index=frozenset(index),
    )
    rows.put(record, place.revision or None)


def _place(record: Record) -> Place:
    return load(Place, {**record.document, "revision": record.revision})
