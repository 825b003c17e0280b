"""Delivered means that the other side has it: once more under the same id, in order, unaltered."""

from __future__ import annotations

import threading

import pytest

from marketplace_sdk.testing.conformance._kit import check
from marketplace_sdk.testing.conformance._notifier_bench import NotifierBench

__all__ = ["DeliveringChecks"]

HOSTILE = (
    "\"quotes\" 'and' `ticks`",
    "line\r\nBcc: everybody@example.com\r\n\r\nbody",
    "<script>alert(1)</script> & {{ 7 * 7 }} ${7*7} %s {0}",
    "名前 \N{RIGHT-TO-LEFT OVERRIDE} é \N{PILE OF POO}",
    "x" * 5000,
)


class DeliveringChecks:
    """What is delivered arrives, whatever it says."""

    def test_what_was_delivered_is_there(self, notifier_bench: NotifierBench) -> None:
        """A call that returns says that the other side has the message, not that it will."""
        notifier_bench.deliver(notifier_bench.message("m1"))

        assert len(notifier_bench.arrived()) == 1

    @check("ids")
    def test_the_other_side_is_told_the_id(self, notifier_bench: NotifierBench) -> None:
        """It is how receivers drop what they have seen."""
        for id in ("m1", "m2"):
            notifier_bench.deliver(notifier_bench.message(id))

        assert [each.id for each in notifier_bench.arrived()] == ["m1", "m2"]

    def test_a_message_again_is_the_same_message(self, notifier_bench: NotifierBench) -> None:
        """The id and everything that is kept of it: nobody shall take it for another one."""
        message = notifier_bench.message("m1")

        notifier_bench.deliver(message)
        notifier_bench.deliver(notifier_bench.message("m1"))

        first, second = notifier_bench.arrived()
        assert first == second

    @check("refusal")
    def test_a_message_after_a_refusal_is_the_same_message(
        self, notifier_bench: NotifierBench
    ) -> None:
        """As above, when the attempt in between failed."""
        notifier_bench.deliver(notifier_bench.message("m1"))
        with notifier_bench.world.refusing():
            notifier_bench.refused(notifier_bench.message("m1"))
        notifier_bench.deliver(notifier_bench.message("m1"))

        arrived = notifier_bench.arrived()
        assert arrived[0] == arrived[-1]

    def test_messages_arrive_in_the_order_of_the_calls(self, notifier_bench: NotifierBench) -> None:
        """None is held back for a better moment; that is the marketplace's business."""
        single = []
        for number in range(5):
            notifier_bench.deliver(notifier_bench.message(f"m{number}"))
            single.append(notifier_bench.arrived()[-1])

        assert notifier_bench.arrived() == single
        assert len({each.content for each in single} | {each.id for each in single}) > 1

    @pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
    def test_hostile_words_are_only_words(self, notifier_bench: NotifierBench, text: str) -> None:
        """They arrive as one message like any other, and what follows arrives, too."""
        message = notifier_bench.message("m1")
        data = {**message.data, "product": text}
        if message.sort == "event":
            data = {**message.data, "product": {"id": "p", "name": text, "domain": "d"}}
        notifier_bench.deliver(notifier_bench.message("m1", data=data, subject=text[:100]))
        notifier_bench.deliver(notifier_bench.message("m2"))

        assert len(notifier_bench.arrived()) == 2

    def test_threads_deliver_at_once(self, notifier_bench: NotifierBench) -> None:
        """Of different things at the same time; each message arrives once, and whole."""
        ids = [f"m{number}" for number in range(12)]
        errors: list[Exception] = []

        def run(id: str) -> None:
            try:
                notifier_bench.deliver(notifier_bench.message(id))
            except Exception as error:  # noqa: BLE001  # told below, in the thread of the test
                errors.append(error)

        threads = [threading.Thread(target=run, args=(id,)) for id in ids]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert errors == []
        together = notifier_bench.arrived()
        assert len(together) == len(ids)
        for id in ids:
            notifier_bench.deliver(notifier_bench.message(id))
        assert set(together) == set(notifier_bench.arrived()[len(ids) :])

    def test_a_message_is_left_as_it_was(self, notifier_bench: NotifierBench) -> None:
        """It may be given to others afterwards."""
        message = notifier_bench.message("m1")

        notifier_bench.deliver(message)

        assert message == notifier_bench.message("m1")

    def test_closing_twice_is_fine(self, notifier_bench: NotifierBench) -> None:
        """Whoever closes does not know who closed before."""
        notifier_bench.deliver(notifier_bench.message("m1"))

        notifier_bench.notifier.close()
        notifier_bench.notifier.close()
