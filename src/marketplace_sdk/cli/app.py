"""The group of commands: what is built in, and what plugins add by hook."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import click

from marketplace_sdk.cli.grouping import Group

if TYPE_CHECKING:
    from marketplace_sdk._plugins import PluginHost

__all__ = ["OWN", "app"]

OWN: Mapping[str, tuple[str, str]] = {
    "apply": ("declaring:apply", "Make the marketplace what files say; shows it, and asks first."),
    "audit": ("audit:audit", "Take the audit log and its seals out, and verify them."),
    "campaigns": ("campaigns:campaigns", "Campaigns: ask whether access is still needed."),
    "completion": ("completion:completion", "Print the script with which a shell completes."),
    "config": ("config:config", "The configuration file."),
    "deputies": ("deputies:deputies", "Deputies: who decides in a steward's place."),
    "doctor": ("doctor:doctor", "Look whether everything is well; change nothing."),
    "domains": ("catalog:domains", "Domains, in which sources are governed together."),
    "export": ("declaring:export", "Write what there is as files of declarations."),
    "forms": ("catalog:forms", "Request forms: what requesters are asked, and who decides."),
    "grants": ("grants:grants", "Grants: who has what, and whether platforms show it."),
    "import": ("declaring:import_", "Make declarations from data contracts and data products."),
    "inbox": ("inbox:inbox", "Your inbox: what you have been told."),
    "init": ("init:init", "Write a configuration file; asks what is not given."),
    "install": ("installing:install", "Open a connection again that was uninstalled."),
    "migrate": ("migrate:migrate", "Bring the schema of the storage to that of this release."),
    "new-plugin": ("new_plugin:new_plugin", "Write the beginning of a plugin."),
    "people": ("people:people", "People who are kept here, without a company directory."),
    "plan": ("declaring:plan", "Show what would have to change to be what files say."),
    "plugins": ("plugins:plugins", "Show every plugin, and what is wrong with it."),
    "products": ("products:products", "Data products: find, look, withhold, close, delete."),
    "requests": ("requests:requests", "Access requests: ask, look, decide, take back."),
    "sources": ("catalog:sources", "Data sources: tables, views and file sets on platforms."),
    "uninstall": ("installing:uninstall", "Leave a platform as it was."),
    "webhooks": ("webhooks:webhooks", "Webhooks: where events go, and sending them again."),
    "worker": ("worker:worker", "Carry out what follows from decisions."),
}
"""Name -> module and attribute in this package, and a line for the list.

What is built in is imported when it is named, and a plugin cannot take its name.
"""


def _host() -> PluginHost:
    from marketplace_sdk._plugins import PluginHost

    return PluginHost()


class _Commands(Group):
    """Commands that are imported only when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Names of all commands."""
        return sorted({*OWN, *(spec.name for spec in _host().commands())})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """The command of a name, a built-in one first."""
        command: click.Command
        if cmd_name in OWN:
            module, attribute = OWN[cmd_name][0].split(":")
            command = getattr(import_module(f"{__package__}.{module}"), attribute)
            return command
        for spec in _host().commands():
            if spec.name == cmd_name:
                command = spec.build()
                return command
        return None

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        formatter: click.HelpFormatter,
    ) -> None:
        """List commands by their lines, so that help imports no command."""
        added = {spec.name: spec.summary for spec in _host().commands() if spec.name not in OWN}
        own = {name: line for name, (_, line) in OWN.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted({**own, **added}.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="data-marketplace-sdk")
def app() -> None:
    """A data-product marketplace whose approvals change the data platform by themselves."""
