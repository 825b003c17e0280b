"""How commands find and open the marketplace, and say what went wrong."""

from __future__ import annotations

from contextlib import contextmanager
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import click

from marketplace_sdk.errors import MarketplaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from marketplace_sdk.marketplace import Marketplace

__all__ = ["BROKEN", "configured", "explained", "kept", "located", "opened", "settings_of"]

BROKEN = 2
"""Exit status of a command that could not do its work; click's own for wrong usage."""


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
    """Print an error of ours as text for people, with what to do, and exit with status 2."""

    def run(*args: Any, **more: Any) -> Any:
        try:
            return command(*args, **more)
        except MarketplaceError as error:
            click.echo(f"marketplace: {error}", err=True)
            raise SystemExit(BROKEN) from None

    return update_wrapper(run, command)


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
