"""``marketplace config``: look at the configuration file before anything depends on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from marketplace_sdk.cli.grouping import Group
from marketplace_sdk.cli.opening import configured, explained

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["config"]


@click.group(cls=Group)
def config() -> None:
    """The configuration file."""


@config.command()
@configured
@explained
def check(*, config: str) -> None:
    """Say whether the file can be read, and whether the plugins that it names are there.

    Opens no storage and connects to nothing. Plugins look at settings of their own, and at the
    secrets that these name, when they are used: `marketplace doctor` uses those of connections.
    """
    from marketplace_sdk._configuration import read_configuration
    from marketplace_sdk._plugins import PluginHost

    settings = read_configuration(config)
    host = PluginHost(block=tuple(settings.get("block", ())))
    for kind, name in _chosen(settings):
        getattr(host, kind)(name)
    click.echo(f"{config}: fine, as far as can be said without asking its plugins")


@config.command()
def schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    from marketplace_sdk._configuration import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


def _chosen(settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Kind and name of every plugin that the settings choose."""
    scheme = str(settings.get("storage", "memory")).split(":", 1)[0]
    if scheme not in ("env", "file"):
        yield "storage", scheme
    for each in settings.get("connections", {}).values():
        yield "provisioner", each["plugin"]
    for each in settings.get("notifiers", ()):
        yield "notifier", each["plugin"]
    for kind in ("directory", "engine"):
        if kind in settings:
            yield kind, settings[kind]["plugin"]
