"""``marketplace demo``, as somebody types it: its exit status, its JSON, and what it leaves."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from click.testing import CliRunner
from standardwebhooks import Webhook

from marketplace_sdk.testing import FrozenClock
from marketplace_sdk_postgres.demo import command
from marketplace_sdk_postgres.demo.receiver import Receiver

MARKETPLACE = [sys.executable, "-c", "from marketplace_sdk.cli import main; main()"]


def marketplace(*words, **environment):
    """Run the command to its end."""
    return subprocess.run(
        [*MARKETPLACE, *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.fixture
def boss(platform):
    """A login that may create roles and schemas, and is no superuser."""
    name = platform.person(f"boss_{secrets.token_hex(3)}", "CREATEROLE")
    (database,) = platform.run("SELECT quote_ident(current_database())")[0]
    platform.run(f"GRANT CREATE ON DATABASE {database} TO {name}")
    yield name
    platform.run(f"REVOKE CREATE ON DATABASE {database} FROM {name}")


def test_every_expectation_is_met_on_a_server_started_for_it(server):
    if server.how == "dsn":
        pytest.skip("the machine's own server is not ours to start")

    done = marketplace("demo", "--json", MARKETPLACE_PG_PREFER=server.how)

    told = json.loads(done.stdout)
    assert [step for step in told["steps"] if not step["ok"]] == []
    assert told["summary"]["ok"]
    assert told["summary"]["steps"] == len(told["steps"]) > 50
    assert {step["who"] for step in told["steps"] if step["sql"]} == {"bob", "kim", "lea", "ned"}
    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_that_is_given_is_left_as_it_was(platform, boss):
    before = platform.snapshot()

    done = marketplace("demo", "--platform", platform.dsn(boss))

    assert done.returncode == 0, done.stdout + done.stderr
    assert platform.snapshot() == before
    assert platform.run("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'demo!_%' ESCAPE '!'") == []


def test_the_story_is_plain_text_of_80_columns_when_nobody_watches(platform, boss):
    done = marketplace("demo", "--platform", platform.dsn(boss), COLUMNS="", TERM="xterm")

    lines = done.stdout.splitlines()
    assert "4  Any: the first steward decides, and the consumer reads" in lines
    assert "    ✓ ERROR:  permission denied for table customers" in lines
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.stdout


def test_a_platform_that_is_open_to_everybody_fails_the_demo(platform, boss):
    for what in ("USAGE ON SCHEMAS", "SELECT ON TABLES"):
        platform.run(f"ALTER DEFAULT PRIVILEGES GRANT {what} TO PUBLIC", as_person=boss)

    done = marketplace("demo", "--json", "--platform", platform.dsn(boss))

    told = json.loads(done.stdout)
    missed = {(step["who"], step["expectation"]) for step in told["steps"] if not step["ok"]}
    assert missed == {(who, "permission denied") for who in ("bob", "kim", "lea", "ned")}
    assert not told["summary"]["ok"]
    assert done.returncode == 1


def test_an_interrupted_demo_cleans_up(platform, boss):
    before = platform.snapshot()
    started = subprocess.Popen(
        [*MARKETPLACE, "demo", "--platform", platform.dsn(boss)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs here
    )
    with started:
        # Somebody has access by now, so there are roles, members and privileges.
        while "✓ 5000" not in (line := started.stdout.readline()):
            assert line, started.stderr.read()
        # It stands still while we look, or it would be over before a slow machine has looked.
        started.send_signal(signal.SIGSTOP)
        assert platform.snapshot() != before
        started.send_signal(signal.SIGINT)
        started.send_signal(signal.SIGCONT)
        started.communicate(timeout=60)

    assert started.returncode == 1
    assert platform.snapshot() == before
    assert platform.run("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'demo!_%' ESCAPE '!'") == []


def test_a_failure_on_the_platform_is_told_and_is_status_1(platform):
    nobody = platform.person(f"nobody_{secrets.token_hex(3)}")

    done = marketplace("demo", "--json", "--platform", platform.dsn(nobody))

    assert done.returncode == 1
    assert "PostgreSQL said: permission denied" in done.stderr
    assert "permission denied" in json.loads(done.stdout)["summary"]["error"]


@pytest.mark.parametrize(
    ("words", "prefer", "said"),
    [
        ((), "nothing", "install PostgreSQL"),
        (("--platform", "host=/nowhere"), "", "does not answer"),
    ],
)
def test_without_postgresql_it_says_what_to_do(words, prefer, said):
    done = marketplace("demo", *words, MARKETPLACE_PG_PREFER=prefer)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_without_its_parts_it_says_what_to_install(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        command, "find_spec", lambda name: None if name == "standardwebhooks" else found(name)
    )

    done = CliRunner().invoke(command.demo)

    assert done.exit_code == 2
    assert "missing standardwebhooks" in done.output
    assert 'pip install "data-marketplace-sdk-postgres[demo]"' in done.output


class TestReceiver:
    """The demo's receiver trusts nothing but a right and fresh signature."""

    BODY = b'{"type":"a.b","timestamp":"2026-01-01T12:00:00Z","data":{"n":1}}'

    @pytest.fixture
    def clock(self):
        return FrozenClock()

    @pytest.fixture
    def receiver(self, clock):
        with Receiver(clock) as made:
            yield made

    def headers(self, receiver, clock, *, secret=None, id="m1"):
        signature = Webhook(secret or receiver.secret).sign(id, clock(), self.BODY.decode())
        return {
            "webhook-id": id,
            "webhook-timestamp": str(int(clock().timestamp())),
            "webhook-signature": signature,
        }

    def test_a_repeated_message_counts_once(self, receiver, clock):
        headers = self.headers(receiver, clock)

        assert [receiver.receive(headers, self.BODY) for _ in range(2)] == [204, 204]
        assert [(hook.type, hook.data) for hook in receiver.hooks] == [("a.b", {"n": 1})]

    def test_another_body_another_secret_and_no_signature_are_refused(self, receiver, clock):
        headers = self.headers(receiver, clock)
        other = self.headers(receiver, clock, secret="whsec_" + "QUJD" * 8)

        assert receiver.receive(headers, self.BODY + b" ") == 401
        assert receiver.receive(other, self.BODY) == 401
        assert receiver.receive({}, self.BODY) == 401
        assert (receiver.hooks, receiver.refused) == ([], 3)

    def test_an_old_message_is_refused(self, receiver, clock):
        headers = self.headers(receiver, clock)
        clock.advance(timedelta(minutes=6))

        assert receiver.receive(headers, self.BODY) == 401
