"""A superuser's login works too, as in a demo; its memberships are booked elsewhere from 16 on."""

from __future__ import annotations


def test_a_superuser_gives_and_takes_and_leaves_the_platform_as_it_was(bench):
    bench.platform.run(f"ALTER ROLE {bench.login} SUPERUSER")
    before = bench.platform.snapshot()
    target = bench.target((bench.orders, ["email"]))

    given = bench.reconcile(target, [bench.alice])

    assert {o.result for o in given} == {"done"}
    assert bench.plan(target, [bench.alice]) == []
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"
    assert {o.result for o in bench.end(target)} == {"done"}
    assert bench.platform.snapshot() == before


def test_a_member_of_the_owner_gives_and_takes_too(bench):
    """Ownership through a role serves instead of grant options."""
    owner = bench.platform.person(f"owner_{bench.installation}")
    for kind, name in (("SCHEMA", bench.schema), ("TABLE", bench.orders)):
        bench.platform.run(f"ALTER {kind} {name} OWNER TO {owner}")
        bench.platform.run(f"REVOKE ALL ON {kind} {name} FROM {bench.login} CASCADE")
    bench.platform.run(f"GRANT {owner} TO {bench.login}")
    before = bench.platform.snapshot()
    target = bench.target((bench.orders, ["email"]))

    given = bench.reconcile(target, [bench.alice])

    assert {o.result for o in given} == {"done"}
    assert bench.plan(target, [bench.alice]) == []
    assert bench.platform.reads(bench.alice, bench.orders, "email") == "masked"
    assert {o.result for o in bench.end(target)} == {"done"}
    assert bench.platform.snapshot() == before
