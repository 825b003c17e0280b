"""Tokens made into expressions and queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from marketplace_sdk_databricks.testing._expressions import (
    Case,
    Cast,
    Comparison,
    Exists,
    Expression,
    Function,
    IsNull,
    Junction,
    Literal,
    Name,
    Not,
    Query,
    Within,
    WithinQuery,
)
from marketplace_sdk_databricks.testing._tokens import SqlError, Token, tokens

_T = TypeVar("_T")
_COMPARING = {"=", "<>", "!=", "<", ">", "<=", ">="}
_AFTER_TABLE = {"WHERE", "ORDER", "LIMIT"}
_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}


class Parser:
    """Reads a statement from left to right.

    Args:
        statement: the text.
        parameters: values of its named markers.
    """

    def __init__(self, statement: str, parameters: Mapping[str, Any] | None = None) -> None:
        self.statement = statement
        self._tokens = tokens(statement)
        self._parameters = parameters or {}
        self._place = 0

    @property
    def next(self) -> Token:
        """The token that comes."""
        return self._tokens[self._place]

    def take(self) -> Token:
        """That token, which is then behind us."""
        found = self.next
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return found

    def fail(self) -> SqlError:
        """What is said of a token that fits nowhere."""
        found = self.next
        near = self.statement[found.start : found.stop] or "end of input"
        return SqlError("PARSE_SYNTAX_ERROR", f"Syntax error at or near '{near}'.")

    def word(self, *words: str) -> bool:
        """Whether these words come, which are then behind us."""
        ahead = self._tokens[self._place : self._place + len(words)]
        same = all(
            one.kind == "word" and one.value.upper() == word
            for one, word in zip(ahead, words, strict=False)
        )
        if same and len(ahead) == len(words):
            self._place += len(words)
            return True
        return False

    def sign(self, sign: str) -> bool:
        """Whether this sign comes, which is then behind us."""
        if self.next.kind == "sign" and self.next.value == sign:
            self.take()
            return True
        return False

    def expect(self, *words: str) -> None:
        """These words must come.

        Raises:
            SqlError: they do not.
        """
        if not self.word(*words):
            raise self.fail()

    def expect_sign(self, sign: str) -> None:
        """This sign must come.

        Raises:
            SqlError: it does not.
        """
        if not self.sign(sign):
            raise self.fail()

    def end(self) -> None:
        """Nothing but a semicolon may come.

        Raises:
            SqlError: something does.
        """
        self.sign(";")
        if self.next.kind != "end":
            raise self.fail()

    def text(self) -> str:
        """A literal text."""
        if self.next.kind != "text":
            raise self.fail()
        return self.take().value

    def identifier(self) -> str:
        """One part of a name."""
        if self.next.kind not in {"word", "quoted"}:
            raise self.fail()
        return self.take().value

    def name(self) -> str:
        """A name with its dots; parts that hold a dot are refused, as Unity Catalog does."""
        parts = [self.identifier()]
        while self.sign("."):
            parts.append(self.identifier())
        if any("." in part for part in parts):
            raise SqlError("INVALID_PARAMETER_VALUE", "A name must not hold a dot.")
        return ".".join(parts)

    def type(self) -> str:
        """The type of a column."""
        found = self.identifier().upper()
        if self.next.value == "(":
            found += f"({','.join(self.listed(self._digits))})"
        return found

    def _digits(self) -> str:
        if self.next.kind != "number":
            raise self.fail()
        return self.take().value

    def listed(self, one: Callable[[], _T]) -> list[_T]:
        """One or more of something in parentheses."""
        self.expect_sign("(")
        found = self._several(one)
        self.expect_sign(")")
        return found

    def _several(self, one: Callable[[], _T]) -> list[_T]:
        found = [one()]
        while self.sign(","):
            found.append(one())
        return found

    def expression(self) -> Expression:
        """Conditions joined by OR."""
        parts = [self._conjunction()]
        while self.word("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Junction("OR", tuple(parts))

    def _conjunction(self) -> Expression:
        parts = [self._negation()]
        while self.word("AND"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else Junction("AND", tuple(parts))

    def _negation(self) -> Expression:
        if self.word("NOT"):
            return Not(self._negation())
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._value()
        if self.next.kind == "sign" and self.next.value in _COMPARING:
            return Comparison(self.take().value, left, self._value())
        if self.word("IS", "NOT", "NULL"):
            return Not(IsNull(left))
        if self.word("IS", "NULL"):
            return IsNull(left)
        if self.word("NOT", "IN"):
            return Not(self._within(left))
        if self.word("IN"):
            return self._within(left)
        return left

    def _within(self, left: Expression) -> Expression:
        self.expect_sign("(")
        found: Expression
        if self.word("SELECT"):
            found = WithinQuery(left, self.query())
        else:
            found = Within(left, tuple(self._several(self.expression)))
        self.expect_sign(")")
        return found

    def _value(self) -> Expression:
        token = self.next
        if token.kind in {"text", "number", "marker"}:
            return Literal(self._written(self.take()))
        if self.sign("("):
            found = self.expression()
            self.expect_sign(")")
            return found
        return self._worded()

    def _written(self, token: Token) -> Any:
        if token.kind == "text":
            return token.value
        if token.kind == "number":
            return float(token.value) if "." in token.value else int(token.value)
        if token.value not in self._parameters:
            raise SqlError("UNBOUND_SQL_PARAMETER", f"Parameter {token.value} has no value.")
        return self._parameters[token.value]

    def _worded(self) -> Expression:
        upper = self.next.value.upper() if self.next.kind == "word" else ""
        if upper in _CONSTANTS:
            self.take()
            return Literal(_CONSTANTS[upper])
        if upper == "TIMESTAMP" and self._tokens[self._place + 1].kind == "text":
            self.take()
            return Cast(Literal(self.text()), "TIMESTAMP")
        special = {"CASE": self._case, "CAST": self._cast, "EXISTS": self._exists}
        if upper in special:
            self.take()
            return special[upper]()
        name = self.name()
        if not self.sign("("):
            return Name(name)
        arguments = [] if self.next.value == ")" else self._several(self.expression)
        self.expect_sign(")")
        if name.upper() == "IF" and len(arguments) == 3:  # noqa: PLR2004 - condition, then, else
            return Case(((arguments[0], arguments[1]),), arguments[2])
        return Function(name, tuple(arguments))

    def _cast(self) -> Expression:
        self.expect_sign("(")
        inner = self.expression()
        self.expect("AS")
        found = Cast(inner, self.type())
        self.expect_sign(")")
        return found

    def _exists(self) -> Expression:
        self.expect_sign("(")
        self.expect("SELECT")
        query = self.query()
        self.expect_sign(")")
        return Exists(query)

    def _case(self) -> Expression:
        branches = []
        while self.word("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            branches.append((condition, self.expression()))
        otherwise: Expression = self.expression() if self.word("ELSE") else Literal(None)
        self.expect("END")
        return Case(tuple(branches), otherwise)

    def query(self) -> Query:
        """What follows the word SELECT, of one table."""
        columns: list[tuple[str, Expression]] = []
        everything = self.sign("*")
        while not everything:
            start = self.next.start
            column = self.expression()
            label = self.statement[start : self.next.start].strip().rpartition(".")[2].strip("`")
            columns.append((self.identifier() if self.word("AS") else label, column))
            if not self.sign(","):
                break
        table = self.name() if self.word("FROM") else ""
        alias = table.rpartition(".")[2]
        bare = self.next.kind == "word" and self.next.value.upper() not in _AFTER_TABLE
        if self.word("AS") or self.next.kind == "quoted" or bare:
            alias = self.identifier()
        where: Expression = self.expression() if self.word("WHERE") else Literal(written=True)
        order = self._several(self.name) if self.word("ORDER", "BY") else []
        limit = int(self._digits()) if self.word("LIMIT") else None
        return Query(tuple(columns), table, alias, where, everything, tuple(order), limit)
