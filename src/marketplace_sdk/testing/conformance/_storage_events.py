"""How a store keeps the log of events."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from marketplace_sdk.errors import InvalidInput, StaleRevision
from marketplace_sdk.testing.conformance._storage_examples import (
    HOSTILE,
    NOON,
    NOT_TEXT,
    PLAIN,
    exact,
    ids,
    link,
)

if TYPE_CHECKING:
    from marketplace_sdk.ports.storage import Storage

__all__ = ["EventChecks"]


class EventChecks:
    """Events: positions only grow, a place in a chain is taken once."""

    def test_an_event_comes_back_as_it_was_added(self, storage: Storage) -> None:
        """Everything survives, and the store adds the position."""
        at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
        row = link("a", 1, at=at)

        with storage.begin() as transaction:
            transaction.append([row])

        with storage.begin(write=False) as transaction:
            (stored,) = transaction.events()
            assert stored.position > 0
            assert stored.payload == {"n": [1]}
            assert (stored.at, stored.hash, stored.id) == (at, row.hash, row.id)
            assert transaction.head("a") == stored

    def test_the_payload_of_an_event_survives(self, storage: Storage) -> None:
        """Plain data of every type, and a copy on the way in and on the way out."""
        payload = deepcopy(dict(PLAIN))

        with storage.begin() as transaction:
            transaction.append([evolve(link("a", 1), payload=payload)])
            payload["later"] = True
            for row in transaction.events():
                row.payload["numbers"].clear()

        with storage.begin(write=False) as transaction:
            (row,) = transaction.events()
        assert exact(row.payload) == exact(PLAIN)

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_in_an_event_is_only_text(self, storage: Storage, text: str) -> None:
        """Ids, types and actors are kept to the letter."""
        row = evolve(link(text, 1, id=text), type=text, actor=text, payload={text: text})

        with storage.begin() as transaction:
            transaction.append([row, link(text + " ", 1)])

        with storage.begin(write=False) as transaction:
            (found,) = transaction.events(text)
            assert evolve(found, position=0) == row
            assert transaction.head(text) == found

    @pytest.mark.parametrize("text", NOT_TEXT)
    @pytest.mark.parametrize("place", ["aggregate", "id", "type", "actor"])
    def test_what_is_no_text_is_in_no_event(self, storage: Storage, place: str, text: str) -> None:
        """NUL and half a surrogate pair are refused, and nothing is written."""
        row = {
            "aggregate": link(text, 1, id="e"),
            "id": link("b", 1, id=text),
            "type": evolve(link("b", 1), type=text),
            "actor": evolve(link("b", 1), actor=text),
        }[place]

        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.append([link("a", 1), row])

        with storage.begin(write=False) as transaction:
            assert transaction.events() == []

    def test_a_payload_that_is_not_plain_data_is_refused(self, storage: Storage) -> None:
        """What cannot be kept faithfully is InvalidInput, and nothing is written."""
        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.append([link("a", 1), evolve(link("a", 2), payload={"x": object()})])

        with storage.begin(write=False) as transaction:
            assert transaction.events() == []

    def test_times_come_back_in_utc(self, storage: Storage) -> None:
        """Another zone is the same instant; no zone is refused."""
        elsewhere = NOON.astimezone(timezone(timedelta(hours=-9, minutes=-30)))

        with storage.begin() as transaction:
            transaction.append([link("a", 1, at=elsewhere)])
            stored = transaction.head("a")

        assert stored is not None
        assert stored.at == NOON
        assert stored.at.utcoffset() == timedelta(0)
        with pytest.raises(InvalidInput), storage.begin() as transaction:
            transaction.append([link("a", 2, at=NOON.replace(tzinfo=None))])

    def test_positions_grow_over_all_chains(self, storage: Storage) -> None:
        """The log has one order, that of adding."""
        with storage.begin() as transaction:
            transaction.append([link("a", 1), link("b", 1)])
        with storage.begin() as transaction:
            transaction.append([link("a", 2)])

        with storage.begin(write=False) as transaction:
            rows = transaction.events()
            assert [(row.aggregate, row.sequence) for row in rows] == [("a", 1), ("b", 1), ("a", 2)]
            positions = [row.position for row in rows]
            assert positions == sorted(set(positions))
            assert [row.sequence for row in transaction.events("a")] == [1, 2]

    def test_the_log_is_read_in_pages(self, storage: Storage) -> None:
        """``after`` excludes the position itself, of one chain or of all."""
        with storage.begin() as transaction:
            transaction.append([link("ab"[n % 2], n // 2 + 1) for n in range(10)])

        with storage.begin(write=False) as transaction:
            whole = transaction.events()
            assert transaction.events(after=whole[3].position, limit=3) == whole[4:7]
            assert transaction.events(after=whole[-1].position) == []
            chain = transaction.events("a")
            assert transaction.events("a", after=chain[1].position, limit=2) == chain[2:4]
            assert transaction.events(limit=0) == []

    def test_pages_of_the_log_join_while_others_add(self, storage: Storage) -> None:
        """Who reads on behind the last position sees every event once, in order."""
        seen: list[str] = []
        position = 0

        for number in range(1, 20):
            with storage.begin() as transaction:
                transaction.append([link("a", number), link(f"b{number}", 1)])
            with storage.begin(write=False) as transaction:
                rows = transaction.events(after=position, limit=3)
            seen += ids(rows)
            position = rows[-1].position if rows else position

        with storage.begin(write=False) as transaction:
            assert seen == ids(transaction.events())
            assert len(seen) == 38

    def test_a_taken_place_in_a_chain_is_stale(self, storage: Storage) -> None:
        """Two deciders cannot both add the third link; the loser adds nothing at all."""
        with storage.begin() as transaction:
            transaction.append([link("a", 1), link("a", 2)])

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.append([link("b", 1), link("a", 2, id="another")])

        with storage.begin(write=False) as transaction:
            assert [row.id for row in transaction.events()] == ["a/1", "a/2"]

    def test_a_refused_addition_leaves_the_block_as_it_was(self, storage: Storage) -> None:
        """Whoever catches the refusal may go on, and nothing of the refused rows is kept."""
        with storage.begin() as transaction:
            transaction.append([link("a", 1)])
            with pytest.raises(StaleRevision):
                transaction.append([link("b", 1), link("a", 1, id="another"), link("c", 1)])
            with pytest.raises(StaleRevision):
                transaction.append([link("c", 1), link("c", 1, id="another")])
            transaction.append([link("a", 2)])

        with storage.begin(write=False) as transaction:
            assert [row.id for row in transaction.events()] == ["a/1", "a/2"]

    def test_a_taken_id_is_stale(self, storage: Storage) -> None:
        """Ids are unique over all chains."""
        with storage.begin() as transaction:
            transaction.append([link("a", 1, id="e1")])

        with pytest.raises(StaleRevision), storage.begin() as transaction:
            transaction.append([link("b", 1, id="e1")])

    def test_a_block_sees_the_events_it_added(self, storage: Storage) -> None:
        """Head and log show them at once; an exception takes them back."""
        with pytest.raises(LookupError), storage.begin() as transaction:  # noqa: PT012  # the block is the rule
            transaction.append([link("a", 1)])
            transaction.append([link("a", 2)])
            head = transaction.head("a")
            assert head is not None
            assert head.sequence == 2
            assert [row.sequence for row in transaction.events("a")] == [1, 2]
            assert transaction.events(after=head.position) == []
            raise LookupError

        with storage.begin(write=False) as transaction:
            assert transaction.head("a") is None
            assert transaction.events() == []

    def test_a_reader_does_not_see_later_events(self, storage: Storage) -> None:
        """A reader sees the log of one moment."""
        with storage.begin() as transaction:
            transaction.append([link("a", 1)])

        with storage.begin(write=False) as reader:
            before = reader.events()
            with storage.begin() as transaction:
                transaction.append([link("a", 2)])
            assert reader.events() == before
            assert reader.head("a") == before[0]
            assert reader.events("a") == before
