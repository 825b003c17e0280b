"""How commands find and open the marketplace, and say what went wrong."""

from __future__ import annotations

from contextlib import contextmanager
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import click

from marketplace_sdk.cli.showing import clean
from marketplace_sdk.errors import (
    AdapterError,
    Conflict,
    InvalidInput,
    MarketplaceError,
    NotAllowed,
    NotFound,
    PluginError,
    TransitionNotAllowed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from marketplace_sdk.marketplace import Marketplace

__all__ = [
    "BROKEN",
    "EXITS",
    "FOUND",
    "acting",
    "configured",
    "confirmed",
    "explained",
    "kept",
    "located",
    "named",
    "opened",
    "settings_of",
]

FOUND = 1
"""Exit status of a command that did its work and found something that wants attention."""
BROKEN = 2
"""Exit status of wrong usage (click's own), wrong input, and whatever has none of its own."""

EXITS: tuple[tuple[type[MarketplaceError], int], ...] = (
    (InvalidInput, BROKEN),
    (NotFound, 3),
    (NotAllowed, 4),
    (Conflict, 5),
    (TransitionNotAllowed, 5),
    (AdapterError, 6),
    (PluginError, 7),
)
"""Exit status by what went wrong; the reference of the command line repeats it."""


def configured(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--config`` to a command, as its argument ``config``."""
    return click.option(
        "--config",
        envvar="MARKETPLACE_CONFIG",
        default="marketplace.toml",
        show_default=True,
        help="The configuration file; also from MARKETPLACE_CONFIG.",
    )(command)


def located(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--config`` and ``--storage`` to a command that needs no more than the storage."""
    return click.option(
        "--storage",
        envvar="MARKETPLACE_STORAGE",
        metavar="URL",
        help="The storage, instead of a configuration file; also from MARKETPLACE_STORAGE.",
    )(configured(command))


def explained(command: Callable[..., Any]) -> Callable[..., Any]:
    """Print an error of ours as one text for people, with what to do, and exit as it says."""

    def run(*args: Any, **more: Any) -> Any:
        try:
            return command(*args, **more)
        except MarketplaceError as error:
            click.echo(f"marketplace: {_told(error)}", err=True)
            status = next((code for kind, code in EXITS if isinstance(error, kind)), BROKEN)
            raise SystemExit(status) from None

    return update_wrapper(run, command)


def _told(error: MarketplaceError) -> str:
    """The error in one line; each of several problems in a line of its own."""
    problems = getattr(error, "problems", ())
    if len(problems) < 2:  # noqa: PLR2004 - one fits behind the message
        return str(error)
    head = error.message.split(":", 1)[0]
    return "\n".join([f"{head}:", *(f"  {clean(each)}" for each in problems)])


def acting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the services of whoever ``--by`` names, as its first argument."""

    def run(*, config: str, by: str | None, **more: Any) -> Any:
        if not by:
            raise NotAllowed(
                "cannot act without an actor",
                code="no_actor",
                hint="say who you are with --by, or in MARKETPLACE_BY",
            )
        with opened(config) as market:
            return command(market.acting(by), **more)

    return configured(named(explained(update_wrapper(run, command))))


def named(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--by`` to a command, as its argument ``by``."""
    return click.option(
        "--by",
        envvar="MARKETPLACE_BY",
        metavar="PERSON",
        help="Who acts: a person's id; also from MARKETPLACE_BY.",
    )(command)


def confirmed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--yes`` to a command that asks before it takes something away."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


@contextmanager
def opened(config: str) -> Iterator[Marketplace]:
    """The marketplace of a configuration file, closed when the block ends."""
    from marketplace_sdk.marketplace import Marketplace

    with Marketplace.from_config(config) as market:
        yield market


def settings_of(config: str, storage: str | None) -> dict[str, Any]:
    """The settings that the options of ``located`` name; always with a ``storage``."""
    from marketplace_sdk._configuration import read_configuration

    settings = {"storage": storage} if storage else read_configuration(config)
    return {"storage": "memory", **settings}


@contextmanager
def kept(config: str, storage: str | None) -> Iterator[Marketplace]:
    """A marketplace on a storage that is there, without connections and notifiers."""
    from marketplace_sdk import _system
    from marketplace_sdk._building import storage_of
    from marketplace_sdk._plugins import PluginHost
    from marketplace_sdk.errors import StorageError
    from marketplace_sdk.marketplace import Marketplace

    settings = settings_of(config, storage)
    store = storage_of(settings["storage"], PluginHost(), _system.utc_now)
    # Opening makes a marketplace where there is none, and a wrong name would verify well.
    if not store.describe().schema:
        store.close()
        raise StorageError("cannot open storage: there is no marketplace here yet")
    with Marketplace(store) as market:
        yield market
