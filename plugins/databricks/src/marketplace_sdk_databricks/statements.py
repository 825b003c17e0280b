"""SQL on a warehouse, where a statement that failed is no exception but an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from databricks.sdk.service.sql import (
    ExecuteStatementRequestOnWaitTimeout,
    StatementParameterListItem,
    StatementState,
)

from marketplace_sdk_databricks.deadline import NoAnswer, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from databricks.sdk import WorkspaceClient

    from marketplace_sdk_databricks.deadline import Deadline

__all__ = ["StatementFailed", "Warehouse"]

_LONGEST_WAIT = 50
_SHORTEST_WAIT = 5
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_.]+)\]")


class StatementFailed(Trouble):
    """The warehouse ran a statement and it failed.

    Attributes:
        error_code: Unity Catalog's name of the condition, such as ``ROUTINE_NOT_FOUND``.
    """

    def __init__(self, message: str, error_code: str) -> None:
        super().__init__(message)
        self.error_code = error_code


class Warehouse:
    """Runs statements one by one.

    Args:
        client: of the workspace.
        id: of the SQL warehouse.
        deadline: how long a statement may take; what is not done then is cancelled.
    """

    def __init__(self, client: WorkspaceClient, id: str, deadline: Deadline) -> None:
        self._client = client
        self._id = id
        self._deadline = deadline

    def run(
        self, statement: str, parameters: Mapping[str, str | None] | None = None
    ) -> tuple[Sequence[Sequence[Any]], str]:
        """Rows of a statement, as texts, and the platform's id of it.

        Args:
            statement: one statement; what comes from people is bound.
            parameters: texts by the names that stand as ``:name`` in it.

        Raises:
            StatementFailed: it was run and failed.
            OSError: whatever else goes wrong; ``NoAnswer``: it is not known what became of it.
        """
        wait = max(_SHORTEST_WAIT, min(_LONGEST_WAIT, int(self._deadline.left)))
        answer = self._client.statement_execution.execute_statement(
            statement,
            self._id,
            parameters=[
                StatementParameterListItem(name=name, value=value, type="STRING")
                for name, value in (parameters or {}).items()
            ],
            wait_timeout=f"{wait}s",
            on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CANCEL,
        )
        status = answer.status
        if status is None or status.state != StatementState.SUCCEEDED:
            raise self._failed(answer)
        rows: list[Sequence[Any]] = []
        result = answer.result
        while result is not None:
            rows += result.data_array or []
            if result.next_chunk_index is None:
                break
            result = self._client.statement_execution.get_statement_result_chunk_n(
                answer.statement_id or "", result.next_chunk_index
            )
        return rows, answer.statement_id or ""

    def _failed(self, answer: Any) -> Trouble:
        state = getattr(answer.status, "state", None)
        error = getattr(answer.status, "error", None)
        message = " ".join((getattr(error, "message", "") or "").split())
        if state != StatementState.FAILED:
            said = getattr(state, "value", "nothing")
            return NoAnswer(f"the warehouse did not finish in time ({said})")
        match = _CONDITION.search(message)
        code = match[1] if match else getattr(getattr(error, "error_code", None), "value", "")
        return StatementFailed(message or "the statement failed", code or "")
