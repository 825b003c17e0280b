"""Users, groups and service principals: who a name is, before anything is written.

A user is named by e-mail address, in any case; a group by its display name, exactly; a service
principal by its application id, never by its display name. Only account groups can hold grants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen
from databricks.sdk import errors

from marketplace_sdk_databricks.naming import (
    canonical_principal,
    check_principal,
    filter_literal,
    looks_like_application,
    looks_like_user,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from databricks.sdk import WorkspaceClient

__all__ = ["EVERYBODY", "Principal", "find", "find_group", "groups_of", "still_there", "why_not"]

Kind = Literal["user", "group", "service_principal"]

EVERYBODY = "account users"
_LOCAL = "WorkspaceGroup"
_RESERVED = {"users", "admins"}
_AT_ONCE = 20
"""Names in one filter; it travels in the address of the request."""
_DEEPEST = 10


@frozen(kw_only=True)
class Principal:
    """Somebody who was found.

    Attributes:
        kind: what it is.
        id: numeric id, another one when it was deleted and made again.
        name: as grants name it.
        local: it is a group of the workspace only, which can hold no grants.
        active: a user or service principal that may sign in.
    """

    kind: Kind
    id: str
    name: str
    local: bool = False
    active: bool = True


def find(client: WorkspaceClient, names: Collection[str]) -> Mapping[str, Principal]:
    """Whoever of these names is there, by canonical name; a request for every twenty of a kind.

    Raises:
        OSError: it cannot be said.
    """
    asked: dict[Kind, set[str]] = {"user": set(), "group": set(), "service_principal": set()}
    for name in names:
        try:
            check_principal(name)
        except ValueError:
            continue
        asked[kind_of(name)].add(canonical_principal(name))
    found = {}
    for kind, wanted in asked.items():
        ordered = sorted(wanted)
        for start in range(0, len(ordered), _AT_ONCE):
            some = ordered[start : start + _AT_ONCE]
            for each in _some(client, kind, some):
                # An account group goes before a local one of the same name.
                if each.name in wanted and (each.name not in found or found[each.name].local):
                    found[each.name] = each
    return found


def find_group(client: WorkspaceClient, name: str) -> Principal | None:
    """The account group of exactly that name, or None.

    Raises:
        OSError: it cannot be said.
    """
    found = [each for each in _some(client, "group", [name]) if each.name == name]
    return next((each for each in found if not each.local), None)


def kind_of(name: str) -> Kind:
    """What a name can only be the name of."""
    if looks_like_application(name):
        return "service_principal"
    return "user" if looks_like_user(name) else "group"


def still_there(client: WorkspaceClient, id: str, name: str) -> bool:
    """Whether whoever has that numeric id still has that name.

    Raises:
        OSError: it cannot be said.
    """
    kind = kind_of(name)
    try:
        found = _read(kind, _service(client, kind).get(id))
    except errors.NotFound:
        return False
    return found.name == canonical_principal(name) and not found.local and found.active


def groups_of(client: WorkspaceClient, principal: Principal) -> frozenset[str]:
    """Names of the groups that somebody is in, directly or through others, and of everybody's.

    Raises:
        OSError: it cannot be said.
    """
    names = {EVERYBODY}
    new = _groups(_service(client, principal.kind).get(principal.id))
    for _ in range(_DEEPEST):
        new = {id: name for id, name in new.items() if name not in names}
        if not new:
            break
        names.update(new.values())
        above = [_groups(client.groups_v2.get(id)) for id in new if id]
        new = {id: name for each in above for id, name in each.items()}
    return frozenset(names)


def why_not(client: WorkspaceClient, name: str, *, ours: Sequence[str]) -> tuple[str, str]:
    """Why a name that was not found, or may not be used, is none: a reason, and words for people.

    Args:
        client: to look for what was meant.
        name: as registered.
        ours: beginnings of the names of our own groups, and our own application id.

    Raises:
        OSError: it cannot be said.
    """
    if name.lower() == EVERYBODY:
        return "not_allowed", f"{name} is everybody; register one person or group"
    if name.lower() in _RESERVED:
        return "not_allowed", (
            f"{name} is a group of the workspace itself, which can hold no grants; register an"
            " account group"
        )
    if any(name.startswith(each) for each in ours if each):
        return "not_allowed", f"{name} is the marketplace's own; register a person or group"
    try:
        check_principal(name)
    except ValueError as error:
        return "not_found", f"there is no principal {name!r}: {error}"
    kind = kind_of(name)
    if kind == "service_principal":
        return "not_found", f"there is no service principal with application id {name}"
    if kind == "user":
        return "not_found", f"there is no user {name}; add the e-mail address to the account"
    filter = f"displayName eq {filter_literal(name)}"
    for each in _read_all("service_principal", client.service_principals_v2.list(filter=filter), 1):
        return "not_found", (
            f"there is no group {name}; for the service principal of that name register its"
            f" application id, {each.name}"
        )
    return "not_found", f"there is no account group {name}; names of groups are case-sensitive"


def _some(client: WorkspaceClient, kind: Kind, names: Sequence[str]) -> Iterable[Principal]:
    attribute = _ATTRIBUTES[kind]
    filter = " or ".join(f"{attribute} eq {filter_literal(name)}" for name in names)
    # A group of the workspace may have the name of one of the account.
    enough = len(names) * (2 if kind == "group" else 1)
    return _read_all(kind, _service(client, kind).list(filter=filter), enough)


def _read_all(kind: Kind, entries: Iterable[Any], enough: int) -> Iterator[Principal]:
    """Those of a listing; the SDK would ask for another page to see that it is empty."""
    for number, entry in enumerate(entries, 1):
        yield _read(kind, entry)
        if number >= enough:
            return


_ATTRIBUTES: Mapping[Kind, str] = {
    "user": "userName",
    "group": "displayName",
    "service_principal": "applicationId",
}


def _service(client: WorkspaceClient, kind: Kind) -> Any:
    services = {
        "user": client.users_v2,
        "group": client.groups_v2,
        "service_principal": client.service_principals_v2,
    }
    return services[kind]


def _read(kind: Kind, entry: Any) -> Principal:
    id = str(entry.id or "")
    if kind == "group":
        meta = getattr(entry.meta, "resource_type", "") or ""
        return Principal(kind=kind, id=id, name=entry.display_name or "", local=meta == _LOCAL)
    name = entry.user_name if kind == "user" else entry.application_id
    active = entry.active is not False
    return Principal(kind=kind, id=id, name=canonical_principal(name or ""), active=active)


def _groups(entry: Any) -> dict[str, str]:
    return {
        str(each.value or ""): each.display or "" for each in entry.groups or () if each.display
    }
