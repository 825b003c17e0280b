"""The entry point: what it announces and what it makes of settings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketplace_sdk.errors import InvalidInput
from marketplace_sdk.plugin import BuildContext
from marketplace_sdk.ports.provisioner import Ref, Resolved
from marketplace_sdk_postgres.plugin import marketplace_provisioners


@pytest.fixture
def context(platform):
    return BuildContext(
        installation="inst1234",
        name="warehouse",
        clock=lambda: datetime.now(UTC),
        secret={"env:LAKE": platform._admin_dsn}.__getitem__,
    )


def test_the_connection_string_may_be_a_reference_to_a_secret(platform, context, within):
    (spec,) = marketplace_provisioners()
    person = platform.person("plugin_person")

    for dsn in ("env:LAKE", platform._admin_dsn):
        provisioner = spec.build({"plugin": "postgres", "may_grant": ["*"], "dsn": dsn}, context)
        (answer,) = provisioner.resolve([Ref("principal", person)], within(10)).values()
        provisioner.close()
        assert isinstance(answer, Resolved)


@pytest.mark.parametrize("settings", [{}, {"dsn": 5}, {"dsn": "host=x", "schema": "y"}])
def test_settings_that_are_missing_mistyped_or_unknown_are_refused(settings, context):
    (spec,) = marketplace_provisioners()

    with pytest.raises(InvalidInput):
        spec.build(settings, context)


def test_the_plugin_is_found_by_its_entry_point():
    from importlib.metadata import entry_points

    (entry,) = entry_points(group="marketplace_sdk", name="postgres")

    assert entry.load().marketplace_provisioners is marketplace_provisioners


def test_what_it_can_do_is_the_same_with_and_without_its_spec():
    from marketplace_sdk_postgres.provisioner import PostgresProvisioner

    (spec,) = marketplace_provisioners()

    assert spec.capabilities == PostgresProvisioner.capabilities
    for ability in ("discover", "doctor"):
        assert callable(getattr(PostgresProvisioner, ability))
