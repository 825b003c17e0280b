"""Processes that decide the same requests at the same moments: one outcome, one set of effects."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from benchmarks import races
from marketplace_sdk.plugin import Work
from marketplace_sdk_sql.storage import SqlStorage


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/market.db"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_eight_processes_decide_each_request_once(url):
    """The first decision counts, with what one steward alone leaves behind; losers are told so."""
    result = races.run(url, requests=60, processes=8)

    assert result.wrong == []
    assert sum(result.outcomes.values()) == 60
    assert set(result.outcomes) <= {"approved", "denied"}
    assert result.answers["decided"] == 60
    assert result.answers.total() == 8 * 60
    assert set(result.answers) <= {"decided", "AlreadyDetermined", "StaleRevision", "StorageError"}


@pytest.mark.parametrize("number", [0, 1], ids=["approved", "denied"])
def test_the_inspection_notices_a_doubled_effect(url, number):
    """One message too many is found, so that finding none means something."""
    with races.open_market(url) as made:
        ids = races.prepare(made, 2, 2)
        for id in ids:
            races.decide(made, number, id)
    store = SqlStorage(url)
    _, before = races.inspect(store, ids)
    with store.begin() as transaction:
        row = next(row for row in transaction.work("outbox") if row.key.endswith(ids[0]))
        again = Work(
            id="again", queue=row.queue, key=row.key, due=datetime.now(UTC), payload=row.payload
        )
        transaction.enqueue([again])

    _, after = races.inspect(store, ids)

    store.close()
    assert before == []
    assert len(after) == 1
    assert ids[0] in after[0]
