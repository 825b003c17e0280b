"""What is needed to look at platforms and to plan for them without a lease."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.delivery.calls import Connection, call_until

if TYPE_CHECKING:
    from marketplace_sdk.delivery.checking import CheckPlan
    from marketplace_sdk.delivery.desk import Desk
    from marketplace_sdk.delivery.settings import Settings
    from marketplace_sdk.ports.directory import Directory
    from marketplace_sdk.ports.provisioner import Call

__all__ = ["Bench"]


@frozen(kw_only=True)
class Bench:
    """Storage, platforms and people, for whoever looks and plans.

    Attributes:
        desk: where things are stored.
        monotonic: seconds that never run backwards.
        settings: how long a call may take.
        installation: marks what is ours on platforms.
        connections: by name.
        directory: where principals come from.
        check_plan: guard-rails of plugins.
    """

    desk: Desk
    monotonic: Callable[[], float] = field(repr=False)
    settings: Settings
    installation: str
    connections: Mapping[str, Connection] = field(repr=False)
    directory: Directory = field(repr=False)
    check_plan: CheckPlan = field(repr=False)

    def call(self) -> Call:
        """A call that only looks: it has a deadline, and no lease."""
        end = self.monotonic() + self.settings.call_timeout
        return call_until(end, self.monotonic, correlation_id=self.desk.ids())
