"""Erasing a person and forgetting what is old: the log stays whole, references hold."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from marketplace_sdk import Conflict, InvalidInput, NotAllowed, verify_export
from marketplace_sdk.services import _forgetting
from tests.services.helpers import kept, nothing_written, small_world
from tests.world import LEGAL, PRIVACY, all_of, any_of

SECRET = "my lawyer told me to"
YEAR = timedelta(days=365)


@pytest.fixture(params=["memory", "sqlite"])
def world(request, tmp_path):
    made = small_world("memory" if request.param == "memory" else f"sqlite:///{tmp_path}/m.db")
    yield made
    made.close()


@pytest.fixture
def over(world):
    """con asked for pat, ana approved, it was revoked and is gone: nothing of pat's is open."""
    product = world.publish(any_of(LEGAL))
    request = world.ask(product, on_behalf_of="pat", answers={"why": SECRET})
    world.approve(request, "ana", reason=SECRET)
    world.deliver()
    world.market.requests.revoke(request.id, reason=SECRET, by="dee")
    world.deliver()
    world.market.audit.seal()
    return world.market.requests.get(request.id, by="gil")


def everything(world):
    """All that the store keeps, as text."""
    with world.market._storage.begin(write=False) as rows:
        events = [(row.type, row.payload) for row in rows.events()]
        documents = [
            record.document
            for kind in ("request", "grant", "inbox", "person")
            for record in rows.find(kind)
        ]
        work = [row.payload for queue in ("outbox", "timer", "mark") for row in rows.work(queue)]
    return json.dumps([events, documents, work], default=str)


def payloads(world, aggregate):
    return [row.payload for row in world.market.audit.events(aggregate, by="aud")]


def erase(world, person="pat", **more):
    more.setdefault("by", "gil")
    return world.market.audit.erase(person, reason="asked for it", **more)


# -- erasing a person ---------------------------------------------------------------------


def test_an_erased_person_leaves_ids_and_hashes(world, over):
    """Answers, reasons, payloads and inbox are gone; who decided what and when is not."""
    assert SECRET in everything(world)

    found = erase(world)

    assert SECRET not in everything(world)
    assert found.requests == 1
    assert found.events > 5
    assert found.messages > 0
    request = world.market.requests.get(over.id, by="gil")
    assert request.erased_at == world.clock()
    assert not request.answers
    assert [(each.by, each.verdict, each.reason) for each in request.determinations] == [
        ("ana", "approve", "")
    ]
    assert (request.requester, request.beneficiary.id, request.state) == ("con", "pat", "revoked")
    assert not world.market.inbox.of("pat", by="pat").items
    assert all(set(payload) == {"erased"} for payload in payloads(world, over.aggregate))


def test_the_log_of_an_erased_person_verifies(world, over):
    """Here, and in an export; and it is told how many payloads are gone."""
    world.market.audit.seal()

    found = erase(world)

    checked = world.market.audit.verify()
    assert checked.ok
    assert checked.erased == found.events
    lines = world.market.audit.export(by="aud")
    assert verify_export(lines, seals=world.market.audit.seals(by="aud")).erased == found.events


def test_erasing_is_on_record(world, over):
    """Who erased whom, why, and which events; the record itself is never erased."""
    erase(world)
    erase(world, "gil", by="gil")

    rows = world.market.audit.events("audit:log", by="aud")

    assert {(row.type, row.actor) for row in rows} == {("audit.erased", "gil")}
    assert {row.payload["reason"] for row in rows} == {"asked for it"}
    about = {id for row in rows if row.payload["person"] == "pat" for id in row.payload["events"]}
    assert {row.id for row in world.market.audit.events(over.aggregate, by="aud")} <= about


def test_erasing_again_changes_nothing(world, over):
    """It may be done twice, and finishes what was interrupted."""
    erase(world)
    with nothing_written(world):
        again = erase(world)

    assert (again.events, again.requests, again.messages, again.deliveries) == (0, 0, 0, 0)


def test_an_erasure_that_was_interrupted_is_finished(world, over, monkeypatch):
    """Each batch is whole; the second attempt does the rest."""
    with world.market._storage.begin(write=False) as rows:
        transaction = type(rows)
    redact = transaction.redact

    def fail(self, ids, payload):
        if ids:
            raise RuntimeError("the power is out")
        return redact(self, ids, payload)

    with monkeypatch.context() as patch:
        patch.setattr(transaction, "redact", fail)
        with pytest.raises(RuntimeError):
            erase(world)
    assert world.market.audit.verify().ok

    assert erase(world).events > 5
    assert world.market.audit.verify().ok
    assert SECRET not in everything(world)


def test_who_has_something_pending_is_not_erased(world):
    """Cancel first: a decision needs its answers."""
    request = world.ask(world.publish(any_of(LEGAL)), on_behalf_of="pat")

    for person in ("con", "pat"):
        with nothing_written(world), pytest.raises(Conflict) as caught:
            erase(world, person)
        assert "cancel" in caught.value.hint
    world.market.requests.cancel(request.id, by="con")
    assert erase(world, "con").requests == 1


def test_who_still_has_access_is_not_erased(world):
    """Access that nobody could explain any more is taken away first."""
    request = world.approve(world.ask(world.publish(any_of(LEGAL)), by="pat"), "ana")
    world.deliver()

    with nothing_written(world), pytest.raises(Conflict) as caught:
        erase(world)
    assert "revoke" in caught.value.hint
    world.market.requests.revoke(request.id, reason="x", by="dee")
    with pytest.raises(Conflict):
        erase(world)  # the platform has not shown yet that it is gone
    world.deliver()
    assert erase(world).requests == 1


def test_the_reasons_of_a_steward_go_with_them(world):
    """What they decided stays, and others' reasons do; a pending request stays decidable."""
    product = world.publish(all_of(LEGAL, PRIVACY))
    done = world.ask(product)
    world.approve(done, "ana", reason=SECRET)
    world.approve(done, "cy", reason="others' words")
    pending = world.ask(product, by="pat")
    world.approve(pending, "ana", reason=SECRET)
    world.deliver()

    assert erase(world, "ana").requests == 2

    assert SECRET not in everything(world)
    request = world.market.requests.get(done.id, by="gil")
    assert [each.reason for each in request.determinations] == ["", "others' words"]
    assert request.answers
    assert world.approve(pending, "cy").state == "approved"


def test_what_was_asked_back_and_answered_goes_with_whose_it_is(world):
    """All of it with the requester; of others only their own words, also where they decided not."""
    request = world.ask(world.publish(any_of(LEGAL)))
    for who, id in (("ana", "first"), ("bo", "second")):
        world.market.requests.ask(request.id, f"{SECRET} of {who}", inquiry=id, by=who)
    world.market.requests.answer(request.id, "first", f"{SECRET} of con", by="con")
    world.deliver()

    def words():
        found = world.market.requests.get(request.id, by="gil").inquiries
        return [each.question + each.answer for each in found]

    assert erase(world, "ana").requests == 1
    assert words() == [f"{SECRET} of con", f"{SECRET} of bo"]
    assert erase(world, "bo").requests == 1
    found = world.market.requests.get(request.id, by="gil")
    assert found.state == "pending"
    assert found.open_inquiries == (), "nobody knows any more what was asked"
    assert not world.market.requests.find(inquiry="open", by="gil").items

    world.market.requests.cancel(request.id, by="con")
    world.deliver()
    assert erase(world, "con").requests == 1
    assert SECRET not in everything(world)
    assert [each.asked_by for each in found.inquiries] == ["ana", "bo"]


def test_the_owner_of_a_service_account_is_erased_from_what_they_answered(world):
    """They are neither requester nor beneficiary of its requests."""
    market = world.market
    world.platform.principal("bot")
    more = {"kind": "service_account", "owner": "fay", "principals": {"lake": "bot"}}
    market.people.add("bot", by="uma", **more)
    request = world.ask(world.publish(any_of(LEGAL)), on_behalf_of="bot")
    market.requests.ask(request.id, "Which job?", inquiry="job", by="ana")
    market.requests.answer(request.id, "job", SECRET, by="fay")
    world.deliver()

    assert erase(world, "fay").requests == 1
    assert SECRET not in everything(world)


def test_who_has_left_loses_their_facts_too(world, over):
    """Groups, attributes and platform names; another may have the platform name then."""
    world.market.people.deactivate("pat", by="uma")
    world.deliver()

    erase(world)

    person = world.market.people.get("pat", by="uma")
    assert not person.active
    assert not person.principals
    world.market.people.link("sal", "lake", "pat", by="uma")


def test_who_is_still_here_keeps_what_the_directory_says(world, over):
    """What was kept of them goes; who they are does not."""
    erase(world)

    assert world.market.people.get("pat", by="uma").principals


def give_up(world):
    """Nothing can be delivered until everything is parked; the administrator lets it go on."""
    world.hook.fail(10_000)
    for _ in range(120):
        world.market.deliver()
        world.market.destinations.enable("MemoryNotifier-1", by="ada")
        world.clock.advance(hours=1)


def test_parked_messages_about_a_person_go(world):
    """A message that was given up speaks of people like any other."""
    request = world.ask(world.publish(any_of(LEGAL)), on_behalf_of="pat")
    give_up(world)
    world.hook.fail(0)
    assert any(
        work.payload["data"].get("request") for work in world.market.deliveries.dead(by="ada")
    )
    world.market.requests.cancel(request.id, by="con")
    world.deliver()

    assert erase(world).deliveries > 0
    assert '"pat"' not in json.dumps(
        [work.payload for work in world.market.deliveries.dead(limit=1000, by="ada")]
    )


@pytest.mark.parametrize("person", ["", "  ", None, 5, "system"])
def test_nobody_is_not_erased(world, person):
    with nothing_written(world), pytest.raises(InvalidInput):
        erase(world, person)


def test_somebody_of_whom_nothing_is_kept_may_be_erased(world):
    """An outside directory may have forgotten them first."""
    with nothing_written(world):
        assert erase(world, "zoe").events == 0


def test_only_governance_erases_and_forgets(world):
    """Not AUDIT: whoever checks the log does not thin it out."""
    for who in ("aud", "uma", "ada", "dee", "pat"):
        with nothing_written(world), pytest.raises(NotAllowed):
            erase(world, by=who)
        with nothing_written(world), pytest.raises(NotAllowed):
            world.market.audit.retain(older_than=YEAR, by=who)


# -- what is old --------------------------------------------------------------------------


def retain(world, older_than=YEAR):
    return world.market.audit.retain(older_than=older_than, by="gil")


def test_old_payloads_go_and_links_stay(world, over):
    """Older than the age, and under a seal; the chains and the seals still fit."""
    world.clock.advance(days=400)
    world.market.as_system("something newer")

    found = retain(world)

    assert found.events > 20
    assert found.messages > 0
    assert found.before == world.clock() - YEAR
    checked = world.market.audit.verify()
    assert checked.ok
    assert checked.erased == found.events
    assert payloads(world, "system") == [{"reason": "something newer"}]
    assert world.market.requests.get(over.id, by="gil").answers, "records are another matter"
    assert [row.type for row in world.market.audit.events("audit:log", by="aud")] == [
        "audit.retained",
        "audit.retained",
    ]


def test_forgetting_again_changes_nothing(world, over):
    world.clock.advance(days=400)
    retain(world)
    with nothing_written(world):
        assert retain(world).events == 0


def test_what_is_not_sealed_is_not_forgotten(world):
    """Without a seal nobody could tell an old payload from a removed one... so it stays."""
    world.clock.advance(days=400)

    assert retain(world).events == 0
    world.market.audit.seal()
    assert retain(world).events > 0


def test_nothing_of_a_pending_request_or_a_living_grant_is_forgotten(world):
    """Events and messages of these stay, however old; when it is over, they go."""
    product = world.publish(any_of(LEGAL))
    living = world.approve(world.ask(product), "ana")
    pending = world.ask(product, by="pat")
    world.deliver()
    world.market.audit.seal()
    grant = world.market.grants.of("con", by="con").items[0]
    world.clock.advance(days=400)
    told = world.told("ana")
    assert told

    retain(world)

    for aggregate in (living.aggregate, pending.aggregate, f"grant:{grant.id}"):
        assert all("erased" not in payload for payload in payloads(world, aggregate)), aggregate
    assert world.told("ana") == told
    world.market.requests.cancel(pending.id, by="pat")
    world.market.requests.revoke(living.id, reason="x", by="dee")
    world.deliver()
    world.market.audit.seal()
    retain(world)
    for aggregate in (living.aggregate, pending.aggregate, f"grant:{grant.id}"):
        assert "erased" in payloads(world, aggregate)[0]
    assert world.market.audit.verify().ok


def test_old_parked_messages_go(world):
    """A year later nobody sends them again; those of something open stay."""
    product = world.publish(any_of(LEGAL))
    pending = world.ask(product)
    give_up(world)
    world.hook.fail(0)
    dead = {work.payload["about"] for work in world.market.deliveries.dead(limit=1000, by="ada")}
    assert len(dead) > 1
    assert pending.aggregate in dead
    world.clock.advance(days=400)

    found = retain(world)

    left = world.market.deliveries.dead(limit=1000, by="ada")
    assert found.deliveries > 0
    assert {work.payload["about"] for work in left} == {pending.aggregate}


def test_forgetting_goes_in_batches(world, over, monkeypatch):
    """Each a transaction of its own, on record by itself; small ones find all the same."""
    for name in ("_forgetting", "_erasing", "_retaining"):
        monkeypatch.setattr(f"marketplace_sdk.services.{name}.BATCH", 3)
    before = len(payloads(world, "audit:log"))
    erased = erase(world)
    assert len(payloads(world, "audit:log")) - before >= erased.events / 3
    assert SECRET not in everything(world)
    world.clock.advance(days=400)

    found = retain(world)

    assert found.events > 3
    assert found.messages > 3
    assert world.market.audit.verify().erased == erased.events + found.events
    assert _forgetting.BATCH == 3


@pytest.mark.parametrize("age", [None, 5, "1y", timedelta(0), timedelta(hours=23), -YEAR])
def test_an_age_that_is_none_is_refused(world, age):
    """Less than a day would take away what people still look at."""
    with nothing_written(world), pytest.raises(InvalidInput):
        retain(world, age)


def test_a_job_may_forget_what_is_old(world, over):
    """As the system, with its reason on record."""
    world.clock.advance(days=400)
    job = world.market.as_system("yearly retention")

    assert job.audit.retain(older_than=YEAR).events > 0
    assert kept(world)
