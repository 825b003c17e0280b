"""What every provisioner must do; inherit, and give a ``world`` fixture.

::

    import pytest

    from marketplace_sdk.testing.conformance import ProvisionerConformance, ProvisionerWorld

    class AcmeWorld(ProvisionerWorld):
        ...                                # make objects and people, look as they do, break things

    class TestAcme(ProvisionerConformance):
        lacks = {"unmask": "Acme has no masking exceptions"}

        @pytest.fixture
        def world(self):
            with AcmeWorld() as world:
                yield world
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

from marketplace_sdk.testing.conformance._kit import Conformance
from marketplace_sdk.testing.conformance._provisioner_bench import Bench
from marketplace_sdk.testing.conformance._provisioner_changing import ChangingChecks
from marketplace_sdk.testing.conformance._provisioner_delivery import DeliveryChecks
from marketplace_sdk.testing.conformance._provisioner_looking import LookingChecks
from marketplace_sdk.testing.conformance._provisioner_planning import PlanningChecks
from marketplace_sdk.testing.conformance._provisioner_secrets import SecretChecks
from marketplace_sdk.testing.conformance._provisioner_world import CAPABILITIES, ProvisionerWorld

__all__ = ["ProvisionerConformance", "ProvisionerWorld"]


class ProvisionerConformance(
    PlanningChecks,
    LookingChecks,
    ChangingChecks,
    SecretChecks,
    DeliveryChecks,
    Conformance,
    kit=True,
):
    """The rules of the provisioner port, for every platform.

    Checks drive the provisioner by hand and, where it is the outcome that counts, through a whole
    marketplace in memory with the real reconciler.
    """

    capabilities: ClassVar[Mapping[str, str]] = CAPABILITIES
    checks_version = 2

    @pytest.fixture
    def bench(self, world: ProvisionerWorld) -> Bench:
        """The world with one provisioner, for checks that drive it by hand."""
        return Bench(world)
