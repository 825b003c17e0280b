"""``kill -9`` at random points of a pass on a real PostgreSQL: nothing is left over, nothing lost.

The same with 1,000 points is ``benchmarks/random_kills.py``.
"""

from __future__ import annotations

import random

import pytest

from benchmarks.random_kills import Arena, kill_at_random


@pytest.mark.long
@pytest.mark.timeout(600)
def test_workers_killed_at_random_points_leave_no_orphan_and_lose_nothing():
    """What people read afterwards is what is approved, asked by logging in as each of them."""
    found = kill_at_random(36, seed=random.randrange(10**6))

    assert found["wrong"] == [], found
    assert found["points"] >= 36
    assert found["midway"] > 0
    assert found["checks"] > 3


def test_whoever_looks_for_orphans_and_losses_finds_them(postgres_server, tmp_path):
    """Rights by hand beside a right pass, and none where there should be some."""
    arena = Arena(postgres_server, tmp_path, random.Random(1))
    try:
        assert arena.wrong() == []
        run, ann = arena.platform.run, arena.principals["ann"]

        run(f"GRANT USAGE ON SCHEMA {arena.schema} TO {ann}")
        run(f"GRANT SELECT (id) ON {arena.orders} TO {ann}")
        orphans = [*arena.wrong(), *arena.end()]
        run(f"REVOKE SELECT (id) ON {arena.orders} FROM {ann}")
        arena.open["both", "ann"] = "never asked for"
        losses = arena.wrong()
    finally:
        arena.close()

    assert {line.split(":")[0] for line in orphans} == {"orphan"}
    assert any("reads id clear instead of none" in line for line in orphans)
    assert any("sales" in line for line in orphans)
    assert {line.split(":")[0] for line in losses} == {"loss"}
    assert any("0 roles for 1" in line for line in losses)
