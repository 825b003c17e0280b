"""Cards in Microsoft Teams, handed to a workflow that passes them on to each person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from marketplace_sdk_chat.cards import card_of
from marketplace_sdk_chat.posting import Post, begin, failure
from marketplace_sdk_webhook.outcome import Failed

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
        config: the URL.
        clock: the marketplace's.

    Raises:
        InvalidInput: ``ca_file`` cannot be read.
    """

    def __init__(self, config: Config, *, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._post = Post(config, clock, "teams")

    def __repr__(self) -> str:
        return f"TeamsNotifier({self._config.target.host!r})"

    def deliver(self, message: Message, call: Call) -> None:
        """Hand a notice over; events are nothing for people.

        Raises:
            NotificationError: the workflow does not have it. Its ``code`` is ``no_address`` when
                the directory knows none, ``gone`` (410) or ``address_refused``, which no retry
                changes, ``not_accepted``, ``unreachable`` or ``timeout``.
        """
        recipient = message.recipient
        if message.sort != "notice" or recipient is None:
            return
        try:
            left = begin(self._config, recipient, call)
            said = {
                "type": "message",
                "id": message.id,
                "recipient": recipient.email,
                "attachments": [{"contentType": _CARD, "content": card_of(message)}],
            }
            body = json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")
            headers = {"Content-Type": "application/json; charset=utf-8"}
            self._post(self._config.target, headers, body, left)
        except Failed as failed:
            raise failure("Teams", failed) from None

    def close(self) -> None:
        """Nothing is kept open between messages, so there is nothing to let go of."""
