"""Following columns through the server's own trees, and refusing what cannot be followed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_sdk_postgres.lineage import Unreadable, shown_columns
from marketplace_sdk_postgres.server import PlatformServer
from marketplace_sdk_postgres.server import _found as installed
from marketplace_sdk_postgres.testing import PostgresPlatform


def trees(platform, where):
    """Names and trees of stored queries."""
    return platform.run(
        "SELECT ev_class::regclass::text, ev_action::text FROM pg_rewrite"
        f" WHERE rulename = '_RETURN' AND {where}"
    )


@pytest.mark.parametrize("prefer", sorted({how for how, _ in installed()}))
def test_every_view_of_the_server_itself_can_be_followed(prefer):
    """A hundred views with unions, recursion, functions and whole rows; on each major version."""
    with PlatformServer.start(prefer=prefer) as server, PostgresPlatform(server.dsn) as platform:
        found = trees(platform, "ev_class < 16384")
        assert len(found) > 100
        for name, tree in found:
            assert shown_columns(tree), name


QUERY = """
    WITH RECURSIVE "a :rtable {{b}}"(":varno", n) AS (
        SELECT id, 1 FROM {orders} UNION ALL
        SELECT ":varno" || total, n + 1 FROM "a :rtable {{b}}", {orders} WHERE n < 3
    )
    SELECT o.id AS ":targetList", ":varno" AS "(4 [ 1", n, u.email AS "\\ ""x"" "
    FROM "a :rtable {{b}}" JOIN {orders} o ON o.id = ":varno", LATERAL (SELECT o.email) u
"""


def test_names_that_look_like_a_tree_are_names(bench):
    """Aliases of anybody's choosing stand in the same text as the structure."""
    bench.platform.run(f"CREATE VIEW {bench.schema}.odd AS {QUERY.format(orders=bench.orders)}")
    ((_, tree),) = trees(bench.platform, f"ev_class = '{bench.schema}.odd'::regclass")
    oid = bench.platform.run(f"SELECT '{bench.orders}'::regclass::oid::int8")[0][0]

    shown = shown_columns(tree)

    assert shown[1] == {(oid, 1)}
    assert shown[2] == shown[3] == {(oid, 1), (oid, 3)}
    assert shown[4] == {(oid, 2)}


def test_columns_that_go_round_in_a_recursive_query_are_all_shown(bench):
    """After two rounds the first column holds what the third began with."""
    bench.platform.run(
        f"CREATE VIEW {bench.schema}.round AS WITH RECURSIVE r(a, b, c, n) AS ("
        f" SELECT id, total, email, 1 FROM {bench.orders}"
        " UNION ALL SELECT b, c, a, n + 1 FROM r WHERE n < 5) SELECT c, b, a FROM r"
    )
    ((_, tree),) = trees(bench.platform, f"ev_class = '{bench.schema}.round'::regclass")

    assert {len(columns) for columns in shown_columns(tree).values()} == {3}


def a_query(target="{VAR :varno 1 :varattno 2 :varlevelsup 0}", kind="0", more=""):
    entry = f"{{RANGETBLENTRY :rtekind {kind} :relid 7 {more}}}"
    return (
        f"({{QUERY :cteList <> :rtable ({entry}) :setOperations <> :targetList"
        f" ({{TARGETENTRY :expr {target} :resno 1}})}})"
    )


def test_a_tree_in_its_smallest_form_is_followed():
    assert shown_columns(a_query()) == {1: {(7, 2)}}
    assert shown_columns(a_query(kind="8")) == {1: frozenset()}
    assert shown_columns(a_query("{VAR :varno 1 :varattno -1 :varlevelsup 0}")) == {1: frozenset()}


@pytest.mark.parametrize(
    "tree",
    [
        "",
        "(",
        "{QUERY",
        "{QUERY}",
        ")",
        "({QUERY x})",
        "{OTHER :targetList <>}",
        "() ()",
        a_query(kind="7"),
        a_query(kind="99"),
        a_query("{VAR :varno 2 :varattno 2 :varlevelsup 0}"),
        a_query("{VAR :varno 1 :varattno 2 :varlevelsup 3}"),
        a_query("{VAR :varno 1 :varattno 2}"),
        a_query("{VAR :varno one :varattno 2 :varlevelsup 0}"),
        a_query("{VAR :varno (1) :varattno 2 :varlevelsup 0}"),
        a_query(kind="1"),
        a_query(kind="1", more=":subquery <>"),
        a_query(kind="2", more=":joinaliasvars <>"),
        a_query(kind="6", more=":ctename c :ctelevelsup 0"),
        a_query(kind="1", more=":subquery {QUERY :targetList <> :setOperations <>}"),
        a_query("{X :a " * 5000 + "1" + "}" * 5000),
    ],
)
def test_a_tree_that_cannot_be_followed_is_said_to_be_so(tree):
    with pytest.raises(Unreadable):
        shown_columns(tree)


@given(st.text('{}() \\":<>QUERYVA01targetLis', max_size=60))
def test_nothing_but_unreadable_comes_of_a_strange_text(text):
    with contextlib.suppress(Unreadable):
        shown_columns(text)


def test_a_view_that_cannot_be_followed_shows_all_that_it_uses(bench, within, monkeypatch):
    """Then every column of it counts as showing every column that its query names."""
    from marketplace_sdk_postgres import showing

    bench.platform.run(
        f"CREATE VIEW {bench.schema}.seen AS SELECT id FROM {bench.orders} WHERE email <> ''"
    )
    oid = bench.platform.run(f"SELECT '{bench.schema}.seen'::regclass::oid::int8")[0][0]

    def unreadable(tree):
        raise Unreadable("another version")

    with bench.provisioner._connections.use(within(10)) as (connection, _):
        followed = showing.shown_by(connection, [oid])
        monkeypatch.setattr(showing, "shown_columns", unreadable)
        assumed = showing.shown_by(connection, [oid])

    orders = (bench.schema, "orders")
    assert followed[oid] == {"id": {(*orders, "id")}}
    assert assumed[oid] == {"id": {(*orders, "id"), (*orders, "email")}}
