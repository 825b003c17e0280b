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
    """Databricks, by grants of Unity Catalog or by membership of account groups."""
    capabilities: Any = {"unmask", "discover", "doctor", "protect"}
    yield ProvisionerSpec(
        name="databricks",
        build=_build,
        summary="Read access in Databricks Unity Catalog, by grants or by account groups.",
        capabilities=capabilities,
    )


@hookimpl
def marketplace_commands() -> Iterator[CommandSpec]:
    """What an administrator of the platform does by hand."""
    yield CommandSpec(
        name="databricks",
        build=_databricks,
        summary="Sets up and checks a Databricks data platform.",
    )


def _databricks() -> Any:  # a click command; click comes with the cli extra
    from marketplace_sdk_databricks.command import databricks

    return databricks


def _build(settings: Mapping[str, Any], context: BuildContext) -> Provisioner:
    # Imported here, so that a marketplace without Databricks does not load its SDK.
    from marketplace_sdk_databricks.provisioner import DatabricksProvisioner
    from marketplace_sdk_databricks.settings import read_settings

    return DatabricksProvisioner(
        read_settings(settings, context.secret),
        installation=context.installation,
        name=context.name,
    )
