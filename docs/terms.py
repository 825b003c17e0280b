"""Links the words of the glossary where a page uses them first: ``python docs/terms.py``.

Only words that mean one thing wherever they stand; others are linked by hand where it helps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent

TERMS = {
    "access request": "access request",
    "beneficiary": "beneficiary",
    "conformance kit": "conformance kit",
    "data product": "data product",
    "data product manager": "data product manager",
    "data source": "data source",
    "data steward": "data steward",
    "data use agreement": "data use agreement",
    "dead letter": "dead letter",
    "determination": "determination",
    "digest": "digest",
    "directory": "directory",
    "drift": "drift",
    "entitlement": "entitlement",
    "final determination": "final determination",
    "inquiry": "inquiry",
    "ledger": "ledger",
    "masking exception": "masking exception",
    "outbox": "outbox",
    "principal": "principal",
    "provisioner": "provisioner",
    "quiet hours": "quiet hours",
    "quorum": "quorum",
    "request form": "request form",
    "requester": "requester",
    "review flow": "review flow",
    "seal": "seal",
    "seat": "seat",
    "selector": "selector",
    "steward": "data steward",
    "tally": "tally",
    "temporary approval": "temporary approval",
    "worker": "worker",
}
"""A word, in the singular, and the entry of the glossary that it has."""

_NO_PROSE = re.compile(
    r"```.*?```|^#.*?$|^\(.*?\)=$|`[^`\n]*`|!?\[[^\]]*\]\([^)]*\)|<[^>\n]+>|^:::.*?$",
    re.DOTALL | re.MULTILINE,
)


def pages() -> list[Path]:
    """Where people read from top to bottom: tutorials and explanations, but no lists of them."""
    found = [*(HERE / "tutorials").glob("*.md"), *(HERE / "explanation").glob("*.md")]
    # How the tests were tested is read by nobody who does not know the words.
    return sorted(page for page in found if page.stem not in ("index", "mutants"))


def linked(text: str) -> str:
    """The page with each word linked where it stands first, unless the page links its entry."""
    # Longer ones first, for no word to be taken out of the middle of another.
    for word, entry in sorted(TERMS.items(), key=lambda each: (-len(each[0]), each)):
        if re.search(rf"{{term}}`(?:[^`<]*<)?{entry}>?`", text, re.IGNORECASE):
            continue
        for start, end in _uses(text, word):
            said = text[start:end]
            link = said if said == entry else f"{said} <{entry}>"
            text = f"{text[:start]}{{term}}`{link}`{text[end:]}"
            break
    return text


def _uses(text: str, word: str) -> Iterator[tuple[int, int]]:
    other = [match.span() for match in _NO_PROSE.finditer(text)]
    more = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    for match in re.finditer(rf"(?<![\w.-])(?:{word}|{more})(?![\w-])", text, re.IGNORECASE):
        if not any(start <= match.start() < end for start, end in other):
            yield match.span()


if __name__ == "__main__":
    for page in pages():
        page.write_text(linked(page.read_text(encoding="utf-8")), encoding="utf-8")
