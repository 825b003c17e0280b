"""Masking exceptions: their own request, their own grant, useless without access."""

from __future__ import annotations

import pytest

from marketplace_sdk import AlreadyRequested, Column, Duration, InvalidInput
from tests.services.helpers import nothing_written
from tests.world import LEGAL, any_of


@pytest.fixture
def product(small):
    """Two masked columns on `people`, one on `leave`; con is a member."""
    platform = small.platform.platform
    platform.protect(small.objects["people"], "name")
    platform.protect(small.objects["leave"], "days")
    columns = ["id", Column("name", masked=True), Column("salary", masked=True)]
    small.market.sources.update("people", columns=columns, by="gil")
    small.market.sources.update("leave", columns=["id", Column("days", masked=True)], by="gil")
    made = small.publish(any_of(LEGAL), sources=["people", "leave"])
    small.access = small.approve(small.ask(made), "ana")
    small.deliver()
    assert seen(small) == ["clear", "masked", "masked", "masked"]
    return made


def seen(small, who="con"):
    return [
        small.reads(who, source, column)
        for source, column in (
            ("people", "id"),
            ("people", "name"),
            ("people", "salary"),
            ("leave", "days"),
        )
    ]


def unmask(small, product, *columns, **more):
    request = small.ask_unmasked(product, *columns, **more)
    small.approve(request, "ana")
    small.deliver()
    return request


def test_access_and_exception_are_independent(small, product):
    """E13: two kinds, two requests, open together."""
    one = small.ask(product, by="pat")
    two = small.ask_unmasked(product, by="pat")
    small.deny(two, "ana")

    assert small.approve(one, "ana").state == "approved"
    small.deliver()
    assert seen(small, "pat") == ["clear", "masked", "masked", "masked"]


def test_only_the_approved_columns_for_that_person(small, product):
    """And all columns of a request share one decision."""
    small.approve(small.ask(product, by="pat"), "ana")

    unmask(small, product, "people.salary", "leave.days")

    assert seen(small) == ["clear", "masked", "clear", "clear"]
    assert seen(small, "pat") == ["clear", "masked", "masked", "masked"]


def test_overlapping_columns_stay_open_while_any_approval_holds_them(small, product):
    """E14: allowed; the union of reasons."""
    one = unmask(small, product, "people.name", "people.salary")
    two = unmask(small, product, "people.salary", "leave.days")
    assert seen(small) == ["clear"] * 4

    small.market.requests.revoke(one.id, reason="x", by="dee")
    small.deliver()
    assert seen(small) == ["clear", "masked", "clear", "clear"]
    small.market.requests.revoke(two.id, reason="x", by="dee")
    small.deliver()
    assert seen(small) == ["clear", "masked", "masked", "masked"]


def test_the_same_set_of_columns_is_the_same_wish(small, product):
    """Masking: and set of columns, in whatever order."""
    request = small.ask_unmasked(product, "people.salary", "people.name")

    with nothing_written(small), pytest.raises(AlreadyRequested) as caught:
        small.ask_unmasked(product, "people.name", "people.salary")
    assert caught.value.existing == request.id
    assert small.ask_unmasked(product, "people.name").state == "pending"


@pytest.mark.parametrize("column", ["people.id", "people.nothing", "ledger.id", "nothing.id"])
def test_there_must_be_something_to_unmask(small, product, column):
    """E15: an unmasked or unknown column is refused by name; so is one of another source."""
    with nothing_written(small), pytest.raises(InvalidInput) as caught:
        small.ask_unmasked(product, "people.salary", column)
    assert column.split(".")[0] in str(caught.value)


def test_a_column_that_vanishes_changes_nothing_else(small, product):
    """E16: the approval is kept; nothing that is gone is taken back, and delivery goes on."""
    request = unmask(small, product, "people.salary", "leave.days")
    small.market.sources.update("people", columns=["id", Column("name", masked=True)], by="gil")

    small.market.deliver()

    assert small.state(request) == "approved"
    assert small.reads("con", "leave", "days") == "clear"
    small.market.requests.revoke(request.id, reason="x", by="dee")
    small.market.deliver()
    assert small.reads("con", "leave", "days") == "masked"


def test_with_the_last_access_the_exception_ends(small, product):
    """Cause `access_ended`, for all sources at once here."""
    request = unmask(small, product, "people.salary", "leave.days")

    small.market.requests.relinquish(small.access.id, by="con")
    small.deliver()

    kept = small.market.requests.get(request.id, by="con")
    assert (kept.state, kept.cause) == ("revoked", "access_ended")
    assert seen(small) == ["none"] * 4
    small.approve(small.ask(product), "ana")
    small.deliver()
    assert seen(small) == ["clear", "masked", "masked", "masked"], "nothing comes back by itself"


def test_another_access_to_the_source_keeps_the_exception(small, product):
    """The last access counts, through whatever product."""
    unmask(small, product, "people.salary")
    other = small.publish(any_of(LEGAL))
    small.approve(small.ask(other), "ana")
    small.deliver()

    small.market.requests.revoke(small.access.id, reason="x", by="dee")
    small.deliver()

    assert seen(small) == ["clear", "masked", "clear", "none"]


def test_one_source_lost_ends_its_columns_for_good(small, product):
    """Per source: when the last access to it has ended, its items end; with the last one, all."""
    request = unmask(small, product, "people.salary", "leave.days")

    small.market.products.set_sources(product.id, ["leave"], by="dee")
    small.deliver()
    assert small.state(request) == "approved"
    assert seen(small) == ["none", "none", "none", "clear"]
    small.market.products.set_sources(product.id, ["leave", "people"], by="dee")
    small.deliver()
    assert seen(small) == ["clear", "masked", "masked", "clear"]


def test_a_product_that_gave_no_access_takes_no_exception_away(small, product):
    """Before the first access it waits; only who had access to the source can lose the last one."""
    request = small.ask_unmasked(product, "people.salary", by="pat")
    small.approve(request, "ana")

    small.market.products.set_sources(product.id, ["leave"], by="dee")
    small.deliver()
    assert small.state(request) == "approved"

    small.approve(small.ask(small.publish(any_of(LEGAL)), "pat"), "ana")
    small.deliver()
    assert small.reads("pat", column="salary") == "clear"


def test_while_access_is_withheld_so_is_the_exception(small, product):
    """Suspended: nothing opens; resumed: as before."""
    unmask(small, product, "people.salary")
    small.market.products.suspend(product.id, reason="x", by="dee")
    small.deliver()
    assert seen(small) == ["none"] * 4

    small.market.products.resume(product.id, by="dee")
    small.deliver()
    assert seen(small) == ["clear", "masked", "clear", "masked"]


def test_a_new_source_that_cannot_be_opened_yet_masks_nothing_again(small):
    """Access that is there stays what it was while the platform owes another part of it."""
    platform = small.platform.platform
    small.market.sources.update("people", columns=[Column("salary", masked=True)], by="gil")
    product = small.publish(any_of(LEGAL), sources=["people"])
    small.approve(small.ask(product), "ana")
    unmask(small, product, "people.salary")
    assert small.reads("con", column="salary") == "clear"

    platform.refuse(small.objects["leave"])
    small.market.products.set_sources(product.id, ["people", "leave"], by="dee")
    small.deliver()
    assert small.reads("con", column="salary") == "clear"
    assert small.reads("con", "leave", "days") == "none"

    platform.permit(small.objects["leave"])
    small.clock.advance(days=1)
    small.deliver()
    assert small.reads("con", column="salary") == "clear"
    assert small.reads("con", "leave", "days") == "clear"


def test_an_exception_that_expires_masks_that_column_again(small, product):
    """One end for all its columns; the access stays."""
    request = small.ask_unmasked(product, "people.salary", "leave.days")
    small.approve(request, "ana", until=Duration(3, "days"))
    small.deliver()
    assert seen(small) == ["clear", "masked", "clear", "clear"]

    small.clock.advance(days=3)
    small.deliver()

    assert small.state(request) == "expired"
    assert seen(small) == ["clear", "masked", "masked", "masked"]
