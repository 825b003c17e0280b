"""Statements on a Snowflake account, for an approval and for a pass that finds nothing to do.

Counted where they arrive, at the fake account of the plugin's ``testing``, with the real connector.
Lower bound: what it takes to prove a change there, SHOW before, GRANT, SHOW after; or to look at a
role, whose it is, what it holds, who is in it. What is more is what names mean at that moment.
"""

from __future__ import annotations

import os
import secrets

from benchmarks._world import approved, market, publish
from marketplace_sdk_snowflake.testing import FakeSnowflake

NAMES = ("SHOW USERS", "SHOW OBJECTS", "SHOW COLUMNS")
BOUND = 3


def run(*, quick):
    """Statements of a whole pass through a marketplace."""
    tables, members = (20, 20) if quick else (200, 200)
    people = [f"P{n}" for n in range(members + 1)]
    objects = [f"S.C.T{n}" for n in range(tables)]
    with FakeSnowflake() as fake:
        token = secrets.token_hex(8)
        os.environ["BENCHMARK_TOKEN"] = token
        fake.world.user(fake.service_user).secrets["PROGRAMMATIC_ACCESS_TOKEN"] = token
        for name in objects:
            fake.table(tuple(name.split(".")), ["ID"])
        for person in people:
            fake.user(person)
        for right in (
            "CREATE USER ON ACCOUNT",
            "USAGE ON DATABASE S",
            "MANAGE GRANTS ON DATABASE S",
        ):
            fake.admin(f"GRANT {right} TO ROLE {fake.service_role}")
        made = market(people=people, connections={"lake": _connection(fake)})
        product = publish(made, "P", objects)
        for person in people[:members]:
            approved(made, product, person)
        made.deliver()

        approval = _counted(fake, lambda: (approved(made, product, people[-1]), made.deliver()))
        assert fake.can_select(people[-1], tuple(objects[-1].split(".")))
        made.sources.update("P-0", description="seen again", by="root")
        clean = _counted(fake, made.deliver)
        made.close()
    assert sum(text.startswith("GRANT") for text in approval) == 1
    assert not [text for text in clean if not text.startswith("SHOW")]
    named = [sum(text.startswith(NAMES) for text in each) for each in (approval, clean)]
    return {
        "name": f"clean pass on Snowflake, {tables} tables and {members + 1} members",
        "ours": len(clean),
        "bound": BOUND,
        "unit": "statements",
        "ratio": len(clean) / BOUND,
        "limit": 2,
        "bound is": "whose the role is, what it holds, who is in it",
        "facts": [
            f"clean pass: {len(clean) - named[1]} statements to look, {named[1]} about names",
            f"one more approval: {len(approval) - named[0]} statements, {named[0]} about names",
        ],
    }


def _connection(fake):
    where = {name: fake.address[name] for name in ("account", "host", "port", "protocol")}
    return {
        "plugin": "snowflake",
        **where,
        "user": fake.service_user,
        "role": fake.service_role,
        "authentication": "pat",
        "token": "env:BENCHMARK_TOKEN",
        "may_grant": ["S.*"],
    }


def _counted(fake, action):
    before = len(fake.statements)
    action()
    return [one.sql for one in fake.statements[before:] if "CURRENT_ACCOUNT" not in one.sql]
