"""Random people, forms, decisions, clock jumps and faults against the model.

Everything goes through the public ``Marketplace`` on a platform that enforces. After each step the
state of every request is compared with the model's; when all faults are over and all work is done,
so is everything on the platform.
"""

from __future__ import annotations

import itertools
import sys
from datetime import timedelta
from typing import Any

from hypothesis import assume, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.machine import model as m

from marketplace_sdk import (
    AlreadyDetermined,
    AlreadyRequested,
    Column,
    Conflict,
    DataSource,
    Duration,
    InvalidInput,
    Marketplace,
    MarketplaceError,
    NotAllowed,
    NotFound,
    Question,
    ReviewFlow,
    Seat,
    Stage,
    StewardSelector,
    TransitionNotAllowed,
    attribute,
    domain_permission,
    group,
    permission,
    user,
)
from marketplace_sdk.testing import Crash, FrozenClock, MemoryPlatform, MemoryStorage

SOURCES = {
    "people": ("hr.people", ("id", "salary")),
    "leave": ("hr.leave", ("id", "days")),
    "pay": ("hr.pay", ("id", "iban")),
}
MASKED = {"people": "salary", "pay": "iban"}
MASKED_COLUMNS = tuple(f"{source}.{column}" for source, column in MASKED.items())

PEOPLE: dict[str, dict[str, Any]] = {
    "gil": {"permissions": ["GOVERNANCE"]},
    "dee": {},
    "ana": {"groups": ["Legal"]},
    "bo": {"groups": ["Legal", "Privacy", "crew"]},
    "cy": {"groups": ["Privacy"], "permissions": ["PRIVACY"]},
    "fay": {"attributes": {"team": "finance"}},
    "con": {},
    "pat": {"groups": ["crew"]},
}
MANAGER = "dee"
READERS = ("con", "pat", "ana", "bo")
CREW = ("group", "crew")
HOLDERS = (*(("user", name) for name in READERS), CREW)

REFUSALS: dict[str, tuple[type[MarketplaceError], ...]] = {
    m.UNKNOWN: (NotAllowed,),
    m.HIDDEN: (NotFound,),
    # A product that is being deleted is still there until all platforms have shown the proof.
    m.GONE: (NotFound, TransitionNotAllowed),
    m.FORBIDDEN: (NotAllowed,),
    m.DECIDED: (AlreadyDetermined,),
    m.TAKEN: (AlreadyRequested,),
    m.WRONG: (InvalidInput,),
    m.STEP: (TransitionNotAllowed,),
    m.IN_USE: (Conflict,),
}

# -- what is drawn ----------------------------------------------------------------------------

selectors = st.sampled_from(
    [
        ("group", "Legal"),
        ("group", "Privacy"),
        ("permission", "PRIVACY"),
        ("permission", "GOVERNANCE"),
        ("user", "ana"),
        ("user", "bo"),
        ("attribute", "team", "finance"),
        m.MANAGER,
    ]
)
seats = st.builds(
    m.Seat,
    st.lists(selectors, min_size=1, max_size=2, unique=True).map(tuple),
    st.sampled_from([1, 1, 1, 2]),
)
sets_of_seats = st.lists(seats, min_size=1, max_size=2, unique=True).map(tuple)
stages = st.builds(
    m.Stage,
    st.lists(sets_of_seats, min_size=1, max_size=3, unique=True).map(tuple),
    st.booleans(),
)
lengths = st.sampled_from([None, (5, "hours"), (3, "days"), (2, "weeks"), (1, "months")])
reviews = st.builds(
    m.Flow, st.just("review"), stages=st.lists(stages, min_size=1, max_size=2).map(tuple)
)
approvals = st.builds(m.Flow, st.just("approve"), duration=lengths)
flows = st.one_of(
    reviews,
    reviews,
    reviews,
    approvals,
    st.just(m.Flow("deny")),
    st.builds(m.Flow, st.just("delegate"), allow_automatic=st.booleans()),
)
forms = st.builds(m.Form, flows, st.booleans(), st.sampled_from([False, False, True]))
own_flows = st.one_of(st.none(), reviews, approvals)
untils = st.one_of(
    st.none(),
    st.sampled_from(["hours", "days", "weeks", "months"]).flatmap(
        lambda unit: st.tuples(st.integers(1, 3), st.just(unit))
    ),
    st.integers(1, 72).map(lambda hours: timedelta(hours=hours)),
    st.integers(-24, 240).map(lambda hours: ("at", hours)),
)
jumps = st.one_of(
    st.integers(1, 48).map(lambda hours: timedelta(hours=hours)),
    st.integers(1, 40).map(lambda days: timedelta(days=days)),
)
source_sets = st.sets(st.sampled_from(sorted(SOURCES)), min_size=1)
people = st.sampled_from(sorted(PEOPLE))


def selector_of(one: tuple[str, ...]) -> StewardSelector:
    kind, *rest = one
    make = {
        "user": user,
        "group": group,
        "permission": permission,
        "attribute": attribute,
        "domain": domain_permission,
    }[kind]
    return make(*rest)


def seat_of(seat: m.Seat) -> Seat:
    return Seat(*map(selector_of, seat.selectors), approvals=seat.approvals)


def stage_of(stage: m.Stage) -> Stage:
    """By the short constructors where they can say it."""
    if all(len(each) == 1 for each in stage.sets):
        only = [seat_of(each[0]) for each in stage.sets]
        return Stage.all_of(*only, distinct_stewards=stage.distinct)
    if len(stage.sets) == 1 and not stage.distinct:
        return Stage.any_of(*map(seat_of, stage.sets[0]))
    every = tuple(tuple(map(seat_of, each)) for each in stage.sets)
    return Stage(sets=every, distinct_stewards=stage.distinct)


def length_of(length: tuple[int, str] | None) -> Duration | None:
    return None if length is None else Duration(*length)


def flow_of(flow: m.Flow | None) -> ReviewFlow | None:
    if flow is None:
        return None
    if flow.kind == "review":
        return ReviewFlow.review(*map(stage_of, flow.stages))
    if flow.kind == "approve":
        return ReviewFlow.approve(justification="free", duration=length_of(flow.duration))
    if flow.kind == "deny":
        return ReviewFlow.deny(reason="never")
    return ReviewFlow.delegate(allow_automatic=flow.allow_automatic)


class MarketplaceMachine(RuleBasedStateMachine):
    """One marketplace, one platform, one model."""

    platform_class: type[MemoryPlatform] = MemoryPlatform

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)
        self.clock = FrozenClock()
        self.storage = self.new_storage()
        self.platform = self.platform_class(
            objects=dict(SOURCES.values()),
            principals=[self.principal(who) for who in HOLDERS],
            protected=[(SOURCES[source][0], column) for source, column in MASKED.items()],
        )
        self.market = self.open()
        self.model = m.Model()
        self.names: dict[str, str] = {}  # of products
        self.final: dict[str, str] = {}  # terminal states that were seen
        self.by_hand: set[tuple[str, str, str | None]] = set()
        self.looked: set[tuple[str, str, str | None]] = set()  # may be known to be absent
        self.last: tuple[str, dict[str, Any]] | None = None
        self._populate()

    def new_storage(self) -> Any:
        return MemoryStorage()

    def open(self) -> Marketplace:
        return Marketplace(
            storage=self.storage,
            connections={"lake": {"plugin": self.platform, "may_grant": ["hr.*"]}},
            clock=self.clock,
            discover=not isinstance(self.storage, MemoryStorage),
        )

    def _populate(self) -> None:
        market = self.market
        market.people.add("uma", permissions=["USER_ADMIN"])
        for name, facts in PEOPLE.items():
            principals = {"lake": f"{name}_db"} if name in READERS else {}
            market.people.add(name, principals=principals, by="uma", **facts)
            self.model.people[name] = m.Person(
                groups=set(facts.get("groups", ())),
                permissions=set(facts.get("permissions", ())),
                attributes=set(facts.get("attributes", {}).items()),
                manages=name == MANAGER,
            )
        market.people.link(group("crew"), "lake", self.principal(CREW), by="uma")
        for name, (object, columns) in SOURCES.items():
            market.sources.register(
                DataSource(
                    name,
                    connection="lake",
                    object=object,
                    columns=[Column(c, masked=MASKED.get(name) == c) for c in columns],
                ),
                by="gil",
            )
        market.domains.create("HR", by="gil")
        market.domains.assign("HR", sorted(SOURCES), by="gil")
        market.domains.grant("HR", permission="MANAGE_DATA_PRODUCTS", to=MANAGER, by="uma")

    # -- little helpers ---------------------------------------------------------------------

    @staticmethod
    def principal(who: tuple[str, str]) -> str:
        return f"{who[1]}_db" if who[0] == "user" else "crew_role"

    @property
    def now(self):
        return self.clock()

    def justified(self) -> set[tuple[str, str, str | None]]:
        """What live approvals justify, in the words of the platform."""
        return {
            (self.principal(who), SOURCES[source][0], column)
            for who, source, column in self.model.justified(self.now)
        }

    def compare(self, refusal: str | None, act, *args: Any, **more: Any) -> Any:
        """Do it on the marketplace too, which must accept and refuse as the model did."""
        try:
            done = act(*args, **more)
        except MarketplaceError as error:
            assert refusal is not None, f"refused, the model accepts: {error!r}"
            assert isinstance(error, REFUSALS[refusal]), f"{refusal}: refused with {error!r}"
            return None
        assert refusal is None, f"accepted, the model refuses: {refusal}"
        return done

    def reopen(self) -> None:
        """The process has died; another one goes on with what is stored."""
        self.market = self.open()

    def deliver(self) -> Any:
        """Deliver, dying if need be; only what is justified at this moment may appear."""
        before = self.platform.snapshot()
        done = None
        try:
            done = self.market.deliver()
        except Crash as crash:
            note(f"crashed at {crash}")
            self.reopen()
        self.model.sweep(self.now)
        justified, after = self.justified(), self.platform.snapshot()
        if not self.platform.unreachable:
            self.looked |= justified
        assert after - before <= justified, "access without an approval that is live"
        assert not (before - after) & justified, "access taken away that is approved"
        assert after >= self.by_hand, "access taken away that was there before us"
        return done

    def pick(self, data: st.DataObject, *states: str) -> str:
        """A request in one of these states; rarely any."""
        wanted = [id for id in self.model.requests if self.model.state(id, self.now) in states]
        if not wanted or data.draw(st.integers(0, 9), label="any") == 0:
            wanted = list(self.model.requests)
        return data.draw(st.sampled_from(wanted), label="request")

    def answers(self, product: str, wish: tuple[int, str] | None) -> tuple[dict[str, Any], Any]:
        asks = self.model.products[product].form.asks_duration
        if not asks:
            return {"why": "work"}, None
        wish = wish or (4, "days")
        return {"why": "work", "long": Duration(*wish)}, wish

    def living_products(self) -> list[str]:
        return [id for id, each in self.model.products.items() if each.state != "deleted"]

    # -- publishing -------------------------------------------------------------------------

    def _publish(self, name: str, form: m.Form, own, longest, sources) -> None:
        id = f"product-{next(self.numbers)}"
        questions = [Question.short_answer("why", "Why?")]
        if form.asks_duration:
            questions.append(Question.access_duration("long"))
        made = self.market.forms.create(
            f"Form {id}",
            domain="HR",
            questions=questions,
            review=flow_of(form.flow),
            allow_self_review=form.allow_self_review,
            by=MANAGER,
        )
        self.market.products.publish(
            name,
            domain="HR",
            sources=sorted(sources),
            form=made.id,
            review=flow_of(own),
            max_duration=length_of(longest),
            id=id,
            by=MANAGER,
        )
        self.names[id] = name
        self.model.products[id] = m.Product(set(sources), form, own, longest)

    @initialize(form=forms, own=own_flows, longest=lengths, other=forms)
    def two_products_that_share_a_source(self, form, own, longest, other):
        self._publish("First", form, own, longest, {"people", "leave"})
        self._publish("Second", other, own, None, {"people", "pay"})

    @precondition(lambda self: len(self.living_products()) < 4)
    @rule(form=forms, own=own_flows, longest=lengths, sources=source_sets)
    def publish(self, form, own, longest, sources):
        self._publish(f"Product {next(self.numbers)}", form, own, longest, sources)

    # -- asking -----------------------------------------------------------------------------

    @rule(
        data=st.data(),
        by=st.sampled_from([*READERS, *READERS, MANAGER, "gil"]),
        to=st.one_of(st.none(), st.none(), st.sampled_from(HOLDERS)),
        columns=st.one_of(
            st.just(frozenset()),
            st.just(frozenset()),
            st.frozensets(st.sampled_from(MASKED_COLUMNS), min_size=1),
        ),
        wish=lengths,
    )
    def ask(self, data, by, to, columns, wish):
        if to is None:
            assume(by in READERS)
            to = ("user", by)
        product = data.draw(st.sampled_from(list(self.model.products)), label="product")
        answers, wish = self.answers(product, wish)
        id = f"request-{next(self.numbers)}"
        kind = "masking_exception" if columns else "access"
        refusal = self.model.ask(
            id,
            kind=kind,
            product=product,
            by=by,
            beneficiary=to,
            columns=columns,
            wish=wish,
            now=self.now,
        )
        more: dict[str, Any] = {"answers": answers, "id": id, "by": by}
        if to != ("user", by):
            more["on_behalf_of"] = to[1] if to[0] == "user" else group(to[1])
        if columns:
            act = self.market.requests.request_masking_exception
            self.compare(refusal, act, product, columns=sorted(columns), **more)
        else:
            self.compare(refusal, self.market.requests.request_access, product, **more)

    @precondition(lambda self: self.model.requests)
    @rule(data=st.data(), wish=lengths)
    def extend(self, data, wish):
        id = self.pick(data, "approved")
        request = self.model.requests[id]
        ours = [request.requester, request.requester, request.beneficiary[1], "cy"]
        by = data.draw(st.sampled_from([who for who in ours if who in PEOPLE]), label="by")
        answers, wish = self.answers(request.product, wish)
        new = f"request-{next(self.numbers)}"
        refusal = self.model.extend(id, new, by=by, wish=wish, now=self.now)
        self.compare(
            refusal, self.market.requests.extend, id, answers=answers, new_id=new, by=by
        )

    # -- deciding ---------------------------------------------------------------------------

    def _decide(self, id: str, by: str, verdict: str, until: Any) -> None:
        if isinstance(until, tuple) and until[0] == "at":
            until = self.now + timedelta(hours=until[1])
        given = Duration(*until) if isinstance(until, tuple) else until
        refusal = self.model.decide(id, by=by, verdict=verdict, until=until, now=self.now)
        more: dict[str, Any] = {
            "reason": "because",
            "determination": f"act-{next(self.numbers)}",
            "by": by,
        }
        if verdict == "approve":
            more["until"] = given
        self.compare(refusal, getattr(self.market.requests, verdict), id, **more)
        if refusal is None:
            self.last = (verdict, {"id": id, **more})

    @precondition(lambda self: self.model.requests)
    @rule(data=st.data(), until=untils)
    def a_steward_approves(self, data, until):
        id = self.pick(data, "pending")
        able = self.model.could_decide(id)
        by = data.draw(st.sampled_from(able) if able else people, label="by")
        self._decide(id, by, "approve", until)

    @precondition(lambda self: self.model.requests)
    @rule(data=st.data(), until=untils)
    def another_steward_approves(self, data, until):
        """The same once more: reviews of several seats are to come to an end."""
        self.a_steward_approves(data, until)

    @precondition(lambda self: self.model.requests)
    @rule(data=st.data())
    def all_stewards_approve(self, data):
        id = self.pick(data, "pending")
        for _ in range(8):
            request = self.model.requests[id]
            number = self.model.open_stage(request)
            voted = {vote.by for vote in request.votes if vote.stage == number}
            able = [
                who
                for who in self.model.could_decide(id)
                if who not in voted and not self.model.own(request, who)
            ]
            if not able or self.model.state(id, self.now) != "pending":
                break
            self._decide(id, data.draw(st.sampled_from(able), label="by"), "approve", None)

    @precondition(lambda self: self.model.requests)
    @rule(data=st.data(), by=people, verdict=st.sampled_from(["approve", "deny"]))
    def somebody_decides(self, data, by, verdict):
        self._decide(self.pick(data, "pending"), by, verdict, None)

    @precondition(lambda self: self.last is not None)
    @rule()
    def the_last_determination_is_sent_again(self):
        verdict, act = self.last
        id, by = act["id"], act["by"]
        person = self.model.people[by]
        assume(person.active and self.model._roles(self.model.requests[id], by))
        getattr(self.market.requests, verdict)(**act)

    # -- ending -----------------------------------------------------------------------------

    @precondition(lambda self: self.model.requests)
    @rule(data=st.data())
    def cancel(self, data):
        id = self.pick(data, "pending")
        by = data.draw(st.sampled_from([self.model.requests[id].requester, "gil", "fay"]))
        refusal = self.model.cancel(id, by=by, now=self.now)
        self.compare(refusal, self.market.requests.cancel, id, by=by)

    @precondition(lambda self: self.model.requests)
    @rule(data=st.data(), by=st.sampled_from(["gil", "dee", "ana", "cy", "con"]))
    def revoke(self, data, by):
        id = self.pick(data, "approved")
        refusal = self.model.take_back(id, by=by, verb="revoke", now=self.now)
        self.compare(refusal, self.market.requests.revoke, id, reason="enough", by=by)

    @precondition(lambda self: self.model.requests)
    @rule(data=st.data())
    def relinquish(self, data):
        id = self.pick(data, "approved")
        by = self.model.requests[id].beneficiary[1]
        by = by if by in PEOPLE else "bo"
        refusal = self.model.take_back(id, by=by, verb="relinquish", now=self.now)
        self.compare(refusal, self.market.requests.relinquish, id, by=by)

    # -- people and products ----------------------------------------------------------------

    @rule(who=people, groups=st.sets(st.sampled_from(["Legal", "Privacy", "crew"])))
    def move(self, who, groups):
        self.market.people.update(who, groups=groups, by="uma")
        self.model.people[who].groups = set(groups)

    @rule(
        who=st.sampled_from(["ana", "cy", "fay", "con", "gil"]),
        names=st.sets(st.sampled_from(["PRIVACY", "GOVERNANCE"])),
    )
    def empower(self, who, names):
        # Somebody has to be left who can read everything: the test itself.
        names = names | ({"GOVERNANCE"} if who == "gil" else set())
        self.market.people.update(who, permissions=names, by="uma")
        self.model.people[who].permissions = set(names)

    @precondition(lambda self: len(self.model.requests) > 2)
    @rule(who=st.sampled_from(["ana", "bo", "cy", "con", "pat"]))
    def leave(self, who):
        left = sum(not person.active for person in self.model.people.values())
        assume(left < 2)
        self.model.leave(who, self.now)
        self.market.people.deactivate(who, by="uma")

    @rule(data=st.data(), event=st.sampled_from(["suspend", "resume", "resume", "retire"]))
    def step_product(self, data, event):
        living = self.living_products()
        assume(living)
        id = data.draw(st.sampled_from(living), label="product")
        refusal = self.model.step(id, event)
        more = {"reason": "under repair"} if event == "suspend" else {}
        self.compare(refusal, getattr(self.market.products, event), id, by=MANAGER, **more)

    @rule(data=st.data(), sources=source_sets)
    def set_sources(self, data, sources):
        id = data.draw(st.sampled_from(list(self.model.products)), label="product")
        refusal = self.model.set_sources(id, sources, self.now)
        self.compare(refusal, self.market.products.set_sources, id, sorted(sources), by=MANAGER)

    @precondition(lambda self: len(self.living_products()) > 1)
    @rule(data=st.data(), cascade=st.booleans())
    def delete(self, data, cascade):
        id = data.draw(st.sampled_from(self.living_products()), label="product")
        refusal = self.model.delete(id, cascade=cascade, now=self.now)
        self.compare(refusal, self.market.products.delete, id, cascade=cascade, by=MANAGER)

    # -- time, work and faults --------------------------------------------------------------

    @rule(by=jumps)
    def time_passes(self, by):
        self.clock.advance(by)

    @rule()
    def work_is_done(self):
        self.deliver()

    @rule(minutes=st.integers(1, 20))
    def work_is_done_a_little_later(self, minutes):
        self.clock.advance(minutes=minutes)
        self.deliver()

    @rule()
    def the_platform_goes_away_or_comes_back(self):
        self.platform.unreachable = not self.platform.unreachable

    @rule(
        point=st.sampled_from(["before_apply", "after_apply", "observe"]), nth=st.integers(1, 3)
    )
    def the_worker_dies(self, point, nth):
        self.platform.crash_at(point, nth)
        self.deliver()

    @rule(changes=st.integers(1, 3))
    def answers_get_lost(self, changes):
        self.platform.lose_answers(changes)
        self.deliver()

    @rule(calls=st.integers(1, 4))
    def calls_fail(self, calls):
        self.platform.fail(calls)
        self.deliver()

    @rule(object=st.sampled_from([object for object, _ in SOURCES.values()]), back=st.booleans())
    def the_platform_refuses_changes(self, object, back):
        (self.platform.permit if back else self.platform.refuse)(object)

    @rule(who=st.sampled_from(HOLDERS), source=st.sampled_from(sorted(SOURCES)), mask=st.booleans())
    def an_administrator_grants_by_hand(self, who, source, mask):
        """What nobody has seen to be absent is somebody else's, also if it is approved later."""
        column = MASKED.get(source) if mask else None
        one = (self.principal(who), SOURCES[source][0], column)
        assume(one not in self.platform.snapshot() and one not in self.looked)
        self.platform.grant_by_hand(*one)
        self.by_hand.add(one)

    # -- what holds at every moment ---------------------------------------------------------

    @invariant()
    def requests_are_where_the_model_says(self):
        found = self.market.requests.find(limit=1000, by="gil").items
        states = {request.id: request.state for request in found}
        assert states == {id: self.model.state(id, self.now) for id in self.model.requests}
        for id, state in self.final.items():
            assert states[id] == state, "what is over was opened again"
        over = ("denied", "canceled", "revoked", "expired")
        self.final |= {id: state for id, state in states.items() if state in over}
        for request in found:
            self._check(request)

    def _check(self, request) -> None:
        known = self.model.requests[request.id]
        assert request.until == known.until
        by = [(each.by, each.stage) for each in request.determinations]
        assert len(set(by)) == len(by), "somebody determined twice on one stage"
        if not request.allow_self_review:
            assert request.requester not in {who for who, _ in by}, "somebody decided for himself"
            assert request.beneficiary.id not in {who for who, _ in by}
        denied = any(each.verdict == "deny" for each in request.determinations)
        assert not denied or request.state == "denied"
        if request.state in ("approved", "revoked", "expired"):
            assert all(
                m.complete(stage, self.model._voters(known, number))
                for number, stage in enumerate(known.stages)
            ), "approved without a quorum"

    # -- what holds when there is nothing left to do ----------------------------------------

    @rule()
    def everything_comes_to_rest(self):
        """Faults end, leases run out, and workers work until there is nothing to do."""
        self.platform.unreachable = False
        self.platform.lose_answers(0)
        self.platform.fail(0)
        for object, _ in SOURCES.values():
            self.platform.permit(object)
        for _ in range(20):
            self.clock.advance(minutes=16)
            done = self.deliver()
            if done is not None and not done.failed and not done.passes:
                break
        else:
            raise AssertionError(f"it never comes to rest: {done}")
        self._compare_platform()
        self._compare_grants()
        self._compare_products()
        verified = self.market.audit.verify()
        assert verified.ok, verified.problems
        self.looked = self.justified()

    def _compare_platform(self) -> None:
        wanted = self.justified() | self.by_hand
        assert self.platform.snapshot() == wanted
        for who, (object, columns) in itertools.product(HOLDERS, SOURCES.values()):
            name = self.principal(who)
            for column in columns:
                masked = column in MASKED.values()
                expected = "none"
                if (name, object, None) in wanted:
                    hidden = masked and (name, object, column) not in wanted
                    expected = "masked" if hidden else "clear"
                assert self.platform.reads(name, object, column) == expected

    def _compare_grants(self) -> None:
        views = {each.requests[0]: each for each in self.market.grants.find(limit=1000, by="gil")}
        assert views.keys() == self.model.grants.keys()
        justified = self.model.justified(self.now)
        for id, grant in self.model.grants.items():
            view = views[id]
            assert view.requests == tuple(grant.requests)
            if not grant.live:
                assert view.state == "ended", view
                continue
            product = self.model.products[grant.product]
            names = [name.split(".") for name in grant.columns]
            open_ = [c for s, c in names if (grant.beneficiary, s, c) in justified]
            left = [c for s, c in names if s not in grant.lost]
            if product.suspended:
                assert view.state == "withheld" and "suspended" in view.withheld, view
            elif grant.kind == "access" or (open_ and len(open_) == len(left)):
                assert view.state == "active", view
            elif not open_:
                assert (view.state, view.withheld) == ("withheld", ("waiting_for_access",)), view
            assert not view.trouble or (open_ and len(open_) < len(left)), view.trouble

    def _compare_products(self) -> None:
        for id, product in self.model.products.items():
            state = self.market.products.get(id, by="gil").state
            assert state == product.state, id
            if state == "deleted" and id in self.names:
                # Its name is free again.
                self._publish(self.names.pop(id), m.Form(m.DEFAULT), None, None, {"leave"})
                break

    def teardown(self) -> None:
        if sys.exc_info()[0] is None:  # else it would only hide what was found
            self.everything_comes_to_rest()
            self.requests_are_where_the_model_says()
        self.market.close()
