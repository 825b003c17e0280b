"""Which columns a stored query shows in each of its own, read from the server's own tree of it.

``pg_rewrite.ev_action`` holds the query of a view after the server has found out what every name
in it means, so there is nothing left to guess: relations are oids and columns are numbers. A column
is *shown* when it is part of the expression that makes an output column; one that is only in a
WHERE or a JOIN is not. All of it is pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Column", "Unreadable", "shown_columns"]

Column: TypeAlias = tuple[int, int]
"""Oid of a relation and number of one of its columns; number 0 stands for all of them."""

_Value: TypeAlias = "_Node | str | list[_Value]"
_Levels: TypeAlias = "tuple[_Node, ...]"

_TOKEN = re.compile(r"[(){}]|(?:\\.|[^\s(){}\\])+", re.DOTALL)

_RELATION, _SUBQUERY, _JOIN, _CTE, _RESULT, _GROUP = "0", "1", "2", "6", "8", "9"
_MADE_OF_EXPRESSIONS = ("3", "4", "5")  # functions, XMLTABLE and JSON_TABLE, VALUES


class Unreadable(Exception):
    """The tree holds something that is not known here, so nothing may be concluded from it."""


def shown_columns(tree: str) -> Mapping[int, frozenset[Column]]:
    """For each output column of the query, by its number, the columns that it shows.

    Args:
        tree: text of a ``pg_node_tree`` of one query.

    Raises:
        Unreadable: it could not be followed to its end.
    """
    try:
        value = _read(tree)
        query = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(query, _Node) or query.tag != "QUERY":
            raise Unreadable("no query")
        walk = _Walk()
        return {number: frozenset(walk.output((query,), number)) for number in _numbers(query)}
    except (IndexError, KeyError, ValueError, StopIteration, RecursionError) as error:
        raise Unreadable(type(error).__name__) from error


@frozen
class _Node:
    tag: str
    fields: Mapping[str, Sequence[_Value]]

    def listed(self, name: str) -> Sequence[_Value]:
        """A field that is a list; one without anything in it is written as a word."""
        (value,) = self.fields[name]
        return value if isinstance(value, list) else ()

    def nodes(self, name: str) -> Sequence[_Node]:
        """A field that is a list of nodes."""
        return [each for each in self.listed(name) if isinstance(each, _Node)]

    def word(self, name: str) -> str:
        """A field that is one word."""
        (value,) = self.fields[name]
        if not isinstance(value, str):
            raise Unreadable(name)
        return value

    def number(self, name: str) -> int:
        """A field that is one number."""
        return int(self.word(name))

    def node(self, name: str) -> _Node:
        """A field that is one node."""
        (value,) = self.fields[name]
        if not isinstance(value, _Node):
            raise Unreadable(name)
        return value


def _read(text: str) -> _Value:
    tokens = _TOKEN.findall(text)
    value, rest = _value(tokens, 0)
    if rest != len(tokens):
        raise Unreadable("more than one value")
    return value


def _value(tokens: Sequence[str], at: int) -> tuple[_Value, int]:
    word = tokens[at]
    if word == "(":
        items: list[_Value] = []
        at += 1
        while tokens[at] != ")":
            item, at = _value(tokens, at)
            items.append(item)
        return items, at + 1
    if word == "{":
        return _node(tokens, at + 1)
    if word in ")}":
        raise Unreadable("unexpected end")
    return word, at + 1


def _node(tokens: Sequence[str], at: int) -> tuple[_Node, int]:
    tag, at = tokens[at], at + 1
    fields: dict[str, list[_Value]] = {}
    while tokens[at] != "}":
        label = tokens[at]
        if not label.startswith(":"):
            raise Unreadable("no label")
        # The first value may look like a label: a name may begin with a colon.
        value, at = _value(tokens, at + 1)
        values = fields[label[1:]] = [value]
        while tokens[at] != "}" and not tokens[at].startswith(":"):
            value, at = _value(tokens, at)
            values.append(value)
    return _Node(tag, fields), at + 1


class _Walk:
    """Follows columns to the relations that they come from.

    Levels are the queries around an expression, the innermost last.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], set[Column]] = {}

    def output(self, levels: _Levels, number: int) -> set[Column]:
        """What an output column of the innermost query shows; 0 for all of them."""
        query = levels[-1]
        key = (id(query), number)
        if key not in self._known:
            # Entered first, so that a recursive query comes to an end.
            found = self._known[key] = set()
            for numbered in _numbers(query) if number == 0 else (number,):
                found |= self._output(levels, numbered)
        return self._known[key]

    def _output(self, levels: _Levels, number: int) -> set[Column]:
        query = levels[-1]
        if _is_union(query):
            found: set[Column] = set()
            for entry in query.nodes("rtable"):
                if entry.word("rtekind") == _SUBQUERY:
                    found |= self.output((*levels, entry.node("subquery")), number)
            return found
        for target in query.nodes("targetList"):
            if target.number("resno") == number:
                return self._expression(target.fields["expr"], levels)
        raise Unreadable("no such output")

    def _expression(self, value: _Value | Sequence[_Value], levels: _Levels) -> set[Column]:
        if isinstance(value, str):
            return set()
        if isinstance(value, _Node):
            if value.tag == "VAR":
                return self._variable(value, levels)
            if value.tag == "QUERY":
                return self._inner(value, levels)
            window = self._window(value, levels) if value.tag == "WINDOWFUNC" else ()
            value = [*window, *(each for values in value.fields.values() for each in values)]
        return {column for each in value for column in self._expression(each, levels)}

    def _window(self, function: _Node, levels: _Levels) -> Iterator[_Value]:
        """What the rows around a row are chosen and ordered by: a rank tells of it."""
        query = levels[-1]
        for window in query.nodes("windowClause"):
            if window.word("winref") == function.word("winref"):
                clauses = (*window.nodes("partitionClause"), *window.nodes("orderClause"))
                named = {clause.word("tleSortGroupRef") for clause in clauses}
                for target in query.nodes("targetList"):
                    if target.word("ressortgroupref") in named:
                        yield from target.fields["expr"]

    def _variable(self, node: _Node, levels: _Levels) -> set[Column]:
        up, number = node.number("varlevelsup"), node.number("varattno")
        levels = levels[: len(levels) - up]
        entry = levels[-1].nodes("rtable")[node.number("varno") - 1]
        kind = entry.word("rtekind")
        if kind == _RELATION:
            return {(entry.number("relid"), number)} if number >= 0 else set()
        if kind == _SUBQUERY:
            return self.output((*levels, entry.node("subquery")), number)
        if kind in (_JOIN, _GROUP):
            listed = entry.listed("joinaliasvars" if kind == _JOIN else "groupexprs")
            return self._expression(listed[number - 1] if number else listed, levels)
        if kind == _CTE:
            return self._common(entry, number, levels)
        if kind in _MADE_OF_EXPRESSIONS:
            return self._expression(entry, levels)
        if kind == _RESULT:
            return set()
        raise Unreadable(f"entry {kind}")

    def _common(self, entry: _Node, number: int, levels: _Levels) -> set[Column]:
        levels = levels[: len(levels) - entry.number("ctelevelsup")]
        name = entry.word("ctename")
        for common in levels[-1].nodes("cteList"):
            if common.word("ctename") == name:
                # Rows of a recursive query may have gone through any of its columns.
                one = 0 if common.word("cterecursive") == "true" else number
                return self.output((*levels, common.node("ctequery")), one)
        raise Unreadable("no such query")

    def _inner(self, query: _Node, levels: _Levels) -> set[Column]:
        """A query inside an expression: whatever it compares matters to its value too."""
        levels = (*levels, query)
        found = set(self.output(levels, 0))
        for name, values in query.fields.items():
            if name not in ("rtable", "cteList", "targetList"):
                found |= self._expression(values, levels)
        return found


def _numbers(query: _Node) -> Iterator[int]:
    return (target.number("resno") for target in query.nodes("targetList"))


def _is_union(query: _Node) -> bool:
    return query.fields["setOperations"] != ["<>"]
