"""Extending: a request of its own, and the grant stays as it is until it is decided."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import (
    AlreadyRequested,
    Conflict,
    Duration,
    NotAllowed,
    NotFound,
    ReviewFlow,
    TransitionNotAllowed,
)
from tests.services.helpers import grant_of, nothing_written
from tests.world import LEGAL, any_of

FORBIDDEN = (NotAllowed, NotFound)


@pytest.fixture
def granted(small):
    """con's access of 10 days, active."""
    small.product = small.publish(any_of(LEGAL))
    request = small.ask(small.product)
    small.approve(request, "ana", until=Duration(10, "days"))
    small.deliver()
    assert small.reads("con") == "clear"
    return request


def extend(small, request, by="con", **more):
    more.setdefault("answers", {"why": "still needed"})
    return small.market.requests.extend(request.id, by=by, **more)


def end(small):
    return (grant_of(small).until - small.clock()) / timedelta(days=1)


def test_nothing_changes_until_it_is_decided(small, granted):
    """The old grant is untouched by the extension, and by its denial."""
    extension = extend(small, granted)
    assert (extension.state, end(small)) == ("pending", 10)

    small.deny(extension, "ana")
    small.deliver()

    assert (end(small), small.reads("con"), small.state(granted)) == (10, "clear", "approved")
    assert extend(small, granted).state == "pending", "it may be asked for again"


@pytest.mark.parametrize(("days", "after"), [(30, 30), (2, 10), (None, None)])
def test_the_later_of_the_two_ends_holds(small, granted, days, after):
    """E11: never shortens."""
    extension = extend(small, granted)

    small.approve(extension, "ana", until=None if days is None else Duration(days, "days"))
    small.deliver()

    view = grant_of(small)
    assert view.requests == (granted.id, extension.id)
    assert view.until == (None if after is None else small.clock() + timedelta(days=after))
    assert small.market.requests.get(granted.id, by="con").until == view.until
    small.clock.advance(days=11)
    small.deliver()
    assert small.reads("con") == ("none" if after == 10 else "clear")


def test_warnings_move_with_the_end(small, granted):
    """The warnings of the old end are not sent; those of the new end are."""
    small.approve(extend(small, granted), "ana", until=Duration(40, "days"))
    for _ in range(32):
        small.clock.advance(days=1)
        small.deliver()
    assert small.told("con").count("access_expiring") == 0

    small.clock.advance(days=1)
    assert small.told("con").count("access_expiring") == 1
    small.clock.advance(days=6)
    assert small.told("con").count("access_expiring") == 2
    small.clock.advance(days=1)
    small.deliver()
    assert small.reads("con") == "none"
    assert small.told("con").count("access_expired") == 1


@pytest.mark.parametrize("how", ["expire", "revoke", "relinquish"])
def test_a_grant_that_has_ended_is_not_extended(small, granted, how):
    """Canceled with cause `grant_ended`; nothing comes back."""
    extension = extend(small, granted)

    if how == "expire":
        small.clock.advance(days=10)
    elif how == "revoke":
        small.market.requests.revoke(granted.id, reason="x", by="dee")
    else:
        small.market.requests.relinquish(granted.id, by="con")
    small.deliver()

    kept = small.market.requests.get(extension.id, by="con")
    assert (kept.state, kept.cause) == ("canceled", "grant_ended")
    with pytest.raises(Conflict):
        small.approve(extension, "ana")
    small.deliver()
    assert small.reads("con") == "none"


def test_an_end_that_no_worker_has_seen_is_not_extended_either(small, granted):
    """Approved after the end and before the sweep: canceled, and the access stays gone."""
    extension = extend(small, granted)
    small.clock.advance(days=10)

    after = small.approve(extension, "ana")

    assert (after.state, after.cause) == ("canceled", "grant_ended")
    small.deliver()
    assert small.reads("con") == "none"
    assert small.state(granted) == "expired"
    with pytest.raises(TransitionNotAllowed, match="ask again"):
        extend(small, granted)


def test_one_extension_at_a_time(small, granted):
    """AlreadyRequested with the pending one; what has no end has nothing to extend."""
    extension = extend(small, granted)
    with nothing_written(small), pytest.raises(AlreadyRequested) as caught:
        extend(small, granted)
    assert caught.value.existing == extension.id

    small.approve(extension, "ana")
    with nothing_written(small), pytest.raises(AlreadyRequested, match="no end"):
        extend(small, granted)


def test_a_repeated_extension_is_answered_even_when_nothing_is_left_to_extend(small, granted):
    """The same id again is a no-op, also after it was approved without end."""
    ask = {"answers": {"why": "to count"}, "new_id": "longer", "by": "con"}
    longer = small.market.requests.extend(granted.id, **ask)
    small.approve(longer, "ana")

    with nothing_written(small):
        assert small.market.requests.extend(granted.id, **ask).state == "approved"


def test_requester_and_beneficiary_extend_and_nobody_else(small):
    """Extend: requester, beneficiary."""
    request = small.ask(small.publish(any_of(LEGAL)), on_behalf_of="pat")
    small.approve(request, "ana", until=Duration(10, "days"))

    for other in ("dee", "gil", "ana", "sal"):
        with nothing_written(small), pytest.raises(FORBIDDEN):
            extend(small, request, by=other)
    assert extend(small, request, by="pat").beneficiary.id == "pat"
    with pytest.raises(AlreadyRequested):
        extend(small, request, by="con")


def test_an_extension_is_decided_by_the_same_rules(small, granted):
    """Its own request: the form of now, and nobody for themselves."""
    small.market.products.update(small.product.id, form=small.form(any_of(LEGAL)), by="dee")
    extension = extend(small, granted)

    with pytest.raises(NotAllowed):
        small.approve(extension, "gil")
    assert extension.form.id != granted.form.id


def test_an_automatic_extension_takes_the_flows_duration(small):
    """The later of the two ends here too."""
    flow = ReviewFlow.approve(justification="x", duration=Duration(10, "days"))
    request = small.ask(small.publish(flow))
    small.clock.advance(days=6)

    extension = extend(small, request)

    assert (extension.state, end(small)) == ("approved", 10)


@pytest.mark.parametrize("which", [0, 1])
def test_revoking_any_of_its_requests_ends_the_grant(small, granted, which):
    """One grant, several requests: revoke takes the access, and tells people once."""
    extension = small.approve(extend(small, granted), "ana")
    small.market.requests.revoke([granted, extension][which].id, reason="x", by="dee")
    small.deliver()

    assert small.reads("con") == "none"
    assert {small.state(granted), small.state(extension)} == {"revoked"}
    assert small.told("con").count("access_revoked") == 1


def test_a_masking_exception_can_be_extended(small, granted):
    """The same machine for both kinds."""
    exception = small.ask_unmasked(small.product)
    small.approve(exception, "ana", until=Duration(5, "days"))
    small.approve(extend(small, exception), "ana", until=Duration(9, "days"))
    small.deliver()

    small.clock.advance(days=6)
    small.deliver()
    assert small.reads("con", column="salary") == "clear"
    small.clock.advance(days=3)
    small.deliver()
    assert (small.reads("con"), small.reads("con", column="salary")) == ("clear", "masked")


def test_a_retired_product_is_extended_all_the_same(small, granted):
    """Retired: closed for new requests; members keep what they have."""
    small.market.products.retire(small.product.id, by="dee")

    assert extend(small, granted).state == "pending"


@pytest.mark.parametrize("fate", ["pending", "deny", "cancel", "approve"])
def test_a_product_stays_approved_whatever_becomes_of_an_extension(small, granted, fate):
    """It keeps the old grant untouched until decided, and denial leaves it (section B).

    So does the status that a product has for its viewer, in lists too.
    """
    longer = small.market.requests.extend(granted.id, answers={"why": "x"}, by="con")
    if fate == "cancel":
        small.market.requests.cancel(longer.id, by="con")
    elif fate != "pending":
        getattr(small.market.requests, fate)(longer.id, reason="x", by="ana")

    products = small.market.products
    assert products.get(granted.product, by="con").status == "approved"
    for status, found in (("approved", [granted.product]), ("pending", []), ("denied", [])):
        assert [each.id for each in products.search(status=status, by="con")] == found
    small.market.requests.revoke(granted.id, reason="x", by="dee")
    assert products.get(granted.product, by="con").status == "revoked"
