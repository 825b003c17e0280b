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

__all__ = ["configured", "explained", "opened"]

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
