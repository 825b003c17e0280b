"""What errors mean: every row of the table, through the real connector; and calls that hang."""

from __future__ import annotations

import json
import pickle
import threading
import time

import pytest

from marketplace_sdk import ProvisioningError
from marketplace_sdk.plugin import Change, Ref
from marketplace_sdk_snowflake.failures import TABLE, Failure, classify, read_failure
from marketplace_sdk_snowflake.lines import Line
from marketplace_sdk_snowflake.sessions import Sessions
from marketplace_sdk_snowflake.settings import Login

ORDERS = ("SALES", "CORE", "ORDERS")
SESSION = ("expired", "login_again", "transport", "auth")
ANSWERED = [
    (row, number)
    for row in TABLE
    for number in row.numbers
    if row.kind not in SESSION and isinstance(number, int)
]
RESULTS = {
    "interrupted": "not_attempted",
}
"""What becomes of a change; all else is refused."""


def saying(fake, tmp_path, statement, number, state, message="it said so"):
    """Let the account refuse one statement in its own words."""
    path = tmp_path / f"{number}.jsonl"
    line = {"statement": statement, "errno": number, "sqlstate": state, "message": message}
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    fake.replay(path)


@pytest.fixture
def talk(fake, within):
    sessions = Sessions(Login(options=fake.connection), name="lake")
    with sessions.use(within(10)) as made:
        yield made
    sessions.close()


@pytest.mark.parametrize(("row", "number"), ANSWERED, ids=[f"{n}" for _, n in ANSWERED])
def test_a_number_means_what_the_table_says(bench, fake, tmp_path, row, number):
    """As the connector tells it, and as the outcome of a change, with role and statement."""
    target = bench.target(ORDERS)
    changes = bench.plan(target, ["ALICE"])
    select = next(c for c in changes if c.item.kind == "select")
    before = [c for c in changes if c.item.rank < select.item.rank]
    bench.apply(before)
    text = bench.provisioner.describe(select)
    saying(fake, tmp_path, text, number, (row.states or ["42501"])[0])

    (outcome,) = bench.apply([select])

    assert outcome.result == RESULTS.get(row.kind, "refused")
    assert f"{number:06d}" in outcome.error
    assert not fake.can_select("ALICE", ORDERS)
    if outcome.result == "refused":
        assert f"role MKT_SVC ran: {text}" in outcome.error
        assert row.advice in outcome.error
    assert outcome.retryable == (row.passing or row.kind == "absent")
    if row.kind == "denied":
        assert 'GRANT MANAGE GRANTS ON SCHEMA "SALES"."CORE" TO ROLE "MKT_SVC"' in outcome.error
    if row.kind == "absent":
        assert "not visible to role MKT_SVC" in outcome.error


def test_a_number_that_nobody_knows_is_a_refusal_and_is_not_tried_again(bench, fake, tmp_path):
    changes = bench.plan(bench.target(ORDERS), ["ALICE"])
    text = bench.provisioner.describe(changes[0])
    saying(fake, tmp_path, text, 123456, "22000")

    (outcome,) = bench.apply(changes[:1])

    assert (outcome.result, outcome.retryable) == ("refused", False)
    assert sum(one.sql == text for one in fake.statements) == 1


def test_a_missing_feature_counts_only_with_its_state():
    assert classify(2, "0A000") == "edition"
    assert classify(2, "42000") == "unknown"


def test_a_state_tells_what_a_number_does_not():
    assert classify(None, "08001") == "transport"
    assert classify(987654, "08006") == "transport"
    assert classify(290404, "") == "transport"
    assert classify(14, "HYT00") == "transport"
    assert classify(-1, "") == "unknown"


class Strange(Exception):
    """An error as some version of a driver may raise it."""

    def __init__(self, **facts):
        super().__init__("hunter2 in the arguments")
        self.__dict__.update(facts)


@pytest.mark.parametrize(
    ("facts", "kind", "said"),
    [
        ({}, "unknown", "Strange"),
        ({"errno": -1, "sqlstate": "n/a", "msg": None}, "unknown", "Strange"),
        ({"errno": None, "sqlstate": None, "msg": "x"}, "unknown", "x"),
        ({"errno": True, "msg": "x"}, "unknown", "x"),
        ({"errno": 250001, "sqlstate": "n/a", "msg": "no route"}, "transport", "no route (250001)"),
        (
            {
                "errno": 2003,
                "sqlstate": "02000",
                "msg": "002003 (02000): a\n b (request_id=1, sfqid=2)",
            },
            "absent",
            "a b (002003 02000)",
        ),
        (
            {"errno": 3001, "sqlstate": "42501", "msg": "token hunter2 is bad"},
            "denied",
            "token *** is bad",
        ),
    ],
)
def test_an_error_is_read_without_trusting_it(facts, kind, said):
    failure = read_failure(Strange(**facts), ["hunter2"])

    assert failure.kind == kind
    assert said in failure.said
    assert "hunter2" not in repr(failure)


def test_a_failure_survives_being_pickled():
    failure = Failure(kind="denied", number=3001, state="42501", text="no", query="q")

    again = pickle.loads(pickle.dumps(failure))  # noqa: S301 - our own value
    assert repr(again) == repr(failure)
    assert failure.row.kind == "denied"


@pytest.mark.parametrize("kind", ["390112", "390114", "cancelled", "503"])
def test_what_was_not_carried_out_is_sent_again(fake, talk, kind):
    fake.faults.add(kind, "CREATE ROLE")

    talk.change('CREATE ROLE "A"')

    assert ("A",) in [row[1:2] for row in fake.admin("SHOW ROLES")]
    outcomes = [one.outcome for one in fake.statements if one.sql.startswith("CREATE")]
    assert outcomes.count("ok") == 1


def test_a_session_is_renewed_once_and_not_for_ever(fake, talk):
    fake.faults.add("390114", "SHOW ROLES", times=1000)

    with pytest.raises(Failure) as caught:
        talk.read("SHOW ROLES")

    assert caught.value.kind == "login_again"
    assert caught.value.row.passing


def test_an_interrupted_statement_is_tried_three_times(fake, talk):
    fake.faults.add("cancelled", "SHOW ROLES", times=1000)

    with pytest.raises(Failure) as caught:
        talk.read("SHOW ROLES")

    assert caught.value.kind == "interrupted"
    assert sum(one.sql == "SHOW ROLES" for one in fake.statements) == 3


@pytest.mark.parametrize(
    ("more", "advice"),
    [({"password": "hunter2"}, "check user, key or token"), ({"role": "NOPE"}, "not granted")],
)
def test_a_wrong_log_in_is_tried_once_and_shows_no_secret(fake, within, more, advice):
    """After several wrong ones a user is locked."""
    options = {**fake.connection, **more}
    sessions = Sessions(Login(options=options, secrets=("hunter2",)), name="lake")

    with pytest.raises(ProvisioningError) as caught, sessions.use(within(10)):
        pass

    assert "cannot reach connection lake" in str(caught.value)
    assert advice in str(caught.value)
    assert not caught.value.retryable
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("where", ["SHOW USERS", "CURRENT_ACCOUNT"])
def test_a_call_that_hangs_in_the_driver_does_not_outlive_its_deadline(bench, fake, within, where):
    fake.faults.add("slow", where, seconds=30)
    began = time.monotonic()

    with pytest.raises(ProvisioningError) as caught:
        bench.provisioner.resolve([Ref("principal", "ALICE")], within(1))

    assert time.monotonic() - began < 3
    assert caught.value.retryable
    assert "deadline" in str(caught.value)


def test_a_change_that_hangs_is_unknown_and_the_rest_is_not_begun(bench, fake, within):
    changes = bench.plan(bench.target(ORDERS), ["ALICE"])
    base = [c for c in changes if c.item.scope == changes[0].item.scope]
    fake.faults.add("slow", "CREATE ROLE", seconds=30)
    began = time.monotonic()

    outcomes = list(bench.provisioner.apply(base, within(2)))

    assert time.monotonic() - began < 4
    assert [o.result for o in outcomes] == ["unknown", *["not_attempted"] * (len(base) - 1)]
    assert all(o.retryable for o in outcomes)


def test_a_server_that_accepts_and_says_nothing_holds_nobody(fake, within, impatient):
    """Logging in is bounded as well, whatever the driver thinks of its own limits."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {**fake.connection, **impatient, "port": silent.getsockname()[1]}
        sessions = Sessions(Login(options=options), name="lake")
        began = time.monotonic()
        with pytest.raises(ProvisioningError), sessions.use(within(1)):
            pass
        assert time.monotonic() - began < 3


def test_a_line_that_was_left_is_not_used_again(fake, within):
    line = Line(Login(options=fake.connection), 10)
    fake.faults.add("slow", "SHOW ROLES", seconds=1)

    with pytest.raises(Failure):
        line.run("SHOW ROLES", "tag", 0.2)

    assert line.lost
    line._thread.join(10)
    assert not line._thread.is_alive()


def test_sessions_are_kept_and_shared(bench, fake, within):
    names = [Ref("principal", "ALICE")]
    for _ in range(3):
        bench.provisioner.resolve(names, within(10))

    assert sum("CURRENT_ACCOUNT" in one.sql for one in fake.statements) == 1

    threads = [
        threading.Thread(target=bench.provisioner.resolve, args=(names, within(10)))
        for _ in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert not any(each.is_alive() for each in threads)


def test_every_statement_carries_a_tag_a_limit_and_the_one_role(bench, fake, within):
    bench.provisioner.resolve([Ref("principal", "ALICE")], within(7, "pass-17"))

    (one,) = [each for each in fake.statements if each.sql.startswith("SHOW USERS")]
    assert json.loads(one.parameters["QUERY_TAG"]) == {"app": "marketplace", "req": "pass-17"}
    assert 1 <= one.parameters["STATEMENT_TIMEOUT_IN_SECONDS"] <= 7
    assert one.role == "MKT_SVC"


def test_evidence_names_the_query_by_which_it_is_found_in_the_history(bench, fake):
    changes = bench.plan(bench.target(ORDERS))

    (outcome,) = bench.apply(changes[:1])

    (query,) = [one.sfqid for one in fake.statements if one.sql.startswith("CREATE ROLE")]
    assert query in outcome.evidence
    assert "CREATE ROLE" in outcome.evidence


def test_taking_away_what_is_gone_is_done_after_looking(bench, fake, tmp_path):
    target = bench.target(ORDERS)
    bench.reconcile(target, ["ALICE"])
    items = {item.kind: item for item in bench.wanted(target, ["ALICE"]).values()}
    bench.see(items["member"].scope)
    change = Change(action="remove", item=items["member"])
    text = bench.provisioner.describe(change)
    saying(fake, tmp_path, text, 2003, "02000")

    (refused,) = bench.apply([change])
    assert refused.result == "refused", "it is still there"
    fake.admin(text)
    (gone,) = bench.apply([change])
    assert gone.result == "already"
