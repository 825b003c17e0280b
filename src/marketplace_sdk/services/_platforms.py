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
    """The data platforms behind the connections. Only ``items`` may be called within a unit."""

    def items(self, unit: Unit, grant: Grant) -> Sequence[GrantItem]:
        """What the ledger holds for a grant; no platform is asked."""
