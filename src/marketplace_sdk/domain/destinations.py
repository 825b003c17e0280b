"""Where events go: what somebody has set up, how it stands with it, and what was sent there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from attrs import evolve, field, frozen

from marketplace_sdk.domain.values import name_set

__all__ = [
    "INCLUDED",
    "Delivery",
    "DeliveryState",
    "Destination",
    "Format",
    "Standing",
    "StandingState",
    "Subscription",
    "TestCall",
    "pause_after",
]

Format = Literal["standard", "cloudevents"]
StandingState = Literal["active", "disabled", "suspended"]
DeliveryState = Literal["retrying", "delivered", "failed", "dropped"]

INCLUDED = frozenset({"answers", "inquiries", "reasons"})
"""What leaves only where a destination asks for it."""

GROWTH = 4.0
JITTER = 0.2


@frozen(kw_only=True)
class Subscription:
    """What one destination gets.

    Attributes:
        name: of a configured notifier, or id of a destination.
        receives: some of ``event``, ``notice`` and ``seal``.
        types: types of events and kinds of notices; empty: all.
        include: some of ``answers``, ``inquiries`` and ``reasons``.
    """

    name: str
    receives: frozenset[str] = field(default=frozenset({"event"}), converter=name_set)
    types: frozenset[str] = field(default=frozenset(), converter=name_set)
    include: frozenset[str] = field(default=frozenset(), converter=name_set)

    def wants(self, sort: str, type: str) -> bool:
        """Whether a message of this sort and type is sent there."""
        return sort in self.receives and (not self.types or type in self.types)


@frozen(kw_only=True)
class Destination:
    """A webhook that an APPLICATION_ADMIN has set up.

    Attributes:
        id: unique among all destinations, those of the configuration included.
        url: where to; may hold a token, so it is in no log, error or repr.
        secrets: references ``env:NAME`` or ``file:PATH``, the newest first; never a secret.
        both_until: until when the one before is used too; None: never.
        types: event types; empty: all.
        include: some of ``answers``, ``inquiries`` and ``reasons``.
        format: of the body.
        description: for people.
        deleted: gone; what waits for it is thrown away.
        drained: nothing waits for it any more.
        revision: of the stored record.
    """

    id: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    both_until: datetime | None = None
    types: frozenset[str] = field(default=frozenset(), converter=name_set)
    include: frozenset[str] = field(default=frozenset(), converter=name_set)
    format: Format = "standard"
    description: str = ""
    created_at: datetime
    created_by: str
    updated_at: datetime | None = None
    deleted: bool = False
    drained: bool = False
    revision: int = field(default=0, eq=False)

    @property
    def subscription(self) -> Subscription:
        """What it gets."""
        return Subscription(name=self.id, types=self.types, include=self.include)

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """References of the secrets that sign at this moment: two while one is exchanged."""
        both = self.both_until is not None and now < self.both_until
        return self.secrets if both else self.secrets[:1]

    def rotated(self, secret: str, now: datetime, overlap: timedelta) -> Destination:
        """With a new secret; the one before signs too until the overlap is over."""
        return evolve(
            self,
            secrets=(secret, self.secrets[0]),
            both_until=now + overlap,
            updated_at=now,
        )


@frozen(kw_only=True)
class Standing:
    """How it stands with a destination; without a record it is active and well.

    Attributes:
        name: of a configured notifier, or id of a destination.
        state: ``disabled`` by somebody or because it wants no more, ``suspended`` because it kept
            failing; nothing is sent then.
        reason: why it is not active.
        since: since when.
        failing_since: when it began to fail, if nothing was delivered since.
        revision: of the stored record.
    """

    name: str
    state: StandingState = "active"
    reason: str = ""
    since: datetime | None = None
    failing_since: datetime | None = None
    revision: int = field(default=0, eq=False)

    @property
    def active(self) -> bool:
        """Whether messages are sent there."""
        return self.state == "active"

    def stopped(self, state: StandingState, reason: str, now: datetime) -> Standing:
        """Nothing is sent there from now on."""
        return evolve(self, state=state, reason=reason, since=now)

    def opened(self) -> Standing:
        """Active again, and whatever was before is forgotten."""
        return Standing(name=self.name, revision=self.revision)

    def succeeded(self) -> Standing:
        """Something was delivered."""
        return self if self.failing_since is None else evolve(self, failing_since=None)

    def failed(self, now: datetime, patience: timedelta) -> Standing:
        """An attempt failed; whoever has failed for longer than ``patience`` is suspended."""
        if self.failing_since is None:
            return evolve(self, failing_since=now)
        if self.active and now - self.failing_since >= patience:
            days = (now - self.failing_since) / timedelta(days=1)
            return self.stopped("suspended", f"nothing could be delivered for {days:.1f} days", now)
        return self


@frozen(kw_only=True)
class Delivery:
    """What became of one message at one destination.

    Attributes:
        id: of the row in the outbox.
        destination: name or id.
        message: id that the receiver sees, the same on every attempt.
        type: of the event, or kind of the notice.
        about: ``kind:id``.
        at: when it happened.
        state: ``retrying``, ``delivered``, ``failed`` (given up; can be sent again) or ``dropped``
            (nobody is reached there).
        attempts: how many there were.
        last_at: when the last one ended.
        next_at: when the next one is due, or None.
        error: why the last one failed; never holds a secret or anything of the message.
        failures: since it was last sent anew.
        revision: of the stored record.
    """

    id: str
    destination: str
    message: str
    type: str
    about: str
    at: datetime
    state: DeliveryState = "retrying"
    attempts: int = 0
    last_at: datetime | None = None
    next_at: datetime | None = None
    error: str = ""
    failures: int = field(default=0, repr=False)
    revision: int = field(default=0, eq=False)

    def ended(self, state: DeliveryState, now: datetime, error: str = "") -> Delivery:
        """After an attempt that was the last one for now."""
        return evolve(
            self,
            state=state,
            attempts=self.attempts + 1,
            failures=0,
            last_at=now,
            next_at=None,
            error=error,
        )

    def again(self, now: datetime, due: datetime, error: str) -> Delivery:
        """After an attempt that failed and will be made again."""
        return evolve(
            self,
            state="retrying",
            attempts=self.attempts + 1,
            failures=self.failures + 1,
            last_at=now,
            next_at=due,
            error=error,
        )


@frozen(kw_only=True)
class TestCall:
    """What came of a call that only tries whether a destination is reached.

    Attributes:
        delivered: whether it was accepted.
        error: why not.
        seconds: how long it took.
    """

    __test__ = False  # its name begins like that of a test

    delivered: bool
    error: str = ""
    seconds: float = 0.0


def pause_after(failures: int, ids: Iterable[str], *, base: float, cap: float) -> timedelta:
    """How long to wait after so many failures: four times longer each time, up to a cap.

    Up to a fifth more is added, which follows from the ids alone: messages that failed together
    do not come back together, and the same failure always waits as long.

    Args:
        failures: 1 after the first.
        ids: of message and destination.
        base: seconds after the first failure.
        cap: most seconds before the addition.
    """
    # 4 ** 32 is far above any cap, and a float that large is still exact enough.
    longest = min(cap, base * GROWTH ** min(max(failures, 1) - 1, 32))
    seed = "\0".join((*ids, str(failures))).encode("utf-8", "surrogatepass")
    share = int.from_bytes(hashlib.sha256(seed).digest()[:4], "big") / 2**32
    return timedelta(seconds=longest * (1 + JITTER * share))
