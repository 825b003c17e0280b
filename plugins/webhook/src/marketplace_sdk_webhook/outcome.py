"""What a receiver's answer means for the delivery."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.plugin import NotificationError

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["LONGEST_WAIT", "Answer", "Failed", "judge", "wait_of"]

LONGEST_WAIT = timedelta(hours=1).total_seconds()
"""Most seconds that a receiver's Retry-After can hold the next attempt back."""

_SECONDS = re.compile(r"[0-9]{1,10}")
_OK = range(200, 300)
_REDIRECT = range(300, 400)


@frozen
class Answer:
    """The part of a response that counts.

    Attributes:
        status: of HTTP.
        retry_after: the header ``Retry-After``.
        body: as much of it as was asked for.
    """

    status: int
    retry_after: str = ""
    body: bytes = field(default=b"", repr=False)


class Failed(Exception):
    """An attempt did not succeed. Texts are fixed ones, never the other side's.

    Attributes:
        code: ``gone``, ``address_refused``, ``not_accepted``, ``unreachable``, ``timeout``, or one
            of the plugin that raises it.
        retryable: whether a later attempt may succeed.
        retry_after: seconds that the receiver asked to wait, if it did.
        hint: what to do about it.
    """

    def __init__(
        self,
        reason: str,
        *,
        code: str,
        retryable: bool = True,
        retry_after: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after
        self.hint = hint

    def notification(self, what: str) -> NotificationError:
        """The error of the notifier port: *cannot <what>: <reason>*."""
        return NotificationError(
            f"cannot {what}: {self}",
            code=self.code,
            retryable=self.retryable,
            retry_after=self.retry_after,
            hint=self.hint,
        )


def judge(answer: Answer, now: datetime) -> None:
    """Return for 2xx, raise Failed for everything else; only 410 ends the attempts."""
    status = answer.status
    if status in _OK:
        return
    reason = f"it answered {status}"
    if status == HTTPStatus.GONE:
        raise Failed(
            reason,
            code="gone",
            retryable=False,
            hint="the receiver wants no more; nothing is sent there any more",
        )
    retry_after = None
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        retry_after = wait_of(answer.retry_after, now)
    hint = "redirects are not followed; configure the final URL" if status in _REDIRECT else ""
    raise Failed(reason, code="not_accepted", retry_after=retry_after, hint=hint)


def wait_of(text: str, now: datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, at most an hour; None if unreadable."""
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError):
        return None
    # The zone "-0000" gives a naive time that is UTC.
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)
