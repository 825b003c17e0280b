"""Sources and domains: who may, tags that admit, and sources that leave."""

from __future__ import annotations

import pytest

from marketplace_sdk import (
    Conflict,
    DataSource,
    DomainPolicy,
    Duration,
    InvalidInput,
    Tag,
)
from tests.services.helpers import nothing_written
from tests.world import LEGAL, any_of


def leave(small, how):
    """Take `people` out of its domain, by hand or by tag."""
    if how == "hand":
        small.market.domains.remove(small.home, ["people"], by="gil")
    else:
        small.market.sources.untag("people", ["Staff"], by="gil")


@pytest.fixture(params=["hand", "tag"])
def how(request, small):
    """A product of HR, or of a dynamic domain, with member con."""
    small.home = "HR"
    if request.param == "tag":
        small.market.sources.tag("people", ["Staff"], by="gil")
        small.market.sources.tag("leave", ["Staff"], by="gil")
        small.market.domains.create("Tagged", tags=["Staff"], by="gil")
        small.market.domains.grant("Tagged", permission="MANAGE_DATA_PRODUCTS", to="dee", by="uma")
        small.home = "Tagged"
    form = small.form(any_of(LEGAL), domain=small.home)
    small.product = small.publish(form=form, domain=small.home, sources=["people", "leave"])
    small.request = small.approve(small.ask(small.product), "ana", until=Duration(30, "days"))
    small.deliver()
    assert small.reads("con") == "clear"
    return request.param


def test_members_keep_a_source_in_quarantine(small, how):
    """E22 `keep`: members keep it, new requests and extensions are refused, people are told."""
    leave(small, how)
    small.deliver()

    assert small.reads("con") == "clear"
    for ask in (
        lambda: small.ask(small.product, by="pat"),
        lambda: small.ask_unmasked(small.product),
        lambda: small.market.requests.extend(small.request.id, answers={"why": "x"}, by="con"),
    ):
        with nothing_written(small), pytest.raises(Conflict) as caught:
            ask()
        assert caught.value.code == "source_in_quarantine"
        assert "people" in str(caught.value)
    for who in ("dee", "gil"):
        assert "source_quarantined" in small.told(who)
    assert "source_quarantined" not in small.told("dan")


def test_quarantine_ends_when_the_source_is_removed_or_comes_back(small, how):
    """A manager removes it (members lose it), or it is admitted again."""
    leave(small, how)
    if how == "hand":
        small.market.domains.assign("HR", ["people"], by="gil")
    else:
        small.market.sources.tag("people", ["Staff"], by="gil")
    assert small.ask(small.product, by="pat").state == "pending"

    leave(small, how)
    small.market.products.set_sources(small.product.id, ["leave"], by="dee")
    small.deliver()
    assert small.reads("con") == "none"
    assert small.reads("con", "leave", "days") == "clear"
    with pytest.raises(InvalidInput, match="not in domain"):
        small.market.products.set_sources(small.product.id, ["leave", "people"], by="dee")


def test_all_members_lose_it_where_the_domain_says_remove(small, how):
    """E22 `remove`: it leaves the product, and members lose what only the product gave."""
    small.market.domains.set_policy(small.home, DomainPolicy(leaving="remove"), by="gil")

    leave(small, how)
    small.deliver()

    assert small.market.products.get(small.product.id, by="con").sources == ("leave",)
    assert small.reads("con") == "none"
    assert small.reads("con", "leave", "days") == "clear"
    assert small.ask(small.product, by="pat").state == "pending"
    assert len(small.sent("data_product.data_sources.updated")) == 1


def test_removing_a_source_takes_its_exceptions_too(small, how):
    """Whoever had it only through this product has lost it: so have their exceptions."""
    exception = small.approve(small.ask_unmasked(small.product), "ana")
    small.deliver()
    assert small.reads("con", column="salary") == "clear"

    small.market.products.set_sources(small.product.id, ["leave"], by="dee")
    small.deliver()

    assert small.reads("con", column="salary") == "none"
    kept = small.market.requests.get(exception.id, by="con")
    assert (kept.state, kept.cause) == ("revoked", "access_ended")


def test_a_source_admitted_by_tag_enters_no_product_by_itself(small):
    """Only a manager adds it."""
    small.market.sources.tag("leave", ["Staff"], by="gil")
    small.market.domains.create("Tagged", tags=["Staff"], by="gil")
    product = small.publish(form="standard", domain="Tagged", sources=["leave"], by="gil")
    table = small.platform.table("x.bonus", ["id"])

    small.market.sources.register(
        DataSource("bonus", connection="lake", object=table, tags=["Staff"]), by="gil"
    )

    assert small.market.domains.sources("Tagged", by="con") == ("bonus", "leave")
    assert small.market.products.get(product.id, by="con").sources == ("leave",)


def test_registering_the_same_source_again_is_a_no_op(small):
    """Another one under the same name is a conflict; an unknown connection is refused."""
    known = small.market.sources.get("leave", by="gil")

    with nothing_written(small):
        small.market.sources.register(known, by="gil")
        with pytest.raises(Conflict, match=r"sources\.update"):
            small.market.sources.register(
                DataSource("leave", connection="lake", object="other"), by="gil"
            )


def test_tags_of_the_source_are_kept_with_their_origin(small):
    """The same name from two origins is two tags."""
    small.market.sources.tag("leave", ["Gold"], by="gil")
    kept = small.market.sources.tag("leave", ["Gold"], origin="catalog", by="gil")

    assert kept.tags == {Tag("Gold"), Tag("Gold", "catalog")}
    with nothing_written(small):
        small.market.sources.tag("leave", ["Gold"], origin="catalog", by="gil")
