"""What services may ask about platforms; the delivery answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketplace_sdk.domain.grants import Grant
    from marketplace_sdk.domain.provisioned import GrantItem
    from marketplace_sdk.work.unit import Unit

__all__ = ["Platforms"]


class Platforms(Protocol):
    """The data platforms behind the connections.

    What takes a unit asks no platform; the rest asks them, and may not be called within a unit.
    """

    def items(self, unit: Unit, grant: Grant) -> Sequence[GrantItem]:
        """What the ledger holds for a grant; no platform is asked."""

    def accept(self, unit: Unit, connection: str, object: str) -> bool:
        """Let access follow to what was made again under a name; False: nothing is held."""
