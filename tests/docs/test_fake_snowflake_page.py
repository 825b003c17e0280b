"""The page about the fake Snowflake says what is true."""

from __future__ import annotations

import inspect
import re
import warnings
from pathlib import Path

from marketplace_sdk_snowflake.testing import Answer, FakeSnowflake, FaultKind

PAGE = Path(__file__).parents[2] / "docs/how-to/test-against-a-fake-snowflake.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_how_to_runs_as_it_stands(capsys):
    """And prints what the page says."""
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)

    with warnings.catch_warnings():
        # connector 5 asks every caller to choose a setting that its version 4 does not have
        warnings.simplefilter("ignore", FutureWarning)
        exec(compile(block, PAGE.name, "exec"), {})  # noqa: S102  # our own page

    assert f"It prints `{capsys.readouterr().out.strip()}`" in TEXT


def test_every_name_on_the_page_is_there():
    """Methods, arguments and faults."""
    for name in re.findall(r"`(?:with )?fake\.(\w+)", TEXT):
        assert hasattr(FakeSnowflake, name) or name == "clock", name
    arguments = inspect.signature(FakeSnowflake).parameters
    for name in re.findall(r"`(\w+)=(?:\"STANDARD\"|False|True)`", TEXT):
        assert name in arguments, name
    for kind in re.findall(r"faults\.add\(\"([\w ]+)\"", TEXT):
        assert FaultKind(kind)


def test_the_recording_on_the_page_is_one():
    """Line by line."""
    (block,) = re.findall(r"```json\n(.*?)```", TEXT, flags=re.DOTALL)
    assert [Answer.from_line(line).errno for line in block.splitlines()] == [None, 2003]
