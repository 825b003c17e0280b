"""What the store needs to know of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from marketplace_sdk.plugin import MarketplaceError
    from marketplace_sdk_sql.statements import Statements
    from marketplace_sdk_sql.transaction import SqlTransaction

__all__ = ["Driver", "Mode"]

Mode = Literal["write", "alone", "read", "look", "alter"]
"""Why a transaction begins: to write, to write while nobody else does, to read one moment, to look
at each moment anew, or to alter tables."""


class Driver(Protocol):
    """One database: how to reach it, what to say to it, and what its errors mean.

    Attributes:
        name: of the database, for people.
        errors: what ``error`` explains.
        one_writer: seconds that a thread waits for its turn to write; None where writers of one
            process need not take turns.
        dialect: SQLAlchemy's URL of the database and driver, without a place.
        statements: in the words of this database.
        spells: whether words that are spelled almost alike can be found; known after ``notice``.
    """

    @property
    def name(self) -> str:
        """See above."""

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """See above."""

    @property
    def one_writer(self) -> float | None:
        """See above."""

    @property
    def dialect(self) -> str:
        """See above."""

    @property
    def statements(self) -> Statements:
        """See above."""

    def exists(self) -> bool:
        """Whether there may be something; False where connecting would make it."""

    def connect(self, mode: Mode) -> Any:
        """A new connection. Raises one of ``errors``, or StorageError."""

    def sort(self, mode: Mode) -> str:
        """Which connections may be used for it; those of one sort are alike."""

    def begin(self, connection: Any, mode: Mode) -> None:
        """Begin a transaction. Raises one of ``errors``."""

    def lost(self, connection: Any) -> bool:
        """Whether a connection is of no use any more."""

    def transaction(
        self,
        connection: Any,
        *,
        write: bool,
        aside: Callable[[], AbstractContextManager[Any]],
    ) -> SqlTransaction:
        """The unit of work over a transaction that has begun.

        ``aside`` lends another connection, which sees each moment anew.
        """

    def make_room(self, connection: Any) -> None:
        """Wait for everybody who alters tables, and make the place for them."""

    def tables(self, connection: Any) -> set[str]:
        """Names of the tables that are there."""

    def now(self, connection: Any) -> datetime | None:
        """The database's own clock, or None where it is this machine's."""

    @property
    def spells(self) -> bool:
        """See above."""

    def notice(self, connection: Any) -> None:
        """Look what a database that was set up can do."""

    def texts(self, values: Sequence[str]) -> Any:
        """Several texts as one value to be bound."""

    def error(self, error: BaseException, verb: str) -> MarketplaceError:
        """What an error means; row data, passwords and the driver's own words stay out of it."""
