"""Pictures show what the code knows, are told in words, and need nothing from elsewhere."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SVG = "{http://www.w3.org/2000/svg}"
DRAWN = sorted((DOCS / "pictures").iterdir())
SHOWN = [
    (page.relative_to(ROOT), words, (page.parent / path).resolve())
    for page in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    for words, path in re.findall(r"!\[(.*?)\]\((\S+)\)", page.read_text(encoding="utf-8"))
]


@pytest.fixture
def scripts(monkeypatch):
    """The modules beside the pages."""
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module


def test_the_pictures_are_those_of_the_code(scripts):
    """After a change: `python docs/pictures.py`. One of them runs commands."""
    drawn = scripts("pictures").pictures()

    assert sorted(drawn) == DRAWN
    for path, text in drawn.items():
        assert path.read_text(encoding="utf-8") == text, path.name


def test_the_notebook_is_the_page(scripts):
    """After a change: `python docs/notebook_page.py`."""
    writer = scripts("notebook_page")

    assert writer.PAGE.read_text(encoding="utf-8") == writer.page()


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_a_picture_says_in_words_what_it_shows(path):
    """For whoever does not see it, and it loads nothing."""
    text = path.read_text(encoding="utf-8")
    tree = ET.fromstring(text)  # noqa: S314  # our own file

    named = {each.get("id") for each in tree.iter() if each.get("id")}
    assert tree.get("role") == "img"
    assert set(tree.get("aria-labelledby").split()) <= named
    assert len(tree.find(f"{SVG}desc").text) > 60
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)|@import|<script", text) == []


def test_every_picture_stands_on_a_page_under_its_title():
    titles = {path: ET.parse(path).find(f"{SVG}title").text for path in DRAWN}  # noqa: S314  # our own files

    assert {path for _, _, path in SHOWN} == set(DRAWN)
    for page, words, path in SHOWN:
        assert words == titles[path], page


@pytest.mark.parametrize("shelf", ["tutorials", "how-to", "reference", "explanation"])
def test_every_page_is_named_where_its_shelf_begins(shelf):
    """So that nobody has to find it in the margin."""
    index = (DOCS / shelf / "index.md").read_text(encoding="utf-8")
    pages = {each.stem for each in (DOCS / shelf).glob("*.md")} - {"index"}

    assert pages - set(re.findall(r"\{doc\}`([\w-]+)`", index)) == set()
