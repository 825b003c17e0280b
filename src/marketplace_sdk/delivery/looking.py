"""Looking at a platform: every scope gets an answer, if only that it could not be seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from marketplace_sdk.delivery.calls import guarded
from marketplace_sdk.delivery.judging import View, same_end
from marketplace_sdk.delivery.plan import Obstacle
from marketplace_sdk.ports.provisioner import CannotLook, Change, Guard, Scope, Seen

if TYPE_CHECKING:
    from marketplace_sdk.delivery.calls import Connection
    from marketplace_sdk.ports.provisioner import Call

__all__ = ["look", "missed"]


def look(
    connection: Connection,
    scopes: Sequence[Scope],
    guards: Iterable[Guard],
    call: Call,
    now: datetime,
) -> View:
    """What the platform shows of these scopes and guards, in one call."""
    asked = sorted(guards, key=lambda guard: (guard.kind, guard.subject))
    answers = guarded(
        f"look at {connection.name}",
        connection.plugin,
        lambda: dict(connection.provisioner.observe(scopes, asked, call)),
    )
    if isinstance(answers, Obstacle):
        why = CannotLook(reason=answers.message, retryable=answers.retryable)
        return View({}, dict.fromkeys(scopes, why), now)
    seen: dict[Scope, Seen] = {}
    blind: dict[Scope, CannotLook] = {}
    for scope in scopes:
        answer = answers.get(scope)
        if isinstance(answer, Seen):
            seen[scope] = answer
        else:
            blind[scope] = answer or CannotLook(reason="the platform gave no answer")
    return View(seen, blind, now)


def missed(change: Change, view: View) -> bool:
    """Whether a change cannot be seen."""
    seen = view.seen.get(change.item.scope)
    found = None if seen is None else seen.items.get(change.item.key)
    if seen is None or change.action == "remove":
        return seen is None or found is not None
    if found is None or change.action == "add":
        return found is None
    return not same_end(found.until, change.until)
