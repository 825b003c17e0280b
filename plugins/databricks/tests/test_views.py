"""No masked column is read through a view: its mask holds behind it, or the view stays closed."""

from __future__ import annotations

import pytest
from plugins.databricks.tests.helpers import INSTALLATION, call_for
from plugins.databricks.tests.shop import PEOPLE, Shop

from marketplace_sdk import Column, DataSource
from marketplace_sdk.plugin import InvalidInput
from marketplace_sdk_databricks.explaining import fingerprint
from marketplace_sdk_databricks.provisioner import DatabricksProvisioner
from marketplace_sdk_databricks.settings import read_settings

ANN, BOB = PEOPLE["ann"], PEOPLE["bob"]
OWNER = "owner@x.org"
OVER = {"id": "c.s.t1.id", "email": "c.s.t1.email"}
TYPES = {"id": "BIGINT", "email": "STRING"}


@pytest.fixture
def shop(fake, lake):
    """Table c.s.t1 belongs to somebody who is let through by the mask of its column email."""
    fake.user(OWNER)
    fake.own(OWNER, "table", "c.s.t1")
    fake.group("clear", members=[OWNER])
    fake.function("c.s.hide", "CASE WHEN is_account_group_member('clear') THEN v ELSE NULL END")
    fake.mask("c.s.t1", "email", "c.s.hide")
    made = Shop(fake)
    yield made
    made.close()


def register(shop, object, masked=()):
    """Make it a source of the marketplace, in no product yet."""
    columns = [Column("id"), *(Column(each, masked=True) for each in masked)]
    name = object.replace(".", "_")
    source = DataSource(name, connection="lake", object=object, columns=columns)
    shop.market.sources.register(source, by="gil")


def view(fake, name, kind="VIEW", over=OVER, **more):
    more.setdefault("definition", f"SELECT * FROM {name}")
    fake.table(
        name, {each: TYPES[each] for each in over}, kind=kind, over=over, owner=OWNER, **more
    )


def seen(fake, object, column="email", who=ANN):
    return fake.what_does(who, object, column)


def test_behind_an_ordinary_view_the_mask_holds_for_whoever_reads_it(shop, fake):
    register(shop, "c.s.t1", ["email"])
    view(fake, "c.s.v")

    shop.give(shop.product("c.s.v"))

    assert shop.state() == "active", shop.trouble()
    assert seen(fake, "c.s.v") == "masked"
    assert seen(fake, "c.s.v", "id") == "clear"


@pytest.mark.parametrize("depth", [1, 3])
def test_a_view_over_a_column_that_is_masked_in_name_only_stays_closed(shop, fake, depth):
    register(shop, "c.s.t1", ["email"])
    fake.mask("c.s.t1", "email", None)
    view(fake, "c.s.v1")
    for number in range(2, depth + 1):
        below = f"c.s.v{number - 1}"
        view(fake, f"c.s.v{number}", over={each: f"{below}.{each}" for each in OVER})

    shop.give(shop.product(f"c.s.v{depth}"))

    assert shop.state() == "wanted"
    assert "column c.s.t1.email is not protected" in shop.trouble()
    assert seen(fake, f"c.s.v{depth}") == "none"
    fake.mask("c.s.t1", "email", "c.s.hide")
    shop.settle()
    assert seen(fake, f"c.s.v{depth}") == "masked", shop.trouble()


@pytest.mark.parametrize("kind", ["MATERIALIZED_VIEW", "STREAMING_TABLE"])
@pytest.mark.parametrize("through", [False, True])
def test_what_was_filled_from_a_masked_column_stays_closed(shop, fake, kind, through):
    """Its owner sees the column in clear, and what is kept was read as the owner."""
    register(shop, "c.s.t1", ["email"])
    view(fake, "c.s.kept", kind=kind)
    asked = "c.s.kept"
    if through:
        asked = "c.s.v"
        view(fake, "c.s.v", over={each: f"c.s.kept.{each}" for each in OVER})

    shop.give(shop.product(asked))

    assert shop.state() == "wanted"
    assert "column (in c.s.kept) c.s.t1.email is not protected" in shop.trouble()
    assert seen(fake, asked) == "none"


def test_access_ends_when_a_view_is_made_again_over_what_it_must_not_show(shop, fake):
    """Under its own id, as ALTER VIEW leaves it."""
    register(shop, "c.s.t1", ["email"])
    view(fake, "c.s.kept", kind="MATERIALIZED_VIEW", over={"id": "c.s.t2.id"})
    shop.give(shop.product("c.s.kept"))
    assert shop.state() == "active", shop.trouble()

    fake.redefine("c.s.kept", over={"id": "c.s.t1.email"}, definition="SELECT email AS id")
    drift = shop.market.grants.repair(connection="lake", by="gil")
    shop.market.deliver()

    assert [each.kind for each in drift.findings] == ["unprotected"]

    assert seen(fake, "c.s.kept", "id") == "none", shop.trouble()


def test_a_mask_that_is_registered_later_closes_the_views_over_it(shop, fake):
    fake.mask("c.s.t1", "email", None)
    view(fake, "c.s.v")
    shop.give(shop.product("c.s.v"))
    assert seen(fake, "c.s.v") == "clear"

    register(shop, "c.s.t1", ["email"])
    shop.settle()

    assert seen(fake, "c.s.v") == "none"


@pytest.mark.parametrize("how", ["not told", "not seen", "not there", "a function not seen"])
def test_a_view_that_cannot_be_followed_stays_closed(shop, fake, how):
    more = {"over": None, "reads": None} if how == "not told" else {"reads": ["d.s.far"]}
    if how == "not seen":
        fake.table("d.s.far", TYPES)
    if how == "a function not seen":
        fake.function("d.s.far", "v")
        more = {"reads": ["d.s.far()"]}
    fake.table("c.s.v", {"id": "BIGINT"}, kind="VIEW", definition="SELECT 1 AS id", **more)

    shop.give(shop.product("c.s.v"))

    assert shop.state() == "wanted"
    assert "known_sources of c.s.v could not be read" in shop.trouble()
    assert seen(fake, "c.s.v", "id") == "none"


def test_a_function_that_reads_a_masked_table_is_followed(shop, fake):
    fake.mask("c.s.t1", "email", None)
    register(shop, "c.s.t1", ["email"])
    fake.function("c.s.look", "v", reads=["c.s.t1"], owner=OWNER)
    fake.give(fake.me, "EXECUTE", "function", "c.s.look")
    view(fake, "c.s.v", over={"id": "c.s.t2.id"}, reads=["c.s.look()"])

    shop.give(shop.product("c.s.v"))

    assert "column c.s.t1.email is not protected" in shop.trouble()


def test_views_that_read_each_other_come_to_an_end(shop, fake):
    view(fake, "c.s.v1", over={"id": "c.s.t2.id"}, reads=["c.s.v2"])
    view(fake, "c.s.v2", over={"id": "c.s.t2.id"}, reads=["c.s.v1"])

    shop.give(shop.product("c.s.v1"))

    assert shop.state() == "active", shop.trouble()


def test_a_policy_is_no_mask_on_a_view_itself(shop, fake):
    """Policies on views are a preview that may be off; then the column would be open."""
    view(fake, "c.s.v", over={"id": "c.s.t2.id", "email": "c.s.t2.id"})
    fake.tag("c.s.v", "pii", "", column="email")
    hidden = {"function_name": "c.s.hide", "on_column": "c"}
    columns = [{"alias": "c", "condition": "has_tag('pii')"}]
    fake.policy(
        "p", "catalog", "c", to=["account users"], match_columns=columns, column_mask=hidden
    )

    shop.give(shop.product("c.s.v", masked=["email"]))

    assert "c.s.v.email cannot be shown to be protected" in shop.trouble()
    assert seen(fake, "c.s.v") == "none"


def test_a_policy_that_spares_everybody_protects_nothing(shop, fake):
    fake.mask("c.s.t1", "email", None)
    fake.tag("c.s.t1", "pii", "", column="email")
    everybody = ["account users"]
    body = {
        "except_principals": everybody,
        "match_columns": [{"alias": "c", "condition": "has_tag('pii')"}],
        "column_mask": {"function_name": "c.s.hide", "on_column": "c"},
    }
    fake.policy("p", "catalog", "c", to=everybody, **body)

    shop.give(shop.product("c.s.t1", masked=["email"]))

    assert "unprotected_column" in shop.trouble()
    assert seen(fake, "c.s.t1") == "none"


class TestTrusted:
    """A person has read the view, and says so in the settings."""

    @pytest.fixture
    def trusting(self, fake, shop):
        """Register the table, make a materialized view, and trust it as it is now."""
        register(shop, "c.s.t1", ["email"])
        view(fake, "c.s.inner", over={"id": "c.s.t1.id"})
        view(fake, "c.s.kept", kind="MATERIALIZED_VIEW", over={"id": "c.s.inner.id"})
        shop.close()
        shop.settings["trusted_views"] = {"C.S.Kept": fingerprint_of(fake, "c.s.kept")}
        shop.market = shop.open()
        return Shop(fake, **shop.settings)

    @pytest.mark.parametrize("change", ["", "c.s.kept", "c.s.inner"])
    def test_only_as_long_as_nothing_behind_it_has_changed(self, fake, trusting, change):
        register(trusting, "c.s.t1", ["email"])
        if change:
            fake.redefine(change, definition="SELECT email AS id FROM c.s.t1")

        trusting.give(trusting.product("c.s.kept"))

        assert trusting.state() == ("wanted" if change else "active"), trusting.trouble()
        assert seen(fake, "c.s.kept", "id") == ("none" if change else "clear")
        trusting.close()

    def test_the_command_says_what_is_trusted(self, fake, shop):
        view(fake, "c.s.kept", kind="MATERIALIZED_VIEW")
        lines = fingerprinted(fake, "c.s.kept")

        assert lines[0] == "# c.s.kept was filled from c.s.t1, with the rights of its owner"
        assert lines[-1].startswith('trusted_views = {"c.s.kept" = "')
        assert fingerprinted(fake, "c.s.t1")[-1].startswith("# it is no view")
        assert fingerprinted(fake, "c.s.none") == [
            "# there is no table or view c.s.none, or it may not be seen"
        ]

    def test_a_view_whose_text_may_not_be_read_cannot_be_trusted(self, fake, shop):
        view(fake, "c.s.kept", kind="MATERIALIZED_VIEW", definition="")

        assert fingerprinted(fake, "c.s.kept")[-1].startswith("# it is no view, or the text")

    @pytest.mark.parametrize("given", [{"c.s.v": "yes"}, {"v": "0" * 64}, {"c.s.v": 1}])
    def test_only_fingerprints_are_taken(self, fake, given):
        with pytest.raises(InvalidInput, match="trusted_views"):
            read_settings({**fake.settings, "trusted_views": given}, lambda text: text)


def fingerprinted(fake, name):
    settings = read_settings(fake.settings, lambda text: text)
    made = DatabricksProvisioner(settings, installation=INSTALLATION)
    with made.site(call_for()) as site:
        lines = list(fingerprint(site, name))
    made.close()
    return lines


def fingerprint_of(fake, name):
    return fingerprinted(fake, name)[-1].split('"')[3]
