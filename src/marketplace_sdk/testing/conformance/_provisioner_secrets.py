"""What a provisioner never shows."""

from __future__ import annotations

import io
import logging
import pickle
import traceback

import pytest

from marketplace_sdk.errors import AdapterError
from marketplace_sdk.ports.provisioner import CannotLook, Change, Item
from marketplace_sdk.testing.conformance._kit import check
from marketplace_sdk.testing.conformance._provisioner_bench import (
    CALL,
    Bench,
    object_ref,
    principal_ref,
)

__all__ = ["SecretChecks"]


@check("secrets")
class SecretChecks:
    """The secrets of a world stand in no repr, statement, evidence, log or error."""

    def test_no_secret_in_a_repr(self, bench: Bench) -> None:
        """Objects end up in tracebacks, in debuggers and in other people's logs."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")

        items = bench.plan([orders], bob)
        said = [repr(bench.provisioner), str(bench.provisioner), *map(repr, items)]

        _assert_silent(bench, said)

    def test_no_secret_in_a_statement_or_in_evidence(self, bench: Bench) -> None:
        """Stewards read the one, auditors the other."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")

        items = bench.plan([orders], bob)
        said = [bench.provisioner.describe(Change(action="add", item=item)) for item in items]
        said += [repr(outcome) for outcome in (*bench.add(items), *bench.add(items))]
        said += [repr(view) for view in bench.look(items).values()]
        said += [repr(answer) for answer in bench.resolve(object_ref(orders), principal_ref(bob))]
        said += [repr(outcome) for outcome in bench.remove(items)]

        _assert_silent(bench, said)

    def test_no_secret_in_a_log(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        """Not even where somebody switched on everything."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")

        with caplog.at_level(logging.DEBUG):
            bench.provisioner = bench.world.connect(bench.installation)
            items = bench.plan([orders], bob)
            bench.add(items)
            bench.look(items)
            bench.remove(items)

        _assert_silent(bench, [f"{record.getMessage()} {record.args}" for record in caplog.records])

    @check("outage")
    def test_no_secret_in_an_error(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        """Drivers like to repeat in their errors what they were told; their errors are chained."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)

        with caplog.at_level(logging.DEBUG), bench.world.unreachable():
            fresh = bench.world.connect(bench.installation)
            said = [
                words
                for provisioner in (bench.provisioner, fresh)
                for words in _errors(provisioner, items, orders)
            ]

        assert said, "nothing went wrong while the platform was unreachable"
        _assert_silent(bench, [*said, caplog.text])


def _errors(provisioner: object, items: list[Item], name: str) -> list[str]:
    """Everything that a provisioner says while it cannot reach its platform."""
    scopes = {item.scope for item in items}
    batch = [Change(action="add", item=item) for item in items if item.scope == items[0].scope]
    said = []
    for method, *arguments in (
        ("resolve", [object_ref(name)], CALL),
        ("observe", scopes, (), CALL),
        ("apply", batch, CALL),
    ):
        try:
            answer = getattr(provisioner, str(method))(*arguments)
            values = answer.values() if method != "apply" else answer
            said += [repr(one) for one in values if not isinstance(one, str)]
            said += [one.reason for one in values if isinstance(one, CannotLook)]
        except AdapterError as error:
            said += ["".join(traceback.format_exception(error)), repr(error), error.hint or ""]
            said.append(_pickled(error))
    return said


def _pickled(error: Exception) -> str:
    """An error as a queue of jobs stores it, without what other libraries taught pickle."""
    stored = io.BytesIO()
    pickler = pickle.Pickler(stored)
    # Some register every exception with its chain and its frames, for the whole process.
    pickler.dispatch_table = {}
    pickler.dump(error)
    return repr(stored.getvalue())


def _assert_silent(bench: Bench, said: list[str]) -> None:
    secrets = [secret for secret in bench.world.secrets if secret]
    assert secrets, "the world names no secrets; do so, or declare that there are none"
    # Only the number is told, because an assertion's message is a log as well.
    leaks = sum(secret in words for words in said for secret in secrets)
    assert leaks == 0, f"{leaks} of {len(said)} texts show a secret"
