"""Before anybody asks: who is who, what there is, and what is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk import Question, ReviewFlow, Stage, group, permission
from marketplace_sdk_postgres.demo.stage import CONSUMERS

if TYPE_CHECKING:
    from marketplace_sdk_postgres.demo.play import Play

__all__ = ["govern", "nothing_yet", "publish"]

_PEOPLE: dict[str, dict[str, Any]] = {
    "gil": {"permissions": ["GOVERNANCE"]},
    "ada": {"permissions": ["APPLICATION_ADMIN"]},
    "dee": {},
    "fay": {"groups": ["sales-stewards"]},
    "sam": {"groups": ["sales-stewards"]},
    "hal": {"groups": ["hr-stewards"]},
    "pia": {"permissions": ["PRIVACY_REVIEW"]},
}


def govern(play: Play) -> None:
    """Governance: domains, their sources, and who may publish."""
    market = play.market
    play.does("uma", "(USER_ADMIN) adds people, and says who each consumer is on PostgreSQL")
    market.people.add("uma", permissions=["USER_ADMIN"])
    for person, facts in _PEOPLE.items():
        market.people.add(person, by="uma", **facts)
    for person in CONSUMERS:
        market.people.add(person, principals={"warehouse": play.stage.at(person)}, by="uma")

    play.does("gil", "(GOVERNANCE) registers three tables; email and salary are masked")
    for source in play.stage.sources():
        market.sources.register(source, by="gil")

    play.does("gil", "creates domain sales and assigns two sources to it by hand")
    market.domains.create("sales", by="gil")
    market.domains.assign("sales", ["orders", "customers"], by="gil")

    play.does("gil", "creates domain people, which fills itself with what is tagged HR")
    market.domains.create("people", tags=["HR"], by="gil")
    market.sources.tag("employees", ["HR.Payroll"], by="gil")
    found = market.domains.sources("people", by="gil")
    play.expect("domain people holds employees, by its tag", found, ("employees",))

    play.does("uma", "gives dee Manage Data Products in both domains")
    for domain in ("sales", "people"):
        market.domains.grant(domain, permission="MANAGE_DATA_PRODUCTS", to="dee", by="uma")


def publish(play: Play) -> None:
    """The manager: request forms and data products."""
    market = play.market
    why = [Question.short_answer("why", "Why do you need it?")]

    play.does("dee", "creates a form: any one of group sales-stewards decides")
    easy = market.forms.create(
        "Sales data",
        domain="sales",
        questions=why,
        review=ReviewFlow.review(Stage.any_of(group("sales-stewards"))),
        by="dee",
    )
    play.does("dee", "creates a form: hr-stewards and PRIVACY_REVIEW must all agree")
    strict = market.forms.create(
        "Personal data",
        domain="people",
        questions=why,
        review=ReviewFlow.review(
            Stage.all_of(group("hr-stewards"), permission("PRIVACY_REVIEW")),
        ),
        by="dee",
    )
    play.may_not(
        "bob may not publish",
        lambda: market.products.publish("Mine", domain="sales", sources=["orders"], by="bob"),
    )

    play.does("dee", "publishes Orders, Order history (the same table) and Payroll")
    for name, domain, sources, form in (
        ("Orders", "sales", ["orders", "customers"], easy),
        ("Order history", "sales", ["orders"], easy),
        ("Payroll", "people", ["employees"], strict),
    ):
        play.products[name] = market.products.publish(
            name, domain=domain, sources=sources, form=form.id, by="dee"
        )
    market.deliver()
    play.hooked("data_product.state.created", 3)
    about = f"product:{play.products['Orders'].id}"
    play.told("product_published", about, "dee", but="bob")


def nothing_yet(play: Play) -> None:
    """The consumer: can find products, and read nothing."""
    play.does("bob", 'searches for "orders"; then he tries without asking')
    found = [product.name for product in play.market.products.search("orders", by="bob")]
    play.expect(
        "bob finds Orders, and what is spelled almost so", found, ["Orders", "Order history"]
    )
    play.is_refused("bob", "SELECT count(*) FROM sales.orders")
    play.is_refused("bob", "SELECT count(*) FROM hr.employees")
