"""What opens, for whom, and what is refused: the plugin driven by hand on a fake account."""

from __future__ import annotations

import pytest

from marketplace_sdk import ProvisioningError
from marketplace_sdk.plugin import (
    CannotLook,
    Change,
    Guard,
    Ref,
    Resolved,
    Scope,
    Unresolved,
    dotted_name,
)
from marketplace_sdk_snowflake.items import HOOK, Key, unmask_condition, unmask_grantee
from marketplace_sdk_snowflake.masks import Subject, fingerprint, hook_line, role_condition
from marketplace_sdk_snowflake.naming import Grantee, policy_name, role_prefix
from marketplace_sdk_snowflake.settings import Settings

ORDERS = ("SALES", "CORE", "ORDERS")
ITEMS = ("SALES", "CORE", "ITEMS")


def explain(outcomes):
    return [(o.key, o.result, o.error) for o in outcomes if o.result not in ("done", "already")]


def hook(bench, column, table=ORDERS):
    name = (*table, column)
    return hook_line(unmask_condition(bench.installation, name, bench.settings))


def policy(fake, bench, column, name, body=None, *, apply=True):
    """A customer's policy on a column; asks for its exception unless a body is given."""
    text = body or f"CASE {hook(bench, column)} ELSE '***' END"
    fake.policy(("GOV", "P", name), text, on=[(ORDERS, column)])
    fake.admin("GRANT USAGE ON DATABASE GOV TO ROLE MKT_SVC")
    fake.admin("GRANT USAGE ON SCHEMA GOV.P TO ROLE MKT_SVC")
    if apply:
        fake.admin(f"GRANT APPLY ON MASKING POLICY GOV.P.{name} TO ROLE MKT_SVC")


def test_database_roles_open_the_same_and_hide_in_their_database(make_bench, fake):
    bench = make_bench(Settings(mode="database_role"))
    fake.admin("GRANT CREATE DATABASE ROLE ON DATABASE SALES TO ROLE MKT_SVC")
    fake.admin("GRANT MANAGE GRANTS ON DATABASE SALES TO ROLE MKT_SVC")
    before = fake.snapshot()
    target = bench.target(ORDERS, ITEMS)

    assert explain(bench.reconcile(target, ["ALICE"])) == []

    assert fake.can_select("ALICE", ORDERS)
    assert not fake.can_select("BOB", ORDERS)
    assert not [r for r in fake.admin("SHOW ROLES") if r[1].startswith("MKT_INST")]
    assert bench.plan(target, ["ALICE"]) == []
    assert explain(bench.end(target)) == []
    assert fake.snapshot() == before


def test_a_product_over_two_databases_is_no_database_role(make_bench, fake):
    bench = make_bench(Settings(mode="database_role"))
    fake.table(("HR", "CORE", "PAY"), ["ID"])
    fake.admin("GRANT USAGE ON DATABASE HR TO ROLE MKT_SVC")
    fake.admin("GRANT MANAGE GRANTS ON SCHEMA HR.CORE TO ROLE MKT_SVC")

    with pytest.raises(ProvisioningError, match="HR, SALES") as caught:
        bench.wanted(bench.target(ORDERS, ("HR", "CORE", "PAY")), ["ALICE"])

    assert not caught.value.retryable


def test_a_product_over_two_databases_is_one_account_role(bench, fake):
    fake.table(("HR", "CORE", "PAY"), ["ID"])
    fake.admin("GRANT USAGE ON DATABASE HR TO ROLE MKT_SVC WITH GRANT OPTION")
    fake.admin("GRANT MANAGE GRANTS ON SCHEMA HR.CORE TO ROLE MKT_SVC")
    pay = ("HR", "CORE", "PAY")

    assert explain(bench.reconcile(bench.target(ORDERS, pay), ["ALICE"])) == []

    assert fake.can_select("ALICE", ORDERS)
    assert fake.can_select("ALICE", pay)


def test_a_role_may_be_the_beneficiary_if_it_is_asked_for_as_one(bench, fake):
    fake.role("ANALYST")
    fake.grant_role("ANALYST", ("USER", "BOB"))

    assert explain(bench.reconcile(bench.target(ORDERS), ["role:ANALYST"])) == []

    assert fake.can_select("BOB", ORDERS)
    assert not fake.can_select("ALICE", ORDERS)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("role:PUBLIC", "role of the system"),
        ("role:accountadmin", "role of the system"),
        ("role:MKT_SVC", "own role"),
        ("MARKETPLACE", "own user"),
        ("role:{prefix}R_X", "role of this marketplace"),
    ],
)
def test_nobody_becomes_a_member_under_the_name_of_everybody(bench, within, name, why):
    ref = Ref("principal", name.format(prefix=role_prefix(bench.installation)))

    answer = bench.provisioner.resolve([ref], within(10))[ref]

    assert isinstance(answer, Unresolved)
    assert answer.reason == "not_allowed"
    assert why in answer.message


def test_a_user_whose_making_is_hidden_is_no_principal_but_a_name_may_be_enough(
    make_bench, fake, within
):
    bench = make_bench(Settings())
    fake.admin("REVOKE CREATE USER ON ACCOUNT FROM ROLE MKT_SVC")
    ref = Ref("principal", "ALICE")

    hidden = bench.provisioner.resolve([ref], within(10))[ref]
    named = bench.make(Settings(user_identity="name")).resolve([ref], within(10))[ref]

    assert isinstance(hidden, Unresolved)
    assert 'GRANT CREATE USER ON ACCOUNT TO ROLE "MKT_SVC"' in hidden.message
    assert isinstance(named, Resolved)
    assert named.native_id == "ALICE"


@pytest.mark.parametrize(
    ("name", "reason", "why"),
    [
        ("ORDERS", "not_found", "DATABASE.SCHEMA.NAME"),
        ("SALES.CORE.", "not_found", "part 3"),
        ("SALES.NOWHERE.ORDERS", "not_found", "schema SALES.NOWHERE"),
        ("SALES.CORE.orders", "not_found", "there is SALES.CORE.ORDERS"),
        ("SALES.INFORMATION_SCHEMA.TABLES", "not_allowed", "belongs to Snowflake"),
    ],
)
def test_a_name_that_means_nothing_is_told_why(bench, within, name, reason, why):
    ref = Ref("object", name)

    answer = bench.provisioner.resolve([ref], within(10))[ref]

    assert isinstance(answer, Unresolved)
    assert answer.reason == reason
    assert why in answer.message


def test_nothing_in_a_shared_database_is_granted_by_itself(bench, fake, within):
    fake.database("SHARED", imported=True)
    fake.table(("SHARED", "CORE", "T"), ["ID"])
    fake.world.relation(("SHARED", "CORE", "T")).owner = None
    fake.admin("GRANT IMPORTED PRIVILEGES ON DATABASE SHARED TO ROLE MKT_SVC")
    fake.admin("GRANT MANAGE GRANTS ON ACCOUNT TO ROLE MKT_SVC")
    ref = Ref("object", "SHARED.CORE.T")

    answer = bench.provisioner.resolve([ref], within(10))[ref]

    assert isinstance(answer, Unresolved)
    assert answer.reason == "unsupported"
    assert "share" in answer.message


def test_many_names_are_picked_out_of_whole_lists(bench, fake):
    """A statement for each of them would take minutes."""
    names = [("SALES", "CORE", f"T{n}") for n in range(40)]
    for name in names:
        fake.table(name, ["ID"])
    for n in range(40):
        fake.user(f"USER{n}")

    wanted = bench.wanted(bench.target(*names), [f"USER{n}" for n in range(40)])

    assert sum(item.kind == "select" for item in wanted.values()) == 40
    assert sum(item.kind == "member" for item in wanted.values()) == 40
    assert len(fake.statements) < 6


def test_long_lists_are_read_page_by_page(bench, fake, monkeypatch):
    from marketplace_sdk_snowflake import statements

    monkeypatch.setattr(statements, "PAGE", 7)
    names = [("SALES", "CORE", f"T{n:02}") for n in range(25)]
    for name in names:
        fake.table(name, ["ID"])

    wanted = bench.wanted(bench.target(*names), [])

    assert sum(item.kind == "select" for item in wanted.values()) == 25


def test_what_others_gave_to_our_role_is_listed_and_never_touched(bench, fake):
    target = bench.target(ORDERS)
    bench.reconcile(target, ["ALICE"])
    role = next(iter(bench.wanted(target).values())).scope.key.partition(":")[2]
    fake.role("OTHER")
    fake.admin(f'GRANT ROLE OTHER TO ROLE "{role}"')
    fake.admin(f'GRANT INSERT ON TABLE SALES.CORE.ORDERS TO ROLE "{role}"')
    fake.admin(f'GRANT SELECT ON TABLE SALES.CORE.ITEMS TO ROLE "{role}"')
    fake.admin(f'GRANT INHERITED SELECT ON ALL TABLES IN SCHEMA SALES.CORE TO ROLE "{role}"')

    scopes = {item.scope for item in bench.wanted(target).values()}
    seen = {key for each in bench.see(*scopes).values() for key in each.items}

    assert sum(key.startswith("other|") for key in seen) == 2
    assert sum(key.startswith("select|") for key in seen) == 2
    assert all("||" not in key or key.startswith("role||") for key in seen), "no empty names"
    outcomes = bench.end(target)
    assert [o.result for o in outcomes if o.result == "refused"]
    assert "nobody has approved" in explain(outcomes)[0][2]
    assert fake.admin(f"SHOW ROLES LIKE '{role}'")


def test_what_is_open_and_cannot_be_seen_any_more_is_no_reason_to_think_it_is_gone(
    bench, fake, within
):
    target = bench.target(ORDERS)
    bench.reconcile(target, ["ALICE"])
    scope = next(i.scope for i in bench.wanted(target).values() if i.kind == "select")
    fake.admin("REVOKE MANAGE GRANTS ON SCHEMA SALES.CORE FROM ROLE MKT_SVC")

    (answer,) = bench.make().observe([scope], (), within(10)).values()

    assert isinstance(answer, CannotLook)
    assert "SALES.CORE.ORDERS" in answer.reason


def test_scopes_and_items_of_somebody_else_are_refused(bench, within):
    changes = bench.plan(bench.target(ORDERS), ["ALICE"])
    platform = changes[0].item.scope.platform
    strange = [
        Scope(platform, "schema:X"),
        Scope(platform, "role:"),
        Scope("snowflake:x", "role:A"),
    ]

    answers = bench.provisioner.observe(strange, (), within(10))

    assert all(isinstance(answers[each], CannotLook) for each in strange)


def test_a_role_with_another_prefix_is_never_changed(bench, within):
    from attrs import evolve

    (change, *_) = bench.plan(bench.target(ORDERS), ["ALICE"])
    other = evolve(change.item, key=str(Key("role", "", "ANALYST")))
    nonsense = evolve(change.item, key="nonsense")
    until = Change(action="set_until", item=change.item)

    for item in (other, nonsense):
        (outcome,) = bench.provisioner.apply([Change(action="remove", item=item)], within(10))
        assert outcome.result == "refused"
    (outcome,) = bench.provisioner.apply([until], within(10))
    assert outcome.result == "refused"
    assert "no end of its own" in outcome.error


def test_more_roles_than_configured_are_not_made(make_bench):
    bench = make_bench(Settings(max_roles=1))
    assert explain(bench.reconcile(bench.target(ORDERS, key="product:one"))) == []

    outcomes = bench.reconcile(bench.target(ORDERS, key="product:two"))

    assert "max_roles is 1" in outcomes[0].error


def test_a_column_with_somebody_elses_policy_may_be_read_masked(bench, fake):
    policy(fake, bench, "EMAIL", "THEIRS", "'hidden'")
    target = bench.target((ORDERS, ["EMAIL"]))
    guards = {g for item in bench.wanted(target, ["ALICE"]).values() for g in item.guards}
    scopes = {item.scope for item in bench.wanted(target).values()}

    told = [s.guards for s in bench.see(*scopes, guards=guards).values() if s.guards]

    assert told == [{Guard("column_protected", "SALES.CORE.ORDERS.EMAIL"): True}]
    assert explain(bench.reconcile(target, ["ALICE"])) == []
    assert fake.access("ALICE", ORDERS, "EMAIL") == "masked"


def test_a_policy_on_two_columns_unmasks_neither_for_one_of_them(bench, fake):
    """Its line would show both."""
    policy(fake, bench, "EMAIL", "SHARED")
    fake.admin("ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN PHONE SET MASKING POLICY GOV.P.SHARED")

    outcomes = bench.reconcile(bench.exception(ORDERS, "EMAIL"), ["ALICE"])

    assert "also masks PHONE" in outcomes[0].error
    assert not [r for r in fake.admin("SHOW ROLES") if "_U_" in r[1]]


def test_a_policy_on_a_column_elsewhere_is_seen_with_a_warehouse(make_bench, fake):
    bench = make_bench(Settings(warehouse=True))
    policy(fake, bench, "EMAIL", "SHARED")
    fake.admin("ALTER TABLE SALES.CORE.ITEMS MODIFY COLUMN SKU SET MASKING POLICY GOV.P.SHARED")

    outcomes = bench.reconcile(bench.exception(ORDERS, "EMAIL"), ["ALICE"])

    assert "SALES.CORE.ITEMS.SKU" in outcomes[0].error


def test_a_mask_that_comes_with_a_tag_protects_and_does_not_cooperate(make_bench, fake):
    bench = make_bench(Settings(warehouse=True))
    fake.policy(("GOV", "P", "TAGGED"), "'***'")
    fake.tag(("GOV", "P", "PII"), policies=[("GOV", "P", "TAGGED")])
    fake.admin("ALTER TABLE SALES.CORE.ORDERS MODIFY COLUMN EMAIL SET TAG GOV.P.PII = 'yes'")
    target = bench.target((ORDERS, ["EMAIL"]))
    guard = Guard("column_protected", "SALES.CORE.ORDERS.EMAIL")
    scope = next(iter(bench.wanted(target).values())).scope

    (seen,) = bench.see(scope, guards=[guard]).values()
    outcomes = bench.reconcile(bench.exception(ORDERS, "EMAIL"), ["ALICE"])

    assert seen.guards == {guard: True}
    assert "through a tag" in outcomes[0].error


OWN_WORDS = (
    "CASE WHEN EXISTS (SELECT 1 FROM GOV.P.STAFF s WHERE s.NAME = CURRENT_USER()) THEN val END"
)


def trust(fake, bench, name="TABLED"):
    """Trust a policy as it is now."""
    (described,) = fake.admin(f"DESCRIBE MASKING POLICY GOV.P.{name}")
    trusted = {("GOV", "P", name): fingerprint(*described[1:4])}
    bench.provisioner = bench.make(Settings(trusted_policies=trusted))


def test_a_policy_in_words_of_its_own_is_trusted_only_if_a_person_says_so(make_bench, fake):
    bench = make_bench(Settings())
    fake.table(("GOV", "P", "STAFF"), ["NAME"])
    policy(fake, bench, "EMAIL", "TABLED", OWN_WORDS)
    target = bench.exception(ORDERS, "EMAIL")

    refused = bench.reconcile(target, ["ALICE"])
    trust(fake, bench)

    assert "does not ask for the exception" in refused[0].error
    assert explain(bench.reconcile(target, ["ALICE"])) == []


def test_a_trusted_policy_whose_text_was_replaced_protects_nothing(make_bench, fake):
    """Neither is the column open to readers, nor does anybody get an exception from it."""
    bench = make_bench(Settings())
    policy(fake, bench, "EMAIL", "TABLED", "CASE WHEN CURRENT_USER() = 'EVE' THEN val END")
    trust(fake, bench)
    target = bench.target((ORDERS, ["EMAIL"]))
    exception = bench.exception(ORDERS, "EMAIL")
    guard = Guard("column_protected", "SALES.CORE.ORDERS.EMAIL")
    scope = next(iter(bench.wanted(target).values())).scope
    (before,) = bench.see(scope, guards=[guard]).values()

    fake.admin("ALTER MASKING POLICY GOV.P.TABLED SET BODY -> val")
    (after,) = bench.see(scope, guards=[guard]).values()
    outcomes = bench.reconcile(exception, ["ALICE"])

    assert (before.guards, after.guards) == ({guard: True}, {guard: False})
    assert "not what it was when it was trusted" in outcomes[0].error


def test_a_trusted_policy_that_cannot_be_read_any_more_answers_nothing(make_bench, fake):
    bench = make_bench(Settings())
    policy(fake, bench, "EMAIL", "TABLED", "CASE WHEN CURRENT_USER() = 'EVE' THEN val END")
    trust(fake, bench)
    target = bench.target((ORDERS, ["EMAIL"]))
    guard = Guard("column_protected", "SALES.CORE.ORDERS.EMAIL")
    scope = next(iter(bench.wanted(target).values())).scope

    fake.admin("REVOKE APPLY ON MASKING POLICY GOV.P.TABLED FROM ROLE MKT_SVC")
    (seen,) = bench.see(scope, guards=[guard]).values()

    assert seen.guards == {}


def test_a_policy_that_cannot_be_read_gives_no_exception(make_bench, fake):
    """Reading a policy takes APPLY on it."""
    bench = make_bench(Settings())
    policy(fake, bench, "EMAIL", "CLOSED", apply=False)

    refused = bench.reconcile(bench.exception(ORDERS, "EMAIL"), ["ALICE"])

    assert "cannot be read" in refused[0].error


@pytest.mark.parametrize("body", ["val", "CASE WHEN TRUE THEN val ELSE '*****' END"])
def test_a_policy_of_ours_that_was_altered_protects_nothing(make_bench, fake, body):
    bench = make_bench(Settings())
    column = (*ORDERS, "EMAIL")
    name = policy_name(bench.installation, column)
    role = role_condition(unmask_grantee(bench.installation, column, Settings()))
    policy(fake, bench, "EMAIL", name, f"CASE WHEN {role} THEN val ELSE '*****' END")
    target = bench.target((ORDERS, ["EMAIL"]))
    guard = Guard("column_protected", "SALES.CORE.ORDERS.EMAIL")
    scope = next(iter(bench.wanted(target).values())).scope
    (before,) = bench.see(scope, guards=[guard]).values()

    fake.admin(f"ALTER MASKING POLICY GOV.P.{name} SET BODY -> {body}")
    (after,) = bench.see(scope, guards=[guard]).values()

    assert (before.guards, after.guards) == ({guard: True}, {guard: False})


def test_a_bare_column_has_nothing_to_unmask(bench):
    outcomes = bench.reconcile(bench.exception(ORDERS, "EMAIL"), ["ALICE"])

    assert "NothingToUnmask" in outcomes[0].error
    assert "marketplace snowflake protect 'SALES.CORE.ORDERS' 'EMAIL'" in outcomes[0].error
    assert {o.result for o in outcomes[1:]} == {"not_attempted"}


def test_a_column_that_is_not_there_has_nothing_either(bench):
    outcomes = bench.reconcile(bench.exception(ORDERS, "MAIL"), ["ALICE"])

    assert "no such column" in outcomes[0].error


def test_a_guard_that_means_nothing_has_no_answer(bench):
    scope = next(iter(bench.wanted(bench.target(ORDERS)).values())).scope
    column = (*ORDERS, "EMAIL")
    strange = [
        Guard("weather", "fine"),
        Guard("column_protected", 'a."b'),
        Guard(HOOK, dotted_name(*column)),
        Guard("column_protected", str(Subject(column, "WHEN TRUE THEN val"))),
    ]

    (seen,) = bench.see(scope, guards=strange).values()

    assert seen.guards == {}


def test_the_role_of_an_exception_depends_on_the_column_only(bench):
    column = (*ORDERS, "EMAIL")
    grantee = unmask_grantee(bench.installation, column, Settings())

    items = bench.wanted(bench.exception(ORDERS, "EMAIL"), ["ALICE"])

    assert {Grantee.read(Key.read(key).place) for key in items} == {grantee}
    assert {item.kind for item in items.values()} == {"role", "member"}


def test_one_object_registered_under_two_names_keeps_the_masks_of_both(bench, within):
    from marketplace_sdk.plugin import Known, Target, TargetObject

    spelt = ("SALES.CORE.ORDERS", '"SALES"."CORE"."ORDERS"')
    refs = [Ref("object", name) for name in spelt]
    known = Known(
        installation=bench.installation, resolved=bench.provisioner.resolve(refs, within(10))
    )
    objects = (TargetObject(spelt[0], frozenset({"EMAIL"})), TargetObject(spelt[1]))

    items = bench.provisioner.base(Target(key="product:x", objects=objects), known)

    (select,) = [item for item in items if item.kind == "select"]
    assert select.guards == (Guard("column_protected", "SALES.CORE.ORDERS.EMAIL"),)


def test_nothing_is_planned_while_no_object_is_known(bench):
    assert bench.wanted(bench.target(("SALES", "CORE", "GONE")), ["ALICE"]) == {}
