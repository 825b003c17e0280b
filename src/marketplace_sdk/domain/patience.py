"""How long a form waits for decisions: whom it adds then, and when it calls the request off.

Nobody is ever taken to have approved because time has passed: time adds people or ends the wait.
"""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve, field, frozen

from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.errors import InvalidInput, Problem

__all__ = ["Escalation", "check_patience"]


def _after(value: Duration | timedelta) -> Duration:
    return Duration.of(value, "escalation.after")


@frozen(kw_only=True)
class Escalation:
    """Whom a form adds to the stewards of a stage that has been open for a while.

    Attributes:
        after: counted anew from the moment at which each stage opens; a Duration, or a timedelta.
        to: who may fill its open seats then, beside those whom each seat names.

    Raises:
        InvalidInput: for what is no duration, and no selector.
    """

    after: Duration = field(converter=_after)
    to: StewardSelector

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.to, StewardSelector):
            raise InvalidInput(
                "cannot escalate so",
                problems=[Problem("escalation.to", "must be user(), group(), attribute() ...")],
            )

    def bound(self, domain: str) -> Escalation:
        """The same with the product's domain filled in."""
        return evolve(self, to=self.to.bound(domain))

    def __str__(self) -> str:
        return f"{self.to} after {self.after}"


def check_patience(escalation: Escalation | None, expire_after: Duration | None) -> None:
    """Refuse an escalation that would not come before the end of the wait.

    Raises:
        InvalidInput: on some calendar it would come at that moment, or after it.
    """
    if escalation is None or expire_after is None:
        return
    if not escalation.after.shorter_than(expire_after):
        raise InvalidInput(
            "cannot make this form",
            problems=[Problem("escalation.after", "must always be shorter than expire_after")],
            hint="months have 28 to 31 days: give both in the same unit",
        )
