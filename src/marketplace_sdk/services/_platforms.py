"""What services may ask about platforms; the delivery answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from marketplace_sdk.domain.events import Mark
    from marketplace_sdk.domain.grants import Grant
    from marketplace_sdk.domain.provisioned import Drift, GrantItem, Preview
    from marketplace_sdk.ports.discovery import Listing
    from marketplace_sdk.ports.provisioner import Resolved
    from marketplace_sdk.work.unit import Unit

__all__ = ["Platforms"]


class Platforms(Protocol):
    """The data platforms behind the connections.

    What takes a unit asks no platform; the rest asks them, and may not be called within a unit.
    """

    def items(self, unit: Unit, grant: Grant) -> Callable[[], Sequence[GrantItem]]:
        """What the ledger holds for a grant; call the result after the unit to have it told."""

    def accept(self, unit: Unit, connection: str, object: str) -> bool:
        """Let access follow to what was made again under a name; False: nothing is held."""

    def look_up(self, connection: str, object: str) -> Resolved:
        """What a registered name means now; raises ProvisioningError when it means nothing."""

    def accept_owner(self, unit: Unit, found: Resolved, owner: str) -> Sequence[str]:
        """Take the owner of an object for the one whose access was given on; the earlier ones.

        Empty when nothing is given on this very object, or it belonged to that owner already.
        """

    def adopt(self, unit: Unit, grant: Grant) -> Sequence[str]:
        """Make what was there before a grant ours; what it was, in words."""

    def listing(self, connection: str, pattern: str, known: Collection[str]) -> Listing:
        """Every object of a connection whose name matches, and what registered names mean.

        Raises InvalidInput when the connection cannot list, ProvisioningError when it fails to.
        """

    def preview(
        self, change: Callable[[Unit], Collection[Mark]], *, grant: str | None = None
    ) -> Preview:
        """What would follow if ``change`` were made now, in a unit that is given up.

        ``change`` names the targets concerned. ``grant`` is the id of the one grant that it is
        about; without one, nobody is named in a statement.
        """

    def drift(self, *, connection: str | None = None, product: str | None = None) -> Drift:
        """Everything on one connection or all, of a product or all, that is not as it should be."""
