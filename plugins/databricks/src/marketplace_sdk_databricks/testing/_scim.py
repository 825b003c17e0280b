"""Users, groups and service principals by SCIM, of the workspace and of the account.

Our reading: the service of a workspace shows account groups but fails when a change involves one,
and a group that it creates belongs to the workspace alone ("Workspace-level SCIM provisioning
(legacy)"); the service of the account changes account groups, for its administrators and for the
managers of the group ("Manage groups").
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import attrs

from marketplace_sdk_databricks.testing._refusals import ScimRefusal
from marketplace_sdk_databricks.testing._request import Request, Route
from marketplace_sdk_databricks.testing._scim_filter import matching
from marketplace_sdk_databricks.testing._values import ACCOUNT_USERS, Principal, PrincipalKind
from marketplace_sdk_databricks.testing._world import World

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_CORE = "urn:ietf:params:scim:schemas:core:2.0"
_KINDS: dict[str, PrincipalKind] = {
    "Users": "user",
    "Groups": "group",
    "ServicePrincipals": "service_principal",
}
_NAMES = {"user": "userName", "group": "displayName", "service_principal": "applicationId"}
_ONE_MEMBER = re.compile(r'members\[value eq "(\d+)"\]$')


def _no(status: int, message: str, type: str = "invalidValue") -> ScimRefusal:
    return ScimRefusal(status, type, message)


@attrs.frozen
class _Service:
    """One of the two services, by what its paths begin with."""

    account: bool

    def list(self, request: Request) -> Any:
        """A page, chosen by ``filter``, with the ``attributes`` that were asked for."""
        kind = _KINDS[request.segments[-1]]
        found = [one for one in request.world.principals.values() if self._knows(one, kind)]
        text = request.one("filter")
        if text:
            test = matching(text)
            found = [one for one in found if test(_attributes(one))]
        found.sort(key=lambda one: one.id)
        start = max(request.number("startIndex") or 1, 1)
        count = request.number("count")
        size = min(request.paging.size if count is None else count, request.paging.size)
        asked = request.one("attributes")
        wanted = {one.strip() for one in asked.split(",")} if asked else None
        shown = [
            _shown(request.world, one, wanted, members=False)
            for one in found[start - 1 : start - 1 + size]
        ]
        answer = {
            "schemas": [_LIST],
            "totalResults": len(found),
            "startIndex": start,
            "itemsPerPage": len(shown),
        }
        return {**answer, "Resources": shown} if shown else answer

    def get(self, request: Request) -> Any:
        """One principal; a group with its members."""
        return _shown(request.world, self._one(request), None, members=True)

    def create(self, request: Request) -> Any:
        """Register a principal; by the service of a workspace a group is a local one."""
        kind = _KINDS[request.segments[-1]]
        demand_admin(request)
        name = str(request.body.get(_NAMES[kind]) or "")
        if kind == "service_principal" and not name:
            name = request.world.new_id()
        if not name:
            raise _no(HTTPStatus.BAD_REQUEST, f"{_NAMES[kind]} is required.")
        if request.world.find_principal(name, kind):
            raise _no(HTTPStatus.CONFLICT, f"{kind} {name} already exists.", "uniqueness")
        members = {_known(request.world, one).id for one in request.body.get("members", [])}
        made = request.world.add_principal(
            kind,
            name,
            str(request.body.get("displayName") or name),
            external_id=request.body.get("externalId"),
            local=kind == "group" and not self.account,
            managers={request.caller.id} if kind == "group" else set(),
            members=members,
        )
        return _shown(request.world, made, None, members=True)

    def patch(self, request: Request) -> Any:
        """Change a principal by the operations of RFC 7644, section 3.5.2."""
        principal = self._one(request)
        self._demand_change(request, principal)
        if PATCH_OP not in request.body.get("schemas", []):
            raise _no(HTTPStatus.BAD_REQUEST, "Request is unparsable.", "invalidSyntax")
        operations = request.body.get("Operations")
        if not isinstance(operations, list) or not operations:
            raise _no(HTTPStatus.BAD_REQUEST, "Request has no operations.", "invalidSyntax")
        kept = set(principal.members)
        try:
            for operation in operations:
                self._operate(request.world, principal, operation)
        except ScimRefusal:
            principal.members = kept
            raise
        return _shown(request.world, principal, None, members=True)

    def replace(self, request: Request) -> Any:
        """Write a whole group: members that are not sent are gone."""
        principal = self._one(request)
        self._demand_change(request, principal)
        if principal.kind == "group":
            principal.members = {
                self._member(request.world, principal, entry).id
                for entry in request.body.get("members", [])
            }
        return {}

    def delete(self, request: Request) -> Any:
        """Remove a principal for good; what it was granted stays, without a name."""
        principal = self._one(request)
        self._demand_change(request, principal)
        request.world.remove_principal(principal)

    def _knows(self, principal: Principal, kind: PrincipalKind) -> bool:
        if principal.kind != kind or principal.name == ACCOUNT_USERS:
            return False
        return not (self.account and principal.local)

    def _one(self, request: Request) -> Principal:
        type, id = request.segments[-2:]
        found = request.world.principals.get(int(id)) if id.isdecimal() else None
        if found is None or not self._knows(found, _KINDS[type]):
            raise _no(HTTPStatus.NOT_FOUND, f"{type.removesuffix('s')} with id {id} not found.")
        return found

    def _demand_change(self, request: Request, principal: Principal) -> None:
        if principal.kind == "group" and not self.account and not principal.local:
            relaxed = "workspace-scim-edits-account-groups" in request.relaxed
            if not relaxed:
                raise _no(
                    HTTPStatus.FORBIDDEN,
                    f"Group {principal.name} is an account group; it cannot be changed by the "
                    "SCIM API of a workspace.",
                )
        demand_change(request, principal)

    def _operate(self, world: World, principal: Principal, operation: dict[str, Any]) -> None:
        op = str(operation.get("op", "")).lower()
        path, value = operation.get("path"), operation.get("value")
        if isinstance(value, dict) and "members" in value and not path:
            path, value = "members", value["members"]
        if principal.kind != "group" or not str(path).startswith("members"):
            if op != "replace" or path not in {"displayName", "active", "externalId"}:
                raise _no(HTTPStatus.BAD_REQUEST, f"Path {path} is not supported.", "invalidPath")
            self._set(principal, str(path), value)
            return
        one = _ONE_MEMBER.match(str(path))
        if op == "remove" and one:
            principal.members.discard(int(one.group(1)))
        elif op == "remove" and path == "members":
            principal.members.clear()
        elif op in {"add", "replace"} and path == "members" and isinstance(value, list):
            found = {self._member(world, principal, entry).id for entry in value}
            principal.members = principal.members | found if op == "add" else found
        else:
            raise _no(HTTPStatus.BAD_REQUEST, "Operation is not valid.", "invalidSyntax")

    @staticmethod
    def _set(principal: Principal, path: str, value: Any) -> None:
        if path == "active":
            principal.active = bool(value)
        elif path == "externalId":
            principal.external_id = value
        else:
            principal.display_name = str(value)
            if principal.kind == "group":
                principal.name = str(value)

    @staticmethod
    def _member(world: World, group: Principal, entry: Any) -> Principal:
        found = _known(world, entry)
        demand_no_circle(world, group, found)
        return found


def _known(world: World, entry: Any) -> Principal:
    id = str(entry.get("value", "")) if isinstance(entry, dict) else ""
    found = world.principals.get(int(id)) if id.isdecimal() else None
    if found is None:
        raise _no(HTTPStatus.BAD_REQUEST, f"Member with id {id} does not exist.")
    return found


def _shown(
    world: World, one: Principal, wanted: set[str] | None, *, members: bool
) -> dict[str, Any]:
    name = {"user": "User", "group": "Group", "service_principal": "ServicePrincipal"}[one.kind]
    found: dict[str, Any] = {"schemas": [f"{_CORE}:{name}"], "id": str(one.id)}
    found.update(_attributes(one))
    if one.kind == "group":
        found["meta"] = {"resourceType": "WorkspaceGroup" if one.local else "Group"}
    else:
        found["active"] = one.active
    if one.kind == "user":
        found["emails"] = [{"value": one.name, "primary": True, "type": "work"}]
    groups = [group for group in world.principals.values() if one.id in group.members]
    if members and groups:
        found["groups"] = [
            {"value": str(group.id), "display": group.display_name, "type": "direct"}
            for group in groups
        ]
    if one.members and (members or (wanted is not None and "members" in wanted)):
        found["members"] = world.shuffled(
            _as_member(world.principals[member]) for member in one.members
        )
    if wanted is not None:
        found = {key: value for key, value in found.items() if key in {"id", *wanted}}
    return found


def demand_admin(request: Request) -> None:
    """Refuse unless the caller administers the account or the workspace.

    Raises:
        ScimRefusal: 403.
    """
    if not request.caller.admin:
        raise _no(HTTPStatus.FORBIDDEN, "Only an administrator may do this.")


def demand_change(request: Request, principal: Principal) -> None:
    """Refuse unless the caller may change a principal: the account's administrator or a manager.

    Raises:
        ScimRefusal: 403, for a caller without the right or a group that is synchronised.
    """
    managing = request.world.identities(request.caller.id) & principal.managers
    if request.caller.admin != "account" and not managing:
        raise _no(HTTPStatus.FORBIDDEN, f"User is not a manager of {principal.name}.")
    if principal.synced:
        raise _no(
            HTTPStatus.FORBIDDEN,
            f"Group {principal.name} is external; its members come from the identity provider.",
        )


def demand_no_circle(world: World, group: Principal, member: Principal) -> None:
    """Refuse a member of which the group is itself a member, directly or not.

    Raises:
        ScimRefusal: 400.
    """
    if member.id in world.identities(group.id):
        raise _no(HTTPStatus.BAD_REQUEST, f"Group {group.name} would contain itself.")


def _attributes(one: Principal) -> dict[str, str]:
    found = {"displayName": one.display_name, _NAMES[one.kind]: one.name}
    if one.external_id:
        found["externalId"] = one.external_id
    return found


def _as_member(one: Principal) -> dict[str, str]:
    types = {value: key for key, value in _KINDS.items()}
    reference = f"{types[one.kind]}/{one.id}"
    return {"value": str(one.id), "display": one.display_name, "$ref": reference}


def _me(request: Request) -> Any:
    return _shown(request.world, request.caller, None, members=True)


def _routes() -> tuple[Route, ...]:
    found = [Route("GET", "/api/2.0/preview/scim/v2/Me", _me)]
    for base, account in (
        ("/api/2.0/preview/scim/v2", False),
        ("/api/2.0/accounts/{account}/scim/v2", True),
        ("/api/2.0/account/scim/v2", True),
    ):
        service = _Service(account)
        for type in _KINDS:
            found += [
                Route("GET", f"{base}/{type}", service.list),
                Route("POST", f"{base}/{type}", service.create, changes=True, status=201),
                Route("GET", f"{base}/{type}/{{id}}", service.get),
                Route("PATCH", f"{base}/{type}/{{id}}", service.patch, changes=True),
                Route("PUT", f"{base}/{type}/{{id}}", service.replace, changes=True),
                Route("DELETE", f"{base}/{type}/{{id}}", service.delete, changes=True),
            ]
    return tuple(found)


ROUTES = _routes()
