"""Whoever changes what happened is found: in the file of the store, and in an export.

The log is made once; each case changes a copy of its file behind the marketplace's back.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing, contextmanager

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace_sdk import Marketplace, verify_export
from marketplace_sdk._plugins import PluginHost
from marketplace_sdk.plugin import dump
from marketplace_sdk.services._verifying import verify_storage
from marketplace_sdk.testing import FrozenClock
from tests.services.helpers import small_world
from tests.world import LEGAL, any_of

EVENT = (
    "aggregate",
    "sequence",
    "id",
    "type",
    "at",
    "actor",
    "payload",
    "payload_hash",
    "previous",
    "hash",
)
SQLITE = PluginHost().storage("sqlite")
MANY = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Log:
    """A log under three seals, with an erased person; and what it held when it was whole."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "whole.db"
        world = small_world(f"sqlite:///{self.path}")
        audit = world.market.audit
        product = world.publish(any_of(LEGAL))
        request = world.approve(world.ask(product, on_behalf_of="pat"), "ana")
        world.deliver()
        audit.seal()
        world.market.requests.revoke(request.id, reason="x", by="dee")
        world.ask(product)
        world.deliver()
        audit.seal()
        audit.erase("pat", reason="asked for it", by="gil")
        world.clock.advance(hours=1)
        audit.seal()
        self.seals = audit.seals(by="aud")
        self.lines = list(audit.export(by="aud"))
        assert audit.verify(seals=self.seals).ok
        world.close()
        with closing(sqlite3.connect(self.path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            names = ", ".join(("position", *EVENT))
            rows = db.execute(f"SELECT {names} FROM event ORDER BY position").fetchall()
        self.rows = [dict(zip(("position", *EVENT), row, strict=True)) for row in rows]

    @contextmanager
    def tampered(self):
        """A connection to a copy that may do anything, before it is verified."""
        copy = self.folder / "copy.db"
        for rest in ("", "-wal", "-shm"):
            copy.with_name(f"copy.db{rest}").unlink(missing_ok=True)
        shutil.copy(self.path, copy)
        with closing(sqlite3.connect(copy, isolation_level=None)) as db:
            yield db

    def verify(self, seals=()):
        """What verifying the copy says."""
        storage = SQLITE.build(f"sqlite:///{self.folder}/copy.db", None)
        with closing(storage):
            return verify_storage(storage, seals)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return Log(tmp_path_factory.mktemp("tampering"))


def named(found, row):
    """Whether a finding points at this event, at the one behind it, or at the seal over it."""
    return any(
        finding.event == row["id"] or finding.aggregate == row["aggregate"] or finding.seal
        for finding in found.findings
    )


def test_the_log_is_worth_tampering_with(log):
    """Several chains, several seals, erased payloads."""
    assert len(log.rows) > 30
    assert len(log.seals) == 3
    assert sum('{"erased"' in row["payload"] for row in log.rows) > 3
    with log.tampered():
        pass
    found = log.verify()
    assert found.ok
    assert found.erased > 3
    assert "cannot be known" in str(found)


@MANY
@given(data=st.data())
def test_a_changed_event_is_found_and_named(log, data):
    """Any column, any value of the same kind, readable or not."""
    row = data.draw(st.sampled_from(log.rows))
    column = data.draw(st.sampled_from(EVENT))
    old = row[column]
    texts = st.one_of(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
        st.sampled_from([each[column] for each in log.rows]),
        st.binary(min_size=1, max_size=5),
    )
    new = data.draw(st.integers(-5, 10**6) if column == "sequence" else texts, label=column)
    if column == "payload" and isinstance(new, str):
        new = json.dumps({"n": new})
    if new == old:
        return
    with log.tampered() as db:
        try:
            db.execute(f"UPDATE event SET {column} = ? WHERE id = ?", (new, row["id"]))
        except sqlite3.IntegrityError:
            return  # the store itself refuses it

    found = log.verify()

    assert not found.ok
    position = row["position"]
    event = new if column == "id" else row["id"]
    assert any(finding.event == event for finding in found.findings), (position, str(found))


@MANY
@given(data=st.data())
def test_a_removed_event_is_found(log, data):
    """Anywhere under a seal: by the link behind it, or by the seal."""
    row = data.draw(st.sampled_from(log.rows))
    with log.tampered() as db:
        db.execute("DELETE FROM event WHERE id = ?", (row["id"],))

    found = log.verify()

    assert not found.ok
    assert named(found, row)
    over = next(seal for seal in log.seals if seal.first <= row["position"] <= seal.last)
    assert any(finding.seal == over.number for finding in found.findings)


@MANY
@given(data=st.data())
def test_an_inserted_event_is_found_and_named(log, data):
    """A copy of another one, in a chain that is there or in a new one, before or behind all."""
    row = data.draw(st.sampled_from(log.rows))
    position = data.draw(st.sampled_from([0, -7, log.rows[-1]["position"] + 1]))
    chain = data.draw(st.sampled_from([row["aggregate"], "request:new"]))
    sequence = data.draw(st.sampled_from([row["sequence"] + 1000, 1000]))
    new = {**row, "position": position, "aggregate": chain, "sequence": sequence, "id": "inserted"}
    with log.tampered() as db:
        names = ", ".join(new)
        db.execute(
            f"INSERT INTO event ({names}) VALUES ({', '.join('?' * len(new))})", tuple(new.values())
        )

    found = log.verify()

    assert any(finding.event == "inserted" for finding in found.findings)


@MANY
@given(data=st.data())
def test_two_events_that_changed_places_are_found(log, data):
    """Within a chain by the chain; of two chains by the seals."""
    one, other = data.draw(
        st.lists(st.sampled_from(log.rows), min_size=2, max_size=2, unique_by=lambda row: row["id"])
    )
    with log.tampered() as db:
        for place, id in (
            (-1, one["id"]),
            (one["position"], other["id"]),
            (other["position"], one["id"]),
        ):
            db.execute("UPDATE event SET position = ? WHERE id = ?", (place, id))

    found = log.verify()

    assert not found.ok
    assert named(found, one)


@MANY
@given(data=st.data())
def test_a_payload_that_is_taken_away_is_found(log, data):
    """Empty, or with a word that somebody erased it: only what is on record counts as erased."""
    row = data.draw(st.sampled_from([row for row in log.rows if '{"erased"' not in row["payload"]]))
    by = data.draw(st.sampled_from(["", *(each["id"] for each in log.rows)]))
    new = json.dumps({"erased": by} if by else {})
    if new == row["payload"]:
        return
    with log.tampered() as db:
        db.execute("UPDATE event SET payload = ? WHERE id = ?", (new, row["id"]))

    found = log.verify()

    assert any(finding.event == row["id"] for finding in found.findings)


@MANY
@given(data=st.data())
def test_a_changed_or_missing_seal_is_found_and_named(log, data):
    """Any field of any seal, a seal as a whole, the note of the newest."""
    seal = data.draw(st.sampled_from(log.seals))
    name = data.draw(
        st.sampled_from(["number", "at", "first", "last", "count", "root", "previous", "hash", ""])
    )
    with log.tampered() as db:
        ((text,),) = db.execute("SELECT document FROM record WHERE id = ?", (f"{seal.number:012}",))
        document = json.loads(text)
        if name == "":
            db.execute("DELETE FROM record WHERE kind = 'seal' AND id = ?", (f"{seal.number:012}",))
        else:
            old = document.get(name, "")
            others = [json.loads(json.dumps(old + 1))] if isinstance(old, int) else []
            document[name] = data.draw(
                st.one_of(
                    st.sampled_from([*others, "f" * 64, "2026-01-01T00:00:00.000000Z"]),
                    st.none(),
                    st.text(max_size=3).filter(lambda text: text != old),
                )
            )
            db.execute(
                "UPDATE record SET document = ? WHERE id = ?",
                (json.dumps(document), f"{seal.number:012}"),
            )

    found = log.verify()

    assert any(finding.seal == seal.number for finding in found.findings)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM record WHERE kind = 'seal_note'", "the note of the newest seal"),
        (
            "UPDATE record SET document = '{}' WHERE kind = 'seal_note'",
            "the note of the newest seal",
        ),
        (
            """UPDATE record SET document = '{"number": 3, "hash": "x"}' WHERE kind = 'seal_note'""",
            "the note of the newest seal",
        ),
        (
            """UPDATE record SET document = '{"number": 4, "hash": "x"}' WHERE kind = 'seal_note'""",
            "seal 4 is missing",
        ),
        ("UPDATE record SET document = 'no JSON' WHERE id = '000000000002'", "seal 2 was changed"),
        ("DELETE FROM record WHERE kind = 'seal'", "seal 1 is missing"),
        ("UPDATE event SET payload = CAST(x'ff' AS TEXT) WHERE position = 5", "cannot be read"),
    ],
)
def test_other_damage_is_told(log, sql, said):
    """Whatever is broken, it is said and nothing is raised."""
    with log.tampered() as db:
        db.execute(sql)

    assert said in str(log.verify())


def test_a_tail_that_was_cut_off_under_a_seal_is_found(log):
    """The events are gone that the newest seal is over."""
    with log.tampered() as db:
        db.execute("DELETE FROM event WHERE position >= ?", (log.seals[-1].first,))

    found = log.verify()

    assert [finding.seal for finding in found.findings if finding.seal] == [3]
    assert "0 are there" in str(found)


def forge(db, log):
    """Take back the last of everything, as somebody would who can write and knows how it is made."""
    db.execute("DELETE FROM event WHERE position >= ?", (log.seals[-1].first,))
    db.execute("DELETE FROM record WHERE id = '000000000003'")
    db.execute(
        "UPDATE record SET document = ? WHERE kind = 'seal_note'",
        (json.dumps({"number": 2, "hash": log.seals[1].hash}),),
    )
    for row in log.rows:
        if '{"erased"' in row["payload"]:
            db.execute("DELETE FROM event WHERE aggregate = ?", (row["aggregate"],))


def test_a_seal_that_was_kept_elsewhere_shows_what_the_store_cannot(log):
    """Log and seals were cut off together: the store fits itself, but not what was kept."""
    with log.tampered() as db:
        forge(db, log)

    found = log.verify(seals=log.seals)

    assert "seal 3 was kept elsewhere and is missing here" in str(found)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_missing_seal_is_told_once(log, number):
    """Whether it was kept elsewhere or not."""
    with log.tampered() as db:
        db.execute("DELETE FROM record WHERE id = ?", (f"{number:012}",))

    for seals in ((), log.seals):
        found = log.verify(seals=seals)
        assert [str(each) for each in found.findings] == [f"seal {number} is missing"]


def test_a_whole_log_that_was_made_anew_is_found_by_the_seals_kept_elsewhere(log):
    """Every hash made again: everything fits but the seals."""
    with Marketplace(f"sqlite:///{log.folder}/anew.db", clock=FrozenClock()) as other:
        other.people.add("mal", permissions=["USER_ADMIN", "GOVERNANCE"])
        for name in "abc":
            other.domains.create(name, by="mal")
            other.audit.seal()
        assert other.audit.verify().ok

        found = other.audit.verify(seals=log.seals)

    assert [finding.seal for finding in found.findings] == [1, 2, 3]
    assert "is not the one that was kept elsewhere" in str(found)


def test_seals_that_were_kept_elsewhere_are_looked_at_too(log):
    """One that was changed there, and one that is there in two versions."""
    with log.tampered():
        pass
    changed = evolve(log.seals[0], count=1)
    found = log.verify(seals=[changed])
    assert "seal 1 as it was kept elsewhere was changed" in str(found)

    with Marketplace(f"sqlite:///{log.folder}/second.db", clock=FrozenClock()) as other:
        other.people.add("mal", permissions=["USER_ADMIN", "GOVERNANCE"])
        another = other.audit.seal()
    found = log.verify(seals=[log.seals[0], another])
    assert "seal 1 was kept elsewhere twice, with two hashes" in str(found)


def _line(seal):
    return json.dumps(dump(seal))


# -- exports ------------------------------------------------------------------------------


def test_an_export_is_verified_without_its_storage(log):
    """The lines as they are, with the seals or only by the chains."""
    assert verify_export(log.lines, seals=map(_line, log.seals)).ok
    alone = verify_export([*log.lines, "", "  \n"])
    assert alone.ok
    assert (alone.events, alone.seals, alone.unsealed) == (len(log.lines), 0, len(log.lines))


@MANY
@given(data=st.data())
def test_an_export_that_was_changed_is_found(log, data):
    """Any line changed, removed, doubled or moved."""
    lines = list(log.lines)
    at = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(["change", "remove", "double", "move", "garbage"]))
    line = lines.pop(at)
    if how == "change":
        row = json.loads(line)
        key = data.draw(st.sampled_from(sorted(row)))
        new = data.draw(
            st.one_of(
                st.none(), st.integers(), st.text(), st.just({"n": 1}), st.just({"erased": "x"})
            )
        )
        if new == row[key]:
            return
        lines.insert(at, json.dumps({**row, key: new}))
    elif how == "double":
        lines[at:at] = [line, line]
    elif how == "move":
        to = data.draw(st.integers(0, len(lines)).filter(lambda place: place != at))
        lines.insert(to, line)
    elif how == "garbage":
        lines.insert(at, data.draw(st.text(min_size=1).filter(str.strip)))

    found = verify_export(lines, seals=log.seals)

    assert not found.ok


def test_a_part_of_a_log_is_verified_by_its_chains(log):
    """Each chain may begin anywhere, but then goes on as it must."""
    second = [json.loads(line)["sequence"] for line in log.lines].index(2)
    half = log.lines[second:]

    assert not verify_export(half).ok
    found = verify_export(half, part=True)

    assert {finding.what for finding in found.findings} <= {
        "has lost its payload, and no event says that it was erased"
    }
    chain = [line for line in log.lines if json.loads(line)["aggregate"].startswith("domain:HR")]
    assert len(chain) > 1
    assert verify_export(chain[1:], part=True).ok
    assert not verify_export([chain[0], *chain[2:]], part=True).ok or len(chain) == 2
    with pytest.raises(Exception, match="seals"):
        verify_export(half, seals=log.seals, part=True)


def test_a_log_full_of_damage_is_told_in_a_thousand_findings():
    """What is found has an end, too."""
    found = verify_export("{}" for _ in range(1500))

    assert len(found.findings) == 1000
    assert found.more == 500
    assert "and 500 more" in str(found)


def test_seals_that_are_none_are_refused(log):
    """Before anything is read."""
    for seals in ("seal", 5, [5], ["{"], [{}], ['{"number": 1}'], [None], {"number": 1}):
        with pytest.raises(Exception, match="cannot use these seals"):
            verify_export(log.lines, seals=seals)


def test_memory_stays_flat(log):
    """A log of 40,000 chains costs no more than one of 400."""
    import tracemalloc

    from marketplace_sdk.services._verifying import LogCheck
    from tests.services.chains import link

    def peak(count):
        check = LogCheck()
        tracemalloc.start()
        for number in range(count):
            check.add(link(f"request:{number}", 1, position=number + 1))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert check.end().ok
        check.close()
        return most

    peak(10)
    assert peak(20_000) < 2 * peak(200)
