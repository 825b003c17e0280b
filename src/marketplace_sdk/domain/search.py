"""What searching means: which words a text has, and how well they answer a query.

The rule is the marketplace's own, so that every store gives the same results in the same order.
A result is as good as its weakest word:

0. the word stands in the first field (of a product: its name),
1. a word of the first field begins with it,
2. one of the first two fields (tags), 3. of the first three (columns), 4. of all (description),
5. a word of any field differs from it by a typing error or two.

Every word of the query must be found. Within a tier the order is that of the records' kind.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import groupby, pairwise

from attrs import frozen

from marketplace_sdk.errors import InvalidInput, Problem

__all__ = [
    "FIELDS",
    "TYPO_TIER",
    "Query",
    "Term",
    "answered",
    "errors_between",
    "pieces",
    "slips",
    "words_of",
]

FIELDS = 4
"""How many fields a record may have, the weightiest first."""
TYPO_TIER = FIELDS + 1
LONGEST_WORD = 40
SHORTEST_MISSPELLED = 4
LONG = 8
"""Letters from which on a word may have two errors."""
LONGEST_FIELD = 50_000
"""Characters of a field that are kept, word by word."""
LONGEST_QUERY = 1000
MOST_WORDS = 32

# These marks tell letters apart in their scripts (nukta, kana voicing, virama); the other marks
# that combine are accents.
_NO_ACCENTS = frozenset({0, 7, 8, 9})


def words_of(*texts: str) -> str:
    """The words of texts as search knows them: each once, sorted, with blanks between.

    Case and accents are gone, widths and ligatures made alike; whatever is no letter, digit or mark
    separates. Chinese and Japanese are written without blanks: there every two neighbours are a
    word, and the last character is one too. Words are cut at 40 characters, the whole at 50,000.
    """
    found = sorted({word for text in texts for word in _words(text, last=True)})
    size, kept = 0, []
    for word in found:
        size += len(word) + 1
        if size > LONGEST_FIELD:
            break
        kept.append(word)
    return " ".join(kept)


def _words(text: str, *, last: bool) -> Iterable[str]:
    if text.isascii():
        bare = text.lower()
    else:
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        plain = "".join(c for c in folded if unicodedata.combining(c) in _NO_ACCENTS)
        bare = unicodedata.normalize("NFC", plain)
    for run in "".join(c if _inside(c) else " " for c in bare).split():
        for dense, characters in groupby(run, _dense):
            part = "".join(characters)
            if dense:
                yield from (part[at : at + 2] for at in range(len(part) - 1))
                if last or len(part) == 1:
                    yield part[-1]
            else:
                yield part[:LONGEST_WORD]


def _inside(c: str) -> bool:
    return c.isalnum() or unicodedata.category(c)[0] == "M"


def _dense(c: str) -> bool:
    """Whether it is of a script without blanks: kana, or a Chinese character."""
    return (
        "\u3041" <= c <= "\u30ff"
        or "\u3400" <= c <= "\u9fff"
        or "\uf900" <= c <= "\ufaff"
        or "\U00020000" <= c <= "\U0003ffff"
    )


@frozen
class Term:
    """One thing to look for in the fields of a record.

    Attributes:
        word: of the query, or a word that is spelled almost like it.
        fields: how many fields count, the weightiest first.
        whole: the word itself; otherwise words that begin with it count too.
    """

    word: str
    fields: int
    whole: bool = False

    def found_in(self, texts: Sequence[str]) -> bool:
        """Whether one of the fields has it."""
        wanted = f" {self.word} " if self.whole else f" {self.word}"
        return any(wanted in f" {text} " for text in texts[: self.fields])


def answered(texts: Sequence[str], terms: Iterable[Iterable[Term]]) -> bool:
    """Whether of each word's terms one is found."""
    return all(any(term.found_in(texts) for term in each) for each in terms)


@frozen
class Query:
    """Words to search for, all of which must be found.

    Attributes:
        words: as ``words_of`` makes them; none finds nothing.
    """

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Query:
        """The query that somebody typed; whatever is no word is left out.

        Raises:
            InvalidInput: longer than 1,000 characters, or more than 32 words.
        """
        if len(text) > LONGEST_QUERY:
            problem = f"must have at most {LONGEST_QUERY} characters"
        else:
            words = tuple(dict.fromkeys(_words(text, last=False)))
            if len(words) <= MOST_WORDS:
                return cls(words)
            problem = f"must have at most {MOST_WORDS} words"
        raise InvalidInput("cannot search", problems=[Problem("text", problem)])

    def terms(
        self, tier: int, similar: Callable[[str], Iterable[str]]
    ) -> tuple[tuple[Term, ...], ...]:
        """For each word, what will do in this tier or a better one.

        ``similar`` gives the known words that are spelled almost like one.
        """
        if tier == 0:
            return tuple((Term(word, 1, whole=True),) for word in self.words)
        begins = tuple((Term(word, min(tier, FIELDS)),) for word in self.words)
        if tier < TYPO_TIER:
            return begins
        return tuple(
            (*each, *(Term(word, FIELDS, whole=True) for word in similar(each[0].word)))
            for each in begins
        )

    def ranking(self) -> Callable[[Sequence[str]], int | None]:
        """A function that says in which tier texts answer the query, or None: they do not.

        It remembers which words are alike, and is meant for one pass over many records.
        """
        alike = cache(errors_between)

        def tier_of(texts: Sequence[str]) -> int | None:
            if not self.words:
                return None
            worst = 0
            for word in self.words:
                tier = _tier(word, texts, alike)
                if tier is None:
                    return None
                worst = max(worst, tier)
            return worst

        return tier_of


def _tier(word: str, texts: Sequence[str], alike: Callable[[str, str], int]) -> int | None:
    if Term(word, 1, whole=True).found_in(texts):
        return 0
    for tier in range(1, FIELDS + 1):
        if Term(word, tier).found_in(texts):
            return tier
    if slips(word) and any(alike(word, other) for text in texts for other in text.split()):
        return TYPO_TIER
    return None


def slips(word: str) -> int:
    """How many typing errors a word of a query may have: 1 from four letters, 2 from eight.

    A number has none: 2023 is not a misspelled 2024.
    """
    if len(word) < SHORTEST_MISSPELLED or any(c.isnumeric() for c in word):
        return 0
    return 1 if len(word) < LONG else 2


def errors_between(word: str, other: str) -> int:
    """How many errors make a word of a query out of another one; 0 when it is not meant by it.

    A letter too many, one too few, a wrong one, and two that changed places are an error each.
    """
    most = slips(word)
    if abs(len(word) - len(other)) > most or any(c.isnumeric() for c in other):
        return 0
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(word, 1):
        earlier, before, row = before, row, [at]
        for to, candidate in enumerate(other, 1):
            cost = min(before[to] + 1, row[-1] + 1, before[to - 1] + (letter != candidate))
            swapped = at > 1 and to > 1 and letter == other[to - 2] and candidate == word[at - 2]
            row.append(min(cost, earlier[to - 2] + 1) if swapped else cost)
        if min(row) > most:
            return 0
    return row[-1] if row[-1] <= most else 0


def pieces(word: str) -> frozenset[str]:
    """Parts of which any word that it may be meant to be has at least one.

    Edges are marked by ``<`` and ``>``, and every part has at least three characters, so that an
    index of trigrams finds them. Cut into one part more than there may be errors, one part is left
    whole; an error that swaps two letters across a cut is undone first.
    """
    most = slips(word)
    if not most:
        return frozenset()
    size = len(word)
    cuts = [size // 2] if most == 1 else [(size + 2) // 3, (2 * size + 2) // 3]
    spellings = [word]
    for cut in cuts:
        spellings += [
            each[: cut - 1] + each[cut] + each[cut - 1] + each[cut + 1 :] for each in spellings
        ]
    found = set()
    for spelling in spellings:
        parts = [spelling[start:end] for start, end in pairwise((0, *cuts, size))]
        parts[0] = f"<{parts[0]}"
        parts[-1] = f"{parts[-1]}>"
        found.update(parts)
    return frozenset(found)
