"""What a change would do on platforms, before anybody decides: planned like a pass, never done.

The change is made in a unit of work that is given up, so that a preview and the real thing read
the same state by the same code. Shown is what the change adds to what is planned anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.delivery.checking import checked
from marketplace_sdk.delivery.judging import View, judge
from marketplace_sdk.delivery.ledger import entry_id, scope_id
from marketplace_sdk.delivery.looking import look
from marketplace_sdk.delivery.plan import Obstacle, Plan, make_plan
from marketplace_sdk.delivery.reading import Sketch, sketch
from marketplace_sdk.delivery.situation import Situation, read_situation
from marketplace_sdk.delivery.stating import statement_of
from marketplace_sdk.delivery.wishes import make
from marketplace_sdk.domain.provisioned import PlannedChange, Preview
from marketplace_sdk.ports.provisioner import Change, Item, Known, Ref, Resolved, Target

if TYPE_CHECKING:
    from marketplace_sdk.delivery.bench import Bench
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.domain.events import Mark
    from marketplace_sdk.work.unit import Unit

__all__ = ["Previewer"]

SOMEBODY = "<member>"


class _GivenUp(Exception):  # no error: how a unit of work is left without a trace
    """The change was only thought."""


@contextmanager
def _given_up(desk: Desk) -> Iterator[Unit]:
    """A unit of which nothing is kept."""
    try:
        with desk.write() as unit:
            yield unit
            raise _GivenUp  # noqa: TRY301  # what the unit is left with
    except _GivenUp:
        pass


@frozen
class Previewer:
    """Plans without doing, with what lies on the bench."""

    bench: Bench = field(repr=False)

    def preview(
        self, change: Callable[[Unit], Collection[Mark]], *, grant: str | None = None
    ) -> Preview:
        """What would follow if this change were made now.

        Args:
            change: makes it in a unit that is given up, and names the targets concerned.
            grant: id of the one grant that it is about; then its statements are shown in full.
                Without one, what each member gets is counted and the members are not named.
        """
        pairs = self._think(change)
        changes: dict[tuple[object, ...], list[PlannedChange]] = {}
        problems: dict[str, None] = {}
        waits = False
        for before, after in pairs:
            waits = waits or (grant is not None and grant in after.waiting)
            connection = self.bench.connections.get(after.mark.connection)
            if connection is None:
                problems[f"connection {after.mark.connection} is not configured"] = None
                continue
            self._compare(before, after, connection, changes, problems, one=grant is not None)
        notes = ("it waits until the beneficiary has access to the source",) if waits else ()
        return Preview(
            changes=tuple(_counted(same) for same in changes.values()),
            problems=tuple(problems),
            notes=notes,
        )

    def _think(
        self, change: Callable[[Unit], Collection[Mark]]
    ) -> list[tuple[Situation, Situation]]:
        """Each target as it is and as it would be."""
        with _given_up(self.bench.desk) as unit:
            marks = sorted(change(unit), key=lambda mark: mark.key)
            after = [read_situation(unit, mark) for mark in marks]
        with self.bench.desk.read() as unit:
            before = [read_situation(unit, mark) for mark in marks]
        return list(zip(before, after, strict=True))

    def _compare(
        self,
        before: Situation,
        after: Situation,
        connection: Connection,
        changes: dict[tuple[object, ...], list[PlannedChange]],
        problems: dict[str, None],
        *,
        one: bool,
    ) -> None:
        old, new = (sketch(each, connection, self.bench) for each in (before, after))
        rows = [*old.entries.values(), *new.entries.values()]
        scopes = sorted({entry.scope for entry in rows}, key=scope_id)
        guards = {guard for entry in rows if entry.claims for guard in entry.item.guards}
        view = (
            look(connection, scopes, guards, self.bench.call(), self.bench.desk.clock())
            if scopes
            else View()
        )
        planned = self._plan(old, view, connection)
        plan = self._plan(new, view, connection)
        known = {(each.action, entry_id(each.item)) for each in planned.changes}
        templates = {} if one else self._templates((old, new), connection)
        for each in plan.changes:
            if (each.action, entry_id(each.item)) not in known:
                row = new.entries[entry_id(each.item)]
                shared = any(claim.is_base for claim in row.claims | row.leaving)
                _add(changes, each, connection, None if one or shared else templates)
        told = _problems(old, planned, View())
        problems.update((each, None) for each in _problems(new, plan, view) if each not in told)

    def _plan(self, drawn: Sketch, view: View, connection: Connection) -> Plan:
        judged = {
            id: judge(entry, view, keep=connection.keeps_by_hand)
            for id, entry in drawn.entries.items()
        }
        plan = make_plan(
            judged.values(),
            view,
            may_grant=connection.may_grant,
            held=drawn.wishes.kept,
            patience=self.bench.settings.patience,
            expires=connection.expires,
        )
        return checked(plan, drawn.situation, judged, self.bench.check_plan)

    def _templates(
        self, sketches: Iterable[Sketch], connection: Connection
    ) -> dict[tuple[object, ...], Item]:
        """Items of a member without a name, so that nobody's stands in a statement."""
        found: dict[tuple[object, ...], Item] = {}
        for drawn in sketches:
            known = Known(
                installation=self.bench.installation,
                resolved=drawn.names.resolved,
                masks=drawn.names.masks.columns,
            )
            platforms = {each.platform for each in drawn.names.objects.values()}
            for layer in drawn.situation.layers:
                usable = drawn.names.usable(layer.objects)
                target = Target(key=layer.key, objects=usable, column=drawn.situation.column)
                for platform in platforms:
                    who = Resolved(
                        ref=Ref("principal", SOMEBODY),
                        platform=platform,
                        native_id=SOMEBODY,
                        name=SOMEBODY,
                    )
                    items = make(connection, target, who, known)
                    if not isinstance(items, Obstacle):
                        found.update({(item.kind, item.opens): item for item in items})
        return found


def _add(
    changes: dict[tuple[object, ...], list[PlannedChange]],
    change: Change,
    connection: Connection,
    templates: Mapping[tuple[object, ...], Item] | None,
) -> None:
    """One more change; those of members, for which there are templates, are counted together."""
    item = change.item
    key: tuple[object, ...] = (connection.name, change.action, item.kind, item.opens)
    statement: str | None
    if templates is None:
        key += (item.key,)
        statement = statement_of(connection, change)
    else:
        template = templates.get((item.kind, item.opens))
        statement = (
            ""
            if template is None
            else statement_of(connection, Change(action=change.action, item=template))
        )
    changes.setdefault(key, []).append(
        PlannedChange(
            connection=connection.name,
            action=change.action,
            kind=item.kind,
            statement=statement,
            objects=item.opens,
            members=0 if templates is None else 1,
        )
    )


def _counted(same: list[PlannedChange]) -> PlannedChange:
    return same[0].for_members(sum(each.members for each in same))


def _problems(drawn: Sketch, plan: Plan, view: View) -> list[str]:
    """Everything that would stand against it; consequences of something else are left out."""
    found = [
        *plan.blocked.values(),
        *drawn.names.missing_objects.values(),
        *drawn.names.missing_members.values(),
        *drawn.wishes.obstacles.values(),
        *(Obstacle("cannot_look", one.reason, one.retryable) for one in view.blind.values()),
    ]
    return [one.message for one in found if one.code != "waits_for_another"]
