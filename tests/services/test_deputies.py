"""Naming a deputy: for whom, for how long, about what, who sees it, and how it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace_sdk import (
    Actor,
    Conflict,
    DuplicateName,
    Duration,
    InvalidInput,
    NotAllowed,
    NotFound,
    Page,
    Person,
    group,
)
from tests.services.helpers import nothing_written, small_world, types_of
from tests.services.test_leavers import Company
from tests.world import LEGAL, any_of

WEEK = Duration(1, "weeks")


def name(world, deputy="sal", *, by="ana", until=WEEK, **more):
    return world.market.deputies.name(deputy, until=until, by=by, **more)


def problems(world, **more):
    with nothing_written(world), pytest.raises(InvalidInput) as refused:
        name(world, **more)
    return {each.path for each in refused.value.problems}


def test_what_was_named_is_on_record_and_the_deputy_is_told(small):
    ship = name(small, id="away")

    now = small.clock()
    assert (ship.person, ship.deputy, ship.scope) == ("ana", "sal", "everything")
    assert (ship.since, ship.until, ship.named_at) == (now, now + timedelta(days=7), now)
    assert small.market.deputies.get("away", by="sal") == ship
    assert types_of(small, "deputyship:away") == ["deputyship.named"]
    assert small.told("ana") == []
    (message,) = small.market.inbox.of("sal", by="sal") if small.told("sal") else ()
    assert message.subject == (
        "sal may decide for ana: everything, from 2026-01-01 12:00 UTC until 2026-01-08 12:00 UTC."
    )


def test_the_end_is_counted_from_the_beginning_or_given(small):
    begins = small.clock() + timedelta(days=30)
    ends = begins + timedelta(hours=8)

    assert name(small, since=begins).until == begins + timedelta(days=7)
    assert name(small, since=begins, until=timedelta(hours=8)).until == ends
    assert name(small, since=begins, until=ends).until == ends


@pytest.mark.parametrize(
    ("window", "wrong"),
    [
        ({"until": None}, {"until"}),
        ({"until": "a week"}, {"until"}),
        ({"until": datetime(2026, 1, 8, 12)}, {"until"}),  # noqa: DTZ001 - that is what is refused
        ({"until": datetime(2026, 1, 1, 12, tzinfo=UTC)}, {"until"}),
        ({"until": datetime(2025, 12, 31, tzinfo=UTC)}, {"until"}),
        ({"until": Duration(366, "days")}, {"until"}),
        ({"since": datetime(2025, 12, 31, tzinfo=UTC)}, {"since"}),
        ({"since": datetime(2027, 1, 2, tzinfo=UTC)}, {"since"}),
        ({"since": "now"}, {"since"}),
        (
            {
                "since": datetime(2026, 2, 1, tzinfo=UTC),
                "until": datetime(2026, 1, 31, tzinfo=UTC),
            },
            {"until"},
        ),
    ],
)
def test_a_window_without_an_end_in_the_past_or_longer_than_a_year_is_refused(small, window, wrong):
    assert problems(small, **window) == wrong


def test_a_year_to_the_day_is_the_most(small):
    assert name(small, until=Duration(1, "years")).until == datetime(2027, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "deputy", ["ana", "nobody", "SAL", "eve", "robot", "system", "", group("Legal")]
)
def test_a_deputy_is_another_active_person(small, deputy):
    """Not oneself, nobody unknown or inactive, no account, no group, no reserved id."""
    small.market.people.add("eve", by="uma")
    small.market.people.deactivate("eve", by="uma")
    small.market.people.add("robot", kind="service_account", owner="sal", by="uma")

    assert problems(small, deputy=deputy) == {"deputy"}


def test_only_people_have_deputies(small):
    small.market.people.add("robot", kind="service_account", owner="sal", by="uma")
    job = small.market.as_system("a night job")

    with pytest.raises(NotAllowed, match="only people"):
        name(small, by="robot")
    with pytest.raises(NotAllowed, match="only people"):
        job.deputies.name("sal", until=WEEK)


def test_a_scope_is_one_domain_or_one_product_that_one_may_see(small):
    small.publish(name="Heads", id="heads")

    assert name(small, domain="HR").scope == "domain HR"
    assert name(small, product="heads").scope == "product heads"
    assert problems(small, domain="HR", product="heads") == {"domain"}
    for scope in ({"domain": "NONE"}, {"product": "none"}):
        with pytest.raises(NotFound):
            name(small, **scope)


def test_a_hidden_product_is_no_scope_for_whoever_may_not_see_it():
    world = small_world(hide_products=True)
    world.publish(any_of(LEGAL), name="Heads", id="heads")

    assert name(world, product="heads", by="ana").product == "heads"
    with pytest.raises(NotFound):
        name(world, deputy="ana", product="heads", by="sal")
    world.close()


def test_the_same_id_again_is_a_no_op_and_with_something_else_a_conflict(small):
    ship = name(small, id="away")
    small.clock.advance(days=1)

    with nothing_written(small):
        assert name(small, id="away") == ship
    for other in ({"deputy": "fay"}, {"until": Duration(2, "weeks")}, {"domain": "HR"}):
        with nothing_written(small), pytest.raises(DuplicateName):
            name(small, id="away", **other)
    with nothing_written(small), pytest.raises(DuplicateName):
        name(small, "fay", id="away", by="bo")


def test_there_is_an_end_to_how_many_one_has(small):
    """Each deputy is told of everything that waits."""
    for number in range(50):
        small.market.people.add(f"d{number}", by="uma")
        name(small, f"d{number}", id=f"d{number}")

    with pytest.raises(Conflict) as refused:
        name(small)
    assert refused.value.code == "too_many_deputyships"
    small.market.deputies.end("d7", by="ana")
    assert name(small).deputy == "sal"


@pytest.mark.parametrize("by", ["ana", "sal", "uma", "gil"])
def test_either_of_the_two_user_admin_and_governance_end_it(small, by):
    name(small, id="away")
    small.deliver()
    ended = small.market.deputies.end("away", by=by)

    assert (ended.ended_at, ended.ended_by) == (small.clock(), by)
    assert types_of(small, "deputyship:away") == ["deputyship.named", "deputyship.ended"]
    told = {who for who in ("ana", "sal") if "deputy_ended" in small.told(who)}
    assert told == {"ana", "sal"} - {by}
    with nothing_written(small):
        assert small.market.deputies.end("away", by="gil") == ended


def test_what_is_over_by_time_is_not_ended_again(small):
    ship = name(small, id="away")
    small.clock.advance(days=8)

    with nothing_written(small):
        assert small.market.deputies.end("away", by="ana") == ship


def test_others_do_not_know_of_it(small):
    """Audit reads it and ends nothing."""
    name(small, id="away")

    assert small.market.deputies.get("away", by="aud").person == "ana"
    with pytest.raises(NotAllowed):
        small.market.deputies.end("away", by="aud")
    for who in ("fay", "dee", "ada", "bo"):
        assert small.market.deputies.find(of="ana", by=who) == Page(())
        for act in (small.market.deputies.get, small.market.deputies.end):
            with pytest.raises(NotFound):
                act("away", by=who)


def test_lists_tell_whose_and_whether_they_are_live(small):
    first = name(small, id="a")
    second = name(small, id="b", deputy="fay", since=small.clock() + timedelta(days=30))
    third = name(small, id="c", by="bo")
    find = small.market.deputies.find

    assert set(find(by="gil")) == {first, second, third}
    assert find(of="ana", by="gil").items == (second, first)
    assert set(find(deputy="sal", by="gil")) == {first, third}
    assert find(of="ana", live=True, by="gil").items == (first,)
    assert find(of="ana", live=False, by="gil").items == (second,)
    assert set(find(by="sal")) == {first, third}
    page = find(limit=2, by="gil")
    assert len({*page, *find(limit=2, after=page.next, by="gil")}) == 3


@pytest.mark.parametrize("who", ["ana", "sal"])
def test_when_one_of_the_two_leaves_it_ends(small, who):
    name(small, id="away")
    small.market.people.deactivate(who, by="uma")

    assert small.market.deputies.get("away", by="gil").ended_by == "uma"
    small.market.people.reactivate(who, by="uma")
    assert small.market.deputies.find(live=True, by="gil") == Page(())


def test_when_one_of_the_two_is_erased_it_ends_and_the_ids_stay(small):
    name(small, id="away")
    small.market.people.deactivate("sal", by="uma")
    ship = name(small, "fay", id="other")

    small.market.audit.erase("fay", reason="asked to", by="gil")

    kept = small.market.deputies.get("other", by="gil")
    assert (kept.deputy, kept.ended_by) == (ship.deputy, "gil")
    assert small.market.audit.verify().ok


def test_a_directory_elsewhere_says_who_may_be_one_and_who_has_left():
    company = Company()
    company.put("sal")
    company.people.put(Person(id="eve", active=False))
    market = company.market
    for deputy in ("eve", "nobody"):
        with pytest.raises(InvalidInput, match="deputy"):
            market.deputies.name(deputy, until=WEEK, by="ana")
    market.deputies.name("sal", until=WEEK, id="away", by=Actor("ana"))

    company.people.put(Person(id="sal", active=False))
    company.clock.advance(days=1)
    market.deliver()

    assert market.deputies.get("away", by="gil").ended_by == "system"
    market.close()
