"""A fake Databricks over real HTTP, with a service principal that has the least rights."""

from __future__ import annotations

import pytest
from plugins.databricks.tests.helpers import ROBOT, Lake

from marketplace_sdk_databricks.testing import FakeDatabricks


@pytest.fixture
def fake():
    with FakeDatabricks() as running:
        yield running


@pytest.fixture
def lake(fake):
    """Tables c.s.t1 and c.s.t2, a user, a group, a service principal; we manage c."""
    fake.table("c.s.t1", {"id": "BIGINT", "email": "STRING"})
    fake.table("c.s.t2", {"id": "BIGINT"})
    fake.manage(fake.me, "catalog", "c")
    fake.user("ann@x.org")
    fake.user("bob@x.org")
    fake.group("Finance", members=["bob@x.org"])
    fake.service_principal(ROBOT, "etl robot")
    made = Lake(fake)
    yield made
    made.close()
