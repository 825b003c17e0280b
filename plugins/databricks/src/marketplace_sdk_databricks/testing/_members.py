"""Account groups and their direct members, one at a time: the identity service of version 2."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from marketplace_sdk_databricks.testing._refusals import Refusal, invalid, missing
from marketplace_sdk_databricks.testing._request import Request, Route
from marketplace_sdk_databricks.testing._scim import (
    demand_admin,
    demand_change,
    demand_no_circle,
)
from marketplace_sdk_databricks.testing._values import Principal

_KINDS = {"user": "USER", "group": "GROUP", "service_principal": "SERVICE_PRINCIPAL"}


def _principal(request: Request, id: str) -> Principal:
    found = request.world.principals.get(int(id)) if id.isdecimal() else None
    if found is None or found.local:
        raise missing("RESOURCE_DOES_NOT_EXIST", f"Principal with id {id} does not exist.")
    return found


def _group(request: Request) -> Principal:
    id = request.segments[request.segments.index("direct-members") - 1]
    found = _principal(request, id)
    if found.kind != "group":
        raise missing("RESOURCE_DOES_NOT_EXIST", f"Group with id {id} does not exist.")
    return found


def _shown(group: Principal, member: Principal) -> dict[str, Any]:
    found = {
        "group_id": group.id,
        "principal_id": member.id,
        "principal_type": _KINDS[member.kind],
        "display_name": member.display_name,
        "membership_source": "IDENTITY_PROVIDER" if group.synced else "INTERNAL",
        "parent": f"groups/{group.id}",
        "name": f"groups/{group.id}/direct-members/{member.id}",
    }
    return {**found, "external_id": member.external_id} if member.external_id else found


def _list(request: Request) -> Any:
    group = _group(request)
    entries = [_shown(group, request.world.principals[id]) for id in sorted(group.members)]
    return request.page("direct_group_members", entries, size="page_size")


def _one(request: Request) -> tuple[Principal, Principal]:
    group = _group(request)
    member = _principal(request, request.segments[-1])
    if member.id not in group.members:
        raise missing(
            "RESOURCE_DOES_NOT_EXIST", f"Principal {member.id} is not a member of {group.id}."
        )
    return group, member


def _get(request: Request) -> Any:
    return _shown(*_one(request))


def _create(request: Request) -> Any:
    group = _group(request)
    demand_change(request, group)
    id = request.body.get("principal_id")
    if not isinstance(id, int):
        raise invalid("principal_id must be a number.")
    member = _principal(request, str(id))
    demand_no_circle(request.world, group, member)
    if member.id in group.members:
        raise Refusal(
            HTTPStatus.CONFLICT, "ALREADY_EXISTS", f"{id} is a member of group {group.id} already."
        )
    group.members.add(member.id)
    return _shown(group, member)


def _delete(request: Request) -> Any:
    group = _group(request)
    demand_change(request, group)
    group, member = _one(request)
    group.members.discard(member.id)
    return {}


def _shown_group(group: Principal) -> dict[str, Any]:
    found: dict[str, Any] = {"group_id": str(group.id), "group_name": group.name}
    found["name"] = f"groups/{group.id}"
    return {**found, "external_id": group.external_id} if group.external_id else found


def _create_group(request: Request) -> Any:
    demand_admin(request)
    name = request.body.get("group_name")
    if not isinstance(name, str) or not name:
        raise invalid("group_name is required.")
    if request.world.find_principal(name, "group"):
        raise Refusal(HTTPStatus.CONFLICT, "ALREADY_EXISTS", f"Group {name} already exists.")
    # A workspace administrator manages the account groups that it made, and no others.
    made = request.world.add_principal("group", name, name, managers={request.caller.id})
    return _shown_group(made)


def _named_group(request: Request) -> Principal:
    found = _principal(request, request.segments[-1])
    if found.kind != "group":
        raise missing("RESOURCE_DOES_NOT_EXIST", f"Group with id {found.id} does not exist.")
    return found


def _get_group(request: Request) -> Any:
    return _shown_group(_named_group(request))


def _delete_group(request: Request) -> Any:
    group = _named_group(request)
    demand_change(request, group)
    request.world.remove_principal(group)
    return {}


def _routes() -> tuple[Route, ...]:
    found: list[Route] = []
    for base in ("/api/2.0/identity", "/api/2.0/identity/accounts/{account}"):
        groups = f"{base}/groups"
        members = f"{groups}/{{id}}/direct-members"
        found += [
            Route("POST", groups, _create_group, changes=True),
            Route("GET", f"{groups}/{{id}}", _get_group),
            Route("DELETE", f"{groups}/{{id}}", _delete_group, changes=True),
            Route("GET", members, _list),
            Route("POST", members, _create, changes=True),
            Route("GET", f"{members}/{{member}}", _get),
            Route("DELETE", f"{members}/{{member}}", _delete, changes=True),
        ]
    return tuple(found)


ROUTES = _routes()
