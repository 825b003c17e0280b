"""Evaluating a review of 5 seats with 20 determinations.

Lower bound: the same counting in a bare loop over tuples, with no result to explain anything.
"""

from __future__ import annotations

from datetime import UTC, datetime

from benchmarks._world import rounds
from marketplace_sdk import Determination, Stage, group, tally
from marketplace_sdk.domain.determinations import Match

CALLS = 2000
AT = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = (Stage.all_of(*(group(f"group {n}") for n in range(5))),)
VOTES = tuple(
    Determination(
        id=str(n),
        by=f"steward {n}",
        verdict="approve",
        at=AT,
        stage=0,
        matched=(Match(n % 4, 0, "group"),),
    )
    for n in range(20)
)
BARE = [(vote.by, vote.matched[0].set) for vote in VOTES]


def _ours():
    for _ in range(CALLS):
        assert tally(STAGES, VOTES).outcome == "pending"


def _bound():
    for _ in range(CALLS):
        filled = {}
        for by, seat in BARE:
            if seat not in filled:
                filled[seat] = by
        assert len(filled) == 4


def run(*, quick):
    """Microseconds per tally."""
    ours, bound = rounds(_ours, _bound, times=5 if quick else 25)
    return {
        "name": "tally, 5 seats and 20 determinations",
        "ours": ours / CALLS * 1e6,
        "bound": bound / CALLS * 1e6,
        "unit": "µs",
        "ratio": ours / bound,
        "limit": 100,  # measured near 20; noise on a shared machine has doubled it
        "bound is": "a bare loop over tuples that counts and explains nothing",
    }
