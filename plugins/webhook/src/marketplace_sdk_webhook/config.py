"""The settings of one webhook, checked."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import field, frozen

from marketplace_sdk.plugin import InvalidInput, Problem
from marketplace_sdk_webhook.addresses import Guard
from marketplace_sdk_webhook.signing import key_of
from marketplace_sdk_webhook.target import Target, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from marketplace_sdk_webhook.addresses import Network

__all__ = ["KNOWN", "Config", "read"]

KNOWN: dict[str, type | tuple[type, ...]] = {
    "url": str,
    "secret": str,
    "types": (list, tuple),
    "allow_networks": (list, tuple),
    "ca_file": str,
    "timeout": (int, float),
}
"""Setting names and their types."""

_T = TypeVar("_T")

_TIMEOUT = 10.0
_LONGEST_TIMEOUT = 300.0


@frozen(kw_only=True)
class Config:
    """One webhook.

    Attributes:
        target: where to.
        key: what to sign with.
        types: event types to send; None for all.
        guard: which addresses may be connected to.
        ca_file: path of a bundle of certificate authorities to trust instead of the usual ones;
            empty for the usual ones.
        timeout: seconds that one attempt may take in all.
    """

    target: Target
    key: bytes = field(repr=False)
    types: frozenset[str] | None = None
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

    guard = attempt("allow_networks", _guard, settings.get("allow_networks", ())) or Guard()
    target = attempt("url", target_of, settings["url"])
    if target is not None and not target.encrypted and not guard.allows_plain:
        problems.append(Problem("url", "must be https; http is for allowed loopback networks"))
    key = attempt("secret", key_of, _resolved(settings["secret"], secret))
    types = attempt("types", _types, settings["types"]) if "types" in settings else None
    timeout = attempt("timeout", _seconds, settings.get("timeout", _TIMEOUT))
    if problems or target is None or key is None or timeout is None:
        raise InvalidInput("cannot configure webhook", problems=problems)
    return Config(
        target=target,
        key=key,
        types=types,
        guard=guard,
        ca_file=settings.get("ca_file", ""),
        timeout=timeout,
    )


def _resolved(text: str, secret: Callable[[str], str]) -> str:
    # Files and many environments end their values with a line break that is not part of them.
    return secret(text).strip() if text.startswith(("env:", "file:")) else text


def _guard(texts: Sequence[object]) -> Guard:
    # As text, because ip_network reads a bare number as an address.
    return Guard(tuple(_network(str(text), position) for position, text in enumerate(texts, 1)))


def _network(text: str, position: int) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"entry {position} is not a network such as 10.1.0.0/16") from None


def _types(texts: Sequence[Any]) -> frozenset[str]:
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise ValueError("must list event types, or be left out to receive all")
    return frozenset(texts)


def _seconds(value: float) -> float:
    # True is an int to Python; not-a-number fails every comparison.
    if isinstance(value, bool) or not 0 < value <= _LONGEST_TIMEOUT:
        raise ValueError(f"must be more than 0 and at most {_LONGEST_TIMEOUT:g} seconds")
    return float(value)
