"""Acceptance cases 1 to 8: publishing."""

import pytest

from marketplace_sdk import DuplicateName, InvalidInput, NotAllowed


def test_01_a_manager_publishes_and_one_event_is_sent(world):
    """Given dee holds Manage Data Products in HR, when she publishes, then it is EVENT_TYPES."""
    product = world.publish()

    assert world.market.products.get(product.id, by="con").state == "published"
    assert len(world.sent("data_product.state.created")) == 1


def test_02_somebody_who_holds_nothing_may_not_publish(world):
    """Given con holds nothing, when he publishes, then Forbidden."""
    with pytest.raises(NotAllowed, match="MANAGE_DATA_PRODUCTS"):
        world.publish(form="standard", by="con")

    assert not world.market.products.search(by="con").items
    assert world.sent() == []


def test_03_a_manager_of_one_domain_may_not_publish_from_another(world):
    """Given dee holds it in HR only, when she publishes from FIN, then Forbidden."""
    with pytest.raises(NotAllowed):
        world.publish(form="standard", domain="FIN", sources=["ledger"])

    assert not world.market.products.search(by="con").items


@pytest.mark.parametrize(("domain", "source"), [("HR", "people"), ("FIN", "ledger")])
def test_04_governance_publishes_in_any_domain(world, domain, source):
    """Given gil holds GOVERNANCE, when he publishes in any domain, then it succeeds."""
    product = world.publish(form="standard", domain=domain, sources=[source], by="gil")

    assert product.state == "published"


def test_05_a_source_outside_the_domain_is_refused_by_name(world):
    """Given a source outside HR, when it is put in an HR product, then refused naming it."""
    with pytest.raises(InvalidInput, match="'ledger' is not in domain HR"):
        world.publish(form="standard", sources=["people", "ledger"])

    assert not world.market.products.search(by="con").items


def test_06_a_name_is_given_once(world):
    """Given a product named "Sales", when another "Sales" is created, then conflict (409)."""
    first = world.publish(form="standard", name="Sales")

    with pytest.raises(DuplicateName) as caught:
        world.publish(form="standard", name="Sales")

    assert caught.value.existing == first.id
    assert caught.value.http_status == 409


def test_07_the_caller_may_choose_the_id(world):
    """Given a client-chosen id, when create runs, then the product has that id."""
    product = world.publish(form="standard", id="hr-people", name="People")
    again = world.publish(form="standard", id="hr-people", name="People")

    assert product.id == "hr-people"
    assert again == product
    assert len(world.sent("data_product.state.created")) == 1


def test_08_managers_of_the_domain_are_told_and_nobody_else(world):
    """Given publish, then every Manage Data Products holder of HR is notified, nobody of FIN."""
    world.market.people.add("dov", groups=["hr-managers"], by="uma")
    from marketplace_sdk import group

    world.market.domains.grant(
        "HR", permission="MANAGE_DATA_PRODUCTS", to=group("hr-managers"), by="uma"
    )

    world.publish()

    assert world.told("dee") == ["product_published"]
    assert world.told("dov") == ["product_published"]
    assert world.told("dan") == []
    assert world.told("con") == []
