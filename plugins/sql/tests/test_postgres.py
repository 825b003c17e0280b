"""What only a store on PostgreSQL can show."""

from __future__ import annotations

import secrets
import threading
import traceback
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg
import pytest
from attrs import evolve
from plugins.sql.tests.helpers import NOON, job, link, raw, record

from marketplace_sdk import DataSource, Marketplace, NotAllowed
from marketplace_sdk.plugin import InvalidInput, StaleRevision, StorageError
from marketplace_sdk_sql.storage import SqlStorage

MINUTE = timedelta(minutes=1)


@pytest.fixture
def url(postgres_url):
    return postgres_url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@[h/d",
        "postgresql://u:hunter2@h/d?nonsense=hunter2",
        "postgresql://u:hunter2@h/d?schema=%00",
    ],
)
def test_a_url_that_libpq_cannot_read_is_refused_and_not_repeated(url):
    """It may hold a password."""
    with pytest.raises(InvalidInput) as refusal:
        SqlStorage(url)

    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid"])
def test_a_server_that_cannot_be_reached_is_a_retryable_storage_error(host):
    """Without the password, in whatever is printed of it."""
    storage = SqlStorage(f"postgresql://u:hunter2@{host}/d?connect_timeout=2")

    with pytest.raises(StorageError) as refusal:
        storage.setup()

    assert refusal.value.retryable
    printed = "".join(traceback.format_exception(refusal.value)) + repr(storage)
    assert "hunter2" not in printed


def test_the_store_tells_the_time_of_its_server(storage):
    """The doctor compares it with the clock of the machine that it runs on."""

    def server():
        ((at,),) = raw(storage, "SELECT clock_timestamp()::text")
        return datetime.fromisoformat(at)

    before, told, after = server(), storage.describe().now, server()

    assert before <= told <= after
    assert told.utcoffset() == timedelta(0)


def test_two_stores_in_one_database_are_apart(server, postgres_url, storage):
    """Each has its schema, with a log of its own."""
    other = SqlStorage(postgres_url.replace("schema=market_", "schema=Market "))
    other.setup()
    with storage.begin() as one, pytest.raises(LookupError), other.begin() as two:  # noqa: PT012 - the error is the last of it
        one.append([link("a", 1)])
        two.append([link("b", 1)])
        with other.begin(write=False) as reader:
            assert reader.events() == []
        raise LookupError

    with storage.begin(write=False) as reader:
        assert [row.id for row in reader.events()] == ["a/1"]
    schema = raw(other, "SELECT current_schema()")[0][0]
    other.close()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
    assert schema.startswith("Market ")


def test_write_skew_is_impossible(storage):
    """Two who each checked what the other one changes: one of them has to decide again."""
    with storage.begin() as transaction:
        transaction.put(record("a"), None)
        transaction.put(record("b"), None)
    outcomes = []
    together = threading.Barrier(2)

    def leave(mine):
        try:
            with storage.begin() as transaction:
                on_call = transaction.find("thing", [("all", ["x"])])
                together.wait()
                assert len(on_call) == 2
                transaction.remove("thing", mine, 1)
            outcomes.append("left")
        except StaleRevision:
            outcomes.append("stale")

    threads = [threading.Thread(target=leave, args=(id,)) for id in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["left", "stale"]
    with storage.begin(write=False) as transaction:
        assert len(transaction.find("thing")) == 1


def test_a_phantom_is_noticed(storage):
    """Two who found nothing and added something: one of them has to decide again."""
    outcomes = []
    together = threading.Barrier(2)

    def add(id):
        try:
            with storage.begin() as transaction:
                assert transaction.find("thing", [("all", ["x"])]) == []
                together.wait()
                transaction.put(record(id), None)
            outcomes.append("added")
        except StaleRevision:
            outcomes.append("stale")

    threads = [threading.Thread(target=add, args=(id,)) for id in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["added", "stale"]


class TestOrderOfTheLog:
    """A reader of the whole log never passes over what is committed later."""

    def test_a_later_position_waits_for_an_earlier_one(self, storage, reopen):
        """The slow writer drew its position first; nobody may read past it."""
        other = reopen()
        with storage.begin() as slow:
            slow.append([link("slow", 1)])
            slow.work("q")  # from now on it writes
            with other.begin() as quick:
                quick.append([link("quick", 1)])
            with other.begin(write=False) as reader:
                assert reader.events() == []
                assert [row.id for row in reader.events("quick")] == ["quick/1"]

        with other.begin(write=False) as reader:
            assert [row.id for row in reader.events()] == ["slow/1", "quick/1"]

    def test_a_reader_who_looked_before_the_commit_does_not_pass_it(self, storage, reopen):
        """The commit falls between the reader's first look and its reading of the log."""
        other = reopen()
        with other.begin(write=False) as reader:
            with storage.begin() as slow:
                slow.append([link("slow", 1)])
                slow.work("q")  # from now on it writes
                with other.begin() as quick:
                    quick.append([link("quick", 1)])
                assert reader.get("thing", "a") is None

            assert reader.events() == []
        with other.begin(write=False) as reader:
            assert [row.id for row in reader.events()] == ["slow/1", "quick/1"]

    def test_writers_do_not_wait_for_each_other(self, storage, reopen):
        """Many may have added and not committed."""
        other = reopen()
        with storage.begin() as one:
            one.append([link("a", 1)])
            one.work("q")  # from now on it writes
            with other.begin() as two:
                two.append([link("b", 1)])

    @pytest.mark.timeout(240)
    def test_readers_follow_many_writers_without_a_gap(self, storage, reopen):
        """Pages in a row, read while eight threads write, are the whole log in the end."""
        done = threading.Event()
        followed = []

        def read(after, *, look_first):
            with storage.begin(write=False) as reader:
                if look_first:
                    reader.get("thing", "a")
                return reader.events(after=after, limit=7)

        def follow(*, look_first):
            seen, after = [], 0
            while True:
                over = done.is_set()
                page = read(after, look_first=look_first)
                if not page and over:
                    break
                seen += [row.id for row in page]
                after = page[-1].position if page else after
            followed.append(seen)

        readers = [
            threading.Thread(target=follow, kwargs={"look_first": look}) for look in (True, False)
        ]
        writers = [threading.Thread(target=_add, args=(storage, f"w{n}")) for n in range(8)]
        for thread in (*readers, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        for thread in readers:
            thread.join()

        with storage.begin(write=False) as reader:
            whole = [row.id for row in reader.events()]
        assert len(whole) == 640
        assert followed == [whole, whole]


class TestClaims:
    """Workers that look at one queue at one time."""

    def test_a_worker_skips_keys_that_another_one_is_taking(self, storage, reopen):
        """Neither waits, neither fails, nothing is taken twice."""
        other = reopen()
        with storage.begin() as transaction:
            transaction.enqueue([job(str(n), f"k{n}") for n in range(4)])

        with storage.begin() as one, other.begin() as two:
            first = _claim(one, limit=2)
            second = _claim(two, limit=9)

        assert [row.id for row in first] == ["0", "1"]
        assert [row.id for row in second] == ["2", "3"]

    def test_a_row_that_arrives_at_a_held_key_is_not_taken(self, storage, reopen):
        """Also by a block whose first look was before the key was taken."""
        other = reopen()
        with storage.begin() as transaction:
            transaction.enqueue([job("a", "k", due=NOON + MINUTE)])

        with other.begin() as late:
            assert late.get("thing", "x") is None
            with storage.begin() as transaction:
                transaction.enqueue([job("b", "k")])
            with storage.begin() as transaction:
                assert [row.id for row in _claim(transaction, until=NOON + 2 * MINUTE)] == ["b"]
            # For this worker, whose clock is ahead, "a" is due and looks free.
            assert _claim(late, now=NOON + MINUTE, until=NOON + 3 * MINUTE) == []

    def test_a_late_settling_and_a_claim_of_the_same_work_exclude_each_other(self, storage, reopen):
        """The lease ran out while its holder settles: the other one gets the work or passes by."""
        other = reopen()
        with storage.begin() as transaction:
            transaction.enqueue([job("a", "k")])
        with storage.begin() as transaction:
            (work,) = _claim(transaction)

        with storage.begin() as transaction:
            transaction.settle(work)
            with other.begin() as second:
                assert _claim(second, now=NOON + 2 * MINUTE) == []

        with other.begin() as second:
            assert _claim(second, now=NOON + 2 * MINUTE) == []


def _claim(transaction, *, now=NOON, until=None, limit=9):
    return transaction.claim(
        "q", now=now, until=until or now + MINUTE, owner="w", limit=limit, in_order=False
    )


def _add(storage, name):
    for n in range(40):
        with storage.begin() as transaction:
            transaction.append([link(f"{name}.{n}", 1), link(f"{name}.{n}", 2)])


def test_whoever_was_overtaken_is_alone_when_it_tries_again(storage, reopen):
    """Nobody loses one race after the other: the third try makes others wait, and succeeds."""
    other = reopen()
    for number in (1, 2):
        with pytest.raises(StaleRevision), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
            assert len(transaction.find("thing", [("all", ["x"])])) == number - 1
            with other.begin() as quicker:
                quicker.put(record(f"a{number}"), None)
            transaction.put(record("b"), None)
    waited = []

    def write():
        with other.begin() as transaction:
            transaction.enqueue([job("w")])
        waited.append("written")

    with storage.begin() as transaction:
        late = threading.Thread(target=write)
        late.start()
        late.join(0.3)
        assert waited == []
        transaction.put(record("b"), None)
    late.join()

    assert waited == ["written"]


class Interrupted:
    """A store in whose next writing block something else happens before it ends."""

    def __init__(self, storage):
        self._storage = storage
        self.capabilities = storage.capabilities
        self.then = None

    def setup(self):
        self._storage.setup()

    def close(self):
        self._storage.close()

    @contextmanager
    def begin(self, *, write=True):
        with self._storage.begin(write=write) as transaction:
            yield transaction
            if write and self.then:
                then, self.then = self.then, None
                then()


def test_nobody_acts_who_is_deactivated_meanwhile(postgres_url):
    """Whoever acts is read in the unit that they act in, and looked at once more in its end."""
    storage = Interrupted(SqlStorage(postgres_url))
    with Marketplace(storage) as market, Marketplace(SqlStorage(postgres_url)) as other:
        market.people.add("root", permissions=["USER_ADMIN", "GOVERNANCE"])
        market.people.add("ann", permissions=["USER_ADMIN"], by="root")
        storage.then = lambda: other.people.deactivate("ann", by="root")

        with pytest.raises(NotAllowed, match="unknown or inactive"):
            market.people.add("bob", by="ann")

        assert [person.id for person in market.people.find(by="root").items] == ["ann", "root"]


def test_nobody_asks_for_access_who_is_deactivated_meanwhile(postgres_url):
    """A request is made of whoever asks as they are when it is kept."""
    storage = Interrupted(SqlStorage(postgres_url))
    lake = {"connections": {"lake": {"plugin": "memory"}}}
    other = Marketplace(SqlStorage(postgres_url), **lake)
    with Marketplace(storage, **lake) as market, other:
        market.people.add("root", permissions=["USER_ADMIN", "GOVERNANCE"])
        market.people.add("ann", principals={"lake": "ann"}, by="root")
        market.domains.create("sales", by="root")
        market.sources.register(DataSource("orders", connection="lake", object="o"), by="root")
        market.domains.assign("sales", ["orders"], by="root")
        product = market.products.publish("O", domain="sales", sources=["orders"], by="root")
        storage.then = lambda: other.people.deactivate("ann", by="root")

        with pytest.raises(NotAllowed, match="unknown or inactive"):
            market.requests.request_access(product.id, answers={"why": "to see"}, by="ann")

        assert not market.requests.find(by="root").items


@pytest.mark.parametrize("place", ["id", "order", "index"])
def test_a_key_that_no_index_can_hold_is_refused(storage, place):
    """As input, not as a failure of the database; and nothing is written."""
    # Of letters that do not repeat, for the server would shrink them.
    long = "".join(secrets.token_hex(4) for _ in range(1000))
    rows = {
        "id": record(long),
        "order": evolve(record("b"), order=long),
        "index": evolve(record("b"), index=frozenset({("all", long)})),
    }

    with pytest.raises(InvalidInput, match="too long"), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
        transaction.put(record("a"), None)
        transaction.put(rows[place], None)

    with storage.begin(write=False) as transaction:
        assert transaction.find("thing") == []


def _both(first, second):
    """Two blocks that have both looked before either writes; how each ended."""
    outcomes = []
    together = threading.Barrier(2)

    def run(block):
        try:
            block(together.wait)
            outcomes.append("done")
        except StaleRevision:
            outcomes.append("stale")

    threads = [threading.Thread(target=run, args=(block,)) for block in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


class TestLookingFirst:
    """What a block looked at before it writes is looked at once more when it does."""

    def test_write_skew_between_two_records_is_impossible(self, storage):
        """Each read by its id what the other one writes."""
        with storage.begin() as transaction:
            transaction.put(record("a"), None)
            transaction.put(record("b"), None)

        def block(mine, others):
            def run(wait):
                with storage.begin() as transaction:
                    assert transaction.get("thing", others).revision == 1
                    assert transaction.get("thing", mine).revision == 1
                    wait()
                    transaction.put(record(mine, 2), 1)

            return run

        assert _both(block("a", "b"), block("b", "a")) == ["done", "stale"]

    def test_a_record_that_was_not_there_is_missed_by_one_alone(self, storage):
        """Each found no record of the id that the other one adds."""

        def block(mine, others):
            def run(wait):
                with storage.begin() as transaction:
                    assert transaction.get("thing", others) is None
                    wait()
                    transaction.put(record(mine), None)

            return run

        assert _both(block("a", "b"), block("b", "a")) == ["done", "stale"]

    def test_a_chain_that_had_no_next_link_is_so_for_one_alone(self, storage):
        """Each read the head of the chain that the other one lengthens."""
        with storage.begin() as transaction:
            transaction.append([link("a", 1), link("b", 1)])

        def block(mine, others):
            def run(wait):
                with storage.begin() as transaction:
                    assert transaction.head(others).sequence == 1
                    wait()
                    transaction.append([link(mine, 2)])

            return run

        assert _both(block("a", "b"), block("b", "a")) == ["done", "stale"]

    def test_an_index_entry_that_went_away_is_noticed(self, storage):
        """Each found by a pair the record that the other one takes out of it."""
        for id in "ab":
            with storage.begin() as transaction:
                transaction.put(record(id), None)

        def block(mine):
            def run(wait):
                with storage.begin() as transaction:
                    assert len(transaction.find("thing", [("parity", ["1"])])) == 2
                    wait()
                    transaction.put(record(mine, 2), 1)

            return run

        assert _both(block("a"), block("b")) == ["done", "stale"]

    def test_a_block_sees_one_moment_and_its_own_writes(self, storage, reopen):
        """Whatever it reads is of the moment of its first look."""
        other = reopen()
        with storage.begin() as transaction:
            transaction.put(record("a"), None)
            transaction.append([link("a", 1)])

        with pytest.raises(StaleRevision), storage.begin() as slow:  # noqa: PT012  # the block is the rule
            assert slow.get("thing", "a").revision == 1
            with other.begin() as quick:
                quick.put(record("a", 2), 1)
                quick.put(record("b"), None)
                quick.append([link("a", 2)])
            assert slow.get("thing", "b") is None
            assert slow.head("a").sequence == 1
            slow.put(record("c"), None)
            slow.append([link("c", 1)])
            assert slow.get("thing", "c") == record("c")
            assert slow.head("c").sequence == 1
            slow.put(record("a", 2), 1)

    def test_reading_by_key_locks_no_neighbours(self, storage, reopen):
        """Of the records and links that a block read, only those themselves are watched."""
        other = reopen()
        with storage.begin() as transaction:
            transaction.put(record("a"), None)
            transaction.put(record("c"), None)
            transaction.append([link("a", 1)])

        with storage.begin() as transaction:
            transaction.get("thing", "a")
            transaction.get("thing", "b")
            transaction.get("thing", "c")
            transaction.append([link("a", transaction.head("a").sequence + 1)])
            transaction.put(record("b"), None)
            transaction.put(record("a", 2), 1)
            transaction.finish()
            transaction._line.run()
            watched = raw(
                other,
                "SELECT DISTINCT l.locktype FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                " WHERE l.mode = 'SIReadLock' AND c.relkind IN ('r', 'i')"
                " AND c.relnamespace = current_schema()::regnamespace",
            )

        assert watched == [("tuple",)]

    def test_a_lost_race_leaves_nothing_in_the_log(self, storage, reopen, caplog):
        """The driver has nothing to say about statements that were still on their way."""
        other = reopen()
        with pytest.raises(StaleRevision), storage.begin() as slow:  # noqa: PT012  # the block is the rule
            assert slow.find("thing", [("all", ["x"])]) == []
            with other.begin() as quick:
                quick.find("thing", [("all", ["x"])])
                quick.put(record("a"), None)
            slow.put(record("b"), None)

        assert caplog.records == []
