"""Storing what was seen: grants become active or ended, and what follows from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from marketplace_sdk.delivery.showing import Shown, needs_showing, part_of
from marketplace_sdk.domain.announcing import notice, sides
from marketplace_sdk.domain.events import Effects
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.domain.requests import AccessRequest
from marketplace_sdk.work.endings import finish_deletion
from marketplace_sdk.work.targets import column_marks, targets_of

if TYPE_CHECKING:
    from marketplace_sdk.delivery.situation import Situation
    from marketplace_sdk.work.unit import Unit

__all__ = ["expected_of", "finish_deletions", "store_shown", "to_store"]


def to_store(situation: Situation, shown: Mapping[str, Shown]) -> list[str]:
    """Ids of the grants for which something new was seen."""
    key = situation.mark.key
    return [
        id
        for id, grant in sorted(situation.grants.items())
        if needs_showing(
            grant,
            key,
            part_of(shown[id], grant.parts.get(key), situation.now),
            waits=id in situation.waiting and grant.live,
        )
    ]


def store_shown(
    unit: Unit,
    situation: Situation,
    id: str,
    shown: Shown,
    expected: Callable[[Unit, Grant], frozenset[str]],
) -> None:
    """Store what was seen of one grant, if it is still what it was when the pass began.

    When it is not, whoever changed it has marked the target, and the next pass will see.
    """
    read, grant = situation.grants[id], unit.get(Grant, id)
    if grant is None or _standing(grant) != _standing(read):
        return
    effects = Effects()
    changed = grant
    if read.kind == "masking_exception" and grant.live:
        if id in situation.waiting:
            changed, effects = grant.withhold("waiting_for_access")
        else:
            changed, effects = grant.release("waiting_for_access")
    key = situation.mark.key
    parts = {**grant.parts, key: part_of(shown, grant.parts.get(key), unit.now)}
    changed, more = changed.shown(parts, expected(unit, grant), unit.now)
    effects += more
    if changed == grant:
        return
    unit.save(changed)
    unit.keep(effects)
    _follow(unit, grant, changed)


def expected_of(unit: Unit, grant: Grant) -> frozenset[str]:
    """Keys of every target that a grant has now."""
    return frozenset(mark.key for mark in targets_of(unit, grant))


def finish_deletions(unit: Unit, product: str) -> None:
    """Turn a product that waits for its deletion into a tombstone once no grant is left."""
    found = unit.get(DataProduct, product)
    if found is None or found.state != "deleting":
        return
    if not unit.find(Grant, ("open_product", [product]), limit=1):
        finish_deletion(unit, found)


def _standing(grant: Grant) -> tuple[object, ...]:
    return grant.live, grant.state == "ended", grant.withheld - {"waiting_for_access"}


def _follow(unit: Unit, before: Grant, after: Grant) -> None:
    """Tell people of the first time, and have unmasking looked at when access comes or goes."""
    if after.state == "active" and before.active_at is None:
        request = unit.get(AccessRequest, after.requests[0])
        if request is not None:
            told = notice("access_active", request, {}, sides(request), ())
            unit.keep(Effects(notices=(told,)))
    if after.kind != "access" or (before.state == "active") == (after.state == "active"):
        return
    exceptions = unit.find(
        Grant,
        ("kind", ["masking_exception"]),
        ("open_beneficiary", [after.beneficiary.token]),
    )
    columns = {column for grant in exceptions for column in grant.columns}
    unit.keep(Effects(marks=column_marks(unit, sorted(columns))))
