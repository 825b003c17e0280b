"""Asking and deciding: one steward, several, a denial, some days, and a masked column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk import Duration
from marketplace_sdk_postgres.demo.stage import EMPLOYEES, ORDERS

if TYPE_CHECKING:
    from marketplace_sdk_postgres.demo.play import Play

__all__ = [
    "all_must_agree",
    "for_some_days",
    "in_the_clear",
    "one_is_enough",
    "refused_by_a_steward",
]


def one_is_enough(play: Play) -> None:
    """Any: the first steward decides, and the consumer reads."""
    market = play.market
    play.does("bob", "asks for Orders")
    request = market.requests.request_access(
        play.products["Orders"].id, answers={"why": "a forecast"}, by="bob"
    )
    market.deliver()
    play.hooked("data_product.access_requests.created")
    play.told("access_requested", request.aggregate, "fay", "sam", but="hal")
    play.may_not(
        "gil (GOVERNANCE) may not decide: the form does not name him",
        lambda: market.requests.approve(request.id, reason="I rule", by="gil"),
    )
    play.is_refused("bob", "SELECT count(*) FROM sales.orders")

    play.does("fay", "approves; nobody touches PostgreSQL")
    market.requests.approve(request.id, reason="budget owner agrees", by="fay")
    market.deliver()
    play.reads("bob", "SELECT count(*) FROM sales.orders", ORDERS)
    play.reads("bob", "SELECT region FROM sales.customers WHERE id = 4", "north")
    play.is_refused("bob", "SELECT email FROM sales.customers WHERE id = 4")
    play.told("determination_made", request.aggregate, "bob", "sam", but="fay")
    play.requests["bob: Orders"] = request


def all_must_agree(play: Play) -> None:
    """All: nothing opens before the last steward agrees."""
    market = play.market
    count = "SELECT count(*) FROM hr.employees"
    play.does("bob", "asks for Payroll")
    request = market.requests.request_access(
        play.products["Payroll"].id, answers={"why": "head count"}, by="bob"
    )
    play.does("hal", "(hr-stewards) approves")
    market.requests.approve(request.id, reason="his own team", by="hal")
    market.deliver()
    play.is_refused("bob", count)
    play.does("bob", "asks where it stands")
    explanation = market.requests.explain(request.id, by="bob")
    play.quote(*str(explanation).splitlines())
    open_seats = [str(seat) for seat in explanation.open_seats]
    play.expect("still open: permission PRIVACY_REVIEW", open_seats, ["permission PRIVACY_REVIEW"])

    play.does("pia", "(PRIVACY_REVIEW) approves")
    market.requests.approve(request.id, reason="no names in it", by="pia")
    market.deliver()
    play.reads("bob", count, EMPLOYEES)
    play.is_refused("bob", "SELECT max(salary) FROM hr.employees")


def refused_by_a_steward(play: Play) -> None:
    """A denial: one is enough, and nothing opens."""
    market = play.market
    play.does("ned", "asks for Payroll")
    request = market.requests.request_access(
        play.products["Payroll"].id, answers={"why": "just curious"}, by="ned"
    )
    play.does("hal", "approves, but")
    market.requests.approve(request.id, reason="fine with us", by="hal")
    play.does("pia", "denies")
    request = market.requests.deny(request.id, reason="no purpose", by="pia")
    market.deliver()
    play.expect("the request is denied", request.state, "denied")
    play.is_refused("ned", "SELECT count(*) FROM hr.employees")


def for_some_days(play: Play) -> None:
    """A temporary approval: three days from now."""
    market = play.market
    play.does("kim", "asks for Orders")
    request = market.requests.request_access(
        play.products["Orders"].id, answers={"why": "an audit"}, by="kim"
    )
    play.does("sam", "approves for three days")
    request = market.requests.approve(
        request.id, reason="for the audit", until=Duration(3, "days"), by="sam"
    )
    market.deliver()
    play.expect("it ends in three days", request.until, Duration(3, "days").after(play.clock()))
    play.reads("kim", "SELECT count(*) FROM sales.orders", ORDERS)
    play.requests["kim: Orders"] = request


def in_the_clear(play: Play) -> None:
    """A masking exception: one column, for one person."""
    market = play.market
    email = "SELECT email FROM sales.customers WHERE id = 4"
    play.does("bob", "asks to see customers.email")
    request = market.requests.request_masking_exception(
        play.products["Orders"].id,
        columns=["customers.email"],
        answers={"why": "undelivered orders"},
        by="bob",
    )
    play.is_refused("bob", email)
    play.does("fay", "approves")
    market.requests.approve(request.id, reason="needs to write to them", by="fay")
    market.deliver()
    play.reads("bob", email, "customer4@example.com")
    play.is_refused("kim", email)
    play.requests["bob: email"] = request
