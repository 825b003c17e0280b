"""The company in which the demo plays: schemas with rows, people with logins, one for us."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Self

import psycopg
from attrs import frozen

from marketplace_sdk import Column, DataSource
from marketplace_sdk_postgres import protecting
from marketplace_sdk_postgres.naming import quote_identifier, role_prefix
from marketplace_sdk_postgres.protecting import Wanted
from marketplace_sdk_postgres.testing import PostgresPlatform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from marketplace_sdk_postgres.server import PlatformServer

__all__ = ["CONSUMERS", "EMPLOYEES", "ORDERS", "Answer", "Stage"]

CONSUMERS = ("bob", "kim", "lea", "ned")
_SCHEMAS = ("sales", "hr")
ORDERS = 5000
EMPLOYEES = 300

_TABLES = """
CREATE TABLE {sales}.customers AS
  SELECT n AS id, (ARRAY['north', 'south', 'east', 'west'])[1 + n % 4] AS region,
         'customer' || n || '@example.com' AS email
  FROM generate_series(1, 1000) AS n;
CREATE TABLE {sales}.orders AS
  SELECT n AS id, 1 + n % 1000 AS customer, date '2026-01-01' + n % 365 AS day,
         (n * 37 % 20000) / 100.0 AS total
  FROM generate_series(1, {orders}) AS n;
CREATE TABLE {hr}.employees AS
  SELECT n AS id, (ARRAY['sales', 'research', 'support'])[1 + n % 3] AS department,
         40000 + n * 811 % 50000 AS salary
  FROM generate_series(1, {employees}) AS n;
"""

# All that the marketplace's login gets. It is no superuser and owns nothing.
_LEAST_PRIVILEGE = """
GRANT USAGE ON SCHEMA {sales}, {hr} TO {login} WITH GRANT OPTION;
GRANT SELECT ON ALL TABLES IN SCHEMA {sales}, {hr} TO {login} WITH GRANT OPTION;
"""

# What somebody gave to lea by hand, long before there was a marketplace.
_BY_HAND = """
GRANT USAGE ON SCHEMA {sales} TO {lea};
GRANT SELECT ON {sales}.orders TO {lea};
"""


@frozen
class Answer:
    """What PostgreSQL said to somebody: the first row as text, or the first line of its error."""

    text: str
    refused: bool


class Stage:
    """Everything that the demo creates on the server, for as long as a ``with`` block.

    On a server that is not ours every name gets a prefix of its own, so that nothing is in the way.
    """

    def __init__(self, server: PlatformServer) -> None:
        self._prefix = f"demo_{secrets.token_hex(3)}_" if server.how == "dsn" else ""
        self._dsn = server.dsn
        self._platform = PostgresPlatform(server.dsn)
        self._installation = ""
        self._login = self.at("marketplace")

    def at(self, name: str) -> str:
        """What ``sales``, ``sales.orders`` or ``bob`` is called on this server."""
        return self._prefix + name

    def sql(self, text: str) -> str:
        """A statement of the script with the names that its tables have here."""
        for schema in _SCHEMAS:
            text = text.replace(f" {schema}.", f" {self.at(schema)}.")
        return text

    def ask(self, person: str, sql: str) -> Answer:
        """Log in as this person, and run a statement."""
        try:
            rows = self._platform.run(sql, as_person=self.at(person))
        except psycopg.errors.InsufficientPrivilege as error:
            return Answer(f"ERROR:  {error.diag.message_primary}", refused=True)
        return Answer(", ".join(map(str, rows[0])), refused=False)

    def connection(self) -> dict[str, Any]:
        """The settings of the marketplace's connection to this server."""
        return {
            "plugin": "postgres",
            "dsn": self._platform.dsn(self._login),
            "may_grant": [f"{self.at(schema)}.*" for schema in _SCHEMAS],
        }

    def sources(self) -> tuple[DataSource, ...]:
        """The tables, as the marketplace should know them."""
        columns = {
            "sales.orders": ("id", "customer", "day", "total"),
            "sales.customers": ("id", "region", "email"),
            "hr.employees": ("id", "department", "salary"),
        }
        return tuple(
            DataSource(
                table.split(".")[1],
                connection="warehouse",
                object=self.at(table),
                columns=[Column(name, masked=name in ("email", "salary")) for name in names],
            )
            for table, names in columns.items()
        )

    def protect(self, table: str, column: str, installation: str) -> None:
        """Set up a view that masks a column, as an administrator does with the command."""
        self._administer(protecting.protect, table, column, installation)

    def unprotect(self, table: str, column: str, installation: str) -> None:
        """Take the view away."""
        self._administer(protecting.unprotect, table, column, installation)

    def privileges(self) -> frozenset[tuple[Any, ...]]:
        """Every role, membership and privilege on the server."""
        return self._platform.snapshot()

    def strike_with(self, installation: str) -> None:
        """Name the marketplace whose roles are removed too, should the demo end half-way."""
        self._installation = installation

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._strike()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._strike()

    def _administer(
        self,
        plan: Callable[[psycopg.Connection[Any], Wanted], Sequence[str]],
        table: str,
        column: str,
        installation: str,
    ) -> None:
        wanted = Wanted(
            table=self.at(table), column=column, installation=installation, login=self._login
        )
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            protecting.run(connection, plan(connection, wanted))

    def _build(self) -> None:
        names = {name: self._platform.schema(self.at(name)) for name in _SCHEMAS}
        for person in CONSUMERS:
            names[person] = self._platform.person(self.at(person))
        names["login"] = self._platform.person(self._login, "CREATEROLE")
        for script in (_TABLES, _LEAST_PRIVILEGE, _BY_HAND):
            self._platform.run(script.format(**names, orders=ORDERS, employees=EMPLOYEES))

    def _strike(self) -> None:
        """Remove everything. With the schemas gone, no role holds anything, and plain DROP does."""
        run = self._platform.run
        self._platform.drop_schemas()
        if self._installation:
            # There are some only if the demo was interrupted. Their maker may drop them.
            ours = role_prefix(self._installation)
            for (role,) in run("SELECT rolname FROM pg_roles"):
                if role.startswith(ours):
                    run(f"DROP ROLE {quote_identifier(role)}", as_person=self._login)
        for role in (*map(self.at, CONSUMERS), self._login):
            run(f"DROP ROLE IF EXISTS {quote_identifier(role)}")
        self._platform.close()
