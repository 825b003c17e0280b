"""Declarations: make the marketplace what files say, and write files that say what it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve

from marketplace_sdk.domain.declarations import (
    DECLARED_KINDS,
    Applied,
    Declaration,
    DeclarationPlan,
    DeclaredChange,
)
from marketplace_sdk.domain.destinations import Destination
from marketplace_sdk.domain.forms import DataUseAgreement
from marketplace_sdk.domain.rights import allowed, roles_in
from marketplace_sdk.domain.values import check_flag
from marketplace_sdk.errors import AdapterError, InvalidInput, MarketplaceError, Problem
from marketplace_sdk.services._checking import check_list
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.services._making import Maker
from marketplace_sdk.services.domains import Domains
from marketplace_sdk.services.forms import Forms
from marketplace_sdk.services.products import Products
from marketplace_sdk.services.sources import Sources
from marketplace_sdk.wire.declarations import FIELDS, declared_of, written
from marketplace_sdk.work.pages import Page

__all__ = ["Declarations"]

PAGE = 500
FIXED: Mapping[str, tuple[str, ...]] = {
    "source": ("connection", "object"),
    "agreement": ("name", "body"),
    "form": ("domain",),
    "product": ("domain",),
}
"""Fields that stay what they were when the thing was made."""
OPEN = ("published", "suspended")
"""States of products that can be asked for; others are left alone."""
STAYS = frozenset({"source", "agreement"})
"""Kinds of which nothing is ever taken away: what refers to them must stay readable."""

Known = Mapping[tuple[str, str], Declaration]


class Declarations(Service):
    """What files say that there should be; every act is that of the other services."""

    def export(self, *, by: By = None) -> tuple[Declaration, ...]:
        """Everything that there is and that can be declared, with every field.

        Products that are retired or being deleted are left out, and so are secrets. Tags that
        platforms gave, and who owns an object there, are the platform's to say.
        """
        return tuple(self._there(by, OPEN).values())

    def plan(
        self, declarations: Iterable[Declaration], *, prune: bool = False, by: By = None
    ) -> DeclarationPlan:
        """What would have to change for everything to be as declared. Changes nothing.

        Args:
            declarations: what should be; fields that one leaves out stay as they are.
            prune: take away, too, what no declaration mentions, of the kinds that are declared at
                all; sources and agreements are never taken away.
            by: who looks; the plan holds what they may not do, too.

        Raises:
            InvalidInput: the same thing is declared twice.
        """
        check_flag(prune, "prune")
        wanted = _once(check_list(declarations, "declarations"))
        there = self._there(by, (*OPEN, "retired"))
        changes: list[DeclaredChange] = []
        problems: list[str] = []
        for each in wanted:
            change, wrong = _change(each, there.get((each.kind, each.id)))
            problems += wrong
            if change is not None and not wrong:
                changes.append(change)
        if prune:
            changes += _pruned(wanted, self._there(by, OPEN))
        return DeclarationPlan(changes=tuple(changes), problems=tuple(problems))

    def apply(
        self,
        plan: DeclarationPlan,
        *,
        by: By = None,
        done: Callable[[DeclaredChange], None] | None = None,
    ) -> Applied:
        """Carry out a plan; each change is made by itself, and one that fails stops no other.

        Args:
            plan: as ``plan`` gave it.
            by: who acts; each change needs the rights that it needs anywhere.
            done: called after each change.

        Raises:
            InvalidInput: it is no plan.
            NotAllowed: the actor is unknown or inactive.
            AdapterError: something outside failed: what was made stays, and another plan says
                what is left.
        """
        if not isinstance(plan, DeclarationPlan):
            raise InvalidInput(
                "cannot apply this", problems=[Problem("plan", "must be a DeclarationPlan")]
            )
        self._person(by)
        made, failed = [], []
        for change in plan.changes:
            try:
                self._make(change, by)
            except AdapterError:
                raise
            except MarketplaceError as error:
                place = change.declaration.place if change.declaration is not None else ""
                failed.append(f"{place}{': ' if place else ''}{change.title}: {error}")
            else:
                made.append(change)
                if done is not None:
                    done(change)
        return Applied(done=tuple(made), failed=tuple(failed))

    # -- inside ---------------------------------------------------------------------------

    def _there(self, by: By, states: Collection[str]) -> dict[tuple[str, str], Declaration]:
        actor = by if by is not None else self._bound
        found: dict[tuple[str, str], Declaration] = {}
        forms = list(_every(Forms(self._context).find, actor))
        products = [
            each for each in _every(Products(self._context).search, actor) if each.state in states
        ]
        for value in (
            *_every(Sources(self._context).find, actor),
            *_every(Domains(self._context).find, actor),
            *self._agreements(actor),
            *forms,
            *products,
            *self._destinations(actor),
        ):
            declared = declared_of(value)
            found[declared.kind, declared.id] = declared
        return found

    def _agreements(self, actor: By) -> Iterator[DataUseAgreement]:
        with self._reading(actor) as (unit, _):
            yield from unit.find(DataUseAgreement)

    def _destinations(self, actor: By) -> Iterator[Destination]:
        """Those that are set up here; who may not see them neither exports nor prunes any."""
        with self._reading(actor) as (unit, facts):
            if allowed("destination.manage", roles_in(facts)):
                yield from unit.find(Destination, ("kept", ["yes"]))

    def _make(self, change: DeclaredChange, by: By) -> None:
        Maker(self._context, by if by is not None else self._bound).make(change)


def _every(read: Callable[..., Page[Any]], actor: By) -> Iterator[Any]:
    after: str | None = None
    while True:
        page = read(after=after, limit=PAGE, by=actor)
        yield from page
        if page.next is None:
            return
        after = page.next


def _once(declarations: Collection[Declaration]) -> list[Declaration]:
    """In the order in which they are to be made; nothing twice."""
    first: dict[tuple[str, str], Declaration] = {}
    problems = []
    for each in declarations:
        if not isinstance(each, Declaration):
            problems.append(Problem("declarations", "must be Declaration objects"))
            continue
        known = first.setdefault((each.kind, each.id), each)
        if known is not each:
            where = f"{each.place}: " if each.place else ""
            also = f", first at {known.place}" if known.place else ""
            problems.append(Problem(f"{where}{each.kind} {each.id}", f"is declared twice{also}"))
    if problems:
        raise InvalidInput("cannot use these declarations", problems=problems)
    return sorted(first.values(), key=lambda each: DECLARED_KINDS.index(each.kind))


def _change(
    wanted: Declaration, known: Declaration | None
) -> tuple[DeclaredChange | None, list[str]]:
    """What makes one thing as it should be, if anything, and what stands against it."""
    where = f"{wanted.place}: " if wanted.place else ""
    name = f"{where}{wanted.kind} {wanted.id}"
    fields = FIELDS[wanted.kind]
    if known is None:
        given = _with_name(wanted)
        missing = [key for key, each in fields.items() if each.required and key not in given.fields]
        after = {
            key: written(wanted.kind, key, given.fields[key])
            for key in fields
            if key in given.fields
        }
        change = DeclaredChange(
            action="create", kind=wanted.kind, id=wanted.id, after=after, declaration=given
        )
        return change, [f"{name}: needs {key}" for key in missing]
    differs = [
        key
        for key in fields
        if key in wanted.fields and key in known.fields and wanted.fields[key] != known.fields[key]
    ]
    fixed = [key for key in differs if key in FIXED.get(wanted.kind, ())]
    if not differs or fixed:
        return None, [f"{name}: {key} stays what it was; use another id" for key in fixed]
    change = DeclaredChange(
        action="update",
        kind=wanted.kind,
        id=wanted.id,
        before={key: written(wanted.kind, key, known.fields[key]) for key in differs},
        after={key: written(wanted.kind, key, wanted.fields[key]) for key in differs},
        declaration=wanted,
    )
    return change, []


def _with_name(wanted: Declaration) -> Declaration:
    """A new thing is called by its id when it has no name of its own."""
    if "name" not in FIELDS[wanted.kind] or "name" in wanted.fields:
        return wanted
    return evolve(wanted, fields=wanted.fields.set("name", wanted.id))


def _pruned(wanted: Collection[Declaration], there: Known) -> list[DeclaredChange]:
    kinds = {each.kind for each in wanted} - STAYS
    mentioned = {(each.kind, each.id) for each in wanted}
    return [
        DeclaredChange(action="delete", kind=kind, id=id)
        for kind in reversed(DECLARED_KINDS)
        if kind in kinds
        for (sort, id) in there
        if sort == kind and (sort, id) not in mentioned
    ]
