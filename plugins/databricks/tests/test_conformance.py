"""Databricks passes the kit of provisioners, over HTTP, with the least rights, in both strategies."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from marketplace_sdk.testing.conformance import ProvisionerConformance, ProvisionerWorld
from marketplace_sdk_databricks.provisioner import DatabricksProvisioner
from marketplace_sdk_databricks.settings import read_settings

LACKS = {
    "exact_case": "Unity Catalog keeps names of objects in lower case",
    "hostile_names": "Unity Catalog allows no dots, slashes and blanks in names of objects",
    "markers": "a grant of Unity Catalog and a membership do not say who gave them",
    "set_until": "a grant and a membership have no end of their own",
}


class DatabricksWorld(ProvisionerWorld):
    """A catalog that our service principal manages, and users who ask."""

    crowd = 12

    def __init__(self, fake, strategy):
        self.fake = fake
        self.strategy = strategy
        self.secrets = (fake.token,)
        self.columns = {}
        self.made = []
        self.groups = {}
        fake.schema("c.s")
        fake.manage(fake.me, "catalog", "c")
        fake.pages(size=5, empty=1)

    def connect(self, installation):
        settings = read_settings(
            {
                **self.fake.settings,
                "strategy": self.strategy,
                "requests_per_second": 10_000,
                "exception_groups": dict(self.groups),
            },
            lambda reference: reference,
        )
        self.made.append(DatabricksProvisioner(settings, installation=installation, name="lake"))
        return self.made[-1]

    def make_object(self, word, columns=("id",)):
        name = f"c.s.{word}"
        self.columns[name] = columns
        self.fake.table(name, dict.fromkeys(columns, "STRING"))
        return name

    def make_principal(self, word):
        self.fake.user(f"{word}@x.org")
        return f"{word}@x.org"

    def can_read(self, principal, object):
        return self.fake.what_does(principal, object, self.columns[object][0]) != "none"

    def sees_clear(self, principal, object, column):
        return self.fake.what_does(principal, object, column) == "clear"

    def snapshot(self):
        """Everything but who administers what."""
        return _frozen(self.fake.snapshot())

    def grant_by_hand(self, principal, object):
        for privilege, type, name in (
            ("USE_CATALOG", "catalog", "c"),
            ("USE_SCHEMA", "schema", "c.s"),
            ("SELECT", "table", object),
        ):
            self.fake.give(principal, privilege, type, name)

    def intrude(self, principal, object, scope):
        if self.strategy == "direct":
            self.grant_by_hand(principal, object)
        else:
            group = scope.key.split("|")[3]
            self.fake.add_member(group, principal)

    def protect(self, object, column):
        """By a mask of its owner, who names the group that it lets through."""
        group = f"clear {object} {column}"
        function = f"{object}_{column}_mask"
        self.fake.group(group, managers=[self.fake.me])
        self.fake.function(
            function, f"CASE WHEN is_account_group_member('{group}') THEN v ELSE NULL END"
        )
        self.fake.mask(object, column, function)
        self.groups[f"{object}.{column}"] = group

    def unprotect(self, object, column):
        self.fake.mask(object, column, None)

    def replace_object(self, object):
        self.fake.drop("table", object)
        self.make_object(object.removeprefix("c.s."), self.columns[object])

    def replace_principal(self, principal):
        self.fake.drop("user", principal)
        self.fake.user(principal)

    @contextmanager
    def unreachable(self):
        self.fake.faults.add(drop=True, times=None)
        try:
            yield
        finally:
            self.fake.faults.clear()

    @contextmanager
    def refusing(self, object):
        self.fake.faults.add(
            "PATCH",
            f"*/permissions/table/{object}",
            times=None,
            status=403,
            error_code="PERMISSION_DENIED",
            message="User does not have MANAGE on Table",
        )
        try:
            yield
        finally:
            self.fake.faults.clear()

    def close(self):
        for each in self.made:
            each.close()


def _frozen(value):
    if isinstance(value, dict):
        return frozenset((_frozen(key), _frozen(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(_frozen(each) for each in value)
    return value


class TestDirect(ProvisionerConformance):
    """SELECT, USE SCHEMA and USE CATALOG for each beneficiary."""

    lacks = LACKS

    @pytest.fixture
    def world(self, fake):
        made = DatabricksWorld(fake, "direct")
        yield made
        made.close()


class TestGroup(ProvisionerConformance):
    """One account group for each product, and membership for each beneficiary."""

    lacks = LACKS

    @pytest.fixture
    def world(self, fake):
        made = DatabricksWorld(fake, "group")
        yield made
        made.close()
