"""The table of failures: each row through the real SDK, and what becomes of the change."""

from __future__ import annotations

import pytest
import requests
from databricks.sdk import errors
from plugins.databricks.tests.helpers import add, call_for

from marketplace_sdk.plugin import Change, ProvisioningError, Ref
from marketplace_sdk_databricks.deadline import NoAnswer, OutOfTime, Redirected
from marketplace_sdk_databricks.failures import ROWS, BadCredentials, failure_of
from marketplace_sdk_databricks.statements import StatementFailed

ANN = "ann@x.org"

CASES = {
    "bad type": ({"status": 400, "error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid securable type"}, "bad_request", "refused", False),
    "limit as bad request": ({"status": 400, "error_code": "INVALID_PARAMETER_VALUE", "message": "Cannot add: the number of grants exceeds the limit of 1000"}, "limit", "refused", False),
    "token is bad": ({"status": 401, "error_code": "UNAUTHENTICATED", "message": "Credential was not sent"}, "bad_credentials", "refused", False),
    "no MANAGE": ({"status": 403, "error_code": "PERMISSION_DENIED", "message": "User does not have MANAGE"}, "denied", "refused", False),
    "IP list": ({"status": 403, "html": "<html><body><h2>Source IP address is blocked</h2></body></html>"}, "network_policy", "refused", False),
    "no object": ({"status": 404, "error_code": "TABLE_DOES_NOT_EXIST", "message": "Table does not exist"}, "no_object", "refused", False),
    "no principal by code": ({"status": 404, "error_code": "PRINCIPAL_DOES_NOT_EXIST", "message": "Nobody"}, "no_principal", "refused", False),
    "no principal by words": ({"status": 404, "error_code": "NOT_FOUND", "message": "Could not find principal with name users"}, "no_principal", "refused", False),
    "aborted": ({"status": 409, "error_code": "ABORTED", "message": "Concurrent update"}, "conflict", "not_attempted", True),
    "conflict": ({"status": 409, "error_code": "RESOURCE_CONFLICT", "message": "Conflict"}, "conflict", "not_attempted", True),
    "exists": ({"status": 409, "error_code": "ALREADY_EXISTS", "message": "It exists"}, "exists", "refused", False),
    "throttled": ({"status": 429, "error_code": "RESOURCE_EXHAUSTED", "message": "Too many requests", "retry_after": 3600}, "throttled", "not_attempted", True),
    "request limit": ({"status": 429, "error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Too many requests", "retry_after": 3600}, "throttled", "not_attempted", True),
    "quota": ({"status": 429, "error_code": "RESOURCE_EXHAUSTED", "message": "Quota of policies reached", "retry_after": 3600}, "limit", "refused", False),
    "500": ({"status": 500, "error_code": "INTERNAL_ERROR", "message": "Something broke"}, "unsure", "unknown", True),
    "502": ({"status": 502, "error_code": "BAD_GATEWAY", "message": "Bad gateway"}, "unsure", "unknown", True),
    "504": ({"status": 504, "error_code": "DEADLINE_EXCEEDED", "message": "Too slow"}, "unsure", "unknown", True),
    "503": ({"status": 503, "error_code": "TEMPORARILY_UNAVAILABLE", "message": "Later", "retry_after": 3600}, "throttled", "not_attempted", True),
    "501": ({"status": 501, "error_code": "NOT_IMPLEMENTED", "message": "Not here"}, "not_supported", "refused", False),
    "feature is off": ({"status": 404, "error_code": "ENDPOINT_NOT_FOUND", "message": "No API found"}, "not_supported", "refused", False),
    "cut off": ({"drop": True}, "no_answer", "unknown", True),
    "HTML": ({"html": "<html>log in</html>"}, "wrong_address", "refused", False),
    "redirect": ({"redirect": "."}, "wrong_address", "refused", False),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_failed_change_is_understood(lake, fake, case):
    """Refused for good, to be tried again, or perhaps done: nothing of it is guessed."""
    fault, name, result, retryable = CASES[case]
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    add(provisioner, items[:-1])
    fake.faults.add("PATCH", "*/permissions/table/*", times=None, **fault)

    (outcome,) = provisioner.apply([Change(action="add", item=items[-1])], call_for(8))

    assert (outcome.result, outcome.retryable) == (result, retryable), outcome
    assert f"({name})" in outcome.error
    assert "GRANT SELECT ON TABLE `c`.`s`.`t1` TO `ann@x.org`" in outcome.error
    assert "<html>" not in outcome.error
    assert fake.token not in repr(outcome)


@pytest.mark.parametrize("case", CASES)
def test_a_failed_look_is_understood(lake, fake, case):
    fault, name, _, retryable = CASES[case]
    provisioner = lake.provisioner()
    provisioner.resolve([Ref("principal", ANN)], call_for())
    fake.faults.add("GET", "*/schemas/*", **{"times": None, **fault})

    if name == "denied":
        (answer,) = provisioner.resolve([Ref("object", "c.s.t1")], call_for(8)).values()
        assert (answer.reason, answer.retryable) == ("not_allowed", False)
        return
    with pytest.raises(ProvisioningError) as caught:
        provisioner.resolve([Ref("object", "c.s.t1")], call_for(8))

    assert (caught.value.code, caught.value.retryable) == (name, retryable)
    assert caught.value.hint


def test_the_statement_that_an_administrator_must_run_is_told(lake, fake):
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    fake.take(fake.me, "MANAGE", "catalog", "c")

    outcomes = add(provisioner, items)

    assert [outcome.result for outcome in outcomes] == ["refused"] * 3
    for outcome, securable in zip(
        outcomes, ("CATALOG `c`", "SCHEMA `c`.`s`", "TABLE `c`.`s`.`t1`"), strict=True
    ):
        assert f"GRANT MANAGE ON {securable} TO" in outcome.error


def test_500_whose_words_the_sdk_takes_for_passing_is_not_tried_beyond_the_call(lake, fake):
    """The change may have happened at the first try, so the answer is that nobody knows."""
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    fake.faults.add("PATCH", "*", times=None, after=True, status=500, message="Unexpected error")

    (outcome,) = provisioner.apply([Change(action="add", item=items[0])], call_for(2.5))

    assert (outcome.result, outcome.retryable) == ("unknown", True)


def test_after_a_refusal_nothing_is_added_but_things_are_still_taken_away(lake, fake):
    provisioner = lake.provisioner()
    fake.user("eve@x.org")
    items = lake.plan(provisioner, ["c.s.t1"], ANN, "bob@x.org", "eve@x.org")
    add(provisioner, items)
    selects = [item for item in items if item.kind == "select"]
    changes = [Change(action="remove", item=selects[0]), Change(action="remove", item=selects[1])]
    fake.faults.add("PATCH", "*", status=403, error_code="PERMISSION_DENIED")

    outcomes = list(provisioner.apply(changes, call_for()))

    assert [outcome.result for outcome in outcomes] == ["refused", "done"]
    fake.faults.add("PATCH", "*", status=403, error_code="PERMISSION_DENIED")
    more = [Change(action="remove", item=selects[0]), Change(action="add", item=selects[1])]
    assert [each.result for each in provisioner.apply(more, call_for())] == [
        "refused",
        "not_attempted",
    ]


ERRORS = [
    (OutOfTime(), "out_of_time"),
    (NoAnswer("x"), "no_answer"),
    (TimeoutError("Timed out after 0:05:00"), "no_answer"),
    (requests.ConnectionError("x"), "no_answer"),
    (requests.Timeout("x"), "no_answer"),
    (requests.TooManyRedirects("x"), "wrong_address"),
    (Redirected("x"), "wrong_address"),
    (requests.exceptions.JSONDecodeError("x", "<", 0), "wrong_address"),
    (BadCredentials("x"), "bad_credentials"),
    (errors.Unauthenticated("x"), "bad_credentials"),
    (errors.PermissionDenied("x", error_code="FORBIDDEN"), "network_policy"),
    (StatementFailed("x", "DELTA_CONCURRENT_APPEND"), "statement_conflict"),
    (StatementFailed("x", "INSUFFICIENT_PERMISSIONS"), "statement_denied"),
    (StatementFailed("x", "ROUTINE_NOT_FOUND"), "statement_failed"),
    (OSError("what nobody has seen yet"), "unsure"),
]


@pytest.mark.parametrize(("error", "name"), ERRORS, ids=lambda each: str(each)[:30])
def test_what_is_no_error_of_the_service_is_understood_too(error, name):
    assert failure_of(error).row.name == name


def test_every_row_is_reached_by_a_test():
    reached = {case[1] for case in CASES.values()} | {name for _, name in ERRORS}

    assert {row.name for row in ROWS} == reached


def test_what_may_have_happened_is_never_called_refused():
    """A row that says so would let access be reported as not given that is there."""
    for error in (
        NoAnswer(""),
        TimeoutError(),
        requests.ConnectionError(),
        errors.InternalError(""),
        OSError(),
    ):
        assert failure_of(error).row.result == "unknown"
