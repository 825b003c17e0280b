"""What there is stands in the reference, and what stands there exists."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import marketplace_sdk
from marketplace_sdk import errors, hookspecs, plugin

DOCS = Path(__file__).parents[2] / "docs"


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_hook_has_a_page_with_its_signature_and_no_other_has():
    """The signature and the example are put there from the code when the pages are built."""
    pages = {each.stem: each for each in (DOCS / "reference" / "hooks").iterdir()}

    assert sorted(pages) == sorted(hookspecs.__all__)
    for name, path in pages.items():
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {name}\n")
        assert f"autofunction:: marketplace_sdk.hookspecs.{name}\n" in text
        assert "@hookimpl" in inspect.getdoc(getattr(hookspecs, name))
        assert f"{{doc}}`hooks/{name}`" in page("reference/hooks.md")


def test_every_error_stands_in_the_drawn_tree():
    """Under its parent, which is how far it stands to the right."""
    path, found = [], set()
    for line in inspect.getdoc(errors).splitlines():
        drawn = re.match(r"[ │├└─]*([A-Z]\w+)(?:  |$)", line)
        if drawn is None:
            continue
        kind = getattr(errors, drawn[1])
        path = [(column, parent) for column, parent in path if column < drawn.start(1)]
        assert kind.__base__ is (path[-1][1] if path else Exception)
        path.append((drawn.start(1), kind))
        found.add(drawn[1])

    assert found == set(errors.__all__) - {"Problem"}
    assert ":members:" in page("reference/errors.md")


@pytest.mark.parametrize(
    ("module", "name"),
    [(marketplace_sdk, "reference/marketplace.md"), (plugin, "reference/plugin.md")],
    ids=["marketplace_sdk", "marketplace_sdk.plugin"],
)
def test_every_public_name_is_described(module, name):
    """Classes and functions by their own words, which the page takes in whole; all else by name."""
    text = page(name)

    assert f"automodule:: {module.__name__}\n   :members:" in text
    for each in module.__all__:
        value = getattr(module, each)
        described = f"`{each}`" in text
        if inspect.isclass(value) or inspect.isfunction(value):
            described = bool(value.__doc__) and len(value.__doc__.split()) > 2
        assert described, each


def test_every_service_of_a_marketplace_is_described():
    """All its calls with it: whoever reads `market.requests` finds what it can do."""
    with marketplace_sdk.Marketplace(discover=False) as market:
        services = {
            name: type(each) for name, each in vars(market).items() if not name.startswith("_")
        }
    text = page("reference/calls.md")

    shown = dict(re.findall(r"^## (\w+)\n.*?autoclass:: (\S+)\(\)", text, re.MULTILINE | re.DOTALL))
    assert shown == {name: f"{each.__module__}.{each.__name__}" for name, each in services.items()}
    assert text.count(":inherited-members:") == len(services)


def test_the_pages_of_rights_and_states_are_those_of_the_code():
    """After a change: `python docs/rules_pages.py`."""
    spec = importlib.util.spec_from_file_location("rules_pages", DOCS / "rules_pages.py")
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)

    for path, text in writer.pages().items():
        assert path.read_text(encoding="utf-8") == text


WORDS = """
    domain; data source; data product; connection; platform; data product manager; requester;
    beneficiary; data steward; selector; seat; request form; question; answer; data use agreement;
    access request; masking exception request; determination; final determination; review flow;
    stage; quorum; tally; grant; entitlement; privilege; claim; ledger; event; notification;
    delivery; directory
"""


def test_the_glossary_has_the_words_of_the_design_and_stands_in_order():
    terms = re.findall(r"^([a-z][a-z -]*)\n  \S", page("glossary.md"), re.MULTILINE)

    assert {word.strip() for word in WORDS.replace("\n", " ").split(";")} - set(terms) == set()
    assert terms == sorted(terms)


def test_the_directory_names_what_ships():
    """Every storage, directory, platform, notifier and engine that is installed, and no other."""
    text = page("reference/plugin-directory.md")
    with marketplace_sdk.Marketplace() as market:
        provided = [words.split(" ", 1) for each in market.plugins() for words in each.provides]
    kinds = ("storage", "directory", "provisioner", "notifier", "engine")
    offered = {name for kind, name in provided if kind in kinds}

    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == offered
