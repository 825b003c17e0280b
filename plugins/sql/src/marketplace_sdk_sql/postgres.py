"""What is special about PostgreSQL: reaching it, isolation, and what its errors mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict

from marketplace_sdk.plugin import InvalidInput, StaleRevision, StorageError
from marketplace_sdk_sql.line import Line
from marketplace_sdk_sql.postgres_statements import STALE, PostgresStatements
from marketplace_sdk_sql.postgres_transaction import PostgresTransaction
from marketplace_sdk_sql.tables import VERSION_TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from marketplace_sdk.plugin import MarketplaceError
    from marketplace_sdk_sql.driver import Mode
    from marketplace_sdk_sql.statements import Statements

__all__ = ["PostgresDriver"]

CONNECT_SECONDS = 10
LOCK_SECONDS = 5
"""How long a statement waits for another writer before it gives up, retryable."""

_FORM = "for example postgresql://marketplace@db.example/marketplace?schema=marketplace"

BEGIN = {
    # A writer looks first and writes in the end; see ``PostgresTransaction``.
    "write": ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    # Locks of tables are waited for before the first look, so whoever is alone is never overtaken.
    "alone": (
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        f"LOCK TABLE {VERSION_TABLE} IN EXCLUSIVE MODE",
    ),
    "read": ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    "look": ("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",),
}

_MAKING_TABLES = 7_306_920_311
"""An advisory lock of one number that nobody else is likely to take."""

_SECRET = ("password", "sslpassword", "passfile")

_DEFAULTS: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    # Of several servers only the one that can be written to.
    "target_session_attrs": "read-write",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "application_name": "marketplace",
}

_SETTINGS = {
    "lock_timeout": f"{LOCK_SECONDS}s",
    # A client whose machine is gone keeps no locks for hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    # Every statement has an index that answers it, which a young table's statistics do not show;
    # and who scans a small table instead conflicts with all who write to it.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    # Starting a worker takes longer than a page of anything.
    "max_parallel_workers_per_gather": "0",
}

_RETRYABLE = {
    "55P03": "another writer holds it; try again",
    "57014": "it took too long; try again",
    "53100": "the server's disk is full",
    "53300": "the server has no connection left",
}
_RETRYABLE_CLASSES = ("08", "53", "57", "58")
_HINTS = {
    "25006": "the server is a standby; give the address of the primary",
    "3D000": "create the database first",
    "42501": "the login needs the right to use the schema and its tables",
    "42P01": "the tables are missing; was the storage set up?",
}
_OVERTAKEN = frozenset({"40001", "40P01", STALE})
_TAKEN = "23505"
_NOT_TEXT = frozenset({"22021", "22P05"})
_TOO_LARGE = {"54000": "a key is too long", "22003": "a number is too large"}


class PostgresDriver:
    """Connections to one schema of a PostgreSQL database."""

    name = "PostgreSQL"
    dialect = "postgresql+psycopg://"
    errors = (psycopg.Error, UnicodeEncodeError, OverflowError)

    def __init__(self, url: str) -> None:
        self._schema, self._dsn = _parts(url)
        given = conninfo_to_dict(self._dsn)
        self._secrets = [str(given[name]) for name in _SECRET if given.get(name)]
        self._defaults = {name: one for name, one in _DEFAULTS.items() if name not in given}
        self.statements: Statements = PostgresStatements()
        self.spells = False

    @property
    def one_writer(self) -> None:
        """The server looks after writers itself."""
        return

    def exists(self) -> bool:
        """A server is found or not found by connecting."""
        return True

    def connect(self, mode: Mode) -> Any:
        """A new connection, with settings that do not depend on the server's.

        Tables are altered on one of psycopg's own, anything else is said over a ``Line``.
        """
        connection = psycopg.connect(self._dsn, autocommit=True, **self._defaults)
        try:
            self._settle_in(connection)
        except BaseException:
            connection.close()
            raise
        return connection if mode == "alter" else Line(connection)

    def sort(self, mode: Mode) -> str:
        """Any line will do."""
        return "psycopg" if mode == "alter" else "line"

    def begin(self, connection: Any, mode: Mode) -> None:
        """Begin at the isolation that the purpose needs."""
        if mode == "alter":
            # Whoever waited for another one must see what it made.
            connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            return
        connection.begin(mode, BEGIN[mode])
        if mode == "alone":
            connection.run()

    def lost(self, connection: Any) -> bool:
        """Whether it is closed or broken, or in a transaction that could not be ended."""
        if isinstance(connection, Line):
            return connection.lost
        idle: bool = connection.pgconn.transaction_status == pq.TransactionStatus.IDLE
        return not idle

    def transaction(
        self,
        connection: Line,
        *,
        write: bool,
        aside: Callable[[], AbstractContextManager[Any]],
    ) -> PostgresTransaction:
        """The unit of work on a connection."""
        return PostgresTransaction(self, connection, write=write, aside=aside)

    def make_room(self, connection: psycopg.Connection[Any]) -> None:
        """Wait for others who make tables, and create the schema if the URL names one."""
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING_TABLES,))
        if self._schema:
            name = sql.Identifier(self._schema)
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))

    def tables(self, connection: Any) -> set[str]:
        """Names of the tables of our schema."""
        rows = connection.execute(
            "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
        ).fetchall()
        return {name for (name,) in rows}

    def now(self, connection: Line) -> datetime:
        """The server's clock, at this moment and not when the transaction began."""
        ((at,),) = connection.execute(
            "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
        ).rows
        return datetime.fromisoformat(at).replace(tzinfo=UTC)

    def notice(self, connection: Line) -> None:
        """Whether there is an index of trigrams."""
        there = "SELECT to_regclass('search_trigrams') IS NOT NULL"
        ((self.spells,),) = connection.execute(there).rows

    def texts(self, values: Sequence[str]) -> Any:
        """As an array."""
        return list(values)

    def error(self, error: BaseException, verb: str) -> MarketplaceError:
        """What an error of the driver means.

        The server's words stay out, for they repeat values; those about a connection do not.
        """
        state = getattr(error, "sqlstate", None) or ""
        if isinstance(error, UnicodeEncodeError) or state in _NOT_TEXT or _is_nul(error):
            return InvalidInput(f"cannot {verb} storage: a key is not valid text")
        if isinstance(error, OverflowError) or state in _TOO_LARGE:
            why = _TOO_LARGE.get(state, "a number is too large")
            return InvalidInput(f"cannot {verb} storage: {why}")
        if state in _OVERTAKEN or (state == _TAKEN and verb != "migrate"):
            return StaleRevision("unit of work", "")
        if not state and isinstance(error, psycopg.OperationalError):
            return StorageError(
                f"cannot {verb} storage: {self._words(error)}",
                retryable=True,
                hint="is the server running, and are address and login right?",
            )
        retryable = state in _RETRYABLE or state.startswith(_RETRYABLE_CLASSES)
        hint = _RETRYABLE.get(state) or _HINTS.get(state, "")
        name = f"{type(error).__name__} ({state})" if state else type(error).__name__
        return StorageError(f"cannot {verb} storage: {name}", retryable=retryable, hint=hint)

    def _words(self, error: BaseException) -> str:
        text = " ".join(str(error).split())[:300]
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text or "no connection to PostgreSQL"

    def _settle_in(self, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute(
            "SELECT current_setting('server_encoding'), current_setting('synchronous_commit'),"
            " quote_ident(coalesce(%s, current_schema(), ''))",
            (self._schema or None,),
        ).fetchone()
        encoding, durable, schema = row or ("", "", "")
        if encoding != "UTF8":
            raise StorageError(
                f"cannot open storage: the database is encoded in {encoding}",
                hint="create it with ENCODING 'UTF8'",
            )
        settings = dict(_SETTINGS)
        if self._schema:
            settings["search_path"] = f"{schema}, public"
        if durable == "off":
            settings["synchronous_commit"] = "on"
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))


def _parts(url: str) -> tuple[str, str]:
    """Schema and connection string of a URL. Raises InvalidInput, without repeating the URL."""
    place, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    schema = dict(pairs).get("schema", "")
    rest = urlencode([pair for pair in pairs if pair[0] != "schema"])
    dsn = f"{place}?{rest}" if rest else place
    try:
        conninfo_to_dict(dsn)
    except (psycopg.Error, UnicodeError):
        raise InvalidInput("cannot open storage: its URL cannot be read", hint=_FORM) from None
    if "\0" in schema:
        raise InvalidInput("cannot open storage: its schema is not valid text", hint=_FORM)
    return schema, dsn


def _is_nul(error: BaseException) -> bool:
    # psycopg finds it before the server does, and has no code for it.
    return isinstance(error, psycopg.DataError) and not error.sqlstate
