"""The public face: names that are there when asked for, values that print short, and help that helps."""

from __future__ import annotations

import ast
import pydoc
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import marketplace_sdk
from marketplace_sdk import Marketplace
from tests.wire.strategies import VALUES

SOURCE = Path(marketplace_sdk.__file__).read_text(encoding="utf-8")
ANSWER = "my secret answer"


def test_what_type_checkers_see_is_what_is_imported_when_it_is_used():
    """The names stand twice: as imports for type checkers, and by module for the interpreter."""
    seen = {
        alias.name: node.module.removeprefix("marketplace_sdk.")
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("marketplace_sdk.")
        for alias in node.names
    }

    assert seen == marketplace_sdk._MODULES
    assert set(marketplace_sdk.__all__) == {*seen, "__version__"}
    assert set(marketplace_sdk.__all__) <= set(dir(marketplace_sdk))
    for name in marketplace_sdk.__all__:
        assert getattr(marketplace_sdk, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Markteplace'"):
        marketplace_sdk.Markteplace  # noqa: B018  # reading it is the test


def test_importing_the_package_imports_nothing_of_it():
    code = (
        "import sys, marketplace_sdk; "
        "print(*(name for name in sys.modules if name.startswith('marketplace_sdk.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_a_plugin_pays_for_what_it_needs_only():
    """What is written and read back costs the most to import, and most plugins do neither."""
    code = "import sys, marketplace_sdk.plugin; print('cattrs' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
    from marketplace_sdk.plugin import dump, load
    from marketplace_sdk.wire import codec

    assert (dump, load) == (codec.dump, codec.load)


PUBLIC = [kind for kind in VALUES if kind.__name__ in marketplace_sdk.__all__]


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_value_prints_short_and_without_what_people_said(kind, data):
    """A repr lands in logs: no answers, no reasons, no texts of agreements."""
    value = data.draw(VALUES[kind])
    for name in ("answers", "reason", "body"):
        if name in attrs.fields_dict(kind):
            value = attrs.evolve(value, **{name: {"why": ANSWER} if name == "answers" else ANSWER})

    assert ANSWER not in repr(value)


def test_help_of_the_marketplace_says_what_it_is_and_takes():
    text = pydoc.plain(pydoc.render_doc(Marketplace))

    for word in ("Args:", "storage: a URL", "connections: by name", "Raises:", "deliver(self"):
        assert word in text
    undocumented = [
        name
        for name in vars(Marketplace)
        if not name.startswith("_") and not getattr(Marketplace, name).__doc__
    ]
    assert undocumented == []
