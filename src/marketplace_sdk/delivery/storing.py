"""Writing claims, origins, pins and what was seen, each in a short unit under the pass's leases."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.delivery.byhand import taken_by_hand
from marketplace_sdk.delivery.closing import closed_of
from marketplace_sdk.delivery.evidence import made_of
from marketplace_sdk.delivery.grants import expected_of, store_shown, to_store
from marketplace_sdk.delivery.judging import View, judge, recorded
from marketplace_sdk.delivery.ledger import (
    LedgerEntry,
    Pin,
    get_entry,
    get_pin,
    save_entry,
    save_pin,
    scope_id,
)
from marketplace_sdk.delivery.replacing import told_of
from marketplace_sdk.delivery.wishes import claimed_anew
from marketplace_sdk.domain.grants import Grant, Pinned
from marketplace_sdk.errors import StaleRevision
from marketplace_sdk.work.targets import product_marks, sources_of

if TYPE_CHECKING:
    from marketplace_sdk.delivery.applying import Applied
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.delivery.locks import Hold
    from marketplace_sdk.delivery.naming import Names
    from marketplace_sdk.delivery.showing import Shown
    from marketplace_sdk.delivery.situation import Situation
    from marketplace_sdk.delivery.wishes import Wishes
    from marketplace_sdk.ports.provisioner import Item
    from marketplace_sdk.ports.storage import Transaction
    from marketplace_sdk.work.unit import Unit

__all__ = ["Outdated", "Storing", "pins_for", "store_all"]

TRIES = 8
GRANTS_AT_ONCE = 50


class Outdated(Exception):
    """What was read is not so any more; the pass has to read again."""


class Storing:
    """The writes of one pass.

    Args:
        desk: where things are stored.
        hold: the leases of the pass.
        target: name of the target's lease.
        keep: what somebody gives by hand while we hold it is his, and stays.
    """

    def __init__(self, desk: Desk, hold: Hold, target: str, *, keep: bool) -> None:
        self._desk = desk
        self._hold = hold
        self._target = target
        self._keep = keep

    def claims(self, situation: Situation, names: Names, wishes: Wishes) -> dict[str, LedgerEntry]:
        """Store who claims what; the rows of the target afterwards, by id.

        Raises:
            Outdated: a grant or a row changed meanwhile.
        """
        known = {entry.id: entry for entry in situation.entries}
        strange = wishes.claims.keys() - known.keys()
        connection = self._connection(situation)
        unpinned = {id for id in names.members if connection not in situation.grants[id].principals}
        left = [
            pin
            for pin in situation.pins
            if situation.target in pin.users and pin.object not in situation.objects
        ]
        changed = claimed_anew(known.values(), wishes, situation.target)
        if not (strange or unpinned or left or changed):
            return known
        try:
            with self._hold.writing([self._target]) as rows:
                for id in sorted(strange):
                    entry = get_entry(rows, id)
                    if entry is not None:
                        known[id] = entry
                changed = claimed_anew(known.values(), wishes, situation.target)
                unit = self._desk.over(rows)
                self._still_so(unit, situation, names, unpinned, _new_members(changed, known))
                for entry in changed:
                    known[entry.id] = save_entry(rows, entry)
                for pin in left:
                    save_pin(rows, evolve(pin, users=pin.users - {situation.target}))
        except StaleRevision as error:
            raise Outdated from error
        return known

    def origins(
        self,
        wanted: Sequence[LedgerEntry],
        entries: Mapping[str, LedgerEntry],
        pins: Iterable[Pin],
        situation: Situation,
        names: Names,
    ) -> dict[str, LedgerEntry | None]:
        """Store origins and pins before the first write; the rows as they are now, by id.

        A row that is not as it was read is left as it is.

        Raises:
            Outdated: somebody has pinned another object meanwhile.
        """
        fresh: dict[str, LedgerEntry | None] = {}
        with self._hold.writing(self._leases(wanted)) as rows:
            for entry in wanted:
                found = get_entry(rows, entry.id)
                if found is not None and found == entries[entry.id] and found != entry:
                    found = save_entry(rows, evolve(entry, revision=found.revision))
                fresh[entry.id] = found
            for pin in pins:
                before = get_pin(rows, pin.platform, pin.object)
                if before is None:
                    save_pin(rows, pin)
                elif before.native_id != pin.native_id:
                    other = names.replaced.get(pin.object)
                    if other is None or other.pin.native_id != before.native_id:
                        raise Outdated
                    users = before.users | pin.users
                    save_pin(rows, evolve(pin, users=users, revision=before.revision))
                    self._desk.over(rows).keep(told_of(other, situation.products.values()))
                elif not pin.users <= before.users:
                    save_pin(rows, evolve(before, users=before.users | pin.users))
        return fresh

    def held(self, situation: Situation, names: Names) -> None:
        """Say once of each replaced object that nothing is granted on it, and why."""
        new = [
            other
            for _, other in sorted(names.replaced.items())
            if other.held and other.pin.held != other.found.native_id
        ]
        if not new:
            return
        try:
            with self._hold.writing([self._target]) as rows:
                unit = self._desk.over(rows)
                for other in new:
                    save_pin(rows, evolve(other.pin, held=other.found.native_id))
                    unit.keep(told_of(other, situation.products.values()))
        except StaleRevision as error:
            raise Outdated from error

    def seen(
        self,
        entries: dict[str, LedgerEntry],
        view: View,
        applied: Applied,
        situation: Situation,
    ) -> list[LedgerEntry]:
        """Store what an observation showed, and forget what is over.

        Returns:
            The rows as they were judged, those that are forgotten included.
        """
        judged = {id: judge(entry, view, keep=self._keep) for id, entry in entries.items()}
        changes = {
            id
            for id, entry in entries.items()
            # Nearly every row of a large pass is as it was, and comparing values takes its time.
            if (after := self._after(judged[id], entry, view, applied)) is not entry
            and after != entry
        }
        for _ in range(TRIES):
            if not changes and not applied.made:
                break
            try:
                with self._hold.writing(self._leases(entries[id] for id in changes)) as rows:
                    for id in sorted(changes):
                        after = self._after(judged[id], entries[id], view, applied)
                        save_entry(rows, after or entries[id], forget=after is None)
                        if after is None:
                            self._desk.over(rows).keep(taken_by_hand(entries[id]))
                    if applied.made:
                        target = self._target.partition("|")[2]
                        unit = self._desk.over(rows)
                        unit.keep(made_of(target, applied, entries))
                        closed = [
                            entries[id] for id in sorted(applied.made) if id in applied.closed
                        ]
                        where, products = situation.mark.connection, situation.products.values()
                        unit.keep(closed_of(closed, applied.closed, where, products))
                applied.made.clear()
                break
            except StaleRevision:
                self._read_again(entries, changes)
                judged.update({id: judge(entries[id], view, keep=self._keep) for id in changes})
        else:
            raise Outdated
        return list(judged.values())

    def shown(self, situation: Situation, shown: Mapping[str, Shown]) -> None:
        """Store what was seen of the grants."""
        store_all(self._desk, lambda: self._hold.writing([self._target]), situation, shown)

    def _after(
        self, judged: LedgerEntry, entry: LedgerEntry, view: View, applied: Applied
    ) -> LedgerEntry | None:
        after = recorded(judged, view)
        if after is None:
            return None
        if entry.id in applied.sent and after.state == "absent":
            # It may still land, and would be ours then.
            after = evolve(after, state="")
        if after.state != entry.state:
            after = evolve(after, at=self._desk.clock())
        if entry.id in applied.evidence:
            after = evolve(after, evidence=applied.evidence[entry.id])
        return after

    def _leases(self, entries: Iterable[LedgerEntry]) -> set[str]:
        return {self._target, *(scope_id(entry.scope) for entry in entries)}

    def _read_again(self, entries: dict[str, LedgerEntry], changes: set[str]) -> None:
        """Somebody else claims the same items, or has given them up."""
        with self._desk.read() as unit:
            for id in sorted(changes):
                found = get_entry(unit.rows, id)
                if found is None:
                    changes.discard(id)
                else:
                    entries[id] = found

    def _still_so(
        self,
        unit: Unit,
        situation: Situation,
        names: Names,
        unpinned: Collection[str],
        claiming: Collection[str],
    ) -> None:
        """Nothing is claimed for a grant that has ended or was withheld since it was read."""
        connection = self._connection(situation)
        for id in sorted({*unpinned, *claiming}):
            grant = unit.get(Grant, id)
            held_back = grant is None or grant.withheld - {"waiting_for_access"}
            if grant is None or held_back or not grant.live or grant.over(unit.now):
                raise Outdated
            if id in unpinned:
                who = names.members[id]
                pinned = grant.principals.set(connection, Pinned(who.ref.name, who.native_id))
                unit.save(evolve(grant, principals=pinned))

    @staticmethod
    def _connection(situation: Situation) -> str:
        return situation.mark.connection


def store_all(
    desk: Desk,
    begin: Callable[[], AbstractContextManager[Transaction]],
    situation: Situation,
    shown: Mapping[str, Shown],
) -> None:
    """Store what was seen of every grant for which it is new, a few in each unit."""
    memo: dict[frozenset[str], frozenset[str]] = {}

    def expected(unit: Unit, grant: Grant) -> frozenset[str]:
        # A product may have hundreds of sources and members: its targets are looked up once.
        if grant.kind != "access":
            return expected_of(unit, grant)
        sources = sources_of(unit, grant)
        if sources not in memo:
            memo[sources] = frozenset(
                mark.key for mark in product_marks(unit, grant.product, sources)
            )
        return memo[sources]

    def store(ids: Sequence[str]) -> None:
        with begin() as rows:
            unit = desk.over(rows)
            for id in ids:
                store_shown(unit, situation, id, shown[id], expected)

    ids = to_store(situation, shown)
    for first in range(0, len(ids), GRANTS_AT_ONCE):
        some = ids[first : first + GRANTS_AT_ONCE]
        desk.retried(lambda some=some: store(some))  # type: ignore[misc]  # bound now


def pins_for(
    situation: Situation, names: Names, added: Iterable[Item], there: Iterable[Item]
) -> list[Pin]:
    """Pins that the target still lacks of the objects that these items open.

    What was made again is pinned anew only when something is added on it.
    """
    opened = {name for item in added for name in item.opens}
    relied = opened | {name for item in there for name in item.opens}
    users = frozenset({situation.target})
    mine = {pin.id for pin in situation.pins}
    pins = []
    for name, found in sorted(names.objects.items()):
        again = name in names.replaced
        if found.name not in (opened if again else relied):
            continue
        pin = Pin(
            platform=found.platform,
            object=name,
            native_id=found.native_id,
            kind=found.kind,
            owner=found.owner,
            name=found.name,
            columns=found.columns,
            users=users,
        )
        if again or pin.id not in mine:
            pins.append(pin)
    return pins


def _new_members(
    changed: Iterable[LedgerEntry], known: Mapping[str, LedgerEntry]
) -> frozenset[str]:
    """Ids of the grants that get a claim which they did not have."""
    return frozenset(
        claim.claimant.removeprefix("grant:")
        for entry in changed
        for claim in entry.claims - (known[entry.id].claims if entry.id in known else frozenset())
        if not claim.is_base
    )
