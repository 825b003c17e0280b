"""The numbered acceptance cases of the behaviour are each a test, once."""

import re
from pathlib import Path


def test_each_of_the_45_cases_is_there_once():
    """A case that is removed or doubled fails here."""
    found = [
        int(number)
        for file in Path(__file__).parent.glob("test_*.py")
        for number in re.findall(
            r"^def test_(\d\d)_\w+\((?:world|storage_url)", file.read_text("utf-8"), re.MULTILINE
        )
    ]

    assert sorted(found) == list(range(1, 46)), "each runs on memory and SQLite"
