"""The group of commands, and the few that are built in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import click

from marketplace_sdk.cli.audit import audit
from marketplace_sdk.cli.config import config
from marketplace_sdk.cli.doctor import doctor
from marketplace_sdk.cli.installing import install, uninstall
from marketplace_sdk.cli.migrate import migrate
from marketplace_sdk.cli.new_plugin import new_plugin
from marketplace_sdk.cli.worker import worker

if TYPE_CHECKING:
    from marketplace_sdk._plugins import PluginHost

__all__ = ["app"]


def _host() -> PluginHost:
    from marketplace_sdk._plugins import PluginHost

    return PluginHost()


class _Commands(click.Group):
    """Built-in commands, and those of plugins, which are imported only when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted({*super().list_commands(ctx), *(spec.name for spec in _host().commands())})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, a built-in one first."""
        built_in = super().get_command(ctx, cmd_name)
        if built_in is not None:
            return built_in
        for spec in _host().commands():
            if spec.name == cmd_name:
                command: click.Command = spec.build()
                return command
        return None

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        formatter: click.HelpFormatter,
    ) -> None:
        """List commands by the summaries of their specs, so that help imports no plugin's code."""
        own = (
            (name, command.get_short_help_str(limit=100)) for name, command in self.commands.items()
        )
        rows = sorted([*own, *((spec.name, spec.summary) for spec in _host().commands())])
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="data-marketplace-sdk")
def app() -> None:
    """A data-product marketplace whose approvals change the data platform by themselves."""


@app.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def plugins(*, as_json: bool) -> None:
    """Show every plugin: where it comes from, what it provides, what is wrong with it."""
    found = _host().describe()
    if as_json:
        click.echo(json.dumps([attrs.asdict(each) for each in found], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for title in ("plugin", "distribution", "provides", "state"):
        table.add_column(title, overflow="fold")
    for each in found:
        state = "blocked" if each.blocked else "; ".join(each.problems) or "ok"
        words: list[Any] = [each.name, f"{each.distribution} {each.version}".strip()]
        table.add_row(*words, ", ".join(map(str, each.provides)), state)
    Console().print(table)


app.add_command(audit)
app.add_command(config)
app.add_command(doctor)
app.add_command(new_plugin)
app.add_command(migrate)
app.add_command(worker)
app.add_command(install)
app.add_command(uninstall)
