"""What bites whoever uses the SDK as it comes; each of these went wrong once for somebody."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
import time

import pytest
from attrs import evolve
from plugins.databricks.tests.helpers import add, call_for, remove, results

from marketplace_sdk.plugin import (
    CannotLook,
    Change,
    ProvisioningError,
    Ref,
    Resolved,
    Seen,
    Unresolved,
)
from marketplace_sdk_databricks.deadline import Deadline

ANN = "ann@x.org"


def test_the_kind_of_a_securable_is_sent_as_a_plain_word(lake, fake):
    """An enum in the path becomes ``SecurableType.TABLE``, which the service does not know."""
    provisioner = lake.provisioner()

    outcomes = add(provisioner, lake.plan(provisioner, ["c.s.t1"], ANN))

    assert results(outcomes) == ["done"] * 3
    written = [each.path for each in fake.calls if each.method == "PATCH"]
    assert [path.rsplit("/", 2)[1] for path in written] == ["catalog", "schema", "table"]


@pytest.mark.parametrize("name", ["x#y", "x?y", "x%23y", "x;y", "grüße", "a`b", "x&y=z"])
def test_a_name_is_encoded_so_that_nothing_else_is_granted_on(lake, fake, name):
    """``c.s.x#y`` sent as it is would be ``c.s.x``, another table."""
    fake.table("c.s.x", {"id": "BIGINT"})
    fake.table("c.s.x%23y" if name == "x#y" else f"c.s.{name}x", {"id": "BIGINT"})
    fake.table(f"c.s.{name}", {"id": "BIGINT"})
    provisioner = lake.provisioner()

    items = lake.plan(provisioner, ["c.s." + (f"`{name.replace('`', '``')}`")], ANN)
    outcomes = add(provisioner, items)

    assert results(outcomes) == ["done"] * 3, outcomes
    grants = fake.snapshot()["grants"]
    tables = {name for (type, name), held in grants.items() if type == "table" and ANN in held}
    assert tables == {f"c.s.{name}"}


@pytest.mark.parametrize(
    "name", ["c.s.../../2.0/foo", "c.s.a/b", "c.s..", "c.s.a\nb", "../../x", "c.s"]
)
def test_what_no_object_is_called_is_never_sent(lake, fake, name):
    provisioner = lake.provisioner()
    provisioner.resolve([Ref("object", "c.s.t1")], call_for())
    fake.forget_calls()

    answer = provisioner.resolve([Ref("object", name)], call_for())[Ref("object", name)]

    assert isinstance(answer, Unresolved)
    assert answer.reason == "not_found"
    assert fake.calls == []


def test_an_empty_first_page_is_not_the_end_of_a_list(lake, fake):
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    add(provisioner, items)
    fake.give("bob@x.org", "SELECT", "table", "c.s.t1")
    fake.pages(size=1, empty=2)

    scopes = {item.scope for item in items}
    seen = provisioner.observe(scopes, (), call_for())

    assert all(isinstance(each, Seen) for each in seen.values())
    assert {item.key for item in items} <= {key for each in seen.values() for key in each.items}


def test_a_list_that_changes_between_its_pages_is_read_again(lake, fake):
    """Who moves to a page that was read already would be missed, and taken for gone."""
    provisioner = lake.provisioner()
    fake.group("aaa")
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    add(provisioner, items)
    select = items[-1]
    fake.give("bob@x.org", "SELECT", "table", "c.s.t1")
    fake.pages(size=1)
    path = "*/permissions/table/c.s.t1"
    fake.faults.add("GET", path, nth=2, edit=lambda: fake.give("aaa", "SELECT", "table", "c.s.t1"))

    (seen,) = provisioner.observe([select.scope], (), call_for()).values()

    assert select.key in seen.items


@pytest.mark.parametrize("wait", [60, 3600])
def test_a_wait_longer_than_the_call_is_not_waited(lake, fake, wait):
    """The SDK obeys ``Retry-After`` without a limit; a thread would be asleep for an hour."""
    provisioner = lake.provisioner()
    fake.faults.add(
        "GET",
        "*/tables/*",
        status=429,
        error_code="RESOURCE_EXHAUSTED",
        retry_after=wait,
        times=None,
    )
    began = time.monotonic()

    with pytest.raises(ProvisioningError) as caught:
        provisioner.resolve([Ref("object", "c.s.t1")], call_for(3))

    assert time.monotonic() - began < 3
    assert caught.value.retryable
    assert caught.value.retry_after >= wait


def test_a_short_wait_is_waited_and_told(lake, fake):
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    fake.faults.add("PATCH", "*", status=429, error_code="RESOURCE_EXHAUSTED", retry_after=2)
    began = time.monotonic()

    outcomes = add(provisioner, items)

    assert results(outcomes) == ["done"] * 3
    assert time.monotonic() - began >= 2
    assert [("made it wait" in each.evidence) for each in outcomes] == [True, False, False]
    assert fake.what_does(ANN, "c.s.t1", "id") == "clear"


def test_nothing_is_sent_while_a_client_is_built(lake, fake, monkeypatch):
    """The SDK asks the host who it is, for minutes if need be, and reads its own environment."""
    monkeypatch.setenv("DATABRICKS_HOST", "https://elsewhere.example")
    monkeypatch.setenv("DATABRICKS_TOKEN", "of-somebody-else")
    provisioner = lake.provisioner()

    assert fake.calls == []
    provisioner.resolve([Ref("object", "c.s.t1")], call_for())
    assert "/.well-known/databricks-config" not in {each.path for each in fake.calls}
    assert fake.calls[0].path.endswith("/current-metastore-assignment")


def test_a_host_that_says_nothing_costs_no_more_than_the_call(lake):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fake = lake.fake
        provisioner = lake.provisioner(
            host=f"http://127.0.0.1:{silent.getsockname()[1]}", token=fake.token
        )
        began = time.monotonic()

        with pytest.raises(ProvisioningError) as caught:
            provisioner.resolve([Ref("object", "c.s.t1")], call_for(1))

    assert caught.value.retryable
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("fault", [{"delay": 30}, {"drip": 0.3}])
def test_an_answer_that_does_not_come_is_cut_off_and_leaves_no_thread(lake, fake, fault):
    """A byte now and then keeps every read alive; only the end of the call counts."""
    provisioner = lake.provisioner()
    provisioner.resolve([Ref("object", "c.s.t1")], call_for())
    fake.faults.add("GET", "*/tables/*", **fault)
    ours = threading.active_count()
    began = time.monotonic()

    with pytest.raises(ProvisioningError) as caught:
        provisioner.resolve([Ref("object", "c.s.t1")], call_for(1))

    assert caught.value.retryable
    assert time.monotonic() - began < 3
    for timer in [t for t in threading.enumerate() if isinstance(t, threading.Timer)]:
        timer.join(5)
        assert not timer.is_alive()
    assert threading.active_count() <= ours + 1  # the fake's own, which still drips


def test_unknown_privileges_and_deleted_grantees_survive_a_whole_life(lake, fake):
    """They vanish while the SDK reads a list, so nothing may be concluded from a whole list."""
    fake.group("gone")
    for principal, privilege in (
        ("bob@x.org", "BRAND_NEW"),
        ("gone", "SELECT"),
        (ANN, "APPLY_TAG"),
        (ANN, "BRAND_NEW"),
    ):
        fake.give(principal, privilege, "table", "c.s.t1")
    fake.drop("group", "gone")
    before = fake.snapshot()
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)

    add(provisioner, items)
    remove(provisioner, items)

    assert fake.snapshot() == before
    bodies = [each.body for each in fake.calls if each.method == "PATCH"]
    assert bodies
    for body in bodies:
        (change,) = body["changes"]
        assert change["principal"] == ANN
        assert ("add" in change) != ("remove" in change)
        named = change.get("add", change.get("remove"))
        assert len(named) == 1
        assert set(named) <= {"SELECT", "USE_SCHEMA", "USE_CATALOG"}


def test_a_page_of_somebody_else_is_no_answer(lake, fake):
    """An HTML page with status 200 is no DatabricksError."""
    provisioner = lake.provisioner()
    fake.faults.add("GET", "*/tables/*", html="<html>log in</html>", times=None)

    with pytest.raises(ProvisioningError, match="no JSON") as caught:
        provisioner.resolve([Ref("object", "c.s.t1")], call_for())

    assert not caught.value.retryable
    assert "<html>" not in str(caught.value)


def test_a_redirect_is_not_followed(lake, fake):
    """A PATCH would arrive as a GET, and its answer be taken for success."""
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    fake.faults.add("PATCH", "*", redirect="/api/2.1/unity-catalog/permissions/table/c.s.t1")

    (outcome,) = provisioner.apply([Change(action="add", item=items[0])], call_for())

    assert outcome.result == "refused"
    assert "redirect" in outcome.error
    assert fake.what_does(ANN, "c.s.t1", "id") == "none"


@pytest.mark.parametrize("status", [500, 504])
def test_what_failed_inside_is_not_done_twice_and_not_called_failed(lake, fake, status):
    """The SDK does not try again, and the change may have happened: a look decides."""
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    add(provisioner, items[:-1])
    fake.faults.add("PATCH", "*", after=True, status=status)

    (first,) = provisioner.apply([Change(action="add", item=items[-1])], call_for())
    (second,) = provisioner.apply([Change(action="add", item=items[-1])], call_for())

    assert first.result == "unknown"
    assert first.retryable
    assert second.result == "already"
    assert fake.what_does(ANN, "c.s.t1", "id") == "clear"


def test_a_conflict_is_tried_again_later(lake, fake):
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    fake.faults.add("PATCH", "*", status=409, error_code="ABORTED")

    first, second = (
        next(provisioner.apply([Change(action="add", item=items[0])], call_for())) for _ in range(2)
    )

    assert (first.result, first.retryable) == ("not_attempted", True)
    assert second.result == "done"


def test_no_policy_is_ever_edited(lake, fake):
    """A policy has no version, and an update replaces a whole list: two approvals would lose one."""
    fake.function("c.s.hide", "'***'")
    fake.group("clear")
    fake.tag("c.s.t1", "pii", "email", column="email")
    fake.add_member("clear", "bob@x.org")
    fake.policy(
        "emails", "table", "c.s.t1", to=["account users"], except_principals=["clear"],
        match_columns=[{"alias": "c", "condition": "has_tag('pii')"}],
        column_mask={"function_name": "c.s.hide", "on_column": "c"},
    )  # fmt: skip
    fake.drop("group", "clear")
    fake.group("clear", managers=[fake.me])
    provisioner = lake.provisioner(exception_groups={"c.s.t1.email": "clear"})
    before = fake.snapshot()["policies"]
    add(provisioner, lake.plan(provisioner, ["c.s.t1"], ANN, masked=["email"]))

    add(provisioner, lake.plan(provisioner, ["c.s.t1"], ANN, column="email"))

    assert fake.what_does(ANN, "c.s.t1", "email") == "clear"
    assert fake.snapshot()["policies"] == before
    assert not [each for each in fake.calls if "policies" in each.path and each.method != "GET"]


def test_a_failed_statement_with_status_200_is_a_failure(lake, fake):
    fake.table("c.s.exceptions", {"mask": "STRING", "principal": "STRING", "until": "TIMESTAMP"})
    provisioner = lake.provisioner(exception_table="c.s.exceptions", warehouse_id=fake.warehouse_id)
    item = exception_item(lake, provisioner)
    fake.faults.add(
        "POST", "*/sql/statements*", nth=2, failed="[DELTA_CONCURRENT_APPEND] somebody wrote"
    )

    (outcome,) = provisioner.apply([Change(action="add", item=item)], call_for())

    assert outcome.result == "not_attempted"
    assert outcome.retryable
    assert "DELTA_CONCURRENT_APPEND" in outcome.error
    assert fake.snapshot()["rows"] == {}


def exception_item(lake, provisioner):
    from marketplace_sdk_databricks.masks import body

    platform = lake.plan(provisioner, ["c.s.t1"], ANN)[0].scope.platform
    name = f"c.s.{provisioner._masking.group('c.s.t1', 'email', platform)}"
    lake.fake.give(lake.fake.me, "MODIFY", "table", "c.s.exceptions")
    lake.fake.give(lake.fake.me, "SELECT", "table", "c.s.exceptions")
    lake.fake.function(name, body("null", exceptions="c.s.exceptions", key="c.s.t1.email"))
    lake.fake.mask("c.s.t1", "email", name)
    (item,) = lake.plan(provisioner, ["c.s.t1"], ANN, column="email")
    return item


def test_an_item_of_somebody_elses_making_is_refused(lake, fake):
    """Nothing that the ledger, or a plugin, may have mixed up becomes a request."""
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    before = fake.snapshot()
    wrong = [
        evolve(items[2], scope=items[1].scope),
        evolve(items[2], key=items[1].key),
        evolve(items[2], key="nonsense"),
        evolve(items[2], scope=evolve(items[2].scope, key="nonsense")),
        evolve(items[2], scope=evolve(items[2].scope, platform="databricks:other")),
    ]

    for item in wrong:
        (outcome,) = provisioner.apply([Change(action="add", item=item)], call_for())
        assert outcome.result == "refused", item
        assert not outcome.retryable

    assert fake.snapshot() == before


def test_a_scope_that_is_none_of_ours_cannot_be_seen(lake):
    provisioner = lake.provisioner()
    scope = lake.plan(provisioner, ["c.s.t1"], ANN)[0].scope

    answers = provisioner.observe([evolve(scope, key="nonsense")], (), call_for())

    assert all(isinstance(each, CannotLook) and not each.retryable for each in answers.values())


def test_a_deadline_without_a_call_lets_nobody_wait():
    with pytest.raises(RuntimeError, match="within a call"):
        Deadline().sleep(1)


def test_no_secret_and_no_configuration_is_in_an_error(lake, fake, caplog):
    """The SDK appends its configuration to messages of 401 and 403, and logs whole bodies."""
    provisioner = lake.provisioner()
    fake.revoke_tokens()

    with caplog.at_level(logging.DEBUG), pytest.raises(ProvisioningError) as caught:
        provisioner.resolve([Ref("object", "c.s.t1")], call_for())

    said = f"{caught.value} {caught.value.hint} {caplog.text} {provisioner!r}"
    assert fake.token not in said
    assert "Config:" not in str(caught.value)
    assert not caught.value.retryable


def test_the_sdk_is_not_loaded_by_the_entry_point():
    """A marketplace without Databricks must not pay a second for its SDK."""
    code = (
        "import sys, marketplace_sdk_databricks.plugin as plugin;"
        "list(plugin.marketplace_provisioners()); list(plugin.marketplace_commands());"
        "sys.exit(any(name.split('.')[0] in ('databricks', 'requests') for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_calls_say_who_makes_them(lake, fake):
    provisioner = lake.provisioner()

    provisioner.resolve([Ref("object", "c.s.t1")], call_for())

    agents = {each.user_agent for each in fake.calls}
    assert all(
        agent.startswith("data-marketplace-sdk/") and "auth/pat" in agent for agent in agents
    )


def test_a_renamed_table_keeps_its_grants_and_they_are_found(lake, fake):
    """A name that means nothing is no proof that access has ended."""
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    add(provisioner, items)
    fake.rename_table("c.s.t1", "c.s.renamed")

    (seen,) = provisioner.observe([items[-1].scope], (), call_for()).values()
    (outcome,) = provisioner.apply([Change(action="remove", item=items[-1])], call_for())

    assert items[-1].key in seen.items
    assert outcome.result == "done"
    assert fake.what_does(ANN, "c.s.renamed", "id") == "none"


def test_a_table_that_was_made_again_is_not_granted_on_by_an_old_plan(lake, fake):
    provisioner = lake.provisioner()
    items = lake.plan(provisioner, ["c.s.t1"], ANN)
    fake.drop("table", "c.s.t1")
    fake.table("c.s.t1", {"id": "BIGINT"})

    outcomes = add(provisioner, items)

    assert results(outcomes) == ["done", "done", "refused"]
    assert fake.what_does(ANN, "c.s.t1", "id") == "none"


def test_a_group_that_was_made_again_is_not_who_was_approved(lake, fake):
    """Its old grants do not come back, and nobody has approved the new one."""
    provisioner = lake.provisioner()
    before = provisioner.resolve([Ref("principal", "Finance")], call_for())
    items = lake.plan(provisioner, ["c.s.t1"], "Finance")
    fake.drop("group", "Finance")
    fake.group("Finance")

    outcomes = add(provisioner, items)
    after = provisioner.resolve([Ref("principal", "Finance")], call_for())

    assert {each.result for each in outcomes} == {"refused"}
    assert all("not who was approved" in each.error for each in outcomes)
    (old,), (new,) = before.values(), after.values()
    assert isinstance(old, Resolved)
    assert isinstance(new, Resolved)
    assert old.native_id != new.native_id
