"""Counting: who has filled which seat, what is still open, and what follows from it.

``tally`` uses only what each determination recorded when it was made. Rules: docs/explanation/quorum.
"""

from __future__ import annotations

from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from marketplace_sdk.domain.durations import Window
from marketplace_sdk.domain.review import Seat, Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from marketplace_sdk.domain.people import Facts

__all__ = [
    "Determination",
    "FilledSeat",
    "Match",
    "OpenSeat",
    "Tally",
    "adds_approval",
    "matches",
    "tally",
]

Place = tuple[int, int]


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
        stage, set, seat: where it is, each from 0.
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


def matches(stage: Stage, facts: Facts, extra: Collection[Place] = ()) -> tuple[Match, ...]:
    """The seats of a stage that a person matches now; ``extra`` are filled by a fallback."""
    found = []
    for set_number, seat_number, seat in stage.seats():
        for selector in seat.selectors:
            if selector.matches(facts):
                found.append(Match(set_number, seat_number, str(selector)))
                break
        else:
            if (set_number, seat_number) in extra:
                found.append(Match(set_number, seat_number, "fallback"))
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
        votes = _votes(stage, approvals.get(number, ()))
        filled += _filled(number, stage, votes)
        wanting = _wanting(stage, votes)
        if wanting and denied_by is None:
            return Tally(
                outcome="pending",
                stage=number,
                filled=tuple(filled),
                open=tuple(_open(number, stage, votes, wanting)),
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

    It counts when a seat of a set that is still open takes it; with distinct stewards, when it
    lets one more place be filled, earlier votes being moved if need be.
    """
    votes = _votes(stage, approvals)
    places = {(match.set, match.seat) for match in matched}
    wanting = _wanting(stage, votes)
    if not stage.distinct_stewards:
        return any(
            place in places and len(votes.get(place, ())) < seat.approvals
            for place, seat in _seats_of(stage, wanting)
        )
    people = [{(match.set, match.seat) for match in each.matched} for each in approvals]
    open_places = {place for place, _ in _seats_of(stage, wanting)}
    if not places & open_places:
        return False
    before = sum(len(found) for found in votes.values())
    return _most_filled(stage, [*people, places]) > before


def _votes(
    stage: Stage, approvals: Sequence[Determination]
) -> Mapping[Place, Sequence[str]]:
    """Who counts for which seat; never more people than the seat needs."""
    if stage.distinct_stewards:
        return _matched_votes(stage, approvals)
    votes: dict[Place, list[str]] = {}
    sets = stage.sets
    for each in approvals:
        for match in each.matched:
            place = (match.set, match.seat)
            found = votes.get(place)
            if found is None:
                votes[place] = [each.by]
            elif len(found) < sets[match.set][match.seat].approvals and each.by not in found:
                found.append(each.by)
    return votes


def _wanting(stage: Stage, votes: Mapping[Place, Sequence[str]]) -> list[int]:
    """Numbers of the sets in which no seat is filled yet."""
    return [
        number
        for number, seats in enumerate(stage.sets)
        if not any(
            len(votes.get((number, place), ())) >= seat.approvals
            for place, seat in enumerate(seats)
        )
    ]


def _seats_of(stage: Stage, sets: Sequence[int]) -> list[tuple[Place, Seat]]:
    return [
        ((number, place), seat) for number in sets for place, seat in enumerate(stage.sets[number])
    ]


def _filled(
    number: int, stage: Stage, votes: Mapping[Place, Sequence[str]]
) -> list[FilledSeat]:
    sets = stage.sets
    return [
        FilledSeat(stage=number, set=place[0], seat=place[1], by=tuple(by))
        for place, by in sorted(votes.items())
        if len(by) >= sets[place[0]][place[1]].approvals
    ]


def _open(
    number: int, stage: Stage, votes: Mapping[Place, Sequence[str]], wanting: Sequence[int]
) -> list[OpenSeat]:
    return [
        OpenSeat(
            stage=number,
            set=place[0],
            seat=place[1],
            wants=seat,
            missing=seat.approvals - len(votes.get(place, ())),
            by=tuple(votes.get(place, ())),
        )
        for place, seat in _seats_of(stage, wanting)
    ]


def _matched_votes(
    stage: Stage, approvals: Sequence[Determination]
) -> Mapping[Place, Sequence[str]]:
    """Distinct stewards: everybody sits in one seat only.

    Of the ways to choose one seat from every set, the one that can be filled furthest is taken;
    the first of equals, so that the result does not depend on anything but the votes.
    """
    people = [{(match.set, match.seat) for match in each.matched} for each in approvals]
    best: dict[tuple[int, int, int], int] = {}
    for chosen in product(*(range(len(seats)) for seats in stage.sets)):
        places = [(number, place) for number, place in enumerate(chosen)]
        seated = _match(_slots(stage, places), people)
        if len(seated) > len(best):
            best = seated
    votes: dict[Place, list[str]] = {}
    for (number, place, _), person in sorted(best.items()):
        votes.setdefault((number, place), []).append(approvals[person].by)
    return votes


def _most_filled(stage: Stage, people: Sequence[Collection[Place]]) -> int:
    return max(
        len(_match(_slots(stage, list(enumerate(chosen))), people))
        for chosen in product(*(range(len(seats)) for seats in stage.sets))
    )


def _slots(stage: Stage, places: Sequence[Place]) -> list[tuple[int, int, int]]:
    return [
        (number, place, slot)
        for number, place in places
        for slot in range(stage.sets[number][place].approvals)
    ]


def _match(
    slots: Sequence[tuple[int, int, int]], people: Sequence[Collection[Place]]
) -> dict[tuple[int, int, int], int]:
    """A largest matching of people to slots, by augmenting paths, in order of voting."""
    seated: dict[tuple[int, int, int], int] = {}

    def seat(person: int, tried: set[tuple[int, int, int]]) -> bool:
        for slot in slots:
            if slot[:2] not in people[person] or slot in tried:
                continue
            tried.add(slot)
            if slot not in seated or seat(seated[slot], tried):
                seated[slot] = person
                return True
        return False

    for person in range(len(people)):
        seat(person, set())
    return seated
