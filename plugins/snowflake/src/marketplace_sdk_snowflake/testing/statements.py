"""The statements of the closed grammar, as values."""

from __future__ import annotations

from typing import Any, TypeAlias

from attrs import frozen

from marketplace_sdk_snowflake.testing.expressions import Expression, Select

__all__ = [
    "AlterSession",
    "AttachPolicy",
    "ChangeOwner",
    "ColumnDefinition",
    "CreateContainer",
    "CreatePolicy",
    "CreateRelation",
    "CreateRole",
    "CreateTag",
    "Delete",
    "Describe",
    "Drop",
    "GrantInherited",
    "GrantPrivileges",
    "GrantRole",
    "Insert",
    "Merge",
    "Name",
    "Query",
    "ReplaceBody",
    "SetComment",
    "SetTag",
    "SetTagPolicy",
    "Show",
    "ShowGrants",
    "Statement",
    "Target",
    "Transaction",
    "Update",
    "Use",
]

Name: TypeAlias = tuple[str, ...]


class Statement:
    """Any statement of the grammar."""


@frozen
class Target:
    """A thing with a kind, as it stands in the statement: a role, a user, an object."""

    kind: str
    name: Name = ()


@frozen
class CreateRole(Statement):
    """CREATE [DATABASE] ROLE."""

    role: Target
    comment: str = ""
    if_missing: bool = False
    replace: bool = False


@frozen
class CreateContainer(Statement):
    """CREATE DATABASE, SCHEMA or USER."""

    target: Target
    comment: str = ""
    if_missing: bool = False
    managed: bool = False


@frozen
class ColumnDefinition:
    """A column in CREATE TABLE, perhaps with a policy from its first moment on."""

    name: str
    type: str
    required: bool = False
    policy: Name | None = None
    using: tuple[str, ...] = ()


@frozen
class CreateRelation(Statement):
    """CREATE TABLE or VIEW; a view has a query instead of columns."""

    target: Target
    columns: tuple[ColumnDefinition, ...] = ()
    query: Select | None = None
    query_text: str = ""
    secure: bool = False
    comment: str = ""
    if_missing: bool = False
    replace: bool = False
    copy_grants: bool = False


@frozen
class CreatePolicy(Statement):
    """CREATE MASKING POLICY. ``arguments`` are (name, type)."""

    target: Target
    arguments: tuple[tuple[str, str], ...]
    returns: str
    body: Expression
    body_text: str
    comment: str = ""
    if_missing: bool = False
    replace: bool = False


@frozen
class ReplaceBody(Statement):
    """ALTER MASKING POLICY ... SET BODY."""

    target: Target
    body: Expression
    body_text: str


@frozen
class CreateTag(Statement):
    """CREATE TAG."""

    target: Target
    comment: str = ""
    if_missing: bool = False


@frozen
class SetTag(Statement):
    """ALTER ... SET TAG and UNSET TAG, of an object or of a column; ``value`` None takes it off."""

    target: Target
    column: str | None
    tag: Name
    value: str | None


@frozen
class SetTagPolicy(Statement):
    """ALTER TAG ... SET or UNSET MASKING POLICY."""

    tag: Target
    policy: Name
    attach: bool
    force: bool = False


@frozen
class AttachPolicy(Statement):
    """ALTER TABLE or VIEW ... SET or UNSET MASKING POLICY; ``policy`` None takes it off."""

    target: Target
    column: str
    policy: Name | None
    using: tuple[str, ...] = ()
    force: bool = False


@frozen
class SetComment(Statement):
    """ALTER ROLE ... SET COMMENT, and COMMENT ON."""

    target: Target
    comment: str
    if_exists: bool = False


@frozen
class Drop(Statement):
    """DROP of anything."""

    target: Target
    if_exists: bool = False


@frozen
class GrantRole(Statement):
    """GRANT and REVOKE of a role or a database role."""

    role: Target
    grantee: Target
    revoke: bool = False
    option: bool = False
    cascade: bool = False


@frozen
class GrantPrivileges(Statement):
    """GRANT and REVOKE of privileges. ``option`` is WITH GRANT OPTION or GRANT OPTION FOR."""

    privileges: tuple[str, ...]
    on: Target
    grantee: Target
    revoke: bool = False
    option: bool = False
    cascade: bool = False


@frozen
class GrantInherited(Statement):
    """GRANT and REVOKE INHERITED: one privilege on all objects of a kind in a container."""

    privileges: tuple[str, ...]
    kind: str
    container: Target
    grantee: Target
    revoke: bool = False


@frozen
class ChangeOwner(Statement):
    """GRANT OWNERSHIP. ``current`` is COPY, REVOKE or nothing."""

    on: Target
    grantee: Target
    current: str = ""


@frozen
class Show(Statement):
    """SHOW of a kind of things."""

    kind: str
    like: str | None = None
    scope: Target | None = None
    starts_with: str | None = None
    limit: int | None = None
    after: str | None = None
    terse: bool = False


@frozen
class ShowGrants(Statement):
    """SHOW GRANTS: ``direction`` is TO, OF or ON; without a target, TO the session's user."""

    direction: str
    target: Target | None
    hierarchy: bool = False
    limit: int | None = None


@frozen
class Describe(Statement):
    """DESCRIBE of one thing."""

    target: Target


@frozen
class Use(Statement):
    """USE ROLE, SECONDARY ROLES, DATABASE, SCHEMA or WAREHOUSE."""

    what: str
    name: Name


@frozen
class AlterSession(Statement):
    """ALTER SESSION SET and UNSET; a value of None takes the parameter back to its default."""

    parameters: tuple[tuple[str, Any], ...]


@frozen
class Transaction(Statement):
    """BEGIN, COMMIT or ROLLBACK."""

    action: str


@frozen
class Query(Statement):
    """SELECT."""

    select: Select


@frozen
class Insert(Statement):
    """INSERT INTO ... VALUES."""

    table: Name
    columns: tuple[str, ...]
    rows: tuple[tuple[Expression, ...], ...]


@frozen
class Update(Statement):
    """UPDATE ... SET ... WHERE."""

    table: Name
    changes: tuple[tuple[str, Expression], ...]
    where: Expression | None


@frozen
class Delete(Statement):
    """DELETE FROM ... WHERE."""

    table: Name
    where: Expression | None


@frozen
class Merge(Statement):
    """MERGE with at most one branch for a match and one for none."""

    table: Name
    alias: str
    source: Select
    source_alias: str
    condition: Expression
    update: tuple[tuple[str, Expression], ...] | None
    delete: bool
    insert: tuple[tuple[str, ...], tuple[Expression, ...]] | None
