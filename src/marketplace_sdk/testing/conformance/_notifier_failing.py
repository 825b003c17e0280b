"""What could not be delivered is said with the one error of the port, in time and in silence."""

from __future__ import annotations

import logging
import time

import pytest

from marketplace_sdk.errors import NotificationError
from marketplace_sdk.ports.notifier import Recipient
from marketplace_sdk.testing.conformance._kit import check
from marketplace_sdk.testing.conformance._notifier_bench import PRIVATE, NotifierBench

__all__ = ["FailingChecks", "SilenceChecks"]

SHORT = 0.5
GRACE = 1.5
"""Seconds after the end of a call by which it must have come back, on a busy machine."""


class FailingChecks:
    """A failure is a NotificationError that says whether trying again may help."""

    @check("refusal")
    def test_a_refusal_is_an_error_that_may_be_tried_again(
        self, notifier_bench: NotifierBench
    ) -> None:
        """Nothing is lost by it: the same message goes through afterwards."""
        with notifier_bench.world.refusing():
            error = notifier_bench.refused(notifier_bench.message("m1"))
        before = len(notifier_bench.arrived())

        notifier_bench.deliver(notifier_bench.message("m1"))

        assert error.retryable
        assert len(notifier_bench.arrived()) == before + 1

    @check("outage")
    def test_nobody_there_is_an_error_that_may_be_tried_again(
        self, notifier_bench: NotifierBench
    ) -> None:
        """Whatever the library below raises, it is the port's error that comes out."""
        with notifier_bench.world.unreachable():
            error = notifier_bench.refused(notifier_bench.message("m1"))
        notifier_bench.deliver(notifier_bench.message("m1"))

        assert error.retryable
        assert len(notifier_bench.arrived()) == 1

    @check("deadlines")
    def test_a_silent_other_side_costs_no_more_than_the_time_of_the_call(
        self, notifier_bench: NotifierBench
    ) -> None:
        """Other destinations wait for the thread."""
        with notifier_bench.world.hanging():
            began = time.monotonic()
            error = notifier_bench.refused(notifier_bench.message("m1"), SHORT)
            took = time.monotonic() - began

        assert took < SHORT + GRACE
        assert error.retryable

    def test_without_time_nothing_is_sent(self, notifier_bench: NotifierBench) -> None:
        """Somebody else may be delivering it already."""
        error = notifier_bench.refused(notifier_bench.message("m1"), 0.0)

        assert error.retryable
        assert notifier_bench.arrived() == []

    @check(since=2)
    def test_a_sort_that_it_does_not_deliver_is_refused(
        self, notifier_bench: NotifierBench
    ) -> None:
        """Passing it over in silence would say that the other side has it."""
        other = notifier_bench.other
        refused: NotificationError | None = None
        try:
            other.deliver(other.message("m1"))
        except NotificationError as error:
            refused = error

        assert len(notifier_bench.arrived()) == (0 if refused else 1)
        assert refused is None or not refused.retryable

    @check("notices")
    def test_somebody_without_an_address_is_said_and_reached_by_nobody_else(
        self, notifier_bench: NotifierBench
    ) -> None:
        """``no_address``, so that the message is dropped; or there is another way to them."""
        nobody = Recipient(id="fin", name="Fin")
        message = notifier_bench.message("m1", recipient=nobody)
        code = ""
        try:
            notifier_bench.deliver(message)
        except NotificationError as error:
            code = error.code

        assert code in ("", "no_address")
        assert len(notifier_bench.arrived()) == (0 if code else 1)


class SilenceChecks:
    """Secrets and contents stand in no repr, log or error."""

    @check("secrets")
    def test_no_secret_in_a_repr(self, notifier_bench: NotifierBench) -> None:
        """Objects end up in tracebacks, in debuggers and in other people's logs."""
        _assert_silent(notifier_bench, repr(notifier_bench.notifier), str(notifier_bench.notifier))

    def test_nothing_of_a_message_in_a_log(
        self, notifier_bench: NotifierBench, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor a secret, not even where somebody switched on everything."""
        with caplog.at_level(logging.DEBUG):
            notifier_bench.notifier = notifier_bench.world.connect()
            notifier_bench.deliver(notifier_bench.message("m1"))

        said = [f"{record.getMessage()} {record.args}" for record in caplog.records]
        _assert_silent(notifier_bench, *said)

    @check("refusal")
    def test_nothing_of_a_message_in_the_error_of_a_refusal(
        self, notifier_bench: NotifierBench, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor in the errors that it is chained to: other sides like to repeat what they got."""
        with caplog.at_level(logging.DEBUG), notifier_bench.world.refusing():
            error = notifier_bench.refused(notifier_bench.message("m1"))

        _assert_silent(notifier_bench, notifier_bench.said(error), caplog.text)

    @check("outage")
    def test_nothing_of_a_message_in_the_error_of_an_outage(
        self, notifier_bench: NotifierBench, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor an address with a token in it, which libraries like to repeat."""
        with caplog.at_level(logging.DEBUG), notifier_bench.world.unreachable():
            error = notifier_bench.refused(notifier_bench.message("m1"))

        _assert_silent(notifier_bench, notifier_bench.said(error), caplog.text)


def _assert_silent(bench: NotifierBench, *said: str) -> None:
    for secret in (*bench.world.secrets, PRIVATE):
        assert not any(secret in text for text in said), "a secret or a message is told"
