"""What a plan says: short, whole, and in words that people use."""

from __future__ import annotations

from marketplace_sdk.domain.declarations import Applied, DeclarationPlan, DeclaredChange


def change(before, after, action="update"):
    return DeclaredChange(
        action=action, kind="product", id="p", before={"x": before}, after={"x": after}
    )


def test_a_new_thing_is_shown_whole():
    made = change(None, {"a": ["b", True], "c": False}, "create")

    assert str(made) == "+ product p\n    x: {a: [b, yes], c: no}"


def test_a_change_is_shown_as_far_inside_as_both_have_something():
    assert str(change({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}})).endswith("x.a.c: 2 -> 3")
    assert str(change({"a": 1}, {})).endswith("x.a: 1 -> nothing")
    assert str(change(["a", "b"], ["b", "c"])).endswith("x: + c, - a")
    assert str(change(["a", "b"], ["b", "a"])).endswith("x: another order")
    assert str(change("", "two\nlines")).endswith(r"x: '' -> 'two\nlines'")
    assert str(change(None, "x" * 300)).endswith(f"x: nothing -> {'x' * 200}...")


def test_plans_and_results_say_when_there_is_nothing():
    assert str(DeclarationPlan()) == "nothing to change"
    assert str(DeclarationPlan(problems=["no"])) == "nothing to change\ncannot: no"
    gone = DeclaredChange(action="delete", kind="form", id="f")
    assert str(DeclarationPlan(changes=[gone])) == "- form f"
    assert str(Applied()) == "nothing was changed"
    assert str(Applied(done=[gone], failed=["why"])) == "- form f\nfailed: why"
