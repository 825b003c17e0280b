"""Direct messages in Slack."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from attrs import evolve

from marketplace_sdk_chat.blocks import blocks_of
from marketplace_sdk_chat.telling import Teller
from marketplace_sdk_webhook.http import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from marketplace_sdk.plugin import Call, Message
    from marketplace_sdk_chat.config import Config
    from marketplace_sdk_chat.telling import Attempt
    from marketplace_sdk_webhook.http import Target

__all__ = ["SlackNotifier"]

_MOST_KNOWN = 10_000

_NOBODY = frozenset({"users_not_found", "user_not_found"})
_TOKEN = frozenset(
    {
        "access_denied",
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
_UNFIT = frozenset(
    {
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
    }
)


class SlackNotifier:
    """Sends each notice as a direct message of a bot; people are found by their address.

    May be used from several threads at once.

    Args:
        config: the token, and whose templates.
        clock: the marketplace's.

    Raises:
        InvalidInput: ``ca_file`` or ``templates`` cannot be read, or a template has bad syntax.
    """

    def __init__(self, config: Config, *, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._teller = Teller(config, clock, "slack")
        self._lock = threading.Lock()
        self._users: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"SlackNotifier({self._config.target.host!r})"

    def deliver(self, message: Message, call: Call) -> None:
        """Send a notice to its recipient.

        Raises:
            NotificationError: Slack does not have it. Its ``code`` is ``no_address`` when the
                directory knows none or nobody in Slack has it, ``not_sendable`` for an event, which
                is nothing for people, or when Slack cannot draw it (no retry changes these),
                ``not_rendered``, ``address_refused``, ``not_accepted``, ``unreachable`` or
                ``timeout``.
        """
        try:
            attempt = self._teller.begin(message, call)
            user = self._user(attempt)
            try:
                self._say(message.id, user, attempt)
            except Failed:
                # It may be that the address is somebody else's by now: it is looked up again.
                self._forget(attempt.email)
                raise
        except Failed as failed:
            raise failed.notification("send a message to Slack") from None

    def close(self) -> None:
        """Nothing is kept open between messages, so there is nothing to let go of."""

    def _user(self, attempt: Attempt) -> str:
        email = attempt.email
        known = self._users.get(email)
        if known is not None:
            return known
        body = urlencode({"email": email}).encode()
        kind = "application/x-www-form-urlencoded"
        answer = self._ask("users.lookupByEmail", kind, body, attempt)
        user = answer.get("user")
        id = user.get("id") if isinstance(user, dict) else None
        if not isinstance(id, str) or not id:
            raise _unreadable()
        with self._lock:
            if len(self._users) >= _MOST_KNOWN:
                self._users.clear()
            self._users[email] = id
        return id

    def _forget(self, email: str) -> None:
        with self._lock:
            self._users.pop(email, None)

    def _say(self, id: str, user: str, attempt: Attempt) -> None:
        text, blocks = blocks_of(attempt.words)
        said = {
            "channel": user,
            "text": text,
            "blocks": blocks,
            # The address of a portal is not to be fetched and shown by anybody.
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": "marketplace_notice", "event_payload": {"id": id}},
        }
        body = json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")
        self._ask("chat.postMessage", "application/json; charset=utf-8", body, attempt)

    def _ask(self, method: str, kind: str, body: bytes, attempt: Attempt) -> Mapping[str, Any]:
        """What Slack answers to one method, if it is not an error."""
        headers = {"Authorization": f"Bearer {self._config.token}", "Content-Type": kind}
        raw = attempt.post(_method(self._config.target, method), headers, body)
        try:
            answer = json.loads(raw)
        except (ValueError, RecursionError):
            raise _unreadable() from None
        if not isinstance(answer, dict):
            raise _unreadable()
        if answer.get("ok") is not True:
            raise _judged(answer.get("error"))
        return answer


def _method(target: Target, method: str) -> Target:
    return evolve(target, path=f"{target.path.rstrip('/')}/{method}")


def _unreadable() -> Failed:
    return Failed("it did not answer as Slack does", code="unreachable")


def _judged(error: object) -> Failed:
    """What an error of Slack means; only words that are known are repeated."""
    if not isinstance(error, str):
        return _unreadable()
    if error in _NOBODY:
        return Failed("nobody there has the address", code="no_address", retryable=False)
    if error in _TOKEN:
        return Failed(
            f"it answered {error}",
            code="not_accepted",
            hint="check the token; the app needs the scopes chat:write, users:read and "
            "users:read.email, and must be installed in the workspace",
        )
    if error in _UNFIT:
        return Failed(f"it answered {error}", code="not_sendable", retryable=False)
    return Failed("it answered with an error", code="not_accepted")
