"""The notifier: one mail for each notice."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING

from marketplace_sdk.plugin import InvalidInput, NotificationError, Problem
from marketplace_sdk_email.composing import compose
from marketplace_sdk_email.rendering import Templates
from marketplace_sdk_email.sending import Failed, send
from marketplace_sdk_email.templates import NotRendered

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Call, Message
    from marketplace_sdk_email.config import Config

__all__ = ["EmailNotifier"]


class EmailNotifier:
    """Sends each notice as a mail of its own; holds no connection between them.

    May be used from several threads at once.

    Args:
        config: the server, the sender and the templates.

    Raises:
        InvalidInput: ``ca_file`` or ``templates`` cannot be read, or a template has bad syntax.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._templates = Templates(config.templates, config.language)
        try:
            self._tls = ssl.create_default_context(cafile=config.ca_file or None)
        except OSError:
            problem = Problem("ca_file", "cannot be read as a bundle of PEM certificates")
            raise InvalidInput("cannot configure email", problems=[problem]) from None

    def __repr__(self) -> str:
        return f"EmailNotifier({self._config.host!r})"

    def deliver(self, message: Message, call: Call) -> None:
        """Send a notice to its recipient.

        Raises:
            NotificationError: the server does not have it. Its ``code`` is ``no_address`` when the
                directory knows none or the server says there is none, which no retry changes;
                ``not_sendable`` for an event, which is nothing for people, the same;
                ``not_rendered``, ``not_accepted``, ``unreachable`` or ``timeout``.
        """
        recipient = message.recipient
        if message.sort != "notice" or recipient is None:
            raise _failure("only notices go to people", code="not_sendable", retryable=False)
        config = self._config
        end = time.monotonic() + config.timeout

        def left() -> float:
            return min(end - time.monotonic(), call.seconds_left())

        if not recipient.email:
            raise _failure("the directory knows no address", code="no_address", retryable=False)
        if left() <= 0:
            raise _failure("there is no time left", code="timeout")
        try:
            texts = self._templates.render(message, recipient)
            mail = compose(message, recipient, texts, config)
        except NotRendered as error:
            hint = "templates in the settings of email names the folder; mend it there"
            raise _failure(f"the template {error} fails", code="not_rendered", hint=hint) from None
        except ValueError:
            raise _failure("the directory's address is none") from None
        try:
            send(mail, recipient.email, config, tls=self._tls, left=left)
        except Failed as failed:
            raise _failure(
                f"{config.host}: {failed}",
                code=failed.code,
                retryable=failed.code != "no_address",
                hint=failed.hint,
            ) from None

    def close(self) -> None:
        """Nothing is kept open between mails, so there is nothing to let go of."""


def _failure(
    reason: str, *, code: str = "no_address", retryable: bool | None = None, hint: str = ""
) -> NotificationError:
    return NotificationError(
        f"cannot send a mail: {reason}",
        code=code,
        retryable=code != "no_address" if retryable is None else retryable,
        hint=hint,
    )
