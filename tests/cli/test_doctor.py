"""`marketplace doctor`: 0 is fine, 1 is a warning, 2 is broken; and each says why."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from click.testing import CliRunner

from marketplace_sdk import Marketplace
from marketplace_sdk._plugins import PluginInfo
from marketplace_sdk.cli.app import app
from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.plugin import Work
from marketplace_sdk.services._health import examine
from marketplace_sdk.testing import FrozenClock
from marketplace_sdk_sql.tables import HEAD
from tests.services.chains import link
from tests.services.helpers import nothing_written, small_world
from tests.world import LEGAL, any_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def doctor(url, *words):
    """State by name of the check, and how the command ended."""
    done = CliRunner().invoke(app, ["doctor", "--storage", url, "--json", *words])
    found = json.loads(done.output)
    return {each["name"]: each for each in found["checks"]}, found["state"], done.exit_code


def stored(*work, events=(), installed=True):
    """A store with this work and these events."""
    storage = MemoryStorage()
    if installed:
        Marketplace(storage, discover=False)
    with storage.begin() as rows:
        rows.enqueue(work)
        rows.append(events)
    return storage


def check(name, storage, **more):
    """One check of a look at noon."""
    found = examine(storage, now=NOON, **more)
    (one,) = [each for each in found.checks if each.name == name]
    return one


def job(id, *, due=NOON, **more):
    return Work(id=id, queue="outbox", key=id, due=due, payload={}, **more)


def test_a_marketplace_that_is_well(tmp_path):
    """Everything is looked at, and nothing is written."""
    url = f"sqlite:///{tmp_path}/market.db"
    world = small_world(url, clock=FrozenClock(datetime.now(UTC)))
    world.approve(world.ask(world.publish(any_of(LEGAL))), "ana")
    world.deliver()
    world.market.audit.seal()

    with nothing_written(world):
        checks, state, code = doctor(url)

    assert (state, code) == ("fine", 0)
    assert checks["storage"]["facts"] == {"engine": "SQLite", "schema": HEAD, "expected": HEAD}
    assert checks["installation"]["facts"]["id"] == world.market.installation
    assert checks["seals"]["facts"]["number"] == 1
    said = CliRunner().invoke(app, ["doctor", "--storage", url])
    assert said.exit_code == 0
    assert world.market.installation in said.output
    assert world.market.health().state == "fine"
    world.close()


def test_a_place_without_a_marketplace_is_broken_and_stays_empty(tmp_path):
    """Looking makes nothing."""
    checks, state, code = doctor(f"sqlite:///{tmp_path}/nothing.db")

    assert (state, code) == ("broken", 2)
    assert "no marketplace" in checks["storage"]["text"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("version", ["0001", "9999"])
def test_another_schema_is_broken(tmp_path, version):
    """Older or newer; the doctor says both versions and does not raise."""
    path = tmp_path / "market.db"
    Marketplace(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE marketplace_schema SET version_num = ?", (version,))

    checks, state, code = doctor(f"sqlite:///{path}")

    assert (state, code) == ("broken", 2)
    assert version in checks["storage"]["text"]
    assert "migrate" in checks["storage"]["text"]


def test_a_file_that_is_something_else_is_broken(tmp_path):
    """Its error is told with its hint."""
    path = tmp_path / "notes.db"
    path.write_text("not a database, but a long enough text to look like one " * 40)

    checks, state, code = doctor(f"sqlite:///{path}")

    assert (state, code) == ("broken", 2)
    assert "not a SQLite database" in checks["storage"]["text"]


def test_a_store_that_was_never_used_has_no_installation():
    """Roles on platforms carry its id."""
    assert check("installation", stored(installed=False)).state == "broken"


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (job("a", due=NOON - timedelta(minutes=16)), "does a worker run?"),
        (job("a", dead=True), "1 parked"),
        (job("a", owner="w", leased_until=NOON), "late or gone"),
    ],
)
def test_work_that_is_stuck_is_a_warning(work, said):
    """Late, parked, or held by a worker that is gone."""
    found = check("work", stored(work))

    assert found.state == "warning"
    assert said in found.text


@pytest.mark.parametrize(
    "work",
    [
        job("a", due=NOON - timedelta(minutes=15)),
        job("a", due=NOON + timedelta(days=9)),
        job("a", due=NOON - timedelta(days=9), owner="w", leased_until=NOON + SECOND),
    ],
)
def test_work_that_goes_its_way_is_fine(work):
    """Due for a moment, due later, or in somebody's hands."""
    found = check("work", stored(work))

    assert found.state == "fine"
    assert found.facts["queues"][0]["waiting"] == 1


@pytest.mark.parametrize(
    ("apart", "state"),
    [(0, "fine"), (5, "fine"), (-5, "fine"), (6, "warning"), (-30, "warning"), (31, "broken")],
)
def test_a_clock_that_differs_from_the_storages_is_told(apart, state):
    """Beyond the time that a lease outlasts a call, two workers could hold the same work."""

    class WithClock(MemoryStorage):
        def describe(self):
            return evolve(super().describe(), now=NOON + apart * SECOND)

    found = check("clock", WithClock())

    assert found.state == state
    assert found.facts["ahead"] == -apart


@pytest.mark.parametrize(
    ("second", "state", "said"),
    [
        (NOON, "fine", "in order"),
        (NOON - 5 * SECOND, "fine", "in order"),
        (NOON - 6 * SECOND, "warning", "went back by 0:00:06"),
        (NOON + 6 * SECOND, "warning", "in the future"),
    ],
)
def test_times_of_the_log_that_run_backwards_are_told(second, state, said):
    """Clocks of workers that differ, or one that was set back."""
    events = [link("a", 1, at=NOON), link("b", 1, at=second)]

    found = check("log", stored(events=events))

    assert found.state == state
    assert said in found.text


def seals_of(market):
    (found,) = [each for each in market.health().checks if each.name == "seals"]
    return found


def test_a_log_without_a_seal_is_a_warning_after_two_intervals():
    """And one whose newest seal is as old, while things went on."""
    day = timedelta(days=1)
    old = [link("a", 1, at=NOON - 3 * day)]

    assert check("seals", stored(events=old), seal_every=day).state == "warning"
    assert check("seals", stored(events=old), seal_every=None).state == "fine"
    assert check("seals", stored(events=[link("a", 1)]), seal_every=day).state == "fine"
    assert check("seals", stored(), seal_every=day).state == "fine"

    clock = FrozenClock(NOON - 3 * day)
    with Marketplace("memory", discover=False, clock=clock) as market:
        market.people.add("gil", permissions=["USER_ADMIN", "GOVERNANCE"])
        market.audit.seal()
        market.deliver()
        clock.advance(days=3)
        assert seals_of(market).state == "fine", "nothing has happened since"
        market.domains.create("sales", by="gil")
        assert seals_of(market).state == "warning"
        market.deliver()
        assert market.health().state == "fine"


def test_a_plugin_with_problems_is_a_warning():
    """Unless it is blocked: then nobody uses it."""
    sick = PluginInfo(name="acme", problems=("no driver",))

    assert "acme: no driver" in check("plugins", stored(), plugins=[sick]).text
    assert check("plugins", stored(), plugins=[sick]).state == "warning"
    assert check("plugins", stored(), plugins=[evolve(sick, blocked=True)]).state == "fine"


def test_the_worst_check_is_the_state():
    """Of no checks it is fine."""
    found = examine(stored(job("a", dead=True), installed=False), now=NOON)

    assert {each.state for each in found.checks} == {"fine", "warning", "broken"}
    assert found.state == "broken"
    assert "work: warning" in str(found)
