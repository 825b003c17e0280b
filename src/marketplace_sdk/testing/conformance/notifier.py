"""What every notifier must do; inherit, and give a ``notifier_world`` fixture.

::

    import pytest

    from marketplace_sdk.testing.conformance import NotifierConformance, NotifierWorld

    class PagerWorld(NotifierWorld):
        ...                                # connect, look at what arrived, break things

    class TestPager(NotifierConformance):
        lacks = {"events": "pages go to people"}

        @pytest.fixture
        def notifier_world(self):
            with PagerWorld() as world:
                yield world
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import pytest

from marketplace_sdk.testing.conformance._kit import Conformance, needs_of
from marketplace_sdk.testing.conformance._notifier_bench import NotifierBench
from marketplace_sdk.testing.conformance._notifier_delivering import DeliveringChecks
from marketplace_sdk.testing.conformance._notifier_failing import FailingChecks, SilenceChecks
from marketplace_sdk.testing.conformance._notifier_world import (
    CAPABILITIES,
    Arrival,
    NotifierWorld,
)

__all__ = ["Arrival", "NotifierConformance", "NotifierWorld"]


class NotifierConformance(DeliveringChecks, FailingChecks, SilenceChecks, Conformance, kit=True):
    """The rules of the notifier port.

    A notifier that delivers events and notices is checked with both.
    """

    capabilities: ClassVar[Mapping[str, str]] = CAPABILITIES
    checks_version = 2

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Check with each sort of messages that the notifier delivers."""
        super().pytest_generate_tests(metafunc)
        name = metafunc.definition.originalname
        if name in self._checks and "sort" in metafunc.fixturenames:
            only = needs_of(self._checks[name]) & {"events", "notices"}
            sorts = only or {"events", "notices"} - set(self.lacks)
            metafunc.parametrize("sort", [each.removesuffix("s") for each in sorted(sorts)])

    @pytest.fixture
    def notifier_bench(
        self, notifier_world: NotifierWorld, sort: Literal["event", "notice"]
    ) -> NotifierBench:
        """The world with one notifier, and messages of one sort."""
        return NotifierBench(notifier_world, sort)
