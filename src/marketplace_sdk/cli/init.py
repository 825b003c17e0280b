"""``marketplace init``: a configuration file to begin with."""

from __future__ import annotations

import json
from pathlib import Path

import click

from marketplace_sdk.cli.asking import pairs
from marketplace_sdk.cli.opening import explained
from marketplace_sdk.errors import DuplicateName, InvalidInput, Problem

__all__ = ["init"]

_FILE = """\
# What a marketplace is made of. `marketplace config check` looks at this file, and
# `marketplace config schema` prints a schema of it for editors. No secret stands in it: write
# "env:NAME" for an environment variable, or "file:PATH" for a file.

storage = {storage}

[connections.{connection}]
plugin = {plugin}
{settings}may_grant = [{pattern}]    # the objects that may be granted, whatever anybody approves
"""

_FORGETS = """\
# A platform to try things out: every process has one of its own, and forgets it when it ends,
# so that what a worker gave is found missing by `marketplace grants drift`.
"""


@click.command()
@click.option("--config", default="marketplace.toml", show_default=True, help="The file to write.")
@click.option("--storage", metavar="URL", help="Where everything is kept.")
@click.option("--connection", metavar="NAME", help="Name of the first data platform.")
@click.option("--platform", metavar="PLUGIN", help="Plugin of the first data platform.")
@click.option(
    "--setting",
    "settings",
    callback=pairs,
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of its plugin.",
)
@click.option("--may-grant", metavar="PATTERN", help="Objects that may be granted there.")
@click.option("--yes", is_flag=True, help="Take what is usual, and do not ask.")
@explained
def init(
    *,
    config: str,
    storage: str | None,
    connection: str | None,
    platform: str | None,
    settings: tuple[tuple[str, str], ...],
    may_grant: str | None,
    yes: bool,
) -> None:
    """Write a configuration file; asks what is not given."""
    from marketplace_sdk._configuration import parse_configuration
    from marketplace_sdk._plugins import PluginHost

    path = Path(config)
    if path.exists():
        raise DuplicateName(
            f"cannot write {path}: it exists",
            existing=str(path),
            hint="name another file with --config, or remove it",
        )
    host = PluginHost()
    platforms = [
        provided.removeprefix("provisioner ")
        for each in host.describe()
        for provided in each.provides
        if provided.startswith("provisioner ")
    ]
    stores = any("storage sqlite" in each.provides for each in host.describe())
    url = _asked("storage", storage, "sqlite:///marketplace.db" if stores else "memory", yes=yes)
    name = _asked("name of the first data platform", connection, "lake", yes=yes)
    known = f"its plugin ({', '.join(sorted(platforms))})"
    plugin = _asked(known, platform, "memory", yes=yes)
    host.provisioner(plugin)
    pattern = _asked("objects that may be granted there", may_grant, "*", yes=yes)
    text = _FILE.format(
        storage=_toml(url),
        connection=_toml(name),
        plugin=_toml(plugin),
        settings=_FORGETS * (plugin == "memory")
        + "".join(f"{_toml(key)} = {_toml(value)}\n" for key, value in settings),
        pattern=_toml(pattern),
    )
    parse_configuration(text, path.name)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            "cannot write configuration", problems=[Problem("config", f"{path}: {error.strerror}")]
        ) from None
    click.echo(f"{path} is written; next, say who you are:")
    click.echo("  marketplace people add YOUR-NAME --permission USER_ADMIN --permission GOVERNANCE")
    click.echo("then write down what there is, as `marketplace plan --help` shows:")
    click.echo("  marketplace apply market.yaml --by YOUR-NAME")


def _toml(text: str) -> str:
    """A text as TOML writes it, which is as JSON does."""
    return json.dumps(text, ensure_ascii=False)


def _asked(what: str, given: str | None, usual: str, *, yes: bool) -> str:
    if given is not None or yes:
        return given or usual
    return str(click.prompt(what, default=usual))
