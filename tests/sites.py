"""A plugin whose web sites are in memory: what destinations of a test marketplace are sent to."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

from marketplace_sdk import InvalidInput, NotificationError, Problem
from marketplace_sdk.plugin import NotifierSpec, hookimpl

SECRETS = {"env:HOOK_ONE": "first secret", "env:HOOK_TWO": "second secret"}
"""What the environment holds, so that no test has to change the real one."""


class Sites:
    """Give it to a marketplace in ``plugins``, with ``destinations=sites.settings``.

    Attributes:
        received: messages by URL.
        signed: the secrets that each message was signed with, by URL.
        fails: by URL, an error to raise.
        closed: how many notifiers were closed.
    """

    settings = {"plugin": "site", "secrets": ["env:HOOK_*"]}

    def __init__(self) -> None:
        self.received: dict[str, list[Any]] = defaultdict(list)
        self.signed: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        self.fails: dict[str, Exception] = {}
        self.built = 0
        self.closed = 0
        self._lock = threading.Lock()

    @hookimpl
    def marketplace_notifiers(self):
        yield NotifierSpec(name="site", build=self._build)

    def _build(self, settings, _):
        problems = []
        if not settings["url"].startswith("https://"):
            problems.append(Problem("url", "must be https"))
        if not all(reference in SECRETS for reference in settings["secret"]):
            problems.append(Problem("secret", "is not set"))
        if problems:
            raise InvalidInput("cannot configure site", problems=problems)
        self.built += 1
        return _Way(self, settings["url"], tuple(SECRETS[each] for each in settings["secret"]))

    def fail(self, url: str, **more: Any) -> None:
        """Let a site answer with an error until ``fails`` is cleared."""
        more.setdefault("retryable", True)
        self.fails[url] = NotificationError("cannot deliver: it answered 500", **more)


class _Way:
    def __init__(self, sites, url, secrets):
        self.sites, self.url, self.secrets = sites, url, secrets

    def deliver(self, message, call):
        with self.sites._lock:
            if self.url in self.sites.fails:
                raise self.sites.fails[self.url]
            self.sites.received[self.url].append(message)
            self.sites.signed[self.url].append(self.secrets)

    def close(self):
        self.sites.closed += 1
