"""How a provisioner looks: what names mean, and what is there."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from marketplace_sdk.ports.provisioner import CannotLook, Guard, Resolved, Scope, Seen, Unresolved
from marketplace_sdk.testing.conformance._kit import check
from marketplace_sdk.testing.conformance._provisioner_bench import (
    CALL,
    NO_TIME,
    Bench,
    attempt,
    object_ref,
    principal_ref,
)

__all__ = ["HOSTILE_NAMES", "LookingChecks"]

HOSTILE_NAMES = (
    "'; DROP TABLE orders; --",
    'double " quote "" twice',
    "back\\slash \\' \\\"",
    "/* comment */ # ; -- end",
    "percent %s %% {0} ${x} $1",
    "dots.and..more",
    "bars|and:colons",
    "grüße 名前 ελ",
)
"""Names that become something else when they are pasted into a statement or a key."""


class LookingChecks:
    """``resolve`` and ``observe``: every question has an answer, and no answer is a guess."""

    def test_every_name_has_an_answer(self, bench: Bench) -> None:
        """A name without an answer could be taken for one that is not there."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        refs = [object_ref(orders), principal_ref(bob)]

        answers = bench.resolve(*refs)

        assert set(answers) == set(refs)
        assert {ref: answer.ref for ref, answer in answers.items()} == {ref: ref for ref in refs}
        unresolved = [each for each in answers.values() if not isinstance(each, Resolved)]
        assert not unresolved, "names of what is there were not found"

    def test_a_name_keeps_its_meaning(self, bench: Bench) -> None:
        """Another process, at another time, must get the same native ids and platform."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        refs = [object_ref(orders), principal_ref(bob)]

        first = bench.resolve(*refs)
        second = bench.world.connect(bench.installation).resolve(refs, CALL)

        assert first == second

    @check("lookup")
    def test_an_unknown_name_is_not_found(self, bench: Bench) -> None:
        """A clear answer, for good: nobody waits for something that is not there."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        refs = [object_ref(f"{orders}x"), principal_ref(f"{bob}x"), object_ref(orders)]

        answers = bench.resolve(*refs)

        assert isinstance(answers[object_ref(orders)], Resolved)
        for ref in refs[:2]:
            answer = answers[ref]
            assert isinstance(answer, Unresolved), f"{ref} is not there, but has a meaning"
            assert answer.reason == "not_found"
            assert not answer.retryable
            assert ref.name in answer.message

    @check("lookup", "exact_case")
    def test_names_are_taken_letter_by_letter(self, bench: Bench) -> None:
        """``Casey`` and ``cASEY`` may be two people; neither gets what the other was given."""
        word = "Casey"
        person, table = bench.world.make_principal(word), bench.world.make_object(word)
        others = [
            ref
            for change in (str.swapcase, str.lower, str.upper)
            for ref in (
                principal_ref(person.replace(word, change(word))),
                object_ref(table.replace(word, change(word))),
            )
        ]

        answers = bench.resolve(*others, principal_ref(person), object_ref(table))

        assert isinstance(answers[principal_ref(person)], Resolved)
        assert isinstance(answers[object_ref(table)], Resolved)
        for ref in others:
            assert isinstance(answers[ref], Unresolved), f"{ref} is taken for another one"

    @check("exact_case")
    def test_names_that_differ_in_case_are_two(self, bench: Bench) -> None:
        """Where both are there, each is itself."""
        upper, lower = bench.world.make_principal("Kim"), bench.world.make_principal("kim")

        known = bench.known(principal_ref(upper), principal_ref(lower))

        assert len({each.native_id for each in known.resolved.values()}) == 2

    @check("lookup")
    def test_a_hostile_name_that_is_not_there_is_not_found(self, bench: Bench) -> None:
        """Whatever a form or a file brings, it is a name and nothing else."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        before = bench.world.snapshot()
        refs = [
            make(name)
            for hostile in HOSTILE_NAMES
            for name in (hostile, f"{orders}{hostile}", f"{bob}{hostile}")
            for make in (object_ref, principal_ref)
        ]

        answers = bench.resolve(*refs)

        assert set(answers) == set(refs)
        resolved = [each for each in answers.values() if not isinstance(each, Unresolved)]
        assert not resolved, "names of what is not there were found"
        assert bench.world.snapshot() == before

    @check("native_ids")
    def test_what_is_made_again_is_something_else(self, bench: Bench) -> None:
        """Nobody asked for access to the new object, or for the new person, of an old name."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        before, planned = bench.resolve(object_ref(orders)), bench.plan([orders], bob)
        who = bench.resolve(principal_ref(bob))

        bench.world.replace_object(orders)
        bench.world.replace_principal(bob)
        after, replanned = bench.resolve(object_ref(orders)), bench.plan([orders], bob)
        now = bench.resolve(principal_ref(bob))

        assert before[object_ref(orders)] != after[object_ref(orders)]
        assert _native_id(before[object_ref(orders)]) != _native_id(after[object_ref(orders)])
        assert _native_id(who[principal_ref(bob)]) != _native_id(now[principal_ref(bob)])
        opening = ({item.key for item in items if item.opens} for items in (planned, replanned))
        assert not set.intersection(*opening), "keys must be made of native ids"

    def test_looking_changes_nothing(self, bench: Bench) -> None:
        """Previews and reports look too."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        before = bench.world.snapshot()

        for _ in range(2):
            assert bench.present(items) == set()

        assert bench.world.snapshot() == before

    def test_every_scope_has_an_answer(self, bench: Bench) -> None:
        """Those in which nothing is, too: nothing was found there, which is an answer."""
        objects = [bench.world.make_object(word) for word in ("first", "second", "third")]
        bob = bench.world.make_principal("bob")
        items = [
            item
            for number, name in enumerate(objects)
            for item in bench.plan([name], bob, key=f"product:{number}")
        ]
        scopes = {item.scope for item in items}

        answers = bench.provisioner.observe(scopes, (), CALL)

        assert set(answers) == scopes
        unseen = [each for each in answers.values() if not isinstance(each, Seen)]
        assert not unseen, "a scope that is there was not seen"

    def test_a_scope_of_another_platform_cannot_be_seen(self, bench: Bench) -> None:
        """A connection that leads elsewhere by now must not report everything as gone."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        bench.add(items)
        foreign = [Scope(f"{item.scope.platform}x", item.scope.key) for item in items]

        answers = bench.provisioner.observe(foreign, (), CALL)

        found = [answers.get(scope, _NO_ANSWER) for scope in foreign]
        seen = [each for each in found if not isinstance(each, CannotLook)]
        assert not seen, "a scope of another platform was seen"

    def test_strangers_are_shown(self, bench: Bench) -> None:
        """Whoever was let in by hand is found, or nobody will ever ask why they can read."""
        orders = bench.world.make_object("orders")
        bob, eve = bench.world.make_principal("bob"), bench.world.make_principal("eve")
        items, hers = bench.plan([orders], bob), bench.plan([orders], eve)
        bench.add(items)
        bench.provisioner = bench.world.connect(bench.installation)
        door = max(hers, key=lambda item: item.rank)

        assert door.key not in bench.present([door])
        bench.world.intrude(eve, orders, door.scope)

        assert bench.present([*items, door]) == {*(item.key for item in items), door.key}

    def test_a_long_list_is_read_to_its_end(self, bench: Bench) -> None:
        """Whoever stands on the second page is not gone, and not a reason to give it again."""
        orders = bench.world.make_object("orders")
        people = [bench.world.make_principal(f"person{n}") for n in range(bench.world.crowd)]
        items = bench.plan([orders], *people)
        bench.add(items)

        assert bench.present(items) == {item.key for item in items}

    @check("markers")
    def test_what_is_ours_is_told_from_what_is_not(self, bench: Bench) -> None:
        """What we gave says so even when our books are lost; what others gave never does."""
        orders = bench.world.make_object("orders")
        bob, eve = bench.world.make_principal("bob"), bench.world.make_principal("eve")
        items, hers = bench.plan([orders], bob), bench.plan([orders], eve)
        door = max(hers, key=lambda item: item.rank)

        bench.add(items)
        bench.world.intrude(eve, orders, door.scope)
        bench.provisioner = bench.world.connect(bench.installation)
        seen = bench.look([*items, door])

        strange = [item.key for item in items if not seen[item.scope].items[item.key].ours]
        assert not strange, "what the marketplace gave is not told to be its own"
        assert not seen[door.scope].items[door.key].ours

    @check(since=2)
    def test_what_we_gave_alone_is_not_said_to_be_given_by_hand(self, bench: Bench) -> None:
        """Or it would stay when access ends, or be warned of for nothing."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)

        bench.add(items)
        seen = bench.look(items)

        assert not [item.key for item in items if seen[item.scope].items[item.key].by_hand]

    @check(since=2)
    def test_what_somebody_gives_beside_ours_is_told(self, bench: Bench) -> None:
        """A platform that keeps both, or that forgets who gave it first, says whose it is.

        What is left of theirs when ours is gone is neither hidden nor called ours.
        """
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        bench.add(items)
        door = max(items, key=lambda item: item.rank)

        given = bench.world.give_again(bob, orders, door.scope)
        both = bench.look([door])[door.scope].items[door.key]
        bench.remove([door])
        left = bench.look([door])[door.scope].items.get(door.key)

        assert both.by_hand or not (given and both.ours), (
            "somebody else gave it too: nobody is told"
        )
        assert left is not None or not bench.world.can_read(bob, orders)
        assert left is None or not left.ours

    @check("outage")
    def test_what_cannot_be_reached_is_not_absent(self, bench: Bench) -> None:
        """No answer is not the answer no: access would be taken for gone that is still there."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        bench.add(items)
        refs = [object_ref(orders), principal_ref(bob)]
        scopes = {item.scope for item in items}
        before = bench.resolve(*refs)

        with bench.world.unreachable():
            names = attempt(lambda: bench.resolve(*refs))
            seen = attempt(lambda: bench.provisioner.observe(scopes, (), CALL))

        if names is not None:
            for ref in refs:
                answer = names[ref]
                if isinstance(answer, Unresolved):
                    assert (answer.reason, answer.retryable) == ("cannot_look", True)
                else:
                    assert answer == before[ref], "another answer than while it could be asked"
        if seen is not None:
            for scope in scopes:
                view = seen[scope]
                assert isinstance(view, CannotLook), f"seen although unreachable: {view}"
                assert view.retryable
        assert bench.present(items) == {item.key for item in items}

    def test_without_time_nothing_is_concluded(self, bench: Bench) -> None:
        """At the deadline somebody else may have taken over; what is seen then proves nothing."""
        orders, bob = bench.world.make_object("orders"), bench.world.make_principal("bob")
        items = bench.plan([orders], bob)
        bench.add(items)

        names = attempt(lambda: bench.provisioner.resolve([object_ref(orders)], NO_TIME))
        scopes = {item.scope for item in items}
        views = attempt(lambda: bench.provisioner.observe(scopes, (), NO_TIME))

        if names is not None:
            answer = names[object_ref(orders)]
            assert isinstance(answer, Resolved) or answer.retryable
        if views is not None:
            for item in items:
                view = views[item.scope]
                assert isinstance(view, CannotLook) or item.key in view.items

    @check("masking")
    def test_guards_are_answered_as_things_are(self, bench: Bench) -> None:
        """Protected is true, open is false, and what cannot be known is left out."""
        orders = bench.world.make_object("orders", ["id", "email", "phone"])
        bob = bench.world.make_principal("bob")
        bench.world.protect(orders, "email")
        bench.world.protect(orders, "phone")
        items = bench.plan([orders], bob, masked=["email", "phone"])
        (email,), (phone,) = (
            {guard for item in items for guard in item.guards if column in guard.subject}
            for column in ("email", "phone")
        )
        unheard = evolve(email, kind="conformance_unheard_of")

        before = _guards(bench.look(items, [email, phone, unheard]))
        bench.world.unprotect(orders, "email")
        after = _guards(bench.look(items, [email, phone, unheard]))

        assert before == {email: True, phone: True}
        assert after == {email: False, phone: True}

    @check("masking", "hostile_names")
    def test_hostile_columns_stay_columns(self, bench: Bench) -> None:
        """Each of them is protected and guarded by its name, and nothing else is."""
        orders = bench.world.make_object("orders", ["id", *HOSTILE_NAMES])
        bob = bench.world.make_principal("bob")
        for column in HOSTILE_NAMES:
            bench.world.protect(orders, column)
        items = bench.plan([orders], bob, masked=HOSTILE_NAMES)
        guards = {guard for item in items for guard in item.guards}

        answers = _guards(bench.look(items, guards))
        bench.add(items)

        assert len(guards) == len(HOSTILE_NAMES)
        assert answers == dict.fromkeys(guards, True)
        assert bench.world.sees_clear(bob, orders, "id")
        assert not any(bench.world.sees_clear(bob, orders, column) for column in HOSTILE_NAMES)


_NO_ANSWER = CannotLook(reason="no answer is no view either")


def _native_id(answer: Resolved | Unresolved) -> str:
    assert isinstance(answer, Resolved)
    return answer.native_id


def _guards(seen: Mapping[Scope, Seen]) -> dict[Guard, bool]:
    answers: dict[Guard, bool] = {}
    for view in seen.values():
        for guard, answer in view.guards.items():
            answers[guard] = answers.get(guard, True) and answer
    return answers
