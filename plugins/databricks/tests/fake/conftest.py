"""A fake with a few people and tables, the real SDK on it, and requests that no client improves."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.service.sql import StatementState

from marketplace_sdk_databricks.testing import FakeDatabricks

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock():
    """The time of the fake: ``clock.now``."""
    return SimpleNamespace(now=NOW)


@pytest.fixture
def fake(clock):
    """ann and bob, group g with ann, table c.s.t, view c.s.v; the client manages catalog c."""
    with FakeDatabricks(clock=lambda: clock.now) as running:
        running.user("Ann@x.org")
        running.user("bob@x.org")
        running.group("g", members=["ann@x.org"], managers=[running.me])
        running.table("c.s.t", {"id": "bigint", "email": "string"}, owner="bob@x.org")
        running.table("c.s.v", {"id": "bigint"}, kind="VIEW", definition="SELECT id FROM c.s.t")
        running.manage(running.me, "catalog", "c")
        yield running


@pytest.fixture
def ask(fake):
    """One request whose path goes over the wire as it is: ``ask(method, target, body)``."""

    def send(method, target, body=None, *, token=None, server=None, raw=None):
        server = server or fake
        connection = http.client.HTTPConnection(urlsplit(server.host).netloc, timeout=20)
        headers = {"Authorization": f"Bearer {token or server.token}", "User-Agent": "by hand"}
        try:
            connection.request(method, target, raw or (json.dumps(body) if body else None), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        is_json = answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(text) if text and is_json else text

    return send


@pytest.fixture
def connect(fake):
    """A client of the SDK: ``connect(**settings)``, by default the fake's own."""

    def build(**settings):
        return WorkspaceClient(
            config=Config(**{"retry_timeout_seconds": 2, **(settings or fake.settings)})
        )

    return build


@pytest.fixture
def client(connect):
    return connect()


@pytest.fixture
def sql(fake, client):
    """Run a statement by the SDK: ``sql(text, **parameters)``."""
    from databricks.sdk.service.sql import StatementParameterListItem

    def run(statement, **parameters):
        items = [
            StatementParameterListItem(name, value=value) for name, value in parameters.items()
        ]
        return client.statement_execution.execute_statement(
            statement, fake.warehouse_id, parameters=items, wait_timeout="50s"
        )

    return run


@pytest.fixture
def fine(sql):
    """Run a statement that must succeed; its rows."""

    def run(statement, **parameters):
        answer = sql(statement, **parameters)
        assert answer.status.state is StatementState.SUCCEEDED, answer.status.error
        return answer.result.data_array or []

    return run


@pytest.fixture
def fails(sql):
    """Run a statement that must fail; the name of its condition."""

    def run(statement, **parameters):
        answer = sql(statement, **parameters)
        assert answer.status.state is StatementState.FAILED
        return answer.status.error.message.partition("]")[0].strip("[")

    return run
