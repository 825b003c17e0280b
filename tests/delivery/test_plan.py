"""The plan is pure: what is claimed and what was seen decide, and nothing else."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.delivery.judging import View, judge, recorded
from marketplace_sdk.delivery.ledger import Claim, LedgerEntry, entry_id
from marketplace_sdk.delivery.plan import Blocks, batches, make_plan
from marketplace_sdk.ports.provisioner import CannotLook, Guard, Item, Presence, Scope, Seen

A, B = Scope("acme", "a"), Scope("acme", "b")
BASE, BOB, EVE = Claim("product:p", "t"), Claim("grant:bob", "t"), Claim("grant:eve", "t")
EMAIL = Guard("column_protected", "orders.email")


def item(key="x", scope=A, rank=30, opens=(), guards=()):
    return Item(key=key, scope=scope, kind="select", rank=rank, opens=opens, guards=guards)


def row(made=None, *claims, origin="ours", **more):
    return LedgerEntry(item=made or item(), claims=frozenset(claims), origin=origin, **more)


def seen(*keys, scope=A, guards=None, ours=False):
    return View({scope: Seen(items={k: Presence(ours=ours) for k in keys}, guards=guards or {})})


def plan(entries, view, may_grant=("*",), held=()):
    return make_plan(entries, view, may_grant=may_grant, held=held)


def keys(changes):
    return [change.item.key for change in changes]


def test_claimed_and_absent_is_added():
    assert keys(plan([row(None, BOB)], seen()).additions) == ["x"]


def test_additions_add_and_removals_remove():
    made = plan([row(None, BOB), row(item("y"))], seen("y"))

    assert [(one.action, one.item.key) for one in made.additions] == [("add", "x")]
    assert [(one.action, one.item.key) for one in made.removals] == [("remove", "y")]


def test_claimed_and_present_is_left_alone():
    made = plan([row(None, BOB)], seen("x"))

    assert (made.removals, made.additions, dict(made.blocked)) == ((), (), {})


def test_ours_present_and_claimed_by_nobody_is_removed():
    assert keys(plan([row()], seen("x")).removals) == ["x"]


def test_what_was_there_before_us_is_never_removed():
    assert plan([row(origin="preexisting")], seen("x")).removals == ()


def test_what_nobody_has_decided_about_is_not_removed():
    assert plan([row(origin="")], seen("x")).removals == ()


def test_strangers_are_not_touched():
    made = plan([], seen("stranger"))

    assert (made.removals, made.additions) == ((), ())


def test_nothing_is_concluded_from_a_scope_that_cannot_be_seen():
    view = View({}, {A: CannotLook(reason="down")})

    made = plan([row(None, BOB), row(item("y"))], view)

    assert (made.removals, made.additions) == ((), ())


def test_removals_run_downwards_and_additions_upwards():
    entries = [row(item(f"old{n}", rank=n)) for n in (10, 90, 30)]
    entries += [row(item(f"new{n}", rank=n), BOB) for n in (90, 10, 30)]

    made = plan(entries, seen("old10", "old30", "old90"))

    assert keys(made.removals) == ["old90", "old30", "old10"]
    assert keys(made.additions) == ["new10", "new30", "new90"]


def test_equal_ranks_keep_scopes_together():
    entries = [row(item(f"{s.key}{n}", scope=s), BOB) for n in (1, 2) for s in (B, A)]

    made = plan(entries, View({A: Seen(items={}), B: Seen(items={})}))

    assert [keys(batch) for batch in batches(made.additions)] == [["a1", "a2"], ["b1", "b2"]]


def test_an_addition_needs_every_guard_to_be_true():
    guarded = row(item(guards=(EMAIL, Guard("mine", "s"))), BOB)

    yes = plan([guarded], seen(guards={EMAIL: True, Guard("mine", "s"): True}))
    no = plan([guarded], seen(guards={EMAIL: True, Guard("mine", "s"): False}))
    unread = plan([guarded], seen(guards={Guard("mine", "s"): True}))

    assert len(yes.additions) == 1
    assert no.blocked["acme|x"].code == "unguarded"
    assert unread.blocked["acme|x"].code == "unprotected_column"
    assert not no.additions
    assert not unread.additions


def test_a_guard_that_is_denied_anywhere_is_denied():
    view = View({A: Seen(items={}, guards={EMAIL: True}), B: Seen(items={}, guards={EMAIL: False})})

    assert view.guards == {EMAIL: False}


def test_an_answer_that_is_not_true_is_no_answer():
    assert seen(guards={EMAIL: 1}).guards == {EMAIL: False}


def test_guards_do_not_hold_removals_back():
    assert keys(plan([row(item(guards=(EMAIL,)))], seen("x")).removals) == ["x"]


def test_whoever_is_let_in_needs_the_guards_of_all_that_is_opened():
    """The table is open to the role already; its column lost its protection meanwhile."""
    table = row(item("table", opens=("orders",), guards=(EMAIL,)), BASE)
    member = row(item("member", rank=90, opens=("orders",)), BOB)

    made = plan([table, member], seen("table", guards={EMAIL: False}))

    assert made.additions == ()
    assert made.blocked["acme|member"].code == "unprotected_column"


def test_guards_of_other_objects_do_not_matter():
    table = row(item("table", opens=("orders",), guards=(EMAIL,)), BASE)
    member = row(item("member", rank=90, opens=("items",)), BOB)

    assert keys(plan([table, member], seen("table")).additions) == ["member"]


def test_whoever_is_let_in_needs_the_guards_of_what_he_alone_has():
    """His SELECT is there already; its column lost its protection before the door was opened."""
    table = row(item("table", opens=("orders",), guards=(EMAIL,)), BOB)
    door = row(item("door", rank=90, opens=("orders",)), BOB)

    made = plan([table, door], seen("table", guards={EMAIL: False}))

    assert made.additions == ()
    assert made.blocked["acme|door"].code == "unprotected_column"


def test_guards_of_what_another_member_has_do_not_matter():
    table = row(item("table", opens=("orders",), guards=(EMAIL,)), BOB)
    door = row(item("door", rank=90, opens=("orders",)), EVE)

    assert keys(plan([table, door], seen("table", guards={EMAIL: False})).additions) == ["door"]


def test_guards_of_equal_ranks_do_not_matter():
    """Only what is below is opened by what is above."""
    table = row(item("table", opens=("orders",), guards=(EMAIL,)), BASE)
    other = row(item("other", opens=("orders",)), BASE)

    assert keys(plan([table, other], seen("table", guards={EMAIL: False})).additions) == ["other"]


def test_the_first_of_many_guards_that_fail_is_told_whatever_the_order_of_the_rows():
    rows = [
        row(item(f"t{n}", opens=("o",), guards=(Guard("column_protected", f"o.c{n}"),)), BASE)
        for n in range(6)
    ]
    door = row(item("door", rank=90, opens=("o",)), BOB)
    view = seen(*(one.item.key for one in rows))

    made = [
        plan(order, view).blocked["acme|door"] for order in ([*rows, door], [door, *rows[::-1]])
    ]

    assert made[0] == made[1]
    assert "o.c0" in made[0].message


def test_what_needs_a_blocked_item_is_blocked_too():
    table = row(item("table", opens=("orders",), guards=(EMAIL,)), BASE)
    other = row(item("other", opens=("items",)), BASE)
    member = row(item("member", rank=90, opens=("orders", "items")), BOB)

    made = plan([table, other, member], seen(guards={EMAIL: False}))

    assert keys(made.additions) == ["other"]
    assert set(made.blocked) == {"acme|table", "acme|member"}


def test_what_is_built_on_something_unseen_is_not_added():
    role = row(item("role", scope=B, rank=10), BASE)
    member = row(item("member", rank=90, opens=("orders",)), BOB)
    view = View({A: Seen(items={})}, {B: CannotLook(reason="down")})

    made = plan([role, member], view)

    assert made.additions == ()
    assert made.blocked["acme|member"].code == "waits_for_another"


def test_the_block_of_one_member_is_not_the_block_of_another():
    bob = row(item("bob", rank=10, guards=(EMAIL,)), BOB)
    eve = row(item("eve", rank=90, opens=("orders",)), EVE)

    assert keys(plan([bob, eve], seen()).additions) == ["eve"]


def test_equal_ranks_do_not_need_each_other():
    blocks = Blocks()
    blocks.add(row(item("one", rank=30), BASE))

    assert not blocks.need(row(item("two", rank=30), BOB))
    assert blocks.need(row(item("two", rank=31), BOB))


def test_the_lowest_missing_item_counts():
    blocks = Blocks()
    blocks.add(row(item("one", rank=10), BASE))
    blocks.add(row(item("two", rank=50), BASE))

    assert blocks.need(row(item("three", rank=20), BOB))


def test_every_name_must_match_a_pattern():
    opened = row(item(opens=("Sales.orders", "sales.items")), BOB)

    assert (
        plan([opened], seen(), may_grant=("sales.*",)).blocked["acme|x"].code == "not_in_may_grant"
    )
    assert plan([opened], seen(), may_grant=("sales.*", "Sales.*")).additions
    assert plan([row(item(opens=("sales.items",)), BOB)], seen(), may_grant=()).blocked


def test_waiting_alone_helps_neither_against_may_grant_nor_against_a_guard():
    """Somebody has to do something: such a target is looked at slowly, not again and again."""
    opened = row(item(opens=("o",)), BOB)
    column = row(item(guards=(EMAIL,)), BOB)
    other = row(item(guards=(Guard("mine", "s"),)), BOB)

    for entry, may_grant in ((opened, ()), (column, ("*",)), (other, ("*",))):
        assert plan([entry], seen(), may_grant=may_grant).blocked["acme|x"].retryable is False


def test_people_read_what_is_held_back_where_and_because_of_what():
    opened = plan([row(item(opens=("sales.orders",)), BOB)], seen(), may_grant=())
    column = plan([row(item(guards=(EMAIL,)), BOB)], seen())
    other = plan([row(item(guards=(Guard("mine", "s1"),)), BOB)], seen())
    held = plan([row(None, BOB)], seen(), held={"acme|x"})
    waits = plan([row(item("y", rank=10, guards=(EMAIL,)), BOB), row(None, BOB)], seen())

    told = [made.blocked["acme|x"].message for made in (opened, column, other, held, waits)]

    assert all("select in a" in message for message in told)
    assert "sales.orders" in told[0]
    assert "orders.email" in told[1]
    assert "mine of s1" in told[2]


def test_people_can_tell_a_guard_that_is_false_from_one_that_could_not_be_read():
    for guard, no, unread in (
        (EMAIL, "is not protected", "cannot be shown"),
        (Guard("mine", "s"), "does not hold", "could not be read"),
    ):
        entry = row(item(guards=(guard,)), BOB)

        assert no in plan([entry], seen(guards={guard: False})).blocked["acme|x"].message
        assert unread in plan([entry], seen()).blocked["acme|x"].message


def test_what_is_held_is_neither_added_nor_removed():
    made = plan(
        [row(None, BOB), row(item("y", opens=("o",)), BOB)], seen("y"), held={"acme|x", "acme|y"}
    )

    assert (made.removals, made.additions) == ((), ())
    assert made.blocked["acme|x"].code == "cannot_look"
    assert made.blocked["acme|x"].retryable


def test_origin_is_decided_at_the_first_look_and_kept():
    assert judge(row(origin=""), seen("x")).origin == "preexisting"
    assert judge(row(origin=""), seen("x", ours=True)).origin == "ours"
    assert judge(row(origin=""), seen()).origin == "ours"
    assert judge(row(origin="ours"), seen("x")).origin == "ours"
    assert judge(row(origin="preexisting"), seen("x", ours=True)).origin == "preexisting"
    assert judge(row(origin=""), View()).origin == ""


def test_a_right_from_before_us_that_has_gone_is_ours_when_we_bring_it_back():
    assert judge(row(origin="preexisting"), seen()).origin == "ours"


def test_a_row_is_forgotten_when_nothing_is_left_to_remember():
    assert recorded(row(), seen()) is None
    assert recorded(row(origin="preexisting"), seen("x")) is None
    assert recorded(row(), seen("x")) is not None
    assert recorded(row(None, BOB), seen()).state == "absent"
    assert recorded(row(None, BOB), seen("x")).state == "present"
    assert recorded(row(), View()) == row()


def test_a_row_remembers_the_identity_of_what_was_seen_while_it_is_there():
    view = View({A: Seen(items={"x": Presence(native_id="n1")})})

    there = recorded(row(None, BOB), view)
    gone = recorded(there, seen())

    assert (there.native_id, gone.native_id) == ("n1", "")


def test_the_last_claims_wait_for_the_proof():
    entry = row(None, BOB, EVE)

    one = entry.with_claims("t", frozenset({EVE}))
    none = one.with_claims("t", frozenset())

    assert (one.claims, one.leaving) == ({EVE}, frozenset())
    assert (none.claims, none.leaving) == (frozenset(), {EVE})
    assert none.with_claims("t", frozenset()) is none
    assert none.with_claims("t", frozenset({BOB})).leaving == frozenset()


def test_claims_under_other_targets_stay():
    other = Claim("grant:bob", "u")

    assert row(None, BOB, other).with_claims("t", frozenset()).claims == {other}


GUARDS = [Guard("column_protected", name) for name in ("g1", "g2")]
ITEMS = st.builds(
    item,
    key=st.sampled_from([f"k{n}" for n in range(8)]),
    scope=st.sampled_from([A, B]),
    rank=st.sampled_from([10, 30, 90]),
    opens=st.lists(st.sampled_from(["o1", "o2", "x3"]), max_size=2, unique=True).map(tuple),
    guards=st.lists(st.sampled_from(GUARDS), max_size=2, unique=True).map(tuple),
)
ROWS = st.lists(
    st.builds(
        lambda made, claims, origin: row(made, *claims, origin=origin),
        ITEMS,
        st.lists(st.sampled_from([BASE, BOB, EVE]), max_size=2, unique=True),
        st.sampled_from(["", "ours", "preexisting"]),
    ),
    unique_by=lambda one: one.id,
    max_size=8,
)
SCOPE = st.one_of(
    st.none(),
    st.builds(
        lambda keys, marked, guards: Seen(
            items={key: Presence(ours=key in marked) for key in keys}, guards=guards
        ),
        st.sets(st.sampled_from([f"k{n}" for n in range(10)])),
        st.sets(st.sampled_from([f"k{n}" for n in range(10)])),
        st.dictionaries(st.sampled_from(GUARDS), st.booleans()),
    ),
)


def view_of(a, b):
    given = {A: a, B: b}
    return View(
        {scope: one for scope, one in given.items() if one is not None},
        {scope: CannotLook(reason="down") for scope, one in given.items() if one is None},
    )


@given(ROWS, SCOPE, SCOPE)
def test_no_plan_ever_breaks_a_rule(rows, a, b):
    """Never removes what was there before or is strange; what is claimed only when a guard of it
    is denied; never adds unguarded.
    """
    view = view_of(a, b)
    entries = {one.id: judge(one, view) for one in rows}
    before = {one.id: one for one in rows}

    made = plan(list(entries.values()), view, may_grant=("o*",))

    for change in made.removals:
        entry = entries[entry_id(change.item)]
        assert entry.origin == "ours"
        denied = any(view.guards.get(guard) is False for guard in change.item.guards)
        assert not entry.claims or denied
        assert change.item.key in view.seen[change.item.scope].items
        assert (
            before[entry.id].origin == "ours"
            or view.seen[change.item.scope].items[change.item.key].ours
        )
    for change in made.additions:
        assert entries[entry_id(change.item)].claims
        assert change.item.key not in view.seen[change.item.scope].items
        assert all(view.guards.get(guard) is True for guard in change.item.guards)
        assert all(name.startswith("o") for name in change.item.opens)
    ranks = [change.item.rank for change in made.removals]
    assert ranks == sorted(ranks, reverse=True)
    ranks = [change.item.rank for change in made.additions]
    assert ranks == sorted(ranks)


@given(ROWS, SCOPE, SCOPE)
def test_repeated_passes_come_to_rest(rows, a, b):
    """When a plan has been carried out, the next one is empty, and no stranger has gone."""
    view = view_of(a, b)
    entries = [judge(one, view) for one in rows]
    made = plan(entries, view)
    there = {scope: dict(one.items) for scope, one in view.seen.items()}
    for change in made.removals:
        there[change.item.scope].pop(change.item.key)
    for change in made.additions:
        there[change.item.scope][change.item.key] = Presence()
    later = View(
        {scope: evolve(view.seen[scope], items=items) for scope, items in there.items()}, view.blind
    )
    kept = [one for entry in entries if (one := recorded(judge(entry, later), later)) is not None]

    again = plan(kept, later)

    assert (again.removals, again.additions) == ((), ())
    known = {(one.scope, one.item.key) for one in rows}
    for scope, one in view.seen.items():
        strangers = {key for key in one.items if (scope, key) not in known}
        assert strangers <= there[scope].keys()


@given(ROWS, SCOPE)
def test_the_order_of_the_rows_does_not_matter(rows, a):
    view = view_of(a, Seen(items={}))
    entries = [judge(one, view) for one in rows]

    assert plan(entries, view) == plan(entries[::-1], view)
