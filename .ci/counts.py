"""Print what became of the tests, and fail when more were passed over than was agreed.

Usage: counts.py LIMITS REPORT...    (reports are JUnit XML files written by pytest)
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET


def outcome(case: ET.Element) -> str:
    """What became of one test."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped")
    if skipped is None:
        return "passed"
    return "xfailed" if skipped.get("type") == "pytest.xfail" else "skipped"


def main(limits_file: str, *reports: str) -> int:
    """Return 0 when the counts are within the limits and something passed."""
    limits = tomllib.loads(Path(limits_file).read_text(encoding="utf-8"))
    total: Counter[str] = Counter()
    for report in reports:
        tree = ET.parse(report)  # noqa: S314 - written by our own test run a moment ago
        found = Counter(outcome(case) for case in tree.iter("testcase"))
        total += found
        print(f"{Path(report).stem}: {line(found)}")
    if len(reports) > 1:
        print(f"together: {line(total)}")
    problems = [
        f"{total[kind]} tests {kind}, agreed are {limits[kind]}: see {limits_file}"
        for kind in ("skipped", "xfailed")
        if total[kind] > limits[kind]
    ]
    if not total["passed"]:
        problems.append("no test passed")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def line(counts: Counter[str]) -> str:
    """One line for people."""
    kinds = ("passed", "failed", "skipped", "xfailed")
    return f"{counts.total()} collected, " + ", ".join(f"{counts[kind]} {kind}" for kind in kinds)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
