"""What a pass costs the server, counted in the messages that libpq sends to it."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager

import pytest

TABLES = 30


@contextmanager
def sent(shop):
    """Statements that are sent to the server meanwhile, filled in at the end."""
    provisioner = shop.market._bench.connections["warehouse"].provisioner
    ((connection, _),) = provisioner._connections._idle
    statements = []
    with tempfile.TemporaryFile("w+") as trace:
        connection.pgconn.trace(trace.fileno())
        yield statements
        connection.pgconn.untrace()
        trace.seek(0)
        # A statement may have lines of its own; a message begins with its time.
        messages = re.split(r"^(?=\d{4}-\d\d-\d\d )", trace.read(), flags=re.MULTILINE)
    statements += [each for each in messages if re.search(r"\tF\t\d+\t(Query|Parse)\t", each)]
    assert statements, "nothing was traced"


def rows(shop):
    """The ledger's rows, by id, with their revision."""
    with shop.market._storage.begin(write=False) as unit:
        return {record.id: record.revision for record in unit.find("ledger")}


def standing(shop, bench, tables):
    """A product on so many tables that Alice may read."""
    names = []
    for number in range(tables):
        table = bench.platform.table(f"{bench.schema}.t{number}", ["id", "email"])
        bench.platform.run(f"GRANT SELECT ON {table} TO {bench.login} WITH GRANT OPTION")
        masked = ["email"] if number % 2 else []
        names.append(shop.source(f"t{number}", table, ["id", "email"], masked=masked))
    product = shop.product(*names)
    shop.give(product, bench.alice)
    return product


@pytest.mark.parametrize("tables", [1, TABLES])
def test_one_more_approval_is_one_change_and_one_row_of_the_ledger(shop, bench, tables):
    """And a number of looks that does not grow with the tables."""
    product = standing(shop, bench, tables)
    before = rows(shop)

    with sent(shop) as statements:
        shop.give(product, bench.bob)

    new = rows(shop).items() - before.items()
    assert [id.split("|")[1] for id, _ in new] == ["member"]
    changes = [each for each in statements if "GRANT" in each or "REVOKE" in each]
    assert len(changes) == 1
    assert len(re.findall(r"\bGRANT\b|\bREVOKE\b|\bCREATE\b|\bALTER\b", changes[0])) == 1
    looks = [each for each in statements if each not in changes and "SET" not in each]
    assert len(looks) <= 8
    assert bench.platform.reads(bench.bob, f"{bench.schema}.t0", "email") == "clear"


def test_a_pass_that_finds_nothing_to_do_sends_as_little_for_many_members_as_for_one(shop, bench):
    counts = []
    product = standing(shop, bench, TABLES)
    for more in (0, 20):
        for number in range(more):
            person = bench.platform.person(f"{bench.alice}_{number}")
            shop.market.people.add(f"p{number}", principals={"warehouse": person}, by="uma")
            shop.people[person] = f"p{number}"
            shop.give(product, person)
        before = rows(shop)
        shop.market.sources.update("t0", description=f"seen again {more}", by="gil")
        with sent(shop) as statements:
            shop.market.deliver()
        counts.append(len(statements))
        assert rows(shop) == before
        assert not [each for each in statements if "GRANT" in each or "REVOKE" in each]
        assert len([each for each in statements if "pg_shdepend" in each]) == 1

    assert counts[0] == counts[1]
