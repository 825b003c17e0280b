"""Distinct stewards: who can sit where, when everybody counts for one place only. Pure."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from marketplace_sdk.domain.review import Stage

__all__ = ["Place", "helps", "seating"]

Place = tuple[int, int]
"""Numbers of the set within the stage and of the seat within the set, from 0."""

Choice = tuple[Place, ...]

# A choice is one seat from every set, a slot is a place that one person fills: a seat that needs
# two approvals has two.


def _choices(stage: Stage) -> list[Choice]:
    places = [[(at, place) for place in range(len(seats))] for at, seats in enumerate(stage.sets)]
    return list(product(*places))


def _slots(stage: Stage, places: Iterable[Place]) -> list[Place]:
    return [(at, place) for at, place in places for _ in range(stage.sets[at][place].approvals)]


def seating(stage: Stage, people: Sequence[Collection[Place]]) -> list[tuple[Place, int]]:
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


def helps(
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
