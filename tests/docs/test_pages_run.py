"""Every page with Python on it runs from top to bottom, and prints what it says it prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
ELSEWHERE = {
    "how-to/test-against-a-fake-snowflake.md": "test_fake_snowflake_page.py",
    "reference/declarations.md": "test_declarations_page.py",
}
"""Pages that need something beside them, which another test gives."""

FILES = {"how-to/try-a-snowflake-account.md": {"answers.jsonl": ""}}
"""What lies in the folder already: a recording of an account, which is the reader's own."""


def code_of(page):
    """Its blocks, one after the other."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return "\n".join(blocks)


PAGES = [
    name
    for page in sorted(DOCS.rglob("*.md"))
    if (name := page.relative_to(DOCS).as_posix()) not in ELSEWHERE and code_of(page)
]


def run_page(name, folder):
    """The code of a page, and what became of it in a process of its own."""
    code = code_of(DOCS / name)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return code, done


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_and_says_what_is_printed(name, tmp_path):
    """Warnings are errors there. The comment behind a print is the line that it prints."""
    for file, text in FILES.get(name, {}).items():
        (tmp_path / file).write_text(text, encoding="utf-8")

    code, done = run_page(name, tmp_path)

    assert done.returncode == 0, done.stderr
    printed = iter(done.stdout.splitlines())
    promised = re.findall(r"print\(.*\)\s+# (.*)$", code, flags=re.MULTILINE)
    assert [line for line in promised if line not in printed] == []  # in this order


def test_pages_that_run_elsewhere_do():
    """The test that is named opens the page."""
    for page, test in ELSEWHERE.items():
        text = (Path(__file__).parent / test).read_text(encoding="utf-8")
        assert page.split("/")[-1] in text


def test_there_are_pages():
    assert len(PAGES) > 15
