"""The commands ``marketplace snowflake …``: what an administrator of the platform does by hand."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from marketplace_sdk.plugin import InvalidInput, Problem, dotted_name, printable, split_name
from marketplace_sdk_snowflake import explaining, protecting, trusting
from marketplace_sdk_snowflake.command_line import (
    FAILED,
    call,
    checked,
    connecting,
    read,
    told,
    with_options,
    working,
)
from marketplace_sdk_snowflake.kinds import KEYWORDS
from marketplace_sdk_snowflake.lines import open_connection
from marketplace_sdk_snowflake.listing import objects_of
from marketplace_sdk_snowflake.protecting import Wanted
from marketplace_sdk_snowflake.provisioner import SnowflakeProvisioner
from marketplace_sdk_snowflake.questions import QUESTIONS, Recorder, ask
from marketplace_sdk_snowflake.residual import ways
from marketplace_sdk_snowflake.sessions import Sessions

if TYPE_CHECKING:
    from marketplace_sdk_snowflake.masks import Style
    from marketplace_sdk_snowflake.sessions import Talk

__all__ = ["snowflake"]


@click.group()
def snowflake() -> None:
    """Set up and check a Snowflake data platform."""


_of_a_mask = with_options(
    click.argument("object", metavar="OBJECT"),
    click.argument("column", metavar="COLUMN"),
    connecting,
    working,
    click.option("--installation", required=True, help="Id of the marketplace."),
    click.option("--service-role", default="MKT_SVC", help="The marketplace's own role."),
    click.option("--policies", required=True, help="DATABASE.SCHEMA for the policies."),
    click.option("--yes", is_flag=True, help="Do not ask."),
    click.option("--dry-run", is_flag=True, help="Only show the statements."),
)


@snowflake.command()
@_of_a_mask
@click.option(
    "--mask",
    type=click.Choice(["fixed", "null"]),
    default="fixed",
    help="What is shown instead: the same value for everybody, by type, or nothing.",
)
@click.option("--no-agents", is_flag=True, help="What an AI agent does never shows the value.")
def protect(*, mask: str, no_agents: bool, **options: Any) -> None:
    """Put a masking policy on COLUMN of OBJECT that shows it to holders of an exception.

    OBJECT is DATABASE.SCHEMA.NAME. A column that has a policy is left as it is.
    """
    _change(protecting.protect, style=cast("Style", mask), agents=not no_agents, **options)


@snowflake.command()
@_of_a_mask
def unprotect(**options: Any) -> None:
    """Take our masking policy from COLUMN of OBJECT, which opens it to whoever may read OBJECT.

    Refused while the marketplace lets anybody read OBJECT.
    """
    _change(protecting.unprotect, style="fixed", agents=True, **options)


@snowflake.command()
@connecting
@working
@click.option("--installation", default="", help="Id of the marketplace, to check its roles too.")
@click.option(
    "--user-identity",
    type=click.Choice(["created_on", "name"]),
    default="created_on",
    help="As in the configuration.",
)
@click.option(
    "--may-grant",
    multiple=True,
    default=["*"],
    help="Pattern of the objects to be opened, as in the configuration; may be repeated.",
)
def doctor(
    *, installation: str, may_grant: tuple[str, ...], user_identity: str, **options: Any
) -> None:
    """Print the statements that an administrator must run so that the marketplace's role works.

    The connection is that of the marketplace itself. Exit status: 1 if something is missing.
    """
    with told():
        login, settings = read(options, user_identity=user_identity)
        provisioner = SnowflakeProvisioner(
            login, installation=checked(installation, empty=True), settings=settings
        )
        with closing(provisioner):
            findings = provisioner.doctor(call(), may_grant)
    for each in findings:
        click.echo(f"-- {each.severity}: {printable(each.problem)}\n{printable(each.statement)};")
    if not findings:
        click.echo("-- nothing is missing")
    sys.exit(FAILED if any(each.severity == "missing" for each in findings) else 0)


@snowflake.command()
@click.argument("object", metavar="OBJECT")
@click.argument("column", metavar="[COLUMN]", required=False)
@working
@click.option("--installation", required=True, help="Id of the marketplace.")
@click.option("--product", default="", help="Id of the product, for access without COLUMN.")
@click.option("--member", default="SOMEBODY", help="User, or role:NAME.")
@click.option(
    "--kind", type=click.Choice(sorted(KEYWORDS)), default="table", help="What OBJECT is."
)
def explain(
    *,
    object: str,
    column: str | None,
    installation: str,
    product: str,
    member: str,
    kind: str,
    **options: Any,
) -> None:
    """Print what an approval on OBJECT, or an exception on COLUMN, runs, and what undoes it.

    Nothing is asked of Snowflake.
    """
    with told():
        if not column and not product:
            raise click.UsageError("--product: needed without COLUMN, as it names the role")
        name = protecting.column_named(object, column or "-")
        _, settings = read({**options, "warehouse": "-"})
        lines = explaining.explain(
            name,
            product=product if not column else None,
            member=member,
            kind=kind,
            installation=checked(installation),
            settings=settings,
        )
    click.echo("\n".join(lines))


@snowflake.command()
@click.argument("name", metavar="NAME")
@connecting
@click.option("--view", is_flag=True, help="NAME is a view or dynamic table, not a policy.")
def fingerprint(*, name: str, view: bool, **options: Any) -> None:
    """Print the setting by which a masking policy, DATABASE.SCHEMA.NAME, or a view is trusted.

    Trust a policy only if you have read it, and it lets nobody through but whom an exception of
    the marketplace lets through; a view, if it tells of nothing masked. Once its text changes it
    is trusted no more.
    """
    with told():
        login, settings = read(options)
        with (
            closing(Sessions(login, name="snowflake")) as sessions,
            sessions.use(call()) as talk,
        ):
            click.echo(printable(trusting.line(talk, settings, name, view=view)))


@snowflake.command()
@click.argument("user", metavar="USER")
@click.argument("object", metavar="OBJECT")
@connecting
@click.option("--prefix", default="MKT", help="As in the configuration.")
@click.option("--installation", required=True, help="Id of the marketplace.")
def residual(*, user: str, object: str, installation: str, **options: Any) -> None:
    """Say by which ways USER can read OBJECT besides what the marketplace gives.

    Other roles, ownership and direct grants are followed as far as the connection sees them; an
    administrator's sees most. Not looked at: views that show OBJECT, copies of it, inherited
    grants, and who could give themselves more. Exit status: 1 if a way is left, or may be.
    """
    with told():
        login, settings = read(options)
        name = protecting.column_named(object, "-")[:3]
        with (
            closing(Sessions(login, name="snowflake")) as sessions,
            sessions.use(call()) as talk,
        ):
            found = objects_of(talk, name[:2], {name[2]}).get(name[2])
            if found is None:
                raise InvalidInput(
                    f"cannot use {object!r}", problems=[Problem("object", "there is none")]
                )
            left = list(ways(talk, found, user, checked(installation), settings.prefix))
    for each in left:
        whose = "the marketplace" if each.ours else "others" if each.certain else "unknown"
        click.echo(f"{whose}: {printable(each.text)}")
    sys.exit(FAILED if any(not each.ours for each in left) else 0)


@snowflake.command()
@connecting
@click.option(
    "--record",
    type=click.Path(dir_okay=False, writable=True),
    required=True,
    help="File for the answers, in the form that marketplace_sdk_snowflake.testing replays.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def questions(*, record: str, yes: bool, **options: Any) -> None:
    """Ask a real account what this plugin could not know, and write the answers down.

    Makes a database, a user and roles whose names begin with MKT_LIVE_, and drops them again.
    The connection is that of an administrator of an account for trials.
    """
    login, _ = read(options)
    name = f"MKT_LIVE_{secrets.token_hex(4).upper()}"
    if not yes:
        click.confirm(f"Make and drop database {name} and roles {name}_…?", abort=True, err=True)

    def connect(**more: str) -> Any:
        return open_connection({**login.options, **more})

    with Path(record).open("w", encoding="utf-8") as file:
        recorder = Recorder(file, name)
        for line in ask(connect, name, recorder, QUESTIONS):
            click.echo(line)
    click.echo(f"written to {record}; read it before you give it away", err=True)


def _change(
    make: Callable[[Talk, Wanted], Sequence[str]],
    *,
    object: str,
    column: str,
    installation: str,
    service_role: str,
    policies: str,
    style: Style,
    agents: bool,
    yes: bool,
    dry_run: bool,
    **options: Any,
) -> None:
    with told():
        login, settings = read(options)
        wanted = Wanted(
            column=protecting.column_named(object, column),
            installation=checked(installation),
            service_role=service_role,
            policies=_schema(policies),
            style=style,
            agents=agents,
            settings=settings,
        )
        with closing(Sessions(login, name="snowflake")) as sessions:
            with sessions.use(call()) as talk:
                texts = make(talk, wanted)
            click.echo(";\n\n".join(map(printable, texts)) + ";")
            if dry_run or not (yes or click.confirm("Run this?", err=True)):
                return
            with sessions.use(call()) as talk:
                protecting.run(talk, texts)
    click.echo(f"done for {dotted_name(*wanted.column)}", err=True)


def _schema(text: str) -> tuple[str, str]:
    try:
        database, schema = split_name(text)
    except ValueError:
        raise InvalidInput(
            f"cannot use {text!r}", problems=[Problem("policies", "must be DATABASE.SCHEMA")]
        ) from None
    return database, schema
