"""Making the changes of one scope, one transaction each, and saying what became of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
from attrs import field, frozen

from marketplace_sdk.plugin import Outcome, Seen
from marketplace_sdk_postgres import statements
from marketplace_sdk_postgres.connections import reason
from marketplace_sdk_postgres.items import Key
from marketplace_sdk_postgres.looking import is_ours, look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from marketplace_sdk.plugin import Call, Change, Presence
    from marketplace_sdk_postgres.connections import Login

    Send = Callable[[psycopg.Connection[Any], str], str]

__all__ = ["apply"]

_NAMES = """
SELECT 'usage', oid::int8, 0, ARRAY[nspname::text] FROM pg_namespace
WHERE oid = ANY(%(usage)s::oid[])
UNION ALL
SELECT 'select', c.oid::int8, 0, ARRAY[n.nspname::text, c.relname::text]
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY(%(select)s::oid[])
UNION ALL
SELECT 'column', c.oid::int8, a.attnum::int4,
       ARRAY[n.nspname::text, c.relname::text, a.attname::text]
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = ANY(%(column)s::oid[])
UNION ALL
SELECT 'member', oid::int8, 0, ARRAY[rolname::text] FROM pg_roles WHERE oid = ANY(%(member)s::oid[])
"""

_ATTEMPTS = 5
_PAUSE = 0.05
# Two GRANTs on one table at a time: before 18 the server answers "tuple concurrently updated".
_COLLISIONS = ("40001", "40P01", "XX000")
_OUT_OF_TIME = (statements.LATE, "57014", "55P03")
_LINE_LOST = ("57P01", "57P02", "57P03", "57P05")
# The server is short of something or restarts; or it is a standby until it takes over.
_PASSING = ("53", "57", "58")
_READ_ONLY = "25006"
_DEPENDENT = "2BP01"
_DENIED = "42501"
_GONE = ("42704", "42P01", "42703", "3F000")


@frozen(kw_only=True)
class _Situation:
    """What is known when the changes begin.

    Attributes:
        names: of what each item is about, by its key without the role.
        seen: what is there already.
        until: the call's deadline, on the server's clock.
    """

    login: Login
    installation: str
    names: Mapping[tuple[str, int, int], Sequence[str]] = field(repr=False)
    seen: Mapping[str, Presence] = field(repr=False)
    until: float


class _Impossible(Exception):
    """A change that must not even be sent; its text says why."""


def apply(
    connection: psycopg.Connection[Any],
    login: Login,
    installation: str,
    batch: Sequence[Change],
    call: Call,
    *,
    send: Send,
) -> Iterator[Outcome]:
    """Outcomes in the order of the batch.

    After a refusal nothing is added any more, but what can be taken away still is. After an
    unknown outcome, or when no time is left, nothing at all is attempted.
    """
    situation = _prepare(connection, login, installation, batch, call)
    stopped = refused = False
    for change in batch:
        if stopped or call.over or connection.closed:
            stopped = True
            why = "an earlier change has no answer, or no time is left"
            yield Outcome(key=change.item.key, result="not_attempted", error=why, retryable=True)
        elif refused and change.action != "remove":
            why = "an earlier change did not succeed"
            yield Outcome(key=change.item.key, result="not_attempted", error=why, retryable=True)
        else:
            outcome = _change(connection, situation, change, call, send)
            refused = refused or outcome.result not in ("done", "already")
            stopped = outcome.result == "unknown"
            yield outcome


def _prepare(
    connection: psycopg.Connection[Any],
    login: Login,
    installation: str,
    batch: Sequence[Change],
    call: Call,
) -> _Situation:
    wanted: dict[str, list[int]] = {"usage": [], "select": [], "column": [], "member": []}
    for change in batch:
        try:
            key = Key.read(change.item.key)
        except ValueError:
            continue
        if key.kind in wanted:
            wanted[key.kind].append(key.id)
    names = {
        (kind, id, column): parts for kind, id, column, parts in connection.execute(_NAMES, wanted)
    }
    scopes = {change.item.scope for change in batch}
    found = look(connection, login, installation, scopes, ()).values()
    seen = {k: v for answer in found if isinstance(answer, Seen) for k, v in answer.items.items()}
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    # The server's clock is read first, so that a pause in between can only make this earlier.
    until = (row[0] if row else 0.0) + call.seconds_left()
    return _Situation(login=login, installation=installation, names=names, seen=seen, until=until)


def _change(
    connection: psycopg.Connection[Any],
    situation: _Situation,
    change: Change,
    call: Call,
    send: Send,
) -> Outcome:
    item, add = change.item, change.action == "add"
    try:
        key = _allowed(change, situation)
    except _Impossible as error:
        return Outcome(key=item.key, result="refused", error=f"cannot change it: {error}")
    if (item.key in situation.seen) == add:
        return Outcome(key=item.key, result="already", evidence="read from the catalog")
    names = situation.names.get((key.kind, key.id, key.column), ())
    if not names and key.kind != "role":
        why = "it was dropped meanwhile; the next pass sees what is there"
        return Outcome(key=item.key, result="refused", error=why, retryable=True)
    marker = str(item.data.get("marker", ""))
    shown = statements.shown(key, names, situation.login, add=add, marker=marker)
    for attempt in range(_ATTEMPTS):
        text = statements.transaction(
            key,
            names,
            situation.login,
            add=add,
            installation=situation.installation,
            marker=marker,
            until=situation.until,
            milliseconds=max(1, int(call.seconds_left() * 1000)),
        )
        try:
            evidence = send(connection, f"/* {_tag(call)} */ {text}")
        except psycopg.Error as error:
            if error.sqlstate in _COLLISIONS and attempt + 1 < _ATTEMPTS and not call.over:
                time.sleep(min(_PAUSE * 2**attempt, max(0.0, call.seconds_left())))
                continue
            return _failed(
                error, item.key, shown, statements.permission(key, names, situation.login)
            )
        return Outcome(key=item.key, result="done", evidence=f"{shown} -- {evidence}")
    raise AssertionError("unreachable")


def _allowed(change: Change, situation: _Situation) -> Key:
    """The item's key, if the change is one of ours on this server."""
    item = change.item
    if change.action == "set_until":
        raise _Impossible("a membership of PostgreSQL has no end of its own")
    if item.scope.platform != situation.login.platform:
        raise _Impossible(f"the connection leads to {situation.login.platform} now")
    try:
        key = Key.read(item.key)
    except ValueError as error:
        raise _Impossible(str(error)) from None
    if key.kind == "role":
        present = situation.seen.get(item.key)
        if present is not None and not present.ours:
            raise _Impossible(f"role {key.role} exists and does not carry our marker")
        marker = item.data.get("marker")
        platform, installation = situation.login.platform, situation.installation
        if change.action == "add" and not is_ours(marker, key.role, installation, platform):
            raise _Impossible("its marker is not that of this marketplace")
    return key


def _failed(error: psycopg.Error, key: str, shown: str, permission: str) -> Outcome:
    """What an error means, told by its SQLSTATE; nothing in it can be secret."""
    state = error.sqlstate
    if state is None or state in _LINE_LOST or state.startswith("08"):
        why = "the connection was lost before the server answered"
        return Outcome(key=key, result="unknown", evidence=shown, error=why, retryable=True)
    said = reason(error, [])
    if state in _OUT_OF_TIME or state in _COLLISIONS:
        return Outcome(key=key, result="not_attempted", error=said, retryable=True)
    if state == _DENIED:
        said = f"{said}; not permitted: {shown}; an administrator must run: {permission}"
    elif state == _DEPENDENT:
        detail = " ".join((error.diag.message_detail or "").split())
        said = f"{said}: {detail}; take it away by hand, nothing is dropped along with a role"
    elif state == statements.STRANGERS:
        said = f"{said}; an administrator must take that away first"
    retryable = state in (*_GONE, _READ_ONLY, statements.UNCHANGED) or state[:2] in _PASSING
    return Outcome(key=key, result="refused", evidence=shown, error=said, retryable=retryable)


def _tag(call: Call) -> str:
    """The correlation id for the server's log; nothing in it may end a comment."""
    return "marketplace " + "".join(c for c in call.correlation_id if c.isalnum() or c in "-_.")
