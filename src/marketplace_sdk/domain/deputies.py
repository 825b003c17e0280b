"""Deputies: who may decide in a steward's place, for how long, and about what. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from marketplace_sdk.domain.durations import Duration, Window, end_of
from marketplace_sdk.errors import InvalidInput, NotAllowed, Problem

if TYPE_CHECKING:
    from marketplace_sdk.domain.people import Facts
    from marketplace_sdk.domain.requests import AccessRequest

__all__ = [
    "LONGEST",
    "MOST_DEPUTYSHIPS",
    "Deputyship",
    "Represented",
    "check_window",
    "refusal",
]

LONGEST = Duration(1, "years")
"""How long a deputyship may last, and how far ahead it may begin."""
MOST_DEPUTYSHIPS = 50
"""Of one person, not over yet: each of their deputies is told of everything that waits."""
_SLACK = timedelta(minutes=5)
"""A beginning that was "now" when the caller said so is not refused for having travelled."""


@frozen(kw_only=True)
class Deputyship:
    """That somebody may decide in another's place: for a time, and about what.

    What the deputy may do is found out when they do it, by what the one represented may do at
    that moment; nothing of it is stored here.

    Attributes:
        id: unique.
        person: who is represented, and named the deputy.
        deputy: who may act for them.
        since: first instant at which they may.
        until: first instant at which they may not any more.
        domain: only about requests of products of this domain; empty: of any.
        product: only about requests of this product (an id); empty: of any.
        named_at: when it was named.
        ended_at: when somebody ended it before its time, or None.
        ended_by: who did; empty: nobody.
        revision: of the stored record.
    """

    id: str
    person: str
    deputy: str
    since: datetime
    until: datetime
    domain: str = ""
    product: str = ""
    named_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""
    revision: int = field(default=0, eq=False)

    @property
    def aggregate(self) -> str:
        """``deputyship:<id>``."""
        return f"deputyship:{self.id}"

    @property
    def scope(self) -> str:
        """About what, in words."""
        if self.product:
            return f"product {self.product}"
        return f"domain {self.domain}" if self.domain else "everything"

    def live(self, now: datetime) -> bool:
        """Whether the deputy may act at this instant."""
        return self.ended_at is None and self.since <= now < self.until

    def over(self, now: datetime) -> bool:
        """Whether the deputy will never act under it any more."""
        return self.ended_at is not None or self.until <= now

    def covers(self, request: AccessRequest) -> bool:
        """Whether a request is within its scope, by the domain and product pinned in it."""
        return self.domain in ("", request.domain) and self.product in ("", request.product)

    def end(self, by: str, now: datetime) -> Deputyship:
        """Ended before its time; what is over stays as it is."""
        return self if self.over(now) else evolve(self, ended_at=now, ended_by=by)

    def __str__(self) -> str:
        window = f"{_words(self.since)} to {_words(self.until)}"
        ended = ", ended" if self.ended_at is not None else ""
        return f"{self.deputy} for {self.person}: {self.scope}, {window}{ended}"


@frozen
class Represented:
    """A steward whom somebody represents, and the deputyship by which they do.

    Attributes:
        deputyship: live at this moment.
        facts: of the one represented, read at this moment.
    """

    deputyship: Deputyship
    facts: Facts


def check_window(since: datetime, until: Window, now: datetime) -> datetime:
    """The end of a deputyship that begins at ``since``.

    Raises:
        InvalidInput: it would be over, begins before ``now`` or more than a year ahead, or lasts
            longer than a year.
    """
    end = end_of(until, since)
    if since < now - _SLACK:
        problem = Problem("since", "must not be in the past; leave it out to begin now")
    elif since > LONGEST.after(now):
        problem = Problem("since", f"must be at most {LONGEST} ahead")
    elif end <= max(since, now):
        problem = Problem("until", "must be after the beginning, and not in the past")
    elif end > LONGEST.after(since):
        problem = Problem("until", f"must be at most {LONGEST} after the beginning")
    else:
        return end
    raise InvalidInput("cannot name a deputy", problems=[problem])


def refusal(
    person: str,
    deputy: str,
    *,
    own: Collection[Deputyship],
    chained: str,
    verb: str,
    action: str,
    now: datetime,
) -> NotAllowed:
    """Why somebody cannot act for another at this moment.

    Args:
        person: who would be represented.
        deputy: who would act.
        own: every deputyship of the two that there was; none of them is live.
        chained: id of a deputy of ``person`` whom ``deputy`` represents, or empty.
        verb: what they want to do.
        action: the same as the table of rights calls it.
        now: the moment.
    """
    begins = [each.since for each in own if not each.over(now)]
    ended = [each.ended_at or each.until for each in own if each.over(now)]
    if begins:
        code, why = "deputyship_ahead", f"is not their deputy before {_words(min(begins))}"
        hint = "act when it has begun"
    elif chained:
        code, why = "deputy_chain", f"is not their deputy, but represents {chained}, who is"
        hint = f"a deputy has no deputy: {chained} acts, or {person} names {deputy}"
    elif ended:
        code, why = "deputyship_over", f"is not their deputy since {_words(max(ended))}"
        hint = f"{person} may name a deputy again"
    else:
        code, why = "no_deputyship", "is not their deputy"
        hint = f"{person} names a deputy with market.deputies.name"
    return NotAllowed(
        f"cannot {verb} for {person}: {deputy} {why}",
        actor=deputy,
        action=action,
        needs=f"to be named as a deputy by {person}",
        code=code,
        hint=hint,
    )


def _words(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
