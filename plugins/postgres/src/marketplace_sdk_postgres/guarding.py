"""Whether masked columns are protected on the server at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk_postgres.masking import masks_of
from marketplace_sdk_postgres.showing import shown_by
from marketplace_sdk_postgres.subjects import Subject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import psycopg

    from marketplace_sdk.plugin import Guard
    from marketplace_sdk_postgres.subjects import ColumnName

__all__ = ["answers_to"]

# Our roles count as well: whoever is let in gets what somebody else gave to them. What we gave
# ourselves does not, as the very same pass may be about to take it away.
_CLOSED = """
SELECT w.n::int4, a.attnum IS NOT NULL AND NOT EXISTS (
    SELECT FROM (SELECT c.relacl AS acl UNION ALL SELECT a.attacl) g, aclexplode(g.acl) x
    WHERE x.privilege_type = 'SELECT' AND (x.grantee = 0
      OR (x.grantee = ANY(r.oids) AND NOT pg_has_role(x.grantor, 'USAGE')))
) AND NOT EXISTS (
    SELECT FROM pg_auth_members m
    WHERE m.member = ANY(r.oids) AND has_column_privilege(m.roleid, c.oid, a.attnum, 'SELECT')
)
FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS w (sch, rel, col, n)
CROSS JOIN (
    SELECT coalesce(array_agg(oid), '{}') AS oids FROM pg_roles WHERE rolname = ANY(%s::name[])
) r
LEFT JOIN (pg_namespace s JOIN pg_class c ON c.relnamespace = s.oid)
       ON s.nspname = w.sch AND c.relname = w.rel
LEFT JOIN pg_attribute a
       ON a.attrelid = c.oid AND a.attname = w.col AND a.attnum > 0 AND NOT a.attisdropped
"""

_OIDS = """
SELECT n.nspname::text, c.relname::text, c.oid::int8
FROM unnest(%s::text[], %s::text[]) AS w (sch, rel)
JOIN pg_namespace n ON n.nspname = w.sch
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.rel
"""


def answers_to(
    connection: psycopg.Connection[Any],
    installation: str,
    guards: Iterable[Guard],
    roles: Collection[str] = (),
) -> Mapping[Guard, bool]:
    """Answers to the guards that are understood; the others have none, which blocks as well.

    Args:
        connection: as our login.
        installation: whose masks count.
        guards: of one pass.
        roles: of ours that the pass is about, whose members read what the roles may read.
    """
    asked: dict[Guard, Subject] = {}
    for guard in guards:
        if guard.kind == "column_protected":
            try:
                asked[guard] = Subject.read(guard.subject)
            except ValueError:
                continue
    subjects = asked.values()
    closed = _closed(
        connection, {s.column for s in subjects if s.shown_by is None and not s.masked}, roles
    )
    masked = _masked(connection, installation, {s.column for s in subjects if s.masked}, roles)
    shown = _shown(connection, {s.shown_by for s in subjects if s.shown_by is not None})

    def holds(subject: Subject) -> bool:
        if subject.shown_by is not None:
            behind = shown.get(subject.shown_by)
            return behind is not None and subject.column not in behind
        if subject.masked:
            return subject.column in masked
        return subject.column in closed

    return {guard: holds(subject) for guard, subject in asked.items()}


def _closed(
    connection: psycopg.Connection[Any], columns: Collection[ColumnName], roles: Collection[str]
) -> frozenset[ColumnName]:
    """Those that are there, and that nobody else opened to everybody or to one of our roles."""
    if not columns:
        return frozenset()
    ordered = sorted(columns)
    names = [[one[i] for one in ordered] for i in range(3)]
    rows = connection.execute(_CLOSED, [*names, list(roles)])
    return frozenset(ordered[number - 1] for number, answer in rows if answer)


def _masked(
    connection: psycopg.Connection[Any],
    installation: str,
    columns: Collection[ColumnName],
    roles: Collection[str],
) -> frozenset[ColumnName]:
    """Those that a view of ours masks now, of a table in which they are closed."""
    marks = masks_of(connection, {column[:2] for column in columns}, installation)
    behind = {}
    for column in columns:
        mark = marks.get(column[:2])
        if mark is not None and column[2] in mark.masks:
            behind[column] = (*mark.table, column[2])
    closed = _closed(connection, frozenset(behind.values()), roles)
    return frozenset(column for column, base in behind.items() if base in closed)


def _shown(
    connection: psycopg.Connection[Any], columns: Collection[ColumnName]
) -> Mapping[ColumnName, frozenset[ColumnName]]:
    """What is behind each of these columns that is there."""
    if not columns:
        return {}
    ordered = sorted({column[:2] for column in columns})
    rows = connection.execute(_OIDS, [[one[i] for one in ordered] for i in range(2)])
    oids = {(schema, name): oid for schema, name, oid in rows}
    shown = shown_by(connection, list(oids.values()))
    found = {}
    for column in columns:
        behind = shown.get(oids.get(column[:2], 0), {}).get(column[2])
        if behind is not None:
            found[column] = behind
    return found
