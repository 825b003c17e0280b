"""The commands ``marketplace databricks …``: what an administrator of the platform does by hand."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketplace_sdk.plugin import Call, MarketplaceError, printable
from marketplace_sdk_databricks import protecting
from marketplace_sdk_databricks.destinations import plan_destination
from marketplace_sdk_databricks.explaining import explain as explained
from marketplace_sdk_databricks.explaining import fingerprint as fingerprinted
from marketplace_sdk_databricks.protecting import Wanted
from marketplace_sdk_databricks.provisioner import DatabricksProvisioner
from marketplace_sdk_databricks.settings import read_settings
from marketplace_sdk_databricks.steps import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from marketplace_sdk_databricks.site import Site
    from marketplace_sdk_databricks.steps import Step

__all__ = ["databricks"]

_SECONDS = 120
_FAILED = 1
_CREDENTIALS = {
    "client_secret": "MARKETPLACE_DATABRICKS_CLIENT_SECRET",
    "oidc_token": "MARKETPLACE_DATABRICKS_OIDC_TOKEN",
    "token": "MARKETPLACE_DATABRICKS_TOKEN",
}


@click.group()
def databricks() -> None:
    """Set up and check a Databricks data platform.

    The credentials come from the environment, as arguments can be seen:
    MARKETPLACE_DATABRICKS_CLIENT_SECRET (with MARKETPLACE_DATABRICKS_CLIENT_ID),
    MARKETPLACE_DATABRICKS_OIDC_TOKEN or MARKETPLACE_DATABRICKS_TOKEN, as it is or as file:PATH.
    """


_CONNECTION = (
    click.option("--host", required=True, envvar="MARKETPLACE_DATABRICKS_HOST", help="Address."),
    click.option("--client-id", default="", envvar="MARKETPLACE_DATABRICKS_CLIENT_ID"),
    click.option("--installation", required=True, help="Id of the marketplace."),
    click.option("--warehouse-id", default="", help="SQL warehouse that runs the statements."),
    click.option("--exception-table", default="", help="As in the configuration."),
    click.option(
        "--exception-group",
        "exception_groups",
        multiple=True,
        nargs=2,
        metavar="COLUMN GROUP",
        help="As exception_groups in the configuration; may be repeated.",
    ),
)
_CHANGE = (
    click.argument("object", metavar="OBJECT"),
    click.argument("column", metavar="COLUMN"),
    *_CONNECTION,
    click.option("--yes", is_flag=True, help="Do not ask."),
    click.option("--dry-run", is_flag=True, help="Only show the steps."),
)


def _with(options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@databricks.command()
@_with(_CHANGE)
@click.option(
    "--how",
    type=click.Choice(["function", "exceptions", "policy"]),
    default="function",
    help="A mask function that asks for a group or the table of exceptions, or a policy.",
)
@click.option(
    "--mask",
    type=click.Choice(["null", "fixed"]),
    default="null",
    help="What a function of ours shows instead: nothing, or *** for texts.",
)
@click.option(
    "--schema", default="", help="Where our function goes; the table's schema if not given."
)
@click.option("--function", default="", help="With --how policy: the masking function to use.")
@click.option("--condition", default="", help="With --how policy: on the column's tags.")
def protect(
    *, how: Any, mask: Any, schema: str, function: str, condition: str, **options: Any
) -> None:
    """Mask COLUMN of OBJECT, except for holders of a masking exception.

    OBJECT is catalog.schema.table. A column with a mask of somebody else is refused.
    """
    wanted = Wanted(
        table=options.pop("object"),
        column=options.pop("column"),
        how=how,
        style=mask,
        schema=schema,
        function=function,
        condition=condition,
    )
    _change(lambda site: protecting.plan_protect(site, wanted), **options)


@databricks.command()
@_with(_CHANGE)
def unprotect(**options: Any) -> None:
    """Remove our mask of COLUMN, which everybody with access sees in clear from then on.

    Refused if the mask is not ours, or is not as it was set up. The group stays.
    """
    wanted = Wanted(table=options.pop("object"), column=options.pop("column"))
    _change(lambda site: protecting.plan_unprotect(site, wanted), **options)


@databricks.command()
@click.argument("object", metavar="OBJECT")
@click.argument("url", metavar="URL")
@_with(_CHANGE[2:])
def destination(*, object: str, url: str, **options: Any) -> None:
    """Send people who ask for OBJECT in Databricks to URL, the product's page in the portal.

    An empty URL takes that away. Destinations of somebody else are left as they are.
    """
    _change(lambda site: plan_destination(site, object, url), **options)


@databricks.command()
@_with(_CONNECTION)
@click.option("--strategy", type=click.Choice(["direct", "group"]), default="direct")
@click.option("--parents", type=click.Choice(["grant", "require"]), default="grant")
@click.option(
    "--may-grant",
    multiple=True,
    default=["*"],
    help="Pattern of the objects to be opened, as in the configuration; may be repeated.",
)
def doctor(*, may_grant: tuple[str, ...], **options: Any) -> None:
    """Print the statements that an administrator must run so that the marketplace works.

    Sign in as the marketplace's own service principal. Exit status: 1 if something is missing.
    """
    with _told(), _provisioner(**options) as provisioner:
        findings = provisioner.doctor(_call(), may_grant)
    for each in findings:
        click.echo(f"-- {each.severity}: {printable(each.problem)}\n{printable(each.statement)};")
    if not findings:
        click.echo("-- nothing is missing")
    sys.exit(_FAILED if any(each.severity == "missing" for each in findings) else 0)


@databricks.command()
@click.argument("principal", metavar="PRINCIPAL")
@click.argument("object", metavar="OBJECT")
@_with(_CONNECTION)
def explain(*, principal: str, object: str, **options: Any) -> None:
    """Say what PRINCIPAL holds on OBJECT, through whom, and which masks it meets."""
    with _told(), _provisioner(**options) as provisioner, provisioner.site(_call()) as site:
        for line in explained(site, principal, object):
            click.echo(printable(line))


@databricks.command()
@click.argument("object", metavar="OBJECT")
@_with(_CONNECTION)
def fingerprint(*, object: str, **options: Any) -> None:
    """Say what the view OBJECT reads, and print the setting by which it is trusted.

    Trust a view only if you have read it, and none of its columns tells of a masked one. Once
    its text changes, or that of a view behind it, it is trusted no more.
    """
    with _told(), _provisioner(**options) as provisioner, provisioner.site(_call()) as site:
        for line in fingerprinted(site, object):
            click.echo(printable(line))


def _change(
    plan: Callable[[Site], Sequence[Step]],
    *,
    yes: bool,
    dry_run: bool,
    **options: Any,
) -> None:
    with _told(), _provisioner(**options) as provisioner:
        with provisioner.site(_call()) as site:
            steps = plan(site)
        if not steps:
            click.echo("-- nothing is to be done")
            return
        click.echo(";\n".join(printable(step.shown) for step in steps) + ";")
        if dry_run or not (yes or click.confirm("Run this?", err=True)):
            return
        with provisioner.site(_call()) as site:
            run(site, steps)
    click.echo("done", err=True)


@contextmanager
def _provisioner(
    *,
    installation: str,
    exception_groups: Sequence[tuple[str, str]],
    **settings: str,
) -> Iterator[DatabricksProvisioner]:
    if not re.fullmatch(r"[a-z0-9]{8,}", installation):
        raise click.UsageError("--installation: as Marketplace.installation has it")
    given: dict[str, Any] = {key: value for key, value in settings.items() if value}
    given |= {key: os.environ[name] for key, name in _CREDENTIALS.items() if os.environ.get(name)}
    if exception_groups:
        given["exception_groups"] = dict(exception_groups)
    provisioner = DatabricksProvisioner(
        read_settings(given, _secret), installation=installation, name="databricks"
    )
    try:
        yield provisioner
    finally:
        provisioner.close()


def _secret(reference: str) -> str:
    kind, _, where = reference.partition(":")
    if kind == "env":
        return os.environ.get(where, "")
    return Path(where).read_text(encoding="utf-8").strip()


def _call() -> Call:
    end = time.monotonic() + _SECONDS
    return Call(seconds_left=lambda: end - time.monotonic(), correlation_id="")


@contextmanager
def _told() -> Iterator[None]:
    """An error of ours as one line, and an exit status."""
    try:
        yield
    except MarketplaceError as error:
        click.echo(f"marketplace databricks: {printable(str(error), lines=True)}", err=True)
        sys.exit(_FAILED)
