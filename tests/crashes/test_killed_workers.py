"""Workers that die or sleep inside a driver call: another process goes on, with the same end.

Real processes, a real PostgreSQL as platform, a SQLite file as storage.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.crashes.worker import SECONDS, FileClock
from tests.world import LEGAL, World, any_of

ROOT = Path(__file__).parents[2]
LEASE = timedelta(seconds=200)
"""Longer than any lease of a vanished worker."""


class Scene:
    """A world whose deliveries are made by other processes."""

    def __init__(self, folder: Path, lake) -> None:
        self.clock = FileClock(folder / "clock", datetime(2026, 1, 1, tzinfo=UTC))
        self.url = f"sqlite:///{folder}/market.db"
        self.world = World(self.url, lake, clock=self.clock, discover=True)
        self.before = lake.platform.snapshot()
        self.lake = lake
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, moment: str = "never") -> subprocess.Popen[str]:
        """A worker process that stops at a moment."""
        settings = self.lake.connection_settings
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.crashes.worker", self.url, settings["dsn"]),
                *(self.world.market.installation, ",".join(settings["may_grant"])),
                *(str(self.clock._path), moment),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def killed(self, moment: str) -> None:
        """A worker that is sent ``kill -9`` at that moment."""
        process = self.start(moment)
        assert process.stdout.readline().strip() == f"at {moment}"
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL

    def go_on(self) -> None:
        """Another process, after the leases of the first one have run out, until all is done."""
        for _ in range(2):
            self.clock.advance(LEASE)
            process = self.start()
            assert process.stdout.readline().strip() == "done"
            assert process.wait(30) == 0

    def events(self, type: str) -> int:
        """How often something happened."""
        events = self.world.market.audit.events(limit=1000, by="aud")
        return sum(event.type == type for event in events)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGCONT)
                process.kill()
                process.wait(30)
            process.stdin.close()
            process.stdout.close()
        self.world.close()


@pytest.fixture
def scene(tmp_path, lake):
    made = Scene(tmp_path, lake)
    yield made
    made.close()


def points(first: tuple[str, ...], changes: int) -> list:
    """Every moment before and after each change; those not in ``first`` are long."""
    moments = [f"{when} {n}" for n in range(1, changes + 1) for when in ("before", "after")]
    return [
        moment if moment in first else pytest.param(moment, marks=pytest.mark.long)
        for moment in moments
    ]


@pytest.mark.parametrize("moment", points(("before 5", "after 5", "after 1"), 5))
def test_a_worker_killed_while_granting_is_replaced(scene, moment):
    """Role, usage, two columns, membership: killed at any of them, access comes, and once."""
    world = scene.world
    request = world.approve(world.ask(world.publish(any_of(LEGAL))), "ana")

    scene.killed(moment)
    scene.go_on()

    assert world.reads("con") == "clear"
    assert world.reads("con", column="salary") == "masked"
    assert world.market.grants.of("con", by="con").items[0].state == "active"
    assert scene.events("grant.active") == 1
    world.market.requests.revoke(request.id, reason="over", by="dee")
    scene.go_on()
    assert world.reads("con") == "none"
    assert scene.lake.platform.snapshot() == scene.before
    assert world.market.audit.verify().ok


@pytest.mark.parametrize("moment", points(("before 1", "after 1"), 5))
def test_a_worker_killed_while_revoking_is_replaced(scene, moment):
    """Membership first, then what the role holds, then the role: nothing is left behind."""
    world = scene.world
    request = world.approve(world.ask(world.publish(any_of(LEGAL))), "ana")
    scene.go_on()
    assert world.reads("con") == "clear"
    world.market.requests.revoke(request.id, reason="over", by="dee")

    scene.killed(moment)
    scene.go_on()

    assert world.reads("con") == "none"
    assert world.state(request) == "revoked"
    assert world.market.grants.of("con", ended=True, by="con").items[0].state == "ended"
    assert (scene.events("grant.ended"), scene.events("request.revoked")) == (1, 1)
    assert scene.lake.platform.snapshot() == scene.before


@pytest.mark.parametrize("moment", points(("after 3",), 3))
def test_a_worker_killed_while_unmasking_is_replaced(scene, moment):
    """The unmask role, its column, its membership: the column is clear in the end, for con."""
    world = scene.world
    product = world.publish(any_of(LEGAL))
    for person in ("con", "pat"):
        world.approve(world.ask(product, by=person), "ana")
    scene.go_on()
    exception = world.approve(world.ask_unmasked(product), "ana")

    scene.killed(moment)
    scene.go_on()

    assert world.reads("con", column="salary") == "clear"
    assert world.reads("pat", column="salary") == "masked"
    world.market.requests.revoke(exception.id, reason="over", by="dee")
    scene.go_on()
    assert world.reads("con", column="salary") == "masked"
    assert world.reads("con") == "clear"


@pytest.mark.parametrize("moment", ["before 5", "after 4"])
def test_a_worker_that_slept_past_its_lease_opens_nothing(scene, moment):
    """Paused before it lets somebody in; revoked meanwhile; it wakes up: no access, then or later.

    Its last statement reaches the server late, and the server itself refuses it.
    """
    world = scene.world
    request = world.approve(world.ask(world.publish(any_of(LEGAL))), "ana")
    sleeper = scene.start(moment)
    assert sleeper.stdout.readline().strip() == f"at {moment}"
    os.kill(sleeper.pid, signal.SIGSTOP)
    sleeper.stdin.write("\n")
    sleeper.stdin.flush()
    world.market.requests.revoke(request.id, reason="changed my mind", by="dee")
    time.sleep(SECONDS + 0.5)  # its deadline runs on the real clock
    scene.go_on()
    assert world.reads("con") == "none"
    assert world.market.grants.of("con", ended=True, by="con").items[0].state == "ended"

    os.kill(sleeper.pid, signal.SIGCONT)
    sleeper.wait(60)

    assert world.reads("con") == "none"
    scene.go_on()
    assert world.reads("con") == "none"
    assert scene.lake.platform.snapshot() == scene.before


@pytest.mark.long
def test_two_workers_share_fifty_approvals(scene):
    """Two processes at a time: every access is there, each became active once, nothing is stuck."""
    world = scene.world
    products = [world.publish(any_of(LEGAL)) for _ in range(25)]
    for product in products:
        for person in ("con", "pat"):
            world.approve(world.ask(product, by=person), "ana")

    workers = [scene.start(), scene.start()]
    for worker in workers:
        assert worker.stdout.readline().strip() == "done"
        assert worker.wait(60) == 0
    scene.go_on()

    states = [grant.state for grant in world.market.grants.find(limit=1000, by="gil")]
    assert states == ["active"] * 50
    assert scene.events("grant.active") == 50
    assert world.reads("con") == world.reads("pat") == "clear"
