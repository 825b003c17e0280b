"""Who may do what: privileges, ownership, and what each kind of object can carry.

Our reading of "Unity Catalog privileges and securable objects" and of "Manage privileges".
"""

from __future__ import annotations

from marketplace_sdk_databricks.testing._refusals import denied
from marketplace_sdk_databricks.testing._values import Principal, Securable
from marketplace_sdk_databricks.testing._world import World

_EVERYWHERE = {"ALL_PRIVILEGES", "APPLY_TAG", "MANAGE"}
_ON_TABLE = _EVERYWHERE | {"MODIFY", "SELECT"}
_ON_FUNCTION = {"ALL_PRIVILEGES", "EXECUTE", "MANAGE"}
_ON_VOLUME = _EVERYWHERE | {"READ_VOLUME", "WRITE_VOLUME"}
_ON_SCHEMA = (
    _ON_TABLE
    | _ON_FUNCTION
    | _ON_VOLUME
    | {
        "CREATE_FUNCTION",
        "CREATE_MATERIALIZED_VIEW",
        "CREATE_MODEL",
        "CREATE_TABLE",
        "CREATE_VOLUME",
        "EXTERNAL_USE_SCHEMA",
        "REFRESH",
        "USE_SCHEMA",
    }
)
_ON_CATALOG = _ON_SCHEMA | {"BROWSE", "CREATE_SCHEMA", "USE_CATALOG"}
_ON_METASTORE = {
    "CREATE_CATALOG",
    "CREATE_CONNECTION",
    "CREATE_EXTERNAL_LOCATION",
    "CREATE_PROVIDER",
    "CREATE_RECIPIENT",
    "CREATE_SHARE",
    "CREATE_STORAGE_CREDENTIAL",
    "MANAGE_ALLOWLIST",
    "SET_SHARE_PERMISSION",
    "USE_PROVIDER",
    "USE_RECIPIENT",
    "USE_SHARE",
}
_APPLICABLE = {
    "metastore": _ON_METASTORE,
    "catalog": _ON_CATALOG,
    "schema": _ON_SCHEMA,
    "table": _ON_TABLE,
    "function": _ON_FUNCTION,
    "volume": _ON_VOLUME,
}
_BY_TABLE_KIND = {
    "VIEW": _ON_TABLE - {"MODIFY"},
    "METRIC_VIEW": _ON_TABLE - {"MODIFY"},
    "MATERIALIZED_VIEW": _ON_TABLE - {"MODIFY"} | {"REFRESH"},
    "STREAMING_TABLE": _ON_TABLE | {"REFRESH"},
}
KNOWN = frozenset().union(*_APPLICABLE.values())
_NOT_IN_ALL = {"MANAGE", "EXTERNAL_USE_SCHEMA"}
_USE = {"catalog": "USE_CATALOG", "schema": "USE_SCHEMA"}


def applicable(securable: Securable) -> set[str]:
    """The privileges that may be granted on an object."""
    if securable.type == "table":
        return _BY_TABLE_KIND.get(securable.kind, _ON_TABLE)
    return _APPLICABLE[securable.type]


def granted(world: World, identities: set[int], securable: Securable, privilege: str) -> bool:
    """Whether one of the identities holds a privilege on an object or on what it is in."""
    for place in (securable, *world.parents(securable)):
        held = world.grants.get(place.id, {})
        for identity in identities:
            privileges = held.get(identity, ())
            if privilege in privileges:
                return True
            if "ALL_PRIVILEGES" in privileges and privilege not in _NOT_IN_ALL:
                return True
    return False


def holds(world: World, principal: Principal, securable: Securable, privilege: str) -> bool:
    """Whether a principal has a privilege on an object: granted, inherited, or as its owner."""
    identities = world.identities(principal.id)
    return securable.owner in identities or granted(world, identities, securable, privilege)


def without_use(world: World, principal: Principal, securable: Securable) -> str | None:
    """The first container that the principal may not enter, as Databricks words it."""
    for place in reversed(world.parents(securable)):
        need = _USE[place.type]
        if not holds(world, principal, place, need):
            words = need.replace("_", " ")
            return f"User does not have {words} on {place.type.capitalize()} '{place.name}'."
    return None


def is_metastore_admin(world: World, principal: Principal) -> bool:
    """Whether a principal, or a group it is in, administers the metastore."""
    return bool(world.identities(principal.id) & world.metastore_admins)


def demand_manage(world: World, caller: Principal, securable: Securable) -> None:
    """Refuse unless the caller may change who has what on an object.

    Raises:
        Refusal: 403 naming the right that is missing, on which object.
    """
    if is_metastore_admin(world, caller):
        return
    closed = without_use(world, caller, securable)
    if closed:
        raise denied(closed)
    identities = world.identities(caller.id)
    owned = any(place.owner in identities for place in (securable, *world.parents(securable)))
    if not owned and not granted(world, identities, securable, "MANAGE"):
        what = f"{securable.type.capitalize()} '{securable.name}'"
        raise denied(f"User does not have MANAGE on {what}.")


def demand_execute(world: World, caller: Principal, function: Securable) -> None:
    """Refuse unless the caller may call a function.

    Raises:
        Refusal: 403 naming the right that is missing.
    """
    if is_metastore_admin(world, caller):
        return
    closed = without_use(world, caller, function)
    if closed:
        raise denied(closed)
    if not holds(world, caller, function, "EXECUTE"):
        raise denied(f"User does not have EXECUTE on Routine or Model '{function.name}'.")


def sees(world: World, caller: Principal, securable: Securable, *, browse: bool) -> str | None:
    """Why a caller may not see an object; None when it may.

    Args:
        browse: whether the request accepts what BROWSE on the catalog shows.
    """
    if is_metastore_admin(world, caller):
        return None
    identities = world.identities(caller.id)
    if browse and granted(world, identities, securable, "BROWSE"):
        return None
    closed = without_use(world, caller, securable)
    if closed:
        return closed
    places = (securable, *world.parents(securable))
    if any(place.owner in identities for place in places):
        return None
    if any(granted(world, identities, securable, one) for one in applicable(securable)):
        return None
    need = {"catalog": "USE CATALOG", "schema": "USE SCHEMA", "function": "EXECUTE"}
    what = f"{securable.type.capitalize()} '{securable.name}'"
    return f"User does not have {need.get(securable.type, 'SELECT')} on {what}."
