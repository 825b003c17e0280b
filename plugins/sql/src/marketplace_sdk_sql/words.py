"""Searching by words: what the engine's index is asked, and when it is not.

The words of a record are stored each behind the number of its field, so that SQLite's FTS5 and
PostgreSQL's tsvector hold the same lexemes and answer the same questions: a whole lexeme, or the
beginning of one. Folding, tiers and typing errors are the marketplace's own (``Query``), the same
in every engine.

What a page costs does not grow with the records that have a word:

* where the person may see, or asks for, few records at all, or few match in any tier, these are
  looked at one by one;
* a tier that not so many match is asked of the index, and sorted there;
* a tier that many match is found by walking the list in its order, where the page is full after a
  few steps. Only if it is not, for most of what matches stands late in the order, the index is
  asked for the rest.
"""

from __future__ import annotations

from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from marketplace_sdk.plugin import TYPO_TIER, Query, Term, answered, errors_between, pieces
from marketplace_sdk_sql.finding import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from marketplace_sdk_sql.finding import Finder, Rows, Span
    from marketplace_sdk_sql.statements import Statements

__all__ = ["Searcher", "Syntax", "lexemes", "spellable"]

Terms = tuple[tuple[Term, ...], ...]
"""What will do for each word of a query, in one tier or a better one."""
Ranked = tuple[int, str, str]
"""Tier, sort and id."""

FEW = 500
"""Records of a span, or matches in any tier, that are all looked at."""
MANY = 2000
"""Matches of a tier that are sorted without trying to walk first."""
WALKED = 2000
"""Records that are walked before whatever is still to be found is sorted after all."""
MOST_SIMILAR = 16
"""Words that are taken for misspelled ones of a query, the nearest first."""
MOST_SPELLINGS = 5000
SHORTEST = 3
"""Letters of the shortest word that a word of a query may be meant to be."""


@frozen
class Syntax:
    """How an engine's word index is asked.

    Attributes:
        whole, begins: one lexeme, and the beginning of one, with ``{}`` for it. A lexeme is made of
            letters, digits and marks alone, so that nothing needs to be quoted inside it.
        both, either, but_not: between two expressions.
    """

    whole: str
    begins: str
    both: str
    either: str
    but_not: str

    def exactly(self, terms: Terms, better: Terms | None) -> str:
        """An expression for what these terms find, and better ones do not."""
        found = self._all(terms)
        return f"({found}){self.but_not}({self._all(better)})" if better else found

    def _all(self, terms: Terms) -> str:
        return self.both.join(f"({self._any(each)})" for each in terms)

    def _any(self, terms: Iterable[Term]) -> str:
        return self.either.join(
            (self.whole if term.whole else self.begins).format(f"{field}{term.word}")
            for term in terms
            for field in range(term.fields)
        )


def lexemes(texts: Sequence[str]) -> str:
    """The words of a record's fields as one text."""
    return " ".join(f"{field}{word}" for field, text in enumerate(texts) for word in text.split())


def spellable(words: str) -> set[str]:
    """Which of such words a misspelled word may be meant to be."""
    return {
        lexeme[1:]
        for lexeme in words.split()
        if len(lexeme) > SHORTEST and not any(c.isnumeric() for c in lexeme[1:])
    }


def _texts(words: str) -> list[str]:
    fields: dict[str, list[str]] = {}
    for lexeme in words.split():
        fields.setdefault(lexeme[0], []).append(lexeme[1:])
    return [" ".join(fields.get(str(field), ())) for field in range(TYPO_TIER - 1)]


class Searcher:
    """Ranked search within one unit of work."""

    def __init__(self, statements: Statements, rows: Rows, finder: Finder) -> None:
        self._sql = statements
        self._rows = rows
        self._finder = finder
        self._known: dict[str, tuple[str, ...]] = {}

    def hits(
        self, query: Query, span: Span, first: int, *, typos: bool
    ) -> Iterator[tuple[int, Any]]:
        """Tier and row of the records of a span that answer, best first.

        The span's place belongs to the ``first`` tier; later ones begin at the beginning.
        """
        if not query.words or first > TYPO_TIER:
            return
        tiers = [query.terms(tier, self._similar) for tier in range(TYPO_TIER)]
        if typos and any(map(self._similar, query.words)):
            tiers.append(query.terms(TYPO_TIER, self._similar))
        found = islice(self._ranked(tiers, span, first), span.limit)
        for tier, several in groupby(found, key=itemgetter(0)):
            rows = self._finder.with_ids(span.kind, [id for _, _, id in several])
            yield from ((tier, row) for row in rows)

    def _ranked(self, tiers: Sequence[Terms], span: Span, first: int) -> Iterable[Ranked]:
        whole = evolve(span, after=None, limit=ALL)
        after = None if span.after is None else (first, *span.after)
        if self._finder.fewest(span, FEW) <= FEW:
            return self._one_by_one(self._finder.words(whole), tiers, after)
        any_tier = self._sql.syntax.exactly(tiers[-1], None)
        found = self._finder.matches(any_tier, FEW)
        if found <= FEW:
            rows = self._finder.matched(whole, any_tier, "words") if found else ()
            return self._one_by_one(rows, tiers, after)
        return self._by_tier(tiers, span, first)

    def _one_by_one(
        self, rows: Iterable[tuple[str, str, str]], tiers: Sequence[Terms], after: Ranked | None
    ) -> list[Ranked]:
        """Where there is little, all of it is ranked."""
        hits = []
        for sort, id, words in rows:
            texts = _texts(words)
            tier = next((n for n, terms in enumerate(tiers) if answered(texts, terms)), None)
            if tier is not None and (after is None or (tier, sort, id) > after):
                hits.append((tier, sort, id))
        return sorted(hits)

    def _by_tier(self, tiers: Sequence[Terms], span: Span, first: int) -> Iterator[Ranked]:
        for tier in range(first, len(tiers)):
            terms, better = tiers[tier], tiers[tier - 1] if tier else None
            here = evolve(span, after=span.after if tier == first else None)
            expression = self._sql.syntax.exactly(terms, better)
            found = self._finder.matches(expression, MANY)
            places: Iterable[tuple[str, str]] = ()
            if found > MANY:
                places = self._walk(here, terms, better, expression)
            elif found:
                places = self._finder.matched(here, expression)
            yield from ((tier, sort, id) for sort, id in places)

    def _walk(
        self, span: Span, terms: Terms, better: Terms | None, expression: str
    ) -> Iterator[tuple[str, str]]:
        for walked, (sort, id, words) in enumerate(self._finder.words(span), 1):
            texts = _texts(words)
            if answered(texts, terms) and not (better and answered(texts, better)):
                yield sort, id
            if walked >= WALKED:
                yield from self._finder.matched(evolve(span, after=(sort, id)), expression)
                return

    def _similar(self, word: str) -> tuple[str, ...]:
        """Known words that a word of a query may be meant to be."""
        if word not in self._known:
            parts = pieces(word)
            found: list[tuple[int, str]] = []
            if parts:
                spellings = self._rows(*self._sql.spellings(parts, MOST_SPELLINGS))
                errors = ((errors_between(word, other), other) for (other,) in spellings)
                found = sorted(pair for pair in errors if pair[0])
            self._known[word] = tuple(other for _, other in found[:MOST_SIMILAR])
        return self._known[word]
