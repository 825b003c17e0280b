"""Entry point of the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import BuildContext, CommandSpec, ProvisionerSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marketplace_sdk.plugin import Provisioner

__all__ = ["marketplace_commands", "marketplace_provisioners"]


@hookimpl
def marketplace_provisioners() -> Iterator[ProvisionerSpec]:
    """Snowflake, by roles and their members."""
    capabilities: Any = {"unmask", "discover", "doctor", "protect"}
    yield ProvisionerSpec(
        name="snowflake",
        build=_build,
        summary="Read access and masking exceptions on a Snowflake account, by roles.",
        capabilities=capabilities,
    )


@hookimpl
def marketplace_commands() -> Iterator[CommandSpec]:
    """What an administrator of the platform does by hand."""
    yield CommandSpec(
        name="snowflake",
        build=_snowflake,
        summary="Sets up and checks a Snowflake data platform.",
    )


def _snowflake() -> Any:  # a click command; click comes with the cli extra
    from marketplace_sdk_snowflake.command import snowflake

    return snowflake


def _build(settings: Mapping[str, Any], context: BuildContext) -> Provisioner:
    # Imported here, so that listing plugins stays quick.
    from marketplace_sdk_snowflake.provisioner import SnowflakeProvisioner
    from marketplace_sdk_snowflake.settings import read_login, read_settings

    how = read_settings(settings)
    return SnowflakeProvisioner(
        read_login(settings, context.secret),
        installation=context.installation,
        name=context.name,
        settings=how,
    )
