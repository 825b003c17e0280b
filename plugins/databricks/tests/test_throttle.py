"""No more requests are sent than the workspace is said to take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugins.databricks.tests.helpers import Lake, call_for, settings_for

from marketplace_sdk.plugin import InvalidInput, ProvisioningError, Ref
from marketplace_sdk_databricks.throttle import Throttle


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@given(
    st.floats(min_value=0.5, max_value=100),
    st.lists(st.floats(min_value=0, max_value=3), min_size=1, max_size=200),
)
def test_never_more_than_the_burst_and_what_the_time_brings(rate, pauses):
    """Whatever the rests between, and if everybody waits as long as they are told."""
    clock = Clock()
    throttle = Throttle(rate, clock)
    sent = []
    for pause in pauses:
        clock.now += pause
        clock.now += throttle.take(longest=1e9)
        sent.append(clock.now)

    for first, begin in enumerate(sent):
        for last in range(first, len(sent)):
            most = max(1.0, 2 * rate) + rate * (sent[last] - begin)
            assert last - first + 1 <= most + 1e-6


def test_who_cannot_wait_takes_nothing():
    clock = Clock()
    throttle = Throttle(1, clock)
    assert [throttle.take(longest=0.5) for _ in range(2)] == [0, 0]

    waits = [throttle.take(longest=0.5) for _ in range(5)]

    assert waits == [1.0] * 5
    clock.now += 1
    assert throttle.take(longest=0.5) == 0


def test_after_too_many_requests_nothing_is_left_to_be_sent_at_once():
    clock = Clock()
    throttle = Throttle(10, clock)

    throttle.empty()

    assert throttle.take(longest=1) == pytest.approx(0.1)
    assert throttle.take(longest=1) == pytest.approx(0.2)


def test_a_call_that_would_have_to_wait_longer_than_it_lasts_says_when_to_come_back(lake, fake):
    provisioner = lake.provisioner(requests_per_second=0.5)
    fake.forget_calls()

    with pytest.raises(ProvisioningError) as caught:
        provisioner.resolve([Ref("object", "c.s.t1")], call_for(1))

    assert caught.value.retryable
    assert caught.value.retry_after > 0
    assert len(fake.calls) == 1


def test_429_ends_the_burst(fake):
    """With 20 requests saved up, the second one waits as if there were none."""
    fake.table("c.s.t1", {"id": "BIGINT"})
    fake.faults.add("GET", "*", status=429, error_code="RESOURCE_EXHAUSTED", retry_after=0)
    lake = Lake(fake)
    provisioner = lake.provisioner(requests_per_second=0.5)

    with pytest.raises(ProvisioningError) as caught:
        provisioner.resolve([Ref("object", "c.s.t1")], call_for(1.5))

    assert caught.value.retry_after > 1
    lake.close()


@pytest.mark.parametrize("rate", [0, -1, True, float("inf"), float("nan"), "9"])
def test_only_a_positive_number_is_a_rate(fake, rate):
    with pytest.raises(InvalidInput, match="requests_per_second"):
        settings_for(fake, requests_per_second=rate)
