"""Messages that were given up, read page by page over all destinations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace_sdk import InvalidInput
from marketplace_sdk.ports.storage import Work
from tests.services.helpers import small_world

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
QUEUES = ("outbox", "outbox|mail", "outbox|portal")


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    """Three queues with messages of three due times, and work that is no message."""
    memory = request.param == "memory"
    world = small_world("memory" if memory else f"sqlite:///{tmp_path}/m.db")
    world.deliver()
    rows = [
        Work(
            id=f"m{number:02}",
            queue=QUEUES[number % 3],
            key="k",
            due=NOON + timedelta(seconds=number % 7 // 3),
            payload={"number": number},
            dead=True,
        )
        for number in range(20)
    ]
    other = [Work(id="t", queue="timer", key="k", due=NOON, payload={}, dead=True)]
    with world.market._storage.begin() as transaction:
        transaction.enqueue([*rows, *other])
    world.parked = [row.id for row in sorted(rows, key=lambda row: (row.due, row.id))]
    return world


def ids(page):
    return [work.id for work in page]


@pytest.mark.parametrize("limit", [1, 3, 7, 19, 20, 21])
def test_pages_of_dead_letters_join_over_all_queues(world, limit):
    """Sorted by due time and id; nothing is lost or comes twice, and the last page says so."""
    pages = [world.market.deliveries.dead(limit=limit, by="ada")]
    while pages[-1].next is not None:
        pages.append(world.market.deliveries.dead(after=pages[-1].next, limit=limit, by="ada"))

    assert [id for page in pages for id in ids(page)] == world.parked
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1].items


def test_pages_go_on_when_what_was_read_is_sent_again(world):
    """The mark is a place, no row: who replays what a page shows skips nothing."""
    page = world.market.deliveries.dead(limit=5, by="ada")
    for work in page:
        world.market.deliveries.replay(work.id, by="ada")

    rest = world.market.deliveries.dead(after=page.next, limit=1000, by="ada")

    assert ids(page) + ids(rest) == world.parked
    assert ids(world.market.deliveries.dead(limit=1000, by="ada")) == ids(rest)


def test_a_mark_of_another_list_is_refused(world):
    """Order and id, but the order is no time."""
    other = world.market.people.find(limit=1, by="uma").next
    assert other is not None
    with pytest.raises(InvalidInput, match="after"):
        world.market.deliveries.dead(after=other, by="ada")
