"""Handing a plan to the platform, batch by batch, and noting what it said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import field, frozen

from marketplace_sdk.delivery.calls import obstacle
from marketplace_sdk.delivery.ledger import LedgerEntry, entry_id
from marketplace_sdk.delivery.plan import Blocks, Obstacle, batches
from marketplace_sdk.ports.provisioner import Change, Guard, Outcome, Scope

if TYPE_CHECKING:
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.delivery.plan import Plan
    from marketplace_sdk.ports.provisioner import Call

__all__ = ["Applied", "apply_plan"]

LATER = "not_attempted"


@frozen(kw_only=True)
class Applied:
    """What the platform said to a plan. None of it is believed before it is seen.

    Attributes:
        obstacles: why a change was not made, by id of the row.
        evidence: of changes, by id of the row.
        made: changes that it said it has made, by id of the row, and nobody has kept yet.
        scopes: in which something may have changed.
        sent: items whose addition was handed over and may have happened, or may yet happen.
        unsure: scopes in which a change was sent and not answered.
        closed: guards that were denied of what is taken away although it is claimed, by id.
    """

    obstacles: dict[str, Obstacle] = field(factory=dict)
    evidence: dict[str, str] = field(factory=dict)
    made: dict[str, Change] = field(factory=dict)
    scopes: set[Scope] = field(factory=set)
    sent: dict[str, Change] = field(factory=dict)
    unsure: set[Scope] = field(factory=set)
    closed: dict[str, Guard] = field(factory=dict)


def apply_plan(
    plan: Plan,
    entries: Mapping[str, LedgerEntry],
    connection: Connection,
    call_for: Callable[[Scope], Call],
    applied: Applied,
) -> None:
    """Make all removals, then all additions that do not need one which failed, then set ends.

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
    for batch in batches(plan.updates):
        _drain(batch, connection, call_for, applied)


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
        results = _apply(left, connection, call_for(left[0].item.scope), applied)
        again = [change for change, result in zip(left, results, strict=True) if result == LATER]
        if needs is not None:
            for change, result in zip(left, results, strict=True):
                if result not in ("done", "already", LATER):
                    needs[0].add(needs[1][entry_id(change.item)])
        if len(again) == len(left):
            for change in again:
                if needs is not None:
                    needs[0].add(needs[1][entry_id(change.item)])
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
) -> list[str]:
    """One call; the result of each change, ``unknown`` where there was no answer."""
    scope = batch[0].item.scope
    applied.scopes.add(scope)
    # Noted before: when the lease is lost midway, it has to be known what was handed over.
    applied.sent.update({entry_id(one.item): one for one in batch if one.action == "add"})
    answers: dict[str, Outcome] = {}
    why: Obstacle | None = None
    try:
        for outcome in connection.provisioner.apply(batch, call):
            answers[outcome.key] = outcome
    except Exception as error:  # noqa: BLE001  # a plugin may raise anything
        why = obstacle(f"change {scope.key} on {connection.name}", connection.plugin, error)
    return [
        _note(change, answers.get(change.item.key), why, connection, applied) for change in batch
    ]


def _note(
    change: Change,
    outcome: Outcome | None,
    why: Obstacle | None,
    connection: Connection,
    applied: Applied,
) -> str:
    id = entry_id(change.item)
    what = f"{change.item.kind} in {change.item.scope.key}"
    if outcome is None or outcome.result == "unknown":
        # A removal that lands late would take what somebody else has added meanwhile.
        applied.unsure.add(change.item.scope)
        applied.obstacles[id] = why or Obstacle(
            "no_answer", f"{connection.name} did not say what became of {what}"
        )
        return "unknown"
    if outcome.evidence:
        applied.evidence[id] = outcome.evidence
    if outcome.result == "done":
        applied.made[id] = change
    if outcome.result in ("refused", LATER):
        applied.sent.pop(id, None)
    if outcome.result == "refused":
        applied.obstacles[id] = Obstacle(
            "refused",
            f"{connection.name} refuses to {change.action} {what}: {outcome.error}",
            outcome.retryable,
        )
    return outcome.result
