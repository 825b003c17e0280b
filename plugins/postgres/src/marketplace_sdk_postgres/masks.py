"""A view that masks columns for everybody but the members of their unmask roles. Pure text.

The view carries a comment that says which columns it masks, with a digest of the query that the
server keeps. A view that was changed since, in whatever way, has another query and masks nothing
as far as we are concerned.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import evolve, frozen

from marketplace_sdk_postgres.naming import quote_identifier, quote_literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "DIGEST",
    "FIRST_WORDS",
    "BaseColumn",
    "Mask",
    "MaskMark",
    "Style",
    "comment_statement",
    "view_statement",
]

Style: TypeAlias = Literal["null", "fixed"]

DIGEST = "encode(sha256(convert_to(pg_get_viewdef({oid}), 'UTF8')), 'hex')"
"""SQL of the digest of a view's query; with ``search_path = pg_catalog``, as names depend on it."""

FIRST_WORDS = "marketplace mask "
"""What the comment on such a view begins with."""

_BY_CATEGORY = {"S": "***", "N": "0", "B": "false"}
_BY_TYPE = {
    "date": "1970-01-01",
    "timestamp": "1970-01-01",
    "timestamptz": "1970-01-01",
    "time": "00:00",
    "timetz": "00:00",
    "interval": "0",
    "uuid": "00000000-0000-0000-0000-000000000000",
}


@frozen
class Mask:
    """How one column is masked: for whom not, and what the others get.

    Attributes:
        target: key of the target whose role's members see the value.
        style: of what the others get.
    """

    target: str
    style: Style


@frozen
class BaseColumn:
    """A column of the table behind the view.

    Attributes:
        name: of the column.
        type: its SQL text, of the type below if it is a domain.
        base: name of that type.
        category: of that type, as in ``pg_type.typcategory``.
    """

    name: str
    type: str
    base: str
    category: str


@frozen
class MaskMark:
    """What the comment on a view says.

    Attributes:
        installation: whose unmask roles it asks for.
        table: schema and name of the table behind it.
        masks: by column.
        digest: of its query; empty text before it is known.
    """

    installation: str
    table: tuple[str, str]
    masks: Mapping[str, Mask]
    digest: str = ""

    def __str__(self) -> str:
        plain = {
            "table": list(self.table),
            "columns": {name: [mask.style, mask.target] for name, mask in self.masks.items()},
            "digest": self.digest,
        }
        return f"{FIRST_WORDS}{self.installation} {json.dumps(plain)}"

    @classmethod
    def read(cls, comment: str | None) -> MaskMark | None:
        """The mark in a comment, or None if it holds none."""
        if not (comment or "").startswith(FIRST_WORDS):
            return None
        installation, _, rest = (comment or "").removeprefix(FIRST_WORDS).partition(" ")
        try:
            plain: Any = json.loads(rest)
            masks = {
                name: Mask(target, style) for name, (style, target) in plain["columns"].items()
            }
            schema, table = plain["table"]
            return cls(installation, (schema, table), masks, plain["digest"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def view_statement(
    view: tuple[str, str],
    table: tuple[str, str],
    columns: Sequence[BaseColumn],
    roles: Mapping[str, tuple[str, Style]],
    login: str,
) -> str:
    """The statement that makes the view, or replaces its query.

    ``current_user`` is who asks, also in a view that reads with its owner's rights, so membership
    is that of the reader. It counts only if the marketplace's login gave it: whoever may create
    roles could make one of that name. The barrier keeps functions of the reader away from what is
    behind it.

    Args:
        view: schema and name of it.
        table: schema and name of the table behind it.
        columns: of the table, in order.
        roles: unmask role and style of each masked column.
        login: whose memberships count.
    """
    selected = ",\n".join(
        f"  {_masked(each, *roles[each.name], login) if each.name in roles else _clear(each)}"
        f" AS {quote_identifier(each.name)}"
        for each in columns
    )
    return (
        f"CREATE OR REPLACE VIEW {_name(view)} WITH (security_barrier = true) AS SELECT\n"
        f"{selected}\nFROM {_name(table)} t"
    )


def comment_statement(view: tuple[str, str], mark: MaskMark) -> str:
    """The statement that marks the view; the server puts the digest in, of what it made of it."""
    name = _name(view)
    # The digest is the end of the text, so that it is put there whatever the names before it hold.
    before, after = str(evolve(mark, digest=""))[:-2], '"}'
    digest = DIGEST.format(oid=f"{quote_literal(name)}::regclass")
    text = f"{quote_literal(before)} || {digest} || {quote_literal(after)}"
    run = f"{quote_literal(f'COMMENT ON VIEW {name} IS ')} || quote_literal({text})"
    return f"DO {quote_literal(f'BEGIN EXECUTE {run}; END')}"


def _masked(column: BaseColumn, role: str, style: Style, login: str) -> str:
    member = (
        "EXISTS (SELECT FROM pg_catalog.pg_auth_members m"
        " JOIN pg_catalog.pg_roles r ON r.oid = m.roleid"
        " JOIN pg_catalog.pg_roles g ON g.oid = m.grantor"
        f" WHERE r.rolname = {quote_literal(role)} AND g.rolname = {quote_literal(login)}"
        " AND NOT m.admin_option AND pg_catalog.pg_has_role(m.member, 'USAGE'))"
    )
    return f"CASE WHEN {member} THEN {_clear(column)} ELSE {_instead(column, style)} END"


def _clear(column: BaseColumn) -> str:
    # Also where nothing is masked: the type of a view's column can never be changed.
    return f"t.{quote_identifier(column.name)}::{column.type}"


def _instead(column: BaseColumn, style: Style) -> str:
    """What others get: nothing, or the same for everybody, if the type has such a value."""
    value = _BY_TYPE.get(column.base, _BY_CATEGORY.get(column.category))
    if style == "null" or value is None:
        return f"NULL::{column.type}"
    return f"{quote_literal(value)}::{column.type}"


def _name(parts: tuple[str, str]) -> str:
    return ".".join(quote_identifier(part) for part in parts)
