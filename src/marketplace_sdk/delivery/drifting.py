"""How far platforms are from what is approved: looked at like a pass, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.delivery.judging import View, judge, presence, shows
from marketplace_sdk.delivery.ledger import (
    LedgerEntry,
    entries_everywhere,
    entries_in,
    entries_of,
    scope_id,
)
from marketplace_sdk.delivery.looking import look
from marketplace_sdk.delivery.reading import Sketch, sketch
from marketplace_sdk.delivery.situation import read_situation
from marketplace_sdk.delivery.stating import statement_of
from marketplace_sdk.domain.catalog import DataSource
from marketplace_sdk.domain.events import Mark
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.provisioned import Drift, DriftFinding, DriftKind
from marketplace_sdk.ports.provisioner import Change
from marketplace_sdk.work.targets import mark_of, product_marks, targets_of

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.ports.provisioner import Scope
    from marketplace_sdk.work.unit import Unit

__all__ = ["every_mark", "find_drift"]


def find_drift(bench: Bench, *, connection: str | None = None, product: str | None = None) -> Drift:
    """Everything that is not as it should be, on one connection or all, for a product or all."""
    with bench.desk.read() as unit:
        marks = _product_marks(unit, product, bench) if product else every_mark(unit)
        marks = {mark for mark in marks if connection in (None, mark.connection)}
    ordered = sorted(marks, key=lambda mark: mark.key)
    return Drift(
        findings=tuple(finding for mark in ordered for finding in _look(bench, mark)),
        targets=len(ordered),
    )


def every_mark(unit: Unit) -> set[Mark]:
    """Targets of everything that is granted or on the ledger."""
    marks = {
        mark for grant in unit.find(Grant, ("open", ["yes"])) for mark in targets_of(unit, grant)
    }
    for entry in entries_everywhere(unit.rows):
        marks |= {mark_of(claim.target) for claim in entry.claims | entry.leaving}
    return marks


def _product_marks(unit: Unit, product: str, bench: Bench) -> set[Mark]:
    found = unit.get(DataProduct, product)
    names = () if found is None else found.sources
    marks = set(product_marks(unit, product, names))
    for grant in unit.find(Grant, ("open_product", [product])):
        marks |= set(targets_of(unit, grant))
    # What is left over from sources that it does not have any more.
    where = {source.connection for source in unit.find(DataSource)} | set(bench.connections)
    for mark in (Mark(connection=name, product=product) for name in where):
        if entries_of(unit.rows, mark.key):
            marks.add(mark)
    return marks


def _look(bench: Bench, mark: Mark) -> Iterator[DriftFinding]:
    connection = bench.connections.get(mark.connection)
    if connection is None:
        yield DriftFinding(
            kind="cannot_look",
            connection=mark.connection,
            what=f"{mark.target}: the connection is not configured",
            product=mark.product,
            mark=mark,
        )
        return
    with bench.desk.read() as unit:
        situation = read_situation(unit, mark)
    drawn = sketch(situation, connection, bench)
    scopes = sorted({entry.scope for entry in drawn.entries.values()}, key=scope_id)
    guards = {guard for each in drawn.entries.values() if each.claims for guard in each.item.guards}
    now = bench.desk.clock()
    view = look(connection, scopes, guards, bench.call(), now) if scopes else View()
    with bench.desk.read() as unit:
        known = {scope: {e.item.key for e in entries_in(unit.rows, scope)} for scope in scopes}
    yield from _Looking(mark=mark, connection=connection, drawn=drawn, view=view).findings(known)


def _to_run(remedy: str) -> str:
    """What an administrator must run, behind what was found."""
    if not remedy:
        return ""
    return f"; to take away what somebody else gave, an administrator must run: {remedy}"


@frozen(kw_only=True)
class _Looking:
    """One target that was looked at."""

    mark: Mark
    connection: Connection = field(repr=False)
    drawn: Sketch
    view: View

    def findings(self, known: Mapping[Scope, set[str]]) -> Iterator[DriftFinding]:
        """Everything that is not as it should be; ``known`` are the ledger's keys by scope."""
        for scope, why in self.view.blind.items():
            yield self._found("cannot_look", f"{scope.key}: {why.reason}")
        yield from self._names()
        for _, entry in sorted(self.drawn.entries.items()):
            if entry.scope in self.view.seen:
                yield from self._entry(entry)
        for scope in self._ours():
            ours = known[scope] | {
                each.item.key for each in self.drawn.entries.values() if each.scope == scope
            }
            for key in sorted(self.view.seen[scope].items.keys() - ours):
                remedy = self.view.seen[scope].items[key].remedy
                # A remedy names them as the platform does; a key may hold no more than an id.
                who = "somebody else" if remedy else key
                yield self._found("extra_member", f"{who} in {scope.key}{_to_run(remedy)}")

    def _names(self) -> Iterator[DriftFinding]:
        names = self.drawn.names
        missing = {**names.missing_objects, **names.missing_members, **self.drawn.wishes.obstacles}
        for name, why in sorted(missing.items()):
            objects = (name,) if name in names.missing_objects else ()
            if why.retryable:
                yield self._found("cannot_look", why.message, objects)
            elif name not in names.replaced:
                yield self._found("missing", why.message, objects)
        for name, other in sorted(names.replaced.items()):
            then = other.held or "access follows with the next pass"
            yield self._found("replaced", f"{name} was dropped and made again: {then}", (name,))
        for pin in self.drawn.situation.pins:
            found = names.objects.get(pin.object)
            same = found is not None and found.native_id == pin.native_id
            if same and found is not None and pin.owner and found.owner not in ("", pin.owner):
                words = f"{pin.object} belonged to {pin.owner} and belongs to {found.owner} now"
                yield self._found("owner_changed", words, (pin.object,))

    def _entry(self, entry: LedgerEntry) -> Iterator[DriftFinding]:
        judged = judge(entry, self.view, keep=self.connection.keeps_by_hand)
        there = shows(entry, self.view)
        what = statement_of(self.connection, Change(action="add", item=entry.item))
        found = presence(entry, self.view)
        remedy = "" if found is None else _to_run(found.remedy)
        if there and not entry.claimed and judged.origin == "ours":
            yield self._found("outlives", f"{what}{remedy}", entry.item.opens, entry)
        if not entry.claimed:
            return
        given = entry.state == "present" or entry.undone or self._active(entry)
        if not there and given:
            more = f" ({judged.undone} times)" if judged.undone > 1 else ""
            yield self._found("missing", f"{what}{more}", entry.item.opens, entry)
        if there and judged.by_hand:
            yield self._found("added_by_hand", f"{what}{remedy}", entry.item.opens, entry)
        if there:
            answers = self.view.guards
            for guard in entry.item.guards:
                if answers.get(guard) is not False:
                    continue
                if guard.kind == "column_protected":
                    words = f"{guard.subject} is open without a mask, because of: {what}"
                    yield self._found("unprotected", words, entry.item.opens, entry)
                else:
                    words = f"{guard.kind} of {guard.subject} does not hold any more: {what}"
                    yield self._found("unguarded", words, entry.item.opens, entry)

    def _active(self, entry: LedgerEntry) -> bool:
        """Whether somebody who is said to have access needs it."""
        situation = self.drawn.situation
        claimants = {claim.claimant for claim in entry.claimed_under(situation.target)}
        carried = {
            id for layer in situation.layers if layer.key in claimants for id in layer.members
        }
        carried |= {each.removeprefix("grant:") for each in claimants}
        return any(
            id in carried and each.state == "active" for id, each in situation.grants.items()
        )

    def _ours(self) -> Iterable[Scope]:
        """Roles and groups of ours: what opens nothing by itself there is ours, and is there."""
        found = {
            entry.scope
            for entry in self.drawn.entries.values()
            if entry.origin == "ours"
            and any(claim.is_base for claim in entry.claims | entry.leaving)
            and not entry.item.opens
            and shows(entry, self.view)
        }
        return sorted(found, key=scope_id)

    def _found(
        self,
        kind: DriftKind,
        what: str,
        objects: tuple[str, ...] = (),
        entry: LedgerEntry | None = None,
    ) -> DriftFinding:
        claims = () if entry is None else entry.claims or entry.leaving
        ids = sorted({c.claimant.removeprefix("grant:") for c in claims if not c.is_base})
        situation = self.drawn.situation
        grants = [situation.grants[id] for id in ids if id in situation.grants]
        # One whose end has come and that nobody has ended yet is over since its end.
        ends = [
            grant.ending_at or (grant.until if grant.over(situation.now) else None)
            for grant in grants
        ]
        return DriftFinding(
            kind=kind,
            connection=self.mark.connection,
            what=what,
            objects=objects,
            product=self.mark.product,
            grants=tuple(ids),
            since=min((end for end in ends if end is not None), default=None),
            mark=self.mark,
        )
