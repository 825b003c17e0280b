"""Faults, as the real connector lives through them."""

from __future__ import annotations

import time

import pytest
from snowflake.connector import errors

CREATE = 'CREATE ROLE "R"'


def roles(fake):
    return [row[1] for row in fake.admin("SHOW ROLES LIKE 'R'")]


def outcomes(fake, sql):
    return [one.outcome for one in fake.statements if one.sql == sql]


def test_one_503_is_tried_again_and_nothing_happens_twice(fake, client):
    fake.faults.add("503", "^CREATE ROLE")
    client.run(CREATE)
    assert outcomes(fake, CREATE) == ["503", "ok"]
    assert roles(fake) == ["R"]


def test_a_lost_answer_takes_effect_and_is_sent_again_as_the_same_request(fake, client):
    fake.faults.add("lost answer", "^CREATE ROLE")
    assert client.refusal(CREATE) == (2002, "42710")
    first, second = (one for one in fake.statements if one.sql == CREATE)
    assert (first.outcome, second.outcome) == ("lost answer", "2002")
    assert first.request_id == second.request_id
    assert roles(fake) == ["R"]


def test_an_expired_session_is_renewed_without_a_word_to_the_caller(fake, client):
    fake.faults.add("390112", "^CREATE ROLE")
    client.run(CREATE)
    assert outcomes(fake, CREATE) == ["390112", "ok"]


def test_an_expired_login_comes_through_as_390114_and_a_new_login_helps(fake, client, connect):
    fake.faults.add("390114", "^CREATE ROLE")
    number, _ = client.refusal(CREATE)
    assert number == 390114
    assert roles(fake) == []
    with connect() as again:
        again.run(CREATE)


def test_a_slow_answer_takes_its_time(fake, client):
    fake.faults.add("slow", "^CREATE ROLE", seconds=0.3)
    began = time.monotonic()
    client.run(CREATE)
    assert time.monotonic() - began >= 0.3
    assert roles(fake) == ["R"]


def test_a_row_that_says_not_executed_is_no_error_for_the_connector(fake, client):
    before = fake.snapshot()
    fake.faults.add("not executed", "^GRANT")
    assert client.run('GRANT USAGE ON DATABASE "SALES" TO ROLE "MKT_SVC"') == [
        ("Grant not executed: Insufficient privileges.",)
    ]
    assert fake.snapshot() == before


@pytest.mark.parametrize(
    ("kind", "wanted"), [("refused", (3001, "42501")), ("cancelled", (604, "57014"))]
)
def test_a_refusal_can_be_asked_for(fake, client, kind, wanted):
    fake.faults.add(kind, "^CREATE ROLE")
    assert client.refusal(CREATE) == wanted
    assert roles(fake) == []


@pytest.mark.parametrize(("kind", "left"), [("dropped before", []), ("dropped after", ["R"])])
def test_a_dropped_request_fails_at_every_try(fake, connect, kind, left):
    fake.faults.add(kind, "^CREATE ROLE")
    with connect(**connect.patience, login_timeout=2) as client:
        with pytest.raises(errors.Error):
            client.run(CREATE)
        assert client.run("SELECT 1") == [(1,)]
    tries = [one for one in fake.statements if one.sql == CREATE]
    assert len(tries) > 1
    assert {one.request_id for one in tries} == {tries[0].request_id}
    assert roles(fake) == left


def test_the_nth_statement_is_struck_and_so_many_from_there_on(fake, client):
    fake.faults.add("refused", "^SHOW ROLES", nth=2, times=2)
    ends = []
    for number in range(5):
        sql = f"SHOW ROLES LIKE '{number}'"
        try:
            client.run(sql)
            ends.append("ok")
        except errors.Error as error:
            ends.append(error.errno)
    assert ends == ["ok", 3001, 3001, "ok", "ok"]


def test_a_statement_that_does_not_fit_is_left_alone_and_faults_can_be_cleared(fake, client):
    fake.faults.add("refused", "^DROP")
    client.run("SELECT 1")
    fake.faults.clear()
    assert client.refusal("DROP ROLE NOBODY") == (2003, "02000")


@pytest.mark.parametrize("number", ["nth", "times", "tries"])
def test_numbers_of_a_fault_count_from_one(fake, number):
    with pytest.raises(ValueError, match="from 1"):
        fake.faults.add("503", **{number: 0})


def test_an_unknown_fault_is_refused(fake):
    with pytest.raises(ValueError, match="earthquake"):
        fake.faults.add("earthquake")


# connector 4.x cancels a statement in a thread of its own, which fails like the statement itself
@pytest.mark.filterwarnings(
    "ignore:Exception in thread:pytest.PytestUnhandledThreadExceptionWarning"
)
def test_an_account_that_cannot_be_reached_comes_back(fake, connect):
    with connect(**connect.patience) as client:
        client.run("SELECT 1")
        with fake.unreachable(), pytest.raises(errors.Error):
            client.run(CREATE)
        assert client.run("SELECT 2") == [(2,)]
    assert roles(fake) == []


def test_nobody_can_log_in_while_the_account_cannot_be_reached(fake, connect):
    with fake.unreachable(), pytest.raises(errors.Error), connect(login_timeout=2):
        pass
