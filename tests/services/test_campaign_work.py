"""The work of a campaign: in pages, again after a crash, and one failure holds up nobody."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest
from attrs import evolve

from marketplace_sdk import AlreadyDetermined, Duration, MarketplaceError
from marketplace_sdk.domain.campaigns import CampaignItem
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.memory.faults import Crash
from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.services._campaigning import AGAIN, PAGE
from marketplace_sdk_sql.storage import SqlStorage
from tests.services.helpers import grant_of, small_world, types_of
from tests.world import LEGAL, any_of

DEADLINE = timedelta(days=20)
LEASE = 3600


class Mortal:
    """A store under a process that dies at the n-th write of a kind, as after a power cut."""

    def __init__(self, inner):
        self._inner = inner
        self.kind, self.left = "", 0
        self.fails = ""

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def dies(self, kind, number):
        self.kind, self.left = kind, number

    @contextmanager
    def begin(self, *, write=True):
        with self._inner.begin(write=write) as rows:
            yield MortalRows(self, rows)


class MortalRows:
    def __init__(self, store, rows):
        self._store, self._rows = store, rows

    def __getattr__(self, name):
        return getattr(self._rows, name)

    def put(self, record, expected):
        store = self._store
        if store.fails and (record.kind, record.id) == ("grant", store.fails):
            raise ValueError("this row cannot be written")
        if record.kind == store.kind:
            store.left -= 1
            if store.left == 0:
                raise Crash
        self._rows.put(record, expected)

    def settle(self, work, **more):
        if self._store.kind == "settle" and work.queue == "timer":
            self._store.left -= 1
            if self._store.left == 0:
                raise Crash
        self._rows.settle(work, **more)


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    inner = (
        MemoryStorage() if request.param == "memory" else SqlStorage(f"sqlite:///{tmp_path}/m.db")
    )
    return Mortal(inner)


@pytest.fixture
def world(store):
    """con has access to a product whose stewards are Legal."""
    made = small_world(store, discover=False)
    made.product = made.publish(any_of(LEGAL), name="Heads")
    made.approve(made.ask(made.product), "ana")
    made.deliver()
    yield made
    made.close()


def crowd(world, number):
    """So many more people who have what con has: copies of con's grant, in the store only."""
    with world.market._context.unit("system", write=False) as unit:
        grant = unit.get(Grant, grant_of(world).id)
        request = unit.get(AccessRequest, grant.requests[0])
    for first in range(0, number, 500):
        with world.market._context.unit("system") as unit:
            for each in range(first, min(first + 500, number)):
                who = Beneficiary("person", f"p{each:05}")
                asked = evolve(
                    request,
                    id=f"request-{each:05}",
                    requester=who.id,
                    beneficiary=who,
                    grant=f"grant-{each:05}",
                    revision=0,
                )
                unit.save(asked)
                unit.save(
                    evolve(
                        grant,
                        id=asked.grant,
                        beneficiary=who,
                        requests=(asked.id,),
                        principals={},
                        parts={},
                        revision=0,
                    )
                )


def start(world, silence="keep"):
    return world.market.campaigns.start(
        "Review", domain="HR", deadline=DEADLINE, silence=silence, by="dee"
    ).id


def states(world, campaign):
    """How many items there are in each state, told one by one."""
    found, after = Counter(), None
    while True:
        page = world.market.campaigns.items(campaign, after=after, limit=1000, by="gil")
        found.update(each.state for each in page)
        after = page.next
        if after is None:
            return found


def agree(world, campaign, **wanted):
    """The items and the counts are these."""
    assert states(world, campaign) == Counter(wanted)
    found = world.market.campaigns.progress(campaign, by="gil")
    assert {state: getattr(found, state) for state in wanted} == wanted
    assert found.total == sum(wanted.values())


def recovered(world):
    """Another worker, when the lease of the one that died is over."""
    world.clock.advance(seconds=LEASE)
    world.deliver()


def test_thousands_of_items_are_opened_and_closed_in_pages(world):
    """Every step is a bounded unit of work, and what was answered stays as it is."""
    many = 2_600
    crowd(world, many - 1)
    campaign = start(world)
    with world.market._context.unit("system", write=False) as unit:
        assert not unit.find(CampaignItem, limit=1), "the start itself opens none"

    done = world.market.deliver()

    assert done.timers >= many // PAGE
    agree(world, campaign, open=many)
    some = world.market.campaigns.items(campaign, awaiting_me=True, limit=40, by="ana")
    for each in some:
        world.market.campaigns.certify(each.id, reason="needed", by="ana")
    assert world.told("ana") == ["certification_asked"], "one message, however many items"
    world.clock.advance(days=20)
    assert world.market.deliver().failed == 0

    agree(world, campaign, certified=40, kept_by_silence=many - 40)
    assert len(list(world.market.campaigns.report(campaign, by="aud"))) == many


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("campaign_item", 1),
        ("campaign_item", PAGE),
        ("campaign_item", PAGE + 7),
        ("grant", 2 * PAGE + 1),
        ("campaign_count", 3),
        ("campaign_count", 20),
        ("campaign", 1),
        ("settle", 1),
        ("settle", 2),
        ("settle", 3),
    ],
)
def test_a_worker_that_dies_while_items_are_opened_changes_nothing_about_the_end(
    world, store, kind, number
):
    """Every grant has one item, and the counts are those of the items."""
    crowd(world, 2 * PAGE + 30)
    campaign = start(world)
    store.dies(kind, number)
    with pytest.raises(Crash):
        world.market.deliver()
    store.dies("", 0)

    recovered(world)

    agree(world, campaign, open=2 * PAGE + 31)
    assert types_of(world, f"campaign:{campaign}") == ["campaign.started", "campaign.opened"]
    assert world.told("ana").count("certification_asked") == 1


@pytest.mark.parametrize(
    ("kind", "number"),
    [("campaign_item", 5), ("grant", PAGE + 1), ("settle", 1), ("settle", 2), ("campaign", 1)],
)
@pytest.mark.parametrize("silence", ["keep", "revoke"])
def test_a_worker_that_dies_in_the_sweep_changes_nothing_about_the_end(
    world, store, kind, number, silence
):
    many = PAGE + 20
    crowd(world, many - 1)
    campaign = start(world, silence)
    world.deliver()
    world.clock.advance(days=20)
    store.dies(kind, number)
    with pytest.raises(Crash):
        world.market.deliver()
    store.dies("", 0)

    recovered(world)

    state = "kept_by_silence" if silence == "keep" else "revoked_by_silence"
    agree(world, campaign, **{state: many})
    assert types_of(world, f"campaign:{campaign}").count("campaign.closed") == 1
    assert world.reads("con") == ("clear" if silence == "keep" else "none")


def test_one_item_that_fails_holds_up_no_other_and_is_tried_again(world, store):
    """The campaign is closed when the last one is."""
    many = PAGE + 20
    crowd(world, many - 1)
    campaign = start(world, "revoke")
    world.deliver()
    store.fails = "grant-00007"
    world.clock.advance(days=20)

    world.deliver()

    with world.market._context.unit("system", write=False) as unit:
        (left,) = unit.find(CampaignItem, ("open_campaign", [campaign]))
    assert left.grant == "grant-00007"
    assert "campaign.closed" not in types_of(world, f"campaign:{campaign}")
    world.clock.advance(seconds=AGAIN.total_seconds())
    world.deliver()
    store.fails = ""
    world.clock.advance(seconds=AGAIN.total_seconds())
    world.deliver()

    agree(world, campaign, revoked_by_silence=many)
    assert types_of(world, f"campaign:{campaign}")[-1] == "campaign.closed"


def test_access_that_no_campaign_asks_about_costs_not_one_statement_more(world, store):
    """Neither a decision nor an end reads anything of campaigns."""
    asked = []

    class Spying(MortalRows):
        def __getattr__(self, name):
            found = super().__getattr__(name)
            if name not in ("get", "find"):
                return found

            def spy(kind, *more, **named):
                asked.append(kind)
                return found(kind, *more, **named)

            return spy

        def put(self, record, expected):
            asked.append(record.kind)
            super().put(record, expected)

    @contextmanager
    def begin(*, write=True):
        with store._inner.begin(write=write) as rows:
            yield Spying(store, rows)

    store.begin = begin
    request = world.approve(world.ask(world.product, by="pat"), "ana", until=Duration(1, "days"))
    world.deliver()
    world.market.requests.revoke(request.id, reason="left", by="dee")
    world.deliver()

    assert "grant" in asked
    assert not [kind for kind in asked if kind.startswith("campaign")]


# -- races --------------------------------------------------------------------------------

ROUNDS = 6


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def shared(request, tmp_path):
    """A marketplace on each storage; on PostgreSQL writers do not take turns."""
    url = {"memory": "memory", "sqlite": f"sqlite:///{tmp_path}/race.db"}.get(request.param)
    made = small_world(url or request.getfixturevalue("postgres_url"))
    yield made
    made.close()


def race(*acts):
    """Every act in a thread of its own, begun at once; what each returned or raised."""
    barrier = threading.Barrier(len(acts))
    results = [None] * len(acts)

    def run(place, act):
        barrier.wait()
        try:
            results[place] = act()
        except MarketplaceError as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def one_item(world, silence="revoke"):
    """A new product, con's grant on it, and the item of a campaign about that."""
    product = world.publish(any_of(LEGAL))
    world.approve(world.ask(product), "ana")
    campaign = world.market.campaigns.start(
        "Review", products=[product.id], deadline=timedelta(days=1), silence=silence, by="dee"
    ).id
    world.deliver()
    (item,) = world.market.campaigns.items(campaign, by="ana")
    return item


def test_of_two_reviewers_at_once_one_decides(shared):
    """One outcome; the other gets a typed conflict with the state."""
    for number in range(ROUNDS):
        item = one_item(shared)
        acts = [shared.market.campaigns.certify, shared.market.campaigns.refuse]
        acts = acts if number % 2 else acts[::-1]

        results = race(
            lambda item=item, act=acts[0]: act(item.id, reason="one", by="ana"),
            lambda item=item, act=acts[1]: act(item.id, reason="other", by="bo"),
        )

        won = [each for each in results if isinstance(each, CampaignItem)]
        lost = [each for each in results if isinstance(each, AlreadyDetermined)]
        assert (len(won), len(lost)) == (1, 1), results
        assert lost[0].state == won[0].state
        found = shared.market.campaigns.progress(item.campaign, by="gil")
        assert (found.total, found.certified + found.refused) == (1, 1)
        live = shared.market.grants.get(item.grant, by="gil").state in ("wanted", "active")
        assert live == (won[0].state == "certified")


def test_certifying_against_the_sweep_of_the_deadline_has_one_outcome(shared):
    """What was certified is not revoked, and what was revoked was not certified."""
    seen = set()
    for number in range(ROUNDS * 2):
        item = one_item(shared)

        def sweep():
            shared.clock.advance(days=1)
            shared.market.deliver()

        def certify(item=item):
            return shared.market.campaigns.certify(item.id, reason="in time", by="ana")

        acts = [certify, sweep] if number % 2 else [sweep, certify]
        answer = next(each for each in race(*acts) if each is not None)
        shared.deliver()

        (after,) = shared.market.campaigns.items(item.campaign, by="gil")
        grant = shared.market.grants.get(item.grant, by="gil")
        if isinstance(answer, CampaignItem):
            assert (after.state, grant.state) == ("certified", "active")
        else:
            assert isinstance(answer, AlreadyDetermined), answer
            assert after.state == "revoked_by_silence"
            assert (grant.state, grant.cause) == ("ended", "certification_lapsed")
        seen.add(after.state)
        assert shared.market.campaigns.progress(item.campaign, by="gil").total == 1
    assert seen
