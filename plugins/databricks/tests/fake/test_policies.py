"""Attribute-based policies, made and changed by the SDK."""

from __future__ import annotations

import pytest
from databricks.sdk.errors import (
    AlreadyExists,
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
)
from databricks.sdk.service.catalog import (
    ColumnMaskOptions,
    MatchColumn,
    PolicyInfo,
    PolicyType,
    SecurableType,
)

UC = "/api/2.1/unity-catalog/policies"


def info(**changes):
    return PolicyInfo(
        **{
            "name": "mask_pii",
            "on_securable_type": SecurableType.TABLE,
            "on_securable_fullname": "c.s.t",
            "policy_type": PolicyType.POLICY_TYPE_COLUMN_MASK,
            "for_securable_type": SecurableType.TABLE,
            "to_principals": ["account users"],
            "except_principals": ["g"],
            "match_columns": [MatchColumn(alias="m", condition="has_tag_value('pii', 'email')")],
            "column_mask": ColumnMaskOptions(function_name="c.s.f", on_column="m"),
            **changes,
        }
    )


@pytest.fixture(autouse=True)
def function(fake):
    fake.function("c.s.f", "'***'", owner=fake.me)


def test_a_policy_is_made_read_and_dropped(fake, client):
    made = client.policies.create_policy(info())

    found = client.policies.get_policy("table", "c.s.t", "mask_pii")
    assert found.id == made.id
    assert found.except_principals == ["g"]
    assert found.created_by == fake.me
    client.policies.delete_policy("table", "c.s.t", "mask_pii")
    with pytest.raises(NotFound):
        client.policies.get_policy("table", "c.s.t", "mask_pii")


def test_a_name_is_taken_once_on_each_object(client):
    client.policies.create_policy(info())
    client.policies.create_policy(
        info(on_securable_type=SecurableType.SCHEMA, on_securable_fullname="c.s")
    )

    with pytest.raises(AlreadyExists):
        client.policies.create_policy(info())


def test_inherited_policies_are_listed_when_asked_for_and_pages_may_be_empty(fake, client):
    client.policies.create_policy(info())
    client.policies.create_policy(
        info(name="above", on_securable_type=SecurableType.CATALOG, on_securable_fullname="c")
    )
    fake.pages(size=1, empty=1)

    own = [one.name for one in client.policies.list_policies("table", "c.s.t")]
    every = [
        one.name for one in client.policies.list_policies("table", "c.s.t", include_inherited=True)
    ]

    assert own == ["mask_pii"]
    assert set(every) == {"mask_pii", "above"}


def test_an_update_writes_what_its_mask_names_and_nobody_is_warned(fake, client):
    """There is no etag: the second writer replaces the list of the first."""
    client.policies.create_policy(info())

    for name in ("ann@x.org", "bob@x.org"):
        client.policies.update_policy(
            "table",
            "c.s.t",
            "mask_pii",
            info(except_principals=[name]),
            update_mask="except_principals",
        )

    found = client.policies.get_policy("table", "c.s.t", "mask_pii")
    assert found.except_principals == ["bob@x.org"]
    assert found.to_principals == ["account users"]


def test_without_a_mask_everything_that_is_sent_is_written(client):
    client.policies.create_policy(info(comment="kept"))

    client.policies.update_policy("table", "c.s.t", "mask_pii", info(name="other", comment="new"))

    assert client.policies.get_policy("table", "c.s.t", "other").comment == "new"
    with pytest.raises(InvalidParameterValue):
        client.policies.update_policy("table", "c.s.t", "other", info(), update_mask="created_at")


def test_a_policy_does_not_take_the_name_of_another(client):
    client.policies.create_policy(info())
    client.policies.create_policy(info(name="other"))

    with pytest.raises(AlreadyExists):
        client.policies.update_policy("table", "c.s.t", "other", info(), update_mask="name")


def test_a_policy_of_a_type_that_there_is_not_is_refused(ask):
    body = info().as_dict() | {"policy_type": "POLICY_TYPE_SHRUG"}

    assert ask("POST", UC, body)[0] == 400


def test_a_field_that_the_mask_names_and_nobody_sends_is_emptied(client):
    client.policies.create_policy(info())

    client.policies.update_policy(
        "table", "c.s.t", "mask_pii", info(except_principals=None), update_mask="except_principals"
    )

    assert not client.policies.get_policy("table", "c.s.t", "mask_pii").except_principals


@pytest.mark.parametrize(
    "changes",
    [
        {"to_principals": []},
        {"for_securable_type": SecurableType.SCHEMA},
        {"column_mask": None},
        {"column_mask": ColumnMaskOptions(function_name="c.s.f", on_column="other")},
        {"match_columns": [MatchColumn(alias="m", condition="tag = 'pii'")] * 4},
        {"match_columns": [MatchColumn(alias="m", condition="has_tag(")]},
        {"when_condition": "drop table"},
        {"name": ""},
        {"on_securable_type": SecurableType.VOLUME},
        {"except_principals": ["g"] * 20},
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(fake, client, changes):
    with pytest.raises(InvalidParameterValue):
        client.policies.create_policy(info(**changes))

    assert fake.snapshot()["policies"] == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"except_principals": ["nobody"]},
        {"to_principals": ["users"]},
        {"column_mask": ColumnMaskOptions(function_name="c.s.nothing", on_column="m")},
        {"on_securable_fullname": "c.s.nothing"},
    ],
)
def test_a_policy_about_what_is_not_there_is_not_found(client, changes):
    with pytest.raises(NotFound):
        client.policies.create_policy(info(**changes))


def test_a_policy_is_made_by_who_manages_the_object_and_may_call_the_function(fake, client):
    fake.own("bob@x.org", "function", "c.s.f")
    with pytest.raises(PermissionDenied, match="EXECUTE"):
        client.policies.create_policy(info())

    fake.give(fake.me, "EXECUTE", "schema", "c.s")
    fake.take(fake.me, "MANAGE", "catalog", "c")
    with pytest.raises(PermissionDenied, match="MANAGE"):
        client.policies.create_policy(info())
    with pytest.raises(PermissionDenied):
        list(client.policies.list_policies("table", "c.s.t"))


def test_the_number_of_policies_on_an_object_is_limited(client):
    from databricks.sdk.errors import ResourceExhausted

    for number in range(50):
        client.policies.create_policy(info(name=f"p{number}"))

    with pytest.raises(ResourceExhausted, match="Too many"):
        client.policies.create_policy(info())


def test_the_type_in_the_path_is_no_member_of_an_enum(client):
    with pytest.raises(InvalidParameterValue):
        client.policies.get_policy(str(SecurableType.TABLE), "c.s.t", "mask_pii")
