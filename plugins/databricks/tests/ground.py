"""A place to try things on a real workspace: a catalog of its own, and nothing outside it."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from attrs import frozen
from plugins.databricks.tests.helpers import call_for

from marketplace_sdk_databricks.naming import quote_name
from marketplace_sdk_databricks.statements import Warehouse
from marketplace_sdk_databricks.testing.transcripts import Recorder
from marketplace_sdk_databricks.workspace import _session

PREFIX = "mp_live_"
VARIABLES = ("HOST", "CLIENT_ID", "CLIENT_SECRET", "CATALOG", "WAREHOUSE", "USER")


@frozen(kw_only=True)
class Ground:
    """Where a check may work.

    Attributes:
        settings: of a connection.
        schema: dotted name; everything in it is the check's own.
        tables: dotted names of two tables in it, with columns ``id`` and ``email``; the second
            one's name holds a ``#``.
        user: somebody who may read nothing there.
    """

    settings: dict
    schema: str
    tables: tuple[str, str]
    user: str


def checked_catalog(name):
    """The name of a catalog in which everything may be changed; ValueError for any other."""
    if not re.fullmatch(rf"{PREFIX}[a-z0-9_]+", name):
        raise ValueError(f"cannot work in catalog {name!r}: its name must begin with {PREFIX}")
    return name


def live_settings(environment=os.environ):
    """Settings and the rest from MARKETPLACE_LIVE_DATABRICKS_…; LookupError says what is missing."""
    found = {key: environment.get(f"MARKETPLACE_LIVE_DATABRICKS_{key}", "") for key in VARIABLES}
    missing = [key for key, value in found.items() if not value]
    if missing:
        raise LookupError(f"set MARKETPLACE_LIVE_DATABRICKS_{', _'.join(missing)} to run these")
    checked_catalog(found["CATALOG"])
    return found


class LiveGround:
    """Makes a schema with two tables, and drops it; records what is said if it is told where."""

    def __init__(self, make_provisioner, environment=os.environ):
        self._found = live_settings(environment)
        settings = {
            "host": self._found["HOST"],
            "client_id": self._found["CLIENT_ID"],
            "client_secret": self._found["CLIENT_SECRET"],
            "warehouse_id": self._found["WAREHOUSE"],
        }
        token = secrets.token_hex(4)
        schema = f"{self._found['CATALOG']}.s_{token}"
        self.ground = Ground(
            settings=settings,
            schema=schema,
            tables=(f"{schema}.t1", f"{schema}.t1#x"),
            user=self._found["USER"],
        )
        self._provisioner = make_provisioner(**settings)
        self._where = environment.get("MARKETPLACE_LIVE_DATABRICKS_TRANSCRIPTS")
        self._recorder = Recorder(
            {
                self._found["CATALOG"]: "c",
                schema: "c.s",
                f"s_{token}": "s",
                self._found["USER"]: "ann@x.org",
                self._found["CLIENT_ID"]: "{me}",
                self._found["WAREHOUSE"]: "{warehouse}",
            }
        )

    def __enter__(self):
        self._run(f"CREATE SCHEMA {quote_name(self.ground.schema)}")
        for table in self.ground.tables:
            self._run(f"CREATE TABLE {quote_name(table)} (id BIGINT, email STRING)")
        return self

    def __exit__(self, *_):
        checked_catalog(self.ground.schema.partition(".")[0])
        self._run(f"DROP SCHEMA {quote_name(self.ground.schema)} CASCADE")

    def listen(self, provisioner):
        """Record what this provisioner says and hears."""
        with provisioner.site(call_for(60)) as site:
            _session(site.client).hooks["response"].append(self._recorder.heard)

    def keep(self, name):
        """Write what was recorded, if there is a place for it."""
        if self._where:
            self._recorder.write(Path(self._where) / f"{name}.jsonl", name)

    def _run(self, statement):
        with self._provisioner.site(call_for(120)) as site:
            Warehouse(site.client, self._found["WAREHOUSE"], site.deadline).run(statement)
