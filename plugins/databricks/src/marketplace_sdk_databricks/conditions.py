"""Which columns a policy's condition on tags picks, as far as that can be told. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["holds"]

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_]+)|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<sign>[(),]))",
    re.DOTALL,
)
_WITH_KEY = {"has_tag", "hastag"}
_WITH_VALUE = {"has_tag_value", "hastagvalue"}


def holds(condition: str, tags: Mapping[str, str]) -> bool | None:
    """Whether a condition is true of a column with these tags; None: it cannot be told.

    Understood are ``has_tag('k')`` and ``has_tag_value('k', 'v')`` with AND, OR, NOT and brackets.
    """
    if not condition.strip():
        return True
    tokens = _tokens(condition)
    if tokens is None:
        return None
    reader = _Reader(tokens, tags)
    try:
        answer = reader.either()
    except _NotUnderstood:
        return None
    return answer if reader.at_end else None


class _NotUnderstood(Exception):
    """Something else stands in the condition."""


def _tokens(condition: str) -> list[str] | None:
    found, place, end = [], 0, len(condition.rstrip())
    while place < end:
        match = _TOKEN.match(condition, place)
        if match is None:
            return None
        found.append(match.group(match.lastgroup or 0))
        place = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[str], tags: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._tags = tags
        self._place = 0

    @property
    def at_end(self) -> bool:
        return self._place == len(self._tokens)

    def either(self) -> bool:
        answer = self._both()
        while self._is("or"):
            other = self._both()
            answer = answer or other
        return answer

    def _both(self) -> bool:
        answer = self._one()
        while self._is("and"):
            other = self._one()
            answer = answer and other
        return answer

    def _one(self) -> bool:
        if self._is("not"):
            return not self._one()
        if self._is("("):
            answer = self.either()
            self._need(")")
            return answer
        word = self._next().lower()
        if word in _WITH_KEY:
            (key,) = self._texts(1)
            return key in self._tags
        if word in _WITH_VALUE:
            key, value = self._texts(2)
            return self._tags.get(key) == value
        raise _NotUnderstood

    def _texts(self, count: int) -> list[str]:
        self._need("(")
        found = []
        for number in range(count):
            if number:
                self._need(",")
            token = self._next()
            if token[:1] not in "'\"":
                raise _NotUnderstood
            found.append(re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL))
        self._need(")")
        return found

    def _next(self) -> str:
        if self.at_end:
            raise _NotUnderstood
        self._place += 1
        return self._tokens[self._place - 1]

    def _is(self, word: str) -> bool:
        if not self.at_end and self._tokens[self._place].lower() == word:
            self._place += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._is(word):
            raise _NotUnderstood
