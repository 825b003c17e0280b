"""Masking policies as text: our own, and the line that lets holders of an exception through. Pure.

A policy asks who is reading in one line, the *hook*: for an unmask role, or in the table of
entitlements. Nothing else of it matters to us, and a policy of somebody else is never changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from attrs import frozen

from marketplace_sdk.plugin import dotted_name, split_name
from marketplace_sdk_snowflake.naming import (
    Grantee,
    Marker,
    quote_identifier,
    quote_literal,
    quote_name,
)

__all__ = [
    "ColumnName",
    "Style",
    "Subject",
    "asks",
    "condition_of",
    "create_policy",
    "drop_policy",
    "entitlement_condition",
    "fingerprint",
    "hook_line",
    "is_ours",
    "role_condition",
    "set_policy",
    "show_policies",
    "target_key",
    "unset_policy",
]

Style: TypeAlias = Literal["null", "fixed"]
ColumnName: TypeAlias = tuple[str, str, str, str]
"""Database, schema, table and column."""

_PARTS = 4
_TYPE = re.compile(r"[A-Z][A-Z_ ]*(\([0-9A-Z, ]+\))?")
_FIXED = {"VARCHAR": "'*****'", "NUMBER": "0", "FLOAT": "0", "BOOLEAN": "FALSE"}
_QUOTED = r'((?:"(?:[^"]|"")+"\.){3}"(?:[^"]|"")+")'
_HOOKED = re.compile(_QUOTED + r" with (.+)", re.DOTALL)
_TOKEN = re.compile(
    r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\s+|[^'\"\s/-]+|.", re.DOTALL
)
_AGENT = "SYS_CONTEXT('SNOWFLAKE$CURRENT', 'IS_AGENT_ACTIVATED')::BOOLEAN"


@frozen
class Subject:
    """What a guard is about, as a text that people and this plugin can read.

    Attributes:
        column: that must not be readable for everybody.
        hook: the line that its policy must hold; empty: any policy will do.
    """

    column: ColumnName
    hook: str = ""

    def __str__(self) -> str:
        if not self.hook:
            return dotted_name(*self.column)
        return f"{quote_name(*self.column)} with {self.hook}"

    @classmethod
    def read(cls, text: str) -> Subject:
        """The subject in parts; ValueError if it is none."""
        hooked = _HOOKED.fullmatch(text)
        parts = split_name(text if hooked is None else hooked[1])
        if len(parts) != _PARTS:
            raise ValueError("not the name of a column")
        return cls((parts[0], parts[1], parts[2], parts[3]), "" if hooked is None else hooked[2])


def target_key(column: ColumnName) -> str:
    """The key by which an unmask role or an entitlement belongs to a column."""
    return f"column:{dotted_name(*column[:3])}|{column[3]}"


def role_condition(grantee: Grantee) -> str:
    """Whether the reader holds an unmask role, as primary or secondary role or below one.

    A database role is named without its database: with it, Snowflake answers no.
    """
    function = "IS_ROLE_IN_SESSION" if grantee.database is None else "IS_DATABASE_ROLE_IN_SESSION"
    return f"{function}({quote_literal(grantee.name)})"


def entitlement_condition(table: Sequence[str], key: str) -> str:
    """Whether the reader has an entitlement that has not ended."""
    return (
        f"EXISTS (SELECT 1 FROM {quote_name(*table)} e"  # noqa: S608 - quoted
        f' WHERE e."COLUMN_KEY" = {quote_literal(key)} AND e."SUBJECT" = CURRENT_USER()'
        ' AND e."EXPIRES_AT" > CURRENT_TIMESTAMP())'
    )


def hook_line(condition: str, argument: str = "val") -> str:
    """The line of a policy that lets the reader through."""
    return f"WHEN {condition} THEN {argument}"


def condition_of(hook: str) -> str:
    """The condition in such a line."""
    return hook.removeprefix("WHEN ").rpartition(" THEN ")[0]


def asks(body: str, condition: str) -> bool:
    """Whether a policy's body has a branch with exactly this condition; comments do not count."""
    return f" WHEN {_plain(condition)} THEN " in f" {_plain(body)} "


def create_policy(
    policy: Sequence[str],
    type: str,
    condition: str,
    marker: Marker,
    style: Style = "fixed",
    *,
    agents: bool = True,
) -> str:
    """The statement that makes a policy of ours.

    Args:
        policy: database, schema and name.
        type: of the column, as DESCRIBE TABLE has it.
        condition: who sees the value.
        marker: its comment.
        style: what the others see: the same for everybody where the type has such a value, or
            nothing.
        agents: false: what an AI agent does for a person never shows the value.

    Raises:
        ValueError: the type is none that can be masked.
    """
    family = _family(type)
    # The size of a text does not matter; the scale of a number would.
    full = family if family in ("VARCHAR", "BINARY") else type
    if not _TYPE.fullmatch(full):
        raise ValueError(f"columns of type {type} cannot be masked")
    return (
        f"CREATE MASKING POLICY {quote_name(*policy)} AS (val {full}) RETURNS {full} ->"
        f" {_body(type, condition, style, agents=agents)} COMMENT = {quote_literal(str(marker))}"
    )


def is_ours(body: str, type: str, condition: str) -> bool:
    """Whether a policy's body is still one that we made, whatever it shows to others."""
    made = {
        _plain(_body(type, condition, style, agents=agents))
        for style in get_args(Style)
        for agents in (True, False)
    }
    return _plain(body) in made


def fingerprint(signature: str, returns: str, body: str) -> str:
    """What tells a policy from what it was when a person read it: any change of its text."""
    return hashlib.sha256(json.dumps([signature, returns, body]).encode()).hexdigest()


def _body(type: str, condition: str, style: Style, *, agents: bool) -> str:
    instead = _FIXED.get(_family(type), "NULL") if style == "fixed" else "NULL"
    refused = "" if agents else f"WHEN {_AGENT} THEN {instead} "
    return f"CASE {refused}{hook_line(condition)} ELSE {instead} END"


def _family(type: str) -> str:
    return type.partition("(")[0].strip()


def set_policy(keyword: str, column: ColumnName, policy: Sequence[str]) -> str:
    """Puts a policy on a column that has none; fails if it has one."""
    return f"{_alter(keyword, column)} SET MASKING POLICY {quote_name(*policy)}"


def unset_policy(keyword: str, column: ColumnName) -> str:
    """Takes the policy from a column; an administrator's act, no approval's."""
    return f"{_alter(keyword, column)} UNSET MASKING POLICY"


def drop_policy(policy: Sequence[str]) -> str:
    """Drops a policy that sits on nothing any more."""
    return f"DROP MASKING POLICY {quote_name(*policy)}"


def show_policies(schema: Sequence[str]) -> str:
    """The masking policies of a schema, with their comments."""
    return f"SHOW MASKING POLICIES IN SCHEMA {quote_name(*schema)}"


def _alter(keyword: str, column: ColumnName) -> str:
    name = quote_name(*column[:3])
    return f"ALTER {keyword} {name} MODIFY COLUMN {quote_identifier(column[3])}"


def _plain(text: str) -> str:
    """The text with one blank between words, capitals outside quotes, and no comments."""
    words = []
    for token in _TOKEN.findall(text):
        if token.isspace() or token.startswith(("--", "/*")):
            words.append(" ")
        elif token[0] in "'\"":
            words.append(token)
        else:
            words.append(re.sub(r"\s*([(),.=<>])\s*", r" \1 ", token.upper()))
    return " ".join("".join(words).split())
