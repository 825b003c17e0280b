"""Break-glass access: what a product allows in an emergency, and what a request keeps of one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

from attrs import evolve, field, frozen

from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import listed
from marketplace_sdk.errors import InvalidInput, Problem

__all__ = [
    "LONGEST",
    "LONGEST_REVIEW",
    "Emergency",
    "EmergencyAccess",
    "EmergencyReview",
    "EmergencyStanding",
    "Settlement",
    "check_emergency",
]

EmergencyStanding = Literal["open", "justified", "unjustified"]

LONGEST = timedelta(hours=24)
"""Of one emergency access: whoever needs it for longer can ask for it meanwhile."""
LONGEST_REVIEW = timedelta(days=30)
MOST_SELECTORS = 50
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def _length(value: Duration | timedelta) -> Duration:
    return Duration.of(value, "emergency.duration")


def _within(value: Duration | timedelta) -> Duration:
    return Duration.of(value, "emergency.review_within")


@frozen(kw_only=True)
class Emergency:
    """What a product allows when nobody can be waited for; no product allows it by itself.

    Attributes:
        duration: of the access, at most 24 hours.
        review_within: how long the review afterwards may take, at most 30 days.
        who: may do it: whoever matches one of these when they do; at least one.

    Raises:
        InvalidInput: for what cannot be such a rule.
    """

    duration: Duration = field(converter=_length)
    review_within: Duration = field(converter=_within)
    who: tuple[StewardSelector, ...] = field(converter=listed)

    def __attrs_post_init__(self) -> None:
        problems = []
        for key, most, words in (
            ("duration", LONGEST, "24 hours"),
            ("review_within", LONGEST_REVIEW, "30 days"),
        ):
            if getattr(self, key).after(_ANY_DAY) - _ANY_DAY > most:
                problems.append(Problem(f"emergency.{key}", f"must be at most {words}"))
        if not 1 <= len(self.who) <= MOST_SELECTORS or not all(
            isinstance(one, StewardSelector) for one in self.who
        ):
            problem = f"must be 1 to {MOST_SELECTORS} selectors, such as group(name)"
            problems.append(Problem("emergency.who", problem))
        if problems:
            raise InvalidInput("cannot allow emergency access so", problems=problems)

    def __str__(self) -> str:
        whose = ", ".join(map(str, self.who))
        return f"{self.duration} by {whose}; to be reviewed within {self.review_within}"


def check_emergency(value: object) -> Emergency | None:
    """What a caller gave as ``emergency=``; None allows none."""
    if value is None or isinstance(value, Emergency):
        return value
    problem = Problem("emergency", "must be an Emergency, or None")
    raise InvalidInput("cannot allow emergency access so", problems=[problem])


@frozen(kw_only=True)
class EmergencyReview:
    """What somebody found who looked at an emergency access afterwards; never edited.

    Attributes:
        justified: whether it was one.
        by: who looked.
        at: when.
        reason: why; never leaves in a log.
        matched: the selectors by which they might, in words; kept as proof.
        as_of: when the directory vouched for that.
    """

    justified: bool
    by: str
    at: datetime
    reason: str = field(repr=False)
    matched: tuple[str, ...] = ()
    as_of: datetime | None = None


@frozen(kw_only=True)
class Settlement:
    """That somebody may break the glass again in spite of a review.

    Attributes:
        by: whoever settled it.
        at: when.
        reason: why.
    """

    by: str
    at: datetime
    reason: str = field(repr=False)


@frozen(kw_only=True)
class EmergencyAccess:
    """What a request keeps that nobody decided because it was an emergency.

    Attributes:
        reason: why the glass was broken; as private as other reasons.
        admitted: the selector of the product by which they might, in words; kept as proof.
        as_of: when the directory vouched for that.
        review_due: when the review has to be done.
        overdue_at: when it was noticed that it is late, and told; None: it was not.
        review: what was found; None: the review is open.
        settled: by whom an unjustified one was settled; None: it was not.
    """

    reason: str = field(repr=False)
    admitted: str
    as_of: datetime | None = None
    review_due: datetime
    overdue_at: datetime | None = None
    review: EmergencyReview | None = None
    settled: Settlement | None = None

    @property
    def standing(self) -> EmergencyStanding:
        """How its review stands: open, justified or unjustified."""
        if self.review is None:
            return "open"
        return "justified" if self.review.justified else "unjustified"

    @property
    def pending(self) -> bool:
        """Whether somebody has something left to do: to review it, or to settle it."""
        return self.standing == "open" or (self.standing == "unjustified" and not self.settled)

    def overdue(self, now: datetime) -> bool:
        """Whether the review is late, noticed or not."""
        return self.review is None and self.review_due <= now

    def bars(self, now: datetime) -> bool:
        """Whether whoever broke the glass then may not do so again in the domain for now."""
        return self.pending and (self.standing == "unjustified" or self.overdue(now))

    def erased(self) -> EmergencyAccess:
        """Without what people wrote."""
        return evolve(self._without(lambda _: True), reason="")

    def without_words_of(self, person: str) -> EmergencyAccess:
        """Without what somebody wrote about it afterwards."""
        return self._without(lambda by: by == person)

    def _without(self, gone: Callable[[str], bool]) -> EmergencyAccess:
        review, settled = self.review, self.settled
        if review is not None and gone(review.by):
            review = evolve(review, reason="")
        if settled is not None and gone(settled.by):
            settled = evolve(settled, reason="")
        return evolve(self, review=review, settled=settled)
