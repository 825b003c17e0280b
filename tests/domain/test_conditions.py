"""Conditions of review rules, and facts that are missing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.conditions import (
    MOST_NESTING,
    All,
    Answer,
    Any,
    Condition,
    Has,
    Is,
    Not,
    Situation,
    Tagged,
    Wish,
)
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.people import Beneficiary
from marketplace_sdk.domain.selectors import domain_permission, group, user
from marketplace_sdk.domain.values import FrozenMap
from tests.domain.building import ANA, CY, DAYS_7, DAYS_30, DEE, NOW, problems_of


def situation(**more):
    facts = {
        "kind": "access",
        "domain": "sales",
        "product": "p1",
        "tags": frozenset({"Finance.Revenue", "PII"}),
        "requester": ANA,
        "beneficiary": Beneficiary("person", "cy"),
        "beneficiary_facts": CY,
        "answers": {},
        "wish": None,
        "now": NOW,
        **more,
    }
    return Situation(**facts)


YES = Is("kind", "access")
NO = Is("kind", "masking_exception")
UNKNOWN = Answer(key="never asked", equals="x")


@pytest.mark.parametrize(
    ("what", "value", "other"),
    [
        ("kind", "access", "masking_exception"),
        ("domain", "sales", "other"),
        ("product", "p1", "other"),
    ],
)
def test_a_request_is_of_a_kind_a_domain_and_a_product(what, value, other):
    """Is compares one of three."""
    assert Is(what, value).tell(situation()) is True
    assert Is(what, other).tell(situation()) is False


@pytest.mark.parametrize("bad", [None, 5, {}, ["x"], "", "a\0b", b"x"])
@pytest.mark.parametrize(
    "make",
    [
        lambda bad: Is("kind", bad),
        lambda bad: Is("domain", bad),
        lambda bad: Is("product", bad),
        Tagged,
        lambda bad: Answer(key=bad, equals="x"),
        lambda bad: Answer(key="why", equals=bad),
        lambda bad: Answer(key="why", contains=bad),
    ],
)
def test_what_is_compared_with_is_a_plain_text(make, bad):
    """A condition that could never be told, or never be read back, is refused where it is made."""
    assert problems_of(make, bad)


def test_other_facts_cannot_be_asked_for():
    """A rule does not reach into what it should not see."""
    assert problems_of(Is, "answers", "x") == {"is.what": "must be one of kind, domain, product"}
    assert problems_of(Has, who="steward", selector=user("x")) == {
        "has.who": "must be one of requester, beneficiary"
    }
    assert problems_of(Has, who="requester", selector="group Legal") == {
        "has.selector": "takes user(), group(), attribute() ..."
    }


@pytest.mark.parametrize(
    ("tag", "holds"),
    [("PII", True), ("Finance", True), ("Finance.Revenue", True), ("Fin", False),
     ("Finance.Revenue.EU", False), ("pii", False)],
)  # fmt: skip
def test_a_tag_covers_its_children(tag, holds):
    """Finance covers Finance.Revenue, and not the other way round."""
    assert Tagged(tag).tell(situation()) is holds


def test_requester_and_beneficiary_are_two():
    """Ana is in Legal, Cy in Privacy."""
    now = situation()

    assert Has(who="requester", selector=group("Legal")).tell(now) is True
    assert Has(who="beneficiary", selector=group("Legal")).tell(now) is False
    assert Has(who="beneficiary", selector=group("Privacy")).tell(now) is True


def test_a_domain_permission_is_of_the_products_domain():
    """The domain is filled in before looking."""
    manages = Has(who="requester", selector=domain_permission("MANAGE_DATA_PRODUCTS"))

    assert manages.tell(situation(requester=DEE)) is True
    assert manages.tell(situation(requester=DEE, domain="finance")) is False


def test_of_a_group_only_its_name_is_known():
    """What members hold does not count: it cannot be told."""
    now = situation(beneficiary=Beneficiary("group", "Legal"), beneficiary_facts=None)

    assert Has(who="beneficiary", selector=group("Legal")).tell(now) is True
    assert Has(who="beneficiary", selector=group("Privacy")).tell(now) is False
    assert Has(who="beneficiary", selector=user("Legal")).tell(now) is None


@pytest.mark.parametrize(
    ("condition", "answer", "told"),
    [
        (Answer(key="q", equals="yes"), "yes", True),
        (Answer(key="q", equals="yes"), "yes, indeed", False),
        (Answer(key="q", equals="yes"), ("yes",), True),
        (Answer(key="q", equals="yes"), ("yes", "no"), False),
        (Answer(key="q", equals="yes"), 5, False),
        (Answer(key="q", contains="yes"), "yes, indeed", True),
        (Answer(key="q", contains="yes"), ("no", "yes"), True),
        (Answer(key="q", contains="yes"), ("yes, indeed",), False),
        (Answer(key="q", contains="amount"), FrozenMap({"amount": 1}), False),
        (Answer(key="q", contains="5"), 5, False),
        (Answer(key="q", equals="yes"), None, None),
        (Answer(key="other", equals="yes"), "yes", None),
        (Answer(key="other", contains="yes"), "yes", None),
    ],
)
def test_an_answer_is_compared_as_data(condition, answer, told):
    """equals is the whole answer, contains one choice or a part of the text."""
    assert condition.tell(situation(answers={"q": answer})) is told


@pytest.mark.parametrize("given_both", [{}, {"equals": "a", "contains": "b"}])
def test_an_answer_is_compared_in_one_way(given_both):
    """Exactly one of equals and contains."""
    assert problems_of(Answer, key="q", **given_both) == {
        "answer": "give either equals= or contains="
    }


def test_a_wish_is_compared_on_the_calendar():
    """A month from 31 January 2026 has 28 days."""
    condition = Wish(at_most=Duration(28, "days"))

    assert condition.tell(situation(wish=Duration(1, "months"))) is True
    assert condition.tell(situation(wish=DAYS_30)) is False
    assert condition.tell(situation(wish=DAYS_7)) is True
    assert condition.tell(situation(wish=None)) is None


def test_a_wish_takes_a_timedelta_too():
    """Wherever a Duration may stand; anything else is refused when the rule is made."""
    assert Wish(at_most=timedelta(days=7)).tell(situation(wish=DAYS_7)) is True
    assert problems_of(Wish, at_most=7) == {"wish.at_most": "must be a Duration or a timedelta"}


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (All(YES, YES), True),
        (All(YES, NO), False),
        (Any(NO, YES), True),
        (Any(NO, NO), False),
        (Not(NO), True),
        (Not(YES), False),
        (All(YES, UNKNOWN), None),
        (All(NO, UNKNOWN), None),
        (Any(YES, UNKNOWN), None),
        (Any(NO, UNKNOWN), None),
        (Not(UNKNOWN), None),
        (Not(Not(UNKNOWN)), None),
    ],
)
def test_a_missing_fact_makes_the_whole_rule_not_match(condition, told):
    """Also under Not: a rule acts only on what is known."""
    assert condition.tell(situation()) is told
    assert condition.holds(situation()) is (told is True)


CONDITIONS = st.recursive(
    st.sampled_from([YES, NO, UNKNOWN]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: All(*parts)),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Any(*parts)),
        inner.map(Not),
    ),
    max_leaves=8,
)


@given(CONDITIONS)
def test_a_rule_with_an_unknown_anywhere_never_matches(condition):
    """However it is wrapped, and negated or not."""
    if "never asked" in repr(condition):
        assert condition.tell(situation()) is None
        assert not Not(condition).holds(situation())
    else:
        assert Not(condition).tell(situation()) is not condition.tell(situation())


@pytest.mark.parametrize("make", [All, Any, lambda *parts: Not(*parts or ("x",))])
def test_conditions_are_made_of_conditions(make):
    """Never of text that would be run."""
    expected = {"conditions": "must be one or more conditions"}

    assert problems_of(make) == expected
    assert problems_of(make, "requester == 'ana'") == expected


@pytest.mark.parametrize("wrap", [All, Any, Not])
def test_conditions_nest_to_a_limit(wrap):
    """Twenty deep, and no deeper."""
    condition = YES
    for _ in range(MOST_NESTING - 1):
        condition = wrap(condition)

    assert condition.depth() == MOST_NESTING
    assert problems_of(wrap, condition) == {"conditions": "must not nest deeper than 20"}


def test_depth_is_that_of_the_deepest():
    """Of several parts the deepest counts."""
    assert YES.depth() == 1
    assert All(YES, Not(Not(YES))).depth() == 4
    assert Any(Not(YES), YES).depth() == 3


def test_answers_are_not_shown():
    """A situation in a log does not tell what people answered."""
    assert "secret" not in repr(situation(answers={"why": "secret"}))
    assert isinstance(YES, Condition)
