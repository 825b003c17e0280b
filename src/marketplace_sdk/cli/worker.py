"""``marketplace worker``: does the delivery work until it is asked to stop."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import attrs
import click

from marketplace_sdk.cli.opening import configured, explained
from marketplace_sdk.cli.showing import busy, print_json, shown

if TYPE_CHECKING:
    from types import FrameType

    from marketplace_sdk.cli.watching import WatchedMarketplace

__all__ = ["worker"]


@click.command()
@configured
@click.option("--once", is_flag=True, help="Do what is due now, print what was done, and end.")
@click.option(
    "--health",
    envvar="MARKETPLACE_HEALTH",
    metavar="HOST:PORT",
    help="Answer /live, /ready and /metrics there; without a host on this machine only. Also from "
    "MARKETPLACE_HEALTH.",
)
@shown
@explained
def worker(*, config: str, once: bool, health: str | None, as_json: bool) -> None:
    """Carry out what follows from decisions: changes on platforms, messages, expiry.

    Ends in good order on SIGINT and SIGTERM: what has begun is finished first. Any number of
    workers may run at once where the storage allows several processes. A line is printed for each
    round in which something was done.
    """
    if as_json and not once:
        raise click.UsageError("--json goes with --once")
    from marketplace_sdk.cli.watching import WatchedMarketplace

    with WatchedMarketplace.from_config(config) as market:
        if once:
            _once(market, as_json=as_json)
        else:
            _go_on(market, health)


def _once(market: WatchedMarketplace, *, as_json: bool) -> None:
    market.tell = lambda _: None  # it is printed whole, zeros too
    with busy("delivering"):
        done = market.deliver()
    if as_json:
        print_json(done)
    else:
        click.echo(", ".join(f"{count} {what}" for what, count in attrs.asdict(done).items()))


def _go_on(market: WatchedMarketplace, health: str | None) -> None:
    from marketplace_sdk.cli.watching import address_of, serving

    stop = threading.Event()

    def ask(number: int, _: FrameType | None) -> None:
        click.echo(f"{signal.Signals(number).name}: finishing what has begun", err=True)
        stop.set()

    with ExitStack() as while_running:
        if health is not None:
            host, port = while_running.enter_context(serving(market, address_of(health), stop))
            click.echo(f"health on http://{host}:{port}", err=True)
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, ask)
        click.echo(f"worker of installation {market.installation} is running", err=True)
        market.run(stop)
