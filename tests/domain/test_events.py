"""The catalogue of events, notices and what follows from a decision."""

from __future__ import annotations

from collections import Counter
from string import Formatter

import pytest

from marketplace_sdk.domain.event_types import CATALOGUE
from marketplace_sdk.domain.events import Effects, Event, Mark, Notice, Timer
from marketplace_sdk.domain.inbox import InboxMessage
from marketplace_sdk.domain.notice_kinds import NOTICES
from marketplace_sdk.domain.selectors import user
from tests.domain.building import NOW


def test_every_entry_of_the_catalogue_is_found_by_its_name_and_its_aggregate():
    """``request.approved`` is about a request."""
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert name.split(".")[0] == entry.about
        assert entry.summary.endswith(".")


def test_outgoing_types_are_those_of_the_documents():
    """Section 8, without the prefix, and what is new beside; one final decision is one type."""
    types = Counter(entry.outgoing for entry in CATALOGUE.values() if entry.outgoing)

    assert types == {
        "data_product.state.created": 1,
        "data_product.state.deleted": 1,
        "data_product.data_sources.updated": 1,
        "data_product.access_requests.created": 1,
        "data_product.access_requests.question_asked": 1,
        "data_product.access_requests.question_answered": 1,
        "data_product.access_requests.escalated": 1,
        "data_product.access_requests.emergency_opened": 1,
        "data_product.access_requests.emergency_overdue": 1,
        "data_product.access_requests.emergency_reviewed": 1,
        "data_product.access_requests.consumer.updated": 2,
        "data_product.access_requests.canceled": 1,
        "data_product.access_requests.revoked": 1,
        "data_product.access_requests.expiring": 1,
        "data_product.access_requests.expired": 1,
        "data_product.access_requests.deleted": 1,
    }
    assert CATALOGUE["request.approved"].outgoing == CATALOGUE["request.denied"].outgoing


@pytest.mark.parametrize("kind", NOTICES)
def test_the_text_of_a_notice_wants_plain_words_only(kind):
    """Names in braces, without attributes or indexes that could reach into a value."""
    words = [name for _, name, spec, _ in Formatter().parse(NOTICES[kind]) if name is not None]

    assert words
    assert all(word.isidentifier() for word in words)


def test_effects_are_added_in_order():
    """What follows from two decisions is both, first things first."""
    one = Effects(
        events=(Event(type="a", aggregate="x:1"),),
        notices=(Notice(kind="n", about="x:1", audience=(user("ana"),)),),
        timers=(Timer(kind="expire", about="x:1", due=NOW),),
        marks=(Mark(connection="lake", product="p1"),),
    )
    other = Effects(events=(Event(type="b", aggregate="x:1"),))

    both = one + other

    assert [event.type for event in both.events] == ["a", "b"]
    assert (both.notices, both.timers, both.marks) == (one.notices, one.timers, one.marks)
    assert other + Effects() == other
    assert one + one == Effects(
        events=one.events * 2, notices=one.notices * 2, timers=one.timers * 2, marks=one.marks * 2
    )


def test_a_mark_is_of_a_product_or_of_a_column():
    """Marks of one key are worked on together."""
    of_product = Mark(connection="lake", product="p1")
    of_column = Mark(connection="lake", object="sales.orders", column="email")

    assert (of_product.target, of_product.key) == ("product:p1", "lake|product:p1")
    assert of_column.target == "column:sales.orders|email"
    assert of_column.key == "lake|column:sales.orders|email"


@pytest.mark.parametrize(
    "make",
    [
        lambda data: Event(type="a", aggregate="x:1", data=data),
        lambda data: Notice(kind="n", about="x:1", audience=(), data=data),
        lambda data: Timer(kind="expire", about="x:1", due=NOW, data=data),
        lambda data: InboxMessage(
            id="1", person="ana", kind="n", about="x:1", subject="s", at=NOW, data=data
        ),
    ],
)
def test_data_is_frozen_all_the_way_down(make):
    """So that it can be hashed and nobody changes it afterwards."""
    columns = ["a"]

    made = make({"columns": columns, "product": {"id": "p1"}})
    columns.append("b")

    assert made.data == {"columns": ("a",), "product": {"id": "p1"}}
    assert isinstance(hash(made), int)


def test_the_revision_of_an_inbox_message_is_the_records():
    """Two reads are equal."""
    facts = {"id": "1", "person": "ana", "kind": "n", "about": "x:1", "subject": "s", "at": NOW}

    assert InboxMessage(**facts) == InboxMessage(**facts, revision=3)
    assert InboxMessage(**facts).read_at is None
