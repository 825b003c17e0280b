"""Starting the command: `marketplace --help`, which asks every installed plugin for its commands.

Lower bound: an interpreter that imports click, without which there would be no command.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks._world import rounds

HELP = "from marketplace_sdk.cli import main; main()"


def _ours():
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-c", HELP, "--help"], capture_output=True, check=True, text=True
    )
    assert "requests" in done.stdout


def _bound():
    subprocess.run([sys.executable, "-c", "import click"], check=True)


def run(*, quick):
    """Milliseconds per start."""
    _ours()  # what is compiled once is not measured
    ours, bound = rounds(_ours, _bound, times=7 if quick else 25)
    return {
        "name": "start of `marketplace --help`",
        "ours": ours * 1e3,
        "bound": bound * 1e3,
        "bound is": "python -c 'import click'",
        "unit": "ms",
        "ratio": ours / bound,
        "limit": 6,  # measured near 3
    }
