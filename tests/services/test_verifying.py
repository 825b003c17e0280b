"""Verifying: what a damaged file cannot show, told link by link."""

from __future__ import annotations

import pytest

from marketplace_sdk.domain.seals import MerkleTree, next_seal
from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.services._verifying import LogCheck, verify_storage
from marketplace_sdk.work import chains
from tests.services.chains import NOON, link
from tests.services.helpers import small_world


def chain(aggregate, *positions):
    """Links that fit, at these positions."""
    rows = []
    for sequence, position in enumerate(positions, 1):
        previous = rows[-1].hash if rows else ""
        rows.append(link(aggregate, sequence, position=position, previous=previous))
    return rows


def sealed(*stretches):
    """A seal over each stretch."""
    seals, before = [], (0, "")
    for rows in stretches:
        tree = MerkleTree()
        for row in rows:
            tree.add(row.position, row.hash)
        seal = next_seal(before, tree, first=rows[0].position, last=rows[-1].position, at=NOON)
        seals.append(seal)
        before = (seal.number, seal.hash)
    return seals


def verify(rows, seals=(), **more):
    check = LogCheck(((seal.number, seal) for seal in seals), **more)
    try:
        for row in rows:
            check.add(row)
        return check.end()
    finally:
        check.close()


# Positions may have gaps: servers draw them before they know whether a unit will be kept.
A = chain("a", 2, 3)
B = chain("b", 10, 14)
SEALS = sealed(A, B)


def test_gaps_between_positions_are_fine():
    assert verify([*A, *B], SEALS).ok
    assert verify([*A, *B, *chain("c", 20)], SEALS).unsealed == 1


@pytest.mark.parametrize("position", [1, 5, 9])
def test_an_event_in_a_gap_between_seals_was_inserted(position):
    """Also one whose own chain is without fault."""
    new = chain("c", position)
    rows = sorted([*A, *B, *new], key=lambda row: row.position)

    (finding,) = verify(rows, SEALS).findings

    assert (finding.aggregate, finding.event) == ("c", "c/1")
    assert "was inserted before the events of seal" in finding.what


@pytest.mark.parametrize("position", [12, 13])
def test_an_event_in_a_gap_under_a_seal_is_found_by_the_seal(position):
    rows = sorted([*A, *B, *chain("c", position)], key=lambda row: row.position)

    (finding,) = verify(rows, SEALS).findings

    assert str(finding) == ("seal 2 was made over 2 events, and 3 are there from position 10 to 14")


def test_a_chain_made_anew_is_found_by_its_seal():
    """Every hash fits the next; only the seal remembers."""
    anew = [link("b", 1, position=10, payload={"n": "other"})]
    anew.append(link("b", 2, position=14, previous=anew[0].hash))

    (finding,) = verify([*A, *anew], SEALS).findings

    assert str(finding) == "seal 2 was made over other events than those from position 10 to 14"


def test_events_of_a_lost_seal_are_not_called_inserted():
    """One seal is missing: that is said once, and the others are looked at all the same."""
    c = chain("c", 20, 21)
    first, _, third = sealed(A, B, c)

    found = verify([*A, *B, *c], [first, third])

    assert [str(finding) for finding in found.findings] == ["seal 2 is missing"]
    assert (found.seals, found.unsealed) == (3, 0)


def test_a_seal_that_follows_another_one_is_told():
    """Each is genuine, but they are not of one log."""
    other = sealed(chain("x", 1), B)[1]

    (finding,) = verify([*A, *B], [SEALS[0], other]).findings

    assert str(finding) == "seal 2 does not follow seal 1"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([A[1]], "comes after number 0: what was between is missing"),
        ([A[0], A[0]], "comes after number 1 of its chain"),
        ([A[0], link("a", 2, position=3, previous="f" * 64)], "does not follow the one before it"),
        ([A[1], A[0]], "stands out of order in the log"),
    ],
)
def test_what_is_wrong_with_a_link_is_said(rows, said):
    assert any(said in str(finding) for finding in verify(rows).findings)


def test_a_payload_erased_while_somebody_verifies_is_no_finding(monkeypatch):
    """A store may hold the newest events back; the one that says so is looked up then."""

    class Holding(MemoryStorage):
        """Gives of the whole log only what lies before a position."""

        end = 10**9

        def begin(self, *, write=True):
            return Looking(super().begin(write=write), self)

    class Looking:
        def __init__(self, block, storage):
            self.block, self.storage = block, storage

        def __enter__(self):
            self.rows = self.block.__enter__()
            return self

        def __exit__(self, *error):
            return self.block.__exit__(*error)

        def __getattr__(self, name):
            return getattr(self.rows, name)

        def events(self, aggregate=None, **more):
            found = self.rows.events(aggregate, **more)
            return [row for row in found if aggregate or row.position <= self.storage.end]

    storage = Holding()
    world = small_world(storage)
    before = len(world.market.audit.events(limit=1000, by="aud"))
    erased = world.market.audit.erase("dee", reason="asked for it", by="gil")
    storage.end = before

    found = verify_storage(storage)

    assert erased.events > 0
    assert found.ok
    assert (found.events, found.erased) == (before, erased.events)
    world.close()


def test_the_log_is_read_in_pages(monkeypatch):
    """Of any size, with the same result."""
    monkeypatch.setattr(chains, "PAGE", 3)
    world = small_world()
    world.market.audit.seal()

    found = world.market.audit.verify()

    assert found.ok
    assert found.events == len(world.market.audit.events(limit=1000, by="aud"))
    world.close()
