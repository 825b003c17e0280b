"""Several statements in one round trip: libpq's pipeline on a connection that psycopg made.

A unit of work on PostgreSQL is a handful of short statements, and most of its time would be spent
on the way to the server and back. So statements are gathered and sent together with the next one
whose answer is needed. Each is prepared once for a connection. All values are sent as text.
"""

from __future__ import annotations

import selectors
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors, pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Answer", "Line"]

Expected = tuple[str, "Answer | bytes"]
"""A statement, and whose answer it is, or under which name it is prepared."""

_NUMBERS = frozenset({20, 21, 23, 26})
"""Types whose values are whole numbers: bigint, smallint, integer, oid."""
_BOOL = 16
_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)

# Unlike others it has no file of its own that would have to be closed.
_Selector: Any = getattr(selectors, "PollSelector", selectors.SelectSelector)


class Answer:
    """What a statement will have answered when its round trip is over.

    Attributes:
        ready: whether it is.
        rows: that it returned.
        rowcount: how many rows it changed or returned.
    """

    __slots__ = ("ready", "rowcount", "rows")

    def __init__(self) -> None:
        self.ready = False
        self.rows: list[Any] = []
        self.rowcount = 0

    def fetchall(self) -> list[Any]:
        """The rows, as a driver's cursor gives them."""
        return self.rows


class Line:
    """One connection, used by one thread at a time.

    Methods raise ``psycopg.Error``; after one the transaction can only be rolled back.

    Attributes:
        mode: why the present transaction began.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._socket = _Selector()
        self._socket.register(self._libpq.socket, selectors.EVENT_READ)
        self._prepared: dict[str, bytes] = {}
        self._loaders: dict[str, list[Any]] = {}
        self._numbers = count()
        self._queue: list[tuple[str, list[bytes | None], Answer]] = []
        self._begun, self._reads = False, True
        # Answers are on their way that nobody waits for; or nobody knows what is on its way.
        self._unread = self._astray = False
        self.mode = ""

    @property
    def process(self) -> int:
        """The number of the server's process."""
        return self._libpq.backend_pid

    def cursor(self) -> Line:
        """Itself, which executes as a cursor does."""
        return self

    def executemany(self, sql: str, binds: Iterable[Sequence[Any]]) -> None:
        """Send a statement for each of these values, all at once."""
        for each in binds:
            self.later(sql, each)
        self.run()

    @property
    def lost(self) -> bool:
        """Whether it is of no use any more, or in a transaction that could not be ended."""
        if self._astray or self._libpq.status != pq.ConnStatus.OK:
            return True
        return not self._unread and self._libpq.transaction_status != pq.TransactionStatus.IDLE

    def begin(self, mode: str, statements: Sequence[str]) -> None:
        """Begin a transaction with the next round trip; fails now if the server went away."""
        self.mode = mode
        self._catch_up()
        if self._socket.select(0):
            # Nothing is owed to us: this is how the end of a connection shows.
            self._astray = True
            raise psycopg.OperationalError("the connection was closed")
        self._begun, self._reads = False, mode != "alone"
        self._queue = [(statement, [], Answer()) for statement in statements]

    def begin_anew(self, statements: Sequence[str]) -> None:
        """End a transaction that only read, and begin one that writes with the next round trip."""
        if self._begun:
            self.later("COMMIT")
        else:
            self._queue.clear()
        self._reads = False
        for statement in statements:
            self.later(statement)

    def later(self, sql: str, binds: Sequence[Any] = ()) -> Answer:
        """Send a statement with the next one whose answer is needed."""
        answer = Answer()
        self._queue.append((sql, [_text(value) for value in binds], answer))
        return answer

    def execute(self, sql: str, binds: Sequence[Any] = ()) -> Answer:
        """Send everything that was gathered, and this; raises for the first that fails."""
        answer = self.later(sql, binds)
        self.run()
        return answer

    def run(self) -> None:
        """Send everything that was gathered; raises for the first statement that fails."""
        self._catch_up()
        if self._queue:
            sent, self._queue = self._queue, []
            self._begun = self._astray = True
            expected = self._send(sent)
            results = self._receive()
            self._astray = False
            self._match(expected, results)

    def commit(self) -> None:
        """Commit; the end of a transaction that only read is not waited for."""
        if not self._reads:
            self.execute("COMMIT")
            if self._libpq.transaction_status != pq.TransactionStatus.IDLE:
                raise psycopg.OperationalError("the transaction was not committed")
            return
        self._queue.clear()
        if self._begun:
            self._astray = True
            self._send([("COMMIT", [], Answer())])
            self._unread, self._astray = True, False

    def rollback(self) -> None:
        """Give everything up that is not committed."""
        self._queue.clear()
        self._catch_up()
        if self._libpq.transaction_status != pq.TransactionStatus.IDLE:
            self.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _catch_up(self) -> None:
        """Read what nobody waited for."""
        if self._unread:
            self._astray = True
            self._receive()
            self._unread = self._astray = False

    def _send(self, queue: Sequence[tuple[str, list[bytes | None], Answer]]) -> list[Expected]:
        """Put statements on their way; what is expected back, in order."""
        libpq = self._libpq
        libpq.enter_pipeline_mode()
        expected: list[Expected] = []
        fresh: dict[str, bytes] = {}
        for sql, binds, answer in queue:
            name = self._prepared.get(sql) or fresh.get(sql)
            if name is None:
                name = fresh[sql] = b"s%d" % next(self._numbers)
                libpq.send_prepare(name, _numbered(sql))
                expected.append((sql, name))
            libpq.send_query_prepared(name, binds)
            expected.append((sql, answer))
        libpq.pipeline_sync()
        while libpq.flush():
            # The server may be waiting for somebody to read its answers.
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._socket.modify(libpq.socket, both)
            ((_, ready),) = self._socket.select()
            self._socket.modify(libpq.socket, selectors.EVENT_READ)
            if ready & selectors.EVENT_READ:
                libpq.consume_input()
        return expected

    def _receive(self) -> list[pq.abc.PGresult]:
        """Results of everything that is on its way."""
        libpq = self._libpq
        results: list[pq.abc.PGresult] = []
        while True:
            while libpq.is_busy():
                self._socket.select()
                libpq.consume_input()
            result = libpq.get_result()
            if result is None:
                if libpq.status != pq.ConnStatus.OK:
                    raise psycopg.OperationalError("the connection was lost")
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                libpq.exit_pipeline_mode()
                return results
            else:
                results.append(result)

    def _match(self, expected: Sequence[Expected], results: Sequence[pq.abc.PGresult]) -> None:
        """Hand answers out, and remember what was prepared; raises for the first that failed."""
        for (sql, what), result in zip(expected, results, strict=True):
            if result.status not in _GOOD:
                raise _error(result)
            if isinstance(what, bytes):
                self._prepared[sql] = what
                continue
            count = result.ntuples
            if count:
                what.rows = _rows(result, count, self._loads(sql, result))
            what.rowcount = result.command_tuples or 0
            what.ready = True

    def _loads(self, sql: str, result: pq.abc.PGresult) -> list[Any]:
        """What reads each column; a prepared statement's columns keep their types."""
        loaders = self._loaders.get(sql)
        if loaders is None:
            loaders = [_loader(result.ftype(place)) for place in range(result.nfields)]
            self._loaders[sql] = loaders
        return loaders


def _rows(result: pq.abc.PGresult, count: int, loaders: Sequence[Any]) -> list[Any]:
    get = result.get_value
    places = list(enumerate(loaders))
    return [
        tuple(
            [None if (value := get(row, place)) is None else load(value) for place, load in places]
        )
        for row in range(count)
    ]


def _loader(kind: int) -> Any:
    if kind in _NUMBERS:
        return int
    return _is_true if kind == _BOOL else bytes.decode


def _is_true(value: bytes) -> bool:
    return value == b"t"


def _error(result: pq.abc.PGresult) -> psycopg.Error:
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    text = (result.error_message or b"").decode(errors="replace")
    try:
        return errors.lookup(state)(text)
    except KeyError:
        error = psycopg.DatabaseError(text)
        error.sqlstate = state or None
        return error


def _text(value: Any) -> bytes | None:
    """A value as the server reads it. Raises UnicodeEncodeError, or DataError for NUL."""
    kind = type(value)
    if kind is str:
        text = value
    elif kind is list:
        return _array(value).encode()
    elif value is None:
        return None
    else:
        text = str(value)
    if "\0" in text:
        raise psycopg.DataError("text with NUL")
    return text.encode()  # type: ignore[no-any-return]  # a str


def _array(values: list[Any]) -> str:
    if values and type(values[0]) is int and set(map(type, values)) == {int}:
        return f"{{{','.join(map(str, values))}}}"
    try:
        # What no text may hold stands between them until all of them have been looked through.
        text = "\0".join(values)
    except TypeError:
        text = ",".join(map(_element, values))
        if "\0" in text:
            raise psycopg.DataError("text with NUL") from None
        return f"{{{text}}}"
    if text.count("\0") >= max(len(values), 1):
        raise psycopg.DataError("text with NUL")
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if '"' in text:
        text = text.replace('"', '\\"')
    return '{"' + text.replace("\0", '","') + '"}' if values else "{}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        if '"' in value or "\\" in value:
            value = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{value}"'
    return str(value)


@lru_cache(maxsize=1024)
def _numbered(sql: str) -> bytes:
    """A statement with the server's own places for values."""
    first, *rest = sql.split("%s")
    parts = [f"${number}{part}" for number, part in enumerate(rest, 1)]
    return (first + "".join(parts)).replace("%%", "%").encode()
