"""Connections to one PostgreSQL database, each bounded by the deadline of the call it serves."""

from __future__ import annotations

import math
import os
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from attrs import frozen
from psycopg.conninfo import conninfo_to_dict

from marketplace_sdk.plugin import InvalidInput, Problem, ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sdk.plugin import Call

__all__ = ["Connections", "Login", "reason"]

OLDEST = 150000
_GRANTS_BY_BOOTSTRAP = 160000
_LONGEST_CONNECT = 10
_IDLE = 4
_GRACE = 0.5
"""Seconds that the server gets beyond the deadline to say itself that it is over."""

_SECRET_PARAMETERS = ("password", "sslpassword", "passfile")

_WHO = """
SELECT current_user, r.oid::int8, r.rolsuper, d.oid::int8, d.datname, c.system_identifier,
       pg_catalog.pg_is_in_recovery(), pg_catalog.set_config('search_path', 'pg_catalog', false)
FROM pg_catalog.pg_roles r, pg_catalog.pg_database d, pg_catalog.pg_control_system() c
WHERE r.rolname = current_user AND d.datname = pg_catalog.current_database()
"""


@frozen(kw_only=True)
class Login:
    """Who we are on which platform, read once per connection.

    Attributes:
        name: our role, the one that acts.
        oid: its id.
        superuser: whether the server checks nothing of what we do.
        platform: ``postgres:<system identifier>/<oid of the database>``.
        database: its name.
        version: ``server_version_num``, for example 150018.
    """

    name: str
    oid: int
    superuser: bool
    platform: str
    database: str
    version: int

    @property
    def grantors(self) -> tuple[int, ...]:
        """Ids under which the server books the memberships that we give."""
        # From 16 on a superuser's memberships are booked on the role that made the cluster.
        return (
            (self.oid, 10)
            if self.superuser and self.version >= _GRANTS_BY_BOOTSTRAP
            else (self.oid,)
        )


class Connections:
    """Opens, keeps and replaces connections; may be used by several threads.

    Raises:
        InvalidInput: the DSN cannot be read. Its text never appears in a message.
    """

    def __init__(self, dsn: str, *, name: str) -> None:
        try:
            parameters = conninfo_to_dict(dsn)
        except psycopg.ProgrammingError:
            # Not chained: libpq repeats the word that it could not read, perhaps the password.
            raise InvalidInput(
                "cannot configure postgres",
                problems=[Problem("dsn", "is no connection string that libpq can read")],
                hint="for example postgresql://marketplace@db.example/warehouse",
            ) from None
        self.name = name
        self._dsn = dsn
        self._secrets = [str(parameters[k]) for k in _SECRET_PARAMETERS if parameters.get(k)]
        # A standby shows an old state and can change nothing.
        self._extra: dict[str, Any] = (
            {} if "target_session_attrs" in parameters else {"target_session_attrs": "read-write"}
        )
        self._lock = threading.Lock()
        self._idle: list[tuple[psycopg.Connection[Any], Login]] = []

    def close(self) -> None:
        """Close what is idle; what is in use closes when its call ends."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()

    @contextmanager
    def use(self, call: Call) -> Iterator[tuple[psycopg.Connection[Any], Login]]:
        """A connection for one call, cut off soon after the call's deadline.

        Raises:
            ProvisioningError: the server cannot be reached or identified in time.
        """
        connection, login = self._take(call)
        try:
            with _bounded(connection, call):
                yield connection, login
        except BaseException:
            connection.close()
            raise
        finally:
            self._give_back(connection, login)

    def failure(self, verb: str, error: psycopg.Error) -> ProvisioningError:
        """What a failed look at the platform is told as."""
        return ProvisioningError(
            f"cannot {verb} connection {self.name}: {reason(error, self._secrets)}",
            retryable=error.sqlstate is None
            or error.sqlstate[:2] in ("08", "40", "53", "55", "57"),
        )

    def _take(self, call: Call) -> tuple[psycopg.Connection[Any], Login]:
        if call.over:
            raise ProvisioningError(
                f"cannot reach connection {self.name}: no time is left", retryable=True
            )
        while True:
            with self._lock:
                if not self._idle:
                    break
                connection, login = self._idle.pop()
            if not connection.closed and _answers(connection, call):
                return connection, login
            connection.close()
        try:
            return self._open(call)
        except psycopg.Error as error:
            raise self.failure("reach", error) from None

    def _open(self, call: Call) -> tuple[psycopg.Connection[Any], Login]:
        connection = psycopg.connect(
            self._dsn,
            autocommit=True,
            prepare_threshold=None,
            application_name="marketplace",
            client_encoding="utf8",
            connect_timeout=min(_LONGEST_CONNECT, max(2, math.ceil(call.seconds_left()))),
            **self._extra,
        )
        try:
            with _bounded(connection, call):
                login = self._identify(connection, call)
        except BaseException:
            connection.close()
            raise
        return connection, login

    def _identify(self, connection: psycopg.Connection[Any], call: Call) -> Login:
        version = connection.info.server_version
        if version < OLDEST:
            raise ProvisioningError(
                f"cannot use connection {self.name}: PostgreSQL {version // 10000} is too old",
                hint=f"needs {OLDEST // 10000} or newer",
            )
        limit(connection, call)
        try:
            row = connection.execute(_WHO).fetchone()
        except psycopg.errors.InsufficientPrivilege:
            raise ProvisioningError(
                f"cannot use connection {self.name}: the server's identity may not be read",
                hint="an administrator must run: GRANT EXECUTE ON FUNCTION"
                f" pg_catalog.pg_control_system() TO {connection.info.user}",
            ) from None
        if row is None or row[6]:
            raise ProvisioningError(
                f"cannot use connection {self.name}: it leads to a standby", retryable=True
            )
        return Login(
            name=row[0],
            oid=row[1],
            superuser=row[2],
            platform=f"postgres:{row[5]}/{row[3]}",
            database=row[4],
            version=version,
        )

    def _give_back(self, connection: psycopg.Connection[Any], login: Login) -> None:
        if connection.closed:
            return
        with self._lock:
            if len(self._idle) < _IDLE:
                self._idle.append((connection, login))
                return
        connection.close()


def limit(connection: psycopg.Connection[Any], call: Call) -> None:
    """Have the server stop what runs longer than the call may last."""
    milliseconds = max(1, int(call.seconds_left() * 1000))
    connection.execute(f"SET statement_timeout = {milliseconds}")


def reason(error: psycopg.Error, secrets: list[str]) -> str:
    """Why PostgreSQL failed, on one line and without secrets."""
    if error.sqlstate is not None:
        text = f"{error.diag.message_primary or type(error).__name__} ({error.sqlstate})"
    else:
        text = str(error)
    for secret in secrets:
        text = text.replace(secret, "***")
    return " ".join(text.split())[:500]


def _answers(connection: psycopg.Connection[Any], call: Call) -> bool:
    """Whether an idle connection is still alive; also sets its time limit."""
    try:
        with _bounded(connection, call):
            limit(connection, call)
    except psycopg.Error:
        return False
    return True


@contextmanager
def _bounded(connection: psycopg.Connection[Any], call: Call) -> Iterator[None]:
    """Cut the connection when the deadline has passed: a silent network says nothing."""
    cut = threading.Timer(max(0.0, call.seconds_left()) + _GRACE, _cut, [connection])
    cut.daemon = True
    cut.start()
    try:
        yield
    finally:
        cut.cancel()


def _cut(connection: psycopg.Connection[Any]) -> None:
    """Break the line, so that a thread that waits on it wakes up with an error."""
    try:
        duplicate = socket.socket(fileno=os.dup(connection.fileno()))
    except (psycopg.Error, OSError):
        return
    with duplicate:
        try:
            duplicate.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
