"""Guard-rails of plugins: they may hold additions back, never removals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from marketplace_sdk.delivery.calls import guarded
from marketplace_sdk.delivery.ledger import LedgerEntry, entry_id
from marketplace_sdk.delivery.plan import Obstacle, Plan
from marketplace_sdk.domain.grants import Grant
from marketplace_sdk.domain.products import DataProduct
from marketplace_sdk.ports.provisioner import Change

if TYPE_CHECKING:
    from marketplace_sdk.delivery.situation import Situation

__all__ = ["CheckPlan", "checked"]

CheckPlan = Callable[[Sequence[Change], Grant | None, DataProduct], Sequence[str]]
"""Looks at the changes of a pass, the one grant they are for if it is one, and its product."""


def checked(
    plan: Plan, situation: Situation, entries: Mapping[str, LedgerEntry], check: CheckPlan
) -> Plan:
    """The plan without its additions if a guard-rail objects or fails."""
    if not plan.additions:
        return plan
    added = {
        claim.claimant.removeprefix("grant:")
        for change in plan.additions
        for claim in entries[entry_id(change.item)].claimed_under(situation.target)
        if not claim.is_base
    }
    grants = [situation.grants[id] for id in sorted(added)]
    grant = grants[0] if len(grants) == 1 else None
    products = {one.product for one in grants} or set(situation.products)
    for id in sorted(products & situation.products.keys()):
        problems = _problems(check, plan.changes, grant, situation.products[id])
        if problems:
            why = Obstacle("plan_refused", "; ".join(problems), retryable=False)
            held = {entry_id(change.item): why for change in plan.additions}
            return evolve(plan, additions=(), blocked={**plan.blocked, **held})
    return plan


def _problems(
    check: CheckPlan, changes: Sequence[Change], grant: Grant | None, product: DataProduct
) -> tuple[str, ...]:
    answer = guarded(
        "check the plan",
        "with marketplace_check_plan",
        lambda: tuple(str(problem) for problem in check(changes, grant, product)),
    )
    return (answer.message,) if isinstance(answer, Obstacle) else answer
