"""What the testing module hands out."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from marketplace_sdk.errors import InvalidInput
from marketplace_sdk.testing import FrozenClock


def test_the_clock_moves_only_when_told():
    clock = FrozenClock(datetime(2026, 3, 1, tzinfo=UTC))

    readings = [clock(), clock(), clock.advance(days=1), clock.advance(timedelta(hours=2)), clock()]

    assert [each.isoformat() for each in readings] == [
        "2026-03-01T00:00:00+00:00",
        "2026-03-01T00:00:00+00:00",
        "2026-03-02T00:00:00+00:00",
        "2026-03-02T02:00:00+00:00",
        "2026-03-02T02:00:00+00:00",
    ]


def test_the_clock_can_be_set_back():
    clock = FrozenClock()

    clock.set(datetime(2020, 1, 1, tzinfo=UTC))

    assert clock() == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_clock_without_a_time_zone_is_refused():
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  # that is what is refused

    with pytest.raises(InvalidInput):
        FrozenClock(naive)
    with pytest.raises(InvalidInput):
        FrozenClock().set(naive)


def test_importing_the_helpers_imports_no_pytest():
    code = "import sys, marketplace_sdk.testing; sys.exit('pytest' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], check=False)

    assert done.returncode == 0
