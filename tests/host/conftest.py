"""Distributions with entry points, made for one test and found on the path like installed ones."""

from __future__ import annotations

import sys
import textwrap

import pytest


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that puts a distribution with one plugin module on the path."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    made = []

    def install(name, code, *, version="1.0", distribution=None, module=None):
        distribution = distribution or f"marketplace-sdk-{name}"
        folder = distribution.replace("-", "_")
        module = module or f"{folder}_plugin"
        made.append(module)
        if code is not None:
            header = "from marketplace_sdk.plugin import *\n"
            (site / f"{module}.py").write_text(header + textwrap.dedent(code), encoding="utf-8")
        info = site / f"{folder}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(
            f"[marketplace_sdk]\n{name} = {module}\n", encoding="utf-8"
        )

    yield install
    for module in made:
        sys.modules.pop(module, None)
