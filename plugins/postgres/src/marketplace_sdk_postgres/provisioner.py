"""PostgreSQL as a data platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from marketplace_sdk_postgres import changing, discovering, items, looking, resolving
from marketplace_sdk_postgres.connections import Connections
from marketplace_sdk_postgres.doctoring import examine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from marketplace_sdk.plugin import (
        Call,
        CannotLook,
        Change,
        Discovered,
        Guard,
        Item,
        Known,
        Outcome,
        Ref,
        Resolved,
        Scope,
        Seen,
        Shortcoming,
        Target,
        Unresolved,
    )

__all__ = ["PostgresProvisioner"]


class PostgresProvisioner:
    """Gives and takes read access in one database by GRANT and REVOKE. May be shared by threads.

    Args:
        dsn: connection string or URL of libpq, of a login that may create roles and has the
            rights to hand on; never shown again.
        installation: id that marks our roles.
        name: of the connection, for messages.

    Attributes:
        capabilities: as in the ProvisionerSpec, for an object that is passed without one.

    Raises:
        InvalidInput: the connection string cannot be read. Nothing is opened before the first call.
    """

    capabilities = frozenset({"discover", "doctor", "protect", "unmask"})

    def __init__(self, dsn: str, *, installation: str, name: str = "postgres") -> None:
        self._connections = Connections(dsn, name=name)
        self._installation = installation
        self._memberships: items.Memberships | None = None

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._connections.close()

    def resolve(self, refs: Collection[Ref], call: Call) -> Mapping[Ref, Resolved | Unresolved]:
        """What each name means now.

        Raises:
            ProvisioningError: the database cannot be read.
        """
        with self._connections.use(call) as (connection, login):
            try:
                return resolving.resolve(connection, login, self._installation, refs)
            except psycopg.Error as error:
                raise self._connections.failure("read", error) from None

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """The target's role and what it may read."""
        return items.base(target, known)

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """The membership of one person or group in the target's role."""
        # A pass asks for every member with the same target and facts, and there may be hundreds.
        ready = self._memberships
        if ready is None or ready.target is not target or ready.known is not known:
            ready = self._memberships = items.Memberships.of(target, known)
        return ready.items(who)

    def observe(
        self, scopes: Collection[Scope], guards: Collection[Guard], call: Call
    ) -> Mapping[Scope, Seen | CannotLook]:
        """Everything that the roles hold and who is a member of them, in one or two round trips.

        Raises:
            ProvisioningError: the database cannot be read.
        """
        with self._connections.use(call) as (connection, login):
            try:
                return looking.look(connection, login, self._installation, scopes, guards)
            except psycopg.Error as error:
                raise self._connections.failure("read", error) from None

    def apply(self, batch: Sequence[Change], call: Call) -> Iterator[Outcome]:
        """Make the changes one by one as the outcomes are asked for, each in its own transaction.

        Raises:
            ProvisioningError: the database cannot be read; nothing was changed.
        """
        with self._connections.use(call) as (connection, login):
            try:
                yield from changing.apply(
                    connection, login, self._installation, batch, call, send=self._send
                )
            except psycopg.Error as error:
                raise self._connections.failure("change", error) from None

    def describe(self, change: Change) -> str:
        """The statement of a change."""
        return items.describe(change)

    def discover(self, pattern: str, call: Call) -> Iterator[Discovered]:
        """Tables, views, materialized views, partitioned and foreign tables that match.

        Raises:
            ProvisioningError: the database cannot be read, or no time is left.
        """
        with self._connections.use(call) as (connection, _):
            try:
                yield from discovering.discover(connection, self._installation, pattern, call)
            except psycopg.Error as error:
                raise self._connections.failure("list", error) from None

    def doctor(self, call: Call, patterns: Sequence[str] = ("*",)) -> Sequence[Shortcoming]:
        """What our login is missing, and what is open that need not be.

        Args:
            call: the deadline.
            patterns: of the objects to be opened, as in ``may_grant``.

        Raises:
            ProvisioningError: the database cannot be read, or not identified.
        """
        with self._connections.use(call) as (connection, login):
            try:
                return examine(connection, login, self._installation, patterns)
            except psycopg.Error as error:
                raise self._connections.failure("examine", error) from None

    def _send(self, connection: psycopg.Connection[Any], statement: str) -> str:
        """Send one change; returns the id and the time of its transaction.

        The only place where anything is changed, so that a test can end the process around it.
        """
        cursor = connection.execute(statement.encode())
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        return f"transaction {row[0]} at {row[1]}" if row else ""
