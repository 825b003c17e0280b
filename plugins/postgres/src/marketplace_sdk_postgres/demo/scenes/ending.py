"""How access ends: by time, by a decision, and with everything else at the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from marketplace_sdk_postgres.demo.stage import ORDERS

if TYPE_CHECKING:
    from marketplace_sdk_postgres.demo.play import Play

__all__ = ["clean_up", "other_reasons", "time_is_over"]


def time_is_over(play: Play) -> None:
    """The clock: a warning, then the end, and nobody acts."""
    market = play.market
    request = play.requests["kim: Orders"]
    count = "SELECT count(*) FROM sales.orders"

    play.does("time", "passes: two days")
    play.clock.advance(days=2)
    market.deliver()
    play.hooked("data_product.access_requests.expiring")
    play.told("access_expiring", request.aggregate, "kim", but="bob")
    play.reads("kim", count, ORDERS)

    play.does("time", "passes: another day, and a second")
    play.clock.advance(days=1, seconds=1)
    state = market.requests.get(request.id, by="kim").state
    play.expect("expired at once, before any worker has run", state, "expired")
    market.deliver()
    play.is_refused("kim", count)
    play.reads("bob", count, ORDERS)
    play.hooked("data_product.access_requests.expired")
    play.told("access_expired", request.aggregate, "kim", but="bob")


def other_reasons(play: Play) -> None:
    """Revoking: what somebody has for another reason stays."""
    market = play.market
    count = "SELECT count(*) FROM sales.orders"
    region = "SELECT region FROM sales.customers WHERE id = 4"

    play.does("lea", "could read orders before there was a marketplace; asks for Orders")
    play.reads("lea", count, ORDERS)
    play.is_refused("lea", region)
    hers = market.requests.request_access(
        play.products["Orders"].id, answers={"why": "regions"}, by="lea"
    )
    market.requests.approve(hers.id, reason="fine", by="fay")
    market.deliver()
    play.reads("lea", region, "north")
    play.does("dee", "revokes it")
    market.requests.revoke(hers.id, reason="project is over", by="dee")
    market.deliver()
    play.is_refused("lea", region)
    play.reads("lea", count, ORDERS)

    play.does("bob", "gets Order history too, which is the table of Orders once more")
    history = market.requests.request_access(
        play.products["Order history"].id, answers={"why": "trends"}, by="bob"
    )
    market.requests.approve(history.id, reason="fine", by="sam")
    market.deliver()
    play.does("dee", "revokes his access to Orders")
    market.requests.revoke(play.requests["bob: Orders"].id, reason="other tasks", by="dee")
    market.deliver()
    play.reads("bob", count, ORDERS)
    play.is_refused("bob", region)
    play.is_refused("bob", "SELECT email FROM sales.customers WHERE id = 4")
    state = market.requests.get(play.requests["bob: email"].id, by="bob").state
    play.expect("the masking exception ended with the access", state, "revoked")
    play.does("bob", "gives Order history back")
    market.requests.relinquish(history.id, by="bob")
    market.deliver()
    play.is_refused("bob", count)
    play.hooked("data_product.access_requests.revoked", 4)


def clean_up(play: Play) -> None:
    """Clean-up: nothing is left behind."""
    market = play.market
    play.does("dee", "deletes her products; Payroll still has a member")
    play.may_not(
        "Payroll cannot be deleted like that",
        lambda: market.products.delete(play.products["Payroll"].id, by="dee"),
    )
    play.does("dee", "says cascade: whatever is left is revoked first")
    for product in play.products.values():
        market.products.delete(product.id, cascade=True, by="dee")
    market.deliver()
    states = {market.products.get(each.id, by="gil").state for each in play.products.values()}
    play.expect("all products are deleted", states, {"deleted"})
    play.is_refused("bob", "SELECT count(*) FROM hr.employees")
    play.reads("lea", "SELECT count(*) FROM sales.orders", ORDERS)
    now = play.stage.privileges()
    play.unchanged("nothing is left behind", now, play.before)

    play.does("gil", "looks at the books")
    audit = market.audit.verify()
    play.expect(f"the audit chain of {audit.events} events is intact", audit.ok)
    play.expect("no message was given up", market.deliveries.dead(by="ada").items, ())
    hooks = play.receiver.hooks
    play.quote(*(f"{count:3} {type}" for type, count in Counter(h.type for h in hooks).items()))
    play.expect(f"all signatures of {len(hooks)} webhooks are right", play.receiver.refused, 0)
    play.decided_once()
