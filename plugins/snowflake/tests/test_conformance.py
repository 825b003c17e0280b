"""Snowflake passes the kit of provisioners, with account roles and with database roles."""

from __future__ import annotations

import secrets
from contextlib import contextmanager

import pytest

from marketplace_sdk.plugin import dotted_name, split_name
from marketplace_sdk.testing.conformance import ProvisionerConformance, ProvisionerWorld
from marketplace_sdk_snowflake.items import unmask_condition
from marketplace_sdk_snowflake.naming import Grantee, quote_identifier, quote_name
from marketplace_sdk_snowflake.provisioner import SnowflakeProvisioner
from marketplace_sdk_snowflake.settings import Login, Settings
from marketplace_sdk_snowflake.testing import FakeSnowflake

# When version 4 of the connector gives up, it cancels in a thread of its own, where nobody catches.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

LACKS = {
    "markers": "Snowflake books whom an administrator adds to a role in the name of its owner",
    "set_until": "a membership of Snowflake has no end of its own",
}


class SnowflakeWorld(ProvisionerWorld):
    """A fake account whose marketplace may grant in one schema."""

    def __init__(self, fake, settings, impatient):
        self.fake = fake
        self.impatient = impatient
        self.settings = settings
        self.token = secrets.token_hex(12)
        fake.world.user(fake.service_user).secrets["PROGRAMMATIC_ACCESS_TOKEN"] = self.token
        self.secrets = (self.token,)
        self.made = []
        self.columns = {}
        self.masked = {}
        fake.schema(("SALES", "CORE"))
        for right in (
            "USAGE ON DATABASE SALES",
            "CREATE DATABASE ROLE ON DATABASE SALES",
            "USAGE ON SCHEMA SALES.CORE",
        ):
            fake.admin(f"GRANT {right} TO ROLE MKT_SVC WITH GRANT OPTION")
        fake.admin("GRANT CREATE USER ON ACCOUNT TO ROLE MKT_SVC")

    def connect(self, installation):
        options = {**self.fake.address, "user": self.fake.service_user, "role": "MKT_SVC"}
        options |= {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": self.token}
        login = Login(options={**options, **self.impatient}, secrets=(self.token,))
        self.made.append(
            SnowflakeProvisioner(
                login, installation=installation, name="lake", settings=self.settings
            )
        )
        self._cooperate(installation)
        return self.made[-1]

    def make_object(self, word, columns=("id",)):
        self.fake.table(("SALES", "CORE", word), columns)
        name = dotted_name("SALES", "CORE", word)
        self.columns[name] = columns
        self._permit(name)
        return name

    def make_principal(self, word):
        self.fake.user(word)
        return word

    def can_read(self, principal, object):
        return self.fake.can_select(principal, split_name(object))

    def sees_clear(self, principal, object, column):
        return self.fake.sees_clear(principal, split_name(object), column)

    def snapshot(self):
        """But for what this world changes itself: bodies of policies, and numbers of objects."""
        return frozenset(
            fact[:-1] if fact[0] == "thing" else fact
            for fact in self.fake.snapshot()
            if fact[0] != "policy"
        )

    def grant_by_hand(self, principal, object):
        who = quote_identifier(principal)
        self.fake.admin(f"GRANT USAGE ON DATABASE SALES TO USER {who}")
        self.fake.admin(f"GRANT USAGE ON SCHEMA SALES.CORE TO USER {who}")
        self.fake.admin(f"GRANT SELECT ON TABLE {self._quoted(object)} TO USER {who}")

    def intrude(self, principal, object, scope):
        grantee = Grantee.read(scope.key.removeprefix("role:"))
        self.fake.admin(f"GRANT {grantee.sql} TO USER {quote_identifier(principal)}")

    def protect(self, object, column):
        policy = quote_name("SALES", "CORE", f"MASK_{len(self.masked)}")
        self.masked[object, column] = policy
        self.fake.admin(f"CREATE MASKING POLICY {policy} AS (val VARCHAR) RETURNS VARCHAR -> '***'")
        self.fake.admin(f"GRANT APPLY ON MASKING POLICY {policy} TO ROLE MKT_SVC")
        self._alter(object, column, f"SET MASKING POLICY {policy}")

    def _cooperate(self, installation):
        """Let the policies ask for the exceptions of an installation, as its README says."""
        for (object, column), policy in self.masked.items():
            name = (*split_name(object), column)
            condition = unmask_condition(installation, name, self.settings)
            body = f"CASE WHEN {condition} THEN val ELSE '***' END"
            self.fake.admin(f"ALTER MASKING POLICY {policy} SET BODY -> {body}")

    def unprotect(self, object, column):
        if (object, column) in self.masked:
            self._alter(object, column, "UNSET MASKING POLICY")

    def replace_object(self, object):
        self.fake.admin(f"DROP TABLE {self._quoted(object)}")
        self.fake.table(split_name(object), self.columns[object])
        self._permit(object)

    def replace_principal(self, principal):
        self.fake.admin(f"DROP USER {quote_identifier(principal)}")
        self.fake.user(principal)

    def unreachable(self):
        return self.fake.unreachable()

    @contextmanager
    def refusing(self, object):
        self.fake.admin(f"REVOKE SELECT ON TABLE {self._quoted(object)} FROM ROLE MKT_SVC")
        try:
            yield
        finally:
            self._permit(object)

    def close(self):
        for provisioner in self.made:
            provisioner.close()

    def _permit(self, object):
        where = self._quoted(object)
        self.fake.admin(f"GRANT SELECT ON TABLE {where} TO ROLE MKT_SVC WITH GRANT OPTION")

    def _alter(self, object, column, what):
        name = quote_identifier(column)
        self.fake.admin(f"ALTER TABLE {self._quoted(object)} MODIFY COLUMN {name} {what}")

    def _quoted(self, object):
        return quote_name(*split_name(object))


class TestAccountRoles(ProvisionerConformance):
    """A product is an account role; who reads what is asked of the fake."""

    lacks = LACKS

    @pytest.fixture
    def world(self, impatient):
        yield from a_world(Settings(), impatient)


class TestDatabaseRoles(ProvisionerConformance):
    """The same with a role in the database of the product."""

    lacks = {**LACKS, "outage": "waiting for the connector to give up is long; see account roles"}

    @pytest.fixture
    def world(self, impatient):
        yield from a_world(Settings(mode="database_role"), impatient)


def a_world(settings, impatient):
    with FakeSnowflake() as fake:
        made = SnowflakeWorld(fake, settings, impatient)
        yield made
        made.close()
