"""Faults that the machine found, each as small as it can be."""

from __future__ import annotations

from datetime import timedelta

from tests.world import LEGAL, any_of

DAY = timedelta(days=1)


def test_after_an_end_the_same_wish_can_be_asked_again_before_any_worker_came(small):
    product = small.publish(any_of(LEGAL))
    first = small.approve(small.ask(product), "bo", until=DAY)

    small.clock.advance(2 * DAY)
    again = small.ask(product)

    assert (again.state, small.state(first)) == ("pending", "expired")


def test_an_exception_approved_after_an_end_that_nobody_has_swept_waits_for_new_access(small):
    """A late worker must not end what was approved after the access was over."""
    product = small.publish(any_of(LEGAL))
    small.approve(small.ask(product), "bo", until=DAY)
    small.deliver()

    small.clock.advance(2 * DAY)
    exception = small.approve(small.ask_unmasked(product), "bo")
    small.deliver()

    assert small.state(exception) == "approved"
    small.approve(small.ask(product), "bo")
    small.deliver()
    assert small.reads("con", column="salary") == "clear"


def test_an_extension_approved_too_late_is_canceled_and_says_who_approved_it(small):
    """The act was accepted: sent again it is a no-op, and it can be read who did it."""
    product = small.publish(any_of(LEGAL))
    first = small.approve(small.ask(product), "bo", until=DAY)
    extension = small.market.requests.extend(first.id, answers={"why": "more"}, by="con")

    small.clock.advance(2 * DAY)
    for _ in range(2):
        late = small.approve(extension, "ana", determination="late")
        assert (late.state, late.cause) == ("canceled", "grant_ended")
        assert [each.by for each in late.determinations] == ["ana"]


def test_what_was_over_stays_expired_when_the_product_is_deleted_afterwards(small):
    """Also before any worker came; and it does not stand in the way of the deletion."""
    product = small.publish(any_of(LEGAL))
    first = small.approve(small.ask(product), "bo", until=DAY)

    small.clock.advance(2 * DAY)
    assert small.state(first) == "expired"
    small.market.products.delete(product.id, by="dee")

    assert small.state(first) == "expired"


def test_the_name_of_a_product_is_free_when_its_last_grant_is_shown_to_have_ended(small):
    product = small.publish(any_of(LEGAL), name="Sales")
    small.approve(small.ask(product), "bo")
    small.deliver()

    small.market.products.delete(product.id, cascade=True, by="dee")
    small.deliver()

    assert small.publish(any_of(LEGAL), name="Sales").id != product.id
