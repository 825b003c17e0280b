"""What a refusal says to do has to be something that works; "the hint what to do" (architecture 9)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import AlreadyRequested, TransitionNotAllowed
from tests.world import LEGAL, any_of

MONTH = timedelta(days=30)


@pytest.mark.parametrize(
    ("until", "hint"),
    [
        (MONTH, "use requests.extend for a later end"),
        (None, "it has no end: there is nothing to ask for"),
    ],
)
def test_what_is_granted_is_extended_only_if_it_ends(small, until, hint):
    """For standing access: hint ``extend`` (section B); without an end that would be refused."""
    product = small.publish(any_of(LEGAL))
    request = small.approve(small.ask(product), "ana", until=until)

    with pytest.raises(AlreadyRequested) as caught:
        small.ask(product)

    assert (caught.value.existing, caught.value.hint) == (request.id, hint)
    if until is None:
        with pytest.raises(AlreadyRequested, match="nothing to extend"):
            small.market.requests.extend(request.id, answers={"why": "x"}, by="con")


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("approve", "revoke it, or relinquish what you have"),
        ("deny", "nothing is ever reopened"),
        ("cancel", "nothing is ever reopened"),
    ],
)
def test_only_what_is_approved_is_revoked_instead(small, end, told):
    """E19: an approved request is not canceled but revoked; one that is over is neither."""
    request = small.ask(small.publish(any_of(LEGAL)))
    if end == "cancel":
        small.market.requests.cancel(request.id, by="con")
    else:
        getattr(small.market.requests, end)(request.id, reason="x", by="ana")

    with pytest.raises(TransitionNotAllowed) as caught:
        small.market.requests.cancel(request.id, by="con")

    assert told in caught.value.hint


def test_a_retired_product_is_not_asked_for_but_extended(small):
    """``retire`` closes it for new requests (section B); what people have stays."""
    product = small.publish(any_of(LEGAL))
    request = small.approve(small.ask(product), "ana", until=MONTH)
    small.market.products.retire(product.id, by="dee")

    with pytest.raises(TransitionNotAllowed, match="may extend it"):
        small.ask(product, by="pat")

    more = small.market.requests.extend(request.id, answers={"why": "x"}, by="con")
    assert small.approve(more, "ana", until=2 * MONTH).state == "approved"


@pytest.mark.parametrize("event", ["suspend", "resume"])
def test_a_product_that_is_so_already_needs_nothing(small, event):
    """A second ``suspend`` is refused, and not because it could never be resumed."""
    product = small.publish(any_of(LEGAL))
    more = {"reason": "x"} if event == "suspend" else {}
    if event == "suspend":
        small.market.products.suspend(product.id, by="dee", **more)

    with pytest.raises(TransitionNotAllowed, match="nothing has to be done"):
        getattr(small.market.products, event)(product.id, by="dee", **more)
