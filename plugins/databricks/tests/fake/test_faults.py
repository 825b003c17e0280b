"""What goes wrong on request, and that nothing of the fake is left when it ends."""

from __future__ import annotations

import base64
import http.client
import threading
import time

import pytest
import requests
from databricks.sdk import errors

from marketplace_sdk_databricks.testing import FakeDatabricks

UC = "/api/2.1/unity-catalog"
TABLE = f"{UC}/permissions/table/c.s.t"
GRANT = {"changes": [{"principal": "ann@x.org", "add": ["SELECT"]}]}


def granted(fake):
    return fake.snapshot()["grants"].get(("table", "c.s.t"), {}) != {}


def test_a_request_fails_before_it_is_carried_out(fake, ask):
    fake.faults.add("PATCH", "*/permissions/*", status=500, error_code="INTERNAL_ERROR")

    assert ask("PATCH", TABLE, GRANT)[0] == 500
    assert not granted(fake)
    assert ask("PATCH", TABLE, GRANT)[0] == 200


def test_an_answer_is_lost_after_the_request_was_carried_out(fake, client):
    from databricks.sdk.service.catalog import PermissionsChange, Privilege

    fake.faults.add("PATCH", "*/permissions/*", after=True, status=500)
    change = PermissionsChange(principal="ann@x.org", add=[Privilege.SELECT])

    with pytest.raises(errors.InternalError):
        client.grants.update("table", "c.s.t", changes=[change])
    assert granted(fake)


def test_it_happens_to_the_requests_it_is_for(fake, ask):
    fake.faults.add("GET", "*/table/*", nth=2, times=2, status=503)

    outcomes = [ask("GET", TABLE)[0] for _ in range(4)]
    assert ask("GET", f"{UC}/permissions/schema/c.s")[0] == 200

    assert outcomes == [200, 503, 503, 200]


def test_it_can_happen_for_ever_until_it_is_taken_back(fake, client):
    fake.faults.add("GET", "*/privilege-assignments/*", times=None, status=501, error_code="X")

    for _ in range(3):
        with pytest.raises(errors.NotImplemented):
            list(client.grants.list("table", "c.s.t"))
    fake.faults.clear()
    assert list(client.grants.list("table", "c.s.t")) == []


def test_the_client_is_told_to_wait(fake, client):
    """The SDK obeys the header, so the second attempt comes after a second."""
    fake.faults.add("GET", TABLE, status=429, error_code="RESOURCE_EXHAUSTED", retry_after=1)

    client.grants.get("table", "c.s.t")

    assert [call.outcome for call in fake.calls if call.path == TABLE] == [429, 200]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"html": "<html><title>Sign in</title></html>"}, requests.JSONDecodeError),
        ({"html": "<html><pre>blocked</pre></html>", "status": 403}, errors.PermissionDenied),
        ({"redirect": "."}, requests.TooManyRedirects),
    ],
)
def test_something_else_than_the_service_answers(fake, client, fault, error):
    fake.faults.add("GET", "*", times=None, **fault)

    with pytest.raises(error):
        client.grants.get("table", "c.s.t")


def test_a_connection_is_dropped(fake, ask):
    fake.faults.add("PATCH", "*", drop=True)
    fake.faults.add("PATCH", "*", drop=True, after=True)

    with pytest.raises(http.client.RemoteDisconnected):
        ask("PATCH", TABLE, GRANT)
    assert not granted(fake)
    with pytest.raises(http.client.RemoteDisconnected):
        ask("PATCH", TABLE, GRANT)
    assert granted(fake)
    assert [call.outcome for call in fake.calls] == ["dropped", "dropped"]


def test_a_read_after_a_write_may_be_late(fake, ask):
    """The first read answers from before the last change; the next one is right."""
    fake.faults.add("GET", TABLE, stale=True)

    ask("PATCH", TABLE, GRANT)

    assert ask("GET", TABLE) == (200, {})
    assert ask("GET", TABLE)[1] != {}


def test_somebody_else_changes_something_in_between(fake, ask):
    fake.faults.add(
        "GET", TABLE, nth=2, edit=lambda: fake.take("ann@x.org", "SELECT", "table", "c.s.t")
    )
    ask("PATCH", TABLE, GRANT)

    assert ask("GET", TABLE)[1] != {}
    assert ask("GET", TABLE)[1] == {}


def test_one_listing_has_pages_of_its_own(fake, client):
    fake.give("ann@x.org", "SELECT", "table", "c.s.t")
    fake.faults.add("GET", "*/privilege-assignments/*", times=2, page_size=1, empty_pages=1)

    assert len(list(client.grants.list("table", "c.s.t"))) == 1
    assert len(fake.calls) >= 2


def test_a_statement_fails_as_it_is_told(fake, sql):
    fake.faults.add("POST", "*/sql/statements", failed="[TABLE_OR_VIEW_NOT_FOUND] gone")

    assert sql("SELECT 1").status.error.message == "[TABLE_OR_VIEW_NOT_FOUND] gone"


def test_an_answer_drips(fake, ask):
    fake.give("ann@x.org", "SELECT", "table", "c.s.t")
    fake.faults.add("GET", TABLE, drip=0.002)

    assert ask("GET", TABLE)[1]["privilege_assignments"][0]["principal"] == "ann@x.org"


def test_a_fake_that_ends_lets_go_of_who_waits(ask):
    """A hung answer, a dripping one, and one who connects and says nothing."""
    before = set(threading.enumerate())
    ended = []

    with FakeDatabricks() as fake:
        fake.faults.add("GET", "*hung", delay=3_600)
        fake.faults.add("GET", "*late", delay=3_600, after=True)
        fake.faults.add("GET", "*dripping", drip=3_600)

        def wait(word):
            try:
                ended.append(ask("GET", f"/api/{word}", server=fake))
            except (OSError, http.client.HTTPException) as error:
                ended.append(error)

        waiting = [
            threading.Thread(target=wait, args=(word,)) for word in ("hung", "late", "dripping")
        ]
        for thread in waiting:
            thread.start()
        silent = http.client.HTTPConnection(fake.host.removeprefix("http://"))
        silent.connect()
        while len(fake.calls) < 1:
            time.sleep(0.005)

    for thread in waiting:
        thread.join(10)
    silent.close()
    assert len(ended) == 3
    assert set(threading.enumerate()) == before


def test_a_mistake_of_the_fake_is_told_when_it_ends(ask):
    """A test cannot pass because the fake broke, nor blame the code under test."""

    def slip():
        raise ZeroDivisionError

    fake = FakeDatabricks()
    fake.faults.add(edit=slip)
    fake.__enter__()
    status, answer = ask("GET", TABLE, server=fake)

    assert (status, answer["error_code"]) == (500, "FAKE_IS_BROKEN")
    with pytest.raises(ExceptionGroup, match="could not carry out"):
        fake.__exit__(None, None, None)


def test_who_comes_after_the_end_finds_nobody(ask):
    with FakeDatabricks() as fake:
        pass

    with pytest.raises(ConnectionRefusedError):
        ask("GET", "/", server=fake)


def test_calls_are_recorded_without_token_or_secret(fake, client, ask):
    fake.oauth("client", "s3cret-of-client")
    requests.post(
        f"{fake.host}/oidc/v1/token",
        auth=("client", "s3cret-of-client"),
        data={"grant_type": "client_credentials"},
        timeout=5,
    )
    client.grants.get("table", "c.s.t", principal="ann@x.org")
    ask("PATCH", f"{UC}/permissions/table/c.s.x%23y?a=b", raw="no json")

    read, wrong = fake.calls[-2:]
    assert (read.method, read.path, read.query) == ("GET", TABLE, {"principal": ["ann@x.org"]})
    assert (read.outcome, read.error_code, read.caller) == (200, None, fake.me)
    assert "databricks-sdk-py/" in read.user_agent
    assert wrong.path.endswith("c.s.x%23y")
    assert (wrong.body, wrong.outcome, wrong.error_code) == ("no json", 400, "MALFORMED_REQUEST")
    text = repr(fake.calls)
    assert fake.token not in text
    assert "s3cret" not in text
    assert base64.b64encode(b"client:s3cret-of-client").decode() not in text
    fake.forget_calls()
    assert fake.calls == []


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/api/2.1/unity-catalog/volumes"), ("DELETE", TABLE), ("GET", "/oidc/v1/token")],
)
def test_what_the_fake_does_not_know_is_said(ask, method, target):
    status, answer = ask(method, target)

    assert (status, answer["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_the_host_does_not_describe_itself_by_default(ask):
    assert ask("GET", "/.well-known/databricks-config")[0] == 404


@pytest.mark.parametrize("raw", ["[1]", "{"])
def test_a_body_that_is_no_object_is_refused(ask, raw):
    assert ask("PATCH", TABLE, raw=raw)[0] == 400


def test_twenty_changes_at_once_are_all_carried_out(fake, ask):
    names = [f"u{number}@x.org" for number in range(20)]
    for name in names:
        fake.user(name)

    def grant(name):
        ask("PATCH", TABLE, {"changes": [{"principal": name, "add": ["SELECT"]}]})

    threads = [threading.Thread(target=grant, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(fake.snapshot()["grants"]["table", "c.s.t"]) == set(names)
