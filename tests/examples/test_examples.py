"""Every example runs as it stands, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir() and path.name[0] not in "._")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_an_example_runs_as_it_stands(folder, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", str(folder)],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_every_example_is_listed():
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    assert all(f"| `{folder.name}` |" in page for folder in FOLDERS)
