"""The tutorial of the first provisioner does what it says, from its first command to its last."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "first-provisioner.md"
FENCE = re.compile(
    r"^```(?:\{code-block\} )?(\w+)\n(?::caption: (\S+)\n\n)?(.*?)^```$", re.DOTALL | re.MULTILINE
)
COMMANDS = {
    "python": [sys.executable],
    "marketplace": [sys.executable, "-c", "from marketplace_sdk.cli import main; main()"],
}


def patched(text, diff):
    """The text with one change made, which must fit in exactly one place."""
    lines = [line or " " for line in diff.splitlines()]
    old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    assert text.count(old) == 1, f"this does not fit:\n{diff}"
    return text.replace(old, new)


class Reader:
    """Somebody who does what the page says."""

    def __init__(self, folder):
        self.folder = folder
        self.said = ""
        self.failed = False
        self.done = []

    def console(self, _, text):
        """Each command must succeed, unless the page goes on to show how it fails."""
        assert not self.failed, self.said
        for line in text.splitlines():
            program, *words = line.split()
            if program == "cd":
                self.folder /= words[0]
                continue
            ran = subprocess.run(
                [*COMMANDS[program], *words],
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=110,
                check=False,
            )
            self.said, self.failed = ran.stdout + ran.stderr, ran.returncode != 0

    def text(self, _, text):
        """What the page shows was said, in a run that failed."""
        assert self.failed
        for line in text.splitlines():
            assert line in self.said, self.said
        self.failed = False

    def python(self, place, text):
        """What the page shows stands there."""
        assert text in (self.folder / place).read_text(encoding="utf-8")

    def diff(self, place, text):
        """What the page changes can be changed."""
        file = self.folder / place
        file.write_text(patched(file.read_text(encoding="utf-8"), text), encoding="utf-8")

    def toml(self, *_):
        """Settings, which another test reads."""


@pytest.mark.timeout(300)  # it runs the tests of a whole distribution three times
def test_the_tutorial_does_what_it_says(tmp_path):
    """Every block in its order."""
    reader = Reader(tmp_path)

    for kind, place, text in FENCE.findall(PAGE.read_text(encoding="utf-8")):
        getattr(reader, kind)(place, text)
        reader.done.append(kind)

    assert not reader.failed, reader.said
    assert reader.done.count("console") == 3
    assert reader.done.count("diff") == 4
