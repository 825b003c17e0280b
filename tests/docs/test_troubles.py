"""The guide's table of troubles names every code that the delivery can give a grant."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_code_of_trouble_stands_in_the_guide():
    page = (ROOT / "docs" / "how-to" / "look-after-platforms.md").read_text(encoding="utf-8")
    sources = (ROOT / "src" / "marketplace_sdk" / "delivery").glob("*.py")
    text = "\n".join(each.read_text(encoding="utf-8") for each in sources)
    codes = set(re.findall(r'Obstacle\(\s*"([a-z_]+)"', text))

    assert len(codes) > 15
    assert {code for code in codes if f"`{code}`" not in page} == set()
