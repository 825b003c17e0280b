"""How often requests that have nothing to do with each other cost each other a second try.

Eight threads live lives of people of their own on one product, in a young store on PostgreSQL,
where everything lies side by side. Counted is how many units were told that they were overtaken.

Run: ``uv run python benchmarks/second_tries.py``; a PostgreSQL is started for it.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._world import approved, market, publish
from marketplace_sdk import StaleRevision

THREADS = 8
LIVES = 12


class Counting:
    """A storage that counts units that write, and those that were overtaken."""

    def __init__(self, storage):
        self._storage = storage
        self.units = self.overtaken = 0

    def __getattr__(self, name):
        return getattr(self._storage, name)

    @contextmanager
    def begin(self, *, write=True):
        self.units += write
        try:
            with self._storage.begin(write=write) as transaction:
                yield transaction
        except StaleRevision:
            self.overtaken += 1
            raise


def main():
    from psycopg.conninfo import conninfo_to_dict

    from marketplace_sdk_postgres.server import PlatformServer
    from marketplace_sdk_sql.storage import SqlStorage

    people = [f"p{number}" for number in range(THREADS)]
    with PlatformServer.start() as server:
        parts = urlencode({**conninfo_to_dict(server.dsn), "schema": "tries"})
        storage = Counting(SqlStorage(f"postgresql:///?{parts}"))
        made = market(storage, people=people)
        product = publish(made, "P", ["s.t"])
        storage.units = storage.overtaken = 0

        def live(person):
            for _ in range(LIVES):
                request = approved(made, product, person)
                made.requests.revoke(request.id, reason="over", by="root")

        threads = [threading.Thread(target=live, args=(person,)) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        made.close()
    share = storage.overtaken / storage.units
    print(f"{storage.overtaken} of {storage.units} units that write were overtaken: {share:.0%}")


if __name__ == "__main__":
    main()
