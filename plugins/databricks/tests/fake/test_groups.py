"""Users, groups and service principals: by SCIM and one member at a time."""

from __future__ import annotations

import pytest
from databricks.sdk import AccountClient
from databricks.sdk.core import Config
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.iam import Patch, PatchOp, PatchSchema

from marketplace_sdk_databricks.testing import FakeDatabricks

SCIM = "/api/2.0/preview/scim/v2"
PATCH = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]


def members(fake, group="g"):
    return fake.snapshot()["members"][group]


def add(id):
    return [Patch(op=PatchOp.ADD, value={"members": [{"value": str(id)}]})]


def remove(id):
    return [Patch(op=PatchOp.REMOVE, path=f'members[value eq "{id}"]')]


@pytest.fixture
def account(fake):
    return AccountClient(
        config=Config(account_id=fake.account_id, retry_timeout_seconds=2, **fake.settings)
    )


@pytest.mark.parametrize(
    ("kind", "text", "name"),
    [
        ("users_v2", 'userName eq "ANN@x.org"', "ann@x.org"),
        ("groups_v2", 'displayName eq "g"', "g"),
        ("service_principals_v2", 'applicationId eq "{me}"', None),
    ],
)
def test_principals_are_found_by_a_filter(fake, client, kind, text, name):
    (found,) = getattr(client, kind).list(filter=text.replace("{me}", fake.me))

    assert name in {None, getattr(found, "user_name", None), found.display_name}


def test_a_filter_compares_without_regard_to_capitals(fake, client):
    """So whoever looks for group g must look at what comes back: grants do tell g from G."""
    fake.group("G")

    found = list(client.groups_v2.list(filter='displayName eq "g"'))

    assert {one.display_name for one in found} == {"g", "G"}


def test_filters_can_be_joined(fake, client):
    text = 'userName eq "ann@x.org" or userName eq "bob@x.org"'

    assert len(list(client.users_v2.list(filter=text))) == 2
    assert list(client.users_v2.list(filter=text.replace(" or ", " and "))) == []


def test_a_text_in_a_filter_is_escaped(fake, client):
    fake.group('say "hi" \\ or')

    (found,) = client.groups_v2.list(filter='displayName eq "say \\"hi\\" \\\\ or"')

    assert found.display_name == 'say "hi" \\ or'


@pytest.mark.parametrize("text", ['displayName like "g"', "displayName eq g", 'x eq "g" xor'])
def test_a_filter_that_cannot_be_read_is_refused(ask, text):
    from urllib.parse import quote

    status, answer = ask("GET", f"{SCIM}/Groups?filter={quote(text)}")

    assert (status, answer["scimType"]) == (400, "invalidFilter")


def test_listings_come_in_pages_and_with_chosen_attributes(fake, client):
    fake.pages(size=2)

    found = list(client.users_v2.list(attributes="id,userName"))

    assert {one.user_name for one in found} >= {"ann@x.org", "bob@x.org"}
    assert all(one.display_name is None for one in found)


def test_a_listing_of_groups_names_members_only_when_asked(client):
    (bare,) = client.groups_v2.list(filter='displayName eq "g"')
    (full,) = client.groups_v2.list(filter='displayName eq "g"', attributes="displayName,members")

    assert bare.members == []
    assert [one.display for one in full.members] == ["Ann@x.org"]
    assert len(client.groups_v2.get(bare.id).members) == 1


def test_a_principal_names_the_groups_it_is_in(fake, client):
    found = client.users_v2.get(str(fake.user("ann@x.org")))

    assert [one.display for one in found.groups] == ["g"]


def test_a_local_group_is_told_from_one_of_the_account(fake, client):
    fake.local_group("local")

    found = {one.display_name: one.meta.resource_type for one in client.groups_v2.list()}

    assert found == {"g": "Group", "local": "WorkspaceGroup"}


def test_the_service_of_a_workspace_does_not_change_account_groups(fake, client):
    bob = fake.user("bob@x.org")

    with pytest.raises(PermissionDenied, match="account group"):
        client.groups_v2.patch(str(fake.group("g")), operations=add(bob), schemas=PATCH)

    assert members(fake) == {"ann@x.org"}


def test_a_group_made_by_the_service_of_a_workspace_is_a_local_one(fake, client, ask):
    made = client.groups_v2.create(display_name="made")
    body = {"changes": [{"principal": "made", "add": ["SELECT"]}]}

    assert client.groups_v2.get(made.id).meta.resource_type == "WorkspaceGroup"
    assert ask("PATCH", "/api/2.1/unity-catalog/permissions/table/c.s.t", body)[0] == 404
    client.groups_v2.patch(made.id, operations=add(fake.user("bob@x.org")), schemas=PATCH)
    assert members(fake, "made") == {"bob@x.org"}


def test_the_strict_rule_can_be_switched_off(ask):
    with FakeDatabricks(workspace_scim_edits_account_groups=True) as fake:
        ann = fake.user("ann@x.org")
        group = fake.group("g", managers=[fake.me])
        body = {
            "schemas": [PATCH[0].value],
            "Operations": [{"op": "add", "value": {"members": [{"value": str(ann)}]}}],
        }

        assert ask("PATCH", f"{SCIM}/Groups/{group}", body, server=fake)[0] == 200
        assert members(fake) == {"ann@x.org"}


def test_the_service_of_the_account_changes_members(fake, account):
    bob, group = fake.user("bob@x.org"), str(fake.group("g"))

    account.groups_v2.patch(group, operations=add(bob), schemas=PATCH)
    account.groups_v2.patch(group, operations=add(bob), schemas=PATCH)
    assert members(fake) == {"ann@x.org", "bob@x.org"}

    account.groups_v2.patch(group, operations=remove(bob), schemas=PATCH)
    account.groups_v2.patch(group, operations=remove(bob), schemas=PATCH)
    assert members(fake) == {"ann@x.org"}


def test_the_service_of_the_account_knows_no_local_groups(fake, account):
    fake.local_group("local")

    assert {one.display_name for one in account.groups_v2.list()} == {"g"}


def test_another_account_is_not_found(ask):
    assert ask("GET", "/api/2.0/accounts/other/scim/v2/Groups")[0] == 404


def test_an_operation_that_fails_undoes_those_before_it(fake, ask):
    group, bob = fake.group("g"), fake.user("bob@x.org")
    body = {
        "schemas": [PATCH[0].value],
        "Operations": [
            {"op": "add", "path": "members", "value": [{"value": str(bob)}]},
            {"op": "add", "path": "members", "value": [{"value": "999999"}]},
        ],
    }

    status, _ = ask("PATCH", f"/api/2.0/account/scim/v2/Groups/{group}", body)

    assert status == 400
    assert members(fake) == {"ann@x.org"}


@pytest.mark.parametrize(
    ("operation", "schemas"),
    [
        ({"op": "add", "path": "members", "value": [{"value": "1001"}]}, []),
        ({"op": "explode", "path": "members"}, [PATCH[0].value]),
        ({"op": "add", "path": "secrets", "value": "x"}, [PATCH[0].value]),
    ],
)
def test_a_patch_that_is_none_is_refused(fake, ask, operation, schemas):
    target = f"/api/2.0/account/scim/v2/Groups/{fake.group('g')}"

    assert ask("PATCH", target, {"schemas": schemas, "Operations": [operation]})[0] == 400


def test_members_are_changed_by_managers_and_account_administrators_only(fake, account):
    other, bob = str(fake.group("other")), fake.user("bob@x.org")

    with pytest.raises(PermissionDenied, match="not a manager"):
        account.groups_v2.patch(other, operations=add(bob), schemas=PATCH)
    fake.admin(fake.me, "account")
    account.groups_v2.patch(other, operations=add(bob), schemas=PATCH)

    assert members(fake, "other") == {"bob@x.org"}


def test_a_synchronised_group_is_changed_by_nobody_here(fake, account):
    group, bob = str(fake.group("okta", managers=[fake.me], synced=True)), fake.user("bob@x.org")

    with pytest.raises(PermissionDenied, match="identity provider"):
        account.groups_v2.patch(group, operations=add(bob), schemas=PATCH)


def test_principals_of_the_account_are_made_and_deleted(fake, ask):
    fake.admin(fake.me, "account")
    base = "/api/2.0/account/scim/v2"

    _, made = ask("POST", f"{base}/Users", {"userName": "New@x.org"})
    assert made["userName"] == "new@x.org"
    assert ask("POST", f"{base}/Users", {"userName": "NEW@x.org"})[0] == 409
    _, robot = ask("POST", f"{base}/ServicePrincipals", {"displayName": "robot"})
    assert robot["applicationId"] != "robot"
    assert ask("DELETE", f"{base}/Users/{made['id']}")[0] == 204
    assert ask("GET", f"{base}/Users/{made['id']}")[0] == 404


def test_a_user_is_deactivated(fake, ask):
    fake.admin(fake.me, "account")
    ann = fake.user("ann@x.org")
    token = fake.token_of("ann@x.org")
    body = {
        "schemas": [PATCH[0].value],
        "Operations": [{"op": "replace", "path": "active", "value": False}],
    }

    assert ask("PATCH", f"/api/2.0/account/scim/v2/Users/{ann}", body)[1]["active"] is False
    assert ask("GET", f"{SCIM}/Me", token=token)[0] == 403


def test_a_group_is_renamed_with_its_grants(fake, ask):
    fake.give("g", "SELECT", "table", "c.s.t")
    operations = [
        {"op": "replace", "path": "displayName", "value": "h"},
        {"op": "replace", "path": "externalId", "value": "ext"},
    ]
    body = {"schemas": [PATCH[0].value], "Operations": operations}

    _, found = ask("PATCH", f"/api/2.0/account/scim/v2/Groups/{fake.group('g')}", body)

    assert (found["displayName"], found["externalId"]) == ("h", "ext")
    assert fake.snapshot()["grants"]["table", "c.s.t"] == {"h": {"SELECT"}}


@pytest.mark.parametrize(
    ("type", "body", "status"),
    [("Users", {}, 400), ("Groups", {"displayName": "new", "members": [{"value": "9"}]}, 400)],
)
def test_a_principal_that_is_none_is_not_made(ask, type, body, status):
    assert ask("POST", f"/api/2.0/account/scim/v2/{type}", body)[0] == status
    assert ask("GET", f'{SCIM}/Groups?filter=displayName+eq+"new"')[1]["totalResults"] == 0


def test_a_user_is_no_group(fake, ask):
    ann = fake.user("ann@x.org")

    assert ask("GET", f"/api/2.0/identity/groups/{ann}")[0] == 404
    assert ask("GET", f"/api/2.0/identity/groups/{ann}/direct-members")[0] == 404
    assert ask("GET", f"{SCIM}/Groups/{ann}")[0] == 404
    assert ask("POST", "/api/2.0/identity/groups", {"name": "x"})[0] == 400


def test_a_whole_group_is_replaced(fake, ask):
    bob = fake.user("bob@x.org")
    target = f"/api/2.0/account/scim/v2/Groups/{fake.group('g')}"

    assert ask("PUT", target, {"displayName": "g", "members": [{"value": str(bob)}]})[0] == 200

    assert members(fake) == {"bob@x.org"}
