"""What to change on a platform, from what is claimed and what was seen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from itertools import groupby, product

from attrs import field, frozen

from marketplace_sdk.delivery.closing import to_close
from marketplace_sdk.delivery.judging import View, presence, same_end
from marketplace_sdk.delivery.ledger import LedgerEntry, scope_id
from marketplace_sdk.ports.provisioner import Change, Guard

__all__ = [
    "Blocks",
    "Obstacle",
    "Plan",
    "batches",
    "make_plan",
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


@frozen(kw_only=True)
class Plan:
    """Changes in the order in which they are made, and what cannot be made.

    Attributes:
        removals: first.
        additions: then.
        updates: at last, ends of what is there.
        blocked: why an item that is claimed and absent is not added, or one that is there is
            taken away although it is claimed, by id of its row.
        closed: guards that were denied of what is taken away although it is claimed, by id.
    """

    removals: tuple[Change, ...] = ()
    additions: tuple[Change, ...] = ()
    updates: tuple[Change, ...] = ()
    blocked: Mapping[str, Obstacle] = field(factory=dict)
    closed: Mapping[str, Guard] = field(factory=dict)

    @property
    def changes(self) -> tuple[Change, ...]:
        """All of them, in their order."""
        return (*self.removals, *self.additions, *self.updates)


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


def make_plan(
    entries: Collection[LedgerEntry],
    view: View,
    *,
    may_grant: Sequence[str],
    held: Collection[str] = (),
    patience: Callable[[int], timedelta] = lambda _: timedelta(0),
    expires: bool = False,
) -> Plan:
    """Remove what is ours, present and claimed by nobody; add what is claimed and absent.

    What is ours and claimed is removed, too, when a guard of it is denied: what would not be given
    now is not left open.

    Args:
        entries: rows of the scopes, with their origin decided.
        view: what was seen.
        may_grant: patterns of what may be opened at all.
        held: ids of rows that keep their claims but are not added, because what they are about
            could not be looked up in this pass.
        patience: how long to wait before something is put back that was undone so often.
        expires: the platform can end items by itself.
    """
    closed = to_close(entries, view)
    removals, missing, unseen = _sorted(entries, view, closed)
    blocks = Blocks()
    for entry in unseen:
        blocks.add(entry)
    obstacles = _Obstacles(entries, view, may_grant, held, patience)
    additions: list[Change] = []
    blocked: dict[str, Obstacle] = {}
    for entry in removals:
        if entry.id in closed:
            blocked[entry.id] = _unguarded(entry, closed[entry.id], read=True)
            blocks.add(entry)
    for entry in missing:
        why = obstacles.of(entry)
        if why is None and blocks.need(entry):
            why = Obstacle("waits_for_another", f"{_what(entry)} waits for what it is built on")
        if why is None:
            until = entry.until if expires and entry.item.expires else None
            additions.append(Change(action="add", item=entry.item, until=until))
        else:
            blocked[entry.id] = why
            blocks.add(entry)
    return Plan(
        removals=tuple(Change(action="remove", item=one.item) for one in removals),
        additions=tuple(additions),
        updates=_updates(entries, view, closed) if expires else (),
        blocked=blocked,
        closed=closed,
    )


def _sorted(
    entries: Iterable[LedgerEntry], view: View, closed: Container[str]
) -> tuple[list[LedgerEntry], list[LedgerEntry], list[LedgerEntry]]:
    """What is to be removed, what is claimed and missing, and what is claimed and unseen."""
    removals, missing, unseen = [], [], []
    for entry in entries:
        if entry.scope not in view.seen:
            if entry.claimed:
                unseen.append(entry)
        elif presence(entry, view) is None:
            if entry.claimed:
                missing.append(entry)
        elif (not entry.claimed and entry.origin == "ours") or entry.id in closed:
            removals.append(entry)
    removals.sort(key=lambda one: (-one.item.rank, scope_id(one.scope), one.item.key))
    missing.sort(key=lambda one: (one.item.rank, scope_id(one.scope), one.item.key))
    return removals, missing, unseen


def _updates(
    entries: Iterable[LedgerEntry], view: View, closed: Container[str]
) -> tuple[Change, ...]:
    """Other ends for what is there because of us and does not end when it should."""
    found = [
        entry
        for entry in entries
        if entry.item.expires
        and entry.claimed
        and entry.origin == "ours"
        and entry.id not in closed
        and entry.scope in view.seen
        and (there := presence(entry, view)) is not None
        and not same_end(there.until, entry.until)
    ]
    found.sort(key=lambda one: (scope_id(one.scope), one.item.key))
    return tuple(Change(action="set_until", item=one.item, until=one.until) for one in found)


def batches(changes: Sequence[Change]) -> list[tuple[Change, ...]]:
    """Consecutive changes of one scope together, in their order."""
    return [tuple(group) for _, group in groupby(changes, key=lambda change: change.item.scope)]


class _Obstacles:
    """What stands against an addition by itself, whatever else is added."""

    def __init__(
        self,
        entries: Iterable[LedgerEntry],
        view: View,
        may_grant: Sequence[str],
        held: Collection[str],
        patience: Callable[[int], timedelta],
    ) -> None:
        self._answers = view.guards
        self._now = view.at
        self._patience = patience
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
        if self._too_soon(entry):
            return Obstacle(
                "undone_again",
                f"{_what(entry)} on {', '.join(entry.item.opens) or entry.scope.key} was taken "
                f"away {entry.undone} times by something else; it is put back with growing "
                "pauses until somebody finds out by what",
            )
        for guard in self._guards(entry):
            if self._answers.get(guard) is not True:
                return _unguarded(entry, guard, read=guard in self._answers)
        return None

    def _too_soon(self, entry: LedgerEntry) -> bool:
        if not entry.undone or entry.at is None or self._now is None:
            return False
        return self._now - entry.at < self._patience(entry.undone)

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
