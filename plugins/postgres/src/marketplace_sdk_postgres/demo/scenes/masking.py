"""A view that masks: everybody may select all columns, and few see what is in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk import Column, DataSource

if TYPE_CHECKING:
    from marketplace_sdk_postgres.demo.play import Play

__all__ = ["masked_view"]


def masked_view(play: Play) -> None:
    """A masked view: all select the column, one reads it."""
    market, stage = play.market, play.stage
    play.does("an administrator", "protects sales.customers.email: marketplace postgres protect")
    stage.protect("sales.customers", "email", market.installation)
    source = DataSource(
        "customers_masked",
        connection="warehouse",
        object=stage.at("sales.customers_masked"),
        columns=[Column("id"), Column("region"), Column("email", masked=True)],
    )
    play.does("gil", "registers the view, and dee publishes it")
    market.sources.register(source, by="gil")
    market.domains.assign("sales", [source.name], by="gil")
    product = market.products.publish(
        "Customer list",
        domain="sales",
        sources=[source.name],
        form=play.products["Orders"].form,
        by="dee",
    )
    row = "SELECT id, email FROM sales.customers_masked WHERE id = 4"

    play.does("bob", "gets Customer list")
    access = market.requests.request_access(product.id, answers={"why": "letters"}, by="bob")
    market.requests.approve(access.id, reason="fine", by="fay")
    market.deliver()
    play.reads("bob", row, "4, None")
    play.is_refused("kim", row)

    play.does("bob", "asks to see email in clear, and sam approves")
    request = market.requests.request_masking_exception(
        product.id, columns=["customers_masked.email"], answers={"why": "letters"}, by="bob"
    )
    market.requests.approve(request.id, reason="needs to write to them", by="sam")
    market.deliver()
    play.reads("bob", row, "4, customer4@example.com")
    play.is_refused("bob", "SELECT email FROM sales.customers WHERE id = 4")

    play.does("dee", "deletes Customer list, and the administrator takes the view away")
    market.products.delete(product.id, cascade=True, by="dee")
    market.deliver()
    play.is_refused("bob", row)
    stage.unprotect("sales.customers", "email", market.installation)
