"""Names of Databricks: what is sent is exactly what was meant, whatever it holds."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk.plugin import Scope
from marketplace_sdk_databricks.guards import Subject
from marketplace_sdk_databricks.keys import Key, Place
from marketplace_sdk_databricks.naming import (
    as_path,
    canonical_principal,
    check_principal,
    filter_literal,
    owned_name,
    quote_identifier,
    quote_literal,
    quote_name,
    split_name,
)

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
PART = TEXT.filter(lambda part: not set(part) & set("/. `"))


@given(PART, PART, PART)
def test_a_dotted_name_is_its_three_parts_in_lower_case(catalog, schema, table):
    plain = split_name(f"{catalog}.{schema}.{table}")
    quoted = split_name(f"`{catalog}`.`{schema}`.`{table}`")

    assert plain == quoted == (catalog.lower(), schema.lower(), table.lower())


def test_a_backtick_in_a_name_is_doubled_between_backticks():
    assert split_name("c.s.`a``b`") == ("c", "s", "a`b")
    assert quote_name("c.s.a`b") == "`c`.`s`.`a``b`"


@pytest.mark.parametrize(
    "name",
    ["", "t", "s.t", "c.s.t.x", "c..t", ".s.t", "c.s.", "c.s.a/b", "c.s.../..", "c.s.a b", "c.s.a\nb",
     "c.s.a\0", "c.s.a\x7f", "c.s.`a", "c.s.`a`b", "c.s.``", "c.s." + "x" * 256, "c.s.\ud800", "c.s.`a.b`"],
)  # fmt: skip
def test_what_no_object_can_be_called_is_refused_before_anything_is_sent(name):
    with pytest.raises(ValueError, match=r"\w"):
        split_name(name)


@given(TEXT)
def test_a_path_segment_stays_one_segment_and_says_the_name(name):
    """``x#y`` must not become ``x``, nor ``../..`` climb out of the path."""
    if not name.strip("."):
        with pytest.raises(ValueError, match="dots"):
            as_path(name)
        return

    path = as_path(name)
    url = urlsplit(f"https://host/api/permissions/table/{path}")

    assert url.path == f"/api/permissions/table/{path}"
    assert (url.query, url.fragment) == ("", "")
    assert path.count("/") == 0
    assert unquote(path) == name


@pytest.mark.parametrize("name", ["", "a\nb", "a\0", "..", "\ud800"])
def test_no_path_is_made_of_what_cannot_be_sent(name):
    with pytest.raises(ValueError, match=r"\w"):
        as_path(name)


@given(TEXT)
def test_an_identifier_is_closed_by_its_own_last_backtick(name):
    quoted = quote_identifier(name)

    assert re.fullmatch(r"`(?:[^`]|``)*`", quoted, re.DOTALL)
    assert quoted[1:-1].replace("``", "`") == name


@given(TEXT)
def test_a_literal_is_closed_by_its_own_last_quote(text):
    quoted = quote_literal(text)

    assert re.fullmatch(r"'(?:[^'\\]|\\.)*'", quoted, re.DOTALL)
    assert "''" not in quoted.strip("'") or "\\'" in quoted
    assert re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL) == text


@given(TEXT)
def test_a_text_in_a_filter_is_closed_by_its_own_last_quote(text):
    quoted = filter_literal(text)

    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', quoted, re.DOTALL)
    assert re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL) == text


@pytest.mark.parametrize("quote", [quote_identifier, quote_literal, filter_literal])
@pytest.mark.parametrize("text", ["a\nb", "a\0b", "\ud800"])
def test_control_and_broken_characters_are_quoted_nowhere(quote, text):
    with pytest.raises(ValueError, match="control"):
        quote(text)


def test_users_are_the_same_in_any_case_and_groups_are_not():
    assert canonical_principal("Ann@X.org") == "ann@x.org"
    assert canonical_principal("AAAAAAAA-2222-4333-8444-555555555555")[:8] == "aaaaaaaa"
    assert canonical_principal("Finance") == "Finance"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 256, "\ud800"])
def test_a_name_that_nobody_can_have_is_refused(name):
    with pytest.raises(ValueError, match=r"\w"):
        check_principal(name)


@given(TEXT, TEXT)
def test_what_we_make_has_a_plain_short_name_of_its_own(one, other):
    name = owned_name("inst0000", one, "databricks:m")

    assert re.fullmatch(r"mp_inst0000_[a-z0-9_]+", name)
    assert len(name) <= 64
    assert name == owned_name("inst0000", one, "databricks:m")
    assert (name == owned_name("inst0000", other, "databricks:m")) == (one == other)
    assert name != owned_name("inst0000", one, "databricks:n")
    assert name != owned_name("inst0001", one, "databricks:m")


KINDS = st.sampled_from(["group", "use_catalog", "use_schema", "select", "member", "exception"])


@given(KINDS, TEXT, st.text())
def test_a_key_reads_back_in_one_way_only(kind, place, who):
    key = Key(kind, place, who)

    assert Key.read(str(key)) == key


@given(KINDS, TEXT, st.text(), KINDS, TEXT, st.text())
def test_two_items_never_share_a_key(kind, place, who, kind2, place2, who2):
    one, two = Key(kind, place, who), Key(kind2, place2, who2)

    assert (str(one) == str(two)) == (one == two)


@given(
    st.sampled_from(["table", "schema", "catalog", "group", "exceptions"]),
    TEXT,
    st.text(),
    st.text(),
)
def test_a_scope_reads_back_in_one_way_only(kind, id, name, grantee):
    place = Place(kind, id, name, grantee)

    assert Place.read(place.scope("databricks:m")) == place


@given(st.text())
def test_what_is_no_key_is_refused_and_never_misread(text):
    for read in (Key.read, lambda each: Place.read(Scope("databricks:m", each))):
        try:
            found = read(text)
        except ValueError:
            continue
        assert text.startswith(f"{found.kind}|")


@given(st.tuples(PART, PART, PART), TEXT, st.none() | st.tuples(PART, PART, PART))
def test_a_guard_reads_as_it_was_written(table, column, keeper):
    """Whatever a column is called, it is never taken for a copy of another one."""
    subject = Subject(".".join(table), column, "" if keeper is None else ".".join(keeper))

    assert Subject.read(str(subject)) == subject


@pytest.mark.parametrize("column", ["(in c.s.t2) c.s.t3.id", "a.b", "id) c.s.t"])
def test_a_column_with_a_hostile_name_stays_a_column(column):
    assert Subject.read(f"c.s.t1.{column}") == Subject("c.s.t1", column)
