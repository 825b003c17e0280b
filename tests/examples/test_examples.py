"""Each folder of `examples/` is taken away from here, and its own tests pass there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(each.name for each in EXAMPLES.iterdir() if each.is_dir())


@pytest.mark.parametrize("name", FOLDERS)
def test_an_example_passes_its_own_tests(name, tmp_path):
    """Without anything of this repository but what is installed; warnings are errors there too."""
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("__pycache__"))

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_the_examples_are_these():
    assert FOLDERS == ["django_portal", "embedding", "fastapi_portal", "logbook_plugin", "notebook"]
