"""How a provisioner changes: exactly what it was told, once, in time, and it says what it did."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from attrs import evolve

from marketplace_sdk.errors import AdapterError
from marketplace_sdk.ports.provisioner import Change, Item, Outcome, Scope
from marketplace_sdk.testing.conformance._kit import check
from marketplace_sdk.testing.conformance._provisioner_bench import (
    CALL,
    NO_TIME,
    Bench,
    assert_all,
    attempt,
    call_while,
)
from marketplace_sdk.testing.conformance._provisioner_looking import HOSTILE_NAMES

__all__ = ["ChangingChecks"]

_THREADS = 6


class ChangingChecks:
    """``apply``: what the platform shows afterwards is what the outcomes said."""

    lacks: ClassVar[Mapping[str, str]]

    def test_given_held_taken_and_gone(self, bench: Bench) -> None:
        """Afterwards everything is as it was before, down to the last role or group."""
        orders, other = bench.world.make_object("orders"), bench.world.make_object("other")
        bob, eve = bench.world.make_principal("bob"), bench.world.make_principal("eve")
        items = bench.plan([orders], bob)
        before = bench.world.snapshot()

        given = bench.add(items)
        held = bench.present(items)
        readers = [
            (who, what)
            for who in (bob, eve)
            for what in (orders, other)
            if bench.world.can_read(who, what)
        ]
        taken = bench.remove(items)

        assert_all(given, done=len(items))
        assert held == {item.key for item in items}
        assert readers == [(bob, orders)]
        assert_all(taken, done=len(items))
        assert bench.present(items) == set()
        assert not bench.world.can_read(bob, orders)
        assert bench.world.snapshot() == before

    def test_doing_it_twice_changes_once(self, bench: Bench) -> None:
        """Work is handed over at least once, so the second time must find it done."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        before = bench.world.snapshot()

        bench.add(items)
        given = bench.world.snapshot()
        again = bench.add(items)
        given_again = bench.world.snapshot()
        bench.remove(items)
        gone = bench.remove(items)

        assert_all(again, already=len(items))
        assert given_again == given
        assert_all(gone, already=len(items))
        assert bench.world.snapshot() == before

    def test_every_change_has_an_outcome(self, bench: Bench) -> None:
        """In the order of the batch, by the key of the item."""
        orders = bench.world.make_object("orders")
        people = [bench.world.make_principal(word) for word in ("ann", "bob", "eve")]
        items = bench.plan([orders], *people)
        outcomes: list[Outcome] = []

        for scope in dict.fromkeys(item.scope for item in items):
            batch = [Change(action="add", item=item) for item in items if item.scope == scope]
            told = list(bench.provisioner.apply(batch, CALL))
            assert [outcome.key for outcome in told] == [change.item.key for change in batch]
            outcomes += told

        assert_all(outcomes, done=len(items))
        assert all(outcome.evidence for outcome in outcomes), f"without evidence: {outcomes}"

    def test_one_loses_and_another_keeps(self, bench: Bench) -> None:
        """What is taken from one person is taken from that person only."""
        orders = bench.world.make_object("orders")
        ann, bob = bench.world.make_principal("ann"), bench.world.make_principal("bob")
        hers, his = bench.plan([orders], ann), bench.plan([orders], bob)
        shared = {item.key for item in hers} & {item.key for item in his}
        bench.add([*hers, *(item for item in his if item.key not in shared)])

        bench.remove([item for item in his if item.key not in shared])

        assert not bench.world.can_read(bob, orders)
        assert bench.world.can_read(ann, orders)
        assert bench.present(hers) == {item.key for item in hers}

    @check("hostile_names")
    def test_hostile_names_stay_names(self, bench: Bench) -> None:
        """Whatever it is called, exactly that is opened, to exactly that person, and closed."""
        words = [
            (bench.world.make_object(word), bench.world.make_principal(word))
            for word in HOSTILE_NAMES
        ]
        plain, bob = bench.world.make_object("plain"), bench.world.make_principal("bob")
        before = bench.world.snapshot()
        for number, (name, who) in enumerate(words):
            items = bench.plan([name], who, key=f"product:{number}")

            given = bench.add(items)
            assert_all(given, done=len(items))
            assert bench.present(items) == {item.key for item in items}
            open_to = [each for _, each in words if bench.world.can_read(each, name)]
            assert open_to == [who]
            assert [each for each, _ in words if bench.world.can_read(who, each)] == [name]
            assert not bench.world.can_read(bob, name)
            assert not bench.world.can_read(who, plain)
            taken = bench.remove(items)

            assert_all(taken, done=len(items))
            assert bench.world.snapshot() == before

    def test_without_time_nothing_is_started(self, bench: Bench) -> None:
        """At the deadline the scope may be somebody else's already."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        before = bench.world.snapshot()

        outcomes = attempt(lambda: bench.add(items, NO_TIME)) or []

        assert bench.world.snapshot() == before
        assert {outcome.result for outcome in outcomes} <= {"not_attempted"}
        assert all(outcome.retryable for outcome in outcomes), f"given up: {outcomes}"

    def test_the_deadline_is_looked_at_before_each_change(self, bench: Bench) -> None:
        """Time runs out with the first change: it stays, and no other one is started."""
        orders = bench.world.make_object("orders")
        people = [bench.world.make_principal(word) for word in ("ann", "bob", "eve")]
        items = bench.plan([orders], *people)
        (scope, count), *_ = Counter(item.scope for item in items).most_common()
        assert count > 1
        batch = [Change(action="add", item=item) for item in items if item.scope == scope]
        before = bench.world.snapshot()

        call = call_while(lambda: bench.world.snapshot() == before)
        outcomes = list(bench.provisioner.apply(batch, call))

        assert_all(outcomes, done=1, not_attempted=count - 1)
        assert outcomes[0].result == "done"
        assert bench.present(items) == {outcomes[0].key}
        rest = bench.add(items)
        assert bench.present(items) == {item.key for item in items}
        assert_all(rest, already=1, done=len(items) - 1)

    def test_a_worker_that_vanishes_leaves_whole_changes(self, bench: Bench) -> None:
        """After each change in turn: the next worker finds it, goes on, and can undo it all."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        before = bench.world.snapshot()
        for changes in range(1, len(items) + 1):
            bench.add(items[:changes])
            bench.provisioner = bench.world.connect(bench.installation)

            assert bench.present(items) == {item.key for item in items[:changes]}
            given = bench.add(bench.plan([orders], bob))
            assert_all(given, already=changes, done=len(items) - changes)
            assert bench.world.can_read(bob, orders)
            bench.remove(items[len(items) - changes :])
            bench.provisioner = bench.world.connect(bench.installation)
            bench.remove(items)

            assert bench.world.snapshot() == before

    def test_what_is_not_of_this_platform_is_refused(self, bench: Bench) -> None:
        """A connection may lead elsewhere by now: nothing of the old place is done there."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        before = bench.world.snapshot()
        foreign = [_elsewhere(item) for item in items]

        try:
            outcomes = bench.add(foreign)
        except AdapterError:
            outcomes = []

        assert bench.world.snapshot() == before
        assert {outcome.result for outcome in outcomes} <= {"refused", "not_attempted"}

    def test_an_end_is_kept_or_refused(self, bench: Bench) -> None:
        """An end that nobody keeps must not be promised."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        bench.add(items)
        held = bench.world.snapshot()
        door = max(items, key=lambda item: item.rank)
        end = datetime(2100, 1, 1, tzinfo=UTC)

        try:
            (outcome,) = bench.provisioner.apply(
                [Change(action="set_until", item=door, until=end)], CALL
            )
        except AdapterError:
            result = "refused"
        else:
            result = outcome.result

        assert bench.world.can_read(bob, orders)
        if "set_until" in self.lacks:
            assert result == "refused"
            assert bench.world.snapshot() == held
        else:
            assert result == "done"

    @check("refusal")
    def test_a_refusal_is_told(self, bench: Bench) -> None:
        """Who is told that it was done tells others so."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        before = bench.world.snapshot()

        with bench.world.refusing(orders):
            outcomes = bench.add(items)
        present = bench.present(items)

        assert not bench.world.can_read(bob, orders)
        told = [(outcome.result, outcome.error) for outcome in outcomes]
        assert any(result == "refused" and error for result, error in told), (
            f"the platform said no, and nobody is told: {told}"
        )
        done = {outcome.key for outcome in outcomes if outcome.result == "done"}
        assert done == present
        bench.add(items)
        assert bench.world.can_read(bob, orders)
        bench.remove(items)
        assert bench.world.snapshot() == before

    @check("outage")
    def test_an_outage_is_told(self, bench: Bench) -> None:
        """Neither done nor refused: whoever hears either of it stops trying."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        before = bench.world.snapshot()

        with bench.world.unreachable():
            outcomes = attempt(lambda: bench.add(items)) or []

        assert {outcome.result for outcome in outcomes} <= {"unknown", "not_attempted"}
        assert bench.world.snapshot() == before
        assert_all(bench.add(items), done=len(items))

    def test_several_threads_do_not_mix(self, bench: Bench) -> None:
        """Workers share a provisioner; each gets its own answers, and its own changes."""
        objects = [bench.world.make_object(f"table{n}") for n in range(_THREADS)]
        people = [bench.world.make_principal(f"person{n}") for n in range(_THREADS)]
        start = threading.Barrier(_THREADS)
        wrong: list[str] = []

        def work(number: int) -> None:
            try:
                start.wait(30)
                for again in (True, False):
                    name, who = objects[number], people[number]
                    items = bench.plan([name], who, key=f"product:{number}")
                    assert_all(bench.add(items), done=len(items))
                    assert bench.present(items) == {item.key for item in items}
                    if again:
                        bench.remove(items)
            except Exception as error:  # noqa: BLE001  # told in the thread of the test
                wrong.append(f"{objects[number]}: {error!r}")

        threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert not any(thread.is_alive() for thread in threads), "a thread waits for ever"
        assert not wrong
        held = {(w, o) for w in people for o in objects if bench.world.can_read(w, o)}
        assert held == set(zip(people, objects, strict=True))


def _elsewhere(item: Item) -> Item:
    return evolve(item, scope=Scope(f"{item.scope.platform}x", item.scope.key))
