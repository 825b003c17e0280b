"""A worker process that can be stopped at a chosen point inside the driver call.

Run as ``python -m tests.crashes.worker STORAGE DSN INSTALLATION MAY_GRANT CLOCK MOMENT``. MOMENT is
``never``, or ``before N`` / ``after N``: at the N-th change it says so on standard output and waits
for a line on standard input, so that whoever reads it can kill or stop the process just there.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

from marketplace_sdk import Marketplace
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk_postgres.provisioner import PostgresProvisioner

SECONDS = 2.0
"""How long a call may last: little, so that a stopped worker is soon past its deadline."""


class FileClock:
    """A clock that several processes share: what it says stands in a file."""

    def __init__(self, path: Path, start: datetime | None = None) -> None:
        self._path = path
        if start is not None:
            self.set(start)

    def __call__(self) -> datetime:
        return datetime.fromisoformat(self._path.read_text())

    def set(self, moment: datetime) -> None:
        """Say another time; readers never find half of it."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(moment.isoformat())
        fresh.replace(self._path)

    def advance(self, by: timedelta) -> None:
        """Move on."""
        self.set(self() + by)


def main() -> None:
    storage, dsn, installation, may_grant, clock, moment = sys.argv[1:]
    point, _, number = moment.partition(" ")

    class Stoppable(PostgresProvisioner):
        sent = 0

        def _send(self, connection, statement):
            self.sent += 1
            if point == "before" and self.sent == int(number):
                wait(moment)
            evidence = super()._send(connection, statement)
            if point == "after" and self.sent == int(number):
                wait(moment)
            return evidence

    platform = Stoppable(dsn, installation=installation, name="lake")
    with Marketplace(
        storage,
        connections={"lake": {"plugin": platform, "may_grant": may_grant.split(",")}},
        clock=FileClock(Path(clock)),
        delivery=Settings(call_timeout=SECONDS),
        discover=True,
    ) as market:
        market.deliver()
    platform.close()
    say("done")


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def wait(moment: str) -> None:
    say(f"at {moment}")
    sys.stdin.readline()


if __name__ == "__main__":
    main()
