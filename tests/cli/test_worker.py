"""``marketplace worker`` and ``marketplace config``, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from marketplace_sdk import DataSource, Marketplace, Question
from marketplace_sdk.errors import InvalidInput, StorageError
from marketplace_sdk.memory.engine import LoopEngine

COMMAND = [sys.executable, "-c", "from marketplace_sdk.cli import main; main()"]


def run(*words, **more):
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, timeout=60, check=False, **more
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "marketplace.toml"
    path.write_text(f"storage = 'sqlite:///{tmp_path}/market.db'\n[connections.lake]\nplugin='memory'\n"
                    "[engine]\nplugin='loop'\ninterval=0.05\n", encoding="utf-8")  # fmt: skip
    return path


def _due(tmp_path):
    """A marketplace in which the notice of a request waits to be delivered."""
    market = Marketplace(
        f"sqlite:///{tmp_path}/market.db", connections={"lake": {"plugin": "memory"}}
    )
    market.people.add("uma", permissions=["USER_ADMIN", "GOVERNANCE"])
    market.people.add("bob", principals={"lake": "bob"}, by="uma")
    market.sources.register(DataSource("s", connection="lake", object="a.s"), by="uma")
    market.domains.create("d", by="uma")
    market.domains.assign("d", ["s"], by="uma")
    form = market.forms.create("F", questions=[Question.short_answer("why", "Why?")], by="uma")
    product = market.products.publish("P", domain="d", sources=["s"], form=form.id, by="uma")
    market.requests.request_access(product.id, answers={"why": "to see"}, by="bob")
    return market


def test_once_does_what_is_due_and_says_so(file, tmp_path):
    market = _due(tmp_path)

    done = run("worker", "--once", "--config", str(file))

    assert (done.returncode, done.stderr) == (0, "")
    assert "2 notices" in done.stdout
    assert market.inbox.of("uma", by="uma").items
    market.close()


def test_a_worker_delivers_until_it_is_asked_to_stop(file, tmp_path):
    market = _due(tmp_path)
    process = subprocess.Popen(
        [*COMMAND, "worker"],
        env={**os.environ, "MARKETPLACE_CONFIG": str(file)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "is running" in process.stderr.readline()
    deadline = time.monotonic() + 30
    while not market.inbox.of("uma", by="uma").items and time.monotonic() < deadline:
        time.sleep(0.05)

    process.send_signal(signal.SIGTERM)

    assert "SIGTERM: finishing what has begun" in process.communicate(timeout=30)[1]
    assert process.returncode == 0
    assert market.inbox.of("uma", by="uma").items
    market.close()


def test_a_missing_file_is_told_with_what_to_do():
    done = run("worker", "--config", "nowhere.toml")

    assert done.returncode == 2
    assert "--config or MARKETPLACE_CONFIG" in done.stderr
    assert "Traceback" not in done.stderr


def test_config_check_looks_for_the_plugins_and_opens_nothing(file, tmp_path):
    assert (
        run("config", "check", "--config", str(file)).stdout
        == f"{file}: fine, as far as can be said without asking its plugins\n"
    )
    assert not (tmp_path / "market.db").exists()

    file.write_text("[connections.a]\nplugin = 'acme'\n", encoding="utf-8")
    done = run("config", "check", "--config", str(file))

    assert done.returncode == 7
    assert "cannot use provisioner acme" in done.stderr


def test_config_schema_prints_json():
    assert json.loads(run("config", "schema").stdout)["title"] == "marketplace.toml"


class Shaky:
    """Fails as often as told, then asks to stop."""

    def __init__(self, stop, errors):
        self.stop = stop
        self.errors = errors
        self.calls = 0

    def deliver(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop()
        self.stop.set()


def test_the_loop_outlasts_storage_that_does_not_answer():
    stop = threading.Event()
    market = Shaky(stop, [StorageError("cannot read", retryable=True)] * 2)

    LoopEngine(0.001).run(market, stop)

    assert market.calls == 3


def test_the_loop_ends_when_trying_again_cannot_help():
    stop = threading.Event()

    with pytest.raises(StorageError, match="not ours"):
        LoopEngine(0.001).run(Shaky(stop, [StorageError("not ours")]), stop)


@pytest.mark.parametrize("interval", [0, -1, 3601, True, "5"])
def test_an_interval_must_be_seconds(interval):
    with pytest.raises(InvalidInput, match="interval"):
        Marketplace("memory", engine={"plugin": "loop", "interval": interval})


def test_an_engine_may_be_an_object():
    ran = []

    class Engine:
        def run(self, market, stop):
            ran.append((market, stop.is_set()))

    with Marketplace("memory", engine=Engine()) as market:
        market.run()
    assert ran == [(market, False)]
