"""A small account of Snowflake behind a real socket, for tests of a marketplace.

The real connector logs in and sends its statements; the fake parses a closed grammar, refuses what
Snowflake refuses, and tells who can read what. It is our reading of the documentation: nothing
here was compared with the service yet, so what a test proves with it is that the code and this
reading agree. Answers recorded from a real account replace ours with ``FakeSnowflake.replay``.

Example:
    ::

        with FakeSnowflake() as fake:
            fake.user("ALICE")
            fake.table(("SALES", "CORE", "ORDERS"), ["ID", "EMAIL"])
            with snowflake.connector.connect(**fake.connection) as connection:
                ...
            assert fake.can_select("ALICE", ("SALES", "CORE", "ORDERS"))
"""

from __future__ import annotations

from marketplace_sdk_snowflake.testing.fake import FakeSnowflake
from marketplace_sdk_snowflake.testing.faults import Fault, FaultKind, Faults
from marketplace_sdk_snowflake.testing.refusals import Refused
from marketplace_sdk_snowflake.testing.replaying import Answer, Recording
from marketplace_sdk_snowflake.testing.service import Recorded

__all__ = [
    "Answer",
    "FakeSnowflake",
    "Fault",
    "FaultKind",
    "Faults",
    "Recorded",
    "Recording",
    "Refused",
]
