"""``marketplace doctor`` asks platforms too, and prints what an administrator must run."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from marketplace_sdk import Marketplace
from marketplace_sdk.cli.app import app
from marketplace_sdk.testing import MemoryPlatform


@pytest.fixture
def config(tmp_path, lake, monkeypatch):
    """A configuration whose storage is set up, with a connection to a real PostgreSQL."""
    lake.table("hr_doctor.people", ["id", "name"])
    settings = lake.connection("doctor")
    monkeypatch.setenv("LAKE_DSN", settings["dsn"])
    file = tmp_path / "marketplace.toml"
    file.write_text(
        f"storage = 'sqlite:///{tmp_path}/market.db'\n[connections.lake]\nplugin = 'postgres'\n"
        f"dsn = 'env:LAKE_DSN'\nmay_grant = {json.dumps(settings['may_grant'])}\n",
        encoding="utf-8",
    )
    Marketplace.from_config(file).close()
    return str(file)


def doctor(config):
    done = CliRunner().invoke(app, ["doctor", "--config", config, "--json"])
    checks = {each["name"]: each for each in json.loads(done.output)["checks"]}
    return done.exit_code, checks["connection lake"]


def test_a_login_with_what_it_needs_is_fine(config):
    code, check = doctor(config)

    assert (code, check["state"]) == (0, "fine"), check


def test_the_grant_that_is_missing_is_printed_and_mends_it(config, lake):
    lake.platform.run(f"REVOKE SELECT ON hr_doctor.people FROM {lake.login}")

    code, check = doctor(config)

    assert (code, check["state"]) == (2, "broken")
    (one,) = check["facts"]["shortcomings"]
    assert one["severity"] == "missing"
    said = CliRunner().invoke(app, ["doctor", "--config", config]).output
    assert one["statement"] in said
    lake.platform.run(one["statement"])
    assert doctor(config)[1]["state"] == "fine"


def test_a_platform_that_does_not_answer_is_told_without_its_secret(config, monkeypatch):
    monkeypatch.setenv("LAKE_DSN", "postgresql://m:hush-hush@127.0.0.1:1/d")

    code, check = doctor(config)

    assert (code, check["state"]) == (2, "broken")
    assert "hush-hush" not in json.dumps(check)


def test_only_plugins_that_can_tell_are_asked():
    with Marketplace("memory", connections={"lake": MemoryPlatform()}) as market:
        names = {each.name for each in market.health(platforms=True).checks}

    assert "connection lake" not in names


def test_a_plugin_that_breaks_is_named_and_its_words_are_not_repeated():
    class Sick(MemoryPlatform):
        capabilities = MemoryPlatform.capabilities | {"doctor"}

        def doctor(self, call, patterns=("*",)):
            raise RuntimeError("hush-hush")

    with Marketplace("memory", connections={"lake": Sick()}) as market:
        (check,) = [
            each for each in market.health(platforms=True).checks if each.name == "connection lake"
        ]

    assert check.state == "broken"
    assert "RuntimeError" in check.text
    assert "hush-hush" not in check.text
