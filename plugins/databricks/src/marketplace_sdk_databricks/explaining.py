"""What somebody holds on an object and why, for an administrator who asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from marketplace_sdk_databricks import principals
from marketplace_sdk_databricks.naming import canonical_principal, split_name
from marketplace_sdk_databricks.securables import assignments, effective, get_table
from marketplace_sdk_databricks.showing import behind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.catalog import TableInfo

    from marketplace_sdk_databricks.keys import Securable
    from marketplace_sdk_databricks.showing import Behind
    from marketplace_sdk_databricks.site import Site

__all__ = ["explain", "fingerprint"]


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
    found = _table(client, table)
    if isinstance(found, str):
        yield found
        return
    name = (found.full_name or "").lower()
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
    yield from _sources(behind(client, found))


def fingerprint(site: Site, table: str) -> Iterator[str]:
    """What a view reads, and the setting by which it is trusted to show nothing masked.

    Raises:
        OSError: it cannot be looked.
    """
    found = _table(site.client, table)
    if isinstance(found, str):
        yield f"# {found}"
        return
    sources = behind(site.client, found)
    yield from (f"# {line}" for line in _sources(sources))
    if sources.digest:
        name = json.dumps((found.full_name or "").lower(), ensure_ascii=False)
        yield f'trusted_views = {{{name} = "{sources.digest}"}}'
    else:
        yield "# it is no view, or the text of one may not be read, so that none can be trusted"


def _table(client: WorkspaceClient, text: str) -> TableInfo | str:
    try:
        name = ".".join(split_name(text))
    except ValueError as error:
        return f"{text} is no table: {error}"
    return get_table(client, name) or f"there is no table or view {name}, or it may not be seen"


def _sources(found: Behind) -> Iterator[str]:
    yield from (f"it reads {name}" for name in sorted(found.live))
    for name, keeper in sorted(found.kept):
        yield f"{keeper} was filled from {name}, with the rights of its owner"
    yield from (f"it cannot be told what {name} reads" for name in sorted(found.unknown))


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
