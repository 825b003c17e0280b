"""What to change on a platform, from what is claimed and what was seen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import groupby, product

from attrs import evolve, field, frozen

from marketplace_sdk.delivery.ledger import LedgerEntry, scope_id
from marketplace_sdk.ports.provisioner import CannotLook, Change, Guard, Presence, Scope, Seen

__all__ = [
    "Blocks",
    "Obstacle",
    "Plan",
    "View",
    "batches",
    "judge",
    "make_plan",
    "presence",
    "recorded",
    "shows",
]


@frozen
class Obstacle:
    """Why something is not as it should be.

    Attributes:
        code: stable name.
        message: for people, with what to do.
        retryable: waiting may help, without anybody doing something.
    """

    code: str
    message: str
    retryable: bool = True


@frozen
class View:
    """What one or more observations showed.

    Attributes:
        seen: scopes that could be listed.
        blind: those that could not.
    """

    seen: Mapping[Scope, Seen] = field(factory=dict)
    blind: Mapping[Scope, CannotLook] = field(factory=dict)

    @property
    def guards(self) -> Mapping[Guard, bool]:
        """Every guard that was answered; one that was denied anywhere is denied."""
        answers: dict[Guard, bool] = {}
        for seen in self.seen.values():
            for guard, answer in seen.guards.items():
                answers[guard] = answers.get(guard, True) and answer is True
        return answers

    def updated(self, later: View) -> View:
        """This view with what a later one says about its scopes."""
        again = {*later.seen, *later.blind}
        return View(
            {**{s: v for s, v in self.seen.items() if s not in again}, **later.seen},
            {**{s: v for s, v in self.blind.items() if s not in again}, **later.blind},
        )


@frozen(kw_only=True)
class Plan:
    """Changes in the order in which they are made, and what cannot be made.

    Attributes:
        removals: first.
        additions: then.
        blocked: why an item that is claimed and absent is not added, by id of its row.
    """

    removals: tuple[Change, ...] = ()
    additions: tuple[Change, ...] = ()
    blocked: Mapping[str, Obstacle] = field(factory=dict)


class Blocks:
    """Items that are missing, and whether another one needs one of them.

    A higher item needs a lower one if it is the same member's, or if the lower one is for all
    members, and if the lower one opens nothing by itself or an object that the higher one opens.
    """

    def __init__(self) -> None:
        self._lowest: dict[tuple[str, str], int] = {}

    def add(self, entry: LedgerEntry) -> None:
        """An item that is not there and will not be."""
        for claimant in _built_for(entry):
            for name in entry.item.opens or ("",):
                place = (claimant, name)
                self._lowest[place] = min(entry.item.rank, self._lowest.get(place, entry.item.rank))

    def need(self, entry: LedgerEntry) -> bool:
        """Whether this item needs one that is missing."""
        if not self._lowest:
            return False
        rank = entry.item.rank
        return any(
            self._lowest.get((claimant, name), rank) < rank
            for claimant in _builds_on(entry)
            for name in ("", *entry.item.opens)
        )


def presence(entry: LedgerEntry, view: View) -> Presence | None:
    """The item as it was seen, or None; only for a scope that was seen."""
    return view.seen[entry.scope].items.get(entry.item.key)


def shows(entry: LedgerEntry, view: View) -> bool:
    """Whether the item was seen to be there."""
    return entry.scope in view.seen and presence(entry, view) is not None


def judge(entry: LedgerEntry, view: View) -> LedgerEntry:
    """The row with its origin decided, if its scope was seen.

    What was there before us, without our marker, is somebody else's. When such a thing is gone,
    the right that somebody had before us is over, and what we add in its place is ours.
    """
    if entry.scope not in view.seen:
        return entry
    found = presence(entry, view)
    if found is None:
        return evolve(entry, origin="ours")
    if entry.origin:
        return entry
    return evolve(entry, origin="ours" if found.ours else "preexisting")


def make_plan(
    entries: Collection[LedgerEntry],
    view: View,
    *,
    may_grant: Sequence[str],
    held: Collection[str] = (),
) -> Plan:
    """Remove what is ours, present and claimed by nobody; add what is claimed and absent.

    Args:
        entries: rows of the scopes, with their origin decided.
        view: what was seen.
        may_grant: patterns of what may be opened at all.
        held: ids of rows that keep their claims but are not added, because what they are about
            could not be looked up in this pass.
    """
    removals: list[LedgerEntry] = []
    missing: list[LedgerEntry] = []
    blocks = Blocks()
    for entry in entries:
        if entry.scope not in view.seen:
            if entry.claimed:
                blocks.add(entry)
        elif presence(entry, view) is None:
            if entry.claimed:
                missing.append(entry)
        elif not entry.claimed and entry.origin == "ours":
            removals.append(entry)
    removals.sort(key=lambda one: (-one.item.rank, scope_id(one.scope), one.item.key))
    missing.sort(key=lambda one: (one.item.rank, scope_id(one.scope), one.item.key))
    obstacles = _Obstacles(entries, view, may_grant, held)
    additions: list[Change] = []
    blocked: dict[str, Obstacle] = {}
    for entry in missing:
        why = obstacles.of(entry)
        if why is None and blocks.need(entry):
            why = Obstacle("waits_for_another", f"{_what(entry)} waits for what it is built on")
        if why is None:
            additions.append(Change(action="add", item=entry.item))
        else:
            blocked[entry.id] = why
            blocks.add(entry)
    return Plan(
        removals=tuple(Change(action="remove", item=one.item) for one in removals),
        additions=tuple(additions),
        blocked=blocked,
    )


def batches(changes: Sequence[Change]) -> list[tuple[Change, ...]]:
    """Consecutive changes of one scope together, in their order."""
    return [tuple(group) for _, group in groupby(changes, key=lambda change: change.item.scope)]


def recorded(entry: LedgerEntry, view: View) -> LedgerEntry | None:
    """The row after an observation, or None when there is nothing left to remember.

    A row is forgotten when nobody claims its item and the item is gone, or was never ours.
    """
    if entry.scope not in view.seen:
        return entry
    found = presence(entry, view)
    if not entry.claimed and (found is None or entry.origin == "preexisting"):
        return None
    return evolve(
        entry,
        state="absent" if found is None else "present",
        native_id="" if found is None else found.native_id,
    )


class _Obstacles:
    """What stands against an addition by itself, whatever else is added."""

    def __init__(
        self,
        entries: Iterable[LedgerEntry],
        view: View,
        may_grant: Sequence[str],
        held: Collection[str],
    ) -> None:
        self._answers = view.guards
        self._may_grant = may_grant
        self._held = held
        self._guarded: dict[tuple[str, str], list[LedgerEntry]] = {}
        for entry in entries:
            if entry.item.guards:
                for place in product(_built_for(entry), entry.item.opens):
                    self._guarded.setdefault(place, []).append(entry)

    def of(self, entry: LedgerEntry) -> Obstacle | None:
        """The first obstacle, or None."""
        if entry.id in self._held:
            return Obstacle("cannot_look", f"{_what(entry)} could not be looked up")
        for name in entry.item.opens:
            if not any(fnmatchcase(name, pattern) for pattern in self._may_grant):
                return Obstacle(
                    "not_in_may_grant",
                    f"{_what(entry)} would open {name}, which may_grant of the connection does "
                    "not name; an administrator may add it there",
                    retryable=False,
                )
        for guard in self._guards(entry):
            if self._answers.get(guard) is not True:
                return _unguarded(entry, guard, read=guard in self._answers)
        return None

    def _guards(self, entry: LedgerEntry) -> Iterable[Guard]:
        """Its own, and those of the lower items that it needs: they open what it lets in to."""
        yield from entry.item.guards
        below = {
            guard
            for place in product(_builds_on(entry), entry.item.opens)
            for one in self._guarded.get(place, ())
            if one.item.rank < entry.item.rank
            for guard in one.item.guards
        }
        yield from sorted(below, key=lambda guard: (guard.kind, guard.subject))


def _built_for(entry: LedgerEntry) -> tuple[str, ...]:
    """Claimants whose higher items need this one; empty text stands for all of them."""
    return ("",) if entry.is_base else tuple(claim.claimant for claim in entry.claims)


def _builds_on(entry: LedgerEntry) -> tuple[str, ...]:
    """Claimants whose lower items this one needs: its own, and what is for all."""
    return ("", *(claim.claimant for claim in entry.claims))


def _unguarded(entry: LedgerEntry, guard: Guard, *, read: bool) -> Obstacle:
    if guard.kind != "column_protected":
        said = "does not hold" if read else "could not be read"
        return Obstacle(
            "unguarded",
            f"{_what(entry)} is held back: {guard.kind} of {guard.subject} {said}",
            retryable=False,
        )
    said = "is not protected" if read else "cannot be shown to be protected"
    return Obstacle(
        "unprotected_column",
        f"{_what(entry)} is held back: column {guard.subject} {said} on the platform; "
        "protect it there, then it is tried again",
        retryable=False,
    )


def _what(entry: LedgerEntry) -> str:
    return f"{entry.item.kind} in {entry.scope.key}"
