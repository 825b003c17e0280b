"""Pages of the company's portal, made from its own templates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.links import LINKED, link_of, link_to, links_of
from marketplace_sdk.errors import InvalidInput

LINKS = links_of({"request": "https://portal.example/r/{id}?from=inbox"})


def test_a_link_is_the_template_with_the_id():
    assert link_to(LINKS, "request:r1") == "https://portal.example/r/r1?from=inbox"


def test_what_the_portal_has_no_page_for_has_no_link():
    assert link_to(LINKS, "product:p1") == ""
    assert link_to(LINKS, "system") == ""


PORTAL = links_of(
    {kind: f"https://portal.example/{kind}/{{id}}" for kind in ("request", "product")}
)


@pytest.mark.parametrize(
    ("kind", "links", "page"),
    [
        ("access_requested", PORTAL, "https://portal.example/request/r1"),
        ("determination_made", PORTAL, "https://portal.example/product/p1"),
        ("determination_made", LINKS, "https://portal.example/r/r1?from=inbox"),
        ("product_deleted", PORTAL, ""),
    ],
)
def test_a_notice_offers_its_request_its_product_or_nothing(kind, links, page):
    """A portal without a page for products shows the request instead."""
    message = InboxMessage(
        id="m",
        person="ana",
        kind=kind,
        about="request:r1",
        subject="",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        data={"product_id": "p1"},
    )

    assert link_of(links, message) == page


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_id_never_leaves_its_place(id):
    """Whatever people chose as an id, the rest of the address is the portal's."""
    link = link_to(LINKS, f"request:{id}")

    inside = link.removeprefix("https://portal.example/r/").removesuffix("?from=inbox")
    assert set(inside).isdisjoint("/?#&:@ \\\"'<>")


@pytest.mark.parametrize(
    ("kind", "template"),
    [
        ("request", "https://portal.example/"),
        ("request", "/requests/{id}"),
        ("request", "javascript:alert({id})"),
        ("request", "https://portal.example/{id}/{id}"),
        ("request", "https://portal.example/{id} onclick"),
        ("request", "https://{host}/{id}"),
        ("request", f"https://portal.example/{{id}}/{'x' * 2000}"),
        ("request", 5),
        ("orders", "https://portal.example/{id}"),
    ],
)
def test_a_template_that_is_none_is_refused(kind, template):
    with pytest.raises(InvalidInput) as caught:
        links_of({kind: template})

    assert [each.path for each in caught.value.problems] == [f"links.{kind}"]


def test_every_kind_that_is_known_can_have_a_page():
    assert set(links_of(dict.fromkeys(LINKED, "https://x.example/{id}"))) == set(LINKED)
