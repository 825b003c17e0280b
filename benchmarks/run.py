"""Every benchmark beside its lower bound, measured in the same run.

``--check`` fails when a ratio is over its limit; ``--quick`` takes fewer rounds; ``--json`` prints
JSON. Run from the root of the repository: ``uv run python benchmarks/run.py``.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import (
    chains,
    clean_pass,
    databricks_calls,
    deliveries,
    expiry,
    growth,
    lifecycle,
    one_more_approval,
    snowflake_statements,
    start_up,
    tally_of_seats,
)

ALL = (
    tally_of_seats.run,
    lifecycle.run_memory,
    lifecycle.run_sqlite,
    one_more_approval.run,
    clean_pass.run,
    expiry.run,
    growth.run,
    chains.run,
    databricks_calls.run,
    start_up.run,
    snowflake_statements.run,
    deliveries.run,
    deliveries.run_crowd,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = [run(quick=options.quick) for run in ALL]
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        print(f"CPython {platform.python_version()}, {platform.machine()}, {platform.system()}")
        for each in results:
            limit = "" if each["limit"] is None else f" (limit {each['limit']})"
            print(
                f"{each['name']}: {each['ours']:.3g} {each['unit']}; "
                f"lower bound {each['bound']:.3g} {each['unit']}; ratio {each['ratio']:.3g}{limit}"
            )
            print(f"    lower bound: {each['bound is']}")
            for fact in each.get("facts", ()):
                print(f"    {fact}")
    over = [each["name"] for each in results if each["limit"] and each["ratio"] > each["limit"]]
    if options.check and over:
        print(f"over its limit: {', '.join(over)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
