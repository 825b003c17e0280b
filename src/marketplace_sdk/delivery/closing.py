"""Taking away what may not be open any more: a masked column would be read in clear. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from marketplace_sdk.delivery.judging import View, shows
from marketplace_sdk.delivery.ledger import LedgerEntry
from marketplace_sdk.domain.events import Effects, Event, Notice
from marketplace_sdk.domain.selectors import StewardSelector, permission
from marketplace_sdk.ports.provisioner import Guard, Scope

if TYPE_CHECKING:
    from marketplace_sdk.domain.products import DataProduct

__all__ = ["closed_of", "to_close"]


def to_close(entries: Iterable[LedgerEntry], view: View) -> Mapping[str, Guard]:
    """Rows of ours whose items are there although a guard of theirs is denied, and which guard.

    A guard that could not be read closes nothing: that it cannot be seen does not say that it is
    gone. Of the items that a denied guard stands before the lowest are taken away, which is
    enough to close the object and leaves the others of the product alone. The higher ones follow
    where that is not enough: where one of the lowest is not ours, or their scope holds something
    that nobody knows, somebody else may have opened the object beside us.
    """
    denied = {guard for guard, answer in view.guards.items() if answer is False}
    if not denied:
        return {}
    rows = list(entries)
    strangers = _strangers(rows, view)
    there = [entry for entry in rows if entry.claimed and shows(entry, view)]
    found: dict[str, Guard] = {}
    for guard in sorted(denied, key=lambda each: (each.kind, each.subject)):
        levels: defaultdict[int, list[LedgerEntry]] = defaultdict(list)
        for entry in there:
            if guard in entry.item.guards:
                levels[entry.item.rank].append(entry)
        for _, level in sorted(levels.items()):
            found.update({one.id: found.get(one.id, guard) for one in level if _ours(one)})
            if all(_ours(one) and one.scope not in strangers for one in level):
                break
    return found


def _ours(entry: LedgerEntry) -> bool:
    return entry.origin == "ours"


def _strangers(entries: Iterable[LedgerEntry], view: View) -> set[Scope]:
    """Scopes that hold something which is none of these rows."""
    known: defaultdict[Scope, set[str]] = defaultdict(set)
    for entry in entries:
        known[entry.scope].add(entry.item.key)
    return {scope for scope, seen in view.seen.items() if not seen.items.keys() <= known[scope]}


def closed_of(
    entries: Iterable[LedgerEntry],
    guards: Mapping[str, Guard],
    connection: str,
    products: Iterable[DataProduct],
) -> Effects:
    """What people are told of rows that were closed: once for each guard.

    Args:
        entries: the rows whose items were taken away.
        guards: which guard was denied, by id of the row.
        connection: where.
        products: whose access it is.
    """
    closed: defaultdict[Guard, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        closed[guards[entry.id]].append(entry)
    managers = {
        StewardSelector("domain_permission", "MANAGE_DATA_PRODUCTS", domain=product.domain)
        for product in products
    }
    effects = Effects()
    for guard, rows in sorted(closed.items(), key=lambda one: one[0].subject):
        about = f"object:{rows[0].scope.platform}|{guard.subject}"
        objects = sorted({name for row in rows for name in row.item.opens})
        grants = sorted(
            claim.claimant.removeprefix("grant:")
            for claim in {claim for row in rows for claim in row.claims}
            if not claim.is_base
        )
        data = {
            "connection": connection,
            "guard": guard.kind,
            "subject": guard.subject,
            "objects": objects,
            "grants": grants,
        }
        told = Notice(
            kind="access_closed",
            about=about,
            audience=(permission("GOVERNANCE"), *sorted(managers, key=str)),
            data={
                "connection": connection,
                "objects": ", ".join(objects),
                "column": guard.subject,
            },
        )
        event = Event(type="object.closed", aggregate=about, data=data)
        effects += Effects(events=(event,), notices=(told,))
    return effects
