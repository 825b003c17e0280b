"""The kit of storages catches each broken store by the checks that are named, and no sound one."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from marketplace_sdk.testing.broken.storages import BROKEN

FORGETFUL = "test_everything_is_there_again"
"""Caught by the memory store, when it does not say that it forgets."""

CHECKS = """
import pytest
from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.testing.broken.storages import BROKEN, SoundStorage
from marketplace_sdk.testing.conformance import StorageConformance


class Base(StorageConformance):
    @pytest.fixture
    def open_storage(self):
        place = MemoryStorage()
        return lambda: self.store(place)


class TestForgetful(StorageConformance):
    @pytest.fixture
    def open_storage(self):
        return MemoryStorage


for store in (SoundStorage, *BROKEN):
    globals()[f"Test{store.__name__}"] = type(f"Test{store.__name__}", (Base,), {"store": store})
"""


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """Names of the checks that failed, by test class; of a broken store only the named are run."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "test_stores.py").write_text(CHECKS)
    chosen = [
        f"test_stores.py::Test{store.__name__}::{name}"
        for store in BROKEN
        for name in store.caught_by
    ]
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"),
            *("--junit-xml=report.xml", "test_stores.py::TestSoundStorage"),
            *(f"test_stores.py::TestForgetful::{FORGETFUL}", *chosen),
        ],
        cwd=folder,
        check=False,
        capture_output=True,
        timeout=300,
    )
    found: dict[str, set[str]] = {}
    for case in ET.parse(folder / "report.xml").iter("testcase"):  # noqa: S314  # pytest wrote it
        name = case.get("classname").rpartition(".")[2]
        failures = found.setdefault(name, set())
        if case.find("failure") is not None:
            failures.add(case.get("name").partition("[")[0])
    return found


def test_a_sound_store_passes_all(failed):
    """The wrapper around each fault is none itself."""
    assert failed["TestSoundStorage"] == set()


def test_a_store_that_forgets_is_not_durable(failed):
    """Who does not declare that capability lacking is checked for it."""
    assert failed["TestForgetful"] == {FORGETFUL}


@pytest.mark.parametrize("store", BROKEN, ids=lambda store: store.__name__)
def test_each_broken_store_is_caught_by_the_checks_that_are_named(failed, store):
    """The kit proves something: a fault of the kind that people make does not pass."""
    assert store.caught_by
    assert failed[f"Test{store.__name__}"] == set(store.caught_by)
