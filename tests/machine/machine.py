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
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from marketplace_sdk import (
    AlreadyDetermined,
    AlreadyRequested,
    Column,
    Conflict,
    DataSource,
    Duration,
    Emergency,
    Escalation,
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
from tests.machine import model as m

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
REPRESENTED = ("ana", "bo", "cy", "gil")
"""Who may have a deputy."""
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
    m.ANSWERED: (Conflict,),
    m.EMERGENCY: (Conflict,),
    m.SETTLED: (Conflict,),
}

# -- what is drawn ----------------------------------------------------------------------------


def one_in(count: int) -> st.SearchStrategy[bool]:
    """True once in so many times."""
    return st.sampled_from([False] * (count - 1) + [True])


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
escalations = st.tuples(
    st.sampled_from([(5, "hours"), (3, "days")]),
    st.sampled_from([("user", "fay"), ("group", "Privacy"), ("user", "con"), m.MANAGER]),
)
lengths = st.sampled_from([None, (5, "hours"), (3, "days"), (2, "weeks"), (1, "months")])


# Composites, because Hypothesis takes seconds to print what nested builds() have made.
@st.composite
def seats(draw) -> m.Seat:
    who = draw(st.lists(selectors, min_size=1, max_size=2, unique=True))
    return m.Seat(tuple(who), draw(st.sampled_from([1, 1, 1, 2])))


@st.composite
def stages(draw) -> m.Stage:
    """One to three different sets of one or two seats."""
    sets = st.lists(st.lists(seats(), min_size=1, max_size=2, unique=True), min_size=1, max_size=3)
    found = dict.fromkeys(tuple(each) for each in draw(sets))
    return m.Stage(tuple(found), draw(st.booleans()))


@st.composite
def flows(draw, kinds: str) -> m.Flow:
    kind = draw(st.sampled_from(kinds.split()))
    if kind == "review":
        return m.Flow(kind, stages=tuple(draw(st.lists(stages(), min_size=1, max_size=2))))
    if kind == "approve":
        return m.Flow(kind, duration=draw(lengths))
    return m.Flow(kind, allow_automatic=kind == "delegate" and draw(st.booleans()))


@st.composite
def forms(draw) -> m.Form:
    flow = draw(flows("review " * 9 + "delegate approve deny"))
    duration, self_review = draw(st.booleans()), draw(one_in(3))
    added = draw(escalations) if draw(one_in(3)) else None
    waits = draw(st.sampled_from([(4, "days"), (1, "months")])) if draw(one_in(4)) else None
    return m.Form(flow, duration, self_review, added, waits)


own_flows = st.one_of(st.none(), flows("review review approve"))
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
HAPPENINGS = [
    name
    for name, weight in {
        "ask": 8,
        "ask_unmasked": 7,
        "ask_again": 3,
        "extend": 4,
        "a_steward_decides": 6,
        "all_stewards_approve": 10,
        "somebody_decides": 3,
        "the_last_determination_is_sent_again": 1,
        "break_glass": 5,
        "somebody_reviews_an_emergency": 4,
        "somebody_settles": 2,
        "somebody_asks_back": 3,
        "somebody_answers": 3,
        "somebody_names_a_deputy": 1,
        "a_deputy_decides": 5,
        "a_deputyship_is_ended": 1,
        "cancel": 1,
        "revoke": 4,
        "relinquish": 2,
        "publish": 1,
        "step_product": 3,
        "set_sources": 2,
        "delete": 1,
        "move": 1,
        "empower": 1,
        "leave": 1,
        "time_passes": 4,
        "an_end_comes": 4,
        "work_is_done": 8,
        "work_is_done_a_little_later": 5,
        "the_platform_goes_away_or_comes_back": 2,
        "the_worker_dies": 3,
        "answers_get_lost": 2,
        "calls_fail": 1,
        "the_platform_refuses_changes": 2,
        "an_administrator_grants_by_hand": 5,
        "everything_comes_to_rest": 2,
    }.items()
    for _ in range(weight)
]
"""What may happen, as often as its weight."""


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


def escalation_of(added: tuple[tuple[int, str], tuple[str, ...]] | None) -> Escalation | None:
    if added is None:
        return None
    return Escalation(after=Duration(*added[0]), to=selector_of(added[1]))


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


EMERGENCY = Emergency(
    duration=Duration(*m.EMERGENCY_LASTS),
    review_within=Duration(*m.REVIEWED_WITHIN),
    who=[selector_of(one) for one in m.ADMITTED],
)


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
        self.rested: dict[tuple[str, str, str | None], set[tuple[str, ...]]] = {}
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
            self.model.known_there |= {name} & set(READERS)
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

    def reasons(self) -> dict[tuple[str, str, str | None], set[tuple[str, ...]]]:
        """What live approvals justify, in the words of the platform, and which ones."""
        return {
            (self.principal(who), SOURCES[source][0], column): why
            for (who, source, column), why in self.model.reasons(self.now).items()
        }

    def justified(self) -> set[tuple[str, str, str | None]]:
        return set(self.reasons())

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
        reasons, after = self.reasons(), self.platform.snapshot()
        justified = set(reasons)
        if not self.platform.unreachable:
            self.looked |= justified
        assert after - before <= justified, "access without an approval that is live"
        for one in (before - after) & justified:
            # Where one reason follows another there may be a gap; what has stood since the last
            # rest may not go away for a moment.
            assert not reasons[one] & self.rested.get(one, set()), f"taken away: {one}"
        assert after >= self.by_hand, "access taken away that was there before us"
        return done

    def pick(self, data: st.DataObject, *states: str) -> str:
        """A request in one of these states; rarely any."""
        if not self.model.requests:
            self.ask(data)
        assume(self.model.requests)
        wanted = [id for id in self.model.requests if self.model.state(id, self.now) in states]
        if not wanted or data.draw(one_in(10), label="any"):
            wanted = list(self.model.requests)
        return data.draw(st.sampled_from(wanted), label="request")

    def pick_product(self, data: st.DataObject) -> str:
        """A product that is published; rarely any."""
        living = [id for id, each in self.model.products.items() if each.state == "published"]
        if not living or data.draw(one_in(6), label="any"):
            living = list(self.model.products)
        return data.draw(st.sampled_from(living), label="product")

    def answers(self, product: str, wish: tuple[int, str] | None) -> tuple[dict[str, Any], Any]:
        asks = self.model.products[product].form.asks_duration
        if not asks:
            return {"why": "work"}, None
        wish = wish or (4, "days")
        return {"why": "work", "long": Duration(*wish)}, wish

    def living_products(self) -> list[str]:
        return [id for id, each in self.model.products.items() if each.state != "deleted"]

    # -- publishing -------------------------------------------------------------------------

    def _publish(self, name: str, form: m.Form, own, longest, sources, *, emergency=False) -> None:
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
            escalation=escalation_of(form.added),
            expire_after=length_of(form.waits),
            by=MANAGER,
        )
        self.compare(
            None,
            self.market.products.publish,
            name,
            domain="HR",
            sources=sorted(sources),
            form=made.id,
            review=flow_of(own),
            max_duration=length_of(longest),
            emergency=EMERGENCY if emergency else None,
            id=id,
            by=MANAGER,
        )
        self.names[id] = name
        self.model.products[id] = m.Product(set(sources), form, own, longest, emergency)

    @initialize(form=forms(), own=own_flows, longest=lengths, other=forms())
    def two_products_that_share_a_source(self, form, own, longest, other):
        self._publish("First", form, own, longest, {"people", "leave"}, emergency=True)
        self._publish("Second", other, own, None, {"people", "pay"}, emergency=True)

    @rule(data=st.data(), what=st.sampled_from(HAPPENINGS))
    def something_happens(self, data, what):
        """One rule, so that what people do outweighs what may go wrong by the table, not by luck."""
        getattr(self, what)(data)

    def publish(self, data):
        if len(self.living_products()) < 4:
            name = f"Product {next(self.numbers)}"
            form, own = data.draw(forms(), label="form"), data.draw(own_flows, label="own")
            longest, sources = data.draw(lengths), data.draw(source_sets, label="sources")
            emergency = data.draw(st.booleans(), label="emergency")
            self._publish(name, form, own, longest, sources, emergency=emergency)

    # -- asking -----------------------------------------------------------------------------

    def ask(self, data):
        self._ask(data, frozenset())

    def ask_unmasked(self, data):
        """Mostly what would be of use: columns of a product that somebody has."""
        useful = sorted(
            {
                (grant.beneficiary, grant.product)
                for grant in self.model.grants.values()
                if grant.kind == "access" and not grant.over(self.now)
                if self.model.products[grant.product].sources & MASKED.keys()
            }
        )
        if useful and not data.draw(one_in(4), label="any"):
            to, product = data.draw(st.sampled_from(useful), label="for")
            sources = sorted(self.model.products[product].sources & MASKED.keys())
            columns = frozenset(f"{source}.{MASKED[source]}" for source in sources)
            self._ask(data, columns, to, product)
        else:
            wanted = st.frozensets(st.sampled_from(MASKED_COLUMNS), min_size=1)
            self._ask(data, data.draw(wanted, label="columns"))

    def _ask(self, data, columns, to=None, product=None):
        askers = ["con"] * 4 + ["pat"] * 2 + [*READERS, MANAGER, "gil"]
        by = data.draw(st.sampled_from(askers), label="by")
        if to is None:
            other = by not in READERS or data.draw(one_in(4), label="for another")
            to = data.draw(st.sampled_from(HOLDERS), label="to") if other else ("user", by)
            product = self.pick_product(data)
        answers, wish = self.answers(product, data.draw(lengths, label="wish"))
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

    def ask_again(self, data):
        """The same wish, at whatever point the first one is."""
        before = self.model.requests[self.pick(data, "expired", "revoked", "denied", "canceled")]
        answers, wish = self.answers(before.product, None)
        id, to = f"request-{next(self.numbers)}", before.beneficiary
        refusal = self.model.ask(
            id,
            kind=before.kind,
            product=before.product,
            by=before.requester,
            beneficiary=to,
            columns=before.columns,
            wish=wish,
            now=self.now,
        )
        more: dict[str, Any] = {"answers": answers, "id": id, "by": before.requester}
        more["on_behalf_of"] = to[1] if to[0] == "user" else group(to[1])
        act = self.market.requests.request_access
        if before.columns:
            act = self.market.requests.request_masking_exception
            more["columns"] = sorted(before.columns)
        self.compare(refusal, act, before.product, **more)

    def extend(self, data):
        id = self.pick(data, "approved")
        ending = [
            one
            for one, each in self.model.requests.items()
            if each.until is not None and self.model.state(one, self.now) == "approved"
        ]
        if ending and not data.draw(one_in(4), label="any"):
            id = data.draw(st.sampled_from(ending), label="request")
        request = self.model.requests[id]
        ours = [request.requester, request.requester, request.beneficiary[1], "cy"]
        by = data.draw(st.sampled_from([who for who in ours if who in PEOPLE]), label="by")
        answers, wish = self.answers(request.product, data.draw(lengths, label="wish"))
        new = f"request-{next(self.numbers)}"
        refusal = self.model.extend(id, new, by=by, wish=wish, now=self.now)
        act = self.market.requests.extend
        self.compare(refusal, act, id, answers=answers, new_id=new, by=by)

    # -- deciding ---------------------------------------------------------------------------

    def _decide(self, id: str, by: str, verdict: str, until: Any, deputy_for: str = "") -> None:
        if isinstance(until, tuple) and until[0] == "at":
            until = self.now + timedelta(hours=until[1])
        given = Duration(*until) if isinstance(until, tuple) else until
        refusal = self.model.decide(
            id, by=by, verdict=verdict, until=until, now=self.now, deputy_for=deputy_for
        )
        more: dict[str, Any] = {
            "reason": "because",
            "determination": f"act-{next(self.numbers)}",
            "by": by,
            **({"deputy_for": deputy_for} if deputy_for else {}),
        }
        if verdict == "approve":
            more["until"] = given
        self.compare(refusal, getattr(self.market.requests, verdict), id, **more)
        if refusal is None and not deputy_for:
            self.last = (verdict, {"id": id, **more})

    def a_steward_decides(self, data):
        id = self.pick(data, "pending")
        able = self.model.could_decide(id, self.now)
        by = data.draw(st.sampled_from(able) if able else people, label="by")
        verdict = "deny" if data.draw(one_in(6), label="deny") else "approve"
        self._decide(id, by, verdict, data.draw(untils, label="until"))

    def somebody_decides(self, data):
        """Often somebody who would decide for himself."""
        id = self.pick(data, "pending")
        verdict = data.draw(st.sampled_from(["approve", "deny"]), label="verdict")
        request = self.model.requests[id]
        own = [who for who in self.model.could_decide(id, self.now) if self.model.own(request, who)]
        if not own or data.draw(st.booleans(), label="anybody"):
            own = sorted(PEOPLE)
        self._decide(id, data.draw(st.sampled_from(own), label="by"), verdict, None)

    def all_stewards_approve(self, data):
        """As many as it takes, so that reviews of several stages come to an end."""
        id, until = self.pick(data, "pending"), data.draw(untils, label="until")
        for _ in range(8):
            request = self.model.requests[id]
            number = self.model.open_stage(request)
            voted = {vote.steward for vote in request.votes if vote.stage == number}
            able = [
                who
                for who in self.model.could_decide(id, self.now)
                if who not in voted and not self.model.own(request, who)
            ]
            if not able or self.model.state(id, self.now) != "pending":
                break
            self._decide(id, data.draw(st.sampled_from(able), label="by"), "approve", until)
            until = None

    def the_last_determination_is_sent_again(self, data):
        """It changes nothing."""
        if self.last is not None:
            verdict, act = self.last
            if self.model.may_see(act["id"], act["by"], self.now):
                self.compare(None, getattr(self.market.requests, verdict), **act)

    # -- deputies ---------------------------------------------------------------------------

    def somebody_names_a_deputy(self, data):
        """Not always a steward of anything."""
        self._name_deputy(data, data.draw(st.sampled_from(REPRESENTED), label="by"))

    def _name_deputy(self, data, by: str) -> None:
        """Nobody both has a deputy and is one, which keeps the model simple."""
        deputy = data.draw(st.sampled_from(["fay", "con", "dee"]), label="deputy")
        live = sorted(id for id, each in self.model.products.items() if each.state == "published")
        product = data.draw(st.sampled_from(["", "", "", *live]), label="product")
        until = self.now + timedelta(days=data.draw(st.integers(1, 20), label="days"))
        id = f"deputyship-{next(self.numbers)}"
        refusal = self.model.name_deputy(id, m.Deputyship(by, deputy, until, product))
        more = {"until": until, "product": product or None, "id": id, "by": by}
        self.compare(refusal, self.market.deputies.name, deputy, **more)

    def a_deputy_decides(self, data):
        """Mostly of somebody who could; what waits for a deputy is in their list."""
        id = self.pick(data, "pending")
        able = sorted({*REPRESENTED} & {*self.model.could_decide(id, self.now)})
        if able and not data.draw(one_in(4), label="any"):
            ours = [one for one, ship in self.ships() if ship.person in able]
            if not ours:
                self._name_deputy(data, data.draw(st.sampled_from(able), label="by"))
        ships = [one for one, ship in self.ships() if ship.person in able]
        ships = ships or [one for one, _ in self.ships()]
        assume(ships)
        ship = self.model.deputyships[data.draw(st.sampled_from(ships), label="deputyship")]
        by = ship.deputy
        could = self.model.could(id, by, self.now) or self.model.could_for(id, by, self.now)
        waiting = self.market.requests.awaiting(limit=1000, by=by) if self.active(by) else ()
        assert (id in {each.id for each in waiting}) == could
        verdict = "deny" if data.draw(one_in(6), label="deny") else "approve"
        self._decide(id, by, verdict, data.draw(untils, label="until"), ship.person)

    def ships(self) -> list[tuple[str, m.Deputyship]]:
        return sorted(self.model.deputyships.items(), key=lambda each: each[0])

    def active(self, who: str) -> bool:
        return self.model.people[who].active

    def a_deputyship_is_ended(self, data):
        assume(self.model.deputyships)
        id = data.draw(st.sampled_from(sorted(self.model.deputyships)), label="deputyship")
        ship = self.model.deputyships.pop(id)
        by = data.draw(st.sampled_from([ship.person, ship.deputy, "gil"]), label="by")
        self.market.deputies.end(id, by=by)

    # -- emergencies ------------------------------------------------------------------------

    def break_glass(self, data):
        product = self.pick_product(data)
        by = data.draw(st.sampled_from(["con"] * 5 + ["pat"] * 2 + ["bo", "gil"]), label="by")
        id = f"request-{next(self.numbers)}"
        refusal = self.model.break_glass(id, product=product, by=by, now=self.now)
        act = self.market.requests.break_glass
        self.compare(refusal, act, product, reason="it is down", id=id, by=by)

    def _pick_emergency(self, data) -> str:
        known = [id for id, each in self.model.requests.items() if each.emergency is not None]
        if not known:
            self.break_glass(data)
            known = [id for id, each in self.model.requests.items() if each.emergency is not None]
        if not known or data.draw(one_in(10), label="any"):
            return self.pick(data, "approved")
        return data.draw(st.sampled_from(known), label="emergency")

    def somebody_reviews_an_emergency(self, data):
        """A steward most of the time, or whoever it is about."""
        id = self._pick_emergency(data)
        request, justified = self.model.requests[id], data.draw(st.booleans(), label="justified")
        able = [who for who in sorted(PEOPLE) if "steward" in self.model._roles(request, who)]
        if not able or data.draw(one_in(4), label="anybody"):
            able = [*sorted(PEOPLE), request.requester]
        by = data.draw(st.sampled_from(able), label="by")
        refusal = self.model.review(id, by=by, justified=justified, now=self.now)
        act, reason = self.market.requests.review_emergency, f"reason {next(self.numbers)}"
        self.compare(refusal, act, id, justified=justified, reason=reason, by=by)

    def somebody_settles(self, data):
        id = self._pick_emergency(data)
        by = data.draw(st.sampled_from(["gil", "gil", "gil", "dee", "con"]), label="by")
        refusal = self.model.settle(id, by=by, now=self.now)
        reason = f"reason {next(self.numbers)}"
        self.compare(refusal, self.market.requests.settle_emergency, id, reason=reason, by=by)

    # -- asking back ------------------------------------------------------------------------

    def somebody_asks_back(self, data):
        """A steward most of the time; it must not change what becomes of the request."""
        id = self.pick(data, "pending")
        able = self.model.could_decide(id, self.now)
        if not able or data.draw(one_in(4), label="anybody"):
            able = sorted(PEOPLE)
        by, new = data.draw(st.sampled_from(able), label="by"), f"inquiry-{next(self.numbers)}"
        refusal = self.model.ask_back(id, new, by=by, now=self.now)
        self.compare(refusal, self.market.requests.ask, id, "Why?", inquiry=new, by=by)

    def somebody_answers(self, data):
        """Also what is answered already, and what nobody waits for any more."""
        known = self.model.requests.items()
        asked = [(id, one) for id, each in known for one in each.inquiries]
        assume(asked)
        id, inquiry = data.draw(st.sampled_from(asked), label="inquiry")
        request = self.model.requests[id]
        ours = [request.requester, request.beneficiary[1], "gil"]
        by = data.draw(st.sampled_from([who for who in ours if who in PEOPLE]), label="by")
        refusal = self.model.answer_back(id, inquiry, by=by, now=self.now)
        words = f"answer {next(self.numbers)}"
        self.compare(refusal, self.market.requests.answer, id, inquiry, words, by=by)

    # -- ending -----------------------------------------------------------------------------

    def cancel(self, data):
        id = self.pick(data, "pending")
        by = data.draw(st.sampled_from([self.model.requests[id].requester, "gil", "fay"]))
        refusal = self.model.cancel(id, by=by, now=self.now)
        self.compare(refusal, self.market.requests.cancel, id, by=by)

    def revoke(self, data):
        id = self.pick(data, "approved")
        by = data.draw(st.sampled_from(["gil", "gil", "dee", "ana", "con"]), label="by")
        refusal = self.model.take_back(id, by=by, verb="revoke", now=self.now)
        self.compare(refusal, self.market.requests.revoke, id, reason="enough", by=by)

    def relinquish(self, data):
        id = self.pick(data, "approved")
        by = self.model.requests[id].beneficiary[1]
        by = by if by in PEOPLE else "bo"
        refusal = self.model.take_back(id, by=by, verb="relinquish", now=self.now)
        self.compare(refusal, self.market.requests.relinquish, id, by=by)

    # -- people and products ----------------------------------------------------------------

    def move(self, data):
        who = data.draw(people, label="who")
        groups = data.draw(st.sets(st.sampled_from(["Legal", "Privacy", "crew"])), label="groups")
        self.market.people.update(who, groups=groups, by="uma")
        self.model.people[who].groups = set(groups)

    def empower(self, data):
        """Never gil: somebody has to be left who can read everything, which is the test itself."""
        who = data.draw(st.sampled_from(["ana", "cy", "fay", "con"]), label="who")
        names = data.draw(st.sets(st.sampled_from(["PRIVACY", "GOVERNANCE"])), label="names")
        self.market.people.update(who, permissions=names, by="uma")
        self.model.people[who].permissions = set(names)

    def leave(self, data):
        if sum(not person.active for person in self.model.people.values()) < 2:
            who = data.draw(st.sampled_from(["ana", "bo", "cy", "con", "pat"]), label="who")
            self.model.leave(who, self.now)
            self.market.people.deactivate(who, by="uma")

    def step_product(self, data):
        id = self.pick_product(data)
        events = ["suspend", "resume"] * 3 + ["retire"]
        if self.model.products[id].suspended:
            events += ["resume"] * 6
        event = data.draw(st.sampled_from(events), label="event")
        refusal = self.model.step(id, event)
        more = {"reason": "under repair"} if event == "suspend" else {}
        self.compare(refusal, getattr(self.market.products, event), id, by=MANAGER, **more)

    def set_sources(self, data):
        id, sources = self.pick_product(data), data.draw(source_sets, label="sources")
        refusal = self.model.set_sources(id, sources, self.now)
        self.compare(refusal, self.market.products.set_sources, id, sorted(sources), by=MANAGER)

    def delete(self, data):
        id, cascade = self.pick_product(data), data.draw(st.booleans(), label="cascade")
        refusal = self.model.delete(id, cascade=cascade, now=self.now)
        self.compare(refusal, self.market.products.delete, id, cascade=cascade, by=MANAGER)

    # -- time, work and faults --------------------------------------------------------------

    def time_passes(self, data):
        self.clock.advance(data.draw(jumps, label="by"))

    def an_end_comes(self, data):
        """To the very instant of an end or an escalation, or a second before."""
        ends = {grant.until for grant in self.model.grants.values()} - {None}
        ends |= self.model.moments()
        ends = sorted(end for end in ends if end > self.now)
        if ends:
            early = timedelta(seconds=data.draw(st.integers(0, 1), label="early"))
            end = data.draw(st.sampled_from(ends), label="end") - early
            self.clock.set(max(end, self.now))

    def work_is_done(self, data):
        self.deliver()

    def work_is_done_a_little_later(self, data):
        self.clock.advance(minutes=data.draw(st.integers(1, 20), label="minutes"))
        self.deliver()

    def the_platform_goes_away_or_comes_back(self, data):
        self.platform.unreachable = not self.platform.unreachable

    def the_worker_dies(self, data):
        points = st.sampled_from(["before_apply", "after_apply", "observe"])
        nth = data.draw(st.integers(1, 3), label="nth")
        self.platform.crash_at(data.draw(points, label="point"), nth)
        self.deliver()

    def answers_get_lost(self, data):
        self.platform.lose_answers(data.draw(st.integers(1, 3), label="changes"))
        self.deliver()

    def calls_fail(self, data):
        self.platform.fail(data.draw(st.integers(1, 4), label="calls"))
        self.deliver()

    def the_platform_refuses_changes(self, data):
        object = data.draw(st.sampled_from([object for object, _ in SOURCES.values()]))
        back = data.draw(st.booleans(), label="permit")
        (self.platform.permit if back else self.platform.refuse)(object)

    def an_administrator_grants_by_hand(self, data):
        """What nobody has seen to be absent is somebody else's, also if it is approved later."""
        who = data.draw(st.sampled_from(HOLDERS), label="who")
        source = data.draw(st.sampled_from(sorted(SOURCES)), label="source")
        soon = sorted({(each.beneficiary, each.product) for each in self.model.requests.values()})
        if soon and not data.draw(one_in(4), label="any"):
            who, product = data.draw(st.sampled_from(soon), label="what is asked for")
            source = min(self.model.products[product].sources)
        column = MASKED.get(source) if data.draw(one_in(4), label="unmask") else None
        one = (self.principal(who), SOURCES[source][0], column)
        if one not in self.platform.snapshot() and one not in self.looked:
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
        waiting = {request.id for request in found if request.open_inquiries}
        asked = self.market.requests.find(inquiry="open", limit=1000, by="gil").items
        assert {request.id for request in asked} == waiting

    def _check(self, request) -> None:
        known = self.model.requests[request.id]
        assert request.until == known.until
        inquiries = {
            each.id: m.Inquiry(each.asked_by, each.answered_by) for each in request.inquiries
        }
        assert inquiries == known.inquiries
        open_ = [id for id, each in known.inquiries.items() if not each.answered_by]
        assert [each.id for each in request.open_inquiries] == (open_ if request.open else [])
        acts = [(each.by, each.deputy_for, each.stage) for each in request.determinations]
        assert acts == [(each.by, each.deputy_for, each.stage) for each in known.votes]
        kept = None if request.emergency is None else request.emergency.standing
        said = {None: "open", True: "justified", False: "unjustified"}
        assert kept == (known.emergency and said[known.emergency.justified])
        if kept is not None:
            assert request.determinations == (), "somebody decided what nobody decides"
            assert request.until <= request.created_at + timedelta(hours=4), "longer than it may"
            return
        by = [(each.steward, each.stage) for each in request.determinations]
        assert len(set(by)) == len(by), "somebody determined twice on one stage"
        sides = {request.requester, request.beneficiary.id}
        for each in request.determinations:
            if each.deputy_for or not request.allow_self_review:
                assert sides.isdisjoint(each.voices), "somebody decided for himself"
        denied = any(each.verdict == "deny" for each in request.determinations)
        assert not denied or request.state == "denied"
        if request.state in ("approved", "revoked", "expired"):
            assert all(
                m.complete(stage, self.model.voters(known, number))
                for number, stage in enumerate(known.stages)
            ), "approved without a quorum"

    # -- what holds when there is nothing left to do ----------------------------------------

    def everything_comes_to_rest(self, data=None):
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
        assert verified.ok, str(verified)
        self.rested = self.reasons()
        self.looked = set(self.rested)

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
