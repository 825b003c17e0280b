"""The commands ``marketplace postgres …``: what an administrator of the platform does by hand."""

from __future__ import annotations

import re
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, cast

import click
import psycopg

from marketplace_sdk.plugin import Call, MarketplaceError, dotted_name, printable
from marketplace_sdk_postgres import protecting
from marketplace_sdk_postgres.connections import Connections, reason
from marketplace_sdk_postgres.protecting import Wanted
from marketplace_sdk_postgres.provisioner import PostgresProvisioner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from marketplace_sdk_postgres.masks import Style

__all__ = ["postgres"]

_SECONDS = 60
_FAILED = 1

_dsn = click.option(
    "--dsn",
    required=True,
    envvar="MARKETPLACE_POSTGRES_DSN",
    help="Connection string; better in MARKETPLACE_POSTGRES_DSN, as arguments can be seen.",
)


@click.group()
def postgres() -> None:
    """Set up and check a PostgreSQL data platform."""


def _of_a_mask(command: Callable[..., None]) -> Callable[..., None]:
    options = [
        click.argument("object", metavar="OBJECT"),
        click.argument("column", metavar="COLUMN"),
        _dsn,
        click.option("--installation", required=True, help="Id of the marketplace."),
        click.option("--login", default="marketplace", help="The marketplace's own login."),
        click.option("--view", default="", help="Name of the view; OBJECT_masked if not given."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--dry-run", is_flag=True, help="Only show the statements."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@postgres.command()
@_of_a_mask
@click.option(
    "--mask",
    type=click.Choice(["null", "fixed"]),
    default="null",
    help="What is shown instead: nothing, or the same value for everybody, by type.",
)
def protect(*, mask: str, **options: Any) -> None:
    """Make a view of OBJECT that masks COLUMN, except for holders of a masking exception.

    OBJECT is schema.table. Register the view as data source, with the column marked as masked.
    """
    _change(protecting.protect, cast("Style", mask), **options)


@postgres.command()
@_of_a_mask
def unprotect(**options: Any) -> None:
    """Remove the mask of COLUMN, and the view with the last one.

    Refused while somebody may read the view.
    """
    _change(protecting.unprotect, "null", **options)


@postgres.command()
@_dsn
@click.option("--installation", default="", help="Id of the marketplace, to check its roles too.")
@click.option(
    "--may-grant",
    multiple=True,
    default=["*"],
    help="Pattern of the objects to be opened, as in the configuration; may be repeated. Without "
    "it, everything in the database.",
)
def doctor(*, dsn: str, installation: str, may_grant: tuple[str, ...]) -> None:
    """Print the statements that an administrator must run so that the login works.

    --dsn is that of the marketplace's own login. Exit status: 1 if something is missing.
    """
    with _told(), closing(_provisioner(dsn, installation)) as provisioner:
        findings = provisioner.doctor(_call(), may_grant)
    for each in findings:
        click.echo(f"-- {each.severity}: {printable(each.problem)}\n{printable(each.statement)};")
    if not findings:
        click.echo("-- nothing is missing")
    sys.exit(_FAILED if any(each.severity == "missing" for each in findings) else 0)


def _provisioner(dsn: str, installation: str) -> PostgresProvisioner:
    return PostgresProvisioner(dsn, installation=_checked(installation) if installation else "")


def _checked(installation: str) -> str:
    if not re.fullmatch(r"[a-z0-9]{8,}", installation):
        raise click.UsageError("--installation: as Marketplace.installation has it")
    return installation


def _change(
    make: Callable[[psycopg.Connection[Any], Wanted], Sequence[str]],
    style: Style,
    *,
    dsn: str,
    yes: bool,
    dry_run: bool,
    **names: str,
) -> None:
    _checked(names["installation"])
    table = names.pop("object")
    wanted = Wanted(table=table, style=style, **names)
    with _told(), closing(Connections(dsn, name="postgres")) as connections:
        with connections.use(_call()) as (connection, _):
            statements = make(connection, wanted)
        click.echo(printable(";\n\n".join(statements) + ";", lines=True))
        if dry_run or not (yes or click.confirm("Run this?", err=True)):
            return
        with connections.use(_call()) as (connection, _):
            protecting.run(connection, statements)
    click.echo(f"done; the view is {printable(dotted_name(*wanted.names[1]))}", err=True)


def _call() -> Call:
    end = time.monotonic() + _SECONDS
    return Call(seconds_left=lambda: end - time.monotonic(), correlation_id="")


@contextmanager
def _told() -> Iterator[None]:
    """An error of ours as one line, and an exit status."""
    try:
        yield
    except MarketplaceError as error:
        said = str(error)
    except psycopg.Error as error:
        said = f"PostgreSQL said: {reason(error, [])}"
    else:
        return
    click.echo(f"marketplace postgres: {printable(said, lines=True)}", err=True)
    sys.exit(_FAILED)
