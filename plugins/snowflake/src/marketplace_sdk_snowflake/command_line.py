"""What the commands of this plugin have in common: how they connect, what an error looks like."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from marketplace_sdk.plugin import Call, MarketplaceError, printable
from marketplace_sdk_snowflake.failures import Failure
from marketplace_sdk_snowflake.settings import Login, Settings, connections_file, read_settings

__all__ = ["FAILED", "call", "checked", "connecting", "read", "told", "with_options", "working"]

_SECONDS = 120
FAILED = 1

Command = Callable[..., None]


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options, as one decorator."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


connecting = with_options(
    click.option(
        "--connection",
        required=True,
        envvar="MARKETPLACE_SNOWFLAKE_CONNECTION",
        help="Name of a connection in connections.toml, where secrets belong.",
    ),
    click.option("--connections-file", default=None, help="Another connections.toml."),
    click.option("--role", default=None, help="Role to act as; else that of the connection."),
    click.option("--warehouse", default=None, help="So that masks which come with tags are seen."),
)

working = with_options(
    click.option(
        "--mode",
        type=click.Choice(["account_role", "database_role"]),
        default="account_role",
        help="As in the configuration.",
    ),
    click.option("--prefix", default="MKT", help="As in the configuration."),
    click.option("--entitlements", default=None, help="As in the configuration."),
)


def read(options: Mapping[str, Any], **more: str) -> tuple[Login, Settings]:
    """How to log in, and the settings of the connection, from the options of a command."""
    names = ("mode", "prefix", "entitlements", "warehouse")
    given = {name: options[name] for name in names if options.get(name)}
    connector = {
        "connection_name": options.get("connection"),
        **connections_file(options),
        "role": options.get("role"),
        "warehouse": options.get("warehouse"),
    }
    login = Login(options={name: value for name, value in connector.items() if value})
    return login, read_settings({**given, **more})


def checked(installation: str, *, empty: bool = False) -> str:
    """The id of a marketplace; UsageError if it is none."""
    if not (re.fullmatch(r"[a-z0-9]{8,}", installation) or (empty and not installation)):
        raise click.UsageError("--installation: as Marketplace.installation has it")
    return installation


def call() -> Call:
    """The limits of what a person runs by hand."""
    end = time.monotonic() + _SECONDS
    return Call(seconds_left=lambda: end - time.monotonic(), correlation_id="by-hand")


@contextmanager
def told() -> Iterator[None]:
    """An error of ours as one line, and an exit status."""
    try:
        yield
    except MarketplaceError as error:
        said = str(error)
    except Failure as failure:
        said = f"Snowflake said: {failure.said}"
    else:
        return
    click.echo(f"marketplace snowflake: {printable(said, lines=True)}", err=True)
    sys.exit(FAILED)
