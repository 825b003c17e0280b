"""``marketplace uninstall``: shows, asks, and takes away; ``marketplace install`` comes back."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from marketplace_sdk import Marketplace, Preview
from marketplace_sdk.cli.app import app


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "marketplace.toml"
    path.write_text(
        f"storage = 'sqlite:///{tmp_path}/market.db'\n[connections.lake]\nplugin='memory'\n",
        encoding="utf-8",
    )
    return path


def run(file, *words, answer=None):
    return CliRunner().invoke(app, [*words, "--config", str(file)], input=answer)


def shut(file):
    with Marketplace.from_config(file) as market, market._storage.begin(write=False) as rows:
        return bool(rows.find("shut_connection"))


def test_it_shows_and_asks_and_a_no_changes_nothing(file):
    done = run(file, "uninstall", "lake", answer="n\n")

    assert done.exit_code == 1
    assert "nothing would change" in done.output
    assert "uninstall the marketplace from lake? [y/N]" in done.output
    assert not shut(file)


@pytest.mark.parametrize(("words", "answer"), [(["--yes"], None), ([], "y\n")])
def test_after_a_yes_nothing_of_ours_is_left_and_it_can_come_back(file, words, answer):
    done = run(file, "uninstall", "lake", *words, answer=answer)

    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "nothing of ours is left on lake")
    assert shut(file)
    assert run(file, "install", "lake").exit_code == 0
    assert not shut(file)


def test_what_is_left_comes_with_where_to_look(file, monkeypatch):
    """A platform that keeps something ends with 2, and says how to find out why."""
    plan = Preview(problems=("still there: CREATE ROLE x",))
    monkeypatch.setattr(Marketplace, "uninstall", lambda *_, **__: plan)

    done = run(file, "uninstall", "lake", "--yes")

    assert done.exit_code == 2
    assert "still there: CREATE ROLE x" in done.output
    assert "marketplace grants drift --connection lake" in done.output


@pytest.mark.parametrize("command", ["uninstall", "install"])
def test_an_unknown_connection_is_told_with_those_that_there_are(file, command):
    done = run(file, command, "sea")

    assert done.exit_code == 3
    assert "configured: lake" in done.output
