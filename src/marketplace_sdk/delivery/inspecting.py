"""Answers of the delivery to services: what is held on platforms, for whom, and how it came."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from marketplace_sdk.delivery.discovering import list_objects, look_up
from marketplace_sdk.delivery.drifting import find_drift
from marketplace_sdk.delivery.ledger import (
    LedgerEntry,
    entries_claimed_by,
    entries_of,
    get_pin,
    pins_held,
    save_entry,
    save_pin,
)
from marketplace_sdk.delivery.previewing import Previewer
from marketplace_sdk.delivery.situation import layer_keys
from marketplace_sdk.delivery.stating import statement_of
from marketplace_sdk.domain.provisioned import Drift, GrantItem, Preview
from marketplace_sdk.ports.discovery import Listing
from marketplace_sdk.ports.provisioner import Change, Resolved
from marketplace_sdk.work.targets import targets_of

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench
    from marketplace_sdk.domain.events import Mark
    from marketplace_sdk.domain.grants import Grant
    from marketplace_sdk.work.unit import Unit

__all__ = ["Inspector"]


@frozen
class Inspector:
    """Looks into the ledger and asks platforms; changes nothing on them.

    Attributes:
        bench: storage, platforms and people.
    """

    bench: Bench = field(repr=False)

    def items(self, unit: Unit, grant: Grant) -> Callable[[], Sequence[GrantItem]]:
        """What the ledger holds for a grant; told by the platforms' plugins after the unit."""
        mine = entries_claimed_by(unit.rows, f"grant:{grant.id}")
        found = {entry.id: (entry, self._where(entry), False) for entry in mine}
        if grant.live and grant.state != "withheld":
            for mark in targets_of(unit, grant):
                layers = layer_keys(unit, mark, grant)
                for entry in entries_of(unit.rows, mark.key):
                    if entry.id not in found and layers & {c.claimant for c in entry.claims}:
                        found[entry.id] = (entry, mark.connection, True)
        held = sorted(found.values(), key=lambda one: (one[1], not one[2]))
        return lambda: [self._item(one, where, shared=shared) for one, where, shared in held]

    def preview(
        self, change: Callable[[Unit], Collection[Mark]], *, grant: str | None = None
    ) -> Preview:
        """What would follow if this change were made now."""
        return Previewer(self.bench).preview(change, grant=grant)

    def drift(self, *, connection: str | None = None, product: str | None = None) -> Drift:
        """Everything that is not as it should be."""
        return find_drift(self.bench, connection=connection, product=product)

    def listing(self, connection: str, pattern: str, known: Collection[str]) -> Listing:
        """Every object of a connection whose name matches, and what registered names mean."""
        return list_objects(self.bench, connection, pattern, known)

    def look_up(self, connection: str, object: str) -> Resolved:
        """What a registered name means now."""
        return look_up(self.bench, connection, object)

    def accept_owner(self, unit: Unit, found: Resolved, owner: str) -> Sequence[str]:
        """Take the owner of an object for the one on whose object access was given."""
        pin = get_pin(unit.rows, found.platform, found.ref.name)
        if pin is None or pin.native_id != found.native_id or found.owner != owner:
            return ()
        if pin.owner == owner:
            return ()
        save_pin(unit.rows, evolve(pin, owner=owner))
        return (pin.owner,)

    def adopt(self, unit: Unit, grant: Grant) -> Sequence[str]:
        """Make what was there before a grant ours; what it was, in words."""
        adopted = []
        for entry in entries_claimed_by(unit.rows, f"grant:{grant.id}"):
            if entry.claimed and entry.origin == "preexisting":
                save_entry(unit.rows, evolve(entry, origin="ours", by_hand=False))
                adopted.append(f"{entry.item.kind} in {entry.item.scope.key}")
        return adopted

    def accept(self, unit: Unit, connection: str, object: str) -> bool:
        """Let access follow to the objects that were made again under a name, if any is held."""
        held = [
            pin
            for pin in pins_held(unit.rows, object)
            if any(user.startswith(f"{connection}|") for user in pin.users)
        ]
        for pin in held:
            save_pin(unit.rows, evolve(pin, accepted=pin.held, held=""))
        return bool(held)

    def _item(self, entry: LedgerEntry, connection: str, *, shared: bool) -> GrantItem:
        return GrantItem(
            connection=connection,
            kind=entry.item.kind,
            statement=statement_of(
                self.bench.connections.get(connection), Change(action="add", item=entry.item)
            ),
            objects=entry.item.opens,
            shared=shared,
            state=entry.state,
            origin=entry.origin,
            wanted=entry.claimed,
            evidence=entry.evidence,
            at=entry.at,
        )

    def _where(self, entry: LedgerEntry) -> str:
        """A connection under which the item is, or was last, claimed."""
        return _first(claim.target for claim in entry.claims or entry.leaving).split("|", 1)[0]


def _first(texts: Iterable[str]) -> str:
    return min(texts, default="")
