"""What tests of all rooms share: a real PostgreSQL, stores, and a world of people."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.world import MemoryLake, PostgresLake, World


@pytest.fixture(scope="session")
def postgres_server():
    """The server behind MARKETPLACE_TEST_PG_DSN, or one of our own for this session."""
    from marketplace_sdk_postgres.testing import server_for_tests

    with server_for_tests() as found:
        yield found


@pytest.fixture
def lake(postgres_server):
    """A data platform that enforces: PostgreSQL, cleaned up after the test."""
    from marketplace_sdk_postgres.testing import PostgresPlatform

    with PostgresPlatform(postgres_server.dsn) as platform:
        try:
            yield PostgresLake(platform)
        finally:
            platform.drop_schemas()
            for (role,) in platform.run(r"SELECT rolname FROM pg_roles WHERE rolname LIKE 'mp\_%'"):
                platform.run(f'DROP ROLE "{role}"')


@pytest.fixture
def postgres_url(postgres_server):
    """A place on PostgreSQL in which there is nothing, and nothing again after the test."""
    schema = f"market_{secrets.token_hex(6)}"
    parts = {**conninfo_to_dict(postgres_server.dsn), "schema": schema}
    yield f"postgresql://?{urlencode(parts)}"
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '10s'")  # a test that failed may hold it
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def storage_url(request):
    """Where the marketplace keeps its things; tests of races ask for PostgreSQL as well."""
    if request.param == "memory":
        return "memory"
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{request.getfixturevalue('tmp_path')}/market.db"


@pytest.fixture
def world(storage_url, lake):
    """A marketplace on either storage, whose grants PostgreSQL enforces."""
    made = World(storage_url, lake, discover=True)
    yield made
    made.close()


@pytest.fixture
def small():
    """A marketplace all in memory: for rules in which no platform has a say."""
    made = World("memory", MemoryLake(), discover=False)
    yield made
    made.close()
