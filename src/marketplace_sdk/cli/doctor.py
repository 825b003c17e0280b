"""``marketplace doctor``: whether a marketplace is well."""

from __future__ import annotations

import sys

import click

from marketplace_sdk.cli.opening import explained, located, opened, settings_of
from marketplace_sdk.cli.showing import print_json, say, shown

__all__ = ["doctor"]

EXIT = {"fine": 0, "warning": 1, "broken": 2}


@click.command()
@located
@shown
@explained
def doctor(*, config: str, storage: str | None, as_json: bool) -> None:
    """Look at storage, work, clocks, log, seals, plugins and platforms; change nothing.

    Platforms are asked when there is a configuration with connections: what a login of ours lacks
    is printed with the statement that an administrator must run.

    Ends with 0 when all is fine, 1 with a warning, 2 when something is broken.
    """
    from marketplace_sdk import _system
    from marketplace_sdk._building import storage_of
    from marketplace_sdk._plugins import PluginHost
    from marketplace_sdk.services._health import examine
    from marketplace_sdk.work.sealing import DAILY

    settings = settings_of(config, storage)
    host = PluginHost(block=tuple(settings.get("block", ())))
    store = storage_of(settings["storage"], host, _system.utc_now)
    try:
        found = examine(
            store,
            now=_system.utc_now(),
            plugins=host.describe(),
            seal_every=settings.get("seal_every", DAILY),
        )
    finally:
        store.close()
    stored = all(each.name != "storage" or each.state != "broken" for each in found.checks)
    if settings.get("connections") and stored:
        with opened(config) as market:
            found = market.health(platforms=True)
    if as_json:
        print_json({"state": found.state, "checks": found.checks})
    else:
        say(found)
    sys.exit(EXIT[found.state])
