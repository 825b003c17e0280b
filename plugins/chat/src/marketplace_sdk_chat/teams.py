"""Cards in Microsoft Teams, handed to a workflow that passes them on to each person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from marketplace_sdk_chat.cards import card_of
from marketplace_sdk_chat.telling import Teller
from marketplace_sdk_webhook.http import Failed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from marketplace_sdk.plugin import Call, Message
    from marketplace_sdk_chat.config import Config

__all__ = ["TeamsNotifier"]

_CARD = "application/vnd.microsoft.card.adaptive"


class TeamsNotifier:
    """Posts each notice to the webhook of a workflow, with the address of whom it is for.

    May be used from several threads at once.

    Args:
        config: the URL, and whose templates.
        clock: the marketplace's.

    Raises:
        InvalidInput: ``ca_file`` or ``templates`` cannot be read, or a template has bad syntax.
    """

    def __init__(self, config: Config, *, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._teller = Teller(config, clock, "teams")

    def __repr__(self) -> str:
        return f"TeamsNotifier({self._config.target.host!r})"

    def deliver(self, message: Message, call: Call) -> None:
        """Hand a notice over.

        Raises:
            NotificationError: the workflow does not have it. Its ``code`` is ``no_address`` when
                the directory knows none, ``gone`` (410), ``address_refused``, or ``not_sendable``
                for an event, which is nothing for people; no retry changes these. Else
                ``not_rendered``, ``not_accepted``, ``unreachable`` or ``timeout``.
        """
        try:
            attempt = self._teller.begin(message, call)
            said = {
                "type": "message",
                "id": message.id,
                "recipient": attempt.email,
                "attachments": [{"contentType": _CARD, "content": card_of(attempt.words)}],
            }
            body = json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")
            headers = {"Content-Type": "application/json; charset=utf-8"}
            attempt.post(self._config.target, headers, body)
        except Failed as failed:
            raise failed.notification("send a message to Teams") from None

    def close(self) -> None:
        """Nothing is kept open between messages, so there is nothing to let go of."""
