"""Answers recorded from a real account, in the place of ours.

A recording is a file of JSON lines, each one statement with its answer: either ``columns`` (name
and type on the wire) and ``rows``, or ``errno``, ``sqlstate`` and ``message``. Statements are
compared by their tokens, so that white space and the case of key words do not matter.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from attrs import frozen

from marketplace_sdk_snowflake.testing.refusals import Refused
from marketplace_sdk_snowflake.testing.running import Result
from marketplace_sdk_snowflake.testing.tokens import tokenize

__all__ = ["Answer", "Recording"]


@frozen
class Answer:
    """One statement and what a real account answered: rows, or a refusal when ``errno`` is set.

    Cells are text as on the wire, or None.
    """

    statement: str
    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    errno: int | None = None
    sqlstate: str = ""
    message: str = ""

    @classmethod
    def from_line(cls, line: str) -> Answer:
        """The answer of one line of a recording.

        Raises:
            ValueError: the line is not JSON, or not an answer; says what is wrong with it.
        """
        found = json.loads(line)
        given = set(found) if isinstance(found, dict) else set()
        if "statement" not in given:
            raise ValueError("a line of a recording is an object with a statement")
        given.remove("statement")
        if given == {"columns", "rows"}:
            columns = tuple((str(name), str(type_)) for name, type_ in found["columns"])
            rows = tuple(tuple(row) for row in found["rows"])
            if any(len(row) != len(columns) for row in rows):
                raise ValueError("a row of a recording has as many cells as there are columns")
            return cls(str(found["statement"]), columns, rows)
        if given == {"errno", "sqlstate", "message"}:
            return cls(
                str(found["statement"]),
                errno=int(found["errno"]),
                sqlstate=str(found["sqlstate"]),
                message=str(found["message"]),
            )
        raise ValueError(
            "a line of a recording has columns and rows, or errno, sqlstate and message; "
            f"this one has {sorted(given)}"
        )

    def to_line(self) -> str:
        """The line of a recording, without its end."""
        facts: dict[str, Any] = {"statement": self.statement}
        if self.errno is None:
            facts |= {"columns": self.columns, "rows": self.rows}
        else:
            facts |= {"errno": self.errno, "sqlstate": self.sqlstate, "message": self.message}
        return json.dumps(facts, ensure_ascii=False)


class Recording:
    """Recorded answers: each is given once in the order of the recording, the last for ever."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers = tuple(answers)
        self._waiting: dict[tuple[tuple[str, str], ...], list[Answer]] = defaultdict(list)
        for answer in self.answers:
            self._waiting[_shape(answer.statement)].append(answer)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Recording:
        """A recording from a file; empty lines do not count.

        Raises:
            ValueError: a line is no answer; says which one.
        """
        return cls(_read(Path(path)))

    def answer(self, statement: str) -> Result | Refused | None:
        """The recorded answer, or None when the recording does not know the statement."""
        try:
            waiting = self._waiting.get(_shape(statement))
        except Refused:
            return None
        if not waiting:
            return None
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if found.errno is not None:
            return Refused(found.errno, found.sqlstate, found.message)
        return Result(found.columns, found.rows)


def _read(path: Path) -> Iterator[Answer]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                yield Answer.from_line(line)
            except ValueError as error:
                raise ValueError(f"{path.name}, line {number}: {error}") from error


def _shape(statement: str) -> tuple[tuple[str, str], ...]:
    tokens = [(token.kind, token.value) for token in tokenize(statement)]
    return tuple(token for token in tokens if token != ("sign", ";"))
