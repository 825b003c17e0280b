"""What a connection's settings may say, beside those of its plugin."""

from __future__ import annotations

import pytest

from marketplace_sdk import InvalidInput, Marketplace
from marketplace_sdk.testing import MemoryPlatform

CLOSED = {"plugin": "memory", "objects": {"s.t": ["id"]}}


class Bare:
    """A provisioner that declares nothing."""


def problems(**settings):
    with pytest.raises(InvalidInput) as caught:
        Marketplace("memory", connections={"lake": settings}, discover=False)
    return [(problem.path, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("key", "choices"),
    [("on_replaced", "same_owner, hold, always"), ("added_by_hand", "take, keep")],
)
def test_a_rule_is_one_of_those_that_there_are(key, choices):
    assert problems(plugin="memory", **{key: "perhaps"}) == [
        (f"connections.lake.{key}", f"must be one of {choices}")
    ]
    for choice in choices.split(", "):
        with Marketplace(
            "memory", connections={"lake": {**CLOSED, key: choice}}, discover=False
        ) as market:
            assert market.installation


@pytest.mark.parametrize("value", [None, [], "s.*", [""], [5]])
def test_what_may_be_granted_has_to_be_said_for_a_platform_that_is_no_open_world(value):
    settings = {} if value is None else {"may_grant": value}

    ((path, _),) = problems(plugin=Bare(), **settings)

    assert path == "connections.lake.may_grant"


def test_a_plugin_is_named_or_given():
    assert problems() == [("connections.lake.plugin", "is required")]


def test_a_name_can_stand_in_a_key():
    with pytest.raises(InvalidInput):
        Marketplace("memory", connections={"a|b": MemoryPlatform()}, discover=False)
