"""Names and literals of PostgreSQL: the only place where SQL text is quoted. All of it is pure."""

from __future__ import annotations

import hashlib
import re

from attrs import frozen

__all__ = [
    "Marker",
    "quote_identifier",
    "quote_literal",
    "role_name",
    "role_prefix",
]

LONGEST = 63
"""Bytes of an identifier; PostgreSQL cuts a longer one silently."""

_READABLE = 20
_DIGITS = 12


def quote_identifier(name: str) -> str:
    """A name as an SQL identifier, always quoted.

    Raises:
        ValueError: empty, with NUL or broken characters, or over 63 bytes of UTF-8, which the
            server would cut to the name of something else.
    """
    if not name:
        raise ValueError("an identifier must not be empty")
    _check_text(name)
    if len(name.encode()) > LONGEST:
        raise ValueError(f"an identifier must have at most {LONGEST} bytes")
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """A text as an SQL string, whatever ``standard_conforming_strings`` says.

    Raises:
        ValueError: it holds NUL or broken characters, which no text of PostgreSQL can.
    """
    _check_text(text)
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def role_prefix(installation: str) -> str:
    """What the names of all roles of an installation begin with."""
    return f"mp_{_slug(installation)[:16]}_"


def role_name(installation: str, target: str, platform: str) -> str:
    """The role of a target in one database: the same on every pass, at most 63 bytes.

    Roles are shared by all databases of a server, so the database is a part of it; the server's
    identity is not, because an upgrade in place gives another one and keeps the roles.
    """
    database = platform.rpartition("/")[2]
    seed = f"{installation}\0{database}\0{target}".encode()
    digest = hashlib.sha256(seed).hexdigest()[:_DIGITS]
    readable = _slug(target)[:_READABLE].strip("_")
    return f"{role_prefix(installation)}{readable}_{digest}"


@frozen
class Marker:
    """What the comment on a role says about whose it is."""

    installation: str
    target: str

    def __str__(self) -> str:
        return f"marketplace {self.installation} {self.target}"

    @classmethod
    def read(cls, comment: str | None) -> Marker | None:
        """The marker in a comment, or None if it holds none."""
        words = (comment or "").split(" ", 2)
        if len(words) != 3 or words[0] != "marketplace":  # noqa: PLR2004 - as it is written
            return None
        return cls(words[1], words[2])


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("NUL is not allowed in PostgreSQL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("broken characters are not allowed in PostgreSQL") from None
