"""Domains: who may, what fills them, and what is held in them."""

from __future__ import annotations

import pytest

from marketplace_sdk import (
    Column,
    Conflict,
    InvalidInput,
    NotFound,
    TagRule,
)
from tests.services.helpers import nothing_written, types_of
from tests.world import LEGAL, any_of


def test_a_dynamic_domain_fills_itself(small):
    """A parent tag captures its children; column tags do not count; manual edits are refused."""
    domains, sources = small.market.domains, small.market.sources
    domains.create("Money", tags=["Finance"], by="gil")
    sources.tag("ledger", ["Finance.Revenue"], by="gil")
    sources.tag("leave", ["Financed", "finance"], by="gil")
    sources.update(
        "people", columns=["id", "name", Column("salary", masked=True, tags=["Finance"])], by="gil"
    )

    assert domains.sources("Money", by="con") == ("ledger",)
    for edit in (domains.assign, domains.remove):
        with nothing_written(small), pytest.raises(Conflict) as caught:
            edit("Money", ["ledger"], by="gil")
        assert caught.value.code == "dynamic_domain"
    assert (
        small.publish(form="standard", domain="Money", sources=["ledger"], by="gil").state
        == "published"
    )
    with pytest.raises(InvalidInput):
        small.publish(form="standard", domain="Money", sources=["people"], by="gil")


def test_tags_count_only_from_the_origins_that_the_rule_names(small):
    """A TagRule names origins; plain text counts tags set by hand."""
    domains, sources = small.market.domains, small.market.sources
    domains.create("Plain", tags=["Gold"], by="gil")
    domains.create("Catalog", tags=[TagRule("Gold", origins=["catalog"])], by="gil")

    sources.tag("leave", ["Gold"], origin="catalog", by="gil")
    sources.tag("ledger", ["Gold"], by="gil")

    assert domains.sources("Plain", by="con") == ("ledger",)
    assert domains.sources("Catalog", by="con") == ("leave",)
    sources.untag("leave", ["Gold"], by="gil")
    assert domains.sources("Catalog", by="con") == ("leave",), "another origin's tag stays"
    sources.untag("leave", ["Gold"], origin="catalog", by="gil")
    assert domains.sources("Catalog", by="con") == ()


def test_a_domain_in_use_is_not_deleted(small):
    """E23; afterwards it is gone."""
    product = small.publish(any_of(LEGAL))
    with nothing_written(small), pytest.raises(Conflict, match="products use it"):
        small.market.domains.delete("HR", by="gil")

    small.market.products.delete(product.id, by="dee")
    small.market.domains.delete("HR", by="gil")
    with pytest.raises(NotFound):
        small.market.domains.get("HR", by="con")


def test_a_source_is_in_several_domains(small):
    """A data source may be in several domains; leaving one touches only its products."""
    product = small.publish(any_of(LEGAL))
    small.market.domains.assign("FIN", ["people"], by="gil")
    other = small.publish(form="standard", domain="FIN", sources=["people"], by="dan")
    small.market.domains.remove("FIN", ["people"], by="gil")

    assert small.ask(product).state == "pending"
    with pytest.raises(Conflict):
        small.market.requests.request_access(other.id, answers={"purpose": "x"}, by="con")


def test_who_may_do_what_to_domains_and_sources(small):
    """GOVERNANCE governs; USER_ADMIN grants permissions; both are audited."""
    from marketplace_sdk import NotAllowed

    for call in (
        lambda by: small.market.domains.create("New", by=by),
        lambda by: small.market.domains.assign("HR", ["ledger"], by=by),
        lambda by: small.market.sources.tag("leave", ["X"], by=by),
    ):
        for other in ("uma", "dee", "ada", "aud", "con"):
            with nothing_written(small), pytest.raises(NotAllowed, match="GOVERNANCE"):
                call(other)
    with nothing_written(small), pytest.raises(NotAllowed, match="USER_ADMIN"):
        small.market.domains.grant("HR", permission="MANAGE_POLICIES", to="con", by="gil")
    small.market.sources.tag("leave", ["X"], by="gil")
    assert types_of(small, "source:leave") == ["source.registered", "source.tagged"]
    assert types_of(small, "domain:HR") == ["domain.created", "domain.assigned", "domain.granted"]


def test_a_permission_taken_away_counts_no_more(small):
    """Live: a manager whose permission is taken may not manage."""
    from marketplace_sdk import NotAllowed

    product = small.publish(any_of(LEGAL))
    small.market.domains.ungrant("HR", permission="MANAGE_DATA_PRODUCTS", to="dee", by="uma")

    with nothing_written(small), pytest.raises(NotAllowed):
        small.market.products.retire(product.id, by="dee")
