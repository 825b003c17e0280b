"""Looking after a real platform: previews come true, drift is seen and repaired, nothing stays."""

from __future__ import annotations

import pytest

from tests.world import LEGAL, any_of


@pytest.fixture
def approved(world):
    """con's access on a product of any{Legal}, active, without end."""
    product = world.publish(any_of(LEGAL))
    request = world.ask(product)
    world.preview = world.market.grants.preview(request.id, by="ana")
    world.approve(request, "ana")
    world.deliver()
    assert world.reads("con") == "clear"
    (world.grant,) = world.market.grants.of("con", by="con").items
    return request


def run(world, statement):
    return world.platform.platform.run(statement)


def role_of(world, who):
    """The one role of ours that a person is in."""
    rows = run(
        world,
        "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid "
        f"JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = '{world.principals[who]}'",
    )
    ((role,),) = rows
    return role


def kinds(world):
    return [each.kind for each in world.market.grants.drift(by="gil").findings]


def test_what_the_preview_said_is_what_the_platform_was_told(world, approved):
    items = world.market.grants.get(world.grant.id, by="con").items

    assert sorted(item.statement for item in items) == sorted(
        change.statement for change in world.preview.changes
    )
    assert all((item.state, item.origin) == ("present", "ours") for item in items)
    assert kinds(world) == []


def test_a_stranger_in_our_role_is_seen_and_left_alone(world, approved):
    run(world, f'GRANT "{role_of(world, "con")}" TO "{world.principals["pat"]}"')

    assert kinds(world) == ["extra_member"]
    world.market.grants.repair(by="gil")
    world.deliver()
    assert world.reads("pat") == "clear"


def test_what_an_administrator_took_away_is_seen_and_put_back(world, approved):
    run(world, f'REVOKE "{role_of(world, "con")}" FROM "{world.principals["con"]}"')
    assert world.reads("con") == "none"

    assert kinds(world) == ["missing"]
    world.market.grants.repair(by="gil")
    world.deliver()

    assert world.reads("con") == "clear"
    assert kinds(world) == []


@pytest.mark.parametrize("same", [True, False])
def test_a_table_that_was_made_again_is_followed_for_the_same_owner_and_held_for_another(
    world, approved, same
):
    table, login = world.objects["people"], world.platform.login
    run(world, f"DROP TABLE {table}")
    world.platform.platform.table(table, ["id", "name", "salary"])
    run(world, f"GRANT SELECT ON {table} TO {login} WITH GRANT OPTION")
    if not same:
        run(world, f'ALTER TABLE {table} OWNER TO "{world.principals["pat"]}"')
    assert "replaced" in kinds(world)
    world.market.sources.update("people", description="made again", by="gil")

    world.deliver()

    assert (world.reads("con") == "clear") is same
    about = world.market.audit.events(by="aud", limit=1000)
    (event,) = [row for row in about if row.type == "object.replaced"]
    assert event.payload["decision"] == ("granted_again" if same else "held")
    if not same:
        world.market.sources.accept_replaced("people", by="gil")
        world.deliver()
        assert world.reads("con") == "clear"


def test_a_new_owner_is_told_and_accepted(world, approved):
    table, login = world.objects["people"], world.platform.login
    owner = world.principals["pat"]
    run(world, f'ALTER TABLE {table} OWNER TO "{owner}"')
    run(world, f"GRANT SELECT ON {table} TO {login} WITH GRANT OPTION")
    assert "owner_changed" in kinds(world)

    world.market.sources.accept_owner("people", owner, by="gil")

    assert "owner_changed" not in kinds(world)
    assert world.reads("con") == "clear"
    run(world, f"ALTER TABLE {table} OWNER TO CURRENT_USER")


def test_uninstalling_leaves_no_role_behind(world, approved):
    role = role_of(world, "con")

    done = world.market.uninstall("lake", dry_run=False)

    assert done.problems == ()
    assert world.reads("con") == "none"
    assert list(run(world, f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'")) == []
    assert list(run(world, r"SELECT 1 FROM pg_roles WHERE rolname LIKE 'mp\_%'")) == []
