"""When a target is looked at again."""

from __future__ import annotations

import pytest

from marketplace_sdk.delivery.plan import Obstacle
from marketplace_sdk.delivery.verdict import verdict_of

CONSEQUENCE = Obstacle("waits_for_another", "select waits for what it is built on")
PASSING = Obstacle("no_answer", "nobody said")
LASTING = Obstacle("refused", "no right", retryable=False)


@pytest.mark.parametrize(
    ("obstacles", "again"),
    [
        ([], "no"),
        ([PASSING], "backoff"),
        ([LASTING], "slowly"),
        ([LASTING, PASSING], "backoff"),
        ([CONSEQUENCE, PASSING], "backoff"),
        ([CONSEQUENCE, LASTING], "slowly"),
    ],
)
def test_passing_obstacles_are_tried_again_sooner_than_lasting_ones(obstacles, again):
    assert verdict_of(obstacles).again == again


def test_a_consequence_whose_cause_is_gone_is_tried_again():
    """An answer was lost but the change was made: what was built on it must not wait for ever."""
    assert verdict_of([CONSEQUENCE]).again == "backoff"
