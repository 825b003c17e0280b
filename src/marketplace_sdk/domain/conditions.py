"""Conditions of review rules: plain data which is looked at, never text which is run.

A fact that is missing (an unanswered question, no wish for a duration) makes the whole rule not
match, also under ``Not``: a rule acts only on what is known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.selectors import StewardSelector
from marketplace_sdk.domain.values import check_id, check_name, check_text
from marketplace_sdk.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marketplace_sdk.domain.people import Beneficiary, Facts

__all__ = [
    "All",
    "Answer",
    "Any",
    "Condition",
    "Has",
    "Is",
    "Not",
    "Situation",
    "Tagged",
    "Wish",
]

MOST_NESTING = 20


@frozen(kw_only=True)
class Situation:
    """What rules may look at when a request is submitted.

    Attributes:
        kind: ``access`` or ``masking_exception``.
        domain: the product's domain.
        product: the product's id.
        tags: tags of the product and of its sources.
        requester: who asks.
        beneficiary: who would get it.
        beneficiary_facts: what is known of a person or service account; None for a group.
        answers: by question key.
        wish: how long they would like to have it, if the form asks.
        now: the moment of submission.
    """

    kind: str
    domain: str
    product: str
    tags: frozenset[str]
    requester: Facts
    beneficiary: Beneficiary
    beneficiary_facts: Facts | None
    answers: Mapping[str, object] = field(repr=False)
    wish: Duration | None
    now: datetime


class Condition(ABC):
    """Something that holds, does not hold, or cannot be told."""

    __slots__ = ()

    @abstractmethod
    def tell(self, situation: Situation) -> bool | None:
        """True, False, or None when a fact is missing."""

    def holds(self, situation: Situation) -> bool:
        """Whether it certainly holds."""
        return self.tell(situation) is True

    def depth(self) -> int:
        """How deeply conditions are nested, at least 1."""
        return 1


def _each(*conditions: Condition) -> tuple[Condition, ...]:
    if not conditions or not all(isinstance(each, Condition) for each in conditions):
        raise InvalidInput(
            "cannot make this condition",
            problems=[Problem("conditions", "must be one or more conditions")],
        )
    if max(each.depth() for each in conditions) >= MOST_NESTING:
        raise InvalidInput(
            "cannot make this condition",
            problems=[Problem("conditions", f"must not nest deeper than {MOST_NESTING}")],
        )
    return conditions


@frozen(init=False)
class All(Condition):
    """Every one of the conditions holds."""

    conditions: tuple[Condition, ...]

    def __init__(self, *conditions: Condition) -> None:
        self.__attrs_init__(_each(*conditions))

    def tell(self, situation: Situation) -> bool | None:
        """None as soon as one of them cannot be told."""
        told = [each.tell(situation) for each in self.conditions]
        return None if None in told else all(told)

    def depth(self) -> int:
        """One more than the deepest."""
        return 1 + max(each.depth() for each in self.conditions)


@frozen(init=False)
class Any(Condition):
    """At least one of the conditions holds, and all of them can be told."""

    conditions: tuple[Condition, ...]

    def __init__(self, *conditions: Condition) -> None:
        self.__attrs_init__(_each(*conditions))

    def tell(self, situation: Situation) -> bool | None:
        """None as soon as one of them cannot be told."""
        told = [each.tell(situation) for each in self.conditions]
        return None if None in told else any(told)

    def depth(self) -> int:
        """One more than the deepest."""
        return 1 + max(each.depth() for each in self.conditions)


@frozen(init=False)
class Not(Condition):
    """The condition certainly does not hold."""

    condition: Condition

    def __init__(self, condition: Condition) -> None:
        self.__attrs_init__(_each(condition)[0])

    def tell(self, situation: Situation) -> bool | None:
        """None when the condition cannot be told."""
        told = self.condition.tell(situation)
        return None if told is None else not told

    def depth(self) -> int:
        """One more than the condition's."""
        return 1 + self.condition.depth()


@frozen(kw_only=True)
class Has(Condition):
    """The requester or beneficiary matches a selector.

    Of a group as beneficiary only its own name is known: other selectors cannot be told.
    """

    who: Literal["requester", "beneficiary"]
    selector: StewardSelector

    def __attrs_post_init__(self) -> None:
        _one_of("has.who", self.who, ("requester", "beneficiary"))
        if not isinstance(self.selector, StewardSelector):
            raise InvalidInput(
                "cannot make this condition",
                problems=[Problem("has.selector", "takes user(), group(), attribute() ...")],
            )

    def tell(self, situation: Situation) -> bool | None:
        """Whether the tokens of that person hold the selector's."""
        selector = self.selector.bound(situation.domain)
        if self.who == "requester":
            return selector.matches(situation.requester)
        if situation.beneficiary_facts is not None:
            return selector.matches(situation.beneficiary_facts)
        if selector.kind == "group":
            return selector.token == situation.beneficiary.token
        return None


@frozen
class Is(Condition):
    """The request's kind, domain or product is this one."""

    what: Literal["kind", "domain", "product"]
    value: str

    def __attrs_post_init__(self) -> None:
        _one_of("is.what", self.what, ("kind", "domain", "product"))
        if self.what == "kind":
            _one_of("is.value", self.value, ("access", "masking_exception"))
        else:
            check_id(self.value, "is.value")

    def tell(self, situation: Situation) -> bool | None:
        """Whether it is."""
        return bool(getattr(situation, self.what) == self.value)


@frozen
class Tagged(Condition):
    """The product, or one of its sources, carries this tag or a child of it."""

    tag: str

    def __attrs_post_init__(self) -> None:
        check_name(self.tag, "tagged.tag")

    def tell(self, situation: Situation) -> bool | None:
        """Whether one of the tags is it or begins with it and a dot."""
        return any(tag == self.tag or tag.startswith(self.tag + ".") for tag in situation.tags)


@frozen(kw_only=True)
class Answer(Condition):
    """A question was answered so: ``equals`` the whole answer, or ``contains`` one choice.

    Give exactly one of the two. For text, ``contains`` means a part of the text.
    """

    key: str
    equals: str | None = None
    contains: str | None = None

    def __attrs_post_init__(self) -> None:
        if (self.equals is None) == (self.contains is None):
            raise InvalidInput(
                "cannot make this condition",
                problems=[Problem("answer", "give either equals= or contains=")],
            )
        check_id(self.key, "answer.key")
        wanted, path = (
            (self.contains, "answer.contains")
            if self.equals is None
            else (self.equals, "answer.equals")
        )
        check_text(wanted, path, required=True)

    def tell(self, situation: Situation) -> bool | None:
        """None when the question was not answered."""
        answer = situation.answers.get(self.key)
        if answer is None:
            return None
        if self.equals is not None:
            return answer in (self.equals, (self.equals,))
        return isinstance(answer, (str, tuple)) and self.contains in answer


def _length(value: Duration | timedelta) -> Duration:
    return Duration.of(value, "wish.at_most")


@frozen(kw_only=True)
class Wish(Condition):
    """The wished duration is at most this long."""

    at_most: Duration = field(converter=_length)

    def tell(self, situation: Situation) -> bool | None:
        """None when the form asks for no duration."""
        if situation.wish is None:
            return None
        return situation.wish.after(situation.now) <= self.at_most.after(situation.now)


def _one_of(path: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidInput(
            "cannot make this condition",
            problems=[Problem(path, f"must be one of {', '.join(choices)}")],
        )
