"""Who is who: the first person, platform names, and a directory of the company's own."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from marketplace_sdk import (
    Actor,
    DirectoryError,
    DuplicateName,
    GroupFacts,
    InvalidInput,
    Marketplace,
    MarketplaceError,
    NotAllowed,
    Person,
    group,
    user,
)
from marketplace_sdk.testing import FrozenClock, MemoryDirectory
from tests.services.helpers import nothing_written, small_world, types_of
from tests.world import LEGAL, PEOPLE, any_of


def test_the_first_person_of_an_empty_directory_needs_no_actor():
    """Bootstrap: once, audited, and they must be able to add others."""
    with Marketplace(discover=False) as market:
        with pytest.raises(NotAllowed, match="USER_ADMIN"):
            market.people.add("gil", permissions=["GOVERNANCE"])
        market.people.add("uma", permissions=["USER_ADMIN"])
        assert market.people.add("uma", permissions=["USER_ADMIN"]).id == "uma", "a no-op"
        for again in (
            {"id": "eve", "permissions": ["USER_ADMIN"]},
            {"id": "uma", "permissions": []},
        ):
            with pytest.raises(NotAllowed):
                market.people.add(**again)
        market.people.add("aud", permissions=["AUDIT"], by="uma")
        assert [row.type for row in market.audit.events("person:uma", by="aud")] == ["person.added"]


def test_giving_governance_is_recorded(small):
    """GOVERNANCE, also for oneself, raises an audit event."""
    small.market.people.update("uma", permissions=["USER_ADMIN", "GOVERNANCE"], by="uma")

    assert types_of(small, "person:uma")[-1] == "person.empowered"


def test_a_platform_name_belongs_to_one_and_one_has_one(small):
    """Unique both ways: people, service accounts and groups share the names of a connection."""
    people = small.market.people
    taken = small.principals["con"]
    people.add("robot", kind="service_account", owner="con", by="uma")
    for who in ("pat", "robot", "dee", group("Legal")):
        with nothing_written(small), pytest.raises(DuplicateName, match="somebody else"):
            people.link(who, "lake", taken, by="uma")
    with nothing_written(small), pytest.raises(DuplicateName):
        people.add("new", principals={"lake": taken}, by="uma")

    people.link("con", "lake", "con_new", by="uma")
    assert people.get("con", by="con").principals["lake"] == "con_new"
    people.link("dee", "lake", taken, by="uma")


def test_nobody_links_themselves(small):
    """Never by the person."""
    with nothing_written(small), pytest.raises(NotAllowed, match="USER_ADMIN"):
        small.market.people.link("con", "lake", "root", by="con")
    for who in ("uma", user("uma")):
        with nothing_written(small), pytest.raises(NotAllowed, match="another USER_ADMIN"):
            small.market.people.link(who, "lake", "root", by="uma")


def test_an_actor_may_be_bound(small):
    """`acting(actor)`: the same services, bound."""
    product = small.publish(any_of(LEGAL))
    mine = small.market.acting(Actor("con", via="web"))
    assert mine.actor == Actor("con", via="web")
    assert small.market.acting("con").actor == Actor("con")
    assert small.market.actor is None

    request = mine.requests.request_access(product.id, answers={"why": "x"})

    assert request.requester == "con"
    with pytest.raises(NotAllowed):
        small.market.acting("system").people.find()


def test_a_service_account_has_a_known_owner(small):
    """Also when it is changed."""
    people = small.market.people
    for wrong in ({"owner": ""}, {"owner": "nobody"}):
        with nothing_written(small), pytest.raises(InvalidInput):
            people.add("robot", kind="service_account", by="uma", **wrong)
    people.add("robot", kind="service_account", owner="con", by="uma")
    for wrong in ("nobody", "robot"):
        with nothing_written(small), pytest.raises(InvalidInput):
            people.update("robot", owner=wrong, by="uma")
    assert people.update("robot", owner="pat", by="uma").owner == "pat"


def test_who_answers_for_a_service_account_is_a_person_who_is_there(small):
    """Otherwise nobody would be kept from deciding for it."""
    people = small.market.people
    people.add("robot", kind="service_account", owner="pat", by="uma")
    people.deactivate("pat", by="uma")

    for owner in ("pat", "robot"):
        with nothing_written(small), pytest.raises(InvalidInput, match="active person"):
            people.add("other", kind="service_account", owner=owner, by="uma")
    assert people.update("robot", groups=["Robots"], by="uma").owner == "pat", "nothing else stops"


# -- a directory of the company's own ---------------------------------------------------


@pytest.fixture
def company():
    """The same people in a directory elsewhere."""
    clock = FrozenClock()
    directory = MemoryDirectory(clock=clock)
    local = small_world()

    def person(id):
        known = local.market.people.get(id, by="uma")
        directory.put(
            Person(
                id=id,
                groups=known.groups,
                attributes=known.attributes,
                permissions=known.permissions,
                principals=known.principals,
                as_of=clock(),
            )
        )

    for id in ("uma", *PEOPLE):
        person(id)
    product_source = local.market.sources.get("people", by="gil")
    with Marketplace(
        connections={"lake": local.platform.platform},
        directory=directory,
        clock=clock,
        discover=False,
    ) as market:
        market.sources.register(product_source, by="gil")
        market.domains.create("HR", by="gil")
        market.domains.assign("HR", ["people"], by="gil")
        market.domains.grant("HR", permission="MANAGE_DATA_PRODUCTS", to="dee", by="uma")
        local.market.close()
        local.market, local.clock, local.directory = market, clock, directory
        yield local


def test_with_a_directory_elsewhere_everything_works(company):
    """People, groups, permissions and principals come from it."""
    request = company.ask(company.publish(any_of(LEGAL)))
    company.approve(request, "ana")
    company.deliver()

    assert company.reads("con") == "clear"


def test_people_of_another_directory_are_not_kept_here(company):
    """`people.add` and the like are refused, saying where to go."""
    people = company.market.people
    for call in (
        lambda: people.add("new", by="uma"),
        lambda: people.add("new", permissions=["USER_ADMIN"]),
        lambda: people.update("con", groups=["x"], by="uma"),
        lambda: people.deactivate("con", by="uma"),
        lambda: people.link("con", "lake", "x", by="uma"),
        lambda: people.link(group("Legal"), "lake", "x", by="uma"),
    ):
        with nothing_written(company), pytest.raises(NotAllowed, match="directory"):
            call()


@pytest.mark.parametrize("error", [None, ConnectionError("ldap://secret"), KeyError("x")])
def test_a_directory_that_fails_refuses(company, error):
    """A failure refuses with an error of the tree, whatever the directory's code raises."""
    request = company.ask(company.publish(any_of(LEGAL)))

    with nothing_written(company):
        company.directory.fail(1, error)
        with pytest.raises(DirectoryError) as caught:
            company.approve(request, "ana")
    assert caught.value.retryable
    assert "secret" not in str(caught.value)
    assert company.approve(request, "ana").state == "approved"


@pytest.mark.parametrize(("age", "fresh"), [(60, True), (61, False)])
def test_facts_that_are_too_old_refuse(company, age, fresh):
    """Maximum age 60 s."""
    request = company.ask(company.publish(any_of(LEGAL)))
    company.directory._clock = None
    company.clock.advance(seconds=age)

    if fresh:
        assert company.approve(request, "ana").determinations[
            0
        ].as_of == company.clock() - timedelta(seconds=60)
        return
    with nothing_written(company), pytest.raises(DirectoryError, match="older"):
        company.approve(request, "ana")


def test_a_leaver_in_the_directory_cannot_act(company):
    """Removed or inactive there: nothing here."""
    request = company.ask(company.publish(any_of(LEGAL)))
    company.directory.put(Person(id="ana", groups=["Legal"], active=False))
    company.directory.remove("bo")

    for who in ("ana", "bo"):
        with nothing_written(company), pytest.raises(MarketplaceError):
            company.approve(request, who)


def test_a_directory_that_knows_people_in_any_case_makes_nobody_two(company):
    """Ids are case-sensitive: under another id nobody is a beneficiary other than themselves."""
    person = company.directory.person
    company.directory.person = lambda id: person(id.lower())
    company.directory.group = lambda name: GroupFacts(name="Legal", principals={"lake": "x"})
    product = company.publish(any_of(LEGAL))

    for who in ("ANA", group("LEGAL")):
        with nothing_written(company), pytest.raises(InvalidInput, match="known"):
            company.ask(product, by="bo", on_behalf_of=who)
    with nothing_written(company), pytest.raises(NotAllowed):
        company.ask(product, by="CON")


@pytest.mark.parametrize(
    "answer",
    ["con", 5, {}, Person(id="con", as_of=datetime(2026, 1, 1))],  # noqa: DTZ001  # naive is what this is about
    ids=repr,
)
def test_a_directory_that_answers_nonsense_refuses(company, answer):
    """What is no person, or is of no certain time, lets nobody act."""
    product = company.publish(any_of(LEGAL))
    company.directory._clock = None
    company.directory.person = lambda id: answer

    with nothing_written(company), pytest.raises(DirectoryError) as caught:
        company.ask(product)
    assert caught.value.retryable


@pytest.mark.parametrize("error", [DirectoryError("down"), KeyError("ldap://secret")], ids=repr)
def test_a_group_that_cannot_be_looked_up_is_no_beneficiary(company, error):
    """A failure refuses with an error of the tree."""
    product = company.publish(any_of(LEGAL))
    company.directory.group = lambda _: (_ for _ in ()).throw(error)

    with nothing_written(company), pytest.raises(DirectoryError) as caught:
        company.ask(product, on_behalf_of=group("Legal"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [DirectoryError("down", retryable=True), KeyError("x"), None], ids=repr
)
def test_an_unreadable_directory_leaves_stuck_as_it_was(company, error):
    """A submission does not fail because candidates cannot be counted."""
    product = company.publish(any_of(LEGAL))
    broken = company.directory.members

    def members(*_):
        if error is not None:
            raise error

    company.directory.members = members

    request = company.ask(product)

    assert (request.state, request.stuck) == ("pending", ())
    company.directory.members = broken


def test_where_somebody_is_reached_is_kept_and_changed(small):
    """Name, address, language and time zone; empty text takes one away."""
    people = small.market.people
    people.add("ned", name="Ned", email="ned@example.com", time_zone="Europe/Berlin", by="uma")
    changed = people.update("ned", email="", language="pt-BR", by="uma")

    known = people.get("ned", by="ned")
    assert (known.name, known.email, known.language) == ("Ned", "", "pt-BR")
    assert known.time_zone == "Europe/Berlin"
    assert "Ned" not in repr(changed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "ned"},
        {"email": "ned@example.com\r\nBcc: all@example.com"},
        {"email": "<ned@example.com>"},
        {"email": f"ned@{'x' * 300}.example"},
        {"email": 5},
        {"language": "german please"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"name": "N\x00ed"},
    ],
)
def test_what_is_no_address_is_refused(small, wrong):
    with nothing_written(small), pytest.raises(InvalidInput):
        small.market.people.add("ned", by="uma", **wrong)
    with nothing_written(small), pytest.raises(InvalidInput):
        small.market.people.update("con", by="uma", **wrong)
