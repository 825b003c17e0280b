"""Views of ours on the server that mask columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk_postgres.masks import DIGEST, FIRST_WORDS, MaskMark

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import psycopg

__all__ = ["masks_of"]

# Whether the barrier is there is no part of the query, so it is asked for beside it.
_MARKS = f"""
SELECT n.nspname::text, c.relname::text, m.comment, {DIGEST.format(oid="c.oid")}
FROM unnest(%s::text[], %s::text[]) AS w (sch, rel)
JOIN pg_namespace n ON n.nspname = w.sch
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.rel AND c.relkind = 'v'
CROSS JOIN LATERAL (SELECT obj_description(c.oid, 'pg_class') AS comment) m
WHERE starts_with(m.comment, '{FIRST_WORDS}')
  AND EXISTS (SELECT FROM unnest(c.reloptions) o
              WHERE starts_with(o, 'security_barrier=') AND split_part(o, '=', 2)::bool)
  AND NOT EXISTS (SELECT FROM unnest(c.reloptions) o
                  WHERE starts_with(o, 'security_invoker=') AND split_part(o, '=', 2)::bool)
"""  # noqa: S608 - constants of our own


def masks_of(
    connection: psycopg.Connection[Any], views: Collection[tuple[str, str]], installation: str
) -> Mapping[tuple[str, str], MaskMark]:
    """The marks of those views that still are as they were set up, for this marketplace."""
    if not views:
        return {}
    ordered = sorted(views)
    rows = connection.execute(_MARKS, [[one[i] for one in ordered] for i in range(2)])
    found = {}
    for schema, name, comment, digest in rows:
        mark = MaskMark.read(comment)
        if mark is not None and (mark.installation, mark.digest) == (installation, digest):
            found[schema, name] = mark
    return found
