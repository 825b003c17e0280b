"""The fake is written from the documentation, so it cannot share a mistake with the plugin."""

from __future__ import annotations

import ast
from pathlib import Path

import marketplace_sdk_databricks.testing as package

FILES = sorted(Path(package.__file__).parent.rglob("*.py"))


def test_no_module_of_the_fake_imports_one_of_the_plugin():
    imported = {
        name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
    }

    ours = {name for name in imported if name.startswith("marketplace_sdk")}
    assert len(ours) > 10
    assert {name for name in ours if not name.startswith(package.__name__)} == set()
    assert not [name for name in imported if name.startswith(("databricks", "requests"))]
