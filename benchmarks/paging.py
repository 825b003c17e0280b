"""How much memory paging through everything takes: all requests, and all events.

The store is one that ``growth`` filled; its PostgreSQL schema is named in the URL.

    python benchmarks/paging.py "postgresql://...?schema=large"
"""

from __future__ import annotations

import argparse
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from marketplace_sdk import Marketplace
from marketplace_sdk.testing import MemoryPlatform

WARM = 20
"""Pages after which caches are filled."""
LIMIT = 1000


def paged(lists):
    """How many items there were, and peak megabytes after the first pages and in the end."""
    count, before = 0, 0.0
    for number, items in enumerate(lists, 1):
        count += items
        if number == WARM:
            before = _peak()
    return count, before, _peak()


def _peak():
    """Peak memory of this process in megabytes."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def requests(made):
    """Lengths of all pages of requests."""
    after = None
    while True:
        page = made.requests.find(limit=LIMIT, after=after, by="root")
        yield len(page)
        after = page.next
        if after is None:
            return


def events(made):
    """Lengths of all pages of events."""
    after = 0
    while True:
        rows = made.audit.events(after=after, limit=LIMIT, by="root")
        yield len(rows)
        if len(rows) < LIMIT:
            return
        after = rows[-1].position


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("storage", help="URL of a store that growth.py filled")
    made = Marketplace(parser.parse_args().storage, connections={"lake": MemoryPlatform()})
    for lists in (requests, events):
        count, before, after = paged(lists(made))
        told = f"{after:.0f} MB at most, {before:.0f} MB after {WARM} pages"
        print(f"{count:,} {lists.__name__}: {told}", flush=True)
    made.close()


if __name__ == "__main__":
    main()
