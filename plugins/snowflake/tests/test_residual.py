"""What is left when the marketplace has taken its access away is told, or said to be unknown."""

from __future__ import annotations

import pytest

from marketplace_sdk_snowflake.listing import objects_of
from marketplace_sdk_snowflake.residual import ways
from marketplace_sdk_snowflake.sessions import Sessions
from marketplace_sdk_snowflake.settings import Login
from marketplace_sdk_snowflake.testing.world import Grantee

ORDERS = ("SALES", "CORE", "ORDERS")
READ = "SELECT on SALES.CORE.ORDERS"


@pytest.fixture
def told(bench, fake, within):
    """Texts of the ways, as an administrator or as the service role sees them."""
    fake.user("ROOT", roles=["ACCOUNTADMIN"], default_role="ACCOUNTADMIN")
    made = []

    def look(user="ALICE", *, admin=True, object=ORDERS):
        options = fake.connection_for("ROOT", "ACCOUNTADMIN") if admin else fake.connection
        made.append(Sessions(Login(options=options), name="looking"))
        with made[-1].use(within(10)) as talk:
            found = objects_of(talk, object[:2], {object[2]})[object[2]]
            return list(ways(talk, found, user, bench.installation, "MKT"))

    yield look
    for each in made:
        each.close()


def texts(found):
    return sorted(each.text for each in found)


def test_nothing_is_left_where_only_the_marketplace_gave(bench, told):
    target = bench.target(ORDERS)
    bench.reconcile(target, ["ALICE"])
    (way,) = told()
    assert (way.ours, way.certain) == (True, True)

    bench.end(target)

    assert told() == []
    assert told("BOB") == []


def test_other_roles_are_followed_up_to_the_person(told, fake):
    fake.role("READER", under=[])
    fake.role("TEAM", under=[])
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE READER")
    fake.grant_role("READER", ("ROLE", "TEAM"))
    fake.grant_role("TEAM", ("USER", "ALICE"))

    assert texts(told()) == [f"user ALICE: role TEAM, role READER, {READ}"]
    assert told("BOB") == []


def test_database_roles_ownership_and_grants_to_the_user_count_too(told, fake):
    fake.admin("CREATE DATABASE ROLE SALES.SEE")
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO DATABASE ROLE SALES.SEE")
    fake.role("TEAM", under=[])
    fake.grant_role(("SALES", "SEE"), ("ROLE", "TEAM"))
    fake.grant_role("TEAM", ("USER", "ALICE"))
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO USER ALICE")
    fake.table(("SALES", "CORE", "MINE"), ["ID"], owner="TEAM")

    assert texts(told()) == [
        f"user ALICE: {READ}",
        f"user ALICE: role TEAM, database role SALES.SEE, {READ}",
    ]
    (way,) = told(object=("SALES", "CORE", "MINE"))
    assert way.text == "user ALICE: role TEAM, OWNERSHIP on SALES.CORE.MINE"


def test_what_everybody_may_read_is_said_to_be_so(told, fake):
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE PUBLIC")

    assert texts(told()) == [f"everybody: role PUBLIC, {READ}"]


def test_what_cannot_be_seen_is_no_answer_that_nothing_is_left(told, fake):
    """A role that shows itself on the object only, as one in a database that is closed to us."""
    fake.database("FAR")
    fake.admin("CREATE DATABASE ROLE FAR.SEE")
    key, holder = ("RELATION", ORDERS), Grantee("DATABASE ROLE", ("FAR", "SEE"))
    fake.world.give("SELECT", key, holder, by=fake.world.relation(ORDERS).owner)

    (way,) = told(admin=False)

    assert (way.ours, way.certain) == (False, False)
    assert way.text == f"whoever holds database role FAR.SEE, {READ}, which cannot be seen"


def test_roles_that_hold_each_other_come_to_an_end(told, fake):
    for name in ("ONE", "TWO"):
        fake.role(name, under=[])
    fake.admin("GRANT SELECT ON TABLE SALES.CORE.ORDERS TO ROLE ONE")
    fake.grant_role("ONE", ("ROLE", "TWO"))
    fake.grant_role("TWO", ("ROLE", "ONE"))

    assert told() == []
