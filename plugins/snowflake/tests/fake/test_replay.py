"""Recorded answers take the place of ours."""

from __future__ import annotations

from datetime import datetime

import pytest

from marketplace_sdk_snowflake.testing import Answer, Recording

SAMPLE = """
{"statement": "SHOW GRANTS OF ROLE \\"R\\"", "columns": [["created_on", "timestamp_ltz"], ["role", "text"], ["granted_to", "text"], ["grantee_name", "text"], ["granted_by", "text"]], "rows": [["1767225600.123000000", "R", "USER", "U1", "OWNER1"]]}
{"statement": "GRANT ROLE \\"R\\" TO USER \\"U2\\"", "errno": 2003, "sqlstate": "02000", "message": "redacted"}
{"statement": "SELECT CURRENT_VERSION()", "columns": [["CURRENT_VERSION()", "text"]], "rows": [["first"]]}

{"statement": "SELECT CURRENT_VERSION()", "columns": [["CURRENT_VERSION()", "text"]], "rows": [["second"]]}
"""


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text(SAMPLE, encoding="utf-8")
    return path


def test_a_recorded_row_comes_through_the_connector_as_it_was(fake, client, recording):
    fake.replay(recording)
    (row,) = client.table('SHOW GRANTS OF ROLE "R"')
    assert row["created_on"] == datetime.fromisoformat("2026-01-01T00:00:00.123+00:00")
    assert (row["grantee_name"], row["granted_by"]) == ("U1", "OWNER1")


def test_a_recorded_refusal_comes_through_and_changes_nothing(fake, client, recording):
    client.run("CREATE ROLE R")
    fake.user("U2")
    before = fake.snapshot()
    fake.replay(recording)
    assert client.refusal('GRANT ROLE "R" TO USER "U2"') == (2003, "02000")
    assert fake.snapshot() == before


def test_several_answers_come_in_their_order_and_the_last_one_stays(fake, client, recording):
    fake.replay(recording)
    answers = [client.run("SELECT CURRENT_VERSION()")[0][0] for _ in range(3)]
    assert answers == ["first", "second", "second"]


def test_white_space_and_the_case_of_key_words_do_not_matter_but_names_do(fake, client, recording):
    fake.replay(recording)
    assert client.run("select  current_version() ;") == [("first",)]
    assert client.refusal('SHOW GRANTS OF ROLE "r"') == (2003, "02000")


def test_what_was_not_recorded_is_answered_by_the_fake(fake, client, recording):
    fake.replay(recording)
    client.run("CREATE ROLE R")
    client.run("GRANT ROLE R TO USER ALICE")
    assert client.refusal("GRANT ROLE R TO EVERYBODY")[0] == 1003
    assert client.refusal("GRANT ROLE $ TO EVERYBODY")[0] == 1003


def test_a_recording_is_written_as_it_is_read():
    for line in SAMPLE.strip().splitlines():
        if line:
            answer = Answer.from_line(line)
            assert Answer.from_line(answer.to_line()) == answer


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("{", "line 2"),
        ("[]", "with a statement"),
        ('{"statement": "A"}', "columns and rows"),
        ('{"statement": "A", "columns": [["a", "text"]], "rows": [["x", "y"]]}', "as many cells"),
        ('{"statement": "A", "errno": 1, "sqlstate": "x", "rows": []}', "columns and rows"),
    ],
)
def test_a_line_that_is_no_answer_is_named(tmp_path, line, wrong):
    path = tmp_path / "answers.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"answers\.jsonl, line 2: ") as caught:
        Recording.load(path)
    assert wrong in str(caught.value)
