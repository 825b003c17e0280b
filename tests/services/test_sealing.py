"""Seals: made by hand or when it is time, once, and told to whoever wants them."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from marketplace_sdk import InvalidInput, Marketplace, NotAllowed, StorageError
from marketplace_sdk.memory.storage import MemoryStorage
from marketplace_sdk.testing import FrozenClock, MemoryNotifier
from tests.world import LEGAL, any_of


def market(storage="memory", **more):
    """A marketplace in which something has happened."""
    more.setdefault("clock", FrozenClock())
    made = Marketplace(storage, discover=storage != "memory", **more)
    made.people.add("gil", permissions=["USER_ADMIN", "GOVERNANCE"])
    return made


@pytest.fixture(params=["memory", "sqlite"])
def storage(request, tmp_path):
    return "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/market.db"


def test_a_seal_is_over_what_happened_since_the_last(storage):
    """Numbered, without gaps between their events."""
    with market(storage) as made:
        first = made.audit.seal()
        made.domains.create("sales", by="gil")
        made.domains.create("hr", by="gil")
        second = made.audit.seal()

        assert (first.number, second.number, second.count) == (1, 2, 2)
        assert second.previous == first.hash
        assert second.first > first.last
        assert made.audit.seals(by="gil") == (first, second)
        assert made.audit.seals(after=1, by="gil") == (second,)
        assert made.audit.seals(limit=1, by="gil") == (first,)
        assert made.audit.verify().unsealed == 0


def test_nothing_new_makes_no_seal(storage):
    """The newest one is handed back; before anything happened there is none."""
    with Marketplace(storage, discover=storage != "memory", clock=FrozenClock()) as empty:
        assert empty.audit.seal() is None
        assert empty.audit.verify().ok
    with market() as made:
        assert made.audit.seal() == made.audit.seal()
        assert len(made.audit.seals(by="gil")) == 1


def test_two_who_seal_at_once_make_one_seal(storage):
    """Threads start together; each event is under one seal, and each gets the newest."""
    with market(storage) as made:
        for turn in range(5):
            made.domains.create(f"d{turn}", by="gil")
            together = threading.Barrier(4)
            found = []

            def seal(found=found, together=together):
                together.wait()
                found.append(made.audit.seal())

            threads = [threading.Thread(target=seal) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            assert len(set(found)) == 1
            assert len(made.audit.seals(by="gil")) == turn + 1
        assert made.audit.verify().ok


def test_a_seal_does_not_wait_for_who_decides_nor_they_for_it():
    """The events are read outside the unit that keeps the seal, whose rows are its own."""
    touched = []

    class Watching(MemoryStorage):
        def begin(self, *, write=True):
            touched.append(write)
            return super().begin(write=write)

    with market(Watching()) as made:
        touched.clear()
        made.audit.seal()

    assert touched.count(True) == 1
    assert touched[-1]


def test_deliver_seals_when_it_is_time():
    """Daily unless told otherwise: counted from the first event, then from the newest seal."""
    with market(clock=(clock := FrozenClock())) as made:
        made.deliver()
        assert made.audit.seals(by="gil") == ()
        clock.advance(days=1)
        made.deliver()
        made.deliver()
        (first,) = made.audit.seals(by="gil")
        made.domains.create("sales", by="gil")
        clock.advance(hours=23)
        made.deliver()
        assert made.audit.seals(by="gil") == (first,)
        clock.advance(hours=1)
        made.deliver()

        assert [seal.count for seal in made.audit.seals(by="gil")] == [2, 1]


@pytest.mark.parametrize(("every", "seals"), [(None, 0), (timedelta(hours=1), 3)])
def test_the_interval_can_be_set(every, seals):
    """None is never."""
    with market(clock=(clock := FrozenClock()), seal_every=every) as made:
        for hour in range(3):
            made.domains.create(f"d{hour}", by="gil")
            clock.advance(hours=1)
            made.deliver()

        assert len(made.audit.seals(by="gil")) == seals


def test_an_interval_that_is_none_is_refused():
    with pytest.raises(InvalidInput):
        Marketplace(discover=False, seal_every=timedelta(0))


def test_a_seal_that_fails_holds_up_no_delivery():
    """It is counted, and made the next time."""
    storage = MemoryStorage()
    with market(storage, clock=(clock := FrozenClock())) as made:
        clock.advance(days=2)
        made._deliverer._sealer.storage = Broken()
        assert made.deliver().failed == 1
        made._deliverer._sealer.storage = storage
        assert made.deliver().failed == 0
        assert len(made.audit.seals(by="gil")) == 1


class Broken:
    """A store that cannot be read."""

    def begin(self, *, write=True):
        raise StorageError("cannot open storage: it is broken", retryable=True)


def test_a_seal_is_told_to_whoever_opts_in():
    """As a message to systems, in order, once each; others do not hear of it."""
    keeper, other = MemoryNotifier(), MemoryNotifier()
    notifiers = [{"plugin": keeper, "receives": ["seal"]}, other]
    with market(notifiers=notifiers) as made:
        first = made.audit.seal()
        made.domains.create("sales", by="gil")
        second = made.audit.seal()
        made.deliver()

        assert [message.type for message in keeper.messages] == ["audit.sealed"] * 2
        assert [message.sort for message in keeper.messages] == ["event"] * 2
        assert [message.id for message in keeper.messages] == [first.hash, second.hash]
        kept = [message.data for message in keeper.messages]
        assert made.audit.verify(seals=kept).ok
        assert made.audit.verify(seals=[{"type": "audit.sealed", "data": each} for each in kept]).ok
    assert other.messages == ()


def test_a_seal_that_could_not_be_told_is_told_again():
    """At least once, under the same id."""
    keeper = MemoryNotifier()
    keeper.fail()
    with market(
        notifiers=[{"plugin": keeper, "receives": ["seal"]}], clock=(clock := FrozenClock())
    ) as made:
        seal = made.audit.seal()
        assert made.deliver().failed == 1
        clock.advance(minutes=1)
        made.deliver()

    assert [message.id for message in keeper.messages] == [seal.hash]


def test_a_notifier_gets_only_what_its_configuration_says():
    """``receives`` narrows it."""
    hook = MemoryNotifier()
    with market(notifiers=[{"plugin": hook, "receives": []}]) as made:
        made.audit.seal()
        made.deliver()
    assert hook.messages == ()


@pytest.mark.parametrize("receives", ["seal", ["letters"], [1], 5, {"seal": 1, "x": 2}])
def test_an_unknown_word_in_receives_is_refused(receives):
    with pytest.raises(InvalidInput, match="receives"):
        Marketplace(notifiers=[{"plugin": MemoryNotifier(), "receives": receives}], discover=False)


def test_who_cannot_take_events_cannot_take_seals():
    """A notifier for people has no use for a message to systems."""

    class ForPeople(MemoryNotifier):
        receives = frozenset({"notice"})

    with pytest.raises(InvalidInput, match="receives"):
        Marketplace(notifiers=[{"plugin": ForPeople(), "receives": ["seal"]}], discover=False)


def test_seals_are_read_by_who_reads_the_log(small):
    """AUDIT and GOVERNANCE."""
    small.ask(small.publish(any_of(LEGAL)))
    seal = small.market.audit.seal()

    for who in ("aud", "gil"):
        assert small.market.audit.seals(by=who) == (seal,)
    for who in ("uma", "dee", "ana", "con", "ada"):
        with pytest.raises(NotAllowed):
            small.market.audit.seals(by=who)


def test_a_lost_seal_leaves_its_number_empty():
    """The next seal does not take the place of one that somebody removed."""
    storage = MemoryStorage()
    with market(storage) as made:
        made.audit.seal()
        made.domains.create("sales", by="gil")
        lost = made.audit.seal()
        with storage.begin() as rows:
            rows.remove("seal", f"{lost.number:012}", 1)
        made.domains.create("hr", by="gil")

        found = made.audit.seal()

        assert found.number == 3
        assert found.previous == lost.hash
        assert "seal 2 is missing" in str(made.audit.verify())
