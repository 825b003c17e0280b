"""Quoting, splitting and marking: whatever a name holds, it stays a name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace_sdk.plugin import split_name
from marketplace_sdk_snowflake.naming import (
    Grantee,
    Marker,
    digest,
    escape_pattern,
    policy_name,
    quote_identifier,
    quote_literal,
    quote_name,
    role_name,
    role_prefix,
)

# How long an example takes is no rule, and other tests run beside it.
UNTIMED = settings(deadline=None)

letters = st.characters(exclude_categories=["Cs", "Cc"])
names = st.text(letters, min_size=1, max_size=60)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@UNTIMED
@given(names)
def test_a_quoted_identifier_is_one_token_that_gives_the_name_back(name):
    quoted = quote_identifier(name)

    assert quoted[0] == quoted[-1] == '"'
    assert '"' not in quoted[1:-1].replace('""', "")
    assert split_name(quoted) == (name,)


@UNTIMED
@given(st.lists(names, min_size=1, max_size=4))
def test_qualified_identifiers_give_their_parts_back(parts):
    assert split_name(quote_name(*parts)) == tuple(parts)


@pytest.mark.parametrize("name", ["", "\0", "a\0b", "x" * 256, "line\nbreak", "\ud800", "\x7f"])
def test_what_cannot_be_an_identifier_is_refused(name):
    with pytest.raises(ValueError, match=r"identifier|NUL|characters"):
        quote_identifier(name)


def literal(quoted):
    """The text of a literal, read as Snowflake reads it: a backslash escapes."""
    assert quoted[0] == quoted[-1] == "'"
    out, rest = [], quoted[1:-1]
    while rest:
        if rest[0] == "\\" or rest.startswith("''"):
            out.append(rest[1])
            rest = rest[2:]
        else:
            assert rest[0] != "'", "the literal ends here"
            out.append(rest[0])
            rest = rest[1:]
    return "".join(out)


@UNTIMED
@given(texts)
def test_a_literal_ends_where_it_should_and_means_the_text(text):
    assert literal(quote_literal(text)) == text


def matches(pattern, name):
    """LIKE, as Snowflake documents it."""
    if not pattern:
        return not name
    if pattern[0] == "\\":
        return name[:1] == pattern[1] and matches(pattern[2:], name[1:])
    if pattern[0] == "%":
        return matches(pattern[1:], name) or (bool(name) and matches(pattern, name[1:]))
    return bool(name) and pattern[0] in ("_", name[0]) and matches(pattern[1:], name[1:])


@UNTIMED
@given(st.text("ab_%\\", min_size=1, max_size=6), st.text("ab_%\\", min_size=1, max_size=6))
def test_an_escaped_pattern_matches_its_name_and_no_other(name, other):
    assert matches(escape_pattern(name), name)
    assert matches(escape_pattern(name), other) == (name == other)


@UNTIMED
@given(names, st.sampled_from("RU"), st.text(letters, max_size=300))
def test_a_role_has_a_plain_name_of_legal_length(installation, kind, key):
    name = role_name(installation, kind, f"product:{key}")

    assert len(name) <= 130
    assert name.replace("_", "").isalnum()
    assert name.isascii()
    assert name.isupper()
    assert name.startswith(role_prefix(installation))
    assert name == role_name(installation, kind, f"product:{key}")


def test_roles_differ_with_whatever_they_are_for():
    made = {
        role_name(installation, kind, key, prefix)
        for installation in ("inst1234", "inst5678")
        for kind in "RU"
        for key in ("product:a-b", "product:a_b", "product:A-B", "column:a|b")
        for prefix in ("MKT", "DATA")
    }
    assert len(made) == 32


def test_a_policy_is_named_after_its_column():
    column = ("SALES", "CORE", "ORDERS", "EMAIL")

    assert "_M_" in policy_name("inst1234", column)
    assert policy_name("inst1234", column) != policy_name("inst1234", (*column[:3], "PHONE"))


@UNTIMED
@given(names, texts, st.booleans())
def test_a_marker_gives_back_what_it_holds(installation, key, kept):
    marker = Marker(installation, key, kept)

    assert Marker.read(str(marker)) == marker


@pytest.mark.parametrize(
    "comment",
    [
        None,
        "",
        "mine",
        "{}",
        "[1]",
        '{"mkt":2,"inst":"a","key":"b"}',
        '{"mkt":1,"inst":5,"key":""}',
    ],
)
def test_any_other_comment_is_no_marker(comment):
    assert Marker.read(comment) is None


@UNTIMED
@given(names, st.none() | names)
def test_a_role_gives_back_its_parts(name, database):
    grantee = Grantee(name, database)

    assert Grantee.read(str(grantee)) == grantee
    with pytest.raises(ValueError, match="not the name of a role"):
        Grantee.read("a.b.c")


def test_a_digest_tells_its_parts_apart():
    assert digest("a", "bc") != digest("ab", "c")
    assert len(digest("a")) == 16
