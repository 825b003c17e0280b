"""How a store finds records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from marketplace_sdk.testing.conformance._storage_examples import ids, keep, make

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketplace_sdk.ports.storage import Record, Storage

__all__ = ["FindChecks"]

Where = list[tuple[str, list[str]]]


class FindChecks:
    """Lists: what the index says now, in one order, in pages that join whatever happens."""

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

    @pytest.mark.parametrize("descending", [False, True])
    def test_order_and_pages_go_by_code_points(self, storage: Storage, *, descending: bool) -> None:
        """Not by alphabet, not by case, and not by UTF-16, where emoji stand before U+FFFF."""
        texts = ["", " ", "10", "9", "B", "Z", "a", "b", "ä", "\ue000", "\uffff", "\U0001f600"]
        places = [(order, id) for order in texts for id in ("", "A", "a", "\uffff", "\U0001f600")]
        keep(storage, *(make(order + "/" + id, order=order) for order, id in reversed(places)))
        expected = sorted(((order, order + "/" + id) for order, id in places), reverse=descending)

        with storage.begin(write=False) as transaction:
            whole = transaction.find("thing", descending=descending)
            assert [(one.order, one.id) for one in whole] == expected
            for at in range(0, len(expected), 7):
                behind = transaction.find("thing", after=expected[at], descending=descending)
                assert [(one.order, one.id) for one in behind] == expected[at + 1 :]

    def test_what_has_a_pair_of_unless_is_left_out(self, storage: Storage) -> None:
        """Any one of them, with any of its values; a page is filled with what follows."""
        keep(
            storage,
            make("1", index=[("state", "open"), ("who", "ada"), ("who", "bob")]),
            make("2", index=[("state", "open"), ("who", "bob")]),
            make("3", index=[("state", "shut"), ("who", "ada")]),
            make("4", index=[("state", "open")]),
        )

        with storage.begin(write=False) as transaction:

            def found(*unless: tuple[str, list[str]], **more: Any) -> list[str]:
                return ids(transaction.find("thing", unless=unless, **more))

            assert found(("who", ["ada"])) == ["2", "4"]
            assert found(("who", ["bob", "ada"])) == ["4"]
            assert found(("who", ["bob"]), ("state", ["shut"])) == ["4"]
            assert found(("who", ["nobody"]), ("state", [])) == ["1", "2", "3", "4"]
            assert found(("who", ["ada"]), where=[("state", ["open"])], limit=1) == ["2"]
            assert found(("state", ["open"]), descending=True, limit=1) == ["3"]
            assert found(("state", ["shut"]), after=("", "1"), limit=1) == ["2"]

    @pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
    def test_a_block_finds_what_is_there_when_it_has_ended(
        self, storage: Storage, *, descending: bool
    ) -> None:
        """Its own writes stand in their places, on every page and under every pair."""
        keep(
            storage,
            *(make(str(n), index=[("s", "abc"[n % 3])], order="xyz"[n % 2]) for n in range(8)),
        )
        looks: list[dict[str, Any]] = [
            {"where": where, "unless": unless, "after": after, "limit": limit}
            for where in ([], [("s", ["a", "b"])], [("s", ["c"]), ("new", ["yes"])])
            for unless in ([], [("s", ["b"])])
            for after in (None, ("x", "4"), ("y", "3"))
            for limit in (None, 1, 3)
        ]

        with storage.begin() as transaction:
            transaction.put(make("9", index=[("s", "a")], order="x"), None)
            transaction.put(make("0", revision=2, index=[("s", "c"), ("new", "yes")]), 1)
            transaction.put(make("1", revision=2, index=[("s", "b")], order="z"), 1)
            transaction.put(make("1", revision=3, index=[("s", "a")], order="y"), 2)
            transaction.remove("thing", "4", 1)
            transaction.remove("thing", "5", 1)
            transaction.put(make("5", index=[("s", "a")], order="x"), None)
            inside = [ids(transaction.find("thing", descending=descending, **one)) for one in looks]
        with storage.begin(write=False) as transaction:
            after = [ids(transaction.find("thing", descending=descending, **one)) for one in looks]

        assert inside == after
        assert len(after[0]) == 8

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

    def test_a_changed_record_is_not_found_by_what_it_was(self, storage: Storage) -> None:
        """Index entries go with the revision that had them."""
        keep(
            storage,
            make("a", index=[("state", "open"), ("who", "ada"), ("who", "bob")]),
            make("b", index=[("state", "open")]),
        )

        with storage.begin() as transaction:
            transaction.put(make("a", revision=2, index=[("state", "shut"), ("who", "bob")]), 1)
            transaction.remove("thing", "b", 1)

        with storage.begin(write=False) as transaction:
            assert ids(transaction.find("thing", [("state", ["open"])])) == []
            assert ids(transaction.find("thing", [("who", ["ada"])])) == []
            assert ids(transaction.find("thing", [("state", ["shut"]), ("who", ["bob"])])) == ["a"]
            assert ids(transaction.find("thing", [("state", ["open", "shut"])])) == ["a"]

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
            for _ in range(10):
                page = transaction.find("thing", where, after=after, limit=4, descending=descending)
                assert len(page) <= 4
                pages += ids(page)
                after = (page[-1].order, page[-1].id) if page else after

        assert pages == [one.id for one in whole]
        assert len(pages) == 15

    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("where", [[], [("all", ["x"])], [("all", ["x", "y"])]])
    def test_pages_join_while_others_write(
        self, storage: Storage, where: Where, *, descending: bool
    ) -> None:
        """Each record that is there throughout is seen once, whatever comes and goes meanwhile."""

        def put(*names: str) -> None:
            keep(
                storage, *(make(n, order=n[:1], index=[("all", "x"), ("all", "y")]) for n in names)
            )

        lasting = [f"{n // 3}{n}" for n in range(10, 30)]
        put(*lasting, *(f"{name}-going" for name in lasting))
        seen: list[str] = []
        after: tuple[str, str] | None = None

        for number in range(30):
            page = self._page(storage, where, after, descending=descending)
            if not page:
                break
            seen += ids(page)
            after = (page[-1].order, page[-1].id)
            # Before the mark and behind it something comes, and the mark itself goes.
            put(f"0new{number}", f"9new{number}")
            with storage.begin() as transaction:
                for record in page:
                    if record.id.endswith("-going"):
                        transaction.remove(record.kind, record.id, record.revision)

        assert len(seen) == len(set(seen))
        assert [name for name in seen if name in lasting] == sorted(lasting, reverse=descending)

    def _page(
        self,
        storage: Storage,
        where: Where,
        after: tuple[str, str] | None,
        *,
        descending: bool,
    ) -> Sequence[Record]:
        with storage.begin(write=False) as transaction:
            return transaction.find("thing", where, after=after, limit=3, descending=descending)

    def test_a_page_begins_behind_a_place_where_nothing_is(self, storage: Storage) -> None:
        """``after`` is a place in the order, not a record."""
        keep(storage, make("a", order="1"), make("c", order="1"), make("a", order="2", kind="o"))

        with storage.begin(write=False) as transaction:
            assert ids(transaction.find("thing", after=("1", "b"))) == ["c"]
            assert ids(transaction.find("thing", after=("1", "b"), descending=True)) == ["a"]
            assert ids(transaction.find("thing", after=("0", "z"))) == ["a", "c"]
            assert ids(transaction.find("thing", after=("3", ""))) == []

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
