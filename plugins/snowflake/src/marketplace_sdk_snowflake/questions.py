"""Questions that only a real account can answer, asked there, with the answers written down.

Everything is made under one name of its own and dropped again, whatever happens in between. The
answers are kept in the form that the fake account of ``testing`` replays, without names, times of
the account or ids in them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

from attrs import field, frozen

from marketplace_sdk_snowflake.failures import read_failure

__all__ = ["QUESTIONS", "Question", "Recorder", "ask"]

_EPOCH = "1767225600.000000000"
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_TIMES = ("timestamp_ltz", "timestamp_tz", "timestamp_ntz")
_TYPES = {
    0: "fixed",
    1: "real",
    2: "text",
    3: "date",
    4: "timestamp_ntz",
    5: "variant",
    6: "timestamp_ltz",
    7: "timestamp_tz",
    8: "timestamp_ntz",
    9: "object",
    10: "array",
    11: "binary",
    12: "time",
    13: "boolean",
}
"""Types on the wire, by the code that a cursor gives them."""


@frozen
class Question:
    """One thing to find out.

    Attributes:
        text: the question.
        statements: asked in order; ``{N}`` stands for the name under which everything is made.
        role: who asks: ``admin``, or ``service`` for a role with the least rights.
    """

    text: str
    statements: Sequence[str]
    role: str = "admin"


_OPEN = (
    'CREATE DATABASE "{N}"',
    'CREATE SCHEMA "{N}"."CORE"',
    'CREATE TABLE "{N}"."CORE"."ORDERS" ("ID" NUMBER, "EMAIL" VARCHAR)',
    'CREATE VIEW "{N}"."CORE"."SHOWN" AS SELECT "ID", "EMAIL" FROM "{N}"."CORE"."ORDERS"',
    'CREATE USER "{N}_USER"',
    'CREATE ROLE "{N}_SVC"',
    'GRANT CREATE ROLE ON ACCOUNT TO ROLE "{N}_SVC"',
    'GRANT USAGE ON DATABASE "{N}" TO ROLE "{N}_SVC" WITH GRANT OPTION',
)
_CLOSE = (
    'ALTER TABLE "{N}"."CORE"."ORDERS" MODIFY COLUMN "EMAIL" UNSET MASKING POLICY',
    'DROP DATABASE "{N}"',
    'DROP USER "{N}_USER"',
    'GRANT OWNERSHIP ON ROLE "{N}_R" TO ROLE "{A}" REVOKE CURRENT GRANTS',
    'DROP ROLE "{N}_R"',
    'DROP ROLE "{N}_OTHER"',
    'DROP ROLE "{N}_SVC"',
)

_ONE = (
    'CREATE MASKING POLICY "{N}"."CORE"."ONE" AS (val VARCHAR) RETURNS VARCHAR ->'
    " CASE WHEN IS_ROLE_IN_SESSION('{N}_R') THEN val ELSE '*****' END"
)
_SET = 'ALTER TABLE "{N}"."CORE"."ORDERS" MODIFY COLUMN "EMAIL" SET MASKING POLICY '
_REFERENCES = (
    'SELECT POLICY_NAME, REF_COLUMN_NAME, POLICY_STATUS FROM TABLE("{N}".INFORMATION_SCHEMA'
    """.POLICY_REFERENCES(REF_ENTITY_NAME => '"{N}"."CORE"."ORDERS"',"""
    " REF_ENTITY_DOMAIN => 'TABLE'))"
)

QUESTIONS: Sequence[Question] = (
    Question(
        "What do a repeated GRANT and a repeated REVOKE say, and in whose name is a membership?",
        (
            'CREATE ROLE "{N}_R"',
            'CREATE ROLE "{N}_R"',
            'GRANT ROLE "{N}_R" TO USER "{N}_USER"',
            'GRANT ROLE "{N}_R" TO USER "{N}_USER"',
            'SHOW GRANTS OF ROLE "{N}_R"',
            'REVOKE ROLE "{N}_R" FROM USER "{N}_USER"',
            'REVOKE ROLE "{N}_R" FROM USER "{N}_USER"',
            'GRANT ROLE "{N}_R" TO USER "{N}_NOBODY"',
        ),
        role="service",
    ),
    Question(
        "In whose name is a membership that an administrator gives in a role of ours?",
        ('GRANT ROLE "{N}_R" TO USER "{N}_USER"', 'SHOW GRANTS OF ROLE "{N}_R"'),
    ),
    Question(
        "May a database role go to a user, and what does it say?",
        (
            'CREATE DATABASE ROLE "{N}"."READ"',
            'SHOW GRANTS TO DATABASE ROLE "{N}"."READ"',
            'GRANT DATABASE ROLE "{N}"."READ" TO USER "{N}_USER"',
            'SHOW GRANTS OF DATABASE ROLE "{N}"."READ"',
        ),
    ),
    Question(
        "Is MANAGE GRANTS on a schema there, and is it enough with a USAGE that may be lent?",
        ('GRANT MANAGE GRANTS ON SCHEMA "{N}"."CORE" TO ROLE "{N}_SVC"',),
    ),
    Question(
        "What may the role do then, what does it see, and how is it written?",
        (
            'GRANT USAGE ON DATABASE "{N}" TO ROLE "{N}_R"',
            'GRANT USAGE ON SCHEMA "{N}"."CORE" TO ROLE "{N}_R"',
            'GRANT SELECT ON TABLE "{N}"."CORE"."ORDERS" TO ROLE "{N}_R"',
            'GRANT SELECT ON VIEW "{N}"."CORE"."SHOWN" TO ROLE "{N}_R"',
            'SHOW GRANTS TO ROLE "{N}_R"',
            'SHOW OBJECTS IN SCHEMA "{N}"."CORE" LIMIT 10000',
            'SHOW COLUMNS IN SCHEMA "{N}"."CORE"',
            'DESCRIBE TABLE "{N}"."CORE"."ORDERS"',
            "SHOW USERS LIKE '{L}\\\\_USER'",
            "SHOW ROLES LIKE '{L}\\\\_R'",
        ),
        role="service",
    ),
    Question(
        "Which masks may be set, what do they look like, and what does a second one say?",
        (
            _ONE,
            'CREATE MASKING POLICY "{N}"."CORE"."TWO" AS (val VARCHAR) RETURNS VARCHAR -> val',
            _SET + '"{N}"."CORE"."ONE"',
            _SET + '"{N}"."CORE"."TWO"',
            'DROP MASKING POLICY "{N}"."CORE"."ONE"',
            'DESCRIBE TABLE "{N}"."CORE"."ORDERS"',
            'DESCRIBE MASKING POLICY "{N}"."CORE"."ONE"',
            'SHOW MASKING POLICIES IN SCHEMA "{N}"."CORE"',
        ),
    ),
    Question(
        "What may be read about a mask without a right on it, and without a warehouse?",
        (
            'DESCRIBE TABLE "{N}"."CORE"."ORDERS"',
            'DESCRIBE MASKING POLICY "{N}"."CORE"."ONE"',
            _REFERENCES,
        ),
        role="service",
    ),
    Question(
        "Does a replaced table lose what was granted on it?",
        (
            'CREATE OR REPLACE TABLE "{N}"."CORE"."ORDERS" ("ID" NUMBER, "EMAIL" VARCHAR)',
            'SHOW GRANTS TO ROLE "{N}_R"',
        ),
    ),
    Question(
        "What is said of what is not there, or may not be seen?",
        (
            'SHOW GRANTS TO ROLE "{N}_NOTHING"',
            'SHOW GRANTS OF ROLE "{N}_NOTHING"',
            'DESCRIBE TABLE "{N}"."CORE"."NOTHING"',
            'SHOW OBJECTS IN SCHEMA "{N}"."NOTHING" LIMIT 10000',
            'DROP ROLE "{N}_NOTHING"',
            'GRANT SELECT ON TABLE "{N}"."CORE"."NOTHING" TO ROLE "{N}_R"',
            "GRANT NOTHING",
        ),
        role="service",
    ),
    Question(
        "Does SHOW GRANTS follow roles into roles?",
        (
            'CREATE ROLE "{N}_OTHER"',
            'GRANT ROLE "{N}_R" TO ROLE "{N}_OTHER"',
            'SHOW GRANTS TO ROLE "{N}_OTHER" INCLUDE HIERARCHY',
        ),
    ),
    Question(
        "How long do the three statements of an approval take?",
        (
            'SHOW GRANTS OF ROLE "{N}_R"',
            'GRANT ROLE "{N}_R" TO USER "{N}_USER"',
            'SHOW GRANTS OF ROLE "{N}_R"',
        ),
        role="service",
    ),
)
"""In the order in which they can be asked."""


@frozen
class Recorder:
    """Writes answers down, one JSON object a line, with nothing of the account in them.

    Args:
        to: where.
        name: under which everything is made; it becomes ``MKT_LIVE``.
        private: texts of the account that become something else, such as its name.
    """

    to: TextIO = field(repr=False)
    name: str
    private: Mapping[str, str] = field(factory=dict, repr=False)

    def rows(self, statement: str, cursor: Any, rows: Sequence[Sequence[Any]]) -> None:
        """An answer with rows; only those are kept that are about what was made here."""
        columns = [(each[0], _TYPES.get(each[1], "text")) for each in cursor.description or ()]
        kept = [row for row in rows if len(rows) == 1 or any(self.name in str(c) for c in row)]
        cells = [
            [self._cell(cell, kind) for cell, (_, kind) in zip(row, columns, strict=True)]
            for row in kept
        ]
        self._write(statement, columns=columns, rows=cells)

    def refusal(self, statement: str, number: int | None, state: str, text: str) -> None:
        """A refusal."""
        self._write(statement, errno=number or 0, sqlstate=state, message=self.plain(text))

    def plain(self, text: str) -> str:
        """A text without what belongs to the account."""
        for word, instead in self.private.items():
            text = text.replace(word, instead)
        return _ID.sub("00000000-0000-0000-0000-000000000000", text).replace(self.name, "MKT_LIVE")

    def _cell(self, cell: Any, kind: str) -> str | None:
        if cell is None:
            return None
        if kind in _TIMES:
            return f"{_EPOCH} 1440" if kind == "timestamp_tz" else _EPOCH
        return self.plain(str(cell))

    def _write(self, statement: str, **facts: Any) -> None:
        line = {"statement": self.plain(statement), **facts}
        self.to.write(json.dumps(line, ensure_ascii=False) + "\n")


def ask(
    connect: Callable[..., Any], name: str, recorder: Recorder, questions: Sequence[Question]
) -> Iterator[str]:
    """Ask the questions on an account, and tell line by line what it said.

    Args:
        connect: opens a connection of an administrator; takes ``role`` if it is another.
        name: of everything that is made: letters, digits and underscores.
        recorder: writes the answers down.
        questions: what to ask.
    """
    admin, role = connect(), ""
    try:
        user, role = admin.cursor().execute("SELECT CURRENT_USER(), CURRENT_ROLE()").fetchone()
        for statement in _OPEN:
            yield from _one(admin, statement, name, recorder)
        yield from _one(admin, f'GRANT ROLE "{{N}}_SVC" TO USER "{user}"', name, None)
        service = connect(role=f"{name}_SVC")
        try:
            for question in questions:
                yield f"? {question.text}"
                who = service if question.role == "service" else admin
                for statement in question.statements:
                    yield from _one(who, statement, name, recorder)
        finally:
            service.close()
    finally:
        for statement in _CLOSE:
            with suppress(Exception):
                admin.cursor().execute(_text(statement, name).replace("{A}", role))
        admin.close()


def _one(connection: Any, statement: str, name: str, recorder: Recorder | None) -> Iterator[str]:
    text = _text(statement, name)
    cursor, began = connection.cursor(), time.perf_counter()
    try:
        rows = cursor.execute(text).fetchall()
    except Exception as error:  # noqa: BLE001 - whatever the driver raises is an answer
        failure = read_failure(error)
        said = failure.said
        if recorder is not None:
            recorder.refusal(text, failure.number, failure.state, failure.text)
    else:
        said = str(rows[0][0]) if len(rows) == 1 else f"{len(rows)} rows"
        if recorder is not None:
            recorder.rows(text, cursor, rows)
    finally:
        cursor.close()
    took = (time.perf_counter() - began) * 1000
    plain = (lambda each: each) if recorder is None else recorder.plain
    yield f"  {took:7.0f} ms  {plain(text)}\n              {plain(said)}"


def _text(statement: str, name: str) -> str:
    return statement.replace("{N}", name).replace("{L}", name.replace("_", "\\\\_"))
