"""What tests of all rooms share: a real PostgreSQL, stores, and a world of people."""

from __future__ import annotations

import os

import pytest

from tests.world import MemoryLake, PostgresLake, World


@pytest.fixture(scope="session")
def postgres_server():
    """The server behind MARKETPLACE_TEST_PG_DSN, or one of our own for this session."""
    from marketplace_sdk import ProvisioningError
    from marketplace_sdk_postgres.server import PlatformServer

    try:
        found = PlatformServer.start(os.environ.get("MARKETPLACE_TEST_PG_DSN"))
    except ProvisioningError as error:
        if os.environ.get("MARKETPLACE_REQUIRE_PG"):
            raise
        pytest.skip(f"no PostgreSQL: {error}")
    with found:
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


@pytest.fixture(params=["memory", "sqlite"])
def storage_url(request, tmp_path):
    """Where the marketplace keeps its things."""
    return "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/market.db"


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
