"""``marketplace snowflake``: what an administrator sees, is asked, and leaves behind."""

from __future__ import annotations

import tomllib

import pytest
from click.testing import CliRunner

from marketplace_sdk_snowflake.command import snowflake
from marketplace_sdk_snowflake.items import unmask_condition, unmask_grantee
from marketplace_sdk_snowflake.masks import hook_line
from marketplace_sdk_snowflake.settings import Settings, read_settings

ORDERS = ("SALES", "CORE", "ORDERS")
OBJECT = "SALES.CORE.ORDERS"
COLUMN = (*ORDERS, "EMAIL")
INSTALLATION = "inst1234"
GRANTEE = unmask_grantee(INSTALLATION, COLUMN, Settings())


@pytest.fixture
def connections(fake, bench, tmp_path):
    """A connections.toml with an administrator's connection and the marketplace's own."""
    fake.user("ROOT", roles=["ACCOUNTADMIN"], default_role="ACCOUNTADMIN")
    fake.schema(("GOV", "MKT"))
    path = tmp_path / "connections.toml"
    lines = []
    for name, user, role in (
        ("admin", "ROOT", "ACCOUNTADMIN"),
        ("market", fake.service_user, "MKT_SVC"),
    ):
        lines.append(f"[{name}]")
        options = {**fake.connection_for(user, role), "protocol": "http"}
        lines += [
            f"{k} = {v}" if isinstance(v, int) else f'{k} = "{v}"' for k, v in options.items()
        ]
    path.write_text("\n".join(lines), encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def run(connections):
    """Runs a command; returns its status and what it said."""

    def go(*arguments, connection="admin", **more):
        where = ["--connection", connection, "--connections-file", str(connections)]
        if arguments[0] == "explain":
            where = []
        done = CliRunner().invoke(snowflake, [*arguments[:1], *where, *arguments[1:]], **more)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return go


def mask(command, *more, column="EMAIL"):
    names = (OBJECT, column, "--installation", INSTALLATION, "--policies", "GOV.MKT")
    return (command, *names, *more)


def test_protect_shows_asks_and_puts_a_policy_on_the_column(run, fake):
    before = fake.snapshot()

    refused = run(*mask("protect"), input="n\n")
    dry = run(*mask("protect", "--dry-run"))
    assert fake.snapshot() == before
    done = run(*mask("protect"), input="y\n")

    assert done.exit_code == 0, done.output
    for asked in (refused, done):  # the runner of older versions of click adds what was typed
        assert asked.stdout.startswith(dry.stdout)
    for text in (
        "CREATE ROLE",
        "GRANT OWNERSHIP ON ROLE",
        "CREATE MASKING POLICY",
        "SET MASKING POLICY",
    ):
        assert text in done.stdout
    assert "FORCE" not in done.stdout
    fake.role("READER", under=[])
    for right in (
        "USAGE ON DATABASE SALES",
        "USAGE ON SCHEMA SALES.CORE",
        f"SELECT ON TABLE {OBJECT}",
    ):
        fake.admin(f"GRANT {right} TO ROLE READER")
    fake.grant_role("READER", ("USER", "ALICE"))
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"
    fake.admin(f'GRANT ROLE "{GRANTEE.name}" TO USER "ALICE"')
    assert fake.access("ALICE", ORDERS, "EMAIL") == "clear"


def test_the_fingerprint_of_a_policy_is_what_the_settings_take(run, fake):
    fake.policy(("GOV", "MKT", "THEIRS"), "'***'")

    found = run("fingerprint", "GOV.MKT.THEIRS")
    none = run("fingerprint", "GOV.MKT.NONE")
    wrong = run("fingerprint", "MKT.THEIRS")

    given = tomllib.loads(found.stdout)
    assert [*read_settings(given).trusted_policies] == [("GOV", "MKT", "THEIRS")]
    assert (none.exit_code, wrong.exit_code) == (1, 1)
    assert "hidden from this role" in none.stderr


def test_the_fingerprint_of_a_view_too(run, fake):
    fake.view(("SALES", "CORE", "SEEN"), over=ORDERS, kind="DYNAMIC TABLE")

    found = run("fingerprint", "SALES.CORE.SEEN", "--view")
    none = run("fingerprint", OBJECT, "--view")

    given = tomllib.loads(found.stdout)
    assert [*read_settings(given).trusted_views] == [("SALES", "CORE", "SEEN")]
    assert none.exit_code == 1


def test_a_second_protect_says_that_it_is_done_and_changes_nothing(run, fake):
    run(*mask("protect", "--yes"))
    before = fake.snapshot()

    again = run(*mask("protect", "--yes"))

    assert again.exit_code == 1
    assert "asks for us already" in again.stderr
    assert fake.snapshot() == before


def test_unprotect_leaves_everything_as_it_was(run, fake):
    before = {fact for fact in fake.snapshot() if "USAGE" not in fact}
    run(*mask("protect", "--yes"))

    done = run(*mask("unprotect", "--yes"))

    assert done.exit_code == 0, done.output
    assert {fact for fact in fake.snapshot() if "USAGE" not in fact} == before
    nothing = run(*mask("unprotect", "--yes"))
    assert nothing.exit_code == 1
    assert "no policy of this marketplace" in nothing.stderr


def test_unprotect_is_refused_while_somebody_reads_or_is_unmasked(run, fake, bench):
    run(*mask("protect", "--yes"))
    fake.admin(f'GRANT ROLE "{GRANTEE.name}" TO USER "ALICE"')
    unmasked = run(*mask("unprotect", "--yes"))
    assert "still see it in clear" in unmasked.stderr
    fake.admin(f'REVOKE ROLE "{GRANTEE.name}" FROM USER "ALICE"')
    fake.role("MKT_INST1234_R_X")
    fake.admin(f"GRANT SELECT ON TABLE {OBJECT} TO ROLE MKT_INST1234_R_X")

    read = run(*mask("unprotect", "--yes"))

    assert read.exit_code == 1
    assert "MKT_INST1234_R_X may read it still" in read.stderr


def test_a_column_with_a_policy_is_left_alone(run, fake):
    fake.policy(("GOV", "P", "THEIRS"), "'hidden'", on=[(ORDERS, "EMAIL")])
    before = fake.snapshot()

    done = run(*mask("protect", "--yes"))

    assert done.exit_code == 1
    line = hook_line(unmask_condition(INSTALLATION, COLUMN, Settings()))
    assert f"add this line to it: {line}" in done.stderr
    assert fake.snapshot() == before


def test_a_mask_through_a_tag_is_not_switched_off(run, fake):
    fake.policy(("GOV", "P", "TAGGED"), "'***'")
    fake.tag(("GOV", "P", "PII"), policies=[("GOV", "P", "TAGGED")])
    fake.admin(f"ALTER TABLE {OBJECT} MODIFY COLUMN EMAIL SET TAG GOV.P.PII = 'yes'")

    done = run(*mask("protect", "--yes", "--warehouse", "COMPUTE_WH"))

    assert done.exit_code == 1
    assert "switch that off" in done.stderr


def test_a_role_of_that_name_that_is_not_ours_stops_everything(run, fake):
    fake.role(GRANTEE.name, comment="mine")
    before = fake.snapshot()

    done = run(*mask("protect", "--yes"))

    assert done.exit_code == 1
    assert "NameCollision" in done.stderr
    assert fake.snapshot() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (mask("protect", column="MAIL"), "no such column"),
        (
            ("protect", "SALES.CORE.NO", "A", "--installation", INSTALLATION, "--policies", "G.M"),
            "there is none",
        ),
        (
            ("protect", "NO", "A", "--installation", INSTALLATION, "--policies", "G.M"),
            "DATABASE.SCHEMA.NAME",
        ),
        (
            ("protect", OBJECT, "EMAIL", "--installation", INSTALLATION, "--policies", "G"),
            "DATABASE.SCHEMA",
        ),
        (
            ("protect", OBJECT, "EMAIL", "--installation", INSTALLATION, "--policies", "NO.WHERE"),
            "cannot be seen",
        ),
    ],
)
def test_what_cannot_be_is_one_line_and_a_status(run, arguments, said):
    done = run(*arguments, "--yes")

    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_refused_statement_is_told_with_role_and_text(run, fake):
    done = run(*mask("protect", "--yes"), connection="market")

    assert done.exit_code == 1
    assert "MKT_SVC" in done.stderr


def test_the_table_of_entitlements_is_set_up_too(run, fake):
    more = ("--entitlements", "GOV.MKT.ENTITLEMENT", "--warehouse", "COMPUTE_WH")

    done = run(*mask("protect", "--yes", *more))

    assert done.exit_code == 0, done.output
    assert "CREATE TABLE IF NOT EXISTS" in done.stdout
    assert "CREATE ROLE" not in done.stdout
    again = run(*mask("unprotect", "--yes", *more))
    assert again.exit_code == 0, again.output


def test_doctor_prints_statements_and_a_status(run, fake):
    fine = run("doctor", "--may-grant", "SALES.CORE.*", connection="market")
    fake.admin("REVOKE CREATE ROLE ON ACCOUNT FROM ROLE MKT_SVC")
    lacking = run(
        "doctor", "--may-grant", "SALES.CORE.*", "--installation", INSTALLATION, connection="market"
    )

    assert (fine.exit_code, fine.stdout) == (0, "-- nothing is missing\n")
    assert lacking.exit_code == 1
    assert 'GRANT CREATE ROLE ON ACCOUNT TO ROLE "MKT_SVC";' in lacking.stdout


def test_explain_asks_nothing_and_says_what_would_run(run, fake):
    access = run(
        "explain",
        OBJECT,
        "--installation",
        INSTALLATION,
        "--product",
        "orders",
        "--member",
        "ALICE",
    )
    exception = run(
        "explain", OBJECT, "EMAIL", "--installation", INSTALLATION, "--member", "role:ANALYST"
    )
    neither = run("explain", OBJECT, "--installation", INSTALLATION)

    assert fake.statements == []
    assert (
        'GRANT SELECT ON TABLE "SALES"."CORE"."ORDERS" TO ROLE "MKT_INST1234_R_ORDERS'
        in access.stdout
    )
    assert 'TO USER "ALICE";' in access.stdout
    assert 'FROM USER "ALICE";' in access.stdout
    assert hook_line(unmask_condition(INSTALLATION, COLUMN, Settings())) in exception.stdout
    assert f'GRANT ROLE "{GRANTEE.name}" TO ROLE "ANALYST";' in exception.stdout
    assert neither.exit_code == 2


def test_what_explain_says_is_what_runs(run, fake, bench):
    text = run(
        "explain",
        OBJECT,
        "--installation",
        bench.installation,
        "--product",
        "orders",
        "--member",
        "ALICE",
    ).stdout

    bench.reconcile(bench.target(ORDERS), ["ALICE"])

    for one in fake.statements:
        if one.sql.startswith(("CREATE", "GRANT")):
            assert f"{one.sql};" in text


def test_an_installation_that_is_none_is_refused(run):
    done = run("explain", OBJECT, "--installation", "no", "--product", "x")

    assert done.exit_code == 2


def test_what_is_left_is_told_with_a_status(run, fake):
    words = ("residual", "ALICE", OBJECT, "--installation", INSTALLATION)
    nothing = run(*words)
    fake.role("READER", under=[])
    fake.admin(f"GRANT SELECT ON TABLE {OBJECT} TO ROLE READER")
    fake.grant_role("READER", ("USER", "ALICE"))

    left = run(*words)
    none = run("residual", "ALICE", "SALES.CORE.NONE", "--installation", INSTALLATION)

    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert left.exit_code == 1
    assert left.stdout == f"others: user ALICE: role READER, SELECT on {OBJECT}\n"
    assert (none.exit_code, none.stdout) == (1, "")
