"""One member at a time: the identity service of version 2, which every SDK reaches by its path."""

from __future__ import annotations

import pytest


def members(fake, group="g"):
    return fake.snapshot()["members"][group]


def fake_user(fake, number):
    name = f"u{number}@x.org"
    fake.user(name)
    return name


@pytest.fixture
def path(fake):
    return f"/api/2.0/identity/groups/{fake.group('g')}/direct-members"


def test_a_member_is_added_seen_and_removed(fake, client, path):
    bob = fake.user("bob@x.org")

    client.api_client.do("POST", path, body={"principal_id": bob})
    assert members(fake) == {"ann@x.org", "bob@x.org"}
    seen = client.api_client.do("GET", f"{path}/{bob}")
    assert (seen["principal_type"], seen["membership_source"]) == ("USER", "INTERNAL")

    client.api_client.do("DELETE", f"{path}/{bob}")
    assert members(fake) == {"ann@x.org"}


def test_a_second_time_is_a_conflict_and_a_missing_one_not_found(fake, ask, path):
    ann, bob = fake.user("ann@x.org"), fake.user("bob@x.org")

    assert ask("POST", path, {"principal_id": ann})[1]["error_code"] == "ALREADY_EXISTS"
    assert ask("DELETE", f"{path}/{bob}")[0] == 404
    assert ask("GET", f"{path}/{bob}")[0] == 404


@pytest.mark.parametrize("id", [999_999, "1004", None])
def test_only_a_number_of_a_principal_is_a_member(ask, path, id):
    assert ask("POST", path, {"principal_id": id})[0] in {400, 404}


def test_the_listing_has_pages_also_empty_ones(fake, ask, path):
    for number in range(3):
        fake.add_member("g", fake_user(fake, number))
    fake.pages(size=2, empty=1)

    found, token, pages = [], "", 0
    while token is not None:
        _, answer = ask("GET", f"{path}?page_token={token}" if token else path)
        found += answer.get("direct_group_members", [])
        token, pages = answer.get("next_page_token"), pages + 1

    assert (len(found), pages) == (4, 3)


def test_a_group_that_is_made_here_is_an_account_group_of_its_maker(fake, ask):
    _, made = ask("POST", "/api/2.0/identity/groups", {"group_name": "made"})
    path = f"/api/2.0/identity/groups/{made['group_id']}"

    bob = fake.user("bob@x.org")
    assert ask("POST", f"{path}/direct-members", {"principal_id": bob})[0] == 200
    body = {"changes": [{"principal": "made", "add": ["SELECT"]}]}
    assert ask("PATCH", "/api/2.1/unity-catalog/permissions/table/c.s.t", body)[0] == 200
    assert ask("POST", "/api/2.0/identity/groups", {"group_name": "made"})[0] == 409
    assert ask("GET", path)[1]["group_name"] == "made"
    assert ask("DELETE", path)[0] == 200
    assert ask("GET", path)[0] == 404


def test_who_administers_nothing_makes_no_group(fake, ask):
    fake.admin(fake.me, "")

    assert ask("POST", "/api/2.0/identity/groups", {"group_name": "made"})[0] == 403


def test_local_groups_are_unknown_here(fake, ask):
    local = fake.local_group("local")

    assert ask("GET", f"/api/2.0/identity/groups/{local}/direct-members")[0] == 404


def test_a_group_does_not_contain_itself(fake, ask, path):
    inner = fake.group("inner")
    fake.add_member("g", "inner")
    fake.group("g", managers=[fake.me])
    fake.group("inner", managers=[fake.me])

    back = f"/api/2.0/identity/groups/{inner}/direct-members"
    assert ask("POST", back, {"principal_id": fake.group("g")})[0] == 400
    assert ask("POST", path, {"principal_id": fake.group("g")})[0] == 400
