"""Data products: names, the machine of their life, and the sources they carry."""

from __future__ import annotations

from datetime import timedelta
from itertools import product as pairs

import pytest

from marketplace_sdk.domain.conditions import Is
from marketplace_sdk.domain.products import (
    PRODUCT_STEPS,
    check_product_name,
    check_product_review,
)
from marketplace_sdk.domain.review import ReviewFlow, Rule, Stage
from marketplace_sdk.errors import InvalidInput, TransitionNotAllowed
from tests.domain.building import DECEPTIVE, NOW, L, P, problems_of, product

STATES = ("published", "suspended", "retired", "deleting", "deleted")
EVENTS = ("suspend", "resume", "retire", "delete", "finish", "publish", "")
ALLOWED = {
    ("published", "suspend"): "suspended",
    ("suspended", "resume"): "published",
    ("published", "retire"): "retired",
    ("suspended", "retire"): "retired",
    ("retired", "suspend"): "retired",
    ("retired", "resume"): "retired",
    ("published", "delete"): "deleting",
    ("suspended", "delete"): "deleting",
    ("retired", "delete"): "deleting",
    ("deleting", "finish"): "deleted",
}
LEGAL = ReviewFlow.review(Stage.any_of(L))
PRIVACY = ReviewFlow.review(Stage.any_of(P))
APPROVE = ReviewFlow.approve(justification="open")


def test_the_table_is_the_one_of_the_documents():
    """published and suspended, to retired (where access can be withheld too), to deleting, deleted."""
    assert dict(PRODUCT_STEPS) == ALLOWED


@pytest.mark.parametrize(("state", "event"), [*pairs(STATES, EVENTS)])
def test_a_product_takes_the_steps_of_the_table_and_no_other(state, event):
    """Every pair of state and event."""
    asked = product(state=state)

    if (state, event) in ALLOWED:
        assert asked.step(event).state == ALLOWED[state, event]
    else:
        with pytest.raises(TransitionNotAllowed) as caught:
            asked.step(event)
        assert (caught.value.kind, caught.value.id) == ("product", "p1")
        assert (caught.value.state, caught.value.event) == (state, event)


def test_a_suspension_survives_retiring_and_ends_with_resuming():
    """Access stays withheld until somebody resumes."""
    suspended = product().step("suspend")

    assert not product().suspended
    assert suspended.suspended
    assert suspended.step("retire").suspended
    assert not suspended.step("resume").suspended
    assert not product().step("retire").suspended


@pytest.mark.parametrize("state", STATES)
def test_a_suspended_product_keeps_its_queue_moving(state):
    """New requests may be filed while published or suspended."""
    assert product(state=state).open == (state in ("published", "suspended"))


@pytest.mark.parametrize("name", ["Orders", "Ünïcödé 名前 12", "a-b_c (d) /\\", "نسخة"])
def test_a_product_is_named_with_letters_marks_digits_and_few_signs(name):
    """And blanks and ( ) - _ / \\ ."""
    assert check_product_name(name) == name
    assert product(name=name).name == name


@pytest.mark.parametrize(
    "name", ["a.b", "a,b", "it's", "a & b", '"; drop role x; --', "a\u00a0b", "5 €"]
)
def test_other_signs_are_refused_in_the_name_of_a_product(name):
    """No dot, comma, apostrophe or ampersand."""
    assert problems_of(product, name=name) == {
        "product.name": "may hold letters, digits, blanks and ( ) - _ / \\ only"
    }


@pytest.mark.parametrize("name", [*DECEPTIVE.values(), 5, None])
def test_names_that_deceive_are_refused_for_products(name):
    """As for everything that has a name."""
    with pytest.raises(InvalidInput):
        check_product_name(name)


def test_a_products_own_flow_reviews_or_approves_by_default():
    """It never delegates further; its rules may do all four."""
    rules = ReviewFlow.with_rules(
        Rule(Is("kind", "access"), ReviewFlow.deny(reason="x")), default=LEGAL
    )

    for flow in (None, LEGAL, APPROVE, rules):
        assert check_product_review(flow, "review") is flow
    for flow in (ReviewFlow.deny(reason="x"), ReviewFlow.delegate()):
        assert problems_of(check_product_review, flow, "review") == {
            "review": "must review or approve by default"
        }
    assert problems_of(check_product_review, Stage.any_of(L), "masking_review") == {
        "masking_review": "must be a ReviewFlow"
    }


def test_without_a_masking_form_the_products_form_serves_both():
    """None means the standard form."""
    assert product().form_for("access") is None
    assert product(form="f").form_for("masking_exception") == "f"
    assert product(form="f", masking_form="m").form_for("masking_exception") == "m"
    assert product(form="f", masking_form="m").form_for("access") == "f"


def test_without_a_masking_flow_the_products_flow_serves_both():
    """None means the default review."""
    assert product().review_for("masking_exception") is None
    assert product(review=LEGAL).review_for("masking_exception") == LEGAL
    assert product(review=LEGAL, masking_review=PRIVACY).review_for("masking_exception") == PRIVACY
    assert product(review=LEGAL, masking_review=PRIVACY).review_for("access") == LEGAL


def test_an_added_source_reaches_members_at_once_unless_the_domain_asks():
    """widening = give: everybody; ask: only requests from then on."""
    before, later = NOW, NOW + timedelta(days=1)

    given_now, added, removed = product().with_sources(["orders", "returns"], later, ask=False)
    asked, _, _ = product().with_sources(["orders", "returns"], later, ask=True)

    assert (added, removed) == ({"returns"}, frozenset())
    assert given_now.covered(before) == {"orders", "returns"}
    assert asked.covered(before) == {"orders"}
    assert asked.covered(later) == {"orders", "returns"}
    assert given_now.updated_at == later


def test_removing_a_source_forgets_that_it_was_asked_for():
    """Added again later, it is a new addition."""
    asked, _, _ = product().with_sources(["orders", "returns"], NOW, ask=True)

    without, added, removed = asked.with_sources(["orders"], NOW, ask=True)
    again, _, _ = without.with_sources(["orders", "returns"], NOW, ask=False)

    assert (added, removed) == (frozenset(), {"returns"})
    assert without.asked == frozenset()
    assert again.covered(NOW - timedelta(days=1)) == {"orders", "returns"}


def test_a_source_that_waits_keeps_waiting_when_others_come():
    """Its time is that of its own addition."""
    first, _, _ = product().with_sources(["orders", "a"], NOW, ask=True)

    second, _, _ = first.with_sources(["orders", "a", "b"], NOW + timedelta(days=1), ask=False)

    assert second.covered(NOW - timedelta(days=1)) == {"orders", "b"}


def test_the_set_of_sources_is_replaced_in_order_each_once():
    """A full set, not a difference."""
    changed, added, removed = product().with_sources(["b", "a", "b"], NOW, ask=False)

    assert changed.sources == ("b", "a")
    assert (added, removed) == ({"a", "b"}, {"orders"})


@pytest.mark.parametrize("field", ["sources", "tags"])
def test_one_text_is_no_list(field):
    """A lone text would be taken apart letter by letter."""
    assert problems_of(product, **{field: "orders"}) == {"": "must be a list, not one value"}
