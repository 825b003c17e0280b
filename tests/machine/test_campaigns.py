"""Campaigns beside grants that end, are given up, revoked, refused and prolonged, in any order.

Whatever happens: no item is open behind the deadline, nothing is revoked by a campaign in which it
was certified, nobody certifies themselves, and the counts are those of the items.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from marketplace_sdk import (
    AlreadyDetermined,
    AlreadyRequested,
    Conflict,
    Duration,
    NotAllowed,
    NotFound,
    TransitionNotAllowed,
    group,
    user,
)
from marketplace_sdk.domain.campaigns import Campaign, CampaignItem
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.requests import AccessRequest
from tests.machine.running import run
from tests.services.helpers import small_world
from tests.world import LEGAL, any_of

ASKERS = ("con", "pat", "ana")
REVIEWERS = ("ana", "bo", "con", "pat", "fay", "dee", "gil")
BENEFICIARIES = (None, "con", "pat", "robot", group("Legal"))
SIDES = {"robot": ["bo"], "Legal": ["ana", "bo"]}
"""The owner of the account, and the members of the group."""
NO_EFFECT = (AlreadyDetermined, Conflict, NotAllowed, NotFound, TransitionNotAllowed)


def _made(value):
    """Ids come from a counter; those of items follow from what they are about."""
    return (value.campaign, value.grant) if isinstance(value, CampaignItem) else value.id


class CampaignMachine(RuleBasedStateMachine):
    """Three products: of Legal and con, of pat alone, and of nobody."""

    def __init__(self):
        super().__init__()
        self.world = world = small_world()
        market = self.market = world.market
        market.people.add("robot", kind="service_account", owner="bo", by="uma")
        for who in ("ana", "robot", group("Legal")):
            name = who if isinstance(who, str) else who.value
            market.people.link(who, "lake", world.platform.principal(name), by="uma")
        self.products = [
            world.publish(any_of(LEGAL, user("con")), name="Heads"),
            world.publish(any_of(user("pat"), user("fay")), name="Days", sources=["leave"]),
            world.publish(any_of(group("Gone"), user("fay")), name="Both"),
        ]
        self.stewards = [("bo", "con", "ana"), ("fay", "pat"), ("fay",)]
        self.certified = {}
        self.refused = set()

    def teardown(self):
        # Every deadline comes at last.
        self.world.clock.advance(days=10)
        self.the_worker_runs()
        assert not [each for each in self.all(CampaignItem) if each.open]
        self.a_grant_knows_its_open_items()
        self.nobody_certified_themselves()
        self.what_was_certified_is_not_revoked_by_its_campaign()
        self.an_answer_stays()
        self.world.close()

    def all(self, kind):
        """Everything of a kind, in the order in which it was made: the same in every run."""
        with self.market._context.unit("system", write=False) as unit:
            found = unit.find(kind)
        return sorted(found, key=_made)

    @initialize(silence=st.sampled_from(["keep", "revoke"]))
    def there_is_access_and_a_campaign(self, silence):
        for place, asker, who in (
            (0, "con", None),
            (0, "pat", None),
            (0, "sal", "robot"),
            (0, "sal", group("Legal")),
            (1, "pat", None),
            (2, "con", "pat"),
        ):
            self.somebody_gets_access(place, asker, who, None)
        self.a_campaign_starts(silence, 6, {0, 1, 2}, opened=True)

    # -- grants ---------------------------------------------------------------------------

    @rule(
        place=st.integers(0, 2),
        asker=st.sampled_from(ASKERS),
        who=st.sampled_from(BENEFICIARIES),
        days=st.none() | st.integers(1, 12),
    )
    def somebody_gets_access(self, place, asker, who, days):
        try:
            request = self.world.ask(self.products[place], by=asker, on_behalf_of=who)
        except AlreadyRequested:
            return
        self._approve(place, request, days)

    @precondition(lambda self: self.all(Grant))
    @rule(data=st.data(), days=st.none() | st.integers(1, 12))
    def somebody_gets_more_time(self, data, days):
        grant = data.draw(st.sampled_from(self.all(Grant)))
        first = self.market.requests.get(grant.requests[0], by="gil")
        try:
            request = self.market.requests.extend(
                first.id, answers={"why": "more"}, by=first.requester
            )
        except (AlreadyRequested, TransitionNotAllowed):
            return
        place = [each.id for each in self.products].index(grant.product)
        self._approve(place, request, days)

    def _approve(self, place, request, days):
        until = None if days is None else Duration(days, "days")
        for steward in self.stewards[place]:
            try:
                self.world.approve(request, steward, until=until)
            except NotAllowed:
                continue
            return

    @precondition(lambda self: self.all(Grant))
    @rule(data=st.data())
    def access_is_revoked(self, data):
        grant = data.draw(st.sampled_from(self.all(Grant)))
        try:
            self.market.requests.revoke(grant.requests[0], reason="left", by="dee")
        except TransitionNotAllowed:
            return

    # -- campaigns ------------------------------------------------------------------------

    @rule(
        silence=st.sampled_from(["keep", "revoke"]),
        days=st.integers(1, 9),
        places=st.sets(st.integers(0, 2), min_size=1),
        opened=st.booleans(),
    )
    def a_campaign_starts(self, silence, days, places, opened):
        self.market.campaigns.start(
            "Review",
            products=[self.products[place].id for place in sorted(places)],
            deadline=timedelta(days=days),
            silence=silence,
            by="dee",
        )
        if opened:
            self.the_worker_runs()

    @precondition(lambda self: self.all(CampaignItem))
    @rule(
        data=st.data(),
        who=st.sampled_from(REVIEWERS),
        verdict=st.sampled_from(["certify", "certify", "refuse"]),
    )
    def somebody_answers(self, data, who, verdict):
        item = data.draw(st.sampled_from(self.all(CampaignItem)))
        campaign = self.market.campaigns.get(item.campaign, by="gil")
        try:
            getattr(self.market.campaigns, verdict)(item.id, reason=verdict, by=who)
        except NO_EFFECT:
            return
        if item.open:
            assert self.world.clock() < campaign.deadline, "answered behind the deadline"
        else:
            assert item.decided_by == who, "an answer that was given is not another's"
        self._answered(item, who, verdict)

    @precondition(lambda self: any(each.open for each in self.all(CampaignItem)))
    @rule(data=st.data(), verdict=st.sampled_from(["certify", "refuse"]))
    def somebody_who_is_asked_answers(self, data, verdict):
        running = self.market.campaigns.find(state=["opening", "open"], limit=1000, by="gil")
        asked = [
            (who, item)
            for who in REVIEWERS
            for campaign in sorted(running, key=_made)
            for item in sorted(self._awaiting(campaign.id, who), key=_made)
        ]
        if not asked:
            return
        who, item = data.draw(st.sampled_from(asked))
        getattr(self.market.campaigns, verdict)(item.id, reason=verdict, by=who)
        self._answered(item, who, verdict)

    @precondition(lambda self: any(each.open for each in self.all(CampaignItem)))
    @rule(data=st.data(), verdict=st.sampled_from(["certify", "refuse"]))
    def somebody_tries_their_own(self, data, verdict):
        own = [
            (who, item)
            for item in self.all(CampaignItem)
            for who in REVIEWERS
            if who in (*item.requesters, *SIDES.get(item.beneficiary.id, [item.beneficiary.id]))
        ]
        if not own:
            return
        who, item = data.draw(st.sampled_from(own))
        with pytest.raises(NO_EFFECT):
            getattr(self.market.campaigns, verdict)(item.id, reason=verdict, by=who)

    def _awaiting(self, campaign, who):
        try:
            return self.market.campaigns.items(campaign, awaiting_me=True, limit=1000, by=who)
        except NotFound:
            return ()

    def _answered(self, item, who, verdict):
        if verdict == "certify":
            self.certified[item.id] = who
        else:
            self.refused.add(item.id)

    @precondition(lambda self: self.all(Campaign))
    @rule(data=st.data(), act=st.sampled_from(["cancel", "close"]))
    def a_campaign_ends_early(self, data, act):
        campaign = data.draw(st.sampled_from(self.all(Campaign)))
        try:
            getattr(self.market.campaigns, act)(campaign.id, reason="enough", by="dee")
        except (Conflict, TransitionNotAllowed):
            return

    # -- time -----------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 24, 72, 150]), run=st.booleans())
    def time_goes_by(self, hours, run):
        self.world.clock.advance(hours=hours)
        if run:
            self.the_worker_runs()

    @rule()
    def the_worker_runs(self):
        assert self.market.deliver().failed == 0
        self.nothing_is_open_behind_a_deadline()

    # -- what always holds ----------------------------------------------------------------

    def nothing_is_open_behind_a_deadline(self):
        """After a worker has run: what is over has no open item, nor has what ended."""
        now = self.world.clock()
        live = {each.id for each in self.all(Grant) if not each.over(now)}
        for campaign in self.all(Campaign):
            items = self.market.campaigns.items(campaign.id, limit=1000, by="gil").items
            left = [each for each in self.all(CampaignItem) if each.open]
            assert not [
                each for each in left if each.campaign == campaign.id and campaign.over(now)
            ]
            assert {each.grant for each in left} <= live
            assert campaign.state in ("closed", "canceled") or not campaign.over(now)
            counts = self.market.campaigns.progress(campaign.id, by="gil")
            wanted = Counter(each.state for each in items)
            assert {state: getattr(counts, state) for state in wanted} == wanted
            assert counts.total == len(items)

    @invariant()
    def a_grant_knows_its_open_items(self):
        grants = {each.id: each for each in self.all(Grant)}
        held = {(id, each) for id, grant in grants.items() for each in grant.certifying}

        assert held == {(each.grant, each.id) for each in self.all(CampaignItem) if each.open}

    @invariant()
    def nobody_certified_themselves(self):
        people = {id: self.market.people.get(id, by="uma") for id in {*self.certified.values()}}
        requests = {each.id: each for each in self.all(AccessRequest)}
        grants = {each.id: each for each in self.all(Grant)}
        for item in self.all(CampaignItem):
            if item.decided_by:
                asked = {
                    requests[each].requester
                    for each in grants[item.grant].requests
                    if requests[each].created_at <= item.opened_at
                }
                assert item.decided_by not in {*asked, item.beneficiary.id}
                assert (item.beneficiary.id, item.decided_by) != ("robot", "bo")
                member = people.get(item.decided_by)
                assert member is None or item.beneficiary.id not in member.groups

    @invariant()
    def what_was_certified_is_not_revoked_by_its_campaign(self):
        items = {(each.campaign, each.grant): each for each in self.all(CampaignItem)}
        campaigns = {each.id: each for each in self.all(Campaign)}
        with self.market._context.unit("system", write=False) as unit:
            log = unit.rows.events()
        for row in log:
            if row.type == "grant.ending" and "campaign" in row.payload:
                id = row.payload["campaign"]["id"]
                item = items[id, row.aggregate.removeprefix("grant:")]
                assert item.id not in self.certified
                lapsed = row.payload["cause"] == "certification_lapsed"
                assert item.state == ("revoked_by_silence" if lapsed else "refused")
                assert lapsed == (item.id not in self.refused)
                if lapsed:
                    assert campaigns[id].silence == "revoke"
                    assert row.at >= campaigns[id].deadline

    @invariant()
    def an_answer_stays(self):
        states = {each.id: (each.state, each.decided_by) for each in self.all(CampaignItem)}
        assert {id: states[id] for id in self.certified} == {
            id: ("certified", who) for id, who in self.certified.items()
        }
        assert {states[id][0] for id in self.refused} <= {"refused"}


def test_campaigns_beside_everything_that_happens_to_grants():
    """A short run, the same every time."""
    run(CampaignMachine, max_examples=25, stateful_step_count=30, derandomize=True)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_campaigns_beside_everything_that_happens_to_grants_for_long():
    """A long run, another every time."""
    run(CampaignMachine, max_examples=400, stateful_step_count=50)
