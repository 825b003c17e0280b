"""Grants: the right that follows from an approval, from its beginning to the platform's proof."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Literal

from attrs import evolve, field, frozen

from marketplace_sdk.domain.events import Effects, Event
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.values import FrozenMap, freeze

__all__ = ["GRANT_STEPS", "Grant", "GrantState", "Part", "Pinned", "Trouble", "covered_sources"]

GrantState = Literal["wanted", "active", "withheld", "ending", "ended"]
Withheld = Literal["suspended", "waiting_for_access", "blocked"]

GRANT_STEPS: Mapping[tuple[str, str], GrantState] = {
    ("wanted", "activate"): "active",
    ("active", "miss"): "wanted",
    ("wanted", "withhold"): "withheld",
    ("active", "withhold"): "withheld",
    ("withheld", "release"): "wanted",
    ("wanted", "end"): "ending",
    ("active", "end"): "ending",
    ("withheld", "end"): "ending",
    ("ending", "prove"): "ended",
}
"""(state, event) -> state. What is not here changes nothing."""


@frozen(kw_only=True)
class Trouble:
    """Why the platform does not look as it should.

    Attributes:
        code: stable name, for example ``unprotected_column``.
        message: for people, with what to do; without secrets.
        since: when it was first seen.
        retryable: it is tried again without anybody doing something.
    """

    code: str
    message: str
    since: datetime
    retryable: bool = True


@frozen(kw_only=True)
class Part:
    """A grant on one target: what the platform showed last.

    Attributes:
        present: every item of the grant there was seen.
        trouble: what is wrong, or None.
    """

    present: bool = False
    trouble: Trouble | None = None


@frozen
class Pinned:
    """A principal as it was when the grant first started there."""

    name: str
    native_id: str


@frozen(kw_only=True)
class Grant:
    """What an approval promises to one beneficiary on one product.

    Attributes:
        id: unique.
        kind: ``access`` (read) or ``masking_exception`` (see masked columns).
        product: id of the product.
        beneficiary: who has it.
        columns: ``source.column`` names, for a masking exception.
        requests: ids of the first request and of its extensions.
        since: when the first request was submitted; decides which added sources it carries.
        state: wanted, active, withheld, ending or ended.
        withheld: why it is held back; empty unless state is withheld.
        until: end, or None for without end.
        cause: why it is ending or ended: revoked, relinquished, expired, product_deleted,
            beneficiary_left, access_ended, certification_refused, certification_lapsed.
        lost: sources whose items ended for good (masking exceptions).
        principals: by connection, pinned when the grant first started there.
        parts: by ``connection|target``.
        certifying: ids of the open items of campaigns about it.
        revision: of the stored record.
    """

    id: str
    kind: Literal["access", "masking_exception"]
    product: str
    beneficiary: Beneficiary
    columns: tuple[str, ...] = ()
    requests: tuple[str, ...]
    since: datetime
    state: GrantState = "wanted"
    withheld: frozenset[Withheld] = frozenset()
    until: datetime | None = None
    created_at: datetime
    active_at: datetime | None = None
    ending_at: datetime | None = None
    ended_at: datetime | None = None
    cause: str = ""
    lost: frozenset[str] = frozenset()
    principals: FrozenMap[str, Pinned] = field(factory=FrozenMap, converter=freeze, repr=False)
    parts: FrozenMap[str, Part] = field(factory=FrozenMap, converter=freeze)
    certifying: tuple[str, ...] = ()
    revision: int = field(default=0, eq=False)

    @property
    def aggregate(self) -> str:
        """``grant:<id>``."""
        return f"grant:{self.id}"

    @property
    def live(self) -> bool:
        """Whether it is a reason for access: wanted, active or withheld."""
        return self.state in ("wanted", "active", "withheld")

    @property
    def opened(self) -> bool:
        """Whether it was active and is not held back; what is missing since is being put back."""
        return self.state == "active" or (self.state == "wanted" and self.active_at is not None)

    @property
    def trouble(self) -> tuple[Trouble, ...]:
        """Everything that is wrong on the platforms, sorted by target."""
        parts = sorted(self.parts.items())
        return tuple(part.trouble for _, part in parts if part.trouble is not None)

    @property
    def masking_sources(self) -> frozenset[str]:
        """Sources of the columns of a masking exception that have not ended for good."""
        return frozenset(name.split(".", 1)[0] for name in self.columns) - self.lost

    def seen_at(self, now: datetime) -> Grant:
        """As it is to be read at ``now``: past its end it is ending, whether swept or not."""
        if self.live and self.until is not None and self.until <= now:
            return evolve(self, state="ending", cause="expired", withheld=frozenset())
        return self

    def over(self, now: datetime) -> bool:
        """Whether it has ended, or should have, at ``now``."""
        return not self.seen_at(now).live

    def withhold(self, *reasons: Withheld) -> tuple[Grant, Effects]:
        """Hold it back for these reasons, beside those it is held back for already."""
        after = GRANT_STEPS.get((self.state, "withhold"), self.state)
        if after != "withheld" or not frozenset(reasons) - self.withheld:
            return self, Effects()
        changed = evolve(self, state=after, withheld=self.withheld | frozenset(reasons))
        first = self.state != "withheld"
        data = {"reasons": sorted(changed.withheld)}
        return changed, _event(changed, "grant.withheld", data) if first else Effects()

    def release(self, *reasons: Withheld) -> tuple[Grant, Effects]:
        """Drop these reasons; when none is left, it is wanted again."""
        left = self.withheld - frozenset(reasons)
        if self.state != "withheld" or left == self.withheld:
            return self, Effects()
        if left:
            return evolve(self, withheld=left), Effects()
        changed = evolve(self, state=GRANT_STEPS["withheld", "release"], withheld=left)
        return changed, _event(changed, "grant.resumed")

    def end(
        self, cause: str, now: datetime, said: Mapping[str, object] | None = None
    ) -> tuple[Grant, Effects]:
        """Start taking it away; nothing brings it back. ``said`` is more for the event."""
        if (self.state, "end") not in GRANT_STEPS:
            return self, Effects()
        # What was seen before says nothing any more: it counts as there until shown to be gone.
        parts = {key: evolve(part, present=True, trouble=None) for key, part in self.parts.items()}
        changed = evolve(
            self,
            state=GRANT_STEPS[self.state, "end"],
            cause=cause,
            ending_at=now,
            withheld=frozenset(),
            parts=parts,
        )
        return changed, _event(changed, "grant.ending", {"cause": cause, **(said or {})})

    def extend(self, until: datetime | None, request: str) -> tuple[Grant, Effects]:
        """The later of the old and the new end; None is without end and later than all."""
        later = None if until is None or self.until is None else max(until, self.until)
        changed = evolve(self, until=later, requests=(*self.requests, request))
        return changed, _event(changed, "grant.extended", {"until": _text(later)})

    def shown(
        self, parts: Mapping[str, Part], expected: Collection[str], now: datetime
    ) -> tuple[Grant, Effects]:
        """After looking at a platform: active when every part is there, ended when none is.

        Args:
            parts: what was seen last on every target that was looked at, by ``connection|target``.
            expected: every target that the grant has now; one that was never looked at is
                neither there nor gone.
            now: the time of the observation.
        """
        kept = {key: part for key, part in parts.items() if key in expected or part.present}
        changed = evolve(self, parts=FrozenMap(kept))
        gone = all(key in kept for key in expected) and not any(
            part.present or part.trouble is not None for part in kept.values()
        )
        there = bool(expected) and all(key in kept and kept[key].present for key in expected)
        effects = Effects()
        if self.state == "ending" and gone:
            changed = evolve(changed, state=GRANT_STEPS["ending", "prove"], ended_at=now)
            effects = _event(changed, "grant.ended", {"cause": changed.cause})
        elif self.state == "wanted" and there:
            changed = evolve(changed, state=GRANT_STEPS["wanted", "activate"], active_at=now)
            effects = _event(changed, "grant.active")
        elif self.state == "active" and not there:
            changed = evolve(changed, state=GRANT_STEPS["active", "miss"])
        old = {trouble.code for trouble in self.trouble}
        new = [trouble.code for trouble in changed.trouble if trouble.code not in old]
        if new:
            effects += _event(changed, "grant.trouble", {"codes": new})
        return changed, effects

    def lose(self, sources: Iterable[str], now: datetime) -> tuple[Grant, Effects]:
        """The last access to these sources has ended: their unmasking ends for good.

        With the last source the whole masking exception ends.
        """
        lost = frozenset(sources) & self.masking_sources
        if not lost or not self.live:
            return self, Effects()
        changed = evolve(self, lost=self.lost | lost)
        return (
            changed.end("access_ended", now)
            if not changed.masking_sources
            else (changed, Effects())
        )


def covered_sources(grant: Grant, covered: Iterable[str]) -> frozenset[str]:
    """Sources that the grant concerns; ``covered`` are the product's for its time."""
    return frozenset(covered) if grant.kind == "access" else grant.masking_sources


def _event(grant: Grant, name: str, data: Mapping[str, object] | None = None) -> Effects:
    about = {
        "product": grant.product,
        "kind": grant.kind,
        "beneficiary": grant.beneficiary.token,
        "requests": list(grant.requests),
        **(data or {}),
    }
    return Effects(events=(Event(type=name, aggregate=grant.aggregate, data=freeze(about)),))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
