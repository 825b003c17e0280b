"""Listings of grants: their pages, and what is in effect."""

from __future__ import annotations

from databricks.sdk.service.catalog import Privilege

UC = "/api/2.1/unity-catalog"


def test_a_first_page_may_be_empty(fake, client):
    """``get`` with ``max_results`` stops there; ``list`` goes on, and so must who reads by hand."""
    for name in ("ann@x.org", "bob@x.org", "g"):
        fake.give(name, "SELECT", "table", "c.s.t")
    fake.pages(size=2, empty=2)

    first = client.grants.get("table", "c.s.t", max_results=0)
    assert first.privilege_assignments == []
    assert first.next_page_token
    assert {one.principal for one in client.grants.list("table", "c.s.t")} == {
        "ann@x.org",
        "bob@x.org",
        "g",
    }
    assert len(list(client.grants.list_effective("table", "c.s.t"))) == 4
    assert len(client.grants.get("table", "c.s.t").privilege_assignments) == 3


def test_a_listing_of_nothing_has_empty_pages_too(fake, client):
    fake.pages(size=2, empty=1)

    assert list(client.grants.list("table", "c.s.t")) == []
    assert len(fake.calls) >= 2


def test_a_token_is_good_for_its_own_listing_only(fake, ask):
    for name in ("ann@x.org", "bob@x.org"):
        fake.give(name, "SELECT", "table", "c.s.t")
    fake.pages(size=1)
    path = f"{UC}/privilege-assignments/table/c.s.t"
    token = ask("GET", path)[1]["next_page_token"]

    assert ask("GET", f"{UC}/privilege-assignments/schema/c.s?page_token={token}")[0] == 400
    assert ask("GET", f"{path}?page_token=nonsense")[0] == 400
    assert ask("GET", f"{path}?page_size=many")[0] == 400


def test_effective_listings_tell_where_a_privilege_is_from(fake, client):
    """They name the principal that was granted, never the members of a group."""
    fake.give("g", "SELECT", "schema", "c.s")
    fake.give("g", "SELECT", "table", "c.s.t")

    (entry,) = client.grants.get_effective("table", "c.s.t", principal="g").privilege_assignments
    assert {(one.privilege, one.inherited_from_name) for one in entry.privileges} == {
        (Privilege.SELECT, None),
        (Privilege.SELECT, "c.s"),
    }
    assert (
        client.grants.get_effective("table", "c.s.t", principal="ann@x.org").privilege_assignments
        == []
    )
