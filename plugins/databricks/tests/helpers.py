"""Short ways to plan and change with a provisioner over the fake."""

from __future__ import annotations

import time

from marketplace_sdk.plugin import Call, Change, Known, Ref, Resolved, Target, TargetObject
from marketplace_sdk_databricks.provisioner import DatabricksProvisioner
from marketplace_sdk_databricks.settings import read_settings

INSTALLATION = "inst0test"
ROBOT = "11111111-2222-4333-8444-555555555555"


def call_for(seconds=30.0):
    end = time.monotonic() + seconds
    return Call(seconds_left=lambda: end - time.monotonic(), correlation_id="test")


def settings_for(fake, **more):
    given = {} if fake is None else {**fake.settings, "requests_per_second": 10_000}
    return read_settings({**given, **more}, lambda reference: reference)


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


def add(provisioner, items, seconds=30.0):
    """Outcomes, item by item in the order of the ranks."""
    call = call_for(seconds)
    changes = [[Change(action="add", item=item)] for item in items]
    return [outcome for batch in changes for outcome in provisioner.apply(batch, call)]


def remove(provisioner, items):
    """The same downwards."""
    changes = [[Change(action="remove", item=item)] for item in reversed(items)]
    return [outcome for batch in changes for outcome in provisioner.apply(batch, call_for())]


def results(outcomes):
    return [outcome.result for outcome in outcomes]
