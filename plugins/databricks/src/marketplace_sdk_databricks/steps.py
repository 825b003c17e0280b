"""What is done for an administrator: steps that are shown first and then run in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.plugin import ProvisioningError
from marketplace_sdk_databricks.statements import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from marketplace_sdk_databricks.site import Site

__all__ = ["Step", "run", "sql"]


@frozen
class Step:
    """One thing to be done.

    Attributes:
        shown: as a statement, for people.
        do: does it; raises OSError when it cannot be done.
    """

    shown: str
    do: Callable[[Site], object] = field(repr=False)


def sql(statement: str) -> Step:
    """A statement for the SQL warehouse."""
    return Step(
        statement,
        lambda site: Warehouse(site.client, site.warehouse, site.deadline).run(statement),
    )


def run(site: Site, steps: Sequence[Step]) -> None:
    """Do the steps in their order.

    Raises:
        ProvisioningError: one was refused, or has no answer; those before it are done.
    """
    for number, step in enumerate(steps, 1):
        try:
            step.do(site)
        except OSError as error:
            failure = site.failure(error)
            raise ProvisioningError(
                f"cannot run step {number} of {len(steps)}, {step.shown}: {failure.said}",
                code=failure.row.name,
                retryable=failure.row.retryable,
                hint="run the command again when that is solved; it goes on from what is there",
            ) from None
