"""A company's own directory tells nobody that somebody has left: it is asked every day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from marketplace_sdk import (
    DataSource,
    GroupFacts,
    Marketplace,
    Person,
    Question,
    ReviewFlow,
    Stage,
    group,
    user,
)
from marketplace_sdk.testing import FrozenClock, MemoryDirectory, MemoryPlatform

DAY = timedelta(days=1)


class Company:
    """People whom a directory elsewhere knows, a product that ana decides about, and a platform."""

    def __init__(self, storage="memory"):
        self.clock = FrozenClock()
        self.people = MemoryDirectory(clock=self.clock)
        self.put("gil", permissions=["GOVERNANCE"])
        self.put("ana")
        for who in ("con", "pat"):
            self.put(who, principals={"lake": who.upper()})
        self.lake = MemoryPlatform()
        self.market = Marketplace(
            storage,
            connections={"lake": self.lake},
            directory=self.people,
            clock=self.clock,
            discover=storage != "memory",
        )
        source = DataSource("t", connection="lake", object="d.t", columns=["a"])
        self.market.sources.register(source, by="gil")
        self.market.domains.create("D", by="gil")
        self.market.domains.assign("D", ["t"], by="gil")
        self.products = {}
        self.market.deliver()  # the first one sets the daily timers

    def put(self, id, **facts):
        self.people.put(Person(id=id, **facts))

    def ask(self, product, by="con", review=None, **more):
        if product not in self.products:
            form = self.market.forms.create(
                product,
                questions=[Question.short_answer("why", "Why?", required=False)],
                review=review or ReviewFlow.review(Stage.any_of(user("ana"))),
                by="gil",
            )
            self.products[product] = self.market.products.publish(
                product, domain="D", sources=["t"], form=form.id, by="gil"
            ).id
        return self.market.requests.request_access(self.products[product], by=by, **more)

    def give(self, product="Given", by="con", **more):
        asked = self.ask(product, by, **more)
        given = self.market.requests.approve(asked.id, reason="x", by="ana")
        self.market.deliver()
        return given

    def tomorrow(self):
        self.clock.advance(days=1)
        self.market.deliver()

    def reads(self, principal="CON"):
        return self.lake.reads(principal, "d.t", "a")

    def how(self, *requests):
        found = [self.market.requests.get(each.id, by="gil") for each in requests]
        return [(each.state, each.cause) for each in found]


@pytest.fixture
def company():
    made = Company()
    yield made
    made.market.close()


def test_who_is_inactive_loses_what_they_had_within_a_day(company):
    """E25: pending canceled, approved revoked, cause beneficiary_left; those of others stay."""
    held, pending = company.give(), company.ask("Asked")
    of_pat = company.give("Given", by="pat")
    company.put("con", active=False, principals={"lake": "CON"})

    company.tomorrow()

    left = [("revoked", "beneficiary_left"), ("canceled", "beneficiary_left"), ("approved", "")]
    assert company.how(held, pending, of_pat) == left
    assert (company.reads(), company.reads("PAT")) == ("none", "clear")
    company.put("con", principals={"lake": "CON"})
    company.tomorrow()
    assert company.how(held, pending, of_pat) == left, "nothing is ever reopened"
    assert company.reads() == "none"


@pytest.mark.parametrize("how", ["unknown", "no user there", "another user there"])
def test_who_is_not_who_they_were_loses_access_until_they_are_again(company, how):
    """Whom the directory does not vouch for has nothing; a mistake in it ends nothing for good."""
    held = company.give()
    before = company.people.person("con")
    if how == "unknown":
        company.people.remove("con")
    else:
        other = {} if how == "no user there" else {"lake": "OTHER"}
        company.people.put(evolve(before, principals=other))

    company.tomorrow()

    assert (company.reads(), company.reads("OTHER")) == ("none", "none")
    assert company.how(held) == [("approved", "")]
    company.people.put(before)
    company.tomorrow()
    assert company.reads() == "clear"


def test_a_group_that_is_gone_has_nothing(company):
    """A beneficiary may be a group, which a directory may forget just as well."""
    company.people.put_group(GroupFacts(name="Team", principals={"lake": "TEAM"}))
    held = company.give(on_behalf_of=group("Team"))
    assert company.reads("TEAM") == "clear"

    company.people.put_group(GroupFacts(name="Team"))
    company.tomorrow()

    assert company.reads("TEAM") == "none"
    assert company.how(held) == [("approved", "")]


def test_a_directory_that_cannot_be_read_takes_nothing_away(company):
    """An outage is no departure; the look is taken again, and goes on every day."""
    held = company.give()
    company.clock.advance(days=1)
    company.people.fail(calls=100)

    assert company.market.deliver().failed
    company.people.fail(calls=0)
    assert (company.reads(), company.how(held)) == ("clear", [("approved", "")])

    company.put("con", active=False)
    company.clock.advance(hours=1)
    company.market.deliver()
    assert company.how(held) == [("revoked", "beneficiary_left")]
    other = company.give(by="pat")
    company.put("pat", active=False)
    company.tomorrow()
    assert company.how(other) == [("revoked", "beneficiary_left")]


def test_everybody_is_looked_at_however_many_they_are(company):
    """More requests than are read at a time."""
    everybody = [f"p{number:03}" for number in range(201)]
    asked = []
    for who in everybody:
        company.put(who, principals={"lake": who.upper()})
        asked.append(company.ask("Asked", by=who))
        company.clock.advance(seconds=1)
    for who in (everybody[0], everybody[-1]):
        company.put(who, active=False)

    company.tomorrow()

    left, stays = ("canceled", "beneficiary_left"), ("pending", "")
    assert company.how(*asked) == [left, *[stays] * 199, left]
