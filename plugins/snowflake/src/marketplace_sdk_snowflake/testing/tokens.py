"""Text of a statement to tokens. Nothing is understood here."""

from __future__ import annotations

import re

from attrs import frozen

from marketplace_sdk_snowflake.testing.refusals import Refused, syntax

__all__ = ["Token", "tokenize"]

_PATTERN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
  | (?P<name>"(?:[^"]|"")*")
  | (?P<string>'(?:[^'\\]|''|\\.)*')
  | (?P<dollar>\$\$.*?\$\$)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<sign>->|=>|::|<>|!=|<=|>=|\|\||[-+*/(),.;=<>?])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f"}


@frozen
class Token:
    """One token: ``kind`` is word, name, string, number, sign or end.

    ``value`` is the meaning: a word in upper case, a quoted name without quotes, a string without
    quotes and escapes.
    """

    kind: str
    value: str
    start: int
    end: int


def tokenize(text: str, *, fold_names: bool = False) -> list[Token]:
    """The tokens of a statement, the last of them ``end``.

    ``fold_names`` is the session parameter QUOTED_IDENTIFIERS_IGNORE_CASE.

    Raises:
        Refused: 001003, at a character that begins no token.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        found = _PATTERN.match(text, position)
        if found is None:
            raise syntax(text, position, text[position])
        kind = str(found.lastgroup)
        if kind != "space":
            tokens.append(_token(kind, found.group(), position, fold_names=fold_names))
        position = found.end()
    tokens.append(Token("end", "<EOF>", position, position))
    return tokens


def _token(kind: str, raw: str, start: int, *, fold_names: bool) -> Token:
    value = raw
    if kind == "word":
        value = raw.upper()
    elif kind == "name":
        value = raw[1:-1].replace('""', '"')
        if not value:
            raise Refused(1003, "42000", "SQL compilation error:\nempty identifier")
        value = value.upper() if fold_names else value
    elif kind == "string":
        value = _unescape(raw[1:-1])
    elif kind == "dollar":
        kind, value = "string", raw[2:-2]
    return Token(kind, value, start, start + len(raw))


def _unescape(text: str) -> str:
    return re.sub(
        r"''|\\(.)",
        lambda found: (
            "'" if found.group(1) is None else _ESCAPES.get(found.group(1), found.group(1))
        ),
        text,
        flags=re.DOTALL,
    )
