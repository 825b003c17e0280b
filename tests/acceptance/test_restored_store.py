"""A store put back from an older backup: what it knows is made so again, the rest is told."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from marketplace_sdk import Marketplace
from tests.world import LEGAL, World, any_of


@pytest.fixture
def back(lake, tmp_path):
    """con had access when the backup was made; afterwards con lost it and pat got it.

    Now the backup is in place, and a new process works with it.
    """
    file, backup = tmp_path / "market.db", tmp_path / "backup.db"
    url = f"sqlite:///{file}"
    world = World(url, lake, discover=True)
    product = world.publish(any_of(LEGAL))
    world.first = world.approve(world.ask(product), "ana")
    world.deliver()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))
    world.market.requests.revoke(world.first.id, reason="over", by="dee")
    world.approve(world.ask(product, by="pat"), "ana")
    world.deliver()
    assert (world.reads("con"), world.reads("pat")) == ("none", "clear")
    world.product = product
    world.close()
    for ending in ("", "-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)
    shutil.copy(backup, file)
    world.market = Marketplace(
        url, connections={"lake": lake.connection_settings}, clock=world.clock
    )
    yield world
    world.close()


def kinds(world):
    return sorted(each.kind for each in world.market.grants.drift(by="gil").findings)


def test_what_the_backup_knows_is_made_so_again_and_what_it_does_not_know_is_told(back):
    """Nothing is taken or given that nobody approved as far as the store knows."""
    assert kinds(back) == ["extra_member", "missing"]

    back.market.grants.repair(by="gil")
    back.deliver()

    assert back.reads("con") == "clear"
    assert kinds(back) == ["extra_member"]
    assert back.market.audit.verify().ok


def test_access_that_the_backup_does_not_know_is_ours_once_it_is_approved_again(back):
    """It carries our marker, whatever the store has forgotten; so it ends with the new grant."""
    request = back.approve(back.ask(back.product, by="pat"), "ana")
    back.deliver()
    (grant,) = back.market.grants.of("pat", by="pat").items
    items = back.market.grants.get(grant.id, by="pat").items
    assert {item.origin for item in items} == {"ours"}

    back.market.requests.revoke(request.id, reason="over", by="dee")
    back.deliver()

    assert (back.reads("con"), back.reads("pat")) == ("clear", "none")
    assert kinds(back) == []
