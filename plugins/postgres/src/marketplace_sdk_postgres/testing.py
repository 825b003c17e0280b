"""Help for tests on a real PostgreSQL: people, tables, and what each person really can read."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Self

import psycopg
from psycopg.conninfo import make_conninfo

from marketplace_sdk import ProvisioningError
from marketplace_sdk.plugin import dotted_name, split_name
from marketplace_sdk_postgres.masks import MaskMark
from marketplace_sdk_postgres.naming import quote_identifier, quote_literal
from marketplace_sdk_postgres.server import PlatformServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

__all__ = ["PlatformServer", "PostgresPlatform", "server_for_tests"]

Sight = Literal["none", "masked", "clear"]

_ATTRIBUTES = """
SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
       shobj_description(oid, 'pg_authid')
FROM pg_roles
"""

_MEMBERSHIPS = """
SELECT pg_get_userbyid(m.roleid), pg_get_userbyid(m.member), pg_get_userbyid(m.grantor),
       m.admin_option, to_jsonb(m) ->> 'inherit_option', to_jsonb(m) ->> 'set_option'
FROM pg_auth_members m
"""

_PRIVILEGES = """
WITH acls (what, name, acl) AS (
    SELECT 'schema', nspname::text, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\\_%'
  UNION ALL
    SELECT 'relation', c.oid::regclass::text,
           coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END,
                                       relowner))
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname NOT LIKE 'pg\\_%' AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
    SELECT 'column', attrelid::regclass || '.' || attname, attacl
    FROM pg_attribute WHERE attacl IS NOT NULL
  UNION ALL
    SELECT 'database', datname::text, coalesce(datacl, acldefault('d', datdba)) FROM pg_database
)
SELECT what, name, x.grantee::regrole::text, x.grantor::regrole::text, x.privilege_type,
       x.is_grantable
FROM acls, aclexplode(acl) x
"""


@contextmanager
def server_for_tests() -> Iterator[PlatformServer]:
    """A server for a session of tests: that of ``MARKETPLACE_TEST_PG_DSN``, or one of our own.

    Where there is no PostgreSQL the tests that ask for it are skipped, or fail if
    ``MARKETPLACE_REQUIRE_PG`` is set. For a fixture::

        @pytest.fixture(scope="session")
        def server():
            with server_for_tests() as found:
                yield found
    """
    try:
        found = PlatformServer.start(os.environ.get("MARKETPLACE_TEST_PG_DSN"))
    except ProvisioningError as error:
        if os.environ.get("MARKETPLACE_REQUIRE_PG"):
            raise
        import pytest  # noqa: PLC0415 - a demo needs this module, too, and no pytest

        pytest.skip(f"no PostgreSQL: {error}")
    with found:
        yield found


class PostgresPlatform:
    """A database as its administrator and its people know it.

    What it creates has a name of its own, or is dropped by ``close``.

    Args:
        dsn_admin: of a login that may do everything, on a server that is for tests only.
    """

    def __init__(self, dsn_admin: str) -> None:
        self._admin_dsn = dsn_admin
        self._admin = psycopg.connect(dsn_admin, autocommit=True)
        self._passwords: dict[str, str] = {}
        self._schemas: list[str] = []

    @property
    def version(self) -> int:
        """``server_version_num`` of the server."""
        return self._admin.info.server_version

    def run(self, sql: str, as_person: str | None = None) -> list[tuple[Any, ...]]:
        """Rows of a statement, run as the administrator or as a person."""
        statement = sql.encode()
        if as_person is None:
            cursor = self._admin.execute(statement)
            return cursor.fetchall() if cursor.description else []
        with psycopg.connect(self.dsn(as_person), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def dsn(self, person: str) -> str:
        """How a person whom we created connects."""
        return make_conninfo(self._admin_dsn, user=person, password=self._passwords[person])

    def person(self, name: str, options: str = "") -> str:
        """Create a role that can log in; returns its name."""
        password = secrets.token_urlsafe(12)
        login = f"LOGIN PASSWORD {quote_literal(password)} {options}"
        self.run(f"CREATE ROLE {quote_identifier(name)} {login}")
        self._passwords[name] = password
        return name

    def schema(self, name: str) -> str:
        """Create a schema; returns its name."""
        self.run(f"CREATE SCHEMA {quote_identifier(name)}")
        self._schemas.append(name)
        return name

    def table(self, name: str, columns: Sequence[str] = ("id", "email")) -> str:
        """Create a table of texts with one row (each value is its column's name); returns its name.

        Args:
            name: dotted, as it would be registered; the schema is there already.
            columns: names of its columns.
        """
        texts = ", ".join(f"{quote_identifier(c)} text" for c in columns)
        values = ", ".join(quote_literal(c) for c in columns)
        self.run(f"CREATE TABLE {_quoted(name)} ({texts})")
        self.run(f"INSERT INTO {_quoted(name)} VALUES ({values})")  # noqa: S608 - every name is quoted
        return name

    def reads(self, principal: str, name: str, column: str) -> Sight:
        """What a person gets to see, found out by logging in as that person.

        Returns:
            ``none`` if no column of the object can be read, ``clear`` if the real values of this
            column can, and ``masked`` if the object can be read but this column is refused, or
            other values are shown.
        """
        rows = self._rows(principal, name, column)
        if rows is not None:
            return "clear" if rows == self._real(name, column) else "masked"
        # SELECT 1 is allowed as soon as one column is.
        return "masked" if self._selects(principal, f"SELECT 1 FROM {_quoted(name)}") else "none"  # noqa: S608 - every name is quoted

    def can_read(self, principal: str, name: str) -> bool:
        """Whether a person can read at least one column."""
        return self._selects(principal, f"SELECT 1 FROM {_quoted(name)}")  # noqa: S608 - every name is quoted

    def sees_clear(self, principal: str, name: str, column: str) -> bool:
        """Whether a person gets the real values of a column."""
        return self.reads(principal, name, column) == "clear"

    def snapshot(self) -> frozenset[tuple[Any, ...]]:
        """All roles, memberships and privileges, to compare before and after."""
        queries = {"role": _ATTRIBUTES, "member": _MEMBERSHIPS, "privilege": _PRIVILEGES}
        return frozenset((kind, *row) for kind, query in queries.items() for row in self.run(query))

    def drop_schemas(self) -> None:
        """Drop the schemas created here, and with them every privilege on what they hold."""
        while self._schemas:
            self.run(f"DROP SCHEMA IF EXISTS {quote_identifier(self._schemas.pop())} CASCADE")

    def close(self) -> None:
        """Drop what was created here, and whatever was granted to these people."""
        with self._admin:
            self.drop_schemas()
            for person in reversed(self._passwords):
                quoted = quote_identifier(person)
                if self.run(f"SELECT 1 FROM pg_roles WHERE rolname = {quote_literal(person)}"):  # noqa: S608 - every name is quoted
                    self.run(f"DROP OWNED BY {quoted} CASCADE")
                    self.run(f"DROP ROLE {quoted}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _rows(self, principal: str | None, name: str, column: str) -> list[tuple[Any, ...]] | None:
        """The values of a column, in their order; None if they are refused."""
        query = (
            f"SELECT {quote_identifier(column)}::text FROM {_quoted(name)} ORDER BY 1 LIMIT 9999"  # noqa: S608 - every name is quoted
        )
        try:
            return self.run(query, as_person=principal)
        except psycopg.errors.InsufficientPrivilege:
            return None

    def _real(self, name: str, column: str) -> list[tuple[Any, ...]] | None:
        """The values behind a mask of ours; an administrator is no member either."""
        oid = f"{quote_literal(_quoted(name))}::regclass"
        ((comment,),) = self.run(f"SELECT obj_description({oid}, 'pg_class')")
        mark = MaskMark.read(comment)
        return self._rows(None, name if mark is None else dotted_name(*mark.table), column)

    def _selects(self, principal: str, query: str) -> bool:
        try:
            self.run(f"{query} LIMIT 1", as_person=principal)
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True


def _quoted(name: str) -> str:
    return ".".join(quote_identifier(part) for part in split_name(name))
