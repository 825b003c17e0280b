"""Which policy masks a column, and what a session sees through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from marketplace_sdk_snowflake.testing.authority import below
from marketplace_sdk_snowflake.testing.evaluation import Scope, evaluate
from marketplace_sdk_snowflake.testing.statements import Name
from marketplace_sdk_snowflake.testing.world import Field, Policy, Relation, Tag, World

__all__ = ["effective_policy", "filler", "masked", "sees_clear", "tags_on"]


class _Clear:
    """Stands for the value of a column: whoever gets it back sees it clear."""


def tags_on(world: World, relation: Relation, column: Field | None) -> dict[Name, tuple[str, str]]:
    """Tags that hold for a table or a column, each with its value and where it is set."""
    found: dict[Name, tuple[str, str]] = {}
    places: list[tuple[str, Mapping[Name, str]]] = [
        ("DATABASE", world.tagged.get(("DATABASE", relation.name[:1]), {})),
        ("SCHEMA", world.tagged.get(("SCHEMA", relation.name[:2]), {})),
        ("TABLE", relation.tags),
        ("COLUMN", column.tags if column else {}),
    ]
    for level, tags in places:
        found.update({tag: (value, level) for tag, value in tags.items()})
    return found


def effective_policy(
    world: World, relation: Relation, column: Field
) -> tuple[Name | None, Name | None]:
    """The policy on a column and the tag that carried it; one set directly wins."""
    if column.policy is not None:
        return column.policy, None
    for name in sorted(tags_on(world, relation, column)):
        tag = world.find("TAG", name)
        for policy_name in tag.policies if isinstance(tag, Tag) else ():
            policy = world.find("MASKING POLICY", policy_name)
            if isinstance(policy, Policy) and _family(policy.arguments[0][1]) == _family(
                column.type
            ):
                return policy_name, name
    return None, None


def _family(type_: str) -> str:
    return type_.split("(", 1)[0]


def masked(scope: Scope, relation: Relation, column: Field, row: Mapping[str, Any]) -> Any:
    """The value of a column in a row as the scope's session gets to see it."""
    name, _ = effective_policy(scope.world, relation, column)
    if name is None:
        return row.get(column.name)
    policy = scope.world.find("MASKING POLICY", name)
    if not isinstance(policy, Policy) or policy.body is None:
        return None
    inputs = (column.name, *(column.using[1:] if column.using else ()))
    arguments = {
        argument: row.get(given)
        for (argument, _), given in zip(policy.arguments, inputs, strict=False)
    }
    inner = Scope(
        scope.world,
        scope.session,
        scope.roles,
        relation.name[0],
        scope.rows,
        ((policy.name[-1], arguments),),
        shown=scope.shown,
    )
    return evaluate(policy.body, inner)


def sees_clear(scope: Scope, relation: Relation, column: Field) -> bool:
    """Whether the scope's session sees a column clear, through views down to the table."""
    value = _Clear()
    if masked(scope, relation, column, {column.name: value}) is not value:
        return False
    if relation.over is None:
        return True
    base = scope.world.relation(relation.over)
    origin = relation.origins.get(column.name)
    if base is None or origin is None or origin not in base.columns:
        return base is not None and origin is None
    reader = filler(scope, relation) if relation.kind == "DYNAMIC TABLE" else scope
    return sees_clear(reader, base, base.columns[origin])


def filler(scope: Scope, relation: Relation) -> Scope:
    """Who read what a dynamic table keeps: its owner, in a session of its own."""
    owner = () if relation.owner is None else (relation.owner,)
    return evolve(scope, roles=below(scope.world, owner))
