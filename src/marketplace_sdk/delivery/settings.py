"""How patient the delivery work is, and how long to wait after a failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from attrs import field, frozen

from marketplace_sdk.errors import InvalidInput, Problem

__all__ = ["Settings", "backoff"]


def _positive(name: str) -> Callable[[object, object, float], None]:
    def check(_: object, __: object, value: float) -> None:
        if value <= 0:
            raise InvalidInput(
                "cannot use these delivery settings",
                problems=[Problem(name, "must be more than 0")],
            )

    return check


@frozen(kw_only=True)
class Settings:
    """Limits of the delivery work; all times in seconds.

    Attributes:
        lease: how long work and scopes are held. Whoever takes over an expired lease may rely on
            it that the earlier holder's calls are over, so it must outlast ``call_timeout`` by
            more than the clocks of two workers can differ.
        call_timeout: how long one call to a plugin may take.
        attempts: failures after which a message is parked. With what else is set here that is
            about two days after the first: 5, 20 and 80 seconds, 5 and 21 minutes, 1.4 and 5.7
            hours, and three times 12 hours, each up to a fifth longer.
        base: wait after the first failure; it grows with every further one, fourfold for
            messages, twofold for all else.
        cap: longest wait, but for messages; also longest rest of a destination that fails.
        longest_pause: longest wait of a message, whatever the other side asks for.
        suspend_after: failures without a success in between for so long suspend a destination.
        parallel: destinations that are served at the same time.
        history: how long it is kept what became of messages.
        undone: times that something else may take away what we gave before it is only put back
            with growing pauses, doubled from ``cap`` up to a day.
        drift: time between two looks at a connection for what has drifted.
        busy: wait when somebody else works on the same scope.
        rest_after: failures in a row after which a destination is left alone for a while.
        audience: most people whom one selector of a notice may reach.
        batch: keys of timers and messages that are claimed at once.
        rounds: most rounds of one ``deliver()``.
    """

    lease: float = field(default=90.0, validator=_positive("lease"))
    call_timeout: float = field(default=60.0, validator=_positive("call_timeout"))
    attempts: int = field(default=11, validator=_positive("attempts"))
    base: float = field(default=5.0, validator=_positive("base"))
    cap: float = field(default=900.0, validator=_positive("cap"))
    longest_pause: float = field(default=43200.0, validator=_positive("longest_pause"))
    suspend_after: float = field(default=259200.0, validator=_positive("suspend_after"))
    parallel: int = field(default=16, validator=_positive("parallel"))
    history: float = field(default=2592000.0, validator=_positive("history"))
    undone: int = field(default=3, validator=_positive("undone"))
    drift: float = field(default=86400.0, validator=_positive("drift"))
    busy: float = field(default=2.0, validator=_positive("busy"))
    rest_after: int = field(default=3, validator=_positive("rest_after"))
    audience: int = field(default=1000, validator=_positive("audience"))
    batch: int = field(default=200, validator=_positive("batch"))
    rounds: int = field(default=1000, validator=_positive("rounds"))

    def __attrs_post_init__(self) -> None:
        if self.call_timeout >= self.lease:
            raise InvalidInput(
                "cannot use these delivery settings",
                problems=[Problem("call_timeout", "must be shorter than the lease")],
            )

    def patience(self, undone: int) -> timedelta:
        """How long to wait before what was undone so often is put back once more."""
        if undone <= self.undone:
            return timedelta(0)
        wait = self.cap * 2.0 ** min(undone - self.undone - 1, 64)
        return min(timedelta(days=1), timedelta(seconds=min(wait, 86400.0)))


def backoff(settings: Settings, failures: int, random: Callable[[], float]) -> timedelta:
    """How long to wait after so many failures: exponential, between half and all of it.

    Args:
        settings: base and cap.
        failures: 1 after the first.
        random: a number from 0 up to 1, so that many who failed together do not return together.
    """
    # 2 ** 64 is far above any cap, and a float that large is still exact enough.
    longest = min(settings.cap, settings.base * 2.0 ** min(max(failures, 1) - 1, 64))
    return timedelta(seconds=longest * (0.5 + random() / 2))
