"""Which items a target needs on Databricks, and how an item reads. All of it is pure.

Granted directly (strategy ``direct``), each beneficiary has items of their own::

    rank 20   use_catalog   USE CATALOG on the catalog
    rank 30   use_schema    USE SCHEMA on the schema
    rank 40   select        SELECT on the table or view, which opens it

With a group for each product (strategy ``group``) the same three are the group's, and::

    rank 10   group         the account group of the product, or of a masked column
    rank 90   member        membership of one beneficiary, which opens everything

A masking exception is a ``member`` of the column's group, or, where the mask asks a table of
exceptions, an ``exception``: a row in that table, with an end of its own.

Keys hold the platform's ids of objects, so that what is dropped and made again under its name is
another item. A grantee is named there by its canonical name, because that is all that Unity Catalog
shows of one; the numeric id is in the data and is checked before anything is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from marketplace_sdk.plugin import Guard, Item, ProvisioningError
from marketplace_sdk_databricks.guards import USABLE, column_of, guards_of
from marketplace_sdk_databricks.keys import PRIVILEGES, Key, Place
from marketplace_sdk_databricks.naming import (
    canonical_principal,
    owned_name,
    quote_identifier,
    quote_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marketplace_sdk.plugin import Change, Known, Resolved, Target, TargetObject

__all__ = ["Planner", "describe", "exception_target"]

RANKS: Mapping[str, int] = {
    "group": 10,
    "use_catalog": 20,
    "use_schema": 30,
    "select": 40,
    "member": 90,
    "exception": 90,
}


def exception_target(name: str, column: str) -> str:
    """What the group, the function or the policy of a masked column is named after."""
    return f"column:{name}|{column.lower()}"


@frozen(kw_only=True)
class Planner:
    """How this connection gives access.

    Attributes:
        by_group: one group for each product, instead of grants to each beneficiary.
        grant_parents: give USE CATALOG and USE SCHEMA too, instead of only demanding them.
        exceptions: dotted name of the table of exceptions, or empty text.
    """

    by_group: bool = False
    grant_parents: bool = True
    exceptions: str = ""

    def base(self, target: Target, known: Known) -> Sequence[Item]:
        """The group of the target, and what it may read."""
        objects = known.objects(target)
        if not objects:
            return []
        if target.column is not None:
            return self._column_base(target, objects[0][1])
        if not self.by_group:
            return []
        platform = objects[0][1].platform
        name = owned_name(known.installation, target.key, platform)
        grants = self._grants((name, ""), objects, known)
        # What has to be gone before the group may be.
        holds = tuple(f"{PRIVILEGES[one.kind][0]} {one.data['name']}" for one in grants)
        group = {"principal": name, "holds": holds}
        return [_item(platform, Key("group", name), Place("group", name), group), *grants]

    def member(self, target: Target, who: Resolved, known: Known) -> Sequence[Item]:
        """What one beneficiary needs beyond the base.

        Raises:
            ProvisioningError: the column's mask is none that we may make an exception from.
        """
        objects = known.objects(target)
        if not objects:
            return []
        if target.column is not None:
            return [self._exception(target.column, objects[0][1], who, known)]
        if not self.by_group:
            return self._grants((who.name, who.native_id), objects, known)
        platform = objects[0][1].platform
        name = owned_name(known.installation, target.key, platform)
        return [
            _membership(
                platform,
                name,
                who,
                opens=tuple(found.name for _, found in objects),
                guards=tuple(guard for each in objects for guard in guards_of(*each, known)),
            )
        ]

    def _grants(
        self,
        who: tuple[str, str],
        objects: Sequence[tuple[TargetObject, Resolved]],
        known: Known,
    ) -> list[Item]:
        items: dict[str, Item] = {}
        for wanted, found in objects:
            facts, platform = found.facts, found.platform
            if self.grant_parents:
                for kind, of in (("use_catalog", "catalog"), ("use_schema", "schema")):
                    item = _grant(platform, kind, facts[f"{of}_id"], facts[of], who)
                    items[item.key] = item
            guards = guards_of(wanted, found, known)
            if not self.grant_parents:
                guards += (Guard(USABLE, f"{facts['schema']} for {who[0]}"),)
            item = _grant(
                platform,
                "select",
                found.native_id,
                found.name,
                who,
                opens=(found.name,),
                guards=guards,
            )
            items[item.key] = item
        return sorted(items.values(), key=lambda item: item.rank)

    def _column_base(self, target: Target, found: Resolved) -> Sequence[Item]:
        mask = found.facts["masks"].get(column_of(found, target.column or ""))
        if mask is None or mask["state"] != "ours":
            return []
        name = mask["group"]
        return [
            _item(found.platform, Key("group", name), Place("group", name), {"principal": name})
        ]

    def _exception(self, wanted: str, found: Resolved, who: Resolved, known: Known) -> Item:
        column = column_of(found, wanted)
        what = f"cannot make an exception from the mask of {found.name}.{column}"
        mask = found.facts["masks"].get(column)
        if mask is None:
            raise ProvisioningError(
                f"{what}: it has no mask",
                code="not_masked",
                hint=f"an administrator runs: marketplace databricks protect {found.name} {column}"
                f" --installation {known.installation}",
            )
        if mask["state"] not in ("ours", "exceptions", "external"):
            raise ProvisioningError(
                f"{what}: it carries {mask['by']}, which is none of ours",
                code="needs_owner_action",
                hint="its owner may name the group that it lets through, in exception_groups of"
                " the connection; a mask of somebody else is never changed",
            )
        if mask["state"] == "exceptions":
            if who.kind == "group":
                raise ProvisioningError(
                    f"{what} for group {who.name}: the table of exceptions knows users and service"
                    " principals only",
                    code="unsupported",
                    hint="ask for its members one by one",
                )
            key = Key("exception", mask["key"], who.name)
            return _item(
                found.platform,
                key,
                Place("exceptions", mask["key"], self.exceptions),
                {"principal": who.name, "principal_id": who.native_id, "name": self.exceptions},
                expires=True,
            )
        return _membership(found.platform, mask["group"], who)


def describe(change: Change) -> str:
    """The statement of a change, from what was known when the item was planned."""
    item, add = change.item, change.action != "remove"
    key, data = Key.read(item.key), item.data
    if key.kind in PRIVILEGES:
        securable, privilege = PRIVILEGES[key.kind]
        verb, to = ("GRANT", "TO") if add else ("REVOKE", "FROM")
        spoken, name = privilege.replace("_", " "), quote_name(str(data.get("name", key.place)))
        grantee = quote_identifier(str(data.get("principal", key.who)))
        return f"{verb} {spoken} ON {securable.upper()} {name} {to} {grantee}"
    if key.kind == "group":
        return f"{'create' if add else 'delete'} account group {quote_identifier(key.place)}"
    who = quote_identifier(str(data.get("principal", key.who)))
    if key.kind == "member":
        group = quote_identifier(key.place)
        return f"add {who} to group {group}" if add else f"remove {who} from group {group}"
    verb = {"add": "MERGE INTO", "remove": "DELETE FROM", "set_until": "UPDATE"}[change.action]
    end = "" if change.until is None else f" until {change.until.isoformat()}"
    return f"{verb} {quote_name(str(data.get('name', '')))}: {key.place} for {who}{end}"


def _grant(
    platform: str,
    kind: Any,
    id: str,
    name: str,
    who: tuple[str, str],
    *,
    opens: tuple[str, ...] = (),
    guards: tuple[Guard, ...] = (),
) -> Item:
    principal, principal_id = who
    return _item(
        platform,
        Key(kind, id, canonical_principal(principal)),
        # A group of ours has no id yet when it is planned.
        Place(PRIVILEGES[kind][0], id, name, "" if principal_id else principal),
        {"name": name, "principal": principal, "principal_id": principal_id},
        opens=opens,
        guards=guards,
    )


def _membership(
    platform: str,
    group: str,
    who: Resolved,
    *,
    opens: tuple[str, ...] = (),
    guards: tuple[Guard, ...] = (),
) -> Item:
    return _item(
        platform,
        Key("member", group, who.native_id),
        Place("group", group),
        {"principal": who.name, "principal_id": who.native_id},
        opens=opens,
        guards=guards,
    )


def _item(
    platform: str,
    key: Key,
    place: Place,
    data: Mapping[str, Any],
    *,
    opens: tuple[str, ...] = (),
    guards: tuple[Guard, ...] = (),
    expires: bool = False,
) -> Item:
    # attrs' converter is generic, which mypy cannot follow.
    plain: Any = data
    return Item(
        key=str(key),
        scope=place.scope(platform),
        kind=key.kind,
        rank=RANKS[key.kind],
        opens=opens,
        guards=guards,
        expires=expires,
        data=plain,
    )
