"""What was seen decides what a grant is said to be: there, not there, or not to be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace_sdk.delivery.judging import View
from marketplace_sdk.delivery.ledger import Claim, LedgerEntry
from marketplace_sdk.delivery.naming import Names
from marketplace_sdk.delivery.plan import Obstacle
from marketplace_sdk.delivery.showing import Shown, needs_showing, part_of, shown_of
from marketplace_sdk.delivery.situation import Layer, Situation
from marketplace_sdk.delivery.wishes import Wishes
from marketplace_sdk.domain.events import Mark
from marketplace_sdk.domain.grants import Grant, Part, Trouble
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.ports.provisioner import (
    CannotLook,
    Item,
    Presence,
    Scope,
    Seen,
    TargetObject,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
A, B = Scope("acme", "a"), Scope("acme", "b")
MARK = Mark(connection="lake", product="p")
BASE = Claim(MARK.target, MARK.key)
BOB, EVE = Claim("grant:bob", MARK.key), Claim("grant:eve", MARK.key)
PASSING = Obstacle("refused", "try again")
LASTING = Obstacle("refused", "no right to do so", retryable=False)
BLIND = View({}, {A: CannotLook(reason="down")})


def grant(id="bob", **more):
    return Grant(
        id=id,
        kind="access",
        product="p",
        beneficiary=Beneficiary("person", id),
        requests=("r",),
        since=NOW,
        created_at=NOW,
        **more,
    )


def row(key="x", *claims, scope=A, leaving=(), origin="ours"):
    item = Item(key=key, scope=scope, kind="select", rank=30)
    return LedgerEntry(
        item=item, claims=frozenset(claims), leaving=frozenset(leaving), origin=origin
    )


def seen(*keys):
    return View({A: Seen(items=dict.fromkeys(keys, Presence()))}, {B: CannotLook(reason="down")})


def shown(
    entries,
    view,
    obstacles=None,
    *,
    names=None,
    wishes=None,
    members=("bob",),
    id="bob",
    **more,
):
    layer = Layer(key=MARK.target, objects=(TargetObject("s.orders"),), members=frozenset(members))
    grants = {one: grant(one) for one in ("bob", "eve")}
    situation = Situation(mark=MARK, now=NOW, grants=grants, layers=(layer,), **more)
    found = shown_of(
        situation, entries, view, obstacles or {}, names or Names(), wishes or Wishes()
    )
    return found[id]


def leaves(entries, view, obstacles=None):
    return shown(entries, view, obstacles, members=())


def test_a_grant_is_there_when_all_of_its_items_are():
    assert shown([row("x", BASE), row("y", BOB), row("z", BOB)], seen("x", "y", "z")) == Shown(
        present=True
    )


@pytest.mark.parametrize("missing", ["x", "y", "z"])
def test_a_grant_is_not_there_while_one_of_its_items_is_missing(missing):
    """Whichever it is: of all members or its own, the first that is looked at or the last."""
    there = {"x", "y", "z"} - {missing}

    made = shown([row("x", BASE), row("y", BOB), row("z", BOB)], seen(*there))

    assert made == Shown(present=False)


def test_an_item_that_is_missing_for_no_known_reason_is_no_trouble_yet():
    assert shown([row("x", BOB)], seen()) == Shown(present=False, obstacle=None)


def test_the_items_of_others_say_nothing_about_a_grant():
    assert shown([row("x", BOB), row("y", EVE)], seen("x"), members=("bob", "eve")).present


@pytest.mark.parametrize("order", [1, -1])
def test_one_item_that_cannot_be_seen_leaves_it_open(order):
    made = shown([row("x", BOB), row("y", BOB, scope=B)][::order], seen("x"))

    assert made.present is None
    assert made.obstacle.code == "cannot_look"


@pytest.mark.parametrize("order", [1, -1])
def test_one_item_that_is_gone_settles_it_whatever_else_cannot_be_seen(order):
    """One that is known to be missing is enough to know that the grant is not there."""
    made = shown([row("x", BOB), row("y", BOB, scope=B)][::order], seen())

    assert made.present is False


def test_why_an_item_is_missing_is_the_trouble_of_its_grant():
    entries = [row("x", BOB), row("y", EVE)]

    made = shown(entries, seen(), {"acme|x": LASTING, "acme|y": PASSING}, members=("bob", "eve"))

    assert made == Shown(present=False, obstacle=LASTING)


def test_no_items_at_all_is_no_access():
    """An empty answer of a plugin proves nothing, and does not keep what was seen before."""
    made = shown([], seen())

    assert made.present is False
    assert made.obstacle.code == "nothing_to_grant"
    assert made.obstacle.retryable is False


def test_items_of_all_members_alone_can_be_a_grant():
    assert shown([row("x", BASE)], seen("x")) == Shown(present=True)


@pytest.mark.parametrize("claimant", [MARK.target, "grant:bob"])
def test_items_that_could_not_be_made_are_trouble(claimant):
    """Those of all members and those of one alike; nothing is said about what is there."""
    failed = Obstacle("plugin_error", "report it")

    made = shown([row("x", BASE, BOB)], seen("x"), wishes=Wishes(obstacles={claimant: failed}))

    assert made == Shown(present=None, obstacle=failed)


def test_an_object_or_member_that_is_known_to_be_missing_is_missing():
    for names in (
        Names(missing_objects={"s.orders": LASTING}),
        Names(missing_members={"bob": LASTING}),
    ):
        assert shown([row("x", BASE, BOB)], seen("x"), names=names) == Shown(
            present=False, obstacle=LASTING
        )


def test_objects_and_members_that_could_not_be_looked_up_say_nothing():
    for names in (
        Names(missing_objects={"s.orders": PASSING}),
        Names(missing_members={"bob": PASSING}),
    ):
        assert shown([row("x", BASE, BOB)], seen("x"), names=names) == Shown(
            present=None, obstacle=PASSING
        )


def test_what_is_taken_away_is_there_until_it_is_seen_to_be_gone():
    entry = row("x", leaving=[BOB])

    assert leaves([entry], seen("x")) == Shown(present=True)
    assert leaves([entry], seen("x"), {"acme|x": LASTING}) == Shown(present=True, obstacle=LASTING)
    assert leaves([entry], seen()) == Shown(present=False)
    assert leaves([], seen()) == Shown(present=False)


def test_what_somebody_else_needs_or_had_before_us_does_not_keep_a_grant_from_ending():
    assert leaves([row("x", EVE, leaving=[BOB])], seen("x")) == Shown(present=False)
    assert leaves([row("x", leaving=[BOB], origin="preexisting")], seen("x")) == Shown(
        present=False
    )


def test_on_a_platform_that_was_uninstalled_from_that_is_the_trouble():
    """Unless something stands against the removal itself: that is what has to be read first."""
    gone = shown([row("x", leaving=[BOB])], seen(), members=(), shut=True)
    stuck = shown([row("x", leaving=[BOB])], seen("x"), {"acme|x": LASTING}, members=(), shut=True)

    assert (gone.present, gone.obstacle.code) == (False, "connection_uninstalled")
    assert stuck == Shown(present=True, obstacle=LASTING)


def test_nothing_ends_in_a_scope_that_cannot_be_seen():
    made = leaves([row("x", leaving=[BOB])], BLIND)

    assert made.present is None
    assert made.obstacle == Obstacle("cannot_look", "down")


def test_whether_waiting_helps_against_blindness_is_for_the_platform_to_say():
    lasting = View({}, {A: CannotLook(reason="no right to list it", retryable=False)})

    assert leaves([row("x", leaving=[BOB])], lasting).obstacle.retryable is False
    assert leaves([row("x", leaving=[BOB])], BLIND).obstacle.retryable is True
    assert leaves([row("x", leaving=[BOB])], View()).obstacle.retryable is True
    assert leaves([row("x", leaving=[BOB])], View()).obstacle.code == "cannot_look"


@pytest.mark.parametrize("order", [1, -1])
def test_people_read_a_cause_before_a_consequence(order):
    """And what lasts before what passes, since somebody has to do something about it."""
    cause = Obstacle("zone_closed", "it is night there")
    waits = Obstacle("waits_for_another", "something else first")
    entries = [row("x", BOB), row("y", BOB)][::order]

    first = shown(entries, seen(), {"acme|x": waits, "acme|y": cause})
    second = shown(entries, seen(), {"acme|x": PASSING, "acme|y": LASTING})

    assert first.obstacle == cause
    assert second.obstacle == LASTING


def test_what_could_not_be_seen_is_as_it_was():
    assert part_of(Shown(None), Part(present=True), NOW).present
    assert not part_of(Shown(None), Part(present=False), NOW).present
    assert part_of(Shown(None), None, NOW).present is False


def test_what_is_there_is_there_whatever_is_wrong_with_it():
    part = part_of(Shown(present=True, obstacle=LASTING), None, NOW)

    assert part.present is True
    assert part.trouble.code == "refused"


def test_trouble_begins_anew_when_it_is_another_one():
    later = NOW + timedelta(hours=1)
    first = part_of(Shown(present=False, obstacle=LASTING), None, NOW)

    same = part_of(Shown(present=False, obstacle=LASTING), first, later)
    other = part_of(
        Shown(present=False, obstacle=Obstacle("no_principal", "link one")), first, later
    )
    none = part_of(Shown(present=True), first, later)

    assert first.trouble == Trouble(
        code="refused", message="no right to do so", since=NOW, retryable=False
    )
    assert same == first
    assert (other.trouble.code, other.trouble.since, other.trouble.retryable) == (
        "no_principal",
        later,
        True,
    )
    assert none == Part(present=True)


THERE, GONE = Part(present=True), Part()
TROUBLE = Part(trouble=Trouble(code="refused", message="no", since=NOW))


@pytest.mark.parametrize(
    ("state", "before", "part", "needed"),
    [
        ("wanted", None, GONE, False),
        ("wanted", None, THERE, True),
        ("wanted", None, TROUBLE, True),
        ("wanted", THERE, THERE, True),  # its other parts may be there by now
        ("wanted", GONE, GONE, False),
        ("wanted", TROUBLE, TROUBLE, False),
        ("active", THERE, THERE, False),
        ("active", None, GONE, True),
        ("active", GONE, GONE, True),
        ("active", THERE, GONE, True),
        ("withheld", None, GONE, False),
        ("withheld", GONE, GONE, False),
        ("withheld", THERE, THERE, False),
        ("withheld", THERE, GONE, True),
        ("ending", None, GONE, True),
        ("ending", GONE, GONE, True),  # the proof that it has ended
        ("ending", THERE, THERE, False),
        ("ending", THERE, TROUBLE, True),
    ],
)
def test_only_what_could_change_a_grant_is_stored(state, before, part, needed):
    """Not one write for what is as it was; every write that could move a grant on."""
    held_back = {"withheld": frozenset({"suspended"})} if state == "withheld" else {}
    one = grant(state=state, parts={} if before is None else {"k": before}, **held_back)

    assert bool(needs_showing(one, "k", part, waits=False)) is needed


def test_other_targets_of_a_grant_say_nothing_about_this_one():
    assert needs_showing(grant(parts={"other": TROUBLE}), "k", TROUBLE, waits=False)
    assert not needs_showing(grant(parts={"other": TROUBLE}), "k", GONE, waits=False)


def test_waiting_for_access_that_begins_or_ends_is_stored():
    waiting = grant(state="withheld", withheld=frozenset({"waiting_for_access"}))
    suspended = grant(state="withheld", withheld=frozenset({"suspended"}))

    assert needs_showing(waiting, "k", GONE, waits=False)
    assert not needs_showing(waiting, "k", GONE, waits=True)
    assert needs_showing(suspended, "k", GONE, waits=True)
    assert not needs_showing(suspended, "k", GONE, waits=False)
