"""``marketplace uninstall`` and ``marketplace install``: leave a platform, and come back."""

from __future__ import annotations

import click

from marketplace_sdk.cli.opening import BROKEN, configured, explained, opened

__all__ = ["install", "uninstall"]


@click.command()
@click.argument("connection")
@configured
@click.option("--yes", is_flag=True, help="Do not ask.")
@explained
def uninstall(*, connection: str, config: str, yes: bool) -> None:
    """Take away everything that is ours on a CONNECTION, and nothing else.

    Shows what would be done and asks first. Until "marketplace install" nothing is given there.
    """
    with opened(config) as market:
        click.echo(str(market.uninstall(connection)))
        if not yes:
            click.confirm(f"uninstall the marketplace from {connection}?", abort=True)
        left = market.uninstall(connection, dry_run=False).problems
    for problem in left:
        click.echo(problem, err=True)
    if left:
        click.echo(
            f"what is in the way is told by: marketplace grants drift --connection {connection}; "
            "then uninstall once more",
            err=True,
        )
        raise SystemExit(BROKEN)
    click.echo(f"nothing of ours is left on {connection}")


@click.command()
@click.argument("connection")
@configured
@explained
def install(*, connection: str, config: str) -> None:
    """Open a CONNECTION again that was uninstalled."""
    with opened(config) as market:
        market.install(connection)
    click.echo(f"{connection} is open again; what is approved is given by the next delivery")
