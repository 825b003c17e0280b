"""The settings of one webhook, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from attrs import field, frozen

from marketplace_sdk.plugin import InvalidInput, Problem
from marketplace_sdk_webhook.http import Guard, Target, guard_of, target_of, timeout_of
from marketplace_sdk_webhook.keys import signing_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from marketplace_sdk_webhook.keys import Signing

__all__ = ["KNOWN", "Config", "Format", "read"]

Format = Literal["standard", "cloudevents"]

KNOWN: dict[str, type | tuple[type, ...]] = {
    "url": str,
    "secret": (str, list, tuple),
    "format": str,
    "source": str,
    "allow_networks": (list, tuple),
    "ca_file": str,
    "timeout": (int, float),
}
"""Setting names and their types."""

_T = TypeVar("_T")

_TIMEOUT = 10.0
_MOST_SECRETS = 2
_SOURCE = re.compile(r"[!-~]{1,255}")


@frozen(kw_only=True)
class Config:
    """One webhook.

    Attributes:
        target: where to.
        keys: what to sign with, the newest first; two while a secret is exchanged.
        format: of the body: that of Standard Webhooks, or CloudEvents in structured mode.
        source: of CloudEvents: who sends, a URI reference.
        guard: which addresses may be connected to.
        ca_file: path of a bundle of certificate authorities to trust instead of the usual ones;
            empty for the usual ones.
        timeout: seconds that one attempt may take in all.
    """

    target: Target
    keys: tuple[Signing, ...] = field(repr=False)
    format: Format = "standard"
    source: str = "/marketplace"
    guard: Guard = field(factory=Guard)
    ca_file: str = ""
    timeout: float = _TIMEOUT


def read(settings: Mapping[str, Any], secret: Callable[[str], str]) -> Config:
    """Turn settings of the right names and types into a configuration.

    Args:
        settings: see ``KNOWN``; ``url`` and ``secret`` are there.
        secret: resolves ``env:NAME`` and ``file:PATH``.

    Raises:
        InvalidInput: every problem, without repeating a value.
    """
    problems: list[Problem] = []

    def attempt(key: str, make: Callable[[Any], _T], value: object) -> _T | None:
        try:
            return make(value)
        except ValueError as error:
            problems.append(Problem(key, str(error)))
            return None

    guard = attempt("allow_networks", guard_of, settings.get("allow_networks", ())) or Guard()
    target = attempt("url", target_of, settings["url"])
    if target is not None and not target.encrypted and not guard.allows_plain:
        problems.append(Problem("url", "must be https; http is for allowed loopback networks"))
    keys = attempt("secret", lambda given: _keys(given, secret), settings["secret"])
    format_ = attempt("format", _format, settings.get("format", "standard"))
    source = attempt("source", _source, settings.get("source", "/marketplace"))
    timeout = attempt("timeout", timeout_of, settings.get("timeout", _TIMEOUT))
    if target is None or keys is None or format_ is None or source is None or timeout is None:
        raise InvalidInput("cannot configure webhook", problems=problems)
    if problems:
        raise InvalidInput("cannot configure webhook", problems=problems)
    return Config(
        target=target,
        keys=keys,
        format=format_,
        source=source,
        guard=guard,
        ca_file=settings.get("ca_file", ""),
        timeout=timeout,
    )


def _keys(given: str | Sequence[object], secret: Callable[[str], str]) -> tuple[Signing, ...]:
    texts = [given] if isinstance(given, str) else given
    if not 1 <= len(texts) <= _MOST_SECRETS:
        raise ValueError("must be one secret, or two while they are exchanged, the new one first")
    keys = []
    for text in texts:
        if not isinstance(text, str):
            raise ValueError("must be text")  # noqa: TRY004 - a wrong setting, not a wrong call
        keys.append(signing_key(_resolved(text, secret)))
    return tuple(keys)


def _format(text: str) -> Format:
    for known in get_args(Format):
        if text == known:
            return known  # type: ignore[no-any-return]  # one of the literals
    raise ValueError(f"must be {' or '.join(get_args(Format))}")


def _source(text: str) -> str:
    if not _SOURCE.fullmatch(text):
        raise ValueError("must be a URI reference of at most 255 printable ASCII characters")
    return text


def _resolved(text: str, secret: Callable[[str], str]) -> str:
    # Files and many environments end their values with a line break that is not part of them.
    return secret(text).strip() if text.startswith(("env:", "file:")) else text
