"""The SQLite store shows the behaviour of every store, and what only a file can show."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime

import pytest

from marketplace_sdk.plugin import BuildContext, InvalidInput, Record, StorageError
from marketplace_sdk.testing.conformance import StorageConformance
from marketplace_sdk_sql import plugin, sqlite
from marketplace_sdk_sql.storage import SqlStorage
from marketplace_sdk_sql.tables import SCHEMA_VERSION


def record(id, revision=1, **document):
    return Record(
        kind="thing",
        id=id,
        revision=revision,
        document=document,
        index=frozenset({("all", "x"), ("parity", str(revision % 2))}),
    )


def python(code, *arguments):
    """Start another process that runs ``code`` after the usual imports."""
    head = """
        import os, signal, sys
        from datetime import datetime, UTC
        from marketplace_sdk.plugin import EventRow, Record, StaleRevision, Work
        from marketplace_sdk_sql.storage import SqlStorage
        storage = SqlStorage(sys.argv[1])
        def record(id, revision=1, **document):
            index = frozenset({("all", "x"), ("parity", str(revision % 2))})
            return Record(kind="thing", id=id, revision=revision, document=document, index=index)
    """
    program = textwrap.dedent(head) + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'market.db'}"


@pytest.fixture
def storage(url):
    storage = SqlStorage(url)
    storage.setup()
    yield storage
    storage.close()


class TestSqliteStorage(StorageConformance):
    """The rules of the port."""

    @pytest.fixture
    def open_storage(self, url):
        return lambda: SqlStorage(url)


def test_the_plugin_offers_sqlite(url):
    """The scheme of the URL names it."""
    (spec,) = plugin.marketplace_storages()

    storage = spec.build(
        url,
        BuildContext(
            installation="testtest", name="storage", clock=lambda: datetime.now(UTC), secret=str
        ),
    )
    storage.setup()
    storage.close()

    assert (spec.name, spec.capabilities) == ("sqlite", {"multi_process"})


def test_discovering_the_plugin_imports_no_database_library():
    """Whoever uses another store does not wait for SQLAlchemy."""
    code = "import sys, marketplace_sdk_sql.plugin as p; list(p.marketplace_storages()); "

    loaded = subprocess.check_output(
        [sys.executable, "-c", code + "print('sqlalchemy' in sys.modules)"], text=True
    )

    assert loaded.strip() == "False"


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory", "sqlite://host/x.db"],
)
def test_a_url_that_names_no_file_is_refused(url):
    """Each thread would get an empty database of its own in memory."""
    with pytest.raises(InvalidInput):
        SqlStorage(url)


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@h/d", "hunter2", "sqlite://u:hunter2@/x"])
def test_a_refused_url_is_not_repeated(url):
    """It may hold a password."""
    with pytest.raises(InvalidInput) as refusal:
        SqlStorage(url)

    assert "hunter2" not in str(refusal.value)


def test_memory_is_refused_with_the_way_to_get_it():
    """The hint names the memory store."""
    with pytest.raises(InvalidInput) as refusal:
        SqlStorage("sqlite:///:memory:")

    assert '"memory"' in refusal.value.hint


def test_a_relative_url_is_below_the_folder_of_then(tmp_path, monkeypatch):
    """A later change of folder does not open another file."""
    monkeypatch.chdir(tmp_path)
    storage = SqlStorage("sqlite:///here.db")

    monkeypatch.chdir("/")
    storage.setup()
    storage.close()

    assert (tmp_path / "here.db").exists()


def test_every_commit_is_durable(storage, url):
    """The write-ahead log is synchronised at each commit."""
    with storage.begin() as transaction:
        transaction.put(record("a"), None)
        connection = storage._writer

        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (5_000,)


@pytest.mark.parametrize(
    ("version", "hint"), [("0", "marketplace migrate"), (str(SCHEMA_VERSION + 1), "upgrade")]
)
def test_a_schema_of_another_version_is_refused(storage, url, tmp_path, version, hint):
    """An older one has to be migrated, a newer one needs a newer release."""
    with sqlite3.connect(tmp_path / "market.db") as connection:
        connection.execute("UPDATE meta SET value = ?", (version,))
    connection.close()

    with pytest.raises(StorageError) as refusal:
        SqlStorage(url).setup()

    assert hint in refusal.value.hint
    assert not refusal.value.retryable


@pytest.mark.parametrize("table", ["orders (id INTEGER)", "meta (name TEXT, value TEXT)"])
def test_a_database_of_somebody_else_is_refused(url, tmp_path, table):
    """Our tables never appear among others."""
    with sqlite3.connect(tmp_path / "market.db") as connection:
        connection.execute(f"CREATE TABLE {table}")
    connection.close()

    with pytest.raises(StorageError):
        SqlStorage(url).setup()


def test_a_file_that_is_no_database_is_refused(url, tmp_path):
    """It is not overwritten."""
    (tmp_path / "market.db").write_text("a letter to grandmother " * 100)

    with pytest.raises(StorageError):
        SqlStorage(url).setup()

    assert (tmp_path / "market.db").read_text().startswith("a letter")


def test_a_missing_folder_is_a_storage_error(tmp_path):
    """With a hint, not a traceback of the driver's."""
    with pytest.raises(StorageError) as refusal:
        SqlStorage(f"sqlite:///{tmp_path}/no/such/market.db").setup()

    assert "folder" in refusal.value.hint


def test_a_store_that_was_not_set_up_says_so(url):
    """Reading a file without tables is an error of ours."""
    storage = SqlStorage(url)

    with pytest.raises(StorageError), storage.begin() as transaction:
        transaction.get("thing", "a")

    storage.close()


def test_a_closed_store_refuses(storage):
    """A use after close is a mistake that shows."""
    storage.close()

    with pytest.raises(StorageError), storage.begin():
        pass


def test_a_writer_who_waits_too_long_may_try_again(storage, tmp_path, monkeypatch):
    """Another process that holds the file makes a retryable error without row data."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    other = SqlStorage(f"sqlite:///{tmp_path / 'market.db'}")

    with storage.begin() as transaction:
        transaction.put(record("secret-id"), None)
        with pytest.raises(StorageError) as refusal, other.begin():
            pass
    other.close()

    assert refusal.value.retryable
    assert "secret" not in str(refusal.value)
    assert pickle.loads(pickle.dumps(refusal.value)).retryable  # noqa: S301  # our own bytes


def test_a_block_in_which_a_statement_failed_is_not_committed(storage, tmp_path):
    """The database may have rolled back by itself; what follows must not stand alone."""
    with sqlite3.connect(tmp_path / "market.db") as connection:
        connection.execute("DROP TABLE work")
    connection.close()

    with pytest.raises(StorageError), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
        transaction.put(record("a"), None)
        with pytest.raises(StorageError):
            transaction.work("q")

    with storage.begin(write=False) as transaction:
        assert transaction.get("thing", "a") is None


def test_a_reader_does_not_hold_a_writer_up(storage):
    """An open reader costs a writer nothing."""
    with storage.begin(write=False) as reader:
        assert reader.find("thing") == []
        started = time.monotonic()
        with storage.begin() as writer:
            writer.put(record("a"), None)

        assert time.monotonic() - started < 2
        assert reader.find("thing") == []


def test_readers_in_many_threads_have_connections_of_their_own(storage):
    """More readers at once than are kept idle."""
    with storage.begin() as transaction:
        transaction.put(record("a"), None)
    together = threading.Barrier(20)
    found = []

    def read():
        with storage.begin(write=False) as transaction:
            together.wait()
            found.append(transaction.get("thing", "a").id)

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == ["a"] * 20


def test_the_index_table_holds_exactly_what_records_say(storage, tmp_path):
    """Only entries that changed are written, and none stays behind."""
    with storage.begin() as transaction:
        transaction.put(record("a"), None)
        transaction.put(record("b"), None)
    with storage.begin() as transaction:
        transaction.put(record("a", 2), 1)
        transaction.put(record("a", 3), 2)
        transaction.put(record("a", 4), 3)
        transaction.remove("thing", "b", 1)

    with sqlite3.connect(tmp_path / "market.db") as connection:
        rows = connection.execute('SELECT id, "key", value FROM record_index').fetchall()
    connection.close()

    assert sorted(rows) == [("a", "all", "x"), ("a", "parity", "0")]


def test_processes_that_set_up_at_once_all_succeed(url):
    """The first starts of several processes make one schema."""
    code = """
        print("ready", flush=True)
        sys.stdin.readline()
        storage.setup()
        with storage.begin() as transaction:
            transaction.put(record(sys.argv[2]), None)
    """
    processes = [python(code, url, str(number)) for number in range(4)]
    for process in processes:
        process.stdout.readline()

    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=30)

    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    storage = SqlStorage(url)
    with storage.begin(write=False) as transaction:
        assert [one.id for one in transaction.find("thing")] == ["0", "1", "2", "3"]
    storage.close()


def test_processes_that_race_lose_no_update(storage, url):
    """Of two processes that follow one revision one is told, and decides again."""
    with storage.begin() as transaction:
        transaction.put(record("n", n=0), None)
    code = """
        stale = 0
        for _ in range(40):
            while True:
                with storage.begin(write=False) as transaction:
                    old = transaction.get("thing", "n")
                try:
                    with storage.begin() as transaction:
                        n = old.document["n"] + 1
                        transaction.put(record("n", old.revision + 1, n=n), old.revision)
                    break
                except StaleRevision:
                    stale += 1
    """

    processes = [python(code, url) for _ in range(2)]
    for process in processes:
        process.communicate(timeout=60)

    assert [process.returncode for process in processes] == [0, 0]
    with storage.begin(write=False) as transaction:
        stored = transaction.get("thing", "n")
    assert (stored.document, stored.revision) == ({"n": 80}, 81)


def test_a_process_killed_in_a_transaction_leaves_nothing_half(storage, url):
    """kill -9 in the middle is as if the block had never begun."""
    with storage.begin() as transaction:
        transaction.put(record("a", n=0), None)
    code = """
        with storage.begin() as transaction:
            transaction.put(record("a", 2, n=1), 1)
            transaction.put(record("b", blob="x" * 20_000_000), None)
            transaction.enqueue([Work(id="w", queue="q", key="k", due=datetime.now(UTC), payload={})])
            transaction.find("thing", [("all", ["x"])])
            os.kill(os.getpid(), signal.SIGKILL)
    """

    process = python(code, url)
    process.communicate(timeout=60)

    assert process.returncode == -signal.SIGKILL
    with storage.begin() as transaction:
        assert [(one.id, one.document) for one in transaction.find("thing")] == [("a", {"n": 0})]
        assert [one.id for one in transaction.find("thing", [("all", ["x"])])] == ["a"]
        assert transaction.work("q") == []
        transaction.put(record("a", 2, n=2), 1)


def test_a_process_killed_while_it_commits_leaves_whole_commits(storage, url):
    """Whatever was reported is there, and what is there is whole."""
    code = """
        for n in range(1, 1_000_000):
            with storage.begin() as transaction:
                for id in ("a", "b"):
                    transaction.put(record(id, n, n=n), n - 1 or None)
            print(n, flush=True)
    """
    process = python(code, url)

    reported = 0
    while reported < 50:
        reported = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    rest = process.communicate(timeout=30)[0].split()
    # A line may have been cut off by the kill; the one before it was whole.
    reported = max([reported, *(int(line) for line in rest[:-1])])

    with storage.begin(write=False) as transaction:
        found = transaction.find("thing", [("all", ["x"])])
    assert len({one.revision for one in found}) == 1
    assert found[0].revision >= reported
    assert [one.document["n"] for one in found] == [found[0].revision] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_process_opens_connections_of_its_own(storage):
    """A web server may build the store before it forks its workers."""
    with storage.begin() as transaction:
        transaction.put(record("parent"), None)

    child = os.fork()
    if child == 0:
        code = 1
        try:
            with storage.begin() as transaction:
                transaction.put(record("child"), None)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)

    assert status == 0
    with storage.begin() as transaction:
        assert [one.id for one in transaction.find("thing")] == ["child", "parent"]


@pytest.mark.parametrize(
    "where",
    [
        [("all", ["x"])],
        [("all", ["x"]), ("parity", ["1"])],
        [("parity", ["0", "1"]), ("all", ["x"])],
    ],
)
def test_a_search_uses_the_index_and_does_not_sort(storage, where):
    """Nothing is scanned; only a search for one of several values sorts what it found."""
    with storage.begin() as transaction:
        transaction.put(record("a"), None)
        statement = []
        transaction._cursor.connection.set_trace_callback(statement.append)
        transaction.find("thing", where, after=("", ""), limit=10)
        transaction._cursor.connection.set_trace_callback(None)
        plan = transaction._cursor.execute("EXPLAIN QUERY PLAN " + statement[-1]).fetchall()

    steps = [row[-1] for row in plan]
    assert not [step for step in steps if step.startswith("SCAN record")]
    assert not [step for step in steps if "ORDER BY" in step]
