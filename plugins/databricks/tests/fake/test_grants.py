"""Who was granted what: the rules of one object's permissions."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege, SecurableType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

UC = "/api/2.1/unity-catalog"
TABLE = f"{UC}/permissions/table/c.s.t"


def change(client, principal, *, add=(), remove=(), type="table", name="c.s.t"):
    changes = [PermissionsChange(principal=principal, add=list(add), remove=list(remove))]
    return client.grants.update(type, name, changes=changes)


def held(fake, type="table", name="c.s.t"):
    return fake.snapshot()["grants"].get((type, name), {})


def test_a_change_is_a_delta(fake, client):
    """Who is not named keeps what they have, and so does the one named."""
    fake.give("bob@x.org", "SELECT", "table", "c.s.t")
    fake.give("ann@x.org", "MODIFY", "table", "c.s.t")

    answer = change(client, "ann@x.org", add=[Privilege.SELECT])

    assert held(fake) == {"bob@x.org": {"SELECT"}, "ann@x.org": {"SELECT", "MODIFY"}}
    assert {one.principal for one in answer.privilege_assignments} == {"ann@x.org", "bob@x.org"}


def test_an_object_without_grants_answers_an_empty_object(ask):
    assert ask("GET", TABLE) == (200, {})


def test_removing_what_is_not_held_changes_nothing(fake, client):
    change(client, "ann@x.org", remove=[Privilege.SELECT])

    assert held(fake) == {}


def test_the_last_privilege_takes_the_entry_with_it(fake, client, ask):
    change(client, "ann@x.org", add=[Privilege.SELECT])
    change(client, "ann@x.org", remove=[Privilege.SELECT])

    assert ask("GET", TABLE) == (200, {})


def test_adding_and_removing_the_same_is_refused(fake, client):
    with pytest.raises(InvalidParameterValue, match="Duplicate privileges"):
        change(client, "ann@x.org", add=[Privilege.SELECT], remove=[Privilege.SELECT])

    assert held(fake) == {}


@pytest.mark.parametrize(
    ("type", "name", "privilege"),
    [
        ("table", "c.s.t", "USE_CATALOG"),
        ("table", "c.s.t", "EXECUTE"),
        ("table", "c.s.v", "MODIFY"),
        ("schema", "c.s", "USE_CATALOG"),
        ("table", "c.s.t", "NO_SUCH_PRIVILEGE"),
        ("table", "c.s.t", "USE SCHEMA"),
    ],
)
def test_a_privilege_that_does_not_fit_the_object_is_refused(ask, type, name, privilege):
    body = {"changes": [{"principal": "ann@x.org", "add": [privilege]}]}

    status, answer = ask("PATCH", f"{UC}/permissions/{type}/{name}", body)

    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_a_request_is_carried_out_whole_or_not_at_all(fake, ask):
    body = {
        "changes": [
            {"principal": "ann@x.org", "add": ["SELECT"]},
            {"principal": "nobody@x.org", "add": ["SELECT"]},
        ]
    }

    status, answer = ask("PATCH", TABLE, body)

    assert (status, answer["error_code"]) == (404, "PRINCIPAL_DOES_NOT_EXIST")
    assert held(fake) == {}


@pytest.mark.parametrize("name", ["nobody@x.org", "G", "local", "robot", "admins", ""])
def test_who_cannot_hold_privileges_is_not_found(fake, ask, name):
    """Unknown people, groups in other capitals, groups of a workspace, display names."""
    fake.local_group("local")
    fake.service_principal("0d6b8f0a-0000-4000-8000-000000000001", "robot")

    status, _ = ask("PATCH", TABLE, {"changes": [{"principal": name, "add": ["SELECT"]}]})

    assert status == (404 if name else 400)


def test_e_mails_are_one_in_any_case_and_answered_in_lower_case(client):
    change(client, "ANN@X.org", add=[Privilege.SELECT])

    (entry,) = client.grants.list("table", "c.s.t", principal="Ann@x.ORG")

    assert entry.principal == "ann@x.org"


def test_the_type_is_no_member_of_an_enum(client):
    """``SecurableType.TABLE`` would stand in the path as it is written."""
    with pytest.raises(InvalidParameterValue, match=r"SecurableType\.TABLE"):
        client.grants.get(SecurableType.TABLE, "c.s.t")


@pytest.mark.parametrize("type", ["table", "TABLE"])
def test_the_type_may_be_written_in_capitals(ask, type):
    assert ask("GET", f"{UC}/permissions/{type}/c.s.t")[0] == 200


@pytest.mark.parametrize(
    ("type", "name", "code"),
    [
        ("table", "c.s.nothing", "TABLE_DOES_NOT_EXIST"),
        ("table", "c.nothing.t", "SCHEMA_DOES_NOT_EXIST"),
        ("table", "nothing.s.t", "CATALOG_DOES_NOT_EXIST"),
        ("table", "c.s", "INVALID_PARAMETER_VALUE"),
        ("schema", "c.", "INVALID_PARAMETER_VALUE"),
        ("catalog", "c.s", "INVALID_PARAMETER_VALUE"),
        ("view", "c.s.v", "INVALID_PARAMETER_VALUE"),
    ],
)
def test_what_is_missing_is_named(ask, type, name, code):
    assert ask("GET", f"{UC}/permissions/{type}/{name}")[1]["error_code"] == code


def test_a_name_reaches_the_service_as_it_was_encoded(fake, client):
    """Unquoted, ``x#y`` is cut at the sign and means table x; quoted it means itself."""
    fake.table("c.s.x", {"id": "bigint"})
    fake.table("c.s.x#y", {"id": "bigint"})

    change(client, "ann@x.org", add=[Privilege.SELECT], name="c.s.x#y")
    assert held(fake, name="c.s.x") == {"ann@x.org": {"SELECT"}}
    assert held(fake, name="c.s.x#y") == {}

    change(client, "bob@x.org", add=[Privilege.SELECT], name=quote("c.s.x#y", safe="."))
    assert held(fake, name="c.s.x#y") == {"bob@x.org": {"SELECT"}}
    assert fake.calls[-1].path.endswith("/c.s.x%23y")


def test_a_name_is_decoded_once(fake, ask):
    fake.table("c.s.x%23y", {"id": "bigint"})

    assert ask("GET", f"{UC}/permissions/table/c.s.x%2523y")[0] == 200
    assert ask("GET", f"{UC}/permissions/table/c.s.x%23y")[0] == 404


def test_a_name_with_slashes_climbs_nowhere(client):
    with pytest.raises(NotFound):
        client.grants.get("table", "../../2.0/preview/scim/v2/Me")


def test_an_order_is_not_to_be_relied_on(fake, ask):
    for number in range(12):
        fake.user(f"u{number}@x.org")
        fake.give(f"u{number}@x.org", "SELECT", "table", "c.s.t")

    orders = {
        tuple(entry["principal"] for entry in ask("GET", TABLE)[1]["privilege_assignments"])
        for _ in range(5)
    }

    assert len(orders) > 1
    assert len({frozenset(order) for order in orders}) == 1


def test_a_deleted_principal_stays_without_a_name(fake, ask):
    fake.give("ann@x.org", "SELECT", "table", "c.s.t")
    gone = fake.user("ann@x.org")

    fake.drop("user", "ann@x.org")

    (entry,) = ask("GET", TABLE)[1]["privilege_assignments"]
    assert entry == {"principal": "", "principal_id": gone, "privileges": ["SELECT"]}


def test_a_namesake_inherits_nothing(fake, client):
    """A group that is made again, and a table that is made again, are other ones."""
    fake.give("g", "SELECT", "table", "c.s.t")
    fake.drop("group", "g")
    fake.group("g")
    assert list(client.grants.list("table", "c.s.t", principal="g")) == []

    fake.give("g", "SELECT", "table", "c.s.t")
    old = client.tables.get("c.s.t").table_id
    fake.drop("table", "c.s.t")
    fake.table("c.s.t", {"id": "bigint"})
    assert client.tables.get("c.s.t").table_id != old
    assert list(client.grants.list("table", "c.s.t")) == []


def test_a_renamed_table_keeps_its_id_and_its_grants(fake, client):
    fake.give("ann@x.org", "SELECT", "table", "c.s.t")
    old = client.tables.get("c.s.t").table_id

    fake.rename_table("c.s.t", "c.s.u")

    assert client.tables.get("c.s.u").table_id == old
    assert held(fake, name="c.s.u") == {"ann@x.org": {"SELECT"}}
    with pytest.raises(NotFound):
        client.tables.get("c.s.t")


def test_a_privilege_of_a_later_service_is_listed(fake, client, ask):
    """The SDK drops what it does not know; the wire has it."""
    fake.give("ann@x.org", "BRAND_NEW", "table", "c.s.t")
    fake.give("ann@x.org", "SELECT", "table", "c.s.t")

    (entry,) = ask("GET", TABLE)[1]["privilege_assignments"]
    assert set(entry["privileges"]) == {"BRAND_NEW", "SELECT"}
    (parsed,) = client.grants.list("table", "c.s.t")
    assert parsed.privileges == [Privilege.SELECT]


def test_who_grants_must_manage_the_object(fake, client):
    fake.take(fake.me, "MANAGE", "catalog", "c")

    with pytest.raises(PermissionDenied, match=r"MANAGE on Table 'c\.s\.t'"):
        change(client, "ann@x.org", add=[Privilege.SELECT])

    fake.give(fake.me, "MANAGE", "schema", "c.s")
    change(client, "ann@x.org", add=[Privilege.SELECT])
    with pytest.raises(PermissionDenied, match="MANAGE on Catalog 'c'"):
        change(client, "ann@x.org", add=[Privilege.USE_CATALOG], type="catalog", name="c")


@pytest.mark.parametrize(
    ("privilege", "words"),
    [("USE_CATALOG", "USE CATALOG on Catalog 'c'"), ("USE_SCHEMA", r"USE SCHEMA on Schema 'c\.s'")],
)
def test_who_grants_must_be_able_to_go_there(fake, client, privilege, words):
    fake.take(fake.me, privilege, "catalog", "c")

    with pytest.raises(PermissionDenied, match=words):
        change(client, "ann@x.org", add=[Privilege.SELECT])


def test_all_privileges_do_not_hold_manage(fake, client):
    """ALL PRIVILEGES are an entry of their own, and MANAGE is not one of them."""
    fake.take(fake.me, "MANAGE", "catalog", "c")
    fake.give(fake.me, "ALL_PRIVILEGES", "catalog", "c")

    with pytest.raises(PermissionDenied):
        change(client, "ann@x.org", add=[Privilege.SELECT])
    assert held(fake, "catalog", "c")[fake.me] == {"ALL_PRIVILEGES", "USE_CATALOG", "USE_SCHEMA"}


@pytest.mark.parametrize("place", [("table", "c.s.t"), ("schema", "c.s"), ("catalog", "c")])
def test_an_owner_grants_on_what_is_owned_and_in_it(fake, client, place):
    fake.take(fake.me, "MANAGE", "catalog", "c")
    fake.own(fake.me, *place)

    change(client, "ann@x.org", add=[Privilege.SELECT])


def test_an_administrator_of_the_metastore_grants_everywhere(fake, client):
    fake.table("d.s.t", {"id": "bigint"})
    fake.metastore_admin(fake.me)

    change(client, "ann@x.org", add=[Privilege.SELECT], name="d.s.t")


def test_everybody_may_ask_about_themselves_and_their_groups_only(fake, ask):
    token = fake.token_of("ann@x.org")
    path = f"{UC}/permissions/table/c.s.t"

    assert ask("GET", f"{path}?principal=ann@x.org", token=token)[0] == 200
    assert ask("GET", f"{path}?principal=g", token=token)[0] == 200
    assert ask("GET", f"{path}?principal=bob@x.org", token=token)[0] == 403
    assert ask("GET", path, token=token)[0] == 403


@pytest.mark.parametrize("changes", ["all", [{}], ["ann@x.org"], [{"principal": None}]])
def test_changes_that_are_none_are_refused(ask, changes):
    assert ask("PATCH", TABLE, {"changes": changes})[0] == 400


def test_grants_on_the_metastore_are_for_its_administrators(fake, client):
    metastore = client.metastores.current().metastore_id
    with pytest.raises(PermissionDenied):
        change(client, "g", add=[Privilege.CREATE_CATALOG], type="metastore", name=metastore)

    fake.metastore_admin(fake.me)
    change(client, "g", add=[Privilege.CREATE_CATALOG], type="metastore", name=metastore)

    assert held(fake, "metastore", metastore) == {"g": {"CREATE_CATALOG"}}


def test_the_answer_of_a_change_can_be_left_out(ask):
    body = {
        "changes": [{"principal": "ann@x.org", "add": ["SELECT"]}],
        "omit_permissions_in_response": True,
    }

    assert ask("PATCH", TABLE, body) == (200, {})


PRIVILEGES = st.lists(st.sampled_from(["SELECT", "MODIFY", "MANAGE"]), unique=True)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["ann@x.org", "g"]), PRIVILEGES, PRIVILEGES), max_size=8
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=CHANGES)
def test_any_row_of_changes_ends_as_sets_would(fake, ask, changes):
    """Each change adds and takes away; one that does both with the same changes nothing."""
    before = {name: set(held(fake).get(name, ())) for name in ("ann@x.org", "g")}

    for principal, add, remove in changes:
        body = {"changes": [{"principal": principal, "add": add, "remove": remove}]}
        status, _ = ask("PATCH", TABLE, body)

        assert status == (400 if set(add) & set(remove) else 200)
        if status == 200:
            before[principal] = (before[principal] | set(add)) - set(remove)

    assert held(fake) == {name: found for name, found in before.items() if found}
