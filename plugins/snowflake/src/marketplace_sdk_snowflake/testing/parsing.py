"""The closed grammar: which statements there are. Anything else is 001003."""

from __future__ import annotations

from collections.abc import Callable

from marketplace_sdk_snowflake.testing.cursor import Cursor
from marketplace_sdk_snowflake.testing.parsing_expressions import (
    parse_select,
)
from marketplace_sdk_snowflake.testing.parsing_grants import parse_grant, parse_revoke
from marketplace_sdk_snowflake.testing.parsing_objects import (
    parse_alter,
    parse_comment,
    parse_create,
    parse_drop,
)
from marketplace_sdk_snowflake.testing.parsing_rows import (
    parse_delete,
    parse_insert,
    parse_merge,
    parse_update,
)
from marketplace_sdk_snowflake.testing.parsing_show import parse_describe, parse_show, parse_use
from marketplace_sdk_snowflake.testing.statements import Query, Statement, Transaction

__all__ = ["parse"]


def _query(cursor: Cursor) -> Query:
    return Query(parse_select(cursor))


def _begin(cursor: Cursor) -> Transaction:
    cursor.expect("BEGIN")
    cursor.choose("TRANSACTION", "WORK")
    return Transaction("BEGIN")


def _end(cursor: Cursor) -> Transaction:
    action = cursor.one_of("COMMIT", "ROLLBACK")
    cursor.choose("WORK")
    return Transaction(action)


_BEGINNINGS: dict[str, Callable[[Cursor], Statement]] = {
    "ALTER": parse_alter,
    "BEGIN": _begin,
    "COMMENT": parse_comment,
    "COMMIT": _end,
    "CREATE": parse_create,
    "DELETE": parse_delete,
    "DESC": parse_describe,
    "DESCRIBE": parse_describe,
    "DROP": parse_drop,
    "GRANT": parse_grant,
    "INSERT": parse_insert,
    "MERGE": parse_merge,
    "REVOKE": parse_revoke,
    "ROLLBACK": _end,
    "SELECT": _query,
    "SHOW": parse_show,
    "UPDATE": parse_update,
    "USE": parse_use,
}


def parse(text: str, *, fold_names: bool = False) -> tuple[Statement, int]:
    """The one statement in a text, and how many values must be bound to it.

    Raises:
        Refused: 001003, it is not in the grammar; 000008, there is more than one.
    """
    cursor = Cursor(text, fold_names=fold_names)
    word = cursor.token
    if word.kind != "word" or word.value not in _BEGINNINGS:
        raise cursor.fail()
    statement = _BEGINNINGS[word.value](cursor)
    cursor.finish()
    return statement, cursor.binds
