"""What registered names mean on the server right now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from marketplace_sdk.plugin import Resolved, Unresolved, dotted_name, split_name
from marketplace_sdk_postgres.masking import masks_of
from marketplace_sdk_postgres.masks import FIRST_WORDS, MaskMark
from marketplace_sdk_postgres.naming import quote_identifier, role_prefix
from marketplace_sdk_postgres.showing import shown_by
from marketplace_sdk_postgres.subjects import ColumnName

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import psycopg

    from marketplace_sdk.plugin import Ref
    from marketplace_sdk_postgres.connections import Login

__all__ = ["KINDS", "resolve"]

_OBJECTS = f"""
SELECT n.nspname::text, c.relname::text, c.oid::int8, c.relkind::text, n.oid::int8,
       pg_get_userbyid(c.relowner)::text, a.names, a.numbers,
       c.relkind IN ('v', 'm') OR a.generated
         OR EXISTS (SELECT FROM pg_inherits WHERE c.oid IN (inhrelid, inhparent)),
       c.relkind = 'v'
         AND starts_with(coalesce(obj_description(c.oid, 'pg_class'), ''), '{FIRST_WORDS}')
FROM unnest(%s::text[], %s::text[]) AS w (sch, rel)
JOIN pg_namespace n ON n.nspname = w.sch::name
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.rel::name
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(attname::text ORDER BY attnum), '{{}}') AS names,
           coalesce(array_agg(attnum::int4 ORDER BY attnum), '{{}}') AS numbers,
           coalesce(bool_or(attgenerated <> ''), false) AS generated
    FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
) a
"""  # noqa: S608 - a constant of our own

_PRINCIPALS = """
SELECT rolname::text, oid::int8, rolcanlogin, rolsuper, rolinherit
FROM pg_roles WHERE rolname = ANY(%s::name[])
"""

KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
"""Words for ``pg_class.relkind`` of what can be registered."""
_OTHERS = {"i": "an index", "I": "an index", "S": "a sequence", "c": "a type", "t": "a TOAST table"}

_INHERIT_PER_MEMBERSHIP = 160000


def resolve(
    connection: psycopg.Connection[Any],
    login: Login,
    installation: str,
    refs: Collection[Ref],
) -> Mapping[Ref, Resolved | Unresolved]:
    """An answer for every name; in two round trips while only plain tables are asked for."""
    principals = [ref for ref in refs if ref.kind == "principal"]
    objects = [ref for ref in refs if ref.kind == "object"]
    answers: dict[Ref, Resolved | Unresolved] = {}
    if principals:
        answers.update(_principals(connection, login, installation, principals))
    if objects:
        answers.update(_objects(connection, login, installation, objects))
    return answers


def _principals(
    connection: psycopg.Connection[Any], login: Login, installation: str, refs: Collection[Ref]
) -> Mapping[Ref, Resolved | Unresolved]:
    answers: dict[Ref, Resolved | Unresolved] = {}
    asked: set[str] = set()
    for ref in refs:
        problem = _unusable(ref.name)
        if problem:
            answers[ref] = _not_found(ref, problem)
        else:
            asked |= {ref.name, ref.name.lower()}
    found = {row[0]: row for row in connection.execute(_PRINCIPALS, [sorted(asked)])}
    own = role_prefix(installation)
    for ref in refs:
        if ref in answers:
            continue
        refused = _refused(ref.name, found.get(ref.name), login, own)
        if refused:
            answers[ref] = Unresolved(ref=ref, reason="not_allowed", message=refused)
        elif ref.name not in found:
            answers[ref] = _not_found(ref, "no such role", _hint(ref.name.lower(), found))
        else:
            name, oid, can_login, superuser, _ = found[ref.name]
            facts: Any = {"role": name, "superuser": superuser}
            answers[ref] = Resolved(
                ref=ref,
                platform=login.platform,
                native_id=str(oid),
                name=name,
                kind="user" if can_login else "group",
                facts=facts,
            )
    return answers


def _refused(name: str, row: Sequence[Any] | None, login: Login, own: str) -> str:
    """Why nobody may be made a member under this name; empty text if somebody may."""
    if name.lower() == "public":
        return "PUBLIC is everybody; register the role of one person or group"
    if name.startswith("pg_"):
        return f"{name} is a role of the server itself; register the role of a person or group"
    if name.startswith(own):
        return f"{name} is a role of this marketplace; register the role of a person or group"
    if name == login.name:
        return f"{name} is the marketplace's own login; register the role of a person or group"
    if row is not None and login.version < _INHERIT_PER_MEMBERSHIP and not row[4]:
        return (
            f"{name} is NOINHERIT, so a membership would open nothing before PostgreSQL 16;"
            f" run ALTER ROLE {quote_identifier(name)} INHERIT"
        )
    return ""


def _objects(
    connection: psycopg.Connection[Any],
    login: Login,
    installation: str,
    refs: Collection[Ref],
) -> Mapping[Ref, Resolved | Unresolved]:
    answers: dict[Ref, Resolved | Unresolved] = {}
    names: dict[Ref, tuple[str, str]] = {}
    for ref in refs:
        try:
            schema, table = _table(ref.name)
        except ValueError as error:
            answers[ref] = _not_found(ref, str(error))
            continue
        if schema.startswith("pg_") or schema == "information_schema":
            answers[ref] = Unresolved(
                ref=ref, reason="not_allowed", message=f"{schema} belongs to the server itself"
            )
            continue
        names[ref] = (schema, table)
    asked = sorted({name for pair in names.values() for name in (pair, _folded(pair))})
    parameters = [[schema for schema, _ in asked], [table for _, table in asked]]
    found = {(row[0], row[1]): row for row in connection.execute(_OBJECTS, parameters)}
    more = _more(connection, installation, [found[n] for n in names.values() if n in found])
    for ref, name in names.items():
        if name in found:
            answers[ref] = _object(ref, found[name], login, more)
        else:
            near = {dotted_name(*key): key for key in found}
            hint = _hint(dotted_name(*_folded(name)), near)
            answers[ref] = _not_found(ref, f"database {login.database} has none", hint)
    return answers


@frozen
class _More:
    """What is only looked up for objects that may show the values of others.

    Attributes:
        shows: by oid and column, the columns behind it.
        masks: by schema and name, the views that mask columns themselves.
    """

    shows: Mapping[int, Mapping[str, frozenset[ColumnName]]]
    masks: Mapping[tuple[str, str], MaskMark]


def _more(
    connection: psycopg.Connection[Any],
    installation: str,
    rows: Sequence[Sequence[Any]],
) -> _More:
    return _More(
        shows=shown_by(connection, sorted({row[2] for row in rows if row[8]})),
        masks=masks_of(connection, {(row[0], row[1]) for row in rows if row[9]}, installation),
    )


def _object(ref: Ref, row: Sequence[Any], login: Login, more: _More) -> Resolved | Unresolved:
    schema, table, oid, kind, schema_oid, owner, columns, numbers = row[:8]
    if kind not in KINDS:
        message = f"{ref.name} is {_OTHERS.get(kind, 'no table')}; register a table or a view"
        return Unresolved(ref=ref, reason="unsupported", message=message)
    facts: Any = {"schema": schema, "schema_oid": schema_oid, "table": table}
    facts["numbers"] = tuple(numbers)
    shows: Any = {
        name: tuple((dotted_name(*one[:2]), one[2]) for one in sorted(behind))
        for name, behind in more.shows.get(oid, {}).items()
        if behind
    }
    mark = more.masks.get((schema, table))
    hides = {} if mark is None else {name: mask.target for name, mask in mark.masks.items()}
    behind = set() if mark is None else {(*mark.table, name) for name in hides}
    facts["hides"] = hides
    facts["behind"] = tuple(sorted(behind))
    return Resolved(
        ref=ref,
        platform=login.platform,
        native_id=str(oid),
        name=dotted_name(schema, table),
        kind=KINDS[kind],
        owner=owner,
        columns=tuple(columns),
        shows=shows,
        facts=facts,
    )


def _table(name: str) -> tuple[str, str]:
    parts = split_name(name)
    if len(parts) != 2:  # noqa: PLR2004 - schema and table
        raise ValueError("register it as schema.table, in double quotes where a part has a dot")
    for part in parts:
        quote_identifier(part)
    return parts[0], parts[1]


def _folded(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[0].lower(), pair[1].lower()


def _unusable(name: str) -> str:
    try:
        quote_identifier(name)
    except ValueError as error:
        return str(error)
    return ""


def _hint(folded: str, found: Mapping[str, Any]) -> str:
    # PostgreSQL folds unquoted names; whoever registered this may have copied such a one.
    return f"; there is {folded}, names are taken as registered" if folded in found else ""


def _not_found(ref: Ref, why: str, hint: str = "") -> Unresolved:
    message = f"cannot find {ref.kind} {ref.name!r}: {why}{hint}"
    return Unresolved(ref=ref, reason="not_found", message=message)
