"""The view that masks: set up by an administrator's command, shown in clear by an approval."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.cli.app import app
from marketplace_sdk.ports.provisioner import Ref
from marketplace_sdk_postgres.masks import Mask, MaskMark
from marketplace_sdk_postgres.naming import quote_identifier
from marketplace_sdk_postgres.subjects import Subject

COLUMNS = ["id", "email", "total"]


def command(bench, verb, *arguments, installation=None, login=None, answer=None):
    """Run a command as the administrator; returns status, output and what was said beside it."""
    words = ["postgres", verb, *arguments, "--login", login or bench.login]
    words += ["--installation", installation or bench.installation]
    done = CliRunner().invoke(
        app, words, env={"MARKETPLACE_POSTGRES_DSN": bench.platform._admin_dsn}, input=answer
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def ok(done):
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def masked(shop, bench):
    """The name of a view of orders that masks e-mails, registered as source ``orders``."""
    installation = shop.market.installation
    ok(command(bench, "protect", bench.orders, "email", "--yes", installation=installation))
    name = f"{bench.orders}_masked"
    shop.source("orders", name, COLUMNS, masked=["email"])
    return name


def test_consumers_select_everything_and_see_no_masked_value(shop, bench, masked):
    """Unlike with column privileges, SELECT * works."""
    shop.give(shop.product("orders"), bench.alice)

    assert shop.trouble(bench.alice) == []
    rows = bench.platform.run(f"SELECT * FROM {masked}", as_person=bench.alice)
    assert rows == [("id", None, "total")]
    assert bench.platform.reads(bench.alice, masked, "email") == "masked"
    assert bench.platform.reads(bench.alice, masked, "total") == "clear"
    assert bench.platform.reads(bench.alice, bench.orders, "total") == "none"
    assert bench.platform.reads(bench.bob, masked, "total") == "none"


def test_an_exception_shows_clear_values_to_that_person_only(shop, bench, masked):
    product = shop.product("orders")
    shop.give(product, bench.alice)
    shop.give(product, bench.bob)

    asked = shop.unmask(product, bench.bob, "orders.email")

    assert shop.trouble(bench.bob) == []
    assert bench.platform.reads(bench.bob, masked, "email") == "clear"
    assert bench.platform.reads(bench.alice, masked, "email") == "masked"
    shop.revoke(asked)
    assert bench.platform.reads(bench.bob, masked, "email") == "masked"
    assert bench.platform.reads(bench.bob, masked, "total") == "clear"


def test_an_exception_opens_nothing_by_itself(shop, bench, masked):
    """Its role holds no privilege at all, neither on the view nor on the table."""
    product = shop.product("orders")
    shop.give(product, bench.alice)
    shop.unmask(product, bench.alice, "orders.email")

    ((role,),) = bench.platform.run(
        "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid"
        rf" WHERE m.member = '{bench.alice}'::regrole AND r.rolname LIKE '%\_column\_%'"
    )
    bench.platform.run(f"GRANT {role} TO {bench.bob}")

    assert not [row for row in bench.platform.snapshot() if row[0] == "privilege" and role in row]
    assert bench.platform.reads(bench.bob, masked, "email") == "none"
    bench.platform.run(f"REVOKE {role} FROM {bench.bob}")


def test_everything_ends_as_it_was_and_the_mask_stays(shop, bench, masked):
    before = bench.platform.snapshot()
    product = shop.product("orders")
    access = shop.give(product, bench.alice)
    shop.unmask(product, bench.alice, "orders.email")

    shop.revoke(access)

    assert bench.platform.snapshot() == before
    assert bench.platform.reads(bench.alice, masked, "email") == "none"


def test_a_view_that_lost_its_mask_is_closed_and_holds_whoever_comes_next(shop, bench, masked):
    """CREATE OR REPLACE keeps comment, privileges and options; only the query is another one."""
    product = shop.product("orders")
    shop.give(product, bench.alice)
    bench.platform.run(
        f"CREATE OR REPLACE VIEW {masked} WITH (security_barrier) AS SELECT * FROM {bench.orders}"
    )

    shop.give(product, bench.bob)

    for person in (bench.alice, bench.bob):
        assert bench.platform.run(f"SELECT total FROM {masked}", as_person=person)
        assert not bench.platform._selects(person, f"SELECT email FROM {masked}")


@pytest.mark.parametrize(
    "how",
    [
        "ALTER VIEW {view} RESET (security_barrier)",
        "ALTER VIEW {view} SET (security_invoker = true)",
        "COMMENT ON VIEW {view} IS NULL",
        "COMMENT ON VIEW {view} IS 'marketplace mask other123 {{}}'",
        "GRANT SELECT ON {orders} TO PUBLIC",
        "GRANT SELECT (email) ON {orders} TO PUBLIC",
        "ALTER VIEW {view} RENAME COLUMN email TO mail",
    ],
)
def test_a_mask_that_is_not_as_it_was_set_up_opens_no_masked_column(shop, bench, masked, how):
    shop.give(shop.product("orders"), bench.alice)
    bench.platform.run(how.format(view=masked, orders=bench.orders))

    other = shop.product("orders")
    shop.give(other, bench.bob)

    renamed = "mail" if "mail" in how else "email"
    assert not bench.platform._selects(bench.bob, f"SELECT {renamed} FROM {masked}")


def test_a_mask_lost_by_drop_and_recreate_shows_the_column_to_nobody(shop, bench, masked):
    product = shop.product("orders")
    shop.give(product, bench.alice)
    bench.platform.run(f"DROP VIEW {masked}")
    bench.platform.run(f"CREATE VIEW {masked} AS SELECT * FROM {bench.orders}")
    bench.platform.run(f"GRANT SELECT ON {masked} TO {bench.login} WITH GRANT OPTION")

    shop.give(product, bench.bob)

    for person in (bench.alice, bench.bob):
        assert not bench.platform._selects(person, f"SELECT email FROM {masked}")


def test_a_view_between_the_look_and_the_grant_is_noticed(bench, within):
    """The guard is read in the pass that opens; what was looked up before is not enough."""
    ok(command(bench, "protect", bench.orders, "email", "--yes"))
    name = f"{bench.orders}_masked"
    target = bench.target((name, ["email"]))
    wanted = bench.wanted(target, [bench.alice])
    (guard,) = {g for item in wanted.values() for g in item.guards}
    scope = next(iter(wanted.values())).scope

    before = bench.provisioner.observe([scope], [guard], within(10))[scope].guards
    bench.platform.run(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {bench.orders}")
    after = bench.provisioner.observe([scope], [guard], within(10))[scope].guards

    assert "behind its mask" in guard.subject
    assert (before, after) == ({guard: True}, {guard: False})


def test_whoever_may_create_roles_cannot_make_themselves_a_member(modern_bench):
    """From 16 on they could make a role of that name, but not a membership given by our login."""
    bench = modern_bench
    ok(command(bench, "protect", bench.orders, "email", "--yes"))
    name = f"{bench.orders}_masked"
    bench.reconcile(bench.target((name, ["email"])), [bench.alice])
    exception = bench.target(name, key=f"column:{name}|email", column="email")
    role = next(iter(bench.wanted(exception).values())).scope.key.removeprefix("role:")
    bench.platform.run(f"ALTER ROLE {bench.alice} CREATEROLE")

    bench.platform.run(f"CREATE ROLE {role}", as_person=bench.alice)
    bench.platform.run(f"GRANT {role} TO {bench.alice} WITH INHERIT TRUE", as_person=bench.alice)

    assert bench.platform.reads(bench.alice, name, "email") == "masked"
    bench.platform.run(f"DROP ROLE {role}", as_person=bench.alice)


def test_a_role_that_somebody_else_may_hand_on_gets_nothing(modern_bench):
    """Even if it carries our comment: its maker would let themselves in."""
    bench = modern_bench
    target = bench.target(bench.orders)
    item = next(i for i in bench.wanted(target).values() if i.kind == "role")
    role = item.key.split("|")[1]
    bench.platform.run(f"ALTER ROLE {bench.bob} CREATEROLE")
    bench.platform.run(f"CREATE ROLE {role}", as_person=bench.bob)
    comment = f"COMMENT ON ROLE {role} IS 'marketplace {bench.installation} product:orders'"
    bench.platform.run(comment, as_person=bench.bob)
    bench.platform.run(f"GRANT {role} TO {bench.login} WITH ADMIN OPTION", as_person=bench.bob)

    outcomes = bench.reconcile(target, [bench.alice])

    assert outcomes[0].result == "refused"
    assert f"handed on by {bench.bob}" in outcomes[0].error
    bench.platform.run(f"GRANT {role} TO {bench.bob}", as_person=bench.bob)
    assert bench.platform.reads(bench.bob, bench.orders, "id") == "none"
    bench.platform.run(f"DROP ROLE {role}")


def test_the_statements_are_shown_and_run_only_when_confirmed(bench):
    before = bench.platform.snapshot()

    refused = command(bench, "protect", bench.orders, "email", answer="n\n")
    dry = command(bench, "protect", bench.orders, "email", "--dry-run")

    for done in (refused, dry):
        assert done.exit_code == 0
        assert "CREATE OR REPLACE VIEW" in done.output
        assert "WITH GRANT OPTION" in done.output
    assert bench.platform.snapshot() == before
    agreed = ok(command(bench, "protect", bench.orders, "email", answer="y\n"))
    assert f"the view is {bench.orders}_masked" in agreed.output
    assert bench.platform.snapshot() != before
    ok(command(bench, "unprotect", bench.orders, "email", answer="y\n"))
    assert bench.platform.snapshot() == before


def test_a_fixed_mask_fits_each_type(bench):
    name = f"{bench.schema}.types"
    bench.platform.run(
        f"CREATE DOMAIN {bench.schema}.mail AS varchar(40) NOT NULL CHECK (VALUE LIKE '%@%');"
        f" CREATE DOMAIN {bench.schema}.work AS {bench.schema}.mail;"
        f" CREATE TABLE {name} (a text, b varchar(2), c int, d numeric(3, 1), e date,"
        f" f timestamptz, g uuid, h boolean, i jsonb, j {bench.schema}.work, k time, l interval);"
        f" INSERT INTO {name} VALUES ('x', 'xy', 7, 1.5, '2026-05-05', '2026-05-05',"
        " '11111111-1111-1111-1111-111111111111', true, '{}', 'a@b', '10:00', '1 day')"
    )
    for column in "abcdefghijkl":
        ok(command(bench, "protect", name, column, "--mask", "fixed", "--yes"))
    view = f"{name}_masked"
    target = bench.target((view, list("abcdefghijkl")))

    bench.reconcile(target, [bench.alice])

    (row,) = bench.platform.run(f"SELECT t::text FROM {view} t", as_person=bench.alice)
    assert row[0].startswith('(***,**,0,0.0,1970-01-01,"1970-01-01')
    assert row[0].endswith("00000000-0000-0000-0000-000000000000,f,,***,00:00:00,00:00:00)")


def test_one_view_masks_several_columns_each_for_its_own_exception(shop, bench):
    installation = shop.market.installation
    for column in ("email", "total"):
        ok(command(bench, "protect", bench.orders, column, "--yes", installation=installation))
    name = f"{bench.orders}_masked"
    shop.source("orders", name, COLUMNS, masked=["email", "total"])
    product = shop.product("orders")
    access = shop.give(product, bench.alice)
    shop.unmask(product, bench.alice, "orders.total")

    assert bench.platform.reads(bench.alice, name, "email") == "masked"
    assert bench.platform.reads(bench.alice, name, "total") == "clear"

    unprotect = ["unprotect", bench.orders, "total"]
    refused = command(bench, *unprotect, "--yes", installation=installation)
    assert refused.exit_code == 1
    assert "end their access first" in refused.output
    shop.revoke(access)
    ok(command(bench, *unprotect, "--yes", installation=installation))
    assert bench.platform.run(f"SELECT email, total FROM {name}") == [(None, "total")]


def test_a_source_registered_in_quotes_is_the_same_view(shop, bench):
    installation = shop.market.installation
    ok(command(bench, "protect", bench.orders, "email", "--yes", installation=installation))
    name = f"{bench.orders}_masked"
    shop.source("orders", f'"{bench.schema}".orders_masked', COLUMNS, masked=["email"])
    product = shop.product("orders")
    shop.give(product, bench.alice)

    shop.unmask(product, bench.alice, "orders.email")

    assert bench.platform.reads(bench.alice, name, "email") == "clear"
    shop.market.deliver()
    assert shop.trouble(bench.alice) == []


def test_a_view_over_the_masking_view_is_closed_while_its_column_is_not_masked(shop, bench, masked):
    """A materialized one would keep what its owner saw."""
    name = f"{bench.schema}.kept"
    bench.platform.run(f"CREATE MATERIALIZED VIEW {name} AS SELECT id, email FROM {masked}")
    bench.platform.run(f"GRANT SELECT ON {name} TO {bench.login} WITH GRANT OPTION")
    shop.source("kept", name, ["id", "email"])

    shop.give(shop.product("kept"), bench.alice)

    assert shop.trouble(bench.alice)[0][0] == "unprotected_column"
    assert bench.platform.reads(bench.alice, name, "email") == "none"


def test_a_column_made_of_the_masked_one_is_not_opened_by_the_view(shop, bench):
    name = f"{bench.schema}.mail"
    bench.platform.run(
        f"CREATE TABLE {name} (id text, email text,"
        " host text GENERATED ALWAYS AS (split_part(email, '@', 2)) STORED)"
    )
    installation = shop.market.installation
    ok(command(bench, "protect", name, "email", "--yes", installation=installation))
    shop.source("mail", f"{name}_masked", ["id", "email", "host"], masked=["email"])

    shop.give(shop.product("mail"), bench.alice)

    assert "email" in shop.trouble(bench.alice)[0][1]
    assert bench.platform.reads(bench.alice, f"{name}_masked", "host") == "none"


REFUSED = {
    "nothing of that name": (["{s}.nothing", "email"], "there is no such table"),
    "an index": (["{s}.orders_pk", "id"], "there is no such table"),
    "no schema": (["orders", "email"], "must be schema.name"),
    "no such column": (["{s}.orders", "phone"], "is no column"),
    "open to everybody": (["{s}.items", "sku"], "everybody may select it"),
    "row level security": (["{s}.guarded", "id"], "row level security"),
    "a name in use": (["{s}.orders", "email", "--view", "{s}.items"], "none of ours"),
    "a name too long": (["{s}." + "x" * 63, "id"], "63 bytes"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_masked_is_refused_before_anything_is_changed(bench, why):
    run = bench.platform.run
    run(f"CREATE UNIQUE INDEX orders_pk ON {bench.orders} (id)")
    run(f"GRANT SELECT ON {bench.items} TO PUBLIC")
    run(
        f"CREATE TABLE {bench.schema}.guarded (id text); ALTER TABLE {bench.schema}.guarded"
        " ENABLE ROW LEVEL SECURITY"
    )
    words, said = REFUSED[why]
    before = bench.platform.snapshot()

    done = command(bench, "protect", *(word.format(s=bench.schema) for word in words), "--yes")

    assert done.exit_code == 1
    assert said in done.output
    assert bench.platform.snapshot() == before


def test_other_marketplaces_logins_and_tables_are_refused(bench):
    ok(command(bench, "protect", bench.orders, "email", "--yes"))
    view = f"{bench.orders}_masked"

    other = command(bench, "protect", bench.orders, "email", "--yes", installation="other12345")
    table = command(bench, "protect", bench.items, "sku", "--view", view, "--yes")
    nobody = command(bench, "protect", bench.items, "sku", "--yes", login="nobody_here")
    wrong = command(bench, "protect", bench.items, "sku", "--yes", installation="NO")
    unmasked = command(bench, "unprotect", bench.orders, "total", "--yes")

    assert "it masks" in other.output
    assert "it masks" in table.output
    assert "there is no role nobody_here" in nobody.output
    assert "does not mask it" in unmasked.output
    assert (wrong.exit_code, other.exit_code, unmasked.exit_code) == (2, 1, 1)


def test_what_the_server_refuses_is_told_and_undone(bench):
    """Whoever runs it needs the rights of the table's owner."""
    before = bench.platform.snapshot()
    done = CliRunner().invoke(
        app,
        [
            *("postgres", "protect", bench.orders, "email", "--yes", "--login", bench.login),
            *("--installation", bench.installation, "--dsn", bench.platform.dsn(bench.login)),
        ],
    )

    assert done.exit_code == 1
    assert "permission denied" in done.output
    assert bench.platform.snapshot() == before


def test_a_catalog_that_cannot_be_read_is_told_in_one_line(lonely_bench):
    """Some lock the catalog up; whoever may not read it learns that, and no traceback."""
    bench = lonely_bench
    bench.platform.run("REVOKE SELECT ON pg_description FROM PUBLIC")

    done = CliRunner().invoke(
        app,
        [
            *("postgres", "protect", bench.orders, "email", "--yes", "--login", bench.login),
            *("--installation", bench.installation, "--dsn", bench.platform.dsn(bench.login)),
        ],
    )

    assert done.exit_code == 1
    assert "PostgreSQL said: permission denied" in done.output


def test_hostile_names_are_masked_as_those_names(bench, within):
    schema = f'a"; DROP TABLE x; --{bench.installation[-4:]}'
    column = '%s {digest} \\\' $$ "digest": ""}'
    bench.platform.schema(schema)
    name = f'{quote_identifier(schema)}."ta.ble \'x"'
    bench.platform.table(name, ["id", column])
    bench.platform.run(
        f"GRANT USAGE ON SCHEMA {quote_identifier(schema)} TO {bench.login} WITH GRANT OPTION"
    )
    view = f'{quote_identifier(schema)}."the \'view"'

    ok(command(bench, "protect", name, column, "--view", view, "--yes"))

    bench.reconcile(bench.target((view, [column])), [bench.alice, bench.bob])
    exception = bench.target(view, key=f"column:{view}|{column}", column=column)
    assert {o.result for o in bench.reconcile(exception, [bench.bob])} == {"done"}
    assert bench.platform.reads(bench.alice, view, column) == "masked"
    assert bench.platform.reads(bench.bob, view, column) == "clear"
    assert bench.provisioner.resolve([Ref("object", view)], within(10))


@given(
    st.text(min_size=1).filter(lambda t: "\0" not in t and t.isprintable()),
    st.sampled_from(["null", "fixed"]),
)
def test_a_mark_is_read_as_it_was_written(text, style):
    mark = MaskMark("inst1234", (text, "t"), {text: Mask(f"column:{text}", style)}, "abc")

    assert MaskMark.read(str(mark)) == mark


@pytest.mark.parametrize(
    "comment",
    [
        None,
        "",
        "marketplace mask",
        "marketplace mask x",
        "marketplace mask x {}",
        "about orders",
        "marketplace mask x []",
        'marketplace mask x {"columns": {"a": 1}, "table": 1, "digest": 1}',
    ],
)
def test_any_other_comment_is_no_mark(comment):
    assert MaskMark.read(comment) is None


names = st.text(min_size=1, max_size=15).filter(lambda t: "\0" not in t and t.isprintable())
columns = st.tuples(names, names, names)


@given(columns, st.booleans(), st.none() | columns)
def test_a_guards_subject_is_read_as_it_was_written(column, masked, shown_by):
    """Whatever the names are, one form is never taken for another."""
    subject = Subject(column, masked=masked and shown_by is None, shown_by=shown_by)

    assert Subject.read(str(subject)) == subject
