"""What an observation means for each grant of a target. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.delivery.judging import View, presence
from marketplace_sdk.delivery.ledger import Claim, LedgerEntry
from marketplace_sdk.delivery.plan import Obstacle
from marketplace_sdk.domain.grants import Grant, Part, Trouble

if TYPE_CHECKING:
    from marketplace_sdk.delivery.naming import Names
    from marketplace_sdk.delivery.situation import Situation
    from marketplace_sdk.delivery.wishes import Wishes

__all__ = ["Shown", "needs_showing", "part_of", "shown_of"]

NOTHING = Obstacle(
    "nothing_to_grant", "the platform has no way to give this access", retryable=False
)

SHUT = Obstacle(
    "connection_uninstalled",
    "the marketplace was uninstalled from this platform; install the connection again",
    retryable=False,
)


@frozen
class Shown:
    """What was seen of one grant on one target.

    Attributes:
        present: whether it is there; None when that could not be seen.
        obstacle: what is wrong, or None.
    """

    present: bool | None
    obstacle: Obstacle | None = None


@frozen
class _Rows:
    """What was seen of some rows."""

    some: bool = False
    absent: bool = False
    blind: bool = False
    obstacles: tuple[Obstacle, ...] = field(default=())

    @classmethod
    def of(cls, parts: Sequence[_Rows]) -> _Rows:
        """What was seen of all of these."""
        some = absent = blind = False
        obstacles: tuple[Obstacle, ...] = ()
        for part in parts:
            some, absent, blind = some or part.some, absent or part.absent, blind or part.blind
            obstacles += part.obstacles
        return cls(some, absent, blind, obstacles)


def shown_of(
    situation: Situation,
    entries: Iterable[LedgerEntry],
    view: View,
    obstacles: Mapping[str, Obstacle],
    names: Names,
    wishes: Wishes,
) -> Mapping[str, Shown]:
    """What was seen of every grant of the target, by id.

    Args:
        situation: who was to have what.
        entries: the rows of the target, before what is gone was forgotten.
        view: what was seen last.
        obstacles: why a row's item is not as it should be, by id of the row.
        names: objects and members that could not be used.
        wishes: claimants whose items could not be made.
    """
    claimed: dict[Claim, list[LedgerEntry]] = {}
    leaving: dict[Claim, list[LedgerEntry]] = {}
    for entry in entries:
        for claim in entry.claims:
            claimed.setdefault(claim, []).append(entry)
        for claim in entry.leaving:
            leaving.setdefault(claim, []).append(entry)
    base = {
        layer.key: _Rows.of(
            [
                _rows(claimed.get(Claim(layer.key, situation.target), ()), view, obstacles),
                _missing(names.missing_objects.get(each.name) for each in layer.objects),
                _missing([wishes.obstacles.get(layer.key)]),
            ]
        )
        for layer in situation.layers
    }
    found: dict[str, Shown] = {}
    members = situation.members
    for id in situation.grants:
        claim = Claim(f"grant:{id}", situation.target)
        if id in members:
            rows = [_rows(claimed.get(claim, ()), view, obstacles)]
            if id in names.missing_members or claim.claimant in wishes.obstacles:
                why = [names.missing_members.get(id), wishes.obstacles.get(claim.claimant)]
                rows.append(_missing(why))
            rows += [base[layer.key] for layer in situation.layers if id in layer.members]
            found[id] = _given(_Rows.of(rows))
        else:
            found[id] = _taken(leaving.get(claim, ()), view, obstacles)
            if situation.shut and situation.grants[id].live and found[id].obstacle is None:
                found[id] = Shown(found[id].present, SHUT)
    return found


def part_of(shown: Shown, old: Part | None, now: datetime) -> Part:
    """The part to be stored; the same trouble as before keeps its beginning."""
    present = shown.present
    if present is None:
        present = old is not None and old.present
    if shown.obstacle is None:
        return Part(present=present)
    before = None if old is None else old.trouble
    trouble = Trouble(
        code=shown.obstacle.code,
        message=shown.obstacle.message,
        since=now if before is None or before.code != shown.obstacle.code else before.since,
        retryable=shown.obstacle.retryable,
    )
    return Part(present=present, trouble=trouble)


def needs_showing(grant: Grant, key: str, part: Part, *, waits: bool) -> bool:
    """Whether storing the part could change the grant in any way."""
    changes = part != grant.parts.get(key, Part())
    moved = ("wanted",) if part.present else ("active", "ending")
    waited = "waiting_for_access" in grant.withheld
    return changes or grant.state in moved or waits != waited


def _rows(entries: Iterable[LedgerEntry], view: View, obstacles: Mapping[str, Obstacle]) -> _Rows:
    some = absent = blind = False
    found: list[Obstacle] = []
    for entry in entries:
        some = True
        if entry.scope not in view.seen:
            blind = True
            found.append(_blind(entry, view))
        elif presence(entry, view) is None:
            absent = True
            if entry.id in obstacles:
                found.append(obstacles[entry.id])
    return _Rows(some, absent, blind, tuple(found))


def _missing(obstacles: Iterable[Obstacle | None]) -> _Rows:
    """Something that should have rows and could not have them."""
    found = tuple(one for one in obstacles if one is not None)
    # What could not be looked up says nothing; what is known to be missing is missing.
    return _Rows(
        absent=any(not one.retryable for one in found),
        blind=any(one.retryable for one in found),
        obstacles=found,
    )


def _given(rows: _Rows) -> Shown:
    if not rows.some and not rows.obstacles:
        return Shown(present=False, obstacle=NOTHING)
    if rows.absent:
        return Shown(present=False, obstacle=_worst(rows.obstacles))
    return Shown(present=None if rows.blind else True, obstacle=_worst(rows.obstacles))


def _taken(entries: Iterable[LedgerEntry], view: View, obstacles: Mapping[str, Obstacle]) -> Shown:
    still = False
    why: list[Obstacle] = []
    for entry in entries:
        if entry.scope not in view.seen:
            return Shown(present=None, obstacle=_blind(entry, view))
        if presence(entry, view) is not None and not entry.claimed and entry.origin == "ours":
            still = True
            if entry.id in obstacles:
                why.append(obstacles[entry.id])
    return Shown(present=still, obstacle=_worst(why))


def _blind(entry: LedgerEntry, view: View) -> Obstacle:
    answer = view.blind.get(entry.scope)
    if answer is None:
        return Obstacle("cannot_look", f"{entry.scope.key} was not looked at")
    return Obstacle("cannot_look", answer.reason, answer.retryable)


def _worst(obstacles: Iterable[Obstacle]) -> Obstacle | None:
    """The one that people should read: a cause before a consequence, lasting before passing."""
    return min(
        obstacles,
        key=lambda one: (one.code == "waits_for_another", one.retryable, one.code, one.message),
        default=None,
    )
