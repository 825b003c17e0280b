"""Guard-rails are asked one plugin at a time and fail closed."""

from __future__ import annotations

import logging

import pytest

from marketplace_sdk._plugins import PluginHost
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.review import Stage
from marketplace_sdk.domain.selectors import group
from marketplace_sdk.plugin import AddStage, Refuse, Shorten, hookimpl

REQUEST, PRODUCT, FORM, PERSON = object(), object(), object(), object()
STAGE = Stage.any_of(group("privacy"))


def plugin(hook, function, name="Guard"):
    """A plugin that implements one hook."""
    return type(name, (), {hook: staticmethod(hookimpl(function))})()


def ask_request(*functions):
    plugins = [
        plugin("marketplace_check_request", function, f"Guard{number}")
        for number, function in enumerate(functions)
    ]
    return PluginHost(discover=False, extra=plugins).check_request(REQUEST, PRODUCT, FORM, PERSON)


def ask_plan(*functions):
    plugins = [
        plugin("marketplace_check_plan", function, f"Guard{number}")
        for number, function in enumerate(functions)
    ]
    return PluginHost(discover=False, extra=plugins).check_plan([], None, PRODUCT)


def test_without_guard_rails_nothing_is_said():
    host = PluginHost(discover=False)

    assert host.check_request(REQUEST, PRODUCT, FORM, PERSON) == []
    assert host.check_plan([], None, PRODUCT) == []


def test_every_answer_counts():
    answers = ask_request(
        lambda: [Refuse("no")],
        lambda: (each for each in [AddStage(STAGE), Shorten(Duration(3, "days"))]),
        lambda: None,
    )

    assert set(answers) == {Refuse("no"), AddStage(STAGE), Shorten(Duration(3, "days"))}


def test_a_check_may_take_fewer_arguments():
    seen = {}

    def all_of_them(request, product, form, person):
        seen.update(request=request, product=product, form=form, person=person)

    def two(person, request):
        seen["two"] = (person, request)

    ask_request(all_of_them, two)

    assert seen == {
        "request": REQUEST,
        "product": PRODUCT,
        "form": FORM,
        "person": PERSON,
        "two": (PERSON, REQUEST),
    }


def test_a_check_that_raises_refuses_and_the_others_are_asked_all_the_same():
    def raising(request):
        raise KeyError("the secret answer")

    answers = ask_request(lambda: [Refuse("first")], raising, lambda: [Refuse("last")])

    assert set(answers) == {
        Refuse("first"),
        Refuse("last"),
        Refuse("plugin Guard1, passed in code could not check it (KeyError)"),
    }


def test_a_check_that_raises_half_way_refuses():
    def half_way(plan):
        yield "first"
        raise RuntimeError

    problems = ask_plan(half_way)

    assert problems == ["plugin Guard0, passed in code could not check it (RuntimeError)"]


def test_what_went_wrong_is_logged_without_the_text_of_the_error(caplog):
    def raising(request):
        raise ValueError("the secret answer")

    with caplog.at_level(logging.ERROR):
        ask_request(raising)

    assert "plugin Guard0, passed in code raised ValueError at" in caplog.text
    assert "test_checks.py" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        Refuse("alone, not in a list"),
        "text",
        True,
        [None],
        [Refuse("fine"), "not fine"],
        [Refuse(None)],
        [AddStage("not a stage")],
        [Shorten(3)],
    ],
)
def test_an_answer_of_the_wrong_type_refuses_the_request(answer):
    (only,) = ask_request(lambda: answer)

    assert isinstance(only, Refuse)
    assert only.reason.startswith("plugin Guard0, passed in code ")


@pytest.mark.parametrize("answer", ["text", b"bytes", 3, [3], [Refuse("no")]])
def test_an_answer_of_the_wrong_type_is_a_problem_of_the_plan(answer):
    (only,) = ask_plan(lambda: answer)

    assert only.startswith("plugin Guard0, passed in code ")


def test_problems_of_a_plan_come_from_all_plugins():
    assert sorted(ask_plan(lambda plan: ["a", "b"], lambda grant: [], lambda: ["c"])) == [
        "a",
        "b",
        "c",
    ]


def test_an_async_check_refuses():
    async def later(request):
        return []

    (only,) = ask_request(later)

    assert isinstance(only, Refuse)


def test_a_plugin_with_a_misspelt_hook_still_guards(install):
    """What it offers cannot be used; what it forbids stays forbidden."""
    install(
        "x",
        """
        @hookimpl
        def marketplace_check_request(request):
            return [Refuse("no")]

        @hookimpl
        def marketplace_check_plann(plan): ...
        """,
    )

    answers = PluginHost().check_request(REQUEST, PRODUCT, FORM, PERSON)

    assert answers == [Refuse("no")]


def test_a_wrapper_cannot_silence_the_others(install):
    install(
        "x",
        """
        @hookimpl(wrapper=True)
        def marketplace_check_request(request):
            yield
            return []
        """,
    )
    guard = plugin("marketplace_check_request", lambda: [Refuse("no")])

    answers = PluginHost(extra=[guard]).check_request(REQUEST, PRODUCT, FORM, PERSON)

    assert answers == [Refuse("no")]


def test_an_installed_guard_rail_is_named_with_its_version(install):
    install(
        "x",
        """
        @hookimpl
        def marketplace_check_plan(plan):
            raise RuntimeError
        """,
        version="0.3",
    )

    problems = PluginHost().check_plan([], None, PRODUCT)

    assert problems == ["marketplace-sdk-x 0.3 (plugin x) could not check it (RuntimeError)"]
