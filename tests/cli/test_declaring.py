"""``marketplace plan``, ``apply``, ``export`` and ``import``."""

from __future__ import annotations

import json
import re
import textwrap

import pytest
import yaml
from click.testing import CliRunner

from marketplace_sdk.cli.app import app
from tests.cli.running import Shop
from tests.declarations.test_standards import CONTRACT


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_a_plan_is_shown_and_changes_nothing(shop, tmp_path):
    file = tmp_path / "d.yaml"
    file.write_text("domains:\n  sales: {description: All}\n  new:\n", encoding="utf-8")

    said = shop.run("plan", str(file), code=1)

    assert said.splitlines() == [
        "~ domain sales",
        "    description: '' -> All",
        "+ domain new",
    ]
    found = shop.data("plan", str(file), code=1)
    assert found["changes"][0] == {
        "action": "update", "kind": "domain", "id": "sales", "before": {"description": ""},
        "after": {"description": "All"}, "place": f"{file}:2",
    }  # fmt: skip
    assert shop.data("domains", "show", "sales")["domain"]["description"] == ""


def test_applying_shows_and_asks_and_is_done_once(shop, tmp_path):
    file = tmp_path / "d.yaml"
    file.write_text("domains: {sales: {description: All}}", encoding="utf-8")

    said = shop.run("apply", str(file), answer="n\n", code=1)
    assert "make these changes? [y/N]" in said
    assert shop.data("plan", str(file), code=1)["changes"]
    assert shop.run("apply", str(file), answer="y\n").endswith("~ domain sales\n")
    assert shop.run("plan", str(file)) == "nothing to change\n"
    assert "nothing was changed" in shop.run("apply", str(file))


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_the_example_of_the_help_can_be_applied(shop, tmp_path, command):
    """It names no person who would have to be there, and nothing that is built in."""
    file = tmp_path / "market.yaml"
    said = shop.run(command, "--help")
    example = re.search(r"market\.yaml:\n((?:  +.*\n)+)", said)[1]
    file.write_text(textwrap.dedent(example).replace("  orders:", "  new-orders:"), "utf-8")

    shop.run("apply", str(file), "--yes")

    assert shop.run("plan", str(file)) == "nothing to change\n"
    assert shop.data("products", "show", "new-orders")["form"] == "finance"


def test_somebody_who_is_not_there_is_named(shop, tmp_path):
    file = tmp_path / "d.yaml"
    text = "domains: {sales: {permissions: {MANAGE_DATA_PRODUCTS: [zoe]}}}"
    file.write_text(text, encoding="utf-8")

    said = shop.run("apply", str(file), "--yes", code=1)

    assert "cannot grant domain permission: to: 'zoe' is not a known person" in said


def test_what_one_may_not_do_is_told_and_ends_with_1(shop, tmp_path):
    file = tmp_path / "d.yaml"
    file.write_text("domains: {sales: {description: All}}", encoding="utf-8")

    said = shop.run("apply", str(file), "--yes", by="bob", code=1)

    assert f"failed: {file}:1: ~ domain sales: cannot update domain sales: bob may not" in said


def test_what_is_exported_is_what_there_is(shop, tmp_path):
    out = tmp_path / "out"

    assert shop.run("export", "--to", str(out)) == f"4 declarations are in {out}\n"
    assert shop.run("plan", str(out), "--prune") == "nothing to change\n"
    printed = yaml.safe_load(shop.run("export"))
    assert printed == shop.data("export")
    assert printed["products"]["p"]["form"] == "std"


def test_pruning_is_shown_before_it_is_done(shop, tmp_path):
    file = tmp_path / "d.yaml"
    file.write_text("forms: {std: {}, other: {questions: {a: {label: A}}}}", encoding="utf-8")
    shop.run("apply", str(file), "--yes")
    file.write_text("forms: {std: {}}", encoding="utf-8")

    assert shop.run("plan", str(file)) == "nothing to change\n"
    assert shop.run("plan", str(file), "--prune", code=1) == "- form other\n"
    assert "- form other" in shop.run("apply", str(file), "--prune", "--yes")


def test_each_of_several_mistakes_has_a_line(shop, tmp_path):
    file = tmp_path / "d.yaml"
    file.write_text("domains:\n  sales: {descripton: All}\n  x: {policy: 3}\n", encoding="utf-8")

    assert shop.run("plan", str(file), code=2).splitlines() == [
        "marketplace: cannot read declarations:",
        f"  {file}:2: domains.sales.descripton: unknown; did you mean description?",
        f"  {file}:3: domains.x.policy: must be a mapping",
    ]


def test_standards_are_imported_without_any_marketplace(tmp_path):
    (tmp_path / "c.yaml").write_text(CONTRACT, encoding="utf-8")
    words = ["import", str(tmp_path), "--connection", "lake", "--mask", "confidential"]

    printed = yaml.safe_load(CliRunner().invoke(app, words).output)

    assert printed["sources"]["orders"]["columns"]["note"] == {"masked": True}
    assert json.loads(CliRunner().invoke(app, [*words, "--json"]).output) == printed
