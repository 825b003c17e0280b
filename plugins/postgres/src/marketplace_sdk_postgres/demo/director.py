"""Builds everything, plays the scenes, and leaves the server as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from marketplace_sdk import Marketplace
from marketplace_sdk.testing import FrozenClock
from marketplace_sdk_postgres.demo.play import Play
from marketplace_sdk_postgres.demo.receiver import Receiver
from marketplace_sdk_postgres.demo.scenes import SCENES
from marketplace_sdk_postgres.demo.stage import Stage
from marketplace_sdk_postgres.testing import PostgresPlatform

if TYPE_CHECKING:
    from marketplace_sdk_postgres.demo.report import Report
    from marketplace_sdk_postgres.server import PlatformServer

__all__ = ["perform"]


def perform(server: PlatformServer, storage: str | None, report: Report) -> None:
    """Play every scene on this server.

    Args:
        server: where the data are.
        storage: URL of an empty store of the marketplace; None means a temporary SQLite file.
        report: is told everything.

    Raises:
        MarketplaceError, psycopg.Error: something else went wrong than an expectation.
    """
    clock = FrozenClock(datetime.now(UTC))
    with PostgresPlatform(server.dsn) as house:
        found = house.snapshot()
        with (
            TemporaryDirectory(prefix="marketplace-demo-") as folder,
            Stage(server) as stage,
            Receiver(clock) as receiver,
            Marketplace(
                storage=storage or f"sqlite:///{folder}/marketplace.db",
                connections={"warehouse": stage.connection()},
                notifiers=[
                    {
                        "plugin": "webhook",
                        "url": receiver.url,
                        "secret": receiver.secret,
                        "allow_networks": ["127.0.0.0/8"],
                    }
                ],
                clock=clock,
            ) as market,
        ):
            stage.strike_with(market.installation)
            play = Play(market, stage, receiver, clock, report, before=stage.privileges())
            for scene in SCENES:
                report.scene((scene.__doc__ or "").strip().rstrip("."))
                scene(play)
        play.unchanged("the server is as found", house.snapshot(), found)
