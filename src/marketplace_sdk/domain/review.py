"""Review flows: who must approve what, as data. Nothing here is ever evaluated from text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import evolve, field, frozen

from marketplace_sdk.domain.conditions import Condition, Situation
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.selectors import StewardSelector, domain_permission, permission
from marketplace_sdk.domain.values import check_flag, check_text, listed
from marketplace_sdk.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

__all__ = ["DEFAULT_REVIEW", "FlowEvent", "ReviewFlow", "Rule", "Seat", "Stage"]

MOST_SEATS = 64
MOST_CHOICES = 64
MOST_STAGES = 32
MOST_RULES = 200


@frozen(init=False)
class Seat:
    """A place in the quorum, to be filled by people who match any of its selectors.

    Attributes:
        selectors: whoever matches one of them may fill the seat.
        approvals: how many different people must approve, 1 unless said.
    """

    selectors: tuple[StewardSelector, ...]
    approvals: int

    def __init__(self, *selectors: StewardSelector, approvals: int = 1) -> None:
        problems = []
        if not selectors:
            problems.append(Problem("seat", "needs at least one steward selector"))
        if not all(isinstance(each, StewardSelector) for each in selectors):
            problems.append(Problem("seat", "takes user(), group(), attribute(), permission() ..."))
        if isinstance(approvals, bool) or not isinstance(approvals, int) or approvals < 1:
            problems.append(Problem("seat.approvals", "must be a whole number of at least 1"))
        if problems:
            raise InvalidInput("cannot make this seat", problems=problems)
        unique = tuple(dict.fromkeys(selectors))
        self.__attrs_init__(selectors=unique, approvals=approvals)

    def bound(self, domain: str) -> Seat:
        """The same seat with the product's domain filled into domain permissions."""
        return Seat(*(each.bound(domain) for each in self.selectors), approvals=self.approvals)

    def __str__(self) -> str:
        names = " or ".join(str(each) for each in self.selectors)
        return names if self.approvals == 1 else f"{self.approvals} of {names}"


def _sets(value: object) -> tuple[tuple[Seat, ...], ...]:
    try:
        return tuple(tuple(each) for each in value)  # type: ignore[attr-defined]  # checked after
    except TypeError as error:
        raise InvalidInput(
            "cannot make this stage", problems=[Problem("stage.sets", "must be sets of seats")]
        ) from error


@frozen
class Stage:
    """One step of a review: every set needs one filled seat.

    Attributes:
        sets: sets of seats; the seats of one set are alternatives.
        distinct_stewards: whether different seats need different people.

    Raises:
        InvalidInput: for an empty stage or set, and for more than 64 seats.
    """

    sets: tuple[tuple[Seat, ...], ...] = field(converter=_sets)
    distinct_stewards: bool = False

    def __attrs_post_init__(self) -> None:
        check_flag(self.distinct_stewards, "stage.distinct_stewards")
        problems = []
        if not self.sets or not all(self.sets):
            problems.append(Problem("stage", "must name at least one steward in each set"))
        seats = [seat for each in self.sets for seat in each]
        if not all(isinstance(seat, Seat) for seat in seats):
            problems.append(Problem("stage.sets", "must hold Seat objects"))
        elif len(seats) > MOST_SEATS or sum(seat.approvals for seat in seats) > 4 * MOST_SEATS:
            problems.append(Problem("stage", f"has more than {MOST_SEATS} seats"))
        choices = 1
        for each in self.sets:
            choices *= max(len(each), 1)
        if self.distinct_stewards and choices > MOST_CHOICES:
            problems.append(Problem("stage", "has too many alternatives for distinct stewards"))
        if problems:
            raise InvalidInput("cannot make this stage", problems=problems)

    @classmethod
    def any_of(cls, *seats: StewardSelector | Seat) -> Stage:
        """One approval decides: plain selectors share one seat, each Seat is an alternative."""
        plain = [each for each in seats if not isinstance(each, Seat)]
        alternatives = list(dict.fromkeys(each for each in seats if isinstance(each, Seat)))
        if plain or not alternatives:
            alternatives.insert(0, Seat(*plain))
        return cls(sets=(tuple(alternatives),))

    @classmethod
    def all_of(cls, *seats: StewardSelector | Seat, distinct_stewards: bool = False) -> Stage:
        """One approval for each; naming the same twice asks once."""
        whole = [each if isinstance(each, Seat) else Seat(each) for each in seats]
        return cls(
            sets=tuple((seat,) for seat in dict.fromkeys(whole)),
            distinct_stewards=distinct_stewards,
        )

    def bound(self, domain: str) -> Stage:
        """The same stage with the product's domain filled in."""
        return evolve(
            self, sets=tuple(tuple(seat.bound(domain) for seat in each) for each in self.sets)
        )

    def seats(self) -> Iterator[tuple[int, int, Seat]]:
        """Every seat with the numbers of its set and of its place in the set."""
        for set_number, each in enumerate(self.sets):
            for seat_number, seat in enumerate(each):
                yield set_number, seat_number, seat

    def selectors(self) -> frozenset[StewardSelector]:
        """Everybody whom this stage names."""
        return frozenset(one for _, _, seat in self.seats() for one in seat.selectors)


@frozen(kw_only=True)
class FlowEvent:
    """What a flow leads to.

    Attributes:
        kind: approve at once, deny at once, review, or delegate to the product's flow.
        stages: for a review.
        reason: justification of an automatic approval, or reason of an automatic denial.
        duration: how long an automatic approval lasts; None means without end.
        allow_automatic: for delegate, whether the product's flow may approve by itself.
    """

    kind: Literal["approve", "deny", "review", "delegate"]
    stages: tuple[Stage, ...] = ()
    reason: str = ""
    duration: Duration | None = None
    allow_automatic: bool = False

    def __attrs_post_init__(self) -> None:
        if self.kind not in ("approve", "deny", "review", "delegate"):
            problem = "must be approve, deny, review or delegate"
        elif (self.kind == "review") != bool(self.stages):
            problem = "must have stages for a review, and only then"
        else:
            return
        raise InvalidInput("cannot make this review flow", problems=[Problem("event", problem)])

    def bound(self, domain: str) -> FlowEvent:
        """The same event with the product's domain filled in."""
        return evolve(self, stages=tuple(stage.bound(domain) for stage in self.stages))


def _event(value: object) -> FlowEvent:
    if isinstance(value, ReviewFlow) and not value.rules:
        return value.default
    if isinstance(value, FlowEvent):
        return value
    raise InvalidInput(
        "cannot make this review flow",
        problems=[
            Problem("event", "must be ReviewFlow.review(), .approve(), .deny() or .delegate()")
        ],
    )


@frozen
class Rule:
    """When ``when`` holds, the flow leads to ``event``."""

    when: Condition
    event: FlowEvent = field(converter=_event)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.when, Condition):
            raise InvalidInput(
                "cannot make this rule",
                problems=[Problem("rule.when", "must be a condition such as Has(), Is(), All()")],
            )


@frozen(kw_only=True)
class ReviewFlow:
    """Ordered rules and a default; the first rule that matches decides where a request goes."""

    rules: tuple[Rule, ...] = field(default=(), converter=listed)
    default: FlowEvent = field(converter=_event)

    def __attrs_post_init__(self) -> None:
        if len(self.rules) > MOST_RULES or not all(isinstance(rule, Rule) for rule in self.rules):
            raise InvalidInput(
                "cannot make this review flow",
                problems=[Problem("rules", f"must be at most {MOST_RULES} Rule objects")],
            )

    @classmethod
    def review(cls, *stages: Stage) -> ReviewFlow:
        """People decide, stage after stage."""
        problems = []
        if not stages or len(stages) > MOST_STAGES:
            problems.append(Problem("review", f"needs 1 to {MOST_STAGES} stages"))
        if not all(isinstance(stage, Stage) for stage in stages):
            problems.append(Problem("review", "takes Stage.any_of() or Stage.all_of()"))
        if problems:
            raise InvalidInput("cannot make this review flow", problems=problems)
        return cls(default=FlowEvent(kind="review", stages=tuple(stages)))

    @classmethod
    def approve(
        cls, *, justification: str, duration: Duration | timedelta | None = None
    ) -> ReviewFlow:
        """Nobody needs to decide; says why, and for how long (None: without end)."""
        reason = check_text(justification, "justification", required=True)
        length = None if duration is None else Duration.of(duration)
        return cls(default=FlowEvent(kind="approve", reason=reason, duration=length))

    @classmethod
    def deny(cls, *, reason: str) -> ReviewFlow:
        """Nobody gets it, and this is why."""
        return cls(
            default=FlowEvent(kind="deny", reason=check_text(reason, "reason", required=True))
        )

    @classmethod
    def delegate(cls, *, allow_automatic: bool = False) -> ReviewFlow:
        """The flow of the product decides; without one, the default review."""
        check_flag(allow_automatic, "allow_automatic")
        return cls(default=FlowEvent(kind="delegate", allow_automatic=allow_automatic))

    @classmethod
    def with_rules(cls, *rules: Rule, default: ReviewFlow | FlowEvent) -> ReviewFlow:
        """The first rule that matches decides; ``default`` when none does."""
        return cls(rules=rules, default=default)

    def event_for(self, situation: Situation) -> FlowEvent:
        """Where a request in this situation goes."""
        for rule in self.rules:
            if rule.when.holds(situation):
                return rule.event
        return self.default

    def events(self) -> Iterator[FlowEvent]:
        """Every event that the flow can lead to."""
        for rule in self.rules:
            yield rule.event
        yield self.default

    def selectors(self) -> frozenset[StewardSelector]:
        """Everybody whom the flow names as a steward anywhere."""
        return frozenset(
            one for event in self.events() for stage in event.stages for one in stage.selectors()
        )


DEFAULT_REVIEW = ReviewFlow.review(
    Stage.any_of(permission("GOVERNANCE"), domain_permission("MANAGE_DATA_PRODUCTS"))
)
"""One stage, any of GOVERNANCE and the managers of the product's domain."""
