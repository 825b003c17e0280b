"""What somebody holds on an object and why, for an administrator who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk_databricks import principals
from marketplace_sdk_databricks.naming import canonical_principal, split_name
from marketplace_sdk_databricks.securables import assignments, effective, get_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databricks.sdk import WorkspaceClient

    from marketplace_sdk_databricks.items import Securable
    from marketplace_sdk_databricks.looking import Site

__all__ = ["explain"]


def explain(site: Site, principal: str, table: str) -> Iterator[str]:
    """Lines about who the principal is, which privileges lead to the object, and its masks.

    Raises:
        OSError: it cannot be looked.
    """
    client = site.client
    refused = principals.reserved(principal, ())
    if refused:
        yield refused
        return
    who = principals.find(client, [principal]).get(canonical_principal(principal))
    if who is None:
        yield principals.why_not(client, principal)
        return
    yield f"{who.name} is {who.kind.replace('_', ' ')} {who.id}"
    if who.local:
        yield "it is a group of the workspace only, which can hold no grants"
        return
    groups = principals.groups_of(client, who)
    yield f"and is in {', '.join(sorted(groups))}"
    try:
        name = ".".join(split_name(table))
    except ValueError as error:
        yield f"{table} is no table: {error}"
        return
    found = get_table(client, name)
    if found is None:
        yield f"there is no table or view {name}, or it may not be seen"
        return
    yield f"{name} has id {found.table_id} and owner {found.owner}"
    schema, catalog = name.rpartition(".")[0], name.split(".", maxsplit=1)[0]
    names = {who.name, *groups}
    yield from _privilege(client, "catalog", catalog, "USE_CATALOG", names)
    yield from _privilege(client, "schema", schema, "USE_SCHEMA", names)
    yield from _privilege(client, "table", name, "SELECT", names)
    for column, mask in sorted(site.masking.read(client, found, site.platform).items()):
        through = f", which lets members of {mask.group} through" if mask.group else ""
        told = f", and {who.name} is one" if mask.group in names else ""
        yield f"column {column} carries {mask.by} ({mask.state}){through}{told}"


def _privilege(
    client: WorkspaceClient, securable: Securable, name: str, privilege: str, names: set[str]
) -> Iterator[str]:
    direct = {
        who for who, held in assignments(client, securable, name).items() if privilege in held
    }
    found = {who for who, held in effective(client, securable, name).items() if privilege in held}
    ways = [
        f"{who} ({'directly' if who in direct else 'inherited'})" for who in sorted(found & names)
    ]
    said = ", ".join(ways) if ways else "nobody that this is; it is missing"
    yield f"{privilege.replace('_', ' ')} on {securable} {name}: {said}"
