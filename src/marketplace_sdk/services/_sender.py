"""What services may ask about destinations; the delivery answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marketplace_sdk.domain.destinations import Destination, Subscription, TestCall
    from marketplace_sdk.domain.people import Person

__all__ = ["Sender"]


class Sender(Protocol):
    """The destinations of the configuration, and the way to those that are kept here.

    Nothing of it may be called within a unit of work but ``configured``.
    """

    @property
    def configured(self) -> Mapping[str, Subscription]:
        """Those of the configuration, by name."""

    def check(self, destination: Destination) -> None:
        """Refuse what could not be sent to at all.

        Raises InvalidInput for settings that are wrong and secrets that may not or cannot be
        read, PluginError when no plugin sends there.
        """

    def call(self, name: str, destination: Destination | None, tester: Person) -> TestCall:
        """Send something that only tries.

        Args:
            name: of the destination.
            destination: None for one of the configuration.
            tester: who gets the notice, where people are told and no events are sent.
        """
