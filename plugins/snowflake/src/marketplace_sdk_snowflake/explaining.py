"""What an approval runs, and what undoes it, for people who review. Pure; nothing is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marketplace_sdk.plugin import Known, Ref, Resolved, Target, TargetObject, dotted_name
from marketplace_sdk_snowflake.items import Memberships, base, unmask_condition
from marketplace_sdk_snowflake.masks import hook_line
from marketplace_sdk_snowflake.resolving import ROLE
from marketplace_sdk_snowflake.stating import statement

if TYPE_CHECKING:
    from marketplace_sdk_snowflake.masks import ColumnName
    from marketplace_sdk_snowflake.settings import Settings

__all__ = ["explain"]


def explain(
    column: ColumnName,
    *,
    product: str | None,
    member: str,
    kind: str,
    installation: str,
    settings: Settings,
) -> Sequence[str]:
    """Lines of SQL with comments.

    Args:
        column: of the object in question; its last part counts for an exception only.
        product: id of the product for access, or None for an exception on the column.
        member: who is let in, as it would be registered.
        kind: of the object.
        installation: of the marketplace.
        settings: of the connection.
    """
    refs = _resolved(column, kind, member)
    known = Known(installation=installation, resolved=refs)
    (object, who) = refs
    if product is None:
        key, name = f"column:{object.name}|{column[3]}", column[3]
        target = Target(key=key, objects=(TargetObject(object.name),), column=name)
    else:
        target = Target(key=f"product:{product}", objects=(TargetObject(object.name),))
    items = [
        *base(target, known, settings),
        *Memberships.of(target, known, settings).items(refs[who]),
    ]
    given = [statement(item, settings, add=True) for item in items]
    taken = [statement(item, settings, add=False) for item in reversed(items)]
    return list(_lines(column, product, given, taken, installation, settings))


def _lines(
    column: ColumnName,
    product: str | None,
    given: Sequence[str],
    taken: Sequence[str],
    installation: str,
    settings: Settings,
) -> Iterator[str]:
    if product is None:
        line = hook_line(unmask_condition(installation, column, settings))
        yield f"-- the masking policy of the column must hold this line:\n--   {line}"
    yield "-- the first approval runs all of it, later ones the last statement only"
    yield from (f"{text};" for text in given)
    yield "-- when access ends, the first of these; the others with the last member"
    yield from (f"{text};" for text in taken)


def _resolved(column: ColumnName, kind: str, member: str) -> Mapping[Ref, Resolved]:
    name = dotted_name(*column[:3])
    of: Any = dict(zip(("database", "schema", "table"), column, strict=False))
    member_kind = "ROLE" if member.startswith(ROLE) else "USER"
    facts: Any = {"member": member.removeprefix(ROLE), "member_kind": member_kind}
    object, who = Ref("object", name), Ref("principal", member)
    return {
        object: Resolved(
            ref=object, platform="snowflake:", native_id=name, name=name, kind=kind, facts=of
        ),
        who: Resolved(ref=who, platform="snowflake:", native_id=member, name=member, facts=facts),
    }
