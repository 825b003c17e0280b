"""How a store keeps records and finds them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from marketplace_sdk.errors import InvalidInput, StaleRevision, StorageError
from marketplace_sdk.ports.storage import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marketplace_sdk.ports.storage import Storage

HOSTILE = (
    "",
    "'; DROP TABLE record; --",
    '"quoted" \\ back%slash_',
    "\N{PILE OF POO} \N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
    "\N{RIGHT-TO-LEFT OVERRIDE}evil\N{LEFT-TO-RIGHT MARK}",
    "x" * 300,
    "line\nbreak\ttab",
    "e\N{COMBINING ACUTE ACCENT} is not \N{LATIN SMALL LETTER E WITH ACUTE}",
)
"""Texts that break stores which glue statements together or fold what they compare."""


def make(
    id: str,
    *,
    kind: str = "thing",
    revision: int = 1,
    index: Iterable[tuple[str, str]] = (),
    order: str = "",
    document: Mapping[str, Any] | None = None,
) -> Record:
    """A record to try a store with."""
    return Record(
        kind=kind,
        id=id,
        revision=revision,
        document={"id": id} if document is None else document,
        index=frozenset(index),
        order=order,
    )


def keep(storage: Storage, *records: Record) -> None:
    """Put new records into a store, in a block of their own."""
    with storage.begin() as transaction:
        for record in records:
            transaction.put(record, None)


class RecordBehaviour:
    """Records: reading, writing, finding; one block is kept together or not at all."""

    @pytest.fixture
    def storage(self) -> Storage:
        """An empty store that is set up. Override it, and close the store afterwards."""
        raise NotImplementedError

    def test_a_record_comes_back_as_it_was_put(self, storage: Storage) -> None:
        """Plain data of every type survives."""
        document = {"a": [1, 2.5, True, None, "x"], "b": {"c": {}}, "big": 2**53, "": []}
        record = make(
            "r1", index=[("state", "open"), ("state", "late")], order="7", document=document
        )

        keep(storage, record)

        with storage.begin(write=False) as transaction:
            assert transaction.get("thing", "r1") == record

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_only_text(self, storage: Storage, text: str) -> None:
        """Quotes, emoji, direction marks, long and empty texts are kept to the letter."""
        record = make(
            text, kind="k" + text, index=[(text, text)], order=text, document={text: text}
        )

        keep(storage, record, make("other", kind="k" + text))

        with storage.begin(write=False) as transaction:
            assert transaction.get("k" + text, text) == record
            assert transaction.find("k" + text, [(text, [text])]) == [record]
            assert transaction.find("k" + text, [(text, [text + " "])]) == []

    def test_case_and_normal_form_are_never_folded(self, storage: Storage) -> None:
        """Ids and values are equal only when every character is."""
        names = ["ada", "Ada", "é", "e\N{COMBINING ACUTE ACCENT}", "ada "]

        keep(storage, *(make(name, index=[("name", name)]) for name in names))

        with storage.begin(write=False) as transaction:
            for name in names:
                assert [one.id for one in transaction.find("thing", [("name", [name])])] == [name]

    def test_nothing_is_none(self, storage: Storage) -> None:
        """What was never put is None, also when another kind has the id."""
        keep(storage, make("r1"))

        with storage.begin(write=False) as transaction:
            assert transaction.get("thing", "r2") is None
            assert transaction.get("other", "r1") is None
            assert transaction.find("other") == []

    def test_a_caller_cannot_change_the_store_through_a_document(self, storage: Storage) -> None:
        """Documents are copies, on the way in and on the way out."""
        document: dict[str, Any] = {"list": [1], "nested": {"a": 1}}
        keep(storage, make("r1", document=document))

        document["list"].append(2)
        with storage.begin() as transaction:
            found = transaction.get("thing", "r1")
            assert found is not None
            found.document["nested"]["a"] = 2
            for listed in transaction.find("thing"):
                listed.document["list"].clear()

        with storage.begin(write=False) as transaction:
            again = transaction.get("thing", "r1")
            assert again is not None
            assert again.document == {"list": [1], "nested": {"a": 1}}

    @pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", float("nan"), float("inf")])
    def test_what_is_not_plain_data_is_refused(self, storage: Storage, value: object) -> None:
        """A document that cannot be kept faithfully is InvalidInput, and nothing is written."""
        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.put(make("r1", document={"value": value}), None)

        with storage.begin(write=False) as transaction:
            assert transaction.get("thing", "r1") is None

    def test_a_key_that_is_not_valid_text_is_refused(self, storage: Storage) -> None:
        """Half a surrogate pair cannot be kept by every store, so none takes it."""
        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.put(make("\ud800"), None)

    def test_an_exception_undoes_the_whole_block(self, storage: Storage) -> None:
        """Nothing of a block that raises is kept."""
        keep(storage, make("old", index=[("a", "1")]), make("gone"))

        with pytest.raises(LookupError), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
            transaction.put(make("old", revision=2, index=[("a", "2")]), 1)
            transaction.put(make("new", index=[("a", "1")]), None)
            transaction.remove("thing", "gone", 1)
            raise LookupError

        with storage.begin(write=False) as transaction:
            assert [(one.id, one.revision) for one in transaction.find("thing")] == [
                ("gone", 1),
                ("old", 1),
            ]
            assert [one.id for one in transaction.find("thing", [("a", ["1"])])] == ["old"]
            assert transaction.find("thing", [("a", ["2"])]) == []

    def test_a_block_sees_its_own_writes(self, storage: Storage) -> None:
        """What was put, changed or removed shows in get and find at once."""
        keep(storage, make("a", index=[("s", "x")]), make("b", index=[("s", "x")]))

        with storage.begin() as transaction:
            transaction.put(make("a", revision=2, index=[("s", "y")]), 1)
            transaction.remove("thing", "b", 1)
            transaction.put(make("c", index=[("s", "x")]), None)

            changed = transaction.get("thing", "a")
            assert changed is not None
            assert changed.revision == 2
            assert transaction.get("thing", "b") is None
            assert [one.id for one in transaction.find("thing")] == ["a", "c"]
            assert [one.id for one in transaction.find("thing", [("s", ["x"])])] == ["c"]
            assert [one.id for one in transaction.find("thing", [("s", ["y"])])] == ["a"]

    def test_a_record_may_be_written_many_times_in_a_block(self, storage: Storage) -> None:
        """The last state is what is found, whatever it was in between."""
        with storage.begin() as transaction:
            transaction.put(make("a", index=[("s", "1"), ("k", "k")]), None)
            transaction.put(make("a", revision=2, index=[("s", "2"), ("k", "k")]), 1)
            transaction.put(make("a", revision=3, index=[("s", "1")], order="z"), 2)
            transaction.remove("thing", "a", 3)
            transaction.put(make("a", index=[("s", "3")]), None)

        with storage.begin(write=False) as transaction:
            assert [one.id for one in transaction.find("thing", [("s", ["3"])])] == ["a"]
            assert transaction.find("thing", [("s", ["1", "2"])]) == []
            assert transaction.find("thing", [("k", ["k"])]) == []

    def test_a_second_new_record_of_one_id_is_stale(self, storage: Storage) -> None:
        """``expected=None`` means that there must be none."""
        keep(storage, make("a"))

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.put(make("a"), None)

    @pytest.mark.parametrize("expected", [1, 3, 7])
    def test_a_put_on_another_revision_is_stale(self, storage: Storage, expected: int) -> None:
        """Only the revision that is stored may be followed."""
        keep(storage, make("a"))
        with storage.begin() as transaction:
            transaction.put(make("a", revision=2), 1)

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.put(make("a", revision=expected + 1), expected)

        with storage.begin(write=False) as transaction:
            stored = transaction.get("thing", "a")
            assert stored is not None
            assert stored.revision == 2

    def test_a_change_of_what_is_not_there_is_stale(self, storage: Storage) -> None:
        """Neither put nor remove invents a record."""
        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.put(make("a", revision=2), 1)

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.remove("thing", "a", 1)

    def test_a_remove_on_another_revision_is_stale(self, storage: Storage) -> None:
        """A record that changed meanwhile is not removed."""
        keep(storage, make("a"))

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.remove("thing", "a", 2)

        with storage.begin(write=False) as transaction:
            assert transaction.get("thing", "a") is not None

    def test_a_revision_that_does_not_follow_is_refused(self, storage: Storage) -> None:
        """``record.revision`` is one more than what is expected."""
        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.put(make("a", revision=2), None)

    def test_find_sorts_by_order_then_id(self, storage: Storage) -> None:
        """By code point, so that every store agrees; descending is the exact reverse."""
        places = [("b", "1"), ("a", "2"), ("a", "10"), ("", "z"), ("Ä", "1"), ("\U0001f600", "0")]
        keep(
            storage, *(make(id + order, order=order, index=[("all", "x")]) for order, id in places)
        )
        expected = sorted((order, id + order) for order, id in places)

        with storage.begin(write=False) as transaction:
            for where in ([], [("all", ["x"])]):
                found = transaction.find("thing", where)
                assert [(one.order, one.id) for one in found] == expected
                backwards = transaction.find("thing", where, descending=True)
                assert [(one.order, one.id) for one in backwards] == expected[::-1]

    def test_all_pairs_must_hold_and_any_value_will_do(self, storage: Storage) -> None:
        """Pairs are joined by and, the values of one pair by or."""
        keep(
            storage,
            make("1", index=[("state", "open"), ("who", "ada"), ("who", "bob")]),
            make("2", index=[("state", "open"), ("who", "bob")]),
            make("3", index=[("state", "shut"), ("who", "ada")]),
            make("4", index=[("ada", "who")]),
        )

        with storage.begin(write=False) as transaction:

            def ids(*where: tuple[str, list[str]]) -> list[str]:
                return [one.id for one in transaction.find("thing", where)]

            assert ids(("who", ["ada"])) == ["1", "3"]
            assert ids(("who", ["ada", "bob"])) == ["1", "2", "3"]
            assert ids(("state", ["open"]), ("who", ["ada"])) == ["1"]
            assert ids(("who", ["ada"]), ("state", ["open"])) == ["1"]
            assert ids(("who", ["ada"]), ("who", ["bob"])) == ["1"]
            assert ids(("who", ["ada", "bob"]), ("state", ["open", "shut"])) == ["1", "2", "3"]
            assert ids(("who", ["ada", "ada"])) == ["1", "3"]
            assert ids(("who", ["nobody"])) == []

    def test_a_pair_without_values_never_holds(self, storage: Storage) -> None:
        """Who belongs to no group finds nothing by group."""
        keep(storage, make("1", index=[("group", "a")]))

        with storage.begin(write=False) as transaction:
            assert transaction.find("thing", [("group", [])]) == []
            assert transaction.find("thing", [("group", ["a"]), ("group", [])]) == []

    def test_a_pair_may_have_thousands_of_values(self, storage: Storage) -> None:
        """Somebody in very many groups is found like everybody else."""
        keep(storage, make("1", index=[("group", "g4999")]), make("2", index=[("group", "h")]))
        groups = [f"g{number}" for number in range(5_000)]

        with storage.begin(write=False) as transaction:
            found = transaction.find("thing", [("group", groups)])

        assert [one.id for one in found] == ["1"]

    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize(
        "where",
        [[], [("all", ["x"])], [("all", ["x", "y"])], [("all", ["x"]), ("odd", ["no", "yes"])]],
    )
    def test_pages_join_without_gap_or_overlap(
        self, storage: Storage, where: list[tuple[str, list[str]]], *, descending: bool
    ) -> None:
        """``after`` excludes itself; pages in a row are the whole list."""
        keep(
            storage,
            *(
                make(
                    f"{number:02}",
                    order=str(number // 4),
                    index=[("all", "x"), ("all", "y"), ("odd", "yes" if number % 2 else "no")],
                )
                for number in range(15)
            ),
        )
        pages: list[str] = []
        after: tuple[str, str] | None = None

        with storage.begin(write=False) as transaction:
            whole = transaction.find("thing", where, descending=descending)
            while page := transaction.find(
                "thing", where, after=after, limit=4, descending=descending
            ):
                assert len(page) <= 4
                pages += [one.id for one in page]
                after = (page[-1].order, page[-1].id)

        assert pages == [one.id for one in whole]
        assert len(pages) == 15

    def test_a_limit_of_zero_finds_nothing(self, storage: Storage) -> None:
        """Zero is a number like any other; only None means all."""
        keep(storage, make("1", index=[("a", "b")]))

        with storage.begin(write=False) as transaction:
            assert transaction.find("thing", limit=0) == []
            assert transaction.find("thing", [("a", ["b"])], limit=0) == []

    def test_a_new_order_moves_a_record(self, storage: Storage) -> None:
        """Lists follow the order that was written last."""
        keep(
            storage,
            make("a", order="1", index=[("s", "x")]),
            make("b", order="2", index=[("s", "x")]),
        )

        with storage.begin() as transaction:
            transaction.put(make("a", order="3", revision=2, index=[("s", "x")]), 1)

        with storage.begin(write=False) as transaction:
            assert [one.id for one in transaction.find("thing", [("s", ["x"])])] == ["b", "a"]
            assert [one.id for one in transaction.find("thing")] == ["b", "a"]

    def test_a_reader_sees_one_moment(self, storage: Storage) -> None:
        """What is committed while a reader is open shows in its next block, never in this one."""
        keep(storage, make("a", index=[("s", "x")]), make("b", index=[("s", "x")]))

        with storage.begin(write=False) as reader:
            before = [reader.get("thing", "a"), *reader.find("thing", [("s", ["x"])])]
            with storage.begin() as writer:
                writer.put(make("a", revision=2, index=[("s", "y")]), 1)
                writer.remove("thing", "b", 1)
                writer.put(make("c", index=[("s", "x")]), None)
            after = [reader.get("thing", "a"), *reader.find("thing", [("s", ["x"])])]

        assert after == before
        with storage.begin(write=False) as reader:
            assert [one.id for one in reader.find("thing")] == ["a", "c"]

    def test_a_reader_cannot_write(self, storage: Storage) -> None:
        """A block begun for reading refuses every write."""
        with storage.begin(write=False) as reader, pytest.raises(StorageError):
            reader.put(make("a"), None)

        with storage.begin(write=False) as reader:
            assert reader.get("thing", "a") is None

    def test_a_block_is_over_when_it_ends(self, storage: Storage) -> None:
        """A transaction that escapes its block can neither read nor write."""
        with storage.begin() as transaction:
            transaction.put(make("a"), None)

        with pytest.raises(StorageError):
            transaction.get("thing", "a")
        with pytest.raises(StorageError):
            transaction.put(make("b"), None)

    def test_a_writer_inside_a_writer_is_refused(self, storage: Storage) -> None:
        """It would wait for itself for ever; the outer block is not harmed."""
        with storage.begin() as outer:
            outer.put(make("a"), None)
            with pytest.raises(StorageError), storage.begin():
                pass

        with storage.begin(write=False) as reader:
            assert reader.get("thing", "a") is not None

    def test_of_threads_that_race_exactly_one_wins(self, storage: Storage) -> None:
        """Everybody who decided on the same revision but one gets StaleRevision."""
        keep(storage, make("a"))
        together = threading.Barrier(6)
        results: list[str] = []

        def race(name: str) -> None:
            together.wait()
            try:
                with storage.begin() as transaction:
                    transaction.put(make("a", revision=2, document={"by": name}), 1)
                results.append(name)
            except StaleRevision:
                results.append("stale")

        threads = [threading.Thread(target=race, args=(str(number),)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        winners = [name for name in results if name != "stale"]
        assert len(results) == 6
        assert len(winners) == 1
        with storage.begin(write=False) as transaction:
            stored = transaction.get("thing", "a")
            assert stored is not None
            assert stored.document == {"by": winners[0]}

    def test_readers_never_see_half_a_commit(self, storage: Storage) -> None:
        """Two records that always change together are equal in every reader's eyes."""
        keep(storage, make("a", document={"n": 0}), make("b", document={"n": 0}))
        done = threading.Event()
        torn: list[object] = []

        def watch() -> None:
            while not done.is_set():
                with storage.begin(write=False) as reader:
                    left, right = reader.get("thing", "a"), reader.get("thing", "b")
                    listed = {one.revision for one in reader.find("thing")}
                assert left is not None
                assert right is not None
                if left.document != right.document or len(listed) != 1:
                    torn.append((left, right, listed))

        threads = [threading.Thread(target=watch) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(1, 60):
            with storage.begin() as writer:
                for id in ("a", "b"):
                    writer.put(make(id, revision=number + 1, document={"n": number}), number)
        done.set()
        for thread in threads:
            thread.join()

        assert torn == []

    def test_closing_twice_is_harmless(self, storage: Storage) -> None:
        """Whoever closes need not know whether somebody did."""
        storage.close()
        storage.close()
