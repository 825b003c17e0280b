"""A place in the tokens of a statement, and the small moves that every parser makes."""

from __future__ import annotations

from marketplace_sdk_snowflake.testing.refusals import Refused, syntax
from marketplace_sdk_snowflake.testing.tokens import Token, tokenize

__all__ = ["RESERVED", "Cursor"]

RESERVED = frozenset(
    {
        *("ALL", "ALTER", "AND", "ANY", "AS", "BETWEEN", "BY", "CHECK", "COLUMN", "CONNECT"),
        *("CREATE", "CURRENT", "DELETE", "DISTINCT", "DROP", "ELSE", "EXISTS", "FOLLOWING", "FOR"),
        *("FROM", "GRANT", "GROUP", "HAVING", "ILIKE", "IN", "INCREMENT", "INSERT", "INTERSECT"),
        *("INTO", "IS", "LIKE", "MINUS", "NOT", "NULL", "OF", "ON", "OR", "ORDER", "QUALIFY"),
        *("REGEXP", "REVOKE", "RLIKE", "ROW", "ROWS", "SAMPLE", "SELECT", "SET", "SOME", "START"),
        *("TABLE", "TABLESAMPLE", "THEN", "TO", "TRIGGER", "UNION", "UNIQUE", "UPDATE", "VALUES"),
        *("WHENEVER", "WHERE", "WITH"),
    }
)
"""Words that are no names unless they are quoted."""


class Cursor:
    """Reads a statement from left to right."""

    def __init__(self, text: str, *, fold_names: bool = False) -> None:
        self.text = text
        self.binds = 0
        self._tokens = tokenize(text, fold_names=fold_names)
        self._at = 0

    @property
    def token(self) -> Token:
        """The token at this place."""
        return self._tokens[self._at]

    def fail(self) -> Refused:
        """001003, here."""
        near = self.text[self.token.start : self.token.end] or "<EOF>"
        return syntax(self.text, self.token.start, near)

    def advance(self) -> Token:
        """The token at this place, and a step to the next."""
        token = self.token
        if token.kind != "end":
            self._at += 1
        return token

    def at(self, *words: str) -> bool:
        """Whether these keywords or signs come next."""
        ahead = self._tokens[self._at : self._at + len(words)]
        return [t.value for t in ahead if t.kind in {"word", "sign"}] == list(words)

    def accept(self, *words: str) -> bool:
        """Step over these keywords or signs, if they come next."""
        if not self.at(*words):
            return False
        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Step over these keywords or signs.

        Raises:
            Refused: 001003, something else comes next.
        """
        for word in words:
            if not self.accept(word):
                raise self.fail()

    def choose(self, *phrases: str) -> str | None:
        """Step over the first of these phrases that comes next, and say which."""
        return next((phrase for phrase in phrases if self.accept(*phrase.split())), None)

    def one_of(self, *phrases: str) -> str:
        """As ``choose``, but one of them must come next."""
        phrase = self.choose(*phrases)
        if phrase is None:
            raise self.fail()
        return phrase

    def name(self) -> str:
        """One identifier."""
        reserved = self.token.kind == "word" and self.token.value in RESERVED
        if reserved or self.token.kind not in {"word", "name"}:
            raise self.fail()
        return self.advance().value

    def qualified(self, longest: int = 3) -> tuple[str, ...]:
        """An identifier of one to ``longest`` parts."""
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.name())
        if len(parts) > longest:
            raise self.fail()
        return tuple(parts)

    def string(self) -> str:
        """A string literal."""
        if self.token.kind != "string":
            raise self.fail()
        return self.advance().value

    def integer(self) -> int:
        """A number without a fraction."""
        if self.token.kind != "number" or "." in self.token.value:
            raise self.fail()
        return int(self.advance().value)

    def finish(self) -> None:
        """The statement ends here.

        Raises:
            Refused: 000008 when another statement follows, 001003 when something else does.
        """
        self.accept(";")
        if self.token.kind == "end":
            return
        if self._tokens[self._at - 1].value == ";":
            raise Refused(
                8,
                "0A000",
                "Actual statement count 2 did not match the desired statement count 1.",
            )
        raise self.fail()
