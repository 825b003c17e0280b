"""How the machine is run: the same every time where that is asked for."""

from __future__ import annotations

import itertools
import logging
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from marketplace_sdk import _system
from tests.machine.machine import MarketplaceMachine

QUIET = logging.getLogger("marketplace_sdk.delivery")


def run(machine: type[MarketplaceMachine], **more: Any) -> None:
    """Run a machine; with ``derandomize=True`` it is the same run every time.

    Ids come from a counter and jitter is always the same, or a failure could not be repeated. The deadline of an
    example is off, because two cores are shared by many; pytest's timeout stands.
    """
    more = {"database": None, "deadline": None, "print_blob": False} | more
    numbers = itertools.count()
    level = QUIET.level
    with ExitStack() as stack:
        stack.callback(QUIET.setLevel, level)
        QUIET.setLevel(logging.CRITICAL)  # every fault that is planned here would be reported
        stack.enter_context(patch.object(_system, "new_id", lambda: f"{next(numbers):032x}"))
        stack.enter_context(patch.object(_system, "jitter", lambda: 0.5))
        run_state_machine_as_test(machine, settings=settings(**more))
