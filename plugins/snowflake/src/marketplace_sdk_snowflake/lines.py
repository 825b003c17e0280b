"""One connection to Snowflake with a thread of its own, so that no call outlives its deadline.

The connector waits for answers, in one version in a compiled core, and cannot be interrupted. So a
thread of the line's own waits, and whoever asked goes away when time is up. A line that was left is
never used again: it closes itself when its answer comes, if ever.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attrs import field, frozen

from marketplace_sdk_snowflake.failures import Failure, read_failure, status_failure

if TYPE_CHECKING:
    from marketplace_sdk_snowflake.settings import Login

__all__ = ["Answer", "Line", "Row", "open_connection"]

Row: TypeAlias = Mapping[str, str]
"""Cells by column name in lower case; what is not there is empty text."""

T = TypeVar("T")

_LONGEST_LOGIN = 15
_LONGEST_REQUEST = 20
"""Seconds for which the connector sends a request again that it got no answer to."""

_FIRST_REWRITE = 5
"""Major version of the connector in which options have other names."""


@frozen
class Answer:
    """What a statement brought.

    Attributes:
        rows: cells by column.
        status: the first cell of the first row, which of a change is its status.
        query: Snowflake's id of it.
    """

    rows: Sequence[Row] = field(repr=False)
    status: str
    query: str


def open_connection(options: Mapping[str, Any], seconds: float = _LONGEST_LOGIN) -> Any:
    """A connection of the connector, with the options that its version has; waits for it.

    Args:
        options: how to log in; they win over ours.
        seconds: that logging in may take.
    """
    import snowflake.connector as driver  # noqa: PLC0415 - not loaded before somebody asks

    ours: dict[str, Any] = {
        "login_timeout": max(1, int(min(seconds, _LONGEST_LOGIN))),
        "client_session_keep_alive": False,
        "secondary_roles": "NONE",
        "application": "data_marketplace_sdk",
        # It would ask its cloud where it runs, and wait for answers that only statistics need.
        "platform_detection_timeout_seconds": 0.0,
        "session_parameters": {
            "QUERY_TAG": "marketplace",
            "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
            "CLIENT_TELEMETRY_ENABLED": False,
        },
    }
    if int(driver.__version__.partition(".")[0]) >= _FIRST_REWRITE:
        ours["enable_server_session_keep_alive_auto_detection"] = False
        ours["query_timeout"] = ours["request_timeout"] = _LONGEST_REQUEST
    else:
        ours["network_timeout"] = _LONGEST_REQUEST
    return driver.connect(**{**ours, **options})


class Line:
    """A session of the service role.

    Args:
        login: how to log in.
        seconds: that logging in may take.

    Raises:
        Failure: it did not come about in time.
    """

    def __init__(self, login: Login, seconds: float) -> None:
        self._login = login
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._connection: Any = None
        self.lost = False
        self._thread = threading.Thread(target=self._serve, name="snowflake", daemon=True)
        self._thread.start()
        self._ask(lambda: self._open(seconds), seconds)

    def run(self, statement: str, tag: str, seconds: float) -> Answer:
        """Send one statement.

        Args:
            statement: the SQL, complete.
            tag: query tag.
            seconds: after which nobody waits any more.

        Raises:
            Failure: it was refused, or there was no answer in time.
        """
        return self._ask(lambda: self._run(statement, tag, seconds), seconds)

    def close(self, seconds: float = 0) -> None:
        """Log out as soon as the line is free; wait so long for it."""
        self.lost = True
        self._jobs.put(None)
        if seconds:
            self._thread.join(seconds)

    def _ask(self, action: Callable[[], T], seconds: float) -> T:
        future: Future[T] = Future()
        self._jobs.put((action, future))
        try:
            return future.result(max(0.0, seconds))
        except NoAnswer:
            self.close()
            raise Failure(kind="late", text="no answer before the deadline") from None
        except Failure as failure:
            if failure.uncertain or failure.kind in ("expired", "login_again", "auth"):
                self.close()
            raise

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            action, future = job
            try:
                future.set_result(action())
            except Failure as failure:
                future.set_exception(failure)
            except BaseException as error:  # noqa: BLE001 - a compiled core may raise anything
                future.set_exception(read_failure(error, self._login.secrets))
            del action, future, job
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()

    def _open(self, seconds: float) -> None:
        self._connection = open_connection(self._login.options, seconds)

    def _run(self, statement: str, tag: str, seconds: float) -> Answer:
        cursor = self._connection.cursor()
        try:
            # Nothing is pasted in by the connector: there are no parameters.
            cursor.execute(
                statement,
                _statement_params={
                    "QUERY_TAG": tag,
                    # So that a statement which nobody waits for does not go on for long.
                    "STATEMENT_TIMEOUT_IN_SECONDS": max(1, int(seconds)),
                },
            )
            names = [each[0].lower() for each in cursor.description or ()]
            cells = [[_text(cell) for cell in row] for row in cursor.fetchall()]
            query = str(cursor.sfqid or "")
        finally:
            cursor.close()
        status = cells[0][0] if cells and cells[0] else ""
        failure = status_failure(status, query) if len(names) == 1 else None
        if failure is not None:
            raise failure
        return Answer([dict(zip(names, row, strict=True)) for row in cells], status, query)


def _text(cell: Any) -> str:
    """A cell as text; an instant as in UTC, whatever the session's time zone is."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        aware = cell if cell.tzinfo else cell.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="microseconds")
    return str(cell)
