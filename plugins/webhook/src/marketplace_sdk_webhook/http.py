"""Calls to addresses that were checked, bounded in time and size: for this plugin and for others.

A notifier that speaks HTTP makes the marketplace's own machine call a URL, so it should go
through here::

    guard = guard_of(settings.get("allow_networks", ()))
    client = GuardedClient(guard, plugin="pager", clock=context.clock)

    left = seconds_left(timeout_of(settings.get("timeout", 10)), call)
    try:
        answer = client.post(target_of(url), {"Content-Type": "text/plain"}, body, left=left)
    except Failed as failed:
        raise failed.notification("page somebody") from None

Names are resolved once, the connection goes to the checked address, certificates are verified,
redirects and proxies are not followed, and no error repeats a URL, a header or a body.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from marketplace_sdk.plugin import InvalidInput, Problem
from marketplace_sdk_webhook._http import post, tls_context
from marketplace_sdk_webhook.addresses import Guard, guard_of
from marketplace_sdk_webhook.outcome import Failed, judge
from marketplace_sdk_webhook.resolving import addresses_of, resolve
from marketplace_sdk_webhook.target import Target, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from marketplace_sdk.plugin import Call
    from marketplace_sdk_webhook.resolving import Resolve

__all__ = [
    "MOST_KEPT",
    "Failed",
    "Guard",
    "GuardedClient",
    "Target",
    "guard_of",
    "seconds_left",
    "target_of",
    "timeout_of",
]

MOST_KEPT = 64 * 1024
"""Most bytes of an answer's body that can be kept."""
_LONGEST_TIMEOUT = 300.0


class GuardedClient:
    """Posts, each time over a connection of its own; may be used from several threads at once.

    Args:
        guard: which addresses may be connected to.
        plugin: name of the plugin, for its ``User-Agent`` and for what is wrong with ``ca_file``.
        clock: the marketplace's; for a ``Retry-After`` that names a moment.
        ca_file: path of a PEM bundle of authorities to trust instead of the usual ones; empty for
            those.
        resolve: turns names into addresses; called once per post.

    Raises:
        InvalidInput: ``ca_file`` cannot be read or holds no certificate.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        plugin: str,
        clock: Callable[[], datetime],
        ca_file: str = "",
        resolve: Resolve = resolve,
    ) -> None:
        self._guard = guard
        self._agent = f"data-marketplace-sdk-{plugin}"
        self._clock = clock
        self._resolve = resolve
        try:
            self._tls = tls_context(ca_file)
        except OSError:
            problem = Problem("ca_file", "cannot be read as a bundle of PEM certificates")
            raise InvalidInput(f"cannot configure {plugin}", problems=[problem]) from None

    def post(
        self,
        target: Target,
        headers: Mapping[str, str],
        body: bytes,
        *,
        left: Callable[[], float],
        keep: int = 0,
    ) -> bytes:
        """Post once; returning means a status of 2xx.

        Args:
            target: where to.
            headers: beyond ``Host``, ``User-Agent``, ``Content-Length`` and ``Connection``.
            body: sent as is.
            left: seconds until it must be over, asked before each step.
            keep: bytes of the answer's body to return, at most ``MOST_KEPT``.

        Returns:
            The beginning of the answer's body.

        Raises:
            Failed: any other status, no answer, or an address that is refused.
        """
        if left() <= 0:
            raise Failed("there is no time left", code="timeout")
        addresses = addresses_of(target, self._guard, self._resolve, left)
        answer = post(
            target,
            addresses,
            {"User-Agent": self._agent, **headers},
            body,
            tls=self._tls,
            left=left,
            keep=keep,
        )
        judge(answer, self._clock())
        return answer.body


def seconds_left(timeout: float, call: Call) -> Callable[[], float]:
    """Begin an attempt; what it gives says how many seconds are left of it."""
    end = time.monotonic() + timeout
    return lambda: min(end - time.monotonic(), call.seconds_left())


def timeout_of(value: float) -> float:
    """Seconds that one attempt may take in all.

    Raises:
        ValueError: it is not more than 0 and at most 300.
    """
    # True is an int to Python; not-a-number fails every comparison.
    if isinstance(value, bool) or not 0 < value <= _LONGEST_TIMEOUT:
        raise ValueError(f"must be more than 0 and at most {_LONGEST_TIMEOUT:g} seconds")
    return float(value)
