"""One more approval on a product of 200 tables with 500 members, on a real PostgreSQL.

It must write one row of the ledger and make one change on the platform, however many tables and
members there are. Lower bound: ``GRANT role TO member`` over the same kind of connection.
"""

from __future__ import annotations

import secrets
import time

import psycopg

from benchmarks._world import approved, market, publish
from marketplace_sdk_postgres.server import PlatformServer

TABLES = 200


def run(*, quick):
    """Milliseconds from approval to access."""
    members = 50 if quick else 500
    more = 3 if quick else 10
    token = secrets.token_hex(3)
    people = [f"m{n}_{token}" for n in range(members + more)]
    with PlatformServer.start() as server, psycopg.connect(server.dsn, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA s{token}")
        for number in range(TABLES):
            admin.execute(f"CREATE TABLE s{token}.t{number} (id int)")
        for person in people:
            admin.execute(f"CREATE ROLE {person} LOGIN")
        admin.execute(f"CREATE ROLE bare{token} NOLOGIN")
        connection = {"plugin": "postgres", "dsn": server.dsn, "may_grant": [f"s{token}.*"]}
        made = market(people=people, connections={"lake": connection})
        product = publish(made, "P", [f"s{token}.t{n}" for n in range(TABLES)])
        for person in people[:members]:
            approved(made, product, person)
        made.deliver()
        rows = _ledger(made)
        ours, bound = [], []
        for person in people[members:]:
            approved(made, product, person)
            began = time.perf_counter()
            made.deliver()
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            admin.execute(f"GRANT bare{token} TO {person}")
            bound.append(time.perf_counter() - began)
        written = _ledger(made) - rows
        made.close()
    assert written == more, f"{written} ledger rows for {more} approvals"
    mine, theirs = sorted(ours)[len(ours) // 2], sorted(bound)[len(bound) // 2]
    return {
        "name": f"one more approval, {TABLES} tables and {members} members",
        "ours": mine * 1e3,
        "bound": theirs * 1e3,
        "unit": "ms",
        "ratio": mine / theirs,
        "limit": None,
        "bound is": "GRANT role TO member alone, on the same server",
        "facts": [f"{written // more} ledger row per approval"],
    }


def _ledger(made):
    with made._storage.begin(write=False) as unit:
        return len(unit.find("ledger"))
