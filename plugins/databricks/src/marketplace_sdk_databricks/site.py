"""What a look or a change works with, within one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk_databricks.exceptions import ExceptionTable
from marketplace_sdk_databricks.statements import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable

    from databricks.sdk import WorkspaceClient

    from marketplace_sdk_databricks.deadline import Deadline
    from marketplace_sdk_databricks.failures import Failure
    from marketplace_sdk_databricks.masking import Masking

__all__ = ["Site"]


@frozen(kw_only=True)
class Site:
    """What a look or a change works with, within one call.

    Attributes:
        client: of the workspace.
        platform: identity of its metastore.
        masking: what is known of masks.
        deadline: of the call.
        failure: understands what goes wrong.
        warehouse: id of the SQL warehouse, or empty text.
    """

    client: WorkspaceClient = field(repr=False)
    platform: str
    masking: Masking
    deadline: Deadline = field(repr=False)
    failure: Callable[[BaseException], Failure] = field(repr=False)
    warehouse: str = ""

    def exceptions(self, name: str) -> ExceptionTable:
        """The table of exceptions of that name."""
        return ExceptionTable(name, Warehouse(self.client, self.warehouse, self.deadline))
