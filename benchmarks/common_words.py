"""What a search costs when many products have its words: 1 %, 10 % or 50 % of them.

Two stores, of 10,000 products and of ten times as many, take turns. A word may stand in names or in
descriptions, anywhere in the order of names or in the last of them alone, and two words may hardly
ever stand together. Of several tries the quickest counts; on SQLite it is processor time, so that
others on the machine do not matter.

    python benchmarks/common_words.py [--products 100000] [--storage postgresql://...]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.bulk import bulk
from benchmarks.growth import WORDS, urls
from marketplace_sdk.plugin import Query, Record
from marketplace_sdk_sql.storage import SqlStorage

SMALLER = 10
"""How many times as many products the larger store has."""
SHARES = {"half": 0.5, "tenth": 0.1, "hundredth": 0.01}
QUERIES = (
    *("name50", "name10", "name1", "half", "tenth", "hundredth", "zulu"),
    *("half tenth", "zulu half", "odd even", "ha", "halv"),
)
AUDIENCES = {"everything": [("kept", ["yes"])], "a tenth": [("kept", ["yes"]), ("audience", ["3"])]}
BATCH = 1000
PAGE = 51


def product(number):
    """A product whose words are those of others at these shares."""
    chance = random.Random(number)  # noqa: S311 - the same in every run
    first = "zulu" if number % 40 == 0 else chance.choice(WORDS)
    names = [f"name{share * 100:.0f}" for share in SHARES.values() if chance.random() < share]
    said = [word for word, share in SHARES.items() if chance.random() < share]
    said += [*chance.sample(WORDS, 10), "odd" if number % 2 else "even"]
    name = " ".join([first, chance.choice(WORDS), *names, str(number)])
    return Record(
        kind="product",
        id=f"p{number:07}",
        revision=1,
        document={},
        index=frozenset({("kept", "yes"), ("audience", str(number % 10))}),
        order=name,
        texts=(name, "", "customer day id", " ".join(said)),
    )


def filled(url, products):
    """A store with so many products."""
    storage = SqlStorage(url)
    storage.setup()
    with bulk(url) as out:
        for number in range(products):
            out.put(product(number), None)
            if number % BATCH == 0:
                out.flush()
    return storage


def measure(products, *, storage=None, times=7):
    """Milliseconds in the smaller and in the larger store, by audience and query."""
    clock = time.process_time if storage is None else time.perf_counter
    with urls(storage) as (small_url, large_url):
        stores = filled(small_url, products // SMALLER), filled(large_url, products)
        for audience, where in AUDIENCES.items():
            for text in QUERIES:
                best = [float("inf")] * 2
                for _ in range(times):
                    for place, one in enumerate(stores):
                        best[place] = min(best[place], _seconds(one, text, where, clock))
                yield audience, text, *(seconds * 1e3 for seconds in best)
        for one in stores:
            one.close()


def _seconds(storage, text, where, clock):
    with storage.begin(write=False) as rows:
        began = clock()
        rows.search("product", Query.of(text), where, limit=PAGE)
        return clock() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--storage", help="a PostgreSQL URL; a temporary SQLite file if left out")
    options = parser.parse_args()
    for audience, text, small, large in measure(options.products, storage=options.storage):
        print(
            f"{text!r} of {audience}: {large:.1f} ms; of {options.products // SMALLER:,} products:"
            f" {small:.1f} ms; ratio {large / small:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
