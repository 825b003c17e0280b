"""``marketplace databricks …``, as an administrator types it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from plugins.databricks.tests.helpers import INSTALLATION, add, call_for

from marketplace_sdk import Marketplace
from marketplace_sdk_databricks.command import databricks

ANN = "ann@x.org"


@pytest.fixture
def run(fake, monkeypatch):
    monkeypatch.setenv("MARKETPLACE_DATABRICKS_TOKEN", fake.token)
    monkeypatch.setenv("MARKETPLACE_DATABRICKS_HOST", fake.host)
    monkeypatch.setenv("MARKETPLACE_DATABRICKS_CLIENT_ID", fake.me)

    def run(*arguments, typed=None, alone=False):
        words = [*arguments, *(() if alone else ("--installation", INSTALLATION))]
        return CliRunner().invoke(databricks, words, input=typed)

    return run


def test_protect_shows_asks_and_does(lake, fake, run):
    fake.own(fake.me, "schema", "c.s")
    fake.own(fake.me, "table", "c.s.t1")
    words = ("protect", "c.s.t1", "email", "--warehouse-id", fake.warehouse_id)
    before = fake.snapshot()

    dry = run(*words, "--dry-run")
    no = run(*words, typed="n\n")
    assert fake.snapshot() == before
    yes = run(*words, "--yes")
    again = run(*words, "--yes")

    assert (dry.exit_code, no.exit_code, yes.exit_code) == (0, 0, 0), yes.output
    assert "ALTER TABLE `c`.`s`.`t1` ALTER COLUMN `email` SET MASK" in dry.output
    assert "CREATE FUNCTION" in no.output
    assert "Run this?" in no.output
    assert "nothing is to be done" in again.output
    assert len(fake.snapshot()["masks"]) == 1

    gone = run("unprotect", "c.s.t1", "email", "--warehouse-id", fake.warehouse_id, typed="y\n")
    assert gone.exit_code == 0, gone.output
    assert "DROP MASK" in gone.output
    assert fake.snapshot()["masks"] == {}
    assert fake.token not in dry.output + no.output + yes.output + gone.output


def test_an_error_is_one_line_and_a_status(lake, fake, run):
    refused = run("protect", "c.s.t1", "nothing", "--warehouse-id", fake.warehouse_id, "--yes")

    assert refused.exit_code == 1
    assert "is no column of it" in refused.output
    assert "Traceback" not in refused.output


@pytest.mark.parametrize("installation", ["", "X", "short", "with blank"])
def test_an_installation_is_what_the_marketplace_says(lake, run, installation):
    result = run("explain", ANN, "c.s.t1", "--installation", installation, alone=True)

    assert result.exit_code == 2
    assert "as Marketplace.installation has it" in result.output


def test_doctor_prints_statements_and_is_silent_when_they_were_run(fake, run):
    fake.table("c.s.t1", {"id": "BIGINT"})
    fake.table("d.s.other", {"id": "BIGINT"})
    for type, name, word in (("catalog", "c", "USE_CATALOG"), ("schema", "c.s", "USE_SCHEMA"), ("table", "c.s.t1", "SELECT")):  # fmt: skip
        fake.give(fake.me, word, type, name)

    found = run("doctor", "--may-grant", "c.*")

    assert found.exit_code == 1
    statements = [
        line.rstrip(";") for line in found.output.splitlines() if line.startswith("GRANT")
    ]
    assert statements == [
        f"GRANT USE CATALOG ON CATALOG `c` TO `{fake.me}`",
        f"GRANT MANAGE ON CATALOG `c` TO `{fake.me}`",
        f"GRANT USE SCHEMA ON SCHEMA `c`.`s` TO `{fake.me}`",
        f"GRANT MANAGE ON SCHEMA `c`.`s` TO `{fake.me}`",
        f"GRANT MANAGE ON TABLE `c`.`s`.`t1` TO `{fake.me}`",
    ]
    for type, name in (("catalog", "c"), ("schema", "c.s"), ("table", "c.s.t1")):
        fake.give(fake.me, "MANAGE", type, name)
    clean = run("doctor", "--may-grant", "c.*")
    assert (clean.exit_code, clean.output) == (0, "-- nothing is missing\n")


def test_doctor_tells_of_more_than_is_needed(fake, run):
    fake.table("c.s.t1", {"id": "BIGINT"})
    fake.manage(fake.me, "catalog", "c")

    found = run("doctor", "--may-grant", "c.*", "--parents", "require")

    assert found.exit_code == 0
    assert "which it need not" in found.output
    assert f"REVOKE MANAGE ON CATALOG `c` FROM `{fake.me}`" in found.output


def test_doctor_tells_of_a_crowd(lake, fake, run):
    for number in range(101):
        fake.user(f"p{number}@x.org")
        fake.give(f"p{number}@x.org", "SELECT", "table", "c.s.t2")

    found = run("doctor", "--may-grant", "c.s.t2")

    assert "c.s.t2 has 101 grantees" in found.output


def test_doctor_looks_after_the_table_of_exceptions(lake, fake, run):
    fake.table("d.s.exceptions", {"mask": "STRING", "principal": "STRING", "until": "TIMESTAMP"})

    found = run("doctor", "--may-grant", "c.*", "--exception-table", "d.s.exceptions", "--warehouse-id", "w")  # fmt: skip

    assert f"GRANT MODIFY ON TABLE `d`.`s`.`exceptions` TO `{fake.me}`" in found.output


def test_explain_says_what_somebody_holds_and_why(lake, fake, run):
    provisioner = lake.provisioner()
    fake.group("clear ones", members=[ANN])
    fake.function(
        "c.s.hide", "CASE WHEN is_account_group_member('clear ones') THEN v ELSE NULL END"
    )
    fake.mask("c.s.t1", "email", "c.s.hide")
    add(provisioner, lake.plan(provisioner, ["c.s.t1"], ANN))

    hers = run("explain", "ANN@x.org", "c.s.t1", "--exception-group", "c.s.t1.email", "clear ones")
    theirs = run("explain", "Finance", "c.s.t1")

    assert "SELECT on table c.s.t1: ann@x.org (directly)" in hers.output
    assert "USE CATALOG on catalog c: ann@x.org (directly)" in hers.output
    assert "mask function c.s.hide (external), which lets members of clear ones through, and ann@x.org is one" in hers.output  # fmt: skip
    assert "SELECT on table c.s.t1: nobody that this is; it is missing" in theirs.output


@pytest.mark.parametrize(
    ("principal", "object", "said"),
    [("account users", "c.s.t1", "everybody"), ("none@x.org", "c.s.t1", "there is no user"), (ANN, "c.s", "is no table"), (ANN, "c.s.none", "there is no table"), ("local ones", "c.s.t1", "can hold no grants")],
)  # fmt: skip
def test_explain_says_why_there_is_nothing(lake, fake, run, principal, object, said):
    fake.local_group("local ones")

    assert said in run("explain", principal, object).output


def test_discovery_lists_what_there_is(lake, fake):
    fake.table("c.s.v", {"id": "BIGINT"}, kind="VIEW", comment="all of it")
    fake.table("d.other.t", {"id": "BIGINT"})
    fake.give(fake.me, "SELECT", "table", "d.other.t")
    fake.function("c.s.hide", "'-'")
    fake.mask("c.s.t1", "email", "c.s.hide")
    fake.tag("c.s.t1", "team", "sales")
    fake.tag("c.s.t1", "pii", "", column="email")
    for settings in ({}, {"warehouse_id": fake.warehouse_id}):
        provisioner = lake.provisioner(**settings)

        found = {each.name: each for each in provisioner.discover("c.*", call_for())}

        assert sorted(found) == ["c.s.t1", "c.s.t2", "c.s.v"]
        table, view = found["c.s.t1"], found["c.s.v"]
        assert (table.kind, view.kind, view.comment) == ("table", "view", "all of it")
        assert table.tags == ("team=sales",)
        assert [(c.name, c.tags, c.protected) for c in table.columns] == [
            ("id", (), False),
            ("email", ("pii",), True),
        ]
        assert table.columns[0].type
        assert table.owner
        (one,) = provisioner.discover("c.s.t2", call_for())
        assert one.name == "c.s.t2"


def test_discovery_through_a_marketplace(lake, fake):
    market = Marketplace(
        "memory",
        connections={"lake": {"plugin": "databricks", "may_grant": ["c.*"], **fake.settings}},
    )
    market.people.add("uma", permissions=["USER_ADMIN"])
    market.people.add("gil", permissions=["GOVERNANCE"], by="uma")

    found = market.sources.discover("lake", "c.s.*", by="gil")

    assert found.registered == ("c_s_t1", "c_s_t2")
    market.close()


def test_requests_in_databricks_are_sent_to_the_portal(lake, fake, run):
    page = "https://portal.example/products/orders"
    before = fake.snapshot()

    dry = run("destination", "c.s.t1", page, "--dry-run")
    assert fake.snapshot() == before
    done = run("destination", "c.s.t1", page, "--yes")
    again = run("destination", "c.s.t1", page, "--yes")

    assert (dry.exit_code, done.exit_code) == (0, 0), done.output
    assert f"send requests for c.s.t1 to {page}" in dry.output
    assert "nothing is to be done" in again.output
    assert page in repr(fake.snapshot()["destinations"])
    gone = run("destination", "c.s.t1", "", "--yes")
    assert gone.exit_code == 0, gone.output
    assert fake.snapshot() == before


@pytest.mark.parametrize(("object", "url", "why"), [("c.s", "https://x.example", "must have 3 parts"), ("c.s.t1", "http://x.example", "https address")])  # fmt: skip
def test_a_wrong_destination_is_refused(lake, run, object, url, why):
    refused = run("destination", object, url, "--yes")

    assert refused.exit_code == 1
    assert why in refused.output


def test_the_destination_of_somebody_else_is_left_as_it_is(lake, fake, run):
    provisioner = lake.provisioner()
    with provisioner.site(call_for()) as site:
        site.client.api_client.do(
            "PATCH",
            "/api/3.0/rfa/destinations",
            query={"update_mask": "destinations"},
            body={
                "securable": {"type": "TABLE", "full_name": "c.s.t1"},
                "destinations": [{"destination_id": "owner@x.org", "destination_type": "EMAIL"}],
            },
        )
    before = fake.snapshot()

    refused = run("destination", "c.s.t1", "https://portal.example/orders", "--yes")

    assert "somebody else is told" in refused.output
    assert fake.snapshot() == before


def test_names_of_the_platform_do_not_act_on_a_terminal(lake, fake, run):
    """A group may be called anything; its members are shown to an administrator."""
    fake.group("staff\x1b[2J\x1b]0;title\x07", members=[ANN])

    told = run("explain", ANN, "c.s.t1")

    assert told.exit_code == 0, told.output
    assert "staff" in told.output
    assert "\x1b" not in told.output
    assert "\x07" not in told.output
