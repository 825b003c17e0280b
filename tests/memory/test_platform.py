"""The platform in memory enforces what it was told, and fails where a test wants it to."""

from __future__ import annotations

import threading

import pytest

from marketplace_sdk.errors import DuplicateName, NotFound, ProvisioningError
from marketplace_sdk.memory.faults import Crash
from marketplace_sdk.memory.platform import MemoryPlatform
from marketplace_sdk.ports.provisioner import (
    Call,
    CannotLook,
    Change,
    Guard,
    Item,
    Known,
    Ref,
    Resolved,
    Scope,
    Seen,
    Target,
    TargetObject,
    Unresolved,
)

CALL = Call(seconds_left=lambda: 60.0, correlation_id="test")
OVER = Call(seconds_left=lambda: 0.0, correlation_id="test")
ORDERS = "sales.orders"
EMAIL = Guard("column_protected", "sales.orders.email")


def closed(**more):
    settings = {
        "objects": {ORDERS: ["id", "email"]},
        "principals": ["bob", "ann"],
        "protected": ["sales.orders.email"],
    }
    return MemoryPlatform(**{**settings, **more})


def items(platform, principal="bob", name=ORDERS, column=None, masked=("email",)):
    """The items of one beneficiary, as a pass makes them."""
    who, what = Ref("principal", principal), Ref("object", name)
    resolved = platform.resolve([who, what], CALL)
    known = Known(installation="i", resolved={what: resolved[what]})
    target = Target(
        key="product:p", objects=(TargetObject(name, frozenset(masked)),), column=column
    )
    return list(platform.member(target, resolved[who], known))


def apply(platform, *changes, call=CALL):
    return [outcome for change in changes for outcome in platform.apply([change], call)]


def add(item):
    return Change(action="add", item=item)


def remove(item):
    return Change(action="remove", item=item)


def read(platform, principal="bob"):
    apply(platform, *(add(item) for item in items(platform, principal)))


def test_nobody_reads_what_was_not_granted():
    platform = closed()

    assert platform.reads("bob", ORDERS, "id") == "none"


def test_a_read_grant_shows_plain_columns_and_hides_protected_ones():
    platform = closed()

    read(platform)

    assert platform.reads("bob", ORDERS, "id") == "clear"
    assert platform.reads("bob", ORDERS, "email") == "masked"
    assert platform.can_read("bob", ORDERS)
    assert not platform.can_read("ann", ORDERS)


def test_a_right_to_unmask_opens_nothing_by_itself():
    platform = closed()

    apply(platform, *(add(item) for item in items(platform, column="email")))

    assert platform.reads("bob", ORDERS, "email") == "none"
    read(platform)
    assert platform.sees_clear("bob", ORDERS, "email")


def test_a_column_that_does_not_exist_cannot_be_read():
    platform = closed()

    read(platform)

    assert platform.reads("bob", ORDERS, "phone") == "none"


def test_an_open_world_has_everything_and_protects_what_was_mentioned_as_masked():
    platform = MemoryPlatform()

    read(platform, "anybody")

    assert platform.reads("anybody", ORDERS, "email") == "masked"
    assert platform.reads("anybody", ORDERS, "total") == "clear"
    assert platform.reads("somebody", ORDERS, "total") == "none"


def test_an_open_world_answers_every_guard_with_yes_until_a_mask_is_taken_off():
    platform = MemoryPlatform()
    scope = items(platform)[0].scope

    before = platform.observe([scope], [EMAIL], CALL)[scope].guards
    platform.unprotect(ORDERS, "email")
    after = platform.observe([scope], [EMAIL], CALL)[scope].guards

    assert (before, after) == ({EMAIL: True}, {EMAIL: False})


def test_two_open_worlds_give_the_same_native_ids():
    first, second = MemoryPlatform(), MemoryPlatform()
    second.resolve([Ref("object", "seen before")], CALL)

    assert items(first) == items(second)


def test_a_read_item_guards_every_masked_column_and_names_what_it_opens():
    (item,) = items(closed(), masked=("email", "id"))

    assert item.guards == (EMAIL, Guard("column_protected", "sales.orders.id"))
    assert item.opens == (ORDERS,)
    assert (item.kind, item.rank) == ("read", 50)


def test_an_unmask_item_ranks_above_reading_and_is_bounded_by_may_grant_too():
    (item,) = items(closed(), column="email")

    assert (item.kind, item.rank) == ("unmask", 90)
    assert item.opens == (ORDERS,)


def test_a_target_needs_no_base():
    platform = closed()
    target = Target(key="product:p", objects=(TargetObject(ORDERS),))

    assert platform.base(target, Known(installation="i", resolved={})) == ()


def test_an_object_that_did_not_resolve_has_no_items():
    platform = closed()
    (who,) = platform.resolve([Ref("principal", "bob")], CALL).values()
    target = Target(key="product:p", objects=(TargetObject(ORDERS),))

    assert platform.member(target, who, Known(installation="i", resolved={})) == []


def test_a_closed_world_resolves_only_what_it_has():
    platform = closed(name="lake")

    found = platform.resolve([Ref("object", ORDERS), Ref("principal", "eve")], CALL)

    orders = found[Ref("object", ORDERS)]
    assert isinstance(orders, Resolved)
    assert (orders.platform, orders.columns) == ("memory:lake", ("id", "email"))
    assert isinstance(found[Ref("principal", "eve")], Unresolved)


def test_observing_lists_strangers_too():
    platform = closed()
    platform.grant_by_hand("ann", ORDERS)
    (bob,), (ann,) = items(platform), items(platform, "ann")
    apply(platform, add(bob))

    seen = platform.observe([bob.scope], [], CALL)[bob.scope]

    assert set(seen.items) == {bob.key, ann.key}
    assert not any(presence.ours for presence in seen.items.values())


def test_a_guard_about_an_unknown_column_has_no_answer():
    platform = closed()
    scope = items(platform)[0].scope
    guards = [EMAIL, Guard("column_protected", "sales.orders.phone"), Guard("other", "x")]

    assert platform.observe([scope], guards, CALL)[scope].guards == {EMAIL: True}


def test_a_guard_that_can_be_read_as_two_columns_holds_only_if_both_are_protected():
    platform = MemoryPlatform({"a": ["b.c"], "a.b": ["c"]}, ["bob"], [("a", "b.c")])
    guard = Guard("column_protected", "a.b.c")
    scope = items(platform, name="a", masked=())[0].scope

    before = platform.observe([scope], [guard], CALL)[scope].guards
    platform.protect("a.b", "c")
    after = platform.observe([scope], [guard], CALL)[scope].guards

    assert (before, after) == ({guard: False}, {guard: True})


def test_a_scope_of_another_platform_cannot_be_looked_at():
    platform = closed()
    scopes = [Scope("memory:other", items(platform)[0].scope.key), Scope("memory:memory", "x")]

    found = platform.observe(scopes, [], CALL)

    assert all(isinstance(answer, CannotLook) and not answer.retryable for answer in found.values())


def test_a_change_that_is_made_already_is_not_made_again():
    platform = closed()
    (item,) = items(platform)

    results = [o.result for o in apply(platform, add(item), add(item), remove(item), remove(item))]

    assert results == ["done", "already", "done", "already"]
    assert platform.writes == 2
    assert platform.snapshot() == frozenset()


def test_a_dropped_object_takes_its_grants_along_and_its_scope_reads_as_empty():
    platform = closed()
    read(platform)
    (item,) = items(platform)

    platform.drop(ORDERS)

    seen = platform.observe([item.scope], [EMAIL], CALL)[item.scope]
    assert isinstance(seen, Seen)
    assert (seen.items, seen.guards) == ({}, {})
    assert platform.snapshot() == frozenset()


def test_what_was_made_again_has_another_native_id_and_old_items_are_refused():
    platform = closed()
    (old_read,), (old_unmask,) = items(platform), items(platform, column="email")

    platform.create(ORDERS, ["id", "email"], owner="etl")

    assert [o.result for o in apply(platform, add(old_read), add(old_unmask))] == ["refused"] * 2
    assert items(platform)[0].key != old_read.key
    found = platform.resolve([Ref("object", ORDERS)], CALL)[Ref("object", ORDERS)]
    assert found.owner == "etl"
    assert not platform.snapshot()


def test_an_open_world_with_given_protections_learns_no_others():
    platform = MemoryPlatform(protected=[EMAIL.subject])
    scope = items(platform, masked=())[0].scope
    total = Guard("column_protected", "sales.orders.total")

    read(platform)

    assert platform.observe([scope], [EMAIL, total], CALL)[scope].guards == {
        EMAIL: True,
        total: False,
    }
    assert platform.reads("bob", ORDERS, "email") == "masked"
    assert platform.reads("bob", ORDERS, "total") == "clear"


def test_an_object_that_was_dropped_is_gone_from_an_open_world_too():
    platform = MemoryPlatform()
    scope = items(platform)[0].scope

    platform.drop(ORDERS)

    assert platform.observe([scope], [EMAIL], CALL)[scope].guards == {}
    assert isinstance(
        platform.resolve([Ref("object", ORDERS)], CALL)[Ref("object", ORDERS)], Unresolved
    )


def test_a_replaced_principal_has_nothing_and_items_of_the_old_one_are_refused():
    platform = closed()
    read(platform)
    (old,) = items(platform)

    platform.replace_principal("bob")

    assert platform.reads("bob", ORDERS, "id") == "none"
    assert apply(platform, add(old))[0].result == "refused"


def test_a_dropped_principal_is_not_found():
    platform = MemoryPlatform()
    read(platform)

    platform.drop_principal("bob")

    assert platform.snapshot() == frozenset()
    with pytest.raises(NotFound):
        platform.grant_by_hand("bob", ORDERS)


def test_a_renamed_principal_keeps_native_id_and_privileges():
    platform = closed()
    read(platform)
    (before,) = items(platform)

    platform.rename_principal("bob", "robert")

    assert items(platform, "robert")[0].key == before.key
    assert platform.snapshot() == {("robert", ORDERS, None)}
    assert platform.reads("bob", ORDERS, "id") == "none"


def test_a_principal_cannot_take_another_ones_name():
    platform = closed()

    with pytest.raises(DuplicateName):
        platform.rename_principal("bob", "ann")
    with pytest.raises(NotFound):
        platform.rename_principal("eve", "adam")


def test_a_column_that_is_not_there_cannot_be_unmasked():
    platform = closed()

    (outcome,) = apply(platform, *(add(item) for item in items(platform, column="phone")))

    assert outcome.result == "refused"
    assert "sales.orders.phone" in outcome.error


def test_no_time_left_means_not_attempted():
    platform = closed()
    (item,) = items(platform)

    (outcome,) = apply(platform, add(item), call=OVER)

    assert (outcome.result, outcome.retryable) == ("not_attempted", True)
    assert platform.snapshot() == frozenset()


def test_the_deadline_is_looked_at_before_each_change():
    platform = closed()
    left = [60.0, 0.0]
    call = Call(seconds_left=lambda: left.pop(0), correlation_id="test")
    batch = [add(items(platform)[0]), add(items(platform, "ann")[0])]

    results = [outcome.result for outcome in platform.apply(batch, call)]

    assert results == ["done", "not_attempted"]


@pytest.mark.parametrize("method", ["resolve", "observe"])
def test_reading_without_time_is_a_retryable_error(method):
    platform = closed()
    arguments = ([],) if method == "resolve" else ([], [])

    with pytest.raises(ProvisioningError) as caught:
        getattr(platform, method)(*arguments, OVER)

    assert caught.value.retryable


def test_a_batch_over_several_scopes_is_refused_whole():
    platform = closed(objects={ORDERS: ["id", "email"], "b": ["id"]})
    batch = [add(items(platform)[0]), add(items(platform, name="b", masked=())[0])]

    with pytest.raises(ProvisioningError):
        list(platform.apply(batch, CALL))

    assert platform.snapshot() == frozenset()


def test_items_whose_parts_contradict_each_other_are_refused():
    platform = closed()
    (bob,), (ann,) = items(platform), items(platform, "ann")
    forged = Item(key=bob.key, scope=bob.scope, kind="read", rank=50, data=ann.data)
    foreign = items(MemoryPlatform(name="other"))[0]

    results = [o.result for o in apply(platform, add(forged), add(foreign))]

    assert results == ["refused", "refused"]
    assert platform.snapshot() == frozenset()


def test_a_native_end_is_refused():
    platform = closed()
    (item,) = items(platform)

    assert apply(platform, Change(action="set_until", item=item))[0].result == "refused"


def test_changes_read_as_statements():
    platform = closed()
    (read_item,), (unmask,) = items(platform), items(platform, column="email")

    texts = [platform.describe(c) for i in (read_item, unmask) for c in (add(i), remove(i))]

    assert texts == [
        "GRANT SELECT ON sales.orders TO bob",
        "REVOKE SELECT ON sales.orders FROM bob",
        "UNMASK sales.orders.email FOR bob",
        "MASK sales.orders.email FOR bob",
    ]


def test_an_administrator_grants_and_revokes_by_hand():
    platform = closed()

    platform.grant_by_hand("bob", ORDERS)
    platform.grant_by_hand("bob", ORDERS, "email")

    assert platform.snapshot() == {("bob", ORDERS, None), ("bob", ORDERS, "email")}
    platform.revoke_by_hand("bob", ORDERS, "email")
    platform.revoke_by_hand("ann", ORDERS)
    assert platform.snapshot() == {("bob", ORDERS, None)}
    assert platform.writes == 0


@pytest.mark.parametrize(
    "names", [("eve", ORDERS, None), ("bob", "sales.gone", None), ("bob", ORDERS, "phone")]
)
def test_what_does_not_exist_cannot_be_granted_by_hand(names):
    platform = closed()

    with pytest.raises(NotFound):
        platform.grant_by_hand(*names)


def test_only_columns_that_exist_can_be_protected():
    with pytest.raises(NotFound):
        closed(protected=[(ORDERS, "phone")])
    with pytest.raises(NotFound):
        closed().protect(ORDERS, "phone")


def test_an_unreachable_platform_raises_from_every_call():
    platform = closed()
    (item,) = items(platform)
    platform.unreachable = True

    for call in (
        lambda: platform.resolve([], CALL),
        lambda: platform.observe([], [], CALL),
        lambda: list(platform.apply([add(item)], CALL)),
    ):
        with pytest.raises(ProvisioningError) as caught:
            call()
        assert caught.value.retryable


def test_so_many_calls_fail_and_then_no_more():
    platform = closed()
    platform.fail(2, ProvisioningError("no"))

    for _ in range(2):
        with pytest.raises(ProvisioningError, match="no"):
            platform.resolve([], CALL)

    assert platform.resolve([], CALL) == {}


@pytest.mark.parametrize(("point", "granted"), [("before_apply", False), ("after_apply", True)])
def test_a_crash_leaves_the_change_made_or_not(point, granted):
    platform = closed()
    (item,) = items(platform)
    platform.crash_at(point)

    with pytest.raises(Crash):
        apply(platform, add(item))

    assert platform.can_read("bob", ORDERS) is granted
    assert apply(platform, add(item))[0].result == ("already" if granted else "done")


def test_a_crash_can_wait_for_the_nth_time():
    platform = closed()
    platform.crash_at("observe", 2)

    platform.observe([], [], CALL)

    with pytest.raises(Crash):
        platform.observe([], [], CALL)
    platform.observe([], [], CALL)


def test_a_lost_answer_is_unknown_though_the_change_was_made():
    platform = closed()
    (item,) = items(platform)
    platform.lose_answers()

    (outcome,) = apply(platform, add(item))

    assert outcome.result == "unknown"
    assert platform.can_read("bob", ORDERS)


def test_an_object_may_be_refused_and_permitted_again():
    platform = closed()
    (item,) = items(platform)

    platform.refuse(ORDERS)
    refused = apply(platform, add(item))[0]
    platform.permit(ORDERS)

    assert refused.result == "refused"
    assert apply(platform, add(item))[0].result == "done"


def test_names_with_bars_and_dots_do_not_run_into_each_other():
    platform = MemoryPlatform()

    keys = {items(platform, who, name)[0].key for who, name in [("a|b", "c"), ("a", "b|c")]}

    assert len(keys) == 2


def test_calls_are_counted():
    platform = closed()

    read(platform)

    assert platform.calls == [("resolve", 2), ("apply", 1)]


def test_many_threads_may_use_it_at_once():
    platform = MemoryPlatform()
    batches = [[add(items(platform, f"p{n}")[0]) for n in range(at, 200, 4)] for at in range(4)]
    threads = [
        threading.Thread(target=lambda batch=batch: list(platform.apply(batch, CALL)))
        for batch in batches
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert platform.writes == len(platform.snapshot()) == 200
