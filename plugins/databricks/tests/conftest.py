"""A fake Databricks over real HTTP, with a service principal that has the least rights."""

from __future__ import annotations

import time

import pytest

from marketplace_sdk.plugin import Call, Known, Ref, Resolved, Target, TargetObject
from marketplace_sdk_databricks.provisioner import DatabricksProvisioner
from marketplace_sdk_databricks.settings import read_settings
from marketplace_sdk_databricks.testing import FakeDatabricks

INSTALLATION = "inst0test"


def call_for(seconds=30.0):
    end = time.monotonic() + seconds
    return Call(seconds_left=lambda: end - time.monotonic(), correlation_id="test")


def settings_for(fake, **more):
    return read_settings({**fake.settings, **more}, lambda reference: reference)


class Lake:
    """The fake, a provisioner for it, and short ways to plan and change."""

    def __init__(self, fake):
        self.fake = fake
        self.made = []

    def provisioner(self, **settings):
        made = DatabricksProvisioner(
            settings_for(self.fake, **settings), installation=INSTALLATION, name="lake"
        )
        self.made.append(made)
        return made

    def close(self):
        for each in self.made:
            each.close()

    def plan(self, provisioner, objects, *people, masked=(), column=None, key="product:p1"):
        """Items for these people on these objects, lowest rank first."""
        refs = [Ref("object", each) for each in objects]
        refs += [Ref("principal", each) for each in people]
        answers = provisioner.resolve(refs, call_for())
        found = {ref: each for ref, each in answers.items() if isinstance(each, Resolved)}
        assert found.keys() == set(refs), answers
        known = Known(installation=INSTALLATION, resolved=found)
        target = Target(
            key=key if column is None else f"column:{objects[0]}|{column}",
            objects=tuple(TargetObject(each, frozenset(masked)) for each in objects),
            column=column,
        )
        items = {item.key: item for item in provisioner.base(target, known)}
        for each in people:
            who = found[Ref("principal", each)]
            items.update((i.key, i) for i in provisioner.member(target, who, known))
        return sorted(items.values(), key=lambda item: (item.rank, item.scope.key, item.key))


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


ROBOT = "11111111-2222-4333-8444-555555555555"
