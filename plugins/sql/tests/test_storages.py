"""What a store in a database does, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from datetime import UTC, datetime

import pytest
from plugins.sql.tests.helpers import NOON, python, raw, record

from marketplace_sdk.plugin import BuildContext, StorageError, Work
from marketplace_sdk_sql import plugin
from marketplace_sdk_sql.rows import time_to
from marketplace_sdk_sql.storage import SqlStorage


def test_the_plugin_offers_the_scheme(url):
    """The scheme of the URL names it."""
    scheme = url.split(":")[0]
    (spec,) = (spec for spec in plugin.marketplace_storages() if spec.name == scheme)

    storage = spec.build(
        url,
        BuildContext(
            installation="testtest", name="storage", clock=lambda: datetime.now(UTC), secret=str
        ),
    )
    storage.setup()
    storage.close()

    assert "multi_process" in spec.capabilities


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


def test_a_block_in_which_a_statement_failed_is_not_committed(storage):
    """The database may have rolled back by itself; what follows must not stand alone."""
    raw(storage, "DROP TABLE work")

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


def test_the_index_table_holds_exactly_what_records_say(storage):
    """Only entries that changed are written, and none stays behind."""
    with storage.begin() as transaction:
        transaction.put(record("a"), None)
        transaction.put(record("b"), None)
    with storage.begin() as transaction:
        transaction.put(record("a", 2), 1)
        transaction.put(record("a", 3), 2)
        transaction.put(record("a", 4), 3)
        transaction.remove("thing", "b", 1)

    rows = raw(storage, 'SELECT id, "key", value FROM record_index')

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


def test_queues_are_found_without_reading_the_work_in_them(storage):
    """From the name of one the index leads to the next."""
    rows = [
        Work(id=f"w{n}", queue=f"q{n % 3}", key="k", due=NOON, payload={}, dead=n % 6 == 1)
        for n in range(3000)
    ]
    with storage.begin() as transaction:
        transaction.enqueue(rows)
    with storage._connections.lend("alter") as connection:
        connection.execute("ANALYZE")

    for dead, names in ((False, ["q0", "q1", "q2"]), (True, ["q1"])):
        with storage.begin(write=False) as transaction:
            assert transaction.queues(dead=dead) == names
            sql = transaction._sql.queues[dead]
            explain = "EXPLAIN ANALYZE "  # without it the plan of the inner query is not shown
            if storage._driver.name == "SQLite":
                explain = "EXPLAIN QUERY PLAN "
            told = transaction._cursor.execute(explain + sql).fetchall()
        steps = "\n".join(str(row[-1]) for row in told)
        index = "work_dead" if dead else "work_(due|line)"
        looks = re.findall(
            rf"SEARCH work USING INDEX {index}|Only Scan using {index} on work", steps
        )
        assert len(looks) == 2, steps
        assert "SCAN work" not in steps
        assert steps.count("Limit ") == (0 if storage._driver.name == "SQLite" else 2)


def test_a_page_of_dead_letters_is_read_from_their_index(storage):
    """However many there are: in its order, with nothing to sort."""
    rows = [
        Work(id=f"w{n}", queue=f"q{n % 2}", key="k", due=NOON, payload={}, dead=True)
        for n in range(3000)
    ]
    with storage.begin() as transaction:
        transaction.enqueue(rows)
    with storage._connections.lend("alter") as connection:
        connection.execute("ANALYZE")

    with storage.begin(write=False) as transaction:
        page = transaction.work("q1", dead=True, after=(NOON, "w2001"), limit=3)
        sql = transaction._sql.work[True]
        explain = "EXPLAIN QUERY PLAN " if "?" in sql else "EXPLAIN "
        binds = ("q1", time_to(NOON), "w2001", 3)
        told = transaction._cursor.execute(explain + sql, binds).fetchall()
    plan = "\n".join(str(row[-1]) for row in told)

    assert [row.id for row in page] == ["w2003", "w2005", "w2007"]
    assert "work_dead" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
