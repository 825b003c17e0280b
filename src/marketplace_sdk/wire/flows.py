"""Review flows, conditions and selectors as people write them in files, and back.

::

    {stages: [{any_of: [{group: Legal}, {permission: GOVERNANCE}]}]}
    {approve: {justification: public data, duration: 30 days}}
    {rules: [{when: {tagged: Pii}, deny: {reason: not yet}}], delegate: {}}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marketplace_sdk.domain import conditions
from marketplace_sdk.domain.review import FlowEvent, ReviewFlow, Rule, Seat, Stage
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.wire.reading import At

__all__ = [
    "read_flow",
    "read_selector",
    "read_stage",
    "write_flow",
    "write_selector",
    "write_stage",
]

SELECTORS = ("user", "group", "attribute", "permission", "domain_permission")
EVENTS = ("stages", "approve", "deny", "delegate")
WHEN = (
    "all", "any", "not", "requester", "beneficiary", "kind", "domain", "product", "tagged",
    "answer", "wish",
)  # fmt: skip


def read_selector(at: At) -> StewardSelector:
    """``{group: Legal}``, ``{attribute: {team: finance}}`` and so on."""
    kind = at.one_of(SELECTORS, also=("domain",))
    found = at.key(kind)
    if kind == "attribute":
        pairs = found.mapping()
        if len(pairs) != 1:
            raise found.wrong("must be one key and its value")
        ((key, value),) = pairs.items()
        return at.made(lambda: StewardSelector("attribute", value.text(), key=key))
    domain = at.get("domain")
    return at.made(
        lambda: StewardSelector(
            kind,  # type: ignore[arg-type]  # it was looked up in the list of kinds
            found.text(),
            domain="" if domain is None else domain.text(),
        )
    )


def write_selector(value: StewardSelector) -> dict[str, Any]:
    """The same as plain data."""
    if value.kind == "attribute":
        return {"attribute": {value.key: value.value}}
    more = {"domain": value.domain} if value.domain else {}
    return {value.kind: value.value, **more}


def read_stage(at: At) -> Stage:
    """``{any_of: [...]}``, ``{all_of: [...], distinct_stewards: true}`` or ``{sets: [[...]]}``."""
    kind = at.one_of(("any_of", "all_of", "sets"), also=("distinct_stewards",))
    distinct_at = at.get("distinct_stewards")
    distinct = distinct_at is not None and distinct_at.flag()
    if kind == "sets":
        sets = [[_seat(seat) for seat in each.items()] for each in at.key(kind).items()]
        return at.made(lambda: Stage(sets=tuple(map(tuple, sets)), distinct_stewards=distinct))
    parts = [_part(each) for each in at.key(kind).items()]
    if kind == "all_of":
        return at.made(lambda: Stage.all_of(*parts, distinct_stewards=distinct))
    if distinct:
        raise at.wrong("distinct_stewards goes with all_of or sets")
    return at.made(lambda: Stage.any_of(*parts))


def write_stage(value: Stage) -> dict[str, Any]:
    """The shortest of the three ways that says the same."""
    seats = [seat for _, _, seat in value.seats()]
    distinct = {"distinct_stewards": True} if value.distinct_stewards else {}
    plain = [_write_part(seat) for seat in seats]
    if Stage.all_of(*seats, distinct_stewards=value.distinct_stewards) == value and len(seats) > 1:
        return {"all_of": plain, **distinct}
    if not value.distinct_stewards and Stage.any_of(*seats) == value:
        if len(seats) == 1 and seats[0].approvals == 1:
            return {"any_of": [write_selector(each) for each in seats[0].selectors]}
        return {"any_of": [_write_seat(seat) for seat in seats]}
    return {"sets": [[_write_seat(seat) for seat in each] for each in value.sets], **distinct}


def read_flow(at: At) -> ReviewFlow:
    """Rules, if any, and what the flow leads to when none matches."""
    kind = at.one_of(EVENTS, also=("rules",))
    default = _event(at, kind)
    rules_at = at.get("rules")
    rules = [] if rules_at is None else [_rule(each) for each in rules_at.items()]
    return at.made(lambda: ReviewFlow(rules=tuple(rules), default=default))


def write_flow(value: ReviewFlow) -> dict[str, Any]:
    """The same as plain data."""
    rules = [{"when": _write_when(each.when), **_write_event(each.event)} for each in value.rules]
    return {**({"rules": rules} if rules else {}), **_write_event(value.default)}


def _part(at: At) -> StewardSelector | Seat:
    return _seat(at) if "seat" in at.mapping() else read_selector(at)


def _seat(at: At) -> Seat:
    if "seat" not in at.mapping():
        selector = read_selector(at)
        return at.made(lambda: Seat(selector))
    at.only(("seat", "approvals"))
    selectors = [read_selector(each) for each in at.key("seat").items()]
    approvals = at.get("approvals")
    count = 1 if approvals is None else approvals.whole()
    return at.made(lambda: Seat(*selectors, approvals=count))


def _write_part(seat: Seat) -> dict[str, Any]:
    if seat.approvals == 1 and len(seat.selectors) == 1:
        return write_selector(seat.selectors[0])
    return _write_seat(seat)


def _write_seat(seat: Seat) -> dict[str, Any]:
    more = {"approvals": seat.approvals} if seat.approvals != 1 else {}
    return {"seat": [write_selector(each) for each in seat.selectors], **more}


def _event(at: At, kind: str) -> FlowEvent:
    found = at.key(kind)
    if kind == "stages":
        stages = [read_stage(each) for each in found.items()]
        return found.made(lambda: ReviewFlow.review(*stages)).default
    if kind == "approve":
        found.only(("justification", "duration"))
        duration = found.get("duration")
        length = None if duration is None else duration.duration()
        why = found.key("justification").text()
        return found.made(lambda: ReviewFlow.approve(justification=why, duration=length)).default
    if kind == "deny":
        found.only(("reason",))
        reason = found.key("reason").text()
        return found.made(lambda: ReviewFlow.deny(reason=reason)).default
    found.only(("allow_automatic",))
    automatic = found.get("allow_automatic")
    return ReviewFlow.delegate(allow_automatic=automatic is not None and automatic.flag()).default


def _write_event(event: FlowEvent) -> dict[str, Any]:
    if event.kind == "review":
        return {"stages": [write_stage(stage) for stage in event.stages]}
    if event.kind == "approve":
        more = {} if event.duration is None else {"duration": event.duration.words}
        return {"approve": {"justification": event.reason, **more}}
    if event.kind == "deny":
        return {"deny": {"reason": event.reason}}
    return {"delegate": {"allow_automatic": True} if event.allow_automatic else {}}


def _rule(at: At) -> Rule:
    kind = at.one_of(EVENTS, also=("when",))
    when, event = _when(at.key("when")), _event(at, kind)
    return at.made(lambda: Rule(when, event))


def _when(at: At) -> conditions.Condition:
    kind = at.one_of(WHEN, also=("equals", "contains"))
    at.only((kind, "equals", "contains") if kind == "answer" else (kind,))
    found = at.key(kind)
    read: Mapping[str, Callable[[], conditions.Condition]] = {
        "all": lambda: conditions.All(*map(_when, found.items())),
        "any": lambda: conditions.Any(*map(_when, found.items())),
        "not": lambda: conditions.Not(_when(found)),
        "requester": lambda: conditions.Has(who="requester", selector=read_selector(found)),
        "beneficiary": lambda: conditions.Has(who="beneficiary", selector=read_selector(found)),
        "tagged": lambda: conditions.Tagged(found.text()),
        "wish": lambda: conditions.Wish(at_most=found.duration()),
        "answer": lambda: conditions.Answer(
            key=found.text(), equals=_maybe(at, "equals"), contains=_maybe(at, "contains")
        ),
    }
    if kind in read:
        return at.made(read[kind])
    return at.made(lambda: conditions.Is(kind, found.text()))  # type: ignore[arg-type]  # of the list


def _maybe(at: At, name: str) -> str | None:
    found = at.get(name)
    return None if found is None else found.text()


def _write_when(value: Any) -> dict[str, Any]:  # noqa: PLR0911  # one for each sort of condition
    match value:
        case conditions.All() | conditions.Any():
            name = type(value).__name__.lower()
            return {name: [_write_when(each) for each in value.conditions]}
        case conditions.Not():
            return {"not": _write_when(value.condition)}
        case conditions.Has():
            return {value.who: write_selector(value.selector)}
        case conditions.Answer():
            given = {"equals": value.equals, "contains": value.contains}
            return {"answer": value.key, **{key: one for key, one in given.items() if one}}
        case conditions.Is():
            return {value.what: value.value}
    if isinstance(value, conditions.Wish):
        return {"wish": value.at_most.words}
    return {"tagged": value.tag}
