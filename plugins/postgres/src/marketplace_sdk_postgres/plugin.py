"""Entry point of the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import (
    BuildContext,
    CommandSpec,
    ProvisionerSpec,
    check_settings,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marketplace_sdk.plugin import Provisioner

__all__ = ["marketplace_commands", "marketplace_provisioners"]

_REFERENCES = ("env:", "file:")


@hookimpl
def marketplace_provisioners() -> Iterator[ProvisionerSpec]:
    """PostgreSQL, by GRANT and REVOKE."""
    capabilities: Any = {"unmask", "discover", "doctor", "protect"}
    yield ProvisionerSpec(
        name="postgres",
        build=_build,
        summary="Read access in a PostgreSQL database, by GRANT and REVOKE.",
        capabilities=capabilities,
    )


@hookimpl
def marketplace_commands() -> Iterator[CommandSpec]:
    """The demo, and what an administrator of the platform does by hand."""
    yield CommandSpec(
        name="demo",
        build=_demo,
        summary="Plays the whole walkthrough on a real PostgreSQL, and checks every answer.",
    )
    yield CommandSpec(
        name="postgres",
        build=_postgres,
        summary="Sets up and checks a PostgreSQL data platform.",
    )


def _demo() -> Any:  # a click command; click comes with the cli extra
    from marketplace_sdk_postgres.demo.command import demo

    return demo


def _postgres() -> Any:
    from marketplace_sdk_postgres.command import postgres

    return postgres


def _build(settings: Mapping[str, Any], context: BuildContext) -> Provisioner:
    check_settings(settings, plugin="postgres", known={"dsn": str}, required=("dsn",))
    # Imported here, so that a marketplace without PostgreSQL does not load its client.
    from marketplace_sdk_postgres.provisioner import PostgresProvisioner

    dsn: str = settings["dsn"]
    if dsn.startswith(_REFERENCES):
        dsn = context.secret(dsn)
    return PostgresProvisioner(dsn, installation=context.installation, name=context.name)
