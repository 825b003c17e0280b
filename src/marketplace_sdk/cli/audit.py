"""``marketplace audit``: take the log and its seals out, and verify them."""

from __future__ import annotations

import json
import sys
from datetime import UTC
from typing import IO, TYPE_CHECKING

import click

from marketplace_sdk.cli.grouping import Group
from marketplace_sdk.cli.opening import explained, kept, located
from marketplace_sdk.cli.showing import as_data, print_json, say, shown

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["audit"]

WHEN = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
WHY = "audit log on the command line"


@click.group(cls=Group)
def audit() -> None:
    """Take the audit log and its seals out, and verify them."""


@audit.command()
@located
@click.option("--format", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--since", type=WHEN, help="Only what happened then or later (UTC).")
@click.option("--until", type=WHEN, help="Only what happened before (UTC).")
@click.option("--aggregate", metavar="KIND:ID", help="Only events of this one.")
@click.option("--output", type=click.File("w", encoding="utf-8", lazy=True), default="-")
@explained
def export(
    *,
    config: str,
    storage: str | None,
    format: str,
    since: datetime | None,
    until: datetime | None,
    aggregate: str | None,
    output: IO[str],
) -> None:
    """Write events as JSON lines, which can be verified elsewhere, or as CSV."""
    with kept(config, storage) as market:
        lines = market.as_system(WHY).audit.export(
            format=format, since=_utc(since), until=_utc(until), aggregate=aggregate
        )
        for line in lines:
            output.write(line + "\n")


@audit.command()
@located
@click.option("--after", default=0, help="Number of the last seal that you have.")
@explained
def seals(*, config: str, storage: str | None, after: int) -> None:
    """Write the seals as JSON lines; keep them where nobody of here can write."""
    from marketplace_sdk.plugin import dump

    with kept(config, storage) as market:
        read = market.as_system(WHY).audit.seals
        while found := read(after=after, limit=1000):
            for seal in found:
                click.echo(json.dumps(dump(seal)))
            after = found[-1].number


@audit.command()
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@located
@click.option(
    "--seals", "kept_seals", type=click.File(encoding="utf-8"), help="Seals kept elsewhere."
)
@click.option("--part", is_flag=True, help="FILE is a part of a log: chains begin anywhere.")
@shown
@explained
def verify(
    *,
    config: str,
    file: IO[str] | None,
    storage: str | None,
    kept_seals: IO[str] | None,
    part: bool,
    as_json: bool,
) -> None:
    """Verify the log of a storage, or FILE, an export in JSON lines, without any storage.

    Ends with 0 when everything fits, 1 when something does not.
    """
    from marketplace_sdk.services._exporting import verify_export

    if part and file is None:
        raise click.UsageError("--part is about a FILE")
    if file is not None:
        found = verify_export(file, seals=kept_seals or (), part=part)
    else:
        with kept(config, storage) as market:
            found = market.audit.verify(seals=kept_seals)
    if as_json:
        print_json({"ok": found.ok, **as_data(found)})
    else:
        say(found)
    sys.exit(0 if found.ok else 1)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
