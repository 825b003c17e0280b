"""Statements that need a warehouse: the table of entitlements, and references of policies. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from marketplace_sdk_snowflake.naming import quote_identifier, quote_literal, quote_name

__all__ = [
    "NEVER",
    "create_entitlements",
    "delete_entitlement",
    "merge_entitlement",
    "policies_of_object",
    "references_of_view",
    "select_entitlements",
    "tags_of_object",
    "uses_of_policy",
]

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""The end of what has none."""

_REFERENCES = (
    "SELECT POLICY_DB, POLICY_SCHEMA, POLICY_NAME, POLICY_KIND, REF_DATABASE_NAME,"
    " REF_SCHEMA_NAME, REF_ENTITY_NAME, REF_COLUMN_NAME, TAG_NAME, POLICY_STATUS"
)


def create_entitlements(table: Sequence[str]) -> str:
    """The table in which entitlements are, if it is not there."""
    return (
        f'CREATE TABLE IF NOT EXISTS {quote_name(*table)} ("SUBJECT" VARCHAR NOT NULL,'
        ' "COLUMN_KEY" VARCHAR NOT NULL, "REQUEST_ID" VARCHAR NOT NULL,'
        ' "EXPIRES_AT" TIMESTAMP_TZ NOT NULL)'
    )


def select_entitlements(table: Sequence[str], column: str) -> str:
    """Everybody's entitlements on one column."""
    return (
        'SELECT "SUBJECT", "REQUEST_ID",'  # noqa: S608 - quoted
        ' TO_VARCHAR("EXPIRES_AT", \'YYYY-MM-DD"T"HH24:MI:SS.FF6TZH:TZM\') AS "EXPIRES_AT"'
        f' FROM {quote_name(*table)} WHERE "COLUMN_KEY" = {quote_literal(column)}'
    )


def merge_entitlement(
    table: Sequence[str], column: str, subject: str, id: str, until: datetime | None
) -> str:
    """Gives one entitlement, or gives it another end."""
    end = (until or NEVER).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f +00:00")
    return (
        f"MERGE INTO {quote_name(*table)} t USING (SELECT {quote_literal(subject)} AS s,"  # noqa: S608 - quoted
        f" {quote_literal(column)} AS c, {quote_literal(id)} AS r,"
        f" TO_TIMESTAMP_TZ({quote_literal(end)}) AS x) n"
        ' ON t."SUBJECT" = n.s AND t."COLUMN_KEY" = n.c AND t."REQUEST_ID" = n.r'
        ' WHEN MATCHED THEN UPDATE SET "EXPIRES_AT" = n.x'
        ' WHEN NOT MATCHED THEN INSERT ("SUBJECT", "COLUMN_KEY", "REQUEST_ID", "EXPIRES_AT")'
        " VALUES (n.s, n.c, n.r, n.x)"
    )


def delete_entitlement(table: Sequence[str], column: str, id: str) -> str:
    """Takes exactly one entitlement away."""
    return (
        f'DELETE FROM {quote_name(*table)} WHERE "COLUMN_KEY" = {quote_literal(column)}'  # noqa: S608 - quoted
        f' AND "REQUEST_ID" = {quote_literal(id)}'
    )


def policies_of_object(name: Sequence[str]) -> str:
    """The policies on an object and its columns, those that come with a tag too."""
    return _references(
        name[0],
        f"REF_ENTITY_NAME => {quote_literal(quote_name(*name))}, REF_ENTITY_DOMAIN => 'TABLE'",
    )


def uses_of_policy(policy: Sequence[str]) -> str:
    """Everything that a policy sits on."""
    return _references(policy[0], f"POLICY_NAME => {quote_literal(quote_name(*policy))}")


def references_of_view(name: Sequence[str]) -> str:
    """The tables and views that a view reads itself; Snowflake leaves out materialized views."""
    database, schema, view = (quote_literal(quote_identifier(part)) for part in name)
    return (
        "SELECT REFERENCED_DATABASE_NAME, REFERENCED_SCHEMA_NAME, REFERENCED_OBJECT_NAME"  # noqa: S608 - quoted
        f" FROM TABLE(GET_OBJECT_REFERENCES(DATABASE_NAME => {database},"
        f" SCHEMA_NAME => {schema}, OBJECT_NAME => {view}))"
    )


def tags_of_object(name: Sequence[str]) -> str:
    """Tags of an object and of its columns, inherited ones too."""
    function = f"{quote_identifier(name[0])}.INFORMATION_SCHEMA.TAG_REFERENCES_ALL_COLUMNS"
    return (
        "SELECT TAG_DATABASE, TAG_SCHEMA, TAG_NAME, TAG_VALUE, LEVEL, COLUMN_NAME"  # noqa: S608 - quoted
        f" FROM TABLE({function}({quote_literal(quote_name(*name))}, 'TABLE'))"
    )


def _references(database: str, arguments: str) -> str:
    function = f"{quote_identifier(database)}.INFORMATION_SCHEMA.POLICY_REFERENCES"
    return f"{_REFERENCES} FROM TABLE({function}({arguments}))"
