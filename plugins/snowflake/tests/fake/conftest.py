"""A fake account for every test, and the real connector to talk to it."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import snowflake.connector
from snowflake.connector import errors

from marketplace_sdk_snowflake.testing import FakeSnowflake

ORDERS = ("SALES", "CORE", "ORDERS")
MAJOR = int(snowflake.connector.__version__.split(".")[0])
PATIENCE = {"query_timeout": 2} if MAJOR >= 5 else {"network_timeout": 2}
EXTRA = {"enable_server_session_keep_alive_auto_detection": False} if MAJOR >= 5 else {}


class Client:
    """A connection of the real connector, with answers that are easy to compare."""

    def __init__(self, connection):
        self.connection = connection

    def run(self, sql, *binds, **options):
        """The rows of a statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, binds or None, **options)
            return cursor.fetchall()

    def table(self, sql):
        """The rows of a statement by the names of their columns."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def refusal(self, sql):
        """The number and the state with which a statement is refused."""
        with pytest.raises(errors.Error) as caught:
            self.run(sql)
        return caught.value.errno, caught.value.sqlstate


@contextmanager
def connected(arguments, **more):
    connection = snowflake.connector.connect(**{**EXTRA, **arguments, **more})
    try:
        yield Client(connection)
    finally:
        connection.close()


@pytest.fixture
def fake():
    with FakeSnowflake() as running:
        running.table(
            ORDERS, {"ID": "NUMBER", "EMAIL": "VARCHAR"}, rows=[{"ID": 1, "EMAIL": "a@b"}]
        )
        running.user("ALICE")
        yield running


@pytest.fixture
def client(fake):
    """The service user, with the rights of variant A on the schema."""
    fake.admin("GRANT USAGE ON DATABASE SALES TO ROLE MKT_SVC WITH GRANT OPTION")
    fake.admin("GRANT MANAGE GRANTS ON SCHEMA SALES.CORE TO ROLE MKT_SVC")
    with connected(fake.connection, warehouse="COMPUTE_WH", secondary_roles="NONE") as found:
        yield found


@pytest.fixture
def root(fake):
    """Somebody who logs in with ACCOUNTADMIN: no more than that role can."""
    fake.user("ROOT", roles=["ACCOUNTADMIN"], default_role="ACCOUNTADMIN")
    with connected(fake.connection_for("ROOT"), warehouse="COMPUTE_WH") as found:
        yield found


@pytest.fixture
def connect(fake):
    """Connect as anybody, with the password that the fake made or with other arguments."""

    def make(user="MARKETPLACE", role=None, **more):
        return connected({**fake.connection_for(user, role), **more})

    make.patience = PATIENCE
    make.with_arguments = lambda **arguments: connected({**fake.address, **arguments})
    return make
