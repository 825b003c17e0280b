"""`marketplace audit`: the log taken out and verified, with and without its storage."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner

from marketplace_sdk import Marketplace
from marketplace_sdk.cli.app import app
from tests.services.helpers import small_world
from tests.world import LEGAL, any_of


def run(*words, code=0, **more):
    """What the command prints; it must end with this code."""
    found = CliRunner().invoke(app, words, catch_exceptions=False, **more)
    assert found.exit_code == code, found.output
    return found.output


@pytest.fixture
def storage(tmp_path):
    """URL of a store in which something happened, half of it under a seal."""
    url = f"sqlite:///{tmp_path}/market.db"
    world = small_world(url)
    request = world.ask(world.publish(any_of(LEGAL)))
    world.market.audit.seal()
    world.approve(request, "ana")
    world.close()
    return url


def test_an_export_is_verified_elsewhere(storage, tmp_path):
    """Log and seals as files, and nothing else."""
    log, seals = tmp_path / "log.jsonl", tmp_path / "seals.jsonl"
    run("audit", "export", "--storage", storage, "--output", str(log))
    seals.write_text(run("audit", "seals", "--storage", storage))

    assert "everything fits" in run("audit", "verify", str(log))
    assert "behind seal 1" in run("audit", "verify", str(log), "--seals", str(seals))

    lines = log.read_text().splitlines()
    row = json.loads(lines[3])
    lines[3] = json.dumps({**row, "actor": "mallory"})
    log.write_text("\n".join(lines))
    said = run("audit", "verify", str(log), "--seals", str(seals), code=1)
    assert f"event {row['id']} ({row['aggregate']}, number {row['sequence']}) was changed" in said


def test_the_storage_is_verified_against_seals_kept_elsewhere(storage, tmp_path):
    """The same seals fit; those of another marketplace do not."""
    seals, others = tmp_path / "seals.jsonl", tmp_path / "others.jsonl"
    seals.write_text(run("audit", "seals", "--storage", storage))
    with Marketplace(f"sqlite:///{tmp_path}/other.db") as other:
        other.people.add("mal", permissions=["USER_ADMIN"])
        other.audit.seal()
    others.write_text(run("audit", "seals", "--storage", f"sqlite:///{tmp_path}/other.db"))

    found = json.loads(
        run("audit", "verify", "--storage", storage, "--seals", str(seals), "--json")
    )
    assert (found["ok"], found["seals"]) == (True, 1)
    said = run("audit", "verify", "--storage", storage, "--seals", str(others), code=1)
    assert "seal 1 is not the one that was kept elsewhere" in said


def test_an_export_can_be_narrowed(storage):
    """By time and thing, as JSON lines or CSV."""
    words = ("audit", "export", "--storage", storage)
    rows = list(
        csv.DictReader(io.StringIO(run(*words, "--format", "csv", "--aggregate", "domain:HR")))
    )

    assert {row["aggregate"] for row in rows} == {"domain:HR"}
    assert run(*words, "--until", "2000-01-01") == ""
    assert len(run(*words, "--since", "2000-01-01").splitlines()) > 20


def test_reading_by_command_is_on_record(storage):
    """It is a job of the company's, with its reason."""
    run("audit", "export", "--storage", storage)

    lines = run("audit", "export", "--storage", storage).splitlines()

    assert '"audit log on the command line"' in lines[-1]


def test_a_part_is_verified_as_a_part(storage, tmp_path):
    """A chain that begins in the middle."""
    lines = run("audit", "export", "--storage", storage, "--aggregate", "domain:HR").splitlines()
    part = tmp_path / "part.jsonl"
    part.write_text("\n".join(lines[1:]))

    run("audit", "verify", str(part), code=1)
    run("audit", "verify", str(part), "--part")


def test_a_wrong_name_is_no_log_that_fits(tmp_path):
    """Nothing is made where there is nothing."""
    url = f"sqlite:///{tmp_path}/wrong.db"
    for command in ("verify", "export", "seals"):
        assert "no marketplace here" in run("audit", command, "--storage", url, code=6)
    assert not list(tmp_path.iterdir())


def test_what_is_missing_or_wrong_is_said(storage, tmp_path):
    """In a line, without a traceback."""
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("{}\n")
    missing = str(tmp_path / "nothing.toml")
    assert "cannot read configuration" in run("audit", "verify", "--config", missing, code=2)
    assert "--part" in run("audit", "verify", "--storage", storage, "--part", code=2)
    said = run("audit", "verify", "--storage", storage, "--seals", str(wrong), code=2)
    assert "cannot use these seals" in said
    assert "no plugin offers it" in run("audit", "export", "--storage", "oracle://x", code=7)


def test_the_storage_may_come_from_the_environment_or_the_configuration(storage, tmp_path):
    """As in a container, or as the worker does."""
    run("audit", "verify", env={"MARKETPLACE_STORAGE": storage})
    config = tmp_path / "marketplace.toml"
    config.write_text(f'storage = "{storage}"\n')
    run("audit", "verify", "--config", str(config))
    config.write_text('storage = "env:WHERE"\n')
    run("audit", "verify", "--config", str(config), env={"WHERE": storage})
