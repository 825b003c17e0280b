"""Catalogs, schemas, tables, functions, tags, and where requests for access go."""

from __future__ import annotations

import pytest
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.catalog import (
    AccessRequestDestinations,
    DestinationType,
    NotificationDestination,
    Securable,
    SecurableType,
    TableType,
)

UC = "/api/2.1/unity-catalog"


def test_objects_have_ids_owners_and_columns(fake, client):
    fake.function("c.s.f", "v")
    fake.mask("c.s.t", "email", "c.s.f")

    table = client.tables.get("c.s.t")

    assert table.table_id
    assert table.owner == "bob@x.org"
    assert table.table_type is TableType.MANAGED
    assert [(one.name, one.type_text) for one in table.columns] == [
        ("id", "bigint"),
        ("email", "string"),
    ]
    assert table.columns[1].mask.function_name == "c.s.f"
    assert client.schemas.get("c.s").schema_id
    assert client.catalogs.get("c").metastore_id == client.metastores.current().metastore_id
    assert client.functions.get("c.s.f").routine_definition == "v"
    assert client.tables.get("c.s.v").view_definition == "SELECT id FROM c.s.t"


def test_comments_are_told(fake, client):
    fake.catalog("k", comment="a catalog")
    fake.schema("k.s", comment="a schema")
    fake.table("k.s.t", {"id": "decimal(10,2)"}, comment="a table", comments={"id": "a column"})
    fake.manage(fake.me, "catalog", "k")

    table = client.tables.get("k.s.t")

    assert client.catalogs.get("k").comment == "a catalog"
    assert client.schemas.get("k.s").comment == "a schema"
    assert (table.comment, table.columns[0].comment) == ("a table", "a column")
    assert all(one.owner is None for one in client.tables.list("k", "s", omit_username=True))


def test_further_columns_of_a_mask_are_told(fake, client):
    fake.function("c.s.f", "v", parameters={"v": "STRING", "i": "BIGINT"})
    fake.mask("c.s.t", "email", "c.s.f", using=["id"])

    assert client.tables.get("c.s.t").columns[1].mask.using_column_names == ["id"]


def test_the_metastore_is_summarised(client):
    assert client.metastores.summary().metastore_id == client.metastores.current().metastore_id


def test_an_owner_that_was_deleted_has_no_name(fake, client):
    fake.drop("user", "bob@x.org")

    assert client.tables.get("c.s.t").owner == ""


def test_what_a_test_gets_wrong_is_told_at_once(fake):
    with pytest.raises(ValueError, match="already"):
        fake.table("c.s.t", {})
    with pytest.raises(LookupError, match="no principal"):
        fake.add_member("g", "nobody@x.org")


@pytest.mark.parametrize(
    "target",
    [
        f"{UC}/tables/c.s.t/exists",
        f"{UC}/entity-tag-assignments/tables/c.s.t/tags",
        "/api/3.0/rfa/destinations/table/c.s.t",
    ],
)
def test_what_belongs_to_an_object_is_for_who_may_see_it(fake, ask, target):
    assert ask("GET", target, token=fake.token_of("ann@x.org"))[0] == 403


def test_a_table_is_found_in_any_case(client):
    assert client.tables.get("C.S.T").full_name == "c.s.t"


def test_listings_have_pages_and_show_what_may_be_seen(fake, client):
    fake.table("d.s.hidden", {"id": "bigint"})
    fake.table("c.other.t", {"id": "bigint"})
    fake.pages(size=1, empty=1)

    assert [one.name for one in client.catalogs.list()] == ["c"]
    assert {one.name for one in client.schemas.list("c")} == {"s", "other"}
    assert {one.name for one in client.tables.list("c", "s")} == {"t", "v"}
    assert all(one.columns == [] for one in client.tables.list("c", "s", omit_columns=True))


def test_a_listing_of_what_is_not_there_is_refused(client, ask):
    with pytest.raises(NotFound):
        list(client.schemas.list("nothing"))
    assert ask("GET", f"{UC}/tables?catalog_name=c")[0] == 400


def test_who_may_not_see_is_told_what_is_missing(fake, ask):
    token = fake.token_of("ann@x.org")
    path = f"{UC}/tables/c.s.t"

    assert "USE CATALOG on Catalog 'c'" in ask("GET", path, token=token)[1]["message"]
    fake.give("ann@x.org", "USE_CATALOG", "catalog", "c")
    assert "USE SCHEMA on Schema 'c.s'" in ask("GET", path, token=token)[1]["message"]
    fake.give("ann@x.org", "USE_SCHEMA", "schema", "c.s")
    assert "SELECT on Table 'c.s.t'" in ask("GET", path, token=token)[1]["message"]
    fake.give("g", "SELECT", "table", "c.s.t")
    assert ask("GET", path, token=token)[0] == 200


def test_browse_shows_an_object_to_who_asks_for_it(fake, ask):
    token = fake.token_of("ann@x.org")
    fake.give("ann@x.org", "BROWSE", "catalog", "c")

    assert ask("GET", f"{UC}/tables/c.s.t", token=token)[0] == 403
    _, found = ask("GET", f"{UC}/tables/c.s.t?include_browse=true", token=token)
    assert found["browse_only"] is True


def test_whether_a_table_exists_is_asked_as_well(fake, client):
    assert client.tables.exists("c.s.t").table_exists is True
    assert client.tables.exists("c.s.nothing").table_exists is False


def test_tags_of_tables_and_columns_are_listed(fake, client):
    fake.tag("c.s.t", "domain", "sales")
    fake.tag("c.s.t", "pii", "email", column="email")

    (on_table,) = client.entity_tag_assignments.list("tables", "c.s.t")
    (on_column,) = client.entity_tag_assignments.list("columns", "c.s.t.email")

    assert (on_table.tag_key, on_table.tag_value) == ("domain", "sales")
    assert (on_column.tag_key, on_column.tag_value) == ("pii", "email")
    with pytest.raises(NotFound):
        list(client.entity_tag_assignments.list("columns", "c.s.t.nothing"))
    with pytest.raises(InvalidParameterValue):
        list(client.entity_tag_assignments.list("table", "c.s.t"))


def test_columns_come_and_go(fake, client):
    fake.column("c.s.t", "phone", "string")
    fake.column("c.s.t", "id", None)

    assert [one.name for one in client.tables.get("c.s.t").columns] == ["email", "phone"]


class TestDestinations:
    """Where a person is sent who asks for access."""

    def set(self, client, *ids, name="c.s.t", type=DestinationType.URL):
        return client.rfa.update_access_request_destinations(
            AccessRequestDestinations(
                securable=Securable(type=SecurableType.TABLE, full_name=name),
                destinations=[
                    NotificationDestination(destination_id=id, destination_type=type) for id in ids
                ],
            ),
            "destinations",
        )

    def test_a_page_is_set_and_read_back(self, client):
        self.set(client, "https://market.example/p1")

        found = client.rfa.get_access_request_destinations("table", "c.s.t")

        assert [one.destination_id for one in found.destinations] == ["https://market.example/p1"]

    def test_a_table_without_one_has_that_of_its_catalog(self, fake, ask):
        body = {
            "securable": {"type": "CATALOG", "full_name": "c"},
            "destinations": [{"destination_type": "EMAIL", "destination_id": "o@x.org"}],
        }
        target = "/api/3.0/rfa/destinations?update_mask=destinations"
        assert ask("PATCH", target, body)[0] == 200

        _, found = ask("GET", "/api/3.0/rfa/destinations/table/c.s.t")

        assert found["destination_source_securable"] == {"type": "CATALOG", "full_name": "c"}

    def test_a_page_stands_alone(self, client):
        with pytest.raises(InvalidParameterValue):
            self.set(client, "https://a.example", "https://b.example")
        with pytest.raises(InvalidParameterValue):
            self.set(client, "no address")

    @pytest.mark.parametrize(
        ("mask", "destination"),
        [
            ("everything", {"destination_type": "EMAIL", "destination_id": "o@x.org"}),
            ("destinations", {"special_destination": "SPECIAL_DESTINATION_TABLE_OWNER"}),
        ],
    )
    def test_what_cannot_be_set_is_refused(self, ask, mask, destination):
        body = {
            "securable": {"type": "TABLE", "full_name": "c.s.t"},
            "destinations": [destination],
        }

        assert ask("PATCH", f"/api/3.0/rfa/destinations?update_mask={mask}", body)[0] == 400

    def test_it_is_set_by_who_manages_the_table(self, fake, client):
        fake.take(fake.me, "MANAGE", "catalog", "c")

        with pytest.raises(PermissionDenied):
            self.set(client, "https://market.example/p1")
