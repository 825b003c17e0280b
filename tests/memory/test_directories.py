"""Stored people, and people made up for a test, answer the same questions the same way."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from attrs import evolve

from marketplace_sdk.domain.people import GroupFacts, Person
from marketplace_sdk.domain.selectors import (
    attribute,
    domain_permission,
    group,
    permission,
    user,
)
from marketplace_sdk.errors import DirectoryError, StorageError
from marketplace_sdk.memory.directory import MemoryDirectory, StoredDirectory
from marketplace_sdk.testing import FrozenClock, MemoryStorage
from marketplace_sdk.work.unit import unit_of_work

BOB = Person(
    id="bob",
    groups={"Finance / stewards"},
    attributes=frozenset({("country", "de")}),
    permissions={"PRIVACY_REVIEW"},
    principals={"lake": "BOB"},
)
ANN = Person(id="ann", groups={"Finance / stewards"})
BOT = Person(id="abot", kind="service_account", owner="bob", groups={"Finance / stewards"})
LEAVER = Person(id="lea", active=False, groups={"Finance / stewards", "Old"})
LINKED = GroupFacts(name="analysts", principals={"lake": "ANALYSTS"})


def stored(clock):
    storage = MemoryStorage()
    storage.setup()
    ids = map(str, itertools.count())
    with unit_of_work(storage, now=clock(), ids=lambda: next(ids), actor="test") as unit:
        for value in (BOB, ANN, BOT, LEAVER, LINKED):
            unit.save(value)
    return StoredDirectory(storage, clock)


def memory(clock):
    return MemoryDirectory([BOB, ANN, BOT, LEAVER], [LINKED], clock)


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture(params=[stored, memory])
def directory(request, clock):
    return request.param(clock)


def test_a_person_comes_with_everything_and_as_of_now(directory, clock):
    clock.advance(hours=1)

    assert directory.person("bob") == evolve(BOB, as_of=clock())


def test_several_people_come_at_once_as_each_comes_alone(directory, clock):
    clock.advance(hours=1)
    ids = ["bob", "eve", "lea"]

    found = directory.find_people(ids)

    assert found == {id: directory.person(id) for id in ("bob", "lea")}
    assert directory.find_people([]) == {}


def test_a_leaver_is_known_as_inactive(directory):
    assert not directory.person("lea").active


def test_nobody_knows_a_stranger(directory):
    assert directory.person("eve") is None
    assert directory.person("BOB") is None


def test_a_group_comes_with_its_principals(directory):
    assert directory.group("analysts") == LINKED


def test_a_group_that_an_active_person_is_in_exists_without_principals(directory):
    assert directory.group("Finance / stewards") == GroupFacts(name="Finance / stewards")


def test_a_group_of_leavers_only_does_not_exist(directory):
    assert directory.group("Old") is None
    assert directory.group("finance / stewards") is None


@pytest.mark.parametrize(
    ("selector", "ids"),
    [
        (user("bob"), ["bob"]),
        (user("lea"), []),
        (group("Finance / stewards"), ["ann", "bob"]),
        (attribute("country", "de"), ["bob"]),
        (permission("PRIVACY_REVIEW"), ["bob"]),
        (domain_permission("MANAGE_DATA_PRODUCTS").bound("sales"), []),
    ],
)
def test_members_are_active_people_who_match(directory, selector, ids):
    assert list(directory.members(selector, 10)) == ids


def test_members_are_limited_and_accounts_do_not_count(directory):
    assert list(directory.members(group("Finance / stewards"), 1)) == ["ann"]


def test_a_store_that_cannot_be_read_is_a_directory_error(clock):
    class Broken:
        def begin(self, *, write=True):
            raise StorageError("gone", retryable=True)

    directory = StoredDirectory(Broken(), clock)

    for ask in (
        lambda: directory.person("bob"),
        lambda: directory.group("g"),
        lambda: directory.members(group("g"), 1),
    ):
        with pytest.raises(DirectoryError, match="gone") as caught:
            ask()
        assert caught.value.retryable


def test_made_up_people_come_and_go(clock):
    directory = MemoryDirectory(clock=clock)

    directory.put(BOB)
    directory.put_group(LINKED)
    found = directory.person("bob")
    directory.remove("bob")
    directory.remove("bob")

    assert found.id == "bob"
    assert directory.person("bob") is None
    assert directory.group("analysts") == LINKED


def test_without_a_clock_a_person_keeps_the_moment_they_were_given_with(clock):
    old = evolve(BOB, as_of=clock() - timedelta(days=1))

    assert MemoryDirectory([old]).person("bob") == old
    assert MemoryDirectory([BOB]).person("bob").as_of is None


def test_a_made_up_directory_can_be_out_of_order(clock):
    directory = MemoryDirectory([BOB], clock=clock)
    directory.fail(3)

    for ask in (
        lambda: directory.person("bob"),
        lambda: directory.group("g"),
        lambda: directory.members(group("g"), 1),
    ):
        with pytest.raises(DirectoryError):
            ask()

    assert directory.person("bob") is not None
