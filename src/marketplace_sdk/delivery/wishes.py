"""Which items a target needs for whom, and what that makes of the ledger's rows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from marketplace_sdk.delivery.calls import guarded
from marketplace_sdk.delivery.ledger import Claim, LedgerEntry, entry_id
from marketplace_sdk.delivery.plan import Obstacle
from marketplace_sdk.ports.provisioner import Item, Known, Resolved, Target

if TYPE_CHECKING:
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.delivery.naming import Names
    from marketplace_sdk.delivery.situation import Layer, Situation

__all__ = ["Wishes", "claimed_anew", "make", "wishes_of"]


@frozen(kw_only=True)
class Wishes:
    """What should be on the platform because of one target.

    Attributes:
        items: by id of the ledger's row.
        claims: why, by id of the row.
        kept: ids of rows that keep old claims only because something could not be looked up.
        obstacles: why a claimant's items could not be made.
        ends: until when claimants need what they claim; those without an end are missing.
    """

    items: Mapping[str, Item] = field(factory=dict)
    claims: Mapping[str, frozenset[Claim]] = field(factory=dict)
    kept: frozenset[str] = frozenset()
    obstacles: Mapping[str, Obstacle] = field(factory=dict)
    ends: Mapping[str, datetime] = field(factory=dict)


def wishes_of(
    situation: Situation, names: Names, connection: Connection, installation: str
) -> Wishes:
    """Ask the provisioner, which does no I/O here, for the items of every layer and member."""
    known = Known(installation=installation, resolved=names.resolved, masks=names.masks.columns)
    gathering = _Gathering(situation.target)
    opened = _opened(situation, names)
    for layer in situation.layers:
        if not layer.members:
            continue
        usable = names.usable(layer.objects)
        target = Target(key=layer.key, objects=usable, column=situation.column)
        here = {name for each in layer.objects for name in opened[each.name]}
        unsure = [each.name for each in layer.objects if _unsure(names, each.name)]
        for claimant, who in _claimants(layer, names):
            if isinstance(who, Obstacle):
                if who.retryable:
                    gathering.keep(claimant, here)
                continue
            made = make(connection, target, who, known) if usable else ()
            if isinstance(made, Obstacle):
                gathering.obstacles[claimant] = made
                gathering.keep(claimant, here)
                continue
            gathering.want(claimant, made)
            if unsure:
                gathering.keep(claimant, {each for name in unsure for each in opened[name]})
    ends = {f"grant:{id}": grant.until for id, grant in situation.grants.items() if grant.until}
    return evolve(gathering.wishes(situation.entries), ends=ends)


def claimed_anew(entries: Iterable[LedgerEntry], wishes: Wishes, target: str) -> list[LedgerEntry]:
    """The rows that change when exactly what is wished for is claimed under the target.

    Args:
        entries: the rows of the target, and the rows of other targets that have the same items.
        wishes: of the target.
        target: key under which claims are made.
    """
    known = {entry.id: entry for entry in entries}
    changed = []
    for id in sorted(known.keys() | wishes.claims.keys()):
        item = wishes.items.get(id)
        entry = known.get(id)
        if entry is None:
            if item is None:
                continue
            entry = LedgerEntry(item=item)
        after = entry.with_claims(target, wishes.claims.get(id, frozenset()))
        if item is not None and item != after.item:
            after = evolve(after, item=item)
        if after.item.expires:
            after = evolve(after, ends=_ends(after, wishes, target))
        if (after is not entry and after != entry) or not entry.revision:
            changed.append(after)
    return changed


def _ends(entry: LedgerEntry, wishes: Wishes, target: str) -> dict[str, datetime]:
    """Until when each claimant needs the item; what other targets know of theirs is kept."""
    ends = {}
    for claim in entry.claims:
        known = wishes.ends if claim.target == target else entry.ends
        end = known.get(claim.claimant)
        if end is not None:
            ends[claim.claimant] = end
    return ends


class _Gathering:
    def __init__(self, target: str) -> None:
        self.obstacles: dict[str, Obstacle] = {}
        self._target = target
        self._items: dict[str, Item] = {}
        self._claims: dict[str, set[Claim]] = {}
        self._keep: dict[Claim, set[str]] = {}

    def want(self, claimant: str, items: Iterable[Item]) -> None:
        claim = Claim(claimant, self._target)
        for item in items:
            id = entry_id(item)
            self._items[id] = item
            self._claims.setdefault(id, set()).add(claim)

    def keep(self, claimant: str, opened: Collection[str]) -> None:
        """Keep what this claimant has, if it opens one of these names, or nothing by itself."""
        self._keep.setdefault(Claim(claimant, self._target), set()).update(opened)

    def wishes(self, entries: Iterable[LedgerEntry]) -> Wishes:
        kept = set()
        for entry in entries:
            opens = entry.item.opens
            for claim in entry.claims & self._keep.keys():
                if opens and self._keep[claim].isdisjoint(opens):
                    continue
                self._claims.setdefault(entry.id, set()).add(claim)
                if entry.id not in self._items:
                    kept.add(entry.id)
        return Wishes(
            items=self._items,
            claims={id: frozenset(claims) for id, claims in self._claims.items()},
            kept=frozenset(kept),
            obstacles=self.obstacles,
        )


def _claimants(layer: Layer, names: Names) -> Iterable[tuple[str, Resolved | Obstacle | None]]:
    """The layer itself, for its base items, and each member."""
    yield layer.key, None
    for id in sorted(layer.members):
        yield f"grant:{id}", names.members.get(id) or names.missing_members[id]


def _unsure(names: Names, object: str) -> bool:
    """Whether an object could not be looked up, so that nothing is known of it."""
    why = names.missing_objects.get(object)
    return why is not None and why.retryable


def make(
    connection: Connection, target: Target, who: Resolved | None, known: Known
) -> Sequence[Item] | Obstacle:
    """Items of a member of a target or, with nobody, those of all; or why there are none."""
    plugin = connection.provisioner

    def ask() -> Sequence[Item]:
        return tuple(
            plugin.base(target, known) if who is None else plugin.member(target, who, known)
        )

    return guarded(f"plan {target.key} on {connection.name}", connection.plugin, ask)


def _opened(situation: Situation, names: Names) -> Mapping[str, frozenset[str]]:
    """Names on the platform of each object: as it is now, and as it was pinned."""
    pinned: dict[str, set[str]] = {}
    for pin in situation.pins:
        pinned.setdefault(pin.object, set()).add(pin.name)
    opened = {}
    for name in situation.objects:
        found = names.objects.get(name)
        here = {found.name} if found is not None else set()
        opened[name] = frozenset(here | pinned.get(name, set()))
    return opened
