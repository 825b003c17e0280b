"""The README says what is true: its example runs as it stands, its commands are the ones CI runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.test_pages_run import run_page

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs_as_it_stands(tmp_path):
    """The embedding example prints where the request stands, and what bob then has."""
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "example.py").write_text(example, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-W", "error", "example.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stderr == ""
    assert "still open: permission PRIVACY_REVIEW" in done.stdout
    assert re.search(r"^active on lake: sales\.orders, until \d{4}-", done.stdout, re.MULTILINE)
    assert (tmp_path / "marketplace.db").exists()


def test_a_second_run_says_what_to_do(tmp_path):
    """Bootstrapping works once; the second time the message says to pass an actor."""
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    command = [sys.executable, "-c", example]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)

    again = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert again.returncode == 1
    assert "NotFound" not in again.stderr
    assert re.search(r"(NotAllowed|DuplicateName)", again.stderr)


def test_the_first_block_holds_the_two_commands():
    """The README opens with three sentences, then exactly the two commands."""
    opening, commands = README.split("```\n", 2)[0:2]

    assert commands.splitlines() == [
        "pip install uv && uv run marketplace demo      # the main job, on a real database",
        "uv run pytest                                  # the tests",
    ]
    prose = opening.split("\n", 1)[1]
    assert len(re.findall(r"[.!?](?:\s|$)", prose)) == 3


def test_the_tutorial_ends_with_an_active_grant(tmp_path):
    """The code of the first tutorial, taken together."""
    _, done = run_page("tutorials/first-marketplace.md", tmp_path)

    assert done.stderr == ""
    assert re.search(r"^active on lake: sales\.orders, until ", done.stdout, re.MULTILINE)
