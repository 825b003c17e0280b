"""Handing a plan to the platform, batch by batch, and noting what it said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.delivery.calls import obstacle
from marketplace_sdk.delivery.ledger import LedgerEntry, entry_id
from marketplace_sdk.delivery.plan import Blocks, Obstacle, batches
from marketplace_sdk.ports.provisioner import Change, Outcome, Scope

if TYPE_CHECKING:
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.delivery.plan import Plan
    from marketplace_sdk.ports.provisioner import Call

__all__ = ["Applied", "apply_plan"]


@frozen(kw_only=True)
class Applied:
    """What the platform said to a plan. None of it is believed before it is seen.

    Attributes:
        obstacles: why a change was not made, by id of the row.
        evidence: of changes, by id of the row.
        scopes: in which something may have changed.
        sent: items whose addition was handed over and may have happened, or may yet happen.
        unsure: scopes in which an addition was sent and not answered.
    """

    obstacles: dict[str, Obstacle] = field(factory=dict)
    evidence: dict[str, str] = field(factory=dict)
    scopes: set[Scope] = field(factory=set)
    sent: dict[str, Change] = field(factory=dict)
    unsure: set[Scope] = field(factory=set)


def apply_plan(
    plan: Plan,
    entries: Mapping[str, LedgerEntry],
    connection: Connection,
    call_for: Callable[[Scope], Call],
    applied: Applied,
) -> None:
    """Make all removals, then all additions that do not need one which failed.

    Args:
        plan: what to do.
        entries: rows by id.
        connection: where.
        call_for: makes sure that the scope is still ours for a whole call, and says how long.
        applied: filled as the work goes on, so that it is known when the lease is lost midway.
    """
    for batch in batches(plan.removals):
        _drain(batch, connection, call_for, applied)
    failed = Blocks()
    for batch in batches(plan.additions):
        _drain(batch, connection, call_for, applied, (failed, entries))


def _drain(
    batch: Sequence[Change],
    connection: Connection,
    call_for: Callable[[Scope], Call],
    applied: Applied,
    needs: tuple[Blocks, Mapping[str, LedgerEntry]] | None = None,
) -> None:
    """Apply a batch again without what failed, so that one failure does not hold up the rest."""
    left = list(batch)
    while left:
        if needs is not None:
            left = _possible(left, needs, applied)
            if not left:
                return
        outcomes = _apply(left, connection, call_for(left[0].item.scope), applied)
        again = [
            change
            for change, outcome in zip(left, outcomes, strict=True)
            if outcome is not None and outcome.result == "not_attempted"
        ]
        for change, outcome in zip(left, outcomes, strict=True):
            if needs is not None and (outcome is None or outcome.result not in ("done", "already")):
                if change not in again:
                    needs[0].add(needs[1][entry_id(change.item)])
        if len(again) == len(left):
            for change in again:
                applied.obstacles[entry_id(change.item)] = Obstacle(
                    "not_attempted", f"{connection.name} did not get to it in time"
                )
            return
        left = again


def _possible(
    changes: Sequence[Change],
    needs: tuple[Blocks, Mapping[str, LedgerEntry]],
    applied: Applied,
) -> list[Change]:
    failed, entries = needs
    possible = []
    for change in changes:
        id = entry_id(change.item)
        if failed.need(entries[id]):
            applied.obstacles[id] = Obstacle(
                "waits_for_another",
                f"{change.item.kind} in {change.item.scope.key} waits for what it is built on",
            )
            failed.add(entries[id])
        else:
            possible.append(change)
    return possible


def _apply(
    batch: Sequence[Change], connection: Connection, call: Call, applied: Applied
) -> list[Outcome | None]:
    """One call; None stands for a change of which nothing is known."""
    scope = batch[0].item.scope
    applied.scopes.add(scope)
    added = {entry_id(change.item): change for change in batch if change.action == "add"}
    applied.sent.update(added)
    answers: dict[str, Outcome] = {}
    why: Obstacle | None = None
    try:
        for outcome in connection.provisioner.apply(batch, call):
            answers[outcome.key] = outcome
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        why = obstacle(f"change {scope.key} on {connection.name}", connection.plugin, error)
    outcomes: list[Outcome | None] = []
    for change in batch:
        outcome = answers.get(change.item.key)
        _note(change, outcome, why, connection, applied)
        outcomes.append(outcome)
    return outcomes


def _note(
    change: Change,
    outcome: Outcome | None,
    why: Obstacle | None,
    connection: Connection,
    applied: Applied,
) -> None:
    id = entry_id(change.item)
    result = "unknown" if outcome is None else outcome.result
    if outcome is not None and outcome.evidence:
        applied.evidence[id] = outcome.evidence
    if result in ("refused", "not_attempted"):
        applied.sent.pop(id, None)
    if result == "unknown" and change.action == "add":
        applied.unsure.add(change.item.scope)
    if result == "refused" and outcome is not None:
        applied.obstacles[id] = Obstacle(
            "refused",
            f"{connection.name} refuses to {change.action} {change.item.kind} in "
            f"{change.item.scope.key}: {outcome.error}",
            outcome.retryable,
        )
    elif result == "unknown":
        applied.obstacles[id] = why or Obstacle(
            "no_answer",
            f"{connection.name} did not say what became of {change.item.kind} in "
            f"{change.item.scope.key}",
        )
