"""Entry point of the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import BuildContext, ProvisionerSpec, check_settings, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marketplace_sdk.plugin import Provisioner

__all__ = ["marketplace_provisioners"]

_REFERENCES = ("env:", "file:")


@hookimpl
def marketplace_provisioners() -> Iterator[ProvisionerSpec]:
    """PostgreSQL, by GRANT and REVOKE."""
    capabilities: Any = {"unmask"}
    yield ProvisionerSpec(
        name="postgres",
        build=_build,
        summary="Read access in a PostgreSQL database, by GRANT and REVOKE.",
        capabilities=capabilities,
    )


def _build(settings: Mapping[str, Any], context: BuildContext) -> Provisioner:
    check_settings(settings, plugin="postgres", known={"dsn": str}, required=("dsn",))
    # Imported here, so that a marketplace without PostgreSQL does not load its client.
    from marketplace_sdk_postgres.provisioner import PostgresProvisioner

    dsn: str = settings["dsn"]
    if dsn.startswith(_REFERENCES):
        dsn = context.secret(dsn)
    return PostgresProvisioner(dsn, installation=context.installation, name=context.name)
