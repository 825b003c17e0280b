"""A provisioner driven by hand: planned, changed and looked at as a pass would do it."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Literal, TypeVar

from marketplace_sdk.errors import AdapterError
from marketplace_sdk.ports.provisioner import (
    Call,
    Change,
    Guard,
    Item,
    Known,
    Outcome,
    Provisioner,
    Ref,
    Resolved,
    Scope,
    Seen,
    Target,
    TargetObject,
    Unresolved,
)
from marketplace_sdk.testing.conformance._provisioner_world import ProvisionerWorld

__all__ = [
    "CALL",
    "NO_TIME",
    "Bench",
    "assert_all",
    "attempt",
    "call_while",
    "object_ref",
    "principal_ref",
]

T = TypeVar("T")

PRODUCT = "product:conformance"


def call_while(time_is_left: Callable[[], bool]) -> Call:
    """A call whose deadline passes when ``time_is_left`` says so."""
    return Call(
        seconds_left=lambda: 60.0 if time_is_left() else 0.0,
        correlation_id="conformance",
    )


CALL = call_while(lambda: True)
NO_TIME = call_while(lambda: False)


def attempt(action: Callable[[], T]) -> T | None:
    """What an action returns, or None if it raised what says that waiting may help."""
    try:
        return action()
    except AdapterError as error:
        if error.retryable:
            return None
        raise AssertionError("waiting helps, so the error must be retryable") from error


def assert_all(outcomes: Sequence[Outcome], **counts: int) -> None:
    """So many outcomes of each kind and no others; if not, what each of them said is shown."""
    found = Counter(outcome.result for outcome in outcomes)
    wanted = Counter({result: count for result, count in counts.items() if count})
    said = [f"{one.result} {one.key} {one.error}".rstrip() for one in outcomes]
    assert found == wanted, "outcomes:\n" + "\n".join(said)


def object_ref(name: str) -> Ref:
    """The reference to an object."""
    return Ref("object", name)


def principal_ref(name: str) -> Ref:
    """The reference to a principal."""
    return Ref("principal", name)


class Bench:
    """A world with a provisioner, and short ways to what a pass does with one.

    Attributes:
        world: the platform.
        installation: what marks things as ours in this test.
        provisioner: what is being tested.
    """

    def __init__(self, world: ProvisionerWorld) -> None:
        self.world = world
        self.installation: str = f"conf{secrets.token_hex(5)}"
        self.provisioner: Provisioner = world.connect(self.installation)

    def resolve(self, *refs: Ref) -> Mapping[Ref, Resolved | Unresolved]:
        """What the names mean."""
        return self.provisioner.resolve(refs, CALL)

    def known(self, *refs: Ref) -> Known:
        """Names that are there, as a pass hands them to a plan."""
        answers = self.resolve(*refs)
        unknown = [answer for answer in answers.values() if not isinstance(answer, Resolved)]
        assert not unknown, f"names that the world has just made mean nothing: {unknown}"
        found = {ref: answer for ref, answer in answers.items() if isinstance(answer, Resolved)}
        return Known(installation=self.installation, resolved=found)

    def plan(
        self,
        objects: Sequence[str],
        *principals: str,
        key: str = PRODUCT,
        masked: Collection[str] = (),
        column: str | None = None,
    ) -> list[Item]:
        """Everything that these principals need to read these objects, lowest rank first."""
        known = self.known(*map(object_ref, objects), *map(principal_ref, principals))
        target = make_target(objects, key=key, masked=masked, column=column)
        return planned(self.provisioner, target, known, principals)

    def add(self, items: Iterable[Item], call: Call = CALL) -> list[Outcome]:
        """Add items as a pass does: upwards, a batch for each run of one scope."""
        ordered = sorted(items, key=lambda item: (item.rank, item.scope.key, item.key))
        return self._apply("add", ordered, call)

    def remove(self, items: Iterable[Item], call: Call = CALL) -> list[Outcome]:
        """Remove items as a pass does: downwards."""
        ordered = sorted(items, key=lambda item: (-item.rank, item.scope.key, item.key))
        return self._apply("remove", ordered, call)

    def look(self, items: Iterable[Item], guards: Collection[Guard] = ()) -> Mapping[Scope, Seen]:
        """The scopes of these items, all of which must be seen."""
        scopes = sorted({item.scope for item in items}, key=lambda scope: scope.key)
        answers = self.provisioner.observe(scopes, guards, CALL)
        seen = {scope: each for scope, each in answers.items() if isinstance(each, Seen)}
        assert set(seen) == set(scopes), f"a scope that can be listed was not: {answers}"
        return seen

    def present(self, items: Iterable[Item]) -> set[str]:
        """Keys of those of these items that the platform shows."""
        wanted = list(items)
        seen = self.look(wanted)
        return {item.key for item in wanted if item.key in seen[item.scope].items}

    def _apply(
        self, action: Literal["add", "remove"], items: Sequence[Item], call: Call
    ) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for _, group in groupby(items, key=lambda item: item.scope):
            batch = [Change(action=action, item=item) for item in group]
            outcomes += self.provisioner.apply(batch, call)
        return outcomes


def make_target(
    objects: Sequence[str],
    *,
    key: str = PRODUCT,
    masked: Collection[str] = (),
    column: str | None = None,
) -> Target:
    """A target on these objects; the masked columns are those of each."""
    wanted = tuple(TargetObject(name, frozenset(masked)) for name in objects)
    return Target(key=key, objects=wanted, column=column)


def planned(
    provisioner: Provisioner, target: Target, known: Known, principals: Iterable[str]
) -> list[Item]:
    """Base and member items of a target, each once, lowest rank first."""
    items = {item.key: item for item in provisioner.base(target, known)}
    for name in principals:
        who = known.resolved[principal_ref(name)]
        items.update((item.key, item) for item in provisioner.member(target, who, known))
    return sorted(items.values(), key=lambda item: (item.rank, item.scope.key, item.key))
