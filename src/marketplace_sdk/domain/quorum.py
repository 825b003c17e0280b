"""Counting: who has filled which seat, what is still open, and what follows from it.

``tally`` uses only what each determination recorded when it was made; the rules in words are in
docs/explanation/quorum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from marketplace_sdk.domain.determinations import Determination, FilledSeat, Match, OpenSeat, Tally
from marketplace_sdk.domain.durations import Window
from marketplace_sdk.domain.review import Stage
from marketplace_sdk.domain.seating import Place, helps, seating
from marketplace_sdk.domain.values import FrozenMap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from marketplace_sdk.domain.people import Facts

__all__ = ["adds_approval", "hopeless", "matches", "tally"]

Voter = tuple[frozenset[str], set[Place]]  # voices, and the places that they matched
Votes = list[list[list["Determination"]]]  # by set and seat
_NOWHERE: Mapping[Place, str] = FrozenMap()


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
    stage: Stage,
    approvals: Sequence[Determination],
    matched: Sequence[Match],
    voices: Collection[str] = (),
) -> bool:
    """Whether one more approval by somebody who matched these seats would count for anything.

    It counts when afterwards fewer further approvals can be enough. That is so when it takes a
    place in a set that is still open, on a seat for which none of its voices counts yet; with
    distinct stewards, when it lets one more place be filled, earlier votes being moved if need be,
    and none of its voices was heard on the stage.

    Args:
        stage: the open one.
        approvals: on it, so far.
        matched: the seats that the steward matches.
        voices: ids of the steward and of a deputy of theirs who speaks; none: somebody new.
    """
    if stage.distinct_stewards:
        if any(not each.voices.isdisjoint(voices) for each in approvals):
            return False
        people = _places(_voters(approvals))
        return helps(stage, people, [*people, {(match.set, match.seat) for match in matched}])
    votes = _votes(stage, approvals)
    _, wanting = _count(0, stage, votes)
    still_open = {seat.set for seat in wanting}
    return any(
        match.set in still_open
        and all(each.voices.isdisjoint(voices) for each in votes[match.set][match.seat])
        for match in matched
    )


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
        heard = frozenset[str]().union(*(each.voices for each in approvals))
        fresh = [places for name, places in more.items() if name not in heard]
        people = [*_places(_voters(approvals)), *fresh]
        seated = Counter(place for place, _ in seating(stage, people))
        able = {
            (seat.set, seat.seat)
            for seat in wanting
            if seated[seat.set, seat.seat] == seat.wants.approvals
        }
    else:
        able = {
            (seat.set, seat.seat)
            for seat in wanting
            if len(_unheard(seat, candidates.get((seat.set, seat.seat), ()))) >= seat.missing
        }
    hopeful = {at for at, _ in able}
    return frozenset((seat.set, seat.seat) for seat in wanting if seat.set not in hopeful)


def _unheard(seat: OpenSeat, ids: Collection[str]) -> set[str]:
    """Those of them whose voice does not count for a seat yet."""
    return set(ids).difference(seat.by, seat.deputy_for.values())


def _votes(stage: Stage, approvals: Sequence[Determination]) -> Votes:
    """What counts for which seat; never more than the seat needs, and nobody's voice twice."""
    votes: Votes = [[[] for _ in seats] for seats in stage.sets]
    if stage.distinct_stewards:
        voters = _voters(approvals)
        for place, person in seating(stage, _places(voters)):
            voices, _ = voters[person]
            votes[place[0]][place[1]].append(_speaker(approvals, voices, place))
        return votes
    sets = stage.sets
    for each in approvals:
        for match in each.matched:
            known = votes[match.set][match.seat]
            if len(known) >= sets[match.set][match.seat].approvals:
                continue
            if not known or all(each.voices.isdisjoint(one.voices) for one in known):
                known.append(each)
    return votes


def _speaker(
    approvals: Iterable[Determination], voices: Collection[str], place: Place
) -> Determination:
    """The first act of a voter by which they matched a place."""
    return next(
        each
        for each in approvals
        if not each.voices.isdisjoint(voices)
        and any((match.set, match.seat) == place for match in each.matched)
    )


def _count(number: int, stage: Stage, votes: Votes) -> tuple[list[FilledSeat], list[OpenSeat]]:
    """The filled seats of a stage, and all seats of every set in which none is filled."""
    filled: list[FilledSeat] = []
    wanting: list[OpenSeat] = []
    for at, seats in enumerate(stage.sets):
        before = len(filled)
        for place, seat in enumerate(seats):
            acts = votes[at][place]
            if len(acts) >= seat.approvals:
                filled.append(FilledSeat(stage=number, set=at, seat=place, **_whose(acts)))
        if len(filled) > before:
            continue
        for place, seat in enumerate(seats):
            acts = votes[at][place]
            wanting.append(
                OpenSeat(
                    stage=number,
                    set=at,
                    seat=place,
                    wants=seat,
                    missing=seat.approvals - len(acts),
                    **_whose(acts),
                )
            )
    return filled, wanting


def _whose(acts: Sequence[Determination]) -> dict[str, Any]:
    told: dict[str, Any] = {"by": tuple([each.by for each in acts])}
    deputies = {each.by: each.deputy_for for each in acts if each.deputy_for}
    if deputies:
        told["deputy_for"] = deputies
    return told


def _voters(approvals: Iterable[Determination]) -> list[Voter]:
    """Everybody who has one voice, with the places that they matched, in order of voting.

    Acts that have a voice in common are one voter's: whoever spoke for themselves and for another
    fills one place, and so does whoever spoke and had a deputy speak.
    """
    voters: list[Voter] = []
    for each in approvals:
        voices, places = each.voices, {(match.set, match.seat) for match in each.matched}
        apart = []
        for voter in voters:
            if voter[0].isdisjoint(voices):
                apart.append(voter)
            else:
                voices, places = voices | voter[0], places | voter[1]
        voters = [*apart, (voices, places)]
    return voters


def _places(voters: Sequence[Voter]) -> list[set[Place]]:
    return [places for _, places in voters]
