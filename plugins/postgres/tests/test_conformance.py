"""PostgreSQL passes the kit of provisioners, on a real server, with the least rights."""

from __future__ import annotations

import secrets
from contextlib import contextmanager

import pytest
from psycopg.conninfo import conninfo_to_dict

from marketplace_sdk.testing.conformance import ProvisionerConformance, ProvisionerWorld
from marketplace_sdk_postgres.naming import quote_identifier
from marketplace_sdk_postgres.provisioner import PostgresProvisioner


class PostgresWorld(ProvisionerWorld):
    """A schema with a marketplace's login that may hand on reading, and people who log in."""

    def __init__(self, platform):
        self.platform = platform
        self.token = secrets.token_hex(4)
        self.schema = platform.schema(f"sales_{self.token}")
        self.login = platform.person(f"market_{self.token}", "CREATEROLE")
        self.secrets = (conninfo_to_dict(platform.dsn(self.login))["password"],)
        self.columns = {}
        self.made = []
        self.marks = [self.token]
        platform.run(f"GRANT USAGE ON SCHEMA {self.schema} TO {self.login} WITH GRANT OPTION")

    def connect(self, installation):
        dsn = self.platform.dsn(self.login)
        self.made.append(PostgresProvisioner(dsn, installation=installation, name="lake"))
        self.marks.append(f"mp_{installation}_")
        return self.made[-1]

    def make_object(self, word, columns=("id",)):
        name = f"{self.schema}.{word if word.isidentifier() else quote_identifier(word)}"
        self.columns[name] = columns
        self.platform.table(name, columns)
        self._permit(name)
        return name

    def make_principal(self, word):
        return self.platform.person(f"{word}_{self.token}")

    def can_read(self, principal, object):
        return self.platform.can_read(principal, object)

    def sees_clear(self, principal, object, column):
        return self.platform.sees_clear(principal, object, column)

    def snapshot(self):
        """What concerns this test; others may be at work on the same server."""
        return frozenset(
            row
            for row in self.platform.snapshot()
            if any(mark in str(value) for value in row for mark in self.marks)
        )

    def grant_by_hand(self, principal, object):
        who = quote_identifier(principal)
        self.platform.run(f"GRANT USAGE ON SCHEMA {self.schema} TO {who}")
        self.platform.run(f"GRANT SELECT ON {self._quoted(object)} TO {who}")

    def intrude(self, principal, object, scope):
        role = scope.key.removeprefix("role:")
        self.platform.run(f"GRANT {quote_identifier(role)} TO {quote_identifier(principal)}")

    def give_again(self, principal, object, scope):
        self.intrude(principal, object, scope)
        # Before 16 a membership is one, whoever gave it.
        return self.platform.version >= 160000

    def protect(self, object, column):
        """Columns that are not granted are not seen."""

    def unprotect(self, object, column):
        self.platform.run(f"GRANT SELECT ({column}) ON {self._quoted(object)} TO PUBLIC")

    def replace_object(self, object):
        self.platform.run(f"DROP TABLE {self._quoted(object)}")
        self.platform.table(object, self.columns[object])
        self._permit(object)

    def replace_principal(self, principal):
        who = quote_identifier(principal)
        self.platform.run(f"DROP OWNED BY {who}")
        self.platform.run(f"DROP ROLE {who}")
        self.platform.person(principal)

    @contextmanager
    def unreachable(self):
        self.platform.run(f"ALTER ROLE {self.login} CONNECTION LIMIT 0")
        self.platform.run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            f"WHERE usename = '{self.login}'"
        )
        try:
            yield
        finally:
            self.platform.run(f"ALTER ROLE {self.login} CONNECTION LIMIT -1")

    @contextmanager
    def refusing(self, object):
        self.platform.run(f"REVOKE SELECT ON {self._quoted(object)} FROM {self.login}")
        try:
            yield
        finally:
            self._permit(object)

    def close(self):
        for provisioner in self.made:
            provisioner.close()
        self.platform.drop_schemas()
        for mark in self.marks[1:]:
            ours = f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{mark}')"
            for (role,) in self.platform.run(ours):
                self.platform.run(f"DROP ROLE {role}")

    def _permit(self, object):
        where = self._quoted(object)
        self.platform.run(f"GRANT SELECT ON {where} TO {self.login} WITH GRANT OPTION")

    def _quoted(self, object):
        table = object.removeprefix(f"{self.schema}.")
        quoted = table if table.startswith('"') else quote_identifier(table)
        return f"{self.schema}.{quoted}"


class TestPostgres(ProvisionerConformance):
    """GRANT and REVOKE on a real server; who reads what is found out by logging in."""

    lacks = {"set_until": "a membership of PostgreSQL has no end of its own"}

    @pytest.fixture
    def world(self, platform):
        made = PostgresWorld(platform)
        yield made
        made.close()
