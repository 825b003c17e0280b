"""Forms: whose they are, who edits what, and what a version keeps."""

from __future__ import annotations

import pytest

from marketplace_sdk import (
    Conflict,
    DataUseAgreement,
    DuplicateName,
    InvalidInput,
    NotAllowed,
    NotFound,
    Question,
    ReviewFlow,
    domain_permission,
    group,
)
from tests.services.helpers import nothing_written, types_of
from tests.world import LEGAL, PRIVACY, UNA, any_of


def test_every_edit_makes_a_version_and_old_ones_stay(small):
    """Old versions are readable by their own id, also after the form is gone."""
    forms = small.market.forms
    form = small.form(any_of(LEGAL))
    first = forms.get(form, by="con").current.id

    second = forms.edit(form, questions=[Question.short_answer("what", "What?")], by="dee").current
    forms.delete(form, by="dee")

    assert second.number == 2
    assert [forms.version(id, by="con").number for id in (first, second.id)] == [1, 2]
    assert types_of(small, f"form:{form}") == ["form.created", "form.edited", "form.deleted"]


def test_an_edit_that_changes_nothing_makes_no_version(small):
    """The same again is a no-op."""
    form = small.form(any_of(LEGAL), name="F")

    with nothing_written(small):
        assert (
            small.market.forms.edit(form, name="F", review=any_of(LEGAL), by="dee").current.number
            == 1
        )


def test_a_fallback_can_be_taken_away_by_a_manager_only(small):
    """What is left out stays; None clears it, which is as weighty as setting it."""
    form = small.form(any_of(LEGAL), fallback=UNA)
    questions = [Question.short_answer("what", "What for?")]

    assert small.market.forms.edit(form, questions=questions, by="ana").current.fallback == UNA
    with nothing_written(small), pytest.raises(NotAllowed):
        small.market.forms.edit(form, fallback=None, by="ana")
    assert small.market.forms.edit(form, fallback=None, by="dee").current.fallback is None


def test_stewards_who_are_nobody_are_warned_of_when_saved(small):
    """A selector that matches nobody is a warning, never an error: groups fill later."""
    empty, held = group("Empty"), domain_permission("MANAGE_DATA_PRODUCTS")
    nobody = domain_permission("MANAGE_POLICIES")
    made = small.market.forms.create(
        "F",
        domain="HR",
        questions=[Question.short_answer("why", "Why?")],
        review=any_of(LEGAL, empty, held, nobody),
        fallback=group("Also empty"),
        by="dee",
    )

    assert made.warnings == (
        "domain permission MANAGE_POLICIES in HR matches nobody",
        "group Also empty matches nobody",
        "group Empty matches nobody",
    )
    assert small.market.forms.edit(made.id, review=any_of(LEGAL), by="dee").warnings == (
        "group Also empty matches nobody",
    )
    assert small.market.forms.get(made.id, by="dee").warnings == (), "not kept: people come and go"


def test_stewards_of_a_product_are_warned_of_too(small):
    """E5: a product whose review nobody can fill is published, and its publisher told."""
    product = small.publish(form=small.form(ReviewFlow.delegate()), review=any_of(group("Empty")))

    assert product.warnings == ("group Empty matches nobody",)
    small.market.people.update("sal", groups=["Empty"], by="uma")
    assert small.market.products.update(product.id, description="new", by="dee").warnings == ()
    assert small.publish(form="standard").warnings == ()


def test_what_cannot_be_told_is_no_warning(small):
    """A domain that is not known yet, and a directory that cannot be read, stop nothing."""
    held = domain_permission("MANAGE_POLICIES")
    made = small.market.forms.create(
        "F", questions=[Question.short_answer("why", "Why?")], review=any_of(held), by="gil"
    )
    assert made.warnings == ()

    def members(*_):
        raise KeyError("ldap")

    small.market._context.directory.members = members
    product = small.publish(any_of(group("Empty")))
    assert (product.state, product.warnings) == ("published", ())


@pytest.mark.parametrize(
    "change",
    [
        {"review": any_of(PRIVACY)},
        {"agreements": [DataUseAgreement("Terms", "x")]},
        {"fallback": UNA},
        {"allow_self_review": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_weighty_edits_need_a_manager_and_governance_when_others_use_it(small, change):
    """Review, agreements, fallback, self review: the form's manager; GOVERNANCE across domains."""
    shared = small.form(any_of(LEGAL), domain=None, by="gil")
    own = small.form(any_of(LEGAL))
    small.publish(form=own)
    small.publish(form=shared, domain="FIN", sources=["ledger"], by="dan")

    with nothing_written(small), pytest.raises(NotAllowed):
        small.market.forms.edit(own, by="ana", **change)
    with nothing_written(small), pytest.raises(NotAllowed):
        small.market.forms.edit(own, by="dan", **change)
    for other in ("dee", "dan", "ana"):
        with nothing_written(small), pytest.raises(NotAllowed):
            small.market.forms.edit(shared, by=other, **change)
    assert small.market.forms.edit(own, by="dee", **change).current.number == 2
    assert small.market.forms.edit(shared, by="gil", **change).current.number == 2


def test_the_standard_form_is_built_in(small):
    """It exists, is used without a form, and cannot be edited or deleted."""
    forms = small.market.forms
    product = small.market.products.publish("P", domain="HR", sources=["people"], by="dee")
    key = forms.get("standard", by="con").current.questions[0].key

    for call in (
        lambda: forms.edit("standard", name="x", by="gil"),
        lambda: forms.delete("standard", by="gil"),
    ):
        with nothing_written(small), pytest.raises(Conflict):
            call()
    request = small.ask(product, answers={key: "x"})
    assert small.approve(request, "dee").state == "approved"


def test_names_are_given_once_and_come_back(small):
    """Unique; free again after a rename or a deletion; never the standard form's."""
    form = small.form(any_of(LEGAL), name="A")
    with nothing_written(small), pytest.raises(DuplicateName):
        small.form(any_of(LEGAL), name="A")
    small.market.forms.edit(form, name="B", by="dee")
    again = small.form(any_of(LEGAL), name="A")
    standard = small.market.forms.get("standard", by="con").name
    for taken in ("B", standard):
        with nothing_written(small), pytest.raises(DuplicateName):
            small.market.forms.edit(again, name=taken, by="dee")
    small.market.forms.delete(form, by="dee")
    assert small.form(any_of(LEGAL), name="B") != form


def test_an_unknown_agreement_is_refused(small):
    """By id; a new one is made with the form, or not at all."""
    with nothing_written(small), pytest.raises(NotFound):
        small.form(any_of(LEGAL), agreements=[DataUseAgreement("New", "x"), "nothing"])
    with nothing_written(small), pytest.raises(InvalidInput):
        small.form(any_of(LEGAL), agreements=[DataUseAgreement("New", " ")])


def test_questions_have_keys_of_their_own_and_one_duration(small):
    """A form asks at least one question, each key once, the duration once."""
    why = Question.short_answer("why", "Why?")
    for questions in (
        [],
        [why, why],
        [Question.access_duration("a"), Question.access_duration("b")],
        [Question(key="k", label="K", kind="NOBODY_OFFERS_IT")],
    ):
        with nothing_written(small), pytest.raises(InvalidInput, match="questions"):
            small.form(any_of(LEGAL), questions=questions)


def test_a_form_of_one_domain_is_for_its_managers(small):
    """Create and delete: managers of its domain, GOVERNANCE."""
    for by in ("dan", "con", "uma", "ana"):
        with nothing_written(small), pytest.raises(NotAllowed):
            small.form(any_of(LEGAL), by=by)
    form = small.form(any_of(LEGAL))
    for by in ("dan", "ana"):
        with nothing_written(small), pytest.raises(NotAllowed):
            small.market.forms.delete(form, by=by)
    small.market.forms.delete(form, by="gil")
