"""What stewards said of a request, and what its review has come to by that: the values."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import field, frozen

from marketplace_sdk.domain.durations import Window
from marketplace_sdk.domain.review import Seat
from marketplace_sdk.domain.values import FrozenMap, freeze

__all__ = ["Determination", "FilledSeat", "Match", "OpenSeat", "Tally"]


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
        by: the steward, or their deputy.
        verdict: approve or deny; a temporary approval is an approval with ``until``.
        reason: why; never leaves in a log or webhook.
        until: the end this steward set, counted from the final determination or absolute.
        at: when.
        stage: number of the stage it was made on, from 0.
        matched: the seats of that stage which the steward matched then; of a deputy, the seats of
            the one represented.
        as_of: when the directory vouched for the membership.
        self_review: the steward is on the receiving side, and the form allows it.
        deputy_for: id of the steward whom ``by`` represented; empty: they acted for themselves.
        deputyship: id of the deputyship under which they did; empty likewise.
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
    deputy_for: str = ""
    deputyship: str = ""

    @property
    def steward(self) -> str:
        """Whose membership counted: a steward determines on a stage once, whoever speaks."""
        return self.deputy_for or self.by

    @property
    def voices(self) -> frozenset[str]:
        """Everybody who has spoken by it; nobody's voice counts twice for a seat."""
        return frozenset((self.by, self.steward))

    @property
    def who(self) -> str:
        """Who determined, for people: ``ana``, or ``dee for ana``."""
        return _named(self.by, self.deputy_for)


@frozen(kw_only=True)
class FilledSeat:
    """A seat with all the approvals that it needs, and whose they are.

    Attributes:
        stage: number of its stage, from 0.
        set: number of its set in the stage, from 0.
        seat: its number in the set, from 0.
        by: who has approved on it.
        deputy_for: of those who did as a deputy, whom they represented, by their id.
    """

    stage: int
    set: int
    seat: int
    by: tuple[str, ...]
    deputy_for: FrozenMap[str, str] = field(factory=FrozenMap, converter=freeze)

    @property
    def who(self) -> tuple[str, ...]:
        """The same for people: ``ana``, or ``dee for ana``."""
        return tuple(_named(id, self.deputy_for.get(id, "")) for id in self.by)


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
        deputy_for: of those who did as a deputy, whom they represented, by their id.
    """

    stage: int
    set: int
    seat: int
    wants: Seat
    missing: int
    by: tuple[str, ...] = ()
    deputy_for: FrozenMap[str, str] = field(factory=FrozenMap, converter=freeze)

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


def _named(by: str, deputy_for: str) -> str:
    return f"{by} for {deputy_for}" if deputy_for else by
