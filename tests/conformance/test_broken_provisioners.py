"""The kit of provisioners bites: every broken one is caught by the checks that it names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from marketplace_sdk.testing.broken.provisioners import BROKEN, SoundProvisioner
from marketplace_sdk.testing.conformance import ProvisionerConformance
from tests.conformance.worlds import LibraryWorld

ROOT = Path(__file__).parents[2]
MODULE = """
import pytest

from marketplace_sdk.testing.broken.provisioners import BROKEN
from marketplace_sdk.testing.conformance import ProvisionerConformance
from tests.conformance.worlds import LibraryWorld, MemoryWorld


def make(broken):
    Good = MemoryWorld if set(broken.needs) & set(LibraryWorld.lacks) else LibraryWorld

    class World(Good):
        def connect(self, installation):
            return broken(super().connect(installation), *self.secrets)

    class TestIt(ProvisionerConformance):
        lacks = Good.lacks

        @pytest.fixture
        def world(self):
            return World()

    return TestIt


for broken in BROKEN:
    globals()[f"Test{broken.__name__}"] = make(broken)
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What became of the named checks, by name of the broken provisioner; all in one run."""
    place = tmp_path_factory.mktemp("broken")
    module = place / "test_broken.py"
    module.write_text(MODULE, encoding="utf-8")
    nodes = [
        f"{module}::Test{broken.__name__}::{name}" for broken in BROKEN for name in broken.caught_by
    ]
    report = place / "report.xml"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"),
            *("--import-mode=importlib", f"--rootdir={place}", f"--junitxml={report}", *nodes),
        ],
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout[-2000:]
    found = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written a moment ago
        broken = case.get("classname").rsplit("Test", 1)[1]
        (what,) = [each.tag for each in case if each.tag in ("failure", "error")] or ["passed"]
        found.setdefault(broken, {})[case.get("name")] = what
    return found


class TestNothingBroken(ProvisionerConformance):
    """What all broken ones are made of has no fault of its own."""

    lacks = LibraryWorld.lacks

    @pytest.fixture
    def world(self):
        class World(LibraryWorld):
            def connect(self, installation):
                return SoundProvisioner(super().connect(installation), self.secrets[0])

        return World()


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_a_broken_provisioner_is_caught(results, broken):
    """Each check that it names runs, and fails in its own body."""
    assert results[broken.__name__] == dict.fromkeys(broken.caught_by, "failure")


def test_every_check_can_fail():
    """There is a broken provisioner for each, and each broken one is for some check."""
    assert all(broken.caught_by for broken in BROKEN)
    caught = {name for broken in BROKEN for name in broken.caught_by}
    assert caught == set(ProvisionerConformance._checks)
