"""The store that the how-to writes passes the kit, as it stands on the page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-storage.md"
BLOCK = re.compile(r"```\{code-block\} python\n:caption: (\S+)\n\n(.*?)```", re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    """A folder with the files of the page."""
    files: dict[str, str] = {}
    for name, code in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        files[name] = files.get(name, "") + code + "\n"
    for name, code in files.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    return tmp_path


def python(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_store_of_the_page_passes_the_kit(folder):
    """All checks but those of the one capability that it declares to lack."""
    done = python(folder, "-m", "pytest", "-v", "-p", "no:cacheprovider", "test_json_storage.py")

    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout
    reason = "lacks multi_process: each object keeps a copy of the file in memory"
    listed = re.findall(rf"test_left_out\[(\w+): {reason}\] PASSED", done.stdout)
    assert "test_two_objects_on_one_place_see_each_other" in listed


def test_the_marketplace_runs_on_it(folder):
    """What was written is there for the next process."""
    done = python(folder, "portal.py")

    assert (done.stdout, done.stderr) == ("uma\n", "")
    assert "uma" in (folder / "market.json").read_text(encoding="utf-8")
