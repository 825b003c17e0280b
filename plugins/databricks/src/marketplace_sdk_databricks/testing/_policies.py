"""Attribute-based policies: made, listed, changed and dropped; there is no etag.

Our reading of "Unity Catalog API, ABAC Policies" and of its quotas.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from marketplace_sdk_databricks.testing._evaluator import tagged
from marketplace_sdk_databricks.testing._permissions import securable_of
from marketplace_sdk_databricks.testing._refusals import Refusal, invalid, missing
from marketplace_sdk_databricks.testing._request import Request, Route
from marketplace_sdk_databricks.testing._rights import demand_execute, demand_manage
from marketplace_sdk_databricks.testing._tokens import SqlError
from marketplace_sdk_databricks.testing._values import Policy, Securable

_BASE = "/api/2.1/unity-catalog/policies"
_HOLDERS = {"catalog", "schema", "table"}
_TYPES = {
    "POLICY_TYPE_COLUMN_MASK": "column_mask",
    "POLICY_TYPE_ROW_FILTER": "row_filter",
    "POLICY_TYPE_DENY": "deny",
    "POLICY_TYPE_GRANT": "grant",
}
_MOST_PRINCIPALS = 20
_MOST_COLUMNS = 3
_QUOTAS = {"catalog": 100, "schema": 100, "table": 50}
_CHANGEABLE = {
    "name",
    "to_principals",
    "except_principals",
    "for_securable_type",
    "comment",
    "match_columns",
    "when_condition",
    *_TYPES.values(),
}


def _holder(request: Request, type: str, name: str) -> Securable:
    if type.lower() not in _HOLDERS:
        raise invalid(f"Policies cannot be defined on {type}.")
    return securable_of(request, type, name)


def _shown(policy: Policy) -> dict[str, Any]:
    return {
        **policy.body,
        "id": policy.id,
        "name": policy.name,
        "on_securable_type": policy.on_type.upper(),
        "on_securable_fullname": policy.on_name,
        "created_at": policy.created_at,
        "created_by": policy.created_by,
        "updated_at": policy.updated_at,
        "updated_by": policy.updated_by,
    }


def checked(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """The body of a policy as it is kept.

    Raises:
        Refusal: 400 for what contradicts itself, 404 for a principal or function that is not
            there, 403 for a function that the caller may not call.
    """
    type = body.get("policy_type")
    if type not in _TYPES:
        raise invalid(f"policy_type {type} is not valid.")
    if body.get("for_securable_type") != "TABLE":
        raise invalid("for_securable_type must be TABLE.")
    if _TYPES[type] not in body:
        raise invalid(f"{_TYPES[type]} is required for {type}.")
    principals = [*body.get("to_principals", ()), *body.get("except_principals", ())]
    if not body.get("to_principals"):
        raise invalid("to_principals must not be empty.")
    if len(principals) > _MOST_PRINCIPALS:
        raise invalid(f"A policy names at most {_MOST_PRINCIPALS} principals.")
    for name in principals:
        request.world.grantee(name)
    aliases = _checked_columns(body)
    if type == "POLICY_TYPE_COLUMN_MASK":
        mask = body["column_mask"]
        if mask.get("on_column") not in aliases:
            raise invalid("on_column must be an alias of match_columns.")
        function = request.world.get("function", str(mask.get("function_name")))
        demand_execute(request.world, request.caller, function)
    return {key: value for key, value in body.items() if key in {*_CHANGEABLE, "policy_type"}}


def _checked_columns(body: dict[str, Any]) -> set[str]:
    columns = body.get("match_columns", ())
    if len(columns) > _MOST_COLUMNS:
        raise invalid(f"A policy has at most {_MOST_COLUMNS} column conditions.")
    try:
        for column in columns:
            tagged(str(column.get("condition", "")), {})
        if body.get("when_condition"):
            tagged(body["when_condition"], {})
    except SqlError as error:
        raise invalid(str(error)) from None
    return {str(column.get("alias")) for column in columns}


def _create(request: Request) -> Any:
    body, world = request.body, request.world
    holder = _holder(
        request, str(body.get("on_securable_type")), str(body.get("on_securable_fullname"))
    )
    demand_manage(world, request.caller, holder)
    name = str(body.get("name") or "")
    if not name:
        raise invalid("name is required.")
    kept = checked(request, body)
    key = (holder.type, holder.name, name)
    if key in world.policies:
        raise Refusal(HTTPStatus.CONFLICT, "ALREADY_EXISTS", f"Policy '{name}' already exists.")
    if sum(other[:2] == key[:2] for other in world.policies) >= _QUOTAS[holder.type]:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "RESOURCE_EXHAUSTED", f"Too many policies on {holder.name}."
        )
    now, by = world.now(), request.caller.name
    del kept["name"]
    policy = Policy(world.new_id(), name, holder.type, holder.name, kept, now, now, by, by)
    world.policies[key] = policy
    return _shown(policy)


def _find(request: Request) -> tuple[Securable, Policy]:
    type, fullname, name = request.segments[-3:]
    holder = _holder(request, type, fullname)
    found = request.world.policies.get((holder.type, holder.name, name))
    if found is None:
        raise missing("POLICY_DOES_NOT_EXIST", f"Policy '{name}' does not exist.")
    demand_manage(request.world, request.caller, holder)
    return holder, found


def _get(request: Request) -> Any:
    return _shown(_find(request)[1])


def _update(request: Request) -> Any:
    holder, policy = _find(request)
    asked = request.one("update_mask")
    sent = {key: value for key, value in request.body.items() if key in _CHANGEABLE}
    if asked and asked != "*":
        unknown = set(asked.split(",")) - _CHANGEABLE
        if unknown:
            raise invalid(f"update_mask names {', '.join(sorted(unknown))}.")
        # A field that the mask names and the body leaves out is emptied.
        sent = {key: sent.get(key) for key in asked.split(",")}
    merged = {**policy.body, **sent}
    kept = checked(request, {key: value for key, value in merged.items() if value is not None})
    name = str(kept.pop("name", policy.name))
    if name != policy.name and (holder.type, holder.name, name) in request.world.policies:
        raise Refusal(HTTPStatus.CONFLICT, "ALREADY_EXISTS", f"Policy '{name}' already exists.")
    del request.world.policies[holder.type, holder.name, policy.name]
    policy.body, policy.name = kept, name
    policy.updated_at, policy.updated_by = request.world.now(), request.caller.name
    request.world.policies[holder.type, holder.name, name] = policy
    return _shown(policy)


def _delete(request: Request) -> Any:
    holder, policy = _find(request)
    del request.world.policies[holder.type, holder.name, policy.name]
    return {}


def _list(request: Request) -> Any:
    type, fullname = request.segments[-2:]
    holder = _holder(request, type, fullname)
    demand_manage(request.world, request.caller, holder)
    places = [holder]
    if request.flag("include_inherited"):
        places += request.world.parents(holder)
    names = {(place.type, place.name) for place in places}
    found = [one for key, one in sorted(request.world.policies.items()) if key[:2] in names]
    return request.page("policies", [_shown(one) for one in found])


_ONE = f"{_BASE}/{{type}}/{{fullname}}/{{name}}"
ROUTES = (
    Route("POST", _BASE, _create, changes=True),
    Route("GET", f"{_BASE}/{{type}}/{{fullname}}", _list),
    Route("GET", _ONE, _get),
    Route("PATCH", _ONE, _update, changes=True),
    Route("DELETE", _ONE, _delete, changes=True),
)
