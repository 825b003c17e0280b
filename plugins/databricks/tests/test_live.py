"""A whole life of access on a workspace: the same checks on a real one, if asked for, and the fake.

``pytest -m live plugins/databricks`` runs them on the workspace that MARKETPLACE_LIVE_DATABRICKS_…
names, in a catalog whose name begins with ``mp_live_``. A plain run leaves them out.
"""

from __future__ import annotations

import pytest
from plugins.databricks.tests.ground import (
    VARIABLES,
    Ground,
    LiveGround,
    checked_catalog,
    live_settings,
)
from plugins.databricks.tests.helpers import Lake, add, call_for, remove, results

from marketplace_sdk_databricks import protecting, steps
from marketplace_sdk_databricks.naming import as_path
from marketplace_sdk_databricks.protecting import Wanted


class Checks:
    """What must be so on every workspace; judged by another look than the plugin's own."""

    @pytest.mark.parametrize("strategy", ["direct", "group"])
    @pytest.mark.parametrize("number", [0, 1])
    def test_access_is_given_and_taken(self, ground, lake, strategy, number):
        """The second table's name holds a ``#``: nothing may happen to the first."""
        provisioner = lake.provisioner(**ground.settings, strategy=strategy)
        self.listen(provisioner)
        table, other = ground.tables[number], ground.tables[1 - number]
        before = self.held(provisioner, table), self.held(provisioner, other)
        items = lake.plan(provisioner, [table], ground.user, key=f"product:{strategy}{number}")

        given = add(provisioner, items)
        again = add(provisioner, items)
        during = self.held(provisioner, table)
        seen = provisioner.observe({item.scope for item in items}, (), call_for(60))
        taken = remove(provisioner, items)

        assert results(given) == ["done"] * len(items), given
        assert results(again) == ["already"] * len(items), again
        assert {item.key for item in items} <= {key for each in seen.values() for key in each.items}
        assert during != before[0]
        assert results(taken) == ["done"] * len(items), taken
        assert (self.held(provisioner, table), self.held(provisioner, other)) == before
        self.keep(f"access-{strategy}-{number}")

    def test_a_mask_is_set_up_and_an_exception_made(self, ground, lake):
        provisioner = lake.provisioner(**ground.settings)
        self.listen(provisioner)
        wanted = Wanted(table=ground.tables[0], column="email")
        with provisioner.site(call_for(120)) as site:
            steps.run(site, protecting.plan_protect(site, wanted))
        guarded = lake.plan(provisioner, [ground.tables[0]], ground.user, masked=["email"])
        items = lake.plan(provisioner, [ground.tables[0]], ground.user, column="email")

        guards = {guard for item in guarded for guard in item.guards}
        seen = provisioner.observe({item.scope for item in items}, guards, call_for(60))
        given, taken = add(provisioner, items), remove(provisioner, items[-1:])
        with provisioner.site(call_for(120)) as site:
            steps.run(site, protecting.plan_unprotect(site, wanted))
            table = site.client.tables.get(as_path(ground.tables[0]))

        assert [answer for each in seen.values() for answer in each.guards.values()] == [True]
        assert set(results(given)) <= {"done", "already"}, given
        assert results(taken) == ["done"], taken
        assert all(column.mask is None for column in table.columns)
        self.keep("mask")

    def test_what_is_there_is_found(self, ground, lake):
        provisioner = lake.provisioner(**ground.settings)

        found = {each.name for each in provisioner.discover(f"{ground.schema}.*", call_for(60))}

        assert found == set(ground.tables)

    def held(self, provisioner, table):
        """Everybody's privileges on a table, as the service says, without an order."""
        with provisioner.site(call_for(60)) as site:
            found = site.client.api_client.do(
                "GET", f"/api/2.1/unity-catalog/permissions/table/{as_path(table)}"
            )
        return {
            (each.get("principal"), *sorted(each.get("privileges", ())))
            for each in found.get("privilege_assignments", ())
        }

    def listen(self, provisioner):
        """Nobody records the fake."""

    def keep(self, name):
        """The same."""


class TestOnTheFake(Checks):
    @pytest.fixture
    def ground(self, fake):
        fake.schema("c.s")
        fake.manage(fake.me, "catalog", "c")
        fake.own(fake.me, "schema", "c.s")
        for table in ("c.s.t1", "c.s.t1#x"):
            fake.table(table, {"id": "BIGINT", "email": "STRING"}, owner=fake.me)
        fake.user("ann@x.org")
        settings = {"warehouse_id": fake.warehouse_id}
        return Ground(
            settings=settings, schema="c.s", tables=("c.s.t1", "c.s.t1#x"), user="ann@x.org"
        )

    @pytest.fixture
    def lake(self, fake):
        made = Lake(fake)
        yield made
        made.close()


@pytest.mark.live
class TestOnAWorkspace(Checks):
    @pytest.fixture
    def lake(self):
        made = Lake(None)
        yield made
        made.close()

    @pytest.fixture
    def place(self, lake):
        with LiveGround(lake.provisioner) as place:
            yield place

    @pytest.fixture
    def ground(self, place):
        self.place = place
        return place.ground

    def listen(self, provisioner):
        self.place.listen(provisioner)

    def keep(self, name):
        self.place.keep(name)


@pytest.mark.parametrize("name", ["", "main", "mp_live", "mp_live_", "xmp_live_a", "mp_live_a.b", "mp_live_A"])  # fmt: skip
def test_nothing_is_done_in_a_catalog_of_somebody(name):
    with pytest.raises(ValueError, match="must begin with"):
        checked_catalog(name)


def test_what_is_missing_for_a_real_workspace_is_told():
    everything = {f"MARKETPLACE_LIVE_DATABRICKS_{key}": "x" for key in VARIABLES}

    with pytest.raises(LookupError, match="_HOST"):
        live_settings({})
    with pytest.raises(ValueError, match="must begin with"):
        live_settings(everything)
    assert live_settings({**everything, "MARKETPLACE_LIVE_DATABRICKS_CATALOG": "mp_live_a"})
