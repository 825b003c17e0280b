"""``marketplace worker``: does the delivery work until it is asked to stop."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import attrs
import click

from marketplace_sdk.cli.opening import configured, explained, opened

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["worker"]


@click.command()
@configured
@click.option("--once", is_flag=True, help="Do what is due now, print what was done, and end.")
@explained
def worker(*, config: str, once: bool) -> None:
    """Carry out what follows from decisions: changes on platforms, messages, expiry.

    Ends in good order on SIGINT and SIGTERM: what has begun is finished first. Any number of
    workers may run at once where the storage allows several processes.
    """
    with opened(config) as market:
        if once:
            done = market.deliver()
            click.echo(", ".join(f"{count} {what}" for what, count in attrs.asdict(done).items()))
            return
        stop = threading.Event()

        def ask(number: int, _: FrameType | None) -> None:
            click.echo(f"{signal.Signals(number).name}: finishing what has begun", err=True)
            stop.set()

        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, ask)
        click.echo(f"worker of installation {market.installation} is running", err=True)
        market.run(stop)
