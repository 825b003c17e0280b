"""Searching and listing on either database: the reference's results, by index, and no more work."""

from __future__ import annotations

import random
import re

import pytest

from marketplace_sdk import DataSource, Marketplace
from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.plugin import Query, pieces
from marketplace_sdk.testing.conformance._storage_searching import QUERIES, corpus, searchable
from marketplace_sdk_sql import finding, words
from marketplace_sdk_sql.storage import SqlStorage


def put(storage, records):
    with storage.begin() as rows:
        for record in records:
            rows.put(record, None)


def found(storage, text, where=(), limit=1000, **more):
    with storage.begin(write=False) as rows:
        hits = rows.search("product", Query.of(text), where, limit=limit, **more)
    return [(hit.tier, hit.record.order, hit.record.id) for hit in hits]


@pytest.mark.parametrize("way", [(500, 2000, 2000), (0, 2000, 2000), (0, 0, 2000), (0, 0, 3)])
def test_every_database_finds_what_the_reference_finds_in_its_order(storage, monkeypatch, way):
    """Whether records are ranked one by one, asked of the word index, walked, or both."""
    for name, most in zip(("FEW", "MANY", "WALKED"), way, strict=True):
        monkeypatch.setattr(words, name, most)
    reference = MemoryStorage()
    put(reference, corpus())
    put(storage, corpus())

    for text in QUERIES:
        for where in ((), [("kept", ["yes"])], [("parity", ["0"]), ("kept", ["yes", "no"])]):
            whole = found(reference, text, where)
            assert found(storage, text, where) == whole, text
            for at, place in enumerate(whole[:20]):
                assert found(storage, text, where, after=place, limit=3) == whole[at + 1 : at + 4]
    assert len({tier for text in QUERIES for tier, _, _ in found(storage, text)}) == 6
    assert storage.capabilities == {"search", "search_typos"}


def test_a_database_without_trigrams_finds_all_but_typing_errors(postgres_url):
    """Where the extension cannot be created, the store says so."""
    storage = SqlStorage(postgres_url)
    storage.setup()
    with storage._connections.lend("alter") as connection:
        connection.execute("DROP INDEX search_trigrams")
    storage.close()
    storage = SqlStorage(postgres_url)
    storage.setup()
    put(storage, [searchable(1, "Orders")])

    assert storage.capabilities == {"search"}
    assert [found(storage, text) for text in ("orders", "ordrs")] == [[(0, "orders", "p0001")], []]
    storage.close()


class Spy:
    """Remembers the statements of a transaction, with their values."""

    def __init__(self, transaction):
        self.said = []
        self._cursor = transaction._cursor
        transaction._cursor = self
        if hasattr(transaction, "_later"):  # statements that go with the next one
            self._later, transaction._later = transaction._later, self.later

    def __getattr__(self, name):
        return getattr(self._cursor, name)

    def execute(self, sql, binds=()):
        self.said.append((sql, binds))
        return self._cursor.execute(sql, binds)

    def later(self, sql, binds=()):
        self.said.append((sql, binds))
        return self._later(sql, binds)

    def plans(self):
        """Each statement's plan, as text, in the settings of the moment it was run."""
        explain = "EXPLAIN QUERY PLAN " if "?" in self.said[-1][0] else "EXPLAIN "
        for sql, binds in self.said:
            if sql.startswith("SET"):
                self._cursor.execute(sql)
                continue
            rows = self._cursor.execute(explain + sql, binds).fetchall()
            yield sql, "\n".join(str(row[-1]) for row in rows)


SCANS = re.compile(r"Seq Scan|SCAN (record|record_index|entry\w*|search|search_word|known)\b")


@pytest.fixture(scope="module")
def many():
    """Records enough for a planner to care."""
    chance = random.Random(7)
    syllables = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "ru", "sa", "te", "vi")
    vocabulary = ["".join(chance.choices(syllables, k=3)) for _ in range(1500)]
    return [
        searchable(
            number,
            " ".join(["data", *chance.choices(vocabulary, k=2)]),
            by=f"user:{number % 200}" if number % 3 else "group:all",
            description=" ".join(chance.choices(vocabulary, k=8)),
        )
        for number in range(2000)
    ]


def glossary(number):
    """As many words as a field may have: a vocabulary that is worth an index."""
    chance = random.Random(number)
    return " ".join("".join(chance.choices("bcdfghjklmnprstvz", k=10)) for _ in range(4500))


ME = ["group:all", "user:3", "user:4", "nobody"]
STRANGERS = [f"stranger:{n}" for n in range(40)]


def test_every_list_and_search_is_answered_by_indexes(storage, many):
    """No table is read from end to end, whoever asks for what."""
    put(storage, many)
    put(storage, [searchable(9000 + n, "Glossary", description=glossary(n)) for n in range(6)])
    with storage._connections.lend("alter") as connection:
        connection.execute("ANALYZE")
    title = many[7].document["title"].split()[1]
    with storage.begin(write=False) as rows:
        spy = Spy(rows)
        for where in (
            [("kept", ["yes"])],
            [("audience", ME), ("kept", ["yes"])],
            [("audience", [*STRANGERS, "user:3"])],
        ):
            rows.find("product", where, unless=[("parity", ["1"])], after=("data c", ""), limit=20)
        for where in ([("kept", ["yes"])], [("audience", ME)], [("audience", ["user:7"])]):
            for text in ("data", title, title[:3], f"{title} data", title[:-1] + "x"):
                rows.search("product", Query.of(text), where, limit=20)
        plans = list(spy.plans())
    with storage.begin(write=False) as rows:
        # In the settings of a search, which prefer an index to reading a small table.
        if storage._driver.name == "PostgreSQL":
            rows._cursor.execute("SET LOCAL enable_bitmapscan = on")
        spy = Spy(rows)
        spy.execute(*storage._driver.statements.spellings(pieces("customer"), 5000))
        ((_, spelled),) = spy.plans()

    assert len(plans) > 30
    asked = [each for sql, each in plans if "TSQUERY" in sql or "search_words MATCH" in sql]
    assert len(asked) > 10
    for plan in asked:
        assert "search_lexemes" in plan or "search_words VIRTUAL" in plan, plan
    assert "search_trigrams" in spelled or "search_spellings VIRTUAL TABLE INDEX" in spelled
    for sql, plan in plans:
        assert not SCANS.search(plan), f"{sql}\n{plan}"


def steps(storage, work):
    """How many rows a reader looks at: instructions of SQLite's machine, in hundreds."""
    with storage.begin(write=False) as rows:
        count = 0

        def tick():
            nonlocal count
            count += 1

        connection = rows._cursor.connection
        connection.set_progress_handler(tick, 100)
        result = work(rows)
        connection.set_progress_handler(None, 0)
    return result, count


def test_a_page_of_everything_costs_what_a_page_costs(sqlite_url, tmp_path, many):
    """Ten times the records make a first page at most a quarter dearer: it is walked."""
    small, large = SqlStorage(sqlite_url), SqlStorage(f"sqlite:///{tmp_path}/large.db")
    put_all = ((small, many[:200]), (large, many))
    for storage, records in put_all:
        storage.setup()
        put(storage, records)

    def page(rows):
        return rows.find("product", [("parity", ["0", "1", "2"])], limit=20)

    costs = [steps(storage, page) for storage, _ in put_all]
    small.close()
    large.close()

    assert [len(result) for result, _ in costs] == [20, 20]
    assert costs[1][1] <= 1.25 * costs[0][1]


def test_a_word_of_every_record_is_not_counted_to_the_end(sqlite_url, monkeypatch, many):
    """A search that matches everything stops when its page is full."""
    monkeypatch.setattr(words, "MANY", 100)
    storage = SqlStorage(sqlite_url)
    storage.setup()
    put(storage, many)
    read = []
    usual = finding.Finder.words

    def counting(self, span):
        for row in usual(self, span):
            read.append(row)
            yield row

    monkeypatch.setattr(finding.Finder, "words", counting)
    hits = found(storage, "data", [("kept", ["yes"])], limit=20)
    storage.close()

    assert len(hits) == 20
    assert len(read) == 20


def common(size):
    """Records whose words are those of a half or a tenth of all, or of the last of them."""
    for number in range(size):
        said = [
            name
            for name, each, rest in (
                ("half", 2, 1),
                ("tenth", 10, 0),
                ("odd", 2, 1),
                ("even", 2, 0),
            )
            if number % each == rest
        ]
        title = f"{'late' if number >= size * 0.9 else 'early'} {number}"
        yield searchable(number, title, description=" ".join(said))


def test_no_word_makes_a_search_read_many_records(storage, monkeypatch):
    """However many records have it, and wherever in the order they stand."""
    for name, most in (("FEW", 20), ("MANY", 40), ("WALKED", 40)):
        monkeypatch.setattr(words, name, most)
    reference = MemoryStorage()
    put(reference, common(600))
    put(storage, common(600))

    for text in ("late", "half", "tenth", "odd even", "odd half", "late half", "halv"):
        for where in ([], [("parity", ["1"])]):
            with storage.begin(write=False) as rows:
                counts = rows_read(rows)
                hits = rows.search("product", Query.of(text), where, limit=10)
            whole = found(reference, text, where, limit=10)
            assert [(hit.tier, hit.record.order, hit.record.id) for hit in hits] == whole
            assert sum(counts) <= 100, f"{text}: {counts}"


def rows_read(transaction):
    """How many rows each statement of a search returns from now on."""
    counts = []
    for place in (transaction._finder, transaction._searcher):
        usual = place._rows

        def counting(sql, binds, usual=usual):
            answer = usual(sql, binds)
            counts.append(len(answer))
            return answer

        place._rows = counting
    return counts


def test_an_older_file_is_found_by_words_after_migrating(url):
    """What was published by the release before is searched like everything else."""
    settings = {"connections": {"lake": {"plugin": "memory"}}}
    with Marketplace(url, **settings) as market:
        market.people.add("uma", permissions=["USER_ADMIN", "GOVERNANCE"])
        source = DataSource("orders", connection="lake", object="s.orders", columns=["email"])
        market.sources.register(source, by="uma")
        market.domains.create("sales", by="uma")
        market.domains.assign("sales", ["orders"], by="uma")
        market.products.publish("Orders", domain="sales", sources=["orders"], by="uma")
    storage = SqlStorage(url)
    with storage._connections.lend("alter") as connection:
        connection.execute("DELETE FROM search")
        connection.execute("DELETE FROM record WHERE kind = 'index'")
    storage.close()

    Marketplace.migrate(url)

    with Marketplace(url, **settings) as market:
        assert [each.name for each in market.products.search("emial", by="uma")] == ["Orders"]
