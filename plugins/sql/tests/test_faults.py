"""What breaks under a store: nothing is lost, nothing done twice, and nobody has to repair it."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import threading
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest
from plugins.sql.tests.helpers import job, link, python, record
from psycopg.conninfo import conninfo_to_dict

from marketplace_sdk.plugin import StaleRevision, StorageError
from marketplace_sdk_postgres.testing import PlatformServer
from marketplace_sdk_sql import postgres, sqlite
from marketplace_sdk_sql.storage import SqlStorage


class Wire:
    """A TCP proxy before a server's socket that can be cut at a chosen moment.

    Attributes:
        swallow: a word of the client's; when it passes, the server's answer is lost and the
            connection ends.
    """

    def __init__(self, server):
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs = []
        self.swallow = None
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                upstream = socket.socket(socket.AF_UNIX)
                upstream.connect(self._server)
                self._pairs.append((client, upstream))
                lost = threading.Event()
                for source, target, upwards in (
                    (client, upstream, True),
                    (upstream, client, False),
                ):
                    threading.Thread(
                        target=self._pump, args=(source, target, upwards, lost), daemon=True
                    ).start()

    def _pump(self, source, target, upwards, lost):
        with suppress(OSError):
            while data := source.recv(65536):
                if upwards and self.swallow is not None and self.swallow in data:
                    self.swallow = None
                    lost.set()
                if not upwards and lost.is_set():
                    # The server has done it and said so; nobody hears it.
                    break
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """End every connection at once."""
        for pair in self._pairs:
            for one in pair:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pair in self._pairs:
            for one in pair:
                one.close()


@pytest.fixture
def wire(server):
    """A proxy before the server of these tests, which listens on a socket of its folder."""
    parts = conninfo_to_dict(server.dsn)
    if not str(parts.get("host", "")).startswith("/"):
        pytest.skip("the server is not on this machine")
    made = Wire(f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}")
    yield made
    made.close()


@pytest.fixture
def wired(wire, postgres_url):
    """A store on PostgreSQL behind the proxy."""
    parts = {key: value[0] for key, value in parse_qs(postgres_url.partition("?")[2]).items()}
    parts |= {"host": "127.0.0.1", "port": wire.port}
    storage = SqlStorage(f"postgresql://?{urlencode(parts)}")
    storage.setup()
    yield storage
    storage.close()


class TestPostgres:
    """The server, or the way to it, is lost."""

    def test_a_commit_whose_answer_is_lost_is_found_by_who_tries_again(self, wire, wired):
        """It happened; the retry is told so and adds nothing."""
        wire.swallow = b"INSERT INTO record"
        with pytest.raises(StorageError) as lost, wired.begin() as transaction:  # noqa: PT012  # the block is the rule
            transaction.put(record("a"), None)
            transaction.append([link("a", 1)])
            transaction.enqueue([job("w")])

        assert lost.value.retryable
        with pytest.raises(StaleRevision), wired.begin() as transaction:  # noqa: PT012  # the block is the rule
            transaction.enqueue([job("w")])
            transaction.put(record("a"), None)
        with wired.begin(write=False) as transaction:
            assert [one.id for one in transaction.find("thing")] == ["a"]
            assert [row.id for row in transaction.events()] == ["a/1"]
            assert [row.id for row in transaction.work("q")] == ["w"]

    def test_a_connection_cut_before_the_commit_leaves_nothing(self, wire, wired):
        """And the next block has another connection."""
        with pytest.raises(StorageError) as lost, wired.begin() as transaction:  # noqa: PT012  # the block is the rule
            transaction.put(record("a"), None)
            wire.cut()
            transaction.put(record("b"), None)

        assert lost.value.retryable
        with wired.begin() as transaction:
            assert transaction.find("thing") == []
            transaction.put(record("a"), None)

    def test_connections_that_broke_while_idle_are_replaced_unnoticed(self, wire, wired):
        """Nobody sees an error for what happened between two blocks."""
        with wired.begin(write=False), wired.begin(write=False):
            pass
        wire.cut()

        with wired.begin() as transaction:
            transaction.put(record("a"), None)

    def test_a_row_held_longer_than_the_timeout_is_a_retryable_error(
        self, postgres_url, monkeypatch
    ):
        """A writer that hangs holds nobody for ever."""
        monkeypatch.setitem(postgres._SETTINGS, "lock_timeout", "200ms")
        with (
            closing(SqlStorage(postgres_url)) as storage,
            closing(SqlStorage(postgres_url)) as other,
        ):
            storage.setup()
            with storage.begin() as transaction:
                transaction.put(record("a"), None)

            with storage.begin() as transaction:
                transaction.put(record("a", 2), 1)
                transaction.work("q")  # from now on it writes
                with pytest.raises(StorageError) as refusal, other.begin() as second:
                    second.put(record("a", 2), 1)

        assert refusal.value.retryable
        assert "try again" in refusal.value.hint

    def test_a_server_that_is_restarted_is_gone_on_with(self):
        """What was committed is there, what was not is gone, and the store reconnects by itself."""
        with PlatformServer.start() as server:
            parts = conninfo_to_dict(server.dsn)
            with closing(SqlStorage(f"postgresql://?{urlencode(parts)}")) as storage:
                storage.setup()
                with storage.begin() as transaction:
                    transaction.put(record("a"), None)
                with pytest.raises(StorageError) as lost, storage.begin() as transaction:  # noqa: PT012  # the block is the rule
                    transaction.put(record("b"), None)
                    _restart(Path(parts["host"]) / "data")
                    transaction.put(record("c"), None)

                assert lost.value.retryable
                with storage.begin() as transaction:
                    assert [one.id for one in transaction.find("thing")] == ["a"]
                    transaction.put(record("b"), None)

    def test_a_server_that_is_down_is_a_retryable_error(self, postgres_url):
        """Also when nothing was ever opened."""
        parts = {key: value[0] for key, value in parse_qs(postgres_url.partition("?")[2]).items()}
        parts["port"] = "1"
        storage = SqlStorage(f"postgresql://?{urlencode(parts)}")

        with pytest.raises(StorageError) as refusal, storage.begin():
            pass

        assert refusal.value.retryable


class TestSqlite:
    """The disk is full, or somebody holds the file."""

    def test_a_full_disk_keeps_nothing_of_the_block_and_is_retryable(self, sqlite_url):
        """As soon as there is room, the same block succeeds."""
        with closing(SqlStorage(sqlite_url)) as storage:
            storage.setup()
            with storage.begin() as transaction:
                transaction.put(record("a"), None)
            (writer,) = storage._connections._idle["writer"]
            ((pages,),) = writer.execute("PRAGMA page_count").fetchall()
            writer.execute(f"PRAGMA max_page_count={pages + 4}")

            with pytest.raises(StorageError) as refusal, storage.begin() as transaction:  # noqa: PT012  # the block is the rule
                transaction.put(record("b"), None)
                transaction.put(record("big", blob="x" * 1_000_000), None)
            assert refusal.value.retryable
            assert "full" in refusal.value.hint
            with storage.begin(write=False) as transaction:
                assert [one.id for one in transaction.find("thing")] == ["a"]

            writer.execute("PRAGMA max_page_count=1000000")
            with storage.begin() as transaction:
                transaction.put(record("b"), None)
                transaction.put(record("big", blob="x" * 1_000_000), None)
            with storage.begin(write=False) as transaction:
                assert len(transaction.find("thing", [("all", ["x"])])) == 3

    def test_a_file_that_may_not_grow_keeps_nothing_of_the_block(self, sqlite_url):
        """The system refuses the write itself: a quota, or a limit of the process."""
        with closing(SqlStorage(sqlite_url)) as storage:
            storage.setup()
            code = """
                import resource
                from marketplace_sdk.plugin import StorageError
                resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
                try:
                    with storage.begin() as transaction:
                        transaction.put(record("small"), None)
                        transaction.put(record("big", blob="x" * 1_000_000), None)
                except StorageError as error:
                    print(error.code)
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
                with storage.begin() as transaction:
                    transaction.put(record("after"), None)
            """

            process = python(code, sqlite_url)
            said = process.communicate(timeout=60)[0]

            assert (process.returncode, said) == (0, "storage_error\n")
            with storage.begin(write=False) as transaction:
                assert [one.id for one in transaction.find("thing")] == ["after"]

    def test_a_file_held_longer_than_the_timeout_is_a_retryable_error(
        self, sqlite_url, monkeypatch
    ):
        """By a program that is not ours, for a backup, say; afterwards everything goes on."""
        monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
        with closing(SqlStorage(sqlite_url)) as storage:
            storage.setup()
            with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(StorageError) as refusal, storage.begin():
                    pass
                with storage.begin(write=False) as transaction:
                    assert transaction.find("thing") == []

            assert refusal.value.retryable
            with storage.begin() as transaction:
                transaction.put(record("a"), None)


def _restart(data):
    """Stop a server without notice, as a crash does, and start it again."""
    postmaster = int((data / "postmaster.pid").read_text().split()[0])
    program = Path(f"/proc/{postmaster}/exe").readlink().with_name("pg_ctl")
    owner = data.stat()
    subprocess.run(
        [program, "restart", "-D", data, "-m", "immediate", "-w", "-s", "-l", data / "log"],
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **({"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}),
    )
