"""SQLite answers as the memory store does, whatever is done in whatever order."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta

from attrs import evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.plugin import EventRow, MarketplaceError, Query, Record, Work
from marketplace_sdk_sql import finding, words
from marketplace_sdk_sql.storage import SqlStorage

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

ids = st.sampled_from(["a", "b", "c", "Ä", ""])
kinds = st.sampled_from(["thing", "other"])
values = st.sampled_from(["x", "y", "'z"])
pairs = st.tuples(st.sampled_from(["s", "t"]), values)
where = st.lists(st.tuples(st.sampled_from(["s", "t"]), st.lists(values, max_size=3)), max_size=3)
orders = st.sampled_from(["", "1", "2"])
limits = st.sampled_from([None, 0, 1, 2, 50])
vocabulary = st.sampled_from(["order", "orders", "odrers", "data", "date", "daily", "客户", "24"])
fields = st.lists(vocabulary, max_size=3).map(lambda found: " ".join(sorted(set(found))))
times = st.integers(min_value=-3, max_value=6).map(lambda n: NOON + timedelta(seconds=n))
queues = st.sampled_from(["q", "r"])


class Twins(RuleBasedStateMachine):
    """Two stores to which the same is done; a block is open or each step is one of its own."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.stores = [MemoryStorage(), SqlStorage(f"sqlite:///{self.folder.name}/twin.db")]
        self.blocks = []
        self.readers = []
        self.held = []
        self.usual = (words.FEW, words.MANY, finding.STEP, finding.MOST_STREAMS)
        for store in self.stores:
            store.setup()

    def teardown(self):
        self.leave(self.blocks, rollback=True)
        self.leave(self.readers, rollback=False)
        self.stores[1].close()
        self.folder.cleanup()
        words.FEW, words.MANY, finding.STEP, finding.MOST_STREAMS = self.usual

    def leave(self, blocks, *, rollback):
        for block, _ in blocks:
            if rollback:
                error = LookupError()
                assert not block.__exit__(LookupError, error, None)
            else:
                block.__exit__(None, None, None)
        blocks.clear()

    def same(self, step):
        """Do a step to both and compare what comes of it; returns it."""
        results = []
        for number, store in enumerate(self.stores):
            try:
                if self.blocks:
                    results.append(step(self.blocks[number][1]))
                else:
                    with store.begin() as transaction:
                        results.append(step(transaction))
            except MarketplaceError as error:
                results.append(type(error))
        assert results[0] == results[1]
        return results[0]

    @precondition(lambda self: not self.blocks)
    @rule()
    def begin(self):
        for store in self.stores:
            block = store.begin()
            self.blocks.append((block, block.__enter__()))

    @precondition(lambda self: self.blocks)
    @rule(rollback=st.booleans())
    def end(self, rollback):
        self.leave(self.blocks, rollback=rollback)

    @precondition(lambda self: not self.readers)
    @rule()
    def look(self):
        for store in self.stores:
            block = store.begin(write=False)
            reader = block.__enter__()
            reader.get("thing", "a")  # SQLite's moment is that of the first look
            self.readers.append((block, reader))

    @precondition(lambda self: self.readers)
    @rule()
    def look_away(self):
        self.leave(self.readers, rollback=False)

    @rule(
        kind=kinds,
        id=ids,
        shift=st.sampled_from([0, 0, 0, 0, 1, -1]),
        index=st.frozensets(pairs, max_size=4),
        order=orders,
        texts=st.lists(fields, max_size=4).map(tuple),
    )
    def put(self, kind, id, shift, index, order, texts):
        def step(transaction):
            old = transaction.get(kind, id) if shift % 2 == 0 else None
            expected = (old.revision if old else None) if shift == 0 else 1 + shift
            transaction.put(
                Record(
                    kind=kind,
                    id=id,
                    revision=(expected or 0) + 1,
                    document={"order": order},
                    index=index,
                    order=order,
                    texts=texts,
                ),
                expected,
            )

        self.same(step)

    @rule(kind=kinds, id=ids, expected=st.integers(min_value=1, max_value=3))
    def remove(self, kind, id, expected):
        self.same(lambda transaction: transaction.remove(kind, id, expected))

    @rule(few=st.sampled_from([0, 500]), many=st.sampled_from([1, 2000]), small=st.booleans())
    def thresholds(self, few, many, small):
        """Whatever way the store goes, it arrives at the same place."""
        words.FEW, words.MANY = few, many
        finding.STEP, finding.MOST_STREAMS = (2, 2) if small else self.usual[2:]

    @rule(
        kind=kinds,
        where=where,
        unless=where,
        after=st.none() | st.tuples(orders, ids),
        limit=limits,
        descending=st.booleans(),
    )
    def find(self, kind, where, unless, after, limit, descending):
        def step(transaction):
            return transaction.find(
                kind, where, unless=unless, after=after, limit=limit, descending=descending
            )

        self.same(step)
        if self.readers:
            assert step(self.readers[0][1]) == step(self.readers[1][1])

    @rule(
        kind=kinds,
        query=st.lists(vocabulary | st.sampled_from(["o", "dat", "dalyi", "x"]), max_size=2),
        where=where,
        unless=where,
        after=st.none() | st.tuples(st.integers(-1, 6), orders, ids),
        limit=st.sampled_from([0, 1, 2, 50]),
    )
    def search(self, kind, query, where, unless, after, limit):
        def step(transaction):
            return transaction.search(
                kind, Query(tuple(query)), where, unless=unless, after=after, limit=limit
            )

        self.same(step)
        if self.readers:
            assert step(self.readers[0][1]) == step(self.readers[1][1])

    @rule(
        rows=st.lists(
            st.tuples(ids, st.integers(min_value=-1, max_value=1), st.booleans()), max_size=3
        ),
        at=times,
    )
    def append(self, rows, at):
        def step(transaction):
            added = []
            for aggregate, shift, named in rows:
                head = transaction.head(aggregate)
                mine = [row for row in added if row.aggregate == aggregate]
                sequence = (head.sequence if head else 0) + len(mine) + 1 + min(shift, 0)
                added.append(
                    EventRow(
                        aggregate=aggregate,
                        sequence=sequence,
                        id="taken" if named and shift else f"{aggregate}/{sequence}",
                        type="t",
                        at=at,
                        actor="ada",
                        payload={"n": sequence},
                        payload_hash="",
                        previous="",
                        hash="",
                    )
                )
            transaction.append(added)

        self.same(step)

    @rule(aggregate=st.none() | ids, after=st.integers(min_value=-1, max_value=9), limit=limits)
    def events(self, aggregate, after, limit):
        self.same(lambda transaction: transaction.events(aggregate, after=after, limit=limit))

    @rule(
        rows=st.lists(st.tuples(st.integers(0, 9), queues, ids, times), max_size=4),
    )
    def enqueue(self, rows):
        work = [
            Work(id=str(id), queue=queue, key=key, due=due, payload={"n": id})
            for id, queue, key, due in rows
        ]
        self.same(lambda transaction: transaction.enqueue(work))

    @rule(queue=queues, now=times, limit=st.integers(0, 3), in_order=st.booleans())
    def claim(self, queue, now, limit, in_order):
        self.held += self.same(
            lambda transaction: transaction.claim(
                queue,
                now=now,
                until=now + timedelta(seconds=2),
                owner="w",
                limit=limit,
                in_order=in_order,
            )
        )

    @precondition(lambda self: self.held)
    @rule(data=st.data(), retry_at=st.none() | times, dead=st.booleans(), lost=st.booleans())
    def settle(self, data, retry_at, dead, lost):
        work = data.draw(st.sampled_from(self.held))
        if lost:
            work = evolve(work, owner=data.draw(st.sampled_from(["", "other"])))
        self.same(
            lambda transaction: transaction.settle(work, retry_at=retry_at, dead=dead, error="e")
        )

    @rule(id=st.integers(0, 9), due=times)
    def replay(self, id, due):
        self.same(lambda transaction: transaction.replay(str(id), due))

    @rule(id=st.integers(0, 9))
    def discard(self, id):
        self.same(lambda transaction: transaction.discard(str(id)))

    @rule(chosen=st.lists(st.tuples(ids, st.integers(1, 3)), max_size=3), n=st.integers(0, 2))
    def redact(self, chosen, n):
        events = [f"{aggregate}/{sequence}" for aggregate, sequence in chosen]
        self.same(lambda transaction: transaction.redact(events, {"gone": n}))

    @invariant()
    def everything_is_equal(self):
        def step(transaction):
            return (
                [transaction.find(kind) for kind in ("thing", "other")],
                [transaction.head(aggregate) for aggregate in ("a", "b", "c", "Ä", "")],
                transaction.events(),
                [transaction.backlog(NOON + timedelta(seconds=n)) for n in (0, 3)],
                [transaction.queues(dead=dead) for dead in (False, True)],
                [
                    transaction.work(queue, dead=dead, after=after)
                    for queue in ("q", "r")
                    for dead in (None, True, False)
                    for after in (None, (NOON + timedelta(seconds=1), "b"))
                ],
            )

        self.same(step)
        if self.readers:
            assert step(self.readers[0][1]) == step(self.readers[1][1])


TestTwins = Twins.TestCase
TestTwins.settings = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
