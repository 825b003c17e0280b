"""Whatever people do and whatever breaks: the marketplace does what the model says.

Checked after every step: the state and end of every request; nothing that was over is opened again;
nobody decides twice or for themselves; one denial denies; nothing is approved without a quorum; what
appears on the platform is justified by an approval that is live at that moment; what was there
before us stays. Checked when all faults are over: the platform shows exactly what live approvals
justify and what was there before; grants, products and the audit trail agree with that; the name of
a deleted product is free.
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.machine.machine import MarketplaceMachine
from tests.machine.running import run


class SQLiteMachine(MarketplaceMachine):
    """The same on a file."""

    def new_storage(self):
        self.folder = tempfile.TemporaryDirectory()
        return f"sqlite:///{Path(self.folder.name)}/market.db"

    def reopen(self):
        # The file has what was committed; the connections of the dead must not pile up here.
        self.market.close()
        super().reopen()

    def teardown(self):
        try:
            super().teardown()
        finally:
            self.market.close()
            self.folder.cleanup()


class PostgresMachine(MarketplaceMachine):
    """The same on a server, where each example has a schema of its own."""

    server: ClassVar[str]

    def new_storage(self):
        self.schema = f"machine_{secrets.token_hex(6)}"
        parts = {**conninfo_to_dict(self.server), "schema": self.schema}
        return f"postgresql://?{urlencode(parts)}"

    def reopen(self):
        self.market.close()
        super().reopen()

    def teardown(self):
        try:
            super().teardown()
        finally:
            self.market.close()
            with psycopg.connect(self.server, autocommit=True) as connection:
                connection.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")


def test_the_marketplace_does_what_the_model_says():
    """The same examples every time, so that a plain run never fails by luck."""
    run(MarketplaceMachine, max_examples=60, stateful_step_count=40, derandomize=True)


def test_the_marketplace_does_what_the_model_says_on_sqlite():
    """A few examples on a real file: what is stored and read again is what was meant."""
    run(SQLiteMachine, max_examples=6, stateful_step_count=30, derandomize=True)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_marketplace_does_what_the_model_says_for_a_long_time():
    """Other examples every time."""
    run(MarketplaceMachine, max_examples=250, stateful_step_count=50)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_marketplace_does_what_the_model_says_for_a_long_time_on_sqlite():
    run(SQLiteMachine, max_examples=20, stateful_step_count=40)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_marketplace_does_what_the_model_says_for_a_long_time_on_postgresql(postgres_server):
    machine = type("Machine", (PostgresMachine,), {"server": postgres_server.dsn})
    run(machine, max_examples=20, stateful_step_count=40)
