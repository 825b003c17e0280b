"""What goes wrong: late, lost, refused and colliding calls. All on a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from marketplace_sdk.errors import InvalidInput, ProvisioningError
from marketplace_sdk.ports.provisioner import Call, CannotLook, Change, Ref, Scope
from marketplace_sdk_postgres.provisioner import PostgresProvisioner


def members(bench):
    count = f"SELECT count(*) FROM pg_auth_members WHERE member = '{bench.alice}'::regrole"
    return bench.platform.run(count)[0][0]


def backend(bench):
    query = f"SELECT pid FROM pg_stat_activity WHERE usename = '{bench.login}'"
    return [pid for (pid,) in bench.platform.run(query)]


class Slow(PostgresProvisioner):
    """Sends each change when the call's second is over."""

    def _send(self, connection, statement):
        time.sleep(1.2)
        return super()._send(connection, statement)


def test_the_server_itself_refuses_a_late_change(bench, within):
    """A worker that sends after its deadline changes nothing, however it came to be late."""
    changes = bench.plan(bench.target(bench.orders), [bench.alice])
    before = bench.platform.snapshot()

    outcomes = list(bench.make(Slow).apply(changes, within(1)))

    assert [o.result for o in outcomes] == ["not_attempted"] * len(changes)
    assert "MP001" in outcomes[0].error
    assert all(o.retryable for o in outcomes)
    assert bench.platform.snapshot() == before


WORKER = """
    import os, signal, sys, time
    from marketplace_sdk.ports.provisioner import Call, Change, Known, Ref, Target, TargetObject
    from marketplace_sdk_postgres.provisioner import PostgresProvisioner

    dsn, installation, table, person, at, moment = sys.argv[1:]
    end = time.monotonic() + float(at)
    call = Call(seconds_left=lambda: end - time.monotonic(), correlation_id="worker")

    class Worker(PostgresProvisioner):
        count = 0

        def _send(self, connection, statement):
            self.count += 1
            if moment == "pause" and self.count == 1:
                os.kill(os.getpid(), signal.SIGSTOP)
            if moment == f"before {self.count}":
                os._exit(9)
            evidence = super()._send(connection, statement)
            if moment == f"after {self.count}":
                os._exit(9)
            return evidence

    worker = Worker(dsn, installation=installation)
    refs = [Ref("object", table), Ref("principal", person)]
    found = worker.resolve(refs, call)
    known = Known(installation=installation, resolved=found)
    target = Target(key="product:orders", objects=(TargetObject(table),))
    items = [*worker.base(target, known), *worker.member(target, found[refs[1]], known)]
    for outcome in worker.apply([Change(action="add", item=i) for i in items], call):
        print(outcome.result)
"""


def worker(bench, *, seconds, moment):
    arguments = [bench.platform.dsn(bench.login), bench.installation, bench.orders, bench.alice]
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WORKER), *arguments, str(seconds), moment],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_worker_paused_beyond_its_deadline_changes_nothing_when_it_wakes(bench):
    before = bench.platform.snapshot()
    process = worker(bench, seconds=2, moment="pause")
    os.waitpid(process.pid, os.WUNTRACED)
    time.sleep(2.1)

    os.kill(process.pid, signal.SIGCONT)
    said = process.communicate(timeout=20)[0].split()

    assert "done" not in said
    assert bench.platform.snapshot() == before


@pytest.mark.parametrize(
    "moment", [f"{when} {n}" for n in (1, 2, 3, 4) for when in ("before", "after")]
)
def test_a_worker_that_dies_leaves_whole_changes_and_the_next_one_goes_on(bench, moment):
    """Role and marker, above all, are one change: a role of ours is never without its marker."""
    process = worker(bench, seconds=20, moment=moment)
    process.communicate(timeout=20)
    assert process.returncode == 9

    target = bench.target(bench.orders)
    outcomes = bench.reconcile(target, [bench.alice])

    done_before = int(moment[-1]) - moment.startswith("before")
    assert [o.result for o in outcomes] == ["done"] * (4 - done_before)
    assert bench.platform.reads(bench.alice, bench.orders, "id") == "clear"
    assert {o.result for o in bench.end(target)} == {"done"}


@pytest.mark.parametrize("acted", [False, True])
def test_a_connection_lost_while_sending_leaves_the_outcome_unknown(bench, within, acted):
    """Whether the server acted cannot be told, so nothing more is attempted."""

    class Cut(PostgresProvisioner):
        def _send(self, connection, statement):
            evidence = super()._send(connection, statement) if acted else ""
            bench.platform.run(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")
            return (
                evidence or super()._send(connection, statement)
                if not acted
                else connection.execute("SELECT 1")
            )

    changes = bench.plan(bench.target(bench.orders), [bench.alice])

    outcomes = list(bench.make(Cut).apply(changes, within(10)))

    assert [o.result for o in outcomes] == ["unknown"] + ["not_attempted"] * (len(changes) - 1)
    assert outcomes[0].retryable
    assert "CREATE ROLE" in outcomes[0].evidence
    assert len(bench.plan(bench.target(bench.orders), [bench.alice])) == len(changes) - acted


def test_a_connection_that_died_idle_is_replaced(bench, within):
    bench.provisioner.resolve([Ref("principal", bench.alice)], within(10))
    for pid in backend(bench):
        bench.platform.run(f"SELECT pg_terminate_backend({pid}, 5000)")

    answers = bench.provisioner.resolve([Ref("principal", bench.alice)], within(10))

    assert len(answers) == 1


def test_a_server_that_falls_silent_does_not_hold_a_call(server, bench, within):
    if server.how == "dsn":
        pytest.skip("the server's processes are not on this machine")
    bench.provisioner.resolve([Ref("principal", bench.alice)], within(10))
    (pid,) = backend(bench)
    os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()

    try:
        # It is found out in time, but then no time is left for another connection.
        with pytest.raises(ProvisioningError) as caught:
            bench.provisioner.resolve([Ref("principal", bench.alice)], within(1))
    finally:
        os.kill(pid, signal.SIGCONT)

    assert caught.value.retryable
    assert time.monotonic() - started < 5


def test_a_call_without_time_reads_and_changes_nothing(bench, within):
    for ask in (
        lambda: bench.provisioner.resolve([], within(0)),
        lambda: bench.provisioner.observe([], [], within(0)),
        lambda: list(bench.provisioner.apply([], within(0))),
    ):
        with pytest.raises(ProvisioningError) as caught:
            ask()
        assert caught.value.retryable


def test_the_deadline_is_looked_at_before_each_change(bench):
    """Changes made in time stay; those after the deadline are not attempted."""
    end = [time.monotonic() + 10]
    call = Call(seconds_left=lambda: end[0] - time.monotonic(), correlation_id="")
    changes = bench.plan(bench.target(bench.orders), [bench.alice])

    outcomes = []
    for outcome in bench.provisioner.apply(changes, call):
        outcomes.append(outcome.result)
        end[0] = 0 if len(outcomes) == 2 else end[0]

    assert outcomes == ["done", "done", "not_attempted", "not_attempted"]


def test_a_change_that_waits_for_a_lock_ends_with_its_call(bench, within):
    bench.reconcile(bench.target(bench.items), [bench.alice])
    changes = bench.plan(bench.target(bench.items, bench.orders), [bench.alice])
    with psycopg.connect(bench.platform.dsn(bench.login)) as other:
        other.execute(f"GRANT SELECT ON {bench.orders} TO {bench.bob}".encode())
        started = time.monotonic()
        outcomes = list(bench.provisioner.apply(changes, within(1)))
        other.rollback()

    assert [o.result for o in outcomes] == ["not_attempted"]
    assert outcomes[0].retryable
    assert time.monotonic() - started < 3
    assert bench.platform.reads(bench.alice, bench.orders, "id") == "none"


def test_a_server_that_takes_no_changes_for_now_may_be_tried_again(bench, within):
    """As after a failover; a new connection is not even made to such a server."""
    target = bench.target(bench.orders)
    changes = bench.plan(target, [bench.alice])
    with bench.provisioner._connections.use(within(10)) as (connection, _):
        connection.execute("SET default_transaction_read_only = on")

    outcomes = list(bench.provisioner.apply(changes, within(10)))

    assert outcomes[0].result == "refused"
    assert outcomes[0].retryable
    assert "read-only" in outcomes[0].error


@pytest.mark.parametrize("cut", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_statement_that_is_cut_off_while_it_waits_changed_nothing(bench, within, cut):
    """An administrator cancels it, or the whole session; nothing is believed, nothing is half."""
    changes = bench.plan(bench.target(bench.orders), [bench.alice])
    role = next(c.item for c in changes if c.item.kind == "role").key.split("|")[1]
    list(bench.provisioner.apply(changes[:1], within(10)))
    before = bench.platform.snapshot()

    def cut_off():
        for _ in range(200):
            found = bench.platform.run(
                f"SELECT {cut}(pid) FROM pg_stat_activity"
                f" WHERE usename = '{bench.login}' AND wait_event_type = 'Lock'"
            )
            if found:
                return
            time.sleep(0.02)

    with psycopg.connect(bench.platform._admin_dsn) as other:
        other.execute(f"GRANT SELECT (id) ON {bench.orders} TO {role}".encode())
        other.execute(f"GRANT USAGE ON SCHEMA {bench.schema} TO {bench.bob}".encode())
        thread = threading.Thread(target=cut_off)
        thread.start()
        outcomes = list(bench.provisioner.apply(changes[1:], within(10)))
        thread.join()
        other.rollback()

    first = outcomes[0]
    assert first.result == ("not_attempted" if cut == "pg_cancel_backend" else "unknown")
    assert {o.result for o in outcomes[1:]} == {"not_attempted"}
    assert bench.platform.snapshot() == before
    again = bench.reconcile(bench.target(bench.orders), [bench.alice])
    assert {o.result for o in again} == {"done"}


def test_products_that_share_a_table_may_change_at_the_same_time(bench, within):
    """Their roles are locked apart, but the server itself lets two GRANTs on one table collide."""
    targets = [bench.target(bench.orders, key=f"product:{n}") for n in range(4)]
    plans = [bench.plan(target, [bench.alice]) for target in targets]
    outcomes = []
    barrier = threading.Barrier(len(plans))

    def run(plan):
        barrier.wait()
        outcomes.extend(bench.provisioner.apply(plan, within(20)))

    threads = [threading.Thread(target=run, args=[plan]) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {o.result for o in outcomes} == {"done"}
    assert members(bench) == 4


@pytest.mark.parametrize(
    ("taken", "kind", "missing"),
    [
        ("ALTER ROLE {login} NOCREATEROLE", "role", 'ALTER ROLE "{login}" CREATEROLE'),
        (
            "REVOKE ALL ON SCHEMA {schema} FROM {login}",
            "usage",
            'GRANT USAGE ON SCHEMA "{schema}" TO "{login}" WITH GRANT OPTION',
        ),
        (
            "REVOKE ALL ON {orders} FROM {login}",
            "select",
            'GRANT SELECT ON TABLE "{schema}"."orders" TO "{login}" WITH GRANT OPTION',
        ),
        (
            "REVOKE GRANT OPTION FOR SELECT ON {orders} FROM {login}",
            "select",
            'GRANT SELECT ON TABLE "{schema}"."orders" TO "{login}" WITH GRANT OPTION',
        ),
        (
            "REVOKE GRANT OPTION FOR USAGE ON SCHEMA {schema} FROM {login}",
            "usage",
            'GRANT USAGE ON SCHEMA "{schema}" TO "{login}" WITH GRANT OPTION',
        ),
    ],
)
def test_a_missing_permission_names_the_statement_an_administrator_must_run(
    bench, taken, kind, missing
):
    """Nothing is added beyond a refusal, and running that statement is all that it takes."""
    names = {"login": bench.login, "schema": bench.schema, "orders": bench.orders}
    bench.platform.run(taken.format(**names))
    target = bench.target((bench.orders, []))

    outcomes = bench.reconcile(target, [bench.alice])

    results = [o.result for o in outcomes]
    at = results.index("refused")
    assert set(results[:at]) <= {"done"}
    assert set(results[at + 1 :]) <= {"not_attempted"}
    assert outcomes[at].key.startswith(kind)
    statement = missing.format(**names)
    assert statement in outcomes[at].error
    assert outcomes[at].evidence in outcomes[at].error
    assert bench.platform.reads(bench.alice, bench.orders, "id") == "none"

    bench.platform.run(statement)
    assert {o.result for o in bench.reconcile(target, [bench.alice])} == {"done"}
    assert bench.platform.reads(bench.alice, bench.orders, "id") == "clear"


def test_a_refused_removal_does_not_stop_the_other_removals(bench):
    """As much as possible is taken away; what could not be is said."""
    target = bench.target(bench.orders, bench.items)
    bench.reconcile(target, [bench.alice])
    bench.platform.run(f"REVOKE SELECT ON {bench.items} FROM {bench.login} CASCADE")
    select = next(i for i in bench.ledger.values() if i.opens == (bench.items,))
    role = select.key.split("|")[1]
    bench.platform.run(f"GRANT SELECT ON {bench.items} TO {role}")

    outcomes = bench.end(target)

    refused = {o.key: o.error for o in outcomes if o.result == "refused"}
    assert set(refused) == {select.key, f"role|{role}"}
    assert "given by" in refused[select.key]
    assert "items" in refused[f"role|{role}"]
    assert {o.result for o in outcomes} == {"done", "refused"}
    assert bench.platform.reads(bench.alice, bench.orders, "id") == "none"


def test_scopes_of_another_server_or_plugin_are_not_looked_at(bench, within):
    item = next(iter(bench.wanted(bench.target(bench.orders)).values()))
    elsewhere = Scope("postgres:1/1", item.scope.key)
    strange = Scope(item.scope.platform, "group:x")

    answers = bench.provisioner.observe([elsewhere, strange], [], within(10))

    assert all(isinstance(a, CannotLook) and not a.retryable for a in answers.values())


def test_changes_that_are_not_ours_to_make_are_refused(bench, within):
    import attrs

    item = next(iter(bench.wanted(bench.target(bench.orders)).values()))
    elsewhere = attrs.evolve(item, scope=Scope("postgres:1/1", item.scope.key))
    foreign = attrs.evolve(item, key="role|postgres")
    strange = attrs.evolve(item, key="other|x|y")
    before = bench.platform.snapshot()

    for change in (
        Change(action="add", item=elsewhere),
        Change(action="add", item=foreign),
        Change(action="remove", item=strange),
        Change(action="set_until", item=item),
    ):
        (outcome,) = bench.provisioner.apply([change], within(10))
        assert outcome.result == "refused"
        assert outcome.error
    assert bench.platform.snapshot() == before


def test_an_object_dropped_meanwhile_is_refused_and_may_be_tried_again(bench, within):
    changes = bench.plan(bench.target(bench.orders))
    bench.platform.run(f"DROP TABLE {bench.orders}")

    *_, last = bench.provisioner.apply(changes, within(10))

    assert (last.result, last.retryable) == ("refused", True)


@pytest.mark.parametrize(
    "dsn", ["postgresql://me:hunter2@[broken", "password hunter2", "host=x password='hunter2"]
)
def test_a_connection_string_that_cannot_be_read_is_refused_without_repeating_it(dsn):
    with pytest.raises(InvalidInput) as caught:
        PostgresProvisioner(dsn, installation="inst1234")

    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "parameters", [{"port": "1"}, {"dbname": "hunter2db"}, {"user": "nobody_here"}]
)
def test_a_server_that_cannot_be_reached_is_an_error_without_the_password(
    server, within, parameters
):
    dsn = make_conninfo(server.dsn, password="hunter2", **parameters)

    with pytest.raises(ProvisioningError) as caught:
        PostgresProvisioner(dsn, installation="inst1234", name="lake").resolve([], within(5))

    assert "lake" in str(caught.value)
    assert "password=" not in str(caught.value)
    assert "hunter2 " not in str(caught.value)
    assert caught.value.retryable


def test_nothing_is_opened_before_the_first_call():
    PostgresProvisioner("host=192.0.2.1 dbname=x", installation="inst1234").close()
