"""A new command or read without a row in one of the two tables fails here."""

from __future__ import annotations

import inspect

import pytest

from marketplace_sdk import Marketplace
from tests.rights.cast import COLUMNS
from tests.rights.test_permission_matrix import MATRIX
from tests.rights.test_reading_rights import READS

BINDS = "acting"
"""Of every service: binds an actor, and does nothing."""

OPERATORS = {"audit.seal", "audit.verify"}
"""Operator calls, which act as system (architecture 6): they name no content."""


def methods() -> dict[str, object]:
    """Every public method of every service of a marketplace, as ``service.method``."""
    with Marketplace("memory", discover=False) as market:
        services = {name: each for name, each in vars(market).items() if not name.startswith("_")}
    found = {}
    for name, service in services.items():
        for method, function in inspect.getmembers(type(service), callable):
            if not method.startswith("_") and method != BINDS:
                found[f"{name}.{method}"] = function
    return found


METHODS = methods()


def test_every_method_of_every_service_has_a_row():
    """Each is in the matrix, in the reading rights, or an operator's call."""
    rows = {row.covers for row in (*MATRIX, *READS)}

    assert set(METHODS) - rows - OPERATORS == set(), "write a row, with the rule it comes from"
    assert rows - set(METHODS) == set(), "rows about what is not there"


def test_what_is_in_the_matrix_is_not_in_the_reading_rights():
    """A method either changes something or it does not."""
    assert not {row.covers for row in MATRIX} & {row.covers for row in READS}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_takes_its_actor_by_name(name):
    """Every command and every read has ``by``; operators' calls have none."""
    parameters = inspect.signature(METHODS[name]).parameters

    if name in OPERATORS:
        assert "by" not in parameters
        return
    assert parameters["by"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["by"].default is None


@pytest.mark.parametrize("rows", [MATRIX, READS], ids=["matrix", "reads"])
def test_every_row_has_its_cells_and_its_rule(rows):
    """The tables are whole: every column has a word, every row the sentence it comes from."""
    assert len({row.what for row in rows}) == len(rows), "each row once"
    words = {"yes", "no", "hid"} | ({"-"} if rows is READS else set())
    for row in rows:
        assert set(row.cell) == set(COLUMNS)
        assert set(row.cell.values()) <= words, row.what
        assert row.rule, row.what
