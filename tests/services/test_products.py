"""Products: publish, change, suspend, retire, delete, and what that does to members."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import (
    Conflict,
    DomainPolicy,
    DuplicateName,
    Duration,
    InvalidInput,
    NotAllowed,
    NotFound,
    ReviewFlow,
    TransitionNotAllowed,
)
from tests.services.helpers import grant_of, nothing_written, small_world, types_of
from tests.world import LEGAL, any_of

FORBIDDEN = (NotAllowed, NotFound)
DELETED = "data_product.access_requests.deleted"


@pytest.fixture
def granted(small):
    """con's access, active."""
    small.product = small.publish(any_of(LEGAL))
    request = small.approve(small.ask(small.product), "ana")
    small.deliver()
    assert small.reads("con") == "clear"
    return request


def test_a_suspended_product_keeps_its_queue_moving(small, granted):
    """E36, W24: requests may be filed and decided; nothing is granted until it is resumed."""
    products = small.market.products
    products.suspend(small.product.id, reason="audit", by="dee")
    small.deliver()
    assert small.reads("con") == "none"
    assert grant_of(small).withheld == ("suspended",)
    assert small.state(granted) == "approved"

    request = small.ask(small.product, by="pat")
    assert small.approve(request, "bo").state == "approved"
    small.deliver()
    assert small.reads("pat") == "none"

    products.resume(small.product.id, by="dee")
    small.deliver()
    assert (small.reads("con"), small.reads("pat")) == ("clear", "clear")


def test_access_expires_while_it_is_suspended(small):
    """An end is an end; resuming brings nothing back."""
    product = small.publish(any_of(LEGAL))
    request = small.approve(small.ask(product), "ana", until=Duration(2, "days"))
    small.deliver()
    small.market.products.suspend(product.id, reason="audit", by="dee")
    small.clock.advance(days=3)
    small.deliver()

    small.market.products.resume(product.id, by="dee")
    small.deliver()

    assert (small.state(request), small.reads("con")) == ("expired", "none")


def test_what_is_not_in_the_table_is_refused(small):
    """The product's machine: nothing else is possible."""
    products = small.market.products
    product = small.publish(any_of(LEGAL))
    with pytest.raises(TransitionNotAllowed):
        products.resume(product.id, by="dee")
    products.suspend(product.id, reason="x", by="dee")
    with pytest.raises(TransitionNotAllowed):
        products.suspend(product.id, reason="x", by="dee")
    products.retire(product.id, by="dee")
    with nothing_written(small), pytest.raises(TransitionNotAllowed):
        products.retire(product.id, by="dee")
    products.resume(product.id, by="dee")
    with nothing_written(small), pytest.raises(TransitionNotAllowed):
        products.resume(product.id, by="dee")


def test_a_product_that_was_retired_while_suspended_can_be_resumed(small, granted):
    """Members of a retired product keep what they have: a suspension must be able to end."""
    products = small.market.products
    products.suspend(small.product.id, reason="audit", by="dee")
    products.retire(small.product.id, by="dee")
    small.deliver()
    assert small.reads("con") == "none"

    resumed = products.resume(small.product.id, by="dee")
    small.deliver()

    assert (resumed.state, resumed.suspended, resumed.reason) == ("retired", False, "")
    assert small.reads("con") == "clear"
    assert {"product_suspended", "product_resumed"} <= set(small.told("con"))


def test_retiring_keeps_what_members_have(small, granted):
    """`retire` closes it for new requests; pending ones may still be decided."""
    pending = small.ask(small.product, by="pat")
    small.market.products.retire(small.product.id, by="dee")
    small.approve(pending, "ana")
    small.deliver()

    assert (small.reads("con"), small.reads("pat")) == ("clear", "clear")
    with pytest.raises(TransitionNotAllowed):
        small.ask_unmasked(small.product)


def test_deleting_is_refused_while_grants_are_active(small, granted):
    """Without cascade it is refused, and nothing is half done."""
    pending = small.ask(small.product, by="pat")

    with nothing_written(small), pytest.raises(Conflict, match="cascade"):
        small.market.products.delete(small.product.id, by="dee")

    small.deliver()
    assert (small.reads("con"), small.state(pending)) == ("clear", "pending")


def test_a_grant_past_its_end_does_not_hinder_the_deletion(small):
    """Expiry is honoured whether it was swept or not; the account says expired."""
    product = small.publish(any_of(LEGAL))
    request = small.approve(small.ask(product), "ana", until=timedelta(days=1))
    small.deliver()
    small.clock.advance(days=1)

    small.market.products.delete(product.id, by="dee")
    small.deliver()

    kept = small.market.requests.get(request.id, by="con")
    assert (kept.state, kept.cause) == ("expired", "expired")
    assert small.reads("con") == "none"
    assert small.market.products.get(product.id, by="dee").state == "deleted"


def test_a_cascade_revokes_and_waits_for_the_proof(small, granted):
    """E21: open ones canceled, approved ones revoked, cause product_deleted; one event each."""
    pending = small.ask(small.product, by="pat")
    small.platform.platform.unreachable = True

    deleting = small.market.products.delete(small.product.id, cascade=True, by="dee")
    small.market.deliver()

    assert deleting.state == "deleting"
    assert small.market.products.get(small.product.id, by="dee").state == "deleting"
    assert small.platform.platform.can_read(small.principals["con"], small.objects["people"])
    states = [small.market.requests.get(each.id, by="gil") for each in (granted, pending)]
    assert [(each.state, each.cause) for each in states] == [
        ("revoked", "product_deleted"),
        ("canceled", "product_deleted"),
    ]

    small.platform.platform.unreachable = False
    small.clock.advance(hours=2)
    small.deliver()
    assert small.reads("con") == "none"
    assert small.market.products.get(small.product.id, by="dee").state == "deleted"
    assert len(small.sent(DELETED)) == 2
    assert len(small.sent("data_product.state.deleted")) == 1
    for who in ("con", "pat", "dee"):
        assert "product_deleted" in small.told(who)
    assert "product_deleted" not in small.told("dan")


def test_a_tombstone_stays_and_the_name_is_free(small):
    """After deletion the name can be given again; the old product is for managers and AUDIT."""
    product = small.publish(any_of(LEGAL), name="Sales")
    request = small.ask(product)
    small.market.products.delete(product.id, by="dee")
    small.deliver()

    again = small.publish(any_of(LEGAL), name="Sales")

    assert again.id != product.id
    for who in ("dee", "gil", "aud"):
        assert small.market.products.get(product.id, by=who).state == "deleted"
    with pytest.raises(NotFound):
        small.market.products.get(product.id, by="con")
    assert [each.id for each in small.market.products.search("sales", by="con")] == [again.id]
    assert small.market.requests.get(request.id, by="con").cause == "product_deleted"
    assert "product.deleted" in types_of(small, f"product:{product.id}")


def test_the_id_of_a_deleted_product_is_not_given_again(small):
    """A tombstone stays: the same publication again is no no-op, and revives nothing."""
    form = small.form(any_of(LEGAL))
    product = small.publish(form=form, id="heads", name="Heads")
    assert small.publish(form=form, id="heads", name="Heads") == product
    small.market.products.delete("heads", by="dee")

    with nothing_written(small), pytest.raises(DuplicateName, match="the id is taken"):
        small.publish(form=form, id="heads", name="Heads")
    assert small.market.products.get("heads", by="dee").state == "deleted"


def test_nothing_is_changed_on_a_deleted_product(small):
    """A tombstone is not edited, and takes no name from others."""
    product = small.publish(any_of(LEGAL), name="Sales")
    small.market.products.delete(product.id, by="dee")

    for change in (
        lambda: small.market.products.update(product.id, name="Other", by="dee"),
        lambda: small.market.products.set_sources(product.id, ["leave"], by="dee"),
        lambda: small.market.products.confirm_sources(product.id, ["people"], by="dee"),
        lambda: small.market.products.suspend(product.id, reason="x", by="dee"),
    ):
        with nothing_written(small), pytest.raises(TransitionNotAllowed):
            change()
    with nothing_written(small):
        assert small.market.products.delete(product.id, by="dee").state == "deleted"


def test_two_products_share_a_table(small):
    """Access ends when the last reason ends."""
    first, second = small.publish(any_of(LEGAL)), small.publish(any_of(LEGAL))
    one = small.approve(small.ask(first), "ana")
    two = small.approve(small.ask(second), "ana")
    small.deliver()
    assert small.reads("con") == "clear"

    small.market.requests.revoke(one.id, reason="x", by="dee")
    small.deliver()
    assert small.reads("con") == "clear"
    small.market.requests.revoke(two.id, reason="x", by="dee")
    small.deliver()
    assert small.reads("con") == "none"


def test_what_somebody_had_before_us_is_never_taken(small):
    """Rights that a person had before us stay, whatever ends."""
    small.platform.platform.grant_by_hand(small.principals["con"], small.objects["people"])
    request = small.approve(small.ask(small.publish(any_of(LEGAL))), "ana")
    small.deliver()

    small.market.requests.revoke(request.id, reason="x", by="dee")
    small.deliver()

    assert small.reads("con") == "clear"
    assert small.market.grants.of("con", ended=True, by="con").items[0].state == "ended"


def test_publishing_takes_a_form_of_its_domain_only(small):
    """A form belongs to a domain, or to everybody."""
    other = small.form(any_of(LEGAL), domain="FIN", by="dan")
    everybody = small.form(any_of(LEGAL), domain=None, by="gil")

    with nothing_written(small), pytest.raises(InvalidInput, match="belongs to domain FIN"):
        small.publish(form=other)
    assert small.publish(form=everybody).form == everybody
    with nothing_written(small), pytest.raises(NotAllowed):
        small.form(any_of(LEGAL), domain=None, by="dee")


def test_masking_exceptions_may_have_a_form_of_their_own(small):
    """Without `masking_form` the product's form serves both."""
    from tests.world import PRIVACY

    product = small.publish(
        form=small.form(any_of(LEGAL)), masking_form=small.form(any_of(PRIVACY))
    )

    access, exception = small.ask(product), small.ask_unmasked(product)

    assert small.approve(access, "ana").state == "approved"
    with pytest.raises(FORBIDDEN):
        small.approve(exception, "ana")
    assert small.approve(exception, "cy").state == "approved"


def test_a_product_flow_neither_delegates_nor_denies_by_default(small):
    """The product's own flow reviews or approves."""
    form = small.form(ReviewFlow.delegate())

    for flow in (ReviewFlow.delegate(), ReviewFlow.deny(reason="x")):
        with nothing_written(small), pytest.raises(InvalidInput):
            small.publish(form=form, review=flow)


def test_widening_gives_at_once_by_default(small, granted):
    """Domain policy `widening="give"`: members gain what is added, lose what is removed."""
    small.market.products.set_sources(small.product.id, ["people", "leave"], by="dee")
    small.deliver()
    assert small.reads("con", "leave", "days") == "clear"

    small.market.products.set_sources(small.product.id, ["leave"], by="dee")
    small.deliver()
    assert (small.reads("con"), small.reads("con", "leave", "days")) == ("none", "clear")


@pytest.mark.parametrize("steward", ["ana", "dee", "gil"])
def test_widening_may_ask_first(small, granted, steward):
    """`widening="ask"`: new requests only, until stewards, managers or GOVERNANCE confirm."""
    small.market.domains.set_policy("HR", DomainPolicy(widening="ask"), by="gil")
    small.clock.advance(hours=1)
    small.market.products.set_sources(small.product.id, ["people", "leave"], by="dee")
    small.clock.advance(hours=1)
    small.approve(small.ask(small.product, by="pat"), "ana")
    small.deliver()
    assert small.reads("con", "leave", "days") == "none"
    assert small.reads("pat", "leave", "days") == "clear"
    assert small.reads("con") == "clear"

    for other in ("con", "dan", "cy"):
        with nothing_written(small), pytest.raises(FORBIDDEN):
            small.market.products.confirm_sources(small.product.id, ["leave"], by=other)
    with nothing_written(small), pytest.raises(InvalidInput, match="'ledger' is no source"):
        small.market.products.confirm_sources(small.product.id, ["leave", "ledger"], by=steward)
    small.market.products.confirm_sources(small.product.id, ["leave", "people"], by=steward)
    small.deliver()
    assert small.reads("con", "leave", "days") == "clear"


def test_a_grant_on_a_product_that_lost_its_sources_says_so(small, granted):
    """Approved, and there is nothing to be read: in words."""
    small.market.domains.set_policy("HR", DomainPolicy(leaving="remove"), by="gil")
    small.market.domains.remove("HR", ["people"], by="gil")
    small.deliver()

    assert str(grant_of(small)) == "wanted on no source, without end"
    assert small.reads("con") == "none"


def test_confirming_lifts_exceptions_that_waited_for_it(small, granted):
    """A masking exception on a source that waits for confirmation becomes effective with it."""
    small.market.sources.update("leave", columns=["id", "days"], by="gil")
    small.market.domains.set_policy("HR", DomainPolicy(widening="ask"), by="gil")
    product = small.publish(any_of(LEGAL), sources=["leave"])
    request = small.approve(small.ask(product), "ana")
    small.deliver()
    small.clock.advance(hours=1)
    small.market.products.set_sources(product.id, ["leave", "people"], by="dee")
    small.market.requests.revoke(granted.id, reason="x", by="dee")
    small.deliver()
    small.approve(small.ask_unmasked(product), "ana")
    small.deliver()
    assert (small.state(request), small.reads("con", column="salary")) == ("approved", "none")

    small.market.products.confirm_sources(product.id, ["people"], by="dee")
    small.deliver()

    assert small.reads("con", column="salary") == "clear"


def test_search_finds_every_word_in_name_description_or_tags(small):
    """Products by name; every word, accents and case aside; keyset pages."""
    for name, tags in (("Café sales", ["Gold"]), ("Staff", ["Silver"]), ("Sales plan", ["Gold"])):
        small.publish(any_of(LEGAL), name=name, description="numbers", tags=tags)

    def found(*args, **more):
        return [each.name for each in small.market.products.search(*args, by="con", **more)]

    assert found("CAFE") == ["Café sales"]
    assert found("sales numbers") == ["Café sales", "Sales plan"]
    assert found(tags=["Gold"]) == ["Café sales", "Sales plan"]
    assert found(domain="FIN") == []
    page = small.market.products.search(limit=2, by="con")
    rest = small.market.products.search(limit=2, after=page.next, by="con")
    assert [each.name for each in (*page, *rest)] == ["Café sales", "Sales plan", "Staff"]
    assert rest.next is None


@pytest.mark.parametrize(("key", "most"), [("text", 32), ("tags", 100)])
def test_a_search_has_a_limited_number_of_terms(storage_url, key, most):
    """More than a database takes is refused by us, on every storage in the same words."""
    world = small_world(storage_url)
    terms = [f"t{number}" for number in range(most + 1)]

    def search(some):
        given = {key: " ".join(some) if key == "text" else some}
        return world.market.products.search(**given, by="con").items

    assert search(terms[:most]) == ()
    with pytest.raises(InvalidInput, match=f"at most {most}"):
        search(terms)
    world.close()


@pytest.mark.parametrize(
    "name", ["CAFÉ sales", "Cafe\u0301 sales", "Café  sales", "\uff23afé sales"]
)
def test_a_name_that_reads_the_same_is_taken(small, name):
    """Unique in the marketplace, and for those who read it: two products never look alike."""
    product = small.publish(name="Café sales")
    other = small.publish()

    with nothing_written(small), pytest.raises(DuplicateName):
        small.publish(name=name, form="standard")
    with nothing_written(small), pytest.raises(DuplicateName):
        small.market.products.update(other.id, name=name, by="dee")
    assert small.market.products.update(product.id, name=name, by="dee").name == name
    small.market.products.delete(product.id, by="dee")
    assert small.publish(name="Café sales").state == "published"
