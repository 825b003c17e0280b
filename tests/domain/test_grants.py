"""Grants: from wanted to the platform's proof that they are gone."""

from __future__ import annotations

from datetime import timedelta
from itertools import product as pairs

import pytest

from marketplace_sdk.domain.events import Effects, Event
from marketplace_sdk.domain.grants import GRANT_STEPS, Grant, Part, Trouble, covered_sources
from marketplace_sdk.domain.people import Beneficiary
from tests.domain.building import NOW

STATES = ("wanted", "active", "withheld", "ending", "ended")
LATER = NOW + timedelta(days=1)
ILL = Trouble(code="unprotected_column", message="set it up", since=NOW)
ALLOWED = {
    ("wanted", "activate"): "active",
    ("active", "miss"): "wanted",
    ("wanted", "withhold"): "withheld",
    ("active", "withhold"): "withheld",
    ("withheld", "release"): "wanted",
    ("wanted", "end"): "ending",
    ("active", "end"): "ending",
    ("withheld", "end"): "ending",
    ("ending", "prove"): "ended",
}


def grant(state="wanted", **more):
    facts = {
        "id": "g1",
        "kind": "access",
        "product": "p1",
        "beneficiary": Beneficiary("person", "rex"),
        "requests": ("r1",),
        "since": NOW,
        "created_at": NOW,
        "state": state,
        **({"withheld": frozenset({"suspended"})} if state == "withheld" else {}),
        **more,
    }
    return Grant(**facts)


def exception(**more):
    return grant(
        kind="masking_exception", columns=("orders.email", "orders.a.b", "people.name"), **more
    )


def event(of, name, **more):
    """The one event, as effects."""
    data = {
        "product": "p1",
        "kind": of.kind,
        "beneficiary": "user:rex",
        "requests": of.requests,
        **more,
    }
    return Effects(events=(Event(type=name, aggregate="grant:g1", data=data),))


STEPS = {
    "activate": lambda one: one.shown({"t": Part(present=True)}, ["t"], LATER),
    "miss": lambda one: one.shown({"t": Part()}, ["t"], LATER),
    "withhold": lambda one: one.withhold("blocked"),
    "release": lambda one: one.release("suspended"),
    "end": lambda one: one.end("revoked", LATER),
    "prove": lambda one: one.shown({"t": Part()}, ["t"], LATER),
}


def test_the_table_is_the_one_of_the_documents():
    """wanted and active, both withheld, to ending, to ended."""
    assert dict(GRANT_STEPS) == ALLOWED


@pytest.mark.parametrize(("state", "step"), [*pairs(STATES, STEPS)])
def test_a_grant_takes_the_steps_of_the_table_and_stays_otherwise(state, step):
    """Every pair of state and event; the platform can be looked at in any state."""
    asked = grant(state)
    if step in ("miss", "prove"):  # the same look: nothing is there
        expected = ALLOWED.get((state, "miss"), ALLOWED.get((state, "prove"), state))
    else:
        expected = ALLOWED.get((state, step), state)

    changed, _ = STEPS[step](asked)

    assert changed.state == expected


@pytest.mark.parametrize("state", STATES)
def test_a_live_grant_is_a_reason_for_access(state):
    """Wanted, active and withheld are."""
    assert grant(state).live == (state in ("wanted", "active", "withheld"))


# Reading past the end


@pytest.mark.parametrize("state", ["wanted", "active", "withheld"])
def test_past_its_end_a_grant_reads_as_ending_whether_swept_or_not(state):
    """The end is an instant."""
    asked = grant(state, until=LATER)

    seen = asked.seen_at(LATER)

    assert (seen.state, seen.cause, seen.withheld) == ("ending", "expired", frozenset())
    assert asked.seen_at(LATER - timedelta(microseconds=1)) is asked
    assert asked.over(LATER)
    assert not asked.over(NOW)


@pytest.mark.parametrize("more", [{}, {"state": "ended", "until": NOW, "cause": "revoked"}])
def test_without_an_end_or_after_it_nothing_expires(more):
    """What ended by a revocation did not expire."""
    asked = grant(**more)

    assert asked.seen_at(LATER) is asked


# Withholding


def test_the_first_reason_to_withhold_is_an_event_and_others_are_added():
    """Reasons are told sorted."""
    held, effects = grant("active").withhold("suspended", "blocked")

    more, quiet = held.withhold("waiting_for_access")
    same, nothing = held.withhold("blocked")

    assert held.withheld == {"suspended", "blocked"}
    assert effects == event(held, "grant.withheld", reasons=("blocked", "suspended"))
    assert more.withheld == {"suspended", "blocked", "waiting_for_access"}
    assert quiet == Effects()
    assert (same, nothing) == (held, Effects())


def test_a_grant_is_wanted_again_when_the_last_reason_is_gone():
    """Not before."""
    held = grant("withheld", withheld=frozenset({"suspended", "blocked"}))

    half, quiet = held.release("blocked")
    free, effects = half.release("suspended", "blocked")
    other, nothing = held.release("waiting_for_access")

    assert (half.state, half.withheld, quiet) == ("withheld", {"suspended"}, Effects())
    assert (free.state, free.withheld) == ("wanted", frozenset())
    assert effects == event(free, "grant.resumed")
    assert (other, nothing) == (held, Effects())


@pytest.mark.parametrize("state", ["ending", "ended"])
def test_nothing_withholds_or_releases_what_is_ending(state):
    """It has begun to go."""
    asked = grant(state)

    assert asked.withhold("blocked") == (asked, Effects())
    assert asked.release("blocked") == (asked, Effects())


# Ending


def test_ending_forgets_what_was_seen_until_the_platform_shows_it_gone():
    """Every part counts as there, without trouble of before."""
    asked = grant("withheld", parts={"a": Part(trouble=ILL), "b": Part(present=True)})

    ending, effects = asked.end("revoked", LATER)

    assert (ending.state, ending.cause, ending.ending_at) == ("ending", "revoked", LATER)
    assert ending.withheld == frozenset()
    assert ending.parts == {"a": Part(present=True), "b": Part(present=True)}
    assert effects == event(ending, "grant.ending", cause="revoked")


@pytest.mark.parametrize("state", ["ending", "ended"])
def test_ending_again_keeps_the_first_cause(state):
    """Nothing brings it back, nothing ends it twice."""
    asked = grant(state, cause="expired")

    assert asked.end("revoked", LATER) == (asked, Effects())


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [(NOW, LATER, LATER), (LATER, NOW, LATER), (None, NOW, None), (NOW, None, None)],
)
def test_an_extension_never_shortens(old, new, kept):
    """The later of both ends; without end is later than all."""
    extended, effects = grant("active", until=old).extend(new, "r2")

    assert extended.until == kept
    assert extended.requests == ("r1", "r2")
    assert extended.state == "active"
    assert effects == event(
        extended, "grant.extended", until=None if kept is None else kept.isoformat()
    )


# What a platform shows


def test_a_grant_is_active_when_every_part_was_seen():
    """The platform's answer makes it active, not the call's success."""
    half, quiet = grant().shown({"a": Part(present=True)}, ["a", "b"], LATER)
    whole, effects = half.shown(
        {"a": Part(present=True), "b": Part(present=True)}, ["a", "b"], LATER
    )

    assert (half.state, quiet) == ("wanted", Effects())
    assert (whole.state, whole.active_at) == ("active", LATER)
    assert effects == event(whole, "grant.active")


def test_a_grant_on_nothing_is_not_active():
    """No target means nothing to see."""
    changed, effects = grant().shown({}, [], LATER)

    assert (changed.state, effects) == ("wanted", Effects())


def test_an_active_grant_that_lost_a_part_is_wanted_again():
    """Quietly: the reconciler puts it back."""
    changed, effects = grant("active", active_at=NOW).shown({"a": Part()}, ["a"], LATER)

    assert (changed.state, changed.active_at, effects) == ("wanted", NOW, Effects())


def test_a_withheld_grant_stays_withheld_whatever_is_seen():
    """Only its reasons count."""
    changed, _ = grant("withheld").shown({"a": Part(present=True)}, ["a"], LATER)

    assert changed.state == "withheld"
    assert changed.parts == {"a": Part(present=True)}


def test_a_grant_has_ended_when_no_part_is_there_any_more():
    """Every target was looked at, none shows it, none has trouble."""
    asked = grant("ending", cause="revoked")

    ended, effects = asked.shown({"a": Part(), "b": Part()}, ["a", "b"], LATER)

    assert (ended.state, ended.ended_at, ended.cause) == ("ended", LATER, "revoked")
    assert effects == event(ended, "grant.ended", cause="revoked")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"a": Part()}, ["a", "b"]),
        ({"a": Part(present=True)}, ["a"]),
        ({"a": Part(trouble=ILL)}, ["a"]),
        ({"a": Part(), "old": Part(present=True)}, ["a"]),
    ],
)
def test_a_grant_has_not_ended_while_anything_may_be_left(parts, expected):
    """Never looked at, still there, in trouble, or there on a target of before."""
    changed, _ = grant("ending").shown(parts, expected, LATER)

    assert changed.state == "ending"


def test_targets_that_are_no_longer_expected_are_forgotten_once_gone():
    """A part that is still present is kept."""
    changed, _ = grant().shown({"old": Part(), "left": Part(present=True)}, ["a"], LATER)

    assert changed.parts == {"left": Part(present=True)}


def test_new_trouble_is_an_event_once():
    """By code; the same trouble again is quiet."""
    asked = grant()

    ill, effects = asked.shown({"b": Part(trouble=ILL), "a": Part()}, ["a", "b"], LATER)
    same, quiet = ill.shown({"b": Part(trouble=ILL), "a": Part()}, ["a", "b"], LATER)

    assert ill.trouble == (ILL,)
    assert effects == event(ill, "grant.trouble", codes=("unprotected_column",))
    assert (same, quiet) == (ill, Effects())


def test_trouble_is_listed_by_target():
    """Sorted, so that it reads the same every time."""
    other = Trouble(code="no_principal", message="m", since=NOW, retryable=False)

    assert grant(parts={"b": Part(trouble=ILL), "a": Part(trouble=other)}).trouble == (other, ILL)


# Masking exceptions


def test_an_exception_concerns_the_sources_of_its_columns():
    """Source names have no dot, columns may."""
    assert exception().masking_sources == {"orders", "people"}
    assert covered_sources(exception(), ["orders", "returns"]) == {"orders", "people"}
    assert covered_sources(grant(), ["orders", "returns"]) == {"orders", "returns"}


def test_losing_the_last_access_to_a_source_ends_its_unmasking_for_good():
    """With the last source the whole exception ends."""
    half, quiet = exception(state="active").lose(["people", "stranger"], LATER)
    done, effects = half.lose(["orders"], LATER)

    assert (half.state, half.lost, half.masking_sources) == ("active", {"people"}, {"orders"})
    assert quiet == Effects()
    assert (done.state, done.cause, done.ending_at) == ("ending", "access_ended", LATER)
    assert effects == event(done, "grant.ending", cause="access_ended")


@pytest.mark.parametrize(
    ("asked", "sources"),
    [
        (exception(), ["stranger"]),
        (exception(lost=frozenset({"people"})), ["people"]),
        (exception(state="ending"), ["orders"]),
        (grant(), ["orders"]),
    ],
)
def test_losing_what_was_not_held_changes_nothing(asked, sources):
    """Another source, one that is lost already, a grant that is ending, or one of access."""
    assert asked.lose(sources, LATER) == (asked, Effects())


def test_platform_names_are_not_shown():
    """They are nobody's business in a log."""
    assert "secret" not in repr(grant(principals={"lake": "secret"}))
