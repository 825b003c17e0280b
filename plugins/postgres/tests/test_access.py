"""Giving and taking access, driven by hand and checked by logging in as the people."""

from __future__ import annotations

import pytest

from marketplace_sdk.ports.provisioner import Call, Change, Guard, Ref, Resolved, Seen, Unresolved


def within_ten():
    return Call(seconds_left=lambda: 10.0, correlation_id="test")


def results(outcomes):
    return {outcome.result for outcome in outcomes}


def explain(outcomes):
    return [(o.key, o.result, o.error) for o in outcomes if o.result not in ("done", "already")]


def test_a_member_reads_the_product_and_nobody_else_does(bench):
    outcomes = bench.reconcile(bench.target(bench.orders), [bench.alice])

    assert explain(outcomes) == []
    assert results(outcomes) == {"done"}
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "clear"
    assert bench.platform.reads(bench.alice, bench.items, "sku") == "none"
    assert bench.platform.reads(bench.bob, bench.orders, "email") == "none"


def test_a_second_pass_finds_nothing_to_do(bench):
    target = bench.target(bench.orders, (bench.items, ["sku"]))
    bench.reconcile(target, [bench.alice])

    assert bench.plan(target, [bench.alice]) == []


def test_what_is_there_already_is_said_to_be_so(bench):
    """GRANT may be repeated; the outcome tells a repetition from a change."""
    target = bench.target(bench.orders)
    changes = bench.plan(target, [bench.alice])
    list(bench.provisioner.apply(changes, within_ten()))

    again = list(bench.provisioner.apply(changes, within_ten()))

    assert results(again) == {"already"}


def test_everything_claimed_is_seen_as_ours_afterwards(bench):
    target = bench.target(bench.orders, (bench.items, ["sku"]))
    bench.reconcile(target, [bench.alice, bench.bob])

    wanted = bench.wanted(target, [bench.alice, bench.bob])
    seen = bench.see(next(iter(wanted.values())).scope)

    assert set(seen.items) == set(wanted)
    assert all(presence.ours and presence.native_id for presence in seen.items.values())


def test_a_masked_column_is_refused_to_members_while_the_others_are_open(bench):
    bench.reconcile(bench.target((bench.orders, ["email"])), [bench.alice])

    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"
    assert bench.platform.reads(bench.alice, bench.orders, "total") == "clear"


def test_masking_a_column_later_takes_it_from_members_at_once(bench):
    """REVOKE of a table takes its columns too, so the pass must leave the unmasked ones."""
    bench.reconcile(bench.target(bench.orders), [bench.alice])

    outcomes = bench.reconcile(bench.target((bench.orders, ["email"])), [bench.alice])

    assert explain(outcomes) == []
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"
    assert bench.platform.reads(bench.alice, bench.orders, "total") == "clear"


def test_columns_survive_when_the_table_is_revoked_after_they_were_granted(bench):
    """The same change in the other order ends in the same privileges."""
    bench.reconcile(bench.target(bench.orders), [bench.alice])
    changes = bench.plan(bench.target((bench.orders, ["email"])), [bench.alice])
    assert {c.action for c in changes} == {"add", "remove"}

    outcomes = list(bench.provisioner.apply(sorted(changes, key=lambda c: c.action), within_ten()))

    assert explain(outcomes) == []
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"
    assert bench.platform.reads(bench.alice, bench.orders, "total") == "clear"
    assert bench.plan(bench.target((bench.orders, ["email"])), [bench.alice]) == []


def test_unmasking_a_table_opens_its_last_column(bench):
    bench.reconcile(bench.target((bench.orders, ["email"])), [bench.alice])

    outcomes = bench.reconcile(bench.target(bench.orders), [bench.alice])

    assert explain(outcomes) == []
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "clear"


def test_a_new_column_of_a_masked_table_is_one_more_item(bench):
    target = bench.target((bench.orders, ["email"]))
    bench.reconcile(target, [bench.alice])
    bench.platform.run(f"ALTER TABLE {bench.orders} ADD COLUMN city text")

    assert bench.platform.reads(bench.alice, bench.orders, "city") == "masked"
    (outcome,) = bench.reconcile(target, [bench.alice])
    assert outcome.result == "done"
    assert bench.platform.reads(bench.alice, bench.orders, "city") == "clear"


def test_one_table_registered_under_two_names_keeps_the_masks_of_both(bench):
    other = f'"{bench.schema}"."orders"'

    bench.reconcile(bench.target((bench.orders, ["email"]), other), [bench.alice])

    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"


def test_a_renamed_masked_column_blocks_additions_by_a_guard(bench, within):
    """Under its new name it would be an ordinary column and open to everybody."""
    target = bench.target((bench.orders, ["email"]))
    bench.platform.run(f"ALTER TABLE {bench.orders} RENAME COLUMN email TO mail")
    wanted = bench.wanted(target, [bench.alice])
    guard = Guard("column_protected", f"{bench.orders}.email")

    guarded = {item.kind for item in wanted.values() if guard in item.guards}
    scope = next(iter(wanted.values())).scope
    seen = bench.provisioner.observe([scope], [guard], within(10))[scope]

    assert guarded == {"column", "member"}
    assert isinstance(seen, Seen)
    assert seen.guards == {guard: False}


def test_a_column_is_protected_when_it_is_there_and_not_open_to_everybody(bench, within):
    target = bench.target((bench.orders, ["email"]))
    scope = next(iter(bench.wanted(target).values())).scope
    guards = {name: Guard("column_protected", f"{bench.orders}.{name}") for name in ("id", "email")}
    strange = [
        Guard("weather", "fine"),
        Guard("column_protected", 'a."b'),
        Guard("column_protected", "a.b"),
    ]
    bench.platform.run(f"GRANT SELECT (id) ON {bench.orders} TO PUBLIC")

    seen = bench.provisioner.observe([scope], [*guards.values(), *strange], within(10))[scope]

    assert seen.guards == {guards["id"]: False, guards["email"]: True}


def test_two_products_on_one_table_do_not_disturb_each_other(bench):
    one = bench.target(bench.orders, key="product:one")
    two = bench.target((bench.orders, ["email"]), key="product:two")
    bench.reconcile(one, [bench.alice])
    bench.reconcile(two, [bench.alice, bench.bob])

    assert explain(bench.end(one)) == []

    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"
    assert bench.platform.reads(bench.bob, bench.orders, "total") == "clear"


def test_an_exception_opens_one_column_only_together_with_access(bench):
    exception = bench.target(bench.orders, key="column:orders.email", column="email")
    assert explain(bench.reconcile(exception, [bench.alice])) == []
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "none"

    bench.reconcile(bench.target((bench.orders, ["email"])), [bench.alice, bench.bob])
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "clear"
    assert bench.platform.reads(bench.bob, bench.orders, "email") == "masked"

    bench.end(exception)
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"


def test_removing_everything_leaves_the_platform_as_it_was(bench):
    before = bench.platform.snapshot()
    product = bench.target((bench.orders, ["email"]), bench.items)
    exception = bench.target(bench.orders, key="column:orders.email", column="email")
    bench.reconcile(product, [bench.alice, bench.bob])
    bench.reconcile(exception, [bench.alice])
    assert bench.platform.snapshot() != before

    outcomes = [*bench.end(exception), *bench.end(product)]

    assert explain(outcomes) == []
    assert bench.platform.snapshot() == before


def test_a_table_that_was_made_again_is_another_item(bench):
    target = bench.target(bench.orders)
    bench.reconcile(target, [bench.alice])
    old = set(bench.wanted(target))
    bench.platform.run(f"DROP TABLE {bench.orders}")
    bench.platform.table(bench.orders, ["id", "email"])
    bench.platform.run(f"GRANT SELECT ON {bench.orders} TO {bench.login} WITH GRANT OPTION")

    assert bench.platform.reads(bench.alice, bench.orders, "id") == "none"
    assert len(set(bench.wanted(target)) - old) == 1
    assert explain(bench.reconcile(target, [bench.alice])) == []
    assert bench.platform.reads(bench.alice, bench.orders, "id") == "clear"


def test_a_person_who_was_made_again_is_another_member(bench):
    target = bench.target(bench.orders)
    bench.reconcile(target, [bench.alice])
    bench.platform.run(f"DROP ROLE {bench.alice}")
    bench.platform.person(bench.alice)

    assert bench.platform.reads(bench.alice, bench.orders, "id") == "none"
    assert [c.item.kind for c in bench.plan(target, [bench.alice])] == ["member"]


def test_a_renamed_table_is_revoked_under_its_new_name(bench, within):
    """The ledger has the old name, and another table may bear it by now."""
    target = bench.target(bench.orders)
    bench.reconcile(target, [bench.alice])
    select = next(i for i in bench.ledger.values() if i.kind == "select")
    bench.platform.run(f"ALTER TABLE {bench.orders} RENAME TO sold")
    bench.platform.table(bench.orders, ["id"])

    (outcome,) = bench.provisioner.apply([Change(action="remove", item=select)], within(10))

    assert outcome.result == "done"
    assert bench.platform.reads(bench.alice, f"{bench.schema}.sold", "id") == "none"


def test_a_membership_given_by_somebody_else_survives(bench):
    target = bench.target(bench.orders)
    bench.reconcile(target, [bench.alice])
    wanted = bench.wanted(target, [bench.bob])
    role = next(i for i in wanted.values() if i.kind == "role")
    name = role.key.split("|")[1]
    bench.platform.run(f"GRANT {name} TO {bench.bob}")
    member = next(i for i in wanted.values() if i.kind == "member")

    assert bench.see(member.scope).items[member.key].ours is False
    (outcome,) = bench.provisioner.apply([Change(action="remove", item=member)], within_ten())
    assert outcome.result == "refused"
    assert "given by" in outcome.error
    assert bench.platform.reads(bench.bob, bench.orders, "id") == "clear"

    outcomes = bench.end(target)
    assert [o.key for o in outcomes if o.result == "refused"] == [role.key]
    members = (
        f"SELECT m.member::regrole::text FROM pg_auth_members m WHERE roleid = '{name}'::regrole"
    )
    assert (bench.bob,) in bench.platform.run(members)
    assert bench.platform.reads(bench.bob, bench.orders, "id") == "none"


@pytest.mark.parametrize("kind", ["select", "member"])
def test_what_somebody_else_gave_too_is_seen_beside_ours(modern_bench, kind):
    """The server keeps both; taking ours away leaves theirs, and that is said."""
    bench = modern_bench
    target = bench.target(bench.orders)
    bench.reconcile(target, [bench.alice])
    item = next(i for i in bench.ledger.values() if i.kind == kind)
    role = item.key.split("|")[1]
    assert bench.see(item.scope).items[item.key].by_hand is False
    on = f" SELECT ON {bench.orders} TO {role}" if kind == "select" else f" {role} TO {bench.alice}"
    bench.platform.run("GRANT" + on)

    both = bench.see(item.scope).items[item.key]
    (outcome,) = bench.provisioner.apply([Change(action="remove", item=item)], within_ten())
    theirs = bench.see(item.scope).items[item.key]

    assert (both.ours, both.by_hand) == (True, True)
    assert outcome.result == "done"
    assert (theirs.ours, theirs.by_hand) == (False, False)
    bench.platform.run("REVOKE" + on.replace(" TO ", " FROM "))
    bench.end(target)


def test_whatever_strangers_do_to_our_role_is_listed_but_never_ours(bench):
    target = bench.target(bench.orders)
    bench.reconcile(target, [bench.alice])
    role = next(i for i in bench.ledger.values() if i.kind == "role")
    name = role.key.split("|")[1]
    bench.platform.run(f"GRANT INSERT, UPDATE (id) ON {bench.orders} TO {name}")
    bench.platform.run(f"GRANT CREATE ON SCHEMA {bench.schema} TO {name}")
    bench.platform.run(f"GRANT SELECT ON {bench.items} TO {name}")
    bench.platform.run(f"GRANT pg_read_all_data TO {name}")

    seen = bench.see(role.scope).items
    extra = {key: p for key, p in seen.items() if key not in bench.ledger}

    assert len(extra) == 5
    assert not any(presence.ours for presence in extra.values())
    outcomes = bench.end(target)
    assert [o.key for o in outcomes if o.result == "refused"] == [role.key]
    assert "orders" in next(o.error for o in outcomes if o.result == "refused")


def test_a_role_of_the_same_name_without_our_marker_is_never_touched(bench):
    target = bench.target(bench.orders)
    wanted = bench.wanted(target, [bench.alice])
    role = next(i for i in wanted.values() if i.kind == "role")
    name = role.key.split("|")[1]
    bench.platform.run(f"CREATE ROLE {name}")
    before = bench.platform.snapshot()

    assert bench.see(role.scope).items[role.key].ours is False
    for action in ("add", "remove"):
        changes = [Change(action=action, item=item) for item in wanted.values()]
        outcomes = list(bench.provisioner.apply(changes, within_ten()))
        assert not results(outcomes) & {"done"}
    alone = [Change(action="add", item=i) for i in wanted.values() if i.kind == "usage"]
    (outcome,) = bench.provisioner.apply(alone, within_ten())
    assert outcome.result == "refused"
    assert bench.platform.snapshot() == before


@pytest.mark.parametrize(
    ("schema", "table", "column"),
    [
        ("Weird Schema", "ta.ble", 'co"l'),
        ('a"; DROP ROLE x; --', "$before$'; SELECT 1; --", "\\' OR 1=1"),
        ("ünïcödé", "表" * 21, "%s %(x)s {id}"),
    ],
)
def test_hostile_names_are_names(bench, schema, table, column):
    """Whatever a name holds, it is granted and revoked as that name and nothing else runs."""
    from marketplace_sdk_postgres.naming import quote_identifier

    schema = schema + bench.installation[-4:]
    name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
    bench.platform.schema(schema)
    bench.platform.table(name, ["id", column])
    person = bench.platform.person(f'eve"; {schema}')
    quoted = quote_identifier(schema)
    bench.platform.run(f"GRANT USAGE ON SCHEMA {quoted} TO {bench.login} WITH GRANT OPTION")
    bench.platform.run(f"GRANT SELECT ON {name} TO {bench.login} WITH GRANT OPTION")
    before = bench.platform.snapshot()
    masked = bench.target((name, [column]), key="product:'; --\\")
    open_ = bench.target(name, key="product:'; --\\")

    assert explain(bench.reconcile(masked, [person])) == []
    assert bench.platform.reads(person, name, column) == "masked"
    assert explain(bench.reconcile(open_, [person])) == []
    assert bench.platform.reads(person, name, column) == "clear"
    assert explain(bench.end(open_)) == []
    assert bench.platform.snapshot() == before


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_a_view_has_columns_and_masks_of_its_own(bench, kind):
    name = f"{bench.schema}.seen"
    bench.platform.run(f"CREATE {kind} {name} AS SELECT * FROM {bench.orders}")
    bench.platform.run(f"GRANT SELECT ON {name} TO {bench.login} WITH GRANT OPTION")

    assert explain(bench.reconcile(bench.target((name, ["email"])), [bench.alice])) == []

    assert bench.platform.reads(bench.alice, name, "email") == "masked"
    assert bench.platform.reads(bench.alice, name, "total") == "clear"
    assert bench.platform.reads(bench.alice, bench.orders, "total") == "none"


def test_a_partitioned_table_is_read_through_its_parent(bench):
    name = f"{bench.schema}.events"
    bench.platform.run(f"CREATE TABLE {name} (id text, day text) PARTITION BY LIST (id)")
    bench.platform.run(f"CREATE TABLE {name}_a PARTITION OF {name} FOR VALUES IN ('a')")
    bench.platform.run(f"GRANT SELECT ON {name} TO {bench.login} WITH GRANT OPTION")

    assert explain(bench.reconcile(bench.target(name), [bench.alice])) == []

    assert bench.platform.reads(bench.alice, name, "id") == "clear"
    assert bench.platform.reads(bench.alice, f"{name}_a", "id") == "none"


def test_the_description_of_a_change_is_the_statement_that_is_run(bench):
    target = bench.target((bench.orders, ["email"]), bench.items)
    changes = bench.plan(target, [bench.alice])

    outcomes = bench.provisioner.apply(changes, within_ten())

    for change, outcome in zip(changes, outcomes, strict=True):
        assert outcome.evidence.startswith(bench.provisioner.describe(change))
    assert bench.provisioner.describe(Change(action="remove", item=changes[-1].item)).startswith(
        "REVOKE"
    )


def test_names_resolve_to_ids_kinds_owners_and_columns(bench, within):
    refs = [Ref("object", bench.orders), Ref("principal", bench.alice)]

    answers = bench.provisioner.resolve(refs, within(10))
    table, person = (answers[ref] for ref in refs)

    assert isinstance(person, Resolved)
    assert (person.kind, person.name) == ("user", bench.alice)
    assert isinstance(table, Resolved)
    assert table.name == bench.orders
    assert table.kind == "table"
    assert table.columns == ("id", "email", "total")
    assert table.platform == person.platform
    assert table.platform.startswith("postgres:")


def test_names_that_mean_nothing_say_what_to_do(bench, within):
    names = {
        bench.orders.upper(): "there is " + bench.orders,
        "orders": "schema.table",
        "a.b.c": "schema.table",
        'sales."orders': "part 2",
        "sales.": "part 2",
        'sales."a"b': "a dot must follow",
        "x" * 64 + ".y": "63 bytes",
        "sales.nul\0": "NUL",
        "pg_catalog.pg_authid": "belongs to the server",
        f"{bench.schema}.counter": "a sequence",
    }
    bench.platform.run(f"CREATE SEQUENCE {bench.schema}.counter")

    answers = bench.provisioner.resolve([Ref("object", n) for n in names], within(10))

    for ref, answer in answers.items():
        assert isinstance(answer, Unresolved)
        assert names[ref.name] in answer.message
        assert not answer.retryable


def test_only_people_and_groups_may_become_members(bench, within):
    sleeper = bench.platform.person(f"sleeper_{bench.installation}", "NOINHERIT")
    names = [
        "public",
        "pg_read_all_data",
        bench.login,
        f"mp_{bench.installation}_x",
        "nobody_here",
        "x" * 64,
    ]
    refs = [Ref("principal", n) for n in (*names, sleeper, bench.alice.upper())]

    answers = bench.provisioner.resolve(refs, within(10))

    reasons = [answers[Ref("principal", n)].reason for n in names]
    assert reasons == ["not_allowed"] * 4 + ["not_found"] * 2
    assert f"there is {bench.alice}" in answers[refs[-1]].message
    if bench.platform.version < 160000:
        assert "NOINHERIT" in answers[Ref("principal", sleeper)].message
    else:
        bench.reconcile(bench.target(bench.orders), [sleeper])
        assert bench.platform.reads(sleeper, bench.orders, "id") == "clear"


def test_a_membership_that_does_not_inherit_does_not_count(modern_bench):
    """From 16 on somebody may give one that opens nothing; ours is given beside it."""
    bench = modern_bench
    target = bench.target(bench.orders)
    bench.reconcile(target)
    name = next(i for i in bench.ledger.values() if i.kind == "role").key.split("|")[1]
    bench.platform.run(f"GRANT {name} TO {bench.alice} WITH INHERIT FALSE")

    bench.reconcile(target, [bench.alice])

    assert bench.platform.reads(bench.alice, bench.orders, "id") == "clear"
