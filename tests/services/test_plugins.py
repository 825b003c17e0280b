"""What plugins may say to a request and to a plan, and that they fail closed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace_sdk import (
    Duration,
    InvalidInput,
    MarketplaceError,
    NotAllowed,
    Question,
    ReviewFlow,
    Stage,
)
from marketplace_sdk.plugin import AddStage, QuestionTypeSpec, Refuse, Shorten, hookimpl
from tests.services.helpers import nothing_written, small_world
from tests.world import LEGAL, UNA, any_of

AUTOMATIC = ReviewFlow.approve(justification="x")


class Guard:
    """One plugin whose answers a test sets."""

    def __init__(self):
        self.request = lambda *_: []
        self.plan = lambda *_: []

    @hookimpl
    def marketplace_check_request(self, request, product, form, person):
        return self.request(request, product, form, person)

    @hookimpl
    def marketplace_check_plan(self, plan, grant, product):
        return self.plan(plan, grant, product)


class Kinds:
    """A plugin with a question kind of its own."""

    def __init__(self, check):
        self.check = check

    @hookimpl
    def marketplace_question_types(self):
        return [QuestionTypeSpec(name="CODE", check=self.check, json_schema={})]


def broken_check(answer):
    raise RuntimeError(f"cannot look up {answer}")


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (broken_check, "a secret"),
        (lambda answer: None, "a secret"),
        (lambda answer: 5, "a secret"),
        (lambda answer: "is no code", "a secret"),
        (lambda answer: "", "a secret\0"),
        (lambda answer: "", "a secret" * 10_000),
        (lambda answer: "", {"a secret": object()}),
    ],
)
def test_an_answer_whose_check_breaks_is_refused(check, answer, caplog):
    """A plugin never approves: what it cannot check, or what is no plain data, is not kept."""
    world = small_world(plugins=[Kinds(check)])
    question = Question(key="code", label="Which?", kind="CODE")
    product = world.publish(form=world.form(any_of(LEGAL), questions=[question]))

    with nothing_written(world), pytest.raises(MarketplaceError) as caught:
        world.ask(product, answers={"code": answer})

    assert "secret" not in f"{caught.value!r}{caught.value}{caplog.text}"
    world.close()


@pytest.mark.parametrize(
    "answer",
    [{1: "x"}, {"x", "y"}, ["a\0b"], {"a": {"b": object()}}, ["y" * 20_000] * 100, 10**400],
    ids=["keys", "set", "NUL", "object", "huge", "number"],
)
def test_an_odd_answer_to_a_plugins_question_is_refused_by_the_question(answer):
    """Bad input is refused, naming each question, before a plugin sees it or a store has to.

    What is no JSON does not come back as it was given: the same request again would be another.
    """
    asked = []
    world = small_world(plugins=[Kinds(lambda answer: asked.append(answer) or "")])
    question = Question(key="code", label="Which?", kind="CODE")
    product = world.publish(form=world.form(any_of(LEGAL), questions=[question]))

    with nothing_written(world), pytest.raises(InvalidInput, match=r"answers\.code: ") as caught:
        world.ask(product, answers={"code": answer})

    assert [each.path for each in caught.value.problems] == ["answers.code"]
    assert asked == []
    kept = world.ask(product, answers={"code": {"a": [1, None, 2.5]}}, id="r1")
    assert world.ask(product, answers={"code": {"a": [1, None, 2.5]}}, id="r1") == kept
    world.close()


def test_a_check_that_breaks_is_named():
    """Whoever runs the marketplace has to know whose fault it is."""
    world = small_world(plugins=[Kinds(broken_check)])
    question = Question(key="code", label="Which?", kind="CODE")
    product = world.publish(form=world.form(any_of(LEGAL), questions=[question]))

    with pytest.raises(MarketplaceError, match=r"answers\.code: .*Kinds.* failed \(RuntimeError\)"):
        world.ask(product, answers={"code": "x"})
    world.close()


@pytest.fixture
def guarded():
    """A world with the plugin."""
    guard = Guard()
    made = small_world(plugins=[guard])
    made.guard = guard
    yield made
    made.close()


def test_a_check_may_refuse(guarded):
    """Nothing is written, automatic or not."""
    guarded.guard.request = lambda request, *_: (
        [Refuse("no contractors")] if request.requester == "con" else []
    )

    for flow in (any_of(LEGAL), AUTOMATIC):
        product = guarded.publish(flow)
        with nothing_written(guarded), pytest.raises(NotAllowed, match="no contractors"):
            guarded.ask(product)
        assert guarded.ask(product, by="pat").state in {"pending", "approved"}


@pytest.mark.parametrize("broken", ["raises", "nonsense"])
def test_a_check_that_breaks_refuses(guarded, broken):
    """Guard-rails fail closed, name the plugin, and repeat no answer."""

    def check(*_):
        if broken == "raises":
            raise KeyError("to count heads")
        return ["yes, please"]

    product = guarded.publish(AUTOMATIC)
    guarded.guard.request = check

    with nothing_written(guarded), pytest.raises(NotAllowed, match="Guard") as caught:
        guarded.ask(product)
    assert "count heads" not in str(caught.value)
    guarded.deliver()
    assert guarded.reads("con") == "none"


def test_a_check_may_ask_for_one_more_stage(guarded):
    """Also after an automatic approval; a plugin never removes a seat."""
    guarded.guard.request = lambda *_: [AddStage(Stage.any_of(UNA))]
    automatic = guarded.ask(guarded.publish(AUTOMATIC))
    reviewed = guarded.ask(guarded.publish(any_of(LEGAL)))

    assert automatic.state == "pending"
    assert guarded.approve(automatic, "una").state == "approved"
    assert guarded.approve(reviewed, "ana").state == "pending"
    assert guarded.approve(reviewed, "una").state == "approved"


def test_a_check_may_shorten(guarded):
    """The earliest of all ends."""
    guarded.guard.request = lambda *_: [Shorten(Duration(2, "days"))]
    request = guarded.ask(guarded.publish(any_of(LEGAL)))

    approved = guarded.approve(request, "ana", until=Duration(9, "days"))
    guarded.deliver()

    assert approved.until == guarded.clock() + timedelta(days=2)
    assert guarded.reads("con") == "clear"
    guarded.clock.advance(days=2)
    guarded.deliver()
    assert guarded.reads("con") == "none"


@pytest.mark.parametrize("broken", [False, True])
def test_a_veto_holds_back_additions_and_never_removals(guarded, broken):
    """A problem, or a check that raises: nothing is given; taking away goes on."""
    held = guarded.approve(guarded.ask(guarded.publish(any_of(LEGAL)), by="pat"), "ana")
    guarded.deliver()
    assert guarded.reads("pat") == "clear"

    def veto(*_):
        if broken:
            raise ValueError("x")
        return ["frozen"]

    guarded.guard.plan = veto
    guarded.approve(guarded.ask(guarded.publish(any_of(LEGAL))), "ana")
    guarded.market.requests.revoke(held.id, reason="x", by="dee")
    guarded.market.deliver()
    assert (guarded.reads("con"), guarded.reads("pat")) == ("none", "none")
    (view,) = guarded.market.grants.of("con", by="con")
    assert view.state != "active"
    assert view.trouble

    guarded.guard.plan = lambda *_: []
    guarded.clock.advance(hours=3)
    guarded.deliver()
    assert guarded.reads("con") == "clear"
