"""Behaviour that every implementation of a port must show, as pytest classes to inherit."""

import pkgutil

import pytest

# A rule that fails in somebody else's plugin should show both sides of the comparison.
pytest.register_assert_rewrite(
    *(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))
)

from marketplace_sdk.testing.conformance.notifier import (  # noqa: E402  # rewritten
    Arrival,
    NotifierConformance,
    NotifierWorld,
)
from marketplace_sdk.testing.conformance.provisioner import (  # noqa: E402  # rewritten
    ProvisionerConformance,
    ProvisionerWorld,
)
from marketplace_sdk.testing.conformance.storage import StorageConformance  # noqa: E402  # rewritten

__all__ = [
    "Arrival",
    "NotifierConformance",
    "NotifierWorld",
    "ProvisionerConformance",
    "ProvisionerWorld",
    "StorageConformance",
]
