"""Places to keep things: a SQLite file, and a schema of its own on a real PostgreSQL."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from marketplace_sdk_postgres.testing import server_for_tests
from marketplace_sdk_sql.storage import SqlStorage


@pytest.fixture(scope="session")
def server():
    """The server behind MARKETPLACE_TEST_PG_DSN, or one of our own for this session."""
    with server_for_tests() as found:
        yield found


@pytest.fixture
def postgres_url(server):
    """A schema that is not there yet, dropped after the test."""
    schema = f"market_{secrets.token_hex(6)}"
    parts = conninfo_to_dict(server.dsn)
    yield f"postgresql://?{urlencode({**parts, 'schema': schema})}"
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '10s'")  # a test that failed may hold it
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@pytest.fixture
def sqlite_url(tmp_path):
    """A file that is not there yet."""
    return f"sqlite:///{tmp_path / 'market.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    """Either of them."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def storage(url):
    """A store that is set up."""
    storage = SqlStorage(url)
    storage.setup()
    yield storage
    storage.close()


@pytest.fixture
def reopen(url):
    """Opens what ``storage`` keeps once more."""
    opened = []

    def reopen():
        opened.append(SqlStorage(url))
        opened[-1].setup()
        return opened[-1]

    yield reopen
    for one in opened:
        one.close()
