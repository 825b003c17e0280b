"""The notifier: one signed POST per event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk.plugin import printable
from marketplace_sdk_webhook.body import body_of
from marketplace_sdk_webhook.http import Failed, GuardedClient, seconds_left
from marketplace_sdk_webhook.resolving import resolve
from marketplace_sdk_webhook.signing import sign

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from marketplace_sdk.plugin import Call, Message
    from marketplace_sdk_webhook.config import Config
    from marketplace_sdk_webhook.keys import Signing
    from marketplace_sdk_webhook.resolving import Resolve

__all__ = ["WebhookNotifier"]


class WebhookNotifier:
    """Sends events to one URL, signed as Standard Webhooks says.

    Holds no connection between deliveries and may be used from several threads at once.
    """

    def __init__(
        self, config: Config, *, clock: Callable[[], datetime], resolve: Resolve = resolve
    ) -> None:
        """Prepare; nothing is connected to yet.

        Args:
            config: where to, how signed and how bounded.
            clock: the marketplace's clock; gives the ``webhook-timestamp`` of each attempt.
            resolve: turns names into addresses; called once per delivery.

        Raises:
            InvalidInput: ``ca_file`` cannot be read or holds no certificate.
        """
        self._config = config
        self._clock = clock
        self._client = GuardedClient(
            config.guard, plugin="webhook", clock=clock, ca_file=config.ca_file, resolve=resolve
        )

    def __repr__(self) -> str:
        return f"WebhookNotifier({self._config.target.host!r})"

    def deliver(self, message: Message, call: Call) -> None:
        """Send an event; which of them are sent here is the marketplace's business.

        Raises:
            NotificationError: it was not accepted; ``code`` is ``gone`` (410) or
                ``address_refused``, which no retry changes, ``not_sendable`` for a message that
                is not plain data, or ``not_accepted``, ``unreachable`` or ``timeout``.
        """
        host = self._config.target.host
        try:
            self._attempt(message, call)
        except Failed as failed:
            raise failed.notification(f"deliver message {_shown(message.id)} to {host}") from None

    def close(self) -> None:
        """Nothing is kept open between deliveries, so there is nothing to let go of."""

    def _attempt(self, message: Message, call: Call) -> None:
        config = self._config
        left = seconds_left(config.timeout, call)
        seconds = int(self._clock().timestamp())
        try:
            kind, body = body_of(message, config.format, config.source)
            headers = _headers(message.id, seconds, kind, body, config.keys)
        except (TypeError, ValueError, RecursionError):
            raise Failed(
                "its id or its data cannot be sent", code="not_sendable", retryable=False
            ) from None
        self._client.post(config.target, headers, body, left=left)


def _headers(
    id: str, timestamp: int, kind: str, body: bytes, keys: Sequence[Signing]
) -> dict[str, str]:
    return {
        "Content-Type": kind,
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(id, timestamp, body, keys=keys),
    }


def _shown(id: str) -> str:
    """An id as it may stand in an error: one printable line of bounded length."""
    clean = printable(id)
    return clean if len(clean) <= 80 else clean[:77] + "..."  # noqa: PLR2004 - as errors of the core show an id
