"""Our book of what we put on platforms, and why.

One row per (platform, item): two connections to one account share it. A row is written before the
platform is, so whatever we may have put there is known, whoever stops in the middle.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from attrs import evolve, field, frozen

from marketplace_sdk.domain.values import FrozenMap, freeze
from marketplace_sdk.ports.provisioner import Item, Scope
from marketplace_sdk.ports.storage import Record, Transaction
from marketplace_sdk.wire.codec import dump, load

__all__ = [
    "Claim",
    "LedgerEntry",
    "Pin",
    "entries_claimed_by",
    "entries_everywhere",
    "entries_in",
    "entries_of",
    "entry_id",
    "get_entry",
    "get_pin",
    "pins_everywhere",
    "pins_held",
    "pins_of",
    "save_entry",
    "save_pin",
    "scope_id",
]

LEDGER, PIN = "ledger", "pin"


@frozen(cache_hash=True)  # rows are gathered by their claims
class Claim:
    """A reason for an item.

    Attributes:
        claimant: ``product:<id>`` or ``column:...`` for base items, ``grant:<id>`` for a member's.
        target: key of the mark it was made under: connection and target.
    """

    claimant: str
    target: str

    @property
    def is_base(self) -> bool:
        """Whether the item is for all members, not for one."""
        return not self.claimant.startswith("grant:")


@frozen(kw_only=True)
class LedgerEntry:
    """One item and what we know of it.

    Attributes:
        item: what it is.
        claims: why it should be there; when there are none, it should not.
        leaving: the last claims that it had, until it is seen to be gone.
        ends: until when claimants need it, by claimant; those without an end are missing. Kept
            only for items that can have an end on the platform.
        origin: ``ours``; ``preexisting`` (somebody else's: never removed); empty: not seen yet.
        state: what the last observation showed; empty: none yet, or something was sent since.
        by_hand: somebody gave it too while we had a reason for it.
        undone: how often it was taken away from where we had put it.
        native_id: of the thing that was seen.
        evidence: of the last change, from the platform.
        at: when the state was last found to be another one.
        revision: of the stored row.
    """

    item: Item
    claims: frozenset[Claim] = frozenset()
    leaving: frozenset[Claim] = frozenset()
    ends: FrozenMap[str, datetime] = field(factory=FrozenMap, converter=freeze)
    origin: Literal["", "ours", "preexisting"] = ""
    state: Literal["", "present", "absent"] = ""
    by_hand: bool = False
    undone: int = 0
    native_id: str = ""
    evidence: str = ""
    at: datetime | None = None
    revision: int = field(default=0, eq=False)

    @property
    def id(self) -> str:
        """Platform and item key."""
        return entry_id(self.item)

    @property
    def scope(self) -> Scope:
        """Where the item is listed."""
        return self.item.scope

    @property
    def claimed(self) -> bool:
        """Whether there is a reason for the item."""
        return bool(self.claims)

    @property
    def is_base(self) -> bool:
        """Whether it is claimed for all members of a target."""
        return any(claim.is_base for claim in self.claims)

    @property
    def until(self) -> datetime | None:
        """When nobody needs it any more, as far as is known; None: no end."""
        ends = [self.ends.get(claim.claimant) for claim in self.claims]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    def claimed_under(self, target: str) -> frozenset[Claim]:
        """The claims made under one target."""
        return frozenset(claim for claim in self.claims if claim.target == target)

    def with_claims(self, target: str, wanted: frozenset[Claim]) -> LedgerEntry:
        """The row when exactly these claims are made under a target."""
        if wanted == self.claims:  # nearly always: nobody else claims it, and nothing changed
            return self
        old = self.claimed_under(target)
        claims = (self.claims - old) | wanted
        if claims == self.claims:
            return self
        # Whoever claimed it last waits for the proof that it is gone.
        return evolve(self, claims=claims, leaving=frozenset() if claims else old)


@frozen(kw_only=True)
class Pin:
    """A platform object as it was when access to it was first given.

    Attributes:
        platform: identity of the platform.
        object: name as registered.
        native_id, kind, owner, name, columns: as it was.
        held: native id of the object in its place that waits for somebody to decide.
        accepted: native id of the one that somebody decided to grant on.
        users: keys of the targets that want it.
        revision: of the stored row.
    """

    platform: str
    object: str
    native_id: str
    kind: str = ""
    owner: str = ""
    name: str = ""
    columns: tuple[str, ...] = ()
    held: str = ""
    accepted: str = ""
    users: frozenset[str] = frozenset()
    revision: int = field(default=0, eq=False)

    @property
    def id(self) -> str:
        """Platform and registered name."""
        return f"{self.platform}|{self.object}"


def scope_id(scope: Scope) -> str:
    """A scope as one text."""
    return f"{scope.platform}|{scope.key}"


def entry_id(item: Item) -> str:
    """Id of an item's row."""
    return f"{item.scope.platform}|{item.key}"


def entries_of(rows: Transaction, target: str) -> list[LedgerEntry]:
    """Rows that are claimed, or were claimed last, under a target."""
    return [_entry(record) for record in rows.find(LEDGER, [("target", [target])])]


def entries_claimed_by(rows: Transaction, claimant: str) -> list[LedgerEntry]:
    """Rows that somebody claims, or claimed last."""
    return [_entry(record) for record in rows.find(LEDGER, [("claimant", [claimant])])]


def entries_in(rows: Transaction, scope: Scope) -> list[LedgerEntry]:
    """Rows of a scope, whoever claims them."""
    return [_entry(record) for record in rows.find(LEDGER, [("scope", [scope_id(scope)])])]


def entries_everywhere(rows: Transaction) -> list[LedgerEntry]:
    """All rows."""
    return [_entry(record) for record in rows.find(LEDGER)]


def get_entry(rows: Transaction, id: str) -> LedgerEntry | None:
    """One row, or None."""
    record = rows.get(LEDGER, id)
    return None if record is None else _entry(record)


def save_entry(rows: Transaction, entry: LedgerEntry, *, forget: bool = False) -> LedgerEntry:
    """Write a row whose ``revision`` is the one that was read, or delete it.

    Raises:
        StaleRevision: somebody wrote it meanwhile.
    """
    if forget:
        if entry.revision:
            rows.remove(LEDGER, entry.id, entry.revision)
        return evolve(entry, revision=0)
    every = entry.claims | entry.leaving
    index = {
        ("scope", scope_id(entry.scope)),
        *(("target", claim.target) for claim in every),
        *(("claimant", claim.claimant) for claim in every),
    }
    _put(rows, LEDGER, entry.id, entry.revision, entry, index)
    return evolve(entry, revision=entry.revision + 1)


def pins_of(rows: Transaction, target: str) -> list[Pin]:
    """Pins of the objects that a target wants, or wanted when it was looked at last."""
    return [_pin(record) for record in rows.find(PIN, [("user", [target])])]


def pins_everywhere(rows: Transaction) -> list[Pin]:
    """All pins."""
    return [_pin(record) for record in rows.find(PIN)]


def pins_held(rows: Transaction, object: str) -> list[Pin]:
    """Pins of objects of that name whose replacements wait for somebody to decide."""
    return [_pin(record) for record in rows.find(PIN, [("held", [object])])]


def get_pin(rows: Transaction, platform: str, object: str) -> Pin | None:
    """The pin of an object, or None."""
    record = rows.get(PIN, f"{platform}|{object}")
    return None if record is None else _pin(record)


def save_pin(rows: Transaction, pin: Pin) -> None:
    """Write a pin, or delete it when no target wants the object any more.

    Raises:
        StaleRevision: somebody wrote it meanwhile.
    """
    if pin.users:
        index = {("user", user) for user in pin.users}
        if pin.held:
            index.add(("held", pin.object))
        _put(rows, PIN, pin.id, pin.revision, pin, index)
    elif pin.revision:
        rows.remove(PIN, pin.id, pin.revision)


def _put(
    rows: Transaction,
    kind: str,
    id: str,
    revision: int,
    value: object,
    index: Iterable[tuple[str, str]],
) -> None:
    record = Record(
        kind=kind, id=id, revision=revision + 1, document=dump(value), index=frozenset(index)
    )
    rows.put(record, revision or None)


def _entry(record: Record) -> LedgerEntry:
    return load(LedgerEntry, {**record.document, "revision": record.revision})


def _pin(record: Record) -> Pin:
    return load(Pin, {**record.document, "revision": record.revision})
