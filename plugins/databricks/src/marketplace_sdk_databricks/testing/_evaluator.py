"""What somebody would see of a column: the outcome that grants, masks and policies add up to.

Our reading of "Row filters and column masks" and of "Attribute-based access control": a mask set
on the table and one of a policy do not add up but break the query, and so do two policies; a
policy holds for who is in TO and not in EXCEPT, through groups; the check of a mask function sees
who asks, not who owns it, and behind a view too. What is filled from a query holds what its owner
saw; policies do not hold on views themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from marketplace_sdk_databricks.testing._expressions import CLEAR, Opaque, Scope
from marketplace_sdk_databricks.testing._parser import Parser
from marketplace_sdk_databricks.testing._rights import holds, without_use
from marketplace_sdk_databricks.testing._tokens import SqlError
from marketplace_sdk_databricks.testing._values import (
    Column,
    Mask,
    Policy,
    Principal,
    Securable,
    Sight,
)
from marketplace_sdk_databricks.testing._world import World

_READING = {"VIEW", "METRIC_VIEW"}


class QueryFails(Exception):
    """The query of this person ends with an error of the platform, so nothing is seen."""


def sight(world: World, principal: Principal, table: Securable, column: Column) -> Sight:
    """Whether a principal sees nothing of a column, its mask, or its values.

    Raises:
        QueryFails: two masks hold for the principal at once.
        SqlError: a mask function that the fake cannot evaluate.
    """
    if without_use(world, principal, table) or not holds(world, principal, table, "SELECT"):
        return "none"
    if any(_denies(world, principal, table, policy) for policy in _policies_on(world, table)):
        return "none"
    return _shown(world, principal, table, column)


def _shown(world: World, principal: Principal, table: Securable, column: Column) -> Sight:
    """What reading a column shows, through views down to the tables.

    The owner of a view must be able to read what it reads, and masks there hold for whoever asks;
    what is filled from a query holds what its owner saw.
    """
    masks = list(_masks(world, principal, table, column))
    if len(masks) > 1:
        raise QueryFails(
            "[COLUMN_MASKS_FEATURE_NOT_SUPPORTED.MULTIPLE_MASKS] Column "
            f"{table.name}.{column.name} has several masks: "
            + ", ".join(sorted(mask.function for mask in masks))
        )
    own = _through(world, principal, masks[0]) if masks else "clear"
    if own != "clear" or column.over is None:
        return own
    base, owner = world.get("table", column.over[0]), world.principals[table.owner or 0]
    if not holds(world, owner, base, "SELECT"):
        return "none"
    reader = principal if table.kind in _READING else owner
    return _shown(world, reader, base, base.columns[column.over[1]])


def _policies_on(world: World, table: Securable) -> Iterator[Policy]:
    places = {(place.type, place.name) for place in (table, *world.parents(table))}
    for (type, name, _), policy in world.policies.items():
        if (type, name) in places and policy.body.get("for_securable_type") == "TABLE":
            yield policy


def _concerns(world: World, principal: Principal, policy: Policy) -> bool:
    names = {world.named(id) for id in world.identities(principal.id)}
    to = set(policy.body.get("to_principals", ()))
    spared = set(policy.body.get("except_principals", ()))
    return bool(to & names) and not spared & names


def _denies(world: World, principal: Principal, table: Securable, policy: Policy) -> bool:
    if policy.body.get("policy_type") != "POLICY_TYPE_DENY":
        return False
    denied = set(policy.body.get("deny", {}).get("privileges", ()))
    return (
        bool(denied & {"SELECT", "ALL_PRIVILEGES"})
        and _concerns(world, principal, policy)
        and _when(table, policy)
        and (not policy.body.get("match_columns") or matched(table, policy.body) is not None)
    )


def _when(table: Securable, policy: Policy) -> bool:
    condition = policy.body.get("when_condition")
    return not condition or tagged(condition, table.tags)


def tagged(condition: str, tags: Mapping[str, str]) -> bool:
    """Whether the tags of something meet the condition of a policy.

    Raises:
        SqlError: the condition cannot be read.
    """
    functions: dict[str, Callable[..., Any]] = {}
    for has in ("has_tag", "hastag"):
        functions[has] = lambda key: key in tags
    for has in ("has_tag_value", "hastagvalue"):
        functions[has] = lambda key, value: tags.get(key) == value
    parser = Parser(condition)
    read = parser.expression()
    parser.end()
    return read.value(Scope({}, functions, lambda _: ())) is True


def matched(table: Securable, body: Mapping[str, Any]) -> dict[str, list[Column]] | None:
    """The columns for each alias of a policy; None when one of its conditions meets none."""
    found: dict[str, list[Column]] = {}
    for match in body.get("match_columns", ()):
        columns = [
            column for column in table.columns.values() if tagged(match["condition"], column.tags)
        ]
        if not columns:
            return None
        found[match.get("alias") or match["condition"]] = columns
    return found


def _masks(world: World, principal: Principal, table: Securable, column: Column) -> Iterator[Mask]:
    if column.mask:
        yield column.mask
    for policy in _policies_on(world, table):
        body = policy.body
        if body.get("policy_type") != "POLICY_TYPE_COLUMN_MASK":
            continue
        if not _concerns(world, principal, policy) or not _when(table, policy):
            continue
        if table.kind in _READING:
            continue  # a preview, which is off here
        columns = matched(table, body) or {}
        mask = body["column_mask"]
        if column in columns.get(mask["on_column"], ()):
            using = tuple(
                entry.get("alias") or f"'{entry.get('constant')}'"
                for entry in mask.get("using", ())
            )
            yield Mask(mask["function_name"].lower(), using)


def _through(world: World, principal: Principal, mask: Mask) -> Sight:
    function = world.find("function", mask.function)
    if function is None:
        raise QueryFails(f"[ROUTINE_NOT_FOUND] The mask function {mask.function} is gone.")
    if function.shows is not None:
        return function.shows
    parser = Parser(function.definition)
    expression = parser.expression()
    parser.end()
    shown = expression.value(scope(world, principal, _arguments(function, mask)))
    return "clear" if shown is CLEAR else "masked"


def _arguments(function: Securable, mask: Mask) -> dict[str, Any]:
    values: list[Any] = [CLEAR]
    values += [
        one.strip("'") if one.startswith("'") else Opaque(f"COLUMN {one}") for one in mask.using
    ]
    if len(values) != len(function.parameters):
        raise QueryFails(f"[WRONG_NUM_ARGS] {function.name} takes {len(function.parameters)}.")
    return dict(zip((name.lower() for name in function.parameters), values, strict=True))


def scope(world: World, principal: Principal, names: Mapping[str, Any]) -> Scope:
    """What functions mean for somebody who asks.

    Args:
        names: columns or parameters, in lower case.
    """

    def member(group: str) -> bool:
        found = world.find_principal(group, "group")
        return found is not None and not found.local and found.id in world.identities(principal.id)

    functions: dict[str, Callable[..., Any]] = {
        "is_account_group_member": member,
        "session_user": lambda: principal.name,
        "current_user": lambda: principal.name,
        "current_timestamp": world.clock,
        "now": world.clock,
        "lower": lambda text: None if text is None else str(text).lower(),
        "date_format": _date_format,
        "unix_seconds": lambda moment: None if moment is None else int(moment.timestamp()),
    }

    def rows(name: str) -> Sequence[Mapping[str, Any]]:
        table = world.find("table", name)
        if table is None:
            raise SqlError("TABLE_OR_VIEW_NOT_FOUND", f"The table {name} cannot be found.")
        return table.rows

    return Scope(names, functions, rows)


_FORMATS = {
    "yyyy-MM-dd'T'HH:mm:ss": "%Y-%m-%dT%H:%M:%S",
    "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S",
}


def _date_format(moment: Any, pattern: str) -> str | None:
    if pattern not in _FORMATS:
        raise SqlError("FAKE_CANNOT_TELL", f"The fake does not know the format {pattern}.")
    return None if moment is None else moment.strftime(_FORMATS[pattern])
