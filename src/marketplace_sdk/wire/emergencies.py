"""What a product allows in an emergency, as people write it in files, and back.

::

    {duration: 4 hours, review_within: 2 days, who: [{group: on call}]}
"""

from __future__ import annotations

from typing import Any

from marketplace_sdk.domain.emergency import Emergency
from marketplace_sdk.wire.flows import read_selector, write_selector
from marketplace_sdk.wire.reading import At

__all__ = ["read_emergency", "write_emergency"]


def read_emergency(at: At) -> Emergency:
    """Whatever is missing is said: nothing of it has a default."""
    at.only(("duration", "review_within", "who"))
    duration = at.key("duration").duration()
    review_within = at.key("review_within").duration()
    who = tuple(map(read_selector, at.key("who").items()))
    return at.made(lambda: Emergency(duration=duration, review_within=review_within, who=who))


def write_emergency(value: Emergency | None) -> dict[str, Any] | None:
    """The same as plain data."""
    if value is None:
        return None
    return {
        "duration": value.duration.words,
        "review_within": value.review_within.words,
        "who": [write_selector(one) for one in value.who],
    }
