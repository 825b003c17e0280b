"""What the pages say can be copied and run, on the fake account, and is enough."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from marketplace_sdk_snowflake.settings import KNOWN

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
PAGE = HERE.parents[2] / "docs" / "how-to" / "set-up-snowflake.md"
ORDERS = ("SALES", "CORE", "ORDERS")


def blocks(path, language):
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run(fake, block):
    for statement in block.split(";"):
        if statement.strip():
            fake.admin(statement.strip())


@pytest.mark.parametrize("choice", [2, 3, 4])
def test_the_set_up_page_is_enough_and_can_be_undone(fake, choice, make_bench):
    """Step by step as it stands, with each of the three ways of letting it grant."""
    sql = blocks(PAGE, "sql")
    assert len(sql) == 9
    fake.admin("DROP ROLE MKT_SVC")
    run(fake, sql[0])
    fake.grant_role("MKT_SVC", ("USER", fake.service_user))
    run(fake, sql[1])
    bench = make_bench_without_rights(make_bench, fake)
    run(fake, sql[choice])

    outcomes = bench.reconcile(bench.target(ORDERS), ["ALICE"])

    assert [o.error for o in outcomes if o.error] == []
    assert fake.can_select("ALICE", ORDERS)
    bench.end(bench.target(ORDERS))
    fake.policy(("GOV", "POLICIES", "MASK_EMAIL"), "'***'")
    run(fake, sql[5])
    run(fake, sql[6])
    assert fake.admin(sql[7].strip().rstrip(";")) == []
    run(fake, sql[8])
    assert not fake.admin("SHOW ROLES LIKE 'MKT%'")


def make_bench_without_rights(make_bench, fake):
    """The bench gives the recommended rights; here the page has to."""
    from marketplace_sdk_snowflake.settings import Settings

    made = make_bench(Settings())
    for right in ("MANAGE GRANTS ON SCHEMA SALES.CORE", "USAGE ON DATABASE SALES"):
        fake.admin(f"REVOKE {right} FROM ROLE MKT_SVC")
    return made


def test_the_example_for_tests_runs_as_it_stands():
    *_, example = blocks(README, "python")

    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own page


def test_every_setting_is_in_the_readme():
    rows = re.findall(r"^\| (`.*?) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert set(KNOWN) <= named
