"""What receivers are told of events is whole, true, and what is sent."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from marketplace_sdk import EVENT_TYPES, event_schema
from marketplace_sdk.domain.event_types import CATALOGUE
from marketplace_sdk.work.outgoing import VERSION
from marketplace_sdk.work.sealing import SEALED
from tests.published import closed, flaws_of

DOCS = Path(__file__).parents[2] / "docs"
EVERY = pytest.mark.parametrize("name", EVENT_TYPES)
NOT_EVENTS = {SEALED, "test"}
"""Seals, and calls that only try."""
OURS = {
    f"data_product.access_requests.{what}"
    for what in (
        "question_asked",
        "question_answered",
        "escalated",
        "emergency_opened",
        "emergency_overdue",
        "emergency_reviewed",
    )
}
"""What the reference system does not do."""


def body(name, **changes):
    data = {**EVENT_TYPES[name].example, **changes}
    return {"type": name, "timestamp": "2026-01-02T03:04:05Z", "data": data}


def test_every_event_that_leaves_is_published_and_no_other():
    leaving = {each.outgoing for each in CATALOGUE.values() if each.outgoing}

    assert set(EVENT_TYPES) == leaving | NOT_EVENTS


@EVERY
def test_a_schema_is_one_of_draft_2020_12_and_fits_its_example(name):
    """Also when nothing beyond it may be there."""
    schema = event_schema(name)
    Draft202012Validator.check_schema(schema)

    Draft202012Validator(schema).validate(body(name))
    Draft202012Validator(closed(schema)).validate(body(name))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert EVENT_TYPES[name].example["version"] == EVENT_TYPES[name].version == VERSION


@EVERY
def test_a_schema_refuses_what_is_not_so(name):
    """Each part that it requires, another version, another type, more than type, time and data."""
    check = Draft202012Validator(event_schema(name)).validate
    good = body(name)
    wrong = [
        {**good, "type": "other"},
        {**good, "more": 1},
        body(name, version=2),
        *({key: value for key, value in good.items() if key != left} for left in good),
        *(
            {**good, "data": {k: v for k, v in good["data"].items() if k != left}}
            for left in EVENT_TYPES[name].schema["required"]
        ),
    ]

    for each in wrong:
        with pytest.raises(ValidationError):
            check(each)


@EVERY
def test_receivers_may_meet_fields_of_a_later_release(name):
    """A field that is added is no new version."""
    Draft202012Validator(event_schema(name)).validate(body(name, later=True))


def test_names_of_the_reference_system_are_ours_with_its_prefix():
    """Section 8 of the design; what it has none for has an empty one."""
    for name, kind in EVENT_TYPES.items():
        assert kind.reference == ("" if name in NOT_EVENTS | OURS else f"marketplace.{name}")
    assert not any("data_steward" in name for name in EVENT_TYPES)


def test_the_pages_are_what_the_code_says():
    """Run `python docs/events_page.py` after a change."""
    written = runpy.run_path(str(DOCS / "events_page.py"))["pages"]()

    assert {path: path.read_text(encoding="utf-8") for path in written} == dict(written)
    names = {path.name for path in (DOCS / "reference" / "schemas").iterdir()}
    assert names == {f"{name}.json" for name in EVENT_TYPES}
    for path in written:
        if path.suffix == ".json":
            assert json.loads(written[path]) == event_schema(path.stem)


def test_an_answer_that_slips_into_an_event_is_noticed(small):
    """The suite measures every event that leaves a test marketplace; this shows that it would."""
    small.publish()
    (message,) = small.sent()
    leaky = type(message)(
        id="x",
        sort="event",
        type=message.type,
        at=message.at,
        data={**message.data, "answers": {"why": "secret"}},
    )

    assert flaws_of(message) == []
    assert flaws_of(leaky)
