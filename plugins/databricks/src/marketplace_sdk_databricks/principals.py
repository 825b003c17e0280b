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

__all__ = [
    "EVERYBODY",
    "Principal",
    "find",
    "find_group",
    "groups_of",
    "reserved",
    "still_there",
    "why_not",
]

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
    found: dict[str, Principal] = {}
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


def why_not(client: WorkspaceClient, name: str) -> str:
    """Why a name that was not found is nobody, for people.

    Raises:
        OSError: it cannot be said.
    """
    try:
        check_principal(name)
    except ValueError as error:
        return f"there is no principal {name!r}: {error}"
    kind = kind_of(name)
    if kind == "service_principal":
        return f"there is no service principal with application id {name}"
    if kind == "user":
        return f"there is no user {name}; add the e-mail address to the account"
    wanted = f"displayName eq {filter_literal(name)}"
    robots = client.service_principals_v2.list(filter=wanted)
    for each in _read_all("service_principal", robots, 1):
        return (
            f"there is no group {name}; for the service principal of that name register its"
            f" application id, {each.name}"
        )
    return f"there is no account group {name}; names of groups are case-sensitive"


def reserved(name: str, ours: Sequence[str]) -> str:
    """Why nothing may be given to a name, whoever it is, for people; empty text if it may.

    Args:
        name: as registered.
        ours: our own application id, and what the names of our groups begin with.
    """
    if name.lower() == EVERYBODY:
        return f"{name} is everybody; register one person or group"
    if name.lower() in _RESERVED:
        return (
            f"{name} is a group of the workspace itself, which can hold no grants; register an"
            " account group"
        )
    spelt = canonical_principal(name)
    if any(spelt.startswith(canonical_principal(each)) for each in ours if each):
        return f"{name} is the marketplace's own; register a person or group"
    return ""


def _some(client: WorkspaceClient, kind: Kind, names: Sequence[str]) -> Iterable[Principal]:
    attribute = _ATTRIBUTES[kind]
    wanted = " or ".join(f"{attribute} eq {filter_literal(name)}" for name in names)
    # Filters compare in any case, so that more groups may come than were asked for.
    enough = None if kind == "group" else len(names)
    return _read_all(kind, _service(client, kind).list(filter=wanted), enough)


def _read_all(kind: Kind, entries: Iterable[Any], enough: int | None) -> Iterator[Principal]:
    """Those of a listing; after enough of them the SDK is not asked for another, empty page."""
    for number, entry in enumerate(entries, 1):
        yield _read(kind, entry)
        if number == enough:
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
