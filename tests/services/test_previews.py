"""A preview says what would change, in words and statements, and changes nothing."""

from __future__ import annotations

import pytest

from marketplace_sdk import (
    Column,
    Conflict,
    DataSource,
    DomainPolicy,
    Duration,
    InvalidInput,
    NotAllowed,
    TransitionNotAllowed,
    group,
)
from marketplace_sdk.plugin import hookimpl
from tests.services.helpers import nothing_written, small_world
from tests.world import LEGAL, PRIVACY, all_of, any_of


@pytest.fixture
def world():
    made = small_world()
    yield made
    made.close()


def test_an_approval_is_shown_before_anybody_decides_and_comes_true(world):
    request = world.ask(world.publish(any_of(LEGAL)))
    before = world.platform.platform.snapshot()

    with nothing_written(world):
        seen = world.market.grants.preview(request.id, by="ana")

    assert [str(change) for change in seen.changes] == [
        f"lake: GRANT SELECT ON {world.objects['people']} TO {world.principals['con']}"
    ]
    assert (seen.problems, seen.notes) == ((), ())
    assert world.platform.platform.snapshot() == before

    world.approve(request, "ana")
    world.deliver()
    (grant,) = world.market.grants.of("con", by="con").items
    items = world.market.grants.get(grant.id, by="con").items
    assert [item.statement for item in items] == [change.statement for change in seen.changes]


def test_what_is_there_already_would_not_change(world):
    request = world.ask(world.publish(any_of(LEGAL)))
    world.platform.platform.grant_by_hand(world.principals["con"], world.objects["people"])

    seen = world.market.grants.preview(request.id, by="ana")

    assert str(seen) == "nothing would change"


def test_what_is_to_be_done_for_others_anyway_is_not_shown(world):
    """Only what this approval adds, and no other person's name."""
    product = world.publish(any_of(LEGAL))
    request = world.ask(product)
    world.approve(world.ask(product, by="pat"), "ana")

    seen = world.market.grants.preview(request.id, by="ana")

    assert len(seen.changes) == 1
    assert world.principals["pat"] not in str(seen)


def test_a_column_that_is_not_protected_is_a_problem_before_it_is_a_trouble(world):
    request = world.ask(world.publish(any_of(LEGAL)))
    world.platform.platform.unprotect(world.objects["people"], "salary")

    seen = world.market.grants.preview(request.id, by="ana")

    assert seen.changes == ()
    assert "salary is not protected on the platform" in seen.problems[0]
    assert str(seen).startswith("nothing would change\nbut: read in ")


def test_an_exception_without_access_would_wait(world):
    product = world.publish(all_of(LEGAL, PRIVACY))
    request = world.ask_unmasked(product)

    seen = world.market.grants.preview(request.id, by="bo")

    assert seen.changes == ()
    assert seen.notes == ("it waits until the beneficiary has access to the source",)


def test_an_exception_is_shown_and_so_is_one_that_access_would_set_free(world):
    product = world.publish(any_of(LEGAL))
    world.approve(world.ask_unmasked(product), "ana")
    world.deliver()
    access = world.ask(product)

    seen = world.market.grants.preview(access.id, by="ana")

    assert [change.kind for change in seen.changes] == ["unmask", "read"]

    world.approve(access, "ana")
    world.deliver()
    other = world.ask_unmasked(product, by="pat")
    world.approve(world.ask(product, by="pat"), "ana")
    world.deliver()

    (change,) = world.market.grants.preview(other.id, by="ana").changes
    assert (change.kind, change.action) == ("unmask", "add")


def test_a_suspended_product_is_said_to_be_suspended(world):
    product = world.publish(any_of(LEGAL))
    request = world.ask(product)
    world.market.products.suspend(product.id, reason="audit", by="dee")

    seen = world.market.grants.preview(request.id, by="ana")

    assert seen.changes == ()
    assert "suspended" in seen.notes[0]


def test_an_extension_would_change_nothing_on_a_platform(world):
    product = world.publish(any_of(LEGAL))
    world.approve(world.ask(product), "ana", until=Duration(3, "days"))
    request = world.market.requests.extend(
        world.market.requests.find(by="con").items[0].id, answers={"why": "more"}, by="con"
    )

    seen = world.market.grants.preview(request.id, by="ana")

    assert str(seen).endswith("note: it would change the end of the access, and nothing else")


def test_a_platform_that_does_not_answer_is_a_problem_and_no_guess(world):
    request = world.ask(world.publish(any_of(LEGAL)))
    world.platform.platform.unreachable = True

    seen = world.market.grants.preview(request.id, by="ana")

    assert seen.changes == ()
    assert any("cannot reach memory" in problem for problem in seen.problems)


def test_a_guard_rail_is_asked_and_its_problems_are_shown():
    """``marketplace_check_plan`` sees the plan, the grant that would be, and its product."""
    asked = []

    class Rail:
        @hookimpl
        def marketplace_check_plan(self, plan, grant, product):
            asked.append(([change.action for change in plan], grant.beneficiary.id, product.id))
            return ["not on a Friday"]

    world = small_world(plugins=[Rail()])
    product = world.publish(any_of(LEGAL))
    request = world.ask(product)

    seen = world.market.grants.preview(request.id, by="ana")

    assert seen.changes == ()
    assert any("not on a Friday" in problem for problem in seen.problems)
    assert asked == [(["add"], "con", product.id)]
    world.close()


def test_what_is_decided_is_not_previewed(world):
    request = world.ask(world.publish(any_of(LEGAL)))
    world.deny(request, "ana")

    with pytest.raises(TransitionNotAllowed):
        world.market.grants.preview(request.id, by="gil")
    with pytest.raises(NotAllowed):
        world.market.grants.preview(request.id, by="ana")


def test_the_fallback_of_a_stuck_request_may_look(world):
    form = world.form(any_of(group("Nobody")), fallback=PRIVACY)
    request = world.ask(world.publish(form=form))

    assert world.market.grants.preview(request.id, by="cy").changes


@pytest.mark.parametrize("members", [1, 2])
def test_other_sources_of_a_product_are_shown_by_count_and_without_names(world, members):
    product = world.publish(any_of(LEGAL))
    for who in ("con", "pat")[:members]:
        world.approve(world.ask(product, by=who), "ana")
    world.deliver()

    with nothing_written(world):
        seen = world.market.products.preview(product.id, sources=["leave"], by="dee")

    count = "for one member" if members == 1 else "for each of 2 members"
    assert [str(change) for change in seen.changes] == [
        f"lake: REVOKE SELECT ON {world.objects['people']} FROM <member> ({count})",
        f"lake: GRANT SELECT ON {world.objects['leave']} TO <member> ({count})",
    ]


def test_a_source_that_only_later_members_would_get_changes_nothing_now(world):
    world.market.domains.set_policy("HR", DomainPolicy(widening="ask"), by="gil")
    product = world.publish(any_of(LEGAL))
    world.approve(world.ask(product), "ana")
    world.deliver()
    world.clock.advance(seconds=60)

    seen = world.market.products.preview(product.id, sources=["people", "leave"], by="dee")

    assert str(seen) == "nothing would change"


def test_sources_are_refused_in_a_preview_as_they_would_be_in_earnest(world):
    product = world.publish(any_of(LEGAL))

    with pytest.raises(InvalidInput):
        world.market.products.preview(product.id, sources=["ledger"], by="dee")
    world.market.products.delete(product.id, by="dee")
    with pytest.raises(TransitionNotAllowed):
        world.market.products.preview(product.id, sources=["people"], by="dee")


def test_nothing_is_held_where_nothing_was_made_again(world):
    with pytest.raises(Conflict):
        world.market.sources.accept_replaced("people", by="gil")


def test_masks_of_a_source_that_is_added_are_shown_to_be_missing(world):
    world.market.sources.register(
        DataSource(
            "pay",
            connection="lake",
            object=world.platform.table("hr.pay", ["id", "iban"]),
            columns=["id"],
        ),
        by="gil",
    )
    world.market.domains.assign("HR", ["people", "leave", "pay"], by="gil")
    world.market.sources.update("pay", columns=["id", Column("iban", masked=True)], by="gil")
    product = world.publish(any_of(LEGAL))
    world.approve(world.ask(product), "ana")
    world.deliver()

    seen = world.market.products.preview(product.id, sources=["people", "pay"], by="dee")

    assert seen.changes == ()
    assert "hr.pay.iban is not protected" in seen.problems[0]
