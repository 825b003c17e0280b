"""SHOW GRANTS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import evolve

from marketplace_sdk_snowflake.testing.authority import PUBLIC, below
from marketplace_sdk_snowflake.testing.refusals import absent, display, syntax
from marketplace_sdk_snowflake.testing.running import Result, Run
from marketplace_sdk_snowflake.testing.showing_facts import table_of
from marketplace_sdk_snowflake.testing.statements import ShowGrants, Target
from marketplace_sdk_snowflake.testing.world import Grant, Grantee, Inherited, Key, Securable

__all__ = ["show_grants"]

_TO = "created_on privilege granted_on name granted_to grantee_name grant_option granted_by"
_TO_USER = (
    "created_on privilege granted_on name role granted_to grantee_name grant_option granted_by"
)
_OF = "created_on role granted_to grantee_name granted_by"
_INHERITED = " is_inherited inherited_from inherited_from_domain"


def _kind(key: Key, run: Run) -> str:
    thing = run.world.things.get(key)
    return (thing.kind if thing else key[0]).replace(" ", "_")


def _name(grantee: Grantee | None) -> str:
    """Roles and users stand unquoted, database roles with the name of their database."""
    return "" if grantee is None else ".".join(grantee.name)


def _grant(run: Run, grant: Grant) -> dict[str, Any]:
    key = grant.on
    role = key[0] in {"ROLE", "DATABASE ROLE"}
    return {
        "created_on": grant.created_on,
        "privilege": grant.privilege,
        "granted_on": _kind(key, run),
        "name": run.world.account if key[0] == "ACCOUNT" else display(key[1]),
        "role": display(key[1]) if role else "",
        "granted_to": grant.grantee.kind.replace(" ", "_"),
        "grantee_name": _name(grant.grantee),
        "grant_option": str(grant.option).lower(),
        "granted_by": _name(grant.granted_by),
        "is_inherited": "false",
    }


def _ownership(thing: Securable, owner: Grantee) -> dict[str, Any]:
    return {
        "created_on": thing.created_on,
        "privilege": "OWNERSHIP",
        "granted_on": thing.kind.replace(" ", "_"),
        "name": display(thing.name),
        "role": "",
        "granted_to": owner.kind.replace(" ", "_"),
        "grantee_name": _name(owner),
        "grant_option": "true",
        "granted_by": _name(owner),
        "is_inherited": "false",
    }


def _inherited(grant: Inherited, run: Run) -> dict[str, Any]:
    """The row names the kind and the container; the object's name is empty."""
    kind, name = grant.container
    return {
        "created_on": grant.created_on,
        "privilege": grant.privilege,
        "granted_on": grant.kind.replace(" ", "_"),
        "name": "",
        "role": "",
        "granted_to": grant.grantee.kind.replace(" ", "_"),
        "grantee_name": _name(grant.grantee),
        "grant_option": "false",
        "granted_by": _name(grant.granted_by),
        "is_inherited": "true",
        "inherited_from": display(name) if name else run.world.account,
        "inherited_from_domain": kind,
    }


def show_grants(run: Run, statement: ShowGrants) -> Result:
    """SHOW GRANTS TO, OF and ON.

    Raises:
        Refused: 002003, the role, user or object is not there or hidden; 001003, the server is too
            old for INCLUDE HIERARCHY.
    """
    result = _show(run, statement, statement.target or Target("USER", (run.session.user,)))
    return evolve(result, rows=result.rows[: statement.limit])


def _show(run: Run, statement: ShowGrants, target: Target) -> Result:
    if statement.direction == "ON":
        return _on(run, target)
    thing = run.require(target)
    holder = Grantee(thing.kind, thing.name)
    if statement.direction == "OF":
        return _of(run, holder)
    if statement.hierarchy and not run.features.include_hierarchy:
        raise syntax("", 0, "INCLUDE")
    _check_may_look(run, holder)
    holders = {holder}
    if statement.hierarchy:
        holders |= below(run.world, [holder, PUBLIC])
    return _to(run, holder, holders)


def _check_may_look(run: Run, holder: Grantee) -> None:
    """Somebody else's grants are for who owns the holder, has it, or manages grants."""
    if holder.kind == "USER" and holder.name == (run.session.user,):
        return
    key = (holder.kind, holder.name)
    authority = run.authority
    if not (authority.owns(key) or holder in authority.holders or authority.manages(key)):
        raise absent(holder.kind, holder.name)


def _to(run: Run, holder: Grantee, holders: Iterable[Grantee]) -> Result:
    wanted = set(holders)
    rows = [_grant(run, grant) for grant in run.world.grants.values() if grant.grantee in wanted]
    rows += [
        _ownership(thing, thing.owner)
        for thing in run.world.things.values()
        if thing.owner in wanted and thing.owner is not None
    ]
    headings = _TO_USER if holder.kind == "USER" else _TO
    if run.features.inherited_grants:
        headings += _INHERITED
        rows += [_inherited(grant, run) for grant in run.world.inherited if grant.grantee in wanted]
    return table_of(_ordered(rows), headings.split())


def _of(run: Run, role: Grantee) -> Result:
    key = (role.kind, role.name)
    rows = [
        _grant(run, grant) | {"role": _name(role)}
        for grant in run.world.grants.values()
        if grant.on == key
    ]
    return table_of(_ordered(rows), _OF.split())


def _on(run: Run, target: Target) -> Result:
    key: Key = ("ACCOUNT", ())
    rows: list[dict[str, Any]] = []
    if target.kind != "ACCOUNT":
        thing = run.require(target)
        key = run.key(target)
        if thing.owner is not None:
            rows.append(_ownership(thing, thing.owner))
    rows += [_grant(run, grant) for grant in run.world.grants.values() if grant.on == key]
    return table_of(_ordered(rows), _TO.split())


def _ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(
        rows,
        key=lambda row: (
            row["granted_on"],
            row["name"],
            row["privilege"],
            row["granted_to"],
            row["grantee_name"],
        ),
    )
