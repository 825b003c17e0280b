"""Searching by words: the results of the reference, in its order, in every store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
from attrs import evolve

from marketplace_sdk.domain.search import TYPO_TIER, Query, words_of
from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.ports.storage import Record, capabilities_of
from marketplace_sdk.testing.conformance._kit import check
from marketplace_sdk.testing.conformance._storage_examples import keep

if TYPE_CHECKING:
    from marketplace_sdk.ports.storage import SearchingTransaction, Storage

__all__ = ["QUERIES", "TITLES", "SearchChecks", "corpus", "searchable"]

TITLES = (
    "Daily orders",
    "orders, late",
    "\u00d3rdenes diarias",
    "ORDERLY shutdown",
    "Stra\u00dfe und Platz",
    "\u5ba2\u6237\u6536\u5165\u62a5\u8868",
    "Customer revenue 2024",
    "Customer revenue 2025",
    "Costumer revenue",
    "Finance",
)
QUERIES = (
    *("orders", "ord", "ORDERS daily", "ordenes", "Ordrs", "revenue 2024", "2024", "2026"),
    *("strasse", "\u5ba2\u6237", "\u6536\u5165", "\u6237\u5ba2", "custmer revenu", "fin"),
    *("finanec", "quarterly", '"orders"', "ord*", "NEAR(daily orders)", "%", "name:orders"),
    *("a AND", "-orders", "' OR 1=1"),
)


def searchable(number: int, title: str, *, by: str = "anybody", **texts: str) -> Record:
    """A record that is searched by its title, and by tags, columns and description."""
    fields = ("tags", "columns", "description")
    return Record(
        kind="product",
        id=f"p{number:04}",
        revision=1,
        document={"title": title},
        index=frozenset({("kept", "yes"), ("audience", by), ("parity", str(number % 2))}),
        order=title.casefold(),
        texts=(words_of(title), *(words_of(texts.get(field, "")) for field in fields)),
    )


def corpus() -> list[Record]:
    """Each title as a name, and as tags, columns or description of something else."""
    found = [searchable(number, title) for number, title in enumerate(TITLES)]
    for field in ("tags", "columns", "description"):
        for title in TITLES:
            number = len(found)
            found.append(searchable(number, f"Thing {number % 7}", **{field: title}))
    return found


class SearchChecks:
    """Every word must be found, and a result is as good as its weakest word."""

    capabilities: ClassVar[Mapping[str, str]] = {
        "search": "finds records by words, the best first",
        "search_typos": "finds words that are spelled almost like those of a query",
    }

    @check("search")
    def test_a_search_finds_what_the_reference_finds_in_its_order(self, storage: Storage) -> None:
        """Whole words before beginnings, names before tags before columns before descriptions."""
        reference = MemoryStorage()
        for one in (reference, storage):
            keep(one, *corpus())

        for text in QUERIES:
            for where in ((), (("kept", ["yes"]),), (("parity", ["0"]), ("kept", ["yes", "no"]))):
                assert _hits(storage, text, where) == _sure(reference, storage, text, where), text

    @check("search")
    def test_pages_of_a_search_join(self, storage: Storage) -> None:
        """Each goes on behind the last hit of the one before, across tiers, and keeps its order."""
        reference = MemoryStorage()
        for one in (reference, storage):
            keep(one, *corpus())
        whole = _sure(reference, storage, "ord")

        pages: list[tuple[int, str, str]] = []
        while page := _hits(storage, "ord", after=pages[-1] if pages else None, limit=2):
            pages += page

        assert len({tier for tier, _, _ in whole}) > 1
        assert pages == whole

    @check("search")
    def test_a_search_leaves_out_what_the_pairs_leave_out(self, storage: Storage) -> None:
        """Before it ranks and counts: a full page holds what may be seen."""
        mine = [searchable(number, "Z orders", by="me") for number in (7, 8)]
        keep(storage, *(searchable(number, "Orders") for number in range(5)), *mine)

        for_me = [("audience", ["me", "nobody"])]
        assert [id for _, _, id in _hits(storage, "orders", for_me, limit=2)] == ["p0007", "p0008"]
        unless = [("parity", ["1"])]
        assert [id for _, _, id in _hits(storage, "orders", for_me, unless=unless)] == ["p0008"]
        assert _hits(storage, "orders", [("audience", [])]) == []

    @check("search")
    def test_a_search_finds_records_as_they_are_now(self, storage: Storage) -> None:
        """Words that are gone find nothing, new ones do; a put without texts leaves them."""
        keep(storage, *(searchable(number, "Orders") for number in (1, 2, 3)))
        with storage.begin() as transaction:
            transaction.put(evolve(searchable(1, "Staff"), revision=2), 1)
            moved = evolve(searchable(2, "Orders"), revision=2, texts=(), order="zz")
            transaction.put(moved, 1)
            transaction.remove("product", "p0003", 1)

        assert _hits(storage, "orders") == [(0, "zz", "p0002")]
        assert _hits(storage, "staff") == [(0, "staff", "p0001")]

    @check("search")
    def test_a_block_searches_its_own_writes(self, storage: Storage) -> None:
        """And an exception takes them back."""
        with pytest.raises(LookupError), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
            transaction.put(searchable(1, "Orders"), None)
            rows = cast("SearchingTransaction", transaction)
            hits = rows.search("product", Query.of("orders"), limit=5)
            assert [hit.record.id for hit in hits] == ["p0001"]
            raise LookupError

        assert _hits(storage, "orders") == []

    @check("search", "search_typos")
    def test_a_typing_error_is_forgiven_last(self, storage: Storage) -> None:
        """One in four letters, two in eight; never in a number."""
        keep(storage, searchable(1, "Customer 2024"), searchable(2, "Zebra", description="custmer"))

        assert [(tier, id) for tier, _, id in _hits(storage, "custmer")] == [
            (TYPO_TIER - 1, "p0002"),
            (TYPO_TIER, "p0001"),
        ]
        assert _hits(storage, "2025") == []


def _hits(
    storage: Storage, text: str, where: Sequence[Any] = (), *, limit: int = 100, **more: Any
) -> list[tuple[int, str, str]]:
    """Tier, order and id of what is found."""
    with storage.begin(write=False) as transaction:
        rows = cast("SearchingTransaction", transaction)
        hits = rows.search("product", Query.of(text), where, limit=limit, **more)
    return [(hit.tier, hit.record.order, hit.record.id) for hit in hits]


def _sure(
    reference: Storage, storage: Storage, text: str, where: Sequence[Any] = ()
) -> list[tuple[int, str, str]]:
    """What the reference finds, typing errors left out for stores that do not know them."""
    typos = "search_typos" in capabilities_of(storage)
    return [hit for hit in _hits(reference, text, where) if typos or hit[0] < TYPO_TIER]
