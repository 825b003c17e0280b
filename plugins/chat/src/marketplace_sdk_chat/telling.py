"""What telling somebody in a chat needs, whichever chat it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk_chat.words import words_of
from marketplace_sdk_email.templates import NotRendered, TemplateFolder
from marketplace_sdk_webhook.http import MOST_KEPT, Failed, GuardedClient, seconds_left

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from marketplace_sdk.plugin import Call, Message
    from marketplace_sdk_chat.config import Config
    from marketplace_sdk_chat.words import Words
    from marketplace_sdk_webhook.http import Target

__all__ = ["Attempt", "Teller"]


class Teller:
    """Begins attempts.

    Args:
        config: whom to trust, where one may connect to, and whose templates.
        clock: the marketplace's.
        name: of the plugin.

    Raises:
        InvalidInput: ``ca_file`` or ``templates`` cannot be read, or a template has bad syntax.
    """

    def __init__(self, config: Config, clock: Callable[[], datetime], name: str) -> None:
        self._timeout = config.timeout
        self._client = GuardedClient(config.guard, plugin=name, clock=clock, ca_file=config.ca_file)
        self._templates = TemplateFolder(
            "marketplace_sdk_chat", plugin=name, own=config.templates, language=config.language
        )

    def begin(self, message: Message, call: Call) -> Attempt:
        """An attempt to tell somebody.

        Raises:
            Failed: it is no notice, nobody is reached, or a template fails.
        """
        recipient = message.recipient
        if message.sort != "notice" or recipient is None:
            raise Failed("only notices go to people", code="not_sendable", retryable=False)
        left = seconds_left(self._timeout, call)
        if left() <= 0:
            raise Failed("there is no time left", code="timeout")
        if not recipient.email:
            raise Failed("the directory knows no address", code="no_address", retryable=False)
        try:
            words = words_of(message, recipient, self._templates)
        except NotRendered as error:
            hint = "templates in the settings names the folder; mend it there"
            raise Failed(f"the template {error} fails", code="not_rendered", hint=hint) from None
        return Attempt(recipient.email, words, self._client, left)


class Attempt:
    """One attempt.

    Attributes:
        email: address of whom it is for.
        words: what they are told.
    """

    def __init__(
        self, email: str, words: Words, client: GuardedClient, left: Callable[[], float]
    ) -> None:
        self.email = email
        self.words = words
        self._client = client
        self._left = left

    def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
        """The body of the answer to one call; of statuses only 2xx is one.

        Raises:
            Failed: anything else, or the time is over.
        """
        return self._client.post(target, headers, body, left=self._left, keep=MOST_KEPT)
