"""The containers and checks that every value shares."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.domain.values import (
    FrozenMap,
    aware,
    check_flag,
    check_id,
    check_name,
    check_text,
    freeze,
    listed,
    name_set,
    plain_flaw,
)
from marketplace_sdk.errors import InvalidInput
from tests.domain.building import DECEPTIVE, HOSTILE, NOW, problems_of

DICTS = st.dictionaries(st.text(max_size=5), st.integers(), max_size=5)


@given(DICTS)
def test_a_frozen_map_reads_like_the_mapping_it_was_made_of(data):
    """A FrozenMap has the items of its mapping, and nothing else."""
    frozen = FrozenMap(data)

    assert dict(frozen) == data
    assert len(frozen) == len(data)
    assert list(frozen) == list(data)
    assert frozen == data
    assert "missing key" not in frozen


@given(DICTS)
def test_a_frozen_map_does_not_follow_changes_of_its_origin(data):
    """What is frozen is a copy."""
    frozen = FrozenMap(data)

    data["a new key"] = 1

    assert "a new key" not in frozen


@given(DICTS, st.randoms())
def test_equal_frozen_maps_have_equal_hashes_whatever_the_order(data, chance):
    """Order of insertion makes no difference, to equality or to the hash."""
    items = list(data.items())
    chance.shuffle(items)

    assert FrozenMap(data) == FrozenMap(dict(items))
    assert hash(FrozenMap(data)) == hash(FrozenMap(dict(items)))


@given(DICTS, st.text(max_size=5), st.integers())
def test_setting_a_key_makes_a_copy(data, key, value):
    """``set`` leaves the original alone."""
    frozen = FrozenMap(data)

    changed = frozen.set(key, value)

    assert dict(changed) == {**data, key: value}
    assert dict(frozen) == data


@given(DICTS)
def test_a_frozen_map_survives_pickling_and_copying(data):
    """A FrozenMap can cross processes."""
    frozen = FrozenMap(data)

    assert pickle.loads(pickle.dumps(frozen)) == frozen  # noqa: S301  # our own bytes
    assert copy.deepcopy(frozen) == frozen


def test_a_frozen_map_is_no_other_thing():
    """Only a mapping equals a FrozenMap."""
    assert FrozenMap() != []
    assert FrozenMap({"a": 1}) != {"a": 2}
    assert repr(FrozenMap({"a": 1})) == "FrozenMap({'a': 1})"


def test_a_frozen_map_cannot_be_changed():
    """There is no way in but ``set``."""
    with pytest.raises(TypeError):
        FrozenMap({"a": 1})["a"] = 2


def test_nothing_freezes_to_an_empty_map_and_a_frozen_map_to_itself():
    """Freezing is idempotent."""
    frozen = FrozenMap({"a": 1})

    assert freeze(None) == {}
    assert freeze(frozen) is frozen


def test_freezing_goes_all_the_way_down():
    """What a frozen value holds is frozen too, so that it can be hashed."""
    frozen = freeze({"a": [1, {"b": [2]}], "c": {3}, "d": (4, [5])})

    assert frozen["a"] == (1, FrozenMap({"b": (2,)}))
    assert frozen["c"] == frozenset({3})
    assert frozen["d"] == (4, (5,))
    assert isinstance(hash(frozen), int)


def test_a_list_of_texts_is_not_one_text():
    """A lone text is refused rather than taken apart letter by letter."""
    assert listed(["a", "b"]) == ("a", "b")
    assert name_set(iter("ab")) == {"a", "b"}
    assert problems_of(listed, "Legal") == {"": "must be a list, not one value"}
    assert problems_of(name_set, "Legal") == {"": "must be a list, not one value"}
    assert problems_of(listed, b"Legal") == {"": "must be a list, not one value"}


class Nowhere(tzinfo):
    """A time zone that names no offset."""

    def utcoffset(self, when):
        return None


def test_an_instant_is_turned_to_utc():
    """Every instant is kept in UTC."""
    given_time = datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))

    moment = aware(given_time, "until")

    assert moment == given_time
    assert moment.tzinfo is UTC
    assert moment.hour == 23


@pytest.mark.parametrize(
    "value",
    [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=Nowhere()), "2026-01-01", None, 5],  # noqa: DTZ001 - naive is the case
)
def test_a_time_without_a_zone_is_refused(value):
    """A naive datetime names no instant."""
    problems = problems_of(aware, value, "until")

    assert problems == {"until": "must be a datetime with a time zone"}


@pytest.mark.parametrize(
    "value",
    [
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_a_time_outside_the_calendar_is_refused(value):
    """An instant that has no name in UTC is refused, not a crash."""
    assert problems_of(aware, value, "until") == {"until": "is outside the calendar"}


@pytest.mark.parametrize("check", [check_id, check_name])
@pytest.mark.parametrize("name", [*HOSTILE, "x", "x" * 255, "finance stewards/eu"])
def test_odd_but_honest_names_are_kept_as_they_are(check, name):
    """Names are data: what reads like code is only text."""
    assert check(name, "name") == name


@pytest.mark.parametrize("check", [check_id, check_name])
@pytest.mark.parametrize("name", DECEPTIVE.values(), ids=DECEPTIVE.keys())
def test_names_that_deceive_are_refused_without_repeating_them(check, name):
    """1 to 255 printable characters without blank edges; the message does not show the rest."""
    with pytest.raises(InvalidInput) as caught:
        check(name, "somewhere")

    assert [problem.path for problem in caught.value.problems] == ["somewhere"]
    assert "quux" not in str(caught.value)
    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, b"bytes", ["a"], True])
def test_a_name_is_text(value):
    """Nothing but text is a name."""
    assert problems_of(check_id, value, "id") == {"id": "must be text"}
    assert problems_of(check_text, value, "text") == {"text": "must be text"}


def test_each_fault_of_a_name_has_its_own_words():
    """The message says what is wrong, and with which limit."""
    assert problems_of(check_id, " ", "id") == {"id": "must not be empty"}
    assert problems_of(check_id, "a ", "id") == {"id": "must not begin or end with a blank"}
    assert problems_of(check_id, "x" * 300, "id") == {"id": "must have at most 255 characters"}
    assert problems_of(check_id, "a\0", "id") == {
        "id": "must not contain control, direction or unassigned characters"
    }


def test_a_name_that_is_an_id_of_a_source_has_no_dot():
    """So that ``source.column`` can be read in one way only."""
    assert check_name("a.b", "name") == "a.b"
    assert problems_of(check_name, "a.b", "name", dots=False) == {"name": "must not contain a dot"}
    assert check_name("ab", "name", dots=False) == "ab"


def test_free_text_may_have_lines_and_may_be_empty_unless_required():
    """Free text is 0 to 20,000 characters."""
    assert check_text("a\nb\t", "text") == "a\nb\t"
    assert check_text("", "text") == ""
    assert check_text("x" * 20_000, "text") == "x" * 20_000
    assert problems_of(check_text, " \n", "text", required=True) == {"text": "must not be empty"}
    assert problems_of(check_text, "x" * 20_001, "text") == {
        "text": "must have at most 20000 characters"
    }


@pytest.mark.parametrize("text", ["a\0", "\udfff", "a\ud800"])
def test_free_text_has_no_nul_and_no_broken_characters(text):
    """What no database can keep is refused at the door."""
    assert problems_of(check_text, text, "text") == {
        "text": "must not contain NUL or broken characters"
    }


@pytest.mark.parametrize("value", ["no", "yes", 0, 1, None])
def test_a_flag_is_true_or_false(value):
    """A text such as "no" would count as true."""
    assert check_flag(value=True, path="flag") is True
    assert check_flag(value=False, path="flag") is False
    assert problems_of(check_flag, value, "flag") == {"flag": "must be True or False"}


@pytest.mark.parametrize("value", [5, None])
def test_a_number_is_no_list(value):
    """Neither is nothing."""
    assert problems_of(listed, value) == {"": "must be a list, not one value"}


def test_the_moment_of_the_tests_is_aware():
    """An instant in UTC passes as it is."""
    assert aware(NOW, "now") is NOW


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abé", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_plain_data_is_kept_and_read_back_equal(value):
    """What has no flaw survives JSON as it is, frozen or not."""
    if plain_flaw(value) == "":
        assert freeze({"x": json.loads(json.dumps(value))}) == freeze({"x": value})
    else:
        assert plain_flaw(value) == "is too large"


def nested(depth):
    value = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        (object(), "must be text, numbers"),
        (b"x", "must be text, numbers"),
        ({1, 2}, "must be text, numbers"),
        (NOW, "must be text, numbers"),
        ([{"a": object()}], "must be text, numbers"),
        (float("nan"), "must be text, numbers"),
        (-float("inf"), "must be text, numbers"),
        (2**63, "must be text, numbers"),
        (-(10**400), "must be text, numbers"),
        ({1: "x"}, "must have text as keys"),
        ({"a": {None: "x"}}, "must have text as keys"),
        ("a\0b", "must not contain NUL"),
        (["a", {"b": ["\ud800"]}], "must not contain NUL"),
        ({"a\0b": 1}, "must not contain NUL"),
        ("x" * 20_001, "must have at most 20000"),
        (["x" * 20_000] * 6, "is too large"),
        (["x"] * 1000, "is too large"),
        (nested(11), "is too large"),
        (nested(100_000), "is too large"),
    ],
)
def test_what_would_not_come_back_is_not_plain(value, flaw):
    """Nested, huge and odd data is refused by looking at no more than the bounds allow."""
    assert plain_flaw(value).startswith(flaw)


def test_the_largest_plain_data_is_plain():
    """The bounds themselves are allowed; a list that holds itself ends at them."""
    around = []
    around.append(around)

    for value in (nested(10), ["x"] * 999, ["x" * 20_000] * 5, 2**63 - 1, (1, "a", None)):
        assert plain_flaw(value) == ""
    assert plain_flaw(around) == "is too large"
