"""The table of exceptions: who sees which masked column, until when.

A mask may ask it instead of a group. Then an end holds although nobody works, and costs a
statement on a warehouse for each change.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk_databricks.naming import quote_literal, quote_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marketplace_sdk_databricks.statements import Warehouse

__all__ = ["ExceptionTable"]

_FORMAT = "%Y-%m-%dT%H:%M:%S"


@frozen
class ExceptionTable:
    """The rows of one table.

    Attributes:
        name: dotted name of the table.
        warehouse: runs the statements.
    """

    name: str
    warehouse: Warehouse = field(repr=False)

    @staticmethod
    def created(name: str, installation: str) -> str:
        """The statement that makes the table."""
        comment = quote_literal(f"marketplace {installation} exceptions")
        return (
            f"CREATE TABLE IF NOT EXISTS {quote_name(name)}"
            f" (mask STRING NOT NULL, principal STRING NOT NULL, until TIMESTAMP) COMMENT {comment}"
        )

    def holders(self, mask: str) -> Mapping[str, datetime | None]:
        """Everybody with a row for a mask, and its end.

        Raises:
            OSError: it cannot be read.
        """
        rows, _ = self.warehouse.run(
            # Seconds since the epoch, so that no time zone of a session matters.
            f"SELECT principal, unix_seconds(until) FROM {quote_name(self.name)}"  # noqa: S608 - quoted
            " WHERE mask = :mask",
            {"mask": mask},
        )
        return {who: None if until is None else _read(until) for who, until in rows}

    def put(self, mask: str, principal: str, until: datetime | None) -> str:
        """Have a row with that end, or none; returns the id of the statement.

        Raises:
            OSError: it cannot be done, or it is not known whether it was.
        """
        end = None if until is None else until.astimezone(UTC).strftime(_FORMAT) + "Z"
        _, id = self.warehouse.run(
            f"MERGE INTO {quote_name(self.name)} AS x"  # noqa: S608 - quoted; values are bound
            " USING (SELECT :mask AS mask, :principal AS principal,"
            " CAST(:until AS TIMESTAMP) AS until) AS n"
            " ON x.mask = n.mask AND x.principal = n.principal"
            " WHEN MATCHED THEN UPDATE SET until = n.until"
            " WHEN NOT MATCHED THEN INSERT (mask, principal, until)"
            " VALUES (n.mask, n.principal, n.until)",
            {"mask": mask, "principal": principal, "until": end},
        )
        return id

    def drop(self, mask: str, principal: str) -> str:
        """Have no row; returns the id of the statement.

        Raises:
            OSError: it cannot be done, or it is not known whether it was.
        """
        _, id = self.warehouse.run(
            f"DELETE FROM {quote_name(self.name)}"  # noqa: S608 - quoted; values are bound
            " WHERE mask = :mask AND principal = :principal",
            {"mask": mask, "principal": principal},
        )
        return id


def _read(text: str) -> datetime:
    return datetime.fromtimestamp(int(text), UTC)
