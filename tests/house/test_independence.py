"""The tests' own model of the rules must not be built from the rules that it checks."""

import ast
from pathlib import Path

MODEL = Path(__file__).parents[1] / "machine" / "model.py"


def imported_modules(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {"." * node.level + (node.module or "")}
    return found


def test_the_model_of_the_state_machine_shares_no_code_with_the_product():
    imported = imported_modules(MODEL.read_text(encoding="utf-8"))

    shared = {name for name in imported if name.startswith((".", "marketplace_sdk"))}
    assert shared == set()


def test_the_check_sees_every_way_to_import():
    source = "import marketplace_sdk.domain as d\ndef f():\n    from marketplace_sdk import domain\n    from . import x\n"

    assert imported_modules(source) == {"marketplace_sdk.domain", "marketplace_sdk", "."}
