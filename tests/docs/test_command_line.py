"""The reference of the command line and of the configuration say what there is."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import attrs

from marketplace_sdk._configuration import json_schema
from marketplace_sdk.delivery.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def test_every_command_and_option_is_in_the_reference_as_it_is():
    """After a change: `python docs/command_line.py`."""
    spec = importlib.util.spec_from_file_location("command_line", DOCS / "command_line.py")
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)

    assert writer.PAGE.read_text(encoding="utf-8") == writer.page()


def described():
    """Key -> what stands there for a file that leaves it out."""
    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([a-z_.*]+)` \| .* \| (.*?) \|$", page, flags=re.MULTILINE))


def keys(schema, path=""):
    """Every key that the schema of the file names."""
    for name, each in schema.get("properties", {}).items():
        yield f"{path}{name}"
        for inside in (each, each.get("additionalProperties"), each.get("items")):
            if isinstance(inside, dict):
                yield from keys(inside, f"{path}{name}." if inside is each else f"{path}{name}.*.")


def test_every_setting_is_described():
    assert set(described()) == set(keys(json_schema())) - {"directory.plugin", "engine.plugin"}


def test_the_defaults_of_the_delivery_are_those_of_the_code():
    page = described()

    for each in attrs.fields(Settings):
        assert page[f"delivery.{each.name}"] == f"`{each.default}`"
