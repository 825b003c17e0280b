"""A steward reads in their mail what waits for them."""

from __future__ import annotations

from marketplace_sdk import Column, DataSource, Marketplace, Question, ReviewFlow, Stage, group


def test_what_is_asked_reaches_each_steward_and_the_link_opens_the_portal(serve, bundle):
    """Whoever has no address keeps the inbox; nothing is tried for them again and again."""
    mailbox, port = serve()
    mail = {
        "plugin": "email",
        "host": "127.0.0.1",
        "port": port,
        "sender": "marketplace@example.com",
        "ca_file": bundle,
    }
    with Marketplace(
        storage="memory://",
        connections={"lake": {"plugin": "memory"}},
        notifiers=[mail],
        links={"request": "https://portal.example/requests/{id}"},
    ) as market:
        market.people.add("uma", permissions=["USER_ADMIN"])
        market.people.add("app", permissions=["APPLICATION_ADMIN"], by="uma")
        market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
        market.people.add("bob", principals={"lake": "bob"}, by="uma")
        market.people.add("fin", groups=["stewards"], email="fin@example.com", by="uma")
        market.people.add("flo", groups=["stewards"], by="uma")
        orders = DataSource("orders", connection="lake", object="s.orders", columns=[Column("id")])
        market.sources.register(orders, by="gil")
        market.domains.create("sales", by="gil")
        market.domains.assign("sales", ["orders"], by="gil")
        form = market.forms.create(
            "Standard",
            domain="sales",
            questions=[Question.short_answer("why", "Why?")],
            review=ReviewFlow.review(Stage.any_of(group("stewards"))),
            by="gil",
        )
        product = market.products.publish(
            "Orders", domain="sales", sources=["orders"], form=form.id, by="gil"
        )
        market.deliver()
        mailbox.mails.clear()

        request = market.requests.request_access(product.id, answers={"why": "x"}, by="bob")
        market.deliver()

        assert market.deliveries.dead(by="app").items == ()
        inboxes = [market.inbox.of(name, by=name) for name in ("fin", "flo")]

    [sent] = mailbox.mails
    assert sent["To"] == "fin <fin@example.com>"
    assert sent["Subject"] == "bob asks for access to Orders; please decide."
    assert (
        f"https://portal.example/requests/{request.id}" in sent.get_body(("plain",)).get_content()
    )
    assert [len(each.items) for each in inboxes] == [1, 1]
