"""What is to become of the marks of a pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import frozen

from marketplace_sdk.delivery.plan import Obstacle

__all__ = ["Verdict", "verdict_of"]


@frozen
class Verdict:
    """When to look at a target again.

    Attributes:
        again: ``no``, ``soon`` (somebody else is at it), ``backoff`` (waiting helps) or
            ``slowly`` (somebody has to do something first).
        why: the reason, without secrets.
    """

    again: Literal["no", "soon", "backoff", "slowly"] = "no"
    why: str = ""


def verdict_of(obstacles: Iterable[Obstacle]) -> Verdict:
    """Passing obstacles are tried again sooner than lasting ones; consequences do not count.

    A consequence whose cause is gone by now, as when an answer was lost but the change was made,
    only waits for another pass.
    """
    found = list(obstacles)
    causes = [one for one in found if one.code != "waits_for_another"]
    for one in causes or found:
        if one.retryable:
            return Verdict("backoff", one.message)
    return Verdict("slowly", causes[0].message) if causes else Verdict()
