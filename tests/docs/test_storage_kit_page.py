"""The reference of the kit of storages names what the kit has."""

from __future__ import annotations

import re
from pathlib import Path

from marketplace_sdk.testing.conformance import StorageConformance

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "storage-kit.md").read_text("utf-8")


def section(title):
    """The text under one heading."""
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_capability_stands_there_with_its_meaning():
    """Word for word as in the kit, and no other."""
    named = dict(
        re.findall(r"^\| `(\w+)` \| (.*) \|$", section("What a store may lack"), re.MULTILINE)
    )

    assert named == StorageConformance.capabilities


def test_the_example_declares_what_exists():
    """Its names are real, so that whoever copies it is not refused."""
    (example,) = re.findall(r"```\{code-block\} python\n(.*?)```", PAGE, flags=re.DOTALL)
    scope = {"StorageConformance": StorageConformance}

    exec(example, scope)  # noqa: S102  # the page's own code

    assert "test_a_megabyte_of_text_is_kept" in scope["TestAcmeStorage"].left_out()
