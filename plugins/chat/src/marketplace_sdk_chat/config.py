"""The settings of a chat, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import field, frozen

from marketplace_sdk.plugin import InvalidInput, Problem
from marketplace_sdk_email.templates import language_of
from marketplace_sdk_webhook.http import Guard, Target, guard_of, target_of, timeout_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SLACK", "TEAMS", "Config", "read_slack", "read_teams"]

_BOTH: dict[str, type | tuple[type, ...]] = {
    "allow_networks": (list, tuple),
    "ca_file": str,
    "language": str,
    "templates": str,
    "timeout": (int, float),
}
SLACK: dict[str, type | tuple[type, ...]] = {"token": str, "base_url": str, **_BOTH}
TEAMS: dict[str, type | tuple[type, ...]] = {"url": str, **_BOTH}
"""Setting names and their types."""

_T = TypeVar("_T")

_API = "https://slack.com/api"
_TOKEN = re.compile(r"[!-~]{1,1000}")
_TIMEOUT = 10.0


@frozen(kw_only=True)
class Config:
    """One chat.

    Attributes:
        target: where to; its path may hold a secret.
        token: to sign in with; empty where the URL is the secret.
        guard: which addresses may be connected to.
        ca_file: path of a bundle of authorities to trust instead of the usual ones; empty for the
            usual ones.
        language: of people whose directory names none; empty for that of the templates' top.
        templates: folder of the company's own templates; empty for none.
        timeout: seconds that one attempt may take in all.
    """

    target: Target
    token: str = field(default="", repr=False)
    guard: Guard = field(factory=Guard)
    ca_file: str = ""
    language: str = ""
    templates: str = ""
    timeout: float = _TIMEOUT


def read_slack(settings: Mapping[str, Any], secret: Callable[[str], str]) -> Config:
    """Turn settings of the right names and types into a configuration for Slack.

    Args:
        settings: see ``SLACK``; ``token`` is there.
        secret: resolves ``env:NAME`` and ``file:PATH``.

    Raises:
        InvalidInput: every problem, without repeating a value.
    """
    reading = _Reading()
    token = reading.take("token", lambda text: _token(text, secret), settings["token"])
    target = reading.take("base_url", target_of, settings.get("base_url", _API))
    # A token goes to Slack and nowhere else; a fake of it stands on this machine.
    elsewhere = target is not None and not (target.address and target.address.is_loopback)
    if elsewhere and "base_url" in settings:
        reading.problems.append(Problem("base_url", "may only name a loopback address"))
    return reading.config("slack", target, settings, token or "")


def read_teams(settings: Mapping[str, Any], secret: Callable[[str], str]) -> Config:
    """Turn settings of the right names and types into a configuration for Teams.

    Args:
        settings: see ``TEAMS``; ``url`` is there.
        secret: resolves ``env:NAME`` and ``file:PATH``.

    Raises:
        InvalidInput: every problem, without repeating a value.
    """
    reading = _Reading()
    # Whoever knows the URL of a workflow may use it: it is a secret.
    target = reading.take("url", lambda text: target_of(_kept(text, secret)), settings["url"])
    return reading.config("teams", target, settings)


class _Reading:
    """Reads settings one by one, and remembers what is wrong."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def take(self, key: str, make: Callable[[Any], _T], value: object) -> _T | None:
        try:
            return make(value)
        except ValueError as error:
            self.problems.append(Problem(key, str(error)))
            return None

    def config(
        self, plugin: str, target: Target | None, settings: Mapping[str, Any], token: str = ""
    ) -> Config:
        guard = self.take("allow_networks", guard_of, settings.get("allow_networks", ())) or Guard()
        language = self.take("language", language_of, settings.get("language", ""))
        timeout = self.take("timeout", timeout_of, settings.get("timeout", _TIMEOUT))
        if target is not None and not target.encrypted and not guard.allows_plain:
            what = "must be https; http is for allowed loopback networks"
            self.problems.append(Problem("base_url" if plugin == "slack" else "url", what))
        if self.problems or target is None or language is None or timeout is None:
            raise InvalidInput(f"cannot configure {plugin}", problems=self.problems)
        return Config(
            target=target,
            token=token,
            guard=guard,
            ca_file=settings.get("ca_file", ""),
            language=language,
            templates=settings.get("templates", ""),
            timeout=timeout,
        )


def _kept(text: str, secret: Callable[[str], str]) -> str:
    if not text.startswith(("env:", "file:")):
        raise ValueError("must be env:NAME or file:PATH")
    # Files and many environments end their values with a line break that is not part of them.
    return secret(text).strip()


def _token(text: str, secret: Callable[[str], str]) -> str:
    token = _kept(text, secret)
    if not _TOKEN.fullmatch(token):
        raise ValueError("must be kept as one line of printable ASCII")
    return token
