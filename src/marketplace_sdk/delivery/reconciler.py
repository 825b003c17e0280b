"""One pass over one target: from what is stored to what the platform shows.

A pass derives everything from the present state. Any number of marks, lost or doubled, and any
number of passes that stopped in the middle, end in the same state.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from marketplace_sdk.delivery.applying import Applied, apply_plan
from marketplace_sdk.delivery.byhand import residual
from marketplace_sdk.delivery.calls import Connection, call_until
from marketplace_sdk.delivery.checking import checked
from marketplace_sdk.delivery.evidence import made_of
from marketplace_sdk.delivery.grants import finish_deletions
from marketplace_sdk.delivery.judging import View, judge, shows
from marketplace_sdk.delivery.ledger import (
    Claim,
    LedgerEntry,
    entry_id,
    get_entry,
    save_entry,
    scope_id,
)
from marketplace_sdk.delivery.locks import Busy, Hold, LeaseLost
from marketplace_sdk.delivery.looking import look, missed
from marketplace_sdk.delivery.masking import keep_places, look_at_masks
from marketplace_sdk.delivery.naming import Names
from marketplace_sdk.delivery.plan import Obstacle, Plan, make_plan
from marketplace_sdk.delivery.reading import read_meaning
from marketplace_sdk.delivery.showing import Shown, shown_of
from marketplace_sdk.delivery.situation import Situation, read_situation
from marketplace_sdk.delivery.storing import Outdated, Storing, pins_for, store_all
from marketplace_sdk.delivery.verdict import Verdict, verdict_of
from marketplace_sdk.delivery.wishes import Wishes
from marketplace_sdk.domain.events import Effects, Mark
from marketplace_sdk.errors import StaleRevision
from marketplace_sdk.ports.provisioner import Guard, Scope

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench
    from marketplace_sdk.ports.provisioner import Call

__all__ = ["Reconciler"]

TRIES = 5

_log = logging.getLogger("marketplace_sdk.delivery")


@frozen(kw_only=True)
class Reconciler:
    """Makes platforms agree with grants.

    Attributes:
        bench: storage, platforms and people.
        owner: who this worker is.
    """

    bench: Bench = field(repr=False)
    owner: str

    def reconcile(self, mark: Mark) -> Verdict:
        """One pass over the target of a mark."""
        if mark.of_masks:
            return look_at_masks(self.bench, mark.connection)
        connection = self.bench.connections.get(mark.connection)
        if connection is None:
            return self._unconfigured(mark)
        correlation = self.bench.desk.ids()
        hold = Hold(
            self.bench.desk,
            monotonic=self.bench.monotonic,
            settings=self.bench.settings,
            owner=f"{self.owner}:{correlation}",
        )
        one = _Pass(self, mark, connection, hold, correlation)
        try:
            verdict = one.run()
        except Busy:
            verdict = Verdict("soon", "somebody else works on it")
        except LeaseLost:
            one.give_up()
            return Verdict()
        except Exception:
            one.let_go()
            raise
        # Whoever is stopped from outside (BaseException) gives nothing back: a call of his may
        # still land, so his leases have to run out.
        one.let_go()
        return verdict

    def _unconfigured(self, mark: Mark) -> Verdict:
        why = Obstacle(
            "connection_missing",
            f"connection {mark.connection} is not configured; add it, or remove its sources",
            retryable=False,
        )
        with self.bench.desk.read() as unit:
            situation = read_situation(unit, mark)
        shown = {id: Shown(None, why) for id in situation.grants}
        store_all(self.bench.desk, self.bench.desk.storage.begin, situation, shown)
        return Verdict("slowly", why.message)


class _Pass:
    """The state of one pass."""

    def __init__(
        self,
        worker: Reconciler,
        mark: Mark,
        connection: Connection,
        hold: Hold,
        correlation: str,
    ) -> None:
        self.worker = worker
        self.mark = mark
        self.connection = connection
        self.hold = hold
        self.correlation = correlation
        self.target = f"target|{mark.key}"
        keep = connection.keeps_by_hand
        self.storing = Storing(worker.bench.desk, hold, self.target, keep=keep)
        self.applied = Applied()

    def run(self) -> Verdict:
        """Read, claim, look, change, look again, and store what was seen."""
        self.hold.take([self.target])
        for _ in range(TRIES):
            try:
                return self._run()
            except Outdated:
                continue
        return Verdict("soon", "it changes too often")

    def give_up(self) -> None:
        """Somebody else has taken over: leave it to another pass, and say what may still come.

        An addition of ours may land after the other one looked. Where the other one has no row
        for it any more it is entered again, as ours and claimed by nobody.
        """
        late = frozenset({Claim("late", self.mark.key)})

        def enter() -> None:
            with self.worker.bench.desk.write() as unit:
                for id, change in sorted(self.applied.sent.items()):
                    known = get_entry(unit.rows, id)
                    if known is None:
                        known = LedgerEntry(item=change.item, leaving=late)
                    # Whatever somebody has concluded meanwhile: it may be there because of us.
                    entry = evolve(known, origin="ours", by_hand=False, state="")
                    save_entry(unit.rows, entry)
                unit.keep(Effects(marks=(self.mark,)))
                if self.applied.made:
                    unit.keep(made_of(self.mark.key, self.applied, {}))

        _log.warning("lost the lease on %s; it is looked at again", self.mark.key)
        self.worker.bench.desk.retried(enter)

    def let_go(self) -> None:
        """Give the leases back, but for scopes in which a call of ours may still land."""
        self.hold.release(but={scope_id(scope) for scope in self.applied.unsure})

    def _run(self) -> Verdict:
        situation, names, wishes = self._read()
        entries = self.storing.claims(situation, names, wishes)
        view, obstacles = View(), dict[str, Obstacle]()
        scopes = {entry.scope for entry in entries.values()}
        if scopes:
            self.hold.take(scope_id(scope) for scope in scopes)
            view, obstacles = self._change(situation, names, wishes, entries)
        self.hold.renew()
        judged = self.storing.seen(entries, view, self.applied, situation)
        self.storing.held(situation, names)
        shown = shown_of(situation, judged, view, obstacles, names, wishes)
        self.storing.shown(situation, shown)
        if any(product.state == "deleting" for product in situation.products.values()):
            self._finish(situation)
        return verdict_of(
            [
                *obstacles.values(),
                *(
                    Obstacle("cannot_look", one.reason, one.retryable)
                    for one in view.blind.values()
                ),
                *names.missing_objects.values(),
                *names.missing_members.values(),
                *wishes.obstacles.values(),
                *(one.obstacle for one in shown.values() if one.obstacle is not None),
            ]
        )

    def _read(self) -> tuple[Situation, Names, Wishes]:
        """What is stored, and what it means on the platform."""
        desk = self.worker.bench.desk
        with desk.read() as unit:
            situation = read_situation(unit, self.mark)
        self.hold.renew()
        if situation.first:
            self._unmask_first(situation.first)
            with desk.read() as unit:
                situation = read_situation(unit, self.mark)
        names, wishes = read_meaning(
            situation,
            self.connection,
            self.worker.bench,
            lambda: self._call([self.target]),
            self.hold.renew,
        )
        self.hold.renew()
        keep_places(desk, names.masks.places)
        return situation, names, wishes

    def _unmask_first(self, marks: Iterable[Mark]) -> None:
        """Take unmasking away before the access that it needs.

        When that fails, access is taken away all the same, and the column is looked at again.
        """
        for mark in marks:
            verdict = self.worker.reconcile(mark)
            if verdict.again == "soon":
                raise Busy
            if verdict.again != "no":
                with self.worker.bench.desk.write() as unit:
                    unit.keep(Effects(marks=(mark,)))

    def _change(
        self,
        situation: Situation,
        names: Names,
        wishes: Wishes,
        entries: dict[str, LedgerEntry],
    ) -> tuple[View, dict[str, Obstacle]]:
        """Look, change and look again; what is not as it should be then, and why."""
        guards = {
            guard for entry in entries.values() if entry.claims for guard in entry.item.guards
        }
        view = self._look({entry.scope for entry in entries.values()}, guards)
        self.hold.renew()
        plan = self._plan(situation, names, wishes, entries, view)
        if not plan.changes:
            return view, dict(plan.blocked)
        self.applied.closed.update(plan.closed)
        apply_plan(plan, entries, self.connection, self._call_for, self.applied)
        view = view.updated(self._look(self.applied.scopes, ()))
        obstacles = dict(plan.blocked)
        for change in plan.changes:
            id = entry_id(change.item)
            if missed(change, view):
                obstacles[id] = (
                    residual(change, entries[id], view)
                    or self.applied.obstacles.get(id)
                    or Obstacle(
                        "not_seen",
                        f"{self.connection.name} does not show that {change.item.kind} in "
                        f"{change.item.scope.key} was changed",
                    )
                )
        return view, obstacles

    def _plan(
        self,
        situation: Situation,
        names: Names,
        wishes: Wishes,
        entries: dict[str, LedgerEntry],
        view: View,
    ) -> Plan:
        """What to do; the origin of everything that is touched is stored before it is done.

        Other targets may claim and give up the same items at any time. Whatever is to be changed
        is read again now that the scope is ours, and planned again if it is another row by now.
        """
        for _ in range(TRIES):
            judged = {
                id: judge(entry, view, keep=self.connection.keeps_by_hand)
                for id, entry in entries.items()
            }
            plan = make_plan(
                judged.values(),
                view,
                may_grant=self.connection.may_grant,
                held=wishes.kept,
                patience=self.worker.bench.settings.patience,
                expires=self.connection.expires,
            )
            plan = checked(plan, situation, judged, self.worker.bench.check_plan)
            touched = {entry_id(one.item) for one in (*plan.removals, *plan.additions)}
            # From here on nobody can say whether it is there because of us, but by looking.
            for id in (*map(entry_id, (change.item for change in plan.additions)), *plan.closed):
                judged[id] = evolve(judged[id], state="")
            written = [
                entry
                for id, entry in judged.items()
                if id in touched or (entry.claims and entry.origin != entries[id].origin)
            ]
            added = [change.item for change in plan.additions]
            there = [each.item for each in judged.values() if each.claimed and shows(each, view)]
            pins = pins_for(situation, names, added, there)
            if not written and not pins:
                return plan
            try:
                fresh = self.storing.origins(written, entries, pins, situation, names)
            except StaleRevision:
                continue
            for id, entry in fresh.items():
                if entry is None:
                    entries.pop(id)
                else:
                    entries[id] = entry
            if all(fresh[entry.id] == entry for entry in written):
                return plan
        raise Outdated

    def _finish(self, situation: Situation) -> None:
        def finish() -> None:
            with self.worker.bench.desk.write() as unit:
                for id in sorted(situation.products):
                    finish_deletions(unit, id)

        self.worker.bench.desk.retried(finish)

    def _look(self, scopes: Iterable[Scope], guards: Iterable[Guard]) -> View:
        wanted = sorted(scopes, key=scope_id)
        call = self._call([scope_id(one) for one in wanted])
        return look(self.connection, wanted, guards, call, self.worker.bench.desk.clock())

    def _call_for(self, scope: Scope) -> Call:
        return self._call([scope_id(scope)])

    def _call(self, names: Sequence[str]) -> Call:
        """A call that is over before any of these leases can be taken over."""
        worker = self.worker
        self.hold.renew([self.target, *names])
        left = min(worker.bench.settings.call_timeout, self.hold.seconds_left(names))
        return call_until(
            worker.bench.monotonic() + left,
            worker.bench.monotonic,
            correlation_id=self.correlation,
            fence=self.hold.fence(names),
        )
