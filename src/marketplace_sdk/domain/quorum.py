"""Counting: who has filled which seat, what is still open, and what follows from it.

``tally`` uses only what each determination recorded when it was made; the rules in words are in
docs/explanation/quorum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from marketplace_sdk.domain.durations import Window
from marketplace_sdk.domain.review import Seat, Stage
from marketplace_sdk.domain.values import FrozenMap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from marketplace_sdk.domain.people import Facts

__all__ = [
    "Determination",
    "FilledSeat",
    "Match",
    "OpenSeat",
    "Tally",
    "adds_approval",
    "hopeless",
    "matches",
    "tally",
]

Place = tuple[int, int]
Choice = tuple[Place, ...]
Votes = list[list[list[str]]]  # names, by set and seat
_NOWHERE: Mapping[Place, str] = FrozenMap()


@frozen
class Match:
    """A seat that a steward matched when they acted, and by which membership.

    Attributes:
        set: number of the set within the stage, from 0.
        seat: number of the seat within the set, from 0.
        by: the selector's words, for example ``group Legal``; kept as proof.
    """

    set: int
    seat: int
    by: str


@frozen(kw_only=True)
class Determination:
    """One steward's decision, never edited.

    Attributes:
        id: unique within the request; the same id again is a no-op.
        by: the steward.
        verdict: approve or deny; a temporary approval is an approval with ``until``.
        reason: why; never leaves in a log or webhook.
        until: the end this steward set, counted from the final determination or absolute.
        at: when.
        stage: number of the stage it was made on, from 0.
        matched: the seats of that stage which the steward matched then.
        as_of: when the directory vouched for the membership.
        self_review: the steward is on the receiving side, and the form allows it.
    """

    id: str
    by: str
    verdict: Literal["approve", "deny"]
    reason: str = field(default="", repr=False)
    until: Window | None = None
    at: datetime
    stage: int
    matched: tuple[Match, ...]
    as_of: datetime | None = None
    self_review: bool = False


@frozen(kw_only=True)
class FilledSeat:
    """A seat with all the approvals that it needs, and whose they are."""

    stage: int
    set: int
    seat: int
    by: tuple[str, ...]


@frozen(kw_only=True)
class OpenSeat:
    """A seat of the open stage that still wants approvals.

    Attributes:
        stage: number of its stage, from 0.
        set: number of its set in the stage, from 0.
        seat: its number in the set, from 0.
        wants: the seat itself.
        missing: how many approvals it still needs.
        by: who has approved on it so far.
    """

    stage: int
    set: int
    seat: int
    wants: Seat
    missing: int
    by: tuple[str, ...] = ()

    def __str__(self) -> str:
        return str(self.wants)


@frozen(kw_only=True)
class Tally:
    """The evaluated result of a review. It has no truth value: ask for the ``outcome``.

    Attributes:
        outcome: pending, approved or denied.
        stage: number of the open stage; None when the review is over.
        filled: seats that are filled.
        open: seats of the open stage that are not; empty when the review is over.
        denied_by: who denied, or None.
        windows: every end that an approver set; the earliest counts.
    """

    outcome: Literal["pending", "approved", "denied"]
    stage: int | None
    filled: tuple[FilledSeat, ...]
    open: tuple[OpenSeat, ...]
    denied_by: str | None = None
    windows: tuple[Window, ...] = ()

    def __bool__(self) -> bool:
        raise TypeError("a Tally has no truth value: compare its outcome")


def matches(
    stage: Stage, facts: Facts, stand_in: Mapping[Place, str] = _NOWHERE
) -> tuple[Match, ...]:
    """The seats of a stage that a person matches now.

    Args:
        stage: of a review.
        facts: of the person, read at this moment.
        stand_in: seats that they may fill without being named by them, and by what right.
    """
    found = []
    for set_number, seat_number, seat in stage.seats():
        for selector in seat.selectors:
            if selector.matches(facts):
                found.append(Match(set_number, seat_number, str(selector)))
                break
        else:
            if (by := stand_in.get((set_number, seat_number))) is not None:
                found.append(Match(set_number, seat_number, by))
    return tuple(found)


def tally(stages: Sequence[Stage], determinations: Sequence[Determination]) -> Tally:
    """Evaluate a review: stages in order, every set of a stage needs one filled seat.

    One denial denies, whatever else was said. An empty review is approved: nobody was asked.
    """
    approvals: dict[int, list[Determination]] = {}
    windows: list[Window] = []
    denied_by = None
    for each in determinations:
        if each.verdict == "deny":
            denied_by = denied_by or each.by
            continue
        approvals.setdefault(each.stage, []).append(each)
        if each.until is not None:
            windows.append(each.until)
    filled: list[FilledSeat] = []
    for number, stage in enumerate(stages):
        done, wanting = _count(number, stage, _votes(stage, approvals.get(number, ())))
        filled += done
        if wanting and denied_by is None:
            return Tally(
                outcome="pending",
                stage=number,
                filled=tuple(filled),
                open=tuple(wanting),
                windows=tuple(windows),
            )
        if wanting:
            break
    return Tally(
        outcome="approved" if denied_by is None else "denied",
        stage=None,
        filled=tuple(filled),
        open=(),
        denied_by=denied_by,
        windows=tuple(windows),
    )


def adds_approval(
    stage: Stage, approvals: Sequence[Determination], matched: Sequence[Match]
) -> bool:
    """Whether one more approval by somebody who matched these seats would count for anything.

    It counts when afterwards fewer further approvals can be enough. That is so when it takes a
    place in a set that is still open; with distinct stewards, when it lets one more place be
    filled, earlier votes being moved if need be.
    """
    if stage.distinct_stewards:
        people = _people(approvals)
        return _helps(stage, people, [*people, {(match.set, match.seat) for match in matched}])
    _, wanting = _count(0, stage, _votes(stage, approvals))
    still_open = {seat.set for seat in wanting}
    return any(match.set in still_open for match in matched)


def hopeless(
    stage: Stage,
    approvals: Sequence[Determination],
    candidates: Mapping[Place, Collection[str]],
) -> frozenset[Place]:
    """The open seats of every set that cannot be filled, whoever else acts.

    A set is lost only when each of its alternatives is.

    Args:
        stage: the open one.
        approvals: on it, so far.
        candidates: who could still approve, by (set, seat).
    """
    _, wanting = _count(0, stage, _votes(stage, approvals))
    if stage.distinct_stewards:
        more: dict[str, set[Place]] = {}
        for place, names in candidates.items():
            for name in names:
                more.setdefault(name, set()).add(place)
        seated = Counter(
            place for place, _ in _seating(stage, [*_people(approvals), *more.values()])
        )
        able = {
            (seat.set, seat.seat)
            for seat in wanting
            if seated[seat.set, seat.seat] == seat.wants.approvals
        }
    else:
        able = {
            (seat.set, seat.seat)
            for seat in wanting
            if len(set(candidates.get((seat.set, seat.seat), ()))) >= seat.missing
        }
    hopeful = {at for at, _ in able}
    return frozenset((seat.set, seat.seat) for seat in wanting if seat.set not in hopeful)


def _votes(stage: Stage, approvals: Sequence[Determination]) -> Votes:
    """Who counts for which seat; never more people than the seat needs."""
    votes: Votes = [[[] for _ in seats] for seats in stage.sets]
    if stage.distinct_stewards:
        names = list(dict.fromkeys(each.by for each in approvals))
        for (number, place), person in _seating(stage, _people(approvals)):
            votes[number][place].append(names[person])
        return votes
    sets = stage.sets
    for each in approvals:
        by = each.by
        for match in each.matched:
            names = votes[match.set][match.seat]
            if by not in names and len(names) < sets[match.set][match.seat].approvals:
                names.append(by)
    return votes


def _count(number: int, stage: Stage, votes: Votes) -> tuple[list[FilledSeat], list[OpenSeat]]:
    """The filled seats of a stage, and all seats of every set in which none is filled."""
    filled: list[FilledSeat] = []
    wanting: list[OpenSeat] = []
    for at, seats in enumerate(stage.sets):
        before = len(filled)
        for place, seat in enumerate(seats):
            names = votes[at][place]
            if len(names) >= seat.approvals:
                filled.append(FilledSeat(stage=number, set=at, seat=place, by=tuple(names)))
        if len(filled) > before:
            continue
        for place, seat in enumerate(seats):
            names = votes[at][place]
            wanting.append(
                OpenSeat(
                    stage=number,
                    set=at,
                    seat=place,
                    wants=seat,
                    missing=seat.approvals - len(names),
                    by=tuple(names),
                )
            )
    return filled, wanting


def _people(approvals: Sequence[Determination]) -> list[set[Place]]:
    """The places that each approver matched, in order of voting."""
    people: dict[str, set[Place]] = {}
    for each in approvals:
        people.setdefault(each.by, set()).update((match.set, match.seat) for match in each.matched)
    return list(people.values())


# Distinct stewards: everybody counts for one place only. A choice is one seat from every set, a
# slot is a place that one person fills: a seat that needs two approvals has two.


def _choices(stage: Stage) -> list[Choice]:
    places = [[(at, place) for place in range(len(seats))] for at, seats in enumerate(stage.sets)]
    return list(product(*places))


def _slots(stage: Stage, places: Iterable[Place]) -> list[Place]:
    return [(at, place) for at, place in places for _ in range(stage.sets[at][place].approvals)]


def _seating(stage: Stage, people: Sequence[Collection[Place]]) -> list[tuple[Place, int]]:
    """Who sits where, in the choice of which most sets are filled, then most places.

    The first of equals is taken, so that nothing decides but the votes.
    """
    best: list[tuple[Place, int]] = []
    most = (-1, -1)
    for choice in _choices(stage):
        slots = _slots(stage, choice)
        seated = [(slots[slot], person) for person, slot in _match(slots, people).items()]
        held = Counter(place for place, _ in seated)
        full = sum(held[at, place] == stage.sets[at][place].approvals for at, place in choice)
        if (full, len(seated)) > most:
            best, most = seated, (full, len(seated))
    return sorted(best)


def _helps(
    stage: Stage, people: Sequence[Collection[Place]], with_it: Sequence[Collection[Place]]
) -> bool:
    """Whether the larger set of voters can do with fewer further votes than the smaller.

    In one choice it can when it fills one more slot. That is worth nothing if another choice can
    stand in: if the smaller set alone fills whatever is different there, and still as much of
    what is the same as the larger one does.
    """
    choices = _choices(stage)
    reached = {choice: len(_match(_slots(stage, choice), people)) for choice in choices}

    def stands_in(other: Choice, choice: Choice) -> bool:
        spare = reached[other] - len(_slots(stage, set(other).difference(choice)))
        if spare < 0:
            return False
        shared = _slots(stage, set(other).intersection(choice))
        return spare >= len(_match(shared, with_it))

    return any(not any(stands_in(other, choice) for other in choices) for choice in choices)


def _match(slots: Sequence[Place], people: Sequence[Collection[Place]]) -> dict[int, int]:
    """A largest matching, from person to slot, by augmenting paths.

    Slots are filled in order and stay filled: which are does not depend on the order of voting.
    """
    seated: dict[int, int] = {}

    def fill(slot: int, asked: set[int]) -> bool:
        for person, places in enumerate(people):
            if slots[slot] in places and person not in asked:
                asked.add(person)
                if person not in seated or fill(seated[person], asked):
                    seated[person] = slot
                    return True
        return False

    for slot in range(len(slots)):
        fill(slot, set())
    return seated
