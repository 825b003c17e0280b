"""What tests of the services share: small worlds, and a picture of everything that is kept."""

from __future__ import annotations

from contextlib import contextmanager

from marketplace_sdk.work.records import KINDS
from tests.world import MemoryLake, World

QUEUES = ("outbox", "timer", "mark", "outbox|MemoryNotifier-1", "outbox|hook")


def small_world(storage="memory", **more):
    """A marketplace whose platform is in memory."""
    more.setdefault("discover", storage != "memory")
    return World(storage, MemoryLake(), **more)


def kept(world):
    """Everything that a store keeps: records with their revision, events, and work to be done."""
    with world.market._storage.begin(write=False) as rows:
        kinds = [*(kind.name for kind in KINDS.values()), "reservation"]
        records = {
            (record.kind, record.id, record.revision)
            for kind in kinds
            for record in rows.find(kind)
        }
        events = len(rows.events())
        work = {each.id for queue in QUEUES for each in rows.work(queue)}
    return records, events, work


@contextmanager
def nothing_written(world):
    """The block must leave the store as it found it."""
    before = kept(world)
    yield
    assert kept(world) == before, "something was written"


def types_of(world, aggregate=None):
    """Types of the events of an aggregate, oldest first."""
    return [row.type for row in world.market.audit.events(aggregate, limit=1000, by="aud")]


def grant_of(world, who="con", **more):
    """The one grant of a person that is shown."""
    (view,) = world.market.grants.of(who, by=who, **more).items
    return view
