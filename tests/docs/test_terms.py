"""Pages that are read from top to bottom lead to the glossary where a word comes first."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.docs.test_pictures import DOCS


@pytest.fixture
def terms(monkeypatch):
    """The module beside the pages."""
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("terms")


def test_every_word_is_linked_where_it_comes_first(terms):
    """After a change: `python docs/terms.py`."""
    assert len(terms.pages()) > 8
    for page in terms.pages():
        text = page.read_text(encoding="utf-8")
        assert terms.linked(text) == text, page.name


def test_every_link_has_an_entry(terms):
    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8")

    entries = set(re.findall(r"^([a-z].*)\n  \S", glossary, re.MULTILINE))
    assert set(terms.TERMS.values()) <= entries


def test_only_prose_is_linked_and_each_word_once(terms):
    """No code, no heading, no link, no part of another word; plurals and capitals are."""
    text = """# Seals and seats

`seal`, [a seal](x.md) and {doc}`seal`; sealed, unseal, a data-seal. Stewards fill a seat.
```text
a seal
```
Seals last, and a seal of a steward is no other seal. Data product managers.
"""

    assert (
        terms.linked(text)
        == """# Seals and seats

`seal`, [a seal](x.md) and {doc}`seal`; sealed, unseal, a data-seal. \
{term}`Stewards <data steward>` fill a {term}`seat`.
```text
a seal
```
{term}`Seals <seal>` last, and a seal of a steward is no other seal. \
{term}`Data product managers <data product manager>`.
"""
    )
    assert terms.linked(terms.linked(text)) == terms.linked(text)
