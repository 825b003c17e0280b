"""SHOW and DESCRIBE of things."""

from __future__ import annotations

import json

from marketplace_sdk_snowflake.testing.evaluation import like
from marketplace_sdk_snowflake.testing.kinds import PLURALS, TABLE_LIKE, VIEW_LIKE, family
from marketplace_sdk_snowflake.testing.refusals import absent, display, insufficient
from marketplace_sdk_snowflake.testing.running import Result, Run
from marketplace_sdk_snowflake.testing.sessions import DEFAULTS
from marketplace_sdk_snowflake.testing.showing_facts import SORTS, Facts, table_of, user_facts
from marketplace_sdk_snowflake.testing.statements import Describe, Name, Show, Target
from marketplace_sdk_snowflake.testing.world import Field, Policy, Relation, Securable, User

__all__ = ["describe", "show"]

_EVERYWHERE = frozenset({"ROLES", "USERS", "DATABASES", "WAREHOUSES"})


def _shown(kind: str, thing: Securable) -> bool:
    if kind == "TABLES":
        return thing.kind in TABLE_LIKE
    if kind == "VIEWS":
        return thing.kind in VIEW_LIKE
    return kind not in PLURALS or kind == "SCHEMAS" or thing.kind == PLURALS[kind]


def show(run: Run, statement: Show) -> Result:
    """SHOW: what shows itself to the session, by database, schema and name.

    Raises:
        Refused: 002043, the place to look in is not there or hidden.
    """
    if statement.kind == "COLUMNS":
        return _show_columns(run, statement)
    if statement.kind == "PARAMETERS":
        return _show_parameters(run, statement)
    sort = "TABLES" if statement.kind in PLURALS and statement.kind not in SORTS else ""
    families, describe_one, headings = SORTS[sort or statement.kind]
    within = _place(run, statement.kind, statement.scope)
    things = [
        thing
        for thing in run.world.of_kind(*families)
        if thing.name[: len(within)] == within
        and _shown(statement.kind, thing)
        and run.authority.sees((families[0], thing.name))
        and (statement.like is None or like(statement.like, thing.name[-1]))
        and (statement.starts_with is None or thing.name[-1].startswith(statement.starts_with))
    ]
    if statement.after is not None:
        things = _after(things, statement.after)
    rows = [describe_one(run, thing) for thing in things[: statement.limit]]
    return table_of(rows, headings.split())


def _after(things: list[Securable], start: str) -> list[Securable]:
    """What follows the first thing whose name begins so; nothing when there is none."""
    first = [at for at, thing in enumerate(things) if thing.name[-1].startswith(start)][:1]
    return things[first[0] + 1 :] if first else []


def _place(run: Run, kind: str, scope: Target | None) -> Name:
    """The place to look in: without one that of the session, for what lives in a schema."""
    if scope is None and kind not in _EVERYWHERE:
        here = (run.session.database, run.session.schema)
        return tuple(name for name in here[: 1 if kind == "SCHEMAS" else 2] if name)
    if scope is None or scope.kind == "ACCOUNT":
        return ()
    return run.require(scope, looking=True).name


def _show_columns(run: Run, statement: Show) -> Result:
    within = _place(run, statement.kind, statement.scope)
    rows = [
        {
            "table_name": relation.name[2],
            "schema_name": relation.name[1],
            "column_name": column.name,
            "data_type": _json_type(column),
            "null?": str(not column.required).lower(),
            "kind": "COLUMN",
            "comment": "",
            "database_name": relation.name[0],
        }
        for relation in run.world.of_kind("RELATION")
        if isinstance(relation, Relation)
        and relation.name[: len(within)] == within
        and run.authority.sees(("RELATION", relation.name))
        for column in relation.columns.values()
        if statement.like is None or like(statement.like, column.name)
    ]
    headings = (
        "table_name schema_name column_name data_type null? default kind expression comment "
        "database_name autoincrement"
    )
    return table_of(rows, headings.split())


def _json_type(column: Field) -> str:
    family, _, sizes = column.type.partition("(")
    facts: Facts = {
        "type": {"VARCHAR": "TEXT", "NUMBER": "FIXED", "FLOAT": "REAL"}.get(family, family)
    }
    if family == "NUMBER":
        precision, scale = sizes.rstrip(")").split(",")
        facts |= {"precision": int(precision), "scale": int(scale)}
    elif family == "VARCHAR":
        facts |= {"length": int(sizes.rstrip(")"))}
    return json.dumps(facts | {"nullable": not column.required}, separators=(",", ":"))


def _show_parameters(run: Run, statement: Show) -> Result:
    rows = [
        {"key": name, "value": str(run.session.parameter(name)), "default": str(default)}
        for name, default in sorted(DEFAULTS.items())
        if statement.like is None or like(statement.like, name)
    ]
    return table_of(rows, ("key", "value", "default", "level", "description", "type"))


def describe(run: Run, statement: Describe) -> Result:
    """DESCRIBE.

    Raises:
        Refused: 002043, it is not there or hidden; 003001, a policy that the session
            neither owns nor may apply.
    """
    target = statement.target
    if family(target.kind) == "RELATION":  # DESCRIBE TABLE and DESCRIBE VIEW mean the same
        target = Target("RELATION", target.name)
    thing = run.require(target, looking=True)
    if isinstance(thing, User):
        return _describe_user(run, thing)
    if isinstance(thing, Policy):
        return _describe_policy(run, thing)
    if not isinstance(thing, Relation):
        raise absent(statement.target.kind, thing.name)
    rows: list[Facts] = [
        {
            "name": column.name,
            "type": column.type,
            "kind": "COLUMN",
            "null?": "N" if column.required else "Y",
            "primary key": "N",
            "unique key": "N",
            "policy name": display(column.policy) if column.policy else None,
        }
        for column in thing.columns.values()
    ]
    headings = [
        *("name", "type", "kind", "null?", "default", "primary key", "unique key", "check"),
        *("expression", "comment", "policy name", "privacy domain"),
    ]
    return table_of(rows, headings)


def _describe_user(run: Run, user: User) -> Result:
    facts = user_facts(run, user)
    if "login_name" not in facts and user.name != (run.session.user,):
        raise insufficient("USER", user.name)
    rows: list[Facts] = [
        {"property": name.upper(), "value": str(value)}
        for name, value in facts.items()
        if name != "created_on"
    ]
    return table_of(rows, ("property", "value", "default", "description"))


def _describe_policy(run: Run, policy: Policy) -> Result:
    if not (
        run.authority.holds("APPLY", ("MASKING POLICY", policy.name))
        or run.authority.holds("APPLY MASKING POLICY", ("ACCOUNT", ()))
    ):
        raise insufficient("MASKING POLICY", policy.name[-1:])
    signature = ", ".join(f"{name} {type_}" for name, type_ in policy.arguments)
    row = {
        "name": policy.name[-1],
        "signature": f"({signature})",
        "return_type": policy.returns,
        "body": policy.text,
    }
    return table_of([row], row)
