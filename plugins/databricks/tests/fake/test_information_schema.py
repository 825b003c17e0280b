"""What discovery reads of a catalog by SQL."""

from __future__ import annotations

import pytest


class TestInformationSchema:
    """The views of a catalog, and of all of them in ``system``."""

    @pytest.fixture(autouse=True)
    def described(self, fake):
        fake.function("c.s.f", "'***'")
        fake.mask("c.s.t", "email", "c.s.f")
        fake.tag("c.s.t", "domain", "sales")
        fake.tag("c.s.t", "pii", "email", column="email")
        fake.table("hidden.s.t", {"id": "bigint"})

    @pytest.mark.parametrize(
        ("statement", "rows"),
        [
            (
                (
                    "SELECT table_schema, table_name, table_type, table_owner FROM"
                    " c.information_schema.tables WHERE table_catalog = 'c' ORDER BY table_name"
                ),
                [["s", "t", "MANAGED", "bob@x.org"], ["s", "v", "VIEW", "account-admin@x.org"]],
            ),
            (
                (
                    "SELECT column_name, full_data_type FROM system.information_schema.columns"
                    " WHERE table_name IN ('t', 'x') ORDER BY column_name LIMIT 1"
                ),
                [["email", "string"]],
            ),
            (
                (
                    "SELECT table_name, column_name, mask_catalog, mask_schema, mask_name,"
                    " mask_col_usage FROM system.information_schema.column_masks"
                ),
                [["t", "email", "c", "s", "f", None]],
            ),
            (
                "SELECT table_name, tag_name, tag_value FROM c.information_schema.table_tags",
                [["t", "domain", "sales"]],
            ),
            (
                "SELECT column_name, tag_name, tag_value FROM c.information_schema.column_tags",
                [["email", "pii", "email"]],
            ),
            (
                (
                    "SELECT '' AS column_name, tag_name FROM c.information_schema.table_tags"
                    " WHERE catalog_name = 'c'"
                ),
                [["", "domain"]],
            ),
            ("SELECT schema_name FROM system.information_schema.schemata", [["s"]]),
        ],
    )
    def test_the_views_tell_what_the_caller_may_see(self, fine, statement, rows):
        assert fine(statement) == rows

    def test_another_view_is_not_found(self, fails):
        assert fails("SELECT x FROM c.information_schema.routines") == "TABLE_OR_VIEW_NOT_FOUND"
