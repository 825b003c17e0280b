"""SQL cut into tokens, and what a statement is refused with."""

from __future__ import annotations

import re
from typing import Literal

import attrs

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<quoted>`(?:[^`]|``)+`)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<marker>:[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign><=|>=|<>|!=|[=<>(),.*;])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


class SqlError(Exception):
    """A statement that fails: HTTP 200 with the state FAILED.

    Args:
        condition: name of the error condition, as it stands in the message.
    """

    def __init__(self, condition: str, message: str) -> None:
        super().__init__(f"[{condition}] {message}")
        self.condition = condition


@attrs.frozen
class Token:
    """A piece of a statement; names and texts without their quotes.

    Attributes:
        start: where it begins in the statement.
    """

    kind: Literal["number", "text", "quoted", "word", "marker", "sign", "end"]
    value: str
    start: int
    stop: int


def tokens(statement: str) -> list[Token]:
    """The tokens of a statement, with one of kind ``end`` last.

    Two literals in a row are refused: up to Spark 3 they are one text, from Spark 4 on an escaped
    quote, so a text that depends on it means two things.

    Raises:
        SqlError: a character that no token begins with.
    """
    found: list[Token] = []
    place = 0
    while place < len(statement):
        match = _TOKEN.match(statement, place)
        if match is None:
            raise SqlError("PARSE_SYNTAX_ERROR", f"Syntax error at position {place}.")
        place = match.end()
        kind, value = match.lastgroup, match.group()
        if kind == "space":
            continue
        if kind == "text":
            if found and found[-1].kind == "text" and found[-1].stop == match.start():
                raise SqlError("PARSE_SYNTAX_ERROR", "Two literals in a row are ambiguous.")
            value = re.sub(
                r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), value[1:-1], flags=re.DOTALL
            )
        elif kind == "quoted":
            value = value[1:-1].replace("``", "`")
        elif kind == "marker":
            value = value[1:]
        found.append(Token(kind, value, match.start(), place))  # type: ignore[arg-type]  # the groups of the pattern are the kinds
    found.append(Token("end", "", len(statement), len(statement)))
    return found
