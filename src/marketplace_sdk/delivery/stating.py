"""Changes in the platform's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk.delivery.calls import guarded
from marketplace_sdk.delivery.plan import Obstacle

if TYPE_CHECKING:
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.ports.provisioner import Change

__all__ = ["statement_of"]


def statement_of(connection: Connection | None, change: Change) -> str:
    """The platform's own words for a change; plain ones when its plugin has none."""
    plain = f"{change.action} {change.item.kind} in {change.item.scope.key}"
    if connection is None:
        return plain
    said = guarded(
        f"describe a change on {connection.name}",
        connection.plugin,
        lambda: str(connection.provisioner.describe(change)),
    )
    return plain if isinstance(said, Obstacle) else said
