"""Calls to a chat, each over a connection of its own that is checked and bounded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from marketplace_sdk.plugin import InvalidInput, NotificationError, Problem
from marketplace_sdk_webhook._http import post, tls_context
from marketplace_sdk_webhook.outcome import Failed, judge
from marketplace_sdk_webhook.resolving import addresses_of, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from marketplace_sdk.plugin import Call, Recipient
    from marketplace_sdk_chat.config import Config
    from marketplace_sdk_webhook.target import Target

__all__ = ["Post", "begin", "failure"]

_MAX_BODY = 64 * 1024
_AGENT = "data-marketplace-sdk-chat"


class Post:
    """Posts to a chat.

    Args:
        config: whom to trust, and where one may connect to.
        clock: the marketplace's; for ``Retry-After`` that names a moment.
        name: of the plugin.

    Raises:
        InvalidInput: ``ca_file`` cannot be read or holds no certificate.
    """

    def __init__(self, config: Config, clock: Callable[[], datetime], name: str) -> None:
        self._config = config
        self._clock = clock
        try:
            self._tls = tls_context(config.ca_file)
        except OSError:
            problem = Problem("ca_file", "cannot be read as a bundle of PEM certificates")
            raise InvalidInput(f"cannot configure {name}", problems=[problem]) from None

    def __call__(
        self, target: Target, headers: Mapping[str, str], body: bytes, left: Callable[[], float]
    ) -> bytes:
        """The body of the answer to one call; of statuses only 2xx is one.

        Raises:
            Failed: anything else; see ``marketplace_sdk_webhook.outcome``.
        """
        if left() <= 0:
            raise Failed("there is no time left", code="timeout")
        addresses = addresses_of(target, self._config.guard, resolve, left)
        answer = post(
            target,
            addresses,
            {"User-Agent": _AGENT, **headers},
            body,
            tls=self._tls,
            left=left,
            keep=_MAX_BODY,
        )
        judge(answer, self._clock())
        return answer.body


def begin(config: Config, recipient: Recipient, call: Call) -> Callable[[], float]:
    """Begin an attempt; what it gives says how many seconds are left of it.

    Raises:
        Failed: there is no time, or nowhere to send to.
    """
    end = time.monotonic() + config.timeout

    def left() -> float:
        return min(end - time.monotonic(), call.seconds_left())

    if left() <= 0:
        raise Failed("there is no time left", code="timeout")
    if not recipient.email:
        raise Failed("the directory knows no address", code="no_address", retryable=False)
    return left


def failure(what: str, failed: Failed) -> NotificationError:
    """The port's error."""
    return NotificationError(
        f"cannot send a message to {what}: {failed}",
        code=failed.code,
        retryable=failed.retryable,
        retry_after=failed.retry_after,
        hint=failed.hint,
    )
