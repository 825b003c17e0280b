"""Calls to a plugin: with a deadline, and with whatever goes wrong turned into an obstacle."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, TypeVar

from attrs import field, frozen

from marketplace_sdk.delivery.plan import Obstacle
from marketplace_sdk.errors import AdapterError
from marketplace_sdk.ports.provisioner import Call, Provisioner

__all__ = ["AddedByHand", "Connection", "OnReplaced", "call_until", "guarded", "obstacle"]

OnReplaced = Literal["same_owner", "hold", "always"]
AddedByHand = Literal["take", "keep"]

T = TypeVar("T")

_log = logging.getLogger("marketplace_sdk.delivery")


@frozen(kw_only=True)
class Connection:
    """A configured data platform.

    Attributes:
        name: as configured.
        provisioner: does the work.
        may_grant: patterns of what may be opened at all.
        on_replaced: when an object was dropped and made again, access is given again if kind and
            owner are the same and no column is new (``same_owner``), never before somebody has
            decided (``hold``), or whatever it is (``always``).
        added_by_hand: whether a right that somebody else gave too, while we held it, is taken
            away (``take``) or stays (``keep``) when our reason for it ends.
        capabilities: what the provisioner declares that it can do.
        plugin: name and version, for messages.
    """

    name: str
    provisioner: Provisioner = field(repr=False)
    may_grant: tuple[str, ...] = ()
    on_replaced: OnReplaced = "same_owner"
    added_by_hand: AddedByHand = "take"
    capabilities: frozenset[str] = frozenset()
    plugin: str = ""

    @property
    def expires(self) -> bool:
        """Whether the platform can end items by itself."""
        return "set_until" in self.capabilities

    @property
    def keeps_by_hand(self) -> bool:
        """Whether a right that somebody gave by hand, while we held it, stays."""
        return self.added_by_hand == "keep"


def call_until(
    end: float, monotonic: Callable[[], float], *, correlation_id: str, fence: int = 0
) -> Call:
    """A call that must be over when ``monotonic`` says ``end``."""
    return Call(seconds_left=lambda: end - monotonic(), correlation_id=correlation_id, fence=fence)


def guarded(what: str, plugin: str, action: Callable[[], T]) -> T | Obstacle:
    """What a plugin answers, or why it does not."""
    try:
        return action()
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        return obstacle(what, plugin, error)


def obstacle(what: str, plugin: str, error: Exception) -> Obstacle:
    """An exception of a plugin as an obstacle.

    Errors of our own tree carry no secrets by their contract; of any other only the type is told.
    """
    if isinstance(error, AdapterError):
        code = "platform_unreachable" if error.retryable else "platform_refused"
        _log.warning("%s: cannot %s: %s", plugin, what, error.code)
        return Obstacle(code, f"cannot {what}: {error}", error.retryable)
    _log.error("%s: cannot %s: %s", plugin, what, type(error).__name__)
    return Obstacle(
        "plugin_error",
        f"cannot {what}: plugin {plugin} failed with {type(error).__name__}; report it to its "
        "authors",
    )
