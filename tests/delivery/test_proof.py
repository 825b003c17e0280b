"""Whatever happens, and whoever vanishes where: a platform ends as it was before us, plus exactly
what live approvals justify."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from marketplace_sdk.delivery.calls import Connection
from marketplace_sdk.delivery.settings import Settings
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.people import Person
from marketplace_sdk.work.targets import sources_of
from tests.delivery.platforms import Crash, DirectPlatform, RolePlatform
from tests.delivery.world import World

PEOPLE = ("bob", "eve", "pat")
SOURCES = {"orders": "lake", "items": "lake", "ships": "sea", "ports": "sea"}
PRODUCTS = {"p": ("orders", "ships"), "q": ("orders", "items"), "r": ("ships", "ports", "items")}
MASKED = ("orders.email", "ships.email")

person = st.sampled_from(PEOPLE)
product = st.sampled_from(sorted(PRODUCTS))
source = st.sampled_from(sorted(SOURCES))
any_grant = st.integers(0, 50)


class Everything(RuleBasedStateMachine):
    """Three people, three products that share sources, two platforms of different kinds."""

    def __init__(self):
        super().__init__()
        lake, sea = DirectPlatform(), RolePlatform()
        sea.identity = "sea"
        # Whoever takes rights away here is the machine itself, and has to be put right at once.
        self.world = World(lake, settings=Settings(undone=10**6))
        self.platforms = {"lake": lake, "sea": sea}
        self.world.connections["sea"] = Connection(
            name="sea", provisioner=sea, may_grant=("*",), plugin="acme 1"
        )
        for name in PEOPLE:
            principals = {where: each.principal(name) for where, each in self.platforms.items()}
            self.world.people.people[name] = Person(id=name, principals=principals)
        for name, where in SOURCES.items():
            self.platforms[where].object(f"s.{name}")
            self.platforms[where].protected[f"s.{name}.email"] = True
            masked = ["email"] if f"{name}.email" in MASKED else []
            self.world.source(name, masked=masked, connection=where)
        for name, sources in PRODUCTS.items():
            self.world.product(name, *sources)
        self.numbers = 0
        self.before = set()  # (person, source) on the lake

    # -- what people do -------------------------------------------------------------------

    @rule(who=person, what=product, hours=st.none() | st.integers(1, 30))
    def approve(self, who, what, hours):
        self.numbers += 1
        until = None if hours is None else self.world.clock() + timedelta(hours=hours)
        self.world.grant(what, who, until=until, id=f"g{self.numbers:03}")

    @rule(who=person, what=product, column=st.sampled_from(MASKED))
    def approve_unmasking(self, who, what, column):
        self.numbers += 1
        self.world.grant(what, who, columns=(column,), id=f"g{self.numbers:03}")

    @rule(which=any_grant)
    def revoke(self, which):
        self._with(which, self.world.revoke)

    @rule(which=any_grant)
    def suspend(self, which):
        self._with(which, self.world.withhold)

    @rule(which=any_grant)
    def resume(self, which):
        self._with(which, self.world.release)

    @rule(what=product, sources=st.sets(source, min_size=1, max_size=3), ask=st.booleans())
    def change_sources(self, what, sources, ask):
        self.world.set_sources(what, *sorted(sources), ask=ask)

    @rule(hours=st.integers(1, 20))
    def wait(self, hours):
        self.world.clock.advance(hours=hours)

    # -- what happens to workers ----------------------------------------------------------

    @rule()
    def deliver(self):
        self.world.deliver()

    @rule(where=st.sampled_from(["lake", "sea"]), point=st.integers(1, 12))
    def a_worker_vanishes(self, where, point):
        platform = self.platforms[where]
        platform.crash_at = platform.points + point
        try:
            self.world.deliver(f"worker {self.world.ids()}")
        except Crash:
            self.world.clock.advance(seconds=1)
        platform.crash_at = None

    @rule(where=st.sampled_from(["lake", "sea"]))
    def a_platform_does_not_answer(self, where):
        self.platforms[where].down = True
        self.world.deliver()
        self.platforms[where].down = False

    @rule(who=person, what=source)
    def an_answer_is_lost(self, who, what):
        platform = self.platforms["lake"]
        platform.refuse[f"select o-s.{what} to u-{who}"] = "unknown"
        self.world.deliver()
        platform.refuse.clear()

    @rule()
    def marks_are_doubled(self):
        for id in self._grants():
            self.world.mark(id)

    # -- what others do on the platform ---------------------------------------------------

    @rule(who=person, what=st.sampled_from(["orders", "items"]))
    def somebody_gives_by_hand(self, who, what):
        """A right of before: nobody holds it through us, or waits for it."""
        self.settle()
        if (who, what) not in self._justified():
            self.platforms["lake"].give(who, f"s.{what}")
            self.before.add((who, what))

    @rule(who=person, what=st.sampled_from(["orders", "items"]))
    def somebody_takes_by_hand(self, who, what):
        self.settle()
        place = (f"object:o-s.{what}", f"select o-s.{what} to u-{who}")
        self.platforms["lake"].present.pop(place, None)
        self.before.discard((who, what))
        self.marks_are_doubled()

    # -- the proof ------------------------------------------------------------------------

    def settle(self):
        self.world.clock.advance(seconds=self.world.settings.lease + 1)
        self.world.settle(hours=1)

    @invariant()
    def nobody_reads_more_than_was_ever_approved(self):
        approved = {(g.beneficiary.id, g.kind) for g in self._grants().values()}
        given = {who for who, _ in self.before}
        for where, platform in self.platforms.items():
            for who in PEOPLE:
                if (who, "access") not in approved and who not in given:
                    assert not any(
                        platform.reads(who, f"s.{name}")
                        for name, place in SOURCES.items()
                        if place == where
                    )

    def teardown(self):
        self.settle()
        justified = self._justified()
        expected = justified | self.before
        for name, where in SOURCES.items():
            for who in PEOPLE:
                reads = self.platforms[where].reads(who, f"s.{name}")
                assert reads == ((who, name) in expected), (who, name, reads)
                sees = self.platforms[where].sees(who, f"s.{name}", "email")
                assert sees == ((who, name) in self._unmasked(justified)), (who, name, sees)
        unsettled = {id: g.state for id, g in self._grants().items() if self._unsettled(g)}
        assert not unsettled
        self._everything_ends()

    def _everything_ends(self):
        """When nobody has a reason any more, the platforms are as they were before us."""
        for id, grant in self._grants().items():
            if grant.live:
                self.world.revoke(id)
        self.settle()
        assert self.world.ledger() == {}
        assert self.world.pins() == {}
        assert self.platforms["sea"].listing() == []
        assert self.platforms["lake"].listing() == sorted(
            f"select o-s.{what} to u-{who}" for who, what in self.before
        )

    # -- inside ---------------------------------------------------------------------------

    def _grants(self):
        with self.world.desk.read() as unit:
            return {grant.id: grant for grant in unit.find(Grant)}

    def _with(self, which, act):
        ids = sorted(id for id, grant in self._grants().items() if grant.live)
        if ids:
            act(ids[which % len(ids)])

    def _unsettled(self, grant):
        """Whether its state still has to change; one on no source at all has nothing to wait for."""
        with self.world.desk.read() as unit:
            wants = grant.state == "wanted" and bool(sources_of(unit, grant))
        return wants or grant.state == "ending"

    def _justified(self):
        with self.world.desk.read() as unit:
            return {
                (grant.beneficiary.id, name)
                for grant in unit.find(Grant, ("kind", ["access"]))
                if grant.live and grant.state != "withheld" and not grant.over(unit.now)
                for name in sources_of(unit, grant)
            }

    def _unmasked(self, justified):
        return {
            (grant.beneficiary.id, column.split(".")[0])
            for grant in self._grants().values()
            if grant.kind == "masking_exception"
            and grant.live
            and not grant.withheld - {"waiting_for_access"}
            for column in grant.columns
            if column.split(".")[0] not in grant.lost
            and (grant.beneficiary.id, column.split(".")[0]) in justified
        }


Everything.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestEverything = Everything.TestCase
