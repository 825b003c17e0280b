"""The questions for a real account: they can be asked, leave nothing behind and give nothing away.

With ``MARKETPLACE_SNOWFLAKE_LIVE`` naming a connection of connections.toml, and ``-m live``, they
are asked there; otherwise of the fake.
"""

from __future__ import annotations

import io
import os

import pytest

from marketplace_sdk_snowflake.lines import open_connection
from marketplace_sdk_snowflake.questions import QUESTIONS, Recorder, ask
from marketplace_sdk_snowflake.testing import FakeSnowflake, Recording

NAME = "MKT_LIVE_1A2B3C4D"


@pytest.fixture
def connect(fake):
    fake.user("ROOT", roles=["ACCOUNTADMIN"], default_role="ACCOUNTADMIN")

    def go(role="ACCOUNTADMIN"):
        return open_connection(fake.connection_for("ROOT", role))

    return go


def test_the_questions_can_be_asked_and_leave_nothing_behind(fake, connect):
    before = fake.snapshot()
    file = io.StringIO()

    said = "\n".join(ask(connect, NAME, Recorder(file, NAME, {"ROOT": "ADMIN"}), QUESTIONS))

    assert [q.text for q in QUESTIONS if q.text not in said] == []
    assert fake.snapshot() == before
    lines = file.getvalue().splitlines()
    assert len(lines) == 8 + sum(len(q.statements) for q in QUESTIONS)
    assert NAME not in file.getvalue()
    assert "ROOT" not in file.getvalue()


def test_everything_is_dropped_when_it_breaks_in_the_middle(fake, connect):
    before = fake.snapshot()
    asked = ask(connect, NAME, Recorder(io.StringIO(), NAME), QUESTIONS)
    for _ in range(20):
        next(asked)

    asked.close()

    assert fake.snapshot() == before


def test_what_was_written_down_can_be_replayed(fake, connect, tmp_path):
    path = tmp_path / "answers.jsonl"
    with path.open("w", encoding="utf-8") as file:
        list(ask(connect, NAME, Recorder(file, NAME), QUESTIONS))

    recording = Recording.load(path)

    with FakeSnowflake() as other:
        other.replay(recording)
        with open_connection(other.connection) as connection:
            (row,) = connection.cursor().execute('SHOW GRANTS OF ROLE "MKT_LIVE_R"').fetchall()
    assert "MKT_LIVE_USER" in row


@pytest.mark.live
def test_a_real_account_answers(tmp_path):
    """Prints what it said; the file is for ``FakeSnowflake.replay``."""
    name, where = os.environ["MARKETPLACE_SNOWFLAKE_LIVE"], tmp_path / "answers.jsonl"

    def go(**more):
        return open_connection({"connection_name": name, **more})

    with where.open("w", encoding="utf-8") as file:
        for line in ask(go, NAME, Recorder(file, NAME), QUESTIONS):
            print(line)  # noqa: T201 - that is what it is run for

    assert Recording.load(where).answers
