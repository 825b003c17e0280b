"""Our login works with exactly the documented rights, and each one that is missing is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketplace_sdk.cli.app import app
from marketplace_sdk_postgres.naming import quote_identifier

README = Path(__file__).parents[1] / "README.md"


def set_up(bench):
    """The statements of the README with the bench's names, for a login of that name."""
    block = re.search(r"## Set up.*?```sql\n(.*?)```", README.read_text(), flags=re.DOTALL)
    names = {
        "marketplace": bench.login,
        "warehouse": bench.platform._admin.info.dbname,
        "sales": bench.schema,
        "etl": bench.owner,
    }
    return re.sub(r"\b(" + "|".join(names) + r")\b", lambda m: names[m[0]], block[1])


@pytest.fixture
def least(lonely_bench):
    """The bench with a login that has the README's rights and nothing else."""
    bench = lonely_bench
    run = bench.platform.run
    bench.owner = bench.platform.person(f"etl_{bench.installation}")
    bench.provisioner.close()
    run(f"REVOKE ALL ON DATABASE {bench.platform._admin.info.dbname} FROM {bench.login}")
    run(f"DROP OWNED BY {bench.login}; ALTER ROLE {bench.login} NOCREATEROLE")
    run(f"GRANT CONNECT ON DATABASE {bench.platform._admin.info.dbname} TO {bench.owner}")
    run(f"GRANT ALL ON SCHEMA {bench.schema} TO {bench.owner}")
    create, _, rest = set_up(bench).partition(";")
    assert re.fullmatch(rf"CREATE ROLE {bench.login} LOGIN CREATEROLE PASSWORD '…'", create.strip())
    run(f"ALTER ROLE {bench.login} CREATEROLE")
    run(rest)
    return bench


def diagnose(bench, *words):
    words = words or ("--may-grant", f"{bench.schema}.*")
    return CliRunner().invoke(
        app,
        ["postgres", "doctor", "--installation", bench.installation, *words],
        env={"MARKETPLACE_POSTGRES_DSN": bench.platform.dsn(bench.login)},
    )


def test_the_documented_rights_are_enough_for_everything(least, within):
    """Look, grant, unmask, revoke; also on a table that its owner creates afterwards."""
    bench = least
    new = f"{bench.schema}.later"
    bench.platform.run(f"CREATE TABLE {new} (id text)", as_person=bench.owner)
    product = bench.target((bench.orders, ["email"]), bench.items, new)
    exception = bench.target(bench.orders, key="column:orders.email", column="email")
    before = bench.platform.snapshot()

    outcomes = bench.reconcile(product, [bench.alice]) + bench.reconcile(exception, [bench.alice])

    assert {o.result for o in outcomes} == {"done"}
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "clear"
    assert bench.platform.can_read(bench.alice, new)
    assert bench.plan(product, [bench.alice]) == []
    outcomes = bench.end(exception) + bench.end(product)
    assert {o.result for o in outcomes} == {"done"}
    assert bench.platform.snapshot() == before
    assert list(bench.provisioner.doctor(within(10), [f"{bench.schema}.*"])) == []


@pytest.mark.parametrize(
    ("taken", "missing"),
    [
        ("ALTER ROLE {login} NOCREATEROLE", 'ALTER ROLE "{login}" CREATEROLE'),
        (
            "REVOKE GRANT OPTION FOR USAGE ON SCHEMA {schema} FROM {login}",
            'GRANT USAGE ON SCHEMA "{schema}" TO "{login}" WITH GRANT OPTION',
        ),
        (
            "REVOKE SELECT ON {orders} FROM {login}",
            'GRANT SELECT ON TABLE "{schema}"."orders" TO "{login}" WITH GRANT OPTION',
        ),
        (
            "REVOKE GRANT OPTION FOR SELECT ON {orders} FROM {login}",
            'GRANT SELECT ON TABLE "{schema}"."orders" TO "{login}" WITH GRANT OPTION',
        ),
        (
            'CREATE VIEW {schema}."new one" AS SELECT 1 AS id',
            'GRANT SELECT ON TABLE "{schema}"."new one" TO "{login}" WITH GRANT OPTION',
        ),
    ],
)
def test_the_doctor_prints_the_exact_statement_that_is_missing(least, taken, missing):
    """And running it is all that it takes."""
    bench = least
    names = {"login": bench.login, "schema": bench.schema, "orders": bench.orders}
    assert diagnose(bench).output == "-- nothing is missing\n"
    bench.platform.run(taken.format(**names))

    sick = diagnose(bench)

    assert sick.exit_code == 1
    statements = [line for line in sick.output.splitlines() if not line.startswith("--")]
    assert statements == [missing.format(**names) + ";"]
    bench.platform.run(statements[0])
    assert diagnose(bench).exit_code == 0


def test_the_doctor_reads_what_may_be_granted(least):
    """A schema in which nothing was set up is told of when it is to be opened; without any
    pattern, everything is.
    """
    bench = least
    other = bench.platform.schema(f"hr_{bench.installation}")
    bench.platform.table(f"{other}.people", ["id"])

    assert diagnose(bench).exit_code == 0
    assert diagnose(bench, "--may-grant", f"{bench.schema}.*").exit_code == 0
    sick = diagnose(bench, "--may-grant", f"{other}.*", "--may-grant", "nothing.*")

    assert sick.exit_code == 1
    assert sick.output.count("GRANT") == 4  # two statements, each with its grant option
    assert f'"{other}"."people"' in sick.output
    everything = diagnose(bench, "--may-grant", "*").output
    assert everything == diagnose(bench, "--installation", bench.installation).output
    assert f'"{other}"."people"' in everything


def test_a_language_that_is_closed_is_missing(least):
    least.platform.run("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC")

    assert "GRANT USAGE ON LANGUAGE plpgsql TO" in diagnose(least).output


def test_a_server_that_may_not_be_identified_is_said_with_the_statement(least):
    least.platform.run("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")

    sick = diagnose(least)

    assert sick.exit_code == 1
    assert "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO" in sick.output


def test_a_login_that_takes_over_is_told_all_it_needs_from_16_on(modern_bench):
    """The first one made the roles and may hand them on; it must not any more."""
    bench = modern_bench
    target = bench.target(bench.orders)
    bench.reconcile(target, [bench.alice])
    assert diagnose(bench).exit_code == 0
    first, bench.login = bench.login, bench.platform.person(f"next_{bench.installation}")

    sick = diagnose(bench)

    assert f'ALTER ROLE "{bench.login}" CREATEROLE;' in sick.output
    assert f'TO "{bench.login}" WITH ADMIN OPTION;' in sick.output
    assert f'FROM "{first}" GRANTED BY' in sick.output
    for line in sick.output.splitlines():
        if not line.startswith("--"):
            bench.platform.run(line)
    assert diagnose(bench).output == "-- nothing is missing\n"
    bench.provisioner = bench.make()
    outcomes = bench.reconcile(target, [bench.alice, bench.bob])
    assert {o.result for o in outcomes} <= {"done", "already"}
    assert bench.platform.reads(bench.bob, bench.orders, "id") == "clear"
    bench.login = first


def test_more_rights_than_needed_are_a_risk_and_no_failure(bench):
    bench.platform.run(f"ALTER ROLE {bench.login} SUPERUSER")

    done = diagnose(bench, "--may-grant", f"{bench.schema}.*")

    assert done.exit_code == 0
    assert f'ALTER ROLE "{bench.login}" NOSUPERUSER;' in done.output


@pytest.mark.parametrize("everywhere", [True, False])
def test_default_privileges_for_everybody_are_a_risk(least, everywhere):
    """What PUBLIC may read no marketplace can keep closed; a mask on it is refused."""
    bench = least
    where = "" if everywhere else f"IN SCHEMA {bench.schema}"
    default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {bench.owner} {where}"
    bench.platform.run(f"{default} GRANT SELECT ON TABLES TO PUBLIC")

    done = diagnose(bench)

    assert done.exit_code == 0
    (statement,) = [line for line in done.output.splitlines() if not line.startswith("--")]
    assert statement.endswith("REVOKE SELECT ON TABLES FROM PUBLIC;")
    bench.platform.run(statement)
    assert diagnose(bench).output == "-- nothing is missing\n"


def test_new_tables_do_not_leak_through_our_roles(least):
    """The README's default privileges give them to our login, and to nobody who has access."""
    bench = least
    target = bench.target(bench.orders)
    bench.reconcile(target, [bench.alice])

    for kind in (
        "TABLE {} (id text)",
        "VIEW {} AS SELECT 'x'::text AS id",
        "MATERIALIZED VIEW {} AS SELECT 'x'::text AS id",
    ):
        name = f"{bench.schema}.new_{kind.split()[0].lower()}"
        bench.platform.run("CREATE " + kind.format(name), as_person=bench.owner)
        assert bench.platform.reads(bench.alice, name, "id") == "none"
        assert bench.platform.reads(bench.login, name, "id") == "clear"
    assert bench.plan(target, [bench.alice]) == []
    bench.end(target)


def test_new_partitions_are_read_through_the_table_only(least):
    bench = least
    name = f"{bench.schema}.events"
    run = bench.platform.run
    run(f"CREATE TABLE {name} (id text) PARTITION BY LIST (id)", as_person=bench.owner)
    target = bench.target(name)
    bench.reconcile(target, [bench.alice])

    run(
        f"CREATE TABLE {name}_a PARTITION OF {name} FOR VALUES IN ('a');"
        f" INSERT INTO {name} VALUES ('a')",
        as_person=bench.owner,
    )

    assert run(f"SELECT id FROM {name}", as_person=bench.alice) == [("a",)]
    assert bench.platform.reads(bench.alice, f"{name}_a", "id") == "none"
    bench.end(target)


def test_default_privileges_that_somebody_gave_to_our_role_are_seen(least):
    """They would open every new table to a product's members, so they are a risk and listed."""
    bench = least
    target = bench.target(bench.orders)
    bench.reconcile(target, [bench.alice])
    role = next(i for i in bench.ledger.values() if i.kind == "role")
    name = role.key.split("|")[1]
    default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {bench.owner} IN SCHEMA {bench.schema}"
    bench.platform.run(f"{default} GRANT SELECT ON TABLES TO {name}")

    extra = set(bench.see(role.scope).items) - set(bench.ledger)
    done = diagnose(bench)

    assert len(extra) == 1
    assert "pg_default_acl" in extra.pop()
    assert f"REVOKE SELECT ON TABLES FROM {quote_identifier(name)};" in done.output
    refused = [o for o in bench.end(target) if o.result == "refused"]
    assert [o.key for o in refused] == [role.key]
    bench.platform.run(f"{default} REVOKE SELECT ON TABLES FROM {name}")
    assert {o.result for o in bench.end(target)} == {"done"}
