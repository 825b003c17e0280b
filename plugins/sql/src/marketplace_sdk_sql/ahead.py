"""What a block on PostgreSQL asks for before it needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sdk_sql.staging import columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from marketplace_sdk_sql.line import Answer
    from marketplace_sdk_sql.postgres_statements import PostgresStatements

__all__ = ["Ahead"]

Key = tuple[Any, ...]
"""Kind and id of a record; a chain; or a statement with its values."""


class Ahead:
    """Questions that go to the server together with the next one whose answer is needed.

    Args:
        statements: of the database.
        later: puts a statement on the way that the next round trip takes.
    """

    def __init__(
        self, statements: PostgresStatements, later: Callable[[str, Sequence[Any]], Answer]
    ) -> None:
        self._sql = statements
        self._later = later
        self._answers: dict[Key, Answer] = {}
        # Records are read by one statement, however many said that they will be needed.
        self._gathered: dict[Key, None] = {}

    def records(self, keys: Iterable[tuple[str, str]]) -> None:
        """Records will be needed."""
        self._gathered.update((key, None) for key in keys if key not in self._answers)

    def ask(self, key: Key, sql: str, binds: Sequence[Any]) -> None:
        """The answer to a statement will be needed."""
        if key not in self._answers:
            self._answers[key] = self._later(sql, binds)

    def send(self) -> None:
        """Put on the way what was gathered."""
        keys = [*self._gathered]
        self._gathered.clear()
        if len(keys) == 1:
            self._answers[keys[0]] = self._later(self._sql.get, keys[0])
        elif keys:
            together = self._later(self._sql.get_together, columns(keys))
            self._answers.update(dict.fromkeys(keys, together))

    def answer(self, key: Key) -> Answer | None:
        """What was asked for; it is on its way, or has come already."""
        if key in self._gathered:
            self.send()
        return self._answers.get(key)

    def forget(self) -> None:
        """Nothing of it holds any more."""
        self._answers.clear()
        self._gathered.clear()
