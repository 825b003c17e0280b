"""The page about declarations: its file works as it stands, its code runs, its tables are whole."""

from __future__ import annotations

import re
from pathlib import Path

from marketplace_sdk import Marketplace, read_declarations
from marketplace_sdk.wire.declarations import FIELDS
from marketplace_sdk.wire.flows import EVENTS, SELECTORS, WHEN
from tests.docs.test_pages_run import run_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "declarations.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_file_and_code_of_the_page_do_what_it_says(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "all.yaml").write_text(example, encoding="utf-8")

    _, done = run_page("reference/declarations.md", tmp_path)

    assert done.stderr == ""
    assert "failed" not in done.stdout
    assert done.stdout.count("+ product orders") == 2  # planned, and done
    exported = read_declarations(tmp_path / "exported")
    with Marketplace(connections={"lake": {"plugin": "memory"}}, discover=False) as fresh:
        fresh.people.add("uma", permissions=["USER_ADMIN", "GOVERNANCE"])
        fresh.people.add("dee", by="uma")
        made = fresh.declarations.apply(fresh.declarations.plan(exported, by="uma"), by="uma")
        assert made.failed == ()
        assert len(made.done) == 5


def test_every_field_and_word_is_described():
    described = set(re.findall(r"^\| ([a-z]+) \| `([a-z_]+)` \|", TEXT, flags=re.MULTILINE))

    assert described == {(kind, name) for kind, fields in FIELDS.items() for name in fields}
    for word in (*EVENTS, *SELECTORS, *WHEN):
        assert re.search(rf"\b{word}:", TEXT), word
