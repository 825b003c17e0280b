"""``marketplace migrate``: brings the schema of the storage to that of this release."""

from __future__ import annotations

import click

from marketplace_sdk.cli.opening import configured, explained
from marketplace_sdk.cli.showing import print_json, shown

__all__ = ["migrate"]


@click.command()
@click.argument("storage", required=False, envvar="MARKETPLACE_STORAGE")
@configured
@shown
@explained
def migrate(*, storage: str | None, config: str, as_json: bool) -> None:
    """Bring the schema of the storage to that of this release.

    STORAGE is its URL, such as sqlite:///marketplace.db, or env:NAME or file:PATH for where the URL
    is kept, also from MARKETPLACE_STORAGE; without it, the configuration file says. Safe to run at
    every start and on every machine: whoever comes first does it.
    """
    from marketplace_sdk._configuration import read_configuration
    from marketplace_sdk.marketplace import Marketplace

    where = storage or str(read_configuration(config).get("storage", "memory"))
    before, after = Marketplace.migrate(where)
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        click.echo(f"the schema is up to date: {after}" if after else "it has no schema")
    else:
        click.echo(f"the schema was {before or 'empty'}, now it is {after}")
