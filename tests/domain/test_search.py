"""What searching means: words, tiers, typing errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk import InvalidInput
from marketplace_sdk.domain.search import (
    FIELDS,
    TYPO_TIER,
    Query,
    answered,
    errors_between,
    pieces,
    slips,
    words_of,
)

letters = st.text("abc", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Crème BRÛLÉE, crème", "brulee creme"),
        ("sales.orders_2024 (v2)", "2024 orders sales v2"),
        ("\N{LATIN SMALL LIGATURE FI}le \N{BLACK-LETTER CAPITAL H}ello", "file hello"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}\N{FULLWIDTH DIGIT ONE}", "a1"),
        ("Straße İstanbul", "istanbul strasse"),
        ("e\N{COMBINING ACUTE ACCENT}te\N{COMBINING ACUTE ACCENT}", "ete"),
        ("客户收入 data", "data 入 客户 户收 收入"),
        ("हिन्दी", "हिन्दी"),
        ("한국어", "한국어"),
        ("ガ カ", "ガ カ"),
        ("\"* % : ( ) - \\ ' \N{PILE OF POO}", ""),
        ("", ""),
    ],
)
def test_words_are_what_people_would_call_the_same(text, words):
    """Case, accents, widths and ligatures make no difference; scripts keep their letters."""
    assert set(words_of(text).split()) == set(words.split())


def test_a_field_has_an_end():
    """Words of at most 40 characters, and 50,000 characters of them."""
    assert words_of("x" * 100) == "x" * 40
    assert len(words_of(" ".join(str(n) for n in range(100_000)))) <= 50_000


def test_a_run_of_chinese_is_found_by_any_part_of_it():
    """There are no blanks to look for."""
    texts = (words_of("客户收入报表"),)

    for part in ("客", "户收", "收入报", "客户收入报表", "表"):
        assert Query.of(part).ranking()(texts) is not None
    assert Query.of("户客").ranking()(texts) is None


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("orders", 0),
        ("DAILY orders", 0),
        ("ord", 1),
        ("orders dai", 1),
        ("finance", 2),
        ("fin orders", 2),
        ("email", 3),
        ("quarter", 4),
        ("quarter orders", 4),
        ("oders", 5),
        ("orders quarfer", 5),
        ("2025", None),
        ("orders nothing", None),
        ("***", None),
    ],
)
def test_a_result_is_as_good_as_its_weakest_word(text, tier):
    """Name, beginning of a name's word, tags, columns, description, typing error."""
    texts = tuple(
        map(words_of, ("Daily Orders", "Finance", "id email amount_2024", "By the quarter"))
    )

    assert Query.of(text).ranking()(texts) == tier


@pytest.mark.parametrize(
    ("word", "other", "errors"),
    [
        ("ordrs", "orders", 1),
        ("ordesr", "orders", 1),
        ("orderss", "orders", 1),
        ("orxers", "orders", 1),
        ("odresr", "orders", 0),
        ("customre", "customers", 2),
        ("orders", "orders", 0),
        ("sal", "sale", 0),
        ("20242024", "20242025", 0),
        ("abcdefgh", "badcefgh", 2),
    ],
)
def test_one_error_from_four_letters_on_and_two_from_eight(word, other, errors):
    """A number is never taken for another one."""
    assert errors_between(word, other) == errors


@given(letters, st.lists(st.tuples(st.sampled_from("idst"), st.integers(0, 12)), max_size=2))
def test_whoever_looks_for_the_pieces_misses_no_misspelled_word(word, edits):
    """Of every word that is meant, one piece at least is whole."""
    other = list(word)
    for kind, wanted in edits:
        at = min(wanted, len(other))
        if kind == "i":
            other.insert(at, "b")
        elif at < len(other):
            if kind == "d":
                other.pop(at)
            elif kind == "s":
                other[at] = "c"
            else:
                other[at : at + 2] = reversed(other[at : at + 2])
    meant = "".join(other)

    if errors_between(word, meant):
        assert any(piece in f"<{meant}>" for piece in pieces(word))
    assert all(len(piece) >= 3 for piece in pieces(word))
    assert bool(pieces(word)) == bool(slips(word))


@given(
    st.lists(letters, min_size=1, max_size=3, unique=True),
    st.lists(st.lists(letters, max_size=3).map(" ".join), min_size=FIELDS, max_size=FIELDS),
)
def test_terms_and_ranking_say_the_same(words, texts):
    """A store that asks an index for the terms of each tier finds what the reference finds."""
    query = Query(tuple(words))
    known = {word for text in texts for word in text.split()}

    def similar(word):
        return [other for other in known if errors_between(word, other)]

    tiers = (query.terms(tier, similar) for tier in range(TYPO_TIER + 1))
    first = next((tier for tier, terms in enumerate(tiers) if answered(texts, terms)), None)

    assert query.ranking()(texts) == first


def test_a_query_has_an_end():
    """A text that was pasted by mistake is refused, not searched for."""
    assert Query.of("x " * 500).words == ("x",)
    for text in ("x" * 1001, " ".join(str(n) for n in range(33))):
        with pytest.raises(InvalidInput):
            Query.of(text)
