"""Grants: direct and effective listings, and the one request that changes them.

Our reading of "Unity Catalog API, Grants": deltas per principal; direct privileges only in the
plain listing, inherited ones with where they come from in the effective one; groups are not
expanded in either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketplace_sdk_databricks.testing._refusals import invalid
from marketplace_sdk_databricks.testing._request import Request, Route
from marketplace_sdk_databricks.testing._rights import (
    KNOWN,
    applicable,
    demand_manage,
    is_metastore_admin,
)
from marketplace_sdk_databricks.testing._values import Principal, Securable
from marketplace_sdk_databricks.testing._world import GRANTABLE_TYPES, World

_UC = "/api/2.1/unity-catalog"


def securable_of(request: Request, type: str, name: str) -> Securable:
    """The object that a path names.

    Raises:
        Refusal: 400 for a type that there is not, 404 for a name that there is not.
    """
    if type.lower() not in GRANTABLE_TYPES:
        raise invalid(f"SECURABLETYPE: {type} is not a valid securable type.")
    return request.world.get(type.lower(), name)


def _about(request: Request) -> tuple[Securable, Principal | None]:
    type, name = request.segments[-2:]
    securable = securable_of(request, type, name)
    asked = request.one("principal")
    principal = request.world.grantee(asked) if asked else None
    _demand_reading(request, securable, principal)
    return securable, principal


def _demand_reading(request: Request, securable: Securable, principal: Principal | None) -> None:
    """Everybody may ask about themselves and their groups; about others only who manages."""
    world, caller = request.world, request.caller
    if principal is not None and principal.id in world.identities(caller.id):
        return
    if is_metastore_admin(world, caller):
        return
    demand_manage(world, caller, securable)


def direct(world: World, securable: Securable, principal: Principal | None) -> list[Any]:
    """The assignments of an object, in no order, deleted principals without a name."""
    found = []
    for holder, privileges in world.grants.get(securable.id, {}).items():
        if not privileges or (principal is not None and holder != principal.id):
            continue
        entry: dict[str, Any] = {
            "principal": world.named(holder),
            "privileges": world.shuffled(privileges),
        }
        if holder in world.deleted_principals:
            entry["principal_id"] = holder
        found.append(entry)
    return world.shuffled(found)


def _effective(world: World, securable: Securable, principal: Principal | None) -> list[Any]:
    found: dict[int, list[dict[str, str]]] = {}
    for place in (securable, *world.parents(securable)):
        for holder, privileges in world.grants.get(place.id, {}).items():
            for privilege in privileges:
                entry = {"privilege": privilege}
                if place is not securable:
                    entry["inherited_from_type"] = place.type.upper()
                    entry["inherited_from_name"] = place.name
                found.setdefault(holder, []).append(entry)
    return world.shuffled(
        {"principal": world.named(holder), "privileges": world.shuffled(entries)}
        for holder, entries in found.items()
        if entries and (principal is None or holder == principal.id)
    )


def _maybe_paged(request: Request, entries: Sequence[Any]) -> Any:
    # Without max_results the whole list comes at once; with it, also with 0, it is cut.
    if request.number("max_results") is None:
        return {"privilege_assignments": list(entries)} if entries else {}
    return request.page("privilege_assignments", _steady(entries))


def _steady(entries: Sequence[Any]) -> list[Any]:
    # A token counts entries, so the order may not change between two pages.
    return sorted(entries, key=lambda entry: (entry["principal"], entry.get("principal_id", 0)))


def _get(request: Request) -> Any:
    return _maybe_paged(request, direct(request.world, *_about(request)))


def _get_effective(request: Request) -> Any:
    return _maybe_paged(request, _effective(request.world, *_about(request)))


def _list(request: Request) -> Any:
    entries = _steady(direct(request.world, *_about(request)))
    return request.page("privilege_assignments", entries, size="page_size")


def _list_effective(request: Request) -> Any:
    entries = _steady(_effective(request.world, *_about(request)))
    return request.page("effective_privilege_assignments", entries, size="page_size")


def _update(request: Request) -> Any:
    world = request.world
    type, name = request.segments[-2:]
    securable = securable_of(request, type, name)
    demand_manage(world, request.caller, securable)
    changes = request.body.get("changes", [])
    if not isinstance(changes, list):
        raise invalid("changes must be a list.")
    # Everything is looked at before anything is written: one request is done whole or not at all.
    checked = [_checked(world, securable, change) for change in changes]
    held = world.grants.setdefault(securable.id, {})
    for principal, add, remove in checked:
        privileges = held.setdefault(principal.id, [])
        privileges[:] = [one for one in privileges if one not in remove]
        privileges += [one for one in add if one not in privileges]
        if not privileges:
            del held[principal.id]
    if request.body.get("omit_permissions_in_response"):
        return {}
    entries = direct(world, securable, None)
    return {"privilege_assignments": entries} if entries else {}


def _checked(
    world: World, securable: Securable, change: Any
) -> tuple[Principal, list[str], list[str]]:
    if not isinstance(change, dict) or not change.get("principal"):
        raise invalid("Every change needs a principal.")
    add, remove = change.get("add", []), change.get("remove", [])
    for privilege in (*add, *remove):
        if privilege not in KNOWN:
            raise invalid(f"Privilege {privilege} does not exist.")
        if privilege not in applicable(securable):
            kind = securable.kind or securable.type.upper()
            raise invalid(
                f"Privilege {privilege.replace('_', ' ')} is not applicable to this entity "
                f"[{securable.name}:{kind}/{securable.type.upper()}]."
            )
    both = sorted(set(add) & set(remove))
    if both:
        raise invalid(f"Duplicate privileges to add and delete for principal: {', '.join(both)}.")
    return world.grantee(change["principal"]), list(dict.fromkeys(add)), list(remove)


ROUTES = (
    Route("GET", f"{_UC}/permissions/{{type}}/{{name}}", _get),
    Route("PATCH", f"{_UC}/permissions/{{type}}/{{name}}", _update, changes=True),
    Route("GET", f"{_UC}/effective-permissions/{{type}}/{{name}}", _get_effective),
    Route("GET", f"{_UC}/privilege-assignments/{{type}}/{{name}}", _list),
    Route("GET", f"{_UC}/effective-privilege-assignments/{{type}}/{{name}}", _list_effective),
)
