"""Whose values a column shows: its table's, or those of other columns behind it.

Behind a column of a view are the columns in the expression that makes it, read with the rights of
the view's owner; behind one of a materialized view those it was filled from; behind a generated
column those it is computed from; behind one of a partitioned or inherited table that of each part,
and of a part that of the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from marketplace_sdk_postgres.lineage import Column, Unreadable, shown_columns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import psycopg

    from marketplace_sdk_postgres.subjects import ColumnName

__all__ = ["shown_by"]

_REACHED = """
WITH RECURSIVE reached (oid, up) AS (
    SELECT oid, false FROM unnest(%s::oid[]) AS asked (oid)
  UNION
    SELECT e.oid, e.up FROM reached r, LATERAL (
        SELECT d.refobjid, false FROM pg_rewrite w JOIN pg_depend d
          ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
        WHERE NOT r.up AND w.ev_class = r.oid AND w.rulename = '_RETURN'
          AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.oid
      UNION ALL
        SELECT inhrelid, false FROM pg_inherits WHERE NOT r.up AND inhparent = r.oid
      UNION ALL
        SELECT inhparent, true FROM pg_inherits WHERE inhrelid = r.oid
    ) e (oid, up)
)
SELECT c.oid::int8, n.nspname::text, c.relname::text,
       ARRAY(SELECT attnum::int4 FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0
             AND NOT attisdropped ORDER BY attnum),
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0
             AND NOT attisdropped ORDER BY attnum),
       ARRAY(SELECT inhrelid::int8 FROM pg_inherits WHERE inhparent = c.oid),
       ARRAY(SELECT inhparent::int8 FROM pg_inherits WHERE inhrelid = c.oid),
       ARRAY(SELECT ARRAY[f.adnum::int4, d.refobjsubid::int4]
             FROM pg_attribute a
             JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
             JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
             WHERE a.attrelid = c.oid AND a.attgenerated <> ''
               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
               AND d.refobjsubid <> f.adnum),
       w.ev_action::text,
       ARRAY(SELECT ARRAY[d.refobjid::int8, d.refobjsubid::int8] FROM pg_depend d
             WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
               AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
               AND d.refobjsubid <> 0),
       EXISTS (SELECT FROM unnest(c.reloptions) o
               WHERE starts_with(o, 'security_invoker=') AND split_part(o, '=', 2)::bool)
FROM (SELECT DISTINCT oid FROM reached) r JOIN pg_class c ON c.oid = r.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_rewrite w ON w.ev_class = c.oid AND w.rulename = '_RETURN'
"""


def shown_by(
    connection: psycopg.Connection[Any], oids: Collection[int]
) -> Mapping[int, Mapping[str, frozenset[ColumnName]]]:
    """For each relation, and each of its columns, the columns whose values it shows.

    A view with ``security_invoker`` shows nothing by itself: it reads with its reader's rights.
    A query that cannot be followed counts as showing all that it uses in each of its columns.
    """
    rows = connection.execute(_REACHED, [list(oids)]).fetchall() if oids else []
    web = _Web({row[0]: _relation(row) for row in rows})
    return {oid: web.behind_all(oid) for oid in oids if oid in web.relations}


@frozen
class _Relation:
    """What is known of one relation.

    Attributes:
        columns: names by number.
        behind: by number, columns that make up this one, in this or in other relations.
    """

    schema: str
    name: str
    columns: Mapping[int, str]
    parts: Sequence[int]
    wholes: Sequence[int]
    behind: Mapping[int, frozenset[Column]] = field(repr=False)
    invoker: bool = False


def _relation(row: Sequence[Any]) -> _Relation:
    oid, schema, name, numbers, names, parts, wholes, generated, tree, used, invoker = row
    behind: dict[int, frozenset[Column]] = {}
    for number, source in generated:
        behind[number] = behind.get(number, frozenset()) | {(oid, source)}
    if tree is not None:
        try:
            behind.update(shown_columns(tree))
        except Unreadable:
            behind.update(dict.fromkeys(numbers, frozenset((o, n) for o, n in used)))
    columns = dict(zip(numbers, names, strict=True))
    return _Relation(schema, name, columns, parts, wholes, behind, invoker)


@frozen
class _Web:
    relations: Mapping[int, _Relation]

    def behind_all(self, oid: int) -> Mapping[str, frozenset[ColumnName]]:
        relation = self.relations[oid]
        if relation.invoker:
            return {}
        return {
            name: frozenset(self._names(self._reached(oid, number), but=(oid, number)))
            for number, name in relation.columns.items()
        }

    def _reached(self, oid: int, number: int) -> set[Column]:
        """Everything behind a column; upwards to the whole it never comes down to other parts."""
        found: set[tuple[int, int, bool]] = set()
        left = [(oid, number, False)]
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += self._next(*one)
        return {(oid, number) for oid, number, _ in found}

    def _next(self, oid: int, number: int, up: bool) -> Iterator[tuple[int, int, bool]]:  # noqa: FBT001 - a part of the state
        relation = self.relations.get(oid)
        if relation is None:
            return
        if number == 0:
            yield from ((oid, each, up) for each in relation.columns)
            return
        name = relation.columns.get(number)
        if not up:
            yield from ((o, n, False) for o, n in relation.behind.get(number, ()))
            yield from self._same(relation.parts, name, up=False)
        yield from self._same(relation.wholes, name, up=True)

    def _same(
        self, oids: Iterable[int], name: str | None, *, up: bool
    ) -> Iterator[tuple[int, int, bool]]:
        """The column of that name in other tables."""
        for oid in oids:
            relation = self.relations.get(oid)
            for number, each in relation.columns.items() if relation else ():
                if each == name:
                    yield oid, number, up

    def _names(self, columns: Iterable[Column], *, but: Column) -> Iterator[ColumnName]:
        for oid, number in columns:
            relation = self.relations.get(oid)
            if relation and (oid, number) != but and number in relation.columns:
                yield relation.schema, relation.name, relation.columns[number]
