"""Setting up a view that masks a column, and removing it: an administrator's statements.

Everything is read first and refused before anything is changed; the statements are shown, and then
run in one transaction. No approval ever comes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from attrs import frozen

from marketplace_sdk.plugin import (
    Guard,
    InvalidInput,
    Problem,
    ProvisioningError,
    dotted_name,
    split_name,
)
from marketplace_sdk_postgres.connections import reason
from marketplace_sdk_postgres.guarding import answers_to
from marketplace_sdk_postgres.masks import (
    BaseColumn,
    Mask,
    MaskMark,
    Style,
    comment_statement,
    view_statement,
)
from marketplace_sdk_postgres.naming import quote_identifier, role_name
from marketplace_sdk_postgres.subjects import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Wanted", "protect", "run", "unprotect"]

_TABLE = """
SELECT c.oid::int8, c.relkind::text, pg_get_userbyid(c.relowner)::text, c.relrowsecurity,
       obj_description(c.oid, 'pg_class'),
       ARRAY(SELECT DISTINCT CASE x.grantee WHEN 0 THEN 'everybody'
                             ELSE pg_get_userbyid(x.grantee)::text END
             FROM (SELECT c.relacl AS acl UNION ALL
                   SELECT attacl FROM pg_attribute WHERE attrelid = c.oid) a, aclexplode(a.acl) x
             WHERE x.grantee <> c.relowner ORDER BY 1)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""

# A mask in a domain might be none of its values, so both sides get the type below it.
_COLUMNS = """
SELECT a.attname::text, format_type(b.oid, b.typmod), t.typname::text, t.typcategory::text
FROM pg_attribute a CROSS JOIN LATERAL (
    WITH RECURSIVE down (oid, typmod, base) AS (
        SELECT t.oid, a.atttypmod, t.typtype <> 'd' FROM pg_type t WHERE t.oid = a.atttypid
      UNION ALL
        SELECT b.oid, t.typtypmod, b.typtype <> 'd'
        FROM down JOIN pg_type t ON t.oid = down.oid AND NOT down.base
        JOIN pg_type b ON b.oid = t.typbasetype
    ) SELECT oid, typmod FROM down WHERE base
) b JOIN pg_type t ON t.oid = b.oid
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""

_HERE = """
SELECT current_user::text, c.system_identifier || '/' || d.oid, r.rolname::text,
       CASE WHEN r.rolsuper AND current_setting('server_version_num')::int >= 160000
            THEN pg_get_userbyid(10)::text ELSE r.rolname::text END
FROM pg_control_system() c, pg_database d LEFT JOIN pg_roles r ON r.rolname = %s
WHERE d.datname = current_database()
"""

_READABLE = ("r", "p", "v", "m", "f")


@frozen(kw_only=True)
class Wanted:
    """What an administrator asks for.

    Attributes:
        table: dotted name of the table, as it would be registered.
        column: its column to be masked.
        installation: of the marketplace whose exceptions show it in clear.
        login: the marketplace's own, which gives memberships and is to hand on the view.
        view: dotted name of the view; the table's with ``_masked`` behind it if empty.
        style: what is shown instead of the value: nothing, or the same for everybody.
    """

    table: str
    column: str
    installation: str
    login: str
    view: str = ""
    style: Style = "null"

    @property
    def names(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Schema and name of table and view; raises InvalidInput."""
        schema, table = _name(self.table, "object")
        if self.view:
            return (schema, table), _name(self.view, "view")
        return (schema, table), _name(dotted_name(schema, f"{table}_masked"), "view")


@frozen(kw_only=True)
class _Place:
    """What is there."""

    me: str
    platform: str
    grantor: str
    owner: str
    columns: Sequence[BaseColumn]
    mark: MaskMark | None
    exists: bool
    holders: Sequence[str]


def protect(connection: psycopg.Connection[Any], wanted: Wanted) -> Sequence[str]:
    """Statements that make the view, or add the column to what it masks.

    Raises:
        InvalidInput: it cannot be done, and why. Nothing was changed.
    """
    table, view = wanted.names
    place = _look(connection, wanted)
    column = (*table, wanted.column)
    guard = Guard("column_protected", str(Subject(column)))
    if wanted.column not in {each.name for each in place.columns}:
        raise _refused(wanted, "column", "is no column of it")
    if not answers_to(connection, wanted.installation, [guard])[guard]:
        raise _refused(wanted, "column", "everybody may select it from the table; revoke that")
    if place.exists and place.mark is None:
        raise _refused(
            wanted, "view", f"{dotted_name(*view)} is there and none of ours; choose another"
        )
    target = f"column:{dotted_name(*view)}|{wanted.column}"
    before = {} if place.mark is None else place.mark.masks
    return _made(wanted, place, {**before, wanted.column: Mask(target, wanted.style)})


def unprotect(connection: psycopg.Connection[Any], wanted: Wanted) -> Sequence[str]:
    """Statements that drop the view, and make it again if it masks other columns too.

    Dropped, so that nobody who may read the view sees the column in clear from one moment to the
    next: a new view is another object, and access to it waits.

    Raises:
        InvalidInput: it cannot be done, and why. Nothing was changed.
    """
    _, view = wanted.names
    place = _look(connection, wanted)
    if place.mark is None or wanted.column not in place.mark.masks:
        raise _refused(wanted, "column", f"{dotted_name(*view)} does not mask it")
    others = [name for name in place.holders if name != wanted.login]
    if others:
        raise _refused(
            wanted, "view", f"{', '.join(others)} may read it still; end their access first"
        )
    left = {name: mask for name, mask in place.mark.masks.items() if name != wanted.column}
    return [f"DROP VIEW {_quoted(view)}", *(_made(wanted, place, left) if left else ())]


def run(connection: psycopg.Connection[Any], statements: Sequence[str]) -> None:
    """Run the statements in one transaction.

    Raises:
        ProvisioningError: the server refuses; nothing was changed.
    """
    text = ";\n".join(["SET LOCAL search_path = pg_catalog", *statements])
    try:
        with connection.transaction():
            connection.execute(text.encode())
    except psycopg.Error as error:
        raise ProvisioningError(f"cannot set up the view: {reason(error, [])}") from None


def _made(wanted: Wanted, place: _Place, masks: Mapping[str, Mask]) -> Sequence[str]:
    table, view = wanted.names
    roles = {
        name: (role_name(wanted.installation, mask.target, place.platform), mask.style)
        for name, mask in masks.items()
    }
    statements = [view_statement(view, table, place.columns, roles, place.grantor)]
    if place.owner != place.me:
        owner = quote_identifier(place.owner)
        statements.append(f"ALTER VIEW {_quoted(view)} OWNER TO {owner}")
    mark = MaskMark(wanted.installation, table, masks)
    statements.append(comment_statement(view, mark))
    login = quote_identifier(wanted.login)
    statements.append(f"GRANT SELECT ON TABLE {_quoted(view)} TO {login} WITH GRANT OPTION")
    return statements


def _look(connection: psycopg.Connection[Any], wanted: Wanted) -> _Place:
    """What is there; InvalidInput if a view cannot mask anything of it."""
    table, view = wanted.names
    with connection.transaction():
        connection.execute("SET LOCAL search_path = pg_catalog")
        here = connection.execute(_HERE, [wanted.login]).fetchone()
        found = connection.execute(_TABLE, table).fetchone()
        there = connection.execute(_TABLE, view).fetchone()
        rows = connection.execute(_COLUMNS, [found[0]]).fetchall() if found else []
    if here is None or here[2] is None:
        raise _refused(wanted, "login", f"there is no role {wanted.login}")
    if found is None or found[1] not in _READABLE:
        raise _refused(wanted, "object", "there is no such table or view; give schema.table")
    if found[3]:
        raise _refused(
            wanted, "object", "it has row level security, which a view would not pass on"
        )
    mark = None if there is None else MaskMark.read(there[4])
    if mark is not None and (mark.installation, mark.table) != (wanted.installation, table):
        raise _refused(
            wanted, "view", f"it masks {dotted_name(*mark.table)} for {mark.installation}"
        )
    return _Place(
        me=here[0],
        platform=f"postgres:{here[1]}",
        grantor=here[3],
        owner=found[2],
        columns=[BaseColumn(*row) for row in rows],
        mark=mark,
        exists=there is not None,
        holders=() if there is None else there[5],
    )


def _name(text: str, path: str) -> tuple[str, str]:
    try:
        parts = split_name(text)
        for part in parts:
            quote_identifier(part)
        schema, name = parts
    except ValueError:
        raise InvalidInput(
            f"cannot use {text!r}",
            problems=[Problem(path, "must be schema.name, each of at most 63 bytes")],
            hint="put a part with a dot into double quotes; --view gives the view another name",
        ) from None
    return schema, name


def _refused(wanted: Wanted, path: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"cannot change the mask of column {wanted.column} of {wanted.table}",
        problems=[Problem(path, why)],
    )


def _quoted(name: tuple[str, str]) -> str:
    return ".".join(quote_identifier(part) for part in name)
