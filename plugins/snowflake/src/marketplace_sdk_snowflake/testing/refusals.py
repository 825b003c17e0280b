"""What the fake answers when it will not: the numbers, states and words of Snowflake."""

from __future__ import annotations

import re

__all__ = [
    "Refused",
    "absent",
    "display",
    "exists",
    "insufficient",
    "not_granted",
    "syntax",
    "unknown_column",
    "unsupported",
]

_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*")


class Refused(Exception):
    """A statement that was refused.

    ``errno`` and ``sqlstate`` are those that the connector hands to its caller.
    """

    def __init__(self, errno: int, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.errno = errno
        self.sqlstate = sqlstate
        self.message = message


def display(name: tuple[str, ...]) -> str:
    """A name as Snowflake shows it: only the parts that need quotes have them."""
    return ".".join(
        part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in name
    )


def syntax(text: str, position: int, near: str) -> Refused:
    """001003: the statement is not in the grammar."""
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1)
    return Refused(
        1003,
        "42000",
        f"SQL compilation error:\nsyntax error line {line} at position {column} "
        f"unexpected '{near}'.",
    )


def absent(kind: str, name: tuple[str, ...], *, looking: bool = False) -> Refused:
    """002003, or 002043 for what only looks: it is not there, or it is hidden."""
    if looking:
        return Refused(
            2043,
            "02000",
            "SQL compilation error:\nObject does not exist, or operation cannot be performed.",
        )
    word, state = ("Object", "42S02") if kind == "RELATION" else (kind.capitalize(), "02000")
    return Refused(
        2003,
        state,
        f"SQL compilation error:\n{word} '{display(name)}' does not exist or not authorized.",
    )


def exists(name: tuple[str, ...]) -> Refused:
    """002002: the name is taken."""
    return Refused(
        2002, "42710", f"SQL compilation error:\nObject '{display(name)}' already exists."
    )


def insufficient(kind: str, name: tuple[str, ...]) -> Refused:
    """003001: the session's roles lack the right."""
    return Refused(
        3001,
        "42501",
        "SQL access control error:\nInsufficient privileges to operate on "
        f"{kind.lower()} '{display(name)}'.",
    )


def not_granted(*, revoke: bool, partially: bool) -> Refused:
    """003102 and 003011 for a grant, 003103 and 003012 for a revocation."""
    errno = (3012 if partially else 3103) if revoke else (3011 if partially else 3102)
    verb = "Revoke" if revoke else "Grant"
    how = "partially executed: privileges" if partially else "not executed: Insufficient privileges"
    tail = " not granted." if partially and not revoke else " not revoked." if partially else "."
    return Refused(errno, "42501", f"SQL access control error:\n{verb} {how}{tail}")


def unknown_column(name: str) -> Refused:
    """000904: no such column."""
    return Refused(
        904,
        "42000",
        f"SQL compilation error: error line 1\ninvalid identifier '{display((name,))}'",
    )


def unsupported(feature: str) -> Refused:
    """000002: not in this edition or this account."""
    return Refused(2, "0A000", f"Unsupported feature '{feature}'.")
