"""Names and literals: pure functions, compared with what the server itself makes of them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace_sdk.ports.provisioner import Scope
from marketplace_sdk_postgres.items import Key, grantee
from marketplace_sdk_postgres.naming import (
    Marker,
    quote_identifier,
    quote_literal,
    role_name,
    role_prefix,
)

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
NAMES = TEXT.filter(lambda t: 0 < len(t.encode()) <= 63)
on_server = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@on_server
@given(name=NAMES)
def test_a_quoted_identifier_is_read_by_the_server_as_that_name(platform, name):
    cursor = platform._admin.execute(f"SELECT 1 AS {quote_identifier(name)}".encode())
    assert cursor.description[0].name == name

    (quoted,) = platform._admin.execute("SELECT quote_ident(%s)", [name]).fetchone()
    assert quoted in (name, quote_identifier(name))


@on_server
@given(text=TEXT, conforming=st.sampled_from(["on", "off"]))
def test_a_quoted_literal_is_read_by_the_server_as_that_text(platform, text, conforming):
    platform.run(f"SET standard_conforming_strings = {conforming}")
    platform.run("SET escape_string_warning = off")
    try:
        assert platform.run(f"SELECT {quote_literal(text)}") == [(text,)]
    finally:
        platform.run("RESET standard_conforming_strings")


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 64, "é" * 32, "\ud800"])
def test_identifiers_that_the_server_would_refuse_or_cut_are_refused(name):
    with pytest.raises(ValueError, match=r"must|not allowed"):
        quote_identifier(name)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_literals_that_no_text_can_hold_are_refused(text):
    with pytest.raises(ValueError, match=r"must|not allowed"):
        quote_literal(text)


@given(
    installation=st.from_regex("[a-z0-9]{8,40}", fullmatch=True),
    target=st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
)
def test_a_role_has_a_plain_name_of_at_most_63_bytes(installation, target):
    name = role_name(installation, target, "postgres:1/5")

    assert len(name.encode()) <= 63
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


def test_roles_differ_by_installation_target_and_database_but_not_by_upgrade():
    name = role_name("inst1234", "product:orders", "postgres:1/5")

    assert name == role_name("inst1234", "product:orders", "postgres:2/5")
    assert name.startswith(role_prefix("inst1234") + "product_orders_")
    others = {
        role_name("inst1235", "product:orders", "postgres:1/5"),
        role_name("inst1234", "product:Orders", "postgres:1/5"),
        role_name("inst1234", "product:orders", "postgres:1/6"),
    }
    assert len(others | {name}) == 4


def test_a_marker_is_read_back_and_other_comments_are_none():
    assert Marker.read(str(Marker("inst1234", "product:a b"))) == Marker("inst1234", "product:a b")
    assert [Marker.read(c) for c in (None, "", "marketplace", "our market place")] == [None] * 4


@pytest.mark.parametrize(
    "text", ["", "role", "select|r", "column|r|1", "other|r|1", "role|r|1", "usage|r|x"]
)
def test_keys_of_strangers_are_refused(text):
    with pytest.raises(ValueError, match="not an item"):
        Key.read(text)


@pytest.mark.parametrize("key", ["", "role:", "group:x", "x"])
def test_scopes_of_strangers_are_refused(key):
    with pytest.raises(ValueError, match="not a scope"):
        grantee(Scope("postgres:1/5", key))
