"""Setting up a mask on a column, and removing it: an administrator's work, shown before it is done.

Everything is read first and refused before anything is changed. No approval ever comes here, and
what somebody else has put on a column is neither replaced nor dropped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from attrs import frozen
from databricks.sdk import errors
from databricks.sdk.service.catalog import (
    ColumnMaskOptions,
    MatchColumn,
    PolicyInfo,
    PolicyType,
    SecurableType,
)

from marketplace_sdk.plugin import InvalidInput, Problem
from marketplace_sdk_databricks import members, principals
from marketplace_sdk_databricks.conditions import holds
from marketplace_sdk_databricks.exceptions import ExceptionTable
from marketplace_sdk_databricks.masking import column_tags
from marketplace_sdk_databricks.masks import Style, body, exception_key, fingerprint
from marketplace_sdk_databricks.naming import (
    as_path,
    quote_identifier,
    quote_literal,
    quote_name,
    split_name,
)
from marketplace_sdk_databricks.principals import EVERYBODY
from marketplace_sdk_databricks.securables import get_table, is_view, path
from marketplace_sdk_databricks.steps import Step, sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from databricks.sdk.service.catalog import TableInfo

    from marketplace_sdk_databricks.masks import Mask
    from marketplace_sdk_databricks.site import Site

__all__ = ["Wanted", "plan_protect", "plan_unprotect"]

_ROUTINE = "marketplace mask"
_PLAIN_TYPE = re.compile(r"[A-Z][A-Z0-9_]*(\([0-9, ]+\))?")


@frozen(kw_only=True)
class Wanted:
    """What an administrator asks for.

    Attributes:
        table: dotted name of the table, as it would be registered.
        column: its column to be masked.
        how: ``function`` (a mask function that asks for our group), ``exceptions`` (one that asks
            the table of exceptions) or ``policy`` (a policy that excepts our group).
        style: what others see: nothing, or ``***``.
        schema: where our function goes; the table's own schema if empty.
        function: for ``policy``, the dotted name of the masking function that there is already.
        condition: for ``policy``, on the tags of the column, for example ``has_tag('pii')``.
    """

    table: str
    column: str
    how: Literal["function", "exceptions", "policy"] = "function"
    style: Style = "null"
    schema: str = ""
    function: str = ""
    condition: str = ""


def plan_protect(site: Site, wanted: Wanted) -> Sequence[Step]:
    """What has to be done so that the column is masked and an exception can be made from it.

    Raises:
        InvalidInput: it cannot be done, and why. Nothing was changed.
        OSError: it cannot be looked.
    """
    place = _look(site, wanted)
    if place.mask is not None and place.mask.state == _STATES[wanted.how]:
        return _group(site, wanted, place)
    if place.mask is not None:
        raise _refused(
            wanted,
            "column",
            f"it carries {place.mask.by} already, and a second mask breaks queries",
        )
    if wanted.how == "policy":
        return [*_group(site, wanted, place), _policy(site, wanted, place)]
    return [*_group(site, wanted, place), *_function(site, wanted, place)]


def plan_unprotect(site: Site, wanted: Wanted) -> Sequence[Step]:
    """What has to be done so that our mask is gone, and nothing else.

    Raises:
        InvalidInput: the mask is not ours, or is not as it was set up. Nothing was changed.
        OSError: it cannot be looked.
    """
    place = _look(site, wanted)
    if place.mask is None:
        raise _refused(wanted, "column", "it has no mask")
    if place.mask.state not in ("ours", "exceptions"):
        raise _refused(
            wanted, "column", f"it carries {place.mask.by}, which is not as we set it up"
        )
    if place.mask.by.startswith("policy"):
        name, ours = place.name, place.ours
        return [
            Step(
                f"DROP POLICY {quote_identifier(ours)} ON TABLE {quote_name(name)}",
                lambda site: site.client.policies.delete_policy("table", path(name), as_path(ours)),
            )
        ]
    function = place.mask.by.removeprefix("mask function ")
    table, column = quote_name(place.name), quote_identifier(place.column)
    return [
        sql(f"ALTER TABLE {table} ALTER COLUMN {column} DROP MASK"),
        sql(f"DROP FUNCTION {quote_name(function)}"),
    ]


_STATES = {"function": "ours", "exceptions": "exceptions", "policy": "ours"}


@frozen(kw_only=True)
class _Place:
    """What is there."""

    name: str
    column: str
    type: str
    ours: str
    mask: Mask | None
    table: TableInfo


def _look(site: Site, wanted: Wanted) -> _Place:
    """The column and its mask; InvalidInput if it is none that can be masked."""
    try:
        name = ".".join(split_name(wanted.table))
    except ValueError as error:
        raise _refused(wanted, "object", str(error)) from None
    table = get_table(site.client, name)
    if table is None:
        raise _refused(wanted, "object", "there is no such table, or it may not be seen")
    if is_view(table):
        raise _refused(wanted, "object", "a view has no masks; protect the table below it")
    found = {(each.name or "").lower(): each for each in table.columns or ()}
    column = found.get(wanted.column.lower())
    if column is None:
        raise _refused(wanted, "column", "is no column of it")
    own = column.name or ""
    masks = site.masking.read(site.client, table, site.platform, {own})
    return _Place(
        name=name,
        column=own,
        type=(column.type_text or "string").upper(),
        ours=site.masking.group(name, own, site.platform),
        mask=masks.get(own),
        table=table,
    )


def _group(site: Site, wanted: Wanted, place: _Place) -> Sequence[Step]:
    """The group that exceptions are made with, if there is none yet."""
    if wanted.how == "exceptions" or principals.find_group(site.client, place.ours) is not None:
        return []
    ours = place.ours
    return [
        Step(
            f"create account group {quote_identifier(ours)}",
            lambda site: members.create_group(site.client, ours),
        )
    ]


def _function(site: Site, wanted: Wanted, place: _Place) -> Sequence[Step]:
    if wanted.style == "fixed" and place.type != "STRING":
        raise _refused(wanted, "mask", "a fixed text is for STRING columns only")
    if not _PLAIN_TYPE.fullmatch(place.type):
        # Names of fields are texts of whoever made the table, and would stand in our statement.
        raise _refused(wanted, "column", f"is of type {place.type}, for which no function is made")
    if not site.warehouse:
        raise _refused(wanted, "warehouse_id", "is needed, as masks are set by SQL")
    schema = wanted.schema or place.name.rpartition(".")[0]
    try:
        schema = ".".join(split_name(schema, 2))
    except ValueError as error:
        raise _refused(wanted, "schema", str(error)) from None
    function = f"{schema}.{place.ours}"
    steps = []
    if wanted.how == "exceptions":
        if not site.masking.exceptions:
            raise _refused(wanted, "exception_table", "is not configured for this connection")
        steps.append(
            sql(ExceptionTable.created(site.masking.exceptions, site.masking.installation))
        )
        text = body(
            wanted.style,
            exceptions=site.masking.exceptions,
            key=exception_key(place.name, place.column),
        )
    else:
        text = body(wanted.style, group=place.ours)
    comment = f"{_ROUTINE} {site.masking.installation} {place.name}.{place.column}"
    made = (
        f"CREATE FUNCTION {quote_name(function)}(v {place.type}) RETURNS {place.type}"
        f" COMMENT {quote_literal(comment)} RETURN {text}"
    )
    if not _is_there(site, function, text, wanted):
        steps.append(sql(made))
    table, column = quote_name(place.name), quote_identifier(place.column)
    steps.append(sql(f"ALTER TABLE {table} ALTER COLUMN {column} SET MASK {quote_name(function)}"))
    return steps


def _is_there(site: Site, function: str, text: str, wanted: Wanted) -> bool:
    """Whether the function was made before, as when a set-up was broken off."""
    try:
        found = site.client.functions.get(path(function))
    except errors.NotFound:
        return False
    if " ".join((found.routine_definition or "").split()) != " ".join(text.split()):
        raise _refused(wanted, "schema", f"function {function} is there and is another one")
    return True


def _policy(site: Site, wanted: Wanted, place: _Place) -> Step:
    tags = column_tags(site.client, place.name, place.column)
    if not wanted.condition or holds(wanted.condition, tags) is not True:
        raise _refused(
            wanted,
            "condition",
            "must be true of the column's tags, in has_tag and has_tag_value with AND, OR and NOT",
        )
    others = [
        each.name
        for each in place.table.columns or ()
        if each.name != place.column
        and holds(wanted.condition, column_tags(site.client, place.name, each.name or ""))
    ]
    if others:
        raise _refused(
            wanted, "condition", f"is true of {', '.join(map(str, others))} too; pick one column"
        )
    try:
        function = ".".join(split_name(wanted.function))
        text = site.client.functions.get(path(function)).routine_definition or ""
    except (ValueError, errors.NotFound):
        raise _refused(
            wanted, "function", "must be the catalog.schema.name of a masking function that exists"
        ) from None
    policy = PolicyInfo(
        name=place.ours,
        # The print comes last, by which the function is known again.
        comment=f"{_ROUTINE} {site.masking.installation} {place.name}.{place.column}"
        f" {fingerprint(text)}",
        on_securable_type=SecurableType.TABLE,
        on_securable_fullname=place.name,
        policy_type=PolicyType.POLICY_TYPE_COLUMN_MASK,
        for_securable_type=SecurableType.TABLE,
        to_principals=[EVERYBODY],
        except_principals=[place.ours],
        match_columns=[MatchColumn(alias="masked", condition=wanted.condition)],
        column_mask=ColumnMaskOptions(function_name=function, on_column="masked"),
    )
    shown = (
        f"CREATE POLICY {quote_identifier(place.ours)} ON TABLE {quote_name(place.name)}"
        f" COLUMN MASK {quote_name(function)} TO {quote_identifier(EVERYBODY)}"
        f" EXCEPT {quote_identifier(place.ours)} FOR TABLES"
        f" MATCH COLUMNS {wanted.condition} AS masked ON COLUMN masked"
    )
    return Step(shown, lambda site: site.client.policies.create_policy(policy))


def _refused(wanted: Wanted, path: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"cannot change the mask of column {wanted.column} of {wanted.table}",
        problems=[Problem(path, why)],
    )
