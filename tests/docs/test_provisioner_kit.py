"""The reference of the kit of provisioners names what there is, and its code runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from marketplace_sdk.testing.conformance import ProvisionerConformance, ProvisionerWorld
from marketplace_sdk.testing.conformance._kit import Conformance

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "provisioner-kit.md").read_text(
    encoding="utf-8"
)


def test_every_capability_is_explained():
    """In the order of the alphabet, once each."""
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)

    assert rows == sorted(ProvisionerConformance.capabilities)


def test_every_class_of_checks_is_on_the_page():
    """Whoever writes one more adds it there."""
    shown = set(re.findall(r"autoclass:: \S+\.(\w+Checks)$", PAGE, flags=re.MULTILINE))
    mixed_in = {one.__name__ for one in ProvisionerConformance.__mro__}

    assert shown == mixed_in - {"ProvisionerConformance", Conformance.__name__, "object"}


def test_the_code_runs():
    """It defines a kit's class and a careless world."""
    names = {}

    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(block, names)  # noqa: S102 - our own page

    assert issubclass(names["TestAcme"], ProvisionerConformance)
    assert issubclass(names["CarelessWorld"], ProvisionerWorld)
    with pytest.raises(TypeError, match="abstract"):
        names["AcmeWorld"]()
