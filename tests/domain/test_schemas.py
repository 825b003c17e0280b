"""Forms as JSON Schema: what a portal lets through is what the marketplace takes, and no other."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from marketplace_sdk import Marketplace, Question
from marketplace_sdk.domain.durations import UNITS
from marketplace_sdk.domain.forms import STANDARD_FORM, FormVersion, check_answers
from marketplace_sdk.domain.schemas import schema_flaw
from marketplace_sdk.errors import InvalidInput
from marketplace_sdk.plugin import QuestionTypeSpec, hookimpl
from tests.wire.strategies import NAMES

OPTIONS = ["a", "b", "", " c "]
REQUIRED = st.booleans()


def version(*questions):
    return FormVersion(id="v1", form="f", name="F", questions=questions)


@st.composite
def forms(draw):
    """A form of up to four questions of every built-in kind."""
    keys = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    made = []
    for key in keys:
        kind = draw(st.sampled_from(["short_answer", "dropdown", "checkboxes", "access_duration"]))
        more = {} if kind == "access_duration" else {"label": "L", "required": draw(REQUIRED)}
        if kind in ("dropdown", "checkboxes"):
            more["options"] = ["a", "b", " c "]
        made.append(getattr(Question, kind)(key, **more))
    return version(*made)


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-2, 20_000), st.floats(allow_nan=False))
DURATIONS = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.one_of(st.integers(-1, 20_000), SCALARS),
        "unit": st.one_of(st.sampled_from(UNITS), st.text(max_size=3)),
        "more": st.none(),
    },
)
TEXTS = st.one_of(
    st.sampled_from(["a", "b", "", " ", "\t\n", " c ", "x" * 20_000, "x" * 20_001, "\u2003\x1c"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
)
ANSWERS = st.one_of(TEXTS, SCALARS, DURATIONS, st.lists(st.one_of(TEXTS, SCALARS), max_size=3))


def exempt(form, answers):
    """Whether it is one of the three exceptions that docs/how-to/draw-forms.md lists."""
    for question in form.questions:
        answer = answers.get(question.key)
        if not question.required and answer in (None, "", []) and question.key in answers:
            return True  # left empty: nothing, an empty text, an empty list
        if question.kind == "ACCESS_DURATION" and isinstance(answer, dict):
            if isinstance(answer.get("amount"), float) and answer["amount"].is_integer():
                return True  # JSON knows no difference between 3 and 3.0
            if str(answer.get("unit")) not in UNITS:
                return True  # DAYS is days, and seconds are what a timedelta gives
    return False


@settings(deadline=None)
@given(forms(), st.data())
@example(version(Question.short_answer("why", "Why?")), None)
def test_the_schema_takes_an_answer_if_and_only_if_the_marketplace_does(form, data):
    answers = {"why": "\x1c"}
    if data is not None:
        answers = {
            each.key: data.draw(ANSWERS) for each in form.questions if data.draw(st.booleans())
        }
        if data.draw(st.integers(0, 9)) == 0:
            answers["no such question"] = "x"
    try:
        check_answers(form, answers, {})
        taken = True
    except InvalidInput:
        taken = False
    schema = form.json_schema()

    fits = Draft7Validator(schema).is_valid(answers)

    assert fits == Draft202012Validator(schema).is_valid(answers)
    assert fits == taken or exempt(form, answers)


@settings(max_examples=50, deadline=None)
@given(forms())
def test_a_schema_is_json_of_words_that_both_drafts_share(form):
    schema, shown = form.json_schema(), form.ui_schema()

    Draft7Validator.check_schema(schema)
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert json.loads(json.dumps(shown)) == shown
    assert shown["ui:order"] == [each.key for each in form.questions] == list(schema["properties"])


def test_a_form_as_a_portal_gets_it():
    form = version(
        Question.short_answer("why", "Why?", help="In one sentence."),
        Question.dropdown("team", "Team?", options=["x", "y"], required=False),
        Question.checkboxes("uses", "Uses?", options=["x", "y"]),
        Question.access_duration("long"),
    )

    schema = form.json_schema()

    assert schema["required"] == ["why", "uses", "long"]
    assert schema["properties"]["team"] == {"title": "Team?", "type": "string", "enum": ["x", "y"]}
    assert schema["properties"]["uses"]["minItems"] == 1
    assert schema["properties"]["long"]["properties"]["unit"]["enum"] == list(UNITS)
    assert form.ui_schema() == {
        "why": {"ui:widget": "textarea", "ui:help": "In one sentence."},
        "team": {"ui:widget": "select"},
        "uses": {"ui:widget": "checkboxes"},
        "long": {"ui:order": ["amount", "unit"]},
        "ui:order": ["why", "team", "uses", "long"],
    }
    assert STANDARD_FORM.json_schema()["required"] == ["why"]
    assert STANDARD_FORM.ui_schema()["ui:order"] == ["why"]


# Schemas of plugins


class Codes:
    """A plugin with one kind of question."""

    def __init__(self, schema):
        self.schema = schema
        self.asked = []

    def check(self, answer):
        self.asked.append(answer)
        return "" if answer != "C-13" else "brings bad luck"

    @hookimpl
    def marketplace_question_types(self):
        yield QuestionTypeSpec(name="CODE", check=self.check, json_schema=self.schema)


def market(schema):
    plugin = Codes(schema)
    made = Marketplace(plugins=[plugin], discover=False)
    made.people.add("uma", permissions=["USER_ADMIN", "GOVERNANCE"])
    return made, plugin


def test_a_plugins_question_is_checked_by_the_schema_that_portals_get_and_then_by_the_plugin():
    schema = {"type": "string", "pattern": "^C-[0-9]{1,4}$", "examples": ["C-7"]}
    shop, plugin = market(schema)
    code = Question(key="code", label="Which code?", kind="CODE")
    form = shop.forms.create("F", questions=[code], by="uma")
    checks = shop._context.plugins.question_checks()

    kinds = shop.forms.kinds(by="uma")
    assert form.json_schema(kinds)["properties"]["code"] == {**schema, "title": "Which code?"}
    assert form.json_schema()["properties"]["code"] == {"title": "Which code?"}
    assert check_answers(form.current, {"code": "C-7"}, checks) == {"code": "C-7"}
    for answer, told in (("D-7", "does not fit"), (7, "does not fit"), ("C-13", "bad luck")):
        with pytest.raises(InvalidInput, match=told) as caught:
            check_answers(form.current, {"code": answer}, checks)
        assert str(answer) not in str(caught.value)
    assert plugin.asked == ["C-7", "C-13"]


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "http://elsewhere.example/schema"}, r"\$ref is not taken"),
        ({"$ref": "#"}, r"\$ref is not taken"),
        ({"type": "string", "pattern": "(a+)+$"}, "pattern is not taken"),
        ({"type": "string", "pattern": "a*a*a*b"}, "pattern is not taken"),
        ({"type": "string", "pattern": "^a{1,}b+"}, "pattern is not taken"),
        ({"type": "string", "pattern": "^[a-z]+[a-z]{0,1000}!"}, "pattern is not taken"),
        ({"type": "string", "pattern": "a+!"}, "pattern is not taken"),
        ({"type": "string", "pattern": "a?" * 6 + "a" * 6}, "pattern is not taken"),
        ({"type": "string", "pattern": "a{1,99999}"}, "pattern is not taken"),
        ({"type": "string", "pattern": "x|y"}, "pattern is not taken"),
        ({"type": "string", "pattern": "["}, "pattern is not taken"),
        ({"type": "string", "pattern": "a" * 201}, "pattern is not taken"),
        ({"patternProperties": {"(a+)+": {}}}, "patternProperties is not taken"),
        ({"type": "string", "title": "x" * 1001}, "title is not taken"),
        ({"type": "string", "minLength": "1"}, "minLength is not taken"),
        ({"enum": [{"a": 1}]}, "enum is not taken"),
        ({"enum": [str(n) for n in range(501)], "type": "string"}, "too large"),
        ({"properties": {str(n): {"type": "string"} for n in range(501)}}, "too large"),
        ({"items": {"items": {"items": {"items": {"items": {"items": {"items": {"items": {"items":
          {"items": {}}}}}}}}}}}, "nested too deeply"),
        ({"properties": {"a": []}}, "properties.a is no schema"),
        ({"anyOf": [{"not": {"if": {}}}]}, "if is not taken"),
        ([], "is no schema"),
        ({7: "x"}, "7 is not taken"),
    ],
)  # fmt: skip
def test_a_hostile_schema_is_told_and_its_kind_is_not_offered(schema, why):
    assert re.search(why, schema_flaw(schema))
    with pytest.raises(Exception, match=f"question type CODE: its json_schema: .*{why}"):
        market(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string", "pattern": r"^[A-Z()|+?]{2}\([0-9]+\)$", "format": "email"},
        {"type": "array", "items": {"type": "integer", "minimum": 1}, "uniqueItems": True},
        {"type": "object", "properties": {"a": {"enum": ["x", 1, None]}}, "required": ["a"],
         "additionalProperties": False},
        {"anyOf": [{"const": "x"}, {"type": "number", "multipleOf": 0.5}]},
    ],
)  # fmt: skip
def test_what_says_what_an_answer_looks_like_is_taken(schema):
    assert schema_flaw(schema) == ""


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "pattern", ["^[a-z]+a?a?a?a?a?!$", "^a{1,1000}a?a?a?a?a?!", "a{1000}!", "^[a-z]*$"]
)
def test_a_pattern_that_is_taken_is_decided_in_few_passes(pattern):
    """The worst that are taken, on the longest text: minutes would be a way to stop a portal."""
    assert schema_flaw({"pattern": pattern}) == ""

    assert Draft202012Validator({"pattern": pattern}).is_valid("a" * 20_000) in (True, False)
