"""Names and literals of Snowflake: the only place where SQL text is quoted. All of it is pure."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Literal

from attrs import frozen

from marketplace_sdk.plugin import dotted_name, split_name

__all__ = [
    "Grantee",
    "Marker",
    "RoleKind",
    "digest",
    "escape_pattern",
    "policy_name",
    "quote_identifier",
    "quote_literal",
    "quote_name",
    "role_name",
    "role_prefix",
]

RoleKind = Literal["R", "U"]
"""``R`` reads the objects of a product, ``U`` unmasks one column."""

LONGEST = 255
"""Characters of an identifier."""

_READABLE = 80
_DIGITS = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def quote_identifier(name: str) -> str:
    """A name as an SQL identifier, always quoted, so that Snowflake takes it letter by letter.

    Raises:
        ValueError: empty, over 255 characters, or with control or broken characters.
    """
    if not name:
        raise ValueError("an identifier must not be empty")
    _check_text(name)
    if _CONTROL.search(name):
        raise ValueError("an identifier must not hold control characters")
    if len(name) > LONGEST:
        raise ValueError(f"an identifier must have at most {LONGEST} characters")
    return '"' + name.replace('"', '""') + '"'


def quote_name(*parts: str) -> str:
    """The parts as one qualified identifier."""
    return ".".join(quote_identifier(part) for part in parts)


def quote_literal(text: str) -> str:
    """A text as an SQL string; a backslash is an escape in Snowflake, so it is doubled as well.

    Raises:
        ValueError: it holds NUL or broken characters.
    """
    _check_text(text)
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def escape_pattern(name: str) -> str:
    """A name as a pattern for ``SHOW ... LIKE``, which matches it in whatever case."""
    return re.sub(r"([\\%_])", r"\\\1", name)


def digest(*parts: str) -> str:
    """Sixteen hexadecimal digits that stand for these texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def role_prefix(installation: str, prefix: str = "MKT") -> str:
    """What the names of all roles of an installation begin with."""
    return f"{prefix}_{_slug(installation)[:16]}_"


def role_name(installation: str, kind: RoleKind, key: str, prefix: str = "MKT") -> str:
    """The role of a target: the same on every pass and in every account.

    The account is no part of it, because a policy that asks for a role may be replicated.

    Args:
        installation: id of the marketplace.
        kind: what the role is for.
        key: ``product:<id>``, or ``column:<object>|<column>`` with names as Snowflake has them.
        prefix: set per connection.
    """
    hashed = hashlib.sha256(f"{installation}\0{kind}\0{key}".encode()).hexdigest()
    readable = _slug(key.partition(":")[2])[:_READABLE].strip("_")
    words = [readable, hashed[:_DIGITS].upper()] if readable else [hashed[:_DIGITS].upper()]
    return f"{role_prefix(installation, prefix)}{kind}_{'_'.join(words)}"


def policy_name(installation: str, column: tuple[str, ...], prefix: str = "MKT") -> str:
    """The masking policy of one column."""
    return role_name(installation, "U", f"column:{dotted_name(*column)}", prefix).replace(
        "_U_", "_M_", 1
    )


@frozen
class Grantee:
    """A role of ours.

    Attributes:
        name: of the role.
        database: in which a database role is; None for an account role.
    """

    name: str
    database: str | None = None

    def __str__(self) -> str:
        return dotted_name(*([] if self.database is None else [self.database]), self.name)

    @property
    def sql(self) -> str:
        """As it stands in statements, with its kind in front."""
        if self.database is None:
            return f"ROLE {quote_identifier(self.name)}"
        return f"DATABASE ROLE {quote_name(self.database, self.name)}"

    @classmethod
    def read(cls, text: str) -> Grantee:
        """The role in a text; ValueError if it is none."""
        parts = split_name(text)
        if len(parts) > 2:  # noqa: PLR2004 - database and name
            raise ValueError("not the name of a role")
        return cls(parts[-1], parts[0] if len(parts) > 1 else None)


@frozen
class Marker:
    """What the comment on a role or a policy says about whose it is.

    Attributes:
        installation: of the marketplace.
        key: of its target.
        kept: an administrator made it, so no pass ever drops it.
    """

    installation: str
    key: str
    kept: bool = False

    def __str__(self) -> str:
        plain: dict[str, object] = {"mkt": 1, "inst": self.installation, "key": self.key}
        if self.kept:
            plain["keep"] = True
        return json.dumps(plain, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def read(cls, comment: str | None) -> Marker | None:
        """The marker in a comment, or None if it holds none."""
        try:
            plain = json.loads(comment or "")
        except ValueError:
            return None
        if not isinstance(plain, dict) or plain.get("mkt") != 1:
            return None
        installation, key = plain.get("inst"), plain.get("key")
        if not isinstance(installation, str) or not isinstance(key, str):
            return None
        return cls(installation, key, plain.get("keep") is True)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("NUL is not allowed in Snowflake")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("broken characters are not allowed in Snowflake") from None
