"""Request forms: questions, and answers that fit them."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.forms import (
    STANDARD_FORM,
    DataUseAgreement,
    FormVersion,
    Question,
    RequestForm,
    check_answers,
    check_form,
    wish_of,
)
from marketplace_sdk.domain.review import DEFAULT_REVIEW
from marketplace_sdk.errors import InvalidInput
from tests.domain.building import DECEPTIVE, HOSTILE, problems_of

WHY = Question.short_answer("why", "Why?")
TEAM = Question.dropdown("team", "Team?", options=["sales", "finance"])
USES = Question.checkboxes("uses", "Uses?", options=["report", "model", "export"])
LONG = Question.access_duration("long")
NOTE = Question.short_answer("note", "Anything else?", required=False)


def version(*questions):
    return FormVersion(id="v1", form="f", name="F", questions=questions)


def answered(question, answer, custom=None):
    return check_answers(version(question), {question.key: answer}, custom or {})[question.key]


def wrong(question, answer, custom=None):
    problems = problems_of(check_answers, version(question), {question.key: answer}, custom or {})
    assert list(problems) == [f"answers.{question.key}"]
    return problems[f"answers.{question.key}"]


# Questions


@pytest.mark.parametrize(
    ("question", "kind", "options"),
    [
        (WHY, "SHORT_ANSWER", ()),
        (TEAM, "DROPDOWN", ("sales", "finance")),
        (USES, "CHECKBOXES", ("report", "model", "export")),
        (LONG, "ACCESS_DURATION", ()),
    ],
)
def test_there_are_four_kinds_of_questions_required_by_default(question, kind, options):
    """Short answer, dropdown, checkboxes, access duration."""
    assert (question.kind, question.options, question.required) == (kind, options, True)


def test_questions_may_be_optional_and_have_a_help():
    """Except the duration, which must be answered and has fixed words."""
    optional = {"required": False, "help": "Say."}

    assert not Question.short_answer("k", "l", **optional).required
    assert Question.dropdown("k", "l", options=["a"], **optional).help == "Say."
    assert Question.checkboxes("k", "l", options=["a"], **optional).help == "Say."
    assert not Question.checkboxes("k", "l", options=["a"], **optional).required
    assert not Question.dropdown("k", "l", options=["a"], **optional).required
    assert Question.access_duration("k", help="Say.").help == "Say."
    assert LONG.label == "How long do you need access to this data?"
    assert problems_of(Question, key="k", label="l", kind="ACCESS_DURATION", required=False) == {
        "question.required": "a duration must always be answered"
    }


@pytest.mark.parametrize("make", [Question.dropdown, Question.checkboxes])
def test_choices_need_1_to_1000_different_options(make):
    """And each is a text that can be read."""
    few = {"question.options": "needs 1 to 1000 options"}

    assert problems_of(make, "k", "l", options=[]) == few
    assert problems_of(make, "k", "l", options=[f"o{n}" for n in range(1001)]) == few
    assert len(make("k", "l", options=[f"o{n}" for n in range(1000)]).options) == 1000
    assert problems_of(make, "k", "l", options=["a", "a"]) == {
        "question.options": "must differ from each other"
    }
    assert problems_of(make, "k", "l", options=["a", " "]) == {
        "question.options": "must not be empty"
    }
    assert problems_of(make, "k", "l", options="yes") == {"": "must be a list, not one value"}


def test_other_questions_take_no_options():
    """They would be ignored."""
    assert problems_of(Question, key="k", label="l", kind="SHORT_ANSWER", options=["a"]) == {
        "question.options": "SHORT_ANSWER takes no options"
    }


@pytest.mark.parametrize("key", DECEPTIVE.values(), ids=DECEPTIVE.keys())
def test_the_key_of_a_question_can_be_read(key):
    """Keys are ids."""
    assert list(problems_of(Question.short_answer, key, "l")) == ["question.key"]


def test_the_label_of_a_question_is_text():
    """Something must be asked."""
    assert problems_of(Question.short_answer, "k", " ") == {"question.label": "must not be empty"}
    assert problems_of(Question.short_answer, "k", "l", help="\0") == {
        "question.help": "must not contain NUL or broken characters"
    }


# Forms


def test_a_form_has_1_to_100_questions_of_different_keys_and_known_kinds():
    """At most one of them asks for the duration."""
    many = [Question.short_answer(f"q{n}", "l") for n in range(101)]
    odd = Question(key="k", label="l", kind="SLIDER")

    assert check_form([WHY, LONG], {}) == (WHY, LONG)
    assert len(check_form(many[:100], {})) == 100
    assert check_form([odd], {"SLIDER": None}) == (odd,)
    assert problems_of(check_form, [], {}) == {"questions": "needs 1 to 100 questions"}
    assert problems_of(check_form, many, {}) == {"questions": "needs 1 to 100 questions"}
    assert problems_of(check_form, [WHY, WHY], {}) == {"questions": "must have different keys"}
    assert problems_of(check_form, [LONG, Question.access_duration("again")], {}) == {
        "questions": "may ask for the duration only once"
    }
    assert problems_of(check_form, [odd], {}) == {
        "questions.k": "is of a kind that no plugin offers"
    }
    assert problems_of(check_form, ["Why?"], {}) == {
        "questions": "must be Question.short_answer(), .dropdown() ..."
    }


def test_the_standard_form_asks_one_question_and_is_reviewed_by_default():
    """It is the form of products that name none."""
    assert STANDARD_FORM.name == "Standard request form"
    assert [question.key for question in STANDARD_FORM.current.questions] == ["why"]
    assert STANDARD_FORM.current.review == DEFAULT_REVIEW
    assert not STANDARD_FORM.current.allow_self_review


def test_a_revision_belongs_to_the_record_and_not_to_the_form():
    """Two reads of one form are equal."""
    form = RequestForm(id="f", current=version(WHY))

    assert RequestForm(id="f", current=version(WHY), revision=7) == form


def test_an_agreement_is_known_by_the_hash_of_its_text():
    """Its text is not shown in logs; any text has a hash."""
    agreement = DataUseAgreement("Safe", "be careful é")

    assert agreement.body_hash == sha256("be careful é".encode()).hexdigest()
    assert "careful" not in repr(agreement)
    assert len(DataUseAgreement("Safe", "\ud800").body_hash) == 64


# Answers


def test_all_answers_are_kept_in_their_stored_shape():
    """Text, a tuple of texts in the order of the options, amount and unit."""
    kept = check_answers(
        version(WHY, TEAM, USES, LONG, NOTE),
        {
            "why": "a forecast",
            "team": "sales",
            "uses": ["export", "report"],
            "long": {"amount": 3, "unit": "MONTHS"},
        },
        {},
    )

    assert kept == {
        "why": "a forecast",
        "team": "sales",
        "uses": ("report", "export"),
        "long": {"amount": 3, "unit": "months"},
    }
    assert isinstance(hash(kept), int)


@pytest.mark.parametrize("answer", [*HOSTILE, "a\nb", "x" * 20_000])
def test_a_short_answer_is_any_text(answer):
    """It is data, whatever it says."""
    assert answered(WHY, answer) == answer


@pytest.mark.parametrize("answer", [" ", "x" * 20_001, "a\0", "\ud800", 5, ["a"], True])
def test_a_short_answer_is_text_that_can_be_kept(answer):
    """Not blank, not endless, not broken."""
    assert wrong(WHY, answer).startswith("must ")


@pytest.mark.parametrize("question", [WHY, TEAM, USES, LONG])
@pytest.mark.parametrize("answer", [None, "", [], (), set(), frozenset()])
def test_a_required_question_must_be_answered(question, answer):
    """Nothing and empty are no answers."""
    assert wrong(question, answer) == "must be answered"
    assert problems_of(check_answers, version(question), {}, {}) == {
        f"answers.{question.key}": "must be answered"
    }


@pytest.mark.parametrize("answer", [None, "", [], (), set(), frozenset()])
@pytest.mark.parametrize(
    "question",
    [
        NOTE,
        Question.dropdown("d", "l", options=["a"], required=False),
        Question.checkboxes("c", "l", options=["a"], required=False),
    ],
)
def test_an_optional_question_may_stay_open(question, answer):
    """It is not kept then, so that rules see a missing fact."""
    assert check_answers(version(question), {question.key: answer}, {}) == {}


@pytest.mark.parametrize("answer", ["other", "SALES", ["sales"], 5, ("sales",)])
def test_a_dropdown_takes_exactly_one_of_its_options(answer):
    """As text."""
    assert wrong(TEAM, answer) == "must be exactly one of the options"
    assert answered(TEAM, "finance") == "finance"


@pytest.mark.parametrize("given_as", [list, tuple, set, frozenset])
def test_checkboxes_take_one_or_more_of_their_options(given_as):
    """In any order and any collection."""
    assert answered(USES, given_as(["model", "report"])) == ("report", "model")
    assert answered(USES, given_as(["export"])) == ("export",)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("report", "must be a list of options"),
        (5, "must be a list of options"),
        ([5], "must be a list of options"),
        ([["report"]], "must be a list of options"),
        (["report", "other"], "must be different options of the question"),
        (["report", "report"], "must be different options of the question"),
    ],
)
def test_checkboxes_refuse_what_is_no_choice(answer, problem):
    """One text is not a list; nothing twice; nothing else."""
    assert wrong(USES, answer) == problem


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (Duration(3, "months"), {"amount": 3, "unit": "months"}),
        (timedelta(hours=1), {"amount": 3600, "unit": "seconds"}),
        ({"amount": 1, "unit": "Years"}, {"amount": 1, "unit": "years"}),
    ],
)
def test_a_duration_is_answered_in_three_ways(answer, kept):
    """A Duration, a timedelta, or amount and unit."""
    assert answered(LONG, answer) == kept


@pytest.mark.parametrize(
    "answer",
    [
        {"amount": 0, "unit": "days"},
        {"amount": -1, "unit": "days"},
        {"amount": 1.5, "unit": "days"},
        {"amount": True, "unit": "days"},
        {"amount": "1", "unit": "days"},
        {"amount": 1, "unit": "minutes"},
        {"amount": 1, "unit": None},
        {"amount": 1},
        {"amount": 1, "unit": "days", "more": 1},
        timedelta(0),
        timedelta(milliseconds=1),
        "3 months",
        3,
    ],
)
def test_a_duration_that_is_none_is_refused(answer):
    """Whole, positive, in a known unit."""
    assert wrong(LONG, answer).startswith("must be ")


def test_a_duration_tells_all_that_is_wrong():
    """Unit and amount."""
    assert wrong(LONG, {"amount": 0, "unit": "minutes"}) == (
        "must be one of hours, days, weeks, months, years; must be a whole number of at least 1"
    )


def test_answers_that_fit_no_question_are_refused_without_repeating_them():
    """Neither the key nor the answer is in the message."""
    with pytest.raises(InvalidInput) as caught:
        check_answers(version(WHY), {"why": "x", "secret key": "secret answer"}, {})

    assert caught.value.problems == (
        ("answers", "has an answer that fits no question of the form"),
    )
    assert "secret" not in str(caught.value)


def test_every_problem_is_told_at_once():
    """So that people correct a form once."""
    problems = problems_of(check_answers, version(WHY, TEAM), {"team": "x", "y": 1}, {})

    assert set(problems) == {"answers", "answers.why", "answers.team"}


@pytest.mark.parametrize("answers", [None, [], "why", 5])
def test_answers_map_keys_to_answers(answers):
    """Nothing else."""
    assert problems_of(check_answers, version(WHY), answers, {}) == {
        "answers": "must map keys to answers"
    }


@given(st.text(min_size=1))
def test_no_message_repeats_an_answer(answer):
    """Privacy: what was answered stays out of messages."""
    secret = f"secret{answer}"

    assert "secret" not in wrong(TEAM, secret)
    assert "secret" not in wrong(USES, [secret])
    assert "secret" not in wrong(LONG, {"amount": secret, "unit": secret})


def test_a_plugins_question_is_checked_by_the_plugin():
    """It says what is wrong, or nothing; without the plugin it cannot be checked."""
    slider = Question(key="k", label="l", kind="SLIDER")
    custom = {"SLIDER": lambda answer: "" if answer == [1, 2] else "must be [1, 2]"}

    assert answered(slider, [1, 2], custom) == (1, 2)
    assert wrong(slider, 7, custom) == "must be [1, 2]"
    assert wrong(slider, 7) == "cannot be checked"


def test_the_wish_is_the_answer_to_the_duration():
    """If the form asks and the person said."""
    asks = version(WHY, LONG)

    answers = check_answers(asks, {"why": "x", "long": timedelta(days=1)}, {})

    assert wish_of(asks, answers) == Duration(86_400, "seconds")
    assert wish_of(asks, {"why": "x"}) is None
    assert wish_of(version(WHY), {"why": "x"}) is None
