"""The fake was written from the documentation, so it may know nothing of the plugin it tests."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import marketplace_sdk_snowflake.testing as package

MODULES = sorted(Path(package.__file__).parent.glob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module or ''}"
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_no_module_of_the_fake_imports_the_plugin_or_the_core():
    ours = {
        (path.name, name)
        for path in MODULES
        for name in imported(path)
        if name.startswith((".", "marketplace_sdk"))
        and not f"{name}.".startswith("marketplace_sdk_snowflake.testing.")
    }
    assert len(MODULES) > 10
    assert ours == set()


def test_importing_the_fake_loads_neither_the_connector_nor_a_test_tool():
    code = (
        "import sys, marketplace_sdk_snowflake.testing\n"
        "loaded = [name for name in sys.modules if name.split('.')[0] in "
        "{'snowflake', 'pytest', 'cryptography', 'marketplace_sdk'}]\n"
        "assert loaded == [], loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
