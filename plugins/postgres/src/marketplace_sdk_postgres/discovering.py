"""What there is to be registered: tables and views with their columns, comments and labels."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import Discovered, DiscoveredColumn, ProvisioningError, dotted_name
from marketplace_sdk_postgres.masking import masks_of
from marketplace_sdk_postgres.masks import FIRST_WORDS, MaskMark
from marketplace_sdk_postgres.resolving import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from marketplace_sdk.plugin import Call

__all__ = ["discover"]

# A partition is read through its table.
_NAMES = """
SELECT c.oid::int8, n.nspname::text, c.relname::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY(%s::"char"[]) AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_')
ORDER BY 2, 3
"""

_DETAILS = """
SELECT n.nspname::text, c.relname::text, c.relkind::text, pg_get_userbyid(c.relowner)::text,
       coalesce(obj_description(c.oid, 'pg_class'), ''), l.labels,
       ARRAY(SELECT jsonb_build_array(
                 attname, format_type(atttypid, atttypmod),
                 coalesce(col_description(c.oid, attnum), ''),
                 ARRAY(SELECT label FROM pg_seclabel WHERE objoid = c.oid
                       AND classoid = 'pg_class'::regclass AND objsubid = attnum ORDER BY 1))
             FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
             ORDER BY attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT ARRAY(SELECT label FROM pg_seclabel WHERE objoid = c.oid
                 AND classoid = 'pg_class'::regclass AND objsubid = 0 ORDER BY 1) AS labels
) l
WHERE c.oid = ANY(%s::oid[])
ORDER BY 1, 2
"""

_AT_ONCE = 500


def discover(
    connection: psycopg.Connection[Any], installation: str, pattern: str, call: Call
) -> Iterator[Discovered]:
    """Every object whose dotted name matches, by name; partitions are no objects of their own.

    Tags are the texts of SECURITY LABELs, whoever provides them. A column is protected if a view of
    ours masks it.

    Raises:
        ProvisioningError: no time is left.
    """
    rows = connection.execute(_NAMES, [list(KINDS)])
    oids = [oid for oid, *name in rows if fnmatchcase(dotted_name(*name), pattern)]
    for start in range(0, len(oids), _AT_ONCE):
        if call.over:
            raise ProvisioningError("cannot list all objects: no time is left", retryable=True)
        details = connection.execute(_DETAILS, [oids[start : start + _AT_ONCE]]).fetchall()
        views = {(row[0], row[1]) for row in details if row[4].startswith(FIRST_WORDS)}
        masks = masks_of(connection, views, installation)
        for row in details:
            yield _discovered(row, masks.get((row[0], row[1])))


def _discovered(row: Sequence[Any], mark: MaskMark | None) -> Discovered:
    schema, name, kind, owner, comment, labels, columns = row
    # attrs' converter is generic, which mypy cannot follow.
    found: Any = tuple(
        DiscoveredColumn(
            name=each,
            type=type,
            comment=about,
            tags=tuple(tags),
            protected=mark is not None and each in mark.masks,
        )
        for each, type, about, tags in columns
    )
    return Discovered(
        name=dotted_name(schema, name),
        kind=KINDS[kind],
        columns=found,
        # What we wrote there ourselves is nothing for people.
        comment="" if comment.startswith(FIRST_WORDS) else comment,
        tags=tuple(labels),
        owner=owner,
    )
