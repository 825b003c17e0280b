"""Rules of a review flow look at the request as it is submitted, with whoever and whatever it is about."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import (
    All,
    Answer,
    Any,
    Duration,
    Has,
    Is,
    Not,
    Question,
    ReviewFlow,
    Rule,
    Tagged,
    Wish,
    attribute,
    domain_permission,
    group,
    permission,
    user,
)
from tests.world import LEGAL, any_of

ASKED = {"why": "to count", "long": Duration(30, "days"), "where": ["EU", "US"]}
HOLD = [
    Is("kind", "access"),
    Is("domain", "HR"),
    Is("product", "heads"),
    Tagged("Payroll"),  # of the product
    Tagged("Staff"),  # of a source of it
    Answer(key="why", equals="to count"),
    Answer(key="why", contains="count"),
    Answer(key="where", contains="EU"),
    Wish(at_most=Duration(1, "months")),
    Wish(at_most=timedelta(days=30)),
    Has(who="requester", selector=user("con")),
    Has(who="requester", selector=attribute("team", "data")),
    Has(who="beneficiary", selector=user("pat")),
    Has(who="beneficiary", selector=group("Analysts")),
    Has(who="beneficiary", selector=permission("TRAINED")),
    Has(who="beneficiary", selector=domain_permission("AUDIT_ACTIVITY")),
    All(Is("domain", "HR"), Not(Tagged("Secret"))),
    Any(Tagged("Secret"), Tagged("Staff")),
]
DO_NOT = [
    Is("kind", "masking_exception"),
    Is("domain", "FIN"),
    Tagged("Secret"),
    Tagged("Confidential"),  # of a source that is not in the product
    Tagged("Pay"),
    Answer(key="why", equals="count"),
    Answer(key="note", equals="y"),
    Not(Answer(key="note", equals="x")),  # not answered: unknown, and so no reason for anything
    Wish(at_most=Duration(29, "days")),
    Has(who="requester", selector=user("pat")),
    Has(who="requester", selector=group("Analysts")),
    Has(who="beneficiary", selector=attribute("team", "data")),
    Has(who="beneficiary", selector=domain_permission("MANAGE_IDENTIFIERS")),
    Any(Tagged("Secret"), Answer(key="note", equals="x")),
]


def state(small, condition):
    """What becomes of con's request for pat under a rule that denies when the condition holds."""
    market = small.market
    market.people.update("con", attributes={"team": "data"}, by="uma")
    market.people.update("pat", groups=["Analysts"], permissions=["TRAINED"], by="uma")
    market.domains.grant("HR", permission="AUDIT_ACTIVITY", to=group("Analysts"), by="uma")
    market.sources.tag("people", ["Staff"], by="gil")
    market.sources.tag("leave", ["Confidential"], by="gil")
    form = small.form(
        ReviewFlow.with_rules(
            Rule(condition, ReviewFlow.deny(reason="a rule")), default=any_of(LEGAL)
        ),
        questions=[
            Question.short_answer("why", "Why?"),
            Question.short_answer("note", "Anything else?", required=False),
            Question.checkboxes("where", "Where?", options=["EU", "US", "UK"]),
            Question.access_duration("long"),
        ],
    )
    product = small.publish(form=form, id="heads", tags=["Payroll"])
    return small.ask(product, on_behalf_of="pat", answers=ASKED).state


@pytest.mark.parametrize("condition", HOLD, ids=str)
def test_a_rule_that_holds_decides(small, condition):
    """``rules``: tried in order, the first match wins (2.9)."""
    assert state(small, condition) == "denied"


@pytest.mark.parametrize("condition", DO_NOT, ids=str)
def test_a_rule_that_does_not_hold_or_is_unknown_decides_nothing(small, condition):
    """A missing fact makes the rule not match, also under ``Not`` (architecture 8)."""
    assert state(small, condition) == "pending"
