"""What an observation means for a row of the ledger. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from attrs import evolve, field, frozen

from marketplace_sdk.delivery.ledger import LedgerEntry
from marketplace_sdk.ports.provisioner import CannotLook, Guard, Presence, Scope, Seen

__all__ = ["View", "judge", "presence", "recorded", "same_end", "shows"]

PEACE = timedelta(days=1)
"""After so long in its place, it is forgotten how often an item was taken away."""


@frozen
class View:
    """What one or more observations showed.

    Attributes:
        seen: scopes that could be listed.
        blind: those that could not.
        at: when it was looked, if that matters.
    """

    seen: Mapping[Scope, Seen] = field(factory=dict)
    blind: Mapping[Scope, CannotLook] = field(factory=dict)
    at: datetime | None = None

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
            later.at,
        )


def presence(entry: LedgerEntry, view: View) -> Presence | None:
    """The item as it was seen, or None; only for a scope that was seen."""
    return view.seen[entry.scope].items.get(entry.item.key)


def shows(entry: LedgerEntry, view: View) -> bool:
    """Whether the item was seen to be there."""
    return entry.scope in view.seen and presence(entry, view) is not None


def same_end(one: datetime | None, other: datetime | None) -> bool:
    """Whether two ends are the same to the second, which is as exact as platforms are."""
    if one is None or other is None:
        return one is other
    return abs(one - other) < timedelta(seconds=1)


def judge(entry: LedgerEntry, view: View, *, keep: bool = False) -> LedgerEntry:
    """The row with its origin decided, if its scope was seen.

    What was there before us, without our marker, is somebody else's. When such a thing is gone,
    the right that somebody had before us is over, and what we add in its place is ours. What
    somebody gives by hand while we have a reason for it stays ours, unless it is to be kept.
    """
    if entry.scope not in view.seen:
        return entry
    found = presence(entry, view)
    if found is None:
        taken = entry.claimed and entry.state == "present" and entry.origin == "ours"
        changed = entry
        if entry.origin != "ours" or entry.by_hand:
            changed = evolve(entry, origin="ours", by_hand=False)
        if taken:
            changed = evolve(changed, undone=entry.undone + 1, state="absent", at=view.at)
        return changed
    if not entry.origin:
        return evolve(entry, origin="ours" if found.ours else "preexisting")
    if entry.origin == "ours" and entry.claimed and _by_hand(entry, found):
        if keep:
            return evolve(entry, origin="preexisting")
        return entry if entry.by_hand else evolve(entry, by_hand=True)
    # A platform with markers shows that theirs is gone again; without, nobody can tell.
    gone = entry.by_hand and found.ours and not found.by_hand
    return evolve(entry, by_hand=False) if gone else entry


def recorded(entry: LedgerEntry, view: View) -> LedgerEntry | None:
    """The row after an observation, or None when there is nothing left to remember.

    A row is forgotten when nobody claims its item and the item is gone, or was never ours.
    """
    if entry.scope not in view.seen:
        return entry
    found = presence(entry, view)
    if not entry.claimed and (found is None or entry.origin == "preexisting"):
        return None
    calm = found is not None and entry.at is not None and view.at is not None
    if calm and entry.undone and view.at - entry.at > PEACE:  # type: ignore[operator]  # calm
        entry = evolve(entry, undone=0)
    state: Literal["present", "absent"] = "absent" if found is None else "present"
    native_id = "" if found is None else found.native_id
    if (entry.state, entry.native_id) == (state, native_id):
        return entry
    return evolve(entry, state=state, native_id=native_id)


def _by_hand(entry: LedgerEntry, found: Presence) -> bool:
    """Whether somebody gave it too, or instead of us: we had seen it absent and sent nothing."""
    return found.by_hand or (entry.state == "absent" and not found.ours)
