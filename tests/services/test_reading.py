"""Who reads what: requests, names of candidates, grants, inbox and the audit log."""

from __future__ import annotations

import pytest

from marketplace_sdk import Marketplace, NotAllowed, NotFound
from tests.services.helpers import small_world
from tests.world import LEGAL, PRIVACY, all_of, any_of

READERS = {"con", "pat", "ana", "bo", "dee", "gil", "aud"}
OTHERS = {"cy", "dan", "ada", "uma", "fay", "una"}


@pytest.fixture
def request_for_pat(small):
    """con asks for pat; ana or bo decide."""
    return small.ask(small.publish(any_of(LEGAL)), on_behalf_of="pat")


def test_answers_are_for_those_concerned(small, request_for_pat):
    """Requester, beneficiary, matching stewards, managers, GOVERNANCE, AUDIT; others: NotFound."""
    requests = small.market.requests
    for who in READERS:
        assert dict(requests.get(request_for_pat.id, by=who).answers) == {"why": "to count heads"}
        assert [each.id for each in requests.find(by=who)] == [request_for_pat.id]
        assert requests.history(request_for_pat.id, by=who)
    for who in OTHERS:
        for read in (requests.get, requests.explain, requests.history):
            with pytest.raises(NotFound):
                read(request_for_pat.id, by=who)
        assert requests.find(by=who).items == ()


def test_names_of_candidates_are_for_stewards_and_managers(small, request_for_pat):
    """Others see the selector only."""
    for who in READERS:
        told = small.market.requests.explain(request_for_pat.id, by=who)
        knows = who in {"ana", "bo", "dee", "gil"}
        assert bool(told.candidates) == knows
        assert ("ana" in str(told)) == knows
        assert "group Legal" in str(told)


def test_explaining_says_what_is_missing(small):
    """Open seats, filled seats, and who filled them."""
    request = small.ask(small.publish(all_of(LEGAL, PRIVACY)))
    small.approve(request, "ana")

    told = small.market.requests.explain(request.id, by="dee")

    assert told.filled_seats == ("group Legal: ana",)
    assert [str(seat.wants) for seat in told.open_seats] == ["group Privacy"]
    assert set(told.candidates[str(told.open_seats[0])]) == {"bo", "cy"}


def test_awaiting_is_what_one_could_decide(small):
    """Pending requests with an open seat; not one's own, not what one has determined on."""
    small.market.people.link("ana", "lake", small.platform.principal("ana_there"), by="uma")
    product = small.publish(all_of(LEGAL, PRIVACY))
    own, other = small.ask(product, by="ana"), small.ask(product)

    def awaiting(who):
        return {each.id for each in small.market.requests.awaiting(by=who)}

    assert (awaiting("ana"), awaiting("bo")) == ({other.id}, {own.id, other.id})
    small.approve(other, "ana")
    assert (awaiting("ana"), awaiting("cy")) == (set(), {own.id, other.id})
    small.deny(own, "cy")
    assert awaiting("cy") == {other.id}
    assert awaiting("gil") == set()


def test_lists_are_read_page_by_page(small):
    """Keyset pages; nothing twice, nothing left out."""
    ids = [small.ask(small.publish(any_of(LEGAL))).id for _ in range(5)]
    found, after = [], None
    while True:
        page = small.market.requests.find(by="con", limit=2, after=after)
        found += [each.id for each in page]
        after = page.next
        if after is None:
            break

    assert len(found) == 5
    assert set(found) == set(ids)


def test_grants_are_for_their_holder_and_those_concerned(small, request_for_pat):
    """What one may not see is not found."""
    small.approve(request_for_pat, "ana")
    small.deliver()
    (view,) = small.market.grants.of("pat", by="pat")

    for who in READERS - {"con"}:
        assert small.market.grants.get(view.id, by=who).id == view.id
    for who in OTHERS:
        with pytest.raises(NotFound):
            small.market.grants.get(view.id, by=who)
        assert small.market.grants.of("pat", by=who).items == ()
        assert small.market.grants.find(by=who).items == ()


def test_lists_of_grants_hold_what_each_person_may_get(small):
    """Stewards of today included, of any way to be named; page by page, oldest first."""
    market, ids = small.market, []
    for number in range(4):
        product = small.publish(any_of(LEGAL), name=f"Product {number}")
        request = small.ask(product, ("con", "pat")[number % 2])
        small.approve(request, "ana")
        small.clock.advance(minutes=1)
        small.deliver()
        ids += [view.id for view in market.grants.find(product=product.id, by="gil")]
        if number % 2:
            market.products.update(product.id, form=small.form(any_of(PRIVACY)), by="dee")
    market.products.delete(product.id, cascade=True, by="dee")
    small.deliver()
    people = sorted(READERS | OTHERS | {"bo", "pat"})

    def gets(id, who):
        try:
            return market.grants.get(id, by=who).id == id
        except NotFound:
            return False

    for who in people:
        mine = [id for id in ids if gets(id, who)]
        found, after = [], None
        while True:
            page = market.grants.find(limit=1, after=after, by=who)
            found += [view.id for view in page]
            after = page.next
            if after is None:
                break
        assert found == mine, who
        of_pat = [view.id for view in market.grants.of("pat", ended=True, by=who)]
        assert of_pat == [id for id in mine if id in ids[1::2]], who
    assert [gets(id, "cy") for id in ids] == [False, True, False, False]


def test_hidden_products_exist_for_those_concerned_only():
    """`hide_products = true`: managers, AUDIT, and who has to do with it."""
    world = small_world(hide_products=True)
    product = world.publish(any_of(LEGAL))

    for who in ("dee", "gil", "aud", "ana"):
        assert world.market.products.get(product.id, by=who).id == product.id
    for who in ("con", "dan", "cy"):
        with pytest.raises(NotFound):
            world.market.products.get(product.id, by=who)
        assert world.market.products.search(by=who).items == ()
    # A link of the company's own catalogue leads here: whoever knows the id can ask.
    assert world.ask(product, "con").state == "pending"
    assert world.market.products.get(product.id, by="con").status == "pending"
    world.close()


def test_people_are_read_by_themselves_and_administrators(small):
    """Oneself, USER_ADMIN, GOVERNANCE and AUDIT; others: NotFound."""
    for who in ("con", "uma", "gil", "aud"):
        assert small.market.people.get("con", by=who).id == "con"
    for who in ("dee", "ana", "ada", "pat"):
        with pytest.raises(NotFound):
            small.market.people.get("con", by=who)


def test_a_marketplace_of_its_own_shows_nothing_of_another():
    """Two marketplaces in one process share nothing."""
    with Marketplace(discover=False) as one, Marketplace(discover=False) as other:
        one.people.add("uma", permissions=["USER_ADMIN"])
        with pytest.raises(NotAllowed):
            other.people.get("uma", by="uma")
