"""The kit of notifiers catches each broken one by the checks that are named."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from marketplace_sdk.testing.broken.notifiers import BROKEN
from marketplace_sdk.testing.conformance import NotifierConformance

CHECKS = """
import pytest
from marketplace_sdk.testing.broken.notifiers import BROKEN, MailboxWorld
from marketplace_sdk.testing.conformance import NotifierConformance


class Base(NotifierConformance):
    @pytest.fixture
    def notifier_world(self):
        return MailboxWorld(self.broken)


for broken in BROKEN:
    globals()[f"Test{broken.__name__}"] = type(
        f"Test{broken.__name__}", (Base,), {"broken": broken}
    )
"""


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """Names of the checks that failed, by test class; only those that are named are run."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "test_notifiers.py").write_text(CHECKS)
    chosen = [
        f"test_notifiers.py::Test{broken.__name__}::{name}"
        for broken in BROKEN
        for name in broken.caught_by
    ]
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"),
            *("--junit-xml=report.xml", *chosen),
        ],
        cwd=folder,
        check=False,
        capture_output=True,
        timeout=100,
    )
    found: dict[str, set[str]] = {}
    for case in ET.parse(folder / "report.xml").iter("testcase"):  # noqa: S314  # pytest wrote it
        failures = found.setdefault(case.get("classname").rpartition(".")[2], set())
        if case.find("failure") is not None:
            failures.add(case.get("name").partition("[")[0])
    return found


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_each_broken_notifier_is_caught_by_the_checks_that_are_named(failed, broken):
    """The kit proves something: a fault of the kind that people make does not pass."""
    assert broken.caught_by
    assert failed[f"Test{broken.__name__}"] == set(broken.caught_by)


def test_every_check_can_fail():
    """There is a broken notifier for each."""
    caught = {name for broken in BROKEN for name in broken.caught_by}

    assert caught == set(NotifierConformance._checks)
