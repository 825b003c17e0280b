"""Exports: what they hold, and that no spreadsheet runs what is in them."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketplace_sdk import InvalidInput, NotAllowed
from marketplace_sdk.services._exporting import COLUMNS, lines_of
from tests.services.chains import link
from tests.world import LEGAL, any_of


def table(lines):
    """CSV as a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO("\n".join(lines))))


def test_both_formats_hold_the_same_in_the_same_columns(small):
    """The names are a promise: they are written down here once more."""
    names = [
        *("position", "aggregate", "sequence", "id", "type", "at", "actor"),
        *("payload", "payload_hash", "previous", "hash"),
    ]
    small.ask(small.publish(any_of(LEGAL)))

    lines = [json.loads(line) for line in small.market.audit.export(by="aud")]
    rows = table(small.market.audit.export(format="csv", by="aud"))

    assert list(COLUMNS) == names
    assert {tuple(line) for line in lines} == {tuple(names)}
    assert [
        {
            **row,
            "position": int(row["position"]),
            "sequence": int(row["sequence"]),
            "payload": json.loads(row["payload"]),
        }
        for row in rows
    ] == lines


def test_an_export_can_be_of_one_thing_or_of_a_time(small):
    """``since`` is in, ``until`` is not."""
    request = small.ask(small.publish(any_of(LEGAL)))
    small.clock.advance(hours=1)
    small.approve(request, "ana")
    at = small.clock()

    def types(**more):
        lines = small.market.audit.export(by="aud", **more)
        return [json.loads(line)["type"] for line in lines]

    assert types(aggregate=request.aggregate) == ["request.submitted", "request.approved"]
    assert types(since=at)[0] == "request.approved"
    assert "request.approved" not in types(until=at)
    assert types(since=at, until=at + timedelta(seconds=1), aggregate=request.aggregate) == [
        "request.approved"
    ]
    assert types(since=at + timedelta(1)) == []
    assert (
        len(list(small.market.audit.export(format="csv", since=at + timedelta(1), by="aud"))) == 1
    )


def test_an_export_is_refused_before_its_first_line(small):
    """Wrong words, times without a zone, people who may not."""
    export = small.market.audit.export
    for wrong in (
        {"format": "xml"},
        {"format": None},
        {"since": datetime(2026, 1, 1)},  # noqa: DTZ001  # that it has no zone is the case
        {"until": "2026-01-01"},
        {"aggregate": ""},
    ):
        with pytest.raises(InvalidInput):
            export(by="aud", **wrong)
    with pytest.raises(NotAllowed):
        export(by="con")


def test_an_export_reads_page_by_page(small):
    """Events of more than one page come once each, in order."""
    for number in range(600):
        small.market.as_system(f"job {number}")

    positions = [json.loads(line)["position"] for line in small.market.audit.export(by="aud")]

    assert positions == sorted(set(positions))
    assert len(positions) > 600


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\u00a0=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"],
)
def test_no_cell_of_a_spreadsheet_is_a_formula(name):
    """An apostrophe goes before it; JSON lines hold it as it is."""
    row = link(name, 1)

    ((_, cells),) = enumerate(table(lines_of([row], "csv")))
    (line,) = lines_of([row], "jsonl")

    assert cells["aggregate"] == f"'{name}"
    assert json.loads(line)["aggregate"] == name


@given(text=st.text(max_size=20))
@example("\x0c=")
@example(" \t x")
def test_any_text_is_one_cell_that_is_no_formula(text):
    """Quotes, line ends and separators included; what is harmless stays as it is."""
    (_, line) = lines_of([link(text, 1)], "csv")

    ((*_, id, _type, _at, _actor, _payload, _ph, _previous, _hash),) = csv.reader(
        io.StringIO(line, newline="")
    )

    assert id.removeprefix("'") == f"{text}/1".removeprefix("'")
    assert id.strip()[:1] not in set("=+-@")
    assert line.startswith('"')
