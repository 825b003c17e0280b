"""What ought to happen, written down a second time, and as simply as it can be.

The state machine compares the marketplace with this. It imports nothing of the product (an import
contract sees to that), keeps everything in plain dicts and sets, and prefers trying all
possibilities to being clever. Selectors are tuples: ``("user", "ana")``, ``("group", "Legal")``,
``("permission", "X")``,
``("attribute", "team", "finance")``, ``("domain", "MANAGE_DATA_PRODUCTS")``. Whoever has access is a
tuple too: ``("user", "con")`` or ``("group", "crew")``.

Every command answers with a refusal, one of the words below, or None when it is accepted.
"""

from __future__ import annotations

import calendar
import itertools
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

UNKNOWN = "the actor may not act at all"
HIDDEN = "what the actor may not see does not exist"
GONE = "there is no such product any more"
FORBIDDEN = "the actor may not"
DECIDED = "decided already, or the act would count for nothing"
TAKEN = "the same wish is pending or granted"
WRONG = "the input cannot be used"
ANSWERED = "somebody has answered it"
STEP = "the state has no such step"
IN_USE = "grants are active"
EMERGENCY = "it was an emergency, and only that"
SETTLED = "there is nothing to settle"

MANAGER = ("domain", "MANAGE_DATA_PRODUCTS")
GOVERNANCE = ("permission", "GOVERNANCE")


# -- what is configured -----------------------------------------------------------------------


@dataclass
class Person:
    """Facts of somebody, as they are now."""

    groups: set[str] = field(default_factory=set)
    permissions: set[str] = field(default_factory=set)
    attributes: set[tuple[str, str]] = field(default_factory=set)
    manages: bool = False
    active: bool = True

    def is_one_of(self, name: str, selector: tuple[str, ...]) -> bool:
        kind, *rest = selector
        if kind == "user":
            return rest == [name]
        if kind == "group":
            return rest[0] in self.groups
        if kind == "permission":
            return rest[0] in self.permissions
        if kind == "attribute":
            return tuple(rest) in self.attributes
        return self.manages


@dataclass(frozen=True)
class Seat:
    """So many different people of these selectors have to approve."""

    selectors: tuple[tuple[str, ...], ...]
    approvals: int = 1


@dataclass(frozen=True)
class Stage:
    """One seat of each set has to be filled; if distinct, nobody counts twice."""

    sets: tuple[tuple[Seat, ...], ...]
    distinct: bool = False

    def places(self) -> list[tuple[int, int]]:
        return [(at, i) for at, seats in enumerate(self.sets) for i in range(len(seats))]

    def seat(self, place: tuple[int, int]) -> Seat:
        return self.sets[place[0]][place[1]]


@dataclass(frozen=True)
class Flow:
    """``review`` with stages, ``approve`` with a duration, ``deny``, or ``delegate``."""

    kind: str
    stages: tuple[Stage, ...] = ()
    duration: tuple[int, str] | None = None
    allow_automatic: bool = False


DEFAULT = Flow("review", stages=(Stage(sets=((Seat((GOVERNANCE, MANAGER)),),)),))


@dataclass(frozen=True)
class Form:
    flow: Flow
    asks_duration: bool = False
    allow_self_review: bool = False
    added: tuple[tuple[int, str], tuple[str, ...]] | None = None  # after how long, and who
    waits: tuple[int, str] | None = None


@dataclass
class Product:
    sources: set[str]
    form: Form
    own_flow: Flow | None = None
    longest: tuple[int, str] | None = None
    emergency: bool = False
    state: str = "published"
    suspended: bool = False


# -- what happens -----------------------------------------------------------------------------


@dataclass
class Vote:
    by: str
    verdict: str
    stage: int
    places: frozenset[tuple[int, int]]
    until: datetime | timedelta | tuple[int, str] | None
    deputy_for: str = ""

    @property
    def steward(self) -> str:
        return self.deputy_for or self.by


@dataclass
class Deputyship:
    """Somebody may decide in another's place; here nobody both has a deputy and is one."""

    person: str
    deputy: str
    until: datetime
    product: str = ""


@dataclass
class Inquiry:
    """A question back."""

    by: str
    answered_by: str = ""


ADMITTED = (("user", "con"), ("group", "crew"))
EMERGENCY_LASTS = (4, "hours")
REVIEWED_WITHIN = (2, "days")


@dataclass
class Emergency:
    """Access that nobody decided: ``justified`` is None until somebody has reviewed it."""

    due: datetime
    justified: bool | None = None
    settled: bool = False

    def bars(self, now: datetime) -> bool:
        if self.justified is None:
            return self.due <= now
        return not (self.justified or self.settled)


@dataclass
class Request:
    kind: str
    product: str
    requester: str
    beneficiary: tuple[str, str]
    columns: frozenset[str]
    stages: tuple[Stage, ...]
    allow_self_review: bool
    limits: tuple[tuple[int, str], ...]
    form: Form
    asked_at: datetime
    opened_at: datetime  # the stage that is open
    votes: list[Vote] = field(default_factory=list)
    inquiries: dict[str, Inquiry] = field(default_factory=dict)
    emergency: Emergency | None = None
    state: str = "pending"
    until: datetime | None = None
    extends: str = ""
    grant: str = ""


@dataclass
class Grant:
    kind: str
    product: str
    beneficiary: tuple[str, str]
    columns: frozenset[str]
    requests: list[str]
    until: datetime | None
    made: datetime
    emergency: bool = False
    live: bool = True
    lost: set[str] = field(default_factory=set)

    def over(self, now: datetime) -> bool:
        return not self.live or (self.until is not None and self.until <= now)


# -- counting, by trying everything -----------------------------------------------------------


@cache
def complete(stage: Stage, voters: tuple[frozenset[tuple[int, int]], ...]) -> bool:
    """Whether these voters, each with the places they match, complete a stage."""
    if not stage.distinct:
        return all(
            any(
                sum((at, i) in voter for voter in voters) >= seat.approvals
                for i, seat in enumerate(seats)
            )
            for at, seats in enumerate(stage.sets)
        )
    for chosen in itertools.product(*(range(len(seats)) for seats in stage.sets)):
        needs = {(at, i): stage.seat((at, i)).approvals for at, i in enumerate(chosen)}
        if _seated(needs, voters):
            return True
    return False


def _seated(
    needs: dict[tuple[int, int], int], voters: tuple[frozenset[tuple[int, int]], ...]
) -> bool:
    """Whether everybody can be given at most one place so that all places are full."""
    if not any(needs.values()):
        return True
    if not voters:
        return False
    first, rest = voters[0], voters[1:]
    options = [place for place in first if needs.get(place)]
    return any(_seated({**needs, place: needs[place] - 1}, rest) for place in options) or _seated(
        needs, rest
    )


def voters_of(votes: list[Vote]) -> tuple[frozenset[tuple[int, int]], ...]:
    """The places of each human who approved, for themselves and for others together."""
    found: dict[str, frozenset[tuple[int, int]]] = {}
    for vote in votes:
        if vote.verdict == "approve":
            found[vote.by] = found.get(vote.by, frozenset()) | vote.places
    return tuple(found.values())


@cache
def matters(
    stage: Stage,
    voters: tuple[frozenset[tuple[int, int]], ...],
    with_it: tuple[frozenset[tuple[int, int]], ...],
) -> bool:
    """Whether one more approval could ever make a difference.

    It could if there are future voters with whom the stage is complete, and without it is not.
    """
    counts = [range(stage.seat(place).approvals + 1) for place in stage.places()]
    for each in itertools.product(*counts):
        future = tuple(
            frozenset([place])
            for place, count in zip(stage.places(), each, strict=True)
            for _ in range(count)
        )
        if complete(stage, (*with_it, *future)) and not complete(stage, (*voters, *future)):
            return True
    return False


def after(start: datetime, length: tuple[int, str] | timedelta) -> datetime:
    """The instant so long after another; months on the calendar, clamped."""
    if isinstance(length, timedelta):
        return start + length
    amount, unit = length
    if unit != "months":
        return start + timedelta(**{unit: amount})
    year, month = divmod(start.year * 12 + start.month - 1 + amount, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)


def end_of(until: datetime | timedelta | tuple[int, str], now: datetime) -> datetime:
    return until if isinstance(until, datetime) else after(now, until)


# -- the marketplace --------------------------------------------------------------------------


class Model:
    """Requests, grants and what they justify."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.known_there: set[str] = set()  # whom the platform knows
        self.products: dict[str, Product] = {}
        self.requests: dict[str, Request] = {}
        self.grants: dict[str, Grant] = {}
        self.deputyships: dict[str, Deputyship] = {}

    # reading

    def state(self, id: str, now: datetime) -> str:
        request = self.requests[id]
        ended = request.until is not None and request.until <= now
        if request.state == "approved" and ended:
            return "expired"
        waits = request.form.waits
        late = waits is not None and after(request.asked_at, waits) <= now
        return "canceled" if request.state == "pending" and late else request.state

    def open_stage(self, request: Request) -> int | None:
        for number, stage in enumerate(request.stages):
            if not complete(stage, self.voters(request, number)):
                return number
        return None

    def places(self, stage: Stage, who: str) -> frozenset[tuple[int, int]]:
        person = self.people[who]
        return frozenset(
            place
            for place in stage.places()
            if any(person.is_one_of(who, one) for one in stage.seat(place).selectors)
        )

    def seats_of(self, request: Request, number: int, who: str, now: datetime) -> frozenset:
        """Places of the open stage that somebody may fill now, by name or because time passed."""
        stage, added = request.stages[number], request.form.added
        due = added is not None and after(request.opened_at, added[0]) <= now
        if added is not None and due and self.people[who].is_one_of(who, added[1]):
            return frozenset(stage.places())
        return self.places(stage, who)

    def could_decide(self, id: str, now: datetime) -> list[str]:
        """People who match a seat of the open stage now, whether or not they may."""
        request = self.requests[id]
        number = self.open_stage(request)
        if self.state(id, now) != "pending" or number is None:
            return []
        return sorted(
            who
            for who, person in self.people.items()
            if person.active and self.seats_of(request, number, who, now)
        )

    def moments(self) -> set[datetime]:
        """Instants at which time does something to a pending request."""
        found = set()
        for request in self.requests.values():
            if request.state == "pending":
                if request.form.waits is not None:
                    found.add(after(request.asked_at, request.form.waits))
                if request.form.added is not None:
                    found.add(after(request.opened_at, request.form.added[0]))
        return found

    def justified(self, now: datetime) -> set[tuple[tuple[str, str], str, str | None]]:
        """(who, source, column to unmask or None to read): all that live approvals justify."""
        return set(self.reasons(now))

    def reasons(
        self, now: datetime
    ) -> dict[tuple[tuple[str, str], str, str | None], set[tuple[str, ...]]]:
        """Why: the grants that suffice together, every such combination."""
        found: dict[tuple[tuple[str, str], str, str | None], set[tuple[str, ...]]] = {}
        live = {
            id: grant
            for id, grant in self.grants.items()
            if not grant.over(now) and not self.products[grant.product].suspended
        }
        for id, grant in live.items():
            for source in self.products[grant.product].sources if grant.kind == "access" else ():
                found.setdefault((grant.beneficiary, source, None), set()).add((id,))
        for id, grant in live.items():
            for name in grant.columns:
                source, column = name.split(".")
                reads = found.get((grant.beneficiary, source, None), set())
                if source not in grant.lost and reads:
                    found.setdefault((grant.beneficiary, source, column), set()).update(
                        (id, *access) for access in reads
                    )
        return found

    # asking

    def ask(
        self,
        id: str,
        *,
        kind: str,
        product: str,
        by: str,
        beneficiary: tuple[str, str],
        columns: frozenset[str] = frozenset(),
        wish: tuple[int, str] | None = None,
        extends: str = "",
        now: datetime,
    ) -> str | None:
        wanted = self.products[product]
        if not self.people[by].active:
            return UNKNOWN
        if beneficiary[0] == "user" and not self.people[beneficiary[1]].active:
            return WRONG
        if wanted.state == "deleted":
            return GONE
        if wanted.state not in ("published", "suspended") and not extends:
            return STEP
        if any(name.split(".")[0] not in wanted.sources for name in columns):
            return WRONG
        key = (kind, product, beneficiary, columns, extends)
        if self._taken(key, now, emergency=False, pending=True):
            return TAKEN
        self._end_what_is_over(key, now, emergency=False)
        flow, limits = self._route(wanted, by, beneficiary), []
        if flow.kind == "approve":
            limits = [length for length in (flow.duration, wish) if length is not None]
        if wanted.longest is not None:
            limits.append(wanted.longest)
        request = Request(
            kind=kind,
            product=product,
            requester=by,
            beneficiary=beneficiary,
            columns=columns,
            stages=flow.stages,
            allow_self_review=wanted.form.allow_self_review,
            limits=tuple(limits),
            form=wanted.form,
            asked_at=now,
            opened_at=now,
            extends=extends,
        )
        self.requests[id] = request
        if flow.kind == "deny":
            request.state = "denied"
        elif flow.kind == "approve":
            self._approve(id, now)
        return None

    def extend(
        self, id: str, new: str, *, by: str, wish: tuple[int, str] | None, now: datetime
    ) -> str | None:
        request = self.requests[id]
        if refused := self._may(id, by, {"requester", "beneficiary"}, now):
            return refused
        if request.emergency is not None:
            return EMERGENCY
        grant = self.grants.get(request.grant)
        if grant is None or grant.over(now):
            return STEP
        if grant.until is None:
            return TAKEN
        return self.ask(
            new,
            kind=request.kind,
            product=request.product,
            by=by,
            beneficiary=request.beneficiary,
            columns=request.columns,
            wish=wish,
            extends=request.grant,
            now=now,
        )

    # emergencies

    def break_glass(self, id: str, *, product: str, by: str, now: datetime) -> str | None:
        wanted, person, who = self.products[product], self.people[by], ("user", by)
        if not person.active:
            return UNKNOWN
        if wanted.state == "deleted":
            return GONE
        if wanted.state != "published":
            return STEP
        if not wanted.emergency or not any(person.is_one_of(by, one) for one in ADMITTED):
            return FORBIDDEN
        if by not in self.known_there:
            return WRONG
        before = (each for each in self.requests.values() if each.requester == by)
        if any(each.emergency is not None and each.emergency.bars(now) for each in before):
            return FORBIDDEN
        key = ("access", product, who, frozenset(), "")
        if self._taken(key, now, emergency=False, pending=False):
            return TAKEN
        if self._taken(key, now, emergency=True, pending=False):
            return TAKEN
        flow = self._route(wanted, by, who)
        if flow.kind == "deny":
            return FORBIDDEN
        for emergency in (False, True):
            self._end_what_is_over(key, now, emergency=emergency)
        limits = [
            EMERGENCY_LASTS,
            flow.duration if flow.kind == "approve" else None,
            wanted.longest,
        ]
        self.requests[id] = Request(
            kind="access",
            product=product,
            requester=by,
            beneficiary=who,
            columns=frozenset(),
            stages=flow.stages or DEFAULT.stages,
            allow_self_review=False,
            limits=tuple(length for length in limits if length is not None),
            form=wanted.form,
            asked_at=now,
            opened_at=now,
            emergency=Emergency(after(now, REVIEWED_WITHIN)),
        )
        self._approve(id, now)
        self.grants[id].emergency = True
        return None

    def review(self, id: str, *, by: str, justified: bool, now: datetime) -> str | None:
        request = self.requests[id]
        if refused := self._may(id, by, self._roles(request, by), now):
            return refused
        kept = request.emergency
        if kept is None:
            return STEP
        if self.ships(request.requester, by, now):
            return FORBIDDEN
        if kept.justified is not None:
            return DECIDED
        roles = self._roles(request, by)
        late = kept.due <= now and "governance" in roles
        if by == request.requester or not ("steward" in roles or late):
            return FORBIDDEN
        kept.justified = justified
        if not justified and self.grants[request.grant].live:
            self._finish(self.grants[request.grant], now)
        return None

    def settle(self, id: str, *, by: str, now: datetime) -> str | None:
        request = self.requests[id]
        if refused := self._may(id, by, {"governance"}, now):
            return refused
        kept = request.emergency
        if kept is None:
            return STEP
        if by == request.requester or self.ships(request.requester, by, now):
            return FORBIDDEN
        if kept.justified is not False or kept.settled:
            return SETTLED
        kept.settled = True
        return None

    # deciding

    def decide(
        self,
        id: str,
        *,
        by: str,
        verdict: str,
        until: datetime | timedelta | tuple[int, str] | None,
        now: datetime,
        deputy_for: str = "",
    ) -> str | None:
        request = self.requests[id]
        number = self.open_stage(request)
        if refused := self._may_act(id, by, deputy_for, now):
            return refused
        assert number is not None
        stage = request.stages[number]
        places = self.seats_of(request, number, deputy_for or by, now)
        if not places:
            return FORBIDDEN
        vote = Vote(by, verdict, number, places, until, deputy_for)
        before = [each for each in request.votes if each.stage == number]
        if any(each.steward == vote.steward for each in before):
            return DECIDED
        if verdict == "deny":
            request.votes.append(vote)
            request.state = "denied"
            return None
        heard = {name for each in before for name in (each.by, each.steward)}
        if stage.distinct and heard & {vote.by, vote.steward}:
            return DECIDED
        if not matters(stage, voters_of(before), voters_of([*before, vote])):
            return DECIDED
        if until is not None and end_of(until, now) <= now:
            return WRONG
        request.votes.append(vote)
        if self.open_stage(request) not in (number, None):
            request.opened_at = now
        if self.open_stage(request) is None:
            end = self._end(request, now)
            if end is not None and end <= now:
                request.votes.pop()
                return WRONG
            self._approve(id, now)
        return None

    def _may_act(self, id: str, by: str, deputy_for: str, now: datetime) -> str | None:
        """Whether somebody may decide at all, whatever seats they have."""
        request, ships = self.requests[id], self.ships(deputy_for, by, now)
        if not self.people[by].active:
            return UNKNOWN
        if deputy_for and not ships:
            return FORBIDDEN
        covers = any(ship.product in ("", request.product) for ship in ships)
        if not self.may_see(id, by, now) and not (
            covers and self.may_see_as_steward(id, deputy_for, now)
        ):
            return FORBIDDEN if not deputy_for and self.could_for(id, by, now) else HIDDEN
        if self.state(id, now) != "pending":
            return DECIDED
        own = self.own(request, by)
        if deputy_for:
            return FORBIDDEN if own or not covers or self.own(request, deputy_for) else None
        return FORBIDDEN if own and not request.allow_self_review else None

    def ships(self, person: str, deputy: str, now: datetime) -> list[Deputyship]:
        """Deputyships of the two that hold now."""
        return [
            each
            for each in self.deputyships.values()
            if (each.person, each.deputy) == (person, deputy) and now < each.until
        ]

    def could_for(self, id: str, by: str, now: datetime) -> bool:
        """Whether somebody could approve for another."""
        people = {each.person for each in self.deputyships.values() if each.deputy == by}
        return any(self.could(id, by, now, deputy_for=person) for person in people)

    def could(self, id: str, by: str, now: datetime, deputy_for: str = "") -> bool:
        """Whether an approval would count, tried on a copy; an end that is past is another matter."""
        trial = Model()
        trial.people, trial.products = self.people, deepcopy(self.products)
        trial.deputyships, trial.grants = self.deputyships, deepcopy(self.grants)
        trial.requests = deepcopy(self.requests)
        act = {"by": by, "verdict": "approve", "until": None, "now": now}
        return trial.decide(id, **act, deputy_for=deputy_for) in (None, WRONG)

    def name_deputy(self, id: str, ship: Deputyship) -> str | None:
        if not self.people[ship.person].active:
            return UNKNOWN
        if not self.people[ship.deputy].active:
            return WRONG
        self.deputyships[id] = ship
        return None

    def ask_back(self, id: str, new: str, *, by: str, now: datetime) -> str | None:
        request = self.requests[id]
        if not self.people[by].active:
            return UNKNOWN
        if not self.may_see(id, by, now):
            return FORBIDDEN if self.could_for(id, by, now) else HIDDEN
        number = self.open_stage(request)
        if self.state(id, now) != "pending" or number is None:
            return DECIDED
        if self.own(request, by) and not request.allow_self_review:
            return FORBIDDEN
        if "GOVERNANCE" not in self.people[by].permissions:
            if not self.seats_of(request, number, by, now):
                return FORBIDDEN
            if any(vote.steward == by and vote.stage == number for vote in request.votes):
                return DECIDED
        request.inquiries[new] = Inquiry(by)
        return None

    def answer_back(self, id: str, inquiry: str, *, by: str, now: datetime) -> str | None:
        request = self.requests[id]
        if refused := self._may(id, by, {"requester", "beneficiary"}, now):
            return refused
        asked = request.inquiries[inquiry]
        if asked.answered_by:
            return ANSWERED
        if self.state(id, now) != "pending":
            return DECIDED
        asked.answered_by = by
        return None

    def may_see(self, id: str, who: str, now: datetime) -> bool:
        """Whoever has a role; whom time may add while it waits, and then if they have decided."""
        request, person = self.requests[id], self.people[who]
        added = request.form.added
        concerned = added is not None and bool(request.stages) and person.is_one_of(who, added[1])
        waits = self.state(id, now) == "pending" or any(vote.by == who for vote in request.votes)
        return person.active and bool(self._roles(request, who) or (concerned and waits))

    def may_see_as_steward(self, id: str, who: str, now: datetime) -> bool:
        """Whether a deputy of somebody sees what these see: as a steward, or whom time may add."""
        request, added = self.requests[id], self.requests[id].form.added
        concerned = added is not None and self.people[who].is_one_of(who, added[1])
        waits = bool(request.stages) and self.state(id, now) == "pending"
        return "steward" in self._roles(request, who) or (concerned and waits)

    def voters(self, request: Request, stage: int) -> tuple[frozenset[tuple[int, int]], ...]:
        """The places that each approver of a stage matched."""
        return voters_of([vote for vote in request.votes if vote.stage == stage])

    def own(self, request: Request, who: str) -> bool:
        """Whether it would be a decision for oneself."""
        kind, name = request.beneficiary
        if who == request.requester:
            return True
        return name in self.people[who].groups if kind == "group" else name == who

    # ending

    def cancel(self, id: str, *, by: str, now: datetime) -> str | None:
        request = self.requests[id]
        if refused := self._may(id, by, {"requester", "beneficiary", "governance"}, now):
            return refused
        if self.state(id, now) != "pending":
            return STEP
        request.state = "canceled"
        return None

    def take_back(self, id: str, *, by: str, verb: str, now: datetime) -> str | None:
        """``revoke`` or ``relinquish``."""
        request = self.requests[id]
        roles = {"governance", "manager", "steward"} if verb == "revoke" else {"beneficiary"}
        if refused := self._may(id, by, roles, now):
            return refused
        if self.state(id, now) != "approved":
            return STEP
        self._finish(self.grants[request.grant], now)
        return None

    def sweep(self, now: datetime) -> None:
        """What a worker does about time."""
        for grant in list(self.grants.values()):
            if grant.live and grant.over(now):
                self._finish(grant, now)

    def leave(self, who: str, now: datetime) -> None:
        """Somebody is not with us any more."""
        person = self.people[who]
        if not person.active:
            return
        person.active = False
        for id, ship in list(self.deputyships.items()):
            if who in (ship.person, ship.deputy):
                del self.deputyships[id]
        for request in self.requests.values():
            if request.beneficiary == ("user", who) and request.state == "pending":
                request.state = "canceled"
        for grant in list(self.grants.values()):
            if grant.beneficiary == ("user", who) and grant.live:
                self._finish(grant, now)

    # products

    def step(self, id: str, event: str) -> str | None:
        product = self.products[id]
        if product.state == "deleted":
            return STEP
        if event == "retire":
            if product.state == "retired":
                return STEP
            product.state = "retired"
            return None
        if product.suspended == (event == "suspend"):
            return STEP
        product.suspended = event == "suspend"
        if product.state != "retired":
            product.state = "suspended" if product.suspended else "published"
        return None

    def set_sources(self, id: str, sources: set[str], now: datetime) -> str | None:
        product = self.products[id]
        if product.state == "deleted":
            return GONE
        removed = product.sources - sources
        product.sources = set(sources)
        members = {
            grant.beneficiary
            for grant in self.grants.values()
            if grant.kind == "access" and grant.product == id and grant.live
        }
        for who in members:
            self._lose(who, removed, now)
        return None

    def delete(self, id: str, *, cascade: bool, now: datetime) -> str | None:
        product = self.products[id]
        if product.state == "deleted":
            return None
        grants = [one for one in self.grants.values() if one.product == id and one.live]
        if any(not grant.over(now) for grant in grants) and not cascade:
            return IN_USE
        product.state = "deleted"
        for request in self.requests.values():
            if request.product == id and request.state == "pending":
                request.state = "canceled"
        for grant in grants:
            if grant.live:
                self._finish(grant, now)
        return None

    # inside

    def _roles(self, request: Request, who: str) -> set[str]:
        person = self.people[who]
        selectors = {
            one
            for stage in request.stages
            for place in stage.places()
            for one in stage.seat(place).selectors
        }
        kind, name = request.beneficiary
        has = {
            "governance": "GOVERNANCE" in person.permissions,
            "manager": person.manages,
            "steward": any(person.is_one_of(who, one) for one in selectors),
            "requester": who == request.requester,
            "beneficiary": kind == "user" and name == who,
            "member": kind == "group" and name in person.groups,
        }
        return {role for role, holds in has.items() if holds}

    def _may(self, id: str, who: str, roles: set[str], now: datetime) -> str | None:
        if not self.people[who].active:
            return UNKNOWN
        if not self.may_see(id, who, now):
            return HIDDEN
        return None if self._roles(self.requests[id], who) & roles else FORBIDDEN

    def _route(self, product: Product, by: str, beneficiary: tuple[str, str]) -> Flow:
        """The flow of the form, or of the product; automatic approval only where it may be."""
        concerned = {by} | ({beneficiary[1]} if beneficiary[0] == "user" else set())
        automatic = not any(
            self.people[who].manages or "GOVERNANCE" in self.people[who].permissions
            for who in concerned
        )
        flow = product.form.flow
        if flow.kind == "delegate":
            automatic = automatic and flow.allow_automatic
            flow = product.own_flow or DEFAULT
        return DEFAULT if flow.kind == "approve" and not automatic else flow

    def _end(self, request: Request, now: datetime) -> datetime | None:
        """The earliest of all ends, counted from now."""
        ends = [end_of(vote.until, now) for vote in request.votes if vote.until is not None]
        return min([*ends, *(after(now, length) for length in request.limits)], default=None)

    def _approve(self, id: str, now: datetime) -> None:
        request = self.requests[id]
        request.until = self._end(request, now)
        if not request.extends:
            request.state, request.grant = "approved", id
            self.grants[id] = Grant(
                kind=request.kind,
                product=request.product,
                beneficiary=request.beneficiary,
                columns=request.columns,
                requests=[id],
                until=request.until,
                made=now,
            )
            return
        grant = self.grants[request.extends]
        if grant.over(now):
            request.state, request.until = "canceled", None
            return
        both = (grant.until, request.until)
        grant.until = None if None in both else max(both)
        grant.requests.append(id)
        request.state, request.grant = "approved", request.extends
        for each in grant.requests:
            self.requests[each].until = grant.until

    def _finish(self, grant: Grant, now: datetime) -> None:
        """A grant ends; what was over before is expired, whatever else happens to it now."""
        expired = grant.over(now)
        cause = "expired" if expired else "revoked"
        grant.live = False
        for id in grant.requests:
            if self.requests[id].state == "approved":
                self.requests[id].state = cause
        for request in self.requests.values():
            if request.extends in grant.requests and request.state == "pending":
                request.state = "canceled"
        if grant.kind == "access":
            sources = self.products[grant.product].sources
            self._lose(grant.beneficiary, sources, now, grant.until if expired else None)

    def _lose(
        self,
        who: tuple[str, str],
        sources: set[str],
        now: datetime,
        expired: datetime | None = None,
    ) -> None:
        """Exceptions end with the last access; one that was approved later waits for another."""
        left = {
            source
            for grant in self.grants.values()
            if grant.kind == "access" and grant.beneficiary == who and not grant.over(now)
            for source in self.products[grant.product].sources
        }
        gone = set(sources) - left
        for grant in list(self.grants.values()):
            if grant.kind == "access" or grant.beneficiary != who or not grant.live:
                continue
            if expired is not None and grant.made >= expired:
                continue
            mine = {name.split(".")[0] for name in grant.columns}
            if gone & (mine - grant.lost):
                grant.lost |= gone & mine
                if mine <= grant.lost:
                    self._finish(grant, now)

    def _taken(self, key: tuple, now: datetime, *, emergency: bool, pending: bool) -> bool:
        """Whether the same is approved, or, if that matters, pending."""
        return any(
            (self.state(id, now) == "approved" and not key[4])
            or (pending and self.state(id, now) == "pending")
            for id, each in self.requests.items()
            if (each.emergency is not None) == emergency
            and key == (each.kind, each.product, each.beneficiary, each.columns, each.extends)
        )

    def _end_what_is_over(self, key: tuple, now: datetime, *, emergency: bool) -> None:
        """Asking again after an end that no worker has swept yet ends it first."""
        for grant in list(self.grants.values()):
            same = (grant.kind, grant.product, grant.beneficiary, grant.columns, "")
            if grant.live and same == key and grant.emergency == emergency:
                self._finish(grant, now)
