"""``marketplace plugins``: what is installed, and what is wrong with it."""

from __future__ import annotations

import click

from marketplace_sdk.cli.showing import print_json, print_table, shown

__all__ = ["plugins"]


@click.command()
@shown
def plugins(*, as_json: bool) -> None:
    """Show every plugin: where it comes from, what it provides, what is wrong with it."""
    from marketplace_sdk._plugins import PluginHost

    found = PluginHost().describe()
    if as_json:
        print_json(found)
        return
    print_table(
        ("plugin", "distribution", "provides", "state"),
        (
            (
                each.name,
                f"{each.distribution} {each.version}".strip(),
                ", ".join(each.provides),
                "blocked" if each.blocked else "; ".join(each.problems) or "ok",
            )
            for each in found
        ),
    )
